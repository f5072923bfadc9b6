"""Children's drawings: a big smiling head, a dress or a box for a body, stick or sausage limbs, crayon over the edges.

Training never sees them: they test how far the networks carry. Proportions are a child's, but limbs end at the
labelled joints; feet point sideways whatever the pose, so that they are left out of the labels.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.skeleton import keypoint_index

from ..canvas import Canvas
from ..chance import pick
from ..face import head_disc
from ..figure import Figure
from ..limbs import Limb, limbs, torso_blob, torso_polygon, unit
from ..pen import Pen, curve, ellipse, ribbon

_FEET = tuple(f"{side}_{name}" for side in ("left", "right") for name in ("foot", "toe"))
_HANDS = tuple(f"{side}_{name}" for side in ("left", "right") for name in ("hand", "fingertips"))


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> list[str]:
    """Limbs, body, head. Returns the keypoints that a child leaves out."""
    rng = canvas.rng
    tool = str(pick(rng, ["crayon", "marker", "ballpoint", "pencil"], [0.4, 0.25, 0.15, 0.2]))
    pen = pen.using(tool, rng).scaled(figure.size / 220)
    crayon = replace(pen.using("crayon", rng).scaled(figure.size / 220), gap=0.0, double=0.0)
    body = str(pick(rng, ["dress", "box", "blob", "tadpole", "line"], [0.3, 0.25, 0.2, 0.12, 0.13]))
    sausage = body != "line" and rng.random() < 0.5
    wide = figure.size * rng.uniform(0.02, 0.04) if sausage else 0.0
    hand, coloured = str(pick(rng, ["ball", "rays", "none"], [0.4, 0.4, 0.2])), rng.random() < 0.6
    foot = figure.size * rng.uniform(0.035, 0.07)
    shoe = canvas.paper if rng.random() < 0.6 else pen.tone
    neck, chest, pelvis = (figure.keypoints[keypoint_index(n)] for n in ("neck", "spine3", "pelvis"))
    root = {"arm": 0.6 * neck + 0.4 * chest, "leg": pelvis}
    for limb in limbs(figure):
        points = limb.points[:3].copy()
        if body == "line":  # limbs grow out of it
            points[0] = root[limb.kind]
        _draw_limb(canvas, points, pen, wide, rng.random() < 0.3)
        if limb.kind == "leg":
            _draw_foot(canvas, figure, limb, pen, foot, shoe)
        elif hand != "none":
            _draw_hand(canvas, figure, limb, pen, max(wide * 1.3, 0.028 * figure.size), hand)
    centre, radius, up = head_disc(figure)
    radius *= rng.uniform(1.0, 1.45)
    if body == "tadpole":
        centre, axis = _tadpole(figure)
        outline = ellipse(centre, axis, float(np.hypot(*axis)) * rng.uniform(0.7, 0.95), 32)
        canvas.fill(outline, canvas.paper)
        canvas.stroke(outline, pen, closed=True)
        _draw_face(canvas, centre + axis * 0.3, float(np.hypot(*axis)) * 0.6, unit(axis), pen)
        return ["nose", *_FEET, *(_HANDS if hand == "none" else ())]
    _draw_body(canvas, figure, body, pen, crayon if coloured else None)
    head = ellipse(centre, up * radius * rng.uniform(0.9, 1.15), radius, 32)
    canvas.fill(head, canvas.paper)
    canvas.stroke(head, pen, closed=True)
    _draw_face(canvas, centre, radius, up, pen)
    _draw_hair(canvas, centre, radius, up, crayon if rng.random() < 0.5 else pen)
    return [*_FEET, *(_HANDS if hand == "none" else ())]


def _draw_limb(canvas: Canvas, points: np.ndarray, pen: Pen, wide: float, round_: bool) -> None:
    line = curve(points) if round_ else np.concatenate([curve(points[k : k + 2], 0, 6) for k in (0, 1)])
    if not wide:
        canvas.stroke(line, pen)
        return
    outline = ribbon(line, np.full(len(line), wide))
    canvas.fill(outline, canvas.paper)
    canvas.stroke(outline, pen, closed=True)


def _draw_foot(canvas: Canvas, figure: Figure, limb: Limb, pen: Pen, size: float, tone: float) -> None:
    """An oval that points outwards, to the figure's left or right."""
    left, right = (figure.keypoints[keypoint_index(f"{side}_hip")] for side in ("left", "right"))
    shin = unit(limb.points[2] - limb.points[1])
    out = np.array([-shin[1], shin[0]])
    apart = (left - right) * (1 if limb.side == "left" else -1)
    out = out if out @ apart >= 0 else -out
    shoe = ellipse(limb.points[2] + out * size * 0.7, out * size, size * 0.45, 18)
    canvas.fill(shoe, tone)
    canvas.stroke(shoe, pen, closed=True)


def _draw_hand(canvas: Canvas, figure: Figure, limb: Limb, pen: Pen, size: float, kind: str) -> None:
    """A ball, or fingers like the rays of the sun."""
    tips = figure.keypoints[keypoint_index(f"{limb.side}_fingertips")]
    along = tips - limb.points[2]
    reach = max(float(np.hypot(*along)), 1.4 * size)
    along = unit(along) * reach
    if kind == "ball":
        ball = ellipse(limb.points[2] + along * 0.45, along * 0.5, 0.45 * reach, 16)
        canvas.fill(ball, canvas.paper)
        canvas.stroke(ball, pen, closed=True)
        return
    for turn in np.linspace(-1.1, 1.1, int(canvas.rng.integers(3, 7))):
        way = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ along
        canvas.stroke(np.stack([limb.points[2], limb.points[2] + way]), pen)


def _tadpole(figure: Figure) -> tuple[np.ndarray, np.ndarray]:
    """Centre and half axis (2,) of a head that is the body as well, pixels."""
    top, pelvis = (figure.keypoints[keypoint_index(n)] for n in ("head_top", "pelvis"))
    axis = (top - pelvis) * 0.52
    least = 0.16 * figure.size
    return (top + pelvis) / 2, axis * max(1.0, least / max(float(np.hypot(*axis)), 1e-6))


def _draw_body(canvas: Canvas, figure: Figure, kind: str, pen: Pen, crayon: Pen | None) -> None:
    rng = canvas.rng
    neck, pelvis = (figure.keypoints[keypoint_index(n)] for n in ("neck", "pelvis"))
    centre, radius, up = head_disc(figure)
    canvas.stroke(np.stack([centre - up * radius, neck]), pen)
    if kind == "line":
        canvas.stroke(np.stack([neck, pelvis]), pen)
        return
    if kind == "dress":
        down = (pelvis - neck) * rng.uniform(1.15, 1.6)
        hem = np.array([-down[1], down[0]]) * rng.uniform(0.35, 0.6)
        outline = np.stack([neck - hem * 0.2, neck + hem * 0.2, neck + down + hem, neck + down - hem])
    elif kind == "box":
        outline = torso_polygon(figure, widen=0.02 * figure.size)[[0, 1, 3, 4]]
    else:
        outline = torso_blob(figure, rng.uniform(0.55, 0.95))
    canvas.fill(outline, canvas.paper)
    if crayon is not None:
        tone = float(canvas.paper - (canvas.paper - pen.tone) * rng.uniform(0.25, 0.8))
        scribble = _scribble(rng, outline, 1.3 * crayon.width)
        canvas.stroke(scribble, replace(crayon, tone=tone, corner=1.0))
    canvas.stroke(outline, pen, closed=True)
    buttons = int(rng.integers(0, 4))
    for share in np.linspace(0.25, 0.8, buttons):
        size = 0.012 * figure.size
        canvas.stroke(
            ellipse(neck + (pelvis - neck) * share, np.array([size, 0.0]), size, 10), pen, closed=True
        )


def _scribble(rng: np.random.Generator, outline: np.ndarray, step: float) -> np.ndarray:
    """(n, 2) zigzag that fills a polygon, and runs over its edge here and there."""
    turn = rng.uniform(0, np.pi)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    u, v = (np.concatenate([outline, outline[:1]]) @ axes.T).T
    points = []
    for k, level in enumerate(np.arange(v.min() + step / 2, v.max(), step)):
        low, high = np.minimum(v[:-1], v[1:]), np.maximum(v[:-1], v[1:])
        crossed = (low <= level) & (level < high)
        if crossed.sum() < 2:
            continue
        share = (level - v[:-1][crossed]) / (v[1:] - v[:-1])[crossed]
        at = u[:-1][crossed] + share * (u[1:] - u[:-1])[crossed]
        ends = np.array([at.min(), at.max()]) + rng.normal(0, 1.2 * step, 2)
        points += [(end, level) for end in (ends if k % 2 else ends[::-1])]
    return np.array(points or [(u.mean(), v.mean())], np.float32) @ axes.astype(np.float32)


def _draw_face(canvas: Canvas, centre: np.ndarray, radius: float, up: np.ndarray, pen: Pen) -> None:
    """Two eyes, a wide smile, sometimes a nose and red cheeks; children draw them looking at you."""
    rng = canvas.rng
    axes = np.stack([np.array([-up[1], up[0]]), up]) * radius
    fine = pen.changed(width=min(pen.width, max(0.8, 0.12 * radius)))
    apart, level = rng.uniform(0.28, 0.42), rng.uniform(0.1, 0.35)
    open_eyes = rng.random() < 0.5
    for side in (-1, 1):
        eye = ellipse(np.array([side * apart, level]) @ axes + centre, up * radius * 0.16, radius * 0.12, 10)
        if open_eyes:
            canvas.stroke(eye, fine, closed=True)
        size = 0.06 if open_eyes else 0.1
        pupil = ellipse(eye.mean(0), up * radius * size, radius * size, 8)
        canvas.fill(pupil, pen.tone)
    wide, low = rng.uniform(0.3, 0.6), -rng.uniform(0.3, 0.5)
    smile = curve(np.array([(-wide, low + 0.1), (0, low - 0.15), (wide, low + 0.1)]), 0, 10)
    canvas.stroke(smile @ axes + centre, fine)
    if rng.random() < 0.4:
        canvas.stroke(np.array([(0, level - 0.1), (0.08, -0.1), (-0.04, -0.1)]) @ axes + centre, fine)


def _draw_hair(canvas: Canvas, centre: np.ndarray, radius: float, up: np.ndarray, pen: Pen) -> None:
    """Spikes, a scribble, long strands, pigtails or nothing."""
    rng = canvas.rng
    axes = np.stack([np.array([-up[1], up[0]]), up]) * radius
    kind = str(pick(rng, ["spikes", "scribble", "strands", "tails", "none"], [0.25, 0.25, 0.2, 0.2, 0.1]))
    if kind in ("spikes", "scribble"):
        angle = np.linspace(0.25, np.pi - 0.25, 17 if kind == "spikes" else 41)
        high = np.where(np.arange(len(angle)) % 2, rng.uniform(1.25, 1.5), rng.uniform(0.7, 1.0))
        canvas.stroke(np.stack([np.cos(angle) * high, np.sin(angle) * high], 1) @ axes + centre, pen)
    elif kind in ("strands", "tails"):
        low = rng.uniform(-1.6, -0.6)
        for side in (-1, 1):
            for k in range(int(rng.integers(3, 6))):
                end = (
                    (side * (1.15 + 0.14 * k), low + 0.1 * k)
                    if kind == "strands"
                    else (side * (1.7 - 0.15 * k), low / 2)
                )
                start = (side * 0.15 * k, 1.0) if kind == "strands" else (side * 0.9, 0.55)
                middle = (side * (1.05 + 0.1 * k), 0.4)
                canvas.stroke(curve(np.array([start, middle, end]), 0, 10) @ axes + centre, pen)
