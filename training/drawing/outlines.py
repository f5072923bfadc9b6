"""The outlines of a dressed figure as people draw them: few long lines that run on where the mesh's own lines stop."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from .areas import Areas, polygons
from .canvas import Canvas
from .pen import Pen

#: Lines whose directions differ by more than this where they meet are two lines, radians.
_BEND = np.radians(50)
#: Points from the end of a line that tell where it is heading.
_HEADING = 7
#: Pixels of the figure's size for which tools have the widths that they are sampled with.
_TOOL_SIZE = 190


@dataclass(frozen=True, eq=False)
class Outline:
    """One line.

    Attributes:
        points: (n, 2) float32 pixels.
        outer: whether most of it lies between the figure and the page.
    """

    points: np.ndarray
    outer: bool


def outlines(areas: Areas, gap: float, seams: bool, size: float) -> list[Outline]:
    """Lines around and inside a figure.

    Args:
        areas: its smooth areas.
        gap: metres of depth that make an inner line.
        seams: whether materials have a line between them.
        size: of the figure, pixels; tells which lines are too small to draw.
    """
    inside = cv2.erode(areas.mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    found = []
    for points in joined(areas.lines(gap, seams), 0.025 * size):
        if len(points) < 0.025 * size:
            continue
        x, y = np.round(points).astype(int).T
        found.append(Outline(points, bool(inside[y, x].mean() < 0.5)))
    return found


def joined(lines: list[np.ndarray], reach: float) -> list[np.ndarray]:
    """Lines that head for each other within ``reach`` pixels become one, the nearest and straightest first.

    Args:
        lines: (n, 2) float32 pixels each.
        reach: pixels.
    """
    if len(lines) < 2:
        return lines
    # Every line has two ends: 2k its first point, 2k + 1 its last.
    ends = np.concatenate([line[[0, -1]] for line in lines])
    inner = np.concatenate(
        [line[[min(_HEADING, len(line) - 1), max(-_HEADING - 1, -len(line))]] for line in lines]
    )
    heading = ends - inner
    heading = heading / np.maximum(np.hypot(*heading.T)[:, None], 1e-6)
    apart = np.hypot(*(ends[:, None] - ends[None]).transpose(2, 0, 1))
    turn = np.arccos(np.clip(-heading @ heading.T, -1, 1))
    first, second = np.nonzero(np.triu((apart < reach) & (turn < _BEND), 1))
    order = np.argsort(apart[first, second] / reach + turn[first, second] / _BEND, kind="stable")
    partner = np.full(len(ends), -1)
    for k in order:
        a, b = first[k], second[k]
        if partner[a] < 0 and partner[b] < 0 and a // 2 != b // 2:
            partner[a], partner[b] = b, a
    return _chained(lines, partner)


def _chained(lines: list[np.ndarray], partner: np.ndarray) -> list[np.ndarray]:
    """Lines put together where ``partner`` (2 n,) names the end that each end goes on at, -1 for none."""
    done = np.zeros(len(lines), bool)
    chains = []
    # Open chains from their free ends, then the closed ones from anywhere.
    for start in [*np.flatnonzero(partner < 0), *np.flatnonzero(partner >= 0)]:
        parts, end = [], int(start)
        while end >= 0 and not done[end // 2]:
            done[end // 2] = True
            line = lines[end // 2]
            parts.append(line if end % 2 == 0 else line[::-1])
            end = int(partner[end ^ 1])
        if parts:
            chains.append(np.concatenate(parts))
    return chains


def with_tool(pen: Pen, tool: str, rng: np.random.Generator, size: float) -> Pen:
    """The same hand with another tool, as wide as it is for a figure of ``size`` pixels."""
    changed = pen.using(tool, rng)
    return replace(changed, width=max(0.6, changed.width * (size / _TOOL_SIZE) ** 0.7))


def fill_area(canvas: Canvas, mask: np.ndarray, tone: float, least: float) -> None:
    """Fill the parts of ``mask`` (S, S) bool whose outline is longer than ``least`` pixels."""
    for polygon in polygons(mask):
        if len(polygon) * 2 > least:
            canvas.fill(polygon, tone)
