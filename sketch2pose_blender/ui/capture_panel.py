"""The panel part that poses what is drawn in the scene."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from __future__ import annotations

import bpy

from . import live
from .capture_operators import DrawingChoices, SKETCH2POSE_OT_pose_drawing
from .subpanel import Subpanel


class SKETCH2POSE_PG_capture(DrawingChoices, bpy.types.PropertyGroup):
    """What is posed, and how; saved with the scene."""


class SKETCH2POSE_PT_capture(Subpanel, bpy.types.Panel):
    """Pose a drawing where it is."""

    bl_label = "Pose Drawing"

    def draw(self, context: bpy.types.Context) -> None:
        """Lay out the panel."""
        layout = self.layout
        assert layout is not None
        layout.use_property_split = True
        layout.use_property_decorate = False
        chosen = context.scene.sketch2pose_capture
        following = live.session() is not None
        column = layout.column()
        column.enabled = not following  # it was switched on with these
        column.prop(chosen, "source")
        drawing = _drawing(context, chosen.source)
        if chosen.source == "GREASE_PENCIL" and drawing is not None:
            column.prop_search(chosen, "layer", drawing.data, "layers")
        if chosen.source in {"GREASE_PENCIL", "ANNOTATION"}:
            column.prop(chosen, "view")
        if chosen.source == "IMAGE":
            column.prop(context.scene.sketch2pose, "image", text="Image")
        column.prop(chosen, "target")
        if chosen.target == "NEW":
            column.prop(chosen, "all_figures")
        column.prop(chosen, "size")
        column.prop(chosen, "on_ground")
        column.prop(chosen, "stretch")

        missing = _missing(context, chosen.source, drawing)
        row = layout.row(align=True)
        row.enabled = missing is None or following
        row.scale_y = 1.3
        buttons = [row.operator(SKETCH2POSE_OT_pose_drawing.bl_idname, icon="ARMATURE_DATA")]
        if chosen.source in live.SOURCES:
            button = row.operator(live.SKETCH2POSE_OT_live.bl_idname, icon="REC", depress=following)
            buttons.append(button)
        for operator in buttons:
            for name in ("source", "layer", "view", "target", "all_figures", "size", "on_ground", "stretch"):
                setattr(operator, name, getattr(chosen, name))
            if chosen.source in {"GREASE_PENCIL", "EMPTY"}:
                operator.object = drawing.name if drawing is not None else ""
        if missing is not None:
            layout.label(text=missing, icon="INFO")


def _drawing(context: bpy.types.Context, source: str) -> bpy.types.Object | None:
    from ..capture.sources import find_object, is_grease_pencil, is_reference_image

    fits = {"GREASE_PENCIL": is_grease_pencil, "EMPTY": is_reference_image}.get(source)
    return find_object(context, fits) if fits is not None else None


def _missing(context: bpy.types.Context, source: str, drawing: bpy.types.Object | None) -> str | None:
    """What the source lacks."""
    match source:
        case "GREASE_PENCIL" if drawing is None:
            return "Select a grease pencil drawing"
        case "EMPTY" if drawing is None:
            return "Select a reference image"
        case "IMAGE" if context.scene.sketch2pose.image is None:
            return "Choose an image"
        case "CAMERA" if context.scene.camera is None:
            return "The scene has no camera"
    return None
