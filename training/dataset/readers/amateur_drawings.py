"""Amateur Drawings: photographed drawings of one figure each, by children for the most part; COCO's layout.

Source: Smith et al., "A method for animating children's drawings of the human figure", 2023.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from . import coco
from .record import LabelledFigure, LabelledImage, LeftOut

#: The picture is a copy of what is labelled if their ratios of width to height differ by less than this share.
_SAME_SHAPE = 0.02


def read(path: Path, left_out: LeftOut, images: Path | None = None) -> Iterator[LabelledImage]:
    """``amateur_drawings_annotations.json``; arguments as of :func:`coco.read`.

    The labels are in pixels of the photograph, while the file that comes with them may be a smaller copy of
    it, or of the figure's box alone: they are brought to the pixels of the file.
    """
    for drawing in coco.read_annotations(
        path, left_out, images, source="amateur_drawings", joints=coco.JOINTS
    ):
        try:
            with Image.open(drawing.file) as image:
                size = image.size
        except OSError:
            left_out(f"The picture {drawing.file.name} of {path.name} cannot be read.")
            continue
        whole = np.array((0, 0, *drawing.size), np.float64)
        window = next((w for w in (whole, drawing.figures[0].box) if _same_shape(w, size)), None)
        if window is None:
            left_out(
                f"The picture {drawing.file.name} of {path.name} fits neither its page nor its figure's box."
            )
            continue
        figures = tuple(_brought(figure, window, size) for figure in drawing.figures)
        yield replace(drawing, figures=figures, size=size)


def _same_shape(window: np.ndarray, size: tuple[int, int]) -> bool:
    width, height = window[2:] - window[:2]
    return abs(width * size[1] - height * size[0]) < _SAME_SHAPE * height * size[0]


def _brought(figure: LabelledFigure, window: np.ndarray, size: tuple[int, int]) -> LabelledFigure:
    """The figure's labels in the pixels of a file of that size, which shows the window (x0, y0, x1, y1)."""
    origin, scale = window[:2], np.array(size) / (window[2:] - window[:2])
    keypoints = (figure.keypoints - origin) * scale
    box = (figure.box.reshape(2, 2) - origin) * scale
    return replace(figure, keypoints=keypoints.astype(np.float32), box=box.reshape(4).astype(np.float32))
