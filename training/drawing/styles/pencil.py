"""Graphite: lines that search and are lost and found, remnants of the construction, a little parallel shading.

Knobs, one set a figure: how much the hand searches; how light the first lines were; how far the contour weighs more
than the rest; shading by parallel strokes, at one angle, on the shadow side; grey hair and clothes.
"""

from __future__ import annotations

import numpy as np

from ..areas import Areas, rounded, simplified
from ..canvas import Canvas
from ..chance import pick
from ..contours import Kind, contours
from ..cues import draw_cues
from ..face import draw_mesh_face
from ..figure import Figure
from ..pen import Pen
from ..shapes import Label
from ..solids import egg, outline, solids


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """The construction first and lightest, then shading, then the lines that count."""
    rng, size = canvas.rng, figure.size
    searching = rng.random() < 0.45
    line = pen if rng.random() < 0.3 else pen.using("pencil", rng)
    line = line.changed(
        width=float(np.clip(size * rng.uniform(0.004, 0.011), 0.8, 3.0)),
        double=max(pen.double, rng.uniform(0.3, 0.9)) if searching else pen.double,
        apart=max(0.004 * size, 0.4),
        redrawn=0.4,
        overshoot=max(pen.overshoot, 0.012 * size) if searching else pen.overshoot,
        lost=pick(rng, [0.0, 0.25, 0.5]),
        gap=pick(rng, [0.0, 0.04]),
        split=0.6 if searching else 0.2,
    )
    areas = simplified(figure, size * rng.uniform(0.004, 0.009))
    if rng.random() < 0.85:
        canvas.clear(areas.mask)
    light = line.changed(opacity=line.opacity * rng.uniform(0.25, 0.55), width=max(0.7 * line.width, 0.7))
    if rng.random() < 0.3:
        _construct(canvas, figure, light)
    if rng.random() < 0.45:
        _shade(canvas, figure, areas, line)
    inner = line.changed(
        width=max(line.width * rng.uniform(0.55, 0.95), 0.7),
        opacity=line.opacity * rng.uniform(0.65, 1),
    )
    for stroke in contours(areas, size, rng.uniform(0.02, 0.06), max(1.3, 0.009 * size), rng.random() < 0.9):
        chosen = line if stroke.kind == Kind.OUTER else inner
        # The shadow side is pressed harder.
        x, y = np.clip(np.round(stroke.points), 0, len(areas.label) - 1).astype(int).T
        dark = float(np.clip(1.1 - 0.4 * areas.buffer.light[y, x].mean(), 0.75, 1.35))
        canvas.stroke(stroke.points, chosen.varied(rng, dark), stroke.closed)
    if rng.random() < 0.85:
        draw_cues(canvas, figure, inner, rng.uniform(0.2, 0.9))
    if rng.random() < 0.8:
        draw_mesh_face(canvas, figure, line)


def _construct(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Ovals and tubes that the figure was built from and that nobody has rubbed out."""
    rng = canvas.rng
    searching = pen.changed(double=0.5, closure=0.02 * figure.size)
    kept = rng.uniform(0.3, 0.9)
    for solid in solids(figure):
        if solid.part != "hand" and rng.random() < kept:
            shape = egg if solid.part in ("head", "chest", "pelvis") else outline
            canvas.stroke(shape(figure, solid), searching, closed=True)


def _shade(canvas: Canvas, figure: Figure, areas: Areas, pen: Pen) -> None:
    """Parallel strokes at the angle of a resting hand, over what is dark of itself and what lies in shadow."""
    rng, size = canvas.rng, figure.size
    angle = pick(rng, [-1, 1], [0.85, 0.15]) * rng.uniform(0.5, 1.2)
    space = max(size * rng.uniform(0.009, 0.018), 1.8)
    tone = pen.tone + (canvas.paper - pen.tone) * rng.uniform(0.15, 0.6)
    width = max(0.35 * space, 0.6)
    shadow = areas.mask & rounded(areas.buffer.light < rng.uniform(-0.2, 0.3), 0.012 * size)
    if rng.random() < 0.75:
        canvas.hatch(shadow, tone, space, angle, width)
    for label in areas.labels:
        if label != Label.SKIN and rng.random() < (0.6 if label == Label.HAIR else 0.25):
            canvas.hatch(areas.label == label, tone, space, angle + rng.normal(0, 0.3), width)
    if rng.random() < 0.3:
        canvas.hatch(shadow & (areas.buffer.light < -0.25), tone, space, angle + 0.7, width)
