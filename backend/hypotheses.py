"""Other poses that a drawing may mean: limbs whose front or behind is in doubt, turned round in depth.

A drawing shows where a bone points on the paper and, by its length, how steeply; whether towards the viewer or
away it does not show. The network's depth tells the side the more surely the larger it is; where it is small,
the network has seen both in its training and gives their mean. So every bone of a limb has up to three
readings: as the network says, steep towards the viewer, steep away, with the steepness that its drawn length
tells. All combinations are weighed by how sure the network is of each side and by how limbs bend, and the
likeliest are given.

Camera frame: x right, y down, z away from the viewer. Bone ``i`` ends in keypoint ``i + 1``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import kinematics
from .skeleton import BONE_MIRROR, keypoint_index

#: Network depth -> log odds that it tells the right side: a straight line through the share of right sides
#: among 1,928 limb bones of 400 synthetic drawings of unseen motion.
SIDE_SLOPE = 5.5
#: A bone with less depth than this, sine of its angle to the paper, looks the same turned round.
LEAST_DEPTH = 0.25
#: A steep reading is at most so steep: drawn lengths are not exact.
MOST_DEPTH = 0.85
#: How much less likely a bone is that is bent as far as can be where its joint does not bend, as a logarithm.
UNNATURAL = 4.0
#: Thighs and upper arms reach behind the body, by the sine of the angle, up to here without cost.
FREE_BEHIND = 0.35
#: The logarithm of the cost of a steep reading where the network says flat.
STEEP_COST = 0.7


def _bones(*ends: str) -> list[int]:
    return [keypoint_index(name) - 1 for name in ends]


_UPPER = _bones("left_elbow", "right_elbow", "left_knee", "right_knee")
_LOWER = _bones("left_wrist", "right_wrist", "left_ankle", "right_ankle")
_HANDS = [_bones("left_hand", "left_fingertips"), _bones("right_hand", "right_fingertips"), [], []]


@dataclass(frozen=True, eq=False)
class Alternative:
    """Another reading of a figure's depths.

    Attributes:
        directions: (29, 3) unit bone directions, camera frame.
        share: how likely it is against the first one, 0..1.
    """

    directions: np.ndarray
    share: float


def alternatives(
    keypoints: np.ndarray,
    directions: np.ndarray,
    network: np.ndarray,
    rest_keypoints: np.ndarray,
    count: int,
) -> list[Alternative]:
    """The likeliest readings of a figure that differ in the depth of its limbs; the given one comes first.

    Args:
        keypoints: (30, 2) pixels.
        directions: (29, 3) unit bone directions as the figure is posed by, camera frame.
        network: (29, 3) unit bone directions from the network.
        rest_keypoints: (30, 3) metres, T-pose.
        count: how many at most.

    Returns:
        At least one, the likeliest first after the given one.
    """
    steepness = _steepness(keypoints, directions, rest_keypoints)
    front = _front(directions)
    side = directions[_bones("left_hip")[0]] - directions[_bones("right_hip")[0]]
    limbs = []
    for limb in range(4):
        upper, lower = _UPPER[limb], _LOWER[limb]
        options = []
        for up, up_log in _readings(directions[upper], network[upper, 2], steepness[upper]):
            for low, low_log in _readings(directions[lower], network[lower, 2], steepness[lower]):
                natural = _natural(up, low, front, side, leg=limb >= 2)
                options.append((up_log + low_log + natural, up, low))
        first = options[0][0]
        options = [(log - first, up, low) for log, up, low in options]
        limbs.append([options[0], *sorted(options[1:], key=lambda option: -option[0])[:4]])
    # The likeliest combinations, limb by limb.
    combined: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    for options in limbs:
        grown = [(log + options[i][0], (*chosen, i)) for log, chosen in combined for i in range(len(options))]
        given = (0,) * len(grown[0][1])
        grown.sort(key=lambda entry: (entry[1] != given, -entry[0]))
        combined = grown[:count]
    found = []
    for log, chosen in combined:
        changed = directions.copy()
        for limb, option in enumerate(chosen):
            if option:
                _, up, low = limbs[limb][option]
                turned = np.sign(low[2]) != np.sign(directions[_LOWER[limb], 2])
                changed[_UPPER[limb]], changed[_LOWER[limb]] = up, low
                if turned:
                    changed[_HANDS[limb], 2] *= -1
        found.append(Alternative(changed, float(np.exp(min(log, 0.0)))))
    return found


def _readings(bone: np.ndarray, depth: float, steep: float) -> list[tuple[np.ndarray, float]]:
    """A bone's readings, (3,) directions, each with the logarithm of how likely it is; as given first."""
    side = -1.0 if depth < 0 else 1.0
    right = -np.log1p(np.exp(-SIDE_SLOPE * abs(depth)))
    wrong = -np.log1p(np.exp(SIDE_SLOPE * abs(depth)))
    found = [(bone, right)]
    tilt = max(abs(float(bone[2])), steep)
    if tilt >= LEAST_DEPTH:
        found.append((_with_depth(bone, -side * tilt), wrong))
        if abs(bone[2]) < LEAST_DEPTH:
            found.append((_with_depth(bone, side * tilt), right - STEEP_COST))
    return found


def _with_depth(bone: np.ndarray, depth: float) -> np.ndarray:
    flat = bone[:2] / max(float(np.hypot(*bone[:2])), 1e-9)
    return np.array([*(flat * np.sqrt(1 - depth * depth)), depth])


def _steepness(keypoints: np.ndarray, directions: np.ndarray, rest_keypoints: np.ndarray) -> np.ndarray:
    """(29,) sine of each bone's angle to the paper by its drawn length, against its twin's and the figure's."""
    drawn = np.linalg.norm(kinematics.bone_vectors(keypoints), axis=-1)
    lengths = kinematics.bone_lengths(rest_keypoints)
    seen = np.sqrt(np.maximum(1 - directions[:, 2] ** 2, 0.0))
    twin = list(BONE_MIRROR)
    # The longest that it can be seen to be: flat on the paper nothing is drawn longer than it is.
    scale = np.median((drawn / np.maximum(seen * lengths, 1e-9))[_UPPER + _LOWER])
    full = np.maximum(np.maximum(drawn, drawn[twin]), scale * lengths)
    return np.minimum(np.sqrt(np.maximum(1 - (drawn / np.maximum(full, 1e-9)) ** 2, 0.0)), MOST_DEPTH)


def _front(directions: np.ndarray) -> np.ndarray:
    """(3,) unit vector out of the figure's front."""
    left_hip, right_hip, spine, neck = _bones("left_hip", "right_hip", "spine1", "neck")
    left = directions[left_hip] - directions[right_hip]
    front = np.cross(left, directions[spine] + directions[neck])
    return front / max(float(np.linalg.norm(front)), 1e-9)


def _natural(up: np.ndarray, low: np.ndarray, front: np.ndarray, side: np.ndarray, *, leg: bool) -> float:
    """The logarithm of how likely a limb is to be bent so."""
    behind = max(-float(up @ front) - FREE_BEHIND, 0.0)
    cost = behind
    if leg:
        # Knees fold the shin backwards: about the axis to the left, from the thigh to the shin.
        axis = side / max(float(np.linalg.norm(side)), 1e-9)
        cost += max(-float(np.cross(up, low) @ axis), 0.0)
    return -UNNATURAL * cost


def most_telling(directions: np.ndarray, shares: np.ndarray, count: int) -> list[int]:
    """Which of many readings to offer: the first, then always the one that is likely to help most.

    What a reading helps is how likely it is times how far it is from the nearest one that is offered already, so a
    reading that faces the other way goes before ten that differ in a forearm.

    Args:
        directions: (N, 29, 3) unit bone directions of each reading.
        shares: (N,) how likely each is.
        count: how many to offer at most.

    Returns:
        Indices, 0 first.
    """
    chosen = [0]
    distance = _distances(directions, directions[0])
    while len(chosen) < min(count, len(shares)):
        gain = shares * distance
        best = int(np.argmax(gain))
        if gain[best] < 1e-6:  # nothing new
            break
        chosen.append(best)
        distance = np.minimum(distance, _distances(directions, directions[best]))
    return chosen


def _distances(directions: np.ndarray, one: np.ndarray) -> np.ndarray:
    """(N,) mean angles, radians, between the bones of readings and of one."""
    return np.arccos(np.clip((directions * one).sum(-1), -1, 1)).mean(-1)
