"""Runs the backend in a child process: ``python -I bootstrap.py FOLDERS pose IMAGE ...``.

Python's isolated mode (-I) keeps the user's environment variables, the user's site-packages, and the
current and this script's folder out of the import path, so what the backend needs is named: FOLDERS are import paths joined by ``os.pathsep``.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    folders = sys.argv.pop(1)
    sys.path[:0] = folders.split(os.pathsep)
    # Nothing is written beside the code, which may be read-only.
    sys.dont_write_bytecode = True

    from backend.__main__ import main

    sys.exit(main())
