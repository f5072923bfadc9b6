"""Which bone of an unknown humanoid rig is which SMPL joint, from its hierarchy and geometry alone.

Names are not looked at, nor bone tails where anything better is there: importers invent them. A rig is
taken to be a mirror image of itself in one plane of the armature's axes; legs, arms and what lies between
follow from that. Left and right follow from up (legs to arms) and forward (where the feet point).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, permutations

import numpy as np

#: Mirrored bones miss each other's places by less, as a share of the rig's extent.
_MIRROR_TOLERANCE = 0.03
#: A bone is beside the middle plane if it is farther from it than this share of the extent.
_MIDDLE = 0.012
#: What a hierarchy of bones must have at least to be worth a search.
_FEWEST_BONES = 9


@dataclass(frozen=True, eq=False)
class Skeleton:
    """The bones of an armature at rest.

    Attributes:
        names: of the N bones.
        parents: index of each bone's parent, -1 for none; any order.
        heads: (N, 3) float, armature space, any unit.
        tails: (N, 3) float, armature space.
        matrix: (4, 4) float, armature space to world; only whether it mirrors is used.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    heads: np.ndarray
    tails: np.ndarray
    matrix: np.ndarray

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Indices of each bone's children."""
        found: list[list[int]] = [[] for _ in self.names]
        for bone, parent in enumerate(self.parents):
            if parent >= 0:
                found[parent].append(bone)
        return tuple(map(tuple, found))

    def ancestors(self, bone: int) -> Iterator[int]:
        """The bone, its parent, and so on to its root."""
        while bone >= 0:
            yield bone
            bone = self.parents[bone]

    def subtree(self, bone: int) -> Iterator[int]:
        """The bone and all below it."""
        open_bones = [bone]
        while open_bones:
            yield (current := open_bones.pop())
            open_bones.extend(self.children[current])


@dataclass(frozen=True, eq=False)
class RigMapping:
    """What was found.

    Attributes:
        bones: SMPL joint name -> bone name; joints that the rig has no bone for are absent.
        confidence: SMPL joint name -> 0..1, for the same joints: how well the sides mirror each other and how
            surely they are left and right; 0.9 for every joint of the middle.
        overall: 0..1, the mean over the found joints, 0 if the skeleton is no humanoid.
    """

    bones: dict[str, str]
    confidence: dict[str, float]
    overall: float


@dataclass(frozen=True, eq=False)
class _Mirror:
    """The middle plane: ``axis`` (3,) unit, ``places`` (N,) signed distance of the heads as shares of extent."""

    axis: np.ndarray
    places: np.ndarray
    heads: np.ndarray  # (N, 3) divided by the extent, the plane through the origin
    sides: np.ndarray  # (N,) int8: +1, -1, or 0 for bones of the middle


@dataclass(frozen=True, eq=False)
class _Limb:
    """A chain on the positive side: its bones from the middle outwards, and three joints' places in it."""

    path: tuple[int, ...]
    joints: tuple[int, int, int]
    score: float


def map_skeleton(skeleton: Skeleton) -> RigMapping:
    """Find the joints of SMPL in a skeleton; an empty mapping if it is no humanoid."""
    if len(skeleton.names) < _FEWEST_BONES or not np.ptp(skeleton.heads, axis=0).any():
        return RigMapping({}, {}, 0.0)
    best: tuple[float, RigMapping] = 0.0, RigMapping({}, {}, 0.0)
    for axis in np.eye(3):
        mirror = _mirrored(skeleton, axis)
        found = _limbs(skeleton, mirror)
        if found is not None and found[0] > best[0]:
            best = found[0], _mapping(skeleton, mirror, *found[1:])
    return best[1]


def _mirrored(skeleton: Skeleton, axis: np.ndarray) -> _Mirror:
    extent = float(np.ptp(skeleton.heads, axis=0).max())
    along = skeleton.heads @ axis
    # Some bone lies on the plane: the root, a part of the spine.
    planes = np.unique(np.round(along / extent, 3)) * extent
    misses = [_misses((skeleton.heads - axis * plane) / extent, axis) for plane in planes]
    middle = planes[int(np.argmin([np.minimum(miss, _MIRROR_TOLERANCE).mean() for miss in misses]))]
    heads = (skeleton.heads - axis * middle) / extent
    places = heads @ axis
    sides = np.zeros(len(places), np.int8)
    for bone, place in enumerate(places):
        below = places[list(skeleton.subtree(bone))]
        positive, negative = below.max() > _MIDDLE, below.min() < -_MIDDLE
        if positive != negative:  # the first bone of a limb may lie on the plane
            sides[bone] = 1 if positive else -1
        elif abs(place) > 3 * _MIDDLE:
            sides[bone] = np.sign(place)
    return _Mirror(axis, places, heads, sides)


def _misses(heads: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """(N,) how far the mirrored place of each head is from the nearest head."""
    flipped = heads * (1 - 2 * axis)
    return np.linalg.norm(flipped[:, None] - heads, axis=-1).min(axis=1)


def _limbs(skeleton: Skeleton, mirror: _Mirror) -> tuple[float, np.ndarray, _Limb, _Limb] | None:
    """The likeliest (score, up, leg, arm) of the positive side."""
    starts = [
        bone
        for bone, parent in enumerate(skeleton.parents)
        if mirror.sides[bone] > 0 and (parent < 0 or mirror.sides[parent] <= 0)
    ]
    chains = [path for start in starts if len(path := _longest_path(skeleton, mirror, start)) > 2]
    best = None
    for leg_path, arm_path in permutations(chains, 2):
        shared = set(skeleton.ancestors(leg_path[0])) & set(skeleton.ancestors(arm_path[0]))
        if not any(mirror.sides[bone] == 0 for bone in shared):
            continue
        up = _snapped(mirror.heads[arm_path[0]] - mirror.heads[leg_path[0]], mirror.axis)
        leg, arm = _leg(mirror, leg_path, up), _arm(skeleton, mirror, arm_path)
        if leg is None or arm is None:
            continue
        top = max((h @ up for h, s in zip(mirror.heads, mirror.sides, strict=True) if s == 0), default=0.0)
        head_above = top > mirror.heads[arm.path[arm.joints[0]]] @ up
        outwards = mirror.places[arm.path[arm.joints[2]]] - mirror.places[arm.path[arm.joints[0]]]
        pairs = _unpaired(mirror, (*leg_path, *arm_path))
        score = leg.score + arm.score + head_above + 2 * outwards - 4 * pairs
        if best is None or score > best[0]:
            best = score, up, leg, arm
    return best


def _longest_path(skeleton: Skeleton, mirror: _Mirror, start: int) -> tuple[int, ...]:
    """Bones from the start to the leaf that is farthest along the bones."""
    reach = {start: 0.0}
    for bone in skeleton.subtree(start):
        for child in skeleton.children[bone]:
            reach[child] = reach[bone] + float(np.linalg.norm(mirror.heads[child] - mirror.heads[bone]))
    end = max(reach, key=lambda bone: reach[bone])
    path = [bone for bone in skeleton.ancestors(end) if bone in reach]
    return tuple(reversed(path))


def _snapped(direction: np.ndarray, lateral: np.ndarray) -> np.ndarray:
    """The axis, other than the lateral one, that a direction is nearest to."""
    direction = direction * (1 - np.abs(lateral))
    axis = np.zeros(3)
    largest = int(np.argmax(np.abs(direction)))
    axis[largest] = np.sign(direction[largest])
    return axis


def _leg(mirror: _Mirror, path: tuple[int, ...], up: np.ndarray) -> _Limb | None:
    points = mirror.heads[list(path)]
    drop = float(np.max(points[0] @ up - points @ up))
    best = None
    for hip, knee, ankle in combinations(range(len(path)), 3):
        thigh, shin = points[knee] - points[hip], points[ankle] - points[knee]
        lengths = np.linalg.norm(thigh), np.linalg.norm(shin)
        first = points[hip + 1] - points[hip]
        if min(lengths) < 0.02 or drop < 0.1 or -(first @ up) < 0.75 * np.linalg.norm(first):
            continue
        straight = -((thigh + shin) @ up)
        score = 2 * straight / drop - 0.7 * abs(np.log(lengths[0] / lengths[1])) - 0.3 * hip
        score -= 2 * (lengths[0] + lengths[1] - straight)
        score -= 5 * (_bend(points[hip : knee + 1]) + _bend(points[knee : ankle + 1]))
        if ankle + 1 < len(path):
            foot = points[ankle + 1] - points[ankle]
            score += 0.8 * (-(foot @ up) < 0.85 * np.linalg.norm(foot))
        score -= 0.5 * max(0, len(path) - 1 - ankle - 2)  # a foot has few bones
        if best is None or score > best.score:
            best = _Limb(path, (hip, knee, ankle), float(score))
    return best


def _bend(points: np.ndarray) -> float:
    """How far bones within a stiff segment leave the straight line, as a share of its length."""
    chord = points[-1] - points[0]
    length = float(np.linalg.norm(chord))
    aside = np.cross(points[1:-1] - points[0], chord / length)
    return float(np.linalg.norm(aside, axis=1).max(initial=0.0)) / length


def _arm(skeleton: Skeleton, mirror: _Mirror, path: tuple[int, ...]) -> _Limb | None:
    points = mirror.heads[list(path)]
    reach = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
    best = None
    for shoulder, elbow, wrist in combinations(range(len(path)), 3):
        upper = float(np.linalg.norm(points[elbow] - points[shoulder]))
        lower = float(np.linalg.norm(points[wrist] - points[elbow]))
        if min(upper, lower) < 0.02:
            continue
        score = 2 * (upper + lower) / reach - 2.0 * abs(np.log(upper / lower / 1.05))
        score += 1.0 * (len(skeleton.children[path[wrist]]) > 1) + 0.6 * (shoulder > 0)
        score -= 5 * (_bend(points[shoulder : elbow + 1]) + _bend(points[elbow : wrist + 1]))
        if best is None or score > best.score:
            best = _Limb(path, (shoulder, elbow, wrist), float(score))
    return best


def _unpaired(mirror: _Mirror, bones: Iterable[int]) -> float:
    """Mean miss of the mirrored bones' places, shares of the extent."""
    other = mirror.heads[mirror.sides < 0]
    if not len(other):
        return 1.0
    flipped = mirror.heads[list(bones)] * (1 - 2 * np.abs(mirror.axis))
    return float(np.linalg.norm(flipped[:, None] - other, axis=-1).min(axis=1).mean())


def _mapping(skeleton: Skeleton, mirror: _Mirror, up: np.ndarray, leg: _Limb, arm: _Limb) -> RigMapping:
    joints = _middle(skeleton, mirror, up, leg, arm)
    confidence = dict.fromkeys(joints, 0.9)
    one_side: dict[str, int] = {}
    for limb, names in ((leg, ("hip", "knee", "ankle")), (arm, ("shoulder", "elbow", "wrist"))):
        one_side |= {name: limb.path[place] for name, place in zip(names, limb.joints, strict=True)}
    if arm.joints[0] > 0:
        one_side["collar"] = arm.path[0]
    toe = _toe(skeleton, mirror, leg)
    if toe is not None:
        one_side["foot"] = toe
    forward, sure = _forward(skeleton, mirror, up, leg, arm)
    left = np.cross(up, forward) @ mirror.axis * np.sign(np.linalg.det(skeleton.matrix[:3, :3]))
    here, there = ("left", "right") if left > 0 else ("right", "left")
    for name, bone in one_side.items():
        joints[f"{here}_{name}"] = bone
        partner, miss = _partner(skeleton, mirror, bone)
        confidence[f"{here}_{name}"] = confidence[f"{there}_{name}"] = float(
            sure * np.exp(-miss / (2 * _MIRROR_TOLERANCE))
        )
        joints[f"{there}_{name}"] = partner
    names = {joint: skeleton.names[bone] for joint, bone in joints.items()}
    return RigMapping(names, confidence, float(np.mean([confidence[joint] for joint in joints])))


def _middle(skeleton: Skeleton, mirror: _Mirror, up: np.ndarray, leg: _Limb, arm: _Limb) -> dict[str, int]:
    """Pelvis, spine, neck and head."""
    height = mirror.heads @ up
    hip, collar = leg.path[leg.joints[0]], arm.path[0]
    trunk = [bone for bone in skeleton.ancestors(collar) if mirror.sides[bone] == 0][::-1]
    above_hip = [bone for bone in skeleton.ancestors(leg.path[0]) if mirror.sides[bone] == 0]
    pelvis = next((b for b in above_hip if b in trunk and height[b] <= height[hip] + 0.05), above_hip[-1])
    spine = trunk[trunk.index(pelvis) + 1 :] if pelvis in trunk else trunk
    upper: list[int] = []
    if spine and height[spine[-1]] > height[collar] + 0.01:  # the arms hang on the neck
        upper.append(spine.pop())
    last = upper[-1] if upper else (spine[-1] if spine else pelvis)
    while not (upper and _has_face(skeleton, mirror, last, height)):
        further = [b for b in skeleton.children[last] if mirror.sides[b] == 0 and height[b] > height[last]]
        if not further:
            break
        last = max(further, key=lambda bone: len(list(skeleton.subtree(bone))))
        upper.append(last)
    found = {"pelvis": pelvis} | _spine(spine, height, pelvis)
    if len(upper) > 2 and not _has_face(skeleton, mirror, last, height):
        # A long last step is the skull, from the head to a bone that only marks its top; where the toes end
        # in such bones too, it need not be so long.
        skull = 0.07 if len(leg.path) - leg.joints[2] < 3 else 0.035
        if height[upper[-1]] - height[upper[-2]] > skull:
            upper.pop()
    if upper:
        found["head"] = upper[-1]
    if len(upper) > 1:
        found["neck"] = upper[0]
    return found


def _has_face(skeleton: Skeleton, mirror: _Mirror, bone: int, height: np.ndarray) -> bool:
    """Whether eyes or other parts of a face hang on a bone, rather than arms."""
    parts = [child for child in skeleton.children[bone] if mirror.sides[child] != 0]
    small = [part for part in parts if np.ptp(height[list(skeleton.subtree(part))]) < 0.15]
    return len(small) > 1 or len(skeleton.children[bone]) > 3


def _spine(spine: list[int], height: np.ndarray, pelvis: int) -> dict[str, int]:
    if len(spine) > 3:
        spine = [b for b in spine if height[b] > height[pelvis] + 0.02] or spine
    if len(spine) > 2:
        return {"spine1": spine[0], "spine2": spine[(len(spine) - 1) // 2], "spine3": spine[-1]}
    return dict(zip(("spine1", "spine3"), spine, strict=False))


def _toe(skeleton: Skeleton, mirror: _Mirror, leg: _Limb) -> int | None:
    ankle = leg.joints[2]
    toes = [child for child in skeleton.children[leg.path[ankle]] if mirror.sides[child] > 0]
    if ankle + 1 >= len(leg.path) or len(toes) > 3:  # each toe by itself
        return None
    return leg.path[ankle + 1]


def _forward(
    skeleton: Skeleton, mirror: _Mirror, up: np.ndarray, leg: _Limb, arm: _Limb
) -> tuple[np.ndarray, float]:
    """(3,) the axis that the figure faces, and how sure that is, 0..1.

    Feet point forward, knees bend forward, elbows backward.
    """
    axis = np.abs(np.cross(up, mirror.axis))
    hip, knee, ankle = (mirror.heads[leg.path[place]] for place in leg.joints)
    shoulder, elbow, wrist = (mirror.heads[arm.path[place]] for place in arm.joints)
    foot = leg.path[leg.joints[2]]
    tail = (skeleton.tails[foot] - skeleton.heads[foot]) / np.ptp(skeleton.heads, axis=0).max()
    bends = (2 * knee - hip - ankle) - (2 * elbow - shoulder - wrist)
    seen = float((3 * (mirror.heads[leg.path[-1]] - ankle) + tail + bends) @ axis)
    return axis * (1.0 if seen > 0 else -1.0), abs(seen) / (abs(seen) + 0.02)


def _partner(skeleton: Skeleton, mirror: _Mirror, bone: int) -> tuple[int, float]:
    """The bone on the other side, and how far it is from the mirrored place in shares of the extent."""
    depth = len(list(skeleton.ancestors(bone)))
    flipped = mirror.heads[bone] * (1 - 2 * np.abs(mirror.axis))
    others = [
        other
        for other in range(len(skeleton.names))
        if mirror.sides[other] < 0
        and len(list(skeleton.ancestors(other))) == depth
        and len(skeleton.children[other]) == len(skeleton.children[bone])
    ] or np.flatnonzero(mirror.sides < 0).tolist()
    distances = np.linalg.norm(mirror.heads[others] - flipped, axis=1)
    best = int(np.argmin(distances))
    return others[best], float(distances[best])
