"""The hand: the line that was meant becomes the strokes that were drawn."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .marks import Mark
from .pen import Pen, resample, smoothed

#: Pixels between the points of a drawn line.
_STEP = 3.0

#: Lines turning by more than this within 12 px have a corner there, radians.
_CORNER = 1.0


def strokes(points: np.ndarray, pen: Pen, closed: bool, rng: np.random.Generator) -> list[Mark]:
    """What a hand makes of an (n, 2) pixel polyline."""
    line = resample(points, _STEP, closed)
    if len(line) < 2:
        return []
    marks = []
    for side in _sides(line, pen, closed, rng):
        # Only a line in one stroke has a closing error.
        whole = closed and len(side) == len(line)
        marks += _runs(_moved(side, pen, whole, rng), pen, rng)
        again = 0 if rng.random() >= pen.double else 1 + int(rng.random() < 0.3)
        for _ in range(again):
            first, last = _part(len(side), rng.uniform(pen.redrawn, 1.0), rng)
            beside = side[first:last] + rng.normal(0, pen.apart, 2).astype(np.float32)
            marks += _runs(_moved(beside, pen, whole and last - first == len(side), rng), pen, rng, 0.85)
    return marks


def _sides(line: np.ndarray, pen: Pen, closed: bool, rng: np.random.Generator) -> list[np.ndarray]:
    """The line smoothed: in one piece, or cut where it turns sharply."""
    corners = _corners(line) if rng.random() < pen.corner else []
    if not corners:
        return [smoothed(line, pen.smooth, closed)]
    ends = [0, *corners, len(line) - 1]
    sides = [smoothed(line[a : b + 1], pen.smooth) for a, b in pairwise(ends)]
    if rng.random() < pen.split:
        return sides
    return [np.concatenate([side[:-1] for side in sides[:-1]] + sides[-1:])]


def _corners(line: np.ndarray) -> list[int]:
    """Where a line turns sharply: ascending indices, neither end."""
    if len(line) < 7:
        return []
    along = line[2:] - line[:-2]
    before, after = along[:-2], along[2:]
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    turn = np.abs(np.arctan2(cross, (before * after).sum(1)))
    corners: list[int] = []
    for k in np.nonzero(turn > _CORNER)[0].tolist():
        if corners and k + 2 - corners[-1] < 4:
            if turn[k] > turn[corners[-1] - 2]:
                corners[-1] = k + 2
        else:
            corners.append(k + 2)
    return corners


def _part(count: int, share: float, rng: np.random.Generator) -> tuple[int, int]:
    """First and last + 1 of a random stretch of ``share`` of ``count`` points."""
    kept = max(2, round(count * share))
    first = int(rng.integers(0, count - kept + 1))
    return first, first + kept


def _moved(line: np.ndarray, pen: Pen, closed: bool, rng: np.random.Generator) -> np.ndarray:
    """The way that the hand takes: tremor, wander, ends that miss or go too far."""
    length = _STEP * (len(line) - 1)
    if closed and pen.closure > 0.2:
        more = int(np.clip(rng.normal(0, pen.closure) / _STEP, -0.15 * len(line), 0.3 * len(line)))
        line = np.concatenate([line, line[1 : more + 1]]) if more > 0 else line[: len(line) + more]
        miss = rng.normal(0, min(0.5 * pen.closure, 0.08 * length), 2)
        line = line + np.linspace(0, 1, len(line))[:, None] ** 2 * miss
    elif pen.overshoot > 0.5 and not closed:
        reach = rng.exponential(pen.overshoot, 2) * min(1.0, length / 30)
        ends = line[[0, -1]] - line[[min(2, len(line) - 1), max(-3, -len(line))]]
        ends *= reach[:, None] / np.maximum(np.linalg.norm(ends, axis=1, keepdims=True), 1.0)
        line = np.concatenate([line[:1] + ends[:1], line, line[-1:] + ends[1:]])
    # Small things are drawn with small errors.
    for amplitude, every, whole in ((pen.wobble, 4, 40), (pen.drift, 20, 80)):
        if amplitude > 0.05:
            line = line + amplitude * min(1.0, length / whole) * _wander(len(line), every, 2, rng)
    return line.astype(np.float32)


def _wander(count: int, every: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """(count, columns) smooth noise of unit size that turns about every so many points."""
    noise = rng.normal(0, 1, (count // every + 3, columns))
    at = np.arange(count) / every + rng.random()
    low = at.astype(int)
    part = (at - low)[:, None]
    part *= part * (3 - 2 * part)
    return noise[low] + (noise[low + 1] - noise[low]) * part


def _runs(line: np.ndarray, pen: Pen, rng: np.random.Generator, lighter: float = 1.0) -> list[Mark]:
    """The line as marks, broken at gaps; what follows a gap is taken up beside it."""
    count = len(line)
    cuts = np.sort(rng.integers(1, count, rng.binomial(count // 13, min(pen.gap, 1.0)))) if pen.gap else []
    width, opacity = _pressure(count, pen, rng)
    width *= lighter
    marks, start, beside = [], 0, np.zeros(2)
    for cut in [*cuts, count]:
        if cut - start >= 2:
            run = slice(start, cut)
            points = (line[run] + beside).astype(np.float32)
            marks.append(Mark(points, width[run], opacity[run], pen.tone, grain=pen.grain))
        start = max(start, int(cut) + int(rng.integers(1, 4))) if cut < count else count
        beside = rng.normal(0, 0.6 * pen.apart, 2)
    return marks


def _pressure(count: int, pen: Pen, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Width, pixels, and opacity, 0..1, along a line: two (count,) float32."""
    width = np.full(count, pen.width, np.float32)
    opacity = np.full(count, pen.opacity, np.float32)
    if count < 4:
        return width, opacity
    if pen.pressure > 0.02:
        force = 1 + np.clip(0.5 * pen.pressure * _wander(count, 16, 1, rng)[:, 0], -0.7, 0.7)
        width *= force
        opacity *= np.minimum(1.0, 0.4 + 0.6 * force)
    if pen.taper > 0.05:
        # The ends thin over their last part, by chance one of them more.
        reach = np.maximum(2.0, count * rng.uniform(0.1, 0.5, 2))
        at = np.arange(count)
        rise = np.minimum(np.minimum((at + 0.5) / reach[0], (count - at - 0.5) / reach[1]), 1.0)
        width *= 1 - pen.taper * (1 - np.sin(0.5 * np.pi * rise))
    if pen.lost and count > 10 and rng.random() < pen.lost:
        fading = np.linspace(0, 1, count) / rng.uniform(0.3, 0.8)
        fading = np.minimum(fading, 1.0) ** 0.7
        opacity *= fading if rng.random() < 0.5 else fading[::-1]
    return np.maximum(width, 0.35), opacity
