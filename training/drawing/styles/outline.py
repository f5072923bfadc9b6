"""Contours of the dressed body: pencil outline, clean ink, brush ink, and the same with hatching or tone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..face import draw_mesh_face
from ..figure import Figure
from ..gbuffer import trace_lines
from ..outfit import Label
from ..pen import Canvas, Pen

_LABELS = len(Label)


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Draw what a person would outline: occluding contours, hems, hair line; sometimes shade and hatch."""
    rng = canvas.rng
    buffer, label = figure.buffer, figure.label_map
    if rng.random() < 0.85:
        canvas.wash(buffer.mask, canvas.paper)  # the figure covers what was drawn behind it
    _colour(canvas, figure, pen, rng)
    seams = np.triu(rng.random((_LABELS, _LABELS)) < rng.choice([0.95, 0.6], p=[0.8, 0.2]), 1)
    seams |= seams.T
    gap = float(np.exp(rng.uniform(np.log(0.02), np.log(0.09))))
    lines = trace_lines(buffer, figure.part_map, label, gap, seams)
    inner = pen.varied(rng, rng.uniform(0.5, 1.0))
    smooth = pen.smooth + rng.uniform(0, 1.2)
    skipped = rng.choice([0.0, 0.08], p=[0.7, 0.3])
    for line in lines:
        if len(line) < 26 and rng.random() < skipped:
            continue
        chosen = pen if len(line) > 40 else inner
        canvas.stroke(line, replace(chosen.varied(rng), smooth=smooth))
    if rng.random() < 0.75:
        draw_mesh_face(canvas, figure, pen)


def _colour(canvas: Canvas, figure: Figure, pen: Pen, rng: np.random.Generator) -> None:
    """Some labels filled, patterned or hatched; some drawings shaded all over."""
    label, light = figure.label_map, figure.buffer.light
    for name in Label:
        if name in (Label.NOTHING, Label.SKIN) or rng.random() > 0.4:
            continue
        mask = label == name
        if not mask.any():
            continue
        pattern = rng.choice(["solid", "grey", "hatch", "dots", "stripes"], p=[0.4, 0.25, 0.15, 0.1, 0.1])
        if pattern == "solid":
            canvas.wash(mask, pen.tone)
        elif pattern == "grey":
            canvas.wash(mask, pen.tone + (canvas.paper - pen.tone) * rng.uniform(0.2, 0.9))
        elif pattern == "dots":
            canvas.dots(mask, pen.tone, rng.uniform(7, 14), rng.uniform(1.2, 2.5))
        else:
            space = rng.uniform(3, 6) if pattern == "hatch" else rng.uniform(7, 13)
            thick = 1 if pattern == "hatch" else int(rng.integers(2, 5))
            canvas.hatch(mask, pen.tone, space, rng.uniform(0, np.pi), thick)
    kind = rng.random()
    if kind < 0.16:
        angle = rng.uniform(0, np.pi)
        dark = figure.buffer.mask & (light < rng.uniform(-0.1, 0.45))
        canvas.hatch(dark, pen.tone, rng.uniform(2.5, 6), angle)
        if rng.random() < 0.5:
            canvas.hatch(dark & (light < 0.0), pen.tone, rng.uniform(2.5, 5), angle + 1.0)
    elif kind < 0.26:
        shade = pen.tone + (canvas.paper - pen.tone) * np.clip(0.55 + 0.5 * light, 0, 1)
        canvas.wash(figure.buffer.mask, shade, rng.uniform(0.3, 0.9))
