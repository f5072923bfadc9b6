"""What an armature's root does when the armature takes a single pose."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import bpy
import numpy as np
from mathutils import Vector

#: The figure stands on the ground of its rest pose, and stays where it is sideways; it stands there, and the foot that
#: it stands on stays where it is; or it only turns, and the root stays where it is.
RootRule = Literal["GROUND", "FOOT", "STAY"]


def root_rule(armature: bpy.types.Object) -> RootRule:
    """What the artist wants of this armature."""
    kept = getattr(armature, "sketch2pose_rig", None)
    return kept.root if kept is not None else "GROUND"


def heads_of(armature: bpy.types.Object, names: Sequence[str]) -> np.ndarray:
    """(N, 3) places of bones as they are posed now, armature space."""
    bpy.context.view_layer.update()
    return np.array([armature.pose.bones[name].head for name in names])


def planted(before: np.ndarray, after: np.ndarray, up: np.ndarray) -> Vector:
    """The way along the ground, armature space, that puts a foot back to where it was.

    Of the two it is the one that is lower in both poses together: in a walk it carries the figure meanwhile.

    Args:
        before: (2, 3) where the feet were, armature space.
        after: (2, 3) where they are in the new pose.
        up: (3,) unit vector.
    """
    foot = int(np.argmin((before + after) @ up))
    way = before[foot] - after[foot]
    return Vector((way - up * (way @ up)).tolist())
