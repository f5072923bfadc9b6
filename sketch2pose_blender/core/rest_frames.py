"""Between the SMPL rest frame, the camera frame and the bones of an armature: pure maths on numpy arrays.

SMPL rest frame: y up, facing +z, left at +x. Blender: z up, a figure that faces the viewer of the front
view looks along -y. Camera frame: x right, y down, z away from the viewer.

Notation: ``M`` is a bone's rest orientation (columns are its axes, armature space), ``R`` the joint's
rotation in the SMPL rest frame, ``A`` the rotation from the SMPL rest frame to armature space. The
rotation that a pose bone needs, whatever its rest orientation is, is ``M^-1 A R A^-1 M``.
"""

from __future__ import annotations

import numpy as np

from .boundary import JOINT_NAMES, JOINT_PARENTS, Hypothesis, InputError, rodrigues

#: SMPL rest frame -> Blender: (x, y, z) -> (x, -z, y).
REST_TO_BLENDER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
#: Camera frame -> Blender, front view: (x, y, z) -> (x, z, -y).
CAMERA_TO_BLENDER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
#: Camera frame -> SMPL rest frame, for a figure that stands upright and faces the viewer.
_CAMERA_TO_REST = REST_TO_BLENDER.T @ CAMERA_TO_BLENDER

#: The limbs of a T-pose point the same way in every body of SMPL format, to about this angle, degrees.
_T_POSE_TOLERANCE = 20.0
_LIMBS = [
    JOINT_NAMES.index(f"{side}_{joint}")
    for side in ("left", "right")
    for joint in ("elbow", "wrist", "knee", "ankle")
]


def joint_rotations(hypothesis: Hypothesis) -> np.ndarray:
    """Local rotation of every joint in the SMPL rest frame.

    Returns:
        (24, 3, 3); that of the pelvis is the identity where the figure is upright and faces the viewer.
    """
    rotations = rodrigues(np.array((hypothesis.global_orient, *hypothesis.body_pose), np.float64))
    rotations[0] = _CAMERA_TO_REST @ rotations[0]
    return rotations


def as_seen_from_the_front(rotations: np.ndarray) -> np.ndarray:
    """The inverse of :func:`joint_rotations` as matrices.

    Args:
        rotations: (24, 3, 3) local joint rotations in the SMPL rest frame.

    Returns:
        (24, 3, 3), the first one from the SMPL rest frame to the camera frame of the front view.
    """
    turned = np.array(rotations)
    turned[0] = _CAMERA_TO_REST.T @ rotations[0]
    return turned


def bone_rotations(rotations: np.ndarray, rest: np.ndarray, rest_to_armature: np.ndarray) -> np.ndarray:
    """Rotations of pose bones relative to their rest orientation: ``M^-1 A R A^-1 M``.

    Args:
        rotations: (24, 3, 3) ``R``, local joint rotations in the SMPL rest frame.
        rest: (24, 3, 3) ``M``, rest orientation of the bones in armature space.
        rest_to_armature: (3, 3) ``A``.

    Returns:
        (24, 3, 3) rotations for ``PoseBone.rotation_quaternion``.
    """
    in_armature = rest_to_armature @ rotations @ rest_to_armature.T
    return rest.swapaxes(-1, -2) @ in_armature @ rest


def fit_rest_frame(heads: np.ndarray, joints: np.ndarray) -> tuple[np.ndarray, float]:
    """How an armature's rest pose lies against a body's T-pose.

    Args:
        heads: (24, 3) heads of the armature's bones at rest, armature space, any unit.
        joints: (24, 3) rest joints of the body, SMPL rest frame, metres.

    Returns:
        (3, 3) rotation ``A`` from the SMPL rest frame to armature space, and armature units per metre.

    Raises:
        InputError: the rest pose is no T-pose.

    Source: Umeyama, "Least-squares estimation of transformation parameters", 1991.
    """
    target, source = heads - heads.mean(0), joints - joints.mean(0)
    u, singular, vt = np.linalg.svd(target.T @ source)
    signs = np.array([1.0, 1.0, np.linalg.det(u @ vt)])
    rotation = u @ np.diag(signs) @ vt
    scale = float((singular * signs).sum() / (source * source).sum())
    # Armatures are built along the axes; what is left is only the difference between two bodies.
    nearest = np.round(rotation)
    if np.abs(rotation - nearest).max() < 0.25:
        rotation = nearest

    parents = [JOINT_PARENTS[joint] for joint in _LIMBS]
    drawn = _directions(heads[_LIMBS] - heads[parents])
    expected = _directions(joints[_LIMBS] - joints[parents]) @ rotation.T
    cosines = (drawn * expected).sum(-1)
    if not np.all(cosines >= np.cos(np.radians(_T_POSE_TOLERANCE))):
        raise InputError(
            "The armature's rest pose is not a T-pose; choose an SMPL armature that rests in one."
        )
    return rotation, scale


def _directions(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
