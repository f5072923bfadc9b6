"""The lines of a dressed figure as people draw them: few, long, in one go past the junctions, with their corners kept."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

import cv2
import numba
import numpy as np

from .areas import Areas, around
from .gbuffer import trace_chains
from .pen import resample, smoothed

#: Pixels between the points of a line.
_STEP = 2.0

#: A line that turns by more than this has a corner there, radians.
_CORNER = 0.95


#: Figures smaller than this many pixels are traced in finer pixels.
_SMALL = 140

#: Pixels within which ends touch.
_MEET = 4.5


class Kind(IntEnum):
    """What lies on both sides of a line."""

    OUTER = 1
    INNER = 2
    SEAM = 3


@dataclass(frozen=True, eq=False)
class Line:
    """One stroke that somebody would draw.

    Attributes:
        points: (n, 2) float32 pixels.
        kind: what most of it is.
        closed: the last point joins the first.
    """

    points: np.ndarray
    kind: Kind
    closed: bool

    @property
    def length(self) -> float:
        """Pixels, about."""
        return _STEP * len(self.points)


def contours(areas: Areas, size: float, gap: float, apart: float, seams: bool = True) -> list[Line]:
    """The lines of a figure, the outer contour first, then the longest ones.

    Args:
        areas: the figure.
        size: of the figure, pixels; what small is.
        gap: metres of depth that make an inner contour.
        apart: pixels; what runs along another line nearer than this is left out.
        seams: whether hems, hair lines and such are lines.
    """
    box = around(areas.mask, 2)
    offset = np.array([box[1].start, box[0].start], np.float32)
    # Both sides of a thin limb are lines of their own only where there are pixels between them.
    zoom = 2 if size < _SMALL else 1
    label, depth = areas.label[box], areas.buffer.depth[box]
    if zoom > 1:
        label, depth = (
            cv2.resize(values, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_NEAREST)
            for values in (label, depth)
        )
    kinds = _kinds(label, depth, gap, seams)
    thin = (kinds > 0).astype(np.uint8)
    _thin(thin)
    chains = [chain for chain in trace_chains(_parted(thin)) if len(chain) > 2]
    lines = []
    for points, closed in _joined(chains, kinds, 3.0 + 0.012 * zoom * size, max(4, int(0.02 * zoom * size))):
        x, y = np.round(points).astype(int).T
        kind = Kind(int(np.bincount(kinds[y, x], minlength=4)[1:].argmax()) + 1)
        least = (0.012, 0.03, 0.035)[kind - 1] * size + 3
        if len(points) > least * zoom:
            line = (points + np.float32(0.5)) / zoom - np.float32(0.5) + offset
            lines.append(Line(_eased(line, closed, size), kind, closed))
    lines.sort(key=lambda line: (line.kind != Kind.OUTER, -len(line.points)))
    return _uncrowded(lines, areas.label.shape, apart, 0.03 * size + 4)


@numba.njit(cache=True, nogil=True)
def _kinds(label: np.ndarray, depth: np.ndarray, gap: float, seams: bool) -> np.ndarray:
    """(H, W) uint8 :class:`Kind` of the line at each pixel of the nearer side, 0 for none."""
    high, wide = label.shape
    kinds = np.zeros((high, wide), np.uint8)
    for y in range(high):
        for x in range(wide):
            if label[y, x] == 0:
                continue
            for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                qy, qx = y + dy, x + dx
                if qx < 0 or qy < 0 or qx >= wide or qy >= high:
                    continue
                step = depth[qy, qx] - depth[y, x]
                if label[qy, qx] == 0:
                    kinds[y, x] = 1
                    break
                if step > gap:
                    kinds[y, x] = 2
                elif seams and kinds[y, x] == 0 and label[qy, qx] > label[y, x] and step > -gap:
                    kinds[y, x] = 3
    return kinds


@numba.njit(cache=True, nogil=True)
def _ring(mask: np.ndarray, y: int, x: int) -> tuple[int, int]:
    """How many of a pixel's eight neighbours are set, and how often that changes around it."""
    around_y, around_x = (-1, -1, 0, 1, 1, 1, 0, -1), (0, 1, 1, 1, 0, -1, -1, -1)
    count = rises = 0
    before = mask[y - 1, x - 1]
    for k in range(8):
        here = mask[y + around_y[k], x + around_x[k]]
        count += here
        rises += here > before
        before = here
    return count, rises


@numba.njit(cache=True, nogil=True)
def _thin(mask: np.ndarray) -> None:
    """Make the lines of a (H, W) uint8 mask one pixel wide (after Zhang and Suen)."""
    high, wide = mask.shape
    mask[0], mask[-1], mask[:, 0], mask[:, -1] = 0, 0, 0, 0
    left = [(y, x) for y in range(1, high - 1) for x in range(1, wide - 1) if mask[y, x]]
    for turn in range(8):
        gone, kept = [(0, 0) for _ in range(0)], [(0, 0) for _ in range(0)]
        for y, x in left:
            count, rises = _ring(mask, y, x)
            keep = 1
            if rises == 1 and 2 <= count <= 6:
                north, east, south, west = mask[y - 1, x], mask[y, x + 1], mask[y + 1, x], mask[y, x - 1]
                if turn % 2 == 0:
                    keep = north * east * south + east * south * west
                else:
                    keep = north * east * west + north * south * west
            if keep == 0:
                gone.append((y, x))
            else:
                kept.append((y, x))
        for y, x in gone:
            mask[y, x] = 0
        left = kept


@numba.njit(cache=True, nogil=True)
def _parted(mask: np.ndarray) -> np.ndarray:
    """The (H, W) uint8 mask of thin lines without the pixels around where more than two of them meet."""
    out = mask.copy()
    for y in range(1, mask.shape[0] - 1):
        for x in range(1, mask.shape[1] - 1):
            if mask[y, x] and _ring(mask, y, x)[1] > 2:
                out[y - 1 : y + 2, x - 1 : x + 2] = 0
    return out


def _joined(
    chains: list[np.ndarray], kinds: np.ndarray, reach: float, arm: int
) -> list[tuple[np.ndarray, bool]]:
    """Chains that go on as each other within ``reach`` pixels, made one; each with whether it is closed.

    Directions are those of the last ``arm`` points. A contour goes on as one inside the figure, never as a seam.
    """
    if not chains:
        return []
    ends = np.array([end for chain in chains for end in (chain[0], chain[-1])])
    inner = np.array([p for c in chains for p in (c[min(arm, len(c) - 1)], c[max(-1 - arm, -len(c))])])
    heading = ends - inner
    heading /= np.maximum(np.hypot(*heading.T)[:, None], 1e-6)
    x, y = np.array([chain[len(chain) // 2] for chain in chains]).astype(int).T
    seam = np.repeat(kinds[y, x] == Kind.SEAM, 2)
    partner = _partners(ends, heading, seam, reach)
    lines, used = [], np.zeros(len(chains), bool)
    # Open lines begin at an end that goes on nowhere; what is left then are rings.
    for start in [*np.flatnonzero(partner < 0), *range(len(ends))]:
        pieces, end = [], int(start)
        while end >= 0 and not used[end // 2]:
            used[end // 2] = True
            pieces.append(chains[end // 2][:: 1 if end % 2 == 0 else -1])
            end = int(partner[end ^ 1])
        if pieces:
            line = np.concatenate(pieces)
            # A ring may begin at a corner, where its ends do not go on as each other.
            lines.append((line, end >= 0 or bool(np.hypot(*(line[0] - line[-1])) < _MEET < 0.2 * len(line))))
    return lines


@numba.njit(cache=True, nogil=True)
def _partners(ends: np.ndarray, heading: np.ndarray, seam: np.ndarray, reach: float) -> np.ndarray:
    """(n,) which end of a chain goes on as each, -1 for none; the nearest and straightest first.

    Args:
        ends: (n, 2) pixels, the two ends of every chain.
        heading: (n, 2) unit directions out of the chains.
        seam: (n,) whether the chain is a seam.
        reach: pixels.
    """
    pairs, costs = [(0, 0) for _ in range(0)], [0.0 for _ in range(0)]
    for a in range(len(ends)):
        for b in range(a + 1, len(ends)):
            x, y = ends[b, 0] - ends[a, 0], ends[b, 1] - ends[a, 1]
            far = np.hypot(x, y)
            straight = -(heading[a, 0] * heading[b, 0] + heading[a, 1] * heading[b, 1])
            if far >= reach or straight <= 0.45 or seam[a] != seam[b]:
                continue
            # Across a gap the other line has to lie ahead; at a junction it is enough that it goes on.
            ahead = x * heading[a, 0] + y * heading[a, 1]
            back = -(x * heading[b, 0] + y * heading[b, 1])
            if far < _MEET or (ahead > 0.7 * far and back > 0.7 * far):
                pairs.append((a, b))
                costs.append(far / reach - 2 * straight)
    partner = np.full(len(ends), -1)
    for k in np.argsort(np.array(costs), kind="mergesort"):
        a, b = pairs[k]
        if partner[a] < 0 and partner[b] < 0:
            partner[a], partner[b] = b, a
    return partner


def _eased(points: np.ndarray, closed: bool, size: float) -> np.ndarray:
    """A pixel line as a confident hand sees it: smooth curves from corner to corner."""
    line = resample(points, _STEP, closed)
    sigma = 0.008 * size / _STEP + 0.7
    corners = _corners(line, max(3, int(0.022 * size / _STEP)))
    if closed and corners:  # begin at a corner
        line = np.concatenate([line[corners[0] : -1], line[: corners[0] + 1]])
        corners = [k - corners[0] for k in corners[1:]]
    elif closed:
        return smoothed(line, sigma, closed=True)[:-1]
    stops = [0, *corners, len(line) - 1]
    sides = [smoothed(line[a : b + 1], sigma) for a, b in pairwise(stops)]
    return np.concatenate([side[:-1] for side in sides] + ([] if closed else [sides[-1][-1:]]))


@numba.njit(cache=True, nogil=True)
def _corners(line: np.ndarray, arm: int) -> list[int]:
    """Where an (n, 2) line turns sharply between ``arm`` points before and after: ascending indices."""
    count = len(line)
    turn = np.zeros(count)
    for k in range(arm, count - arm):
        ax, ay = line[k, 0] - line[k - arm, 0], line[k, 1] - line[k - arm, 1]
        bx, by = line[k + arm, 0] - line[k, 0], line[k + arm, 1] - line[k, 1]
        turn[k] = abs(np.arctan2(ax * by - ay * bx, ax * bx + ay * by))
    found = [0]
    for k in range(arm, count - arm):
        if (
            turn[k] > _CORNER
            and turn[k] >= turn[max(k - arm, 0) : k + arm + 1].max()
            and k - found[-1] >= arm
        ):
            found.append(k)
    return found[1:]


@numba.njit(cache=True, nogil=True)
def _along(taken: np.ndarray, points: np.ndarray, least: float) -> list[int]:
    """First and last + 1 of each stretch of (n, 2) points on taken pixels that has more than ``least`` of them."""
    found, start = [0], -1
    for k in range(len(points) + 1):
        on = False
        if k < len(points):
            x = min(max(round(points[k, 0]), 0), taken.shape[1] - 1)
            y = min(max(round(points[k, 1]), 0), taken.shape[0] - 1)
            on = taken[y, x] > 0
        if on and start < 0:
            start = k
        elif not on and start >= 0:
            if k - start > least:
                found.append(start)
                found.append(k)
            start = -1
    return found[1:]


def _uncrowded(lines: list[Line], shape: tuple[int, ...], apart: float, least: float) -> list[Line]:
    """The lines without the stretches that run along an earlier one nearer than ``apart`` pixels."""
    taken = np.zeros(shape, np.uint8)
    kept = []
    for line in lines:
        # Lines may cross and meet; what they may not do is run side by side. The silhouette is never broken.
        crowded = _along(taken, line.points, 3 * apart / _STEP) if line.kind != Kind.OUTER else ()
        if len(crowded):
            stops = [0, *crowded, len(line.points)]
            runs = [line.points[a:b] for a, b in zip(stops[::2], stops[1::2], strict=True)]
            pieces = [Line(run, line.kind, False) for run in runs if len(run) * _STEP > least]
        else:
            pieces = [line]
        for piece in pieces:
            cv2.polylines(
                taken,
                [np.round(piece.points).astype(np.int32)],
                piece.closed,
                (1.0,),
                max(1, round(2 * apart)),
            )
        kept += pieces
    return kept
