"""Recognises an SMPL armature by its bone names and poses it, whatever its bones' rest orientation is."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Matrix, Quaternion, Vector

from ..core.boundary import (
    JOINT_NAMES,
    JOINT_PARENTS,
    Body,
    Hypothesis,
    InputError,
    forward_kinematics,
    global_rotations,
    pose_body,
)
from ..core.rest_frames import bone_rotations, fit_rest_frame, joint_rotations
from .root import RootRule, heads_of, planted


def armature_of(thing: bpy.types.Object | None) -> bpy.types.Object | None:
    """The armature that ``thing`` is or is deformed by, or None."""
    return thing if thing is None or thing.type == "ARMATURE" else thing.find_armature()


def find_smpl_armature(thing: bpy.types.Object | None) -> bpy.types.Object | None:
    """The armature that ``thing`` is or is deformed by, if it has the 24 SMPL bones; else None."""
    armature = armature_of(thing)
    if armature is None or not all(name in armature.data.bones for name in JOINT_NAMES):
        return None
    return armature


def apply_pose(
    armature: bpy.types.Object,
    hypothesis: Hypothesis,
    body: Body,
    key_frame: float | None = None,
    root: RootRule = "GROUND",
) -> None:
    """Pose an SMPL armature, with its lowest point on the ground that its rest pose stands on.

    The figure turns about the armature's own rest orientation: one that is drawn facing the viewer faces
    the way the armature does at rest. Sideways, the pelvis stays where it is.

    Args:
        armature: an armature that :func:`find_smpl_armature` gave.
        hypothesis: the pose.
        body: the body model; tells how far the flesh reaches below the joints.
        key_frame: the frame to key the pose at, None for no keys.
        root: what the pelvis does instead, if asked.

    Raises:
        InputError: the bones do not form the SMPL tree, or do not rest in a T-pose; nothing has changed.
    """
    bones = [armature.data.bones[name] for name in JOINT_NAMES]
    _check_tree(bones)
    rest = np.array([bone.matrix_local for bone in bones])
    heads, orientations = rest[:, :3, 3], rest[:, :3, :3]
    betas = np.array(hypothesis.betas, np.float32)
    rest_vertices, rest_joints = body.rest(betas)
    rest_to_armature, scale = fit_rest_frame(heads, rest_joints)

    rotations = joint_rotations(hypothesis)
    matrices = bone_rotations(rotations, orientations, rest_to_armature)
    # Height of the joints above the pelvis, once posed with the armature's own proportions.
    own_joints = heads @ rest_to_armature
    posed_joints = forward_kinematics(global_rotations(rotations), own_joints)
    posed = pose_body(body, rotations.astype(np.float32), betas)
    rest_ground = own_joints[:, 1].min() - scale * (rest_joints[:, 1].min() - rest_vertices[:, 1].min())
    posed_ground = posed_joints[:, 1].min() - scale * (posed.joints[:, 1].min() - posed.vertices[:, 1].min())
    rise = float(rest_ground - posed_ground)

    feet = ("left_ankle", "right_ankle")
    stood = heads_of(armature, feet) if root == "FOOT" else None
    for name, matrix in zip(JOINT_NAMES, matrices, strict=True):
        pose_bone = armature.pose.bones[name]
        rotation = Matrix(matrix.tolist()).to_quaternion()
        # q and -q are one rotation; keep to the side of the present one so that keys interpolate shortly.
        rotation.make_compatible(present_rotation(pose_bone))
        pose_bone.rotation_mode = "QUATERNION"
        pose_bone.rotation_quaternion = rotation
        if key_frame is not None:
            pose_bone.keyframe_insert("rotation_quaternion", frame=key_frame, group=name)

    if root == "STAY":
        return
    pelvis = armature.pose.bones[JOINT_NAMES[0]]
    to_armature = bones[0].matrix_local.to_3x3()
    up = Vector(rest_to_armature[:, 1].tolist())
    moved = to_armature @ pelvis.location
    pelvis.location = to_armature.inverted() @ (moved + up * (rise - moved.dot(up)))
    if stood is not None:
        pelvis.location += to_armature.inverted() @ planted(stood, heads_of(armature, feet), np.array(up))
    if key_frame is not None:
        pelvis.keyframe_insert("location", frame=key_frame, group=pelvis.name)


def _check_tree(bones: list[bpy.types.Bone]) -> None:
    names = set(JOINT_NAMES)
    for bone, parent in zip(bones[1:], JOINT_PARENTS[1:], strict=True):
        ancestor = next((b.name for b in bone.parent_recursive if b.name in names), None)
        if ancestor != JOINT_NAMES[parent]:
            raise InputError(
                f"The armature's bone {bone.name} does not hang on {JOINT_NAMES[parent]} as in SMPL; "
                "choose an armature with the SMPL skeleton."
            )


def present_rotation(pose_bone: bpy.types.PoseBone) -> Quaternion:
    """The bone's own rotation, in whatever mode it is kept."""
    if pose_bone.rotation_mode == "QUATERNION":
        return pose_bone.rotation_quaternion.copy()
    return pose_bone.matrix_basis.to_quaternion()
