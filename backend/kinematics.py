"""From a drawing's 2D bones to the rotations of the SMPL skeleton: lifting, swing-twist inverse kinematics, camera.

The solver reads bone *directions*, never bone lengths, so a child, a chibi and a nine-heads hero that
are drawn in one pose give one set of rotations. Three steps, each a pure function on numpy arrays:

1. *Lift*: every bone becomes a unit vector in the camera frame. What is drawn fixes its direction on
   the paper; the depth comes from known lengths (:func:`lift_by_length`) or from the network
   (:func:`lift_to_drawing`). Where the network has to guess, the depth is then read as viewers read
   drawings (:func:`straighten_torso`, :func:`straighten_limbs`, :func:`straighten_knees`).
2. *Solve* (:func:`solve_rotations`): a joint with several children (pelvis, chest, head) is a rigid
   part. The pelvis and the chest take the rotation that fits their children best (Wahba's problem,
   solved by SVD); the head takes the top of the head exactly and turns about it to the nose. Every
   other joint swings its one bone the shortest way from its parent and then twists about it, so that
   knees and elbows bend about their hinge.
3. *Camera* (:func:`fit_camera`): scale and shift of the weak perspective projection.

Camera frame: x right, y down, z away from the viewer. Rest frame: T-pose, y up, facing +z, left at +x.
Bone ``i`` ends in keypoint ``i + 1``; see :mod:`backend.skeleton`.

Where the answer is not smooth, because no choice of twist is: a bone that points exactly opposite to
its rest direction as seen from its parent (an arm stretched through the chest); the two ends of a
spine turned 180 degrees against each other; and, for nearly straight limbs, a bend whose hinge is
exactly opposite to the resting hinge (a knee that is drawn bent backwards).

Source of the rigid fit: Kabsch, "A solution for the best rotation to relate two sets of vectors", 1976.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .body import local_rotations, rodrigues
from .skeleton import JOINT_NAMES, KEYPOINT_PARENTS, N_BONES, N_JOINTS, keypoint_index

#: A bone drawn longer than this share of the figure obeys the drawing alone.
DRAWN_LENGTH = 0.01
#: A bone drawn shorter than this share of the figure has no direction on the paper: the network's counts.
POINT_LENGTH = 0.003
#: Expected error of a detected keypoint, as a share of the figure. Only the short bones of the torso,
#: which are fitted together, are weighed by it.
KEYPOINT_ERROR = 0.012
#: Expected error of the network's bone directions on the paper, radians.
DIRECTION_ERROR = 0.45
#: The less sure end of a bone, 0..1, and the bone's length as a share of the figure: up to the first of each pair
#: the network's direction counts, from the second on the drawing's. Measured on 400 synthetic drawings of unseen
#: motion: only above them is the line between two read keypoints nearer to the truth than the network.
SURE_SCORE = (0.45, 0.75)
SURE_LENGTH = (0.02, 0.08)
#: Largest sine of a bone's angle to the paper: a bone that is drawn with a length cannot point at the viewer.
MAX_DEPTH = 0.995

#: Bend of a limb on the paper and in space, radians: up to the first of each pair it counts as drawn
#: straight, from the second on it does not.
STRAIGHT_ON_PAPER = (np.radians(8.0), np.radians(24.0))
STRAIGHT_IN_SPACE = (np.radians(45.0), np.radians(80.0))
#: Share of the depth that a straight limb loses.
FLATTENING = 0.75
#: Lean of the trunk towards or away from the viewer, radians: up to the first it is slight, from the second
#: on it is not; and the share of a slight lean that is taken out.
SLIGHT_LEAN = (np.radians(25.0), np.radians(50.0))
LEAN_REMOVED = 0.5

#: Bones whose confidence is at least this follow the drawing; below, they ease into the neutral pose,
#: which they reach at LOST_CONFIDENCE.
FULL_CONFIDENCE = 0.2
LOST_CONFIDENCE = 0.06

#: Bend of a knee or elbow, radians: below the first its hinge is not visible, above the second it is.
HINGE_HIDDEN = np.radians(6.0)
HINGE_SEEN = np.radians(25.0)
#: Bend of a wrist, radians: below the first the forearm does not turn for it, above the second it does.
WRIST_HIDDEN = np.radians(30.0)
WRIST_SEEN = np.radians(60.0)
#: How much a straight leg's foot tells about the leg's twist, against the pelvis.
FOOT_EVIDENCE = 1.5
#: Weight of the resting orientation in rigid parts of full confidence: decides only what the bones leave open.
PRIOR_WEIGHT = 1e-7

PELVIS, CHEST, NECK, HEAD = (JOINT_NAMES.index(n) for n in ("pelvis", "spine3", "neck", "head"))

#: The rigid parts, in the order of :attr:`Solution.residuals`.
RIGID_PARTS = ("pelvis", "spine3", "head")

_PAPER = np.array([1.0, 1.0, 0.0])
_YZX, _ZXY = [1, 2, 0], [2, 0, 1]
_PARENTS = np.array(KEYPOINT_PARENTS[1:])
_ENDS = np.arange(1, N_BONES + 1)


def _joints(*names: str) -> list[int]:
    return [keypoint_index(name) for name in names]


def _bones(*ends: str) -> list[int]:
    return [keypoint_index(name) - 1 for name in ends]


# Left then right, so that both sides are solved in one array operation.
_COLLARS = _joints("left_collar", "right_collar")
_LIMB_TOPS = _joints("left_hip", "right_hip", "left_shoulder", "right_shoulder")
_LIMB_PARENTS = _joints("pelvis", "pelvis", "left_collar", "right_collar")
_LIMB_UPPER = _bones("left_knee", "right_knee", "left_elbow", "right_elbow")
_LIMB_MIDDLES = _joints("left_knee", "right_knee", "left_elbow", "right_elbow")
_LIMB_LOWER = _bones("left_ankle", "right_ankle", "left_wrist", "right_wrist")
_LIMB_ENDS = _joints("left_ankle", "right_ankle", "left_wrist", "right_wrist")
_FOOT_BONES = _bones("left_foot", "right_foot")
_HAND_BONES = _bones("left_hand", "right_hand")
_END_BONES = _FOOT_BONES + _HAND_BONES
_TIPS = _joints("left_foot", "right_foot", "left_hand", "right_hand")
_TIP_BONES = _bones("left_toe", "right_toe", "left_fingertips", "right_fingertips")

_PELVIS_BONES = _bones("left_hip", "right_hip", "spine1")
_CHEST_BONES = _bones("neck", "left_collar", "right_collar")
_TORSO_BONES = _PELVIS_BONES + _CHEST_BONES + _bones("spine2", "spine3")
_SPINE_BONES = _bones("spine1", "spine2", "spine3", "neck")
_HEAD_BONES = _bones("head", "nose", "head_top")
_NOSE, _HEAD_TOP = _bones("nose", "head_top")

# Axes about which a positive turn bends the joint, in the rest frame: knees fold the shin backwards,
# elbows the forearm forwards and, as the crook of a T-posed arm looks up at an angle of 28 degrees in
# motion capture, a little upwards; wrists the palm (which faces down) towards the forearm.
_HINGES = np.array([[1.0, 0, 0], [1.0, 0, 0], [0, -0.88, 0.47], [0, 0.88, -0.47]])
_WRIST_HINGES = np.array([[0, 0, -1.0], [0, 0, 1.0]])


@dataclass(frozen=True, eq=False)
class Solution:
    """Rotations of the 24 joints.

    Attributes:
        world: (..., 24, 3, 3) rotations from the rest frame to the camera frame.
        residuals: (..., 3) radians, root mean square angle between the given and the posed bones of
            the rigid parts, in the order of RIGID_PARTS. Zero where the drawing has the body's own build.
    """

    world: np.ndarray
    residuals: np.ndarray

    @property
    def local(self) -> np.ndarray:
        """(..., 24, 3, 3) rotations relative to the parent joint; the first is ``global_orient``."""
        return local_rotations(self.world)


@dataclass(frozen=True, eq=False)
class Camera:
    """Weak perspective: ``pixel = scale * (x, y) + translation``.

    Attributes:
        scale: (...) pixels a metre.
        translation: (..., 2) pixels.
    """

    scale: np.ndarray
    translation: np.ndarray

    def project(self, points: np.ndarray) -> np.ndarray:
        """(..., K, 3) metres, camera frame -> (..., K, 2) pixels."""
        return self.scale[..., None, None] * points[..., :2] + self.translation[..., None, :]


# ---------------------------------------------------------------------------------------------- lifting


def bone_vectors(keypoints: np.ndarray) -> np.ndarray:
    """Vectors from each bone's start to its end: (..., 30, D) -> (..., 29, D), in the same unit and frame."""
    return keypoints[..., _ENDS, :] - keypoints[..., _PARENTS, :]


def bone_lengths(keypoints: np.ndarray) -> np.ndarray:
    """Bone lengths: (..., 30, D) -> (..., 29), in the unit of the keypoints."""
    return _length(bone_vectors(keypoints))


def bone_directions(keypoints: np.ndarray) -> np.ndarray:
    """Unit bone directions of 3D keypoints: (..., 30, 3) -> (..., 29, 3); zero for a bone without length."""
    return _unit(bone_vectors(keypoints))


def lift_by_length(
    keypoints: np.ndarray, depth_signs: np.ndarray, lengths: np.ndarray, scale: np.ndarray | float
) -> np.ndarray:
    """Bone directions from true keypoints and known bone lengths; exact under weak perspective.

    A bone that is drawn longer than it is lies flat on the paper.

    Args:
        keypoints: (..., 30, 2) pixels.
        depth_signs: (..., 29) 1 where the bone's end is farther from the viewer than its start, else -1.
        lengths: (..., 29) metres.
        scale: (...) pixels a metre.

    Returns:
        (..., 29, 3) unit directions, camera frame.
    """
    drawn = bone_vectors(np.asarray(keypoints, np.float64))
    full = np.asarray(scale, np.float64)[..., None] * lengths
    depth = np.sqrt(np.maximum(full**2 - (drawn**2).sum(-1), 0.0)) * np.where(depth_signs < 0, -1.0, 1.0)
    return _unit(np.concatenate([drawn, depth[..., None]], -1))


def lift_to_drawing(
    keypoints: np.ndarray,
    directions: np.ndarray,
    scores: np.ndarray | None = None,
    keypoint_error: float = KEYPOINT_ERROR,
) -> np.ndarray:
    """Bone directions that look as drawn on the paper, with the network's angle to the paper.

    The paper decides for every bone of the limbs, neck and head that is drawn longer than DRAWN_LENGTH
    of the figure; shorter ones ease into the network's own direction, which counts alone below
    POINT_LENGTH. The short bones of the torso are fitted as rigid parts anyway; there drawing and
    network are weighed by their expected errors.

    Args:
        keypoints: (..., 30, 2) pixels.
        directions: (..., 29, 3) unit directions from the network, camera frame.
        scores: (..., 30) how sure each keypoint is, 0..1. Where an end of a bone is not sure, or the bone is
            short, the network's own direction, which has seen the whole figure, is nearer to the truth than
            the line between two doubtful places. None: all are sure, as those that a person has placed.
        keypoint_error: expected error of a keypoint as a share of the figure; 0 for a drawing whose
            keypoints are known exactly.

    Returns:
        (..., 29, 3) unit directions, camera frame.
    """
    drawn = bone_vectors(np.asarray(keypoints, np.float64))
    guess = _unit(np.asarray(directions, np.float64))
    share = _length(drawn) / figure_size(keypoints)[..., None]
    trust = _ease(share, POINT_LENGTH, DRAWN_LENGTH)
    if scores is not None:
        sure = np.minimum(scores[..., 1:], scores[..., _PARENTS])
        trust = trust * _ease(sure, *SURE_SCORE) * _ease(share, *SURE_LENGTH)
    if keypoint_error > 0:
        # Angles with independent errors are averaged with weights 1 / variance.
        cosine = np.sqrt(np.maximum(1 - guess[..., _TORSO_BONES, 2] ** 2, 1e-6))
        network = (cosine / DIRECTION_ERROR) ** 2
        paper = (share[..., _TORSO_BONES] / (np.sqrt(2) * keypoint_error)) ** 2
        trust[..., _TORSO_BONES] *= paper / (paper + network)
    trust = trust[..., None]
    on_paper = _unit(trust * _unit(drawn) + (1 - trust) * _unit(guess[..., :2]))
    depth = guess[..., 2:]
    depth = trust * np.clip(depth, -MAX_DEPTH, MAX_DEPTH) + (1 - trust) * depth
    lifted = np.concatenate([on_paper * np.sqrt(np.maximum(1 - depth**2, 0.0)), depth], -1)
    # No direction on the paper at all: the bone points straight at the viewer or straight away.
    return _unit(lifted)


def figure_size(keypoints: np.ndarray) -> np.ndarray:
    """Longer side of the keypoints' box: (..., K, 2) -> (...), pixels, never zero."""
    extent = keypoints.max(-2) - keypoints.min(-2)
    return np.maximum(extent.max(-1), 1e-9)


def straighten_limbs(directions: np.ndarray) -> np.ndarray:
    """Flatten the depths of arms and legs that are drawn straight; the drawing stays as it is.

    Viewers take a limb that is drawn straight for straight in space, too (a study of Brodt and
    Bessmeltsev, "Sketch2Pose", 2022, finds so up to 21 degrees), while a network that has to guess
    reads a bend into it. Front and behind do not change. A strong bend towards the viewer is kept.

    Args:
        directions: (..., 29, 3) unit directions, camera frame.

    Returns:
        (..., 29, 3) unit directions, camera frame, unchanged on the paper.
    """
    upper, lower = directions[..., _LIMB_UPPER, :], directions[..., _LIMB_LOWER, :]
    on_paper = _angle(upper * _PAPER, lower * _PAPER)
    in_space = _angle(upper, lower)
    straight = (1 - _ease(on_paper, *STRAIGHT_ON_PAPER)) * (1 - _ease(in_space, *STRAIGHT_IN_SPACE))
    factor = (1 - FLATTENING * straight)[..., None]
    flattened = np.array(directions)
    for bones, bone in ((_LIMB_UPPER, upper), (_LIMB_LOWER, lower)):
        flattened[..., bones, :] = _with_depth(bone, factor * bone[..., 2:])
    return flattened


def straighten_torso(directions: np.ndarray, rest_keypoints: np.ndarray) -> np.ndarray:
    """Take a part of a slight lean towards or away from the viewer out of torso and head, in depth only.

    A drawing shows such a lean by next to nothing, and a network that has to guess gives the mean of its
    motion capture, where people lean forwards; viewers take the figure for upright. A strong lean is kept.

    Args:
        directions: (..., 29, 3) unit directions, camera frame.
        rest_keypoints: (30, 3) metres, T-pose.

    Returns:
        (..., 29, 3) unit directions, camera frame, unchanged on the paper.
    """
    lengths = bone_lengths(np.asarray(rest_keypoints, np.float64))[_SPINE_BONES]
    trunk = _unit((directions[..., _SPINE_BONES, :] * lengths[:, None]).sum(-2))
    lean = np.arcsin(np.clip(trunk[..., 2], -1.0, 1.0))
    back = LEAN_REMOVED * (1 - _ease(np.abs(lean), *SLIGHT_LEAN)) * lean
    along = _unit(trunk[..., :2])
    axis = np.stack([-along[..., 1], along[..., 0], np.zeros(lean.shape)], -1)
    turn = axis_angle_to_matrix(axis * back[..., None])
    bones = _TORSO_BONES + _HEAD_BONES
    turned = _turn(turn[..., None, :, :], directions[..., bones, :])
    straight = np.array(directions)
    straight[..., bones, :] = _with_depth(directions[..., bones, :], np.clip(turned[..., 2:], -1.0, 1.0))
    return straight


def _with_depth(directions: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Unit directions with other depths (..., 1), unchanged on the paper; straight into depth they stay."""
    on_paper = _unit(directions[..., :2])
    seen = _length(on_paper)[..., None] > 0.5
    changed = np.concatenate([on_paper * np.sqrt(np.maximum(1 - depth**2, 0.0)), depth], -1)
    return np.where(seen, changed, directions)


def straighten_knees(directions: np.ndarray, rest_keypoints: np.ndarray) -> np.ndarray:
    """Take the backward bend out of knees by changing depths alone; the drawing stays as it is.

    A network that reads a straight leg's depth a little wrong makes the knee bend backwards. Thigh and
    shin are moved to a common angle to the paper as far as that undoes it.

    Args:
        directions: (..., 29, 3) unit directions, camera frame.
        rest_keypoints: (30, 3) metres, T-pose.

    Returns:
        (..., 29, 3) unit directions, camera frame, unchanged on the paper.
    """
    rest = bone_directions(np.asarray(rest_keypoints, np.float64))
    pelvis, _ = _rigid(directions, rest, _PELVIS_BONES, _upright(directions, rest))
    thighs, shins = _LIMB_UPPER[:2], _LIMB_LOWER[:2]
    thigh, shin = directions[..., thighs, :], directions[..., shins, :]
    axis = _swing(_turn(pelvis[..., None, :, :], rest[thighs]), thigh) @ pelvis[..., None, :, :]
    hinge = _turn(axis, _square(_HINGES[:2], rest[thighs]))
    backward = -(hinge * _cross(thigh, shin)).sum(-1)
    pull = _ease(backward, 0.0, np.sin(HINGE_SEEN))[..., None]
    middle = (thigh[..., 2:] + shin[..., 2:]) / 2
    fixed = np.array(directions)
    for bones, bone in ((thighs, thigh), (shins, shin)):
        fixed[..., bones, :] = _with_depth(bone, bone[..., 2:] + pull * (middle - bone[..., 2:]))
    return fixed


# ---------------------------------------------------------------------------------------------- solving


def solve_rotations(
    directions: np.ndarray, rest_keypoints: np.ndarray, confidence: np.ndarray | None = None
) -> Solution:
    """Rotations that pose the rest skeleton along given bone directions.

    Every bone but those of the pelvis, the chest and the nose ends up exactly along its direction
    (where its confidence is full). The bones of pelvis and chest fit in the least squares sense, the
    nose as well as a turn about the line to the top of the head can do; Solution.residuals tells how
    far off they are. With the body's own build everything fits exactly.

    Args:
        directions: (..., 29, 3) unit directions, camera frame. A zero vector counts as unknown.
        rest_keypoints: (30, 3) metres, keypoints of the T-pose.
        confidence: (..., 29) 0..1 per bone, or None for full confidence. Below FULL_CONFIDENCE a bone
            eases into the neutral pose (arms hanging, all else as in the rest pose relative to its
            parent) and weighs less in its rigid part; at LOST_CONFIDENCE it is neutral.

    Returns:
        Rotations and residuals.
    """
    rest = bone_directions(np.asarray(rest_keypoints, np.float64))
    given = _unit(np.asarray(directions, np.float64))
    trust = (_length(given) > 0.5).astype(np.float64)
    if confidence is not None:
        trust = trust * _ease(np.asarray(confidence, np.float64), LOST_CONFIDENCE, FULL_CONFIDENCE)
    world = np.empty((*given.shape[:-2], N_JOINTS, 3, 3))

    def follow(joints: list[int] | int, bones: list[int] | int, frame: np.ndarray) -> None:
        """Swing the joints' bones the shortest way from where ``frame`` carries them to their directions."""
        neutral = _turn(frame, rest[bones])
        target = _eased(given[..., bones, :], neutral, trust[..., bones])
        world[..., joints, :, :] = _swing(neutral, target) @ frame

    # Where one end of the torso is not drawn, it follows the other.
    torso, _ = _rigid(given, rest, _PELVIS_BONES + _CHEST_BONES, _upright(given, rest), trust)
    pelvis, pelvis_error = _rigid(given, rest, _PELVIS_BONES, torso, trust)
    chest, chest_error = _rigid(given, rest, _CHEST_BONES, torso, trust)
    world[..., PELVIS, :, :], world[..., CHEST, :, :] = pelvis, chest
    for step, name in enumerate(("spine1", "spine2"), 1):
        joint = keypoint_index(name)
        follow(joint, _bones(f"spine{step + 1}")[0], _between(pelvis, chest, step / 3))

    head, head_error = _head(given, rest, chest, trust)
    world[..., HEAD, :, :] = head
    follow(NECK, _bones("head")[0], _between(chest, head, 0.5))

    follow(_COLLARS, _bones("left_shoulder", "right_shoulder"), chest[..., None, :, :])
    upper, lower = _limbs(given, rest, world[..., _LIMB_PARENTS, :, :], trust)
    world[..., _LIMB_TOPS, :, :], world[..., _LIMB_MIDDLES, :, :] = upper, lower
    ends = lower.copy()
    lower[..., 2:, :, :], ends[..., 2:, :, :] = _turned_forearms(lower[..., 2:, :, :], given, rest, trust)
    world[..., _LIMB_MIDDLES, :, :] = lower
    follow(_LIMB_ENDS, _END_BONES, ends)
    follow(_TIPS, _TIP_BONES, world[..., _LIMB_ENDS, :, :])
    return Solution(world, np.stack([pelvis_error, chest_error, head_error], -1))


def posed_keypoints(world: np.ndarray, rest_keypoints: np.ndarray) -> np.ndarray:
    """Keypoints of the posed skeleton with the pelvis at the origin.

    Args:
        world: (..., 24, 3, 3) world rotations.
        rest_keypoints: (30, 3) metres, T-pose.

    Returns:
        (..., 30, 3) metres, in the frame that ``world`` leads to.
    """
    bones = bone_vectors(np.asarray(rest_keypoints, np.float64))
    vectors = _turn(world[..., _PARENTS, :, :], bones)
    points = np.zeros((*world.shape[:-3], N_BONES + 1, 3))
    for bone in range(N_BONES):
        points[..., bone + 1, :] = points[..., KEYPOINT_PARENTS[bone + 1], :] + vectors[..., bone, :]
    return points


def _rigid(
    given: np.ndarray, rest: np.ndarray, bones: list[int], prior: np.ndarray, trust: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Best rotation of a rigid part and its root mean square angle; ``prior`` fills what is left open."""
    target, source = given[..., bones, :], rest[bones]
    weights = np.ones(target.shape[:-1]) if trust is None else trust[..., bones]
    # The less is known, the more the prior counts; where all is known, its weight is next to nothing.
    open_share = np.maximum(1 - weights.mean(-1), PRIOR_WEIGHT)[..., None, None]
    matrix = np.einsum("...k,...ki,kj->...ij", weights, target, source) + open_share * prior
    u, _, vt = np.linalg.svd(matrix)
    u[..., :, 2] *= np.sign(np.linalg.det(u @ vt))[..., None]
    rotation = u @ vt
    return rotation, _residual(rotation, target, source, weights)


def _residual(
    rotation: np.ndarray, target: np.ndarray, source: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    angle = _angle(_turn(rotation[..., None, :, :], source), target)
    total = np.maximum(weights.sum(-1), 1e-12)
    return np.sqrt((weights * angle**2).sum(-1) / total)


def _upright(given: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """A figure that faces the viewer, leaned along the drawn spine: the prior of the pelvis."""
    facing = np.diag([1.0, -1.0, -1.0])
    spine = _bones("spine1", "spine2", "spine3")
    up = _turn(facing, rest[spine].sum(-2))
    drawn = _unit(given[..., spine, :].sum(-2))
    drawn = np.where(_length(drawn)[..., None] > 0.5, drawn, up)
    return _swing(up, drawn) @ facing


def _head(
    given: np.ndarray, rest: np.ndarray, chest: np.ndarray, trust: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The head: its top exactly where it is drawn, turned about that line to the nose.

    Top and nose cannot both be exact for a head of another shape than the body's; the top carries the
    tilt of the head and is the longer bone, so it goes first.
    """
    neutral = _turn(chest, rest[_HEAD_TOP])
    top = _eased(given[..., _HEAD_TOP, :], neutral, trust[..., _HEAD_TOP])
    frame = _swing(neutral, top) @ chest
    facing = _turn(frame, _square(rest[_NOSE], rest[_HEAD_TOP]))
    nose = given[..., _NOSE, :]
    sideways = nose - (nose * top).sum(-1, keepdims=True) * top
    # A nose almost in line with the top of the head says little about the turn.
    seen = trust[..., _NOSE] * _ease(_length(sideways), 0.02, 0.2)
    facing = _eased(_unit(sideways), facing, seen)
    head = _frame(top, facing) @ _frame(rest[_HEAD_TOP], _square(rest[_NOSE], rest[_HEAD_TOP])).T
    bones = [_NOSE, _HEAD_TOP]
    return head, _residual(head, given[..., bones, :], rest[bones], trust[..., bones])


def _limbs(
    given: np.ndarray, rest: np.ndarray, parents: np.ndarray, trust: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Thighs and upper arms with the twist that their hinge needs, and shins and forearms on that hinge.

    Arrays hold left leg, right leg, left arm, right arm on axis -3 (rotations) or -2 (vectors).

    Returns:
        Two arrays (..., 4, 3, 3) of world rotations.
    """
    upper_rest, lower_rest = rest[_LIMB_UPPER], rest[_LIMB_LOWER]
    hinge_rest = _square(_HINGES, upper_rest)
    start = _turn(parents, upper_rest)
    neutral = _turn(parents @ _NEUTRAL_TURNS, upper_rest)
    upper = _eased(given[..., _LIMB_UPPER, :], neutral, trust[..., _LIMB_UPPER])
    frame = _swing(start, upper) @ parents
    follow = _turn(frame, lower_rest)
    lower = _eased(given[..., _LIMB_LOWER, :], follow, trust[..., _LIMB_LOWER])

    # Three witnesses for the hinge: the bend itself once it shows, the foot of a straight leg, and the
    # shortest swing from the parent. Their sum moves smoothly from one to the other.
    resting = _turn(frame, hinge_rest)
    shift = _length(_cross(follow, lower))
    bent = _ease(shift, np.sin(HINGE_HIDDEN), np.sin(HINGE_SEEN))
    # Past the right angle the sine falls again, but a folded limb shows its hinge until it closes.
    folded = (follow * lower).sum(-1) < 0
    bent = np.where(folded, _ease(shift, 0.02, 0.1), bent)
    hinge = (1 - bent)[..., None] * resting
    shins, feet = lower[..., :2, :], given[..., _FOOT_BONES, :]
    across = _cross(feet, shins)
    legs_rest = _frame(lower_rest[:2], _square(_cross(rest[_FOOT_BONES], lower_rest[:2]), lower_rest[:2]))
    foot_hinge = _turn(_frame(shins, _square(across, shins)) @ legs_rest.swapaxes(-1, -2), hinge_rest[:2])
    told = (
        FOOT_EVIDENCE
        * (1 - bent[..., :2])
        * trust[..., _FOOT_BONES]
        * _ease(_length(across), 0.3, 0.8)
        # A foot seen as pointing backwards is a misread foot, not a leg turned round.
        * _ease((foot_hinge * resting[..., :2, :]).sum(-1), 0.0, 0.5)
    )
    hinge[..., :2, :] += told[..., None] * foot_hinge
    hinge = _square(hinge + bent[..., None] * _unit(_cross(upper, lower)), upper)
    hinge = np.where(_length(hinge)[..., None] > 0.5, hinge, resting)

    upper_world = _frame(upper, hinge) @ _frame(upper_rest, hinge_rest).swapaxes(-1, -2)
    # The lower bone keeps the hinge as its own axis, which holds for a fully folded limb too, where the
    # shortest swing would turn about any axis.
    lower_hinge = _square(hinge, lower)
    lower_frame = _frame(lower_rest, _square(hinge_rest, lower_rest)).swapaxes(-1, -2)
    return upper_world, _frame(lower, lower_hinge) @ lower_frame


def _turned_forearms(
    forearms: np.ndarray, given: np.ndarray, rest: np.ndarray, trust: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Turn the forearms so that a bent wrist bends towards the palm or the back of the hand.

    A wrist bends far that way and little sideways. The turn fades out as the bend becomes purely
    sideways, where either way would do. The forearm takes one half of it and the wrist the whole, as
    the two bones of a real forearm cross along its length.

    Returns:
        (..., 2, 3, 3) rotations of the forearms, and of the frames from which the hands swing.
    """
    bones, hands = _bones("left_wrist", "right_wrist"), _HAND_BONES
    axis = _turn(forearms, rest[bones])
    straight = _turn(forearms, rest[hands])
    bend = _cross(straight, given[..., hands, :])
    shown = trust[..., hands] * _ease(_length(bend), np.sin(WRIST_HIDDEN), np.sin(WRIST_SEEN))
    palm = _turn(forearms, _square(_WRIST_HINGES, rest[bones]))
    side = _cross(axis, palm)
    bend = bend - (bend * axis).sum(-1, keepdims=True) * axis
    x, y = (bend * palm).sum(-1), (bend * side).sum(-1)
    # To the nearer of the two: towards the palm or towards the back of the hand.
    turn = np.arctan2(np.where(x < 0, -y, y), np.abs(x))
    turn = shown * np.cos(turn) ** 2 * turn
    half = axis_angle_to_matrix(axis * (turn / 2)[..., None])
    return half @ forearms, half @ half @ forearms


def _neutral_turns() -> np.ndarray:
    """(4, 3, 3) turns of thighs and upper arms from the T-pose to a relaxed stance, in the rest frame."""
    angles = np.radians([0.0, 0.0, -70.0, 70.0])
    return axis_angle_to_matrix(angles[:, None] * np.array([0.0, 0.0, 1.0]))


# ----------------------------------------------------------------------------------------------- camera


def fit_camera(points: np.ndarray, keypoints: np.ndarray, weights: np.ndarray | None = None) -> Camera:
    """Weak perspective camera that lays posed keypoints over the drawn ones, by weighted least squares.

    Args:
        points: (..., K, 3) metres, camera frame.
        keypoints: (..., K, 2) pixels.
        weights: (..., K) or None for equal weights.

    Returns:
        The camera. Its scale is positive; where the fit would not be, it is the ratio of the spreads.
    """
    points, keypoints = np.asarray(points, np.float64), np.asarray(keypoints, np.float64)
    w = np.ones(keypoints.shape[:-1]) if weights is None else np.asarray(weights, np.float64)
    total = w.sum(-1, keepdims=True)
    w = np.where(total > 1e-9, w, 1.0)[..., None]
    total = w.sum(-2)
    flat = points[..., :2]
    centre = (w * flat).sum(-2) / total
    target = (w * keypoints).sum(-2) / total
    a, b = flat - centre[..., None, :], keypoints - target[..., None, :]
    spread = np.maximum((w * a * a).sum((-1, -2)), 1e-12)
    scale = (w * a * b).sum((-1, -2)) / spread
    ratio = np.sqrt((w * b * b).sum((-1, -2)) / spread)
    scale = np.maximum(np.where(scale > 0.1 * ratio, scale, ratio), 1e-6)
    return Camera(scale, target - scale[..., None] * centre)


# -------------------------------------------------------------------------------- rotations and vectors


def axis_angle_to_matrix(axis_angle: np.ndarray) -> np.ndarray:
    """Rotation matrices of axis-angle vectors, exact at zero: (..., 3) radians -> (..., 3, 3)."""
    return rodrigues(np.asarray(axis_angle, np.float64))


def matrix_to_quaternion(rotation: np.ndarray) -> np.ndarray:
    """Unit quaternions (w, x, y, z) with w >= 0, stable for every angle: (..., 3, 3) -> (..., 4).

    Source: Shepperd, "Quaternion from rotation matrix", 1978: divide by the largest component.
    """
    r = np.asarray(rotation, np.float64)
    trace = r[..., 0, 0] + r[..., 1, 1] + r[..., 2, 2]
    # Rows: 4 w q, 4 x q, 4 y q, 4 z q; the row with the largest diagonal is far from zero.
    xx, yy, zz = r[..., 0, 0], r[..., 1, 1], r[..., 2, 2]
    wx, wy, wz = r[..., 2, 1] - r[..., 1, 2], r[..., 0, 2] - r[..., 2, 0], r[..., 1, 0] - r[..., 0, 1]
    xy, xz, yz = r[..., 0, 1] + r[..., 1, 0], r[..., 0, 2] + r[..., 2, 0], r[..., 1, 2] + r[..., 2, 1]
    rows = np.stack(
        [
            np.stack([1 + trace, wx, wy, wz], -1),
            np.stack([wx, 1 + xx - yy - zz, xy, xz], -1),
            np.stack([wy, xy, 1 - xx + yy - zz, yz], -1),
            np.stack([wz, xz, yz, 1 - xx - yy + zz], -1),
        ],
        -2,
    )
    largest = np.argmax(np.diagonal(rows, axis1=-2, axis2=-1), -1)
    quaternion = _unit(np.take_along_axis(rows, largest[..., None, None], -2)[..., 0, :])
    return np.where(quaternion[..., :1] < 0, -quaternion, quaternion)


def quaternion_to_matrix(quaternion: np.ndarray) -> np.ndarray:
    """Rotation matrices of quaternions (w, x, y, z) of any length but zero: (..., 4) -> (..., 3, 3)."""
    w, x, y, z = np.moveaxis(_unit(np.asarray(quaternion, np.float64)), -1, 0)
    return np.stack(
        [
            1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
            2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
            2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
        ],
        -1,
    ).reshape(*w.shape, 3, 3)  # fmt: skip


def matrix_to_axis_angle(rotation: np.ndarray) -> np.ndarray:
    """Axis-angle vectors with angle 0..pi, stable at both ends: (..., 3, 3) -> (..., 3) radians."""
    quaternion = matrix_to_quaternion(rotation)
    vector = quaternion[..., 1:]
    sine = _length(vector)[..., None]
    angle = 2 * np.arctan2(sine, quaternion[..., :1])
    return vector * np.where(sine > 1e-12, angle / np.maximum(sine, 1e-12), 2.0)


def _between(start: np.ndarray, end: np.ndarray, share: float) -> np.ndarray:
    """The rotation a share of the way from one to another along the shortest arc."""
    arc = matrix_to_axis_angle(start.swapaxes(-1, -2) @ end)
    return start @ axis_angle_to_matrix(share * arc)


def _swing(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Shortest rotations that carry unit vectors a to b: (..., 3) x2 -> (..., 3, 3).

    Exactly opposite vectors have no shortest rotation; then it is a half turn about some axis across.
    """
    a, b = _unit(a), _unit(b)
    a, b = np.broadcast_arrays(a, b)
    cosine = (a * b).sum(-1)
    opposite = cosine < -1 + 1e-10
    if opposite.any():
        # Two reflections make a rotation: across the plane that maps a to -b, then b to itself.
        least = np.eye(3)[np.argmin(np.abs(a), -1)]
        across = _square(least, a)
        half_turn = 2 * across[..., :, None] * across[..., None, :] - np.eye(3)
    else:
        half_turn = None
    axis = _cross(a, b)
    factor = 1 / np.maximum(1 + cosine, 1e-10)
    x, y, z = axis[..., 0], axis[..., 1], axis[..., 2]
    rotation = factor[..., None, None] * (axis[..., :, None] * axis[..., None, :])
    rotation[..., 0, 0] += cosine
    rotation[..., 1, 1] += cosine
    rotation[..., 2, 2] += cosine
    rotation[..., 0, 1] -= z
    rotation[..., 0, 2] += y
    rotation[..., 1, 0] += z
    rotation[..., 1, 2] -= x
    rotation[..., 2, 0] -= y
    rotation[..., 2, 1] += x
    if half_turn is None:
        return rotation
    return np.where(opposite[..., None, None], half_turn, rotation)


def _frame(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Rotation with columns first, second, first x second, for unit vectors at right angles."""
    return np.stack([first, second, _cross(first, second)], -1)


def _square(vectors: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """The part of the vectors at right angles to the unit axis, made a unit vector; zero if there is none."""
    return _unit(vectors - (vectors * axis).sum(-1, keepdims=True) * axis)


def _turn(rotation: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return (rotation @ vectors[..., None])[..., 0]


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """np.cross for vectors of three, several times faster on small arrays."""
    return a[..., _YZX] * b[..., _ZXY] - a[..., _ZXY] * b[..., _YZX]


def _length(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt((vectors * vectors).sum(-1))


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Unit vectors; zero stays zero."""
    norm = np.sqrt((vectors * vectors).sum(-1, keepdims=True))
    return np.divide(vectors, norm, out=np.zeros(vectors.shape, vectors.dtype), where=norm > 1e-12)


def _eased(given: np.ndarray, neutral: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """Unit vectors between neutral (trust 0) and given (trust 1), along the shortest arc."""
    if np.all(trust >= 1.0):
        return given
    share = trust[..., None]
    mixed = _unit(share * given + (1 - share) * neutral)
    # Opposite vectors with equal weights cancel out: the neutral one stays.
    return np.where(_length(mixed)[..., None] > 0.5, mixed, neutral)


def _ease(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below low, 1 above high, a smooth step between."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3 - 2 * t)


def _angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Angles between vectors, exact for small ones too: (..., 3) x2 -> (...) radians."""
    return np.arctan2(_length(_cross(a, b)), (a * b).sum(-1))


_NEUTRAL_TURNS = _neutral_turns()

__all__ = [
    "Camera",
    "Solution",
    "axis_angle_to_matrix",
    "bone_directions",
    "bone_lengths",
    "bone_vectors",
    "figure_size",
    "fit_camera",
    "lift_by_length",
    "lift_to_drawing",
    "matrix_to_axis_angle",
    "matrix_to_quaternion",
    "posed_keypoints",
    "quaternion_to_matrix",
    "solve_rotations",
    "straighten_knees",
    "straighten_limbs",
    "straighten_torso",
]
