"""Which parts of a posed figure probably touch: hands on hips, crossed legs, clasped hands, a chin in a palm.

A drawing shows which parts meet on the paper; whether they meet in space, too, is a matter of depths that the
network has read with errors of many centimetres. So this is a judgement: how near two parts are on the paper as
drawn, how near in space with the depths of the pose, and how often such parts touch at all. Each part is a few balls
on the body's own surface that move with the part's joint, so that any SMPL-format body will do.

Poses are not bent to bring parts together. Turning limbs in depth, which a drawing leaves open, until the parts meet
made poses worse on drawings of unseen motion, and next to no better where the true contacts were given.

Camera frame: x right, y down, z away from the viewer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .api import PRESENT, Contact
from .body import Body
from .kinematics import Camera, Solution, posed_keypoints
from .skeleton import JOINT_NAMES, JOINT_PARENTS, PART_ENDS

#: Joints whose surface counts as another joint's: the palm is hand, the heel is foot, a collar is chest.
JOINED = {"wrist": "hand", "ankle": "foot", "collar": "spine3"}
#: Parts at most so many bones apart in the kinematic tree touch in every pose; their contacts say nothing.
NEIGHBOURS = 2
#: Upper arms lie against the trunk of everyone who stands; that is no contact to speak of either.
TRUNK = frozenset({"pelvis", "spine1", "spine2", "spine3", "neck", "left_shoulder", "right_shoulder"})
#: Balls of a part: more give a finer surface and take longer.
BALLS = 8

#: Gaps count up to here, metres; and so far, at most, balls lie inside each other.
MOST_GAP, MOST_INSIDE = 0.4, 0.1
#: A gap smaller than this, metres, is next to none: here chances fall the steepest.
NEAR = 0.05

#: Log odds of a contact of parts that just meet by every measure, by what they are, and what each of
#: :func:`features` adds, of the gap in the pose, on the paper as drawn, and in space as drawn.
#: ``python -m training fit-contacts`` prints both. Fitted by logistic regression to what the network that ships reads
#: in 4,334 drawings of training's motion clips; parts touch whose surfaces are at most a hundredth of the height apart.
LOG_ODDS = {
    "others": -1.60,
    "forearm forearm, other side": -0.41,
    "forearm hand, other side": -0.18,
    "forearm head": -0.01,
    "forearm neck": -1.66,
    "forearm shin, same side": -0.64,
    "forearm thigh, other side": -1.85,
    "forearm thigh, same side": -0.16,
    "forearm trunk": -0.07,
    "forearm upper arm, other side": -1.71,
    "foot foot, other side": -0.68,
    "foot shin, other side": -1.04,
    "foot thigh, same side": -0.61,
    "foot thigh, other side": -0.75,
    "foot trunk": -0.69,
    "hand hand, other side": -0.21,
    "hand head": 0.48,
    "hand neck": -0.36,
    "hand shin, same side": -0.78,
    "hand shin, other side": -1.00,
    "hand thigh, other side": -0.83,
    "hand thigh, same side": -0.29,
    "hand trunk": -0.42,
    "hand upper arm, same side": -1.96,
    "hand upper arm, other side": -0.60,
    "head trunk": -2.55,
    "head upper arm": -0.99,
    "shin shin, other side": -0.62,
    "shin thigh, other side": -0.82,
    "shin trunk": -1.20,
    "thigh trunk": -0.99,
    "thigh upper arm, same side": -0.70,
}
WEIGHTS = (
    (-0.61, -0.37, 0.03),  # how wide, per decimetre
    (-0.79, -0.69, -0.64),  # how near to none
    (-0.33, -0.44, -0.29),  # how far inside each other
)
#: Contacts that are less probable than this are not told. In 1,024 drawings of unseen motion clips 60 % of those that
#: are told are true and 35 % of the true ones are told; of the parts that touch in the posed bodies 58 % and 30 %.
LIKELY = 0.42
#: Parts that are farther from each other on the paper, metres, are less probable than that, whatever their depths.
OUT_OF_REACH = 0.1
KINDS = tuple(LOG_ODDS)

_ENDS = np.array(PART_ENDS)


@dataclass(frozen=True, eq=False)
class Surface:
    """Balls on a body's surface, part by part, and which parts may touch.

    Attributes:
        parts: (P,) int SMPL joint that a part is named by, in SMPL's order.
        carriers: (P, B) int joint that each ball moves with.
        offsets: (P, B, 3) from that joint to the ball in the rest pose, metres.
        along: (P, B) place along that joint's bone, 0 at the joint, 1 at its end.
        radius: (P,) of a part's balls, metres: half of the gaps between them.
        pairs: (2, K) int parts that are no neighbours, the first before the second.
        kinds: (K,) int index of the pair in KINDS.
    """

    parts: np.ndarray
    carriers: np.ndarray
    offsets: np.ndarray
    along: np.ndarray
    radius: np.ndarray
    pairs: np.ndarray
    kinds: np.ndarray


def surface_of(body: Body) -> Surface:
    """Describe a body without shape; takes some milliseconds."""
    vertices, joints = (np.asarray(array, np.float64) for array in body.rest())
    keypoints = np.asarray(body.rest_keypoints(), np.float64)
    carrier = np.asarray(body.weights).argmax(1)
    owner = np.array([joined(joint) for joint in range(len(JOINT_NAMES))])[carrier]
    bones = keypoints[list(PART_ENDS)] - keypoints[: len(JOINT_NAMES)]
    offsets = vertices - joints[carrier]
    along = (offsets * bones[carrier]).sum(1) / np.maximum((bones * bones).sum(1), 1e-12)[carrier]
    parts = [int(part) for part in np.unique(owner)]
    chosen, radius = [], []
    for part in parts:
        surface = np.flatnonzero(owner == part)
        picks, gap = spread(vertices[surface].astype(np.float32), BALLS)
        chosen.append(surface[np.resize(picks, BALLS)])  # a coarse body's part may have fewer
        radius.append(gap / 2)
    pairs = apart(parts)
    kinds = [KINDS.index(kind_of(*(JOINT_NAMES[parts[end]] for end in pair))) for pair in pairs.T]
    balls = np.array(chosen)
    return Surface(
        np.array(parts),
        carrier[balls],
        offsets[balls],
        np.clip(along[balls], 0, 1),
        np.array(radius),
        pairs,
        np.array(kinds),
    )


def apart(parts: list[int]) -> np.ndarray:
    """(2, K) indices into (P,) joints: the pairs of parts whose contacts say something."""
    trunk = np.array([JOINT_NAMES[part] in TRUNK for part in parts])
    depth = np.array([[bones_apart(a, b) for b in parts] for a in parts])
    return np.array(np.nonzero(np.triu((depth > NEIGHBOURS) & ~(trunk & trunk[:, None]))))


def bones_apart(a: int, b: int) -> int:
    """Bones between two joints in the kinematic tree."""
    lines = []
    for joint in (a, b):
        line = [joint]
        while line[-1]:
            line.append(JOINT_PARENTS[line[-1]])
        lines.append(line)
    return len(set(lines[0]) ^ set(lines[1]))


def joined(joint: int) -> int:
    """The joint that names the part of the body on which a joint's surface counts."""
    side, _, name = JOINT_NAMES[joint].rpartition("_")
    if name not in JOINED:
        return joint
    target = JOINED[name]
    return JOINT_NAMES.index(target if target == "spine3" else f"{side}_{target}")


def spread(points: np.ndarray, count: int) -> tuple[np.ndarray, float]:
    """Indices of ``count`` of (V, 3) points far from each other, and how far the rest is from the nearest, at most."""
    picks = [int(((points - points.mean(0)) ** 2).sum(1).argmax())]
    nearest = np.full(len(points), np.inf)
    while True:
        nearest = np.minimum(nearest, np.linalg.norm(points - points[picks[-1]], axis=1))
        if len(picks) == min(count, len(points)):
            return np.array(picks), float(nearest.max())
        picks.append(int(nearest.argmax()))


def kind_of(first: str, second: str) -> str:
    """What kind of pair two parts are, by the names of their joints: "hand thigh, same side"; "others" for rare ones."""
    sides, limbs = zip(*(name.rpartition("_")[::2] for name in (first, second)), strict=True)
    one, other = sorted(_LIMBS.get(limb, "trunk") for limb in limbs)
    kind = f"{one} {other}"
    if all(sides):
        kind += ", same side" if sides[0] == sides[1] else ", other side"
    return kind if kind in LOG_ODDS else "others"


_LIMBS = {
    "hip": "thigh",
    "knee": "shin",
    "foot": "foot",
    "shoulder": "upper arm",
    "elbow": "forearm",
    "hand": "hand",
    "neck": "neck",
    "head": "head",
}


def likely_contacts(
    surface: Surface,
    solution: Solution,
    rest_keypoints: np.ndarray,
    camera: Camera,
    keypoints: np.ndarray,
    present: np.ndarray | None = None,
) -> tuple[Contact, ...]:
    """The pairs of parts that probably touch in a pose, the likeliest first; takes a third of a millisecond.

    Args:
        surface: of the body.
        solution: one pose.
        rest_keypoints: (30, 3) metres, T-pose.
        camera: that lays the pose over the drawing.
        keypoints: (30, 2) as drawn, pixels.
        present: (30,) how likely each keypoint is part of what is drawn, 0..1; parts that are not touch nothing.
            None: all are.
    """
    places = ball_places(surface, solution.world, rest_keypoints, camera, keypoints)
    near = _within_reach(surface, places[3:])
    if present is not None:
        drawn = np.minimum(present[surface.parts], present[_ENDS[surface.parts]]) >= PRESENT
        near &= drawn[surface.pairs].all(0)
    chosen = np.flatnonzero(near)
    chances = 1 / (1 + np.exp(-log_odds(surface, gaps(surface, places, chosen), chosen)))
    order = np.argsort(-chances, kind="stable")[: int((chances >= LIKELY).sum())]
    joints = surface.parts[surface.pairs[:, chosen[order]]].T
    return tuple(
        Contact(JOINT_NAMES[first], JOINT_NAMES[second], float(chance))
        for (first, second), chance in zip(joints, chances[order], strict=True)
    )


def ball_places(
    surface: Surface, world: np.ndarray, rest_keypoints: np.ndarray, camera: Camera, keypoints: np.ndarray
) -> np.ndarray:
    """Where a surface's balls are: in the pose, and on the paper.

    Args:
        surface: of the body.
        world: (24, 3, 3) world rotations.
        rest_keypoints: (30, 3) metres, T-pose.
        camera: that lays the pose over the drawing.
        keypoints: (30, 2) as drawn, pixels.

    Returns:
        (5, P, B) float32 metres, camera frame: x, y and z in the pose, and x and y with each part laid where its
        bone is drawn, as drawn limbs may be longer or shorter than the body's.
    """
    posed = posed_keypoints(world, rest_keypoints)
    carriers, along = surface.carriers, surface.along
    balls = posed[carriers] + (world[carriers] * surface.offsets[..., None, :]).sum(-1)
    shift = (keypoints - camera.translation) / camera.scale - posed[:, :2]
    places = np.empty((5, *carriers.shape), np.float32)
    places[:3] = balls.transpose(2, 0, 1)
    shift = shift.T
    places[3:] = places[:2] + shift[:, carriers] * (1 - along) + shift[:, _ENDS[carriers]] * along
    return places


def _within_reach(surface: Surface, laid: np.ndarray) -> np.ndarray:
    """(K,) bool: which pairs' parts may be nearer on the paper than OUT_OF_REACH, from their (2, P, B) balls."""
    centres = laid.mean(-1, keepdims=True)
    reach = np.sqrt(np.square(laid - centres).sum(0).max(-1)) + surface.radius
    first, second = surface.pairs
    apart = np.sqrt(np.square(centres[:, first, 0] - centres[:, second, 0]).sum(0))
    return apart - reach[first] - reach[second] < OUT_OF_REACH


def gaps(surface: Surface, places: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """How far the two parts of pairs are from each other, by three measures.

    Args:
        surface: of the body.
        places: (5, P, B) of :func:`ball_places`.
        chosen: (C,) which of the surface's pairs.

    Returns:
        (C, 3) metres, negative where balls lie inside each other: in the pose, on the paper as drawn, and as drawn
        with the depths of the pose.
    """
    first, second = surface.pairs[:, chosen]
    apart = places[:, first, :, None] - places[:, second, None, :]
    apart *= apart
    squares = np.stack([apart[:3].sum(0), apart[3] + apart[4], apart[2:].sum(0)])
    nearest = np.sqrt(squares.min((-2, -1))).T
    return nearest - (surface.radius[first] + surface.radius[second])[:, None]


def features(gaps: np.ndarray) -> np.ndarray:
    """(..., 3) of :func:`gaps` -> (..., 9): of each how wide, how near to none and how far inside, decimetres."""
    wide = np.clip(gaps, 0, MOST_GAP)
    return 10 * np.concatenate([wide, np.minimum(wide, NEAR), np.clip(gaps, -MOST_INSIDE, 0)], -1)


def log_odds(surface: Surface, gaps: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """(C,) logarithms of the odds that the parts of the chosen pairs touch, from their (C, 3) gaps."""
    return _LOG_ODDS[surface.kinds[chosen]] + features(gaps) @ _WEIGHTS


_LOG_ODDS = np.array(list(LOG_ODDS.values()))
_WEIGHTS = np.array(WEIGHTS).ravel()
