"""The page that is drawn on: strokes, fills, washes, hatching and dots."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from .pen import Pen, resample, smoothed

#: Sub-pixel bits of the coordinates that OpenCV draws.
_SHIFT = 4

#: The value of a pixel that a pattern covers.
_FULL = (255.0,)


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
