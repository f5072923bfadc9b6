"""File > Import > Storyboard: a project's boards, or images, as panels at their frames."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false, reportArgumentType=false

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..ui import operators, service

if TYPE_CHECKING:
    from ..core.panel_reader import Panel, PanelReader


class SKETCH2POSE_OT_import_storyboard(operators._PoseOperator, bpy.types.Operator):  # noqa: SLF001 - the operators share it
    """List the panels of a Storyboarder project, a folder, images, Photoshop or PDF files, each at its frame"""

    bl_idname = "sketch2pose.import_storyboard"
    bl_label = "Import Storyboard"
    #: The undo step is made at the end: Blender would make one too when the file browser closes.
    bl_options = {"REGISTER"}

    doing = "Importing"
    _browsing = False

    filepath: bpy.props.StringProperty(
        name="File",
        description="A Storyboarder project or screenplay, an image, a Photoshop or PDF file, or a folder of such",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    directory: bpy.props.StringProperty(
        name="Folder", description="The folder of the files", subtype="DIR_PATH", options={"SKIP_SAVE"}
    )
    files: bpy.props.CollectionProperty(
        name="Files",
        description="Files in the folder; all that it holds if empty",
        type=bpy.types.OperatorFileListElement,
        options={"SKIP_SAVE"},
    )
    filter_glob: bpy.props.StringProperty(
        default="*.storyboarder;*.fountain;*.psd;*.psb;*.pdf;*.png;*.jpg;*.jpeg;*.webp;*.gif;*.bmp;*.tif;*.tiff;*.ppm;*.pgm;*.pbm",
        options={"HIDDEN"},
    )
    seconds: bpy.props.FloatProperty(
        name="Seconds a Panel",
        description="How long a panel is seen whose file tells no times, such as an image",
        default=2.0,
        min=0.01,
        max=3600.0,
    )
    markers: bpy.props.BoolProperty(
        name="Markers", description="Set timeline markers where shots begin", default=True
    )

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str | None:  # noqa: ARG003
        """Why the operator cannot run now."""
        if operators.status.busy:
            return "A drawing is being posed; wait for it, or press ESC to cancel it"
        return None

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for files where none is named, as it is when one is dropped; Blender goes on while they are read."""
        if self._inputs():
            return super().invoke(context, event)
        self._browsing = True
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Read: while Blender goes on after the file browser, else wait."""
        if self._browsing:
            self._browsing = False
            return self._guarded(context, self._start_modal)
        return super().execute(context)

    def cancel(self, context: bpy.types.Context) -> None:
        """Read no further; closing the file browser stops nothing."""
        if not self._browsing:
            super().cancel(context)

    def draw(self, context: bpy.types.Context) -> None:  # noqa: ARG002
        """Lay out the options beside the file browser."""
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "seconds")
        layout.prop(self, "markers")

    def _inputs(self) -> list[str]:
        """Absolute paths of what was chosen: files, or the folder that the browser shows."""
        names = [element.name for element in self.files if element.name]
        if self.directory and names:
            return [str(Path(bpy.path.abspath(self.directory), name)) for name in names]
        chosen = self.filepath or self.directory
        return [str(Path(bpy.path.abspath(chosen)).absolute())] if chosen else []

    def _start(self, context: bpy.types.Context) -> PanelReader:
        from ..core.boundary import InputError
        from ..core.panel_reader import PanelReader

        inputs = self._inputs()
        if not inputs:
            raise InputError("No file was named; choose a storyboard or images.")
        self._name = _shown(Path(inputs[0]).name)
        command = service.server(context).backend("panels")
        operators.status.job = PanelReader(command, inputs, folder=bpy.app.tempdir or None)
        return operators.status.job

    def _finish(self, context: bpy.types.Context, panels: list[Panel]) -> set[str]:
        from ..core.boundary import InputError
        from ..core.panel_times import panel_frames

        scene = context.scene
        failed = [panel for panel in panels if panel.error]
        if len(failed) == len(panels):
            raise InputError(
                failed[0].error if failed else "It holds no drawings; choose another file or folder."
            )
        rate = scene.render.fps / scene.render.fps_base
        frames = panel_frames(panels, scene.frame_start, rate, self.seconds)
        _fill(scene, panels, frames)
        if self.markers:
            _mark_shots(scene, panels, frames)
        bpy.ops.ed.undo_push(message=self.bl_label)
        sentence = f"Imported {len(panels)} panels of {self._name}."
        if failed:
            sentence += f" {len(failed)} cannot be posed: click them to see why."
        operators.status.show(sentence, "CHECKMARK")
        return {"FINISHED"}


def _fill(scene: bpy.types.Scene, panels: list[Panel], frames: list[tuple[int, int]]) -> None:
    """Put the panels into the scene's list, in the place of those that were there."""
    storyboard = scene.sketch2pose_storyboard
    storyboard.panels.clear()
    for panel, (frame, duration) in zip(panels, frames, strict=True):
        item = storyboard.panels.add()
        item.name, item.shot = _shown(panel.name), _shown(panel.shot)
        item.file, item.source = panel.file, panel.source
        item.picture = "" if panel.picture is None else str(panel.picture)
        item.frame, item.duration = frame, duration
        if panel.error:
            item.state, item.reason = "FAILED", panel.error
    scene.frame_end = max(scene.frame_end, sum(frames[-1]) - 1)
    storyboard.active = 0


def _shown(name: str) -> str:
    """A name without what is no text: a file's may hold any bytes."""
    return name.encode("utf-8", "replace").decode()


def _mark_shots(scene: bpy.types.Scene, panels: list[Panel], frames: list[tuple[int, int]]) -> None:
    """A marker where each shot begins; panels that belong to none have their own. Those that are there stay."""
    there = {(marker.name, marker.frame) for marker in scene.timeline_markers}
    before = ("", "")
    for panel, (frame, _) in zip(panels, frames, strict=True):
        shot = panel.source, _shown(panel.shot or panel.name)
        if shot != before and (shot[1], frame) not in there:
            scene.timeline_markers.new(shot[1], frame=frame)
        before = shot


class SKETCH2POSE_FH_storyboard(bpy.types.FileHandler):
    """Storyboarder projects that are dropped on a 3D view or a timeline."""

    bl_idname = "SKETCH2POSE_FH_storyboard"
    bl_label = "Import Storyboard"
    bl_import_operator = SKETCH2POSE_OT_import_storyboard.bl_idname
    bl_file_extensions = ".storyboarder;.fountain"

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Only where panels are seen."""
        return context.area is not None and context.area.type in {"VIEW_3D", "DOPESHEET_EDITOR"}


def draw_in_file_menu(menu: bpy.types.Menu, context: bpy.types.Context) -> None:  # noqa: ARG001
    """The entry in File > Import."""
    menu.layout.operator(
        SKETCH2POSE_OT_import_storyboard.bl_idname,
        text="Storyboard (.storyboarder, images)",
        icon="ARMATURE_DATA",
    )


CLASSES = (SKETCH2POSE_OT_import_storyboard, SKETCH2POSE_FH_storyboard)


def add_to_menus() -> None:
    """Put the entry into File > Import."""
    bpy.types.TOPBAR_MT_file_import.append(draw_in_file_menu)


def take_from_menus() -> None:
    """Take it out again."""
    bpy.types.TOPBAR_MT_file_import.remove(draw_in_file_menu)
