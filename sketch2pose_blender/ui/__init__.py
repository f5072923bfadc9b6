"""What the user sees: the sidebar panel, its operators, the preferences."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from __future__ import annotations

import bpy

from ..storyboard import import_operator, panels, pose_operator
from . import (
    capture_operators,
    capture_panel,
    correct_panel,
    diagnostics,
    export_menu,
    keep_operators,
    key_panel,
    live,
    operators,
    panel,
    preferences,
    retarget_operator,
    rig_panel,
    service,
    settings,
    torch_engine,
    translations,
)

_CLASSES = (
    settings.SKETCH2POSE_PG_settings,
    operators.SKETCH2POSE_OT_pose_new,
    operators.SKETCH2POSE_OT_pose_selected,
    panel.SKETCH2POSE_PT_pose,
    capture_panel.SKETCH2POSE_PG_capture,
    *capture_operators.CLASSES,
    *live.CLASSES,
    capture_panel.SKETCH2POSE_PT_capture,
    *panels.CLASSES,
    *import_operator.CLASSES,
    *pose_operator.CLASSES,
    panels.SKETCH2POSE_PT_storyboard,
    *correct_panel.CLASSES,
    *rig_panel.CLASSES,
    *torch_engine.CLASSES,
    *diagnostics.CLASSES,
    rig_panel.SKETCH2POSE_PT_rig,
    *key_panel.CLASSES,
    *retarget_operator.CLASSES,
    *export_menu.CLASSES,
    export_menu.SKETCH2POSE_PT_export,
)
_registered: list[type] = []


def register(root_package: str) -> None:
    """Register every class; ``root_package`` is the extension's name, which the preferences go by."""
    for cls in (*_CLASSES, preferences.define(root_package)):
        bpy.utils.register_class(cls)
        _registered.append(cls)
    bpy.types.Scene.sketch2pose = bpy.props.PointerProperty(type=settings.SKETCH2POSE_PG_settings)
    bpy.types.Scene.sketch2pose_capture = bpy.props.PointerProperty(type=capture_panel.SKETCH2POSE_PG_capture)
    bpy.types.Object.sketch2pose_rig = bpy.props.PointerProperty(
        type=rig_panel.SKETCH2POSE_PG_rig, override={"LIBRARY_OVERRIDABLE"}
    )
    keep_operators.register()
    correct_panel.register()
    panels.register()
    export_menu.add_to_menus()
    import_operator.add_to_menus()
    translations.register()


def unregister() -> None:
    """Stop what runs and take everything out of Blender again."""
    translations.unregister()
    live.switch_off()
    operators.stop()
    diagnostics.stop()
    torch_engine.stop()
    correct_panel.unregister()
    keep_operators.unregister()
    service.shut_down()
    import_operator.take_from_menus()
    export_menu.take_from_menus()
    panels.unregister()
    del bpy.types.Scene.sketch2pose, bpy.types.Scene.sketch2pose_capture, bpy.types.Object.sketch2pose_rig
    while _registered:
        bpy.utils.unregister_class(_registered.pop())
