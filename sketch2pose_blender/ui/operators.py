"""The operators: pose the chosen drawing into a new armature or into the selected one.

Invoked from the panel, the backend works in its own process while Blender goes on; ESC cancels. Called
from a script, or without a window, the operator waits. The scene changes once, at the end, as one undo
step; after a failure it is as it was.
"""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from . import preferences, service
from .act import Act
from .translations import translated

if TYPE_CHECKING:
    from ..core.boundary import Body, Hypothesis, PoseResult
    from ..core.client import PoseJob

# numpy and the backend's modules are imported where they are first used: switching the extension on
# should cost Blender's start nothing. The same goes for dataclasses in this folder: making one takes a
# millisecond, as long as importing the rest of its file.


class Status:
    """What the panel shows of the last job."""

    def __init__(self) -> None:
        self.text = ""
        self.icon: Any = "NONE"
        #: A PoseJob, or several drawings or a storyboard's reading, which are followed in the same way.
        self.job: Any = None

    def show(self, text: str, icon: Any) -> None:
        """Set the sentence and redraw the 3D views."""
        self.text, self.icon = text, icon
        for window in bpy.context.window_manager.windows:
            for area in window.screen.areas:
                if area.type == "VIEW_3D":
                    area.tag_redraw()

    @property
    def busy(self) -> bool:
        """Whether a job runs."""
        return self.job is not None and self.job.running


status = Status()


def stop() -> None:
    """Cancel the job that runs, if one does."""
    if status.job is not None:
        status.job.cancel()
    status.job = None
    status.text = ""


class _PoseOperator(Act):
    """What both operators share; they differ in the armature that takes the pose."""

    bl_options = {"UNDO"}

    #: What is done meanwhile, in words.
    doing = "Posing"
    _folder: Path | None = None
    _timer: bpy.types.Timer | None = None

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str | None:
        """Why the operator cannot run now."""
        if status.busy:
            return "A drawing is being posed; wait for it, or press ESC to cancel it"
        if context.scene.sketch2pose.image is None:
            return "Choose a drawing first"
        return None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Pose and wait for the result."""
        return self._guarded(context, self._start_and_wait)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:  # noqa: ARG002
        """Pose while Blender goes on."""
        if bpy.app.background:  # no events arrive there
            return self.execute(context)
        return self._guarded(context, self._start_modal)

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Look for the result now and then; ESC cancels."""
        if event.type == "ESC" and event.value == "PRESS":
            self.cancel(context)
            status.show("Cancelled.", "NONE")
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        return self._guarded(context, self._look)

    def cancel(self, context: bpy.types.Context) -> None:
        """Stop the job and leave nothing of it; Blender calls this too, when it opens another file."""
        if status.job is not None:
            status.job.cancel()
            status.job = None
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            context.workspace.status_text_set(None)
            self._timer = None
        if self._folder is not None:
            import shutil

            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def remember_target(self, context: bpy.types.Context) -> None:
        """Called at the start: what the user has selected counts, not what is selected when it is done."""

    def apply(
        self, context: bpy.types.Context, hypothesis: Hypothesis, body: Body, name: str
    ) -> bpy.types.Object:
        """Change the scene: all of it, or nothing and SketchPoseError. Returns the posed armature."""
        raise NotImplementedError

    def _guarded(self, context: bpy.types.Context, step: Callable[[bpy.types.Context], set[str]]) -> set[str]:
        """Take a step; a failure becomes one sentence."""
        from ..core.boundary import SketchPoseError

        try:
            outcome = step(context)
        except SketchPoseError as error:
            sentence = str(error)
        except Exception as error:
            # Blender would show a traceback; it goes to the console instead.
            import logging

            logging.getLogger(__name__).exception("posing failed")
            sentence = f"An unexpected error occurred ({type(error).__name__}: {error}); please report it."
        else:
            if "FINISHED" in outcome:
                self.cancel(context)
            return outcome
        self.cancel(context)
        status.show(sentence, "ERROR")
        self.report({"ERROR"}, translated(sentence))
        return {"CANCELLED"}

    def _start(self, context: bpy.types.Context) -> PoseJob:
        import tempfile

        from .image_files import image_file

        self.remember_target(context)
        image = context.scene.sketch2pose.image
        self._name, self._image_name = Path(image.name).stem, image.name
        self._folder = Path(tempfile.mkdtemp(prefix="sketch2pose-", dir=bpy.app.tempdir))
        status.job = service.submit(context, image_file(image, self._folder), name=self._name)
        return status.job

    def _start_and_wait(self, context: bpy.types.Context) -> set[str]:
        return self._finish(context, self._start(context).wait())

    def _start_modal(self, context: bpy.types.Context) -> set[str]:
        self._start(context)
        window_manager = context.window_manager
        self._timer = window_manager.event_timer_add(0.1, window=context.window)
        window_manager.modal_handler_add(self)
        self._show_progress(context)
        return {"RUNNING_MODAL"}

    def _look(self, context: bpy.types.Context) -> set[str]:
        if status.job is None:  # the extension was switched off meanwhile
            self.cancel(context)
            return {"CANCELLED"}
        result = status.job.poll()
        if result is not None:
            return self._finish(context, result)
        self._show_progress(context)
        return {"PASS_THROUGH"}

    def _show_progress(self, context: bpy.types.Context) -> None:
        job = status.job
        if job is None:
            return
        sentence = (
            f"{self.doing} {self._name}: {job.doing}, {job.progress:.0%}, {job.elapsed:.0f} s (ESC cancels)"
        )
        status.show(sentence, "SORTTIME")
        context.workspace.status_text_set(f"Sketch2Pose: {sentence}")

    def _finish(self, context: bpy.types.Context, result: PoseResult) -> set[str]:
        from ..core.boundary import load_body
        from ..rig.drawn_figure import remember_figure
        from ..rig.placement import forget_placement

        image = result.images[0]
        figure = image.figures[0]
        body = load_body(preferences.body_file(context))
        armature = self.apply(context, figure.hypotheses[0], body, self._name)
        forget_placement(armature)
        remember_figure(armature, self._image_name, (image.width, image.height), figure, body)
        others = len(figure.hypotheses) - 1
        hint = f" It can be read in {others + 1} ways: see Correct." if others else ""
        status.show(f"Posed {self._name} with {figure.score:.0%} confidence.{hint}", "CHECKMARK")
        return {"FINISHED"}


def _key_frame(context: bpy.types.Context) -> int | None:
    """The frame to key at: the current one when auto-key is on."""
    scene = context.scene
    return scene.frame_current if scene.tool_settings.use_keyframe_insert_auto else None


class SKETCH2POSE_OT_pose_new(_PoseOperator, bpy.types.Operator):
    """Pose a new SMPL armature with its body, at the 3D cursor, from the drawing"""

    bl_idname = "sketch2pose.pose_new"
    bl_label = "Pose New Armature"

    def apply(
        self, context: bpy.types.Context, hypothesis: Hypothesis, body: Body, name: str
    ) -> bpy.types.Object:
        """Build the armature and pose it."""
        import numpy as np

        from ..rig.armature import new_character
        from ..rig.posing import apply_pose

        betas = np.array(hypothesis.betas, np.float32)
        with new_character(context, body, betas, name) as armature:
            apply_pose(armature, hypothesis, body, _key_frame(context))
        return armature


class SKETCH2POSE_OT_pose_selected(_PoseOperator, bpy.types.Operator):
    """Pose the selected armature from the drawing: an SMPL armature, or any other humanoid rig"""

    bl_idname = "sketch2pose.pose_selected"
    bl_label = "Pose Selected Armature"

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str | None:
        """Why the operator cannot run now."""
        from ..rig.posing import armature_of

        # Whether it is a humanoid is looked at when the operator runs: this is asked at every redraw.
        armature = armature_of(context.active_object)
        if armature is None:
            return "Select an armature first"
        if not armature.is_editable:
            return "The armature is linked from another file; make a library override of it first"
        if armature.mode == "EDIT":
            return "Leave the armature's edit mode first"
        return super().obstacle(context)

    def remember_target(self, context: bpy.types.Context) -> None:
        """Remember the armature by its number, since undo and other edits invalidate references."""
        from ..core.boundary import InputError
        from ..rig.humanoid import find_humanoid
        from ..rig.posing import armature_of, find_smpl_armature

        armature = armature_of(context.active_object)
        assert armature is not None  # poll() has seen it
        if find_smpl_armature(armature) is None and find_humanoid(armature) is None:
            raise InputError(
                f"No arms, legs and spine were found among the bones of {armature.name}; select a humanoid rig."
            )
        self._target = armature.session_uid

    def apply(
        self, context: bpy.types.Context, hypothesis: Hypothesis, body: Body, name: str
    ) -> bpy.types.Object:
        """Pose the armature that was selected at the start."""
        from ..core.boundary import InputError

        armature = next((thing for thing in bpy.data.objects if thing.session_uid == self._target), None)
        if armature is None or armature.mode == "EDIT":
            raise InputError("The armature was removed or edited meanwhile; select it and pose it again.")
        left_alone = pose_armature(armature, hypothesis, body, _key_frame(context))
        if left_alone:
            self.report({"WARNING"}, f"{name}: {left_alone}")
        return armature


def pose_armature(
    armature: bpy.types.Object, hypothesis: Hypothesis, body: Body, key_frame: int | None
) -> str:
    """Pose an SMPL armature or another humanoid. Returns a sentence on bones that were left alone, or ""."""
    from ..core.boundary import InputError
    from ..rig.humanoid import find_humanoid, pose_humanoid
    from ..rig.pose_blend import keep_pose_before
    from ..rig.posing import apply_pose, find_smpl_armature
    from ..rig.root import root_rule

    keep_pose_before(armature)
    if find_smpl_armature(armature) is not None:
        apply_pose(armature, hypothesis, body, key_frame, root_rule(armature))
        return ""
    humanoid = find_humanoid(armature)
    if humanoid is None:
        raise InputError("The armature's bones were changed meanwhile; select it and pose it again.")
    left_alone = pose_humanoid(humanoid, hypothesis, body, key_frame, root_rule(armature))
    return f"left alone, since locked, driven or constrained: {', '.join(left_alone)}." if left_alone else ""
