"""An armature whose bones follow many times a second, while a joint is dragged."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Matrix

from ..core.boundary import JOINT_NAMES, Body, Hypothesis, InputError
from ..core.paper import Paper, paper_at
from ..core.rest_frames import bone_rotations, fit_rest_frame, joint_rotations
from .humanoid import LiveHumanoid, find_humanoid
from .posing import find_smpl_armature, present_rotation


class _LiveSmpl:
    """An armature with the SMPL bones."""

    def __init__(self, armature: bpy.types.Object, rest_joints: np.ndarray) -> None:
        self._bones = [armature.pose.bones[name] for name in JOINT_NAMES]
        rest = np.array([bone.bone.matrix_local for bone in self._bones])
        self._orientations = rest[:, :3, :3]
        self.axes, self.unit = fit_rest_frame(rest[:, :3, 3], rest_joints)

    def turn(self, rotations: np.ndarray, key_frame: float | None = None) -> None:
        """Turn the bones by (24, 3, 3) local joint rotations in the SMPL rest frame."""
        matrices = bone_rotations(rotations, self._orientations, self.axes)
        for bone, matrix in zip(self._bones, matrices.tolist(), strict=True):
            turn = Matrix(matrix).to_quaternion()
            turn.make_compatible(present_rotation(bone))
            bone.rotation_mode = "QUATERNION"
            bone.rotation_quaternion = turn
            if key_frame is not None:
                bone.keyframe_insert("rotation_quaternion", frame=key_frame, group=bone.name)


class LiveRig:
    """An SMPL armature or another humanoid rig that takes one pose after the other; its pelvis stays in place.

    It holds on to Blender's bones: make a new one after undo, and after anything else that may take them away.

    Args:
        armature: the rig.
        body: the body that poses are read for.

    Attributes:
        pelvis: name of the bone at whose head the pelvis is.
        axes: (3, 3) from the SMPL rest frame to armature space.
        unit: length of a metre of the figure there.

    Raises:
        InputError: the bones are not those of a humanoid, or do not rest in a T-pose.
    """

    def __init__(self, armature: bpy.types.Object, body: Body) -> None:
        _, rest_joints = body.rest()
        self._armature = armature
        if find_smpl_armature(armature) is not None:
            self._rig = _LiveSmpl(armature, rest_joints)
            self.axes, self.unit = self._rig.axes, self._rig.unit
            self.pelvis = JOINT_NAMES[0]
        else:
            humanoid = find_humanoid(armature)
            if humanoid is None:
                raise InputError("The armature's bones were changed meanwhile; pose it again.")
            self._rig = LiveHumanoid(humanoid, rest_joints)
            self.axes, self.unit = self._rig.target.to_armature, self._rig.target.scale
            self.pelvis = humanoid.mapping.bones["pelvis"]

    def turn(self, hypothesis: Hypothesis, key_frame: float | None = None) -> None:
        """Turn the bones to the pose, and key them at a frame if one is given."""
        self._rig.turn(joint_rotations(hypothesis), key_frame)
        self._armature.update_tag()

    def paper(self, hypothesis: Hypothesis) -> Paper:
        """Where the drawing lies, in armature space, so that the posed figure stands over it, seen from its front."""
        bpy.context.view_layer.update()
        pelvis = np.array(self._armature.pose.bones[self.pelvis].head)
        camera = hypothesis.camera
        return paper_at(pelvis, self.axes, self.unit, camera.scale, (camera.tx, camera.ty))
