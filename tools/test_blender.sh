#!/bin/bash
# test_blender.sh PYTHON: runs each file of tests/blender in a Blender of its own, with an interpreter that has bpy.
#
# A file of its own starts each in an untouched Blender, as a person's is. (Nothing forces it: 493 tests passed in one
# process of Blender 4.2 with malloc's checks on. What crashed at its end: tests/blender/conftest.py says.)
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
