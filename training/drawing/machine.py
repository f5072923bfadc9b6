"""The drawing machine: a seed becomes a page of drawn figures with their exact labels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import cv2
import numpy as np

from backend.kinematics import matrix_to_axis_angle
from backend.skeleton import keypoint_index

from ..poses.bank import PoseBank
from ..poses.contacts import find_contacts
from .anatomy import Anatomy
from .camera import Camera
from .canvas import Canvas
from .chance import Chance, pick
from .figure import Figure, bone_directions, sample_figure
from .outfit import Label
from .paper import finish, moved
from .pen import Pen
from .placement import CANVAS, UPRIGHT_KINDS, Fit, Placement, sample_placements
from .props import draw_before, draw_behind
from .record import Drawing, DrawnFigure, Flag
from .styles import STYLES, Style

#: Changes whenever the same seed gives another drawing; drawings of another recipe are drawn anew.
RECIPE = 8

#: Pens are sampled for figures of this size, pixels; others get thinner or thicker lines.
_PEN_SIZE = 190

#: What lies this near a figure may be its outline.
_NEAR = np.ones((9, 9), np.uint8)

_NOTHING = np.zeros((CANVAS, CANVAS), bool)

#: Chance that a figure of a crowded page has things around it drawn; a figure alone always has that chance.
_CROWD_PROPS = 0.35


class DrawingMachine:
    """Draws sketches of poses from a bank; the same seed gives the same drawing."""

    def __init__(self, bank: PoseBank, anatomy: Anatomy) -> None:
        self.bank = bank
        self.anatomy = anatomy

    @staticmethod
    def style_of(seed: int, among: Sequence[Style] = ()) -> Style:
        """The style that a seed is drawn in, by the styles' shares.

        Args:
            seed: of the page.
            among: the styles to choose from; none for the training mix, which leaves out the held-out ones.
        """
        styles = among or [style for style in STYLES if not style.held_out]
        return pick(np.random.default_rng((seed, 1)), styles, [style.share for style in styles])

    def draw(
        self,
        seed: int,
        style: Style | None = None,
        placements: Sequence[Placement] | None = None,
        camera: Camera | None = None,
        pose: np.ndarray | None = None,
    ) -> Drawing:
        """One page.

        Args:
            seed: of all chance.
            style: instead of one of the training mix, which leaves out the held-out styles.
            placements: of the figures, the farthest first, instead of random ones.
            camera: of all figures, instead of random ones.
            pose: (24, 3, 3) float32 local rotations facing +z for all figures, instead of the bank's.
        """
        rng = Chance(seed)
        look = style or self.style_of(seed)
        expert = bool(rng.random() < 0.5)
        places = sample_placements(rng)
        figures = [
            sample_figure(
                rng,
                self.anatomy,
                self._pose(rng, place) if pose is None else pose,
                place,
                camera or Camera.sample(rng, look.has_cues),
                expert,
                plain=not look.needs_mesh,
            )
            for place in (places if placements is None else placements)
        ]
        canvas, pen = _materials(rng, expert)
        hand = int(rng.integers(1 << 32))
        equipped = [figure for figure in figures if len(figures) == 1 or rng.random() < _CROWD_PROPS]
        for figure in equipped:
            draw_behind(canvas, figure, pen)
        touched, covered, missing = [], [], []
        for figure in figures:
            before = canvas.snapshot()
            # The same chance for each: one page is in one manner, with one pen.
            canvas.rng = Chance(hand)
            missing.append(look.draw(canvas, figure, pen.scaled((figure.size / _PEN_SIZE) ** 0.7)) or ())
            if np.isfinite([figure.fit.top, figure.fit.bottom]).any():
                canvas.undo(before, _cut_off(canvas.rng, figure.fit))
            touched.append(canvas.image != before.image)
            # Nobody asks what the farthest figure lies over.
            if not covered:
                covered.append(_NOTHING)
            elif look.needs_mesh:
                covered.append(figure.buffer.mask)
            else:
                covered.append(touched[-1] | canvas.covered(before))
        canvas.rng = rng
        before = canvas.snapshot()
        for figure in equipped:
            draw_before(canvas, figure, pen)
        in_front = canvas.covered(before)
        page = finish(canvas.image, rng)
        labelled = []
        for k, figure in enumerate(figures):
            hidden = reduce(np.logical_or, covered[k + 1 :], in_front)
            labelled.append(_labels(figure, look, touched[k], hidden, page.warp, missing[k]))
        return Drawing(
            seed,
            page.image,
            tuple(labelled),
            look.name,
            "expert" if expert else "novice",
            page.warp,
            page.palette,
            canvas,
        )

    def _pose(self, rng: np.random.Generator, place: Placement) -> np.ndarray:
        """A pose that suits how much of the figure is wanted: of one in parts, an upright one."""
        return self.bank.sample(rng) if place.part == "whole" else self.bank.sample(rng, UPRIGHT_KINDS)


def _materials(rng: np.random.Generator, expert: bool) -> tuple[Canvas, Pen]:
    paper = pick(rng, [255.0, rng.uniform(215, 254), rng.uniform(130, 215)], [0.85, 0.1, 0.05])
    ink = min(pick(rng, [rng.uniform(0, 30), rng.uniform(30, 110)], [0.6, 0.4]), paper - 80)
    if rng.random() < 0.06:
        ink = min(rng.uniform(110, 190), paper - 45)
    return Canvas(CANVAS, paper, rng), Pen.sample(rng, max(ink, 0.0), expert)


def _cut_off(rng: np.random.Generator, fit: Fit) -> np.ndarray:
    """Where the page is beyond the rows of ``fit``, which end a little unevenly: (S, S) bool."""
    rows = np.arange(CANVAS)[:, None] + 4 * np.sin(np.arange(CANVAS) / rng.uniform(6, 20))
    return (rows < fit.top) | (rows > fit.bottom)


def _labels(
    figure: Figure,
    look: Style,
    touched: np.ndarray,
    hidden: np.ndarray,
    warp: np.ndarray,
    missing: Sequence[str],
) -> DrawnFigure:
    """What is known of a drawn figure.

    Args:
        figure: the figure.
        look: the style it is drawn in.
        touched: (S, S) bool pixels that drawing it changed.
        hidden: (S, S) bool pixels where something drawn later lies over it.
        warp: (3, 3) homography from drawn to finished pixels.
        missing: names of the keypoints that the style has left out.
    """
    if look.needs_mesh:
        # Neither a prop nor a painted ground belongs in the box.
        near = cv2.dilate(figure.buffer.mask.view(np.uint8), _NEAR)
        touched = touched & near.view(bool) & (figure.label_map != Label.PROP)
    if (warp != np.eye(3)).any():
        touched = (
            cv2.warpPerspective(touched.astype(np.uint8), warp, touched.shape, flags=cv2.INTER_NEAREST) > 0
        )
    left, top, wide, high = cv2.boundingRect(touched.view(np.uint8))
    box = np.array([left, top, left + wide, top + high])
    x, y = figure.keypoints.T
    low, high = max(figure.fit.top, 0.0), min(figure.fit.bottom, CANVAS - 1.0)
    inside = (x >= 0) & (x <= CANVAS - 1) & (y >= low) & (y <= high)
    inside[[keypoint_index(name) for name in missing]] = False
    keypoints = moved(figure.keypoints, warp)
    inside &= ((keypoints >= 0) & (keypoints <= CANVAS - 1)).all(1)
    column, row = np.clip(np.round(figure.keypoints), 0, CANVAS - 1).astype(int).T
    visible = (figure.drawn if look.needs_mesh else np.ones(len(x), bool)) & ~hidden[row, column]
    return DrawnFigure(
        box.astype(np.float32),
        figure.fit.part,
        keypoints,
        figure.keypoints3d,
        bone_directions(figure.keypoints3d).astype(np.float32),
        np.where(inside, np.where(visible, Flag.VISIBLE, Flag.INVISIBLE), Flag.OUTSIDE).astype(np.uint8),
        matrix_to_axis_angle(figure.pose).astype(np.float32),
        figure.betas,
        np.stack([figure.proportions.length, figure.proportions.width], 1).astype(np.float32),
        figure.camera,
        figure.fit.scale,
        figure.fit.offset.astype(np.float32),
        figure.facing,
        find_contacts(figure.anatomy, figure.vertices[: len(figure.anatomy.part)]),
    )
