"""Names the system libraries that the bpy wheel needs and this machine lacks, in one sentence.

The wheel brings Blender but not the display libraries it links to. Only Linux needs the check.
"""

from __future__ import annotations

import ctypes
import sys

#: Shared library -> the Debian and Ubuntu package that holds it.
LIBRARIES = {
    "libX11.so.6": "libx11-6",
    "libXrender.so.1": "libxrender1",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
}


def missing_libraries() -> list[str]:
    """The libraries of LIBRARIES that do not load."""
    missing = []
    for library in LIBRARIES:
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(library)
    return missing


def main() -> int:
    """Exit code 1 and one sentence on stderr where a library is missing."""
    if not sys.platform.startswith("linux"):
        return 0
    missing = missing_libraries()
    if not missing:
        return 0
    packages = " ".join(LIBRARIES[library] for library in missing)
    print(
        f"Blender needs {', '.join(missing)}, which this machine lacks; install them first "
        f"(on Debian and Ubuntu: sudo apt-get install {packages}).",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
