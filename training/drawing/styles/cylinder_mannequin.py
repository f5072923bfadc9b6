"""Cylinder men: tapered tubes whose rings show which way each limb points, joint balls, an egg for a head."""

from __future__ import annotations

import numpy as np

from ..canvas import Canvas
from ..chance import pick
from ..figure import Figure
from ..pen import Pen, ellipse
from ..solids import Solid, egg, outline, see_box, seen, solids

#: Parts that begin with a ball.
_BALLS = ("upper_arm", "forearm", "hand", "thigh", "shin", "foot")


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Tubes, the farthest first: solid or see-through, plain or shaded, with end circles and rings across."""
    rng = canvas.rng
    pen = pen.changed(width=min(pen.width, 0.015 * figure.size))
    see_through = rng.random() < 0.2
    shade = float(rng.uniform(0.2, 0.8)) if not see_through and rng.random() < 0.4 else 0.0
    base = (
        canvas.paper
        if rng.random() < 0.7
        else canvas.paper - (canvas.paper - pen.tone) * rng.uniform(0.1, 0.5)
    )
    rings = int(pick(rng, [0, 1, 3, 5], [0.3, 0.35, 0.25, 0.1]))
    balls, caps = rng.random() < 0.5, rng.random() < 0.8
    torso_eggs, box_feet = rng.random() < 0.4, rng.random() < 0.4
    cross = rng.random() < 0.6
    fine = pen.varied(rng, 0.6)

    def solid_shape(edge: np.ndarray) -> None:
        if not see_through:
            canvas.fill(edge, base)
        if shade:
            _shade(canvas, figure, edge, base + (pen.tone - base) * shade)
        canvas.stroke(edge, pen, closed=True)

    def draw_tube(solid: Solid) -> None:
        solid_shape(outline(figure, solid))
        if caps:
            near = int(np.linalg.norm(solid.ends + (0, 0, min(figure.camera.distance, 1e6)), axis=1).argmin())
            canvas.stroke(figure.project(solid.ring(near)[0]), fine)
        for at in np.linspace(0, 1, rings + 2)[1:-1]:
            for run in seen(figure, solid.ring(float(at))):
                canvas.stroke(run, fine)

    for solid in solids(figure, rng.uniform(0.75, 1.3)):
        if solid.part == "head" or (torso_eggs and solid.part in ("chest", "pelvis")):
            solid_shape(egg(figure, solid))
            if cross or solid.part != "head":
                for line in (solid.circle(0), solid.circle(0, 1)):
                    for run in seen(figure, line):
                        canvas.stroke(run, fine)
        elif solid.part == "foot" and box_feet:
            box = see_box(figure, solid)
            solid_shape(box.outline)
            for edge in box.inner:
                canvas.stroke(edge, pen)
        else:
            draw_tube(solid)
            if balls and solid.part in _BALLS:
                radius = float(solid.half[0, 0]) * figure.scale
                solid_shape(ellipse(figure.project(solid.ends[0]), np.array([radius, 0.0]), radius, 16))


def _shade(canvas: Canvas, figure: Figure, edge: np.ndarray, tone: float) -> None:
    """A core shadow: the part of the shape that lies away from the light, narrowed along its outline."""
    away = -figure.light[:2]
    reach = (edge - edge.mean(0)) @ away
    keep = reach > np.quantile(reach, 0.45)
    if keep.sum() > 2:
        canvas.fill(edge[keep], tone, 0.5)
