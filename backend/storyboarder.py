"""Projects of Wonder Unit's Storyboarder: which pictures make up a board, and when it is seen.

Standard library only, so that Blender's own process can list a project's boards too; nothing is decoded here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import InputError, unopened

#: Ending of a project's file.
SUFFIX = ".storyboarder"
#: Folder of a project's pictures, beside its file.
IMAGES = "images"
#: The layers that show the figures, the lowest first, as Storyboarder stacks them. Reference (below the fill) and
#: notes (above the ink) are no part of the drawing.
DRAWN_LAYERS = ("shot-generator", "fill", "tone", "pencil", "ink")
#: Largest file that is read, bytes. A board takes about a thousand, with a Shot Generator scene some ten thousand.
MOST_BYTES = 64_000_000
#: Most boards of a project; a feature film has some three thousand.
MOST_BOARDS = 10_000
#: Longest text that is kept of a board, characters.
LONGEST_TEXT = 10_000
#: How long a board is shown where the project does not say, milliseconds: Storyboarder's own default.
_DEFAULT_TIMING = 2000.0
#: Latest time that is believed, milliseconds: a hundred hours.
_LATEST = 360_000_000.0


@dataclass(frozen=True)
class Layer:
    """One picture of a board.

    Attributes:
        path: an image file inside the project.
        opacity: 0..1.
    """

    path: Path
    opacity: float = 1.0


@dataclass(frozen=True)
class Panel:
    """One board of a project.

    Attributes:
        name: as Storyboarder calls its picture, without the ending: ``board-3-1GB9X``.
        layers: what to pose: pictures that lie over each other, the lowest first; empty where there is none.
        shot: name of its shot, such as ``2A``.
        number: of the board in the project, from 1.
        start: seconds from the beginning of the project.
        duration: seconds that it is seen.
        audio: seconds that its sound lasts, 0 without; may be longer than ``duration``.
        dialogue: what is said.
        action: what happens.
        notes: the artist's.
        error: why it cannot be posed, in one sentence, else None.
    """

    name: str
    layers: tuple[Layer, ...]
    shot: str
    number: int
    start: float
    duration: float
    audio: float = 0.0
    dialogue: str = ""
    action: str = ""
    notes: str = ""
    error: str | None = None


def read_storyboarder(path: Path | str) -> list[Panel]:
    """The boards of a project, in order; a board without a picture has ``error`` set.

    Files of all versions are read: those that keep one picture a board and those that keep its layers.

    Raises:
        InputError: the file cannot be read, is no project, or has no boards.
    """
    path = Path(path)
    project = _project(path)
    boards = project.get("boards")
    if not isinstance(boards, list):
        raise _no_project()
    if not boards:
        raise InputError("The Storyboarder project has no boards; draw one, save it and try again.")
    if len(boards) > MOST_BOARDS:
        raise InputError(
            f"The Storyboarder project has {len(boards):,} boards; split it into ones of at most {MOST_BOARDS:,}."
        )
    timing = _milliseconds(project.get("defaultBoardTiming")) or _DEFAULT_TIMING
    panels: list[Panel] = []
    for number, board in enumerate(boards, 1):
        end = panels[-1].start + panels[-1].duration if panels else 0.0
        panels.append(_panel(board if isinstance(board, dict) else {}, number, end, timing, path.parent))
    return panels


def _project(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise unopened(error) from error
    if len(content) > MOST_BYTES:
        raise InputError(
            f"The file is larger than {MOST_BYTES // 1_000_000} MB, too large for a Storyboarder project; check it."
        )
    try:
        project = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _no_project() from error
    if not isinstance(project, dict):
        raise _no_project()
    return project


def _no_project() -> InputError:
    return InputError("The file is no Storyboarder project, or is damaged; save it again in Storyboarder.")


def _panel(board: Mapping[str, Any], number: int, end: float, timing: float, folder: Path) -> Panel:
    """A board; ``end``: seconds, when the one before ends; ``timing``: how long it is seen by default, ms."""
    error = None
    layers: tuple[Layer, ...] = ()
    try:
        layers = _pictures(board, folder)
    except InputError as reason:
        error = str(reason)
    start = _milliseconds(board.get("time"))
    audio = board.get("audio")
    return Panel(
        name=_text(board.get("url")).removesuffix(".png"),
        layers=layers,
        shot=_text(board.get("shot")),
        number=number,
        start=end if start is None else start / 1000,
        duration=(_milliseconds(board.get("duration")) or timing) / 1000,
        audio=(_milliseconds(audio.get("duration")) or 0.0) / 1000 if isinstance(audio, dict) else 0.0,
        dialogue=_text(board.get("dialogue")),
        action=_text(board.get("action")),
        notes=_text(board.get("notes")),
        error=error,
    )


def _pictures(board: Mapping[str, Any], folder: Path) -> tuple[Layer, ...]:
    """What to pose of a board: its own picture, else its layers, else the preview with everything in it.

    Raises:
        InputError: there is none, or a name leads out of the project.
    """
    url = board.get("url")
    if not isinstance(url, str) or not url:
        raise InputError("The board names no picture; open the project in Storyboarder and save it.")
    if (whole := _inside(folder, url)).is_file():
        return (Layer(whole),)
    layers = board.get("layers")
    layers = layers if isinstance(layers, dict) else {}
    drawn = [
        Layer(_inside(folder, layer.get("url")), _opacity(layer.get("opacity")))
        for layer in (layers.get(name) for name in DRAWN_LAYERS)
        if isinstance(layer, dict)
    ]
    # With a layer missing the drawing would be another one; the preview has all of them.
    if drawn and all(layer.path.is_file() for layer in drawn):
        return tuple(drawn)
    stem = url.removesuffix(".png")
    for preview in (f"{stem}-posterframe.jpg", f"{stem}-thumbnail.png"):
        if (path := _inside(folder, preview)).is_file():
            return (Layer(path),)
    raise InputError(
        f"The board's picture {_text(url)} is not in the folder {IMAGES}; put it there, or save the board again."
    )


def _inside(folder: Path, name: object) -> Path:
    """A file of the project's folder of pictures.

    Raises:
        InputError: the name is none of a file there, or is a link that leads elsewhere.
    """
    plain = isinstance(name, str) and name not in ("", ".", "..") and name.isprintable()
    if isinstance(name, str) and plain and not set(name) & set('/\\:*?"<>|'):
        path = folder / IMAGES / name
        try:
            if path.resolve().is_relative_to(folder.resolve()):
                path.is_file()  # Some systems refuse names that are too long only here.
                return path
        except (OSError, RuntimeError, ValueError):
            pass  # a link that leads to itself, or a name that no file can have
    raise InputError(f"The board's picture lies outside the folder {IMAGES}; copy it there and name it so.")


def _text(value: object) -> str:
    return value[:LONGEST_TEXT] if isinstance(value, str) else ""


def _number(value: object) -> float | None:
    """A finite number, which older versions wrote as a text too."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _milliseconds(value: object) -> float | None:
    number = _number(value)
    return number if number is not None and 0 <= number <= _LATEST else None


def _opacity(value: object) -> float:
    number = _number(value)
    return 1.0 if number is None else min(max(number, 0.0), 1.0)
