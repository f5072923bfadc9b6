"""Drawing styles. Each module has one function ``draw(canvas, figure, pen)``; add a style by adding a file and a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..canvas import Canvas
from ..figure import Figure
from ..pen import Pen
from . import (
    box_mannequin,
    brush,
    cartoon,
    charcoal,
    children,
    construction,
    cylinder_mannequin,
    doodle,
    engraving,
    gesture,
    ink,
    mannequin,
    oil,
    pencil,
    pictogram,
    silhouette,
    stick,
    wash,
)


@dataclass(frozen=True)
class Style:
    """A way of drawing and its share of the training mix.

    Attributes:
        name: as in the data set's records.
        draw: draws the figure on the canvas; returns the names of the keypoints that it leaves out, if any.
        share: weight in the mix.
        needs_mesh: False for styles that draw from the skeleton alone; they need no clothes.
        has_cues: False for styles in which front and back look alike.
        held_out: True for styles that training never sees; they are drawn for validation only.
    """

    name: str
    draw: Callable[[Canvas, Figure, Pen], Sequence[str] | None]
    share: float
    needs_mesh: bool
    has_cues: bool
    held_out: bool = False


STYLES: tuple[Style, ...] = (
    Style("pencil", pencil.draw, 0.12, True, True),
    Style("ink", ink.draw, 0.15, True, True),
    Style("brush", brush.draw, 0.07, True, True),
    Style("charcoal", charcoal.draw, 0.05, True, True),
    Style("engraving", engraving.draw, 0.05, True, True, held_out=True),
    Style("cartoon", cartoon.draw, 0.10, True, True),
    Style("oil", oil.draw, 0.04, True, True),
    Style("wash", wash.draw, 0.03, True, True),
    Style("silhouette", silhouette.draw, 0.06, True, False),
    Style("construction", construction.draw, 0.05, False, True),
    Style("box_mannequin", box_mannequin.draw, 0.03, False, False),
    Style("cylinder_mannequin", cylinder_mannequin.draw, 0.04, False, False),
    Style("stick", stick.draw, 0.08, False, False),
    Style("pictogram", pictogram.draw, 0.07, False, False),
    Style("mannequin", mannequin.draw, 0.04, False, False),
    Style("doodle", doodle.draw, 0.15, False, True),
    Style("gesture", gesture.draw, 0.04, False, False),
    Style("children", children.draw, 0.05, False, False, held_out=True),
)
