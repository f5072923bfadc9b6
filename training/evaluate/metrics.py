"""The metrics of 2D and 3D pose that our reports use, on plain arrays."""

from __future__ import annotations

import numpy as np

from backend.skeleton import BONE_MIRROR, keypoint_index

#: The 15 joints that drawings are labelled with; ``head_center`` is the middle of head and head_top.
LABELLED_JOINTS: tuple[str, ...] = (
    "head_center",
    *(f"{side}_{name}" for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe") for side in ("left", "right")),
)  # fmt: skip

_INDEX = {name: i for i, name in enumerate(LABELLED_JOINTS)}

#: The same joint of the other side, for each labelled joint.
LABELLED_MIRROR: tuple[int, ...] = tuple(
    _INDEX[n.replace("left_", "right_") if n.startswith("left_") else n.replace("right_", "left_")]
    for n in LABELLED_JOINTS
)

#: The 14 bones whose drawn angle is measured: parent and child among the labelled joints.
LABELLED_BONES: tuple[tuple[int, int], ...] = tuple(
    (_INDEX[f"{side}_{a}"], _INDEX[f"{side}_{b}"])
    for side in ("left", "right")
    for a, b in (
        ("shoulder", "elbow"),
        ("elbow", "wrist"),
        ("hip", "knee"),
        ("knee", "ankle"),
        ("ankle", "toe"),
        ("shoulder", "hip"),
    )
) + tuple((_INDEX[f"{side}_shoulder"], _INDEX["head_center"]) for side in ("left", "right"))


def labelled_joints(keypoints: np.ndarray) -> np.ndarray:
    """(..., 30, 2) keypoints -> (..., 15, 2) labelled joints."""
    head = (keypoints[..., keypoint_index("head"), :] + keypoints[..., keypoint_index("head_top"), :]) / 2
    rest = keypoints[..., [keypoint_index(n) for n in LABELLED_JOINTS[1:]], :]
    return np.concatenate([head[..., None, :], rest], -2)


def hits(predicted: np.ndarray, true: np.ndarray, side: np.ndarray | float, share: float) -> np.ndarray:
    """Which joints lie within ``share`` of the box's longer side.

    Args:
        predicted: (..., 15, 2) pixels.
        true: the same, labels.
        side: (...) longer side of the figure's box, pixels.
        share: 0.1 for PCK@0.1.

    Returns:
        (..., 15) bool.
    """
    return np.linalg.norm(predicted - true, axis=-1) <= share * np.asarray(side)[..., None]


def is_swapped(predicted: np.ndarray, true: np.ndarray, known: np.ndarray) -> bool:
    """Whether the prediction with left and right exchanged lies nearer to the labels.

    Args:
        predicted: (15, 2) pixels.
        true: the same, labels.
        known: (15,) bool, joints that are labelled.
    """
    straight = np.linalg.norm(predicted - true, axis=-1)[known].mean()
    crossed = np.linalg.norm(predicted[list(LABELLED_MIRROR)] - true, axis=-1)[known].mean()
    return bool(crossed < straight)


def bone_angles_2d(predicted: np.ndarray, true: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Angles in the image between predicted and true bones whose both ends are labelled, degrees.

    Args:
        predicted: (15, 2) pixels.
        true: the same, labels.
        known: (15,) bool.
    """
    angles = []
    for a, b in LABELLED_BONES:
        if not (known[a] and known[b]):
            continue
        p, t = predicted[b] - predicted[a], true[b] - true[a]
        if np.hypot(*t) < 1e-6:
            continue
        angles.append(abs(np.degrees(np.arctan2(p[0] * t[1] - p[1] * t[0], p @ t))))
    return np.array(angles)


#: The eight limb bones whose end lies before or behind their start: upper arm, forearm, thigh, shin of each side.
LIMB_BONES: tuple[int, ...] = tuple(
    keypoint_index(f"{side}_{end}") - 1
    for side in ("left", "right")
    for end in ("elbow", "wrist", "knee", "ankle")
)

#: The bones at the ends of the body: forearms, shins, feet and the head.
END_BONES: tuple[int, ...] = (
    *(
        keypoint_index(f"{side}_{end}") - 1
        for side in ("left", "right")
        for end in ("wrist", "ankle", "foot")
    ),
    keypoint_index("head_top") - 1,
)

#: A limb bone that leaves the image plane by more than this points towards the viewer or away, degrees.
LEAST_ELEVATION = 15.0


def bone_angles_3d(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Angles between unit bone directions in the camera frame, no alignment: (..., B, 3) twice -> (..., B) degrees."""
    return np.degrees(np.arccos(np.clip((predicted * true).sum(-1), -1, 1)))


def other_reading(directions: np.ndarray) -> np.ndarray:
    """The other pose that a drawing without front or back shows: sides exchanged, depth reversed.

    Args:
        directions: (..., 29, 3) or, of the limbs alone, (..., 8, 3), unit, camera frame.
    """
    limbs = directions.shape[-2] == len(LIMB_BONES)
    mirror = [(k + 4) % 8 for k in range(8)] if limbs else list(BONE_MIRROR)
    return directions[..., mirror, :] * (1.0, 1.0, -1.0)


def depth_signs(limbs: np.ndarray) -> np.ndarray:
    """(..., 8, 3) unit limb bones -> (..., 8): 1 away from the viewer, -1 towards, 0 about flat."""
    steep = np.abs(limbs[..., 2]) > np.sin(np.radians(LEAST_ELEVATION))
    return np.where(steep, np.sign(limbs[..., 2]), 0.0)


def mpjpe(predicted: np.ndarray, true: np.ndarray) -> float:
    """Mean distance of (J, 3) points after both pelves, the first points, are laid on each other; unit of the input."""
    return float(np.linalg.norm(predicted - predicted[0] - true + true[0], axis=-1).mean())


def pa_mpjpe(predicted: np.ndarray, true: np.ndarray) -> float:
    """Mean distance of (J, 3) points after the best turn, scale and shift of the prediction (Procrustes)."""
    p, t = predicted - predicted.mean(0), true - true.mean(0)
    u, values, vt = np.linalg.svd(p.T @ t)
    handed = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
    scale = (values * handed).sum() / max((p * p).sum(), 1e-12)
    return float(np.linalg.norm(scale * p @ (u * handed) @ vt - t, axis=-1).mean())


def diversity(hypotheses: np.ndarray) -> float:
    """Mean angle between the bones of every two of (H, B, 3) hypotheses, degrees; 0 for a single one."""
    first, second = np.triu_indices(len(hypotheses), 1)
    if not len(first):
        return 0.0
    return float(bone_angles_3d(hypotheses[first], hypotheses[second]).mean())


def bootstrap(
    values: np.ndarray, weights: np.ndarray | None = None, rounds: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of the weighted mean over figures, by resampling figures.

    Args:
        values: (N,) one value a figure.
        weights: (N,) how much of the mean each is, such as its number of bones; None for equal shares.
        rounds: resamplings.
        seed: of the resampling.
    """
    shares = np.ones(len(values)) if weights is None else np.asarray(weights, float)
    array = np.where(shares > 0, values, 0.0)
    chosen = np.random.default_rng(seed).integers(0, len(array), (rounds, len(array)))
    total = shares[chosen].sum(1)
    means = (array * shares)[chosen].sum(1)[total > 0] / total[total > 0]
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))
