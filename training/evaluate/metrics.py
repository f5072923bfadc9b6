"""The metrics of 2D and 3D pose that our reports use, on plain arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backend.skeleton import keypoint_index

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


def bone_angles_3d(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Angles between unit bone directions in the camera frame, no alignment: (..., 29, 3) twice -> (..., 29) degrees."""
    return np.degrees(np.arccos(np.clip((predicted * true).sum(-1), -1, 1)))


def bootstrap(values: Sequence[float], rounds: int = 1000, seed: int = 0) -> tuple[float, float]:
    """95 % interval of the mean over figures, by resampling them."""
    array = np.asarray(values, float)
    rng = np.random.default_rng(seed)
    means = array[rng.integers(0, len(array), (rounds, len(array)))].mean(1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))
