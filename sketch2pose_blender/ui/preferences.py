"""The extension's preferences: which body new armatures get."""

from __future__ import annotations

from pathlib import Path

import bpy

_root_package = ""


def define(root_package: str) -> type[bpy.types.AddonPreferences]:
    """The preferences class of the extension that Blender knows as ``root_package``."""
    global _root_package  # noqa: PLW0603
    _root_package = root_package

    class SKETCH2POSE_AP_preferences(bpy.types.AddonPreferences):
        """Settings for all files."""

        bl_idname = root_package

        body_file: bpy.props.StringProperty(
            name="SMPL body",
            description="Your own SMPL body (.npz) for new armatures; the one that ships is used if this is empty",
            subtype="FILE_PATH",
        )

        def draw(self, context: bpy.types.Context) -> None:  # noqa: ARG002
            """Lay out the preferences."""
            self.layout.prop(self, "body_file")

    return SKETCH2POSE_AP_preferences


def body_file(context: bpy.types.Context) -> Path | None:
    """The user's own body, or None for the one that ships."""
    addon = context.preferences.addons.get(_root_package)
    path = addon.preferences.body_file if addon is not None else ""
    return Path(bpy.path.abspath(path)) if path else None


def preset_folder() -> str:
    """Where the user's own files of the extension lie; Blender's own folder where it is run from its source."""
    try:
        return bpy.utils.extension_path_user(_root_package, path="rigs")
    except ValueError:  # not installed as an extension
        return bpy.utils.user_resource("CONFIG", path="sketch2pose")
