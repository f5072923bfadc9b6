"""The panel of corrections: handles on and off, readings, the chosen joint, what is written out."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import bpy

from ..editing import gizmos, operators, overlay
from .subpanel import Subpanel
from .translations import translated

if TYPE_CHECKING:
    from ..editing.corrected import Corrected

#: The limbs that have a button, and the joint by which each is turned round.
_LIMBS = (
    ("Left Arm", "left_elbow"),
    ("Right Arm", "right_elbow"),
    ("Left Forearm", "left_wrist"),
    ("Right Forearm", "right_wrist"),
    ("Left Leg", "left_knee"),
    ("Right Leg", "right_knee"),
    ("Left Shin", "left_ankle"),
    ("Right Shin", "right_ankle"),
)
_keymap_items: list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]] = []


def _show_or_hide(_self: object, context: bpy.types.Context) -> None:
    operators.redraw(context)


class SKETCH2POSE_PG_correcting(bpy.types.PropertyGroup):
    """What the person corrects at the moment; not saved."""

    on: bpy.props.BoolProperty(
        name="Correct",
        description="Show the joints of the active armature's drawing as handles in the 3D view",
        update=_show_or_hide,
    )
    show_drawing: bpy.props.BoolProperty(
        name="Show Drawing",
        description="Show the drawing under the handles",
        default=True,
        update=_show_or_hide,
    )
    joint: bpy.props.StringProperty(name="Joint", description="The joint that was dragged last")


class SKETCH2POSE_PT_correct(Subpanel, bpy.types.Panel):
    """Correct the pose over its drawing."""

    bl_label = "Correct"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Shown where an armature was posed from a drawing."""
        from ..rig.drawn_figure import PANELS, PROPERTY
        from ..rig.posing import armature_of

        armature = armature_of(context.active_object)
        return armature is not None and (PROPERTY in armature or PANELS in armature)

    def draw(self, context: bpy.types.Context) -> None:
        """Lay out the panel."""
        from ..editing.corrected import corrected, obstacle

        layout = self.layout
        assert layout is not None
        reason = obstacle(context)
        state = corrected(context)
        if reason is not None or state is None:
            sentence = f"{translated(reason)}." if reason else translated("The body file cannot be read.")
            layout.label(text=sentence, icon="ERROR")
            return
        correcting = context.window_manager.sketch2pose_correcting
        row = layout.row(align=True)
        row.prop(correcting, "on", toggle=True, icon="POSE_HLT")
        row.prop(correcting, "show_drawing", text="", icon="IMAGE_DATA")
        self._readings(layout, state)
        self._joint(layout, state, correcting.joint)
        layout.label(text="In Front or Behind")
        grid = layout.grid_flow(columns=2, row_major=True, even_columns=True, align=True)
        for text, joint in _LIMBS:
            icon = "TRIA_UP" if state.depth(joint) < 0 else "TRIA_DOWN"
            operator = grid.operator(operators.SKETCH2POSE_OT_flip_joint.bl_idname, text=text, icon=icon)
            operator.joint = joint
        column = layout.column(align=True)
        column.operator(operators.SKETCH2POSE_OT_reset_corrections.bl_idname, icon="LOOP_BACK")
        row = column.row(align=True)
        row.operator(operators.SKETCH2POSE_OT_export_labels.bl_idname, icon="EXPORT")
        row.operator(operators.SKETCH2POSE_OT_export_figure.bl_idname, icon="EXPORT")

    @staticmethod
    def _readings(layout: bpy.types.UILayout, state: Corrected) -> None:
        drawn = state.drawn
        readings, shown = drawn.figure.hypotheses, drawn.corrections.shown % len(drawn.figure.hypotheses)
        column = layout.column(align=True)
        if len(readings) > 1:
            row = column.row(align=True)
            show = operators.SKETCH2POSE_OT_show_reading.bl_idname
            row.operator(show, text="", icon="TRIA_LEFT").step = -1
            row.label(text=translated("Reading {0} of {1}").format(shown + 1, len(readings)))
            row.operator(show, text="", icon="TRIA_RIGHT").step = 1
            grid = column.grid_flow(columns=4, row_major=True, even_columns=True, align=True)
            for index, reading in enumerate(readings):
                # The arrows mark readings with left and right the other way round.
                icon = "ARROW_LEFTRIGHT" if reading.exchanged else "NONE"
                grid.operator(
                    show, text=f"{reading.score:.0%}", icon=icon, depress=index == shown
                ).index = index
        column.operator(operators.SKETCH2POSE_OT_exchange_sides.bl_idname, icon="ARROW_LEFTRIGHT")

    @staticmethod
    def _joint(layout: bpy.types.UILayout, state: Corrected, joint: str) -> None:
        from ..core.boundary import KEYPOINT_NAMES
        from ..core.handles import HANDLES, title

        if joint not in HANDLES:
            layout.label(text="Drag a joint in the 3D view", icon="HAND")
            return
        sure = state.scores[KEYPOINT_NAMES.index(joint)]
        corrected = joint in state.moved
        said = translated("corrected") if corrected else translated("{0} sure").format(f"{sure:.0%}")
        column = layout.column(align=True)
        column.label(text=f"{translated(title(joint))}: {said}", icon="HANDLE_FREE")
        row = column.row(align=True)
        pin, ignore = operators.SKETCH2POSE_OT_pin_joint, operators.SKETCH2POSE_OT_ignore_joint
        pinned, ignored = joint in state.pinned, joint in state.ignored
        row.operator(pin.bl_idname, icon="PINNED" if pinned else "UNPINNED", depress=pinned).joint = joint
        row.operator(
            ignore.bl_idname, icon="HIDE_ON" if ignored else "HIDE_OFF", depress=ignored
        ).joint = joint
        row.operator(operators.SKETCH2POSE_OT_reset_joint.bl_idname, text="", icon="LOOP_BACK").joint = joint


CLASSES = (SKETCH2POSE_PG_correcting, *operators.CLASSES, *gizmos.CLASSES, SKETCH2POSE_PT_correct)


def register() -> None:
    """Called once the classes are registered: the state, the overlay and the key."""
    bpy.types.WindowManager.sketch2pose_correcting = bpy.props.PointerProperty(type=SKETCH2POSE_PG_correcting)
    overlay.start()
    keys = bpy.context.window_manager.keyconfigs.addon
    if keys is not None:
        keymap = keys.keymaps.new(name="3D View", space_type="VIEW_3D")
        item = keymap.keymap_items.new(operators.SKETCH2POSE_OT_flip_hovered.bl_idname, "F", "PRESS")
        _keymap_items.append((keymap, item))


def unregister() -> None:
    """Take out what :func:`register` has put in."""
    overlay.stop()
    corrected = sys.modules.get(f"{gizmos.__package__}.corrected")
    if corrected is not None:
        corrected.forget_drags()
    while _keymap_items:
        keymap, item = _keymap_items.pop()
        keymap.keymap_items.remove(item)
    del bpy.types.WindowManager.sketch2pose_correcting
