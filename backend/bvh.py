"""Writes BVH motion: a tree of joints with offsets, then one line of angles a frame. Y is up, lengths are metres.

Only the root moves; all other joints turn. A joint turns by z, then x, then y, each about the axis that the
turns before have left: ``R = Rz Rx Ry``.

Source: Meredith and Maddock, "Motion capture file formats explained", 2001.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .body import Body
from .export import replacing
from .motion import Motion
from .skeleton import JOINT_NAMES, JOINT_PARENTS, PART_ENDS

#: Cosine of x below which z and y turn about one axis, and only their sum can be told.
_LOCKED = 1e-6


@dataclass(frozen=True, eq=False)
class Clip:
    """A tree of joints that moves.

    Attributes:
        names: of the J joints; the root is the first, parents come before their children.
        parents: index of each joint's parent, -1 for the root.
        offsets: (J, 3) from the parent's place to the joint's, at rest, metres, y up.
        ends: joint without children -> (3,) offset of its end.
        rotations: (F, J, 3, 3) relative to the parent; the identity leaves a joint as it rests.
        places: (F, 3) places of the root, metres, y up.
        rate: frames a second.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: np.ndarray
    ends: Mapping[int, np.ndarray]
    rotations: np.ndarray
    places: np.ndarray
    rate: float


def smpl_clip(motion: Motion, body: Body) -> Clip:
    """The SMPL skeleton, in the body's proportions, as it moves."""
    keypoints = np.asarray(
        body.rest_keypoints(np.asarray(motion.betas, np.float32)[: body.n_betas]), np.float64
    )
    joints = range(len(JOINT_NAMES))
    offsets = np.array([keypoints[j] - keypoints[max(JOINT_PARENTS[j], 0)] for j in joints])
    leaves = [j for j in joints if j not in JOINT_PARENTS]
    ends = {j: keypoints[PART_ENDS[j]] - keypoints[j] for j in leaves}
    return Clip(JOINT_NAMES, JOINT_PARENTS, offsets, ends, motion.rotations, motion.places, motion.rate)


def write_bvh(clip: Clip, path: Path) -> None:
    """Write a clip to a file, which is whole or not there. Raises OSError when that cannot be done."""
    children: list[list[int]] = [[] for _ in clip.names]
    for joint, parent in enumerate(clip.parents[1:], 1):
        children[parent].append(joint)
    order: list[int] = []
    lines = ["HIERARCHY", *_joint(clip, children, 0, "", order), "MOTION"]
    lines += [f"Frames: {len(clip.rotations)}", f"Frame Time: {1 / clip.rate:.8f}"]
    angles = np.degrees(euler_zxy(clip.rotations))[:, order].reshape(len(clip.rotations), -1)
    for place, turns in zip(clip.places, angles, strict=True):
        lines.append(" ".join(f"{value:.6f}" for value in (*place, *turns)))
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _joint(clip: Clip, children: list[list[int]], joint: int, indent: str, order: list[int]) -> Iterator[str]:
    """The lines of a joint and all below it; ``order`` takes down in which order the joints come."""
    order.append(joint)
    root = clip.parents[joint] < 0
    # Blanks would end a name.
    yield f"{indent}{'ROOT' if root else 'JOINT'} {'_'.join(clip.names[joint].split())}"
    yield f"{indent}{{"
    # Some readers add the root's offset to its place, others put the place in its stead: zero suits both.
    yield f"{indent}\tOFFSET {_numbers(np.zeros(3) if root else clip.offsets[joint])}"
    place = "Xposition Yposition Zposition " if root else ""
    yield f"{indent}\tCHANNELS {6 if root else 3} {place}Zrotation Xrotation Yrotation"
    for child in children[joint]:
        yield from _joint(clip, children, child, f"{indent}\t", order)
    if not children[joint]:
        yield f"{indent}\tEnd Site"
        yield f"{indent}\t{{"
        yield f"{indent}\t\tOFFSET {_numbers(clip.ends.get(joint, np.zeros(3)))}"
        yield f"{indent}\t}}"
    yield f"{indent}}}"


def _numbers(vector: np.ndarray) -> str:
    return " ".join(f"{value:.6f}" for value in vector)


def euler_zxy(rotations: np.ndarray) -> np.ndarray:
    """Angles of ``R = Rz Rx Ry`` that change as little as they can from frame to frame.

    Args:
        rotations: (F, J, 3, 3) matrices.

    Returns:
        (F, J, 3) radians, in the order z, x, y.
    """
    sine = np.clip(rotations[..., 2, 1], -1.0, 1.0)
    x = np.arcsin(sine)
    free = np.hypot(rotations[..., 2, 0], rotations[..., 2, 2]) > _LOCKED
    z = np.where(
        free,
        np.arctan2(-rotations[..., 0, 1], rotations[..., 1, 1]),
        np.arctan2(rotations[..., 1, 0], rotations[..., 0, 0]),
    )
    y = np.where(free, np.arctan2(-rotations[..., 2, 0], rotations[..., 2, 2]), 0.0)
    angles = np.stack([z, x, y], -1)
    # The same turn the other way round: z and y half a turn on, x mirrored.
    other = np.stack([z + np.pi, np.pi - x, y + np.pi], -1)
    for frame in range(1, len(angles)):
        before = angles[frame - 1]
        ways = [
            way + 2 * np.pi * np.round((before - way) / (2 * np.pi)) for way in (angles[frame], other[frame])
        ]
        far = [np.abs(way - before).sum(-1, keepdims=True) for way in ways]
        angles[frame] = np.where(far[0] <= far[1], ways[0], ways[1])
    return angles
