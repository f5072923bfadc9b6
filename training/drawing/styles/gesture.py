"""Gesture drawings: a line of action, loose repeated strokes along the limbs, scribbled masses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.skeleton import keypoint_index

from ..face import head_disc
from ..figure import Figure
from ..limbs import limbs
from ..pen import Canvas, Pen, curve, ellipse


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Two or three searching strokes a limb side, ovals for chest and hips, a line through the whole body."""
    rng = canvas.rng
    loose = replace(
        pen, width=max(0.8, pen.width * 0.7), wobble=pen.wobble + 0.5, taper=max(pen.taper, 0.4), gap=0.0
    )
    base = 0.62 * figure.size * rng.uniform(0.035, 0.07)
    keypoints = figure.keypoints
    for limb in limbs(figure):
        thick = base * (1.2 if limb.kind == "leg" else 0.8)
        for k, (a, b) in enumerate(zip(limb.points[:-1], limb.points[1:], strict=True)):
            wide = thick * (1.0, 0.75, 0.5)[k]
            along = b - a
            side = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1.0)
            for sign in (-1, 1):
                for _ in range(rng.integers(1, 3)):
                    shift = side * sign * wide * rng.uniform(0.6, 1.1)
                    ends = np.stack(
                        [
                            a + shift - along * rng.uniform(0, 0.12),
                            b + shift * 0.7 + along * rng.uniform(-0.05, 0.12),
                        ]
                    )
                    canvas.stroke(curve(ends, sign * rng.uniform(0, 0.09)), loose.varied(rng))
    names = ("neck", "spine3", "spine1", "pelvis", "left_shoulder", "right_shoulder", "left_hip", "right_hip")
    neck, chest, waist, pelvis, ls, rs, lh, rh = (keypoints[keypoint_index(n)] for n in names)
    for _ in range(rng.integers(1, 4)):
        across = max(float(np.hypot(*(ls - rs))) * 0.5, base * 1.5)
        canvas.stroke(
            ellipse((chest + neck) / 2, (neck - waist) * 0.45, across * rng.uniform(0.85, 1.1)),
            loose.varied(rng),
            True,
        )
        across = max(float(np.hypot(*(lh - rh))) * 0.9, base * 1.5)
        canvas.stroke(
            ellipse(pelvis, (waist - pelvis) * 0.8, across * rng.uniform(0.8, 1.1)), loose.varied(rng), True
        )
    if rng.random() < 0.6:
        canvas.stroke(np.stack([neck, chest, waist, pelvis]), loose.varied(rng, 1.3))
    if rng.random() < 0.5:
        canvas.stroke(np.stack([ls, rs]), loose.varied(rng))
        canvas.stroke(np.stack([lh, rh]), loose.varied(rng))
    centre, radius, up = head_disc(figure)
    for _ in range(rng.integers(1, 4)):
        canvas.stroke(
            ellipse(centre, up * radius * rng.uniform(0.95, 1.15), radius * rng.uniform(0.7, 0.95)),
            loose.varied(rng),
            True,
        )
    canvas.stroke(np.stack([centre - up * radius, neck]), loose.varied(rng))
    if rng.random() < 0.5 and figure.head_facing > 0:
        nose = keypoints[keypoint_index("nose")]
        canvas.stroke(
            curve(np.stack([centre + up * radius, nose, centre - up * radius])), loose.varied(rng, 0.8)
        )
        across = np.array([-up[1], up[0]]) * radius * 0.7
        canvas.stroke(
            curve(np.stack([nose + across, nose + up * radius * 0.1, nose - across])), loose.varied(rng, 0.8)
        )
