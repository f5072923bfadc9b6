"""The preferences' test of a prediction, and what a person copies into a report of a problem."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false

from __future__ import annotations

import os
import platform
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from . import preferences, service

if TYPE_CHECKING:
    from ..core.boundary import PoseResult
    from ..core.client import PoseJob

#: A stick figure, the drawing that is posed for a test.
DRAWING = Path(__file__).with_name("test_drawing.png")
_TICK = 0.02


class Trial:
    """A test: two predictions, the first with the program's start.

    Attributes:
        lines: what came of it, as the preferences show it; empty before the first test.
        failed: whether the lines tell of a failure.
        job: the prediction that runs.
        seconds: of the predictions so far.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.failed = False
        self.job: PoseJob | None = None
        self.seconds: list[float] = []
        self._start = 0.0

    @property
    def busy(self) -> bool:
        """Whether it runs."""
        return self.job is not None

    def start(self, context: bpy.types.Context) -> None:
        """Begin, anew if one runs. What goes wrong becomes a line."""
        # The button is never greyed: Blender would leave it so until the pointer has left it.
        self.stop()
        self.lines, self.failed, self.seconds = ["Posing a test drawing"], False, []
        self._submit(context)

    def poll(self, context: bpy.types.Context) -> None:
        """Look for the result; never waits."""
        from ..core.boundary import SketchPoseError

        if self.job is None:
            return
        try:
            result = self.job.poll()
        except SketchPoseError as error:
            self._fail(str(error))
            return
        if result is None:
            return
        self.seconds.append(time.perf_counter() - self._start)
        if len(self.seconds) == 1:
            self._submit(context)
        else:
            self.job = None
            self.lines = self._report(result)

    def stop(self) -> None:
        """Give it up."""
        if self.job is not None:
            self.job.cancel()
        self.job = None
        self.lines = []

    def _submit(self, context: bpy.types.Context) -> None:
        from ..core.boundary import SketchPoseError

        self._start = time.perf_counter()
        try:
            self.job = service.submit(context, DRAWING.read_bytes(), name="test")
        except (SketchPoseError, OSError) as error:
            self._fail(str(error))

    def _fail(self, sentence: str) -> None:
        self.job, self.failed, self.lines = None, True, [sentence]

    def _report(self, result: PoseResult) -> list[str]:
        generator = result.generator
        name, _, digest = generator.weights.partition("@")
        first, second = self.seconds
        server = preferences.server(bpy.context)[0]
        return [
            f"Everything works: posed in {1e3 * second:.0f} ms, {first:.1f} s with the program's start",
            *([f"Server: {server}"] if server else []),
            f"Engine: {generator.engine} on {generator.device}",
            f"Weights: {name} {digest[:12]}",
        ]


trial = Trial()


def stop() -> None:
    """End the test that runs."""
    if bpy.app.timers.is_registered(_watch):
        bpy.app.timers.unregister(_watch)
    trial.stop()


def _watch() -> float | None:
    """Blender's timer."""
    trial.poll(bpy.context)
    if trial.busy:
        return _TICK
    preferences.redraw()
    return None


class SKETCH2POSE_OT_test(bpy.types.Operator):
    """Pose a test drawing with these settings, and tell the engine, the device and the time"""

    bl_idname = "sketch2pose.test"
    bl_label = "Test"
    bl_options = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:  # noqa: ARG002
        """Test while Blender goes on."""
        if bpy.app.background:  # no timers tick there
            return self.execute(context)
        trial.start(context)
        if not bpy.app.timers.is_registered(_watch):
            bpy.app.timers.register(_watch, first_interval=_TICK)
        return {"FINISHED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Test and wait for the result."""
        trial.start(context)
        while trial.busy:
            trial.poll(context)
            time.sleep(0.002)
        self.report({"ERROR"} if trial.failed else {"INFO"}, "; ".join(trial.lines))
        return {"CANCELLED"} if trial.failed else {"FINISHED"}


class SKETCH2POSE_OT_copy_diagnostics(bpy.types.Operator):
    """Copy versions, settings and the last test's result to the clipboard, for a report of a problem"""

    bl_idname = "sketch2pose.copy_diagnostics"
    bl_label = "Copy Diagnostics"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Copy them."""
        context.window_manager.clipboard = diagnostics(context)
        self.report({"INFO"}, "The diagnostics are in the clipboard")
        return {"FINISHED"}


CLASSES = (SKETCH2POSE_OT_test, SKETCH2POSE_OT_copy_diagnostics)


def diagnostics(context: bpy.types.Context) -> str:
    """Versions, settings and the last test, one a line; no path but the body's name."""
    from ..core import machine
    from ..core.boundary import VERSION
    from .torch_engine import environment

    settings = preferences.of(context)
    body = preferences.body_file(context)
    torch = environment()
    lines = {
        "Sketch2Pose": VERSION,
        "Blender": f"{bpy.app.version_string} ({bpy.app.build_platform.decode(errors='replace')})",
        "Python": f"{platform.python_version()}, {Path(sys.executable).name}",
        "System": f"{platform.platform()}, {os.cpu_count()} processors",
        "Packages": ", ".join(_unpacked()) or "not unpacked",
        "Packages fit": machine.obstacle() or "yes",
        "Online access": "allowed" if bpy.app.online_access else "off",
        "Engine": f"{settings.engine} on {settings.device}",
        "PyTorch": f"{torch.state} {torch.versions or ''}".strip(),
        "Server": "another machine's" if preferences.server(context)[0] else "none",
        "Body": body.name if body else "the one that ships",
        "Last test": " | ".join(trial.lines) or "none",
    }
    return "\n".join(f"{name + ':':15}{value}" for name, value in lines.items())


def _unpacked() -> list[str]:
    """Name and version of the extension's packages as Blender has unpacked them."""
    from ..core import machine

    names = {path.name.split("-")[0].lower() for path in machine.WHEELS.glob("*.whl")}
    found = [path.name for folder in service.wheel_folders() for path in folder.glob("*.dist-info")]
    return sorted(
        name.removesuffix(".dist-info").replace("-", " ")
        for name in found
        if name.split("-")[0].lower() in names
    )
