"""The hand: the line that was meant becomes the strokes that were drawn.

All of it is compiled: a drawing has dozens of lines, and calling NumPy for each of their steps takes longer than these.
"""

from __future__ import annotations

from itertools import pairwise
from operator import attrgetter

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

#: What compiled code is told of a pen, in this order.
_traits = attrgetter(
    "smooth", "corner", "split", "double", "redrawn", "apart", "gap", "wobble", "drift", "closure", "overshoot",
    "width", "opacity", "pressure", "taper", "lost",
)  # fmt: skip

#: One piece of a stroke: (n, 2) pixels, (n,) widths, (n,) opacities.
_Piece = tuple[np.ndarray, np.ndarray, np.ndarray]


def strokes(points: np.ndarray, pen: Pen, closed: bool, rng: np.random.Generator) -> list[Mark]:
    """What a hand makes of an (n, 2) pixel polyline."""
    points = np.ascontiguousarray(points, np.float32)
    if len(points) < 2 and not closed:
        return []
    traits = tuple(map(float, _traits(pen)))
    line, width, opacity, ends = _strokes(points, closed, traits, rng.random())
    tone, grain = pen.tone, pen.grain
    return [Mark(line[a:b], width[a:b], opacity[a:b], tone, grain=grain) for a, b in pairwise(ends.tolist())]


@numba.njit(cache=True, nogil=True)
def _strokes(
    points: np.ndarray, closed: bool, traits: tuple[float, ...], seed: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """All pieces one after the other: (n, 2) pixels, (n,) widths and opacities, and where each begins and ends.

    Args:
        points: (m, 2) float32 pixels of the line that is meant.
        closed: its last point joins the first.
        traits: of the pen.
        seed: 0..1, of all chance.
    """
    smooth, corner, split, double, redrawn, apart = traits[:6]
    chance = np.array([np.uint64(seed * 2.0**53)])
    line, corners = _meant(points, closed, smooth, _uniform(chance) < corner)
    pieces = [(line, line[:, 0], line[:, 0]) for _ in range(0)]
    if len(line) >= 2:
        stops = [0]
        if len(corners) and _uniform(chance) < split:
            stops.extend(corners)
        stops.append(len(line) - 1)
        for k in range(len(stops) - 1):
            side = line[stops[k] : stops[k + 1] + 1]
            # Only a line in one stroke has a closing error.
            whole = closed and len(side) == len(line)
            _run(_drawn(side, whole, traits, chance), traits, chance, pieces)
            again = 0 if _uniform(chance) >= double else 1 + (_uniform(chance) < 0.3)
            for _ in range(again):
                kept = max(2, round(len(side) * (redrawn + (1 - redrawn) * _uniform(chance))))
                first = int((len(side) - kept + 1) * _uniform(chance))
                beside = side[first : first + kept].copy()
                for axis in range(2):
                    beside[:, axis] += np.float32(apart * _normal(chance))
                moved, width, opacity = _drawn(beside, whole and kept == len(side), traits, chance)
                width *= np.float32(0.85)
                _run((moved, width, opacity), traits, chance, pieces)
    ends = np.zeros(len(pieces) + 1, np.int64)
    for k in range(len(pieces)):
        ends[k + 1] = ends[k] + len(pieces[k][0])
    every = np.empty((ends[-1], 2), np.float32)
    widths, opacities = np.empty(ends[-1], np.float32), np.empty(ends[-1], np.float32)
    for k in range(len(pieces)):
        every[ends[k] : ends[k + 1]] = pieces[k][0]
        widths[ends[k] : ends[k + 1]] = pieces[k][1]
        opacities[ends[k] : ends[k + 1]] = pieces[k][2]
    return every, widths, opacities, ends


@numba.njit(cache=True, nogil=True)
def _uniform(chance: np.ndarray) -> float:
    """A random number 0..1 (SplitMix64; Steele et al., "Fast splittable pseudorandom number generators", 2014)."""
    chance[0] += np.uint64(0x9E3779B97F4A7C15)
    bits = chance[0]
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return (bits >> np.uint64(11)) * 2.0**-53


@numba.njit(cache=True, nogil=True)
def _normal(chance: np.ndarray) -> float:
    """A random number of the normal distribution (Box and Muller, 1958)."""
    size = np.sqrt(-2 * np.log(1 - _uniform(chance)))
    return size * np.cos(2 * np.pi * _uniform(chance))


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


@numba.njit(cache=True, nogil=True)
def _drawn(
    line: np.ndarray, closed: bool, traits: tuple[float, ...], chance: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The way that the hand takes along an (n, 2) line and how it presses: (m, 2) pixels, (m,) width and opacity.

    Tremor, wander, ends that miss or go too far, pressure.
    """
    wobble, drift, closure, overshoot, width, opacity, pressure, taper, lost = traits[7:]
    length = _STEP * (len(line) - 1)
    if closed and closure > 0.2:
        moved = _missed(line, closure, length, chance)
    elif overshoot > 0.5 and not closed:
        # Nobody goes on for ever.
        reach = overshoot * min(1.0, length / 30)
        before, after = min(-np.log(1 - _uniform(chance)), 2.5), min(-np.log(1 - _uniform(chance)), 2.5)
        moved = _lengthened(line, reach * before, reach * after)
    else:
        moved = line.copy()
    count = len(moved)
    # Small things are drawn with small errors.
    for axis in range(2):
        if wobble > 0.05:
            _waved(moved[:, axis], chance, _TREMOR, wobble * min(1.0, length / 40))
        if drift > 0.05:
            _waved(moved[:, axis], chance, _DRIFT, drift * min(1.0, length / 80))
    force = np.zeros(count, np.float32)
    if pressure > 0:
        _waved(force, chance, _FORCE, 1.0)
    # The ends thin over their last part, by chance one of them more.
    rise, fall = 0.1 + 0.4 * _uniform(chance), 0.1 + 0.4 * _uniform(chance)
    fading = 0.0
    if count > 10 and _uniform(chance) < lost:
        fading = (0.3 + 0.5 * _uniform(chance)) * (-1 if _uniform(chance) < 0.5 else 1)
    widths, opacities = _pressed(force, width, opacity, pressure, taper, rise, fall, fading)
    return moved, widths, opacities


@numba.njit(cache=True, nogil=True)
def _missed(line: np.ndarray, closure: float, length: float, chance: np.ndarray) -> np.ndarray:
    """A closed (n, 2) line whose end stops short of its beginning, goes on past it or lies beside it."""
    count = len(line)
    more = int(min(max(_normal(chance) * closure / _STEP, -0.15 * count), 0.3 * count))
    moved = np.empty((count + more, 2), np.float32)
    spread = min(0.5 * closure, 0.08 * length)
    aside = (_normal(chance), _normal(chance))
    for k in range(count + more):
        share = (k / max(count + more - 1, 1)) ** 2 * spread
        for axis in range(2):
            moved[k, axis] = line[k if k < count else k - count + 1, axis] + share * aside[axis]
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
def _waved(values: np.ndarray, chance: np.ndarray, every: int, size: float) -> None:
    """Add to (n,) values a smooth wave of ``size`` that turns about every so many points."""
    start = _uniform(chance)
    before, after, passed = _normal(chance), _normal(chance), 0
    for i in range(len(values)):
        at = i / every + start
        if int(at) > passed:
            before, after, passed = after, _normal(chance), passed + 1
        part = at - passed
        part *= part * (3 - 2 * part)
        values[i] += size * (before + (after - before) * part)


@numba.njit(cache=True, nogil=True)
def _run(stroke: _Piece, traits: tuple[float, ...], chance: np.ndarray, pieces: list[_Piece]) -> None:
    """Add a stroke to the pieces, broken at gaps; what follows a gap is taken up beside it."""
    apart, gap = traits[5:7]
    line, width, opacity = stroke
    count, gaps = len(line), 0
    if gap > 0:
        for _ in range(count // 13):
            gaps += _uniform(chance) < gap
    if gaps == 0:
        pieces.append(stroke)
        return
    cuts = np.full(gaps + 1, count)
    for k in range(gaps):
        cuts[k] = 1 + int((count - 1) * _uniform(chance))
    cuts.sort()
    start, aside = 0, np.zeros(2, np.float32)
    for cut in cuts:
        if cut - start >= 2:
            pieces.append((line[start:cut] + aside, width[start:cut], opacity[start:cut]))
        start = max(start, cut + 1 + int(3 * _uniform(chance)))
        for axis in range(2):
            aside[axis] = 0.6 * apart * _normal(chance)


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
