"""Flat cartoon and paint-like tone: areas of grey by material, with or without light and outline."""

from __future__ import annotations

import cv2
import numpy as np

from ..face import draw_mesh_face
from ..figure import Figure
from ..gbuffer import trace_lines
from ..outfit import Label
from ..pen import Canvas, Pen

_LABELS = len(Label)


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Fill every material with its own tone; light and outlines by chance."""
    rng = canvas.rng
    tones = rng.uniform(20, 235, _LABELS)
    tones[Label.SKIN] = rng.uniform(120, 250) if rng.random() < 0.8 else rng.uniform(40, 120)
    tones[Label.HAIR] = rng.uniform(10, 190)
    page = tones[figure.label_map]
    if rng.random() < 0.55:
        light = figure.buffer.light
        if rng.random() < 0.5:
            light = np.round(light * rng.integers(1, 4)) / 2
        page = page * np.clip(1 + rng.uniform(0.15, 0.6) * (light - 0.5), 0.2, 1.25)
    mask = figure.buffer.mask
    if rng.random() < 0.3:  # a loose brush: the areas do not keep to the contour
        noise = cv2.GaussianBlur(rng.normal(0, 1, mask.shape).astype(np.float32), (0, 0), 4)
        mask = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.5) + noise * rng.uniform(0, 1.2) > 0.5
        page = np.where(figure.buffer.mask, page, cv2.dilate(page * figure.buffer.mask, np.ones((9, 9))))
    canvas.wash(mask, np.clip(page, 0, 255).astype(np.float32))
    if rng.random() < 0.6:
        seams = np.ones((_LABELS, _LABELS), bool)
        for line in trace_lines(
            figure.buffer, figure.part_map, figure.label_map, rng.uniform(0.02, 0.08), seams
        ):
            canvas.stroke(line, pen.varied(rng))
    if rng.random() < 0.75:
        draw_mesh_face(canvas, figure, pen)
