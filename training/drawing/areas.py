"""The areas of a figure as people see them: few, with smooth borders, without the small change of the mesh."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numba
import numpy as np

from .figure import Figure
from .gbuffer import NOTHING, GBuffer, trace_lines
from .marks import trace
from .pen import resample, smoothed
from .shapes import Label

#: Depth of the empty page, metres: farther than any body, and finite, so that it can be blurred.
_FAR = 50.0


@dataclass(frozen=True, eq=False)
class Areas:
    """A figure whose areas have smooth borders.

    Attributes:
        label: (S, S) uint8 material label, 0 for none.
        buffer: depth and light of the smooth areas; of its triangles, only where there are any is known.
    """

    label: np.ndarray
    buffer: GBuffer

    @cached_property
    def mask(self) -> np.ndarray:
        """(S, S) bool: where anything is seen."""
        return self.label > 0

    @cached_property
    def labels(self) -> tuple[Label, ...]:
        """Which materials are seen, in the order they lie over each other: skin first."""
        return tuple(Label(k) for k in np.flatnonzero(np.bincount(self.label.ravel())) if k > 0)

    def lines(self, gap: float, seams: bool = True) -> list[np.ndarray]:
        """Borders, (n, 2) pixels each: contours, steps in depth of ``gap`` metres and, by choice, seams."""
        pairs = np.full((len(Label), len(Label)), seams)
        return trace_lines(self.buffer, self.buffer.triangle, self.label, gap, pairs)

    def contours(self) -> list[np.ndarray]:
        """The borders, (n, 2) pixels each, between the figure and the page."""
        return self.lines(_FAR, seams=False)

    def inner_lines(self, gap: float, seams: bool = False) -> list[np.ndarray]:
        """The borders which do not lie on the contour."""
        inside = cv2.erode(self.mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        lines = []
        for line in self.lines(gap, seams):
            x, y = np.round(line).astype(int).T
            within = np.flatnonzero(np.diff(np.concatenate([[0], inside[y, x], [0]]).astype(np.int8)))
            lines += [line[a:b] for a, b in within.reshape(-1, 2) if b - a > 6]
        return lines


def simplified(figure: Figure, sigma: float) -> Areas:
    """The figure with its borders smoothed over ``sigma`` pixels; labels meet without a gap."""
    shape = figure.label_map.shape
    label, depth, light = (
        np.zeros(shape, np.uint8),
        np.full(shape, np.inf, np.float32),
        np.zeros(shape, np.float32),
    )
    box = around(figure.buffer.mask, int(3 * sigma) + 8)
    raw = figure.label_map[box]
    if raw.size:
        view = figure.buffer
        label[box], depth[box], light[box] = _simplified(raw, view.depth[box], view.light[box], sigma)
    return Areas(label, GBuffer(np.minimum(label, 1).astype(np.int32) + NOTHING, depth, light))


def _simplified(
    raw: np.ndarray, deep: np.ndarray, lit: np.ndarray, sigma: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    label, most = np.zeros(raw.shape, np.uint8), np.zeros(raw.shape, np.float32)
    weights = _bell(sigma)
    bare = most
    for k in np.flatnonzero(cv2.calcHist([raw], [0], None, [len(Label)], [0, len(Label)])):
        here = raw == k
        box = around(here, len(weights))
        _elect(_softened(here[box], weights), k, label[box], most[box])
        if k == Label.NOTHING:
            bare = most.copy()
    depth = np.minimum(deep, np.float32(_FAR))
    # What grows over its border takes the depth of its neighbour, what shrinks is gone.
    grown = cv2.erode(depth, np.ones((7, 7), np.uint8))
    np.copyto(depth, grown, where=(label > 0) & (raw == 0))
    depth = cv2.medianBlur(depth, 5)
    light = _softened(lit, weights)
    _settle(label, bare, grown, depth, light)
    return label, depth, light


def _bell(sigma: float) -> np.ndarray:
    """(n,) float32 half of the weights of a Gaussian blur, the middle one first."""
    sigma = max(sigma, 0.3)
    weights = np.exp(-0.5 * (np.arange(int(3 * sigma) + 2) / sigma) ** 2)
    return (weights / (2 * weights.sum() - 1)).astype(np.float32)


@numba.njit(cache=True, nogil=True, fastmath=True)
def _softened(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(H, W) float32 values blurred by what :func:`_bell` gives; borders go on for ever.

    OpenCV takes five times as long for pictures as small as these.
    """
    high, wide = values.shape
    reach = len(weights) - 1
    line = np.empty(wide + 2 * reach, np.float32)
    across, out = np.empty((high, wide), np.float32), np.empty((high, wide), np.float32)
    for y in range(high):
        given, row = values[y], across[y]
        for x in range(wide):
            line[reach + x] = given[x]
        line[:reach], line[reach + wide :] = line[reach], line[reach + wide - 1]
        _add(row, weights[0] * np.float32(0.5), line[reach:], line[reach:], True)
        for k in range(1, reach + 1):
            _add(row, weights[k], line[reach - k :], line[reach + k :], False)
    for y in range(high):
        _add(out[y], weights[0] * np.float32(0.5), across[y], across[y], True)
        for k in range(1, reach + 1):
            _add(out[y], weights[k], across[max(y - k, 0)], across[min(y + k, high - 1)], False)
    return out


@numba.njit(cache=True, nogil=True, fastmath=True)
def _add(row: np.ndarray, weight: float, one: np.ndarray, other: np.ndarray, first: bool) -> None:
    """Add a share of two lines to a row, or set it to that."""
    if first:
        for x in range(len(row)):
            row[x] = weight * (one[x] + other[x])
    else:
        for x in range(len(row)):
            row[x] += weight * (one[x] + other[x])


@numba.njit(cache=True, nogil=True)
def _elect(votes: np.ndarray, candidate: int, label: np.ndarray, most: np.ndarray) -> None:
    """Give the pixels where a candidate has more votes than any before to it."""
    for y in range(votes.shape[0]):
        for x in range(votes.shape[1]):
            if votes[y, x] > most[y, x]:
                label[y, x], most[y, x] = candidate, votes[y, x]


@numba.njit(cache=True, nogil=True)
def _settle(
    label: np.ndarray, bare: np.ndarray, grown: np.ndarray, depth: np.ndarray, light: np.ndarray
) -> None:
    """Depth and light, changed in place, of what has a label; nothing of the rest.

    ``bare`` is how much of what each light was blurred from was empty, 0..1.
    """
    for y in range(label.shape[0]):
        for x in range(label.shape[1]):
            if label[y, x] == 0:
                depth[y, x], light[y, x] = np.inf, 0
                continue
            if depth[y, x] >= _FAR:
                depth[y, x] = grown[y, x]
            light[y, x] /= max(np.float32(1) - bare[y, x], np.float32(1e-3))


def around(mask: np.ndarray, margin: int) -> tuple[slice, slice]:
    """The rows and the columns of a (S, S) bool mask, ``margin`` pixels more on each side; none of an empty one."""
    left, top, wide, high = cv2.boundingRect(mask.view(np.uint8))
    if not wide:
        return slice(0, 0), slice(0, 0)
    return (
        slice(max(top - margin, 0), top + high + margin),
        slice(max(left - margin, 0), left + wide + margin),
    )


def rounded(mask: np.ndarray, sigma: float) -> np.ndarray:
    """(S, S) bool ``mask`` with its corners and small parts smoothed away."""
    return _softened(mask, _bell(sigma)) > 0.5


def polygons(mask: np.ndarray, smooth: float = 1.6) -> list[np.ndarray]:
    """Smooth outlines, (n, 2) float32 pixels each, of a (S, S) bool mask; a hole is cut out of its outline."""
    found = []
    for ring in trace(mask):
        if len(ring) >= 3:
            even = resample(ring, 2.0, closed=True)
            found.append(smoothed(even, smooth, closed=True) if len(even) > 8 else even)
    return found
