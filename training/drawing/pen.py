"""Pens: tools and the hands that hold them; and the lines that people draw with them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba
import numpy as np

from .chance import pick


@dataclass(frozen=True)
class Tool:
    """What people draw with; each pair is the range that a pen of this kind is sampled from.

    Attributes:
        share: weight among the tools.
        width: pixels.
        opacity: 0..1.
        grain: how much the tooth of the paper shows, 0..1.
        pressure: how much width and opacity follow the hand's pressure, 0..1.
        taper: how much the ends thin, 0..1.
    """

    share: float
    width: tuple[float, float]
    opacity: tuple[float, float] = (1.0, 1.0)
    grain: tuple[float, float] = (0.0, 0.0)
    pressure: tuple[float, float] = (0.0, 0.1)
    taper: tuple[float, float] = (0.0, 0.2)


TOOLS = {
    "tablet": Tool(0.28, (1.3, 4.0), pressure=(0.0, 0.3), taper=(0.0, 0.8)),
    "fineliner": Tool(0.17, (0.9, 1.8)),
    "ballpoint": Tool(0.10, (0.9, 1.6), (0.75, 0.95), (0.0, 0.25), (0.1, 0.35), (0.1, 0.4)),
    "pencil": Tool(0.18, (1.1, 2.6), (0.65, 0.95), (0.3, 0.8), (0.2, 0.5), (0.2, 0.6)),
    "brush": Tool(0.12, (2.2, 5.5), pressure=(0.3, 0.7), taper=(0.4, 0.95)),
    "marker": Tool(0.10, (3.5, 8.0), (0.85, 1.0)),
    "crayon": Tool(0.05, (2.5, 6.0), (0.75, 1.0), (0.4, 0.9), (0.1, 0.35), (0.0, 0.2)),
    "charcoal": Tool(0.0, (2.0, 6.0), (0.6, 0.95), (0.6, 1.0), (0.3, 0.7), (0.2, 0.7)),
}


@dataclass(frozen=True)
class Pen:
    """A tool in somebody's hand. Lengths are pixels.

    Attributes:
        width: of a line at full pressure.
        tone: grey value of the ink, 0..255.
        wobble: amplitude of the hand's tremor, which turns every 12 px or so.
        smooth: half width of the smoothing of the drawn line, samples (3 px each).
        gap: chance that a line is interrupted, per 40 px.
        double: chance that a line is drawn again.
        overshoot: how far a line goes on past its ends.
        taper: 0 for an even line, 1 for one that thins to nothing at its ends.
        drift: amplitude of the slow wander off the line that was meant, which turns every 60 px or so.
        apart: how far lines drawn again, and lines taken up after a gap, lie beside the first.
        redrawn: the least share of a line that drawing it again covers.
        closure: how far the end of a closed shape misses its beginning.
        corner: chance that the corners of a line are kept; they are rounded otherwise.
        split: chance that a line with corners is drawn side by side, as strokes of their own.
        lost: chance that a line fades out towards one end.
        pressure: how much width and opacity vary along a line, 0..1.
        opacity: of the ink, 0..1.
        grain: how much the tooth of the paper shows through, 0..1.
        expression: how much of the tool's pressure and taper the hand makes use of, 0..1.
    """

    width: float = 2.0
    tone: float = 30.0
    wobble: float = 0.6
    smooth: float = 1.5
    gap: float = 0.0
    double: float = 0.0
    overshoot: float = 0.0
    taper: float = 0.0
    drift: float = 0.0
    apart: float = 0.5
    redrawn: float = 1.0
    closure: float = 0.0
    corner: float = 1.0
    split: float = 0.0
    lost: float = 0.0
    pressure: float = 0.0
    opacity: float = 1.0
    grain: float = 0.0
    expression: float = 1.0

    def varied(self, rng: np.random.Generator, width: float = 1.0) -> Pen:
        """The same pen pressed a little differently; ``width`` scales it."""
        return self.changed(
            width=max(0.6, self.width * width * math.exp(rng.normal(0, 0.08))),
            tone=min(max(self.tone + rng.normal(0, 8), 0.0), 255.0),
        )

    def scaled(self, factor: float) -> Pen:
        """The same pen for a figure that is drawn ``factor`` times as large."""
        return self.changed(
            width=max(0.6, self.width * factor),
            wobble=self.wobble * factor,
            overshoot=self.overshoot * factor,
            drift=self.drift * factor,
            apart=self.apart * factor,
            closure=self.closure * factor,
        )

    def using(self, name: str, rng: np.random.Generator) -> Pen:
        """The same hand and ink with another of the :data:`TOOLS`."""
        tool = TOOLS[name]
        low, high = np.log(tool.width)
        return self.changed(
            width=float(np.exp(rng.uniform(low, high))),
            opacity=float(rng.uniform(*tool.opacity)),
            grain=float(rng.uniform(*tool.grain)),
            pressure=self.expression * float(rng.uniform(*tool.pressure)),
            taper=self.expression * float(rng.uniform(*tool.taper)),
        )

    def changed(self, **values: float) -> Pen:
        """The same pen with other values. A drawing has a hundred of these, and ``dataclasses.replace`` is slow."""
        pen = object.__new__(Pen)
        pen.__dict__.update(self.__dict__, **values)
        return pen

    @classmethod
    def sample(cls, rng: np.random.Generator, ink: float, expert: bool) -> Pen:
        """A random tool in a novice's or an expert's hand.

        Args:
            rng: source of chance.
            ink: darkest grey value of the tool, 0..255.
            expert: experts draw quick smooth lines that swell, thin and fade, search for the right one with
                several that overlap, and cross them at the corners. Novices draw slowly: their lines tremble,
                wander, stop, go on beside where they stopped, keep one pressure and do not meet.
        """
        tool = pick(rng, tuple(TOOLS), [tool.share for tool in TOOLS.values()])
        sketchy = rng.random() < (0.3 if expert else 0.2)
        if expert:
            hand = cls(
                tone=float(ink),
                wobble=float(rng.gamma(2.0, 0.1)),
                drift=float(rng.gamma(2.0, 0.4)),
                smooth=float(rng.uniform(1.2, 3.0)),
                gap=float(pick(rng, [0.0, 0.06], [0.75, 0.25])),
                double=float(rng.uniform(0.4, 1.0)) if sketchy else 0.0,
                apart=float(rng.uniform(0.4, 1.2)),
                redrawn=0.35,
                overshoot=float(rng.gamma(1.0, 5.0)) if sketchy else float(rng.gamma(1.0, 1.0)),
                closure=float(rng.gamma(1.0, 1.0)),
                corner=0.9,
                split=0.7 if sketchy else 0.15,
                lost=float(pick(rng, [0.0, rng.uniform(0.1, 0.5)], [0.6, 0.4])),
                expression=float(rng.uniform(0.4, 1.0)),
            )
        else:
            hand = cls(
                tone=float(ink),
                wobble=float(rng.gamma(2.0, 0.35)),
                drift=float(rng.gamma(2.0, 0.8)),
                smooth=float(rng.uniform(0.6, 2.4)),
                gap=float(pick(rng, [0.0, 0.06, 0.2], [0.5, 0.3, 0.2])),
                double=float(rng.uniform(0.3, 0.9)) if sketchy else 0.0,
                apart=float(rng.uniform(0.8, 3.0)),
                overshoot=float(rng.gamma(1.0, 2.5)),
                closure=float(rng.gamma(1.5, 2.5)),
                corner=0.6,
                split=0.25,
                expression=float(rng.uniform(0.0, 0.3)),
            )
        return hand.using(tool, rng)


def resample(points: np.ndarray, step: float = 3.0, closed: bool = False) -> np.ndarray:
    """An (n, 2) polyline at even steps along its length, pixels."""
    points = np.ascontiguousarray(points, np.float32)
    return points if len(points) < 2 and not closed else even_line(points, step, closed)


@numba.njit(cache=True, nogil=True)
def even_line(points: np.ndarray, step: float, closed: bool) -> np.ndarray:
    """:func:`resample` for compiled code: float32, at least 2 points or closed."""
    if closed:
        points = np.concatenate((points, points[:1]))
    lengths = np.sqrt(((points[1:] - points[:-1]) ** 2).sum(1))
    total = lengths.sum()
    if total < 1e-3:
        return points[:1].copy()
    count = max(2, int(total / step) + 1)
    line = np.empty((count, 2), np.float32)
    k, travelled = 0, 0.0
    for i in range(count):
        at = total * i / (count - 1)
        while k < len(lengths) - 1 and at > travelled + lengths[k]:
            travelled += lengths[k]
            k += 1
        part = min((at - travelled) / max(lengths[k], 1e-9), 1.0)
        line[i] = points[k] + (points[k + 1] - points[k]) * part
    return line


def smoothed(line: np.ndarray, sigma: float, closed: bool = False) -> np.ndarray:
    """Gaussian smoothing of an (n, 2) polyline; the ends of an open line stay."""
    return soft_line(np.ascontiguousarray(line, np.float32), sigma, closed)


@numba.njit(cache=True, nogil=True)
def soft_line(line: np.ndarray, sigma: float, closed: bool) -> np.ndarray:
    """:func:`smoothed` for compiled code: float32."""
    if sigma < 0.3 or len(line) < 4:
        return line
    last = len(line) - 1
    reach = min(int(2.5 * sigma) + 1, last)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    out = np.empty_like(line)
    for i in range(last + 1):
        x = y = 0.0
        for j in range(-reach, reach + 1):
            k, weight = i + j, kernel[j + reach]
            if closed:  # the last point is the first again
                k %= last
                px, py = line[k, 0], line[k, 1]
            elif k < 0:  # an open line goes on turned about its end
                px, py = 2 * line[0, 0] - line[-k, 0], 2 * line[0, 1] - line[-k, 1]
            elif k > last:
                k = 2 * last - k
                px, py = 2 * line[last, 0] - line[k, 0], 2 * line[last, 1] - line[k, 1]
            else:
                px, py = line[k, 0], line[k, 1]
            x += weight * px
            y += weight * py
        out[i, 0], out[i, 1] = x, y
    return out


def ellipse(centre: np.ndarray, axis: np.ndarray, across: float, count: int = 24) -> np.ndarray:
    """(count, 2) outline of an ellipse: ``axis`` is one half axis as a vector, ``across`` the other's length."""
    return _ellipse(float(centre[0]), float(centre[1]), float(axis[0]), float(axis[1]), float(across), count)


@numba.njit(cache=True, nogil=True)
def _ellipse(x: float, y: float, axis_x: float, axis_y: float, across: float, count: int) -> np.ndarray:
    side = across / max(np.hypot(axis_x, axis_y), 1e-3)
    outline = np.empty((count, 2), np.float32)
    for k in range(count):
        cosine, sine = np.cos(2 * np.pi * k / count), np.sin(2 * np.pi * k / count) * side
        outline[k, 0] = x + cosine * axis_x - sine * axis_y
        outline[k, 1] = y + cosine * axis_y + sine * axis_x
    return outline


def ribbon(line: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Closed outline of an (n, 2) line with (n,) half widths and rounded ends, pixels."""
    return _ribbon(np.ascontiguousarray(line, np.float64), np.ascontiguousarray(widths, np.float64))


@numba.njit(cache=True, nogil=True)
def _ribbon(line: np.ndarray, widths: np.ndarray) -> np.ndarray:
    count, cap = len(line), 5
    way = tangents(line)
    outline = np.empty((2 * count + 2 * cap, 2), np.float32)
    for k in range(count):
        normal_x, normal_y = -way[k, 1] * widths[k], way[k, 0] * widths[k]
        outline[k, 0], outline[k, 1] = line[k, 0] - normal_x, line[k, 1] - normal_y
        far = 2 * count + cap - 1 - k
        outline[far, 0], outline[far, 1] = line[k, 0] + normal_x, line[k, 1] + normal_y
    for k in range(cap):
        turn = np.pi * (k + 1) / (cap + 1) - np.pi / 2
        cosine, sine = np.cos(turn), np.sin(turn)
        for end, sign, at in ((count - 1, 1.0, count + k), (0, -1.0, 2 * count + 2 * cap - 1 - k)):
            x, y = way[end, 0], way[end, 1]
            outline[at, 0] = line[end, 0] + sign * widths[end] * (cosine * x - sine * y)
            outline[at, 1] = line[end, 1] + sign * widths[end] * (cosine * y + sine * x)
    return outline


@numba.njit(cache=True, nogil=True)
def tangents(line: np.ndarray) -> np.ndarray:
    """(n, 2) unit directions of an (n, 2) line, n at least 2; no direction where it stands still."""
    count = len(line)
    way = np.empty((count, 2))
    for k in range(count):
        before, after = max(k - 1, 0), min(k + 1, count - 1)
        x, y = line[after, 0] - line[before, 0], line[after, 1] - line[before, 1]
        if 0 < k < count - 1:
            x, y = x / 2, y / 2
        length = max(np.hypot(x, y), 1e-6)
        way[k, 0], way[k, 1] = x / length, y / length
    return way


def curve(points: np.ndarray, bend: float = 0.0, count: int = 12) -> np.ndarray:
    """A smooth (count, 2) line through 2 or 3 points; ``bend`` bows a two-point line sideways by that share."""
    return _curve(np.ascontiguousarray(points, np.float64), float(bend), count)


@numba.njit(cache=True, nogil=True)
def _curve(points: np.ndarray, bend: float, count: int) -> np.ndarray:
    a, b = points[0], points[-1]
    line = np.empty((count, 2), np.float32)
    for axis in range(2):
        middle = (a[axis] + b[axis]) / 2
        if len(points) == 3:
            through = points[1, axis]
        else:
            through = middle + bend * (a[1] - b[1] if axis == 0 else b[0] - a[0])
        control = 2 * through - middle
        for k in range(count):
            t = k / (count - 1)
            line[k, axis] = (1 - t) ** 2 * a[axis] + 2 * t * (1 - t) * control + t**2 * b[axis]
    return line
