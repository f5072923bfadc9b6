"""Which bones of a rig hold its pose: of a control rig those that an artist poses, not those that work behind them."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from __future__ import annotations

import bpy

from ..core.boundary import InputError
from .humanoid import Humanoid, find_humanoid
from .keys import strayed_bones
from .pose_state import posed_bones


def posable_bones(armature: bpy.types.Object) -> list[bpy.types.PoseBone]:
    """The bones that an artist poses: those of joints, those that can be seen, and those that do not rest."""
    humanoid = find_humanoid(armature)
    kept = _controls(humanoid) if humanoid else set()
    kept |= {bone.name for bone in posed_bones(armature)}
    return [bone for bone in armature.pose.bones if bone.name in kept or _visible(bone)]


def bones_to_key(armature: bpy.types.Object, frame: float) -> list[bpy.types.PoseBone]:
    """The bones without whose keys the pose would not come back at a frame of the scene.

    Those that an artist poses, and hidden ones that rest now and whose keys say otherwise.

    Raises:
        InputError: there are none, or the action is linked from another file.
    """
    posable = posable_bones(armature)
    told = {bone.name for bone in posable}
    others = [bone for bone in armature.pose.bones if bone.name not in told]
    bones = posable + strayed_bones(armature, others, frame)
    if not bones:
        raise InputError("There are no bones to key; show some.")
    return bones


def _controls(humanoid: Humanoid) -> set[str]:
    found = set(humanoid.mapping.bones.values())
    if humanoid.family is not None:
        found |= set(humanoid.family.repeats.values())
        for limb in humanoid.family.ik:
            found |= {limb.end, limb.swing, limb.pole, limb.toe}
    return found


def _visible(bone: bpy.types.PoseBone) -> bool:
    # From Blender 5.0 on the pose bone hides.
    hidden = (bone if bpy.app.version >= (5, 0) else bone.bone).hide
    collections = bone.bone.collections
    return not hidden and (not len(collections) or any(one.is_visible_effectively for one in collections))
