"""The hand and its tools: polylines become strokes with wobble, gaps, doubles, overshoot, pressure and grain."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

#: Sub-pixel bits of the coordinates that OpenCV draws.
_SHIFT = 4

#: The value of a pixel that a pattern covers.
_FULL = (255.0,)


@dataclass(frozen=True)
class Pen:
    """How lines are drawn.

    Attributes:
        width: pixels at the canvas size.
        tone: grey value of the ink, 0..255.
        wobble: amplitude of the hand's tremor, pixels.
        smooth: half width of the smoothing of the drawn line, samples (3 px each).
        gap: chance that a line is interrupted, per 40 px.
        double: chance that a line is drawn again.
        overshoot: pixels that a line goes on past its ends.
        taper: 0 for an even line, 1 for one that thins to nothing at its ends.
    """

    width: float = 2.0
    tone: float = 30.0
    wobble: float = 0.6
    smooth: float = 1.5
    gap: float = 0.0
    double: float = 0.0
    overshoot: float = 0.0
    taper: float = 0.0

    def varied(self, rng: np.random.Generator, width: float = 1.0) -> Pen:
        """The same pen pressed a little differently; ``width`` scales it."""
        return replace(
            self,
            width=max(0.6, self.width * width * float(np.exp(rng.normal(0, 0.08)))),
            tone=float(np.clip(self.tone + rng.normal(0, 8), 0, 255)),
        )

    def scaled(self, factor: float) -> Pen:
        """The same pen for a figure that is drawn ``factor`` times as large."""
        return replace(
            self,
            width=max(0.6, self.width * factor),
            wobble=self.wobble * factor,
            overshoot=self.overshoot * factor,
        )

    @classmethod
    def sample(cls, rng: np.random.Generator, ink: float, expert: bool) -> Pen:
        """A random tool in a novice's or an expert's hand.

        Args:
            rng: source of chance.
            ink: darkest grey value of the tool, 0..255.
            expert: experts tremble less, taper more and correct by redrawing.
        """
        kind = rng.choice(["fine", "normal", "bold", "marker"], p=[0.3, 0.42, 0.2, 0.08])
        width = {
            "fine": rng.uniform(0.8, 1.5),
            "normal": rng.uniform(1.4, 3.0),
            "bold": rng.uniform(2.8, 5.0),
            "marker": rng.uniform(5.0, 8.5),
        }[kind]
        sketchy = rng.random() < (0.35 if expert else 0.25)
        return cls(
            width=float(width),
            tone=float(ink),
            wobble=float(rng.gamma(2.0, 0.22 if expert else 0.6)),
            smooth=float(rng.uniform(0.8, 3.0)),
            gap=float(rng.choice([0.0, 0.05, 0.2], p=[0.5, 0.3, 0.2])),
            double=float(rng.uniform(0.4, 1.0)) if sketchy else 0.0,
            overshoot=float(rng.gamma(1.0, 4.0)) if sketchy else float(rng.gamma(1.0, 1.0)),
            taper=float(rng.uniform(0.2, 0.9)) if expert and rng.random() < 0.6 else 0.0,
        )


class Canvas:
    """A square grey page that strokes and fills are drawn on.

    Attributes:
        image: (S, S) uint8, 255 is white.
        rng: source of chance for the hand.
    """

    def __init__(self, size: int, paper: float, rng: np.random.Generator) -> None:
        self.image = np.full((size, size), paper, np.uint8)
        self.paper = paper
        self.rng = rng

    def stroke(self, points: np.ndarray, pen: Pen, closed: bool = False) -> None:
        """Draw an (n, 2) pixel polyline with a pen."""
        line = resample(points, closed=closed)
        if len(line) < 2:
            return
        times = 1
        if pen.double and self.rng.random() < pen.double:
            times = 2 if self.rng.random() < 0.7 else 3
        for repeat in range(times):
            again = pen if repeat == 0 else replace(pen, wobble=pen.wobble + 0.8, width=pen.width * 0.8)
            self._once(self._shaken(line, again, closed), again)

    def _shaken(self, line: np.ndarray, pen: Pen, closed: bool) -> np.ndarray:
        line = smoothed(line, pen.smooth, closed)
        if pen.overshoot > 0.5 and not closed:
            reach = self.rng.exponential(pen.overshoot, 2)
            ends = line[[0, -1]] - line[[min(2, len(line) - 1), max(-3, -len(line))]]
            ends *= reach[:, None] / np.maximum(np.linalg.norm(ends, axis=1, keepdims=True), 1.0)
            line = np.concatenate([line[:1] + ends[:1], line, line[-1:] + ends[1:]])
        if pen.wobble > 0.05:
            noise = self.rng.normal(0, 1, (len(line) // 4 + 3, 2))
            at = np.linspace(0, len(noise) - 1.001, len(line))
            low = at.astype(int)
            part = (at - low)[:, None]
            line = line + pen.wobble * (noise[low] * (1 - part) + noise[low + 1] * part)
            if pen.double:
                line = line + self.rng.normal(0, 0.4 * pen.wobble, 2)
        return line

    def _once(self, line: np.ndarray, pen: Pen) -> None:
        for run in self._runs(line, pen.gap):
            if pen.taper < 0.05 or len(run) < 4:
                self._polyline(run, pen.width, pen.tone)
                continue
            pieces = min(6, len(run) - 1)
            cuts = np.linspace(0, len(run) - 1, pieces + 1).astype(int)
            for k in range(pieces):
                middle = (k + 0.5) / pieces
                pressure = 1 - pen.taper * (1 - np.sin(np.pi * middle))
                self._polyline(run[cuts[k] : cuts[k + 1] + 1], max(0.7, pen.width * pressure), pen.tone)

    def _runs(self, line: np.ndarray, gap: float) -> list[np.ndarray]:
        if gap <= 0:
            return [line]
        count = self.rng.binomial(max(1, len(line) // 13), min(gap, 1.0))
        runs, start = [], 0
        for cut in np.sort(self.rng.integers(1, len(line), count)):
            if cut - start >= 2:
                runs.append(line[start:cut])
            start = cut + int(self.rng.integers(1, 5))
        if len(line) - start >= 2:
            runs.append(line[start:])
        return runs

    def _polyline(self, line: np.ndarray, width: float, tone: float) -> None:
        # OpenCV draws whole widths only: a thin line gets its weight through its tone.
        thick = max(1, round(width))
        if width < 1.0:
            tone = tone + (self.paper - tone) * (1 - width)
        scaled = np.round(line * (1 << _SHIFT)).astype(np.int32)
        cv2.polylines(self.image, [scaled], False, (float(tone),), thick, cv2.LINE_AA, _SHIFT)

    def fill(self, polygon: np.ndarray, tone: float) -> None:
        """Fill an (n, 2) pixel polygon with a grey value."""
        scaled = np.round(polygon * (1 << _SHIFT)).astype(np.int32)
        cv2.fillPoly(self.image, [scaled], (float(tone),), cv2.LINE_AA, _SHIFT)

    def wash(self, mask: np.ndarray, tone: float | np.ndarray, strength: float = 1.0) -> None:
        """Blend a tone into the page where ``mask`` (S, S) bool is set."""
        old = self.image[mask].astype(np.float32)
        new = tone[mask] if isinstance(tone, np.ndarray) else tone
        self.image[mask] = np.clip(old + (new - old) * strength, 0, 255).astype(np.uint8)

    def hatch(self, mask: np.ndarray, tone: float, spacing: float, angle: float, width: int = 1) -> None:
        """Parallel lines inside ``mask``; spacing in pixels, angle in radians."""
        layer = np.zeros_like(self.image)
        size = len(layer)
        direction = np.array([np.cos(angle), np.sin(angle)])
        normal = np.array([-direction[1], direction[0]])
        for offset in np.arange(-0.75 * size, 0.75 * size, spacing):
            middle = size / 2 + normal * (offset + self.rng.normal(0, 0.12 * spacing))
            a, b = (
                np.round(middle - direction * size).astype(int),
                np.round(middle + direction * size).astype(int),
            )
            cv2.line(layer, a.tolist(), b.tolist(), _FULL, width, cv2.LINE_AA)
        alpha = (layer.astype(np.float32) / 255) * mask
        self.image = (self.image + (tone - self.image.astype(np.float32)) * alpha).astype(np.uint8)

    def dots(self, mask: np.ndarray, tone: float, spacing: float, radius: float) -> None:
        """A pattern of dots (or crosses, at random) inside ``mask``."""
        layer = np.zeros_like(self.image)
        grid = np.arange(spacing / 2, len(layer), spacing)
        cross = self.rng.random() < 0.3
        for row, y in enumerate(grid):
            for x in grid + (spacing / 2) * (row % 2):
                centre = (
                    np.round(np.array([x, y]) + self.rng.normal(0, 0.1 * spacing, 2)).astype(int).tolist()
                )
                if cross:
                    cv2.drawMarker(
                        layer, centre, _FULL, cv2.MARKER_TILTED_CROSS, max(3, int(radius * 2.5)), 1
                    )
                else:
                    cv2.circle(layer, centre, max(1, round(radius)), _FULL, -1, cv2.LINE_AA)
        alpha = (layer.astype(np.float32) / 255) * mask
        self.image = (self.image + (tone - self.image.astype(np.float32)) * alpha).astype(np.uint8)


def resample(points: np.ndarray, step: float = 3.0, closed: bool = False) -> np.ndarray:
    """An (n, 2) polyline at even steps along its length, pixels."""
    points = np.asarray(points, np.float32)
    if closed:
        points = np.concatenate([points, points[:1]])
    if len(points) < 2:
        return points
    travelled = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    if travelled[-1] < 1e-3:
        return points[:1]
    at = np.linspace(0, travelled[-1], max(2, int(travelled[-1] / step) + 1))
    return np.stack([np.interp(at, travelled, points[:, k]) for k in (0, 1)], 1).astype(np.float32)


def smoothed(line: np.ndarray, sigma: float, closed: bool = False) -> np.ndarray:
    """Gaussian smoothing of an (n, 2) polyline; the ends of an open line stay."""
    if sigma < 0.3 or len(line) < 4:
        return line
    reach = min(int(2.5 * sigma) + 1, len(line) - 1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    if closed:
        padded = np.concatenate([line[-reach - 1 : -1], line, line[1 : reach + 1]])
    else:
        padded = np.concatenate(
            [2 * line[:1] - line[reach:0:-1], line, 2 * line[-1:] - line[-2 : -reach - 2 : -1]]
        )
    return np.stack([np.convolve(padded[:, k], kernel, "valid") for k in (0, 1)], 1).astype(np.float32)


def ellipse(centre: np.ndarray, axis: np.ndarray, across: float, count: int = 24) -> np.ndarray:
    """(count, 2) outline of an ellipse: ``axis`` is one half axis as a vector, ``across`` the other's length."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)[:, None]
    length = max(float(np.hypot(*axis)), 1e-3)
    side = np.array([-axis[1], axis[0]]) / length * across
    return (centre + np.cos(angle) * axis + np.sin(angle) * side).astype(np.float32)


def ribbon(line: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Closed outline of an (n, 2) line with (n,) half widths and rounded ends, pixels."""
    tangent = np.gradient(line, axis=0)
    tangent /= np.maximum(np.hypot(*tangent.T)[:, None], 1e-6)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], 1)
    half = np.linspace(-np.pi / 2, np.pi / 2, 7)[1:-1, None]
    start = line[0] + widths[0] * (-np.cos(half) * tangent[0] - np.sin(half) * normal[0])
    end = line[-1] + widths[-1] * (np.cos(half) * tangent[-1] + np.sin(half) * normal[-1])
    left, right = line - normal * widths[:, None], line + normal * widths[:, None]
    return np.concatenate([left, end, right[::-1], start[::-1]]).astype(np.float32)


def curve(points: np.ndarray, bend: float = 0.0, count: int = 12) -> np.ndarray:
    """A smooth (count, 2) line through 2 or 3 points; ``bend`` bows a two-point line sideways by that share."""
    a, b = points[0], points[-1]
    across = np.array([a[1] - b[1], b[0] - a[0]])
    through = points[1] if len(points) == 3 else (a + b) / 2 + bend * across
    control = 2 * through - (a + b) / 2
    t = np.linspace(0, 1, count)[:, None]
    return ((1 - t) ** 2 * a + 2 * t * (1 - t) * control + t**2 * b).astype(np.float32)
