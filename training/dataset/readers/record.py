"""A picture of figures with the two-dimensional labels that some other set has for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.images import Picture, read_image
from backend.skeleton import N_KEYPOINTS, keypoint_index

from ...drawing.record import Flag

#: Is told, in one sentence each, which entries of a set were left out and why.
LeftOut = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class LabelledFigure:
    """One figure. Nothing is known of its depth.

    Attributes:
        keypoints: (30, 2) float32 pixels of the file, x right, y down; NaN where the set has no label.
        flags: (30,) uint8 of :class:`Flag`; OUTSIDE where the set has no label.
        box: (4,) float32 x0, y0, x1, y1, pixels of the file.
    """

    keypoints: np.ndarray
    flags: np.ndarray
    box: np.ndarray


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """One picture, not read from disk until asked for.

    Attributes:
        file: the picture.
        figures: those labelled on it, at least one.
        source: name of the set.
        size: width and height in pixels of the picture that the labels are for, as the set says.
        caption: the set's words for the picture, "" if it has none.
        category: the set's kind of picture, such as "cartoon", "" if it has none.
    """

    file: Path
    figures: tuple[LabelledFigure, ...]
    source: str
    size: tuple[int, int]
    caption: str = ""
    category: str = ""

    def picture(self) -> Picture:
        """Read the file. Labels are in its original pixels, ``scale`` of them to a pixel of ``gray``.

        Raises:
            InputError: it is missing or no image.
        """
        return read_image(self.file)


def labelled_figure(
    points: Mapping[str, tuple[float, float, Flag]], box: np.ndarray | None
) -> LabelledFigure:
    """A figure from the keypoints that a set labels.

    Args:
        points: our keypoint name -> x, y in pixels and its flag; OUTSIDE means without a label.
        box: (4,) x0, y0, x1, y1, or None for the box around the points.

    Raises:
        ValueError: no point is labelled, or a number is not finite.
    """
    keypoints = np.full((N_KEYPOINTS, 2), np.nan, np.float32)
    flags = np.full(N_KEYPOINTS, Flag.OUTSIDE, np.uint8)
    for name, (x, y, flag) in points.items():
        if flag != Flag.OUTSIDE:
            keypoints[keypoint_index(name)] = x, y
            flags[keypoint_index(name)] = flag
    known = keypoints[flags != Flag.OUTSIDE]
    if not len(known):
        raise ValueError("it has no keypoints")
    if box is None:
        box = np.concatenate((known.min(axis=0), known.max(axis=0)))
    if not np.isfinite(known).all() or not np.isfinite(box).all():
        raise ValueError("a coordinate is not a number")
    return LabelledFigure(keypoints, flags, np.asarray(box, np.float32))
