"""Poses what is drawn in the scene, or brought into it, where it is drawn: one operator, many sources."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from mathutils import Vector

from . import operators, preferences, service

if TYPE_CHECKING:
    from ..core.boundary import Body, Figure, ImageResult, PoseResult
    from ..core.client import PoseJob
    from ..core.sketch import Sketch, View
    from ..rig.placement import Placement

SOURCES = (
    (
        "GREASE_PENCIL",
        "Grease Pencil",
        "The strokes of a grease pencil object at the current frame",
        "GREASEPENCIL",
        0,
    ),
    ("ANNOTATION", "Annotations", "The scene's annotations in the 3D view", "STROKE", 1),
    ("IMAGE", "Image", "An image in this file", "IMAGE_DATA", 2),
    ("EMPTY", "Reference Image", "An empty that shows an image", "IMAGE_REFERENCE", 3),
    ("CAMERA", "Camera Background", "The background image of the scene's camera", "CAMERA_DATA", 4),
    ("CLIPBOARD", "Clipboard", "The image on the clipboard, or the image file that it names", "PASTEDOWN", 5),
    ("FILE", "File", "An image file", "FILE_IMAGE", 6),
)
VIEWS = (
    ("AUTO", "As Seen Now", "From the 3D view; without one from the camera, or straight onto the drawing"),
    ("VIEWPORT", "3D View", "From the 3D view"),
    ("CAMERA", "Camera", "From the scene's camera"),
    ("PLANE", "Drawing's Plane", "Straight onto the plane that the strokes lie in"),
)
TARGETS = (
    ("NEW", "New Armature", "A new SMPL armature with its body for each figure"),
    ("SELECTED", "Selected Armatures", "The selected armatures, one a figure, from left to right"),
)
SIZES = (
    ("AUTO", "Automatic", "New armatures get the drawing's size, selected ones keep theirs"),
    ("DRAWING", "As Drawn", "Scale the armature to the drawing's size, at the drawing's distance"),
    (
        "KEEP",
        "Keep",
        "Keep the armature's size: under perspective it stands where it looks as large as drawn",
    ),
)


class _Target:
    """An armature that takes a figure, and what it takes to put it back."""

    def __init__(self, armature: bpy.types.Object, *, is_new: bool, before: _State | None = None) -> None:
        self.armature = armature
        self.is_new = is_new
        self.before = before


class _State:
    """How an armature stood before it was posed."""

    def __init__(self, armature: bpy.types.Object) -> None:
        from ..rig import drawn_figure, placement, pose_blend

        self.location, self.scale = armature.location.copy(), armature.scale.copy()
        self.bones = {
            bone.name: (bone.rotation_mode, bone.matrix_basis.copy()) for bone in armature.pose.bones
        }
        names = (drawn_figure.PROPERTY, placement.PROPERTY, pose_blend.PROPERTY)
        kept = {name: armature.get(name) for name in names}
        panels = armature.get(drawn_figure.PANELS)
        kept[drawn_figure.PANELS] = panels.to_dict() if hasattr(panels, "to_dict") else panels
        self.properties = kept

    def restore(self, armature: bpy.types.Object) -> None:
        armature.location, armature.scale = self.location, self.scale
        for name, (mode, matrix) in self.bones.items():
            bone = armature.pose.bones[name]
            bone.rotation_mode, bone.matrix_basis = mode, matrix
        for name, value in self.properties.items():
            if value is None:
                armature.pop(name, None)
            else:
                armature[name] = value


class DrawingChoices:
    """What is posed, and how: the same in the panel and in the operators."""

    source: bpy.props.EnumProperty(name="Source", description="What is posed", items=SOURCES)
    layer: bpy.props.StringProperty(
        name="Layer", description="The one layer that is posed; all visible, unlocked ones if empty"
    )
    view: bpy.props.EnumProperty(name="View", description="From where strokes are seen", items=VIEWS)
    target: bpy.props.EnumProperty(name="Target", description="What takes the pose", items=TARGETS)
    all_figures: bpy.props.BoolProperty(
        name="All Figures", description="Pose every figure in the drawing, each into a new armature"
    )
    size: bpy.props.EnumProperty(name="Size", description="How large the posed figure is", items=SIZES)
    on_ground: bpy.props.BoolProperty(
        name="On the Ground", description="Let the figure's lowest point stand on the ground, z = 0"
    )
    stretch: bpy.props.BoolProperty(
        name="Stretch Bones", description="Stretch the bones to the drawing's proportions"
    )


class _CaptureOperator(DrawingChoices, operators._PoseOperator):  # noqa: SLF001 - the operators of this folder share it
    """What the operators share that pose a drawing where it is."""

    bl_options = {"REGISTER", "UNDO"}

    object: bpy.props.StringProperty(
        name="Object", description="The grease pencil object or the reference image; the active one if empty"
    )
    image: bpy.props.StringProperty(name="Image", description="The image's name; the chosen one if empty")
    filepath: bpy.props.StringProperty(
        name="File", description="The image file", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str | None:
        """Why the operator cannot run now."""
        if operators.status.busy:
            return "A drawing is being posed; wait for it, or press ESC to cancel it"
        if context.mode.startswith("EDIT_ARMATURE"):
            return "Leave the armature's edit mode first"
        return None

    def remember_target(self, context: bpy.types.Context) -> None:
        """Remember the selected armatures from left to right, by number: edits invalidate references."""
        self._targets: list[int] = []
        if self.target == "NEW":
            return
        armatures = selected_armatures(context)
        view = self._sketch.view
        right = Vector((1.0, 0.0, 0.0) if view is None else view.rotation[:, 0].tolist())
        self._targets = sorted(armatures, key=lambda uid: armatures[uid].matrix_world.translation.dot(right))

    def _start(self, context: bpy.types.Context) -> PoseJob:
        import numpy as np

        from ..capture.sources import Source, read_sketch
        from ..core.raster import png

        source = Source(self.source, self.object, self.layer, self.view, self.image, self.filepath)
        self._sketch: Sketch = read_sketch(context, source)
        self.remember_target(context)
        self._name = self._sketch.name
        image = self._sketch.image
        data = png(image) if isinstance(image, np.ndarray) else image
        asked = None if self.all_figures else 1
        figures = len(self._targets) if self.target == "SELECTED" else asked
        operators.status.job = service.submit(context, data, name=self._name, figures=figures)
        return operators.status.job

    def _finish(self, context: bpy.types.Context, result: PoseResult) -> set[str]:
        from ..core.boundary import load_body

        image = result.images[0]
        body = load_body(preferences.body_file(context))
        view = view_of_result(self._sketch, image, context)
        targets: list[_Target] = []
        active, selected = context.view_layer.objects.active, context.selected_objects
        notes: list[str] = []
        try:
            for number, figure in enumerate(image.figures):
                target = self._target(context, figure, body, number, len(image.figures))
                if target is None:
                    break
                targets.append(target)
                notes += self._pose(context, target, figure, body, view)
        except BaseException:
            _take_back(targets)
            for thing in selected:
                thing.select_set(True)
            context.view_layer.objects.active = active
            raise
        for target in targets:
            target.armature.select_set(True)
        self._tell(image, len(targets), notes)
        return {"FINISHED"}

    def _target(
        self, context: bpy.types.Context, figure: Figure, body: Body, number: int, count: int
    ) -> _Target | None:
        """The armature for a figure; None where all selected ones have theirs."""
        import numpy as np

        from ..core.boundary import InputError
        from ..rig.armature import build_character
        from ..rig.pose_blend import keep_pose_before

        if self.target == "NEW":
            name = self._name if count == 1 else f"{self._name} {number + 1}"
            betas = np.array(figure.hypotheses[0].betas, np.float32)
            return _Target(build_character(context, body, betas, name), is_new=True)
        if number >= len(self._targets):
            return None
        armature = next((o for o in bpy.data.objects if o.session_uid == self._targets[number]), None)
        if armature is None or armature.mode == "EDIT":
            raise InputError("The armature was removed or edited meanwhile; select it and pose it again.")
        target = _Target(armature, is_new=False, before=_State(armature))
        keep_pose_before(armature)
        return target

    def _pose(
        self, context: bpy.types.Context, target: _Target, figure: Figure, body: Body, view: View
    ) -> list[str]:
        from ..rig.drawn_figure import DrawnFigure, keep_figure
        from ..rig.placement import pose_in_view

        left_alone, paper = pose_in_view(
            target.armature,
            figure,
            figure.hypotheses[0],
            body,
            placement(self, self._sketch, view, is_new=target.is_new),
            operators._key_frame(context),  # noqa: SLF001
            move_object=target.is_new,
        )
        keep_figure(target.armature, DrawnFigure(self._name, view.size, figure, paper))
        return left_alone

    def _tell(self, image: ImageResult, count: int, notes: list[str]) -> None:
        scores = [figure.score for figure in image.figures[:count]]
        posed = f"Posed {self._name}" if count == 1 else f"Posed {count} figures of {self._name}"
        sentence = f"{posed} with {min(scores):.0%} confidence."
        if len(image.figures) == 1 and len(image.figures[0].hypotheses) > 1:
            sentence += " It can be read in more ways than one: see Correct."
        if self.target == "SELECTED" and count < len(self._targets):
            sentence += f" Only {count} figures were found for {len(self._targets)} armatures."
        operators.status.show(sentence, "CHECKMARK")
        if notes:
            self.report({"WARNING"}, f"Left alone, since locked, driven or constrained: {', '.join(notes)}.")


def selected_armatures(context: bpy.types.Context) -> dict[int, bpy.types.Object]:
    """The selected armatures, and those of selected bodies, by their numbers, the active one first.

    Raises:
        InputError: none is selected, or one of them cannot be posed.
    """
    from ..core.boundary import InputError
    from ..rig.humanoid import find_humanoid
    from ..rig.posing import armature_of, find_smpl_armature

    things = [context.active_object, *context.selected_objects]
    armatures = {found.session_uid: found for found in map(armature_of, things) if found is not None}
    if not armatures:
        raise InputError("No armature is selected; select the one to pose, or pose a new one.")
    for armature in armatures.values():
        if not armature.is_editable:
            raise InputError(
                f"{armature.name} is linked from another file; make a library override of it first."
            )
        if find_smpl_armature(armature) is None and find_humanoid(armature) is None:
            raise InputError(
                f"No arms, legs and spine were found among the bones of {armature.name}; "
                "select a humanoid rig."
            )
    return armatures


def placement(choices: Any, sketch: Sketch, view: View, *, is_new: bool) -> Placement:
    """How a figure is to stand for its drawing.

    Args:
        choices: with ``size``, ``on_ground`` and ``stretch`` of :class:`DrawingChoices`.
        sketch: the drawing.
        view: the view whose pixels are those of the result.
        is_new: whether the armature was made for this drawing.
    """
    from ..rig.placement import Placement

    lies_nowhere = sketch.view is None
    scaled = choices.size == "DRAWING" or (choices.size == "AUTO" and is_new and not lies_nowhere)
    return Placement(
        view,
        view.eye if lies_nowhere else sketch.anchor,
        "scale" if scaled else "distance",
        on_ground=choices.on_ground or lies_nowhere,
        stretch=choices.stretch,
    )


def view_of_result(sketch: Sketch, image: ImageResult, context: bpy.types.Context) -> View:
    """The view whose pixels are those of the result.

    A picture that lies nowhere is looked at from the front, its figures in the middle at the 3D cursor.
    """
    from dataclasses import replace

    import numpy as np

    from ..core.boundary import InputError
    from ..core.sketch import View

    size = (image.width, image.height)
    if sketch.view is None:
        figures = image.figures
        cursor = np.array(context.scene.cursor.location)
        scale = float(np.median([figure.hypotheses[0].camera.scale for figure in figures]))
        view = View.facing(cursor, np.array([1.0, 0, 0]), np.array([0, 0, -1.0]), np.full(2, scale), size)
        return replace(view, centre=np.mean([figure.keypoints["pelvis"].xy for figure in figures], axis=0))
    step = np.array(sketch.view.size) / size
    if abs(step[0] / step[1] - 1) > 0.01:
        raise InputError(f"{sketch.name} is stored turned; save the image upright and open it again.")
    return sketch.view.part(np.zeros(2), float(step[0]), size)


def _take_back(targets: list[_Target]) -> None:
    from ..rig.armature import remove_character

    for target in targets:
        if target.is_new:
            remove_character(target.armature)
        elif target.before is not None:
            target.before.restore(target.armature)


class SKETCH2POSE_OT_pose_drawing(_CaptureOperator, bpy.types.Operator):
    """Pose an armature from a drawing, where the drawing is, seen from where it was drawn"""

    bl_idname = "sketch2pose.pose_drawing"
    bl_label = "Pose Drawing"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the file, where a file is meant and none is named; else pose while Blender goes on."""
        if self.source == "FILE" and not self.filepath:
            context.window_manager.fileselect_add(self)
            return {"RUNNING_MODAL"}
        return super().invoke(context, event)


class SKETCH2POSE_OT_pose_dropped(_CaptureOperator, bpy.types.Operator):
    """Pose a new armature from an image file that is dropped on the 3D view"""

    bl_idname = "sketch2pose.pose_dropped"
    bl_label = "Pose Dropped Drawing"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def _start(self, context: bpy.types.Context) -> PoseJob:
        self.source = "FILE"
        return super()._start(context)


class SKETCH2POSE_FH_drawing(bpy.types.FileHandler):
    """Image files that are dropped on the 3D view."""

    bl_idname = "SKETCH2POSE_FH_drawing"
    bl_label = "Pose Drawing"
    bl_import_operator = SKETCH2POSE_OT_pose_dropped.bl_idname
    bl_file_extensions = ".png;.jpg;.jpeg;.webp;.gif;.bmp;.tif;.tiff;.ppm;.pgm;.pbm"

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Only on the 3D view."""
        return context.area is not None and context.area.type == "VIEW_3D"


CLASSES = (SKETCH2POSE_OT_pose_drawing, SKETCH2POSE_OT_pose_dropped, SKETCH2POSE_FH_drawing)
