"""The selected rig's bones as a table: found, corrected, calibrated, tried out, saved."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false

from __future__ import annotations

from pathlib import Path

import bpy

from . import preferences
from .act import Act, armature_obstacle
from .subpanel import ArmatureSubpanel

#: A joint whose bone is less sure than this is marked.
_UNSURE = 0.75
#: Joint turns of the test pose, radians about the SMPL rest frame's axes: a wave on one leg.
_TEST_POSE = {
    "left_hip": (-1.1, 0.0, 0.2),
    "left_knee": (1.3, 0.0, 0.0),
    "right_shoulder": (0.0, 0.0, -0.9),
    "right_elbow": (0.0, 0.6, -0.9),
    "left_shoulder": (0.0, -0.4, -0.9),
    "left_elbow": (0.0, -1.2, 0.0),
    "head": (0.0, 0.35, 0.0),
}


class SKETCH2POSE_PG_joint(bpy.types.PropertyGroup):
    """One row of the table; its name is the joint's."""

    bone: bpy.props.StringProperty(name="Bone", description="The rig's bone that turns as this joint does")
    confidence: bpy.props.FloatProperty(
        name="Confidence", description="How sure the bone was found", min=0.0, max=1.0
    )


class SKETCH2POSE_PG_rig(bpy.types.PropertyGroup):
    """What is kept with an armature that takes poses."""

    joints: bpy.props.CollectionProperty(
        type=SKETCH2POSE_PG_joint,
        name="Joints",
        description="The rig's bones",
        override={"LIBRARY_OVERRIDABLE", "USE_INSERTION"},
    )
    family: bpy.props.StringProperty(name="Family", description="The family of rigs that this one belongs to")
    title: bpy.props.StringProperty(name="Title", description="What kind of rig this is")
    keep_ik: bpy.props.BoolProperty(
        name="Keep Limbs in IK",
        description="Limbs of a control rig that are in IK stay in IK, and their hand, foot and pole controls are "
        "placed; otherwise they are switched to FK",
        default=False,
    )
    root: bpy.props.EnumProperty(
        name="Root",
        description="What the root does when the armature takes a pose",
        items=(
            ("GROUND", "On the Ground", "It stands on the ground of its rest pose; sideways the root stays"),
            (
                "FOOT",
                "Foot Planted",
                "It stands there, and the foot that carries it stays: from key to key it walks",
            ),
            ("STAY", "Stays", "The bones only turn; the root's place is neither changed nor keyed"),
        ),
        default="GROUND",
    )
    reference: bpy.props.StringProperty(
        name="Reference", description="The pose that counts as the resting one"
    )


class _RigOperator(Act):
    """What the rig's operators share: they work on the active armature, in one undo step."""

    bl_options = {"REGISTER", "UNDO"}
    needs_table = True

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str | None:
        """Why the active armature's table cannot be worked on."""
        from ..rig.posing import armature_of

        if reason := armature_obstacle(context):
            return reason
        if cls.needs_table and not len(armature_of(context.active_object).sketch2pose_rig.joints):
            return "Find the rig's bones first"
        return None


class SKETCH2POSE_OT_find_bones(_RigOperator, bpy.types.Operator):
    """Find the rig's bones by their names, or by its structure, and list them for correction"""

    bl_idname = "sketch2pose.find_bones"
    bl_label = "Find Bones"
    needs_table = False

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Fill the table."""
        return self.guarded(lambda: _fill(context))


def _fill(context: bpy.types.Context) -> None:
    from ..core.boundary import InputError
    from ..rig.humanoid import search_humanoid
    from ..rig.posing import armature_of
    from ..rig.rig_table import keep_table

    armature = armature_of(context.active_object)
    assert armature is not None  # poll() has seen it
    found = search_humanoid(armature)
    if found is None:
        raise InputError(
            f"No arms, legs and spine were found among the bones of {armature.name}; select a humanoid rig."
        )
    keep_table(armature, found.mapping, found.family.key if found.family else "", found.title)


class SKETCH2POSE_OT_forget_bones(_RigOperator, bpy.types.Operator):
    """Throw the table away: the bones are found anew each time"""

    bl_idname = "sketch2pose.forget_bones"
    bl_label = "Forget Bones"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Empty the table."""
        from ..rig.posing import armature_of

        kept = armature_of(context.active_object).sketch2pose_rig
        kept.joints.clear()
        kept.family = kept.title = kept.reference = ""
        return {"FINISHED"}


class SKETCH2POSE_OT_pose_as_rest(_RigOperator, bpy.types.Operator):
    """Take the rig's present pose for its T-pose: for rigs that rest in some other pose"""

    bl_idname = "sketch2pose.pose_as_rest"
    bl_label = "Use Pose as T-Pose"

    clear: bpy.props.BoolProperty(
        name="Clear", description="Go back to the pose that the bones rest in", default=False
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Keep the pose, or forget it."""
        from ..rig.posing import armature_of
        from ..rig.rig_table import keep_reference

        armature = armature_of(context.active_object)
        assert armature is not None  # poll() has seen it
        if self.clear:
            armature.sketch2pose_rig.reference = ""
        else:
            context.view_layer.update()
            keep_reference(armature)
        return {"FINISHED"}


class SKETCH2POSE_OT_test_pose(_RigOperator, bpy.types.Operator):
    """Put the rig into a test pose: one knee lifted, one arm waving; left and right should be the rig's own"""

    bl_idname = "sketch2pose.test_pose"
    bl_label = "Test Pose"
    needs_table = False

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Pose the rig."""
        return self.guarded(lambda: _try_out(context))


def _try_out(context: bpy.types.Context) -> None:
    from math import pi

    from ..core.boundary import JOINT_NAMES, CameraPose, Hypothesis, load_body
    from ..rig.posing import armature_of
    from .operators import pose_armature

    armature = armature_of(context.active_object)
    assert armature is not None  # poll() has seen it
    turns = tuple(_TEST_POSE.get(name, (0.0, 0.0, 0.0)) for name in JOINT_NAMES[1:])
    pose = Hypothesis(1.0, (pi, 0.0, 0.0), turns, (0.0,) * 10, CameraPose(1.0, 0.0, 0.0), {})
    pose_armature(armature, pose, load_body(preferences.body_file(context)), None)


class _FileOperator(_RigOperator):
    filepath: bpy.props.StringProperty(
        name="File", description="A rig's bones as a file", subtype="FILE_PATH"
    )
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:  # noqa: ARG002
        """Ask for the file."""
        if not self.filepath:
            self.filepath = str(Path(preferences.preset_folder()) / "rig.json")
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}


class SKETCH2POSE_OT_save_bones(_FileOperator, bpy.types.Operator):
    """Save the table as a file, for other armatures with the same bones"""

    bl_idname = "sketch2pose.save_bones"
    bl_label = "Save Bones"
    bl_options = {"REGISTER"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write the file."""
        from ..rig.posing import armature_of
        from ..rig.rig_table import kept_table, save_preset

        armature = armature_of(context.active_object)
        table = kept_table(armature) if armature is not None else None
        if table is None:  # poll() has seen it
            return {"CANCELLED"}
        path = Path(bpy.path.abspath(self.filepath)).with_suffix(".json")
        return self.guarded(lambda: save_preset(path, path.stem, table.mapping.bones))


class SKETCH2POSE_OT_load_bones(_FileOperator, bpy.types.Operator):
    """Fill the table from a file"""

    bl_idname = "sketch2pose.load_bones"
    bl_label = "Load Bones"
    needs_table = False

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Read the file."""
        return self.guarded(lambda: _load(context, Path(bpy.path.abspath(self.filepath))))


def _load(context: bpy.types.Context, path: Path) -> None:
    from ..core.boundary import InputError
    from ..core.rig_mapping import RigMapping
    from ..rig.posing import armature_of
    from ..rig.rig_table import keep_table, read_preset

    armature = armature_of(context.active_object)
    assert armature is not None  # poll() has seen it
    bones = read_preset(path)
    unknown = [bone for bone in bones.values() if bone not in armature.data.bones]
    if unknown:
        raise InputError(f"{armature.name} has no bone {unknown[0]}; {path.name} belongs to another rig.")
    keep_table(armature, RigMapping(bones, dict.fromkeys(bones, 1.0), 1.0), "", path.stem)


class SKETCH2POSE_PT_rig(ArmatureSubpanel, bpy.types.Panel):
    """The bones of the active rig."""

    bl_label = "Rig"

    def draw(self, context: bpy.types.Context) -> None:
        """Lay out the table."""
        from ..core.rig_families import families
        from ..rig.posing import armature_of

        layout = self.layout
        assert layout is not None
        armature = armature_of(context.active_object)
        assert armature is not None  # poll() has seen it
        kept = armature.sketch2pose_rig
        row = layout.row(align=True)
        row.operator(SKETCH2POSE_OT_find_bones.bl_idname, icon="VIEWZOOM")
        row.operator(SKETCH2POSE_OT_load_bones.bl_idname, text="", icon="FILE_FOLDER")
        if len(kept.joints):
            row.operator(SKETCH2POSE_OT_save_bones.bl_idname, text="", icon="FILE_TICK")
            row.operator(SKETCH2POSE_OT_forget_bones.bl_idname, text="", icon="TRASH")
        layout.operator(SKETCH2POSE_OT_test_pose.bl_idname, icon="ARMATURE_DATA")
        layout.prop(kept, "root")
        if not len(kept.joints):
            return
        layout.label(text=kept.title, icon="OUTLINER_OB_ARMATURE")
        row = layout.row(align=True)
        row.operator(SKETCH2POSE_OT_pose_as_rest.bl_idname, icon="OUTLINER_DATA_ARMATURE").clear = False
        if kept.reference:
            row.operator(SKETCH2POSE_OT_pose_as_rest.bl_idname, text="", icon="LOOP_BACK").clear = True
        if any(family.key == kept.family and family.ik for family in families()):
            layout.prop(kept, "keep_ik")
        column = layout.column(align=True)
        for joint in kept.joints:
            icon = "BLANK1" if not joint.bone else "CHECKMARK" if joint.confidence >= _UNSURE else "QUESTION"
            split = column.split(factor=0.4, align=True)
            split.label(text=joint.name.replace("_", " ").title(), icon=icon)
            split.prop_search(joint, "bone", armature.data, "bones", text="")


CLASSES = (
    SKETCH2POSE_PG_joint,
    SKETCH2POSE_PG_rig,
    SKETCH2POSE_OT_find_bones,
    SKETCH2POSE_OT_forget_bones,
    SKETCH2POSE_OT_pose_as_rest,
    SKETCH2POSE_OT_test_pose,
    SKETCH2POSE_OT_save_bones,
    SKETCH2POSE_OT_load_bones,
)
