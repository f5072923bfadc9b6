"""Twelve kinds of poses, told apart by geometry, and how often drawings should show each.

A pose belongs to the first kind of :data:`STRATA` whose rule it meets, so every pose has exactly one. The
rules look at the default body (pelvis 0.94 m above its feet) with the floor under its lowest joint.
"""

from __future__ import annotations

from functools import cache

import numba
import numpy as np

from backend.body import load_body
from backend.skeleton import JOINT_PARENTS, N_JOINTS, keypoint_index

#: Kind -> share of the sampled poses, in the order in which the rules are tried.
STRATA: dict[str, float] = {
    "inverted": 0.04,  # head down with hands on the floor: handstand, cartwheel, bridge, downward dog
    "lying": 0.07,  # on back, side or front, propped up, plank
    "kneeling": 0.07,  # on one knee, both or all fours
    "sitting": 0.14,  # on the floor or on a seat
    "climbing": 0.04,  # a knee pulled up and a hand above the head
    "balance": 0.05,  # on one leg: kick, arabesque, tree
    "crouching": 0.07,  # both knees well bent over the feet
    "bent": 0.08,  # the trunk far from upright
    "reaching": 0.08,  # a hand above the head
    "touching": 0.04,  # a hand on head, hip, chest or the other arm
    "stride": 0.18,  # walking, running, lunging
    "standing": 0.14,  # everything else
}
NAMES = tuple(STRATA)
(
    _INVERTED, _LYING, _KNEELING, _SITTING, _CLIMBING, _BALANCE, _CROUCHING, _BENT, _REACHING, _TOUCHING, _STRIDE,
    _STANDING,
) = range(len(NAMES))  # fmt: skip


def _at(*names: str) -> tuple[int, ...]:
    return tuple(keypoint_index(name) for name in names)


_PELVIS, _CHEST, _NECK, _HEAD = _at("pelvis", "spine3", "neck", "head")
_HIPS, _KNEES, _ANKLES, _ELBOWS, _WRISTS, _HANDS = (
    _at(f"left_{n}", f"right_{n}") for n in ("hip", "knee", "ankle", "elbow", "wrist", "hand")
)

_SHOULDERS = _at("left_shoulder", "right_shoulder")
_PARENTS = np.array(JOINT_PARENTS)


@cache
def _bones() -> np.ndarray:
    """(24, 3) float32 metres: from each joint's parent to it at rest; the root's own place is 0."""
    rest = np.asarray(load_body().rest()[1], np.float32)
    bones = np.zeros((N_JOINTS, 3), np.float32)
    bones[1:] = rest[1:] - rest[_PARENTS[1:]]
    return bones


def place(rotations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Joints of the default body, the pelvis at the origin.

    Args:
        rotations: (..., 24, 3, 3) local rotations.

    Returns:
        (..., 24, 3) metres, y up, and (..., 24, 3, 3) world rotations.
    """
    local = np.ascontiguousarray(rotations, np.float32).reshape(-1, N_JOINTS, 3, 3)
    joints, world = _placed(local, _bones(), _PARENTS)
    return joints.reshape(rotations.shape[:-1]), world.reshape(rotations.shape)


@numba.njit(cache=True, nogil=True)
def _placed(local: np.ndarray, bones: np.ndarray, parents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    world = np.empty(local.shape, np.float32)
    joints = np.zeros(local.shape[:3], np.float32)
    for n in range(len(local)):
        world[n, 0] = local[n, 0]
        for j in range(1, len(parents)):
            p = parents[j]
            for row in range(3):
                place = joints[n, p, row]
                for k in range(3):
                    place += world[n, p, row, k] * bones[j, k]
                    turned = np.float32(0)
                    for i in range(3):
                        turned += world[n, p, row, i] * local[n, j, i, k]
                    world[n, j, row, k] = turned
                joints[n, j, row] = place
    return joints, world


def stratify(rotations: np.ndarray) -> np.ndarray:
    """(N,) int index into :data:`NAMES` of poses (N, 24, 3, 3), whatever their heading."""
    return classify(*place(rotations))


def classify(joints: np.ndarray, world: np.ndarray) -> np.ndarray:
    """(N,) int index into :data:`NAMES`, from what :func:`place` returns for N poses."""
    return _classified(joints, world)


@numba.njit(cache=True, nogil=True)
def _classified(joints: np.ndarray, world: np.ndarray) -> np.ndarray:
    kinds = np.empty(len(joints), np.int64)
    for n in range(len(joints)):
        kinds[n] = _kind(joints[n], world[n])
    return kinds


@numba.njit(cache=True, nogil=True)
def _kind(joints: np.ndarray, world: np.ndarray) -> int:
    """Index into :data:`NAMES` of one pose's (24, 3) joints and (24, 3, 3) world rotations."""
    height = joints[:, 1] - joints[:, 1].min()
    pelvis, neck, head = height[_PELVIS], height[_NECK], height[_HEAD]
    # Cosines: how upright the trunk is (1 standing, -1 on the head) and where each thigh points (1 down).
    upright = (neck - pelvis) / _length(joints[_NECK])
    down, straight, hands = np.empty(2), np.empty(2), np.empty(2)
    shin_down = bent_up = False
    low_knee = low_ankle = np.inf
    high_ankle = -np.inf
    for side in range(2):
        thigh = joints[_KNEES[side]] - joints[_HIPS[side]]
        shin = joints[_ANKLES[side]] - joints[_KNEES[side]]
        hands[side] = height[_HANDS[side]]
        down[side] = -thigh[1] / _length(thigh)
        # 1 a straight knee, -1 a folded one.
        straight[side] = _dot(thigh, shin) / (_length(thigh) * _length(shin))
        knee, ankle = height[_KNEES[side]], height[_ANKLES[side]]
        low_knee, low_ankle, high_ankle = min(low_knee, knee), min(low_ankle, ankle), max(high_ankle, ankle)
        backwards = _dot(shin, world[_PELVIS, :, 2]) < 0
        shin_down |= knee < 0.2 and ankle < 0.25 and straight[side] < 0.6 and backwards
        ahead = _dot(thigh, world[_PELVIS, :, 2]) > 0.1
        bent_up |= down[side] < 0.5 and straight[side] < 0.75 and ahead
    raised = high_ankle - low_ankle
    # How far the trunk is from above the feet, metres; a seat or a hand must carry what is not above them.
    away = (joints[_CHEST] + joints[_PELVIS] - joints[_ANKLES[0]] - joints[_ANKLES[1]]) / 2
    beside = np.hypot(away[0], away[2])
    between = joints[_ANKLES[0]] - joints[_ANKLES[1]]
    # From ankle to ankle along the way the pelvis faces, and over the floor.
    step, apart = abs(_dot(between, world[_PELVIS, :, 2])), np.hypot(between[0], between[2])

    hand_down, hand_up = hands.min() < 0.2, hands.max() > head + 0.12
    legs_straight = straight.min() > 0.6
    seated = pelvis < 0.26 or (down.max() < 0.5 and beside > 0.2 and upright > 0.4)
    # In the order of STRATA: the first rule that is met counts.
    if (
        (high_ankle > pelvis + 0.25 and upright < -0.3)
        or (hand_down and head < pelvis - 0.1 and beside > 0.35 and legs_straight)
        or (hand_down and head < pelvis and world[_CHEST, 1, 2] > 0.3 and upright < 0)
    ):
        return _INVERTED
    if (upright < 0.7 and pelvis < 0.32 and neck < 0.62) or (
        upright < 0.6 and hand_down and legs_straight and high_ankle < 0.4 and beside > 0.55
    ):
        return _LYING
    if shin_down and pelvis > 0.24 and high_ankle < 0.6:
        return _KNEELING
    if (seated and upright > 0.2 and not hand_down) or pelvis < 0.26:
        return _SITTING
    if hand_up and bent_up and pelvis > 0.5 and upright > 0.5 and raised > 0.15:
        return _CLIMBING
    if raised > 0.55 or (raised > 0.22 and step < 0.35 and straight.max() > 0.7):
        return _BALANCE
    if straight.max() < 0.6 and pelvis < 0.68:
        return _CROUCHING
    if upright < 0.75:
        return _BENT
    if hand_up:
        return _REACHING
    if _touches(joints):
        return _TOUCHING
    if step > 0.35 or apart > 0.65:
        return _STRIDE
    return _STANDING


@numba.njit(cache=True, nogil=True)
def _touches(joints: np.ndarray) -> bool:
    """Whether a bent arm's hand is at the head, the trunk or the other arm."""
    up = joints[_HEAD] - joints[_CHEST]
    skull = joints[_HEAD] + 0.12 * up / _length(up)
    for side in range(2):
        shoulder, elbow, wrist = joints[_SHOULDERS[side]], joints[_ELBOWS[side]], joints[_WRISTS[side]]
        hand, arm, forearm = joints[_HANDS[side]], elbow - shoulder, wrist - elbow
        if _dot(arm, forearm) >= 0.8 * _length(arm) * _length(forearm):
            continue
        shoulder, elbow, wrist = (
            joints[_SHOULDERS[1 - side]],
            joints[_ELBOWS[1 - side]],
            joints[_WRISTS[1 - side]],
        )
        if (
            _length(hand - skull) < 0.19
            or _to_segment(hand, joints[_PELVIS], joints[_NECK]) < 0.2
            or _to_segment(hand, elbow, wrist) < 0.09
            or _to_segment(hand, shoulder, elbow) < 0.11
        ):
            return True
    return False


@numba.njit(cache=True, nogil=True)
def _to_segment(point: np.ndarray, start: np.ndarray, end: np.ndarray) -> float:
    way = end - start
    share = min(max(_dot(point - start, way) / _dot(way, way), 0.0), 1.0)
    return _length(point - start - share * way)


@numba.njit(cache=True, nogil=True)
def _dot(a: np.ndarray, b: np.ndarray) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@numba.njit(cache=True, nogil=True)
def _length(vector: np.ndarray) -> float:
    return np.sqrt(_dot(vector, vector))
