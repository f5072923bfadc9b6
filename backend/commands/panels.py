"""List the drawings that files and storyboards hold, one JSON object a line, for other programs such as Blender.

The request is a JSON object on standard input, since it may name more files than a command line takes: ``inputs``,
as ``pose`` takes them, and for the pictures of some of the drawings ``pictures``, a folder for those that lie in no
image file of their own, and ``only``, the names of the drawings that are wanted. Each line has ``file`` (the drawing's
name in ``poses.json``), ``source`` (the file that it is in), ``name``, ``shot``, ``start`` and ``duration`` (seconds,
null where the file does not tell), ``picture`` (an image file, null where there is none yet) and ``error`` (why there
is none, one sentence, else null).
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, SketchPoseError

if TYPE_CHECKING:
    from ..drawings import Drawing


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        inputs: files and folders.
        pictures: where pictures are written, None for none.
        only: names of the drawings that are wanted, None for all.
    """

    inputs: list[str]
    pictures: Path | None = None
    only: frozenset[str] | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: none."""


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001
    """Run the command; returns the exit code."""
    from ..drawings import drawings_of, find_files

    request = read_request(sys.stdin.read())
    left = None if request.only is None else set(request.only)
    for file in find_files(request.inputs):
        for drawing in drawings_of(file):
            if left is None or drawing.file in left:
                print(json.dumps(describe(drawing, request.pictures)), flush=True)
            if left is not None:
                left.discard(drawing.file)
                if not left:  # a page that nobody wants need not be drawn
                    return 0
    return 0


def read_request(text: str) -> Request:
    """The request. Raises InputError where it is none."""
    try:
        plain = json.loads(text)
        inputs, pictures, only = (plain.get(name) for name in ("inputs", "pictures", "only"))
        request = Request(
            [str(Path(name)) for name in inputs],
            None if pictures is None else Path(pictures),
            None if only is None else frozenset(map(str, only)),
        )
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            'The request is none; give {"inputs": ["FILE", ...]} on the standard input.'
        ) from error
    return request


def describe(drawing: Drawing, pictures: Path | None) -> dict[str, Any]:
    """A drawing as the line that tells it; ``pictures``: where its picture is written if it has no file, or None."""
    board, picture, error = drawing.board, drawing.whole_file(), drawing.error
    if picture is None and error is None:
        try:
            picture = _picture(drawing, pictures)
        except SketchPoseError as reason:
            error = str(reason)
        except MemoryError:
            error = "There is not enough memory for this image; make it smaller."
    return {
        "file": drawing.file,
        "source": str(drawing.path),
        "name": board.name if board is not None and board.name else drawing.stem,
        "shot": board.shot if board is not None else "",
        "start": board.start if board is not None else None,
        "duration": board.duration if board is not None else None,
        "picture": None if picture is None else str(picture),
        "error": error,
    }


def _picture(drawing: Drawing, folder: Path | None) -> Path | None:
    """The drawing, put together and written to the folder if there is one.

    Raises:
        SketchPoseError: it cannot be read or written.
    """
    from PIL import Image

    from ..drawings import is_file

    if folder is None:
        if not is_file(drawing.path):
            drawing.read()  # finds out what is wrong with it
        return None
    image = Image.fromarray(drawing.read().rgb)
    path = folder / f"{len(list(folder.iterdir()))}.png"
    try:
        image.save(path, compress_level=1)
    except OSError as error:
        raise InputError(
            f"The drawing cannot be written to {folder} ({error.strerror}); free some space on the disk."
        ) from error
    return path
