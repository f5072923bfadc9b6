"""Pictograms: thick rounded limbs joined to one shape, outlined or solid, the head a disc apart."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backend.skeleton import keypoint_index

from ..canvas import Canvas
from ..chance import pick
from ..face import head_disc
from ..figure import Figure
from ..limbs import limbs, torso_depth, torso_polygon, unit
from ..pen import Pen, curve, ellipse, resample, ribbon, smoothed

#: Pixels between the points of an outline.
_STEP = 2.5

_HANDS = tuple(f"{side}_{name}" for side in ("left", "right") for name in ("hand", "fingertips"))
_FEET = tuple(f"{side}_{name}" for side in ("left", "right") for name in ("foot", "toe"))


@dataclass(frozen=True, eq=False)
class _Shape:
    """The trunk or a limb.

    Attributes:
        polygon: (n, 2) pixels.
        root: (2,) where a limb grows out of the trunk.
        width: half width of a limb, pixels; 0 for the trunk.
        end: (2,) tip of a limb.
    """

    polygon: np.ndarray
    root: np.ndarray
    width: float
    end: np.ndarray


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> list[str]:
    """Limbs as even ribbons over each other in order of depth. Returns the hands, feet and nose not drawn."""
    rng = canvas.rng
    height = 0.62 * figure.size
    solid = rng.random() < 0.5
    slim, stout = ((0.05, 0.1), (0.1, 0.16)) if solid else ((0.045, 0.09), (0.09, 0.13))
    leg = height * rng.uniform(*(slim if rng.random() < 0.8 else stout))
    arm = leg * rng.uniform(0.6, 0.95)
    line = float(height * pick(rng, [rng.uniform(0.015, 0.03), rng.uniform(0.03, 0.055)]))
    gap = max(1.2, height * rng.uniform(0.01, 0.03)) if rng.random() < 0.8 else 0.0
    hands, feet, open_ends = rng.random() < 0.4, rng.random() < 0.6, rng.random() < 0.5
    cornered = rng.random() < 0.6
    outline = pen.changed(
        width=line, gap=0.0, double=0.0, lost=0.0, split=0.0, overshoot=0.0, taper=0.0, grain=0.0
    )
    trunk = _Shape(_torso(figure, arm), figure.keypoints[0], 0.0, figure.keypoints[0])
    layers = [(torso_depth(figure), trunk)]
    for limb in limbs(figure):
        width = arm if limb.kind == "arm" else leg
        points = limb.points[: 4 if (hands if limb.kind == "arm" else feet) else 3]
        spine = np.concatenate([curve(points[k : k + 2], 0, 6) for k in range(len(points) - 1)])
        if not cornered:
            spine = smoothed(spine, 2.0)
        end = points[-1] + unit(points[-1] - points[-2]) * width * 0.6
        layers.append(
            (limb.depth - 0.03, _Shape(ribbon(spine, np.full(len(spine), width)), points[0], width, end))
        )
    shapes = [shape for _, shape in sorted(layers, key=lambda layer: -layer[0])]
    if solid:
        _fill(canvas, shapes, pen.tone, gap)
    else:
        _outline(canvas, shapes, outline, open_ends)
    _draw_head(canvas, figure, pen, outline, solid)
    if rng.random() < 0.2:
        _draw_thing(canvas, figure, pen, outline, solid)
    return ["nose", *(() if hands else _HANDS), *(() if feet else _FEET)]


def _fill(canvas: Canvas, shapes: list[_Shape], tone: float, gap: float) -> None:
    """Solid shapes, the farthest first, with a gap of paper along those in front, but for where a limb grows out."""
    for shape in shapes:
        edge = max(_contours(_mask(canvas, [shape])), key=len, default=shape.polygon)
        if gap:
            for run in _runs(edge, _clear_of(edge, shape.root, 1.5 * shape.width)):
                canvas.stroke(run, Pen(width=2 * gap, tone=canvas.paper, wobble=0.0))
        canvas.fill(edge, tone)


def _outline(canvas: Canvas, shapes: list[_Shape], pen: Pen, open_ends: bool) -> None:
    """The outline of all shapes together, and inside it the edges of the limbs in front."""
    union = _mask(canvas, shapes)
    joint = max(3, int(0.6 * max(shape.width for shape in shapes)))
    union = cv2.morphologyEx(
        union, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (joint, joint))
    )
    inner = cv2.distanceTransform(union, cv2.DIST_L2, 3)
    contours = _contours(union)
    for contour in contours:
        canvas.fill(contour, canvas.paper)
    for shape in shapes:
        canvas.fill(shape.polygon, canvas.paper)
        if not shape.width:
            continue
        edge = max(_contours(_mask(canvas, [shape])), key=len, default=shape.polygon)
        x, y = np.clip(np.round(edge), 0, len(union) - 1).astype(int).T
        free = (inner[y, x] > 0.8 * pen.width) & _clear_of(edge, shape.root, 1.5 * shape.width)
        for run in _runs(edge, free & (_clear_of(edge, shape.end, 0.9 * shape.width) | ~np.bool_(open_ends))):
            if len(run) * _STEP > 1.2 * shape.width:
                canvas.stroke(run, pen)
    for contour in contours:
        free = np.ones(len(contour), bool)
        for shape in shapes:
            if open_ends and shape.width:
                free &= _clear_of(contour, shape.end, 0.9 * shape.width)
        for run in _runs(contour, free):
            canvas.stroke(run, pen)


def _mask(canvas: Canvas, shapes: list[_Shape]) -> np.ndarray:
    """(S, S) uint8: 255 inside any of the shapes."""
    mask = np.zeros(canvas.image.shape, np.uint8)
    for shape in shapes:
        cv2.fillPoly(mask, [np.round(shape.polygon * 16).astype(np.int32)], (255.0,), cv2.LINE_8, 4)
    return mask


def _contours(mask: np.ndarray) -> list[np.ndarray]:
    """Closed (n, 2) outlines of a mask and of its holes, without the steps of pixels."""
    found = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)[0]
    lines = [np.concatenate([line[:, 0], line[:1, 0]]).astype(np.float32) for line in found if len(line) > 8]
    return [resample(smoothed(line, 2.0, closed=True), _STEP) for line in lines]


def _torso(figure: Figure, arm: float) -> np.ndarray:
    """(n, 2) outline of the trunk with round corners."""
    corners = torso_polygon(figure, widen=arm * 0.8)
    turned = np.roll(corners, -1, 0)
    dense = (corners[:, None] + (turned - corners)[:, None] * np.linspace(0, 0.8, 5)[:, None]).reshape(-1, 2)
    return smoothed(np.concatenate([dense, dense[:1]]).astype(np.float32), 1.0, closed=True)[:-1]


def _clear_of(edge: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    """(n,) bool: the points of an (n, 2) edge outside a disc."""
    return np.hypot(*(edge - centre).T) > radius


def _runs(edge: np.ndarray, free: np.ndarray) -> list[np.ndarray]:
    """The pieces of a closed (n, 2) edge where ``free``."""
    if free.all():
        return [edge]
    first = int(np.flatnonzero(~free)[0])
    edge, free = np.roll(edge[:-1], -first, 0), np.roll(free[:-1], -first)
    cuts = np.flatnonzero(np.diff(np.concatenate([[False], free, [False]]).astype(np.int8))).reshape(-1, 2)
    return [edge[a:b] for a, b in cuts if b - a > 3]


def _draw_head(canvas: Canvas, figure: Figure, pen: Pen, outline: Pen, solid: bool) -> None:
    rng = canvas.rng
    centre, radius, up = head_disc(figure)
    radius *= rng.uniform(0.75, 1.1)
    if rng.random() < 0.6:
        canvas.fill(ellipse(centre, up * (radius + outline.width), radius + outline.width), canvas.paper)
    head = ellipse(centre, up * radius, radius)
    if solid or rng.random() < 0.2:
        canvas.fill(head, pen.tone)
        return
    canvas.fill(head, canvas.paper)
    canvas.stroke(head, outline, closed=True)


def _draw_thing(canvas: Canvas, figure: Figure, pen: Pen, outline: Pen, solid: bool) -> None:
    """A ball or a stick in one hand."""
    rng = canvas.rng
    side = str(pick(rng, ["left", "right"]))
    wrist, tips = (figure.keypoints[keypoint_index(f"{side}_{n}")] for n in ("wrist", "fingertips"))
    size = figure.size * rng.uniform(0.03, 0.07)
    if rng.random() < 0.5:
        ball = ellipse(tips + unit(tips - wrist) * size, np.array([size, 0.0]), size)
        canvas.fill(ball, pen.tone if solid else canvas.paper)
        canvas.stroke(ball, outline, closed=True)
        return
    turn = rng.uniform(0, 2 * np.pi)
    way = np.array([np.cos(turn), np.sin(turn)]) * size * rng.uniform(2, 6)
    canvas.stroke(np.stack([tips - way * 0.2, tips + way]), outline)
