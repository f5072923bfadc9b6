"""Fits SMPL's arrays to T-posed figures: template, shape directions, joint regressor, skinning weights.

The first shape coefficient is stature; the other nine are the principal components of what stature does
not explain, so they leave the height alone. One unit of each is one standard deviation over the sampled
adults.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from backend.skeleton import JOINT_NAMES, JOINT_PARENTS, KEYPOINT_MIRROR, N_JOINTS

from .source import Figures
from .surface import Skin, symmetric

N_BETAS = 10

#: The Mixamo bone that starts at each SMPL joint. The hands (22, 23) start at the knuckles.
_BONE_OF_JOINT = {
    "pelvis": "Hips", "spine1": "Spine", "spine2": "Spine1", "spine3": "Spine2", "neck": "Neck", "head": "Head",
    "hip": "UpLeg", "knee": "Leg", "ankle": "Foot", "foot": "ToeBase",
    "collar": "Shoulder", "shoulder": "Arm", "elbow": "ForeArm", "wrist": "Hand",
}  # fmt: skip
_FINGERS = ("Index", "Middle", "Ring", "Pinky")

#: Nearest vertices in each of the eight directions around a joint from which its regressor may choose (all
#: around, so that the joint lies between them), and the weight of their sum being one.
_CANDIDATES = 40
_SUM_WEIGHT = 10.0


def joint_positions(figures: Figures, heads: np.ndarray) -> np.ndarray:
    """(N, 24, 3) SMPL joints of figures whose 52 bones start at ``heads`` (N, 52, 3)."""
    column = {name: index for index, name in enumerate(figures.bones)}
    joints = []
    for name in JOINT_NAMES:
        side, _, part = name.rpartition("_")
        if part == "hand":
            knuckles = [column[f"{side.title()}Hand{finger}1"] for finger in _FINGERS]
            joints.append(heads[:, knuckles].mean(1))
        else:
            joints.append(heads[:, column[side.title() + _BONE_OF_JOINT[part]]])
    positions = np.stack(joints, 1)
    return symmetric(positions, np.array(KEYPOINT_MIRROR[:N_JOINTS]))


def skinning_weights(figures: Figures, skin: Skin) -> np.ndarray:
    """(V, 24) weights: each bone's go to its SMPL joint, those of all fingers to the hand."""
    joint_of_bone = {
        side.title() + _BONE_OF_JOINT[part]: index
        for index, name in enumerate(JOINT_NAMES)
        for side, _, part in [name.rpartition("_")]
        if part != "hand"
    }
    weights = np.zeros((len(skin.kept), N_JOINTS))
    for bone, name in enumerate(figures.bones):
        if name in joint_of_bone:
            joint = joint_of_bone[name]
        elif name.startswith("LeftHand"):
            joint = JOINT_NAMES.index("left_hand")
        else:
            joint = JOINT_NAMES.index("right_hand")
        weights[:, joint] += figures.weights[skin.kept, bone]
    mirrored = weights[skin.mirror][:, KEYPOINT_MIRROR[:N_JOINTS]]
    return (weights + mirrored) / 2


def shape_space(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and shape directions of figures in the T-pose.

    Args:
        vertices: (N, V, 3) metres, each with its pelvis at the origin.
        faces: (F, 3) triangles; a vertex counts by the area around it.

    Returns:
        v_template (V, 3) and shapedirs (V, 3, 10), metres per standard deviation.
    """
    mean = vertices.mean(0)
    residual = vertices - mean
    stature = np.ptp(vertices[..., 1], axis=1)
    height = (stature - stature.mean()) / stature.std()
    growth = np.einsum("n,nvc->vc", height, residual) / len(height)
    residual = residual - height[:, None, None] * growth

    area = np.linalg.norm(
        np.cross(mean[faces[:, 1]] - mean[faces[:, 0]], mean[faces[:, 2]] - mean[faces[:, 0]]), axis=1
    )
    importance = np.sqrt(np.bincount(faces.ravel(), np.repeat(area, 3), len(mean)))
    scaled = (residual * importance[:, None]).reshape(len(vertices), -1)
    # The figures are far fewer than the coordinates, so the components come from their Gram matrix.
    _, vectors = np.linalg.eigh(scaled @ scaled.T)
    scores = vectors[:, ::-1][:, : N_BETAS - 1]
    components = np.einsum("nk,nvc->vck", scores, residual) / np.sqrt(len(vertices))
    # The sign of a component is arbitrary; a fixed rule keeps it the same on every machine.
    largest = np.abs(components).reshape(-1, N_BETAS - 1).argmax(0)
    signs = np.sign(components.reshape(-1, N_BETAS - 1)[largest, np.arange(N_BETAS - 1)])
    return mean, np.concatenate([growth[..., None], components * signs], -1)


def joint_regressor(vertices: np.ndarray, joints: np.ndarray, skin: Skin) -> np.ndarray:
    """(24, V) convex combinations of nearby vertices that follow the rig's joints through all figures.

    Args:
        vertices: (N, V, 3) symmetric figures in the T-pose.
        joints: (N, 24, 3) their joints.
        skin: the mesh.
    """
    regressor = np.zeros((N_JOINTS, vertices.shape[1]))
    for joint in range(N_JOINTS):
        twin = KEYPOINT_MIRROR[joint]
        if twin < joint:
            regressor[joint] = regressor[twin][skin.mirror]
            continue
        near = _surrounding(vertices[0] - joints[0, joint])
        if twin == joint:
            near = np.union1d(near, skin.mirror[near])
        system = vertices[:, near].transpose(0, 2, 1).reshape(-1, len(near))
        target = joints[:, joint].reshape(-1)
        scale = _SUM_WEIGHT * np.sqrt(len(target))
        weights, _ = nnls(
            np.vstack([system, np.full(len(near), scale)]), np.append(target, scale), maxiter=10 * len(near)
        )
        regressor[joint, near] = weights / weights.sum()
        if twin == joint:
            regressor[joint] = (regressor[joint] + regressor[joint][skin.mirror]) / 2
    return regressor


def _surrounding(offsets: np.ndarray) -> np.ndarray:
    """Indices of the nearest vertices in each octant around the origin of (V, 3) offsets."""
    octant = (offsets > 0) @ np.array([1, 2, 4])
    by_distance = np.linalg.norm(offsets, axis=1).argsort()
    return np.concatenate([by_distance[octant[by_distance] == each][:_CANDIDATES] for each in range(8)])


def kinematic_tree() -> np.ndarray:
    """(2, 24) int64 parents and joints, as SMPL stores them."""
    return np.array([JOINT_PARENTS, range(N_JOINTS)], np.int64)


def save_body(
    path: Path,
    *,
    v_template: np.ndarray,
    shapedirs: np.ndarray,
    weights: np.ndarray,
    J_regressor: np.ndarray,
    faces: np.ndarray,
    surface_vertices: np.ndarray,
) -> None:
    """Write an SMPL ``.npz``; the same arrays give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path,
        v_template=v_template.astype(np.float32),
        shapedirs=shapedirs.astype(np.float16),
        posedirs=np.zeros((len(v_template), 3, 9 * (N_JOINTS - 1)), np.int8),
        weights=weights.astype(np.float32),
        J_regressor=J_regressor.astype(np.float32),
        kintree_table=kinematic_tree(),
        f=faces.astype(np.uint32),
        surface_vertices=surface_vertices.astype(np.int64),
    )
