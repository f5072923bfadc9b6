"""Paintings: short fat dabs of a bristle brush that follow the form, in soft light, with lost edges and few lines.

Knobs, one set a figure: size of the brush; how strong and how soft the light is; shadow behind limbs; ground left
empty, or painted dark or light; how far dabs stray from their tone; a few lines.
"""

from __future__ import annotations

import cv2
import numba
import numpy as np

from ..areas import around
from ..canvas import Canvas
from ..cues import draw_cues
from ..face import draw_mesh_face
from ..figure import Figure
from ..pen import Pen
from ..shapes import Label

#: Bristles in the brush that every dab takes some of.
_TILE = 1024


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """The ground, the masses with a large brush, the forms with a smaller one, then accents."""
    rng = canvas.rng
    size = figure.size
    empty = bool((canvas.image == np.uint8(canvas.paper)).mean() > 0.99)
    whole = bool(np.isinf([figure.fit.top, figure.fit.bottom]).all())
    ground = rng.random() < 0.6
    target, mask = _model(figure, canvas)
    if ground and empty and whole:
        middle = float(target[mask].mean()) if mask.any() else 128.0
        dark = rng.random() < (0.8 if middle > 95 else 0.2)
        tone = rng.uniform(15, max(middle - 45, 20)) if dark else rng.uniform(min(middle + 45, 225), 240)
        slope = rng.normal(0, 0.15, 2)
        y, x = np.mgrid[: len(mask), : len(mask)] / len(mask) - 0.5
        page = np.clip(tone * (1 + slope[0] * x + slope[1] * y), 0, 255).astype(np.float32)
        turn = (rng.uniform(0, np.pi) + _clouds(rng, len(mask))).astype(np.float32)
        _paint(canvas, np.ones_like(mask), page, turn, size * rng.uniform(0.04, 0.07), rng.uniform(4, 12))
    brush = max(size * rng.uniform(0.011, 0.022), 2.0)
    stray = rng.uniform(2, 9)
    inside = cv2.distanceTransform(np.pad(mask, 1, mode="edge").astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    flow = _flow(np.where(mask, target, 0), 0.8 * brush)
    _paint(canvas, inside > 0.8 * brush, target, flow, brush * 1.7, stray)
    _paint(canvas, inside > 0.4 * brush, target, flow, brush, stray)
    edges = cv2.morphologyEx(target, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 25
    _paint(canvas, (inside > 0.1 * brush) & edges, target, flow, brush * 0.6, stray)
    fine = pen.changed(width=max(0.008 * size, 1.2), opacity=0.8, grain=0.3, gap=0.1, lost=0.5, double=0.0)
    dark = fine.changed(tone=float(np.percentile(target[mask], 5)) * 0.6 if mask.any() else pen.tone)
    if rng.random() < 0.5:
        draw_cues(canvas, figure, dark, rng.uniform(0.1, 0.5))
    if rng.random() < 0.85:
        draw_mesh_face(canvas, figure, dark)


def _model(figure: Figure, canvas: Canvas) -> tuple[np.ndarray, np.ndarray]:
    """(S, S) float32 tones of the figure in soft light, continued beyond it, and its (S, S) bool mask."""
    rng = canvas.rng
    tones = rng.uniform(35, 215, len(Label))
    tones[Label.SKIN] = rng.uniform(130, 225) if rng.random() < 0.8 else rng.uniform(60, 130)
    tones[Label.HAIR] = rng.uniform(20, 110) if rng.random() < 0.75 else rng.uniform(110, 190)
    mask = figure.buffer.mask
    soft = max(figure.size * rng.uniform(0.004, 0.012), 0.5)
    weight = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), soft)
    light = cv2.GaussianBlur(figure.buffer.light, (0, 0), soft) / np.maximum(weight, 0.05)
    shade = np.clip(0.5 + 0.5 * light, 0, 1) ** rng.uniform(0.8, 1.6)
    low, high = rng.uniform(0.15, 0.55), rng.uniform(1.1, 1.4)
    # What lies close behind a limb is in its shadow.
    depth = np.where(mask, figure.buffer.depth, 0)
    reach = 2 * int(0.04 * figure.size) + 3
    weight = cv2.blur(mask.astype(np.float32), (reach, reach))
    before = cv2.blur(depth, (reach, reach)) / np.maximum(weight, 0.05)
    shadow = np.clip((depth - before) * rng.uniform(2, 8), 0, 0.5)
    lit = (low + (high - low) * shade) * (1 - shadow)
    tone = np.where(mask, tones[figure.label_map] * lit, 0).astype(np.float32)
    # Paint of the figure goes on beyond its contour: dabs there have the tone of the nearest part.
    beyond = cv2.blur(tone, (9, 9)) / np.maximum(cv2.blur(mask.astype(np.float32), (9, 9)), 0.02)
    return np.clip(np.where(mask, tone, beyond), 0, 255).astype(np.float32), mask


def _clouds(rng: np.random.Generator, size: int) -> np.ndarray:
    """(S, S) float32 smooth noise."""
    return cv2.resize(rng.standard_normal((5, 5), np.float32), (size, size), interpolation=cv2.INTER_CUBIC)


def _flow(tones: np.ndarray, width: float) -> np.ndarray:
    """(S, S) float32 directions, radians: a brush goes along a form, square to the way its tone changes."""
    smooth = cv2.GaussianBlur(tones, (0, 0), max(width, 1.0), borderType=cv2.BORDER_REPLICATE)
    return np.arctan2(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), -cv2.Sobel(smooth, cv2.CV_32F, 0, 1))


def _paint(
    canvas: Canvas, where: np.ndarray, target: np.ndarray, flow: np.ndarray, width: float, stray: float
) -> None:
    """Cover an area with dabs.

    Args:
        canvas: the page.
        where: (S, S) bool, where dabs have their middle.
        target: (S, S) float32 tones.
        flow: (S, S) float32 directions, radians.
        width: of the brush, pixels.
        stray: how much the tones of the dabs depart from the target's.
    """
    rng = canvas.rng
    size = len(target)
    step = max(width * 0.7, 1.2)
    box = around(where, int(step) + 1)
    x, y = np.meshgrid(
        *(np.arange(max(part.start, -0.5 * step), part.stop + step, step) for part in box[::-1])
    )
    places = np.stack([x.ravel(), y.ravel()], 1) + rng.uniform(-0.6, 0.6, (x.size, 2)) * step
    column, row = np.clip(np.round(places), 0, size - 1).astype(int).T
    places = rng.permutation(places[where[row, column]])
    if not len(places):
        return
    column, row = np.clip(np.round(places), 0, size - 1).astype(int).T
    angle = flow[row, column] + rng.normal(0, 0.2, len(places))
    tone = np.clip(target[row, column] + rng.normal(0, stray, len(places)), 0, 255)
    reach = width * rng.uniform(0.9, 2.0, len(places))
    canvas.vector = False
    _dab(
        canvas.image,
        places.astype(np.float32),
        angle.astype(np.float32),
        reach.astype(np.float32),
        (width * rng.uniform(0.38, 0.62, len(places))).astype(np.float32),
        tone.astype(np.float32),
        rng.standard_normal(_TILE, np.float32),
        float(rng.uniform(3, 10)),
    )


@numba.njit(cache=True, nogil=True, fastmath=True)
def _dab(
    image: np.ndarray,
    places: np.ndarray,
    angle: np.ndarray,
    reach: np.ndarray,
    half: np.ndarray,
    tone: np.ndarray,
    bristles: np.ndarray,
    streak: float,
) -> None:
    """Dabs with streaks of bristles along them, each as opaque as paint that runs out towards its end."""
    size = image.shape[0]
    for k in range(len(places)):
        ux, uy = np.cos(angle[k]), np.sin(angle[k])
        wide_x = abs(ux) * reach[k] + abs(uy) * half[k] + 1
        wide_y = abs(uy) * reach[k] + abs(ux) * half[k] + 1
        x0, x1 = max(int(places[k, 0] - wide_x), 0), min(int(places[k, 0] + wide_x) + 1, size - 1)
        y0, y1 = max(int(places[k, 1] - wide_y), 0), min(int(places[k, 1] + wide_y) + 1, size - 1)
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                dx, dy = x - places[k, 0], y - places[k, 1]
                along, across = dx * ux + dy * uy, dy * ux - dx * uy
                # A dab is a rectangle with round corners.
                a, b = (along / reach[k]) ** 2, (across / half[k]) ** 2
                out = a * a + b * b
                if out >= 1.5:
                    continue
                cover = min(max((1 - np.sqrt(np.sqrt(out))) * half[k] + 0.5, 0.0), 1.0)
                hair = bristles[int(1.2 * (across + half[k]) + 7 * k) % len(bristles)]
                cover *= min(max(0.98 - 0.25 * (along / reach[k] + 1) * (0.5 + 0.5 * hair), 0.0), 1.0)
                value = tone[k] + streak * hair
                image[y, x] = np.uint8(min(max(image[y, x] + (value - image[y, x]) * cover, 0.0), 255.0))
