"""Ink doodles: bendy limbs in clothes of every cut, small heads with big hair, shoes, hands with fingers.

Knobs, one set a figure: width of arms and legs; cut of trousers and sleeves (even hose, flare, balloon, taper) and
where they end; soft or cornered joints; how broad the trunk is and how far the shirt hangs down; cloth of each
garment and its creases; kind of hands and feet; an even line of ink, or a rim of paper around solid limbs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from backend.body import global_rotations
from backend.skeleton import keypoint_index

from ..canvas import Canvas
from ..chance import pick
from ..extremities import draw_foot, draw_hand
from ..figure import Figure
from ..heads import Head, draw_hair_behind, draw_head
from ..inker import Cloth, Inker, sides
from ..limbs import Limb, limbs, torso_depth, unit
from ..pen import Pen, curve, ellipse, smoothed

#: How wide a sleeve or a trouser leg is along its limb, in shares of its width.
_CUTS = {
    "hose": (1.0, 1.0, 1.0, 1.0, 1.0),
    "flare": (0.95, 0.95, 1.0, 1.25, 1.6),
    "balloon": (1.0, 1.35, 1.45, 1.3, 0.75),
    "taper": (1.35, 1.15, 0.95, 0.8, 0.65),
}
#: Points along a limb; the middle one is its elbow or knee.
_COUNT = 21
#: Metres by which parts are moved towards the viewer in drawing order: shirts hang over trousers, and arms and heads
#: lie on the trunk rather than behind it where they are as near.
_NEARER = {"leg": -0.05, "arm": 0.05, "head": 0.12}


@dataclass(frozen=True)
class _Wear:
    """What covers the arms or the legs. Lengths are pixels.

    Attributes:
        cloth: of the sleeves or the trousers.
        cut: (5,) half widths along the limb.
        skin: (5,) half widths of the limb inside.
        end: where the cloth ends, share of the limb.
    """

    cloth: Cloth
    cut: np.ndarray
    skin: np.ndarray
    end: float


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Trunk, head and the halves of the limbs over each other in the order of their depth."""
    rng = canvas.rng
    body = 0.62 * figure.size
    pen = pen.changed(
        width=float(np.clip(pen.width, 0.008 * figure.size, 0.018 * figure.size)), gap=pen.gap * 0.2
    )
    if rng.random() < 0.6:  # the even line of ink
        pen = pen.changed(
            gap=0.0, double=0.0, lost=0.0, split=0.0, overshoot=0.0, taper=0.3 * pen.taper, grain=0.0
        )
    rim = 0.0 if rng.random() < 0.25 else pen.width * rng.uniform(0.6, 1.1)
    inker = Inker(canvas, pen, float(rim), bool(rng.random() < 0.7))
    top, bottom = (Cloth.sample(rng, pen.tone, canvas.paper) for _ in range(2))
    skin = (
        canvas.paper
        if rng.random() < 0.85
        else float(canvas.paper - (canvas.paper - pen.tone) * rng.uniform(0.1, 0.5))
    )
    wide = {"leg": body * rng.uniform(0.055, 0.12)}
    wide["arm"] = body * rng.uniform(0.03, 0.062)
    sleeve = top if rng.random() < 0.85 else Cloth.sample(rng, pen.tone, canvas.paper)
    worn = {
        "arm": _sample_wear(rng, sleeve, wide["arm"], [0.28, 0.5, 0.97], 0.55),
        "leg": _sample_wear(rng, bottom, wide["leg"], [0.3, 0.7, 0.96], 0.4),
    }
    bendy, creases = rng.random() < 0.6, rng.random() < 0.7
    hand = str(pick(rng, ["fingers", "mitten", "fist"], [0.65, 0.2, 0.15])), body * rng.uniform(0.09, 0.15)
    foot = str(pick(rng, ["shoe", "sneaker", "boot", "heel", "bare"], [0.35, 0.28, 0.12, 0.05, 0.2]))
    foot_size, leather = body * rng.uniform(0.13, 0.21), pen.tone if rng.random() < 0.4 else canvas.paper
    turned = global_rotations(figure.pose)

    def draw_half(limb: Limb, lower: bool) -> None:
        wear, line = worn[limb.kind], _centre_line(limb.points[:3], bendy)
        if lower and limb.kind == "arm":
            tips = figure.keypoints[keypoint_index(f"{limb.side}_fingertips")]
            forth = turned[keypoint_index(f"{limb.side}_wrist")][:2, 2]
            along = tips - limb.points[2]
            thumb = 1.0 if forth @ np.array([-along[1], along[0]]) > 0 else -1.0
            draw_hand(inker, limb.points[2], tips, thumb, hand[1], hand[0], skin)
        elif lower:
            tone = skin if foot == "bare" else leather
            draw_foot(inker, limb.points[1], limb.points[2], limb.points[3], foot_size, foot, tone)
        first, last = (_COUNT // 2 - 1, _COUNT) if lower else (0, _COUNT // 2 + 1)
        t = np.linspace(0, 1, _COUNT)
        hem = max(4, round(wear.end * _COUNT))
        bare = slice(max(first, hem - 2), last)
        fifths = np.linspace(0, 1, 5)
        if bare.stop - bare.start > 1:
            inker.tube(line[bare], np.interp(t[bare], fifths, wear.skin), Cloth(skin), ends=False)
        part = slice(first, min(last, hem))
        if part.stop - part.start > 1:
            half = np.interp(t[part] / t[hem - 1], fifths, wear.cut)
            inker.tube(line[part], half, wear.cloth, ends=hem <= last)
            if not lower:  # round where it grows out of the trunk
                canvas.fill(
                    ellipse(line[0], unit(line[1] - line[0]) * half[0] * 0.8, half[0] * 0.9, 14),
                    wear.cloth.tone,
                )
            elif creases:
                inside = unit((limb.points[0] + limb.points[2]) / 2 - limb.points[1])
                inker.creases(
                    line[_COUNT // 2], inside, unit(limb.points[1] - limb.points[0]), half[0], wear.cloth.tone
                )

    head = Head.sample(rng, figure, pen.tone, canvas.paper)
    middle = torso_depth(figure)
    fat, hem = rng.uniform(0.85, 1.3), rng.uniform(0.0, 0.5)
    layers: list[tuple[float, Callable[[], None]]] = [
        (middle, lambda: _draw_trunk(inker, figure, worn, top, fat, hem))
    ]
    for limb in limbs(figure):
        indices = [keypoint_index(f"{limb.side}_{n}") for n in _JOINTS[limb.kind]]
        depth = figure.keypoints3d[indices, 2]
        near = _NEARER[limb.kind]
        layers.append((float(depth[:2].mean()) - near, lambda limb=limb: draw_half(limb, lower=False)))
        layers.append((float(depth[1:].mean()) - near, lambda limb=limb: draw_half(limb, lower=True)))
    skull = float(figure.keypoints3d[keypoint_index("head"), 2]) - _NEARER["head"]
    layers.append((skull, lambda: draw_head(inker, figure, head, skin)))
    if not head.away:
        draw_hair_behind(inker, head)
    for _, paint in sorted(layers, key=lambda layer: -layer[0]):
        paint()
    if rng.random() < 0.2:
        _draw_motion(canvas, limbs(figure), wide["arm"] + wide["leg"], pen)


_JOINTS = {"arm": ("shoulder", "elbow", "wrist"), "leg": ("hip", "knee", "ankle")}


def _sample_wear(
    rng: np.random.Generator, cloth: Cloth, width: float, ends: list[float], plain: float
) -> _Wear:
    cut = np.array(_CUTS["hose"])
    if rng.random() > plain:
        shape = np.array(_CUTS[str(pick(rng, ("flare", "balloon", "taper")))])
        cut = 1 + (shape - 1) * rng.uniform(0.4, 1.2)
    skin = np.array([0.85, 0.8, 0.72, 0.62, 0.5]) * width
    return _Wear(cloth, np.maximum(cut * width, skin * 1.1), skin, float(pick(rng, ends, [0.25, 0.15, 0.6])))


def _centre_line(points: np.ndarray, bendy: bool) -> np.ndarray:
    """(21, 2) line through the three joints of a limb, round or nearly cornered at the middle one."""
    if bendy:
        return curve(points, count=_COUNT)
    half = _COUNT // 2 + 1
    return smoothed(np.concatenate([curve(points[:2], 0, half), curve(points[1:], 0, half)[1:]]), 1.2)


def _draw_trunk(
    inker: Inker, figure: Figure, worn: dict[str, _Wear], top: Cloth, fat: float, hem: float
) -> None:
    """The seat of the trousers, and over it the shirt down to its hem."""
    keypoints = figure.keypoints
    hips = keypoints[[keypoint_index("left_hip"), keypoint_index("right_hip")]]
    line, wide = _trunk_line(figure, fat, hem)
    leg = worn["leg"]
    seat = np.concatenate([hips[:1] + (hips[:1] - hips[1:]) * 0.1, hips[1:] + (hips[1:] - hips[:1]) * 0.1])
    inker.tube(curve(seat, 0, 5), np.full(5, float(leg.cut[0])), Cloth(leg.cloth.tone), ends=False)
    left, right = sides(line, wide)
    outline = np.concatenate([left, right[::-1]])
    inker.shape(smoothed(np.concatenate([outline, outline[:1]]), 0.6, closed=True)[:-1], top.tone)
    if top.pattern:
        inker.pattern(left[2:], right[2:], top)


def _trunk_line(figure: Figure, fat: float, hem: float) -> tuple[np.ndarray, np.ndarray]:
    """(12, 2) line from the neck to the hem and (12,) half widths as wide as chest and hips are seen, pixels."""
    points, points3d = figure.keypoints, figure.keypoints3d
    neck, chest, waist, pelvis = (points[keypoint_index(n)] for n in ("neck", "spine3", "spine1", "pelvis"))
    hips = points[[keypoint_index("left_hip"), keypoint_index("right_hip")]].mean(0)
    low = hips + (hips - waist) * hem
    line = np.concatenate(
        [curve(np.stack([neck, chest, waist]), 0, 8), curve(np.stack([waist, pelvis, low]), 0, 5)[1:]]
    )
    line = smoothed(line, 0.8)
    ribs, basin = (
        float(np.linalg.norm(points3d[keypoint_index(f"left_{n}")] - points3d[keypoint_index(f"right_{n}")]))
        for n in ("shoulder", "hip")
    )
    turned = global_rotations(figure.pose)[[keypoint_index("spine3"), 0]]
    tangent = np.gradient(line, axis=0)
    across = np.stack([-tangent[:, 1], tangent[:, 0]], 1) / np.maximum(np.hypot(*tangent.T)[:, None], 1e-6)
    t = np.linspace(0, 1, len(line))
    levels = (0, 0.08, 0.3, 0.55, 0.8, 1)
    side = np.interp(
        t, levels, np.array([0.18 * ribs, 0.47 * ribs, 0.45 * ribs, 0.4 * ribs, 0.95 * basin, 1.15 * basin])
    )
    deep = np.interp(t, levels, np.array([0.12, 0.22, 0.3, 0.28, 0.3, 0.32]) * ribs)
    seen = [np.abs(across @ (turned[0 if t_ < 0.55 else 1][:2, [0, 2]])) for t_ in t]
    extent = np.array([np.hypot(side[k] * seen[k][k, 0], deep[k] * seen[k][k, 1]) for k in range(len(t))])
    return line, extent * fat * figure.scale


def _draw_motion(canvas: Canvas, parts: list[Limb], away: float, pen: Pen) -> None:
    """Short bows beside a swinging limb."""
    limb = parts[int(canvas.rng.integers(len(parts)))]
    along = limb.points[2] - limb.points[1]
    side = unit(np.array([-along[1], along[0]])) * pick(canvas.rng, [-1, 1])
    for k in range(int(canvas.rng.integers(2, 4))):
        shift = side * away * (0.9 + 0.35 * k)
        ends = np.stack([limb.points[1] + along * 0.3, limb.points[1] + along * canvas.rng.uniform(0.6, 1.0)])
        canvas.stroke(curve(ends + shift, 0.15, 8), pen.varied(canvas.rng, 0.7))
