"""The extension's preferences: what computes poses and where, whose body, a test, and diagnostics."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

_root_package = ""

ENGINES = (
    ("auto", "Automatic", "ONNX Runtime, which comes with the extension"),
    ("onnx", "ONNX Runtime", "Comes with the extension; uses DirectML on Windows and CoreML on macOS"),
    (
        "torch",
        "PyTorch",
        "The same networks in PyTorch, on CUDA graphics cards too; has to be installed below",
    ),
)
DEVICES = (
    ("auto", "Automatic", "The best that works; else the processor"),
    ("cpu", "Processor", "Compute on the processor"),
    ("cuda", "CUDA", "Compute on an NVIDIA graphics card, or an AMD one with ROCm; needs PyTorch"),
    ("mps", "Apple GPU", "Compute on Apple's graphics processor; needs PyTorch"),
)


def define(root_package: str) -> type[bpy.types.AddonPreferences]:
    """The preferences class of the extension that Blender knows as ``root_package``."""
    global _root_package  # noqa: PLW0603
    _root_package = root_package

    class SKETCH2POSE_AP_preferences(bpy.types.AddonPreferences):
        """Settings for all files."""

        bl_idname = root_package

        engine: bpy.props.EnumProperty(name="Engine", description="What runs the networks", items=ENGINES)
        device: bpy.props.EnumProperty(
            name="Device", description="What the engine computes on", items=DEVICES
        )
        server_address: bpy.props.StringProperty(
            name="Server",
            description="Have drawings posed by a Sketch2Pose service on another machine, such as "
            "https://gpu.example.org:8765; by this machine if empty. Drawings are sent there",
        )
        server_token: bpy.props.StringProperty(
            name="Token", description="The token that the server was started with", subtype="PASSWORD"
        )
        server_certificate: bpy.props.StringProperty(
            name="Certificate",
            description="The certificate of a server that has one of its own; those that the system trusts if empty",
            subtype="FILE_PATH",
        )
        wheel_folder: bpy.props.StringProperty(
            name="Folder of Wheels",
            description="Install PyTorch from the wheels in this folder, without the internet; from the "
            "internet if this is empty",
            subtype="DIR_PATH",
        )
        body_file: bpy.props.StringProperty(
            name="SMPL Body",
            description="Your own SMPL body (.npz or .pkl) for new armatures; the one that ships is used if "
            "this is empty. No code in a .pkl is run",
            subtype="FILE_PATH",
        )

        def draw(self, context: bpy.types.Context) -> None:
            """Lay out the preferences."""
            draw(self, context)

    return SKETCH2POSE_AP_preferences


def draw(settings: Any, context: bpy.types.Context) -> None:
    """Lay out the preferences."""
    from ..core import machine
    from . import diagnostics, torch_engine, translations

    translations.follow()

    layout = settings.layout
    layout.use_property_split = True
    layout.use_property_decorate = False
    if obstacle := machine.obstacle():
        wrapped(layout, obstacle, "ERROR")

    column = layout.column()
    column.prop(settings, "engine")
    column.prop(settings, "device")
    if engine(context)[0] == "torch" or torch_engine.environment().state != "absent":
        torch_engine.draw(column.box())

    layout.prop(settings, "body_file")

    column = layout.column()
    column.prop(settings, "server_address")
    if settings.server_address:
        column.prop(settings, "server_token")
        column.prop(settings, "server_certificate")

    row = layout.row(align=True)
    row.operator(diagnostics.SKETCH2POSE_OT_test.bl_idname, icon="PLAY")
    row.operator(diagnostics.SKETCH2POSE_OT_copy_diagnostics.bl_idname, icon="COPYDOWN")
    trial = diagnostics.trial
    for index, line in enumerate(trial.lines):
        icon = "SORTTIME" if trial.busy else "ERROR" if trial.failed else "CHECKMARK"
        wrapped(layout, line, icon if index == 0 else "BLANK1")


def wrapped(layout: bpy.types.UILayout, text: str, icon: Any) -> None:
    """A sentence on as many lines as it needs: a label does not wrap."""
    import textwrap

    width = bpy.context.region.width if bpy.context.region is not None else 600
    letters = max(30, int(width / (8 * bpy.context.preferences.system.ui_scale)) - 8)
    column = layout.column(align=True)
    for index, line in enumerate(textwrap.wrap(text, letters)):
        column.label(text=line, icon=icon if index == 0 else "BLANK1")


def redraw() -> None:
    """Have the preferences drawn again where they are open."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PREFERENCES":
                area.tag_redraw()


def of(context: bpy.types.Context) -> Any:
    """The preferences, or None where the extension is run from its source and is none of Blender's."""
    addon = context.preferences.addons.get(_root_package)
    return addon.preferences if addon is not None else None


def engine(context: bpy.types.Context) -> tuple[str, str]:
    """Engine and device: one of ENGINES and one of DEVICES. A device that only PyTorch has means PyTorch."""
    settings = of(context)
    if settings is None:
        return "auto", "auto"
    with_torch = settings.engine == "auto" and settings.device in ("cuda", "mps")
    return "torch" if with_torch else settings.engine, settings.device


def body_file(context: bpy.types.Context) -> Path | None:
    """The user's own body, or None for the one that ships."""
    return _path(context, "body_file")


def server(context: bpy.types.Context) -> tuple[str, str, Path | None]:
    """Address, token and certificate of the service on another machine; an empty address for none."""
    settings = of(context)
    if settings is None or not settings.server_address.strip():
        return "", "", None
    return settings.server_address.strip(), settings.server_token, _path(context, "server_certificate")


def wheel_folder(context: bpy.types.Context) -> Path | None:
    """Where PyTorch is installed from, or None for the internet."""
    return _path(context, "wheel_folder")


def _path(context: bpy.types.Context, name: str) -> Path | None:
    settings = of(context)
    path = getattr(settings, name) if settings is not None else ""
    return Path(bpy.path.abspath(path)) if path else None


def user_folder(name: str) -> str:
    """A folder for the user's own files; Blender's own where the extension is run from its source."""
    try:
        return bpy.utils.extension_path_user(_root_package, path=name)
    except ValueError:  # not installed as an extension
        return bpy.utils.user_resource("CONFIG", path=f"sketch2pose/{name}")


def preset_folder() -> str:
    """Where the user's own tables of rigs lie."""
    return user_folder("rigs")
