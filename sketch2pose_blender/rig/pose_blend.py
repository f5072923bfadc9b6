"""The pose that an armature had before it was posed, kept with it, and the way from there to the pose it has now.

Kept is what the bones had of their own; bones that rested are left out. While the pose is blended, each bone's new
pose is kept as well, and how far it has gone. A bone that was turned by other means meanwhile has that as its new pose.
"""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportArgumentType=false

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import bpy
import numpy as np

from .humanoid import find_humanoid
from .ik_limbs import is_in_ik, turns_as_shown
from .pose_state import REST, BonePose, bone_pose, posed_bones, set_bone_pose

#: The armature's custom property.
PROPERTY = "sketch2pose_blend"
_VERSION = 1
#: Characters; a control rig with a thousand bones has about 200,000.
_MOST_TEXT = 4_000_000


@dataclass(frozen=True, eq=False)
class Blend:
    """What is kept.

    Attributes:
        factor: 0 for the pose before, 1 for the new one: where the slider stands.
        before: bone -> pose; bones that rested are absent.
        after: bone -> new pose and how far the bone has gone to it, for bones that are on their way.
    """

    factor: float = 1.0
    before: dict[str, BonePose] = field(default_factory=dict)
    after: dict[str, tuple[BonePose, float]] = field(default_factory=dict)


def keep_pose_before(armature: bpy.types.Object) -> None:
    """Keep the present pose as the one before: called when the armature is about to be posed.

    Limbs in IK that posing puts to FK are kept as FK controls that show the same.
    """
    poses = {bone.name: bone_pose(bone) for bone in posed_bones(armature)}
    humanoid = find_humanoid(armature)
    if humanoid is not None and humanoid.family is not None and not humanoid.keep_ik:
        for limb in humanoid.family.ik:
            controls = [humanoid.mapping.bones.get(joint) for joint in limb.joints]
            if is_in_ik(armature, limb) and all(controls):
                for name, turn in turns_as_shown(armature, limb, controls).items():
                    now = bone_pose(armature.pose.bones[name])
                    poses[name] = replace(now, mode="QUATERNION", rotation=tuple(turn))
    _keep(armature, Blend(1.0, {name: pose for name, pose in poses.items() if not pose.same_as(REST)}, {}))


def blend_factor(armature: bpy.types.Object) -> float:
    """Where the armature stands between the pose before, 0, and the new one, 1."""
    return _kept(armature).factor


def blend_pose(armature: bpy.types.Object, factor: float, bones: Collection[str] | None = None) -> list[str]:
    """Put bones between the pose before and the new one: rotations the shortest way, in each bone's own space.

    Where no pose before is kept, it is the rest pose.

    Args:
        armature: the object.
        factor: 0 for the pose before, 1 for the new one.
        bones: names of the bones that change; None for all.

    Returns:
        Names of the bones that are set; those that are alike in both poses are none of them.
    """
    kept = _kept(armature)
    after = dict(kept.after)
    moved = []
    posed = kept.before.keys() | after.keys() | {bone.name for bone in posed_bones(armature)}
    for bone in armature.pose.bones:
        name = bone.name
        if name not in posed or (bones is not None and name not in bones):
            continue
        start, now = kept.before.get(name, REST), bone_pose(bone)
        end, gone = after.get(name, (now, 1.0))
        if name in after and not _between(start, end, gone, now.mode).same_as(now):
            end = now  # turned by other means meanwhile
        if start.same_as(end):
            continue
        set_bone_pose(bone, _between(start, end, factor, bone.rotation_mode))
        if factor >= 1.0:
            after.pop(name, None)
        else:
            after[name] = (end, factor)
        moved.append(name)
    _keep(armature, Blend(factor, kept.before, after))
    armature.update_tag()
    return moved


def _between(start: BonePose, end: BonePose, share: float, mode: str) -> BonePose:
    """The pose a share of the way, in a rotation mode; either end is what it is, to the last digit."""
    if share in (0.0, 1.0):
        exact = end if share else start
        if exact.mode == mode:
            return exact
    rotation, location, scale = start.towards(end, share)
    return BonePose("QUATERNION", tuple(rotation), tuple(location), tuple(scale))


def _keep(armature: bpy.types.Object, blend: Blend) -> None:
    armature[PROPERTY] = json.dumps(
        {
            "version": _VERSION,
            "factor": blend.factor,
            "before": {name: _plain(pose) for name, pose in blend.before.items()},
            "after": {name: [gone, *_plain(pose)] for name, (pose, gone) in blend.after.items()},
        }
    )


def _kept(armature: bpy.types.Object) -> Blend:
    text = armature.get(PROPERTY)
    return (_read(text) if isinstance(text, str) and len(text) < _MOST_TEXT else None) or Blend()


@lru_cache(maxsize=4)
def _read(text: str) -> Blend | None:
    """Parse the property, None if it is damaged; asked at every redraw, so the last ones are remembered."""
    try:
        values = json.loads(text)
        if values["version"] != _VERSION:
            return None
        before = {str(name): _pose(plain) for name, plain in values["before"].items()}
        after = {str(name): (_pose(plain[1:]), _share(plain[0])) for name, plain in values["after"].items()}
        return Blend(_share(values["factor"]), before, after)
    except (TypeError, ValueError, KeyError, AttributeError, IndexError, RecursionError):
        return None


def _plain(pose: BonePose) -> list[Any]:
    return [pose.mode, pose.rotation, pose.location, pose.scale]


def _pose(plain: list[Any]) -> BonePose:
    mode, *values = plain
    rotation, location, scale = (tuple(float(number) for number in value) for value in values)
    turns = bpy.types.PoseBone.bl_rna.properties["rotation_mode"].enum_items
    right = len(rotation) == (4 if mode in ("QUATERNION", "AXIS_ANGLE") else 3)
    numbers = (*rotation, *location, *scale)
    if (
        mode not in turns
        or not right
        or len(location) != 3
        or len(scale) != 3
        or not np.isfinite(numbers).all()
    ):
        raise ValueError(mode)
    return BonePose(mode, rotation, location, scale)


def _share(value: Any) -> float:
    return min(max(float(value), 0.0), 1.0)
