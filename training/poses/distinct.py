"""Near-duplicate poses: which ones to keep so that no two are closer than some degrees."""

from __future__ import annotations

import numpy as np

from backend.skeleton import N_JOINTS, keypoint_index

from .bank import without_heading

#: How much a joint's turn changes the figure, relative: joints near the root move more of it.
_WEIGHTS = {
    "pelvis": 3.0, "spine1": 1.6, "spine2": 1.6, "spine3": 1.6, "neck": 1.0, "head": 1.0,
    "hip": 2.0, "knee": 1.6, "ankle": 0.7, "foot": 0.2,
    "collar": 1.0, "shoulder": 1.8, "elbow": 1.4, "wrist": 0.5, "hand": 0.1,
}  # fmt: skip

#: Leading axes that sift pairs before all 216 are compared.
_SIFTING_AXES = 32


def pose_coordinates(rotations: np.ndarray) -> np.ndarray:
    """Points whose Euclidean distance is the weighted rms joint angle between poses, heading removed.

    A joint counts with its chord 2 sin(angle / 2), which is the angle where poses are near each other.

    Args:
        rotations: (N, 24, 3, 3) local rotations, y up.

    Returns:
        (N, 216) float32, degrees.
    """
    weights = np.zeros(N_JOINTS)
    for name, weight in _WEIGHTS.items():
        for joint in [name] if name in _CENTRE else [f"left_{name}", f"right_{name}"]:
            weights[keypoint_index(joint)] = weight
    weights = np.sqrt(weights / weights.sum()) * np.degrees(1) / np.sqrt(2)
    turned = without_heading(rotations.astype(np.float32))
    return (turned * weights[:, None, None].astype(np.float32)).reshape(len(rotations), -1)


_CENTRE = ("pelvis", "spine1", "spine2", "spine3", "neck", "head")


def thin_in_time(points: np.ndarray, distance: float) -> np.ndarray:
    """(N,) bool: frames of one clip that are ``distance`` from the frame kept before them."""
    keep = np.zeros(len(points), bool)
    last = None
    for index, point in enumerate(points):
        if last is None or float((step := point - last) @ step) > distance * distance:
            keep[index], last = True, point
    return keep


def distinct_mask(points: np.ndarray, distance: float, rank: np.ndarray) -> np.ndarray:
    """Greedy choice of points more than ``distance`` apart.

    Args:
        points: (N, D) float32 from :func:`pose_coordinates`.
        distance: degrees.
        rank: (N,) a permutation; low ranks are chosen first.

    Returns:
        (N,) bool. Every point left out is within ``distance`` of a chosen one.
    """
    first, second = _close_pairs(points, distance)
    chosen, open_ = np.zeros(len(points), bool), np.ones(len(points), bool)
    # All points that come before their open neighbours are chosen at once: the same set as one by one.
    while open_.any():
        earliest = np.full(len(points), len(points))
        np.minimum.at(earliest, first, rank[second])
        np.minimum.at(earliest, second, rank[first])
        winners = open_ & (rank < earliest)
        chosen |= winners
        open_ &= ~winners
        open_[second[winners[first]]] = False
        open_[first[winners[second]]] = False
        still = open_[first] & open_[second]
        first, second = first[still], second[still]
    return chosen


def _close_pairs(points: np.ndarray, distance: float) -> tuple[np.ndarray, np.ndarray]:
    """(M,) x2 indices of all pairs within ``distance``.

    Principal axes come first, so a few coordinates already bound most distances from below.
    """
    centred = points - points.mean(0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    turned = centred @ axes[:, ::-1]
    order = np.argsort(turned[:, 0], kind="stable")
    turned = turned[order]
    sifted = np.ascontiguousarray(turned[:, :_SIFTING_AXES])
    square = (sifted * sifted).sum(1)
    limit = distance * distance
    ends = np.searchsorted(turned[:, 0], turned[:, 0] + distance, side="right")
    pairs: list[tuple[np.ndarray, np.ndarray]] = []
    block = 512
    for start in range(0, len(points), block):
        stop = min(start + block, len(points))
        end = int(ends[stop - 1])
        apart = sifted[start:stop] @ sifted[start:end].T
        apart *= -2
        apart += square[start:stop, None]
        apart += square[None, start:end]
        a, b = np.nonzero(apart <= limit * 1.001 + 0.05)  # room for the rounding of float32
        a, b = a[a < b] + start, b[a < b] + start
        for part in range(0, len(a), 200_000):
            i, j = a[part : part + 200_000], b[part : part + 200_000]
            gap = turned[i] - turned[j]
            close = np.einsum("nd,nd->n", gap, gap) <= limit
            pairs.append((order[i[close]], order[j[close]]))
    if not pairs:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    return np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs])
