"""The report: one section a set of drawings, one on time."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.engines.onnx import OnnxEngine
from backend.pipeline import Pipeline

from ..drawing.anatomy import Anatomy
from ..drawing.machine import RECIPE
from . import mediapipe_pose, shipped
from .figures import LabelledFigure, Reading, cut_out
from .pictures import best_median_worst, sheet
from .report import CONTACT, PLANE, SHAPE, SIDE_BY_SIDE, SPACE, best_of, groups, table
from .score import Score, score

#: Every figure is timed so often; its fastest run counts, so that other programs disturb less.
_REPEATS = 3
_COLD_STARTS = 3

_INTRODUCTION = """\
# Results

Made by one command; the same command makes it again:

    {command}

Network `{weights}`; recipe {recipe} of the drawing machine; {machine}.

How to read it: the figure is cut out by its labelled box. PCK@0.1: share of the labelled joints (up to 15) \
that lie within a tenth of the longer side of the box. Swap-free: the better of the reading and its whole \
left-right mirror. Swaps: the mirror fits better. Angle 2D and 3D: mean angle between bones as read and as \
labelled, in the image and in the camera frame, without any alignment. End bones: forearms, shins, feet, \
head. Better reading: also with sides exchanged and depth reversed. Front/behind: limb bones more than 15 \
degrees out of the image plane that point the right way. MPJPE, PA-MPJPE, MPVE: joints, joints after \
Procrustes alignment and vertices of our default body in the predicted and in the true pose, with the true \
shape, pelvis on pelvis. Contact: parts that are said to touch, against those that do in the drawn body; posed \
bodies: parts that touch in the predicted pose instead. Penetration: \
the deepest vertex of a part inside another. Betas: the ten shape coefficients. Bone lengths: of drawn bones, by how \
much they differ from the true ones once the figure's size is set aside. Outside: keypoints beyond the page's edge or on \
limbs that were left out. In brackets the 95 % bootstrap interval over figures. Styles \
with fewer than six figures are pooled as "others". A figure has one hypothesis or, where left and right are in \
doubt, several; all tables but those of the best of N take the first. None of these sets is one of the closed \
sets of the Sketch2PoseNet paper; no number here can be compared with its tables.
"""

_SIDE_BY_SIDE = f"""\
MediaPipe Pose {mediapipe_pose.VERSION} (full model, still images, its own thresholds) gets every figure cut out by the \
same box, in colour where there is any, with the margin and the size in pixels that suit it best of those \
tried. Head centre: the middle of its ears. A figure that a reader does not find misses all joints; swaps, \
angles and front/behind count only figures that are found. Limbs 3D: upper arms, forearms, thighs and shins, \
MediaPipe's from its world landmarks.
"""


@dataclass(frozen=True, eq=False)
class Measured:
    """A set of drawings, as read.

    Attributes:
        title: of the set.
        note: what it is.
        public: its pictures may be published.
        figures: of the set.
        readings: by the pipeline, one a figure.
        scores: of them.
        others: the scores of MediaPipe's readings, or None.
    """

    title: str
    note: str
    public: bool
    figures: list[LabelledFigure]
    readings: list[Reading]
    scores: list[Score]
    others: list[Score] | None

    @property
    def file_name(self) -> str:
        """The title as the name of a file."""
        return re.sub(r"\W+", "_", self.title.lower())


def measure(
    pipeline: Pipeline,
    anatomy: Anatomy,
    title: str,
    note: str,
    public: bool,
    figures: list[LabelledFigure],
    beside_mediapipe: bool,
) -> Measured:
    """Read and score every figure of a set, with MediaPipe too where that is asked for."""
    readings = [shipped.read_with_pipeline(pipeline, figure) for figure in figures]
    scores = [score(f, r, anatomy) for f, r in zip(figures, readings, strict=True)]
    others = None
    if beside_mediapipe:
        run = mediapipe_pose.read_with_mediapipe([cut_out(figure) for figure in figures])
        others = [score(f, r, anatomy) for f, r in zip(figures, run.readings, strict=True)]
    return Measured(title, note, public, figures, readings, scores, others)


def document(
    measured: Sequence[Measured], others: Sequence[str], weights: str, command: str, images: Path | None
) -> str:
    """The whole report, with ``others`` as its last sections; pictures of the public sets are written to ``images``."""
    head = _INTRODUCTION.format(command=command, weights=weights, recipe=RECIPE, machine=_machine())
    sections = [_section(part, images) for part in measured]
    return "\n".join([head, *sections, *others])


def _section(part: Measured, images: Path | None) -> str:
    by_part = {s.part for s in part.scores} != {"whole"}
    rows = {"all": part.scores}
    if by_part:
        rows |= groups(part.scores, "part", 1)
    rows |= groups(part.scores, "style")
    views = groups(part.scores, "view", 1)
    rows |= {f"seen from the {name}": members for name, members in views.items()}
    lines = [f"## {part.title}: {len(part.scores)} figures", "", part.note, "", table(rows, PLANE), ""]
    if any("angle_3d" in s.values for s in part.scores):
        lines += [table(rows, SPACE), ""]
        if columns := best_of(part.scores):
            lines += [table({"all": part.scores}, columns), ""]
    if any("betas" in s.values for s in part.scores):
        lines += [table({"all": part.scores}, SHAPE), ""]
    if any("penetration" in s.values for s in part.scores):
        lines += [table({"all": part.scores}, CONTACT), ""]
    if part.others is not None:
        lines += ["### Beside MediaPipe Pose", "", _SIDE_BY_SIDE, _side_by_side(part.scores, part.others), ""]
    if images is not None and part.public:
        images.mkdir(parents=True, exist_ok=True)
        chosen = best_median_worst(part.scores)
        picture = sheet(part.figures, part.readings, part.scores, chosen)
        picture.save(images / f"{part.file_name}.png", optimize=True)
        path = f"images/results/{part.file_name}.png"
        lines += ["The three best, median and worst, with PCK@0.1:", "", f"![{part.title}]({path})", ""]
    return "\n".join(lines)


def _side_by_side(ours: list[Score], theirs: list[Score]) -> str:
    found = [k for k, other in enumerate(theirs) if other.values["found"][0]]
    rows = {"ours": ours, "MediaPipe": theirs}
    if 0 < len(found) < len(theirs):
        rows["ours, where MediaPipe finds a figure"] = [ours[k] for k in found]
        rows["MediaPipe, where it finds one"] = [theirs[k] for k in found]
    grouped = groups(ours, "style")
    place = {id(s): k for k, s in enumerate(ours)}
    for name, members in grouped.items() if len(grouped) > 1 else ():
        rows[f"{name}: ours"] = members
        rows[f"{name}: MediaPipe"] = [theirs[place[id(member)]] for member in members]
    return table(rows, SIDE_BY_SIDE)


def time_section(weights: Path, figures: Sequence[LabelledFigure], beside_mediapipe: bool) -> str:
    """How long it takes, on one core, beside MediaPipe on the same cut-outs where that is asked for."""
    cut_outs = [cut_out(figure) for figure in figures]
    ours = 1000 * shipped.seconds_a_figure(Pipeline(OnnxEngine(weights, 1)), cut_outs, _REPEATS)
    cold = min(shipped.cold_start(weights, cut_outs[0]) for _ in range(_COLD_STARTS))
    method = (
        f"{len(cut_outs)} figures of the first set, one after the other on one core: from the cut-out to "
        f"rotations (MediaPipe: to landmarks), warm, in seconds of that core; of each the fastest of {_REPEATS} "
        "runs. Cold start: a new process, until the first figure is posed and the process has ended; the "
        f"fastest of {_COLD_STARTS}. Cold starts and drawings a second go by the clock: what else runs slows them."
    )
    lines = [
        "## Time",
        "",
        method,
        "",
        "| | p50 ms | p95 ms | cold start s |",
        "|---|--:|--:|--:|",
        _time_row("ours", ours) + f" {cold:.2f} |",
    ]
    if beside_mediapipe:
        run = mediapipe_pose.read_with_mediapipe(cut_outs, _REPEATS)
        theirs = 1000 * run.seconds
        found = np.array([reading.found for reading in run.readings])
        cold = min(mediapipe_pose.cold_start(cut_outs[0]) for _ in range(_COLD_STARTS))
        lines.append(_time_row("MediaPipe", theirs) + f" {cold:.2f} |")
        text = [f"Ours takes {np.median(ours) / np.median(theirs):.2f} times as long, by the medians"]
        if found.any():
            lines.append(_time_row("ours, where MediaPipe finds a figure", ours[found]) + " |")
            lines.append(_time_row("MediaPipe, where it finds one", theirs[found]) + " |")
            ratio = np.median(ours[found]) / np.median(theirs[found])
            text.append(f"{ratio:.2f} times where MediaPipe finds a figure; elsewhere only its detector runs")
        lines += ["", "; ".join(text) + "."]
    pages = [figure.page for figure in figures]
    rate = shipped.figures_a_second(Pipeline(OnnxEngine(weights)), pages)
    lines += [
        "",
        f"Many drawings, each read from its file and its figure looked for, on all cores: {rate:.0f} a second.",
        "",
    ]
    return "\n".join(lines)


def _time_row(name: str, milliseconds: np.ndarray) -> str:
    middle, late = np.quantile(milliseconds, (0.5, 0.95))
    return f"| {name} | {middle:.1f} | {late:.1f} |"


def _machine() -> str:
    """The processor and the packages that decide on the time."""
    from backend.engines.onnx import load_runtime

    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        found = re.search(r"model name\s*:\s*(.+)", info.read_text())
        name = found.group(1) if found else name
    return (
        f"{name}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, ONNX Runtime {load_runtime().__version__}"
    )
