"""Whether limbs pass through the body: strings of balls along the bones, quick enough for every sample."""

from __future__ import annotations

import numba
import numpy as np

from backend.skeleton import N_JOINTS, keypoint_index

#: Metres by which flesh gives way before two parts count as one inside the other.
_SOFT = 0.055

#: Part -> (joints of its line, radius of its balls in metres, balls).
_SIDED = {
    "arm": (("elbow", "wrist"), 0.04, 6),
    "upper": (("shoulder", "elbow"), 0.045, 4),
    "thigh": (("hip", "knee"), 0.075, 6),
    "shin": (("knee", "ankle", "foot"), 0.05, 7),
}

#: Parts that may not be inside each other; the others are joined or soft enough.
_APART = (
    ("arm", "trunk"), ("arm", "head"), ("arm", "other arm"), ("arm", "other upper"), ("arm", "thigh"),
    ("arm", "other thigh"), ("arm", "shin"), ("arm", "other shin"), ("shin", "other shin"),
    ("shin", "other thigh"), ("shin", "trunk"), ("shin", "head"), ("upper", "head"),
)  # fmt: skip


def _line(joints: list[int], balls: int) -> np.ndarray:
    """(balls, 24) weights of points along a line of joints."""
    weights = np.zeros((balls, N_JOINTS))
    for row, place in enumerate(np.linspace(0.15, len(joints) - 1, balls)):
        first = min(int(place), len(joints) - 2)
        weights[row, joints[first]] = 1 - (place - first)
        weights[row, joints[first + 1]] = place - first
    return weights


def _balls() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(B, 24) weights of the joints in each ball's centre and (2, K) pairs with (K,) least distances."""
    at = keypoint_index
    skull = np.zeros((1, N_JOINTS))
    skull[0, [at("head"), at("neck")]] = 3, -2
    parts = {
        "trunk": (_line([at(n) for n in ("pelvis", "spine1", "spine2", "spine3")], 6), 0.11),
        "head": (skull, 0.1),
    }
    for name, (joints, radius, balls) in _SIDED.items():
        for side in ("left", "right"):
            parts[f"{side} {name}"] = _line([at(f"{side}_{n}") for n in joints], balls), radius
    names = [name for name, (weights, _) in parts.items() for _ in weights]
    radii = np.concatenate([np.full(len(weights), radius) for weights, radius in parts.values()])
    first, second = np.triu_indices(len(names), 1)
    tested = [_may_meet(names[a], names[b]) for a, b in zip(first, second, strict=True)]
    pairs = np.array([first[tested], second[tested]])
    return np.concatenate([w for w, _ in parts.values()]), pairs, radii[pairs].sum(0) - _SOFT


def _may_meet(a: str, b: str) -> bool:
    """Whether two parts, as ``left arm`` or ``trunk``, are tested against each other."""
    side_a, _, part_a = a.rpartition(" ")
    side_b, _, part_b = b.rpartition(" ")
    if side_a and side_b and side_a != side_b:
        return (part_a, f"other {part_b}") in _APART or (part_b, f"other {part_a}") in _APART
    return (part_a, part_b) in _APART or (part_b, part_a) in _APART


_CENTRES, _PAIRS, _LEAST = _balls()
_CENTRES = _CENTRES.astype(np.float32)


def overlaps(joints: np.ndarray) -> np.ndarray:
    """(...,) bool: whether a limb of the default body goes through another part, from joints (..., 24, 3)."""
    poses = np.ascontiguousarray(joints, np.float32).reshape(-1, N_JOINTS, 3)
    return _overlap(poses, _CENTRES, _PAIRS, _LEAST).reshape(joints.shape[:-2])


@numba.njit(cache=True, nogil=True)
def _overlap(joints: np.ndarray, weights: np.ndarray, pairs: np.ndarray, least: np.ndarray) -> np.ndarray:
    found = np.zeros(len(joints), np.bool_)
    for n in range(len(joints)):
        centres = weights @ joints[n]
        for k in range(pairs.shape[1]):
            gap = np.float32(0)
            for axis in range(3):
                gap += (centres[pairs[0, k], axis] - centres[pairs[1, k], axis]) ** 2
            if gap < least[k] * least[k]:
                found[n] = True
                break
    return found
