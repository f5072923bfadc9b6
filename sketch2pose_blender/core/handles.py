"""The joints that are dragged over a drawing: which ones, what goes with them, which bones turn round together.

Keypoints are in the order of the skeleton; names are those of the reading that is shown.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from .boundary import KEYPOINT_NAMES, KEYPOINT_PARENTS

_SIDES = ("left", "right")


def _both(*names: str) -> tuple[str, ...]:
    return tuple(f"{side}_{name}" for name in names for side in _SIDES)


#: The keypoints that can be dragged, inner ones first: an outer one lies on top.
HANDLES = (
    "pelvis",
    *_both("hip", "shoulder"),
    "neck",
    *_both("elbow", "knee", "ankle", "wrist"),
    "head",
    "nose",
    "head_top",
    *_both("toe", "fingertips"),
)

#: Handle -> keypoints that go along, by a share of the way, since nobody drags them by themselves.
FOLLOWERS: dict[str, dict[str, float]] = {
    "pelvis": {"left_hip": 1.0, "right_hip": 1.0, "spine1": 0.75, "spine2": 0.5, "spine3": 0.25},
    "neck": {"spine2": 0.33, "spine3": 0.67, "left_collar": 0.67, "right_collar": 0.67},
    "head": {"nose": 1.0, "head_top": 1.0},
    "head_top": {"nose": 0.5},
}
#: Handle -> the bones, by their ends, whose depth turns round with it.
FLIPS: dict[str, tuple[str, ...]] = {
    "pelvis": ("spine1", "spine2", "spine3", "neck"),
    "neck": ("spine1", "spine2", "spine3", "neck"),
    "head": ("head", "head_top"),
    "head_top": ("head", "head_top"),
    "nose": ("nose",),
}
for _side in _SIDES:
    FOLLOWERS[f"{_side}_shoulder"] = {f"{_side}_collar": 0.5}
    FOLLOWERS[f"{_side}_wrist"] = {f"{_side}_hand": 1.0, f"{_side}_fingertips": 1.0}
    FOLLOWERS[f"{_side}_fingertips"] = {f"{_side}_hand": 0.5}
    FOLLOWERS[f"{_side}_ankle"] = {f"{_side}_foot": 1.0, f"{_side}_toe": 1.0}
    FOLLOWERS[f"{_side}_toe"] = {f"{_side}_foot": 0.5}
    _hand = tuple(f"{_side}_{name}" for name in ("wrist", "hand", "fingertips"))
    FLIPS[f"{_side}_hip"] = (f"{_side}_hip",)
    FLIPS[f"{_side}_shoulder"] = (f"{_side}_shoulder",)
    FLIPS[f"{_side}_elbow"] = (f"{_side}_elbow", *_hand)
    FLIPS[f"{_side}_wrist"] = _hand
    FLIPS[f"{_side}_fingertips"] = _hand[1:]
    FLIPS[f"{_side}_knee"] = (f"{_side}_knee", f"{_side}_ankle")
    FLIPS[f"{_side}_ankle"] = (f"{_side}_ankle",)
    FLIPS[f"{_side}_toe"] = (f"{_side}_foot", f"{_side}_toe")

#: The bones, by their ends, that have a button for front and behind in their middle.
FLIP_BUTTONS = _both("elbow", "wrist", "knee", "ankle")


def dragged(
    places: np.ndarray, joint: str, place: np.ndarray, pinned: Collection[str], *, carry: bool = False
) -> np.ndarray:
    """The keypoints after one of them was dragged; pinned ones stay where they are.

    Args:
        places: (30, 2) pixels, before.
        joint: the one that is dragged, pinned or not.
        place: (2,) pixels, where to.
        pinned: names of the others that stay.
        carry: take all that hangs on the joint along, up to the next pinned one, instead of its followers.

    Returns:
        (30, 2) pixels.
    """
    index = KEYPOINT_NAMES.index(joint)
    shares = np.zeros(len(KEYPOINT_NAMES))
    shares[index] = 1.0
    if carry:
        for keypoint, name in enumerate(KEYPOINT_NAMES):  # parents come first
            parent = KEYPOINT_PARENTS[keypoint]
            if keypoint != index and parent >= 0 and shares[parent] and name not in pinned:
                shares[keypoint] = 1.0
    else:
        for name, share in FOLLOWERS.get(joint, {}).items():
            if name not in pinned:
                shares[KEYPOINT_NAMES.index(name)] = share
    return places + shares[:, None] * (np.asarray(place, np.float64) - places[index])


def title(joint: str) -> str:
    """The joint's name in words: "Left knee"."""
    return joint.replace("_", " ").capitalize()
