"""How well one figure was read, by every metric that its labels allow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backend.api import PRESENT
from backend.body import Body, pose_body
from backend.skeleton import KEYPOINT_PARENTS

from ..drawing.anatomy import Anatomy
from ..poses.contacts import find_contacts
from .figures import LabelledFigure, Reading, Truth3D
from .metrics import (
    END_BONES,
    LABELLED_MIRROR,
    LIMB_BONES,
    bone_angles_2d,
    bone_angles_3d,
    diversity,
    hits,
    is_swapped,
    mpjpe,
    other_reading,
    pa_mpjpe,
)
from .penetration import penetration_depth

_MILLIMETRES = 1000.0
#: Contacts with a lower score are no contacts.
_LEAST_CONTACT = 0.5
#: Of how many hypotheses, or all where a figure has fewer, the best is taken.
HYPOTHESES = (2, 4, 8)


@dataclass(frozen=True)
class Score:
    """How well a figure was read.

    Attributes:
        name: of the drawing.
        style: of the drawing.
        view: "front", "side", "back" or "".
        part: how much of the figure is drawn.
        values: metric -> (value, weight): means over figures are weighted, for example by numbers of bones. A
            metric that says nothing of this figure is missing.
    """

    name: str
    style: str
    view: str
    part: str
    values: dict[str, tuple[float, float]]


def score(figure: LabelledFigure, reading: Reading, anatomy: Anatomy) -> Score:
    """Measure a reading; a figure that was not found misses all joints and has no angles.

    Args:
        figure: with its labels.
        reading: of it.
        anatomy: of the body that predicted and true poses are compared on.
    """
    values = {"found": (float(reading.found), 1.0), **_flat(figure, reading)}
    if reading.found and figure.truth is not None and figure.part == "whole" and len(reading.poses):
        values |= _on_the_body(figure.truth, reading.poses, anatomy)
        if reading.contacts is not None:
            values |= contact_values(reading.contacts, _touching(figure.truth.contacts))
    elif reading.found and figure.truth is not None and len(reading.poses):
        values |= _directions(figure.truth, _bones(anatomy.body, reading.poses))
    if reading.found and figure.truth is not None:
        values |= _shape(figure.truth, reading)
    return Score(figure.name, figure.style, figure.view, figure.part, values)


def _shape(truth: Truth3D, reading: Reading) -> dict[str, tuple[float, float]]:
    """Errors of shape, proportions and presence, each beside what saying "average" or "drawn" every time gives."""
    values = {}
    if reading.betas is not None:
        values["betas"] = (float(np.square(reading.betas - truth.betas).mean()), 1.0)
        values["betas_zero"] = (float(np.square(truth.betas).mean()), 1.0)
    if reading.lengths is not None:
        # Of bones that are drawn only; what the two lengths differ by, whichever is the longer.
        drawn = truth.bones
        values["lengths"] = (float(np.expm1(np.abs(reading.lengths - truth.lengths)[drawn]).mean()), 1.0)
        values["lengths_zero"] = (float(np.expm1(np.abs(truth.lengths)[drawn]).mean()), 1.0)
    if reading.present is not None:
        said, outside = reading.present < PRESENT, ~truth.present
        if outside.any():
            values["outside_recall"] = (float(said[outside].mean()), float(outside.sum()))
        if said.any():
            values["outside_precision"] = (float(outside[said].mean()), float(said.sum()))
    return values


def _flat(figure: LabelledFigure, reading: Reading) -> dict[str, tuple[float, float]]:
    """What drawings with labels in the plane, and signs of depth, can tell."""
    known, joints, limbs = figure.known, reading.joints, reading.limbs
    crossed = joints[list(LABELLED_MIRROR)]
    swapped = reading.found and bool(known.any()) and is_swapped(joints, figure.joints, known)
    if swapped and not figure.sides_known:
        joints, crossed, limbs, swapped = crossed, joints, other_reading(limbs), False

    def share(places: np.ndarray, limit: float) -> float:
        return float(hits(places, figure.joints, figure.side, limit)[known].mean())

    if not known.any():
        return {}
    values = {
        "pck10": (share(joints, 0.1), 1.0),
        "pck05": (share(joints, 0.05), 1.0),
        "pck10_swap_free": (max(share(joints, 0.1), share(crossed, 0.1)), 1.0),
    }
    if not reading.found:
        return values
    values["swapped"] = (float(swapped), 1.0)
    angles = bone_angles_2d(joints, figure.joints, known)
    if len(angles):
        values["angle_2d"] = (float(angles.mean()), 1.0)
    steep = figure.depth != 0
    if steep.any():
        right = np.sign(limbs[steep, 2]) == figure.depth[steep]
        values["depth"] = (float(right.mean()), float(steep.sum()))
    truth = figure.truth
    if truth is not None and truth.bones[list(LIMB_BONES)].any():
        drawn = truth.bones[list(LIMB_BONES)]
        true = truth.directions[list(LIMB_BONES)]
        values["angle_limbs"] = (float(bone_angles_3d(limbs, true)[drawn].mean()), 1.0)
    return values


def _bones(body: Body, poses: np.ndarray) -> np.ndarray:
    """(H, 24, 3) poses -> (H, 29, 3) unit bone directions of the body without shape."""
    keypoints = np.stack([pose_body(body, pose).keypoints for pose in poses])
    bones = keypoints[:, 1:] - keypoints[:, list(KEYPOINT_PARENTS[1:])]
    return bones / np.linalg.norm(bones, axis=-1, keepdims=True)


def _directions(truth: Truth3D, bones: np.ndarray) -> dict[str, tuple[float, float]]:
    drawn = truth.bones
    angles = bone_angles_3d(bones, truth.directions)[:, drawn].mean(1)
    twin = bone_angles_3d(other_reading(bones[0]), truth.directions)[drawn].mean()
    values = {
        "angle_3d": (float(angles[0]), 1.0),
        "angle_3d_either": (float(min(angles[0], twin)), 1.0),
    }
    ends = [bone for bone in END_BONES if drawn[bone]]
    if ends:
        values["angle_3d_ends"] = (
            float(bone_angles_3d(bones[0, ends], truth.directions[ends]).mean()),
            1.0,
        )
    values["hypotheses"] = (float(len(bones)), 1.0)
    for count in HYPOTHESES:
        values[f"angle_3d_of_{count}"] = (float(angles[:count].min()), 1.0)
    if len(bones) > 1:
        values["diversity"] = (diversity(bones), 1.0)
    return values


def _on_the_body(truth: Truth3D, poses: np.ndarray, anatomy: Anatomy) -> dict[str, tuple[float, float]]:
    """Distances between the body in the predicted and in the true pose, both of the true shape."""
    body = anatomy.body
    true = pose_body(body, truth.pose, truth.betas)
    errors = []
    for pose in poses:
        posed = pose_body(body, pose, truth.betas)
        vertices = np.concatenate([posed.joints[:1], posed.vertices])
        true_vertices = np.concatenate([true.joints[:1], true.vertices])
        errors.append(
            (
                mpjpe(posed.joints, true.joints),
                pa_mpjpe(posed.joints, true.joints),
                mpjpe(vertices, true_vertices),
            )
        )
    of_each = np.array(errors) * _MILLIMETRES
    values = _directions(truth, _bones(body, poses))
    for column, name in enumerate(("mpjpe", "pa_mpjpe", "mpve")):
        values[name] = (float(of_each[0, column]), 1.0)
        for count in HYPOTHESES:
            values[f"{name}_of_{count}"] = (float(of_each[:count, column].min()), 1.0)
    predicted = pose_body(body, poses[0], truth.betas).vertices
    touching = contact_values(_touching(find_contacts(anatomy, predicted)), _touching(truth.contacts))
    values |= {f"posed_{name}": value for name, value in touching.items()}
    values["penetration"] = (_MILLIMETRES * penetration_depth(anatomy, predicted), 1.0)
    values["penetration_true"] = (_MILLIMETRES * penetration_depth(anatomy, true.vertices), 1.0)
    return values


def _touching(contacts: tuple[tuple[str, str, float], ...]) -> set[frozenset[str]]:
    return {frozenset((a, b)) for a, b, how_near in contacts if how_near >= _LEAST_CONTACT}


def contact_values(
    predicted: set[frozenset[str]], true: set[frozenset[str]]
) -> dict[str, tuple[float, float]]:
    """Recall weighs a figure by its true contacts, precision by its predicted ones."""
    both = len(predicted & true)
    values = {}
    if true:
        values["contact_recall"] = (both / len(true), float(len(true)))
    if predicted:
        values["contact_precision"] = (both / len(predicted), float(len(predicted)))
    return values
