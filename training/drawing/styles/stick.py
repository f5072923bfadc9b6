"""Stick figures: a head on lines, from one brush stroke a limb to clip-art men of discs and wires.

Knobs, one set a figure: torso (line, box, oval, frame of shoulder and hip lines, triangle, solid disc, none), skirt;
limbs straight, bowed or one curve each, from the joints or from the spine; width of the lines, the torso's and the
limbs' apart; hands and feet as lines, balls, rays or none; dots on the joints; head round or oval, empty or solid, its
neck drawn, missing or floating free; face; hair.
"""

from __future__ import annotations

import numpy as np

from backend.skeleton import keypoint_index

from ..canvas import Canvas
from ..chance import pick
from ..face import draw_disc_face, head_disc
from ..figure import Figure
from ..limbs import limbs, torso_blob, torso_polygon, unit
from ..pen import Pen, curve, ellipse

_ENDS = ("none", "line", "ball", "rays")
_TIPS = {
    kind: tuple(f"{side}_{name}" for side in ("left", "right") for name in names)
    for kind, names in {"arm": ("hand", "fingertips"), "leg": ("foot", "toe")}.items()
}
_TORSOS = ("line", "box", "oval", "frame", "triangle", "solid", "none")


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> list[str]:
    """Torso, limbs, head: what lies before what hardly shows on lines. Returns the hands, feet and nose not drawn."""
    rng = canvas.rng
    keypoints = figure.keypoints
    thick = pick(rng, [0.0, rng.uniform(0.012, 0.022), rng.uniform(0.022, 0.045)], [0.65, 0.2, 0.15])
    pen = pen.changed(width=max(pen.width, float(thick) * figure.size))
    torso = str(pick(rng, _TORSOS, [0.4, 0.1, 0.1, 0.12, 0.1, 0.15, 0.03]))
    tone = pen.tone if rng.random() < 0.5 else pen.tone + (canvas.paper - pen.tone) * rng.uniform(0.2, 0.7)
    behind = rng.random() < 0.5
    missing = [] if behind else _draw_limbs(canvas, figure, pen, torso, tone)
    spine = keypoints[[keypoint_index(n) for n in ("neck", "spine3", "spine1", "pelvis")]]
    polygon = torso_polygon(figure)
    if torso == "line":
        canvas.stroke(spine if rng.random() < 0.5 else spine[[0, 3]], pen.varied(rng))
    elif torso == "oval":
        canvas.stroke(torso_blob(figure, rng.uniform(0.35, 0.7)), pen.varied(rng), closed=True)
    elif torso == "solid":
        blob = torso_blob(figure, rng.uniform(0.3, 0.75))
        canvas.fill(blob, tone)
        if rng.random() < 0.3:
            canvas.stroke(blob, pen.varied(rng), closed=True)
    elif torso == "triangle":
        hips = (polygon[3] + polygon[4]) / 2
        canvas.stroke(np.stack([polygon[0], polygon[1], hips]), pen.varied(rng), closed=True)
    elif torso in ("box", "frame"):
        canvas.stroke(polygon[[0, 1, 3, 4]], pen.varied(rng), closed=True)
        if torso == "frame":
            canvas.stroke(spine[[0, 3]], pen.varied(rng))
    if rng.random() < 0.08:
        _draw_skirt(canvas, figure, pen)
    if behind:
        missing = _draw_limbs(canvas, figure, pen, torso, tone)
    return missing + _draw_head(canvas, figure, pen, torso, tone)


def _draw_limbs(canvas: Canvas, figure: Figure, pen: Pen, torso: str, tone: float) -> list[str]:
    rng = canvas.rng
    keypoints = figure.keypoints
    wire = pen
    if torso == "solid" and rng.random() < 0.7:
        wire = pen.changed(width=figure.size * rng.uniform(0.006, 0.025))
    bend = rng.normal(0, 0.08) if rng.random() < 0.3 else 0.0
    whole, connected, joined = rng.random() < 0.25, rng.random() < 0.75, rng.random() < 0.85
    joints = rng.random() < 0.15
    # Shares of no end, a line, a ball and, of hands, fingers like rays.
    balls = 0.7 if torso == "solid" else 0.12
    shares = {"arm": (0.6, 0.26, 0.0, 0.14), "leg": (0.28, 0.72, 0.0, 0.0)}
    end = {
        kind: str(pick(rng, _ENDS, [part * (1 - balls) + (k == 2) * balls for k, part in enumerate(share)]))
        for kind, share in shares.items()
    }
    ball = figure.size * rng.uniform(0.018, 0.04)
    neck, pelvis = keypoints[keypoint_index("neck")], keypoints[0]
    root = {"arm": keypoints[keypoint_index("spine3")] * 0.4 + neck * 0.6, "leg": pelvis}
    for limb in limbs(figure):
        points = limb.points.copy()
        if limb.kind == "arm":
            points[3] = keypoints[keypoint_index(f"{limb.side}_fingertips")]
        if (
            torso in ("line", "triangle", "none")
            and joined
            and not (torso == "triangle" and limb.kind == "arm")
        ):
            points = np.concatenate([root[limb.kind][None], points[1:]])
        last = 4 if end[limb.kind] == "line" else 3
        if whole:
            canvas.stroke(curve(points[:3]), wire.varied(rng))
            if last == 4:
                canvas.stroke(points[2:], wire.varied(rng))
        else:
            chain = [curve(points[k : k + 2], bend, 6) for k in range(last - 1)]
            for segment in [np.concatenate(chain)] if connected else chain:
                canvas.stroke(segment, wire.varied(rng))
        if end[limb.kind] == "rays":
            _draw_rays(canvas, points, wire)
        if end[limb.kind] == "ball":
            # A hand is a ball about its middle, a foot an oval from heel to toe.
            axis = (points[3] - points[2]) * 0.6
            foot = limb.kind == "leg" and np.hypot(*axis) > ball
            oval = ellipse((points[2] + points[3]) / 2, axis if foot else np.array([ball, 0]), ball, 14)
            canvas.fill(oval, tone)
            if torso != "solid":
                canvas.stroke(oval, pen.varied(rng), closed=True)
        if joints:
            size = wire.width * 0.6 + 0.007 * figure.size
            for point in points[: last - 1]:
                canvas.fill(ellipse(point, np.array([size, 0]), size, 10), pen.tone)

    return [name for kind, names in _TIPS.items() if end[kind] == "none" for name in names]


def _draw_rays(canvas: Canvas, points: np.ndarray, pen: Pen) -> None:
    """Fingers that run out from the wrist."""
    along = points[3] - points[2]
    for turn in np.linspace(-0.7, 0.7, int(canvas.rng.integers(3, 6))):
        way = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ along
        canvas.stroke(np.stack([points[2], points[2] + way]), pen.varied(canvas.rng, 0.8))


def _draw_skirt(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    left, right = (
        figure.keypoints[[keypoint_index(f"{side}_{n}") for n in ("hip", "knee")]]
        for side in ("left", "right")
    )
    waist = figure.keypoints[keypoint_index("spine1")]
    hem = np.stack([left[0] * 0.4 + left[1] * 0.6, right[0] * 0.4 + right[1] * 0.6])
    wide = (hem - hem.mean(0)) * 1.5 + (hem.mean(0) - waist) * 0.1
    skirt = np.stack([waist, hem.mean(0) + wide[0], hem.mean(0) + wide[1]])
    if canvas.rng.random() < 0.5:
        canvas.fill(skirt, canvas.paper)
    canvas.stroke(skirt, pen.varied(canvas.rng), closed=True)


def _draw_head(canvas: Canvas, figure: Figure, pen: Pen, torso: str, tone: float) -> list[str]:
    rng = canvas.rng
    neck = figure.keypoints[keypoint_index("neck")]
    centre, radius, up = head_disc(figure)
    radius *= rng.uniform(0.8, 1.15)
    head = ellipse(centre, up * radius * (1.0 if rng.random() < 0.5 else rng.uniform(1.1, 1.45)), radius)
    if rng.random() < (0.4 if torso == "solid" else 0.85):
        canvas.stroke(np.stack([centre - up * radius, neck]), pen.varied(rng))
    if rng.random() < (0.85 if torso == "solid" else 0.1):
        canvas.fill(head, tone)
        return ["nose"]
    if rng.random() < 0.7:
        canvas.fill(head, canvas.paper)
    canvas.stroke(head, pen.varied(rng), closed=True)
    face = rng.random() < 0.45
    if face:
        draw_disc_face(canvas, figure, centre, radius, pen)
    if rng.random() < 0.2:
        _draw_scribbled_hair(canvas, figure, centre, radius, up, pen)
    return [] if face else ["nose"]


def _draw_scribbled_hair(
    canvas: Canvas, figure: Figure, centre: np.ndarray, radius: float, up: np.ndarray, pen: Pen
) -> None:
    """A zigzag over the crown, or over the whole of a head seen from behind."""
    rng = canvas.rng
    side = unit(np.array([-up[1], up[0]]))
    count = int(rng.integers(7, 15))
    across = np.linspace(-0.9, 0.9, count)
    low = -0.6 if figure.head_facing < -0.1 else 0.55
    high = np.where(np.arange(count) % 2 == 0, 1.2, low) + rng.normal(0, 0.08, count)
    high *= np.sqrt(1 - 0.6 * across**2)
    points = centre + (across[:, None] * side + high[:, None] * up) * radius
    canvas.stroke(points.astype(np.float32), pen.varied(rng, 0.8))
