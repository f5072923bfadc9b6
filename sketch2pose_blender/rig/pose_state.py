"""A pose as values: what rotation, location and scale the bones of an armature have of their own."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportArgumentType=false

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Euler, Quaternion, Vector

from .columns import read_column, write_column
from .keys import rotation_path, set_rotation

#: All that a bone has of its own; its mode says which of the rotations counts.
_COLUMNS = {
    "rotation_quaternion": 4,
    "rotation_axis_angle": 4,
    "rotation_euler": 3,
    "location": 3,
    "scale": 3,
}
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


def bone_values(armature: bpy.types.Object) -> np.ndarray:
    """(N, 17) float32 of all bones: each row is what the bone has, in whatever mode."""
    bones = armature.pose.bones
    return np.concatenate([read_column(bones, name, width) for name, width in _COLUMNS.items()], 1)


def set_bone_values(armature: bpy.types.Object, values: np.ndarray) -> None:
    """Give all bones what :func:`bone_values` read; the armature has to be tagged after it."""
    start = 0
    for name, width in _COLUMNS.items():
        write_column(armature.pose.bones, name, values[:, start : start + width])
        start += width


def posed_bones(armature: bpy.types.Object) -> list[bpy.types.PoseBone]:
    """The bones that do not rest."""
    values = bone_values(armature)
    values[:, 5:8] = 0  # the axis of no turn
    at_rest = np.array([1, 0, 0, 0, *[0] * 4, *[0] * 3, *[0] * 3, *[1] * 3], np.float32)
    told = zip(armature.pose.bones, (values != at_rest).any(1).tolist(), strict=True)
    return [bone for bone, moved in told if moved and not bone_pose(bone).same_as(REST)]


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
