"""What the files that a person names hold: images, the boards of a storyboard, the pages of a PDF."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NoReturn

from . import images, pdf, psd, storyboarder
from .errors import InputError, SketchPoseError
from .images import Picture, read_image, read_layers
from .storyboarder import Panel

#: Endings of files that hold several drawings.
SEVERAL = frozenset([storyboarder.SUFFIX, pdf.SUFFIX])
#: Endings of files that a folder is searched for.
SUFFIXES = images.SUFFIXES | SEVERAL


#: A Storyboarder screenplay is a text with this ending; beside it is a folder with a project for each of its scenes.
SCREENPLAY, SCENES = ".fountain", "storyboards"

#: Number of a drawing in its file, what reads it, and its board. A panel of a page has two numbers, a lone image none.
_Part = tuple[tuple[int, ...], Callable[[], Picture], Panel | None]


@dataclass(frozen=True)
class Drawing:
    """One picture to pose: an image file, or a part of a file that holds several.

    Attributes:
        file: its name in ``poses.json``: the file's, and for a part of it ``#`` and its number, as in
            ``scene.storyboarder#3`` and ``pages.pdf#2``, or ``pages.pdf#2.1`` for a panel of a page.
        path: the file.
        stem: how the names of files that are made from it begin: ``scene_3``.
        read: reads it; raises an InputError where that fails.
        board: what the storyboard says of it, None where it is of none.
    """

    file: str
    path: Path
    stem: str
    read: Callable[[], Picture] = field(repr=False, compare=False)
    board: Panel | None = field(default=None, repr=False, compare=False)

    @property
    def error(self) -> str | None:
        """Why it cannot be read, where that is known already."""
        if isinstance(self.read, partial) and self.read.func is _refuse:
            return str(self.read.args[0])
        return None

    def whole_file(self) -> Path | None:
        """The image file that is this drawing and nothing else, None where it has to be put together."""
        if self.board is not None:
            alone = len(self.board.layers) == 1 and self.board.layers[0].opacity == 1
            return self.board.layers[0].path if alone else None
        several = self.path.suffix.lower() in SEVERAL or self.path.suffix.lower() in psd.SUFFIXES
        return None if several or not is_file(self.path) else self.path


def drawings_of(path: Path) -> Iterator[Drawing]:
    """The drawings in a file, in order. A file that holds none is one drawing, which fails with the reason."""
    parts = {storyboarder.SUFFIX: _boards, pdf.SUFFIX: _pages}.get(path.suffix.lower(), _image)
    if not is_file(path):
        parts = _image  # has a sentence for what is missing, a folder or a device
    try:
        for numbers, read, board in parts(path):
            name = f"{path}#{'.'.join(map(str, numbers))}" if numbers else str(path)
            yield Drawing(name, path, "_".join([path.stem, *map(str, numbers)]), read, board)
    except SketchPoseError as error:
        yield Drawing(str(path), path, path.stem, partial(_refuse, str(error)))


def _image(path: Path) -> Iterator[_Part]:
    yield (), partial(read_image, path), None


def _boards(path: Path) -> Iterator[_Part]:
    for panel in storyboarder.read_storyboarder(path):
        layers = [(layer.path, layer.opacity) for layer in panel.layers]
        read = partial(_refuse, panel.error) if panel.error else partial(read_layers, layers)
        yield (panel.number,), read, panel


def _pages(path: Path) -> Iterator[_Part]:
    for page in pdf.split_pages(path):
        if page.error is not None:
            yield (page.number,), partial(_refuse, page.error), None
        elif not page.panels:
            yield (page.number,), partial(pdf.read_page, path, page.number), None
        for number, box in enumerate(page.panels, 1):
            yield (page.number, number), partial(pdf.read_page, path, page.number, box), None


def _refuse(reason: str) -> NoReturn:
    raise InputError(reason)


def find_files(inputs: Iterable[str]) -> list[Path]:
    """The files that the inputs name: files as given, folders expanded and sorted naturally.

    A folder without drawings is given back itself, to fail with a sentence. The folder of pictures of a
    storyboard that is among the files is left out: its boards are what it holds. A Storyboarder screenplay, or
    the folder that it is in, names the projects of its scenes.
    """
    found: list[Path] = []
    pictures: list[Path] = []
    for name in inputs:
        path = Path(name)
        if path.suffix.lower() == SCREENPLAY:
            files = _scenes_in(path.parent / SCENES)
        else:
            files = _files_in(path) if is_folder(path) else []
        if files and path.name == storyboarder.IMAGES:
            pictures += files
        found += files or [path]
    projects = {file.parent for file in found if file.suffix.lower() == storyboarder.SUFFIX}
    doubled = {file for file in pictures if file.parent.parent in projects}
    return [file for file in found if file not in doubled]


def _files_in(folder: Path) -> list[Path]:
    """The drawings in a folder, and the scenes where it is a screenplay's."""
    scenes = _scenes_in(folder if folder.name == SCENES else folder / SCENES)
    return _drawings_in(folder, SUFFIXES) + scenes


def _scenes_in(folder: Path) -> list[Path]:
    """The projects of a screenplay's scenes, each in a folder of its own: scene 2 before scene 10."""
    try:
        scenes = sorted((scene for scene in folder.iterdir() if scene.is_dir()), key=natural_key)
    except OSError:
        return []
    return [file for scene in scenes for file in _drawings_in(scene, {storyboarder.SUFFIX})]


def _drawings_in(folder: Path, suffixes: Collection[str]) -> list[Path]:
    try:
        files = [file for file in folder.iterdir() if file.suffix.lower() in suffixes and file.is_file()]
    except OSError:
        return []
    return sorted((file for file in files if not file.name.startswith(".")), key=natural_key)


def is_folder(path: Path) -> bool:
    """Whether there is a folder, as far as that can be told: a path may be too long or out of reach."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def is_file(path: Path) -> bool:
    """Whether there is a file, as far as that can be told."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def natural_key(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Sorts panel2 before panel10."""
    parts = re.split(r"(\d+)", path.name.casefold())
    return tuple((0, int(part), "") if index % 2 else (1, 0, part) for index, part in enumerate(parts))
