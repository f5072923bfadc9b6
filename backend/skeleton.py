"""The SMPL skeleton and the drawn keypoints: names, order, parents, left/right mirror.

Everything that indexes a joint, a keypoint or a bone does it in the order written here.

A *joint* is one of the 24 rotating joints of SMPL. A *keypoint* is a joint or one of six surface
points that a drawing shows (nose, top of the head, tips of toes and fingers). A *bone* runs from a
keypoint's parent to the keypoint; bone ``i`` ends in keypoint ``i + 1``, so there are 29.
"""

from __future__ import annotations

JOINT_NAMES: tuple[str, ...] = (
    "pelvis",
    "left_hip",
    "right_hip",
    "spine1",
    "left_knee",
    "right_knee",
    "spine2",
    "left_ankle",
    "right_ankle",
    "spine3",
    "left_foot",
    "right_foot",
    "neck",
    "left_collar",
    "right_collar",
    "head",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hand",
    "right_hand",
)
SURFACE_NAMES: tuple[str, ...] = (
    "nose",
    "head_top",
    "left_toe",
    "right_toe",
    "left_fingertips",
    "right_fingertips",
)
KEYPOINT_NAMES: tuple[str, ...] = JOINT_NAMES + SURFACE_NAMES

N_JOINTS = len(JOINT_NAMES)
N_KEYPOINTS = len(KEYPOINT_NAMES)
N_BONES = N_KEYPOINTS - 1

#: Parent of each of the 24 joints; the pelvis has none (-1).
JOINT_PARENTS: tuple[int, ...] = (
    -1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21,
)  # fmt: skip

_INDEX = {name: index for index, name in enumerate(KEYPOINT_NAMES)}
_SURFACE_PARENTS = ("head", "head", "left_foot", "right_foot", "left_hand", "right_hand")

#: Parent of each of the 30 keypoints; the first 24 entries are JOINT_PARENTS.
KEYPOINT_PARENTS: tuple[int, ...] = JOINT_PARENTS + tuple(_INDEX[n] for n in _SURFACE_PARENTS)


def keypoint_index(name: str) -> int:
    """Index of a joint or keypoint by name. Raises KeyError for an unknown name."""
    return _INDEX[name]


def _mirror_name(name: str) -> str:
    if name.startswith("left_"):
        return "right_" + name.removeprefix("left_")
    if name.startswith("right_"):
        return "left_" + name.removeprefix("right_")
    return name


def _part_end(joint: int) -> int:
    branching = {
        "pelvis": "spine1",
        "spine3": "neck",
        "head": "head_top",
        "left_foot": "left_toe",
        "right_foot": "right_toe",
        "left_hand": "left_fingertips",
        "right_hand": "right_fingertips",
    }
    end = branching.get(JOINT_NAMES[joint])
    return KEYPOINT_PARENTS.index(joint) if end is None else _INDEX[end]


#: PART_ENDS[j] is the keypoint where the body part that joint j moves ends: its one child, or, where it has
#: several or none among the joints, the keypoint along the part's axis.
PART_ENDS: tuple[int, ...] = tuple(_part_end(joint) for joint in range(N_JOINTS))

#: KEYPOINT_MIRROR[i] is the keypoint on the other side of the body (itself on the midline).
KEYPOINT_MIRROR: tuple[int, ...] = tuple(_INDEX[_mirror_name(n)] for n in KEYPOINT_NAMES)

#: BONE_MIRROR[b] is the bone on the other side of the body.
BONE_MIRROR: tuple[int, ...] = tuple(KEYPOINT_MIRROR[b + 1] - 1 for b in range(N_BONES))
