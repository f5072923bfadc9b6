"""The active armature's figure as it stands corrected, at rest and while a joint is dragged."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ..core.boundary import (
    KEYPOINT_MIRROR,
    KEYPOINT_NAMES,
    Body,
    Corrections,
    Figure,
    Hypothesis,
    InputError,
    SketchPoseError,
    corrected_directions,
    corrected_figure,
    corrected_hypothesis,
    edit_of,
    load_body,
    reading_of,
)
from ..core.handles import FLIPS
from ..rig.drawn_figure import PANELS, DrawnFigure, keep_figure, kept_figure
from ..rig.keys import action_channels, change_keys
from ..rig.live_rig import LiveRig
from ..rig.placement import Seeing, kept_placement
from ..rig.posing import armature_of

if TYPE_CHECKING:
    from pathlib import Path

_MIRROR = {KEYPOINT_NAMES[i]: KEYPOINT_NAMES[other] for i, other in enumerate(KEYPOINT_MIRROR)}
#: The figure of the armature whose joint is being dragged, by the armature's number.
_dragged: dict[int, DrawnFigure] = {}


@dataclass(frozen=True, eq=False)
class Corrected:
    """A figure with its corrections worked out, named as in the reading that is shown.

    Attributes:
        drawn: the figure.
        places: (30, 2) pixels, where its keypoints are now.
        scores: (30,) confidence, 0..1.
        directions: (29, 3) unit bone directions, camera frame.
        moved, pinned, ignored: names of keypoints.
    """

    drawn: DrawnFigure
    places: np.ndarray
    scores: np.ndarray
    directions: np.ndarray
    moved: frozenset[str]
    pinned: frozenset[str]
    ignored: frozenset[str]
    exchanged: bool

    def stored(self, name: str) -> str:
        """The name under which corrections keep a keypoint of the reading, and the other way round."""
        return _MIRROR[name] if self.exchanged else name

    def depth(self, end: str) -> float:
        """-1 to 1: sine of the angle by which the bone that ends there points away from the viewer."""
        bone = KEYPOINT_NAMES.index(end) - 1
        if end.endswith(("hip", "shoulder")):  # what counts is which of the two sides is nearer
            other = KEYPOINT_NAMES.index(_MIRROR[end]) - 1
            return float(self.directions[bone, 2] - self.directions[other, 2]) / 2
        return float(self.directions[bone, 2])


@lru_cache(maxsize=1)
def _loaded_body(path: Path | None, changed: float) -> Body:  # noqa: ARG001
    return load_body(path)


def body_of(context: bpy.types.Context) -> Body:
    """The body that poses are read for; the last one is remembered until its file changes."""
    from ..ui.preferences import body_file

    path = body_file(context)
    try:
        changed = path.stat().st_mtime if path is not None else 0.0
    except OSError:  # load_body says what is wrong with it
        changed = 0.0
    return _loaded_body(path, changed)


@lru_cache(maxsize=4)
def _rest_keypoints(body: Body, betas: tuple[float, ...]) -> np.ndarray:
    known = np.array(betas, np.float32)[: body.n_betas]
    return np.asarray(body.rest_keypoints(known), np.float64)


def _rest_of(body: Body, figure: Figure) -> np.ndarray:
    """(30, 3) metres: the T-pose in the figure's shape, remembered while it is dragged."""
    return _rest_keypoints(body, figure.hypotheses[0].betas)


@lru_cache(maxsize=4)
def _worked_out(drawn: DrawnFigure, body: Body) -> Corrected:
    rest = _rest_of(body, drawn.figure)
    corrections = drawn.corrections
    reading = reading_of(drawn.figure, corrections, rest)
    edit = edit_of(reading, corrections)

    def shown(names: Iterable[str]) -> frozenset[str]:
        return frozenset(_MIRROR[name] if reading.exchanged else name for name in names)

    return Corrected(
        drawn,
        edit.places,
        reading.scores,
        corrected_directions(reading, edit, rest),
        shown(corrections.moved),
        shown(corrections.pinned),
        shown(corrections.ignored),
        reading.exchanged,
    )


def figure_of(armature: bpy.types.Object) -> DrawnFigure | None:
    """The armature's figure as it is now, while it is dragged too. Raises InputError where it is damaged."""
    return _dragged.get(armature.session_uid) or kept_figure(armature)


def corrected(context: bpy.types.Context) -> Corrected | None:
    """The active armature's figure worked out; None where there is none or it is damaged."""
    armature = armature_of(context.active_object)
    if armature is None:
        return None
    try:
        drawn = figure_of(armature)
        return None if drawn is None else _worked_out(drawn, body_of(context))
    except SketchPoseError:
        return None


def obstacle(context: bpy.types.Context) -> str | None:
    """Why the active object's pose cannot be corrected; None where it can."""
    armature = armature_of(context.active_object)
    if armature is None:
        return "Select an armature that was posed from a drawing"
    if armature.mode not in {"OBJECT", "POSE"}:
        return "Go to object mode or pose mode first"
    if not armature.is_editable:
        return "The armature is linked from another file; make a library override of it first"
    try:
        kept = figure_of(armature)
    except InputError as error:
        return str(error).rstrip(".")
    if kept is None and PANELS in armature:
        return "The pose at this frame is no panel's; go to a panel of the storyboard"
    return "The armature was not posed from a drawing" if kept is None else None


def solved(drawn: DrawnFigure, body: Body) -> Hypothesis:
    """The pose after corrections."""
    return corrected_hypothesis(drawn.figure, drawn.corrections, _rest_of(body, drawn.figure))


def carried_out(context: bpy.types.Context, drawn: DrawnFigure) -> Figure:
    """The figure with its corrections carried out: keypoints where they are now, the corrected pose first."""
    return corrected_figure(drawn.figure, _rest_of(body_of(context), drawn.figure))


class Correction:
    """One act of correcting the active armature: bones follow each step, and it is kept or taken back at the end.

    Raises:
        SketchPoseError: the armature has no figure, its bones are no humanoid's, or a panel's keys are linked from
            another file; nothing has changed.
    """

    def __init__(self, context: bpy.types.Context) -> None:
        armature = armature_of(context.active_object)
        drawn = figure_of(armature) if armature is not None else None
        if armature is None or drawn is None:
            raise InputError("The armature was not posed from a drawing; select one that was.")
        self._armature = armature
        self._before = drawn
        if drawn.frame is not None:
            action_channels(armature)  # raises where its keys cannot be changed
        self._body = body_of(context)
        self._rig = LiveRig(armature, self._body)
        # A panel's drawing is seen from the figure's front, wherever a single one may have been seen from since.
        placement = kept_placement(armature) if drawn.frame is None else None
        self._seeing = None if placement is None else Seeing(armature, self._body, placement)
        self._bones = [(bone, bone.matrix_basis.copy(), bone.rotation_mode) for bone in armature.pose.bones]
        self.now = drawn

    @property
    def state(self) -> Corrected:
        """The figure as it is now."""
        return _worked_out(self.now, self._body)

    @property
    def start(self) -> Corrected:
        """The figure as it was when the act began."""
        return _worked_out(self._before, self._body)

    def show(self, corrections: Corrections) -> None:
        """Pose the armature by other corrections; not kept yet."""
        self.now = self._before.corrected(corrections)
        _dragged[self._armature.session_uid] = self.now
        self._rig.turn(self._pose())

    def keep(self, context: bpy.types.Context) -> None:
        """Keep what is shown with the armature, and set keys where auto-key is on; a panel's keys are changed."""
        scene = context.scene
        if self.now.frame is not None:
            self._change_keys(self.now.frame)
        elif scene.tool_settings.use_keyframe_insert_auto:
            self._rig.turn(self._pose(), scene.frame_current)
        keep_figure(self._armature, self.now)
        _dragged.pop(self._armature.session_uid, None)

    def _change_keys(self, frame: int) -> None:
        """Change the keys at a panel's frame, in the modes in which they are."""
        turned = []
        for bone, basis, mode in self._bones:
            if bone.matrix_basis != basis:
                bone.rotation_mode = mode  # turns the bone as far in it
                turned.append(bone)
        change_keys(self._armature, turned, frame)

    def _pose(self) -> Hypothesis:
        """The pose as the armature takes it: seen from where the drawing is seen, where that is known."""
        pose = solved(self.now, self._body)
        if self._seeing is None:
            return pose
        state = self.state
        _, seen = self._seeing.look(state.places, state.scores, pose)
        return self._seeing.turned(seen, pose)

    def take_back(self) -> None:
        """Put the bones back as they were."""
        _dragged.pop(self._armature.session_uid, None)
        for bone, basis, mode in self._bones:
            bone.rotation_mode = mode
            bone.matrix_basis = basis
        self._armature.update_tag()


def forget_drags() -> None:
    """Nothing is being dragged any more: another file was opened, or the extension is switched off."""
    _dragged.clear()


# ------------------------------------------------------------------------- what corrections are made of


def moved_to(state: Corrected, places: np.ndarray) -> Corrections:
    """The corrections with the keypoints at other places (30, 2), pixels."""
    corrections = state.drawn.corrections
    moved = dict(corrections.moved)
    for index in np.flatnonzero((places != state.places).any(-1)).tolist():
        x, y = places[index].tolist()
        moved[state.stored(KEYPOINT_NAMES[index])] = (x, y)
    return replace(corrections, moved=moved)


def flipped(state: Corrected, joint: str) -> Corrections:
    """The corrections with the bones that a joint turns round pointing to the other side in depth."""
    corrections = state.drawn.corrections
    sides = dict(corrections.sides)
    for end in FLIPS[joint]:
        sides[state.stored(end)] = 1.0 if state.depth(end) < 0 else -1.0
        if end.endswith(("hip", "shoulder")):
            sides.pop(state.stored(_MIRROR[end]), None)
    return replace(corrections, sides=sides)


def toggled(names: frozenset[str], name: str) -> frozenset[str]:
    """The names with one more or one less."""
    return names ^ {name}


def restored(state: Corrected, joints: Iterable[str]) -> Corrections:
    """The corrections without those of some joints."""
    corrections = state.drawn.corrections
    gone = {state.stored(joint) for joint in joints}
    return replace(
        corrections,
        moved={name: place for name, place in corrections.moved.items() if name not in gone},
        pinned=corrections.pinned - gone,
        ignored=corrections.ignored - gone,
        sides={name: side for name, side in corrections.sides.items() if name not in gone},
    )
