"""Solid silhouettes, plain or with thin gaps where one limb passes before another."""

from __future__ import annotations

import cv2
import numpy as np

from ..figure import Figure
from ..gbuffer import trace_lines
from ..outfit import Label
from ..pen import Canvas, Pen


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """One tone inside the outline; inner contours cut out of it by chance; edges rounded by chance."""
    rng = canvas.rng
    mask = figure.buffer.mask.astype(np.float32)
    blur = rng.uniform(0.5, 3.0)
    soft = cv2.GaussianBlur(mask, (0, 0), blur) > 0.5
    canvas.wash(soft, pen.tone)
    if rng.random() < 0.6:
        seams = np.zeros((len(Label), len(Label)), bool)
        if rng.random() < 0.4:
            seams[:] = True
        cut = Pen(width=rng.uniform(1.2, 4.0), tone=canvas.paper, smooth=pen.smooth)
        inside = cv2.erode(soft.astype(np.uint8), np.ones((5, 5))) > 0
        for line in trace_lines(
            figure.buffer, figure.part_map, figure.label_map, rng.uniform(0.03, 0.12), seams
        ):
            x, y = np.round(line).astype(int).T
            if inside[y, x].mean() > 0.5:
                canvas.stroke(line, cut)
