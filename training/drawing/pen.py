"""The hand and its tools: polylines become strokes with wobble, gaps, doubles, overshoot, pressure and grain."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


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


def __getattr__(name: str) -> object:
    if name == "Canvas":  # it has moved; the last importers follow
        from .canvas import Canvas

        return Canvas
    raise AttributeError(name)


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
