"""The operator that copies an animation onto a rig: from another armature, or from a file of poses."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false

from __future__ import annotations

from pathlib import Path

import bpy

from . import preferences
from .translations import translated


class SKETCH2POSE_OT_retarget(bpy.types.Operator):
    """Copy an animation onto the armature as keys: from another humanoid armature, or from a file of poses"""

    bl_idname = "sketch2pose.retarget"
    bl_label = "Copy Animation"
    bl_options = {"REGISTER", "UNDO"}

    source: bpy.props.StringProperty(
        name="From",
        description="The armature whose animation is copied; the other selected one where this is empty",
    )
    filepath: bpy.props.StringProperty(
        name="File",
        description="A poses.json or an .npz with the keys of AMASS, to be copied instead of an armature's animation",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    figure: bpy.props.IntProperty(
        name="Figure", description="Of a poses.json: which figure of each drawing", default=1, min=1
    )
    target: bpy.props.StringProperty(
        name="To", description="The armature that gets the keys; the active one where this is empty"
    )
    use_frame_range: bpy.props.BoolProperty(
        name="Frame Range",
        description="Copy only some frames, instead of all that the source has",
        default=False,
    )
    frame_start: bpy.props.IntProperty(
        name="First",
        description="The first frame that is copied; a file's own frames count from 1",
        default=1,
    )
    frame_end: bpy.props.IntProperty(name="Last", description="The last frame that is copied", default=250)
    frame_step: bpy.props.IntProperty(
        name="Step", description="Copy every so many frames; of a poses.json, the frames from drawing to drawing",
        default=1, min=1,
    )  # fmt: skip
    frame_offset: bpy.props.IntProperty(
        name="Offset", description="Added to the frames at which the keys are set", default=0
    )
    root: bpy.props.EnumProperty(
        name="Root",
        description="What the root of the rig does",
        items=(
            ("MOTION", "Motion", "It moves as the source's root does, scaled by the length of the legs"),
            ("IN_PLACE", "In Place", "It stays in its place and stands on the ground"),
            ("NONE", "None", "Its place is not keyed"),
        ),
        default="MOTION",
    )
    channels: bpy.props.EnumProperty(
        name="Channels",
        description="What is keyed",
        items=(
            ("ROTATION", "Rotation", "The rotations of the bones"),
            ("LOCATION", "Location", "The place of the root"),
        ),
        options={"ENUM_FLAG"},
        default={"ROTATION", "LOCATION"},
    )
    interpolation: bpy.props.EnumProperty(
        name="Interpolation",
        description="How the new keys are interpolated",
        items=(
            ("DEFAULT", "Default", "As the preferences say"),
            ("CONSTANT", "Constant", "Each pose is held until the next"),
            ("LINEAR", "Linear", "Evenly from pose to pose"),
            ("BEZIER", "Bezier", "Smoothly from pose to pose"),
        ),
        default="DEFAULT",
    )
    key_type: bpy.props.EnumProperty(
        name="Key Type",
        description="How the new keys are marked in the dope sheet",
        items=(
            ("KEYFRAME", "Keyframe", "Ordinary keys"),
            ("BREAKDOWN", "Breakdown", "Breakdown poses"),
            ("EXTREME", "Extreme", "Extreme poses"),
            ("JITTER", "Jitter", "Fillers, as of baked motion"),
        ),
        default="KEYFRAME",
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:  # noqa: ARG002
        """Ask for the options."""
        return context.window_manager.invoke_props_dialog(self, width=340)

    def draw(self, context: bpy.types.Context) -> None:
        """Lay out the options."""
        layout = self.layout
        assert layout is not None
        layout.use_property_split = True
        if not self.filepath:
            layout.prop_search(self, "source", context.scene, "objects", icon="ARMATURE_DATA")
        layout.prop(self, "filepath")
        if self.filepath.lower().endswith(".json"):
            layout.prop(self, "figure")
        layout.prop_search(self, "target", context.scene, "objects", icon="ARMATURE_DATA")
        layout.prop(self, "use_frame_range")
        if self.use_frame_range:
            column = layout.column(align=True)
            column.prop(self, "frame_start")
            column.prop(self, "frame_end")
        layout.prop(self, "frame_step")
        layout.prop(self, "frame_offset")
        layout.prop(self, "root")
        layout.prop(self, "channels")
        layout.prop(self, "interpolation")
        layout.prop(self, "key_type")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Copy, and wait until it is done."""
        from ..core.boundary import SketchPoseError

        try:
            count, name, left_alone = self._copy(context)
        except SketchPoseError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        if left_alone:
            names = ", ".join(left_alone)
            self.report({"WARNING"}, f"{name}: left alone, since locked, driven or constrained: {names}.")
        else:
            self.report({"INFO"}, f"Keyed {count} frames on {name}")
        return {"FINISHED"}

    def _copy(self, context: bpy.types.Context) -> tuple[int, str, list[str]]:
        """Returns the number of frames keyed, the target's name and the bones that were left alone."""
        from ..core.boundary import InputError, load_body
        from ..rig import animation

        body = load_body(preferences.body_file(context))
        target = self._target(context)
        if self.use_frame_range and self.frame_end < self.frame_start:
            raise InputError("The last frame lies before the first; give a range that rises.")
        asked = range(self.frame_start, self.frame_end + 1) if self.use_frame_range else None
        if self.filepath:
            path = Path(bpy.path.abspath(self.filepath))
            drawings = path.suffix.lower() == ".json"
            rate = animation.scene_rate(context.scene)
            motion = animation.read_motion_file(path, body, figure=self.figure, rate=rate).resampled(rate)
            every = range(1, len(motion) + 1)
            taken = [frame for frame in asked or every if frame in every]
            # Drawings lie a step apart; a motion is looked at every so many frames.
            taken = taken if drawings else taken[:: self.frame_step]
            motion = motion.at([frame - 1 for frame in taken])
            step = self.frame_step if drawings else 1
            frames = [1 + (frame - 1) * step for frame in taken]
        else:
            source = self._source(context, target)
            frames = list(asked or animation.action_frames(source))[:: self.frame_step]
            motion = animation.read_motion(source, frames, body)
        if not len(motion):
            raise InputError("The source has none of these frames; choose others.")
        left_alone = animation.write_motion(
            motion,
            target,
            body,
            [frame + self.frame_offset for frame in frames],
            root=self.root,
            channels=self.channels,
            interpolation=None if self.interpolation == "DEFAULT" else self.interpolation,
            key_type=self.key_type,
        )
        return len(frames), target.name, left_alone

    def _target(self, context: bpy.types.Context) -> bpy.types.Object:
        from ..core.boundary import InputError
        from ..rig.posing import armature_of

        target = armature_of(_named(context, self.target) if self.target else context.active_object)
        if target is None:
            raise InputError("No armature gets the keys; select one, or name it.")
        return target

    def _source(self, context: bpy.types.Context, target: bpy.types.Object) -> bpy.types.Object:
        from ..core.boundary import InputError
        from ..rig.posing import armature_of

        things = [_named(context, self.source)] if self.source else context.selected_objects
        found = {armature for thing in things if (armature := armature_of(thing)) is not None}
        found.discard(target)
        if len(found) != 1:
            raise InputError(
                "It is not clear which armature to copy from; name it, or select it and then the target."
            )
        return found.pop()


def _named(context: bpy.types.Context, name: str) -> bpy.types.Object:
    from ..core.boundary import InputError

    thing = context.scene.objects.get(name)
    if thing is None:
        raise InputError(f"The scene has no object {name}; give the name of an armature.")
    return thing


CLASSES = (SKETCH2POSE_OT_retarget,)
