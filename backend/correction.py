"""From corrected 2D joints to a pose: the screen is law, only depth is inferred. No network runs.

A figure as it was read is the starting point. What a person changes is put on top of it: joints moved,
pinned or ignored, bones told to lie in front or behind, left and right exchanged. Bones that nobody has
touched keep the direction they have. A touched bone points on the paper exactly as it is drawn now; its
depth follows the change of its drawn length against the length that it has in space, measured in the same
drawing (:func:`lengths_in_space`), so that pulling a wrist inwards lifts the forearm off the paper and
pulling it outwards lays it flat, whatever the figure's proportions.

Pelvis and chest are rigid. They turn with the line through the hips and through the shoulders, and lean
with the spine.

Camera frame: x right, y down, z away from the viewer. Bone ``i`` ends in keypoint ``i + 1``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from . import kinematics
from .api import N_BETAS, CameraPose, Corrections, Figure, Hypothesis, Keypoint
from .body import Body, global_rotations
from .kinematics import (
    DRAWN_LENGTH,
    MAX_DEPTH,
    POINT_LENGTH,
    bone_vectors,
    figure_size,
)
from .skeleton import (
    BONE_MIRROR,
    JOINT_NAMES,
    KEYPOINT_MIRROR,
    KEYPOINT_NAMES,
    KEYPOINT_PARENTS,
    N_BONES,
    N_KEYPOINTS,
    keypoint_index,
)

#: A bone's length in space is taken from its own drawn length where that is at least this share of, and at
#: most so many times, what its twin on the other side and the whole figure's scale tell.
LENGTH_RANGE = (0.75, 1.33)
#: How much the whole figure's scale tells about a bone's length, against the bone and its twin drawn flat.
SCALE_EVIDENCE = 0.25
#: A bone flatter than this, the sine of its angle to the paper, has no side yet: when it is lifted it bends
#: the way its joint does.
FLAT = 0.05
#: From this share on a body faces the viewer, or away, clearly enough to tell which way its joints bend.
FACING = 0.3

#: Places nearer to each other than this share of the figure are one.
_SAME = 1e-7
_PARENTS = np.array(KEYPOINT_PARENTS[1:])
_ENDS = np.arange(1, N_KEYPOINTS)
_LEAST_COSINE = float(np.sqrt(1 - MAX_DEPTH**2))


def _bones(*ends: str) -> list[int]:
    return [keypoint_index(name) - 1 for name in ends]


_LEFT_HIP, _RIGHT_HIP, _SPINE1 = _PELVIS = _bones("left_hip", "right_hip", "spine1")
_NECK, _LEFT_COLLAR, _RIGHT_COLLAR = _CHEST = _bones("neck", "left_collar", "right_collar")
_LEFT_SHOULDER, _RIGHT_SHOULDER = _SHOULDERS = _bones("left_shoulder", "right_shoulder")
_THIGHS, _SHINS = _bones("left_knee", "right_knee"), _bones("left_ankle", "right_ankle")
_ARMS = _bones("left_elbow", "right_elbow", "left_wrist", "right_wrist")
#: Bones that belong to no rigid part: each follows the drawing by itself.
_FREE = [bone for bone in range(N_BONES) if bone not in _PELVIS + _CHEST + _SHOULDERS]
_HIP_ENDS = (keypoint_index("left_hip"), keypoint_index("right_hip"))
_SHOULDER_ENDS = (keypoint_index("left_shoulder"), keypoint_index("right_shoulder"))


@dataclass(frozen=True, eq=False)
class Reading:
    """A figure as it was read, in the labelling of the hypothesis that is shown.

    Attributes:
        keypoints: (30, 2) float64 pixels, as read.
        scores: (30,) confidence of the place, 0..1.
        directions: (29, 3) unit bone directions of the hypothesis, camera frame.
        exchanged: whether left and right are the other way round than in the figure's keypoints.
    """

    keypoints: np.ndarray
    scores: np.ndarray
    directions: np.ndarray
    exchanged: bool = False


@dataclass(frozen=True, eq=False)
class Edit:
    """What a person says of a reading, in the reading's labelling.

    Attributes:
        places: (30, 2) pixels, where the keypoints are now.
        pinned: (30,) bool, their place is right: bones at them lie as drawn, even if they were hardly seen.
        ignored: (30,) bool, their place says nothing: bones at them go to the neutral pose.
        sides: (29,) -1 where the bone's end is nearer to the viewer than its start, 1 where it is farther,
            0 where nobody has said.
    """

    places: np.ndarray
    pinned: np.ndarray
    ignored: np.ndarray
    sides: np.ndarray


def rest_keypoints_of(body: Body, figure: Figure) -> np.ndarray:
    """(30, 3) float64 metres: the T-pose of the body in the figure's shape."""
    betas = np.array(figure.hypotheses[0].betas, np.float32)[: body.n_betas]
    return np.asarray(body.rest_keypoints(betas if betas.any() else None), np.float64)


def reading_of(figure: Figure, corrections: Corrections, rest_keypoints: np.ndarray) -> Reading:
    """The figure as the chosen hypothesis reads it, before any correction but the exchange of the sides.

    Args:
        figure: as it was read.
        corrections: which hypothesis is chosen, and whether its sides are exchanged.
        rest_keypoints: (30, 3) metres, T-pose of the body.
    """
    hypothesis = figure.hypotheses[corrections.shown % len(figure.hypotheses)]
    keypoints = np.array([figure.keypoints[name].xy for name in KEYPOINT_NAMES], np.float64)
    scores = np.array([figure.keypoints[name].score for name in KEYPOINT_NAMES], np.float64)
    local = kinematics.axis_angle_to_matrix(np.array([hypothesis.global_orient, *hypothesis.body_pose]))
    posed = kinematics.posed_keypoints(global_rotations(local), rest_keypoints)
    directions = kinematics.bone_directions(posed)
    if corrections.exchanged:
        directions = directions[list(BONE_MIRROR)] * np.array([1.0, 1.0, -1.0])
    exchanged = hypothesis.exchanged != corrections.exchanged
    if exchanged:
        keypoints, scores = keypoints[list(KEYPOINT_MIRROR)], scores[list(KEYPOINT_MIRROR)]
    return Reading(keypoints, scores, directions, exchanged)


def edit_of(reading: Reading, corrections: Corrections) -> Edit:
    """The corrections as arrays in the reading's labelling."""
    moved = {_labelled(name, reading): place for name, place in corrections.moved.items()}
    places = reading.keypoints.copy()
    for index, place in moved.items():
        places[index] = place
    pinned, ignored = np.zeros(N_KEYPOINTS, bool), np.zeros(N_KEYPOINTS, bool)
    pinned[[_labelled(name, reading) for name in corrections.pinned]] = True
    ignored[[_labelled(name, reading) for name in corrections.ignored]] = True
    sides = np.zeros(N_BONES)
    for name, side in corrections.sides.items():
        sides[_labelled(name, reading) - 1] = side
    return Edit(places, pinned, ignored, sides)


def _labelled(name: str, reading: Reading) -> int:
    """Index, in the reading's labelling, of a keypoint that corrections name."""
    index = keypoint_index(name)
    return KEYPOINT_MIRROR[index] if reading.exchanged else index


def corrected_directions(reading: Reading, edit: Edit, rest_keypoints: np.ndarray) -> np.ndarray:
    """Bone directions in space after corrections: (29, 3) unit vectors, camera frame.

    Args:
        reading: the figure as read.
        edit: what was corrected.
        rest_keypoints: (30, 3) metres, T-pose; only the ratios of its bone lengths count.
    """
    before = bone_vectors(reading.keypoints)
    after = bone_vectors(edit.places)
    size = float(figure_size(reading.keypoints))
    touched = (
        (np.abs(after - before).max(-1) > _SAME * size)
        | edit.pinned[_PARENTS]
        | edit.pinned[_ENDS]
        | (edit.sides != 0)
    )
    directions = reading.directions.copy()
    if not touched.any():
        return directions
    rest_lengths = kinematics.bone_lengths(np.asarray(rest_keypoints, np.float64))

    pelvis = _turned_part(reading, edit, touched, rest_lengths, _HIP_ENDS, _SPINE1)
    chest = _turned_part(reading, edit, touched, rest_lengths, _SHOULDER_ENDS, _NECK)
    directions[_PELVIS] = directions[_PELVIS] @ pelvis.T
    directions[_CHEST] = directions[_CHEST] @ chest.T
    # The shoulders go with the chest in depth, and lie on the paper where they are drawn.
    carried = directions[_SHOULDERS] @ chest.T
    share = np.linalg.norm(after[_SHOULDERS], axis=-1) / size
    shoulders = _on_paper(after[_SHOULDERS], carried, np.clip(carried[:, 2], -MAX_DEPTH, MAX_DEPTH), share)
    directions[_SHOULDERS] = np.where(touched[_SHOULDERS, None], shoulders, directions[_SHOULDERS])

    bones = np.array(_FREE)[touched[_FREE]]
    if len(bones):
        directions[bones] = _followed(reading, edit, before, after, size, rest_lengths, bones)
    return directions


def lengths_in_space(reading: Reading, rest_lengths: np.ndarray) -> np.ndarray:
    """How long each bone would be drawn if it lay flat on the paper, by this figure's own proportions.

    Args:
        reading: the figure as read.
        rest_lengths: (29,) metres; their ratios fill in where the drawing tells little.

    Returns:
        (29,) pixels.
    """
    drawn = np.linalg.norm(bone_vectors(reading.keypoints), axis=-1)
    seen = np.sqrt(np.maximum(1 - reading.directions[:, 2] ** 2, 0.0))
    # drawn = seen * length, by least squares: a bone that points at the viewer says little of its length.
    scale = float((drawn * seen * rest_lengths).sum() / max(((seen * rest_lengths) ** 2).sum(), 1e-12))
    twin = list(BONE_MIRROR)
    evidence = seen**2 + seen[twin] ** 2 + SCALE_EVIDENCE
    told = (drawn * seen + drawn[twin] * seen[twin] + SCALE_EVIDENCE * scale * rest_lengths) / evidence
    own = drawn / np.maximum(seen, 1e-6)
    return np.clip(own, LENGTH_RANGE[0] * told, LENGTH_RANGE[1] * told)


def _followed(
    reading: Reading,
    edit: Edit,
    before: np.ndarray,
    after: np.ndarray,
    size: float,
    rest_lengths: np.ndarray,
    bones: np.ndarray,
) -> np.ndarray:
    """Directions of free bones (B,) that point on the paper as drawn now: (B, 3)."""
    was = reading.directions[bones]
    lengths = np.maximum(lengths_in_space(reading, rest_lengths)[bones], 1e-9)
    change = np.linalg.norm(after[bones], axis=-1) - np.linalg.norm(before[bones], axis=-1)
    # The cosine of the angle to the paper is drawn length / length: from where it was, it goes with the change.
    cosine = np.sqrt(np.maximum(1 - was[:, 2] ** 2, 0.0)) + change / lengths
    depth = np.sqrt(1 - np.clip(cosine, _LEAST_COSINE, 1.0) ** 2)
    side = np.where(was[:, 2] < 0, -1.0, 1.0)
    bends = np.where((change < 0) & (np.abs(was[:, 2]) < FLAT), _natural_sides(reading)[bones], 0.0)
    side = np.where(bends != 0, bends, side)
    side = np.where(edit.sides[bones] != 0, edit.sides[bones], side)
    share = np.linalg.norm(after[bones], axis=-1) / size
    return _on_paper(after[bones], was, side * depth, share)


def _on_paper(drawn: np.ndarray, was: np.ndarray, depth: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Unit directions along ``drawn`` (B, 2) with ``depth`` (B,); drawn as next to nothing, along ``was``."""
    trust = np.interp(share, (POINT_LENGTH, DRAWN_LENGTH), (0.0, 1.0))[:, None]
    flat = _unit(trust * _unit(drawn) + (1 - trust) * _unit(was[:, :2]))
    return np.concatenate([flat * np.sqrt(1 - depth**2)[:, None], depth[:, None]], -1)


def _natural_sides(reading: Reading) -> np.ndarray:
    """(29,) the side to which a flat bone is lifted: knees forwards, shins backwards, arms forwards; 0: unknown."""
    d = reading.directions
    left = d[_LEFT_HIP] - d[_RIGHT_HIP] + d[_LEFT_COLLAR] - d[_RIGHT_COLLAR]
    front = np.cross(left, d[_SPINE1] + d[_NECK])
    facing = front[2] / max(float(np.linalg.norm(front)), 1e-9)
    sides = np.zeros(N_BONES)
    if abs(facing) >= FACING:
        sides[_THIGHS + _ARMS] = np.sign(facing)
        sides[_SHINS] = -np.sign(facing)
    return sides


def _turned_part(
    reading: Reading,
    edit: Edit,
    touched: np.ndarray,
    rest_lengths: np.ndarray,
    ends: tuple[int, int],
    up: int,
) -> np.ndarray:
    """(3, 3) turn of a rigid part: the line between its two sides, and then the spine, as drawn now.

    Args:
        reading: the figure as read.
        edit: what was corrected.
        touched: (29,) bool.
        rest_lengths: (29,) metres.
        ends: keypoints at the left and the right end of its line.
        up: the bone along the spine.
    """
    left, right = ends
    was = reading.keypoints[left] - reading.keypoints[right]
    now = edit.places[left] - edit.places[right]
    line_touched = bool(
        np.abs(now - was).max() > _SAME * float(figure_size(reading.keypoints))
        or edit.pinned[[left, right]].any()
        or edit.sides[[left - 1, right - 1]].any()
    )
    if not (line_touched or touched[up]):
        return np.eye(3)
    directions = reading.directions
    line = _line(directions, rest_lengths, left) - _line(directions, rest_lengths, right)
    length = float(np.linalg.norm(line))
    line = line / length
    turned = line
    if line_touched:
        flat = float(np.hypot(line[0], line[1]))
        # Its length in space: as drawn, but within reason of the figure's scale.
        told = length * _scale(reading, rest_lengths)
        low, high = LENGTH_RANGE
        full = float(np.clip(np.hypot(*was) / max(flat, 1e-6), low * told, high * told))
        cosine = np.clip(flat + (np.hypot(*now) - np.hypot(*was)) / full, _LEAST_COSINE, 1.0)
        side = edit.sides[left - 1] or -edit.sides[right - 1] or (-1.0 if line[2] < 0 else 1.0)
        share = np.hypot(*now) / float(figure_size(reading.keypoints))
        turned = _on_paper(now[None], line[None], np.array([side * np.sqrt(1 - cosine**2)]), share[None])[0]
    spine = directions[up]
    leaned = spine
    if touched[up]:
        before, after = bone_vectors(reading.keypoints), bone_vectors(edit.places)
        size = float(figure_size(reading.keypoints))
        leaned = _followed(reading, edit, before, after, size, rest_lengths, np.array([up]))[0]
    return _frame(turned, leaned) @ _frame(line, spine).T


def _line(directions: np.ndarray, rest_lengths: np.ndarray, end: int) -> np.ndarray:
    """(3,) metres from the rigid part's joint to the end of its line, along one or two bones."""
    bones = [end - 1]
    if end in _SHOULDER_ENDS:
        bones.append(KEYPOINT_PARENTS[end] - 1)
    return (directions[bones] * rest_lengths[bones][:, None]).sum(0)


def _scale(reading: Reading, rest_lengths: np.ndarray) -> float:
    """Pixels a metre of the whole figure."""
    drawn = np.linalg.norm(bone_vectors(reading.keypoints), axis=-1)
    seen = np.sqrt(np.maximum(1 - reading.directions[:, 2] ** 2, 0.0)) * rest_lengths
    return float((drawn * seen).sum() / max((seen**2).sum(), 1e-12))


def _frame(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Rotation whose first column is ``first`` and whose second lies in the plane of both."""
    across = np.cross(first, second)
    norm = float(np.linalg.norm(across))
    if norm < 1e-6:  # a spine that runs along the shoulders tells no lean
        across = np.cross(first, np.eye(3)[int(np.argmin(np.abs(first)))])
        norm = float(np.linalg.norm(across))
    across = across / norm
    return np.stack([first, np.cross(across, first), across], -1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


# -------------------------------------------------------------------------------------------- the result


def solve(reading: Reading, edit: Edit, rest_keypoints: np.ndarray) -> kinematics.Solution:
    """Rotations of the 24 joints after corrections; runs in milliseconds.

    Args:
        reading: the figure as read.
        edit: what was corrected.
        rest_keypoints: (30, 3) metres, T-pose.
    """
    directions = corrected_directions(reading, edit, rest_keypoints)
    confidence = None
    if edit.ignored.any():
        confidence = (~(edit.ignored[_PARENTS] | edit.ignored[_ENDS])).astype(np.float64)
    return kinematics.solve_rotations(directions, rest_keypoints, confidence)


def corrected_hypothesis(
    figure: Figure, corrections: Corrections, rest_keypoints: np.ndarray, *, reading: Reading | None = None
) -> Hypothesis:
    """The chosen hypothesis with the corrections put on top.

    Args:
        figure: as it was read.
        corrections: what was corrected.
        rest_keypoints: (30, 3) metres, T-pose of the body.
        reading: what :func:`reading_of` gives, where it is known already.
    """
    chosen = figure.hypotheses[corrections.shown % len(figure.hypotheses)]
    if corrections.changes_nothing:
        return chosen
    if reading is None:
        reading = reading_of(figure, corrections, rest_keypoints)
    edit = edit_of(reading, corrections)
    solution = solve(reading, edit, rest_keypoints)
    moved = (edit.places != reading.keypoints).any(-1)
    weights = np.where(moved | edit.pinned, 1.0, reading.scores) * ~edit.ignored
    solved = hypothesis_of(solution, rest_keypoints, edit.places, weights, chosen.score)
    return replace(solved, betas=chosen.betas, exchanged=reading.exchanged)


def hypothesis_of(
    solution: kinematics.Solution,
    rest_keypoints: np.ndarray,
    keypoints: np.ndarray,
    weights: np.ndarray,
    score: float,
) -> Hypothesis:
    """A solution as a hypothesis, with the camera that lays it over the drawing.

    Args:
        solution: rotations of one figure.
        rest_keypoints: (30, 3) metres, T-pose.
        keypoints: (30, 2) pixels.
        weights: (30,) how much each keypoint counts for the camera.
        score: 0..1.
    """
    posed = kinematics.posed_keypoints(solution.world, rest_keypoints)
    camera = kinematics.fit_camera(posed, keypoints, weights)
    rotations = kinematics.matrix_to_axis_angle(solution.local)
    return Hypothesis(
        score=score,
        global_orient=_floats(rotations[0]),
        body_pose=tuple(_floats(rotation) for rotation in rotations[1:]),
        betas=(0.0,) * N_BETAS,
        camera=CameraPose(float(camera.scale), *_floats(camera.translation)),
        joints3d={name: _floats(posed[i]) for i, name in enumerate(JOINT_NAMES)},
        residuals=dict(zip(kinematics.RIGID_PARTS, _floats(solution.residuals), strict=True)),
    )


def corrected_figure(figure: Figure, rest_keypoints: np.ndarray) -> Figure:
    """A figure with its corrections carried out: keypoints where they are now, the corrected pose first.

    The other hypotheses follow as they are. A figure whose keypoints were edited in place is posed along them: each bone
    points as it is drawn now, with the depth of the hypothesis.

    Args:
        figure: with or without corrections.
        rest_keypoints: (30, 3) metres, T-pose of the body.
    """
    corrections = figure.corrections
    if corrections is None:
        return replace(figure, hypotheses=tuple(_along(figure, h, rest_keypoints) for h in figure.hypotheses))
    first = corrected_hypothesis(figure, corrections, rest_keypoints)
    shown = corrections.shown % len(figure.hypotheses)
    others = tuple(h for index, h in enumerate(figure.hypotheses) if index != shown)
    keypoints = {
        name: _corrected_keypoint(point, corrections, name) for name, point in figure.keypoints.items()
    }
    score = float(np.mean([point.score for point in keypoints.values()]))
    if first.exchanged:
        # In the file, keypoints are those of the first hypothesis.
        mirror = {KEYPOINT_NAMES[i]: KEYPOINT_NAMES[KEYPOINT_MIRROR[i]] for i in range(N_KEYPOINTS)}
        keypoints = {name: keypoints[mirror[name]] for name in KEYPOINT_NAMES}
        first = replace(first, exchanged=False)
        others = tuple(replace(h, exchanged=not h.exchanged) for h in others)
    return replace(figure, score=score, keypoints=keypoints, hypotheses=(first, *others), corrections=None)


def _corrected_keypoint(point: Keypoint, corrections: Corrections, name: str) -> Keypoint:
    if name in corrections.ignored:
        return replace(point, score=0.0)
    if name in corrections.moved:
        return replace(point, xy=corrections.moved[name], score=1.0, present=1.0)
    return replace(point, score=1.0) if name in corrections.pinned else point


def _along(figure: Figure, hypothesis: Hypothesis, rest_keypoints: np.ndarray) -> Hypothesis:
    """The hypothesis laid along the figure's keypoints."""
    alone = replace(figure, hypotheses=(hypothesis,))
    reading = reading_of(alone, Corrections(), rest_keypoints)
    lifted = kinematics.lift_to_drawing(reading.keypoints, reading.directions)
    confidence = np.minimum(reading.scores[_PARENTS], reading.scores[_ENDS])
    solution = kinematics.solve_rotations(lifted, rest_keypoints, confidence)
    solved = hypothesis_of(solution, rest_keypoints, reading.keypoints, reading.scores, hypothesis.score)
    return replace(solved, betas=hypothesis.betas, exchanged=hypothesis.exchanged)


def _floats(values: np.ndarray) -> Any:
    return tuple(float(value) for value in values)
