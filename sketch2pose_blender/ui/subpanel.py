"""What the parts of the Sketch2Pose panel share."""

from __future__ import annotations

import bpy


class Subpanel:
    """A part of the panel in the 3D view's sidebar (N)."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Sketch2Pose"
    bl_parent_id = "SKETCH2POSE_PT_pose"


class ArmatureSubpanel(Subpanel):
    """A part that has something to say while an armature, or what it moves, is active; closed at first."""

    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Shown where there is an armature."""
        thing = context.active_object
        return thing is not None and (thing.type == "ARMATURE" or thing.find_armature() is not None)
