"""What the files that a person names hold: images, the boards of a storyboard, the pages of a PDF."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NoReturn

from . import images, pdf, storyboarder
from .errors import InputError, SketchPoseError
from .images import Picture, read_image, read_layers

#: Endings of files that hold several drawings.
SEVERAL = frozenset([storyboarder.SUFFIX, pdf.SUFFIX])
#: Endings of files that a folder is searched for.
SUFFIXES = images.SUFFIXES | SEVERAL


#: Number of a drawing in its file, and what reads it. A panel of a page has two numbers, a lone image none.
_Part = tuple[tuple[int, ...], Callable[[], Picture]]


@dataclass(frozen=True)
class Drawing:
    """One picture to pose: an image file, or a part of a file that holds several.

    Attributes:
        file: its name in ``poses.json``: the file's, and for a part of it ``#`` and its number, as in
            ``scene.storyboarder#3`` and ``pages.pdf#2``, or ``pages.pdf#2.1`` for a panel of a page.
        path: the file.
        stem: how the names of files that are made from it begin: ``scene_3``.
        read: reads it; raises an InputError where that fails.
    """

    file: str
    path: Path
    stem: str
    read: Callable[[], Picture] = field(repr=False, compare=False)


def drawings_of(path: Path) -> Iterator[Drawing]:
    """The drawings in a file, in order. A file that holds none is one drawing, which fails with the reason."""
    parts = {storyboarder.SUFFIX: _boards, pdf.SUFFIX: _pages}.get(path.suffix.lower(), _image)
    if not _is_file(path):
        parts = _image  # has a sentence for what is missing, a folder or a device
    try:
        for numbers, read in parts(path):
            name = f"{path}#{'.'.join(map(str, numbers))}" if numbers else str(path)
            yield Drawing(name, path, "_".join([path.stem, *map(str, numbers)]), read)
    except SketchPoseError as error:
        yield Drawing(str(path), path, path.stem, partial(_refuse, str(error)))


def _image(path: Path) -> Iterator[_Part]:
    yield (), partial(read_image, path)


def _boards(path: Path) -> Iterator[_Part]:
    for panel in storyboarder.read_storyboarder(path):
        layers = [(layer.path, layer.opacity) for layer in panel.layers]
        read = partial(_refuse, panel.error) if panel.error else partial(read_layers, layers)
        yield (panel.number,), read


def _pages(path: Path) -> Iterator[_Part]:
    for page in pdf.split_pages(path):
        if page.error is not None:
            yield (page.number,), partial(_refuse, page.error)
        elif not page.panels:
            yield (page.number,), partial(pdf.read_page, path, page.number)
        for number, box in enumerate(page.panels, 1):
            yield (page.number, number), partial(pdf.read_page, path, page.number, box)


def _refuse(reason: str) -> NoReturn:
    raise InputError(reason)


def find_files(inputs: Iterable[str]) -> list[Path]:
    """The files that the inputs name: files as given, folders expanded and sorted naturally.

    A folder without drawings is given back itself, to fail with a sentence. The folder of pictures of a
    storyboard that is among the files is left out: its boards are what it holds.
    """
    found: list[Path] = []
    pictures: list[Path] = []
    for name in inputs:
        path = Path(name)
        files = _files_in(path) if is_folder(path) else []
        if files and path.name == storyboarder.IMAGES:
            pictures += files
        found += files or [path]
    projects = {file.parent for file in found if file.suffix.lower() == storyboarder.SUFFIX}
    doubled = {file for file in pictures if file.parent.parent in projects}
    return [file for file in found if file not in doubled]


def _files_in(folder: Path) -> list[Path]:
    try:
        files = [file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file()]
    except OSError:
        return []
    return sorted((file for file in files if not file.name.startswith(".")), key=natural_key)


def is_folder(path: Path) -> bool:
    """Whether there is a folder, as far as that can be told: a path may be too long or out of reach."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def natural_key(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Sorts panel2 before panel10."""
    parts = re.split(r"(\d+)", path.name.casefold())
    return tuple((0, int(part), "") if index % 2 else (1, 0, part) for index, part in enumerate(parts))
