"""Gesture drawings: a line of action, loose strokes that search along the limbs or swirl round them, whirled masses."""

from __future__ import annotations

import numpy as np

from backend.skeleton import keypoint_index

from ..canvas import Canvas
from ..chance import pick
from ..figure import Figure
from ..limbs import limbs
from ..pen import Pen, curve, resample, smoothed
from ..solids import Solid, egg, solids

_MASSES = ("head", "chest", "pelvis")


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Quick strokes over each other; nothing hides anything."""
    rng = canvas.rng
    loose = pen.changed(width=max(0.8, min(0.7 * pen.width, 0.012 * figure.size)), taper=max(pen.taper, 0.4), gap=0.0,
        double=0.3 * pen.double,
    )  # fmt: skip
    manner = str(pick(rng, ["edges", "swirl", "bones"], [0.5, 0.25, 0.25]))
    fat = rng.uniform(0.6, 1.1)
    shoulders = rng.random() < 0.5
    if rng.random() < 0.7:
        _draw_action(canvas, figure, loose.varied(rng, 1.4))
    for solid in solids(figure, fat):
        if solid.part in _MASSES:
            _draw_mass(canvas, figure, solid, loose)
        elif solid.part in ("neck", "belly", "foot", "hand") or manner == "edges":
            _draw_edges(canvas, figure, solid, loose)
        elif manner == "swirl":
            canvas.stroke(_swirl(figure, solid, float(rng.uniform(2, 4))), loose.varied(rng))
        else:
            ends = figure.project(solid.ends)
            for _ in range(int(rng.integers(2, 4))):
                canvas.stroke(
                    curve(ends + rng.normal(0, 0.006 * figure.size, (2, 2)), rng.normal(0, 0.06)), loose
                )
    if shoulders:
        for name in ("shoulder", "hip"):
            ends = figure.keypoints[[keypoint_index(f"{side}_{name}") for side in ("left", "right")]]
            canvas.stroke(ends + (ends - ends[::-1]) * 0.1, loose.varied(rng))


def _draw_action(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """One sweep from the head down the trunk and along the leg that reaches lowest."""
    leg = max((limb for limb in limbs(figure) if limb.kind == "leg"), key=lambda limb: limb.points[2, 1])
    trunk = figure.keypoints[[keypoint_index(n) for n in ("head", "spine3", "pelvis")]]
    line = resample(np.concatenate([trunk, leg.points[1:3]]), 3.0)
    canvas.stroke(smoothed(line, 0.1 * len(line)), pen)


def _draw_mass(canvas: Canvas, figure: Figure, solid: Solid, pen: Pen) -> None:
    """Round and round an egg, without lifting the pen; a cross on the face."""
    rng = canvas.rng
    edge = egg(figure, solid)
    turns = int(rng.integers(1, 4))
    start = int(rng.integers(len(edge)))
    line = np.concatenate([np.roll(edge, -start, 0)] * turns + [np.roll(edge, -start, 0)[:3]])
    centre = edge.mean(0)
    sway = 1 + 0.05 * np.sin(np.linspace(0, 2.3 * turns, len(line)) + rng.uniform(0, 6)) + rng.normal(0, 0.02)
    canvas.stroke(smoothed(resample(centre + (line - centre) * sway[:, None], 3.0), 1.5), pen.varied(rng))
    if solid.part == "head" and figure.head_facing > 0 and rng.random() < 0.6:
        for points, _ in (solid.circle(0), solid.circle(0, 1)):
            half = points[(points - solid.ends.mean(0)) @ solid.axes[2] > 0]
            canvas.stroke(figure.project(half), pen.varied(rng, 0.8))


def _draw_edges(canvas: Canvas, figure: Figure, solid: Solid, pen: Pen) -> None:
    """One or two bowed strokes along either side."""
    rng = canvas.rng
    a, b = figure.project(solid.ends)
    along = b - a
    side = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1.0)
    start, end = solid.half[:, 0] * figure.scale
    for sign in (-1, 1):
        for _ in range(int(rng.integers(1, 3))):
            away = sign * rng.uniform(0.7, 1.05)
            ends = np.stack([a + side * start * away, b + side * end * away])
            ends += along * np.array([[-rng.uniform(0, 0.1)], [rng.uniform(-0.05, 0.1)]])
            canvas.stroke(curve(ends, sign * rng.uniform(0, 0.09)), pen.varied(rng))


def _swirl(figure: Figure, solid: Solid, turns: float) -> np.ndarray:
    """(n, 2) pixels: a spiral round a limb from end to end."""
    t = np.linspace(0, 1, int(14 * turns))[:, None]
    angle = 2 * np.pi * turns * t
    half = 1.4 * (solid.half[0] + (solid.half[1] - solid.half[0]) * t)
    away = np.concatenate([np.cos(angle), np.sin(angle)], 1) * half
    return figure.project(solid.ends[0] + (solid.ends[1] - solid.ends[0]) * t + away @ solid.axes[[0, 2]])
