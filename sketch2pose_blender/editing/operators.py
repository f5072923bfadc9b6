"""The operators that correct a pose: each is one undo step and can be called from a script."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false

from __future__ import annotations

from pathlib import Path
from time import perf_counter, thread_time
from typing import TYPE_CHECKING, Any

import bpy

from ..ui.act import Act
from ..ui.translations import translated

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from ..core.boundary import Corrections
    from .corrected import Corrected

#: For each mouse move of the last drag, milliseconds until its bones were written: of the clock and of the processor.
drag_times: list[tuple[float, float]] = []


class _CorrectOperator(Act):
    """What they share: they need an armature that was posed from a drawing."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str | None:
        """Why the active object's pose cannot be corrected."""
        from .corrected import obstacle

        return obstacle(context)

    def correct(self, context: bpy.types.Context, change: Callable[[Corrected], Corrections]) -> set[str]:
        """Correct the pose in one step; a failure becomes one sentence and changes nothing."""
        from ..core.boundary import InputError, SketchPoseError
        from ..core.handles import HANDLES
        from .corrected import Correction

        joint = getattr(self, "joint", HANDLES[0])
        try:
            if joint not in HANDLES:
                raise InputError(f"{joint!r} is no joint that can be corrected; give {', '.join(HANDLES)}.")
            correction = Correction(context)
            try:
                correction.show(change(correction.state))
                correction.keep(context)
            except BaseException:
                correction.take_back()
                raise
        except SketchPoseError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        redraw(context)
        return {"FINISHED"}


def redraw(context: bpy.types.Context) -> None:
    """Redraw the 3D views."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


def _search_joints(_owner: object, _context: bpy.types.Context, _text: str) -> list[str]:
    from ..core.handles import HANDLES

    return list(HANDLES)


def _joint_property() -> Any:
    return bpy.props.StringProperty(
        name="Joint",
        description="The joint, such as left_wrist; left and right are the figure's own",
        search=_search_joints,
    )


def _confidence(context: bpy.types.Context, joint: str) -> str:
    from ..core.boundary import KEYPOINT_NAMES
    from ..core.handles import title
    from .corrected import corrected

    state = corrected(context)
    if state is None:
        return title(joint)
    if joint in state.ignored:
        said = "ignored"
    elif joint in state.pinned:
        said = "pinned"
    elif joint in state.moved:
        said = "corrected"
    else:
        said = f"{state.scores[KEYPOINT_NAMES.index(joint)]:.0%} sure"
    return f"{title(joint)}, {said}"


class SKETCH2POSE_OT_drag_joint(_CorrectOperator, bpy.types.Operator):
    """Move a joint over the drawing; the pose follows"""

    bl_idname = "sketch2pose.drag_joint"
    bl_label = "Drag Joint"

    joint: _joint_property()
    place: bpy.props.FloatVectorProperty(
        name="Place", description="Where the joint is in the drawing, pixels, x right, y down", size=2
    )
    carry: bpy.props.BoolProperty(
        name="Carry", description="Take along all that hangs on the joint (Ctrl)", options={"SKIP_SAVE"}
    )

    _correction: Any = None

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """The tooltip of a handle."""
        return (
            f"{_confidence(context, properties.joint)}. Drag: the bones follow. "
            "Ctrl: with all that hangs on it. F: in front or behind"
        )

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Move the joint to its place."""
        return self.correct(context, self._moved)

    def _moved(self, state: Corrected) -> Corrections:
        import numpy as np

        from ..core.handles import dragged
        from .corrected import moved_to

        place = np.array(self.place, np.float64)
        return moved_to(
            state, dragged(state.places, self.joint, place, state.pinned - {self.joint}, carry=self.carry)
        )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Begin to drag."""
        from ..core.boundary import KEYPOINT_NAMES, SketchPoseError
        from ..core.handles import title
        from .corrected import Correction

        if context.region_data is None:
            return self.execute(context)
        try:
            self._correction = Correction(context)
        except SketchPoseError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        drag_times.clear()
        self._from = self._pixel(context, event)
        self._origin = self._correction.start.places[KEYPOINT_NAMES.index(self.joint)]
        self._has_moved = False
        context.window_manager.sketch2pose_correcting.joint = self.joint
        context.window_manager.modal_handler_add(self)
        context.workspace.status_text_set(
            f"{title(self.joint)}: drag it    Ctrl: with all that hangs on it    Esc: cancel"
        )
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Follow the mouse."""
        if event.type in {"ESC", "RIGHTMOUSE"} and event.value == "PRESS":
            self._end(context, keep=False)
            return {"CANCELLED"}
        if event.type == "LEFTMOUSE" and event.value == "RELEASE":
            moved = self._has_moved
            self._end(context, keep=moved)
            return {"FINISHED"} if moved else {"CANCELLED"}
        if event.type in {"MOUSEMOVE", "LEFT_CTRL", "RIGHT_CTRL"}:
            start, busy = perf_counter(), thread_time()
            self._follow(context, event)
            drag_times.append((1000 * (perf_counter() - start), 1000 * (thread_time() - busy)))
        return {"RUNNING_MODAL"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Called by Blender when it ends the operator itself."""
        self._end(context, keep=False)

    def _pixel(self, context: bpy.types.Context, event: bpy.types.Event) -> np.ndarray | None:
        from .view import from_region

        assert self._correction is not None
        return from_region(context, self._correction.now, (event.mouse_region_x, event.mouse_region_y))

    def _follow(self, context: bpy.types.Context, event: bpy.types.Event) -> None:
        pixel = self._pixel(context, event)
        if pixel is None or self._from is None or self._correction is None:
            return
        place = self._origin + pixel - self._from
        if not self._has_moved and abs(pixel - self._from).max() == 0:
            return
        self._has_moved = True
        self.carry = event.ctrl
        self.place = place.tolist()
        self._correction.show(self._moved(self._correction.start))
        context.area.tag_redraw()

    def _end(self, context: bpy.types.Context, *, keep: bool) -> None:
        context.workspace.status_text_set(None)
        if self._correction is not None:
            if keep:
                self._correction.keep(context)
            else:
                self._correction.take_back()
            self._correction = None
        redraw(context)


class SKETCH2POSE_OT_flip_joint(_CorrectOperator, bpy.types.Operator):
    """Turn a limb round in depth: what points towards the viewer points away, and the other way round"""

    bl_idname = "sketch2pose.flip_joint"
    bl_label = "Flip Front/Behind"

    joint: _joint_property()

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """The tooltip of a button: which bones, and where they point now."""
        from ..core.handles import FLIPS, title
        from .corrected import corrected

        state = corrected(context)
        if state is None or properties.joint not in FLIPS:
            return str(cls.__doc__)
        side = "towards you" if state.depth(FLIPS[properties.joint][0]) < 0 else "away from you"
        return f"{title(properties.joint)} points {side}. Click to turn it round"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Flip it."""
        from .corrected import flipped

        return self.correct(context, lambda state: flipped(state, self.joint))


class SKETCH2POSE_OT_flip_hovered(_CorrectOperator, bpy.types.Operator):
    """Turn what hangs on the joint under the mouse round in depth, or on the one that was dragged last"""

    bl_idname = "sketch2pose.flip_hovered"
    bl_label = "Flip Under the Mouse"

    _joint = ""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only while handles are shown: its key belongs to others otherwise."""
        return context.window_manager.sketch2pose_correcting.on and super().poll(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Flip what is where the mouse is now."""
        from .gizmos import joint_at

        self._joint = joint_at(context, (event.mouse_region_x, event.mouse_region_y))
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Flip it."""
        from .corrected import flipped
        from .gizmos import hovered

        joint = self._joint or hovered() or context.window_manager.sketch2pose_correcting.joint
        if not joint:
            self.report({"WARNING"}, translated("Point at a joint first."))
            return {"CANCELLED"}
        return self.correct(context, lambda state: flipped(state, joint))


class SKETCH2POSE_OT_pin_joint(_CorrectOperator, bpy.types.Operator):
    """Say that a joint is right: it stays when others are dragged, and counts even if it was hardly seen"""

    bl_idname = "sketch2pose.pin_joint"
    bl_label = "Pin"

    joint: _joint_property()

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Pin it, or let it go again."""
        from dataclasses import replace

        from .corrected import toggled

        def change(state: Corrected) -> Corrections:
            corrections, name = state.drawn.corrections, state.stored(self.joint)
            return replace(
                corrections,
                pinned=toggled(corrections.pinned, name),
                ignored=corrections.ignored - {name},
            )

        return self.correct(context, change)


class SKETCH2POSE_OT_ignore_joint(_CorrectOperator, bpy.types.Operator):
    """Say that a joint is not drawn, or read where nothing is: its bones go to a relaxed pose"""

    bl_idname = "sketch2pose.ignore_joint"
    bl_label = "Ignore"

    joint: _joint_property()

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ignore it, or count it again."""
        from dataclasses import replace

        from .corrected import toggled

        def change(state: Corrected) -> Corrections:
            corrections, name = state.drawn.corrections, state.stored(self.joint)
            return replace(
                corrections,
                ignored=toggled(corrections.ignored, name),
                pinned=corrections.pinned - {name},
            )

        return self.correct(context, change)


class SKETCH2POSE_OT_reset_joint(_CorrectOperator, bpy.types.Operator):
    """Take back what was corrected at a joint, and at what goes with it"""

    bl_idname = "sketch2pose.reset_joint"
    bl_label = "Reset Joint"

    joint: _joint_property()

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Reset it."""
        from ..core.handles import FLIPS, FOLLOWERS
        from .corrected import restored

        joints = {self.joint, *FOLLOWERS.get(self.joint, ()), *FLIPS.get(self.joint, ())}
        return self.correct(context, lambda state: restored(state, joints))


class SKETCH2POSE_OT_reset_corrections(_CorrectOperator, bpy.types.Operator):
    """Take back all corrections: the pose is the one that was read from the drawing"""

    bl_idname = "sketch2pose.reset_corrections"
    bl_label = "Reset All"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Reset all, but keep to the reading that is shown."""
        from ..core.boundary import Corrections

        return self.correct(context, lambda state: Corrections(shown=state.drawn.corrections.shown))


class SKETCH2POSE_OT_exchange_sides(_CorrectOperator, bpy.types.Operator):
    """Exchange left and right: the figure faces the other way, every line of the drawing stays where it is"""

    bl_idname = "sketch2pose.exchange_sides"
    bl_label = "Exchange Left and Right"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Exchange them."""
        from dataclasses import replace

        def change(state: Corrected) -> Corrections:
            corrections = state.drawn.corrections
            return replace(corrections, exchanged=not corrections.exchanged)

        return self.correct(context, change)


class SKETCH2POSE_OT_show_reading(_CorrectOperator, bpy.types.Operator):
    """Pose the armature by another reading of its drawing; corrections stay on top"""

    bl_idname = "sketch2pose.show_reading"
    bl_label = "Show Reading"

    # Not remembered: a button sets the one, and the other must not be the last one's.
    index: bpy.props.IntProperty(
        name="Reading",
        description="Which reading, the likeliest one is 0",
        min=0,
        default=0,
        options={"SKIP_SAVE"},
    )
    step: bpy.props.IntProperty(
        name="Step",
        description="Instead: so many readings further on or back",
        default=0,
        options={"SKIP_SAVE"},
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Show it."""
        from dataclasses import replace

        def change(state: Corrected) -> Corrections:
            corrections, count = state.drawn.corrections, len(state.drawn.figure.hypotheses)
            index = corrections.shown + self.step if self.step else self.index
            return replace(corrections, shown=index % count, exchanged=False)

        return self.correct(context, change)


class _ExportOperator(_CorrectOperator):
    bl_options = {"REGISTER"}

    filepath: bpy.props.StringProperty(name="File", description="Where to write it", subtype="FILE_PATH")
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})
    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN"})
    suggested = "labels.json"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:  # noqa: ARG002
        """Ask for the file."""
        if not self.filepath:
            self.filepath = self.suggested
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def write(self, state: Corrected, path: Path) -> str:
        """Write the file; returns what to tell."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write the file."""
        from ..core.boundary import SketchPoseError
        from .corrected import corrected

        state = corrected(context)
        if state is None:  # poll() has seen it
            return {"CANCELLED"}
        path = Path(bpy.path.abspath(self.filepath)).with_suffix(".json")
        try:
            self.report({"INFO"}, self.write(state, path))
        except SketchPoseError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        except OSError as error:
            self.report({"ERROR"}, f"{path.name} cannot be written ({error.strerror}); choose another place.")
            return {"CANCELLED"}
        return {"FINISHED"}


class SKETCH2POSE_OT_export_labels(_ExportOperator, bpy.types.Operator):
    """Add the corrected joints to a file of labels, as `python -m training evaluate` reads them"""

    bl_idname = "sketch2pose.export_labels"
    bl_label = "Export Labels"

    def write(self, state: Corrected, path: Path) -> str:
        """Add the figure to the file, in place of what was there of it."""
        from ..core.labels import add_label, label_of
        from .corrected import carried_out

        drawn = state.drawn
        count = add_label(path, label_of(drawn.file, drawn.size, carried_out(bpy.context, drawn)))
        return f"{count} labelled figures are in {path.name}."


class SKETCH2POSE_OT_export_figure(_ExportOperator, bpy.types.Operator):
    """Write the corrected figure as poses.json"""

    bl_idname = "sketch2pose.export_figure"
    bl_label = "Export poses.json"
    suggested = "poses.json"

    def write(self, state: Corrected, path: Path) -> str:
        """Write the figure with its corrections carried out."""
        from ..core.labels import write_figure
        from .corrected import carried_out

        drawn = state.drawn
        write_figure(path, drawn.file, drawn.size, carried_out(bpy.context, drawn))
        return f"The figure is in {path.name}."


CLASSES = (
    SKETCH2POSE_OT_drag_joint,
    SKETCH2POSE_OT_flip_joint,
    SKETCH2POSE_OT_flip_hovered,
    SKETCH2POSE_OT_pin_joint,
    SKETCH2POSE_OT_ignore_joint,
    SKETCH2POSE_OT_reset_joint,
    SKETCH2POSE_OT_reset_corrections,
    SKETCH2POSE_OT_exchange_sides,
    SKETCH2POSE_OT_show_reading,
    SKETCH2POSE_OT_export_labels,
    SKETCH2POSE_OT_export_figure,
)
