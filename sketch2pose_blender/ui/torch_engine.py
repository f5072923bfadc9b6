"""The buttons that install, cancel and remove the torch engine, an environment of its own beside Blender."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from . import preferences
from .act import Act
from .translations import translated

if TYPE_CHECKING:
    from ..core.torch_environment import TorchEnvironment

_environment: TorchEnvironment | None = None
#: Seconds between two looks at the child process.
_TICK = 0.2


def environment() -> TorchEnvironment:
    """The environment in the user's folder of the extension, made or not."""
    global _environment  # noqa: PLW0603
    if _environment is None:
        from ..core.torch_environment import TorchEnvironment

        _environment = TorchEnvironment(Path(preferences.user_folder("torch")))
    return _environment


def stop() -> None:
    """Cancel what is being installed, and watch nothing any more."""
    global _environment  # noqa: PLW0603
    if bpy.app.timers.is_registered(_watch):
        bpy.app.timers.unregister(_watch)
    if _environment is not None:
        _environment.close()
        _environment = None


def _watch() -> float | None:
    """Blender's timer: take in what the child says."""
    it = environment()
    it.poll()
    preferences.redraw()
    return _TICK if it.busy else None


class _Button(Act):
    """What the buttons share: invoked they come back at once, called from a script they wait."""

    bl_options = {"INTERNAL"}

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str | None:  # noqa: ARG003
        """Why it cannot be pressed now."""
        return "Something is being installed or removed; wait for it" if environment().busy else None

    def start(self, context: bpy.types.Context) -> None:
        """Begin."""
        raise NotImplementedError

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:  # noqa: ARG002
        """Begin, and let a timer watch."""
        if bpy.app.background:  # no timers tick there
            return self.execute(context)
        self.start(context)
        if not bpy.app.timers.is_registered(_watch):
            bpy.app.timers.register(_watch, first_interval=_TICK)
        return {"FINISHED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Begin, and wait for the end."""
        self.start(context)
        it = environment()
        while it.busy:
            it.poll()
            time.sleep(0.05)
        if it.failed:
            self.report({"ERROR"}, translated(it.text))
            return {"CANCELLED"}
        return {"FINISHED"}


class SKETCH2POSE_OT_torch_install(_Button, bpy.types.Operator):
    """Install PyTorch for Sketch2Pose alone, in a folder of your own: several GB with CUDA. Blender's Python is not touched"""

    bl_idname = "sketch2pose.torch_install"
    bl_label = "Install PyTorch"

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str | None:
        """Why it cannot be pressed now."""
        if sys.platform != "linux":
            return "PyTorch is offered on Linux only; here ONNX Runtime uses the graphics card by itself"
        if not bpy.app.online_access and preferences.wheel_folder(context) is None:
            return (
                "Allow Online Access in the preferences first (System, Network), or choose a folder of wheels"
            )
        return super().obstacle(context)

    def start(self, context: bpy.types.Context) -> None:
        """Begin."""
        environment().install(preferences.wheel_folder(context))


class SKETCH2POSE_OT_torch_cancel(bpy.types.Operator):
    """Stop installing PyTorch and remove what has been installed of it"""

    bl_idname = "sketch2pose.torch_cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:  # noqa: ARG003
        """Whether something is being installed."""
        return environment().state == "installing"

    def execute(self, context: bpy.types.Context) -> set[str]:  # noqa: ARG002
        """Tell the child to stop; it cleans up."""
        environment().cancel()
        return {"FINISHED"}


class SKETCH2POSE_OT_torch_remove(_Button, bpy.types.Operator):
    """Delete PyTorch from Sketch2Pose's folder again"""

    bl_idname = "sketch2pose.torch_remove"
    bl_label = "Remove PyTorch"

    def start(self, context: bpy.types.Context) -> None:  # noqa: ARG002
        """Begin."""
        from . import service

        service.shut_down()  # it may be running there
        environment().remove()


CLASSES = (SKETCH2POSE_OT_torch_install, SKETCH2POSE_OT_torch_cancel, SKETCH2POSE_OT_torch_remove)


def draw(layout: bpy.types.UILayout) -> None:
    """The lines about the environment in the preferences."""
    it = environment()
    state = it.state
    column = layout.column(align=True)
    if state in ("installing", "cancelling", "removing"):
        row = column.row(align=True)
        text = it.text if state != "removing" else translated("Removing PyTorch")
        row.progress(factor=it.fraction or 0.0, text=text)
        if state == "installing":
            row.operator(SKETCH2POSE_OT_torch_cancel.bl_idname, text="", icon="X")
        return
    if state == "ready":
        versions = it.versions
        card = versions.get("cuda") or "no CUDA graphics card was found"
        column.label(text=f"PyTorch {versions.get('torch', '?')} is installed; {card}", icon="CHECKMARK")
        column.operator(SKETCH2POSE_OT_torch_remove.bl_idname, icon="TRASH")
    else:
        if state == "unfinished":
            column.label(text="An installation of PyTorch was left unfinished", icon="ERROR")
        column.prop(preferences.of(bpy.context), "wheel_folder")
        column.operator(SKETCH2POSE_OT_torch_install.bl_idname, icon="IMPORT")
        if state == "unfinished":
            column.operator(SKETCH2POSE_OT_torch_remove.bl_idname, text="Remove It", icon="TRASH")
    if it.text:
        preferences.wrapped(layout, it.text, "ERROR" if it.failed else "INFO")
