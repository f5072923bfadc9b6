"""The drawing machine: a seed becomes a drawing with its exact labels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..poses.bank import PoseBank
from .anatomy import Anatomy
from .figure import CANVAS, bone_directions, sample_figure
from .page import digitise, draw_clutter, draw_foreground
from .pen import Canvas, Pen
from .styles import STYLES

#: Side of a stored drawing, pixels: larger than the network's input, so that crops can vary.
STORED = 160


@dataclass(frozen=True, eq=False)
class Drawing:
    """One synthetic sketch.

    Attributes:
        image: (160, 160) uint8 grey.
        keypoints: (30, 2) float32 pixels of the image.
        directions: (29, 3) float32 unit bone directions, camera frame.
        visible: (30,) bool: drawn, not hidden behind another part.
        facing: cosine between the chest's forward and the viewer.
        style: index into STYLES.
    """

    image: np.ndarray
    keypoints: np.ndarray
    directions: np.ndarray
    visible: np.ndarray
    facing: float
    style: int


class DrawingMachine:
    """Draws sketches of poses from a bank; the same seed gives the same drawing."""

    def __init__(self, bank: PoseBank, anatomy: Anatomy) -> None:
        self.bank = bank
        self.anatomy = anatomy
        shares = np.array([style.share for style in STYLES])
        self._shares = shares / shares.sum()

    def draw(self, seed: int, style: int | None = None) -> Drawing:
        """One drawing; ``style`` picks an index into STYLES instead of the mix."""
        rng = np.random.default_rng(seed)
        chosen = int(rng.choice(len(STYLES), p=self._shares)) if style is None else style
        pose = self.bank.sample(rng)
        look = STYLES[chosen]
        figure = sample_figure(rng, self.anatomy, pose, plain=not look.needs_mesh, cues=look.has_cues)
        paper = rng.choice([255.0, rng.uniform(215, 254), rng.uniform(130, 215)], p=[0.55, 0.33, 0.12])
        ink = min(rng.choice([rng.uniform(0, 30), rng.uniform(30, 110)], p=[0.6, 0.4]), paper - 80)
        if rng.random() < 0.06:
            ink = min(rng.uniform(110, 190), paper - 45)
        pen = Pen.sample(rng, max(ink, 0.0), expert=rng.random() < 0.5)
        canvas = Canvas(CANVAS, paper, rng)
        draw_clutter(canvas, figure, pen)
        look.draw(canvas, figure, pen)
        draw_foreground(canvas, figure, pen)
        image = cv2.resize(digitise(canvas.image, rng), (STORED, STORED), interpolation=cv2.INTER_AREA)
        visible = figure.drawn if look.needs_mesh else np.ones(len(figure.keypoints), bool)
        # OpenCV's area resize maps pixel centres: x' + 1/2 = (x + 1/2) * ratio.
        keypoints = (figure.keypoints + 0.5) * (STORED / CANVAS) - 0.5
        return Drawing(
            image,
            keypoints.astype(np.float32),
            bone_directions(figure.keypoints3d).astype(np.float32),
            visible,
            figure.facing,
            chosen,
        )
