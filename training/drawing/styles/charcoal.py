"""Charcoal: broad soft lines over rubbed tone, on paper that the hand has greyed, with lights lifted out again.

Knobs, one set a figure: how broad the stick; how dark and how rubbed the shade; a grey ground; how strong the lights
are; how many lines are found again over the tone.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from ..areas import Areas, around, simplified
from ..canvas import Canvas
from ..chance import pick
from ..contours import Kind, contours
from ..cues import draw_cues
from ..face import draw_mesh_face
from ..figure import Figure
from ..pen import Pen
from ..shapes import Label


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """A rubbed ground, rubbed shade, soft lines, a few dark accents over them."""
    rng, size = canvas.rng, figure.size
    line = replace(
        pen.using("charcoal", rng),
        width=max(size * rng.uniform(0.009, 0.022), 1.2),
        double=pick(rng, [0.0, rng.uniform(0.3, 0.8)]),
        apart=0.006 * size,
        redrawn=0.4,
        overshoot=0.012 * size,
        lost=rng.uniform(0.1, 0.5),
        split=0.5,
        smooth=max(pen.smooth, 1.5),
    )
    areas = simplified(figure, size * rng.uniform(0.006, 0.012))
    if rng.random() < 0.85:
        canvas.clear(areas.mask)
    ground = rng.uniform(0.08, 0.3) if rng.random() < 0.3 else 0.0
    if ground or rng.random() < 0.8:
        _rub(canvas, areas, size, ground)
    drawn = contours(areas, size, rng.uniform(0.03, 0.07), max(2.0, 0.013 * size), rng.random() < 0.8)
    smudge = line.changed(width=3.0 * line.width, opacity=0.16, grain=0.3, double=0.0, taper=0.8)
    smudged = rng.uniform(0.0, 0.7)
    for stroke in drawn:
        if rng.random() < smudged:
            canvas.stroke(stroke.points, smudge, stroke.closed)
    for stroke in drawn:
        chosen = line.varied(rng, 1.0 if stroke.kind == Kind.OUTER else rng.uniform(0.5, 0.9))
        canvas.stroke(stroke.points, chosen, stroke.closed)
    fine = line.changed(width=max(0.6 * line.width, 0.9), double=0.0)
    if rng.random() < 0.75:
        draw_cues(canvas, figure, fine, rng.uniform(0.1, 0.6))
    if rng.random() < 0.75:
        draw_mesh_face(canvas, figure, fine)


def _rub(canvas: Canvas, areas: Areas, size: float, ground: float) -> None:
    """Tone from the light, softened by a finger; ``ground`` is how grey the paper around is rubbed, 0..1."""
    rng = canvas.rng
    box = around(areas.mask, int(rng.uniform(0.1, 0.25) * size))
    mask = areas.mask[box].astype(np.float32)
    if not mask.size:
        return
    light = areas.buffer.light[box]
    depth = rng.uniform(0.25, 0.75) * np.clip((rng.uniform(0.1, 0.6) - light) / 0.7, 0, 1)
    darker = np.zeros(len(Label), np.float32)
    for label in areas.labels:
        if label != Label.SKIN:
            darker[label] = pick(rng, [0.0, 0.3, 0.6], [0.5, 0.3, 0.2])
    depth = np.maximum(depth, darker[areas.label[box]] * (0.8 - 0.2 * light)) * mask
    # A finger rubs across the edges; little of what it carries lies beside the figure.
    soft = _blurred(depth, size * rng.uniform(0.004, 0.012)) * (0.25 + 0.75 * mask)
    strokes = _streaks(rng, (len(mask), len(mask[0])), size, rng.uniform(-1.2, 1.2))
    # The side of the stick greys a patch of paper whose ends show the strokes; a rubber lifts the lights out of it.
    y, x = (np.abs(np.linspace(-1, 1, side)) for side in mask.shape)
    dust = ground * np.clip(6 * (0.82 - np.maximum(y[:, None], x)) + 0.7 * strokes, 0, 1)
    lights = np.clip((light - rng.uniform(0.4, 0.8)) / 0.3, 0, 1) * mask
    covered = np.clip(np.maximum(soft, dust * (1 - 0.9 * lights)) * (1 + 0.3 * strokes), 0, 0.95)
    where, tones = np.zeros_like(areas.mask), np.zeros(areas.mask.shape, np.float32)
    where[box] = covered > 0.01
    tones[box] = canvas.image[box] * (1 - covered)
    canvas.wash(where, tones)


def _streaks(rng: np.random.Generator, shape: tuple[int, int], size: float, angle: float) -> np.ndarray:
    """``shape`` float32 noise of unit spread, drawn out along ``angle``, radians."""
    side = int(np.hypot(shape[0], shape[1])) + 2
    noise = cv2.resize(
        rng.standard_normal((side, max(side // max(int(0.12 * size), 4), 2)), np.float32), (side, side)
    )
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), float(np.degrees(angle)), 1.0)
    turn[:, 2] -= (side - shape[1]) / 2, (side - shape[0]) / 2
    tooth = rng.standard_normal(shape, np.float32)
    return (
        cv2.warpAffine(noise, turn, (shape[1], shape[0]), borderMode=cv2.BORDER_REFLECT) * 0.7 + tooth * 0.5
    )


def _blurred(values: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(values, (0, 0), max(sigma, 0.4), borderType=cv2.BORDER_REPLICATE)
