"""Marks: what a drawing is made of as vectors, and how a mark becomes pixels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numba
import numpy as np

#: Sub-pixel bits of the coordinates that OpenCV fills.
_SHIFT = 4

#: Side of the tile of paper tooth, pixels; a power of two.
_TILE = 256

#: Long pieces of a line are painted in steps of this many pixels, so that no step's box is large.
_STEP = 6.0


@dataclass(eq=False, slots=True)
class Mark:
    """One stroke of a tool, or one filled area. Nobody changes one: a drawing has hundreds, and frozen ones are slow.

    Attributes:
        points: (n, 2) float32 pixels; pixel centres are whole numbers.
        width: (n,) float32 pixels, the full width at each point; of no meaning for a filled area.
        opacity: (n,) float32 0..1; a filled area has that of its first point.
        tone: grey value, 0..255.
        closed: the last point joins the first.
        filled: the area inside is covered, by the even-odd rule.
        grain: how much the tooth of the paper shows through, 0..1.
    """

    points: np.ndarray
    width: np.ndarray
    opacity: np.ndarray
    tone: float
    closed: bool = False
    filled: bool = False
    grain: float = 0.0

    @classmethod
    def area(cls, polygon: np.ndarray, tone: float, opacity: float = 1.0) -> Mark:
        """A filled (n, 2) pixel polygon."""
        points = np.ascontiguousarray(polygon, np.float32)
        values = np.full(len(polygon), opacity, np.float32)
        return cls(points, values, values, tone, True, True)


def _tooth() -> np.ndarray:
    """(256, 256) float32: how deep the paper lies at each pixel, every depth 0..1 equally often."""
    noise = np.random.default_rng(0).normal(size=(3 * _TILE, 3 * _TILE)).astype(np.float32)
    noise[:] = np.tile(noise[:_TILE, :_TILE], (3, 3))
    rough = cv2.GaussianBlur(noise, (0, 0), 0.7)[_TILE : 2 * _TILE, _TILE : 2 * _TILE]
    ranks = np.empty(_TILE * _TILE, np.float32)
    ranks[np.argsort(rough, axis=None, kind="stable")] = np.linspace(0, 1, _TILE * _TILE)
    return ranks.reshape(_TILE, _TILE)


_TOOTH = _tooth()


def paint(
    image: np.ndarray,
    mark: Mark,
    cover: np.ndarray,
    tooth: tuple[int, int] = (0, 0),
    tone: float | None = None,
) -> None:
    """Draw a mark.

    Args:
        image: (S, S) uint8, changed in place.
        mark: what is drawn.
        cover: (S, S) float32 of zeros, left as it was.
        tooth: where on the page the tile of paper tooth begins, x and y in pixels.
        tone: instead of the mark's own.
    """
    tone = mark.tone if tone is None else tone
    if mark.filled:
        _fill(image, mark, tone)
        return
    _sweep(
        image,
        cover,
        mark.points,
        mark.width,
        mark.opacity,
        mark.closed,
        tone,
        mark.grain,
        _TOOTH,
        *tooth,
    )


def _fill(image: np.ndarray, mark: Mark, tone: float) -> None:
    opacity = float(mark.opacity[0])
    if opacity >= 1:
        cv2.fillPoly(image, [_fixed(mark.points)], (float(tone),), cv2.LINE_AA, _SHIFT)
        return
    low = np.maximum(np.floor(mark.points.min(0)).astype(int) - 1, 0)
    high = np.maximum(np.ceil(mark.points.max(0)).astype(int) + 2, 0)
    part = image[low[1] : high[1], low[0] : high[0]]
    if part.size:
        layer = np.zeros_like(part)
        cv2.fillPoly(layer, [_fixed(mark.points - low)], (255.0,), cv2.LINE_AA, _SHIFT)
        part[:] = part + (np.float32(tone) - part) * (layer * np.float32(opacity / 255))


@numba.njit(cache=True, nogil=True)
def _fixed(points: np.ndarray) -> np.ndarray:
    """(n, 2) pixels as the fixed-point numbers that OpenCV takes."""
    fixed = np.empty(points.shape, np.int32)
    for k in range(len(points)):
        for axis in range(2):
            fixed[k, axis] = round(points[k, axis] * (1 << _SHIFT))
    return fixed


def rasterise(marks: Iterable[Mark], size: int, paper: float, tooth: tuple[int, int] = (0, 0)) -> np.ndarray:
    """A page with nothing but these marks on it: (size, size) uint8."""
    image = np.full((size, size), paper, np.uint8)
    cover = np.zeros((size, size), np.float32)
    for mark in marks:
        paint(image, mark, cover, tooth)
    return image


def trace(mask: np.ndarray) -> list[np.ndarray]:
    """The polygons, (n, 2) float32 pixels each, that cover a (S, S) bool mask when they are filled.

    A hole is joined to the outline around it by a cut of no width, so that one polygon has both.
    """
    rings, tree = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    outlines = {}
    for k, ring in enumerate(rings):
        if tree[0, k, 3] < 0:
            outlines[k] = ring[:, 0].astype(np.float32)
    for k, ring in enumerate(rings):
        parent = int(tree[0, k, 3])
        if parent >= 0:
            outer, hole = outlines[parent], ring[:, 0].astype(np.float32)
            near = int(np.argmin(((outer - hole[0]) ** 2).sum(1)))
            outlines[parent] = np.concatenate([outer[: near + 1], hole, hole[:1], outer[near:]])
    return list(outlines.values())


def clipped(mark: Mark, mask: np.ndarray) -> list[Mark]:
    """What is left of a mark where ``mask`` (S, S) bool is not set; nothing beyond the page."""
    if mark.filled:
        layer = np.zeros(mask.shape, np.uint8)
        cv2.fillPoly(layer, [_fixed(mark.points)], (1.0,), cv2.LINE_8, _SHIFT)
        return [
            Mark.area(polygon, mark.tone, float(mark.opacity[0])) for polygon in trace((layer > 0) & ~mask)
        ]
    ring = np.r_[np.arange(len(mark.points)), 0] if mark.closed else np.arange(len(mark.points))
    values = np.column_stack([mark.points, mark.width, mark.opacity])[ring]
    travelled = np.r_[0, np.cumsum(np.hypot(*np.diff(values[:, :2], axis=0).T))]
    at = np.unique(np.r_[travelled, np.arange(0, travelled[-1])])
    dense = np.stack([np.interp(at, travelled, column) for column in values.T], 1).astype(np.float32)
    x, y = np.round(dense[:, :2]).astype(int).T
    kept = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < len(mask))
    kept[kept] = ~mask[y[kept], x[kept]]
    if kept.all():
        return [mark]
    runs = np.split(dense, np.nonzero(np.diff(kept))[0] + 1)[1 - int(kept[0]) :: 2]
    return [
        Mark(run[:, :2], run[:, 2].copy(), run[:, 3].copy(), mark.tone, grain=mark.grain)
        for run in runs
        if len(run) > 1
    ]


@numba.njit(cache=True, nogil=True, fastmath=True)
def _sweep(
    image: np.ndarray,
    cover: np.ndarray,
    points: np.ndarray,
    width: np.ndarray,
    opacity: np.ndarray,
    closed: bool,
    tone: float,
    grain: float,
    tooth: np.ndarray,
    tooth_x: int,
    tooth_y: int,
) -> None:
    """Sweep a round nib along a line: each pixel is covered as much as by the nib's best place."""
    high, wide = image.shape
    count = len(points)
    left, top, right, bottom = wide, high, -1, -1
    for k in range(count if closed or count == 1 else count - 1):
        after = (k + 1) % count
        along_x, along_y = points[after, 0] - points[k, 0], points[after, 1] - points[k, 1]
        steps = int(np.ceil(np.hypot(along_x, along_y) / _STEP)) + (count == 1)
        for step in range(steps):
            a, b = step / steps, (step + 1) / steps
            ax, ay = points[k, 0] + a * along_x, points[k, 1] + a * along_y
            dx, dy = (b - a) * along_x, (b - a) * along_y
            square = max(dx * dx + dy * dy, 1e-9)
            half_a = 0.5 * (width[k] + a * (width[after] - width[k]))
            half_b = 0.5 * (width[k] + b * (width[after] - width[k]))
            ink_a = opacity[k] + a * (opacity[after] - opacity[k])
            ink_b = opacity[k] + b * (opacity[after] - opacity[k])
            reach = max(half_a, half_b) + 0.5
            x0, x1 = (
                max(int(np.ceil(min(ax, ax + dx) - reach)), 0),
                min(int(max(ax, ax + dx) + reach), wide - 1),
            )
            y0, y1 = (
                max(int(np.ceil(min(ay, ay + dy) - reach)), 0),
                min(int(max(ay, ay + dy) + reach), high - 1),
            )
            if x0 > x1 or y0 > y1:
                continue
            left, top, right, bottom = min(left, x0), min(top, y0), max(right, x1), max(bottom, y1)
            for y in range(y0, y1 + 1):
                for x in range(x0, x1 + 1):
                    t = min(max(((x - ax) * dx + (y - ay) * dy) / square, 0.0), 1.0)
                    away = (x - ax - t * dx) ** 2 + (y - ay - t * dy) ** 2
                    if away >= reach * reach:
                        continue
                    half = half_a + t * (half_b - half_a)
                    # A nib thinner than a pixel covers no pixel wholly.
                    inked = min(half + 0.5 - np.sqrt(away), 2 * half, 1.0) * (ink_a + t * (ink_b - ink_a))
                    cover[y, x] = max(cover[y, x], inked)
    for y in range(top, bottom + 1):
        for x in range(left, right + 1):
            inked = cover[y, x]
            if inked > 0:
                if grain > 0:
                    # Light pressure reaches the paper's heights only.
                    depth = tooth[(y - tooth_y) % _TILE, (x - tooth_x) % _TILE]
                    reached = min(max((1.3 * inked - depth) / 0.7 + 0.5, 0.0), 1.0)
                    inked = inked + grain * (min(inked * 1.2, 1.0) * reached - inked)
                image[y, x] = np.uint8(image[y, x] + (tone - image[y, x]) * inked + 0.5)
                cover[y, x] = 0
