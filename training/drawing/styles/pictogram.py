"""Pictograms: thick rounded limbs joined to one shape, outlined or solid, the head a disc apart."""

from __future__ import annotations

import cv2
import numpy as np

from ..face import head_disc
from ..figure import Figure
from ..limbs import limbs, torso_depth, torso_polygon
from ..pen import Canvas, Pen, curve, ellipse, ribbon


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Limbs as even ribbons; solid shapes keep a gap of paper around what lies in front."""
    rng = canvas.rng
    height = 0.62 * figure.size
    leg = height * rng.choice([rng.uniform(0.05, 0.11), rng.uniform(0.1, 0.18)], p=[0.8, 0.2])
    arm = leg * rng.uniform(0.6, 1.0)
    solid = rng.random() < 0.5
    gap = rng.uniform(1.5, 4.5) if rng.random() < 0.7 else 0.0
    line = max(2.0, min(pen.width * rng.uniform(1, 2), 9.0))
    hands = rng.random() < 0.5
    round_torso = rng.random() < 0.5
    layers: list[tuple[float, list[np.ndarray]]] = []
    for limb in limbs(figure):
        if limb.kind == "arm":
            points, width = limb.points[: 4 if hands else 3], arm
        else:
            points, width = limb.points[: 4 if rng.random() < 0.8 else 3], leg
        corner = np.concatenate([curve(points[k : k + 2], 0, 6) for k in range(len(points) - 1)])
        layers.append((limb.depth, [ribbon(corner[:6], np.full(6, width))]))
        for k in range(1, len(points) - 1):
            layers[-1][1].append(
                ribbon(corner[6 * k : 6 * k + 6], np.full(6, width * (0.8 if k == 2 else 1)))
            )
            layers[-1][1].append(ellipse(points[k], np.array([width, 0]), width))
    torso = torso_polygon(figure, widen=arm * 0.8)
    body = [torso]
    if round_torso:
        body += [ellipse(corner, np.array([arm, 0]), arm) for corner in torso]
    layers.append((torso_depth(figure), body))
    layers.sort(key=lambda layer: -layer[0])
    merged = np.zeros_like(canvas.image)
    for _, shapes in layers:
        mask = np.zeros_like(canvas.image)
        for shape in shapes:
            cv2.fillPoly(mask, [np.round(shape * 16).astype(np.int32)], (255.0,), cv2.LINE_AA, 4)
        if solid and gap:
            grown = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (int(2 * gap) + 1,) * 2))
            merged[grown > 127] = 0
        merged = np.maximum(merged, mask)
    centre, radius, up = head_disc(figure)
    radius *= rng.uniform(0.75, 1.1)
    head = ellipse(centre, up * radius, radius)
    if rng.random() < 0.6:
        halo = ellipse(centre, up * (radius + line), radius + line)
        cv2.fillPoly(merged, [np.round(halo).astype(np.int32)], (0.0,))
    if solid:
        canvas.wash(merged > 127, pen.tone)
        canvas.fill(head, pen.tone)
        return
    canvas.wash(merged > 127, canvas.paper)
    contours, _ = cv2.findContours((merged > 127).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outline = Pen(line, pen.tone, pen.wobble * 0.5, pen.smooth, pen.gap, 0.0, 0.0, 0.0)
    for contour in contours:
        if len(contour) > 8:
            canvas.stroke(contour[:, 0].astype(np.float32), outline, closed=True)
    canvas.fill(head, canvas.paper if rng.random() < 0.8 else pen.tone)
    canvas.stroke(head, outline, closed=True)
