"""Keys of the pose that stands: of all bones or of the selected ones, at the current frame."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false

from __future__ import annotations

import bpy

from .subpanel import ArmatureSubpanel


class SKETCH2POSE_OT_key_pose(bpy.types.Operator):
    """Key the armature's pose at the current frame"""

    bl_idname = "sketch2pose.key_pose"
    bl_label = "Key Pose"
    bl_options = {"REGISTER", "UNDO"}

    selected_only: bpy.props.BoolProperty(
        name="Selected Bones", description="Key the selected bones alone, not all of them", default=False
    )
    channels: bpy.props.EnumProperty(
        name="Channels",
        description="What is keyed",
        items=(
            ("ROTATION", "Rotation", "The rotations of the bones"),
            ("LOCATION", "Location", "The locations of bones that are not connected to their parent"),
        ),
        options={"ENUM_FLAG"},
        default={"ROTATION", "LOCATION"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether an armature that may be keyed is active."""
        from ..rig.posing import armature_of

        armature = armature_of(context.active_object)
        if armature is None or armature.mode == "EDIT" or not armature.is_editable:
            cls.poll_message_set("Select an armature of this file first, and leave its edit mode")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Key the pose."""
        from ..core.boundary import SketchPoseError
        from ..rig.keys import key_pose
        from ..rig.posing import armature_of

        armature = armature_of(context.active_object)
        assert armature is not None  # poll() has seen it
        # From Blender 5.0 on the selection is the pose bone's.
        own = bpy.app.version >= (5, 0)
        bones = armature.pose.bones
        chosen = [b for b in bones if not self.selected_only or (b if own else b.bone).select]
        if not chosen:
            self.report({"ERROR"}, "No bone is selected; select some, or key all of them.")
            return {"CANCELLED"}
        try:
            locked = key_pose(armature, chosen, context.scene.frame_current, self.channels)
        except SketchPoseError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if locked:
            self.report({"WARNING"}, f"Left alone, since their curves are locked: {', '.join(locked)}.")
        return {"FINISHED"}


class SKETCH2POSE_PT_key(ArmatureSubpanel, bpy.types.Panel):
    """Keys of the active armature."""

    bl_label = "Key"

    def draw(self, context: bpy.types.Context) -> None:  # noqa: ARG002
        """Lay out the buttons."""
        row = self.layout.row(align=True)
        row.operator(
            SKETCH2POSE_OT_key_pose.bl_idname, text="All Bones", icon="KEY_HLT"
        ).selected_only = False
        row.operator(SKETCH2POSE_OT_key_pose.bl_idname, text="Selected").selected_only = True


CLASSES = (SKETCH2POSE_OT_key_pose, SKETCH2POSE_PT_key)
