"""Faces as people draw them: the cue that tells front from back."""

from __future__ import annotations

import numpy as np

from backend.skeleton import keypoint_index

from .figure import Figure
from .pen import Canvas, Pen, curve, ellipse

_HEAD, _TOP, _NOSE = (keypoint_index(n) for n in ("head", "head_top", "nose"))


def draw_mesh_face(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Eyes, nose and mouth on the mesh's own face, where they are seen."""
    marks = figure.anatomy.face_vertices
    points = {name: figure.points[v] for name, v in marks.items()}
    size = np.hypot(*(figure.keypoints[_TOP] - figure.keypoints[_HEAD])) * 0.09
    fine = pen.varied(canvas.rng, 0.7)
    kind = canvas.rng.integers(3)
    for side in ("left", "right"):
        eye = marks[f"{side}_eye"]
        if not figure.sees(eye):
            continue
        if kind == 0:
            canvas.fill(ellipse(figure.points[eye], np.array([size * 0.6, 0]), size * 0.6, 8), pen.tone)
        elif kind == 1:
            canvas.stroke(figure.points[eye] + np.array([[-size, 0], [0, -size * 0.5], [size, 0]]), fine)
        else:
            canvas.stroke(ellipse(figure.points[eye], np.array([size, 0]), size * 0.7, 10), fine, closed=True)
        if canvas.rng.random() < 0.4:
            brow = figure.points[eye] - (0, 2.2 * size)
            canvas.stroke(brow + np.array([[-size * 1.3, 0], [size * 1.3, 0]]), fine)
    if figure.sees(marks["left_mouth"]) or figure.sees(marks["right_mouth"]):
        ends = np.stack([points["left_mouth"], points["right_mouth"]])
        canvas.stroke(curve(ends, canvas.rng.uniform(-0.3, 0.3), 6), fine)
    if figure.sees(marks["nose"]) and canvas.rng.random() < 0.6:
        canvas.stroke(
            points["nose"] + np.array([[0, -1.5 * size], [0.5 * size, 0], [-0.4 * size, 0.2 * size]]), fine
        )


def draw_disc_face(canvas: Canvas, figure: Figure, centre: np.ndarray, radius: float, pen: Pen) -> None:
    """Features on a round head, turned the way the head looks; nothing on the back of a head."""
    if figure.head_facing < 0.05:
        return
    spine = figure.keypoints3d[_TOP] - figure.keypoints3d[_HEAD]
    middle = figure.keypoints3d[_HEAD] + 0.45 * spine
    look = figure.keypoints3d[_NOSE] - middle
    look = look / max(float(np.linalg.norm(look)), 1e-6)
    up = spine[:2] / max(float(np.hypot(*spine[:2])), 1e-6)
    across = np.array([-up[1], up[0]])
    gaze = centre + look[:2] * radius * 0.75
    squeeze = max(0.25, figure.head_facing)
    fine = pen.varied(canvas.rng, 0.7)
    rng = canvas.rng
    spread = radius * rng.uniform(0.25, 0.42) * squeeze
    eye = radius * rng.uniform(0.07, 0.15)
    for side in (-1, 1):
        place = gaze + across * side * spread + up * radius * rng.uniform(0.1, 0.25)
        if np.hypot(*(place - centre)) > radius * 0.95:
            continue
        if rng.random() < 0.7:
            canvas.fill(ellipse(place, up * eye, eye, 8), pen.tone)
        else:
            canvas.stroke(ellipse(place, up * eye * 1.4, eye * 1.4, 10), fine, closed=True)
    mouth = gaze - up * radius * rng.uniform(0.25, 0.45)
    ends = np.stack([mouth - across * spread, mouth + across * spread])
    canvas.stroke(curve(ends, rng.uniform(-0.35, 0.35), 6), fine)
    if rng.random() < 0.35:
        canvas.stroke(np.stack([gaze + up * radius * 0.1, gaze - up * radius * 0.12]), fine)


def head_disc(figure: Figure) -> tuple[np.ndarray, float, np.ndarray]:
    """The drawn head as a disc: centre (2,) pixels, radius in pixels, unit up direction (2,).

    The centre is the middle of the head joint and the top of the head, as the evaluation defines it.
    """
    head, top = figure.keypoints[_HEAD], figure.keypoints[_TOP]
    length3d = float(np.linalg.norm(figure.keypoints3d[_TOP] - figure.keypoints3d[_HEAD])) * figure.scale
    up = top - head
    return (head + top) / 2, 0.56 * length3d, up / max(float(np.hypot(*up)), 1e-6)
