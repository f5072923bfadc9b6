"""Which bone of an unknown humanoid rig is which SMPL joint, from its hierarchy and geometry alone.

Names are not looked at, nor bone tails where anything better is there: importers invent them. A rig is
taken to be a mirror image of itself; every choice of three bones of a paired chain is weighed as a leg and
as an arm, and what lies between the best pair of them is pelvis, spine, neck and head. Left and right follow
from up (legs to arms) and forward (feet, face, the bend of knees and elbows).

Scores are like logarithms of likelihoods, of a distribution with long tails: characters are drawn, not grown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise

import numpy as np

#: Mirrored bones miss each other's places by less, as a share of the rig's extent.
_MIRROR_TOLERANCE = 0.03
#: A bone is beside the middle plane if it is farther from it than this share of the extent.
_MIDDLE = 0.012
#: What a hierarchy of bones must have at least to be worth a search.
_FEWEST_BONES = 9
#: A figure that scores less is none.
_LEAST_SCORE = -2.5
#: A figure along the armature's axes that scores this much ends the search.
_GOOD_SCORE = 2.0
#: How sure a head is at most that only eyes and ears tell.
_BY_FACE = 0.7
#: Bones nearer than this share of the extent are at one place.
_SAME_PLACE = 0.004


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
        confidence: SMPL joint name -> 0..1, for the same joints: how far ahead of the next best choice it was,
            how well the sides mirror each other and how surely they are left and right.
        overall: 0..1, that of the least sure joint, 0 if the skeleton is no humanoid.
        facing: 0..1, how sure it is which side is left; it is in the confidence of the limbs' joints.
    """

    bones: dict[str, str]
    confidence: dict[str, float]
    overall: float
    facing: float = 1.0


@dataclass(frozen=True, eq=False)
class _Mirror:
    """The middle plane and what lies where.

    Attributes:
        axis: (3,) unit normal.
        heads: (N, 3) divided by the rig's extent, the plane through the origin.
        places: (N,) signed distance of the heads from the plane.
        sides: (N,) int8: +1, -1, or 0 for bones of the middle.
        partners: (N,) the mirrored bone of each, the bone itself in the middle, -1 where there is none.
    """

    axis: np.ndarray
    heads: np.ndarray
    places: np.ndarray
    sides: np.ndarray
    partners: np.ndarray

    def miss(self, bones: Sequence[int]) -> float:
        """Mean distance of bones from where their partners' mirror images are, shares of the extent."""
        flipped = self.heads[self.partners[list(bones)]] * (1 - 2 * np.abs(self.axis))
        if not np.isclose(np.abs(self.axis).max(), 1):
            other = self.heads[self.partners[list(bones)]]
            flipped = other - 2 * np.outer(other @ self.axis, self.axis)
        return float(np.linalg.norm(flipped - self.heads[list(bones)], axis=1).mean())


@dataclass(frozen=True, eq=False)
class _Limb:
    """Three joints in a chain of the positive side.

    Attributes:
        path: bones from the middle outwards to the last joint.
        joints: the bones of hip, knee, ankle, or of shoulder, elbow, wrist.
        score: how likely.
        lead: how far ahead of the next best choice in the same chain.
    """

    path: tuple[int, ...]
    joints: tuple[int, int, int]
    score: float
    lead: float = 1.0


@dataclass(frozen=True, eq=False)
class _Figure:
    """A leg and an arm that belong together."""

    mirror: _Mirror
    up: np.ndarray
    leg: _Limb
    arm: _Limb
    score: float


def map_skeleton(skeleton: Skeleton) -> RigMapping:
    """Find the joints of SMPL in a skeleton; an empty mapping if it is no humanoid."""
    nothing = RigMapping({}, {}, 0.0)
    if len(skeleton.names) < _FEWEST_BONES or not np.ptp(skeleton.heads, axis=0).any():
        return nothing
    best: _Figure | None = None
    for axes in (np.eye(3), _sibling_axes(skeleton)):
        for axis in axes:
            figure = _figure(skeleton, _mirrored(skeleton, axis))
            if figure is not None and (best is None or figure.score > best.score):
                best = figure
        if best is not None and best.score > _GOOD_SCORE:
            break
    if best is None or best.score < _LEAST_SCORE:
        return nothing
    return _mapping(skeleton, best)


def _sibling_axes(skeleton: Skeleton) -> list[np.ndarray]:
    """Likely normals of the middle plane: from one child to another with as much below it."""
    sizes = [len(list(skeleton.subtree(bone))) for bone in range(len(skeleton.names))]
    found: list[np.ndarray] = []
    pairs = [
        (sizes[a], a, b)
        for children in skeleton.children
        for a, b in combinations(children, 2)
        if sizes[a] == sizes[b] > 2
    ]
    for _, a, b in sorted(pairs, reverse=True)[:8]:
        axis = skeleton.heads[a] - skeleton.heads[b]
        length = float(np.linalg.norm(axis))
        if length > 0 and all(abs(axis @ other) < 0.999 * length for other in [*np.eye(3), *found]):
            found.append(axis / length)
    return found


def _mirrored(skeleton: Skeleton, axis: np.ndarray) -> _Mirror:
    extent = float(np.ptp(skeleton.heads, axis=0).max())
    along = skeleton.heads @ axis
    # The bone that the legs hang on lies on the plane.
    forks = [bone for bone, children in enumerate(skeleton.children) if len(children) > 1]
    planes = np.unique(np.round(along[forks or slice(None)] / extent, 3)) * extent
    misses = [_misses((skeleton.heads - axis * plane) / extent, axis) for plane in planes]
    middle = planes[int(np.argmin([np.minimum(miss, _MIRROR_TOLERANCE).mean() for miss in misses]))]
    heads = (skeleton.heads - axis * middle) / extent
    sides = _sides(skeleton, axis, heads)
    return _Mirror(axis, heads, heads @ axis, sides, _partners(skeleton, axis, heads, sides))


def _misses(heads: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """(N,) how far the mirrored place of each head is from the nearest head."""
    flipped = heads - 2 * np.outer(heads @ axis, axis)
    # Written out: the differences of a big rig's bones would take ten times as long.
    squares = (heads * heads).sum(1)
    return np.sqrt(np.maximum(squares + (squares - 2 * flipped @ heads.T).min(1), 0))


def _sides(skeleton: Skeleton, axis: np.ndarray, heads: np.ndarray) -> np.ndarray:
    places = heads @ axis
    flipped = heads - 2 * np.outer(places, axis)
    sides = np.zeros(len(places), np.int8)
    below = [list(skeleton.subtree(bone)) for bone in range(len(places))]
    sizes = [len(bones) for bones in below]
    reach = [float(np.abs(places[bones]).max()) for bones in below]
    leans = [_lean(places[bones], float(places[bone])) for bone, bones in enumerate(below)]

    def mirrors(bone: int, other: int, near: float) -> bool:
        alike = all(0.5 <= kind[bone] / max(kind[other], 1e-9) <= 2 for kind in (sizes, reach))
        return alike and other != bone and bool(np.linalg.norm(flipped[other] - heads[bone]) <= near)

    for bone in _parents_first(skeleton):
        parent = skeleton.parents[bone]
        if parent >= 0 and sides[parent]:
            sides[bone] = sides[parent]
            continue
        side, place = leans[bone], float(places[bone])
        others = skeleton.children[parent] if parent >= 0 else ()
        if side and abs(place) <= _MIDDLE:
            # The first bone of a limb may lie on the plane; then the other side's does, too.
            if not any(leans[other] == -side and mirrors(bone, other, 2 * _MIDDLE) for other in others):
                side = 0
        elif not side and abs(place) > _SAME_PLACE and reach[bone] <= _MIDDLE:
            # Eyes are near the plane, yet there are two.
            side = int(np.sign(place)) * any(mirrors(bone, other, 0.3 * abs(place)) for other in others)
        sides[bone] = side
    return sides


def _lean(below: np.ndarray, place: float) -> int:
    """The side that a bone's subtree lies on, 0 for both or neither; ``below``: its places."""
    positive, negative = float(below.max()), float(-below.min())
    less, more = min(positive, negative), max(positive, negative)
    if less > 0.5 * more:  # as much on one side as on the other, however little
        return 0
    if less <= _MIDDLE:
        return 0 if more <= _MIDDLE else 1 if positive > negative else -1
    # A hand may reach across the plane.
    return int(np.sign(place)) if abs(place) > _MIDDLE and less < 0.25 * more else 0


def _partners(skeleton: Skeleton, axis: np.ndarray, heads: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Pair the bones of both sides, from the middle outwards."""
    partners = np.where(sides == 0, np.arange(len(sides)), -1)
    sizes = np.array([len(list(skeleton.subtree(bone))) for bone in range(len(sides))])
    roots = tuple(bone for bone, parent in enumerate(skeleton.parents) if parent < 0)
    in_middle = [skeleton.children[bone] for bone in range(len(sides)) if sides[bone] == 0]
    waiting = [
        ([b for b in bones if sides[b] > 0], [b for b in bones if sides[b] < 0], 0.25)
        for bones in (roots, *in_middle)
    ]
    while waiting:
        ours, theirs, farthest = waiting.pop()
        costs = []
        for a in ours:
            flipped = heads[a] - 2 * (heads[a] @ axis) * axis
            for b in theirs:
                far = float(np.linalg.norm(flipped - heads[b]))
                costs.append((far + 0.03 * abs(float(np.log(sizes[a] / sizes[b]))), a, b))
        for cost, a, b in sorted(costs):
            if partners[a] < 0 and partners[b] < 0 and cost < farthest:
                partners[a], partners[b] = b, a
                # Within a limb the pose may differ: what hangs where counts.
                waiting.append((list(skeleton.children[a]), list(skeleton.children[b]), 1.0))
    return partners


def _parents_first(skeleton: Skeleton) -> list[int]:
    order = [bone for bone, parent in enumerate(skeleton.parents) if parent < 0]
    for bone in order:  # grows as it is read
        order.extend(skeleton.children[bone])
    return order


def _figure(skeleton: Skeleton, mirror: _Mirror) -> _Figure | None:
    """The likeliest leg and arm."""
    starts = [
        bone
        for bone, parent in enumerate(skeleton.parents)
        if mirror.sides[bone] > 0 and mirror.partners[bone] >= 0 and (parent < 0 or mirror.sides[parent] == 0)
    ]
    paths = {start: _paths(skeleton, mirror, start) for start in starts}
    arms = {start: arm for start in starts if (arm := _arm(skeleton, mirror, paths[start])) is not None}
    best: _Figure | None = None
    for up in _ups(mirror.axis):
        legs = {
            start: leg for start in starts if (leg := _leg(skeleton, mirror, paths[start], up)) is not None
        }
        for leg_start, leg in legs.items():
            for arm_start, arm in arms.items():
                if arm_start == leg_start:
                    continue
                score = leg.score + arm.score + _together(skeleton, mirror, up, leg, arm)
                if best is None or score > best.score:
                    best = _Figure(mirror, up, leg, arm, score)
    return best


def _ups(lateral: np.ndarray) -> list[np.ndarray]:
    """The directions across the lateral axis that may be up: along the armature's axes, as far as they can be."""
    found: list[np.ndarray] = []
    for axis in np.eye(3)[np.argsort(np.abs(lateral), kind="stable")]:
        across = axis - lateral * (axis @ lateral)
        length = float(np.linalg.norm(across))
        if length > 0.1 and all(abs(across @ other) < 0.99 * length for other in found):
            found.append(across / length)
    return [sign * axis for axis in found for sign in (1, -1)]


def _paths(skeleton: Skeleton, mirror: _Mirror, start: int) -> list[tuple[int, ...]]:
    """The way from the start to every paired bone of its subtree that is three bones down or more."""
    ways, open_ways = [], [(start,)]
    while open_ways:
        way = open_ways.pop()
        if len(way) > 2:
            ways.append(way)
        if len(way) < 12:
            open_ways += [(*way, c) for c in skeleton.children[way[-1]] if mirror.partners[c] >= 0]
    return ways


def _off(value: float, usual: float, deviation: float) -> float:
    """The score of a value that is usually another."""
    return -1.5 * float(np.log1p(((value - usual) / deviation) ** 2 / 3))


def _best_limb(choices: list[_Limb]) -> _Limb | None:
    if not choices:
        return None
    best = max(choices, key=lambda limb: limb.score)
    rivals = [limb.score for limb in choices if limb.joints != best.joints]
    return _Limb(best.path, best.joints, best.score, best.score - max(rivals, default=best.score - 3))


def _leg(skeleton: Skeleton, mirror: _Mirror, paths: list[tuple[int, ...]], up: np.ndarray) -> _Limb | None:
    heads, choices = mirror.heads, []
    for path in paths:
        points = heads[list(path)]
        if (points[0] - points[-1]) @ up < 0.08:
            continue
        ankle = len(path) - 1
        beyond = [b for b in skeleton.subtree(path[-1]) if mirror.partners[b] >= 0]
        reach = float(np.linalg.norm(heads[beyond] - points[-1], axis=1).max())
        ground = float(min((heads[beyond] @ up).min(), points[-1] @ up))
        for hip, knee in combinations(range(ankle), 2):
            thigh, shin = points[knee] - points[hip], points[ankle] - points[knee]
            upper, lower = float(np.linalg.norm(thigh)), float(np.linalg.norm(shin))
            drop = float((points[hip] - points[ankle]) @ up)
            if min(upper, lower) < 0.03 or drop < 0.75 * (upper + lower):
                continue
            score = _off(float(np.log(upper / lower)), 0.0, 0.18)
            score += _off(drop / (upper + lower), 1.0, 0.06)
            score += _off(_angle(thigh, shin), 5.0, 12.0)
            score -= 8 * (_bend(points[hip : knee + 1]) + _bend(points[knee : ankle + 1]))
            score += _off((float(points[ankle] @ up) - ground) / drop, 0.07, 0.08)
            score += _off(max(0.0, reach / lower - 0.45), 0.0, 0.3)
            score += 3 * (upper + lower) / (upper + lower + float(np.linalg.norm(points[0] - points[hip])))
            score += 2.0 * (reach > 0.1 * lower) - 0.1 * hip
            if hip > 0:  # a twist bone lies on the line of the leg
                score -= 1.5 * (_angle(points[hip] - points[0], thigh) < 4)
            score -= 1.5 * _ends_short(skeleton, mirror, path)
            choices.append(_Limb(path, (path[hip], path[knee], path[ankle]), score))
    return _best_limb(choices)


def _ends_short(skeleton: Skeleton, mirror: _Mirror, path: tuple[int, ...]) -> float:
    """1 if the last bone is beside the limb, as twist bones are: another one is farther on the same way; 2 if surely."""
    parent, end = mirror.heads[path[-2]], mirror.heads[path[-1]]
    own = end - parent
    for other in skeleton.children[path[-2]]:
        way = mirror.heads[other] - parent
        if other != path[-1] and way @ own > 1.02 * (own @ own) and _angle(own, way) < 15:
            return 1.0 if skeleton.children[path[-1]] else 2.0
    return 0.0


def _angle(first: np.ndarray, second: np.ndarray) -> float:
    """Degrees between two vectors; 90 where one has no length."""
    cosine = first @ second / max(float(np.linalg.norm(first) * np.linalg.norm(second)), 1e-12)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _bend(points: np.ndarray) -> float:
    """How far bones within a stiff segment leave the straight line, as a share of its length."""
    if len(points) < 3:
        return 0.0
    chord = points[-1] - points[0]
    length = float(np.linalg.norm(chord))
    steps = points[1:-1] - points[0]
    aside = steps - np.outer(steps @ chord, chord) / length**2
    return float(np.linalg.norm(aside, axis=1).max()) / length


def _arm(skeleton: Skeleton, mirror: _Mirror, paths: list[tuple[int, ...]]) -> _Limb | None:
    heads, choices = mirror.heads, []
    for path in paths:
        points = heads[list(path)]
        wrist = len(path) - 1
        beyond = [b for b in skeleton.subtree(path[-1]) if mirror.partners[b] >= 0]
        reach = float(np.linalg.norm(heads[beyond] - points[-1], axis=1).max())
        fingers = sum(mirror.partners[child] >= 0 for child in skeleton.children[path[-1]])
        for shoulder, elbow in combinations(range(wrist), 2):
            first, second = points[elbow] - points[shoulder], points[wrist] - points[elbow]
            upper, lower = float(np.linalg.norm(first)), float(np.linalg.norm(second))
            if min(upper, lower) < 0.02:
                continue
            collar = float(np.linalg.norm(points[shoulder] - points[0]))
            score = _off(float(np.log(upper / lower)), 0.06, 0.15)
            score += _off(_angle(first, second), 0.0, 40.0)
            score -= 8 * (_bend(points[shoulder : elbow + 1]) + _bend(points[elbow : wrist + 1]))
            score += _off(max(0.0, reach / lower - 0.7), 0.0, 0.2)
            score += 1.0 * (fingers > 1) + 0.5 * (reach > 0.15 * lower)
            score -= 1.5 * _ends_short(skeleton, mirror, path)
            if shoulder > 0:
                inner = mirror.places[path[0]] < 0.7 * mirror.places[path[shoulder]]
                score += 0.6 if inner and 0.1 * upper < collar < upper else -0.8
                # A twist bone lies on the line of the arm.
                score -= 0.4 * (_angle(points[shoulder] - points[0], first) < 3 if collar else 1)
            score += 3 * (upper + lower) / (upper + lower + max(0.0, collar - 0.6 * upper))
            score -= 0.2 * max(0, shoulder - 1)
            choices.append(_Limb(path, (path[shoulder], path[elbow], path[wrist]), score))
    return _best_limb(choices)


def _together(skeleton: Skeleton, mirror: _Mirror, up: np.ndarray, leg: _Limb, arm: _Limb) -> float:
    """The score of a leg and an arm as those of one figure."""
    heights = mirror.heads @ up
    shared = set(skeleton.ancestors(leg.path[0])) & set(skeleton.ancestors(arm.path[0]))
    if not any(mirror.sides[bone] == 0 for bone in shared):
        return -np.inf
    trunk = float(heights[arm.joints[0]] - heights[leg.joints[0]])
    if trunk < 0.05:
        return -np.inf
    long_leg, long_arm = (_length(mirror.heads[list(limb.joints)]) for limb in (leg, arm))
    score = _off(float(np.log(long_arm / trunk)), np.log(1.3), 0.4)
    score += _off(float(np.log(long_leg / trunk)), np.log(1.7), 0.5)
    hip, shoulder = mirror.places[leg.joints[0]], mirror.places[arm.joints[0]]
    score += _off(float(np.log(max(shoulder, 1e-3) / max(hip, 1e-3))), np.log(1.75), 0.25)
    # A head is above the shoulders, on what the arms hang on; hair and ears hang on it.
    on = next((b for b in skeleton.ancestors(arm.path[0]) if mirror.sides[b] == 0), -1)
    above = [b for b in skeleton.subtree(on) if mirror.sides[b] == 0] if on >= 0 else []
    top = max((heights[b] for b in above), default=-np.inf)
    score += 1.0 if top > heights[arm.joints[0]] else -1.0
    # Quadrupeds have trunks that lie.
    way = mirror.heads[arm.joints[0]] - mirror.heads[leg.joints[0]]
    way = way - mirror.axis * (way @ mirror.axis)
    score += _off(float(np.degrees(np.arccos(min(1.0, trunk / np.linalg.norm(way))))), 0.0, 20.0)
    # Wings are behind the trunk.
    depth = abs(float((mirror.heads[arm.joints[0]] - mirror.heads[on]) @ np.cross(mirror.axis, up)))
    score += _off(depth / trunk, 0.0, 0.1)
    wrist = float(heights[arm.joints[2]] - heights[arm.joints[0]])
    score += _off(max(0.0, wrist / long_arm), 0.0, 0.25)
    return score - 10 * mirror.miss((*leg.joints, *arm.joints))


def _length(points: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())


def _mapping(skeleton: Skeleton, figure: _Figure) -> RigMapping:
    mirror, leg, arm = figure.mirror, figure.leg, figure.arm
    joints, confidence = _middle(skeleton, figure)
    one_side: dict[str, tuple[int, float]] = {}
    for limb, names in ((leg, ("hip", "knee", "ankle")), (arm, ("shoulder", "elbow", "wrist"))):
        one_side |= {name: (bone, limb.lead) for name, bone in zip(names, limb.joints, strict=True)}
    if arm.joints[0] != arm.path[0]:
        one_side["collar"] = arm.path[0], arm.lead
    head = joints.get("head")
    forward, sure = _forward(skeleton, figure, head)
    toe = _toe(skeleton, figure, forward)
    if toe is not None:
        one_side["foot"] = toe, leg.lead
    left = np.cross(figure.up, forward) @ mirror.axis * np.sign(np.linalg.det(skeleton.matrix[:3, :3]))
    here, there = ("left", "right") if left > 0 else ("right", "left")
    for name, (bone, lead) in one_side.items():
        joints[f"{here}_{name}"], joints[f"{there}_{name}"] = bone, int(mirror.partners[bone])
        matched = float(np.exp(-mirror.miss([bone]) / (2 * _MIRROR_TOLERANCE)))
        confidence[f"{here}_{name}"] = confidence[f"{there}_{name}"] = sure * matched * _sureness(lead)
    names = {joint: skeleton.names[bone] for joint, bone in joints.items()}
    # However clear each choice was, what is hardly a humanoid is not surely mapped.
    usual = 1.0 - float(np.exp(-(figure.score + 4.0) / 3.0))
    confidence = {joint: usual * confidence[joint] for joint in joints}
    return RigMapping(names, confidence, min(confidence.values()), sure)


def _sureness(lead: float) -> float:
    """0.5 where the next best choice is as good, towards 1 where it is far off."""
    return 1.0 - 0.5 * float(np.exp(-2.0 * lead))


def _middle(skeleton: Skeleton, figure: _Figure) -> tuple[dict[str, int], dict[str, float]]:
    """Pelvis, spine, neck and head, and how sure each is."""
    mirror, leg, arm = figure.mirror, figure.leg, figure.arm
    height = mirror.heads @ figure.up
    trunk = [bone for bone in skeleton.ancestors(arm.path[0]) if mirror.sides[bone] == 0][::-1]
    pelvis = _pelvis(skeleton, figure, trunk, height)
    spine = trunk[trunk.index(pelvis) + 1 :] if pelvis in trunk else trunk
    shoulders, hips = float(height[arm.joints[0]]), float(height[leg.joints[0]])
    upper: list[int] = []
    # The arms may hang on the neck.
    if len(spine) > 1 and height[spine[-1]] > height[arm.path[0]] + 0.08 * (shoulders - hips):
        upper.append(spine.pop())
    found, confidence = {"pelvis": pelvis}, {"pelvis": 0.9}
    for joint, bone in _spine(spine, height, pelvis).items():
        found[joint], confidence[joint] = bone, 0.9 if len(spine) < 4 else 0.8
    start = upper[-1] if upper else (spine[-1] if spine else pelvis)
    way, sure = _way_to_head(skeleton, mirror, height, start, upper, (shoulders, shoulders - hips))
    if way:
        found["head"], confidence["head"] = way[-1], sure
    if len(way) > 1:
        found["neck"], confidence["neck"] = way[0], sure
    return found, confidence


def _pelvis(skeleton: Skeleton, figure: _Figure, trunk: list[int], height: np.ndarray) -> int:
    """The lowest bone of the trunk that is no root on the ground or at the pelvis's own place."""
    leg = figure.leg
    hip, ankle = float(height[leg.joints[0]]), float(height[leg.joints[2]])
    carries = set(skeleton.ancestors(leg.path[0]))
    low = hip - 0.35 * (hip - ankle)
    able = [bone for bone in trunk if height[bone] > low]
    if not able:
        return trunk[-1]
    common = [bone for bone in able if bone in carries]
    pelvis = common[-1] if common else able[0]
    # Some rigs hang the legs on the first bone of the spine.
    above = skeleton.parents[pelvis]
    rises = float(height[pelvis] - height[above]) if above in able else 0.0
    if rises > 2 * _SAME_PLACE and height[pelvis] > hip + 0.02 and height[above] > hip - 0.02:
        return above
    return pelvis


def _spine(spine: list[int], height: np.ndarray, pelvis: int) -> dict[str, int]:
    if len(spine) > 3:
        spine = [b for b in spine if height[b] > height[pelvis] + 2 * _SAME_PLACE] or spine
    if len(spine) > 2:
        return {"spine1": spine[0], "spine2": spine[(len(spine) - 1) // 2], "spine3": spine[-1]}
    return dict(zip(("spine1", "spine3"), spine, strict=False))


def _way_to_head(
    skeleton: Skeleton,
    mirror: _Mirror,
    height: np.ndarray,
    start: int,
    upper: list[int],
    trunk: tuple[float, float],
) -> tuple[list[int], float]:
    """The bones from the neck to the head, above ``start``, and how sure the head is.

    ``trunk``: height of the shoulders, and of the shoulders above the hips.
    """
    shoulders, size = trunk
    ways = [list(upper)] if upper else []
    open_ways = [[*upper, child] for child in skeleton.children[start] if mirror.sides[child] == 0]
    while open_ways:
        way = open_ways.pop()
        if height[way[-1]] < shoulders - 0.25 * size or len(way) > 7:
            continue
        ways.append(way)
        open_ways += [[*way, child] for child in skeleton.children[way[-1]] if mirror.sides[child] == 0]
    if not ways:
        return [], 0.0
    scores = np.array([_head_score(skeleton, mirror, height, start, way, trunk) for way in ways])
    faces = np.array([_face_score(skeleton, mirror, way) for way in ways])
    whole = scores + faces
    *rest, first = np.argsort(whole, kind="stable").tolist()
    sure = _sureness(float(whole[first] - whole[rest[-1]])) if rest else 0.95
    # Eyes may hang on a bone of their own in front of the head.
    return ways[first], sure if scores.argmax() == first else min(sure, _BY_FACE)


def _head_score(
    skeleton: Skeleton,
    mirror: _Mirror,
    height: np.ndarray,
    start: int,
    way: list[int],
    trunk: tuple[float, float],
) -> float:
    shoulders, size = trunk
    head = way[-1]
    score = _off((float(height[head]) - shoulders) / size, 0.34, 0.12)
    score += (0.0, -0.5, 0.0, -0.1, -0.15, -0.7, -1.5, -2.2)[min(len(way), 7)]
    for a, b in pairwise([start, *way]):
        length = float(np.linalg.norm(mirror.heads[b] - mirror.heads[a]))
        if length > _SAME_PLACE:
            score += _off(min(float(height[b] - height[a]) / length, 0.9), 0.9, 0.25)
        elif b == head and a != start:  # a second bone at the head's place
            score -= 3.0
    if len(way) > 1:
        # A long last step is the skull, from the head to a bone that only marks its top.
        skull = float(np.linalg.norm(mirror.heads[head] - mirror.heads[way[-2]]))
        score += _off(max(0.0, skull / size - 0.25), 0.0, 0.08)
        step = float(np.linalg.norm(mirror.heads[way[-2]] - mirror.heads[([start, *way])[-3]]))
        score -= 1.0 * (skull < min(0.07 * size, 0.6 * step))  # a jaw
        if len(way) > 2 and not skeleton.children[head]:
            score -= 1.0 * (skull < 0.7 * step)  # the end of a head
    # What goes on a little way up is a neck.
    steps = [mirror.heads[c] - mirror.heads[head] for c in skeleton.children[head] if mirror.sides[c] == 0]
    lengths = [float(np.linalg.norm(step)) for step in steps]
    rises = [float(height[c] - height[head]) for c in skeleton.children[head] if mirror.sides[c] == 0]
    below = [float(height[b] - height[head]) for b in skeleton.subtree(head) if b != head]
    if below and max(below) < 0.05 * size and min(below) < -0.05 * size:  # hair
        score -= 1.0 if min(below) > -0.2 * size else 2.5
    before = [start, *way][-2]
    step = float(np.linalg.norm(mirror.heads[head] - mirror.heads[before]))
    # What ends in a long bone upwards is a head.
    score += 0.5 * any(
        rise > max(2 * step, 0.2 * size) and not skeleton.children[c]
        for c, rise in zip((c for c in skeleton.children[head] if mirror.sides[c] == 0), rises, strict=True)
    )
    return score - 0.7 * any(
        min(0.07 * size, 0.7 * step) < rise < 0.25 * size and rise > 0.8 * length
        for rise, length in zip(rises, lengths, strict=True)
    )


def _face_score(skeleton: Skeleton, mirror: _Mirror, way: list[int]) -> float:
    """The score of what hangs on the last bone of a way, and not on those before it."""
    parts = [min(_face_parts(skeleton, mirror, bone), 1.0) for bone in way]
    return 1.5 * parts[-1] - 1.5 * max(parts[:-1], default=0.0)


def _face_parts(skeleton: Skeleton, mirror: _Mirror, bone: int) -> float:
    """How much hangs on a bone as on a head: eyes, ears, hair, a jaw; not arms."""
    children = [
        below
        for child in skeleton.children[bone]
        for below in (
            skeleton.children[child]
            if mirror.sides[child] == 0
            and np.linalg.norm(mirror.heads[child] - mirror.heads[bone]) < _SAME_PLACE
            else (child,)
        )
    ]
    pairs = [
        child
        for child in children
        if mirror.sides[child] > 0
        and mirror.partners[child] >= 0
        and abs(mirror.places[list(skeleton.subtree(child))]).max() < 0.15
    ]
    middle = [child for child in children if mirror.sides[child] == 0]
    return 1.0 * len(pairs) + 0.6 * max(0, len(middle) - 1)


def _toe(skeleton: Skeleton, figure: _Figure, forward: np.ndarray) -> int | None:
    heads, ankle = figure.mirror.heads, figure.leg.joints[2]
    ahead = [
        child
        for child in skeleton.children[ankle]
        if figure.mirror.partners[child] >= 0 and (heads[child] - heads[ankle]) @ forward > 0.005
    ]
    if not ahead or len(ahead) > 3:  # each toe by itself
        return None
    return max(
        ahead, key=lambda child: (len(skeleton.children[child]) > 0, (heads[child] - heads[ankle]) @ forward)
    )


def _forward(skeleton: Skeleton, figure: _Figure, head: int | None) -> tuple[np.ndarray, float]:
    """(3,) the axis that the figure faces, and how sure that is, 0..1.

    Feet point forward, faces are in front of heads, knees bend forward, elbows backward.
    """
    mirror, leg, arm = figure.mirror, figure.leg, figure.arm
    axis = np.cross(figure.up, mirror.axis)
    hip, knee, ankle = (mirror.heads[bone] for bone in leg.joints)
    shoulder, elbow, wrist = (mirror.heads[bone] for bone in arm.joints)
    foot = leg.joints[2]
    tail = (skeleton.tails[foot] - skeleton.heads[foot]) / np.ptp(skeleton.heads, axis=0).max()
    bends = (2 * knee - hip - ankle) - 0.5 * (2 * elbow - shoulder - wrist)
    below = [bone for bone in skeleton.subtree(foot) if bone != foot and mirror.partners[bone] >= 0]
    toes = (mirror.heads[below] - ankle) @ axis if below else np.zeros(1)
    # A heel is behind, but the toes are farther in front.
    far = float(toes[np.argmax(np.abs(toes))])
    seen = 3 * far + float(bends @ axis) + (0.3 if below else 1.0) * float(tail @ axis)
    if head is not None:
        # Eyes, jaw and nose; hair is as often behind.
        pairs = [b for b in skeleton.children[head] if mirror.sides[b] > 0 and not skeleton.children[b]]
        seen += sum(float((mirror.heads[b] - mirror.heads[head]) @ axis) for b in pairs[:4])
    return axis * (1.0 if seen > 0 else -1.0), abs(seen) / (abs(seen) + 0.02)
