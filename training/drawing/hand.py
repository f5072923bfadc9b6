"""The hand: the line that was meant becomes the strokes that were drawn."""

from __future__ import annotations

from itertools import pairwise

import numba
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


@numba.njit(cache=True, nogil=True)
def _corners(line: np.ndarray) -> list[int]:
    """Where a line turns sharply: ascending indices, neither end."""
    corners = [0]
    sharpest = 0.0
    for k in range(2, len(line) - 2):
        ax, ay = line[k, 0] - line[k - 2, 0], line[k, 1] - line[k - 2, 1]
        bx, by = line[k + 2, 0] - line[k, 0], line[k + 2, 1] - line[k, 1]
        turn = abs(np.arctan2(ax * by - ay * bx, ax * bx + ay * by))
        if turn <= _CORNER:
            continue
        if k - corners[-1] >= 4 or corners[-1] == 0:
            corners.append(k)
        elif turn > sharpest:
            corners[-1] = k
        else:
            continue
        sharpest = turn
    return corners[1:]


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
        line = line + (np.linspace(0, 1, len(line))[:, None] ** 2 * miss).astype(np.float32)
    elif pen.overshoot > 0.5 and not closed:
        # Nobody goes on for ever.
        reach = pen.overshoot * min(1.0, length / 30) * np.minimum(rng.exponential(1.0, 2), 2.5)
        line = _lengthened(line, reach[0], reach[1])
    # Small things are drawn with small errors.
    for amplitude, every, whole in ((pen.wobble, 4, 40), (pen.drift, 20, 80)):
        if amplitude > 0.05:
            line = line + np.float32(amplitude * min(1.0, length / whole)) * _wander(len(line), every, 2, rng)
    return line


@numba.njit(cache=True, nogil=True)
def _lengthened(line: np.ndarray, before: float, after: float) -> np.ndarray:
    """The (n, 2) line with a straight piece of so many pixels at each end."""
    count = len(line)
    longer = np.empty((count + 2, 2), np.float32)
    longer[1:-1] = line
    back = min(2, count - 1)
    for end, inner, reach, to in ((0, back, before, 0), (count - 1, count - 1 - back, after, count + 1)):
        dx, dy = line[end, 0] - line[inner, 0], line[end, 1] - line[inner, 1]
        part = reach / max(np.sqrt(dx * dx + dy * dy), 1.0)
        longer[to, 0], longer[to, 1] = line[end, 0] + part * dx, line[end, 1] + part * dy
    return longer


def _wander(count: int, every: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """(count, columns) smooth noise of unit size that turns about every so many points."""
    return _interpolated(rng.normal(0, 1, (count // every + 3, columns)), count, every, rng.random())


@numba.njit(cache=True, nogil=True)
def _interpolated(noise: np.ndarray, count: int, every: int, start: float) -> np.ndarray:
    wave = np.empty((count, noise.shape[1]), np.float32)
    for i in range(count):
        at = i / every + start
        low = int(at)
        part = at - low
        part *= part * (3 - 2 * part)
        for k in range(noise.shape[1]):
            wave[i, k] = noise[low, k] + (noise[low + 1, k] - noise[low, k]) * part
    return wave


def _runs(line: np.ndarray, pen: Pen, rng: np.random.Generator, lighter: float = 1.0) -> list[Mark]:
    """The line as marks, broken at gaps; what follows a gap is taken up beside it."""
    count = len(line)
    width, opacity = _pressure(count, pen, rng)
    width *= np.float32(lighter)
    gaps = rng.binomial(count // 13, min(pen.gap, 1.0)) if pen.gap else 0
    if not gaps:
        return [Mark(line, width, opacity, pen.tone, grain=pen.grain)]
    marks, start, beside = [], 0, np.zeros(2)
    for cut in [*np.sort(rng.integers(1, count, gaps)), count]:
        if cut - start >= 2:
            run = slice(start, cut)
            points = (line[run] + beside).astype(np.float32)
            marks.append(Mark(points, width[run], opacity[run], pen.tone, grain=pen.grain))
        start = max(start, int(cut) + int(rng.integers(1, 4)))
        beside = rng.normal(0, 0.6 * pen.apart, 2)
    return marks


def _pressure(count: int, pen: Pen, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Width, pixels, and opacity, 0..1, along a line: two (count,) float32."""
    force = _wander(count, 16, 1, rng)[:, 0] if pen.pressure else np.zeros(count, np.float32)
    # The ends thin over their last part, by chance one of them more.
    before, after = rng.uniform(0.1, 0.5, 2) if pen.taper else (0.0, 0.0)
    fading = 0.0
    if pen.lost and count > 10 and rng.random() < pen.lost:
        fading = rng.uniform(0.3, 0.8) * rng.choice((-1, 1))
    return _pressed(force, pen.width, pen.opacity, pen.pressure, pen.taper, before, after, fading)


@numba.njit(cache=True, nogil=True)
def _pressed(
    force: np.ndarray,
    width: float,
    opacity: float,
    pressure: float,
    taper: float,
    before: float,
    after: float,
    fading: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Width and opacity along a line.

    Args:
        force: (n,) noise of unit size.
        width: pixels at full pressure.
        opacity: 0..1 at full pressure.
        pressure: how much both follow the force.
        taper: how much the ends thin.
        before: share of the line over which it swells.
        after: share over which it thins.
        fading: share over which it appears, or disappears if it is negative; 0 for neither.
    """
    count = len(force)
    widths, opacities = np.empty(count, np.float32), np.empty(count, np.float32)
    for k in range(count):
        pressed = 1 + min(max(0.5 * pressure * force[k], -0.7), 0.7)
        thick, ink = width * pressed, opacity * min(1.0, 0.4 + 0.6 * pressed)
        if taper > 0:
            rise = min((k + 0.5) / max(2.0, before * count), (count - k - 0.5) / max(2.0, after * count), 1.0)
            thick *= 1 - taper * (1 - rise) ** 2
        if fading != 0:
            at = (k + 0.5 if fading > 0 else count - k - 0.5) / count
            ink *= min(at / abs(fading), 1.0) ** 0.7
        widths[k], opacities[k] = max(thick, 0.35), ink
    return widths, opacities
