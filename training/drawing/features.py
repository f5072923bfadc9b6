"""Features of faces: eyes, brows, noses, mouths, glasses of many kinds, from the front and from the side.

They are drawn in the plane of the face: across in heights of the head to the figure's left, and up from the head
joint. A map places them on the page, and knows what of them is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .canvas import Canvas
from .chance import pick
from .pen import Pen, curve

#: Pixels of a head's height below which only eyes and a mouth are drawn.
_SMALL = 14.0

#: From (n, 2) places in the face's plane to (n, 2) canvas pixels and (n,) bool: what is seen of them.
FaceMap = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class _Face:
    """Draws on a face.

    Attributes:
        canvas: the page.
        pen: of fine lines.
        place: the map of the face.
    """

    canvas: Canvas
    pen: Pen
    place: FaceMap

    def line(self, points: np.ndarray, closed: bool = False) -> None:
        """What is seen of an (n, 2) polyline, pieces of which may lie on the far side."""
        pixels, seen = self.place(points)
        if closed:
            if seen.mean() > 0.6:
                self.canvas.stroke(pixels[seen], self.pen, closed=bool(seen.all()))
            return
        cuts = np.flatnonzero(np.diff(np.concatenate([[False], seen, [False]]).astype(np.int8))).reshape(
            -1, 2
        )
        for start, end in cuts:
            if end - start > 1:
                self.canvas.stroke(pixels[start:end], self.pen)

    def blob(self, points: np.ndarray, tone: float) -> None:
        """A filled (n, 2) polygon where most of it is seen."""
        pixels, seen = self.place(points)
        if seen.mean() > 0.6:
            self.canvas.fill(pixels[seen], tone)


def draw_features(canvas: Canvas, pen: Pen, place: FaceMap, height: float, profile: bool) -> None:
    """One of many kinds of faces; a few heads have none."""
    rng = canvas.rng
    face = _Face(canvas, pen.varied(rng, min(rng.uniform(0.5, 0.85), 0.07 * height / pen.width)), place)
    plain = height < _SMALL
    if rng.random() < 0.07:
        return
    if profile:
        _draw_profile(face, plain)
        return
    across, level = rng.uniform(0.12, 0.19), rng.uniform(0.4, 0.5)
    glasses = not plain and rng.random() < 0.1
    _draw_eyes(face, across, level, plain)
    if glasses:
        size = rng.uniform(0.08, 0.12)
        for side in (-1, 1):
            face.line(_round((side * across, level), size, size * rng.uniform(0.7, 1.0)), closed=True)
            face.line(
                np.array([[side * (across + size), level], [side * 0.3, level + 0.01], [side * 0.4, level]])
            )
        face.line(np.array([[-across + size, level], [0, level + 0.03], [across - size, level]]))
    if not plain and rng.random() < 0.5:
        lift, tilt = rng.uniform(0.1, 0.16), rng.normal(0, 0.03)
        for side in (-1, 1):
            inner, outer = across - 0.07, across + 0.08
            brow = np.array([[inner, lift - tilt], [across, lift + 0.025], [outer, lift + tilt]])
            face.line(curve(brow * (side, 1) + (0, level), 0.0, 7))
    if not plain and rng.random() < 0.75:
        _draw_nose(face, level)
    _draw_mouth(face, rng.uniform(0.0, 0.1))


def _draw_profile(face: _Face, plain: bool) -> None:
    """One eye, a brow, half a mouth, a nostril; here "across" is forward from the middle of the head."""
    rng = face.canvas.rng
    x, level = rng.uniform(0.14, 0.25), rng.uniform(0.42, 0.5)
    kind = "dot" if plain else str(pick(rng, ["dot", "wedge", "lid", "oval"], [0.4, 0.3, 0.15, 0.15]))
    size = rng.uniform(0.03, 0.06)
    if kind == "dot":
        face.blob(_round((x, level), size * 0.7, size), face.pen.tone)
    elif kind == "oval":
        face.line(_round((x, level), size, size * 1.3), closed=True)
        face.blob(_round((x + 0.4 * size, level), size * 0.5, size * 0.6), face.pen.tone)
    else:
        edge = np.array([(x - 2 * size, level), (x + size, level + size), (x + size, level - size)])
        face.line(edge[[1, 0, 2]] if kind == "wedge" else curve(edge[[0, 2]], -0.3, 6))
        if kind == "wedge":
            face.line(edge[1:])
    if not plain and rng.random() < 0.5:
        brow = np.array([(x - 0.1, level + 0.1), (x, level + 0.15), (x + 0.1, level + 0.12)])
        face.line(curve(brow, 0.0, 6))
    mouth = rng.uniform(0.02, 0.08)
    bow = rng.normal(0.02, 0.03)
    face.line(curve(np.array([(x - 0.04, mouth + bow), (0.3, mouth - 0.5 * bow), (0.42, mouth)]), 0.0, 7))
    if not plain and rng.random() < 0.4:
        face.blob(_round((0.36, 0.23), 0.015, 0.012), face.pen.tone)
    if not plain and rng.random() < 0.1:
        lens = rng.uniform(0.07, 0.1)
        face.line(_round((x + 0.04, level), lens * 0.8, lens), closed=True)
        face.line(np.array([(x + 0.04 - lens * 0.8, level + 0.01), (-0.12, level + 0.03)]))


def _draw_eyes(face: _Face, across: float, level: float, plain: bool) -> None:
    rng, tone = face.canvas.rng, face.pen.tone
    kind = "dot" if plain else str(
        pick(rng, ["dot", "tall", "pupil", "lid", "happy", "almond"], [0.32, 0.14, 0.18, 0.12, 0.08, 0.16])
    )  # fmt: skip
    size = rng.uniform(0.025, 0.05) if kind in ("dot", "tall") else rng.uniform(0.05, 0.09)
    for side in (-1, 1):
        centre = (side * across, level)
        if kind in ("dot", "tall"):
            face.blob(_round(centre, size, size * (1.8 if kind == "tall" else 1.0)), tone)
        elif kind == "pupil":
            outline = _round(centre, size, size * 0.8)
            face.blob(outline, face.canvas.paper)
            face.line(outline, closed=True)
            face.blob(_round(centre, size * 0.45, size * 0.5), tone)
        else:
            bow = {"lid": -0.6, "happy": 0.7, "almond": 0.5}[kind] * size
            face.line(curve(np.array([(-size, 0), (0, bow), (size, 0)]) + centre, 0.0, 7))
            if kind == "almond":
                face.blob(_round((centre[0], level - 0.1 * size), size * 0.4, size * 0.45), tone)


def _draw_nose(face: _Face, level: float) -> None:
    """A line down one side, a hook, a dot, a triangle or two nostrils."""
    rng = face.canvas.rng
    side = pick(rng, [-1, 1])
    kinds = {
        "hook": [(0.02, level - 0.02), (0.08, 0.25), (-0.03, 0.23)],
        "line": [(0.0, level - 0.05), (0.01, 0.26)],
        "curl": [(-0.06, 0.25), (0.0, 0.2), (0.06, 0.25)],
        "triangle": [(0.0, level - 0.08), (0.07, 0.24), (-0.07, 0.24), (0.0, level - 0.08)],
    }
    kind = str(pick(rng, [*kinds, "dot", "nostrils"], [0.3, 0.15, 0.22, 0.08, 0.1, 0.15]))
    if kind == "dot":
        face.blob(_round((0, 0.27), 0.03, 0.03), face.pen.tone)
    elif kind == "nostrils":
        for edge in (-1, 1):
            face.blob(_round((edge * 0.04, 0.22), 0.014, 0.014), face.pen.tone)
    else:
        face.line(np.array(kinds[kind]) * (side, 1))


def _draw_mouth(face: _Face, level: float) -> None:
    """A line, a bow up or down, an open mouth, lips, a beard's shadow, a moustache."""
    rng, tone = face.canvas.rng, face.pen.tone
    wide = rng.uniform(0.07, 0.19)
    bow = pick(rng, [rng.uniform(0.02, 0.09), 0.0, -0.05], [0.6, 0.3, 0.1])
    line = curve(np.array([(-wide, bow), (0, -bow), (wide, bow)]) + (0, level), 0.0, 9)
    kind = pick(rng, ["line", "open", "grin", "lips"], [0.66, 0.12, 0.12, 0.1])
    if kind == "line":
        face.line(line)
    elif kind == "open":
        face.blob(_round((0, level), wide * 0.6, rng.uniform(0.03, 0.09)), tone)
    elif kind == "grin":
        low = curve(np.array([(wide, bow), (0, -bow - 0.16), (-wide, bow)]) + (0, level), 0.0, 9)
        if rng.random() < 0.5:
            face.blob(np.concatenate([line, low]), pick(rng, [face.canvas.paper, tone]))
        face.line(np.concatenate([line, low]), closed=True)
    else:
        face.line(line)
        face.line(
            curve(np.array([(-wide * 0.5, -0.05), (0, -0.08), (wide * 0.5, -0.05)]) + (0, level), 0.0, 5)
        )
    if rng.random() < 0.05:
        for side in (-1, 1):
            face.line(
                curve(np.array([(0.0, 0.13), (0.08, 0.13), (0.16, 0.06)]) * (side, 1) + (0, level), 0.0, 6)
            )


def _round(centre: tuple[float, float], wide: float, high: float) -> np.ndarray:
    """(10, 2) outline of an ellipse in the face's plane."""
    angle = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    return np.stack([centre[0] + wide * np.cos(angle), centre[1] + high * np.sin(angle)], 1)
