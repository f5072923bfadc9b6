"""A pose as values: what rotation, location and scale the bones of an armature have of their own."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportArgumentType=false

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Euler, Quaternion, Vector

from .keys import rotation_path, set_rotation

#: Values of a bone are the same if they differ by less.
_SAME = 1e-5


@dataclass(frozen=True)
class BonePose:
    """What a bone has of its own.

    Attributes:
        mode: its rotation mode.
        rotation: its rotation in that mode: 4 numbers, or 3 radians for Euler angles.
        location: 3 numbers.
        scale: 3 numbers.
    """

    mode: str
    rotation: tuple[float, ...]
    location: tuple[float, float, float]
    scale: tuple[float, float, float]

    @property
    def quaternion(self) -> Quaternion:
        """The rotation as a unit quaternion."""
        if self.mode == "QUATERNION":
            turn = Quaternion(self.rotation)
            return turn.normalized() if turn.magnitude > 0 else Quaternion()
        if self.mode == "AXIS_ANGLE":
            axis = Vector(self.rotation[1:])
            return Quaternion(axis, self.rotation[0]) if axis.length > 0 else Quaternion()
        return Euler(self.rotation, self.mode).to_quaternion()

    def towards(self, other: BonePose, share: float) -> tuple[Quaternion, Vector, Vector]:
        """Rotation, location and scale a share of the way to another pose, by the shortest turn."""
        start, end = self.quaternion, other.quaternion
        end.make_compatible(start)
        return (
            start.slerp(end, share),
            Vector(self.location).lerp(other.location, share),
            Vector(self.scale).lerp(other.scale, share),
        )

    def same_as(self, other: BonePose) -> bool:
        """Whether both show the same, in whatever mode."""
        turn = self.quaternion.rotation_difference(other.quaternion).angle
        values = zip((*self.location, *self.scale), (*other.location, *other.scale), strict=True)
        return min(turn, 2 * np.pi - turn) < 1e-3 and all(abs(a - b) < _SAME for a, b in values)


#: A bone that rests.
REST = BonePose("QUATERNION", (1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def bone_pose(bone: bpy.types.PoseBone) -> BonePose:
    """What a bone has now."""
    rotation = tuple(getattr(bone, rotation_path(bone)))
    return BonePose(bone.rotation_mode, rotation, tuple(bone.location), tuple(bone.scale))


def set_bone_pose(bone: bpy.types.PoseBone, pose: BonePose) -> None:
    """Give a bone a pose, in the mode that the bone has."""
    if bone.rotation_mode == pose.mode:
        setattr(bone, rotation_path(bone), pose.rotation)
    else:
        set_rotation(bone, np.array(pose.quaternion.to_matrix()))
    bone.location, bone.scale = pose.location, pose.scale


def selected_bones(armature: bpy.types.Object) -> list[bpy.types.PoseBone]:
    """The bones that are selected."""
    # From Blender 5.0 on the selection is the pose bone's.
    own = bpy.app.version >= (5, 0)
    return [bone for bone in armature.pose.bones if (bone if own else bone.bone).select]


def key_bones(bones: Iterable[bpy.types.PoseBone], frame: float) -> None:
    """Key what bones have of their own."""
    for bone in bones:
        paths = [rotation_path(bone), "scale"] + ([] if bone.bone.use_connect else ["location"])
        for path in paths:
            bone.keyframe_insert(path, frame=frame, group=bone.name)
