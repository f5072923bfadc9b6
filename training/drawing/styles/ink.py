"""Clean ink: even lines or a heavier contour, white skin, and clothes in solid black, grey, prints or plain paper.

Knobs, one set a figure: how far shapes are simplified; line width and how much finer inner lines are; how many garments
are inked; prints; how many of the small lines are drawn.
"""

from __future__ import annotations

import numpy as np

from backend.skeleton import keypoint_index

from ..areas import Areas, polygons, simplified
from ..canvas import Canvas
from ..chance import pick
from ..contours import Kind, Line, contours
from ..cues import draw_cues
from ..face import draw_mesh_face
from ..figure import Figure
from ..pen import Pen
from ..shapes import Label

_FILLS = ("paper", "ink", "grey", "stripes", "checks", "dots", "strokes")
#: What each material is filled with, in the order of _FILLS; clothes where nothing else is said.
_CHANCES = {
    Label.HAIR: (0.3, 0.55, 0.05, 0.0, 0.0, 0.0, 0.1),
    Label.SHOE: (0.5, 0.4, 0.1, 0.0, 0.0, 0.0, 0.0),
    Label.PROP: (0.8, 0.1, 0.1, 0.0, 0.0, 0.0, 0.0),
}
_CLOTHES = (0.3, 0.28, 0.12, 0.12, 0.04, 0.09, 0.05)


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Fills under the lines; lines that a solid black would swallow are left white in it."""
    rng, size = canvas.rng, figure.size
    areas = simplified(figure, size * rng.uniform(0.004, 0.009))
    width = size * float(np.exp(rng.uniform(np.log(0.006), np.log(0.017))))
    line = pen.changed(
        width=max(width, 0.9),
        opacity=1.0,
        grain=0.0,
        double=min(pen.double, 0.15),
        lost=0.0,
        tone=min(pen.tone, canvas.paper - 110),
    )
    if rng.random() < 0.9:
        canvas.clear(areas.mask)
    coloured = rng.random() < 0.75
    tones = _fill(canvas, figure, areas, line) if coloured else {}
    finer = 1.0 if rng.random() < 0.5 else rng.uniform(0.45, 0.8)
    drawn = contours(areas, size, rng.uniform(0.025, 0.07), max(1.5, 0.9 * line.width))
    for stroke in drawn:
        part = line if stroke.kind == Kind.OUTER else line.changed(width=max(line.width * finer, 0.8))
        canvas.stroke(stroke.points, _seen(part.varied(rng), stroke, areas, tones, canvas), stroke.closed)
    if rng.random() < 0.8:
        draw_cues(
            canvas, figure, line.changed(width=max(0.8 * finer * line.width, 0.8)), rng.uniform(0.1, 0.7)
        )
    if rng.random() < 0.85:
        draw_mesh_face(canvas, figure, line)


def _seen(pen: Pen, line: Line, areas: Areas, tones: dict[Label, float], canvas: Canvas) -> Pen:
    """The pen, or a white one for a line inside a black area."""
    if line.kind == Kind.OUTER:
        return pen
    x, y = np.clip(np.round(line.points), 1, len(areas.label) - 2).astype(int).T
    around = np.concatenate([areas.label[y + dy, x + dx] for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1))])
    inked = np.array([tones.get(Label(k), 255.0) < pen.tone + 50 for k in range(len(Label))])
    return pen.changed(tone=canvas.paper) if inked[around].mean() > 0.85 else pen


def _fill(canvas: Canvas, figure: Figure, areas: Areas, pen: Pen) -> dict[Label, float]:
    """Fill the materials; returns the tone of those that are filled evenly."""
    rng, size = canvas.rng, figure.size
    spine = figure.keypoints[keypoint_index("neck")] - figure.keypoints[keypoint_index("pelvis")]
    across = float(np.arctan2(spine[0], -spine[1]))
    tones = {}
    for label in areas.labels:
        if label == Label.SKIN:
            continue
        fill = pick(rng, _FILLS, _CHANCES.get(label, _CLOTHES))
        here = areas.label == label
        space = max(size * rng.uniform(0.025, 0.055), 3.5)
        if fill in ("ink", "grey"):
            tones[label] = (
                pen.tone if fill == "ink" else pen.tone + (canvas.paper - pen.tone) * rng.uniform(0.5, 0.88)
            )
            for polygon in polygons(here, 1.0):
                canvas.fill(polygon, tones[label])
        elif fill == "stripes":
            canvas.hatch(
                here, pen.tone, space, across + pick(rng, [0.0, np.pi / 2]), space * rng.uniform(0.2, 0.55)
            )
        elif fill == "checks":
            for turn in (0.0, np.pi / 2):
                canvas.hatch(here, pen.tone, space, across + turn, max(0.1 * space, 0.8))
        elif fill == "dots":
            canvas.dots(here, pen.tone, space, max(space * rng.uniform(0.12, 0.24), 0.8))
        elif fill == "strokes":
            canvas.hatch(
                here, pen.tone, max(0.6 * space, 2.5), rng.uniform(0, np.pi), max(0.5 * pen.width, 0.7)
            )
    return tones
