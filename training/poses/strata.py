"""Twelve kinds of poses, told apart by geometry, and how often drawings should show each.

A pose belongs to the first kind of :data:`STRATA` whose rule it meets, so every pose has exactly one. The
rules look at the default body (pelvis 0.94 m above its feet) with the floor under its lowest joint.
"""

from __future__ import annotations

from functools import cache

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


def _at(*names: str) -> list[int]:
    return [keypoint_index(name) for name in names]


_PELVIS, _CHEST, _NECK, _HEAD = _at("pelvis", "spine3", "neck", "head")
_HIPS, _KNEES, _ANKLES, _ELBOWS, _WRISTS, _HANDS = (
    _at(f"left_{n}", f"right_{n}") for n in ("hip", "knee", "ankle", "elbow", "wrist", "hand")
)

#: Joints as far from the pelvis as each other, so that a whole level is placed at once.
_LEVELS = ((1, 2, 3), (4, 5, 6), (7, 8, 9), (10, 11, 12, 13, 14), (15, 16, 17), (18, 19), (20, 21), (22, 23))
_LEVEL_PARENTS = tuple([JOINT_PARENTS[j] for j in level] for level in _LEVELS)


@cache
def _bones() -> np.ndarray:
    """(24, 3, 1) float32 metres: from each joint's parent to it at rest; the root's own place is 0."""
    rest = np.asarray(load_body().rest()[1], np.float32)
    bones = np.zeros((N_JOINTS, 3, 1), np.float32)
    bones[1:, :, 0] = rest[1:] - rest[list(JOINT_PARENTS[1:])]
    return bones


def place(rotations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Joints of the default body, the pelvis at the origin.

    Args:
        rotations: (..., 24, 3, 3) local rotations.

    Returns:
        (..., 24, 3) metres, y up, and (..., 24, 3, 3) world rotations.
    """
    world = np.empty(rotations.shape, np.float32)
    joints = np.zeros(rotations.shape[:-1], np.float32)
    world[..., 0, :, :] = rotations[..., 0, :, :]
    bones = _bones()
    for level, parents in zip(_LEVELS, _LEVEL_PARENTS, strict=True):
        joined = slice(level[0], level[-1] + 1)
        above = world[..., parents, :, :]
        world[..., joined, :, :] = above @ rotations[..., joined, :, :]
        joints[..., joined, :] = joints[..., parents, :] + (above @ bones[joined])[..., 0]
    return joints, world


def stratify(rotations: np.ndarray) -> np.ndarray:
    """(N,) int index into :data:`NAMES` of poses (N, 24, 3, 3), whatever their heading."""
    return classify(*place(rotations))


def classify(joints: np.ndarray, world: np.ndarray) -> np.ndarray:
    """(N,) int index into :data:`NAMES`, from what :func:`place` returns for N poses."""
    floor = joints[..., 1].min(1)
    height = joints[..., 1] - floor[:, None]
    pelvis, neck, head = height[:, _PELVIS], height[:, _NECK], height[:, _HEAD]
    knees, ankles = height[:, _KNEES], height[:, _ANKLES]
    hands = height[:, _HANDS]
    # Cosines: how upright the trunk is (1 standing, -1 on the head) and where each thigh points (1 down).
    upright = (neck - pelvis) / _length(joints[:, _NECK])
    thighs = joints[:, _KNEES] - joints[:, _HIPS]
    shins = joints[:, _ANKLES] - joints[:, _KNEES]
    down = -thighs[..., 1] / _length(thighs)
    straight = (thighs * shins).sum(-1) / (_length(thighs) * _length(shins))  # 1 a straight knee, -1 folded
    feet = joints[:, _ANKLES].mean(1)
    # How far the trunk is from above the feet, metres; a seat or a hand must carry what is not above them.
    middle = (joints[:, _CHEST] + joints[:, _PELVIS]) / 2
    beside = np.hypot(middle[:, 0] - feet[:, 0], middle[:, 2] - feet[:, 2])
    raised = np.abs(ankles[:, 0] - ankles[:, 1])
    step, apart = _step(joints, world)

    hand_down = hands.min(1) < 0.2
    hand_up = (hands > head[:, None] + 0.12).any(1)
    backwards = (shins * world[:, None, _PELVIS, :, 2]).sum(-1) < 0
    shin_down = (knees < 0.2) & (ankles < 0.25) & (straight < 0.6) & backwards
    legs_straight = straight.min(1) > 0.6
    seated = (pelvis < 0.26) | ((down.max(1) < 0.5) & (beside > 0.2) & (upright > 0.4))
    ahead = (thighs * world[:, None, _PELVIS, :, 2]).sum(-1) > 0.1
    bent_up = (down < 0.5) & (straight < 0.75) & ahead
    met = {
        "inverted": (ankles.max(1) > pelvis + 0.25) & (upright < -0.3)
        | (hand_down & (head < pelvis - 0.1) & (beside > 0.35) & legs_straight)
        | (hand_down & (head < pelvis) & (world[:, _CHEST, 1, 2] > 0.3) & (upright < 0)),
        "lying": ((upright < 0.7) & (pelvis < 0.32) & (neck < 0.62))
        | ((upright < 0.6) & hand_down & legs_straight & (ankles.max(1) < 0.4) & (beside > 0.55)),
        "kneeling": shin_down.any(1) & (pelvis > 0.24) & (ankles < 0.6).all(1),
        "sitting": seated & (upright > 0.2) & ~hand_down | (pelvis < 0.26),
        "climbing": hand_up & bent_up.any(1) & (pelvis > 0.5) & (upright > 0.5) & (raised > 0.15),
        "balance": (raised > 0.55) | ((raised > 0.22) & (step < 0.35) & (straight.max(1) > 0.7)),
        "crouching": (straight < 0.6).all(1) & (pelvis < 0.68),
        "bent": upright < 0.75,
        "reaching": hand_up,
        "touching": _touching(joints),
        "stride": (step > 0.35) | (apart > 0.65),
        "standing": np.ones(len(joints), bool),
    }
    return np.argmax(np.stack([met[name] for name in NAMES]), 0)


def _step(joints: np.ndarray, world: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N,) metres from ankle to ankle along the way the pelvis faces, and (N,) over the floor."""
    between = joints[:, _ANKLES[0]] - joints[:, _ANKLES[1]]
    return np.abs((between * world[:, _PELVIS, :, 2]).sum(1)), np.hypot(between[:, 0], between[:, 2])


def _touching(joints: np.ndarray) -> np.ndarray:
    """(N,) bool: a bent arm's hand at the head, the trunk or the other arm."""
    hands, elbows, wrists = joints[:, _HANDS], joints[:, _ELBOWS], joints[:, _WRISTS]
    shoulders = joints[:, _at("left_shoulder", "right_shoulder")]
    arms, forearms = elbows - shoulders, wrists - elbows
    bent = (arms * forearms).sum(-1) < 0.8 * _length(arms) * _length(forearms)
    skull = joints[:, [_HEAD]] + 0.12 * _unit(joints[:, [_HEAD]] - joints[:, [_CHEST]])
    near = _length(hands - skull) < 0.19
    near |= _to_segment(hands, joints[:, [_PELVIS]], joints[:, [_NECK]]) < 0.2
    other = [1, 0]
    near |= _to_segment(hands, elbows[:, other], wrists[:, other]) < 0.09
    near |= _to_segment(hands, shoulders[:, other], elbows[:, other]) < 0.11
    return (near & bent).any(1)


def _to_segment(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    way = end - start
    share = ((points - start) * way).sum(-1) / (way * way).sum(-1)
    return _length(points - start - np.clip(share, 0, 1)[..., None] * way)


def _length(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt((vectors * vectors).sum(-1))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / _length(vectors)[..., None]
