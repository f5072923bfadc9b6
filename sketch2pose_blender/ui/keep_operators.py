"""What is done with the pose that stands: blended with the one before, mirrored, saved as a pose asset."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false, reportArgumentType=false, reportCallIssue=false

from __future__ import annotations

from typing import Any

import bpy

from .act import Act, armature_obstacle

#: Blender keeps no copy of the texts that a list of choices is made of.
_library_items: list[tuple[str, str, str]] = []
_THIS_FILE = "LOCAL"


class PoseKeeper(Act):
    """What operators share that act on the active armature's pose, of all bones or of the selected ones."""

    selected_only: bpy.props.BoolProperty(
        name="Selected Bones", description="Only the selected bones, not all of them", default=False
    )

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str | None:
        """Why the active armature cannot be posed."""
        from ..rig.posing import armature_of

        armature = armature_of(context.active_object)
        in_edit_mode = armature is not None and armature.mode == "EDIT"
        return armature_obstacle(context) or (
            "Leave the armature's edit mode first" if in_edit_mode else None
        )

    def chosen(self, armature: bpy.types.Object) -> list[bpy.types.PoseBone] | None:
        """The selected bones, or None for all. Raises InputError where none is selected."""
        return chosen_bones(armature, selected_only=self.selected_only)


def chosen_bones(armature: bpy.types.Object, *, selected_only: bool) -> list[bpy.types.PoseBone] | None:
    """The selected bones, or None for all. Raises InputError where none is selected."""
    from ..core.boundary import InputError
    from ..rig.pose_state import selected_bones

    if not selected_only:
        return None
    bones = selected_bones(armature)
    if not bones:
        raise InputError("No bone is selected; select some, or switch Selected Bones off.")
    return bones


def active_armature(context: bpy.types.Context) -> bpy.types.Object:
    """The armature that poll() has seen."""
    from ..rig.posing import armature_of

    armature = armature_of(context.active_object)
    assert armature is not None
    return armature


def _names(bones: list[bpy.types.PoseBone] | None) -> list[str] | None:
    return None if bones is None else [bone.name for bone in bones]


def _key(armature: bpy.types.Object, names: list[str]) -> None:
    """Key bones where auto-key is on."""
    from ..rig.pose_state import key_bones

    scene = bpy.context.scene
    if scene.tool_settings.use_keyframe_insert_auto:
        key_bones((armature.pose.bones[name] for name in names), scene.frame_current)


def _blend(armature: bpy.types.Object, factor: float, *, selected_only: bool) -> None:
    from ..rig.pose_blend import blend_pose

    names = _names(chosen_bones(armature, selected_only=selected_only))
    _key(armature, blend_pose(armature, factor, names))


def _slider(armature: bpy.types.Object) -> float:
    from ..rig.pose_blend import blend_factor

    return blend_factor(armature)


def _slide(armature: bpy.types.Object, factor: float) -> None:
    """Called while the slider in the panel is dragged; Blender makes one undo step of the drag."""
    from ..rig.pose_state import selected_bones

    selected_only = bpy.context.scene.sketch2pose_keep.selected_only
    if (
        armature.type != "ARMATURE"
        or armature.mode == "EDIT"
        or (selected_only and not selected_bones(armature))
    ):
        return
    _blend(armature, factor, selected_only=selected_only)


class SKETCH2POSE_OT_blend_pose(PoseKeeper, bpy.types.Operator):
    """Put the bones between the pose before the drawing and the new one"""

    bl_idname = "sketch2pose.blend_pose"
    bl_label = "Blend Pose"
    bl_options = {"REGISTER", "UNDO"}

    factor: bpy.props.FloatProperty(
        name="Factor",
        description="0 is the pose before, 1 the new one",
        min=0.0,
        max=1.0,
        default=0.5,
        subtype="FACTOR",
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Blend."""
        armature = active_armature(context)
        return self.guarded(lambda: _blend(armature, self.factor, selected_only=self.selected_only))


class SKETCH2POSE_OT_keep_pose(PoseKeeper, bpy.types.Operator):
    """Blend from the pose that stands now: whatever the armature is posed to next, the slider leads back to it"""

    bl_idname = "sketch2pose.keep_pose"
    bl_label = "Blend from This Pose"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Keep the pose."""
        from ..rig.pose_blend import keep_pose_before

        return self.guarded(lambda: keep_pose_before(active_armature(context)))


class SKETCH2POSE_OT_mirror_pose(PoseKeeper, bpy.types.Operator):
    """Exchange left and right of the pose; selected bones take what the other side shows"""

    bl_idname = "sketch2pose.mirror_pose"
    bl_label = "Mirror Pose"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Mirror."""
        from ..rig.pose_blend import keep_pose_before
        from ..rig.pose_mirror import mirror_pose

        armature = active_armature(context)

        def mirror() -> None:
            names = _names(self.chosen(armature))
            keep_pose_before(armature)
            _key(armature, mirror_pose(armature, names))

        return self.guarded(mirror)


def _libraries(_self: object, _context: bpy.types.Context | None) -> list[tuple[str, str, str]]:
    from ..rig.pose_assets import user_libraries

    _library_items[:] = [
        (_THIS_FILE, "Current File", "The pose asset lies in this file"),
        *((name, name, str(path)) for name, path in user_libraries().items()),
    ]
    return _library_items


class SKETCH2POSE_OT_save_pose_asset(PoseKeeper, bpy.types.Operator):
    """Save the pose as a pose asset with a picture of it, for the asset browser and Blender's pose library"""

    bl_idname = "sketch2pose.save_pose_asset"
    bl_label = "Save Pose Asset"
    bl_options = {"REGISTER", "UNDO"}

    name: bpy.props.StringProperty(
        name="Name", description="The asset's; the drawing's or the armature's if empty"
    )
    catalog: bpy.props.StringProperty(
        name="Catalog",
        description="Where the asset browser lists it, such as Poses/Standing; made if it is new",
    )
    tags: bpy.props.StringProperty(
        name="Tags", description="Words that it is found by, with commas between them"
    )
    library: bpy.props.EnumProperty(
        name="Library", description="The asset library that it is saved to", items=_libraries
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:  # noqa: ARG002
        """Ask for name, catalog, tags and library."""
        if not self.properties.is_property_set("name"):
            self.name = _asset_name(active_armature(context))
        return context.window_manager.invoke_props_dialog(self, width=340)

    def draw(self, context: bpy.types.Context) -> None:  # noqa: ARG002
        """Lay out the dialog."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        for name in ("name", "library", "catalog", "tags", "selected_only"):
            layout.prop(self, name)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Save."""
        from ..rig import pose_assets
        from ..rig.posable import posable_bones

        armature = active_armature(context)

        def save() -> None:
            bones = self.chosen(armature) or posable_bones(armature)
            name = self.name.strip() or _asset_name(armature)
            tags = tuple(tag.strip() for tag in self.tags.split(",") if tag.strip())
            drawing = _drawing(armature)
            described = f"Posed from {drawing} with Sketch2Pose" if drawing else "Posed with Sketch2Pose"
            labels = pose_assets.AssetLabels(name, self.catalog, tags, described)
            if self.library == _THIS_FILE:
                pose_assets.save_pose_asset(armature, labels, bones)
                where = ""
            else:
                folder = pose_assets.user_libraries()[self.library]
                where = f" to {pose_assets.save_pose_to_library(armature, labels, bones, folder)}"
            _refresh_browsers(context)
            self.report({"INFO"}, f"Saved the pose asset {name}{where}.")

        return self.guarded(save)


def _drawing(armature: bpy.types.Object) -> str:
    from ..core.boundary import InputError
    from ..rig.drawn_figure import kept_figure

    try:
        drawn = kept_figure(armature)
    except InputError:  # damaged: the pose itself is still there
        return ""
    return drawn.file if drawn else ""


def _asset_name(armature: bpy.types.Object) -> str:
    from pathlib import Path

    return Path(_drawing(armature)).stem or armature.name


def _refresh_browsers(context: bpy.types.Context) -> None:
    """Have asset browsers look for what is new."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "FILE_BROWSER" and area.ui_type == "ASSETS":
                region = next((region for region in area.regions if region.type == "WINDOW"), None)
                with context.temp_override(window=window, area=area, region=region):
                    if bpy.ops.asset.library_refresh.poll():
                        bpy.ops.asset.library_refresh()


class SKETCH2POSE_PG_keep(bpy.types.PropertyGroup):
    """The panel's choice; saved with the scene."""

    selected_only: bpy.props.BoolProperty(
        name="Selected Bones",
        description="Key, blend, mirror and save the selected bones alone",
        default=False,
    )


CLASSES = (
    SKETCH2POSE_PG_keep,
    SKETCH2POSE_OT_blend_pose,
    SKETCH2POSE_OT_keep_pose,
    SKETCH2POSE_OT_mirror_pose,
    SKETCH2POSE_OT_save_pose_asset,
)


def register() -> None:
    """Called once the classes are registered: the panel's choice and the slider."""
    bpy.types.Scene.sketch2pose_keep = bpy.props.PointerProperty(type=SKETCH2POSE_PG_keep)
    slider: Any = bpy.props.FloatProperty(
        name="Blend",
        description="From the pose before, 0, to the new one, 1",
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        get=_slider,
        set=_slide,
        options={"SKIP_SAVE"},
    )
    bpy.types.Object.sketch2pose_blend_factor = slider


def unregister() -> None:
    """Take out what :func:`register` has put in."""
    del bpy.types.Scene.sketch2pose_keep, bpy.types.Object.sketch2pose_blend_factor
