"""The figure that an armature was posed from, kept with it: survives save and reload, and may be corrected.

A storyboard's armature has one of each panel, by the frame of the panel's keys; the one that counts is the one whose
keys the armature stands at.
"""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import bpy
import numpy as np

from ..core.boundary import Body, Corrections, Figure, InputError, figure_from_json, figure_to_json
from ..core.paper import Paper, paper_at
from .keys import standing_key
from .live_rig import LiveRig

#: The armature's custom property.
PROPERTY = "sketch2pose_figure"
#: The same for a storyboard's panels: their figures by their frames, and how their drawings lie.
PANELS = "sketch2pose_panels"
_LIE = "lie"
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
        picture: of a storyboard's panel, the image file that shows it; "" where it was put together of layers.
        frame: of a storyboard's panel, the frame of its keys.
    """

    file: str
    size: tuple[int, int]
    figure: Figure
    paper: Paper
    picture: str = ""
    frame: int | None = None

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
    """Write the figure to the armature; a single drawing's takes the place of the panel's that was shown."""
    if drawn.frame is not None:
        text = panel_text(drawn.file, drawn.picture, drawn.size, drawn.figure)
        _panels(armature)[str(drawn.frame)] = text
        return
    shown = shown_panel(armature)
    if shown is not None:
        del _panels(armature)[str(shown)]
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


def panel_text(file: str, picture: str, size: tuple[int, int], figure: Figure) -> str:
    """What is kept of a storyboard's panel; numbers have six digits, as a storyboard may have hundreds of panels.

    Args:
        file: the panel, as the user knows it.
        picture: the image file that shows it, or "".
        size: width and height of its picture, pixels.
        figure: as it was read, with the corrections.
    """
    plain = {
        "version": _VERSION,
        "file": file,
        "picture": picture,
        "size": size,
        "figure": figure_to_json(figure),
    }
    return json.dumps(json.loads(json.dumps(plain), parse_float=lambda digits: float(f"{float(digits):.6g}")))


def remember_panels(armature: bpy.types.Object, texts: Mapping[int, str], body: Body) -> None:
    """Keep the figures of panels whose poses have just been keyed; each drawing lies at its pelvis.

    Args:
        armature: the armature; what is kept of other frames' panels stays, what is kept of a single drawing goes.
        texts: frame -> what :func:`panel_text` gives.
        body: the body that the figures were read for.
    """
    armature.pop(PROPERTY, None)
    try:
        rig = LiveRig(armature, body)
    except InputError:  # it can be keyed, but not follow a joint that is dragged
        armature.pop(PANELS, None)
        return
    if _panels(armature) is None:
        armature[PANELS] = {}
    panels = _panels(armature)
    panels[_LIE] = json.dumps({"pelvis": rig.pelvis, "axes": rig.axes.tolist(), "unit": float(rig.unit)})
    for frame, text in texts.items():
        panels[str(frame)] = text


def shown_panel(armature: bpy.types.Object) -> int | None:
    """The frame of the storyboard's panel whose pose the armature shows now: its pelvis stands at the panel's key."""
    panels, lie = _panels(armature), _lie(armature)
    pelvis = None if lie is None else armature.pose.bones.get(lie.pelvis)
    if pelvis is None:
        return None
    frame = standing_key(armature, pelvis, bpy.context.scene.frame_current)
    return frame if frame is not None and str(frame) in panels else None


def kept_figure(armature: bpy.types.Object | None) -> DrawnFigure | None:
    """The armature's figure, of a storyboard's the one of the panel that is shown; None where none is kept.

    Raises:
        InputError: what is kept there is damaged, or none of ours.
    """
    if armature is None:
        return None
    frame = shown_panel(armature)
    if frame is not None:
        text, lie = _panels(armature)[str(frame)], _lie(armature)
        assert lie is not None  # shown_panel() has read it
        pelvis = armature.pose.bones[lie.pelvis].head.to_tuple()
        drawn = _read_panel(text, lie, pelvis, frame) if _is_text(text) else None
    else:
        text = armature.get(PROPERTY)
        if text is None:
            return None
        drawn = _read(text) if _is_text(text) else None
    if drawn is None:
        raise InputError("What is kept of the drawing with this armature is damaged; pose it again.")
    return drawn


@dataclass(frozen=True, eq=False)
class _Lie:
    """How a storyboard's drawings lie, wherever the pelvis is.

    Attributes:
        pelvis: the bone at whose head the pelvis is drawn.
        axes: (3, 3) from the SMPL rest frame to armature space.
        unit: length of a metre of the figure there.
    """

    pelvis: str
    axes: np.ndarray
    unit: float


def _panels(armature: bpy.types.Object) -> Any:
    """The group of the panels' figures, None where there is none."""
    panels = armature.get(PANELS)
    return panels if hasattr(panels, "to_dict") else None


def _lie(armature: bpy.types.Object) -> _Lie | None:
    panels = _panels(armature)
    text = None if panels is None else panels.get(_LIE)
    return _read_lie(text) if _is_text(text) else None


def _is_text(text: object) -> bool:
    return isinstance(text, str) and len(text) < _MOST_TEXT


#: What is damaged raises one of these.
_DAMAGE = (InputError, TypeError, ValueError, KeyError, OverflowError, RecursionError)


@lru_cache(maxsize=4)
def _read_lie(text: str) -> _Lie | None:
    """Parse how the drawings lie, None if it is damaged."""
    try:
        values = json.loads(text)
        lie = _Lie(str(values["pelvis"]), np.array(values["axes"], np.float64), float(values["unit"]))
    except _DAMAGE:
        return None
    return lie if lie.axes.shape == (3, 3) else None


@lru_cache(maxsize=4)
def _read(text: str) -> DrawnFigure | None:
    """Parse the property, None if it is damaged; asked at every redraw, so the last ones are remembered."""
    try:
        values = json.loads(text)
        axes = np.array(values["paper"], np.float64)
        drawn = _drawn(values, Paper(*axes))
        whole = axes.shape == (3, 3)
    except _DAMAGE:
        return None
    return drawn if whole and drawn.paper.usable else None


@lru_cache(maxsize=4)
def _read_panel(text: str, lie: _Lie, pelvis: tuple[float, ...], frame: int) -> DrawnFigure | None:
    """The same for a panel, given where the pelvis is now, armature space."""
    try:
        values = json.loads(text)
        camera = figure_from_json(values["figure"]).hypotheses[0].camera
        paper = paper_at(np.array(pelvis), lie.axes, lie.unit, camera.scale, (camera.tx, camera.ty))
        drawn = replace(_drawn(values, paper), picture=str(values["picture"]), frame=frame)
    except (*_DAMAGE, ZeroDivisionError):
        return None
    return drawn if drawn.paper.usable else None


def _drawn(values: Any, paper: Paper) -> DrawnFigure:
    """What both have in common; raises one of ``_DAMAGE`` where it is damaged."""
    width, height = (int(side) for side in values["size"])
    if values["version"] != _VERSION or min(width, height) <= 0:
        raise ValueError
    return DrawnFigure(str(values["file"]), (width, height), figure_from_json(values["figure"]), paper)
