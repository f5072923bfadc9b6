"""A pose mirrored: left and right of an armature exchanged, on SMPL and on any rig, whatever its bones' rolls are."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportArgumentType=false

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from ..core.boundary import InputError
from ..core.mirroring import alignments, mirrored_basis, other_side, pair_bones, reflection
from ..core.retarget import Target
from .humanoid import Humanoid, find_humanoid, fixed_joints, read_skeleton, read_target, turn_joints
from .keys import set_rotation
from .pose_state import bone_pose, set_bone_pose

#: Rotations of a matrix that differ by less are the same.
_SAME = 1e-6


def mirror_pose(armature: bpy.types.Object, bones: Collection[str] | None = None) -> list[str]:
    """Exchange left and right.

    Args:
        armature: an SMPL armature, another humanoid rig, or any other armature that is its own mirror image across
            x = 0.
        bones: names of the bones that change: they take what the other side shows; None for all.

    Returns:
        Names of bones that changed.

    Raises:
        InputError: the armature has no two sides; nothing has changed.
    """
    humanoid = find_humanoid(armature)
    # The body plays no part here: only the rig's own rest pose counts.
    target = read_target(humanoid, np.zeros((24, 3))) if humanoid else None
    axis = target.to_armature[:, 0] if target else np.array([1.0, 0.0, 0.0])
    pairs = pair_bones(read_skeleton(armature), axis, humanoid.mapping.bones if humanoid else {})
    if all(bone == other for bone, other in pairs.items()):
        raise InputError(
            f"{armature.name} has no bones that are each other's mirror image; mirror another rig."
        )
    pose = armature.pose.bones
    before = {bone.name: bone_pose(bone) for bone in pose}
    turns = _posed_turns(humanoid, target) if humanoid and target else {}
    _mirror_each(armature, pairs, axis)
    if humanoid and target:
        _align(humanoid, target, turns)
    for name in before.keys() - (pairs.keys() if bones is None else set(bones)):
        set_bone_pose(pose[name], before[name])
    changed = [name for name, was in before.items() if bone_pose(pose[name]) != was]
    _exchange_properties(armature, pairs, None if bones is None else set(bones))
    armature.update_tag()
    return changed


def _mirror_each(armature: bpy.types.Object, pairs: Mapping[str, str], axis: np.ndarray) -> None:
    """Every bone takes what its mirror image has of its own, seen in the mirror."""
    bones = armature.pose.bones
    own = {bone.name: (np.array(bone.matrix_basis), bone_pose(bone)) for bone in bones}
    rests = {bone.name: np.array(bone.bone.matrix_local.to_3x3()) for bone in bones}
    for name, other in pairs.items():
        basis, pose = own[name]
        bone = bones[other]
        result = mirrored_basis(
            _unscaled(basis), rests[name], rests[other], axis, local_location=bone.bone.use_local_location
        )
        if (
            not _locked(bone.lock_rotation)
            and np.abs(result[:3, :3] - _unscaled(own[other][0])[:3, :3]).max() > _SAME
        ):
            set_rotation(bone, result[:3, :3])
        if not _locked(bone.lock_location):
            bone.location = result[:3, 3].tolist()
        if not _locked(bone.lock_scale):
            # The axes of the two need not be the same ones; squares of a rotation's rows add up to one.
            change = rests[other].T @ reflection(axis) @ rests[name]
            bone.scale = (np.square(change) @ np.array(pose.scale)).tolist()


def _posed_turns(humanoid: Humanoid, target: Target) -> dict[str, np.ndarray]:
    """Joint -> (3, 3) turn of its bone from the reference pose, armature space."""
    bpy.context.view_layer.update()
    bones = humanoid.armature.pose.bones
    return {
        joint: np.array(bones[name].matrix.to_3x3().normalized()) @ target.reference[1][target.bones[joint]].T
        for joint, name in humanoid.mapping.bones.items()
    }


def _align(humanoid: Humanoid, target: Target, turns: Mapping[str, np.ndarray]) -> None:
    """Where the sides rest differently, turn the limbs so that they point as their mirror images do."""
    aligned = alignments(target)
    if not aligned:
        return
    mirror = reflection(target.to_armature[:, 0])
    fixed = fixed_joints(humanoid)
    wanted = {
        joint: mirror @ turns[other_side(joint)] @ mirror @ aligned[joint]
        for joint in humanoid.mapping.bones
        if other_side(joint) in turns and joint not in fixed
    }
    turn_joints(humanoid, target, wanted)


def _exchange_properties(
    armature: bpy.types.Object, pairs: Mapping[str, str], bones: Collection[str] | None
) -> None:
    """Exchange the numbers that an artist has given to both bones of a pair: switches between IK and FK, and such."""
    own: dict[tuple[str, str], Any] = {}
    for name in pairs:
        bone = armature.pose.bones[name]
        own |= {
            (name, key): bone[key] for key, _ in bone.items() if isinstance(bone[key], bool | int | float)
        }
    for (name, key), value in own.items():
        other = pairs[name]
        if other != name and (other, key) in own and (bones is None or other in bones):
            armature.pose.bones[other][key] = value


def _unscaled(basis: np.ndarray) -> np.ndarray:
    """A (4, 4) transformation without its scale."""
    result = basis.copy()
    result[:3, :3] = np.array(Matrix(basis[:3, :3].tolist()).to_quaternion().to_matrix())
    return result


def _locked(axes: Any) -> bool:
    return all(axes[axis] for axis in range(3))
