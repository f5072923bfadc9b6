"""Dolls: flat ovals, tapered tubes or sausages, one a segment; wooden dolls, toy men and balloon men."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from backend.skeleton import keypoint_index

from ..canvas import Canvas
from ..chance import pick
from ..face import draw_disc_face, head_disc
from ..figure import Figure
from ..limbs import limbs, torso_blob, torso_depth, torso_polygon, unit
from ..pen import Pen, curve, ellipse, ribbon


@dataclass(frozen=True)
class _Doll:
    """How all parts of a doll are drawn.

    Attributes:
        canvas: the page.
        pen: of the outlines.
        tone: grey value of the parts; None for see-through ones.
        outlined: whether parts have an outline.
        shape: "oval", "taper" or "tube".
        thick: half width of an arm, pixels.
        foot: size of the feet, 1 for the skeleton's.
        balls: whether joints are balls.
    """

    canvas: Canvas
    pen: Pen
    tone: float | None
    outlined: bool
    shape: str
    thick: float
    foot: float
    balls: bool

    def solid(self, outline: np.ndarray) -> None:
        if self.tone is not None:
            self.canvas.fill(outline, self.tone)
        if self.outlined:
            self.canvas.stroke(outline, self.pen, closed=True)

    def segment(self, a: np.ndarray, b: np.ndarray, wide: float, narrow: float) -> None:
        if self.shape == "oval":
            self.solid(ellipse((a + b) / 2, (b - a) * 0.53, wide))
        else:
            ends = np.linspace(wide, wide if self.shape == "tube" else narrow, 6)
            self.solid(ribbon(curve(np.stack([a, b]), 0, 6), ends))

    def half_limb(self, kind: str, points: np.ndarray, lower: bool) -> None:
        """The upper half of a limb, or its lower half with the joint above it and the hand or foot."""
        thick = self.thick * (1.35 if kind == "leg" else 1.0)
        if not lower:
            self.segment(points[0], points[1], thick, thick * 0.7)
            return
        if self.balls:
            self.solid(ellipse(points[1], np.array([thick * 0.7, 0]), thick * 0.7))
        self.segment(points[1], points[2], thick * 0.8, thick * 0.5)
        end = points[3] - points[2]
        if kind == "arm":
            reach = max(thick * 0.85, float(np.hypot(*end)) * 0.6)
            self.solid(ellipse(points[2] + end * 0.7, unit(end) * reach, thick * 0.68))
        else:
            self.solid(ellipse(points[2] + end * 0.55, end * 0.6 * self.foot**0.3, thick * 0.55 * self.foot))


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Each segment a solid of its own, far ones first; see-through or filled."""
    rng = canvas.rng
    tone = canvas.paper if rng.random() < 0.6 else float(rng.uniform(60, 240))
    filled = rng.random() < 0.65
    doll = _Doll(
        canvas,
        pen.changed(width=min(pen.width, 0.018 * figure.size)),
        tone if filled else None,
        not filled or tone == canvas.paper or bool(rng.random() < 0.8),
        str(pick(rng, ["oval", "taper", "tube"], [0.4, 0.4, 0.2])),
        0.56 * figure.size * float(rng.uniform(0.04, 0.085)),
        float(rng.uniform(0.8, 1.8)),
        bool(rng.random() < 0.35),
    )
    layers: list[tuple[float, Callable[[], None]]] = [
        (torso_depth(figure), lambda: _draw_trunk(doll, figure))
    ]
    for limb in limbs(figure):
        depth = figure.keypoints3d[[keypoint_index(f"{limb.side}_{n}") for n in _JOINTS[limb.kind]], 2]
        for lower in (False, True):
            near = float(depth[1:].mean() if lower else depth[:2].mean())
            layers.append(
                (near, lambda limb=limb, lower=lower: doll.half_limb(limb.kind, limb.points, lower))
            )
    for _, paint in sorted(layers, key=lambda layer: -layer[0]):
        paint()
    _draw_head(doll, figure)


_JOINTS = {"arm": ("shoulder", "elbow", "wrist"), "leg": ("hip", "knee", "ankle")}


def _draw_trunk(doll: _Doll, figure: Figure) -> None:
    """Neck, and one blob, one block, or ovals for chest and pelvis."""
    rng = doll.canvas.rng
    names = ("neck", "head", "spine3", "spine1", "pelvis")
    neck, skull, chest, belly, pelvis = (figure.keypoints[keypoint_index(n)] for n in names)
    doll.segment(neck, skull, doll.thick * 0.65, doll.thick * 0.65)
    kind = rng.integers(4)
    if kind == 0:
        doll.solid(torso_blob(figure, rng.uniform(0.5, 0.95)))
    elif kind == 1:
        doll.solid(torso_polygon(figure, widen=doll.thick * 0.9))
    else:
        apart = {
            name: float(
                np.hypot(*np.subtract(*(figure.keypoints[keypoint_index(f"{s}_{name}")] for s in _SIDES)))
            )
            for name in ("shoulder", "hip")
        }
        doll.solid(ellipse((pelvis + belly) / 2, (belly - pelvis) * 0.8, max(apart["hip"], doll.thick * 1.5)))
        across = max(apart["shoulder"] * 0.55, doll.thick * 1.5)
        doll.solid(ellipse((chest + neck) / 2, (neck - belly) * 0.5, across))
    if rng.random() < 0.3:
        line = figure.keypoints[[keypoint_index(n) for n in ("neck", "spine2", "pelvis")]]
        doll.canvas.stroke(line, doll.pen.varied(rng, 0.6))


_SIDES = ("left", "right")


def _draw_head(doll: _Doll, figure: Figure) -> None:
    rng = doll.canvas.rng
    centre, radius, up = head_disc(figure)
    doll.solid(ellipse(centre, up * radius * 1.05, radius * rng.uniform(0.7, 0.95)))
    if rng.random() < 0.5:
        draw_disc_face(doll.canvas, figure, centre, radius * 0.85, doll.pen)
    elif rng.random() < 0.5 and figure.head_facing > 0:
        nose = figure.keypoints[keypoint_index("nose")]
        middle = curve(np.stack([centre + up * radius, nose, centre - up * radius]))
        doll.canvas.stroke(middle, doll.pen.varied(rng, 0.6))
