#!/bin/bash
# test_blender.sh PYTHON: runs each file of tests/blender in a Blender of its own, with an interpreter that has bpy.
#
# One process for all of them registers the extension some four hundred times; Blender 4.2's memory does not
# outlast that (seen: aborts while a file is opened, and at the end), and no artist does it.
set -u
failed=()
for file in tests/blender/test_*.py; do
    "$1" -m pytest -m "blender and not slow and not gui" "$file"
    code=$?
    # 5: all tests of the file are of a kind that is not run here.
    [ $code -eq 0 ] || [ $code -eq 5 ] || failed+=("$file")
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "Failed: ${failed[*]}" >&2
    exit 1
fi
