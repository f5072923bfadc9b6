"""File > Export > Sketch2Pose, and the same from the sidebar: an armature's pose or animation as a file."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false, reportArgumentType=false

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy_extras.io_utils import ExportHelper

from . import preferences
from .subpanel import ArmatureSubpanel
from .translations import translated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..core.boundary import Body


class _Export(ExportHelper):
    """What the four exports share: which armature, which frames, one sentence where it fails."""

    bl_options = {"REGISTER"}

    frames: bpy.props.EnumProperty(
        name="Frames",
        description="Which frames are written",
        items=(
            ("ACTION", "Action", "All frames of the armature's action; the current one where it has none"),
            ("SCENE", "Scene", "The frames that the scene plays"),
            ("CURRENT", "Current", "The current frame alone"),
            ("RANGE", "Range", "From the first frame to the last, as given below"),
        ),
        default="ACTION",
    )
    frame_start: bpy.props.IntProperty(name="First", description="The first frame that is written", default=1)
    frame_end: bpy.props.IntProperty(name="Last", description="The last frame that is written", default=250)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether an armature is active."""
        from ..rig.posing import armature_of

        armature = armature_of(context.active_object)
        if armature is None or armature.mode == "EDIT":
            cls.poll_message_set(translated("Select an armature first, and leave its edit mode"))
            return False
        return True

    def draw(self, context: bpy.types.Context) -> None:  # noqa: ARG002
        """Lay out the options beside the file browser."""
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "frames")
        if self.frames == "RANGE":
            column = layout.column(align=True)
            column.prop(self, "frame_start")
            column.prop(self, "frame_end")
        if hasattr(self, "deform_only"):
            layout.prop(self, "deform_only")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write the file."""
        from ..core.boundary import InputError, SketchPoseError
        from ..rig.posing import armature_of

        armature = armature_of(context.active_object)
        assert armature is not None  # poll() has seen it
        path = Path(bpy.path.abspath(self.filepath))
        try:
            if not path.name:
                raise InputError("No file was named; give one.")
            frames = self._chosen(context, armature)
            self.write(context, armature, frames, path)
        except SketchPoseError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        self.report({"INFO"}, f"Wrote {len(frames)} frames to {path.name}")
        return {"FINISHED"}

    def write(
        self, context: bpy.types.Context, armature: bpy.types.Object, frames: Sequence[int], path: Path
    ) -> None:
        """Write the frames in the operator's own format."""
        raise NotImplementedError

    def _chosen(self, context: bpy.types.Context, armature: bpy.types.Object) -> Sequence[int]:
        from ..core.boundary import InputError
        from ..rig.animation import action_frames

        scene = context.scene
        if self.frames == "RANGE":
            if self.frame_end < self.frame_start:
                raise InputError("The last frame lies before the first; give a range that rises.")
            return range(self.frame_start, self.frame_end + 1)
        if self.frames == "SCENE":
            return range(scene.frame_start, scene.frame_end + 1)
        animation = armature.animation_data
        if self.frames == "ACTION" and animation is not None and animation.action is not None:
            return action_frames(armature)
        return [scene.frame_current]


def _body(context: bpy.types.Context) -> Body:
    from ..core.boundary import load_body

    return load_body(preferences.body_file(context))


class SKETCH2POSE_OT_export_bvh(_Export, bpy.types.Operator):
    """Write the armature's pose or animation as BVH, y up: joints by its bones' names"""

    bl_idname = "sketch2pose.export_bvh"
    bl_label = "Export BVH"

    filename_ext = ".bvh"
    filter_glob: bpy.props.StringProperty(default="*.bvh", options={"HIDDEN"})

    def write(
        self, context: bpy.types.Context, armature: bpy.types.Object, frames: Sequence[int], path: Path
    ) -> None:
        """Write BVH."""
        from ..rig.exporting import export_bvh

        export_bvh(armature, frames, path, _body(context))


class SKETCH2POSE_OT_export_npz(_Export, bpy.types.Operator):
    """Write the armature's pose or animation as SMPL poses with the keys of AMASS, z up"""

    bl_idname = "sketch2pose.export_npz"
    bl_label = "Export SMPL Poses"

    filename_ext = ".npz"
    filter_glob: bpy.props.StringProperty(default="*.npz", options={"HIDDEN"})

    def write(
        self, context: bpy.types.Context, armature: bpy.types.Object, frames: Sequence[int], path: Path
    ) -> None:
        """Write the npz."""
        from ..rig.exporting import export_npz

        export_npz(armature, frames, path, _body(context))


class SKETCH2POSE_OT_export_fbx(_Export, bpy.types.Operator):
    """Write the armature, the meshes that it deforms and its animation as FBX, without leaf bones"""

    bl_idname = "sketch2pose.export_fbx"
    bl_label = "Export FBX"

    filename_ext = ".fbx"
    filter_glob: bpy.props.StringProperty(default="*.fbx", options={"HIDDEN"})
    deform_only: bpy.props.BoolProperty(
        name="Deform Bones Only", description="Leave out the controls of a control rig", default=False
    )

    def write(
        self,
        context: bpy.types.Context,  # noqa: ARG002
        armature: bpy.types.Object,
        frames: Sequence[int],
        path: Path,
    ) -> None:
        """Write FBX."""
        from ..rig.exporting import export_fbx

        export_fbx(armature, frames, path, deform_only=self.deform_only)


class SKETCH2POSE_OT_export_gltf(_Export, bpy.types.Operator):
    """Write the armature, the meshes that it deforms and its animation as glTF"""

    bl_idname = "sketch2pose.export_gltf"
    bl_label = "Export glTF"

    filename_ext = ".glb"
    filter_glob: bpy.props.StringProperty(default="*.glb;*.gltf", options={"HIDDEN"})
    deform_only: bpy.props.BoolProperty(
        name="Deform Bones Only", description="Leave out the controls of a control rig", default=False
    )

    def check(self, context: bpy.types.Context) -> bool:
        """Keep the ending .gltf where somebody has typed it."""
        return not self.filepath.endswith(".gltf") and super().check(context)

    def write(
        self,
        context: bpy.types.Context,  # noqa: ARG002
        armature: bpy.types.Object,
        frames: Sequence[int],
        path: Path,
    ) -> None:
        """Write glTF."""
        from ..rig.exporting import export_gltf

        export_gltf(armature, frames, path, deform_only=self.deform_only)


#: The operators, with their entries in menu and panel.
_ENTRIES = (
    (SKETCH2POSE_OT_export_bvh, "BVH (.bvh)"),
    (SKETCH2POSE_OT_export_npz, "SMPL Poses (.npz)"),
    (SKETCH2POSE_OT_export_fbx, "FBX (.fbx)"),
    (SKETCH2POSE_OT_export_gltf, "glTF (.glb, .gltf)"),
)


class SKETCH2POSE_MT_export(bpy.types.Menu):
    """The formats."""

    bl_idname = "SKETCH2POSE_MT_export"
    bl_label = "Sketch2Pose"

    def draw(self, context: bpy.types.Context) -> None:  # noqa: ARG002
        """List the formats."""
        for operator, text in _ENTRIES:
            self.layout.operator(operator.bl_idname, text=text)


def draw_in_file_menu(menu: bpy.types.Menu, context: bpy.types.Context) -> None:  # noqa: ARG001
    """The entry in File > Export."""
    menu.layout.menu(SKETCH2POSE_MT_export.bl_idname, icon="ARMATURE_DATA")


class SKETCH2POSE_PT_export(ArmatureSubpanel, bpy.types.Panel):
    """Animation of the active armature: copied from elsewhere, written to files."""

    bl_label = "Copy & Export"

    def draw(self, context: bpy.types.Context) -> None:  # noqa: ARG002
        """Lay out the buttons."""
        from .retarget_operator import SKETCH2POSE_OT_retarget

        layout = self.layout
        assert layout is not None
        layout.operator(SKETCH2POSE_OT_retarget.bl_idname, icon="MOD_ARMATURE")
        layout.menu(SKETCH2POSE_MT_export.bl_idname, text="Export", icon="EXPORT")


CLASSES = (
    *(operator for operator, _ in _ENTRIES),
    SKETCH2POSE_MT_export,
)


def add_to_menus() -> None:
    """Put the entry into File > Export."""
    bpy.types.TOPBAR_MT_file_export.append(draw_in_file_menu)


def take_from_menus() -> None:
    """Take it out again."""
    bpy.types.TOPBAR_MT_file_export.remove(draw_in_file_menu)
