"""The panel of what is done with the pose that stands, and its keys at the current frame."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false, reportArgumentType=false

from __future__ import annotations

import bpy

from . import keep_operators
from .keep_operators import PoseKeeper
from .subpanel import ArmatureSubpanel


class SKETCH2POSE_OT_key_pose(PoseKeeper, bpy.types.Operator):
    """Key the armature's pose at the current frame: the bones that an artist poses, not hidden ones that rest"""

    bl_idname = "sketch2pose.key_pose"
    bl_label = "Key Pose"
    bl_options = {"REGISTER", "UNDO"}

    channels: bpy.props.EnumProperty(
        name="Channels",
        description="What is keyed",
        items=(
            ("ROTATION", "Rotation", "The rotations of the bones"),
            ("LOCATION", "Location", "The locations of bones that are not connected to their parent"),
            ("SCALE", "Scale", "The scales of bones that are scaled or have keys of it"),
        ),
        options={"ENUM_FLAG"},
        default={"ROTATION", "LOCATION", "SCALE"},
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Key the pose."""
        from ..rig.keys import key_pose
        from ..rig.posable import bones_to_key

        armature = keep_operators.active_armature(context)
        frame = context.scene.frame_current

        def key() -> None:
            bones = self.chosen(armature) or bones_to_key(armature, frame)
            locked = key_pose(armature, bones, frame, self.channels)
            if locked:
                self.report({"WARNING"}, f"Left alone, since their curves are locked: {', '.join(locked)}.")

        return self.guarded(key)


class SKETCH2POSE_PT_key(ArmatureSubpanel, bpy.types.Panel):
    """Keys, blending, mirroring and pose assets of the active armature."""

    bl_label = "Key and Keep"

    def draw(self, context: bpy.types.Context) -> None:
        """Lay out the buttons."""
        from ..rig.posing import armature_of

        layout = self.layout
        assert layout is not None
        armature = armature_of(context.active_object)
        keep = context.scene.sketch2pose_keep
        layout.prop(keep, "selected_only", icon="RESTRICT_SELECT_OFF")
        row = layout.row(align=True)
        row.prop(armature, "sketch2pose_blend_factor", slider=True)
        row.operator(keep_operators.SKETCH2POSE_OT_keep_pose.bl_idname, text="", icon="PINNED")
        column = layout.column(align=True)
        for operator, icon in (
            (SKETCH2POSE_OT_key_pose, "KEY_HLT"),
            (keep_operators.SKETCH2POSE_OT_mirror_pose, "MOD_MIRROR"),
            (keep_operators.SKETCH2POSE_OT_save_pose_asset, "ASSET_MANAGER"),
        ):
            column.operator(operator.bl_idname, icon=icon).selected_only = keep.selected_only


CLASSES = (*keep_operators.CLASSES, SKETCH2POSE_OT_key_pose, SKETCH2POSE_PT_key)
