"""The fixed synthetic validation set as labelled figures: unseen motion clips, any style, whole or in part."""

from __future__ import annotations

from functools import cache

import numpy as np

from backend.errors import InputError
from backend.skeleton import KEYPOINT_PARENTS

from ..dataset.validation_set import COUNT, draw_entry
from ..drawing.anatomy import load_anatomy
from ..drawing.machine import DrawingMachine
from ..drawing.record import Drawing, Flag
from ..drawing.styles import STYLES, Style
from ..fit.shards import proportions_of
from ..poses.bank import PoseBank
from .figures import LabelledFigure, Truth3D
from .metrics import LIMB_BONES, depth_signs, labelled_joints

_PARTS = ("waist_up", "bust", "legs")
_PARENTS = list(KEYPOINT_PARENTS[1:])


@cache
def machine() -> DrawingMachine:
    """A machine whose poses are all given: its bank is a single T-pose."""
    return DrawingMachine(
        PoseBank(np.eye(3, dtype=np.float32)[None, None].repeat(24, 1), np.ones(1)), load_anatomy()
    )


def held_out_styles() -> list[Style]:
    """The styles that training never sees."""
    return [style for style in STYLES if style.held_out]


def whole_figures(count: int) -> list[LabelledFigure]:
    """The first entries of the set in the styles of the training mix. Raises InputError for more than there are."""
    if not 0 < count <= COUNT:
        raise InputError(f"There are {COUNT} synthetic validation drawings; give --synthetic 1 to {COUNT}.")
    return [_labelled(draw_entry(machine(), index), index) for index in range(count)]


def unseen_figures(count: int) -> list[LabelledFigure]:
    """The first entries in the held-out styles in turn; none where no style is held out."""
    styles = held_out_styles()
    if not styles:
        return []
    return [
        _labelled(draw_entry(machine(), index, styles[index % len(styles)]), index) for index in range(count)
    ]


def partial_figures(count: int) -> list[LabelledFigure]:
    """Waist-up, bust and legs-only drawings of the first ``count`` entries; lying and bent figures are left out."""
    figures = (
        _labelled(draw_entry(machine(), index, part=_PARTS[index % len(_PARTS)]), index)
        for index in range(count)
    )
    return [figure for figure in figures if figure.part != "whole"]


def _labelled(drawing: Drawing, index: int) -> LabelledFigure:
    (figure,) = drawing.figures
    drawn = figure.flags != Flag.OUTSIDE
    known = labelled_joints(np.repeat(drawn[:, None], 2, 1).astype(float))[:, 0] == 1
    bones = drawn[1:] | drawn[_PARENTS]
    facing = "front" if figure.facing > 0.5 else "back" if figure.facing < -0.5 else "side"
    limbs = list(LIMB_BONES)
    return LabelledFigure(
        f"{drawing.style} {index}",
        drawing.image if drawing.palette is None else drawing.palette[drawing.image],
        figure.box.astype(float),
        labelled_joints(figure.keypoints.astype(float)),
        known,
        drawing.style,
        facing,
        True,
        np.where(bones[limbs], depth_signs(figure.directions[limbs]), 0.0),
        figure.part,
        Truth3D(
            figure.directions,
            bones,
            figure.pose,
            figure.betas,
            proportions_of(figure.keypoints3d),
            drawn,
            figure.contacts,
        ),
    )
