#!/bin/bash
# test_blender.sh PYTHON: runs each file of tests/blender in a Blender of its own, with an interpreter that has bpy.
#
# A file of its own starts each in an untouched Blender, as a person's is. Blender 4.2 crashes now and then in a process
# that has made Rigify rigs (tests/blender/conftest.py): where Blender itself dies, not a test, the file is run once
# more, and the list of such files is printed.
set -u
failed=()
crashed=()
for file in tests/blender/test_*.py; do
    "$1" -m pytest -m "blender and not slow and not gui" "$file"
    code=$?
    if [ $code -gt 128 ]; then
        crashed+=("$file")
        "$1" -m pytest -m "blender and not slow and not gui" "$file"
        code=$?
    fi
    # 5: all tests of the file are of a kind that is not run here.
    [ $code -eq 0 ] || [ $code -eq 5 ] || failed+=("$file")
done
[ ${#crashed[@]} -eq 0 ] || echo "Blender crashed at first in: ${crashed[*]}" >&2
if [ ${#failed[@]} -gt 0 ]; then
    echo "Failed: ${failed[*]}" >&2
    exit 1
fi
