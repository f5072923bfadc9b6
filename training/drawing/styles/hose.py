"""Ink doodles: bendy limbs of even or flaring width, big shoes and hands, hair blobs, patterned clothes."""

from __future__ import annotations

import numpy as np

from backend.skeleton import keypoint_index

from ..face import draw_disc_face, head_disc
from ..figure import Figure
from ..limbs import Limb, limbs, torso_depth, torso_polygon, unit
from ..pen import Canvas, Pen, curve, ellipse, ribbon, smoothed


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Filled limbs over each other in depth order, each with its outline."""
    rng = canvas.rng
    base = 0.62 * figure.size
    leg = base * rng.choice([rng.uniform(0.05, 0.13), rng.uniform(0.12, 0.22)], p=[0.75, 0.25])
    arm = leg * rng.uniform(0.45, 0.95)
    flare = rng.uniform(0.4, 1.7)
    bendy = rng.random() < 0.6
    outline = rng.random() < 0.9
    cloth = {kind: _cloth(rng, canvas, pen) for kind in ("arm", "leg", "torso")}
    if rng.random() < 0.5:
        cloth["arm"] = cloth["torso"]
    skin = canvas.paper if rng.random() < 0.75 else rng.uniform(120, 240)
    sleeve = rng.choice([0.3, 0.55, 1.0], p=[0.25, 0.2, 0.55])
    trousers = rng.choice([0.3, 0.55, 1.0], p=[0.2, 0.15, 0.65])
    shoe = pen.tone if rng.random() < 0.5 else canvas.paper
    shoe_size = rng.uniform(0.6, 1.3)
    hand_size = rng.uniform(0.8, 1.8)

    # Who inks limbs solid leaves a rim of paper, or they would run into each other.
    halo = rng.random() < 0.65
    gap = Pen(width=pen.width + rng.uniform(3, 7), tone=canvas.paper)

    def shape(polygon: np.ndarray, tone: float, pattern: str = "solid") -> None:
        if halo and tone <= pen.tone + 40:
            canvas.stroke(polygon, gap, closed=True)
        canvas.fill(polygon, tone)
        if pattern != "solid":
            _pattern(canvas, polygon, pen, pattern)
        if outline:
            canvas.stroke(polygon, pen.varied(rng), closed=True)

    def draw_limb(limb: Limb) -> None:
        points = limb.points
        line = (
            curve(points[:3], count=16)
            if bendy
            else np.concatenate([curve(points[:2], 0, 8), curve(points[1:3], 0, 8)])
        )
        if not bendy:
            line = smoothed(line, 1.0)
        wide, end = (leg, leg * flare) if limb.kind == "leg" else (arm, arm * rng.uniform(0.7, 1.2))
        widths = np.linspace(wide, end, len(line))
        cover = trousers if limb.kind == "leg" else sleeve
        cut = max(3, int(cover * len(line)))
        end_vector = points[3] - points[2]
        if limb.kind == "leg":
            heel = points[2] - 0.25 * end_vector
            toe = points[2] + end_vector * (0.9 + 0.3 * rng.random())
            shape(
                ribbon(curve(np.stack([heel, toe]), 0, 5), np.linspace(0.8, 0.6, 5) * leg * shoe_size), shoe
            )
        else:
            reach = max(float(np.hypot(*end_vector)), arm)
            middle = points[2] + unit(end_vector) * reach * 0.6
            shape(ellipse(middle, unit(end_vector) * reach * 0.75, arm * hand_size * 0.8), skin)
            if rng.random() < 0.6:
                _fingers(canvas, middle, unit(end_vector), reach, pen)
        if cut < len(line):
            shape(ribbon(line[cut - 1 :], widths[cut - 1 :] * 0.8), skin)
        tone, pattern = cloth[limb.kind]
        shape(ribbon(line[:cut], widths[:cut]), tone, pattern)

    parts = limbs(figure)
    middle = torso_depth(figure)
    centre, radius, up = head_disc(figure)
    radius *= rng.uniform(0.75, 1.05)
    hair = rng.choice(["none", "cap", "big", "long", "curls"], p=[0.25, 0.25, 0.15, 0.2, 0.15])
    hair_tone = pen.tone if rng.random() < 0.7 else rng.uniform(100, 230)
    if hair in ("big", "long", "curls"):
        _hair(canvas, hair, centre, radius, up, hair_tone, pen)
    for limb in parts:
        if limb.depth >= middle:
            draw_limb(limb)
    chest = figure.keypoints[keypoint_index("spine3")]
    shape(ribbon(curve(np.stack([chest, centre]), 0, 5), np.full(5, arm * 0.6)), skin)
    tone, pattern = cloth["torso"]
    body = smoothed(
        np.concatenate([curve(p, 0, 6) for p in _sides(torso_polygon(figure, widen=arm * 0.7))]), 1.5, True
    )
    shape(body, tone, pattern)
    for limb in parts:
        if limb.depth < middle:
            draw_limb(limb)
    shape(ellipse(centre, up * radius * 1.1, radius * rng.uniform(0.75, 1.0)), skin)
    if figure.head_facing < -0.1 and hair != "none":
        canvas.fill(ellipse(centre, up * radius * 1.1, radius), hair_tone)
    elif hair != "none":
        cap = ellipse(centre + up * radius * 0.75, up * radius * 0.5, radius * 0.85)
        canvas.fill(cap, hair_tone)
    if rng.random() < 0.7:
        draw_disc_face(canvas, figure, centre, radius, pen)


def _cloth(rng: np.random.Generator, canvas: Canvas, pen: Pen) -> tuple[float, str]:
    kind = rng.random()
    if kind < 0.3:
        return pen.tone, "solid"
    if kind < 0.6:
        return canvas.paper, "solid"
    if kind < 0.75:
        return float(rng.uniform(80, 230)), "solid"
    return canvas.paper, str(rng.choice(["dots", "stripes", "hatch"]))


def _pattern(canvas: Canvas, polygon: np.ndarray, pen: Pen, pattern: str) -> None:
    before = canvas.image.copy()
    canvas.image[:] = 0
    canvas.fill(polygon, 255)
    mask = canvas.image > 127
    canvas.image = before
    rng = canvas.rng
    if pattern == "dots":
        canvas.dots(mask, pen.tone, rng.uniform(7, 13), rng.uniform(1.2, 2.4))
    elif pattern == "stripes":
        canvas.hatch(mask, pen.tone, rng.uniform(7, 14), rng.uniform(0, np.pi), int(rng.integers(2, 6)))
    else:
        canvas.hatch(mask, pen.tone, rng.uniform(3, 6), rng.uniform(0, np.pi))


def _sides(polygon: np.ndarray) -> list[np.ndarray]:
    return [np.stack([polygon[k], polygon[(k + 1) % len(polygon)]]) for k in range(len(polygon))]


def _fingers(canvas: Canvas, middle: np.ndarray, along: np.ndarray, reach: float, pen: Pen) -> None:
    side = np.array([-along[1], along[0]])
    for spread in np.linspace(-0.5, 0.5, int(canvas.rng.integers(2, 5))):
        start = middle + along * reach * 0.5 + side * spread * reach * 0.5
        canvas.stroke(
            np.stack([start, start + (along + side * spread) * reach * 0.5]), pen.varied(canvas.rng)
        )


def _hair(
    canvas: Canvas, kind: str, centre: np.ndarray, radius: float, up: np.ndarray, tone: float, pen: Pen
) -> None:
    rng = canvas.rng
    if kind == "big":
        canvas.fill(
            ellipse(
                centre + up * radius * 0.4,
                up * radius * rng.uniform(1.2, 1.7),
                radius * rng.uniform(1.2, 1.7),
            ),
            tone,
        )
    elif kind == "long":
        drift = rng.normal(0, 0.7, 2) * radius
        line = curve(
            np.stack([centre + up * radius * 0.6, centre - up * radius * rng.uniform(0.6, 2.0) + drift]),
            rng.normal(0, 0.2),
        )
        canvas.fill(ribbon(line, np.linspace(1.1, rng.uniform(0.4, 1.2), len(line)) * radius), tone)
    else:
        for angle in np.linspace(-1.9, 1.9, 9):
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            place = centre + turn @ up * radius * 1.05
            curl = ellipse(place, np.array([radius * 0.4, 0]), radius * 0.4, 10)
            canvas.fill(curl, tone)
            if rng.random() < 0.4:
                canvas.stroke(curl, pen.varied(rng, 0.7), closed=True)
