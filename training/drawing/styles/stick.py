"""Stick figures: a round or oval head on lines, with or without torso, hands, feet, joints and curves."""

from __future__ import annotations

import numpy as np

from backend.skeleton import keypoint_index

from ..face import draw_disc_face, head_disc
from ..figure import Figure
from ..limbs import limbs, torso_blob, torso_polygon
from ..pen import Canvas, Pen, curve, ellipse


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """One line a limb segment, or one curve a limb."""
    rng = canvas.rng
    keypoints = figure.keypoints
    bend = rng.normal(0, 0.08) if rng.random() < 0.3 else 0.0
    whole = rng.random() < 0.25
    hands, feet, joints = rng.random() < 0.35, rng.random() < 0.7, rng.random() < 0.2
    torso = rng.choice(["line", "box", "oval", "frame"], p=[0.5, 0.15, 0.15, 0.2])
    neck, pelvis = keypoints[keypoint_index("neck")], keypoints[0]
    root = {"arm": keypoints[keypoint_index("spine3")] * 0.4 + neck * 0.6, "leg": pelvis}
    centre, radius, up = head_disc(figure)
    radius *= rng.uniform(0.8, 1.15)
    for limb in limbs(figure):
        points = limb.points
        if torso == "line" and rng.random() < 0.9:
            points = np.concatenate([root[limb.kind][None], points[1:]])
        last = 3 if (limb.kind == "arm" and not hands) or (limb.kind == "leg" and not feet) else 4
        if whole:
            canvas.stroke(curve(points[:3]), pen.varied(rng))
            if last == 4:
                canvas.stroke(points[2:], pen.varied(rng))
        else:
            chain = [curve(points[k : k + 2], bend, 6) for k in range(last - 1)]
            if rng.random() < 0.7:
                canvas.stroke(np.concatenate(chain), pen.varied(rng))
            else:
                for segment in chain:
                    canvas.stroke(segment, pen.varied(rng))
        if limb.kind == "arm" and rng.random() < 0.15:
            canvas.fill(ellipse(points[3], np.array([pen.width + 1, 0]), pen.width + 1, 10), pen.tone)
        if joints:
            for point in points[: last - 1]:
                canvas.fill(
                    ellipse(point, np.array([pen.width * 0.6 + 1.5, 0]), pen.width * 0.6 + 1.5, 10), pen.tone
                )
    spine = keypoints[[keypoint_index(n) for n in ("neck", "spine3", "spine1", "pelvis")]]
    if torso == "line":
        canvas.stroke(spine if rng.random() < 0.5 else spine[[0, 3]], pen.varied(rng))
    elif torso == "oval":
        canvas.stroke(torso_blob(figure, rng.uniform(0.35, 0.7)), pen.varied(rng), closed=True)
    else:
        canvas.stroke(torso_polygon(figure)[[0, 1, 3, 4]], pen.varied(rng), closed=True)
        if torso == "frame":
            canvas.stroke(spine[[0, 3]], pen.varied(rng))
    start = centre - up * radius
    canvas.stroke(np.stack([start, neck]), pen.varied(rng))
    head = ellipse(centre, up * radius * rng.uniform(0.95, 1.2), radius)
    if rng.random() < 0.12:
        canvas.fill(head, pen.tone)
    else:
        if rng.random() < 0.7:
            canvas.fill(head, canvas.paper)
        canvas.stroke(head, pen.varied(rng), closed=True)
        if rng.random() < 0.45:
            draw_disc_face(canvas, figure, centre, radius, pen)
