"""Poses the panels of the storyboard as keys, each at its frame, onto one armature or the selected ones."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false, reportArgumentType=false

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..ui import operators, service
from ..ui.capture_operators import selected_armatures
from .panels import PoseChoices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..core.boundary import Body, Figure, ImageResult, Motion
    from ..core.client import PoseJob
    from ..core.panel_batch import PanelBatch

_root = __name__.rsplit(".", 2)[0]
#: What keying needs of Python and of us, in pieces: loaded while the pose program is at work.
_PIECES = (
    "numpy",
    *(
        f"{_root}.{name}"
        for name in ("core.retarget", "rig.posing", "rig.animation", "rig.drawn_figure", "editing.corrected")
    ),
)
#: What a rig's root does, by the artist's rule for single poses: from shot to shot no foot stays where it is.
_ROOTS = {"GROUND": "IN_PLACE", "FOOT": "IN_PLACE", "STAY": "NONE"}

#: Of each figure: as it was read, and the likeliest other one. All would be several times as much to keep with the file.
_READINGS = 2


class SKETCH2POSE_OT_pose_panels(PoseChoices, operators._PoseOperator, bpy.types.Operator):  # noqa: SLF001 - the operators share it
    """Pose the storyboard's panels and key each pose at its panel's frame; panels that fail say why in the list"""

    bl_idname = "sketch2pose.pose_panels"
    bl_label = "Pose Panels"

    _body: Any = None

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str | None:
        """Why the operator cannot run now."""
        if operators.status.busy:
            return "A drawing is being posed; wait for it, or press ESC to cancel it"
        if not context.scene.sketch2pose_storyboard.panels:
            return "Import a storyboard first"
        if context.mode.startswith("EDIT"):
            return "Leave the edit mode first"
        return None

    def remember_target(self, context: bpy.types.Context) -> None:
        """Remember the selected armatures from left to right, by number: edits invalidate references."""
        self._targets: list[int] = []
        if self.target == "SELECTED":
            armatures = selected_armatures(context)
            self._targets = sorted(armatures, key=lambda uid: armatures[uid].matrix_world.translation.x)

    def _start(self, context: bpy.types.Context) -> PanelBatch:
        from ..core.panel_batch import PanelBatch
        from ..core.panel_reader import PanelReader

        self.remember_target(context)
        panels = self._wanted(context)
        self._scene, self._name = context.scene.session_uid, "the storyboard"
        self._pictures = {panel.file: panel.picture for panel in panels}
        pictures = {file: Path(picture) if picture else None for file, picture in self._pictures.items()}
        apart = [panel for panel in panels if not panel.picture]
        reader = None
        if apart:
            sources = list(dict.fromkeys(panel.source for panel in apart))
            command = service.server(context).backend("panels")
            wanted = [panel.file for panel in apart]
            reader = PanelReader(command, sources, wanted, bpy.app.tempdir or None)
        self._characters = [_Character() for _ in self._targets or (None,)]
        submit = partial(_submit, len(self._characters))
        operators.status.job = PanelBatch(pictures, submit, self._take, reader)
        return operators.status.job

    def _look(self, context: bpy.types.Context) -> set[str]:
        if service.load_a_piece(_PIECES) is not None:
            return {"PASS_THROUGH"}
        return super()._look(context)

    def _take(self, file: str, image: ImageResult) -> None:
        """Called as the panels come: what takes time is done now, not for all of them at the end."""
        from ..editing.corrected import body_of

        self._body = body_of(bpy.context)
        for character, figure in zip(self._characters, image.figures, strict=False):
            character.take(file, image, self._pictures[file], figure, self._body)

    def _wanted(self, context: bpy.types.Context) -> list[Any]:
        from ..core.boundary import InputError

        panels = list(context.scene.sketch2pose_storyboard.panels)
        if self.which == "SELECTED":
            panels = [panel for panel in panels if panel.selected]
        elif self.which == "NOT_POSED":
            panels = [panel for panel in panels if panel.state != "POSED"]
        if not panels:
            raise InputError("None of the panels is meant; tick some in the list, or choose all.")
        return panels

    def _finish(self, context: bpy.types.Context, batch: PanelBatch) -> set[str]:
        from ..core.boundary import InputError

        scene = context.scene
        if scene.session_uid != self._scene:
            raise InputError(
                "Another scene is shown than at the start; go back to it and pose the panels again."
            )
        panels = {panel.file: panel for panel in scene.sketch2pose_storyboard.panels}
        frames = {file: panel.frame for file, panel in panels.items()}
        notes = self._key(context, frames) if self._characters[0].poses else []
        for file, panel in panels.items():
            if file in batch.posed:
                panel.state, panel.reason = "POSED", ""
            elif file in batch.failed:
                panel.state, panel.reason = "FAILED", batch.failed[file]
        self._tell(batch, notes)
        return {"FINISHED"}

    def _key(self, context: bpy.types.Context, frames: Mapping[str, int]) -> list[str]:
        """Key the poses of all panels, given their frames. Returns names of bones that were left alone."""
        body, smooth = self._body, self.keys == "SMOOTH"
        if self.target == "NEW":
            return self._key_new(context, frames, body)
        notes: list[str] = []
        armatures = [_found(uid) for uid in self._targets]
        for character, armature in zip(self._characters, armatures, strict=True):
            notes += character.key(armature, frames, body, smooth=smooth)
        return notes

    def _key_new(self, context: bpy.types.Context, frames: Mapping[str, int], body: Body) -> list[str]:
        """The same for a new armature, which is the target from now on."""
        import numpy as np

        from ..rig.armature import new_character

        (character,) = self._characters
        storyboard = context.scene.sketch2pose_storyboard
        betas, name = np.array(character.betas, np.float32), Path(storyboard.panels[0].source).stem
        with new_character(context, body, betas, name) as armature:
            notes = character.key(armature, frames, body, smooth=self.keys == "SMOOTH")
        storyboard.target = "SELECTED"
        return notes

    def _tell(self, batch: PanelBatch, notes: list[str]) -> None:
        count = len(batch.posed) + len(batch.failed)
        sentence = f"Posed {len(batch.posed)} of {count} panels."
        fewer = len(batch.posed) - len(self._characters[-1].poses)
        if fewer:
            sentence += f" {fewer} show fewer figures than armatures are selected."
        if batch.failed:
            sentence += f" {len(batch.failed)} failed: click them in the list to see why."
            self.report({"WARNING"}, sentence)
        operators.status.show(sentence, "ERROR" if batch.failed else "CHECKMARK")
        if notes:
            names = ", ".join(dict.fromkeys(notes))
            self.report({"WARNING"}, f"Left alone, since locked, driven or constrained: {names}.")


def _submit(figures: int, picture: Path, name: str) -> PoseJob:
    return service.submit(bpy.context, picture, name=name, figures=figures, hypotheses=_READINGS)


def _found(uid: int) -> bpy.types.Object:
    """An armature that was selected at the start. Raises InputError where it cannot be keyed any more."""
    from ..core.boundary import InputError

    armature = next((thing for thing in bpy.data.objects if thing.session_uid == uid), None)
    if armature is None or armature.mode == "EDIT":
        raise InputError("The armature was removed or edited meanwhile; select it and pose it again.")
    action = armature.animation_data.action if armature.animation_data is not None else None
    if action is not None and not action.is_editable:
        raise InputError(
            f"The action {action.name} is linked from another file; make it local or choose another action."
        )
    return armature


class _Character:
    """One figure from panel to panel; the first that comes decides on its shape."""

    def __init__(self) -> None:
        self.betas: tuple[float, ...] = ()
        #: Panel's name -> its pose, one frame.
        self.poses: dict[str, Motion] = {}
        #: Panel's name -> what is kept of its figure, so that it can be corrected.
        self.texts: dict[str, str] = {}

    def take(self, file: str, image: ImageResult, picture: str, figure: Figure, body: Body) -> None:
        """Take a panel's pose."""
        from dataclasses import replace

        from ..core.boundary import stand
        from ..rig.drawn_figure import panel_text

        self.betas = self.betas or figure.hypotheses[0].betas
        readings = tuple(replace(reading, betas=self.betas) for reading in figure.hypotheses)
        self.poses[file] = stand(readings[:1], body)
        name = Path(picture or file).name.encode("utf-8", "replace").decode()  # a file's may hold any bytes
        size = image.width, image.height
        self.texts[file] = panel_text(name, picture, size, replace(figure, hypotheses=readings))

    def key(
        self, armature: bpy.types.Object, frames: Mapping[str, int], body: Body, *, smooth: bool
    ) -> list[str]:
        """Key the poses onto an armature, which stays where it stands.

        Args:
            armature: an SMPL armature or another humanoid.
            frames: panel's name -> its frame; panels without one have been removed meanwhile.
            body: the body that the poses were read for.
            smooth: whether the armature moves from pose to pose, instead of holding each.

        Returns:
            Names of bones that were left alone: locked, driven or constrained ones.

        Raises:
            InputError: it is no humanoid, or cannot be keyed; nothing has changed.
        """
        from ..core.boundary import join
        from ..rig.animation import write_motion
        from ..rig.drawn_figure import remember_panels
        from ..rig.placement import forget_placement
        from ..rig.root import root_rule

        # Of two panels at one frame, if somebody has moved them there, the later one is seen.
        at = {frame: file for file, frame in frames.items() if file in self.poses}
        if not at:
            return []
        left_alone = write_motion(
            join([self.poses[at[frame]] for frame in sorted(at)]),
            armature,
            body,
            sorted(at),
            root=_ROOTS[root_rule(armature)],
            interpolation="BEZIER" if smooth else "CONSTANT",
            keep_between=True,
        )
        # What was kept of one drawing is not what the armature shows now.
        forget_placement(armature)
        remember_panels(armature, {frame: self.texts[file] for frame, file in at.items()}, body)
        return left_alone


CLASSES = (SKETCH2POSE_OT_pose_panels,)
