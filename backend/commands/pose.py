"""Pose the figures in drawings: poses.json, an overlay picture a drawing, motion files a figure."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import tee
from pathlib import Path
from typing import TYPE_CHECKING

from ..engines.choice import DEVICES, ENGINES
from ..errors import InputError, SketchPoseError

if TYPE_CHECKING:
    from ..api import Generator, ImageResult
    from ..body import Body
    from ..drawings import Drawing

FORMATS = ("json", "overlay", "npz", "bvh")
DEFAULT_FORMATS = ("json", "overlay")
#: A written file's name takes at most so many bytes of its drawing's; file systems allow 255 in all.
LONGEST_STEM = 200


class UsageError(Exception):
    """The options contradict each other or are malformed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "inputs",
        nargs="+",
        type=_named,
        metavar="INPUT",
        help="an image file (.psd: without layers named notes or reference), a storyboard (.storyboarder: each "
        "board), a .pdf (each page, or each framed panel of it), or a folder of such files",
    )
    parser.add_argument("--out", required=True, type=_named, metavar="DIR", help="where results are written")
    parser.add_argument(
        "--format",
        default=DEFAULT_FORMATS,
        type=_formats,
        metavar=",".join(FORMATS),
        help="what to write: npz as AMASS has it, z up; bvh in metres, y up (default: json,overlay)",
    )
    parser.add_argument(
        "--figures",
        default=1,
        type=_figures,
        metavar="N|all",
        help="how many figures to pose in each drawing, the largest ones (default: 1)",
    )
    parser.add_argument(
        "--hypotheses",
        default=1,
        type=_hypotheses,
        metavar="N",
        help="how many readings of each figure to give at most, the likeliest ones (default: 1)",
    )
    parser.add_argument(
        "--box",
        type=_box,
        metavar="X0,Y0,X1,Y1",
        help="where the figure is, in pixels; for a single image",
    )
    parser.add_argument(
        "--keypoints",
        type=Path,
        metavar="FILE",
        help="corrected 2D joints: a poses.json or one figure of it; no network runs; for a single image",
    )
    add_engine_arguments(parser)
    parser.add_argument(
        "--body", type=Path, metavar="FILE", help="an SMPL .npz or .pkl (default: the one that ships)"
    )


def add_engine_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare --engine and --device."""
    parser.add_argument(
        "--engine", choices=ENGINES, default="auto", help="what runs the network (default: auto)"
    )
    parser.add_argument(
        "--device", choices=DEVICES, default="auto", help="what the engine computes on (default: auto)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from ..drawings import SEVERAL, drawings_of, find_files, is_folder
    from ..storyboarder import IMAGES, SUFFIX

    files = find_files(arguments.inputs)
    single = len(files) == 1 and files[0].suffix.lower() not in SEVERAL
    single = single and not is_folder(Path(arguments.inputs[0]))
    for option in ("box", "keypoints"):
        if getattr(arguments, option) is not None and not single:
            raise UsageError(f"--{option} needs exactly one image file.")
    if arguments.box is not None and arguments.keypoints is not None:
        raise UsageError("--keypoints says where the figures are; leave --box away.")
    folder = Path(arguments.out)
    sources = list(map(Path, arguments.inputs))
    sources += [file.parent / IMAGES for file in files if file.suffix.lower() == SUFFIX]
    if is_folder(folder) and any(is_folder(path) and path.samefile(folder) for path in sources):
        raise UsageError("--out is one of the folders of drawings; give another one for the results.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The output folder {folder} cannot be made ({error.strerror}); choose another one."
        ) from error

    from ..api import PoseResult
    from ..export import write_poses

    # What a file holds is looked up when its turn comes: a page has to be drawn to count its panels.
    drawings, to_pose = tee(drawing for file in files for drawing in drawings_of(file))
    body, generator, posed = _poser(arguments, to_pose)
    names = FreeNames(files)
    progress = _Progress(len(files))
    results: list[ImageResult] = []
    for drawing in drawings:
        progress.show(drawing)
        result = next(posed)
        if result.error is None and "overlay" in arguments.format:
            result = _with_overlay(result, drawing, folder / names.take(drawing.stem, "_overlay.png"))
        if result.error is None:
            _write_motions(result, drawing, folder, names, arguments.format, body)
        progress.clear()
        if result.error is not None:
            print(f"{_on_one_line(result.file)}: {result.error}", file=sys.stderr)
        results.append(result)
    try:
        if "json" in arguments.format:
            write_poses(PoseResult(generator, tuple(results)), folder)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    done = sum(result.error is None for result in results)
    print(f"{done} of {len(results)} drawings posed; results are in {folder}")
    return 0 if done == len(results) else 1


def _poser(
    arguments: argparse.Namespace, drawings: Iterable[Drawing]
) -> tuple[Body, Generator, Iterator[ImageResult]]:
    """The body, what makes the results, and the results in turn: by the network, or from given joints."""
    from ..engines.choice import make_engine
    from ..pipeline import Pipeline
    from .keypoints_file import KeypointsFile

    if arguments.keypoints is not None:
        file = KeypointsFile(arguments.keypoints, arguments.body)
        return (
            file.body,
            file.generator,
            (_trimmed(file.try_pose(drawing), arguments) for drawing in drawings),
        )
    pipeline = Pipeline(make_engine(arguments.engine, arguments.device), body=arguments.body)
    posed = pipeline.pose_many(
        drawings, figures=arguments.figures, box=arguments.box, hypotheses=arguments.hypotheses
    )
    return pipeline.body, pipeline.generator, posed


class FreeNames:
    """Names for the files that are written.

    Each is unlike all others, in upper or lower case too, and unlike the sources', which may lie in the
    output folder and must never be overwritten.
    """

    def __init__(self, sources: Sequence[Path]) -> None:
        self._taken = {source.name.casefold() for source in sources}

    def take(self, stem: str, ending: str) -> str:
        """A name for a file that is made from a drawing: how it begins, shortened where too long, and the ending."""
        if len(os.fsencode(stem)) > LONGEST_STEM:
            stem = os.fsencode(stem)[:LONGEST_STEM].decode("utf-8", "ignore")
        number = 1
        name = f"{stem}{ending}"
        while name.casefold() in self._taken:
            number += 1
            name = f"{stem}-{number}{ending}"
        self._taken.add(name.casefold())
        return name


def _trimmed(result: ImageResult, arguments: argparse.Namespace) -> ImageResult:
    """With as many readings of each figure as are asked for."""
    figures = (replace(f, hypotheses=f.hypotheses[: arguments.hypotheses]) for f in result.figures)
    return replace(result, figures=tuple(figures))


def _with_overlay(result: ImageResult, drawing: Drawing, path: Path) -> ImageResult:
    from ..export import replacing
    from ..overlay import draw_overlay

    try:
        overlay = draw_overlay(drawing.read(), result)
    except SketchPoseError as error:  # the file has changed since it was posed
        return replace(result, error=str(error), figures=())
    try:
        with replacing(path) as temporary:
            overlay.save(temporary, "PNG", compress_level=6)
    except OSError as error:
        raise _cannot_write(path.parent, error) from error
    return result


def _write_motions(
    result: ImageResult, drawing: Drawing, folder: Path, names: FreeNames, formats: Sequence[str], body: Body
) -> None:
    """Write the likeliest pose of each figure as motion files of one frame."""
    from ..bvh import smpl_clip, write_bvh
    from ..motion import stand, write_npz

    chosen = [name for name in ("npz", "bvh") if name in formats]
    if not chosen:
        return
    for number, figure in enumerate(result.figures, 1):
        motion = stand(figure.hypotheses[:1], body)
        ending = f"_figure{number}" if len(result.figures) > 1 else ""
        for name in chosen:
            path = folder / names.take(drawing.stem, f"{ending}.{name}")
            try:
                if name == "npz":
                    write_npz(motion, body, path)
                else:
                    write_bvh(smpl_clip(motion, body), path)
            except OSError as error:
                raise _cannot_write(folder, error) from error


def _cannot_write(folder: Path, error: OSError) -> SketchPoseError:
    return InputError(
        f"The results cannot be written to {folder} ({error.strerror}); free some space or choose another folder."
    )


def _on_one_line(name: str) -> str:
    """The name with line breaks and terminal commands, which a file's name may hold, written out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


class _Progress:
    """A counter of files on the terminal's last line; silent where nobody watches."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0
        self.path: Path | None = None
        self.watched = sys.stderr is not None and sys.stderr.isatty()

    def show(self, drawing: Drawing) -> None:
        self.done += drawing.path is not self.path
        self.path = drawing.path
        if self.watched:
            name = _on_one_line(Path(drawing.file).name)
            print(f"\r\033[K[{self.done}/{self.total}] {name}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self.watched:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def _named(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("the name is empty; give the path of a file or folder")
    return text


def _formats(text: str) -> tuple[str, ...]:
    chosen = tuple(part.strip() for part in text.split(","))
    unknown = [part for part in chosen if part not in FORMATS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is unknown; choose from {', '.join(FORMATS)}")
    return chosen


def _hypotheses(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number of readings; give 1, 2, ...")


def _figures(text: str) -> int | None:
    if text == "all":
        return None
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number of figures; give 1, 2, ... or all")


def _box(text: str) -> tuple[float, ...]:
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if (
        len(values) != 4
        or not all(map(math.isfinite, values))
        or not (values[0] < values[2] and values[1] < values[3])
    ):
        raise argparse.ArgumentTypeError(f"{text!r} is no box; give X0,Y0,X1,Y1 with X0 < X1 and Y0 < Y1")
    return values
