"""What a sitting figure sits on, in three dimensions, so that it stands under it from every view."""

from __future__ import annotations

import numpy as np

from backend.skeleton import keypoint_index

from .canvas import Canvas
from .chance import pick
from .figure import Figure
from .pen import Pen

_LEGS = ("hip", "knee", "ankle", "toe")

#: Metres from the hip joints down to what is sat on.
_SEAT = 0.12

#: Corners of a box, -1 or 1 along each axis, and its six sides.
_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
_SIDES = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))


def body_frame(figure: Figure) -> np.ndarray:
    """(30, 3) keypoints, metres from the pelvis, y up: the ground is level in this frame."""
    return figure.keypoints3d @ figure.camera.rotation


def on_page(figure: Figure, points: np.ndarray) -> np.ndarray:
    """(n, 2) canvas pixels of (n, 3) points in the body's frame."""
    seen = figure.camera.project(points @ figure.camera.rotation.T)
    return seen * figure.fit.scale + figure.fit.offset


def seat_height(figure: Figure) -> float | None:
    """Metres from the floor to what a figure sits on, or None where it does not sit.

    Who sits has an upright trunk, level thighs, and feet well before the hips or as low as these.
    """
    body = body_frame(figure)
    at = {n: body[[keypoint_index(f"{side}_{n}") for side in ("left", "right")]] for n in _LEGS}
    thigh = at["knee"] - at["hip"]
    length = np.linalg.norm(thigh, axis=1)
    trunk = body[keypoint_index("neck")]
    upright = trunk[1] > 0.8 * np.linalg.norm(trunk)
    level = (np.abs(thigh[:, 1]) < 0.5 * length).all()
    floor = min(at["ankle"][:, 1].min(), at["toe"][:, 1].min()) - 0.03
    height = float(at["hip"][:, 1].mean() - _SEAT - floor)
    ahead = np.linalg.norm(at["ankle"][:, [0, 2]].mean(0) - at["hip"][:, [0, 2]].mean(0))
    leg = float(length.mean())
    if not (upright and level) or height > 1.3 * leg:
        return None
    if height < 0.35 * leg:
        return max(height, 0.0)
    return height if ahead > 0.6 * leg else None


def draw_seat(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """A chair, a stool, a bench, a box or a sofa under a figure that sits; nothing under others."""
    height = seat_height(figure)
    if height is None or height < 0.12:
        return
    rng = canvas.rng
    body = body_frame(figure)
    hips = body[[keypoint_index("left_hip"), keypoint_index("right_hip")]].mean(0)
    knees = body[[keypoint_index("left_knee"), keypoint_index("right_knee")]].mean(0)
    ahead = (knees - hips)[[0, 2]]
    ahead /= max(float(np.linalg.norm(ahead)), 1e-6)
    # Columns: to the right of the seat, up, to its front.
    frame = np.array([[ahead[1], 0, ahead[0]], [0, 1, 0], [-ahead[0], 0, ahead[1]]])
    top = hips - (0, _SEAT, 0)
    kind = pick(rng, ["chair", "stool", "bench", "box", "sofa"], [0.36, 0.18, 0.14, 0.18, 0.14])
    wide = {"chair": 0.24, "stool": 0.2, "bench": 0.7, "box": 0.28, "sofa": 0.45}[kind]
    tone = (
        canvas.paper
        if rng.random() < 0.7
        else float(pen.tone + (canvas.paper - pen.tone) * rng.uniform(0.3, 0.9))
    )
    line = pen.varied(rng)

    def box(low: tuple[float, float, float], high: tuple[float, float, float]) -> None:
        a, b = np.array(low), np.array(high)
        corners = ((_CORNERS + 1) / 2 * (b - a) + a) @ frame.T + top
        _draw_box(canvas, figure, corners, line, tone)

    thick = 0.05
    if kind in ("box", "sofa"):
        if kind == "sofa":
            box((-wide, -height, -0.4), (wide, 0.45, -0.2))
        box((-wide, -height, -0.22), (wide, 0, 0.22))
        if kind == "sofa":
            for side in (-1, 1):
                box((side * wide - 0.08, -height, -0.3), (side * wide + 0.08, 0.16, 0.25))
        return
    far = 0.9 * wide
    for x in (-far, far):
        for z in (-0.18, 0.18):
            foot = np.array([[x, -thick, z], [x * 1.05, -height, z * 1.1]]) @ frame.T + top
            canvas.stroke(on_page(figure, foot), pen.varied(rng, 1.2))
    box((-wide, -thick, -0.22), (wide, 0, 0.22))
    if kind == "chair":
        box((-wide, rng.uniform(0.0, 0.3), -0.26), (wide, rng.uniform(0.4, 0.55), -0.22))
        for x in (-far, far):
            post = np.array([[x, 0, -0.22], [x, 0.35, -0.24]]) @ frame.T + top
            canvas.stroke(on_page(figure, post), pen.varied(rng, 1.2))


def _draw_box(canvas: Canvas, figure: Figure, corners: np.ndarray, pen: Pen, tone: float) -> None:
    """The sides of a box that face the viewer, (8, 3) corners in the body's frame."""
    flat = on_page(figure, corners)
    middle = corners.mean(0) @ figure.camera.rotation.T
    for side in _SIDES:
        outwards = corners[list(side)].mean(0) @ figure.camera.rotation.T - middle
        if outwards[2] < 0:
            polygon = flat[list(side)]
            canvas.fill(polygon, tone)
            canvas.stroke(np.concatenate([polygon, polygon[:1]]), pen)
