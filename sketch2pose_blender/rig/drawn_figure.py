"""The figure that an armature was posed from, kept with it: survives save and reload, and may be corrected."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache

import bpy
import numpy as np

from ..core.boundary import Body, Corrections, Figure, InputError, figure_from_json, figure_to_json
from ..core.paper import Paper
from .live_rig import LiveRig

#: The armature's custom property.
PROPERTY = "sketch2pose_figure"
_VERSION = 1
#: Characters; a figure with eight hypotheses has about 60,000.
_MOST_TEXT = 2_000_000


@dataclass(frozen=True, eq=False)
class DrawnFigure:
    """A figure in a drawing, and where the drawing lies.

    Attributes:
        file: the drawing's file or image, as the user knows it.
        size: width and height of the drawing, pixels.
        figure: as it was read, with the corrections.
        paper: where the drawing's pixels lie, in the armature's own space.
    """

    file: str
    size: tuple[int, int]
    figure: Figure
    paper: Paper

    @property
    def corrections(self) -> Corrections:
        """What was corrected; nothing at first."""
        return self.figure.corrections or Corrections()

    def corrected(self, corrections: Corrections) -> DrawnFigure:
        """The same with other corrections."""
        return replace(self, figure=replace(self.figure, corrections=corrections))


def remember_figure(
    armature: bpy.types.Object, file: str, size: tuple[int, int], figure: Figure, body: Body
) -> None:
    """Keep a figure with the armature that has just been posed from it; the drawing lies at its pelvis.

    Args:
        armature: the posed armature.
        file: the drawing's file or image, as the user knows it.
        size: width and height of the drawing, pixels.
        figure: as it was read; its first hypothesis is the pose.
        body: the body that it was read for.
    """
    paper = LiveRig(armature, body).paper(figure.hypotheses[0])
    keep_figure(armature, DrawnFigure(file, size, figure, paper))


def keep_figure(armature: bpy.types.Object, drawn: DrawnFigure) -> None:
    """Write the figure to the armature."""
    paper = drawn.paper
    armature[PROPERTY] = json.dumps(
        {
            "version": _VERSION,
            "file": drawn.file,
            "size": drawn.size,
            "figure": figure_to_json(drawn.figure),
            "paper": [paper.origin.tolist(), paper.right.tolist(), paper.down.tolist()],
        }
    )


def kept_figure(armature: bpy.types.Object | None) -> DrawnFigure | None:
    """The armature's figure; None where none is kept.

    Raises:
        InputError: what is kept there is damaged, or none of ours.
    """
    text = armature.get(PROPERTY) if armature is not None else None
    if text is None:
        return None
    drawn = _read(text) if isinstance(text, str) and len(text) < _MOST_TEXT else None
    if drawn is None:
        raise InputError("What is kept of the drawing with this armature is damaged; pose it again.")
    return drawn


@lru_cache(maxsize=4)
def _read(text: str) -> DrawnFigure | None:
    """Parse the property, None if it is damaged; asked at every redraw, so the last ones are remembered."""
    try:
        values = json.loads(text)
        axes = np.array(values["paper"], np.float64)
        width, height = (int(side) for side in values["size"])
        figure = figure_from_json(values["figure"])
        drawn = DrawnFigure(str(values["file"]), (width, height), figure, Paper(*axes))
        whole = values["version"] == _VERSION and axes.shape == (3, 3) and min(width, height) > 0
    except (InputError, TypeError, ValueError, KeyError, OverflowError, RecursionError):
        return None
    return drawn if whole and drawn.paper.usable else None
