"""What the extension's operators share: they say why they cannot be used, and fail in one sentence."""

from __future__ import annotations

from collections.abc import Callable

import bpy

from .translations import translated


class Act:
    """An operator's base: ``poll`` from the reason against it, failures as one sentence."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether nothing stands against it; Blender shows what does."""
        reason = cls.obstacle(context)
        if reason is not None:
            cls.poll_message_set(translated(reason))  # pyright: ignore[reportAttributeAccessIssue] - Operator's
        return reason is None

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str | None:
        """Why it cannot be used now, in English; None if it can."""
        raise NotImplementedError

    def guarded(self, step: Callable[[], None]) -> set[str]:
        """Take the step. Returns the operator's result; a failure becomes one sentence."""
        from ..core.boundary import SketchPoseError

        try:
            step()
        except SketchPoseError as error:
            self.report({"ERROR"}, translated(str(error)))  # pyright: ignore[reportAttributeAccessIssue] - Operator's
            return {"CANCELLED"}
        return {"FINISHED"}


def armature_obstacle(context: bpy.types.Context) -> str | None:
    """Why the active armature, or the one that moves the active object, cannot be changed; None if it can."""
    from ..rig.posing import armature_of

    armature = armature_of(context.active_object)
    if armature is None:
        return "Select an armature first"
    if not armature.is_editable:
        return "The armature is linked from another file; make a library override of it first"
    return None
