"""What is measured: a figure in a drawing with its labels, and how somebody reads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from backend.images import from_array, read_image


@dataclass(frozen=True, eq=False)
class Truth3D:
    """What is known of a figure in space, camera frame: only of drawings that we made.

    Attributes:
        directions: (29, 3) unit bone directions.
        bones: (29,) bool, those with at least one end in the drawing.
        pose: (24, 3) axis-angle, radians, SMPL order.
        betas: (10,) shape coefficients.
        lengths: (29,) logarithms of bone lengths over an adult's, as of training.fit.shards.proportions_of.
        present: (30,) bool, keypoints that are part of what is drawn.
        contacts: pairs of joints whose parts touch, with a score 0..1.
    """

    directions: np.ndarray
    bones: np.ndarray
    pose: np.ndarray
    betas: np.ndarray
    lengths: np.ndarray
    present: np.ndarray
    contacts: tuple[tuple[str, str, float], ...]


@dataclass(frozen=True, eq=False)
class LabelledFigure:
    """A drawn figure with its labels.

    Attributes:
        name: of the drawing.
        page: the image file, or (H, W) or (H, W, 3) uint8.
        box: (4,) x0, y0, x1, y1 pixels.
        joints: (15, 2) pixels, in the order of LABELLED_JOINTS.
        known: (15,) bool: the joint is labelled.
        style: what kind of drawing.
        view: "front", "side" or "back": where the chest faces; "" where nobody says.
        sides_known: False where left and right cannot be told from the drawing: either reading counts.
        depth: (8,) of LIMB_BONES: 1 away from the viewer, -1 towards, 0 flat or not known.
        part: "whole", "waist_up", "bust" or "legs": how much of the figure is drawn.
        truth: what is known in space, or None.
    """

    name: str
    page: Path | np.ndarray
    box: np.ndarray
    joints: np.ndarray
    known: np.ndarray
    style: str
    view: str
    sides_known: bool
    depth: np.ndarray
    part: str = "whole"
    truth: Truth3D | None = None

    @property
    def side(self) -> float:
        """Longer side of the box, pixels."""
        return float((self.box[2:] - self.box[:2]).max())


@dataclass(frozen=True, eq=False)
class Reading:
    """How a figure is read.

    Attributes:
        joints: (15, 2) page pixels; NaN where nothing was found.
        limbs: (8, 3) unit directions of LIMB_BONES, camera frame; NaN where nothing was found.
        poses: (H, 24, 3) axis-angle hypotheses, the likeliest first; none of a reader that gives no rotations.
        betas: (10,) shape coefficients; None of a reader that does not estimate them.
        lengths: (29,) logarithms of bone lengths over an adult's, less their mean over the long ones, or None.
        present: (30,) probability of each keypoint being part of what is drawn, or None.
        contacts: pairs of joints whose parts are said to touch; None of a reader that does not say.
    """

    joints: np.ndarray
    limbs: np.ndarray
    poses: np.ndarray
    betas: np.ndarray | None = None
    lengths: np.ndarray | None = None
    present: np.ndarray | None = None
    contacts: set[frozenset[str]] | None = None

    @property
    def found(self) -> bool:
        """Whether there is a figure at all."""
        return bool(np.isfinite(self.joints).all())


NOTHING = Reading(np.full((15, 2), np.nan), np.full((8, 3), np.nan), np.empty((0, 24, 3)))

#: Side of the square that readers get, in longer sides of the box, and its most pixels: of margins from 1 to 2.2 and
#: sizes from 256 pixels to the page's own those with which MediaPipe reads the most joints of real drawings. Our
#: pipeline cuts its own, tighter crop out of it.
MARGIN = 1.8
_LARGEST = 320


@dataclass(frozen=True, eq=False)
class CutOut:
    """A figure cut out of its page by its box, square, with a margin.

    Attributes:
        rgb: (S, S, 3) uint8.
        box: (4,) the figure's box in the cut-out, pixels.
        origin: (2,) page position of the cut-out's corner, pixels.
        scale: page pixels per pixel of the cut-out.
    """

    rgb: np.ndarray
    box: np.ndarray
    origin: np.ndarray
    scale: float


def cut_out(figure: LabelledFigure, margin: float = MARGIN) -> CutOut:
    """Cut a figure out, ``margin`` times as large as its box; what lies off the page gets the tone of the page's border."""
    picture = read_image(figure.page) if isinstance(figure.page, Path) else from_array(figure.page)
    page = picture.rgb
    box = figure.box / picture.scale
    side = int(np.ceil(margin * (box[2:] - box[:2]).max()))
    left, top = np.floor((box[:2] + box[2:]) / 2 - side / 2).astype(int)
    border = np.concatenate([page[0], page[-1], page[:, 0], page[:, -1]])
    square = np.empty((side, side, 3), np.uint8)
    square[:] = np.median(border, axis=0)
    height, width = page.shape[:2]
    rows = slice(max(top, 0), min(top + side, height))
    columns = slice(max(left, 0), min(left + side, width))
    square[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = page[
        rows, columns
    ]
    origin = np.array([left, top], float)
    shrink = max(side / _LARGEST, 1.0)
    if shrink > 1:
        square = np.asarray(Image.fromarray(square).resize((_LARGEST, _LARGEST), Image.Resampling.BOX))
    inner = (box - np.tile(origin, 2)) / shrink
    return CutOut(square, inner, origin * picture.scale, picture.scale * shrink)
