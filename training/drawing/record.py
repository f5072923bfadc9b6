"""What the drawing machine makes: a page with its figures and their exact labels."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from .marks import Mark


class Flag(IntEnum):
    """Whether a keypoint is in the picture."""

    OUTSIDE = 0  # beyond the frame, or of a part that is not drawn
    INVISIBLE = 1  # inside the frame, behind a part of the figure or something else
    VISIBLE = 2


@dataclass(frozen=True)
class View:
    """How a figure is seen: pixel = scale * perspective(rotation @ point) + offset, the pelvis at the origin.

    Attributes:
        azimuth: degrees about the vertical; 0 seen from the front, 90 from the figure's left, 180 from behind.
        elevation: degrees; positive where the viewer looks down.
        roll: degrees in the image plane.
        distance: metres from the viewer to the pelvis; infinite for an orthographic view.
        scale: pixels a metre at the pelvis.
        offset: (x, y) pixels of the pelvis.
    """

    azimuth: float
    elevation: float
    roll: float
    distance: float
    scale: float
    offset: tuple[float, float]


@dataclass(frozen=True, eq=False)
class DrawnFigure:
    """One figure of a page with its labels. Camera frame: x right, y down, z away from the viewer.

    Attributes:
        box: (4,) float32 x0, y0, x1, y1 of what is drawn of it inside the page, pixels.
        part: "whole", "waist_up", "bust" or "legs": how much of the figure is drawn.
        keypoints: (30, 2) float32 pixels, also of those outside.
        keypoints3d: (30, 3) float32 metres, camera frame, pelvis at 0, of the disproportioned body.
        directions: (29, 3) float32 unit bone directions, camera frame.
        flags: (30,) uint8 of :class:`Flag`.
        pose: (24, 3) float32 axis-angle, radians, SMPL order; the first is global_orient in the camera frame.
        betas: (10,) float32.
        proportions: (24, 2) float32 length and width of every joint's part, 1 for the anatomical body.
        view: the camera.
        facing: cosine between the chest's forward and the viewer: 1 front view, -1 back view.
        contacts: pairs of joint names that touch, with a score 0..1, as in ``sketch2pose/1``.
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
    view: View
    facing: float
    contacts: tuple[tuple[str, str, float], ...]


@dataclass(frozen=True, eq=False)
class Drawing:
    """One page.

    Attributes:
        seed: draws the same page again.
        image: (256, 256) uint8 grey, or (256, 256, 3) uint8 RGB where it has colour.
        figures: those drawn on it, in drawing order.
        style: name of the style.
        regime: "novice" or "expert": whose hand drew the strokes.
        finish: names of what was done to the page ("ruled", "photo", "inverted", ...).
        attributes: words for the caption ("skirt", "long hair", "chair", ...).
        marks: strokes and fills in drawing order, before the page was digitised; for vector styles all there is.
    """

    seed: int
    image: np.ndarray
    figures: tuple[DrawnFigure, ...]
    style: str
    regime: str
    finish: tuple[str, ...]
    attributes: tuple[str, ...]
    marks: tuple[Mark, ...]
