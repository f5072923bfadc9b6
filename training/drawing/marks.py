"""What a hand puts on paper, as vectors: the strokes and fills of a drawing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Mark:
    """One stroke, one filled shape, or both.

    Attributes:
        points: (n, 2) float32 canvas pixels.
        widths: (n,) float32 pixels; zero for a fill without an outline.
        tone: grey value 0..255 of the line.
        opacity: 0..1 of the line.
        closed: whether the last point joins the first.
        fill: grey value 0..255 inside, None for a line alone.
    """

    points: np.ndarray
    widths: np.ndarray
    tone: float
    opacity: float = 1.0
    closed: bool = False
    fill: float | None = None
