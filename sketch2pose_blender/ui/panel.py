"""The panel in the 3D view's sidebar (N)."""

from __future__ import annotations

import bpy

from . import operators, service, translations


class SKETCH2POSE_PT_pose(bpy.types.Panel):
    """Choose a drawing and pose it."""

    bl_label = "Sketch2Pose"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Sketch2Pose"

    def draw(self, context: bpy.types.Context) -> None:
        """Lay out the panel."""
        service.warm_up()
        translations.follow()
        layout = self.layout
        assert layout is not None
        layout.template_ID_preview(context.scene.sketch2pose, "image", open="image.open", hide_buttons=False)
        column = layout.column(align=True)
        column.operator(operators.SKETCH2POSE_OT_pose_new.bl_idname, icon="OUTLINER_OB_ARMATURE")
        column.operator(operators.SKETCH2POSE_OT_pose_selected.bl_idname, icon="POSE_HLT")

        status = operators.status
        if status.text:
            box = layout.box().column(align=True)
            # A label does not wrap.
            for index, line in enumerate(wrapped(translations.translated(status.text), context.region.width)):
                box.label(text=line, icon=status.icon if index == 0 else "BLANK1")


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines for a region of that width, pixels."""
    import textwrap

    return textwrap.wrap(text, max(16, int(width / (7.5 * bpy.context.preferences.system.ui_scale)) - 6))
