"""Box men: every body part a box in true perspective, as drawing books teach it."""

from __future__ import annotations

import numpy as np

from ..canvas import Canvas
from ..chance import pick
from ..figure import Figure
from ..pen import Pen
from ..solids import Solid, see_box, solids


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Boxes, the farthest first: solid, shaded, or see-through with their hidden edges drawn lightly."""
    rng = canvas.rng
    pen = pen.changed(width=min(pen.width, 0.015 * figure.size))
    see_through = rng.random() < 0.25
    if see_through:  # searching lines on top of hidden ones leave no box to be seen
        pen = pen.changed(double=0.0, overshoot=0.4 * pen.overshoot)
    shaded = not see_through and rng.random() < 0.5
    outlined = not shaded or rng.random() < 0.8
    belly = rng.random() < 0.5
    skipped = pick(rng, ["", "neck"], [0.75, 0.25])
    lightest, darkest = canvas.paper, pen.tone + (canvas.paper - pen.tone) * rng.uniform(0.1, 0.6)
    faint = pen.varied(rng, 0.5)
    face_cross = rng.random() < 0.4
    for solid in solids(figure, rng.uniform(0.75, 1.35)):
        if solid.part == skipped or (solid.part == "belly" and not belly):
            continue
        box = see_box(figure, solid)
        for quad, light in () if see_through else box.faces:
            canvas.fill(quad, darkest + (lightest - darkest) * light if shaded else lightest)
        for edge in box.hidden if see_through else ():
            canvas.stroke(edge, faint)
        if outlined:
            canvas.stroke(box.outline, pen, closed=True)
            for edge in box.inner:
                canvas.stroke(edge, pen)
        if solid.part == "head" and face_cross:
            _draw_cross(canvas, figure, solid, pen)


def _draw_cross(canvas: Canvas, figure: Figure, head: Solid, pen: Pen) -> None:
    """Middle line and eye line on the front of the head, where it is seen."""
    front = head.ends + head.axes[2] * head.half[:, 1:]
    middle = front.mean(0)
    side = head.axes[0] * head.half[0, 0]
    sight = middle + (0, 0, min(figure.camera.distance, 1e6))
    if head.axes[2] @ sight < 0:
        canvas.stroke(figure.project(front), pen)
        canvas.stroke(figure.project(np.stack([middle - side, middle + side])), pen)
