"""Brush pen: few swelling lines, broken where the light falls, dry at speed, with black shadows.

Knobs, one set a figure: how broad the brush and how strong its pressure; how dry; how much of the lit side is left out;
black spots in the shadow; black hair and clothes.
"""

from __future__ import annotations

import numpy as np

from ..areas import Areas, polygons, rounded, simplified
from ..canvas import Canvas
from ..contours import Kind, contours
from ..cues import draw_cues
from ..face import draw_mesh_face
from ..figure import Figure
from ..pen import Pen
from ..shapes import Label


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Lines, heavier in the shadow and lost in the light; then the blacks."""
    rng, size = canvas.rng, figure.size
    dry = rng.random() < 0.4
    line = pen.changed(
        width=max(size * rng.uniform(0.011, 0.026), 1.2),
        pressure=rng.uniform(0.5, 0.95),
        taper=rng.uniform(0.6, 1.0),
        opacity=rng.uniform(0.7, 0.9) if dry else 1.0,
        grain=rng.uniform(0.6, 1.0) if dry else 0.0,
        smooth=max(pen.smooth, 1.5),
        double=0.0,
        split=0.5,
        overshoot=rng.uniform(0.0, 0.015) * size,
        lost=0.0,
        tone=min(pen.tone, canvas.paper - 110),
    )
    areas = simplified(figure, size * rng.uniform(0.006, 0.012))
    if rng.random() < 0.85:
        canvas.clear(areas.mask)
    if rng.random() < 0.65:
        _spot(canvas, areas, line, size)
    lost = rng.uniform(0.65, 1.2)
    for stroke in contours(areas, size, rng.uniform(0.03, 0.08), max(2.0, 0.014 * size), rng.random() < 0.75):
        inner = 1.0 if stroke.kind == Kind.OUTER else rng.uniform(0.5, 0.9)
        for run, light in _found(areas, stroke.points, lost, rng):
            closed = stroke.closed and len(run) == len(stroke.points)
            weight = inner * float(np.clip(1.1 - 0.6 * light, 0.55, 1.5))
            canvas.stroke(run, line.varied(rng, weight), closed)
    if rng.random() < 0.6:
        draw_cues(canvas, figure, line.changed(width=max(0.6 * line.width, 0.9)), rng.uniform(0.05, 0.4))
    if rng.random() < 0.75:
        draw_mesh_face(canvas, figure, line.changed(width=max(0.7 * line.width, 0.9)))


def _found(
    areas: Areas, points: np.ndarray, lost: float, rng: np.random.Generator
) -> list[tuple[np.ndarray, float]]:
    """The stretches of an (n, 2) line that are not lost in the light, each with the mean light on it.

    ``lost`` is the light from which on a line may be left out.
    """
    x, y = np.clip(np.round(points), 0, len(areas.label) - 1).astype(int).T
    light = areas.buffer.light[y, x]
    reach = max(3, len(points) // 12)
    even = np.convolve(np.pad(light, reach, mode="edge"), np.ones(2 * reach + 1) / (2 * reach + 1), "valid")
    shown = even < lost + rng.normal(0, 0.1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], shown, [0]]).astype(np.int8))).reshape(-1, 2)
    return [(points[a:b], float(light[a:b].mean())) for a, b in edges if b - a > 4]


def _spot(canvas: Canvas, areas: Areas, pen: Pen, size: float) -> None:
    """Black hair, sometimes black clothes, and the deepest shadow as black shapes."""
    rng = canvas.rng
    shadow = rounded(areas.mask & (areas.buffer.light < rng.uniform(-0.5, -0.1)), 0.012 * size)
    black = shadow & areas.mask if rng.random() < 0.6 else np.zeros_like(shadow)
    for label in areas.labels:
        if label != Label.SKIN and rng.random() < (0.6 if label == Label.HAIR else 0.18):
            black |= areas.label == label
    for polygon in polygons(rounded(black, 0.006 * size)):
        if len(polygon) > 0.04 * size:
            canvas.fill(polygon, pen.tone)
