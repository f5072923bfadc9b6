"""The hand: the line that was meant becomes the strokes that were drawn."""

from __future__ import annotations

from itertools import pairwise

import numba
import numpy as np

from .marks import Mark
from .pen import Pen, even_line, soft_line

#: Pixels between the points of a drawn line.
_STEP = 3.0

#: Lines turning by more than this within 12 px have a corner there, radians.
_CORNER = 1.0

#: Points between the turns of the tremor, the slow wander and the pressure of a hand.
_TREMOR, _DRIFT, _FORCE = 4, 20, 16

#: How many single numbers of chance :func:`_drawn` takes, besides the noise along the line.
_NORMALS, _UNIFORMS = 3, 10


def strokes(points: np.ndarray, pen: Pen, closed: bool, rng: np.random.Generator) -> list[Mark]:
    """What a hand makes of an (n, 2) pixel polyline."""
    points = np.ascontiguousarray(points, np.float32)
    if len(points) < 2 and not closed:
        return []
    line, corners = _meant(points, closed, float(pen.smooth), rng.random() < pen.corner)
    if len(line) < 2:
        return []
    sides = [line]
    if len(corners) and rng.random() < pen.split:
        sides = [line[a : b + 1] for a, b in pairwise([0, *corners.tolist(), len(line) - 1])]
    marks = []
    for side in sides:
        # Only a line in one stroke has a closing error.
        whole = closed and len(side) == len(line)
        marks += _runs(*_stroked(side, pen, whole, rng), pen, rng)
        again = 0 if rng.random() >= pen.double else 1 + int(rng.random() < 0.3)
        for _ in range(again):
            first, last = _part(len(side), rng.uniform(pen.redrawn, 1.0), rng)
            beside = side[first:last] + rng.normal(0, pen.apart, 2).astype(np.float32)
            moved, width, opacity = _stroked(beside, pen, whole and last - first == len(side), rng)
            marks += _runs(moved, width * np.float32(0.85), opacity, pen, rng)
    return marks


@numba.njit(cache=True, nogil=True)
def _meant(points: np.ndarray, closed: bool, sigma: float, cornered: bool) -> tuple[np.ndarray, np.ndarray]:
    """The line at even steps and smoothed between its corners, and which of its points these are."""
    line = even_line(points, _STEP, closed)
    corners = _corners(line) if cornered else np.empty(0, np.int64)
    if not len(corners):
        return soft_line(line, sigma, closed), corners
    soft = np.empty_like(line)
    start = 0
    for k in range(len(corners) + 1):
        stop = corners[k] if k < len(corners) else len(line) - 1
        soft[start : stop + 1] = soft_line(line[start : stop + 1], sigma, False)
        start = stop
    return soft, corners


@numba.njit(cache=True, nogil=True)
def _corners(line: np.ndarray) -> np.ndarray:
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
    return np.array(corners, np.int64)[1:]


def _part(count: int, share: float, rng: np.random.Generator) -> tuple[int, int]:
    """First and last + 1 of a random stretch of ``share`` of ``count`` points."""
    kept = max(2, round(count * share))
    first = int(rng.integers(0, count - kept + 1))
    return first, first + kept


def _stroked(
    line: np.ndarray, pen: Pen, closed: bool, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The way that the hand takes along an (n, 2) line and how it presses: (m, 2) pixels, (m,) width and opacity."""
    # An end that goes on past the beginning makes a closed line up to 1.3 times as long.
    count = int(1.3 * len(line)) + 3
    waves = 2 * (count // _TREMOR + 3) + 2 * (count // _DRIFT + 3) + count // _FORCE + 3
    return _drawn(
        line, closed, pen.wobble, pen.drift, pen.closure, pen.overshoot, pen.width, pen.opacity, pen.pressure,
        pen.taper, pen.lost, rng.standard_normal(_NORMALS + waves), rng.random(_UNIFORMS),
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _drawn(
    line: np.ndarray,
    closed: bool,
    wobble: float,
    drift: float,
    closure: float,
    overshoot: float,
    width: float,
    opacity: float,
    pressure: float,
    taper: float,
    lost: float,
    normal: np.ndarray,
    uniform: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One stroke: tremor, wander, ends that miss or go too far, pressure. All chance is in the last two arrays."""
    length = _STEP * (len(line) - 1)
    if closed and closure > 0.2:
        moved = _missed(line, closure, length, normal)
    elif overshoot > 0.5 and not closed:
        # Nobody goes on for ever.
        reach = overshoot * min(1.0, length / 30)
        before, after = min(-np.log(1 - uniform[0]), 2.5), min(-np.log(1 - uniform[1]), 2.5)
        moved = _lengthened(line, reach * before, reach * after)
    else:
        moved = line.copy()
    count, used = len(moved), _NORMALS
    # Small things are drawn with small errors.
    for axis in range(2):
        if wobble > 0.05:
            size = wobble * min(1.0, length / 40)
            _waved(moved[:, axis], normal[used:], _TREMOR, uniform[2], size)
            used += count // _TREMOR + 3
        if drift > 0.05:
            size = drift * min(1.0, length / 80)
            _waved(moved[:, axis], normal[used:], _DRIFT, uniform[3], size)
            used += count // _DRIFT + 3
    force = np.zeros(count, np.float32)
    if pressure > 0:
        _waved(force, normal[used:], _FORCE, uniform[4], 1.0)
    # The ends thin over their last part, by chance one of them more.
    rise, fall = 0.1 + 0.4 * uniform[5], 0.1 + 0.4 * uniform[6]
    fading = 0.0
    if count > 10 and uniform[7] < lost:
        fading = (0.3 + 0.5 * uniform[8]) * (-1 if uniform[9] < 0.5 else 1)
    widths, opacities = _pressed(force, width, opacity, pressure, taper, rise, fall, fading)
    return moved, widths, opacities


@numba.njit(cache=True, nogil=True)
def _missed(line: np.ndarray, closure: float, length: float, normal: np.ndarray) -> np.ndarray:
    """A closed (n, 2) line whose end stops short of its beginning, goes on past it or lies beside it."""
    count = len(line)
    more = int(min(max(normal[0] * closure / _STEP, -0.15 * count), 0.3 * count))
    moved = np.empty((count + more, 2), np.float32)
    spread = min(0.5 * closure, 0.08 * length)
    for k in range(count + more):
        share = (k / max(count + more - 1, 1)) ** 2 * spread
        for axis in range(2):
            moved[k, axis] = line[k if k < count else k - count + 1, axis] + share * normal[1 + axis]
    return moved


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


@numba.njit(cache=True, nogil=True)
def _waved(values: np.ndarray, noise: np.ndarray, every: int, start: float, size: float) -> None:
    """Add to (n,) values a smooth wave of ``size`` that turns about every so many points."""
    for i in range(len(values)):
        at = i / every + start
        low = int(at)
        part = at - low
        part *= part * (3 - 2 * part)
        values[i] += size * (noise[low] + (noise[low + 1] - noise[low]) * part)


def _runs(
    line: np.ndarray, width: np.ndarray, opacity: np.ndarray, pen: Pen, rng: np.random.Generator
) -> list[Mark]:
    """The line as marks, broken at gaps; what follows a gap is taken up beside it."""
    count = len(line)
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
