#!/bin/sh
# Prints the first Python that has one of the given versions: find_python.sh 3.11 3.13
# $PYTHON, where it is set, is the only one looked at.
set -eu

runs_as() { # runs_as PROGRAM VERSION
    [ "$("$1" -c 'import sys, venv, ensurepip; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$2" ]
}

for version in "$@"; do
    if [ -n "${PYTHON:-}" ]; then
        candidates=$PYTHON
    else
        candidates="python$version python3 $(ls -d "$HOME"/.pyenv/versions/"$version".*/bin/python 2>/dev/null || true)"
    fi
    for candidate in $candidates; do
        if program=$(command -v "$candidate") && runs_as "$program" "$version"; then
            echo "$program"
            exit 0
        fi
    done
done

wanted=$(echo "$*" | sed 's/ / or /g')
if [ -n "${PYTHON:-}" ]; then
    echo "PYTHON=$PYTHON is not Python $wanted; give the path of one, or leave PYTHON out." >&2
else
    echo "Python $wanted was not found; install it (with its venv module) or give its path: make PYTHON=/path/to/python ..." >&2
fi
exit 1
