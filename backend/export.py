"""Writing results: ``poses.json``, and files that are whole or not there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .api import PoseResult, dumps

#: Name of the result file in the output folder.
POSES_FILE = "poses.json"


def write_poses(result: PoseResult, folder: Path) -> Path:
    """Write ``poses.json`` into an existing folder and return its path."""
    path = folder / POSES_FILE
    with replacing(path) as temporary:
        temporary.write_text(dumps(result), encoding="utf-8")
    return path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well.

    Whoever reads ``path`` meanwhile sees the old file or the new one, never a half; a failed block
    leaves nothing behind.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
