"""Ways to make one pose into another: arms of someone else, the other side, small turns of every joint.

Poses here are turns in degrees as :mod:`limits` writes them, (24, 3).
"""

from __future__ import annotations

import numpy as np

from backend.skeleton import KEYPOINT_MIRROR, N_JOINTS, keypoint_index

_UPPER = [keypoint_index(n) for n in ("spine2", "spine3", "neck", "head")]
_ARMS = [
    [keypoint_index(f"{side}_{n}") for n in ("collar", "shoulder", "elbow", "wrist", "hand")]
    for side in ("left", "right")
]
_MIRROR = list(KEYPOINT_MIRROR[:N_JOINTS])

#: Noise of a joint, relative: the spine moves less, hands and feet more.
_NOISE = np.ones((N_JOINTS, 1))
_NOISE[[keypoint_index(n) for n in ("spine1", "spine2", "spine3", "left_collar", "right_collar")]] = 0.4
_NOISE[[keypoint_index(f"{s}_{n}") for s in ("left", "right") for n in ("hand", "foot")]] = 1.2


def spliced(rng: np.random.Generator, pose: np.ndarray, other: np.ndarray) -> np.ndarray:
    """A pose with one arm, or with both and the head, of another."""
    joints = _ARMS[int(rng.random() < 0.5)]
    if rng.random() < 0.4:
        joints = _ARMS[0] + _ARMS[1] + _UPPER
    pose = pose.copy()
    pose[joints] = other[joints]
    return pose


def mirrored(pose: np.ndarray) -> np.ndarray:
    """The left-right mirror image."""
    return pose[_MIRROR] * (1, -1, -1)


def noisy(rng: np.random.Generator, pose: np.ndarray) -> np.ndarray:
    """A pose with small turns of every joint, and at times another turn of the head."""
    if rng.random() < 0.7:
        pose = pose + rng.uniform(2, 11) * _NOISE * rng.standard_normal((N_JOINTS, 3))
    if rng.random() < 0.3:
        pose = pose.copy()
        pose[_UPPER[2:]] += rng.normal(0, 1, 3) * (7, 11, 4)
    return pose
