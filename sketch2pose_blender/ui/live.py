"""Live: an armature takes the pose that is drawn, after each stroke.

Blender tells of each change of a grease pencil drawing; annotations have to be looked at by the timer. At the
end of a stroke the drawing is read and sent at once, before Blender draws the stroke on the screen, and an answer
that comes soon is taken before it too, so that stroke and pose are drawn together; within an act, such as a long
stroke or the moving of points, it is sent once the hand pauses. Otherwise the timer takes the answer and writes the
bones.

Undo: nothing here makes an undo step of its own but switching on and off. Undoing a stroke takes the stroke
away, and the drawing that is left is posed.
"""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import bpy

from . import operators, service
from .act import Act
from .capture_operators import DrawingChoices, placement, selected_armatures, view_of_result
from .translations import translated

if TYPE_CHECKING:
    from ..capture.sources import Source
    from ..core.boundary import Body, PoseResult
    from ..core.client import PoseJob
    from ..core.sketch import Sketch

#: Seconds between two looks.
PERIOD = 0.01
#: Seconds from Blender's telling of a stroke for which it is kept from drawing, so that the answer may come before.
#: The more answers in a row come too late, the more strokes are not waited for: so many at most.
PATIENCE, MOST_UNAWAITED = 0.04, 15
#: What is read less surely than this by its extent is looked for on the whole page. Nineteen of twenty figures are read
#: more surely, and nine of ten pages on which the extent is not a figure's less.
_SURE = 0.6
#: Sources that can be followed.
SOURCES = ("GREASE_PENCIL", "ANNOTATION")


class _OverError(Exception):
    """What was followed, or what followed, is gone; the text says which."""


class Times:
    """When the last steps were taken, time.monotonic() seconds; 0 for those to come.

    Attributes:
        changed: Blender told of the change.
        asked: the drawing was read and sent.
        shown: Blender had drawn the stroke, and came round again.
        answered: the answer was taken.
        written: the bones were written.
        drawn: Blender had drawn them, and came round again.
        busy: seconds of the processor that Blender's thread spent on reading, sending and writing.
    """

    def __init__(self, changed: float = 0.0) -> None:
        self.changed = changed
        self.asked = self.shown = self.answered = self.written = self.drawn = self.busy = 0.0


class _Followed:
    """An object by its number, since undo invalidates references, and by its name, since that is found faster."""

    def __init__(self, thing: bpy.types.Object) -> None:
        self.number: int = thing.session_uid
        self.name: str = thing.name

    def find(self) -> bpy.types.Object | None:
        thing = bpy.data.objects.get(self.name)
        if thing is None or thing.session_uid != self.number:
            thing = next((thing for thing in bpy.data.objects if thing.session_uid == self.number), None)
        return thing if thing is not None and thing.users_scene else None


class _Choices:
    """How the figure is to stand; see DrawingChoices."""

    def __init__(self, size: str, *, on_ground: bool, stretch: bool) -> None:
        self.size = size
        self.on_ground = on_ground
        self.stretch = stretch


class Live:
    """One armature that follows one drawing, from switching on to switching off.

    Args:
        context: tells the 3D view that strokes are seen in.
        source: the drawing; with the object's name, where it is one.
        choices: how the figure is to stand.
        armature: takes the poses.
        is_new: whether it was made for this drawing.
        body: what poses are read for.
    """

    def __init__(
        self,
        context: bpy.types.Context,
        source: Source,
        choices: _Choices,
        armature: bpy.types.Object,
        body: Body,
        *,
        is_new: bool,
    ) -> None:
        from ..core.latest import Latest

        self.times: deque[Times] = deque(maxlen=500)
        self._source = source
        self._choices = choices
        self._scene = context.scene.session_uid
        self._drawing = _Followed(context.scene.objects[source.object]) if source.object else None
        self._armature, self._is_new = _Followed(armature), is_new
        self._body = body
        self._area = context.area.as_pointer() if context.area is not None else 0
        self._latest = Latest(self._ask)
        self._sketch: Sketch | None = None
        self._depsgraph: bpy.types.Depsgraph | None = None
        self._by_extent = True
        self._mark: tuple[int, ...] = ()
        self._failures = 0
        # Where nothing is drawn there is nothing to be ahead of.
        self._patience = 0.0 if bpy.app.background else PATIENCE
        self._late = self._unawaited = 0
        self._updating = False
        self._time = Times()
        self._hooks: list[tuple[list[Any], Callable[..., None]]] = []
        self._timer = self.tick

    # ------------------------------------------------------------------------------------------ on and off

    def start(self) -> None:
        """Begin to follow. What is drawn already is posed."""
        handlers = bpy.app.handlers
        self._hooks = [
            (handlers.depsgraph_update_post, self._on_update),
            (handlers.undo_post, self._on_undo),
            (handlers.redo_post, self._on_undo),
            (handlers.load_pre, self._on_load),
        ]
        for hooks, hook in self._hooks:
            hooks.append(hook)
        bpy.app.timers.register(self._timer, first_interval=PERIOD)
        self._latest.change(ended=False)

    def stop(self) -> None:
        """Follow no more; nothing of it stays behind."""
        self._latest.cancel()
        for hooks, hook in self._hooks:
            if hook in hooks:
                hooks.remove(hook)
        self._hooks = []
        if bpy.app.timers.is_registered(self._timer):
            bpy.app.timers.unregister(self._timer)

    def take_back_unposed(self) -> None:
        """Remove the armature that was made for the drawing and never got a pose."""
        from ..rig.armature import remove_character

        armature = self._armature.find()
        if self._is_new and armature is not None and not _has_pose(armature):
            remove_character(armature)

    # --------------------------------------------------------------------------------- what Blender tells

    def _on_update(self, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
        # Writing bones evaluates the depsgraph once more, and that is told too.
        if scene.session_uid == self._scene and not self._updating and self._drew(depsgraph):
            self._updating = True
            # The depsgraph has just been evaluated; asking the context for it would do that again.
            self._depsgraph = depsgraph
            self._time = Times(time.monotonic())
            self._guarded(self._changed)
            self._depsgraph = None
            self._guarded(self._await)
            self._updating = False

    def _on_undo(self, *_: object) -> None:
        # Bones have gone back too, so that the drawing is posed again even if it is the same.
        self._sketch = None
        self._guarded(lambda: self._latest.change(ended=False))

    def _on_load(self, *_: object) -> None:
        switch_off()
        operators.status.text = ""

    def _drew(self, depsgraph: bpy.types.Depsgraph) -> bool:
        """Whether the drawing is among what was updated."""
        thing = self._drawing.find() if self._drawing is not None else None
        if thing is None:
            return False
        numbers = {thing.session_uid, thing.data.session_uid}
        return any(
            update.is_updated_geometry and update.id.original.session_uid in numbers
            for update in depsgraph.updates
        )

    def _changed(self) -> None:
        begin = time.thread_time()
        self._latest.change(ended=not _in_an_act())
        if self._latest.job is not None:
            self._latest.poll()  # sends it, before Blender draws
        self._time.busy += time.thread_time() - begin

    def _await(self) -> None:
        """Take the answer before Blender draws the stroke, if it comes soon."""
        end = self._time.changed + self._patience
        if self._unawaited:
            self._unawaited -= 1
            return
        while self._latest.job is not None and _session is self:
            if time.monotonic() > end:
                self._unawaited, self._late = self._late, min(2 * self._late + 1, MOST_UNAWAITED)
                return
            time.sleep(0.001)
            self.look()
        self._late = 0

    # -------------------------------------------------------------------------------------------- the work

    def tick(self) -> float | None:
        """Called by the timer."""
        if self.times and not self.times[-1].drawn:
            self.times[-1].drawn = time.monotonic()
        if self._time.asked and not self._time.shown:
            self._time.shown = time.monotonic()
        self._guarded(self.look)
        return PERIOD if _session is self else None

    def look(self) -> None:
        """Take the next step, if one is to be taken."""
        if self._drawing is not None and self._drawing.find() is None:
            raise _OverError("The drawing was removed, so Live was switched off.")
        if self._armature.find() is None:
            raise _OverError("The armature was removed, so Live was switched off.")
        if self._drawing is None:
            from ..capture.strokes import annotation_mark

            mark = annotation_mark(bpy.context.scene)
            if mark != self._mark:
                self._mark = mark
                self._time = Times(time.monotonic())
                self._changed()
        result = self._latest.poll()
        if result is not None:
            self._time.answered, begin = time.monotonic(), time.thread_time()
            if self._take(result):
                self._time.written = time.monotonic()
                self._time.busy += time.thread_time() - begin
                self.times.append(self._time)
                self._time = Times()

    def _guarded(self, step: Callable[[], None]) -> None:
        """Take a step; a failure becomes one sentence, and the next stroke is tried again where that makes sense."""
        from ..core.boundary import InputError, InstallError, SketchPoseError
        from ..core.client import ServerError

        try:
            step()
        except _OverError as over:
            _give_up(str(over), "INFO")
        except InputError as error:
            if self._by_extent and self._sketch is not None:
                # There may be other things around the figure.
                self._ask_for_the_whole()
            else:
                self._say(str(error), "INFO")
        except InstallError as error:
            _give_up(str(error), "ERROR")
        except ServerError as error:
            self._failures += 1
            if self._failures > 1:
                _give_up(f"{str(error).rstrip('.')}; Live was switched off.", "ERROR")
            else:
                self._sketch = None
                self._latest.change(ended=False)
        except SketchPoseError as error:  # busy
            self._say(str(error), "INFO")
        except Exception as error:
            import logging

            logging.getLogger(__name__).exception("live posing failed")
            _give_up(
                f"An unexpected error occurred ({type(error).__name__}: {error}); please report it.", "ERROR"
            )

    def _ask(self) -> PoseJob | None:
        """Send the drawing as it is now; nothing where it looks as it did."""
        import numpy as np

        from ..capture.sources import read_sketch

        before = self._sketch
        self._by_extent, self._sketch = False, None
        sketch = read_sketch(bpy.context, self._source, area=self._view_area(), depsgraph=self._depsgraph)
        self._sketch = sketch
        if before is not None and _same(before, sketch):
            return None
        self._by_extent = True
        job = self._submit(by_extent=True)
        self._time.asked = time.monotonic()
        assert isinstance(sketch.image, np.ndarray)
        return job

    def _ask_for_the_whole(self) -> None:
        self._by_extent = False
        self._guarded(self._send_again)

    def _send_again(self) -> None:
        self._latest.job = self._submit(by_extent=False)

    def _submit(self, *, by_extent: bool) -> PoseJob:
        from ..core.raster import MARGIN, png

        assert self._sketch is not None
        image: Any = self._sketch.image
        height, width = image.shape
        # A drawing whose place is given takes half the time of one that is looked for.
        box = (MARGIN, MARGIN, width - MARGIN, height - MARGIN) if by_extent else None
        return service.submit(bpy.context, png(image), name=self._sketch.name, box=box, hypotheses=1)

    def _take(self, result: PoseResult) -> bool:
        """Write the bones; False where that cannot be done now."""
        from ..rig.drawn_figure import DrawnFigure, keep_figure
        from ..rig.placement import pose_in_view

        figure, armature, sketch = result.images[0].figures[0], self._armature.find(), self._sketch
        assert armature is not None
        assert sketch is not None
        self._failures = 0
        if self._by_extent and figure.score < _SURE:
            self._ask_for_the_whole()
            return False
        if armature.mode == "EDIT":
            self._say("Leave the armature's edit mode; it takes the pose after the next stroke.", "INFO")
            return False
        with _window():
            view = view_of_result(sketch, result.images[0], bpy.context)
            place = placement(self._choices, sketch, view, is_new=self._is_new)
            _, paper = pose_in_view(
                armature,
                figure,
                figure.hypotheses[0],
                self._body,
                place,
                operators._key_frame(bpy.context),  # noqa: SLF001 - the operators of this folder share it
                move_object=self._is_new,
            )
            if not _has_pose(armature):
                for thing in (armature, *armature.children):
                    thing.hide_set(False)
            keep_figure(armature, DrawnFigure(sketch.name, view.size, figure, paper))
        self._say(f"{armature.name} follows {sketch.name}.", "CHECKMARK")
        return True

    def _view_area(self) -> bpy.types.Area | None:
        """The 3D view in which it was switched on; where that is gone, the largest."""
        areas = [
            area
            for window in bpy.context.window_manager.windows
            for area in window.screen.areas
            if area.type == "VIEW_3D"
        ]
        same = next((area for area in areas if area.as_pointer() == self._area), None)
        return same or max(areas, key=lambda area: area.width * area.height, default=None)

    def _say(self, sentence: str, icon: Any) -> None:
        if operators.status.text != sentence:
            operators.status.show(sentence, icon)


_session: Live | None = None


def session() -> Live | None:
    """What follows a drawing now."""
    return _session


def switch_off() -> None:
    """Stop following. Does nothing where nothing follows."""
    global _session  # noqa: PLW0603 - one drawing is followed at a time
    if _session is not None:
        _session.stop()
        _session = None


def _give_up(sentence: str, icon: Any) -> None:
    """Switch off by itself, and say why."""
    live = _session
    switch_off()
    if live is not None:
        live.take_back_unposed()
    operators.status.show(sentence, icon)


def _window() -> AbstractContextManager[Any]:
    """A context with a window: timers have none, nor has Blender in the background."""
    windows = bpy.context.window_manager.windows
    return bpy.context.temp_override(window=windows[0]) if len(windows) else nullcontext()


def _has_pose(armature: bpy.types.Object) -> bool:
    from ..rig.drawn_figure import PROPERTY

    return PROPERTY in armature


def _in_an_act() -> bool:
    """Whether a hand is at work: a stroke is being drawn, points are moved, or an animation plays."""
    windows = bpy.context.window_manager.windows
    return any(window.modal_operators or window.screen.is_animation_playing for window in windows)


def _same(one: Sketch, other: Sketch) -> bool:
    """Whether two drawings look the same, from the same place."""
    import numpy as np

    if one.view is None or other.view is None or one.anchor is None or other.anchor is None:
        return False
    rasters: tuple[Any, Any] = one.image, other.image
    return (
        np.array_equal(*rasters)
        and np.allclose(one.view.to_world, other.view.to_world)
        and np.allclose(one.view.centre, other.view.centre)
        and np.allclose(one.view.focal, other.view.focal)
        and np.allclose(one.anchor, other.anchor)
    )


class SKETCH2POSE_OT_live(DrawingChoices, Act, bpy.types.Operator):
    """Let an armature take the pose after each stroke, while you draw"""

    bl_idname = "sketch2pose.live"
    bl_label = "Live"
    bl_options = {"REGISTER", "UNDO"}

    action: bpy.props.EnumProperty(
        name="Action",
        description="What to do",
        items=(
            ("TOGGLE", "Toggle", "Switch on, or off where it is on"),
            ("ON", "On", "Follow the drawing, instead of what was followed"),
            ("OFF", "Off", "Follow no more; the last pose stays"),
        ),
        options={"SKIP_SAVE"},
    )
    object: bpy.props.StringProperty(
        name="Object", description="The grease pencil object; the active one if empty"
    )

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str | None:
        """Why it cannot be switched on or off now."""
        if _session is not None:
            return None
        if context.mode.startswith("EDIT_ARMATURE"):
            return "Leave the armature's edit mode first"
        if operators.status.busy:
            return "A drawing is being posed; wait for it, or press ESC to cancel it"
        return None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Switch on or off."""
        from ..core.boundary import SketchPoseError

        was_on = _session is not None
        live = _session
        if live is not None:
            switch_off()
            live.take_back_unposed()
        if self.action == "OFF" or (self.action == "TOGGLE" and was_on):
            operators.status.show("Live is off." if was_on else "Live was off.", "NONE")
            return {"FINISHED"}
        try:
            self._switch_on(context)
        except SketchPoseError as error:
            operators.status.show(str(error), "ERROR")
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        return {"FINISHED"}

    def _switch_on(self, context: bpy.types.Context) -> None:
        from ..capture.sources import Source, find_object, is_grease_pencil
        from ..core.boundary import InputError
        from ..editing.corrected import body_of

        if self.source not in SOURCES:
            raise InputError(
                "Live follows grease pencil drawings and annotations; choose one of these sources."
            )
        name, drawing = "Annotation", None
        if self.source == "GREASE_PENCIL":
            drawing = (
                context.scene.objects.get(self.object)
                if self.object
                else find_object(context, is_grease_pencil)
            )
            if drawing is None or not is_grease_pencil(drawing):
                raise InputError(
                    "There is no grease pencil drawing, or more than one; select the one to follow."
                )
            name = drawing.name
        service.start(context)
        body = body_of(context)
        is_new = self.target == "NEW"
        if is_new:
            armature = _posed_before(context, name) or _waiting_armature(context, body, name)
        else:
            armature = next(iter(selected_armatures(context).values()))
        source = Source(self.source, drawing.name if drawing is not None else "", self.layer, self.view)
        choices = _Choices(self.size, on_ground=self.on_ground, stretch=self.stretch)
        global _session  # noqa: PLW0603 - one drawing is followed at a time
        _session = Live(context, source, choices, armature, body, is_new=is_new)
        _session.start()
        operators.status.show(f"Live: draw, and {armature.name} follows.", "REC")


def _posed_before(context: bpy.types.Context, name: str) -> bpy.types.Object | None:
    """The SMPL armature in sight that was posed from this drawing where it is."""
    from ..core.boundary import InputError
    from ..rig.drawn_figure import kept_figure
    from ..rig.placement import kept_placement
    from ..rig.posing import find_smpl_armature

    for thing in context.visible_objects:
        if thing.type != "ARMATURE" or find_smpl_armature(thing) is None or not thing.is_editable:
            continue
        try:
            kept = kept_figure(thing)
        except InputError:
            continue
        if kept is not None and kept.file == name and kept_placement(thing) is not None:
            return thing
    return None


def _waiting_armature(context: bpy.types.Context, body: Body, name: str) -> bpy.types.Object:
    """A new armature, hidden until it has a pose; mode and selection stay as they are."""
    import numpy as np

    from ..rig.armature import build_character

    active, selected = context.view_layer.objects.active, context.selected_objects
    mode = active.mode if active is not None else "OBJECT"
    try:
        armature = build_character(context, body, np.zeros(body.n_betas, np.float32), name)
    finally:
        for thing in context.selected_objects:
            thing.select_set(False)
        for thing in selected:
            thing.select_set(True)
        context.view_layer.objects.active = active
        if mode != "OBJECT":
            bpy.ops.object.mode_set(mode=mode)
    for thing in (armature, *armature.children):
        thing.hide_set(True)
    return armature


CLASSES = (SKETCH2POSE_OT_live,)
