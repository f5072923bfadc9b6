"""Construction drawings: what artists draw first, each mass an egg, a box or a tube, centre lines turned with it.

Only lines on the side towards the viewer are drawn: breastbone and the cross on the face from the front, the spine
and the shoulder blades from behind; that is what tells the two apart.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.skeleton import keypoint_index

from ..canvas import Canvas
from ..chance import pick
from ..figure import Figure
from ..pen import Pen, curve, ellipse
from ..solids import Solid, egg, outline, see_box, seen, solids


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Masses of head, chest and pelvis, limbs as tubes or lines with joint balls; overlapping and see-through."""
    rng = canvas.rng
    # Many lines lie over each other: a broad tool would leave nothing but a blot.
    pen = pen.changed(
        width=min(pen.width, 0.013 * figure.size), overshoot=min(pen.overshoot, 0.015 * figure.size)
    )
    light = replace(pen.varied(rng, 0.8), double=max(pen.double, float(pick(rng, [0.0, 0.7]))))
    fine = light.varied(rng, 0.65)
    covering = rng.random() < 0.25
    chest_box, pelvis_box = rng.random() < 0.3, rng.random() < 0.55
    limb = str(pick(rng, ["tube", "egg", "line"], [0.5, 0.2, 0.3]))
    balls = limb == "line" or rng.random() < 0.5
    boxed_ends = rng.random() < 0.5

    def mass(edge: np.ndarray) -> None:
        if covering:
            canvas.fill(edge, canvas.paper)
        canvas.stroke(edge, light, closed=True)

    def box(solid: Solid) -> None:
        seen_box = see_box(figure, solid)
        mass(seen_box.outline)
        for edge in seen_box.inner:
            canvas.stroke(edge, light)
        for edge in () if covering else seen_box.hidden:
            canvas.stroke(edge, fine)

    parts = solids(figure, rng.uniform(0.75, 1.2))
    for solid in parts:
        if solid.part in ("neck", "belly"):
            for side in (-1, 1):
                edges = solid.ends + side * solid.axes[0] * solid.half[:, :1] * 0.8
                canvas.stroke(figure.project(edges), light)
        elif solid.part == "head":
            mass(egg(figure, solid))
            _draw_head_lines(canvas, figure, solid, fine)
        elif solid.part in ("chest", "pelvis"):
            if chest_box if solid.part == "chest" else pelvis_box:
                box(solid)
            else:
                mass(egg(figure, solid))
        elif solid.part in ("hand", "foot"):
            if boxed_ends:
                box(solid)
            else:
                mass(egg(figure, solid) if solid.part == "hand" else outline(figure, solid))
        else:
            if limb == "line":
                canvas.stroke(figure.project(solid.ends), light)
            else:
                mass(outline(figure, solid) if limb == "tube" else egg(figure, solid))
            if balls:
                size = max(float(solid.half[0, 0]) * figure.scale * (0.6 if limb == "line" else 0.9), 3.0)
                mass(ellipse(figure.project(solid.ends[0]), np.array([size, 0.0]), size, 14))
    _draw_centre_lines(canvas, figure, parts, fine)
    for name in ("shoulder", "hip"):
        if rng.random() < 0.6:
            ends = figure.keypoints[[keypoint_index(f"{side}_{name}") for side in ("left", "right")]]
            canvas.stroke(ends, fine)


def _draw_head_lines(canvas: Canvas, figure: Figure, head: Solid, pen: Pen) -> None:
    """The cross on the face, with a brow or a mouth line; on the back nothing but ears."""
    rng = canvas.rng
    for line in (head.circle(0), head.circle(0, 1, float(rng.uniform(-0.05, 0.15)))):
        points, away = line  # half of it is on the face
        keep = (points - head.ends.mean(0)) @ head.axes[2] > -0.1 * head.half[0, 1]
        start = int(np.flatnonzero(~keep)[0])
        order = np.roll(np.arange(32), -start)
        order = order[keep[order]]
        for run in seen(figure, (points[order], away[order])):
            canvas.stroke(run, pen)
    if figure.head_facing > 0.2 and rng.random() < 0.4:
        across = np.linspace(-0.4, 0.4, 5)[:, None] * head.axes[0] * head.half[0, 0]
        mouth = head.ends[0] * 0.8 + head.ends[1] * 0.2 + head.axes[2] * head.half[0, 1] * 0.8 + across
        canvas.stroke(figure.project(mouth), pen)
    for side in (-1, 1):
        ear = head.ends.mean(0) + side * head.axes[0] * head.half[0, 0]
        if side * head.axes[0, 2] < 0.15 and rng.random() < 0.7:
            size = head.half[0, 0] * figure.scale * 0.25
            up = figure.project(head.ends[1]) - figure.project(head.ends[0])
            up = up / max(float(np.hypot(*up)), 1.0) * size
            canvas.stroke(ellipse(figure.project(ear), up, size * 0.6, 10), pen, closed=True)


def _draw_centre_lines(canvas: Canvas, figure: Figure, parts: list[Solid], pen: Pen) -> None:
    """From the front the breastbone down to the crotch; from behind the spine and the shoulder blades."""
    chest, pelvis = (next(solid for solid in parts if solid.part == name) for name in ("chest", "pelvis"))
    sign = 1 if figure.facing > 0 else -1
    line = np.stack(
        [
            chest.ends[1] + sign * chest.axes[2] * chest.half[1, 1] * 0.7,
            chest.ends.mean(0) + sign * chest.axes[2] * chest.half[0, 1],
            pelvis.ends[1] + sign * pelvis.axes[2] * pelvis.half[1, 1] * 0.8,
            pelvis.ends[0] + sign * pelvis.axes[2] * pelvis.half[0, 1] * 0.4,
        ]
    )
    middle = figure.project(line)
    canvas.stroke(np.concatenate([curve(middle[:3], 0, 8), middle[3:]]), pen)
    if sign > 0:
        if canvas.rng.random() < 0.7:  # the arch of the ribs
            arch = [
                chest.ends[0] * (1 - t) + chest.ends[1] * t + chest.axes[0] * s * chest.half[0, 0]
                + chest.axes[2] * chest.half[0, 1] * 0.8
                for s, t in ((-0.8, 0.05), (0.0, 0.45), (0.8, 0.05))
            ]  # fmt: skip
            canvas.stroke(curve(figure.project(np.stack(arch)), 0, 10), pen)
        return
    for side in (-1, 1):
        blade = [
            chest.ends[0] * (1 - t) + chest.ends[1] * t + chest.axes[0] * side * s * chest.half[1, 0]
            - chest.axes[2] * chest.half[0, 1]
            for s, t in ((0.25, 0.85), (0.75, 0.8), (0.4, 0.4))
        ]  # fmt: skip
        canvas.stroke(figure.project(np.stack(blade)), pen, closed=True)
