"""What the drawing machine makes: a page with its figures and their exact labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from .camera import Camera
from .canvas import Canvas


class Flag(IntEnum):
    """Whether a keypoint is in the picture."""

    OUTSIDE = 0  # beyond the frame, or of a part that is not drawn
    INVISIBLE = 1  # inside the frame, behind a part of the figure or something else
    VISIBLE = 2


@dataclass(frozen=True, eq=False)
class DrawnFigure:
    """One figure of a page with its labels. Camera frame: x right, y down, z away from the viewer.

    Attributes:
        box: (4,) float32 x0, y0, x1, y1 of what is drawn of it inside the page, pixels.
        part: "whole", "waist_up", "bust" or "legs": how much of the figure is drawn.
        keypoints: (30, 2) float32 pixels of the finished page, also of those outside.
        keypoints3d: (30, 3) float32 metres, camera frame, pelvis at 0, of the disproportioned body.
        directions: (29, 3) float32 unit bone directions, camera frame.
        flags: (30,) uint8 of :class:`Flag`.
        pose: (24, 3) float32 axis-angle, radians, SMPL order; the first is global_orient in the camera frame.
        betas: (10,) float32.
        proportions: (24, 2) float32 length and width of every joint's part, 1 for the anatomical body.
        camera: from where the figure is seen.
        scale: pixels a metre: keypoints = scale * camera.project(keypoints3d) + offset, and then moved by the
            drawing's warp.
        offset: (2,) float32 pixels of the pelvis.
        facing: cosine between the chest's forward and the viewer: 1 front view, -1 back view.
        contacts: pairs of joints whose parts touch, with a score 0..1, as in ``sketch2pose/1``.
    """

    box: np.ndarray
    part: str
    keypoints: np.ndarray
    keypoints3d: np.ndarray
    directions: np.ndarray
    flags: np.ndarray
    pose: np.ndarray
    betas: np.ndarray
    proportions: np.ndarray
    camera: Camera
    scale: float
    offset: np.ndarray
    facing: float
    contacts: tuple[tuple[str, str, float], ...]


@dataclass(frozen=True, eq=False)
class Drawing:
    """One page.

    Attributes:
        seed: draws the same page again.
        image: (256, 256) uint8 grey.
        figures: those drawn on it, in drawing order.
        style: name of the style.
        regime: "novice" or "expert": whose hand drew the strokes.
        warp: (3, 3) float64 homography from drawn to finished pixels; the identity but for photos of paper.
        palette: (256, 3) uint8 RGB colours of the greys, each of the grey's luminance; None for a grey page.
        canvas: what it was drawn on, with its marks; None for a drawing that was read back.
    """

    seed: int
    image: np.ndarray
    figures: tuple[DrawnFigure, ...]
    style: str
    regime: str
    warp: np.ndarray = field(default_factory=lambda: np.eye(3))
    palette: np.ndarray | None = None
    canvas: Canvas | None = None
