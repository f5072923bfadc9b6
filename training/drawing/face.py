"""Faces and backs of heads as people draw them: the cue that tells front from back.

Features are drawn in the plane of the face: across in heights of the head to the figure's left, and up from the head
joint. A map places them on the mesh or on a ball, and knows what of them is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from backend.skeleton import keypoint_index

from .anatomy import Anatomy
from .canvas import Canvas
from .figure import Figure
from .pen import Pen, curve, ellipse
from .shapes import Label
from .surface import SurfacePoints, look_at, throw

_HEAD, _TOP, _NOSE = (keypoint_index(n) for n in ("head", "head_top", "nose"))

#: Extent of the map of the mesh's face, its number of points across and up.
_LOW, _HIGH, _GRID = np.array([-0.44, -0.24]), np.array([0.44, 1.0]), (23, 29)

#: Pixels of a head's height below which only eyes and a mouth are drawn.
_SMALL = 14.0

#: Cosine of head and viewer below which a face is drawn from the side.
_PROFILE = 0.3

#: The middle of a face seen from the side, heights of the head before the head joint.
_MIDDLE = 0.2

#: From (n, 2) places in the face's plane to (n, 2) canvas pixels and (n,) bool: what is seen of them.
_Map = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


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
    place: _Map

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


def draw_mesh_face(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Eyes, nose and mouth on the mesh's own face, where they are seen."""
    frame = _head_frame(figure)
    profile = abs(figure.head_facing) < _PROFILE
    side = 0 if not profile else 1 if frame[0, 2] < 0 else -1
    pixels, seen, material = look_at(figure, _face_spots(figure.anatomy, side))
    pixels, seen = pixels.reshape(*_GRID, 2), (seen & (material == Label.SKIN)).reshape(_GRID)
    quads = seen[:-1, :-1] & seen[1:, :-1] & seen[:-1, 1:] & seen[1:, 1:]

    def place(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        at = (points - _LOW) / (_HIGH - _LOW) * (np.array(_GRID) - 1)
        inside = ((at >= 0) & (at <= np.array(_GRID) - 1)).all(1)
        at = at.clip(0, np.array(_GRID) - 1.001)
        column, row = at.astype(int).T
        s, t = (at - at.astype(int)).T[..., None]
        near = (1 - t) * pixels[column, row] + t * pixels[column, row + 1]
        far = (1 - t) * pixels[column + 1, row] + t * pixels[column + 1, row + 1]
        return (1 - s) * near + s * far, quads[column, row] & inside

    _draw_features(canvas, pen, place, _height(figure), profile)


@cache
def _face_spots(anatomy: Anatomy, side: int) -> SurfacePoints:
    """The points of the map on the surface of the head's front (0), or of its left (1) or right side (-1)."""
    joint, top = anatomy.rest_keypoints[_HEAD], anatomy.rest_keypoints[_TOP]
    u, v = (np.linspace(_LOW[k], _HIGH[k], _GRID[k]) for k in (0, 1))
    plane = np.stack(np.meshgrid(u, v, indexing="ij"), -1).reshape(-1, 2) * (top[1] - joint[1])
    if not side:
        return throw(anatomy, joint[:2] + plane, [0, 1], 2, 1)
    middle = joint[[2, 1]] + (_MIDDLE * (top[1] - joint[1]), 0)
    return throw(anatomy, middle + plane, [2, 1], 0, side)


def draw_disc_face(canvas: Canvas, figure: Figure, centre: np.ndarray, radius: float, pen: Pen) -> None:
    """Features on a round head, turned the way the head looks; hair, ears or nothing on its back."""
    frame = _head_frame(figure)
    if figure.head_facing < -_PROFILE:
        _draw_back(canvas, centre, radius, frame[1, :2], pen)
        return
    profile = figure.head_facing < _PROFILE

    def place(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        flat = (points - (0, 0.4)) / (0.5, 0.62)
        if profile:
            return centre + radius * flat @ frame[[2, 1], :2], np.ones(len(flat), bool)
        deep = np.sqrt((1 - (flat**2).sum(1)).clip(0, 1))
        ball = np.concatenate([flat, deep[:, None]], 1) @ frame
        return centre + radius * ball[:, :2], (ball[:, 2] < 0.02) & ((flat**2).sum(1) < 1)

    _draw_features(canvas, pen, place, 1.7 * radius, profile)
    if profile and canvas.rng.random() < 0.6:
        nose = np.array([(0.49, 0.46), (canvas.rng.uniform(0.54, 0.68), 0.32), (0.48, 0.27)])
        canvas.stroke(curve(place(nose)[0], 0.0, 8), pen.varied(canvas.rng, 0.9))


def _head_frame(figure: Figure) -> np.ndarray:
    """(3, 3) the head's left, up and forward as rows, camera frame."""
    spine = figure.keypoints3d[_TOP] - figure.keypoints3d[_HEAD]
    up = spine / max(float(np.linalg.norm(spine)), 1e-6)
    look = figure.keypoints3d[_NOSE] - figure.keypoints3d[_HEAD] - 0.45 * spine
    look = look - up * (look @ up)
    look /= max(float(np.linalg.norm(look)), 1e-6)
    return np.stack([np.cross(up, look), up, look])


def head_disc(figure: Figure) -> tuple[np.ndarray, float, np.ndarray]:
    """The drawn head as a disc: centre (2,) pixels, radius in pixels, unit up direction (2,).

    The centre is the middle of the head joint and the top of the head, as the evaluation defines it.
    """
    head, top = figure.keypoints[_HEAD], figure.keypoints[_TOP]
    up = top - head
    return (head + top) / 2, 0.56 * _height(figure), up / max(float(np.hypot(*up)), 1e-6)


def _height(figure: Figure) -> float:
    """Pixels from the head joint to the top of the head, as if the head were upright."""
    return float(np.linalg.norm(figure.keypoints3d[_TOP] - figure.keypoints3d[_HEAD])) * figure.scale


def _draw_features(canvas: Canvas, pen: Pen, place: _Map, height: float, profile: bool) -> None:
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
    kind = "dot" if plain else str(rng.choice(["dot", "wedge", "lid", "oval"], p=[0.4, 0.3, 0.15, 0.15]))
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
        rng.choice(["dot", "tall", "pupil", "lid", "happy", "almond"], p=[0.32, 0.14, 0.18, 0.12, 0.08, 0.16])
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
    side = rng.choice([-1, 1])
    kinds = {
        "hook": [(0.02, level - 0.02), (0.08, 0.25), (-0.03, 0.23)],
        "line": [(0.0, level - 0.05), (0.01, 0.26)],
        "curl": [(-0.06, 0.25), (0.0, 0.2), (0.06, 0.25)],
        "triangle": [(0.0, level - 0.08), (0.07, 0.24), (-0.07, 0.24), (0.0, level - 0.08)],
    }
    kind = str(rng.choice([*kinds, "dot", "nostrils"], p=[0.3, 0.15, 0.22, 0.08, 0.1, 0.15]))
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
    bow = rng.choice([rng.uniform(0.02, 0.09), 0.0, -0.05], p=[0.6, 0.3, 0.1])
    line = curve(np.array([(-wide, bow), (0, -bow), (wide, bow)]) + (0, level), 0.0, 9)
    kind = rng.choice(["line", "open", "grin", "lips"], p=[0.66, 0.12, 0.12, 0.1])
    if kind == "line":
        face.line(line)
    elif kind == "open":
        face.blob(_round((0, level), wide * 0.6, rng.uniform(0.03, 0.09)), tone)
    elif kind == "grin":
        low = curve(np.array([(wide, bow), (0, -bow - 0.16), (-wide, bow)]) + (0, level), 0.0, 9)
        if rng.random() < 0.5:
            face.blob(np.concatenate([line, low]), rng.choice([face.canvas.paper, tone]))
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


def _draw_back(canvas: Canvas, centre: np.ndarray, radius: float, up: np.ndarray, pen: Pen) -> None:
    """The back of a round head: hair all over it, strands, or only ears and the line of the nape."""
    rng = canvas.rng
    up = up / max(float(np.hypot(*up)), 1e-6)
    across = np.array([-up[1], up[0]])
    fine = pen.varied(rng, 0.7)
    kind = rng.choice(["full", "strands", "ears", "nothing"], p=[0.35, 0.35, 0.2, 0.1])
    if kind == "full":
        angle = np.linspace(-0.35, np.pi + 0.35, 20)[:, None]
        cap = centre + radius * 1.03 * (np.cos(angle) * across + np.sin(angle) * up)
        canvas.fill(cap, pen.tone if rng.random() < 0.6 else (pen.tone + canvas.paper) / 2)
        canvas.stroke(cap, fine, closed=True)
    elif kind == "strands":
        for u in np.linspace(-0.7, 0.7, int(rng.integers(4, 9))) + rng.normal(0, 0.05):
            high = np.sqrt(max(0.9 - u * u, 0.0))
            points = np.array([[0.25 * u, 0.9], [0.9 * u, 0.5 * high], [u, -rng.uniform(0.1, 0.6) * high]])
            canvas.stroke(curve(centre + radius * (points @ np.stack([across, up])), 0.0, 8), fine)
    if kind == "ears" or (kind != "nothing" and rng.random() < 0.4):
        for side in (-1, 1):
            ear = ellipse(centre + side * across * radius * 1.03, up * radius * 0.22, radius * 0.13, 10)
            canvas.fill(ear, canvas.paper)
            canvas.stroke(ear, fine, closed=True)
        if kind == "ears":  # short hair at the nape
            for u in np.linspace(-0.35, 0.35, 4):
                tick = np.array([[u, -0.55], [0.9 * u, -0.8]])
                canvas.stroke(centre + radius * (tick @ np.stack([across, up])), fine)


def _round(centre: tuple[float, float], wide: float, high: float) -> np.ndarray:
    """(10, 2) outline of an ellipse in the face's plane."""
    angle = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    return np.stack([centre[0] + wide * np.cos(angle), centre[1] + high * np.sin(angle)], 1)
