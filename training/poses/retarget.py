"""Carries the motion of a capture skeleton over to SMPL: same bone directions, SMPL's own lengths.

Per joint: the shortest rotation from SMPL's rest bone to the source's rest bone, then the source's world
rotation. So a source may rest in a T-pose, an A-pose or with hanging arms, and twists carry over. Where a
limb of the source is split into several bones, a last shortest rotation lays the SMPL bone exactly along it.

The pelvis takes the direction from hip to hip and for the rest the source's turn from its rest pose; collars,
head and toes take that turn alone: where a root or a collar bone begins, and where a head ends, is a matter
of the capture program, not of the body. So is how a spine runs inside the trunk: SMPL's is curved like a
person's, most sources' are straight, and laid bone on bone everyone who stands would throw the chest 15
degrees back. Spine and neck therefore turn as the source's bones turn from rest and keep SMPL's curve.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from backend.body import forward_kinematics, global_rotations, load_body, local_rotations
from backend.errors import InputError
from backend.skeleton import JOINT_NAMES, JOINT_PARENTS, N_JOINTS

from .motion import Motion, swing
from .skeleton_map import SkeletonMap, map_skeleton

#: The bone that gives a joint its direction: joint -> joints at its other end, the first that is there.
_AHEAD: dict[str, tuple[str, ...]] = {
    "spine1": ("spine2", "spine3", "neck"),
    "spine2": ("spine3", "neck"),
    "spine3": ("neck",),
    "neck": ("head",),
} | {
    f"{side}_{joint}": (f"{side}_{end}",)
    for side in ("left", "right")
    for joint, end in (
        ("hip", "knee"), ("knee", "ankle"), ("ankle", "foot"),
        ("shoulder", "elbow"), ("elbow", "wrist"), ("wrist", "hand"),
    )
}  # fmt: skip

#: Joints whose bone keeps the curve of SMPL's rest pose: it turns as the source's bone turns from rest.
_CURVED = {"spine1", "spine2", "spine3", "neck"}

#: A bone shorter than this share of the figure has no direction to speak of.
_SHORTEST = 0.004

#: A first frame is a calibration pose if the next one is so far from it, in degrees of some bone ...
_JUMP = 12.0
#: ... and arms and legs are as straight and square as this, in degrees.
_SQUARE = 20.0


@dataclass(frozen=True, eq=False)
class SmplMotion:
    """A motion on the SMPL skeleton.

    Attributes:
        rotations: (F, 24, 3, 3) float64 local rotations; the first is the global orientation, y up, the
            heading is the source's.
        bones: K pairs (start, end) of SMPL joints whose direction the source gives; the first is from
            the right hip to the left.
        directions: (F, K, 3) float64 unit directions of those bones by the source's own forward
            kinematics, y up.
        starts_in_t_pose: whether the first frame is a calibration pose that is not part of the motion.
        family: the family of the source's skeleton.
    """

    rotations: np.ndarray
    bones: tuple[tuple[int, int], ...]
    directions: np.ndarray
    starts_in_t_pose: bool
    family: str

    def without_first_frame(self) -> SmplMotion:
        """The same motion from its second frame on."""
        return replace(
            self, rotations=self.rotations[1:], directions=self.directions[1:], starts_in_t_pose=False
        )


def to_smpl(motion: Motion, file: str) -> SmplMotion:
    """Convert a motion to the default body's SMPL skeleton.

    Args:
        motion: any skeleton of a person that :mod:`skeleton_map` knows.
        file: what to call it in an error.

    Returns:
        The motion on SMPL, one pose a frame.

    Raises:
        InputError: joints are missing, or the rest pose has no height or width.
    """
    found = map_skeleton(motion, file)
    rest = motion.rest_positions()
    axes, size = _body_axes(rest, found, file)
    smpl_rest = _smpl_rest()
    rotations, positions = motion.world([*found.places.values(), *found.turns.values()])
    # The world's vertical is that of the rest pose, to the nearest axis.
    up = np.round(axes[:, 1] / np.abs(axes[:, 1]).max())
    upright = swing(up, np.array([0.0, 1.0, 0.0]))

    world = np.empty((motion.n_frames, N_JOINTS, 3, 3))
    alignments: dict[int, np.ndarray] = {}
    bones: list[tuple[int, int]] = []
    directions: list[np.ndarray] = []
    for joint in range(N_JOINTS):
        name = JOINT_NAMES[joint]
        if joint not in found.places or motion.ends[found.places[joint]] or name.endswith("_hand"):
            # Nothing turns here in the source (or a finger does, which is no hand): it follows its parent.
            world[:, joint] = world[:, JOINT_PARENTS[joint]]
            continue
        ahead = _ahead(joint, found, rest, _SHORTEST * size)
        turned = rotations[:, found.turns[joint]]
        if name == "pelvis":
            world[:, joint] = upright @ turned @ axes
            # Most pelvises are rigid; where each side has a bone of its own, the hips decide.
            across = (_index("right_hip"), _index("left_hip"))
            hips = _direction(across, found, positions, upright, file)
            drawn = world[:, joint] @ (smpl_rest[across[1]] - smpl_rest[across[0]])
            world[:, joint] = swing(drawn, hips) @ world[:, joint]
            bones.append(across)
            directions.append(hips)
            continue
        if ahead < 0:
            # A hand without fingers lies along the forearm; all else keeps its turn from the rest pose.
            aligned = alignments[JOINT_PARENTS[joint]] if name.endswith("_wrist") else axes
            world[:, joint] = upright @ turned @ aligned
            continue
        smpl_bone = smpl_rest[ahead] - smpl_rest[joint]
        source_rest = rest[found.places[ahead]] - rest[found.places[joint]]
        direction = _direction((joint, ahead), found, positions, upright, file)
        if name in _CURVED:
            turned = upright @ turned
            world[:, joint] = swing(turned @ source_rest, direction) @ turned @ axes
            continue
        alignments[joint] = swing(axes @ smpl_bone, source_rest) @ axes
        turned = turned @ alignments[joint]
        turned = upright @ turned
        world[:, joint] = swing(turned @ smpl_bone, direction) @ turned
        bones.append((joint, ahead))
        directions.append(direction)
    directions_array = np.stack(directions, 1)
    return SmplMotion(
        local_rotations(world),
        tuple(bones),
        directions_array,
        _starts_in_t_pose(bones, directions_array, world),
        found.family,
    )


def direction_errors(rotations: np.ndarray, motion: SmplMotion) -> np.ndarray:
    """How far the bones of SMPL poses are from the source's, by forward kinematics of the default body.

    Args:
        rotations: (F, 24, 3, 3) local rotations, one pose for each frame of ``motion``.
        motion: the frames with the directions that their source gave.

    Returns:
        (F, K) degrees.
    """
    joints = forward_kinematics(global_rotations(np.asarray(rotations, np.float64)), _smpl_rest())
    starts, ends = np.array(motion.bones).T
    drawn = joints[:, ends] - joints[:, starts]
    cosine = (drawn * motion.directions).sum(-1)
    sine = np.linalg.norm(np.cross(drawn, motion.directions), axis=-1)
    return np.degrees(np.arctan2(sine, cosine))


@cache
def _smpl_rest() -> np.ndarray:
    """(24, 3) float64 joints of the default body's T-pose, metres."""
    return np.asarray(load_body().rest()[1], np.float64)


def _direction(
    bone: tuple[int, int], found: SkeletonMap, positions: np.ndarray, upright: np.ndarray, file: str
) -> np.ndarray:
    """(F, 3) unit directions of a bone by the source's forward kinematics, y up."""
    start, end = (found.places[joint] for joint in bone)
    vectors = (positions[:, end] - positions[:, start]) @ upright.T
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    if lengths.min() < 1e-9:
        raise InputError(
            f"{file} has a {JOINT_NAMES[bone[1]].replace('_', ' ')} in the same place as its "
            f"{JOINT_NAMES[bone[0]].replace('_', ' ')}; choose a skeleton of a person."
        )
    return vectors / lengths


def _index(name: str) -> int:
    return JOINT_NAMES.index(name)


def _ahead(joint: int, found: SkeletonMap, rest: np.ndarray, shortest: float) -> int:
    for name in _AHEAD.get(JOINT_NAMES[joint], ()):
        end = _index(name)
        if end in found.places:
            length = np.linalg.norm(rest[found.places[end]] - rest[found.places[joint]])
            return end if length > shortest else -1
    return -1


def _body_axes(rest: np.ndarray, found: SkeletonMap, file: str) -> tuple[np.ndarray, float]:
    """(3, 3) columns left, up and forward of the source's rest pose, in its axes; and its size."""

    def place(name: str) -> np.ndarray:
        return rest[found.places[_index(name)]]

    left = place("left_hip") - place("right_hip") + place("left_shoulder") - place("right_shoulder")
    up = place("neck") - (place("left_hip") + place("right_hip")) / 2
    size = float(np.linalg.norm(up) + np.linalg.norm(place("left_hip") - place("left_knee")))
    forward = np.cross(left, up)
    if np.linalg.norm(forward) < 1e-3 * size * size or size < 1e-9:
        raise InputError(f"{file} has a rest pose without height or width; choose a skeleton of a person.")
    forward /= np.linalg.norm(forward)
    up /= np.linalg.norm(up)
    axes = np.stack([np.cross(up, forward), up, forward], 1)
    # Skeletons rest along the axes of their world; what is left over is the slant of a spine.
    snapped = np.round(axes)
    square = np.allclose(snapped @ snapped.T, np.eye(3)) and np.linalg.det(snapped) > 0
    close = square and np.trace(axes.T @ snapped) > 1 + 2 * np.cos(np.radians(30))
    return (snapped if close else axes), size


def _starts_in_t_pose(bones: list[tuple[int, int]], directions: np.ndarray, world: np.ndarray) -> bool:
    """Whether the clip jumps out of a T-pose after its first frame, as CMU's converted clips do."""
    if len(directions) < 2:
        return False
    jump = np.degrees(np.arccos(np.clip((directions[0] * directions[1]).sum(-1), -1, 1))).max()
    turn = np.degrees(np.arccos(np.clip((np.trace(world[0, 0].T @ world[1, 0]) - 1) / 2, -1, 1)))
    local = dict(zip(bones, directions[0] @ world[0, 0], strict=True))  # in the pelvis's axes
    square = np.cos(np.radians(_SQUARE))
    straight = []
    for side, outward in (("left", 1.0), ("right", -1.0)):
        for start, end, axis in (
            ("shoulder", "elbow", (outward, 0, 0)), ("elbow", "wrist", (outward, 0, 0)),
            ("hip", "knee", (0, -1, 0)), ("knee", "ankle", (0, -1, 0)),
        ):  # fmt: skip
            bone = (_index(f"{side}_{start}"), _index(f"{side}_{end}"))
            straight.append(local[bone] @ axis if bone in local else -1.0)
    return bool(max(jump, turn) > _JUMP and min(straight) > square)
