"""Ink wash and watercolour: a pale loose line under washes that bleed, pool at their edges and leave the light white.

Knobs, one set a figure: one ink for all or a tone for each garment; how wet the paper is; how far a wash strays from
the line; pooled edges; granulation; how much is left white; the line's tone, or none; a shadow beside the figure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..areas import around, simplified
from ..canvas import Canvas
from ..cues import draw_cues
from ..face import draw_mesh_face
from ..figure import Figure
from ..pen import Pen
from ..shapes import Label


@dataclass(frozen=True)
class _Water:
    """How washes behave. Lengths are pixels.

    Attributes:
        wet: how soft the edge is.
        stray: how far the edge wanders off the contour.
        pool: how much darker the edge dries than the inside, 0..1.
        grain: how much pigment settles in the tooth of the paper, 0..1.
        scale: size of the clouds in a wash.
    """

    wet: float
    stray: float
    pool: float
    grain: float
    scale: float


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """The line, the first washes, the second ones in the shadow, then the darkest accents."""
    rng = canvas.rng
    size = figure.size
    areas = simplified(figure, size * rng.uniform(0.005, 0.01))
    water = _Water(
        size * (rng.uniform(0.003, 0.006) if rng.random() < 0.75 else rng.uniform(0.007, 0.014)),
        size * rng.uniform(0.004, 0.02),
        rng.uniform(0.2, 0.9),
        rng.uniform(0.02, 0.16),
        size * rng.uniform(0.06, 0.16),
    )
    pale = pen.tone + (canvas.paper - pen.tone) * rng.uniform(0.0, 0.55)
    line = pen.changed(
        tone=pale,
        width=float(np.clip(pen.width, 0.004 * size, 0.011 * size)),
        gap=max(pen.gap, 0.08),
        lost=max(pen.lost, 0.4),
        overshoot=min(pen.overshoot, 0.02 * size),
    )
    lined = rng.random() < 0.88
    if lined:
        for border in areas.lines(rng.uniform(0.02, 0.06)):
            canvas.stroke(border, line.varied(rng))
    one = rng.random() < 0.45
    depth = np.full(len(Label), rng.uniform(0.15, 0.4)) if one else rng.uniform(0.1, 0.7, len(Label))
    depth[Label.SKIN] = rng.uniform(0.04, 0.3) if not one or rng.random() < 0.5 else depth[Label.SKIN]
    depth[Label.HAIR] = rng.uniform(0.3, 0.8)
    light = areas.buffer.light
    # Without a line nothing but the wash holds the figure together.
    white = rng.uniform(0.45, 1.0) if lined else rng.uniform(0.9, 1.2)
    for label in areas.labels:
        here = areas.label == label
        lit = here & (light < white + 0.4 * (label in (Label.HAIR, Label.SHOE)))
        _wash(canvas, lit, float(depth[label]), water)
    dark = areas.mask & (light < rng.uniform(0.0, 0.4))
    _wash(canvas, dark, rng.uniform(0.12, 0.38), replace(water, stray=0.5 * water.stray))
    if rng.random() < 0.4:
        _wash(
            canvas, areas.mask & (light < -0.25), rng.uniform(0.15, 0.4), replace(water, wet=0.5 * water.wet)
        )
    accent = line.changed(tone=pen.tone)
    if rng.random() < 0.6:
        draw_cues(canvas, figure, accent, rng.uniform(0.1, 0.6))
    if rng.random() < 0.8:
        draw_mesh_face(canvas, figure, accent)


def _wash(canvas: Canvas, where: np.ndarray, depth: float, water: _Water) -> None:
    """Lay a wash over ``where``, (S, S) bool, that takes the share ``depth`` of the light away."""
    rng = canvas.rng
    box = around(where, int(3 * (water.wet + water.stray)) + 3)
    shape = where[box].shape
    if not where[box].size:
        return
    # The wash wanders off its contour as if the contour were drawn on a crumpled sheet.
    y, x = np.indices(shape, np.float32)
    x, y = (along + water.stray * _clouds(rng, shape, water.scale) for along in (x, y))
    moved = cv2.remap(where[box].astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    soft = cv2.GaussianBlur(moved, (0, 0), max(water.wet, 0.5), borderType=cv2.BORDER_REPLICATE)
    cover = np.clip(2.0 * soft - 0.5, 0, 1)
    reach = 2 * int(max(4 * water.wet, 3.0)) + 1
    inner = cv2.blur(soft, (reach, reach), borderType=cv2.BORDER_REPLICATE)
    pooled = 1 + water.pool * (1 - 1.6 * np.clip(inner - 0.35, 0, 0.65))
    uneven = 1 + 0.35 * _clouds(rng, shape, 1.6 * water.scale) + water.grain * _clouds(rng, shape, 2.0)
    page = canvas.image[box] * (1 - np.clip(depth * cover * pooled * uneven, 0, 0.97))
    wetted, tones = np.zeros_like(where), np.zeros(where.shape, np.float32)
    wetted[box], tones[box] = cover > 0.01, page
    canvas.wash(wetted, tones)


def _clouds(rng: np.random.Generator, shape: tuple[int, ...], scale: float) -> np.ndarray:
    """``shape`` float32 smooth noise of unit spread whose lumps are ``scale`` pixels wide."""
    coarse = [max(3, int(side / max(scale, 1.0)) + 2) for side in shape]
    noise = rng.standard_normal(coarse, np.float32)
    return cv2.resize(noise, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
