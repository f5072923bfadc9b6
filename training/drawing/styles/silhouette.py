"""Silhouettes: one solid tone, as a shadow, a paper cut, a scribble or a black figure with light inner lines.

Knobs, one set a figure: how far the contour is simplified; solid, hatched, scribbled or soft; round or cut with
scissors; light on a dark page; lines of paper where limbs pass before each other; clothes left out or in grey.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from ..areas import Areas, polygons, simplified
from ..canvas import Canvas
from ..chance import pick
from ..cues import draw_cues
from ..figure import Figure
from ..pen import Pen
from ..shapes import Label

_FILLS = ("solid", "cut", "hatched", "scribbled", "soft")


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """One tone inside the contour; by chance inner lines, or garments of another tone."""
    rng = canvas.rng
    fill = str(pick(rng, _FILLS, [0.68, 0.1, 0.07, 0.07, 0.08]))
    simple = 0.004 + 0.008 * rng.random() ** 1.5
    areas = simplified(figure, simple * figure.size)
    tone = (
        pen.tone
        if rng.random() < 0.8
        else float(rng.uniform(pen.tone, 0.45 * pen.tone + 0.55 * canvas.paper))
    )
    whole = bool(np.isinf([figure.fit.top, figure.fit.bottom]).all())
    if rng.random() < 0.08 and whole:
        tone = _turn_dark(canvas, tone)
    dressed, lined = rng.random() < 0.2, rng.random() < 0.6
    width = figure.size * rng.uniform(0.006, 0.016)
    cut = Pen(width=width, tone=canvas.paper, smooth=max(pen.smooth, 1.5), taper=rng.uniform(0, 0.8))
    if fill in ("hatched", "scribbled"):
        _fill_with_lines(canvas, areas.mask, pen.changed(tone=tone), figure.size, fill == "scribbled")
    elif fill == "soft":
        _fill_softly(canvas, areas.mask, tone, figure.size * rng.uniform(0.003, 0.01))
        return
    else:
        rough = figure.size * rng.uniform(0.004, 0.009) if fill == "cut" else 0.0
        if rough:
            _fill_softly(canvas, np.roll(areas.mask, (3, 2), (0, 1)), 0.5 * canvas.paper, 0.012 * figure.size)
        for polygon in polygons(areas.mask):
            canvas.fill(_cut(polygon, rough), tone)
    if dressed and fill == "solid":
        _dress(canvas, areas, tone)
    if lined and fill in ("solid", "cut"):
        for line in areas.inner_lines(rng.uniform(0.03, 0.1), seams=dressed or rng.random() < 0.35):
            canvas.stroke(line, cut)
        if rng.random() < 0.3:
            draw_cues(canvas, figure, cut.changed(width=0.7 * width), rng.uniform(0.2, 0.7))


def _turn_dark(canvas: Canvas, tone: float) -> float:
    """Make an empty page dark and return the tone that stands out from it; a page in use stays."""
    if canvas.paper > tone and (canvas.image == np.uint8(canvas.paper)).mean() > 0.995:
        dark, canvas.paper = tone, canvas.paper
        canvas.wash(np.ones(canvas.image.shape, bool), dark)
        tone, canvas.paper = canvas.paper, dark
    return tone if abs(tone - canvas.paper) > 60 else 255 - canvas.paper


def _cut(polygon: np.ndarray, rough: float) -> np.ndarray:
    """The (n, 2) polygon as scissors cut it: in straight cuts that leave it by ``rough`` pixels at most."""
    return cv2.approxPolyDP(polygon, rough, closed=True)[:, 0] if rough else polygon


def _fill_softly(canvas: Canvas, mask: np.ndarray, tone: float, sigma: float) -> None:
    """A shadow with an edge as wide as ``sigma`` pixels."""
    cover = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    page = canvas.image.astype(np.float32)
    canvas.wash(cover > 0.02, page + (tone - page) * cover)


def _fill_with_lines(canvas: Canvas, mask: np.ndarray, pen: Pen, size: float, scribbled: bool) -> None:
    """Hatching, or strokes to and fro which leave the contour here and there."""
    rng = canvas.rng
    angle, space = rng.uniform(0, np.pi), size * rng.uniform(0.009, 0.02)
    thick = space * rng.uniform(0.45, 0.85)
    if not scribbled:
        canvas.hatch(mask, pen.tone, space, angle, thick)
        if rng.random() < 0.4:
            canvas.hatch(mask, pen.tone, space, angle + rng.uniform(0.5, 1.6), thick)
        if rng.random() < 0.6:
            for polygon in polygons(mask):
                canvas.stroke(polygon, pen.varied(rng), closed=True)
        return
    along = np.array([np.cos(angle), np.sin(angle)])
    y, x = np.nonzero(mask)
    across = x * -along[1] + y * along[0]
    row = ((across - across.min()) / space).astype(int)
    at = x * along[0] + y * along[1]
    order = np.lexsort((at, row))
    # One stroke for each row of each limb: a jump along the row is a gap between limbs.
    row, at, across = row[order], at[order], across[order]
    ends = np.flatnonzero(np.concatenate([[True], (np.diff(row) > 0) | (np.diff(at) > 4), [True]]))
    spill = rng.normal(0.2 * space, 0.5 * space, (len(ends), 2))
    fine = pen.changed(width=max(thick, 1.0), smooth=1.2, gap=0.0, double=0.0, overshoot=0.0, drift=0.0)
    for k, (a, b) in enumerate(pairwise(ends)):
        if b - a < 4:
            continue
        middle = across[a:b].mean()
        span = np.array([at[a] - spill[k, 0], at[b - 1] + spill[k, 1]])
        bow = np.array([-0.6, 0.6]) * space
        points = span[:, None] * along + (middle + bow)[:, None] * np.array([-along[1], along[0]])
        canvas.stroke(points, fine.varied(rng))


def _dress(canvas: Canvas, areas: Areas, tone: float) -> None:
    """Leave the skin, or the clothes, in another tone."""
    rng = canvas.rng
    light = tone + (canvas.paper - tone) * rng.uniform(0.25, 0.7)
    inverse = rng.random() < 0.5
    for label in areas.labels:
        if label != Label.HAIR and (label == Label.SKIN) == inverse and rng.random() < 0.8:
            for polygon in polygons(areas.label == label):
                canvas.fill(polygon, light)
