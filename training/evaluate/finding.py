"""How well figures are found: recall and false finds on composed pages, and what a missing box costs a reading."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from backend.errors import InputError
from backend.figures import find_figures
from backend.finder import find_with, overlap
from backend.images import from_array
from backend.pipeline import Pipeline

from ..drawing.anatomy import Anatomy
from .composed_pages import ComposedPage, page_picture
from .figures import LabelledFigure
from .metrics import bootstrap
from .score import Score, score
from .shipped import one_core, read_with_pipeline, read_without_box

#: A figure is found where a box shares so much of its union with it.
LEAST_IOU = 0.5

#: The network's own boxes count from this score on where it is measured alone.
_NETWORK_ALONE = 0.3

_WORST = 12
_TIMED = 40


@dataclass(frozen=True, eq=False)
class Found:
    """What was found on a page.

    Attributes:
        boxes: (N, 4) float32 pixels.
        figures: (M,) bool, which of the page's figures were found.
        false: how many boxes are no figure's.
    """

    boxes: np.ndarray
    figures: np.ndarray
    false: int


def match(found: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, int]:
    """Pair (N, 4) finds and (M, 4) figures, each once, the best overlaps first.

    Returns:
        (M,) bool, which figures are found, and how many finds are no figure's.
    """
    hit = np.zeros(len(true), bool)
    used = np.zeros(len(found), bool)
    shares = overlap(found, true)
    for k in np.argsort(-shares, axis=None):
        i, j = np.unravel_index(k, shares.shape)
        if shares[i, j] < LEAST_IOU:
            break
        if not used[i] and not hit[j]:
            used[i] = hit[j] = True
    return hit, int((~used).sum())


#: What looks for figures: a page -> (N, 4) boxes, pixels.
Looker = Callable[[np.ndarray], np.ndarray]


def lookers(pipeline: Pipeline) -> dict[str, Looker]:
    """What is compared: the parts, and last the whole that ships."""

    def ink(page: np.ndarray) -> np.ndarray:
        try:
            return find_figures(from_array(page).gray, None)
        except InputError:
            return np.zeros((0, 4), np.float32)

    def network(page: np.ndarray) -> np.ndarray:
        boxes, scores = find_with(pipeline.finder, from_array(page).gray)
        return boxes[scores >= _NETWORK_ALONE]

    def both(page: np.ndarray) -> np.ndarray:
        try:
            result = pipeline.pose(page, figures=None)
        except InputError:
            return np.zeros((0, 4), np.float32)
        return np.array([figure.box for figure in result.figures], np.float32)

    return {"ink alone": ink, "network alone": network, "both, judged by their keypoints": both}


def find_all(looker: Looker, pages: Sequence[ComposedPage]) -> list[Found]:
    """All figures that are found on every page."""
    finds = []
    for page in pages:
        boxes = looker(page.image)
        finds.append(Found(boxes, *match(boxes, page.boxes)))
    return finds


def recall_and_false(finds: Sequence[Found]) -> str:
    """Two cells of a table: recall in percent and false finds a page, each with its 95 % interval over pages."""
    counts = np.array([len(find.figures) for find in finds], float)
    shares = np.array([find.figures.mean() if len(find.figures) else 0.0 for find in finds])
    false = np.array([find.false for find in finds], float)
    cells = "" if not counts.sum() else _cell(shares, counts, 100, 1)
    return f"{cells} | {_cell(false, None, 1, 2)}"


def _cell(values: np.ndarray, weights: np.ndarray | None, factor: float, digits: int) -> str:
    low, high = bootstrap(values, weights)
    numbers = (factor * float(np.average(values, weights=weights)), factor * low, factor * high)
    return "{:.{d}f} ({:.{d}f}-{:.{d}f})".format(*numbers, d=digits)


def section(
    pipeline: Pipeline,
    pages: Sequence[ComposedPage],
    empty: Sequence[ComposedPage],
    sketches: Sequence[tuple[str, Sequence[LabelledFigure]]],
    anatomy: Anatomy,
    images: Path | None,
) -> str:
    """The report's section.

    Args:
        pipeline: the one that ships.
        pages: composed pages.
        empty: pages without figures.
        sketches: sets of labelled drawings, with their titles, each read with and without its figures' boxes.
        anatomy: of the body.
        images: folder for the picture of the worst pages; None for none.
    """
    figures = sum(len(page.boxes) for page in pages)
    real = sum(kind == "real" for page in pages for kind in page.kinds)
    note = (
        f"Pages of one to six figures ({figures} in all, {real} of them drawings by people, the others held-out poses "
        "in every style, those that training never sees included) pasted by their ink among things, writing, frames "
        "and patterns, six of whose kinds training never sees; and pages of the same kind without a figure. A figure "
        f"is found where a box shares {LEAST_IOU} of its union with the box of its ink. Intervals over pages."
    )
    lines = [f"## Finding figures: {len(pages)} composed pages", "", note, ""]
    lines += ["| | pages | figures | recall % | false finds a page |", "|---|--:|--:|--:|--:|"]
    finds: list[Found] = []
    for name, looker in lookers(pipeline).items():
        finds = find_all(looker, pages)
        lines.append(f"| {name} | {len(pages)} | {figures} | {recall_and_false(finds)} |")
        for title, low, high in (("1 figure", 1, 1), ("2 or 3", 2, 3), ("4 and more", 4, 99)):
            part = [find for find in finds if low <= len(find.figures) <= high]
            if part:
                count = sum(len(find.figures) for find in part)
                lines.append(f"| {name}, {title} | {len(part)} | {count} | {recall_and_false(part)} |")
        if empty:
            none = find_all(looker, empty)
            lines.append(f"| {name}, no figure | {len(empty)} | 0 | {recall_and_false(none)} |")
    lines += ["", "Recall of the last by kind of drawing, percent:", "", *_by_kind(pages, finds), ""]
    ours = [k for k, page in enumerate(pages) if "real" not in page.kinds]
    if images is not None and ours:
        images.mkdir(parents=True, exist_ok=True)
        picture = worst_pages([pages[k] for k in ours], [finds[k] for k in ours])
        picture.save(images / "composed_pages.png", optimize=True)
        lines += [
            "The worst pages without other people's drawings, figures in green, finds in red:",
            "",
            "![Composed pages](images/results/composed_pages.png)",
            "",
        ]
    if sketches:
        lines += ["### Without a box", "", *_without_boxes(pipeline, sketches, anatomy), ""]
    lines += [_times(pipeline, pages), ""]
    return "\n".join(lines)


def _by_kind(pages: Sequence[ComposedPage], finds: Sequence[Found]) -> list[str]:
    hits: dict[str, list[bool]] = {}
    for page, find in zip(pages, finds, strict=True):
        for kind, hit in zip(page.kinds, find.figures, strict=True):
            hits.setdefault(kind, []).append(bool(hit))
    ordered = sorted(hits.items())
    return [
        "| " + " | ".join(kind for kind, _ in ordered) + " |",
        "|" + "--:|" * len(ordered),
        "| " + " | ".join(f"{100 * np.mean(hit):.0f} of {len(hit)}" for _, hit in ordered) + " |",
    ]


def _without_boxes(
    pipeline: Pipeline, sketches: Sequence[tuple[str, Sequence[LabelledFigure]]], anatomy: Anatomy
) -> list[str]:
    lines = ["PCK@0.1 of the same drawings with the box given and with the figure looked for:", ""]
    lines += ["| | figures | box given % | without a box % |", "|---|--:|--:|--:|"]
    for title, figures in sketches:
        boxed = [score(f, read_with_pipeline(pipeline, f), anatomy) for f in figures]
        unboxed = [score(f, read_without_box(pipeline, f), anatomy) for f in figures]
        cells = " | ".join(_cell(_pck(scores), None, 100, 1) for scores in (boxed, unboxed))
        lines.append(f"| {title} | {len(figures)} | {cells} |")
    return lines


def _pck(scores: Sequence[Score]) -> np.ndarray:
    return np.array([s.values.get("pck10", (0.0, 1.0))[0] for s in scores])


def _times(pipeline: Pipeline, pages: Sequence[ComposedPage]) -> str:
    """How long one core looks for the figures of a page."""
    texts = []
    with one_core():
        for name, looker in lookers(pipeline).items():
            spent = []
            for page in pages[:_TIMED]:
                start = time.process_time()
                looker(page.image)
                spent.append(1000 * (time.process_time() - start))
            texts.append(f"{name} {np.median(spent):.0f} ms")
    return (
        f"Time a page on one core, the median of {len(pages[:_TIMED])}: {', '.join(texts)}; the last with the "
        "rotations of all figures found. A figure alone on plain paper is found by its ink alone, without the network."
    )


def worst_pages(pages: Sequence[ComposedPage], finds: Sequence[Found], cell: int = 300) -> Image.Image:
    """The pages with the most mistakes, figures in green and finds in red."""
    mistakes = [int((~find.figures).sum()) + find.false for find in finds]
    chosen = np.argsort(-np.array(mistakes), kind="stable")[:_WORST]
    sheet = Image.new("RGB", (4 * cell, -(-len(chosen) // 4) * cell), "white")
    for place, index in enumerate(chosen):
        picture = page_picture(pages[index], finds[index].boxes, cell - 6)
        sheet.paste(picture, ((place % 4) * cell + 3, (place // 4) * cell + 3))
    return sheet.quantize(64, dither=Image.Dither.NONE)
