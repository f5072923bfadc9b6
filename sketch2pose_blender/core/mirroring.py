"""Left and right of a rig exchanged: which bone is the mirror image of which, and what a mirrored turn is.

All is in armature space. ``S`` reflects across the figure's middle plane. A bone's own transformation, as
``PoseBone.matrix_basis`` has it, is mirrored in the rest frames of the two bones, ``K B K^-1`` with
``K = M'^-1 S M``: whatever the rolls are, and whatever moves the bones (parents, constraints, drivers), a rig that
rests as its own mirror image shows the mirrored pose.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .retarget import Target, shortest_turn
from .rig_mapping import Skeleton
from .rig_names import plain_name

#: Bones are at each other's mirrored place if they miss it by less, as a share of the rig's extent.
_NEAR = 0.02
#: A rig rests as its own mirror image if its limbs do to this angle, radians.
_SYMMETRIC = 2e-4
_OTHER = {"left": "right", "right": "left", "": ""}


def reflection(axis: np.ndarray) -> np.ndarray:
    """(3, 3) ``S`` across the plane with the (3,) unit normal ``axis``."""
    return np.eye(3) - 2 * np.outer(axis, axis)


def other_side(joint: str) -> str:
    """The joint that is its mirror image: ``left_knee`` for ``right_knee``, ``neck`` for itself."""
    side, _, rest = joint.partition("_")
    return f"{_OTHER[side]}_{rest}" if rest and side in _OTHER else joint


def pair_bones(skeleton: Skeleton, axis: np.ndarray, mapped: Mapping[str, str]) -> dict[str, str]:
    """The mirror image of every bone that has one; bones of the middle are their own.

    What is known of the joints counts first, then the names of the rest, then their places.

    Args:
        skeleton: the bones at rest.
        axis: (3,) unit normal of the middle plane.
        mapped: SMPL joint -> bone, as far as known; a bone stands for one joint.
    """
    pairs: dict[str, str] = {}
    for joint, bone in mapped.items():
        if other_side(joint) in mapped:
            pairs[bone] = mapped[other_side(joint)]
    _pair_by_name(skeleton, pairs)
    _pair_by_place(skeleton, axis, pairs)
    return pairs


def _pair_by_name(skeleton: Skeleton, pairs: dict[str, str]) -> None:
    """Add the bones whose names differ in their side alone."""
    known: dict[tuple[str, str], list[str]] = {}
    for name in skeleton.names:
        plain = plain_name(name)
        known.setdefault((plain.stem, plain.side), []).append(name)
    taken = set(pairs.values())
    for (stem, side), names in known.items():
        others = known.get((stem, _OTHER[side]), [])
        # Two names that read alike are told apart by their places.
        if side and len(names) == len(others) == 1 and names[0] not in pairs and others[0] not in taken:
            pairs[names[0]] = others[0]


def _pair_by_place(skeleton: Skeleton, axis: np.ndarray, pairs: dict[str, str]) -> None:
    """Add the bones that are at each other's mirrored places, nearest first."""
    left = [index for index, name in enumerate(skeleton.names) if name not in pairs]
    if not left:
        return
    extent = float(np.ptp(skeleton.heads, axis=0).max()) or 1.0
    ends = np.concatenate([skeleton.heads, skeleton.tails], 1)
    index = {name: number for number, name in enumerate(skeleton.names)}
    known = [(index[bone], index[other]) for bone, other in pairs.items()]
    middle = np.median([(ends[a, :3] + ends[b, :3]) @ axis / 2 for a, b in known]) if known else 0.0
    points = ends[left].reshape(-1, 2, 3)
    mirrored = points - 2 * (points @ axis - middle)[..., None] * axis
    misses = np.linalg.norm(mirrored[:, None] - points, axis=-1).max(-1) / extent
    # Of several bones at one place, the one that hangs on the mirror image of the parent is meant.
    for row, column in np.argwhere(misses < _NEAR).tolist():
        if not _parents_match(skeleton, left[row], left[column], pairs):
            misses[row, column] += 0.5 * _NEAR
    taken: set[int] = set()
    for row, column in zip(*np.unravel_index(np.argsort(misses, axis=None), misses.shape), strict=True):
        if misses[row, column] >= _NEAR:
            break
        if row in taken or column in taken:
            continue
        taken |= {int(row), int(column)}
        one, other = skeleton.names[left[row]], skeleton.names[left[column]]
        pairs[one], pairs[other] = other, one


def _parents_match(skeleton: Skeleton, bone: int, other: int, pairs: Mapping[str, str]) -> bool:
    one, two = skeleton.parents[bone], skeleton.parents[other]
    if one < 0 or two < 0:
        return one == two
    known = pairs.get(skeleton.names[one])
    return known is None or known == skeleton.names[two]


def mirrored_basis(
    basis: np.ndarray, rest: np.ndarray, other_rest: np.ndarray, axis: np.ndarray, along_bone: np.ndarray
) -> np.ndarray:
    """What bones have of their own as their mirror images must have it.

    Args:
        basis: (N, 4, 4) of the bones, as ``matrix_basis``, without scale.
        rest: (N, 3, 3) rest orientations of the bones.
        other_rest: (N, 3, 3) those of their mirror images, which get the results.
        axis: (3,) unit normal of the middle plane.
        along_bone: (N,) bool, whether a bone's location is along its own axes, not the armature's.

    Returns:
        (N, 4, 4).
    """
    mirror = reflection(axis)
    change = other_rest.swapaxes(1, 2) @ mirror @ rest
    result = np.tile(np.eye(4), (len(basis), 1, 1))
    result[:, :3, :3] = change @ basis[:, :3, :3] @ change.swapaxes(1, 2)
    moves = np.where(along_bone[:, None, None], change, mirror)
    result[:, :3, 3] = (moves @ basis[:, :3, 3:])[..., 0]
    return result


def alignments(target: Target) -> dict[str, np.ndarray]:
    """Joint -> (3, 3) turn from the joint's rest to the mirrored rest of the other side's.

    They are the identity for all joints of a rig that rests as its own mirror image; ``{}`` stands for that.
    """
    axis = target.to_armature[:, 0]
    mirror = reflection(axis)
    heads = target.reference[0]
    found: dict[str, np.ndarray] = {}
    worst = 0.0
    for joint, end in target.ends.items():
        other, other_end = other_side(joint), other_side(end)
        if target.ends.get(other) != other_end:
            continue
        own = heads[target.places[end]] - heads[target.places[joint]]
        meant = mirror @ (heads[target.places[other_end]] - heads[target.places[other]])
        found[joint] = shortest_turn(own, meant)
        cosine = own @ meant / np.linalg.norm(own) / np.linalg.norm(meant)
        worst = max(worst, float(np.arccos(np.clip(cosine, -1, 1))))
    if worst < _SYMMETRIC:
        return {}
    for joint in target.bones:
        side, _, part = joint.partition("_")
        like = {"wrist": f"{side}_elbow", "foot": f"{side}_ankle"}.get(part, "")
        found.setdefault(joint, found.get(like, np.eye(3)))
    return found
