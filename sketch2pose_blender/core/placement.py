"""Where a posed figure stands so that it covers its drawing, seen from where it was drawn.

A figure is read as if it were seen from far away, straight on: its bones have a direction on the paper and a
depth along the line of sight to its pelvis. Under perspective the line of sight is another at every joint.
A bone that leaves a joint in the drawn direction lies in the plane of the joint's line of sight and that
direction, whatever its length is; the depth picks one of the plane's directions, or one of two, of which the
drawn length picks one (:func:`seen_directions`).
So a drawing of the body itself is met exactly, and limbs of other proportions still point where the
drawing's do.

Frames: the figure's (x right, y down, z along the line of sight to its pelvis), the camera's and the world's
of :mod:`.sketch`, and the SMPL rest frame (y up, facing +z).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from .boundary import (
    JOINT_NAMES,
    KEYPOINT_PARENTS,
    Hypothesis,
    global_rotations,
    matrix_to_axis_angle,
    posed_keypoints,
    rodrigues,
)
from .retarget import shortest_turn
from .sketch import View

#: "scale": the figure gets the drawing's size at the drawing's distance. "distance": it keeps its size and
#: stands where it looks as large as drawn; in an orthographic view, where nothing looks smaller from afar,
#: only its pelvis is where it is drawn.
Fit = Literal["scale", "distance"]

#: Keypoints that are less sure than this tell nothing of the figure's size.
_SURE = 0.2
#: Rounds in which directions, places and size settle: each corrects what is left by a tenth or less.
_ROUNDS = 6
#: A view is level where its axis rises less than this; then the figure cannot be slid along it to the ground.
_LEVEL = 0.05
#: Largest change of distance for standing on the ground, as a factor.
_MOST_SLIDE = 20.0
#: A bone that is drawn shorter than this share of its length says little about its length.
_FORESHORTENED = 0.3
#: Of two directions the one that fits the drawn length is taken where the other is off by so much more: figures
#: of other proportions, and drawings read a little off, say less about it.
_FITS_BETTER = 0.7
#: Bones are stretched by factors between these.
STRETCHES = (0.25, 4.0)

_PARENTS = np.array(KEYPOINT_PARENTS[1:])
_BONES_OF = [np.flatnonzero(joint == _PARENTS) for joint in range(len(JOINT_NAMES))]


@dataclass(frozen=True, eq=False)
class DrawnFigure:
    """A figure on the picture, as it was read.

    Attributes:
        view: from where the picture is seen.
        keypoints: (30, 2) pixels of the view.
        scores: (30,) 0..1.
        rotations: (24, 3, 3) rotations of the joints, SMPL rest frame -> the figure's frame.
        directions: (29, 3) unit bone directions, the figure's frame.
    """

    view: View
    keypoints: np.ndarray
    scores: np.ndarray
    rotations: np.ndarray
    directions: np.ndarray


@dataclass(frozen=True, eq=False)
class SeenFigure:
    """The pose as it stands before the camera; how far away, and so how large, is still open.

    Attributes:
        rotations: (24, 3, 3) rotations of the joints, SMPL rest frame -> camera frame.
        sight: (3,) camera frame, from the eye to the pelvis, at a distance of one; orthographic, the
            pelvis's place on the paper and 0.
        ratio: the figure's scale at a distance of one; orthographic, at any. The unit of scale is the rest
            pose's.
        keypoints: (30, 3) posed, camera frame, pelvis at 0, scale 1.
    """

    rotations: np.ndarray
    sight: np.ndarray
    ratio: float
    keypoints: np.ndarray


@dataclass(frozen=True, eq=False)
class Stand:
    """Where a figure stands.

    Attributes:
        pelvis: (3,) world.
        scale: world units a unit of the rest pose.
    """

    pelvis: np.ndarray
    scale: float


def drawn_figure(
    view: View, keypoints: np.ndarray, scores: np.ndarray, hypothesis: Hypothesis, rest_keypoints: np.ndarray
) -> DrawnFigure:
    """A reading of a figure on the picture.

    Args:
        view: from where the picture is seen.
        keypoints: (30, 2) pixels of the view.
        scores: (30,) 0..1.
        hypothesis: its pose.
        rest_keypoints: (30, 3) T-pose of the body that the pose is of, metres.
    """
    pose = np.array((hypothesis.global_orient, *hypothesis.body_pose), np.float64)
    rotations = global_rotations(rodrigues(pose))
    directions = _unit((rotations[_PARENTS] @ _bones(rest_keypoints)[..., None])[..., 0])
    return DrawnFigure(view, np.asarray(keypoints, float), np.asarray(scores, float), rotations, directions)


def seen_figure(
    figure: DrawnFigure, rest_keypoints: np.ndarray, used: np.ndarray | None = None
) -> SeenFigure:
    """Turn and size a body so that it covers the drawing.

    Args:
        figure: the drawing.
        rest_keypoints: (30, 3) T-pose of the body that takes the pose, SMPL rest frame, any unit; it may
            have other proportions than the drawing.
        used: (30,) bool, keypoints that tell the size; None for all that are sure.
    """
    view, place = figure.view, figure.keypoints[0]
    sight = view.at_depth(place, 1.0) if view.perspective else view.at_depth(place, 0.0)
    axis = _unit(sight) if view.perspective else np.array([0.0, 0.0, 1.0])
    turned = shortest_turn(np.array([0.0, 0.0, 1.0]), axis) @ figure.rotations
    there = np.ones(len(figure.scores), bool) if used is None else used
    measured = there & (figure.scores >= _SURE)
    if measured.sum() < 2:
        measured = there
    sights = view.at_depth(figure.keypoints[_PARENTS], 1.0)
    lengths = np.linalg.norm(_bones(rest_keypoints), axis=-1)
    sure = np.minimum(figure.scores[_PARENTS], figure.scores[1:]) >= _SURE
    drawn = np.where(sure, np.linalg.norm(figure.keypoints[1:] - figure.keypoints[_PARENTS], axis=-1), np.nan)
    ratio, rotations, posed = 0.0, turned, rest_keypoints
    for _ in range(_ROUNDS if view.perspective else 1):
        directions = seen_directions(view, sights, axis, figure.directions, ratio * lengths, drawn)
        rotations = _following(turned, rest_keypoints, directions)
        posed = posed_keypoints(rotations, rest_keypoints)
        ratio = _fitting_ratio(view, sight, posed[measured], figure.keypoints[measured])
        # Where the body's joints are, not the drawing's: with other proportions these differ.
        sights = sight + ratio * posed[_PARENTS]
    return SeenFigure(rotations, sight, ratio, posed)


def seen_directions(
    view: View,
    sights: np.ndarray,
    axis: np.ndarray,
    directions: np.ndarray,
    lengths: np.ndarray,
    drawn: np.ndarray,
) -> np.ndarray:
    """Directions in space that look as drawn from where each bone starts.

    Args:
        view: from where the picture is seen.
        sights: (29, 3) camera frame, from the eye to where each bone starts.
        axis: (3,) unit, camera frame, the figure's line of sight.
        directions: (29, 3) unit, the figure's frame: the first two components say where the bone points on
            the picture, the third is its depth along the figure's line of sight.
        lengths: (29,) of the bones, in the unit of the sights; 0 where that is not known yet.
        drawn: (29,) pixels, how long the bones are on the picture; NaN where that is not known.

    Returns:
        (29, 3) unit, camera frame.
    """
    on_paper = np.concatenate([directions[:, :2] / view.focal, np.zeros((len(directions), 1))], -1)
    away = _unit(sights) if view.perspective else np.broadcast_to(axis, on_paper.shape)
    across = _unit(on_paper - (on_paper * away).sum(-1, keepdims=True) * away)
    # cos(angle) across + sin(angle) away, where its component along the axis is the depth. Two angles have that
    # depth; that both point to the drawn side is so near the line of sight only.
    along_axis = away @ axis
    across_axis = across @ axis
    shift = np.arctan2(across_axis, along_axis)
    reach = np.hypot(across_axis, along_axis)
    depth = directions[:, 2]
    steepness = np.arcsin(np.clip(depth / np.maximum(reach, 1e-9), -1, 1))
    angles = np.stack([steepness, np.copysign(np.pi, depth) - steepness]) - shift
    two = np.abs(angles[1]) < np.pi / 2
    angles = np.clip(angles, -np.pi / 2, np.pi / 2)[..., None]
    seen = np.cos(angles) * across + np.sin(angles) * away
    ends = view.flatten(sights + lengths[:, None] * seen)
    off = np.abs(np.linalg.norm(ends - view.flatten(sights), axis=-1) - drawn)
    seen = np.where((two & (off[1] < _FITS_BETTER * off[0]))[:, None], seen[1], seen[0])
    flat = np.linalg.norm(directions[:, :2], axis=-1, keepdims=True) < 1e-6
    return np.where(flat, np.sign(directions[:, 2:]) * away, seen)


def stand(
    seen: SeenFigure,
    view: View,
    fit: Fit,
    anchor: np.ndarray | None,
    present_scale: float,
    clearance: float | None = None,
) -> Stand:
    """Choose the distance.

    Args:
        seen: the figure before the camera.
        view: from where it is seen.
        fit: how its size is found.
        anchor: (3,) world, a point of the drawing, at whose distance the figure stands; None where there is none.
        present_scale: world units a unit of the rest pose that the figure has now.
        clearance: height of the pelvis over the figure's lowest point, units of the rest pose: the figure
            stands on the ground, z = 0. None where it may float.
    """
    toward = view.rotation @ seen.sight
    if fit == "scale" and (anchor is not None or not view.perspective):
        depth = 0.0 if anchor is None else float(view.to_camera(anchor)[2])
        scale = seen.ratio * depth if view.perspective else seen.ratio
    else:
        scale = present_scale
        depth = scale / seen.ratio if view.perspective else float(view.to_camera(_or_zero(anchor))[2])
    if view.perspective:
        depth = max(depth, 1e-3)
        scale = seen.ratio * depth if fit == "scale" else scale
        pelvis = view.eye + depth * toward
    else:
        pelvis = view.eye + toward + depth * view.rotation[:, 2]
    if clearance is None:
        return Stand(pelvis, scale)

    if view.perspective and fit == "scale":
        # The foot of the figure goes down the line of sight as the figure grows with its distance.
        fall = clearance * seen.ratio - toward[2]
        slid = view.eye[2] / fall if abs(fall) > 1e-9 else -1.0
        if depth / _MOST_SLIDE < slid < depth * _MOST_SLIDE:
            return Stand(view.eye + slid * toward, seen.ratio * slid)
    rise = clearance * scale - pelvis[2]
    if not view.perspective and abs(view.rotation[2, 2]) > _LEVEL:
        slide = rise / view.rotation[2, 2] * view.rotation[:, 2]
        return Stand(pelvis + slide, scale)
    return Stand(pelvis + np.array([0.0, 0.0, rise]), scale)


def stretches(
    figure: DrawnFigure, seen: SeenFigure, rest_keypoints: np.ndarray, bones: np.ndarray
) -> np.ndarray:
    """How many times longer than the body's each bone is drawn.

    Args:
        figure: the drawing.
        seen: the body before the camera.
        rest_keypoints: (30, 3) T-pose of the body, as for :func:`seen_figure`.
        bones: (29,) bool, those that can be stretched.

    Returns:
        (29,) factors, 1 for the others and for bones that point at the viewer.
    """
    view = figure.view
    factors = np.ones(len(bones))
    vectors = (seen.rotations[_PARENTS] @ _bones(rest_keypoints)[..., None])[..., 0] * seen.ratio
    places = np.zeros((len(bones) + 1, 3))
    places[0] = seen.sight
    for bone, parent in enumerate(_PARENTS):
        start, vector = places[parent], vectors[bone]
        sure = min(figure.scores[parent], figure.scores[bone + 1]) >= _SURE
        away = _unit(start) if view.perspective else np.array([0.0, 0.0, 1.0])
        across = np.linalg.norm(vector - (vector @ away) * away) / max(float(np.linalg.norm(vector)), 1e-12)
        if bones[bone] and sure and across > _FORESHORTENED:
            drawn = float(np.linalg.norm(figure.keypoints[bone + 1] - figure.keypoints[parent]))
            factors[bone] = np.clip(_factor_for(view, start, vector, drawn), *STRETCHES)
        places[bone + 1] = start + factors[bone] * vector
    return factors


def _factor_for(view: View, start: np.ndarray, vector: np.ndarray, drawn: float) -> float:
    """The factor with which a vector from a place looks as long as drawn, in pixels."""
    place = view.flatten(start)
    direction = view.flatten(start + 1e-4 * vector) - place
    goal = view.at_depth(place + drawn * _unit(direction), 1.0)
    if not view.perspective:
        return drawn / max(float(np.linalg.norm(vector[:2] * view.focal)), 1e-9)
    # start + factor vector lies on the line of sight to where the bone is drawn to end.
    from_start, from_vector = np.cross(start, goal), np.cross(vector, goal)
    return -float(from_start @ from_vector) / max(float(from_vector @ from_vector), 1e-18)


def with_rotations(hypothesis: Hypothesis, local: np.ndarray) -> Hypothesis:
    """The hypothesis with other (24, 3, 3) local rotations."""
    orient, *pose = ((x, y, z) for x, y, z in matrix_to_axis_angle(local).tolist())
    return replace(hypothesis, global_orient=orient, body_pose=tuple(pose))


def _following(rotations: np.ndarray, rest_keypoints: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Rotations whose bones follow directions: the given ones, each with the least turn that does it.

    Parts with several bones follow them in the least squares sense.
    """
    rest = _unit(_bones(rest_keypoints))
    followed = np.array(rotations)
    for joint, bones in enumerate(_BONES_OF):
        present = rest[bones] @ rotations[joint].T
        followed[joint] = _least_turn(present, directions[bones]) @ rotations[joint]
    return followed


def _least_turn(present: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(3, 3) turn that takes (n, 3) unit vectors to others (Kabsch, 1976; a shortest turn for one)."""
    if len(present) == 1:
        return shortest_turn(present[0], wanted[0])
    # The identity decides what the vectors leave open.
    u, _, vt = np.linalg.svd(wanted.T @ present + 1e-6 * np.eye(3))
    return u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt


def _fitting_ratio(view: View, sight: np.ndarray, posed: np.ndarray, keypoints: np.ndarray) -> float:
    """The scale, at a distance of one, with which the posed points look as large as the drawn ones."""
    extent = np.ptp(keypoints, axis=0)
    side = int(np.argmax(extent))
    drawn = max(float(extent[side]), 1e-6)
    ratio = drawn / max(float(np.ptp(posed[:, side])) * abs(view.focal[side]), 1e-9)
    if not view.perspective:
        return ratio
    # The nearest point stays before the eye.
    most = 0.95 / max(float(-posed[:, 2].min()), 1e-9)
    for _ in range(30):
        ratio = min(ratio, most)
        seen = float(np.ptp(view.flatten(sight + ratio * posed)[:, side]))
        ratio *= drawn / max(seen, 1e-9)
    return min(ratio, most)


def _bones(keypoints: np.ndarray) -> np.ndarray:
    """(29, 3) vectors from each bone's start to its end."""
    return keypoints[1:] - keypoints[_PARENTS]


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _or_zero(point: np.ndarray | None) -> np.ndarray:
    return np.zeros(3) if point is None else point
