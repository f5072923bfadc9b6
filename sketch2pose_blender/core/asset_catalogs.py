"""The catalogs of an asset library: the file ``blender_assets.cats.txt`` in its folder, which Blender reads.

A line holds a catalog's identity, its path such as ``Poses/Standing``, and a simple name.
"""

from __future__ import annotations

import uuid
from pathlib import Path

from .boundary import InputError

FILE = "blender_assets.cats.txt"
_HEADER = """\
# This is an Asset Catalog Definition file for Blender.
#
# Empty lines and lines starting with `#` will be ignored.
# The first non-ignored line should be the version indicator.
# Other lines are of the format "UUID:catalog/path/for/assets:simple catalog name"

VERSION 1
"""


def plain_path(path: str) -> str:
    """A catalog's path as Blender writes it: without empty parts, and without the colons that part a line."""
    parts = (part.strip() for part in path.replace("\\", "/").replace(":", "-").split("/"))
    return "/".join(" ".join(part.split()) for part in parts if part)


def catalog(folder: Path, path: str) -> str:
    """The identity of a catalog of a library; one that is not there yet is added to the library's file.

    Args:
        folder: the library's folder.
        path: the catalog's, not empty.

    Raises:
        InputError: the file cannot be read or written, or is no file of catalogs.
    """
    path, file = plain_path(path), folder / FILE
    try:
        text = file.read_text(encoding="utf-8") if file.exists() else _HEADER
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{file} cannot be read; choose another library, or leave the catalog empty."
        ) from error
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines or lines[0] != "VERSION 1":
        raise InputError(f"{file} is of another version; choose another library, or leave the catalog empty.")
    for line in lines[1:]:
        identity, _, rest = line.partition(":")
        if rest.partition(":")[0] == path:
            return identity
    identity = str(uuid.uuid4())
    end = "" if text.endswith("\n") else "\n"
    part = file.with_name(f"{FILE}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_text(f"{text}{end}{identity}:{path}:{path.replace('/', '-')}\n", encoding="utf-8")
        part.replace(file)
    except OSError as error:
        raise InputError(f"{file} cannot be written ({error.strerror}); choose another library.") from error
    return identity
