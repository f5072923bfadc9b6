"""Faces and backs of heads, on the mesh or on a ball: the cue that tells front from back."""

from __future__ import annotations

from functools import cache

import numba
import numpy as np

from backend.skeleton import keypoint_index

from .anatomy import Anatomy
from .canvas import Canvas
from .chance import pick
from .features import draw_features
from .figure import Figure
from .pen import Pen, curve, ellipse
from .shapes import Label
from .surface import SurfacePoints, look_at, throw

_HEAD, _TOP, _NOSE = (keypoint_index(n) for n in ("head", "head_top", "nose"))

#: Extent of the map of the mesh's face, its number of points across and up.
_LOW, _HIGH, _GRID = np.array([-0.44, -0.24]), np.array([0.44, 1.0]), (23, 29)

#: Cosine of head and viewer below which a face is drawn from the side.
_PROFILE = 0.3

#: The middle of a face seen from the side, heights of the head before the head joint.
_MIDDLE = 0.2


def draw_mesh_face(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Eyes, nose and mouth on the mesh's own face, where they are seen."""
    frame = _head_frame(figure)
    profile = abs(figure.head_facing) < _PROFILE
    side = 0 if not profile else 1 if frame[0, 2] < 0 else -1
    pixels, seen, material = look_at(figure, _face_spots(figure.anatomy, side))
    pixels, seen = pixels.reshape(*_GRID, 2), (seen & (material == Label.SKIN)).reshape(_GRID)
    quads = seen[:-1, :-1] & seen[1:, :-1] & seen[:-1, 1:] & seen[1:, 1:]

    def place(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return _on_map(np.asarray(points, np.float64), pixels, quads, _LOW, _HIGH)

    draw_features(canvas, pen, place, _height(figure), profile)


@numba.njit(cache=True, nogil=True)
def _on_map(
    points: np.ndarray, pixels: np.ndarray, quads: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where (n, 2) places of the face's plane are by its map, and whether they are seen.

    Args:
        points: the places.
        pixels: (U, V, 2) where the map's points are, from ``low`` to ``high``, canvas pixels.
        quads: (U - 1, V - 1) bool, which of the map's cells are seen.
        low: (2,) the first place of the map.
        high: (2,) its last one.
    """
    out, shown = np.empty((len(points), 2)), np.zeros(len(points), np.bool_)
    for k in range(len(points)):
        u = (points[k, 0] - low[0]) / (high[0] - low[0]) * quads.shape[0]
        v = (points[k, 1] - low[1]) / (high[1] - low[1]) * quads.shape[1]
        inside = 0 <= u <= quads.shape[0] and 0 <= v <= quads.shape[1]
        u, v = min(max(u, 0.0), quads.shape[0] - 0.001), min(max(v, 0.0), quads.shape[1] - 0.001)
        column, row = int(u), int(v)
        s, t = u - column, v - row
        for axis in range(2):
            near = (1 - t) * pixels[column, row, axis] + t * pixels[column, row + 1, axis]
            far = (1 - t) * pixels[column + 1, row, axis] + t * pixels[column + 1, row + 1, axis]
            out[k, axis] = (1 - s) * near + s * far
        shown[k] = inside and quads[column, row]
    return out, shown


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

    draw_features(canvas, pen, place, 1.7 * radius, profile)
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


def _draw_back(canvas: Canvas, centre: np.ndarray, radius: float, up: np.ndarray, pen: Pen) -> None:
    """The back of a round head: hair all over it, strands, or only ears and the line of the nape."""
    rng = canvas.rng
    up = up / max(float(np.hypot(*up)), 1e-6)
    across = np.array([-up[1], up[0]])
    fine = pen.varied(rng, 0.7)
    kind = pick(rng, ["full", "strands", "ears", "nothing"], [0.35, 0.35, 0.2, 0.1])
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
