"""Whether the packages (wheels) that came in the zip run on this machine: Blender itself looks at less."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterable
from pathlib import Path

#: Where the zip has them; Blender unpacks those that fit to a folder of its own and leaves these.
WHEELS = Path(__file__).parents[1] / "wheels"


def obstacle(
    wheels: Iterable[str] | None = None,
    *,
    python: tuple[int, int] = sys.version_info[:2],
    macos: str | None = None,
) -> str | None:
    """One sentence on why the extension cannot work here; None where nothing is in the way.

    Args:
        wheels: file names of wheels; None for those that came in the zip, which are none where the extension
            is run from the repository.
        python: version of Blender's Python.
        macos: version of macOS such as "13.6.1", "" on another system; None for this machine's.
    """
    if wheels is None:
        wheels = [path.name for path in WHEELS.glob("*.whl")]
    tags = [name.removesuffix(".whl").split("-") for name in wheels]
    fitting = [tag for tag in tags if _fits(tag, python)]
    if {tag[0] for tag in fitting} != {tag[0] for tag in tags}:
        built = sorted({f"{tag[-3][2]}.{tag[-3][3:]}" for tag in tags if tag[-3].startswith("cp")})
        return (
            f"This Blender runs Python {python[0]}.{python[1]}, and Sketch2Pose has packages for "
            f"{' and '.join(built)}; use Blender 4.2 to 5.2 from blender.org."
        )
    if macos is None:
        macos = platform.mac_ver()[0]
    found = [re.match(r"macosx_(\d+)_(\d+)_", tag[-1]) for tag in fitting]
    least = max(((int(match[1]), int(match[2])) for match in found if match), default=None)
    have = tuple(int(part) for part in macos.split(".")[:2]) if macos else None
    if least and have and have < least:
        return f"Sketch2Pose needs macOS {least[0]}.{least[1]} or later, and this is macOS {macos}; update macOS."
    return None


def _fits(tag: list[str], python: tuple[int, int]) -> bool:
    """Whether a wheel's tags suit a Python: those of the stable interface (abi3) suit every later one too."""
    if tag[-3].startswith("py"):
        return True
    version = (int(tag[-3][2]), int(tag[-3][3:]))
    return version == python or (tag[-2] == "abi3" and version <= python)
