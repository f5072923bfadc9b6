"""A pose mirrored: left and right of an armature exchanged, on SMPL and on any rig, whatever its bones' rolls are."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportArgumentType=false

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import bpy
import numpy as np

from ..core.boundary import InputError
from ..core.mirroring import alignments, mirrored_basis, other_side, pair_bones, reflection
from ..core.retarget import Target
from .columns import read_column, read_matrices, write_column
from .humanoid import Humanoid, find_humanoid, fixed_joints, read_skeleton, read_target, turn_joints
from .keys import set_rotation
from .pose_state import bone_values, set_bone_values

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
    before = bone_values(armature)
    aligned = alignments(target) if target else {}
    turns = _posed_turns(humanoid, target) if humanoid and aligned else {}
    _mirror_each(armature, pairs, axis)
    if humanoid and aligned:
        _align(humanoid, target, aligned, turns)
    names = [bone.name for bone in armature.pose.bones]
    chosen = pairs.keys() if bones is None else set(bones)
    after = np.where([[name in chosen] for name in names], bone_values(armature), before)
    set_bone_values(armature, after)
    changed = [name for name, moved in zip(names, (after != before).any(1), strict=True) if moved]
    _exchange_properties(armature, pairs, None if bones is None else set(bones))
    armature.update_tag()
    return changed


def _mirror_each(armature: bpy.types.Object, pairs: Mapping[str, str], axis: np.ndarray) -> None:
    """Every bone takes what its mirror image has of its own, seen in the mirror."""
    bones = armature.pose.bones
    row = {bone.name: number for number, bone in enumerate(bones)}
    rest_row = {bone.name: number for number, bone in enumerate(armature.data.bones)}
    rests = read_matrices(armature.data.bones, "matrix_local")[[rest_row[name] for name in row], :3, :3]
    along_bone = read_column(armature.data.bones, "use_local_location", kind=bool)
    along_bone = along_bone[[rest_row[name] for name in row]]
    own = read_matrices(bones, "matrix_basis")
    scales = read_column(bones, "scale", 3)
    own[:, :3, :3] = _unscaled(own[:, :3, :3])

    image, source = [row[other] for other in pairs.values()], [row[name] for name in pairs]
    result = mirrored_basis(own[source], rests[source], rests[image], axis, along_bone[source])
    differs = np.abs(result[:, :3, :3] - own[image, :3, :3]).max((1, 2)) > _SAME
    free = ~read_column(bones, "lock_rotation", 3, kind=bool)[image].all(1)
    for place in np.flatnonzero(differs & free).tolist():
        set_rotation(bones[image[place]], result[place, :3, :3])
    # The axes of the two need not be the same ones; squares of a rotation's rows add up to one.
    change = rests[image].swapaxes(1, 2) @ reflection(axis) @ rests[source]
    moved = {"location": result[:, :3, 3], "scale": (np.square(change) @ scales[source, :, None])[..., 0]}
    for name, values in moved.items():
        column = read_column(bones, name, 3)
        free = ~read_column(bones, f"lock_{name}", 3, kind=bool)[image].all(1)
        column[np.array(image)[free]] = values[free]
        write_column(bones, name, column)


def _posed_turns(humanoid: Humanoid, target: Target) -> dict[str, np.ndarray]:
    """Joint -> (3, 3) turn of its bone from the reference pose, armature space."""
    bpy.context.view_layer.update()
    bones = humanoid.armature.pose.bones
    return {
        joint: np.array(bones[name].matrix.to_3x3().normalized()) @ target.reference[1][target.bones[joint]].T
        for joint, name in humanoid.mapping.bones.items()
    }


def _align(
    humanoid: Humanoid, target: Target, aligned: Mapping[str, np.ndarray], turns: Mapping[str, np.ndarray]
) -> None:
    """Where the sides rest differently, turn the limbs so that they point as their mirror images do."""
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


def _unscaled(turns: np.ndarray) -> np.ndarray:
    """(N, 3, 3) rotations without their scales, of which an odd number may be negative."""
    lengths = np.linalg.norm(turns, axis=1, keepdims=True)
    turns = turns / np.maximum(lengths, 1e-12)
    return turns * np.where(np.linalg.det(turns) < 0, -1.0, 1.0)[:, None, None]
