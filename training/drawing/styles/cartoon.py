"""Flat cartoons and clip art: every garment one tone, at most one step of shade, a clean outline or none.

Knobs, one set a figure: how far shapes are simplified; greys, or ink and paper only; the outline's width, or none;
shade with a crisp edge; prints on the clothes; how fine the inner lines are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from backend.skeleton import keypoint_index

from ..areas import Areas, polygons, rounded, simplified
from ..canvas import Canvas
from ..chance import pick
from ..cues import draw_cues
from ..face import draw_mesh_face
from ..figure import Figure
from ..pen import Pen
from ..shapes import Label

_PRINTS = ("stripes", "dots", "checks")
#: Materials that are cloth and may have a print.
_CLOTHES = (Label.TOP, Label.BOTTOM, Label.SKIRT, Label.CLOTH)


@dataclass(frozen=True)
class _Colours:
    """Grey value of each material, and what a shade multiplies it by: little, or so much that it is ink."""

    tones: dict[Label, float]
    shade: float


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Areas first, the farthest material at the bottom, then shade, prints, outlines and the face."""
    rng = canvas.rng
    size = figure.size
    areas = simplified(figure, size * rng.uniform(0.004, 0.009))
    outlined = rng.random() < 0.68
    colours = _sample_colours(canvas, pen, outlined and rng.random() < 0.35, outlined)
    line = _clean(pen, size, rng.uniform(0.006, 0.016))
    shaded = rng.random() < 0.45
    deepest = rng.uniform(-0.4, 0.0) if colours.shade < 0.3 else rng.uniform(0.05, 0.4)
    dark = rounded(areas.buffer.light < deepest, 0.006 * size)
    spine = figure.keypoints[keypoint_index("neck")] - figure.keypoints[keypoint_index("pelvis")]
    across = float(np.arctan2(spine[0], -spine[1])) + pick(rng, [0.0, np.pi / 2, rng.uniform(0, np.pi)])
    sheet = areas.mask.copy()
    for label in areas.labels:
        # Each lies on one sheet with all that lies above it, so that no paper shows between them.
        for polygon in polygons(sheet):
            canvas.fill(polygon, colours.tones[label])
        sheet &= areas.label != label
    for label in areas.labels:
        here = areas.label == label
        tone = colours.tones[label]
        if label in _CLOTHES and rng.random() < 0.3:
            _print(canvas, here, tone, size, across)
        if shaded and tone > 40:
            for polygon in polygons(here & dark):
                if len(polygon) > 0.04 * size:
                    canvas.fill(polygon, tone * colours.shade)
    _draw_lines(canvas, areas, colours, line, rng.uniform(0.02, 0.06), outlined)
    if rng.random() < 0.75:
        draw_cues(canvas, figure, line.changed(width=0.8 * line.width), rng.uniform(0.1, 0.7))
    if rng.random() < 0.9:
        draw_mesh_face(canvas, figure, line.changed(width=max(line.width, 0.008 * size)))


def _clean(pen: Pen, size: float, width: float) -> Pen:
    """The same hand at its tidiest, as outlines of clip art are drawn; ``width`` in shares of the size."""
    return pen.changed(
        width=max(width * size, 1.0),
        opacity=1.0,
        grain=0.0,
        gap=0.0,
        double=0.0,
        lost=0.0,
        smooth=max(pen.smooth, 1.5),
        overshoot=0.0,
    )


def _sample_colours(canvas: Canvas, pen: Pen, inked: bool, outlined: bool) -> _Colours:
    """Greys of unlike materials apart from each other; of ink, paper and one grey if ``inked``."""
    rng = canvas.rng
    labels = [label for label in Label if label != Label.NOTHING]
    if inked:
        grey = pen.tone + (canvas.paper - pen.tone) * rng.uniform(0.4, 0.85)
        choice = rng.choice([pen.tone, canvas.paper, grey], len(labels), p=[0.35, 0.45, 0.2])
        tones = dict(zip(labels, choice.tolist(), strict=True))
        tones[Label.SKIN] = canvas.paper
        tones[Label.HAIR] = pen.tone if rng.random() < 0.7 else grey
    else:
        # Steps of the grey scale dealt out like cards: no two garments have the same.
        steps = np.linspace(25, 235, len(labels)) + rng.uniform(-8, 8, len(labels))
        tones = dict(zip(labels, rng.permutation(steps).tolist(), strict=True))
        skin = rng.uniform(165, 240) if rng.random() < 0.75 else rng.uniform(70, 165)
        tones = {
            k: t - 40 if 0 <= skin - t < 22 else t + 40 if 0 <= t - skin < 22 else t for k, t in tones.items()
        }
        tones[Label.SKIN] = skin
        tones[Label.HAIR] = rng.uniform(15, 110) if rng.random() < 0.7 else rng.uniform(150, 225)
    if not outlined:  # nothing else parts a figure from the paper
        tones = {k: canvas.paper - 45 if abs(t - canvas.paper) < 30 else t for k, t in tones.items()}
    shade = 0.1 if rng.random() < 0.2 else rng.uniform(0.62, 0.85)
    return _Colours({k: float(np.clip(t, 0, 255)) for k, t in tones.items()}, shade)


def _print(canvas: Canvas, here: np.ndarray, tone: float, size: float, across: float) -> None:
    """A pattern on the cloth ``here``, (S, S) bool, lighter or darker than its ``tone``.

    Stripes have the angle ``across``, radians.
    """
    rng = canvas.rng
    kind = pick(rng, _PRINTS)
    other = tone + rng.uniform(60, 130) * (1 if tone < 125 else -1)
    space = size * rng.uniform(0.025, 0.055)
    if kind == "dots":
        canvas.dots(here, other, space, space * rng.uniform(0.15, 0.28))
    else:
        for turn in (0.0, np.pi / 2)[: 2 if kind == "checks" else 1]:
            canvas.hatch(here, other, space, across + turn, space * rng.uniform(0.2, 0.5))


def _draw_lines(
    canvas: Canvas, areas: Areas, colours: _Colours, line: Pen, gap: float, outlined: bool
) -> None:
    """The outlines, and inner lines in another tone where they would be lost: on ink, or without an outline."""
    rng = canvas.rng
    if outlined:
        for border in areas.contours():
            canvas.stroke(border, line.varied(rng))
    inner = line.changed(width=max(line.width * rng.uniform(0.5, 1.0), 1.0))
    for border in areas.inner_lines(gap, seams=outlined):
        x, y = np.round(border).astype(int).T
        under = colours.tones[Label(max(1, int(np.bincount(areas.label[y, x]).argmax())))]
        lost = not outlined or under < line.tone + 45
        tone = (under * 0.6 if under > 90 else under + 80) if lost else line.tone
        canvas.stroke(border, replace(inner.varied(rng), tone=tone))
