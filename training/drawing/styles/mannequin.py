"""Construction figures: ovals, tapered cylinders and boxes, with centre lines; also toy and balloon men."""

from __future__ import annotations

import numpy as np

from backend.skeleton import keypoint_index

from ..face import draw_disc_face, head_disc
from ..figure import Figure
from ..limbs import limbs, torso_blob, torso_depth, torso_polygon, unit
from ..pen import Canvas, Pen, curve, ellipse, ribbon


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Each segment a solid of its own, far ones first; see-through or filled."""
    rng = canvas.rng
    filled = rng.random() < 0.65
    tone = canvas.paper if rng.random() < 0.6 else rng.uniform(60, 240)
    outlined = tone == canvas.paper or rng.random() < 0.8
    shape = rng.choice(["oval", "taper", "tube"], p=[0.4, 0.4, 0.2])
    base = 0.62 * figure.size * rng.uniform(0.04, 0.085)
    balls = rng.random() < 0.35
    foot_size = rng.uniform(0.8, 1.8)

    def solid(outline: np.ndarray) -> None:
        if filled:
            canvas.fill(outline, tone)
        if outlined or not filled:
            canvas.stroke(outline, pen.varied(rng), closed=True)

    def segment(a: np.ndarray, b: np.ndarray, wide: float, narrow: float) -> None:
        if shape == "oval":
            solid(ellipse((a + b) / 2, (b - a) * 0.53, wide))
        else:
            end = wide if shape == "tube" else narrow
            solid(ribbon(curve(np.stack([a, b]), 0, 6), np.linspace(wide, end, 6)))

    def limb_solids(kind: str, points: np.ndarray) -> None:
        thick = base * (1.25 if kind == "leg" else 0.9)
        segment(points[0], points[1], thick, thick * 0.7)
        if balls:
            solid(ellipse(points[1], np.array([thick * 0.7, 0]), thick * 0.7))
        segment(points[1], points[2], thick * 0.8, thick * 0.5)
        end = points[3] - points[2]
        if kind == "arm":
            hand = thick * rng.uniform(0.6, 1.1)
            solid(
                ellipse(points[2] + end * 0.7, unit(end) * max(hand, float(np.hypot(*end)) * 0.6), hand * 0.8)
            )
        else:
            solid(ellipse(points[2] + end * 0.55, end * 0.6 * foot_size**0.3, thick * 0.55 * foot_size))

    def trunk() -> None:
        kind = rng.integers(4)
        if kind == 0:
            solid(torso_blob(figure, rng.uniform(0.5, 0.95)))
        elif kind == 1:
            solid(torso_polygon(figure, widen=base * 0.8))
        else:
            chest, belly, pelvis = (
                figure.keypoints[keypoint_index(n)] for n in ("spine3", "spine1", "pelvis")
            )
            neck = figure.keypoints[keypoint_index("neck")]
            shoulders = figure.keypoints[[keypoint_index("left_shoulder"), keypoint_index("right_shoulder")]]
            hips = figure.keypoints[[keypoint_index("left_hip"), keypoint_index("right_hip")]]
            across = max(float(np.hypot(*(shoulders[0] - shoulders[1]))) * 0.55, base * 1.4)
            solid(
                ellipse(
                    (pelvis + belly) / 2,
                    (belly - pelvis) * 0.8,
                    max(float(np.hypot(*(hips[0] - hips[1]))), base * 1.4),
                )
            )
            solid(ellipse((chest + neck) / 2, (neck - belly) * 0.5, across))
        if rng.random() < 0.3:
            line = figure.keypoints[[keypoint_index(n) for n in ("neck", "spine2", "pelvis")]]
            canvas.stroke(line, pen.varied(rng, 0.6))

    parts = [(limb.depth, limb) for limb in limbs(figure)]
    middle = torso_depth(figure)
    for depth, limb in parts:
        if depth >= middle:
            limb_solids(limb.kind, limb.points)
    neck, skull = figure.keypoints[keypoint_index("neck")], figure.keypoints[keypoint_index("head")]
    segment(neck, skull, base * 0.6, base * 0.6)
    trunk()
    for depth, limb in parts:
        if depth < middle:
            limb_solids(limb.kind, limb.points)
    centre, radius, up = head_disc(figure)
    solid(ellipse(centre, up * radius * 1.05, radius * rng.uniform(0.7, 0.95)))
    if rng.random() < 0.5:
        draw_disc_face(canvas, figure, centre, radius * 0.85, pen)
    elif rng.random() < 0.5 and figure.head_facing > 0:
        nose = figure.keypoints[keypoint_index("nose")]
        canvas.stroke(
            curve(np.stack([centre + up * radius, nose, centre - up * radius])), pen.varied(rng, 0.6)
        )
