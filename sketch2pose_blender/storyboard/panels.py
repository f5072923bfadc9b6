"""The storyboard's panels, kept with the scene, and their list in the sidebar."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false

from __future__ import annotations

from typing import Any

import bpy

from ..ui.panel import wrapped
from ..ui.subpanel import Subpanel
from ..ui.translations import translated

STATES = (
    ("WAITING", "Waiting", "Not posed yet"),
    ("POSED", "Posed", "An armature has its pose as keys"),
    ("FAILED", "Failed", "It could not be posed"),
)
_ICONS: dict[str, Any] = {"WAITING": "RADIOBUT_OFF", "POSED": "CHECKMARK", "FAILED": "ERROR"}


class SKETCH2POSE_PG_panel(bpy.types.PropertyGroup):
    """One panel; ``name`` is what its file calls it."""

    file: bpy.props.StringProperty(
        name="File",
        description="The panel's name in results: its file, and its number there",
        subtype="FILE_PATH",
    )
    source: bpy.props.StringProperty(name="Source", description="The file that it is in", subtype="FILE_PATH")
    picture: bpy.props.StringProperty(
        name="Picture",
        description="The image file that is posed; empty where it is put together of layers",
        subtype="FILE_PATH",
    )
    shot: bpy.props.StringProperty(name="Shot", description="The shot that it belongs to")
    frame: bpy.props.IntProperty(name="Frame", description="The frame at which the panel begins")
    duration: bpy.props.IntProperty(
        name="Duration", description="For how many frames the panel is seen", default=1, min=1
    )
    state: bpy.props.EnumProperty(name="State", description="What came of posing it", items=STATES)
    reason: bpy.props.StringProperty(name="Reason", description="Why it could not be posed")
    selected: bpy.props.BoolProperty(
        name="Selected", description="One of the panels that are posed where the selected ones are"
    )


class PoseChoices:
    """Which panels are posed, and how: the same in the sidebar and in the operator."""

    which: bpy.props.EnumProperty(
        name="Panels",
        description="Which panels are posed",
        items=(
            ("ALL", "All", "All panels"),
            ("SELECTED", "Selected", "Those with a tick in the list"),
            ("NOT_POSED", "Not Posed Yet", "Those that wait, and those that failed"),
        ),
    )
    target: bpy.props.EnumProperty(
        name="Target",
        description="What takes the poses",
        items=(
            (
                "NEW",
                "New Armature",
                "A new SMPL armature with its body, for the largest figure of each panel",
            ),
            ("SELECTED", "Selected Armatures", "The selected armatures, one a figure, from left to right"),
        ),
    )
    keys: bpy.props.EnumProperty(
        name="Keys",
        description="What happens between the panels",
        items=(
            ("STEPPED", "Stepped", "Each pose is held until the next"),
            ("SMOOTH", "Smooth", "Smoothly from pose to pose"),
        ),
    )


def _go_to_panel(storyboard: SKETCH2POSE_PG_storyboard, context: bpy.types.Context) -> None:  # noqa: ARG001
    """Called when a panel is clicked: its frame becomes the current one."""
    if 0 <= storyboard.active < len(storyboard.panels):
        storyboard.id_data.frame_set(storyboard.panels[storyboard.active].frame)


class SKETCH2POSE_PG_storyboard(PoseChoices, bpy.types.PropertyGroup):
    """The panels and the choices; saved with the scene."""

    panels: bpy.props.CollectionProperty(
        name="Panels", description="The storyboard's panels", type=SKETCH2POSE_PG_panel
    )
    active: bpy.props.IntProperty(
        name="Active Panel", description="The panel that was clicked; its frame is shown", update=_go_to_panel
    )


class SKETCH2POSE_UL_panels(bpy.types.UIList):
    """The list: shot and name, frame, number of frames."""

    def draw_item(
        self,
        context: bpy.types.Context,  # noqa: ARG002
        layout: bpy.types.UILayout,
        data: Any,  # noqa: ARG002
        item: Any,
        icon: int,  # noqa: ARG002
        active_data: Any,  # noqa: ARG002
        active_property: str,  # noqa: ARG002
    ) -> None:
        """Lay out a panel's row."""
        row = layout.row(align=True)
        row.prop(item, "selected", text="")
        name = f"{item.shot}  {item.name}" if item.shot else item.name
        row.label(text=name, icon=_ICONS[item.state], translate=False)
        times = row.row(align=True)
        times.alignment = "RIGHT"
        times.label(text=f"{item.frame} (+{item.duration})", translate=False)


class SKETCH2POSE_PT_storyboard(Subpanel, bpy.types.Panel):
    """Import a storyboard and pose its panels."""

    bl_label = "Storyboard"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Lay out the panel."""
        layout = self.layout
        assert layout is not None
        storyboard = context.scene.sketch2pose_storyboard
        layout.operator("sketch2pose.import_storyboard", icon="IMPORT")
        if not storyboard.panels:
            return
        layout.template_list(
            SKETCH2POSE_UL_panels.__name__, "", storyboard, "panels", storyboard, "active", rows=5
        )
        layout.use_property_split = True
        layout.use_property_decorate = False
        if 0 <= storyboard.active < len(storyboard.panels):
            _draw_active(layout, storyboard.panels[storyboard.active], context.region.width)
        for name in PoseChoices.__annotations__:
            layout.prop(storyboard, name)
        row = layout.row()
        row.scale_y = 1.3
        button = row.operator("sketch2pose.pose_panels", icon="ARMATURE_DATA")
        for name in PoseChoices.__annotations__:
            setattr(button, name, getattr(storyboard, name))


def _draw_active(layout: bpy.types.UILayout, panel: Any, width: int) -> None:
    """The panel's times, and why it failed."""
    column = layout.column(align=True)
    column.prop(panel, "frame")
    column.prop(panel, "duration")
    if panel.state == "FAILED":
        lines = layout.box().column(align=True)
        for index, line in enumerate(wrapped(translated(panel.reason), width)):
            lines.label(text=line, icon="ERROR" if index == 0 else "BLANK1", translate=False)


CLASSES = (
    SKETCH2POSE_PG_panel,
    SKETCH2POSE_PG_storyboard,
    SKETCH2POSE_UL_panels,
)


def register() -> None:
    """Called once the classes are registered: the list."""
    bpy.types.Scene.sketch2pose_storyboard = bpy.props.PointerProperty(type=SKETCH2POSE_PG_storyboard)


def unregister() -> None:
    """Take out what :func:`register` has put in."""
    del bpy.types.Scene.sketch2pose_storyboard
