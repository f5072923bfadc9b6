"""Accuracy on real drawings with 2D labels, boxes given."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backend.errors import InputError
from backend.images import read_image
from backend.keypoints import Detection, Engine, detect

from .metrics import (
    LABELLED_JOINTS,
    LABELLED_MIRROR,
    bone_angles_2d,
    bootstrap,
    hits,
    is_swapped,
    labelled_joints,
)

#: Styles with fewer figures than this are reported together.
SMALLEST_GROUP = 6


@dataclass(frozen=True, eq=False)
class LabelledFigure:
    """A drawn figure with hand-made labels.

    Attributes:
        image: the file.
        box: (4,) x0, y0, x1, y1 pixels.
        joints: (15, 2) pixels, in the order of LABELLED_JOINTS.
        known: (15,) bool: the joint is labelled.
        style: what kind of drawing.
        sides_known: False where left and right cannot be told from the drawing: either reading counts.
    """

    image: Path
    box: np.ndarray
    joints: np.ndarray
    known: np.ndarray
    style: str
    sides_known: bool


@dataclass(frozen=True)
class FigureScore:
    """How well one figure was read: shares of its joints, and degrees."""

    name: str
    style: str
    pck10: float
    pck05: float
    pck10_swap_free: float
    swapped: bool
    bone_angle: float


def read_labels(folder: Path) -> list[LabelledFigure]:
    """Read ``labels.json`` and check that its images are there.

    Raises:
        InputError: the file is missing, is not JSON, or does not hold what a label needs; an image is missing.
    """
    path = folder / "labels.json"
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read; give a folder with labels.json and images.") from error
    if not records:
        raise InputError(f"{path} holds no labels; give a folder with labelled drawings.")
    try:
        return [_labelled(record, folder) for record in records]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"{path} is no list of labels as examples/README.md describes ({error!r})."
        ) from error


def _labelled(record: dict[str, Any], folder: Path) -> LabelledFigure:
    joints = np.array([record["joints"][n] for n in LABELLED_JOINTS], float)
    image = next(
        (p for p in (folder / "images" / record["file"], folder / record["file"]) if p.is_file()), None
    )
    if image is None:
        raise InputError(f"The image {record['file']} that {folder / 'labels.json'} names is missing.")
    return LabelledFigure(
        image,
        np.array(record["box"], float),
        joints[:, :2],
        joints[:, 2] > 0,
        record["style"],
        record["sure_left_right"],
    )


def score_figure(figure: LabelledFigure, keypoints: np.ndarray) -> FigureScore:
    """Score (30, 2) predicted keypoints, image pixels."""
    predicted = labelled_joints(keypoints.astype(float))
    swapped = is_swapped(predicted, figure.joints, figure.known)
    crossed = predicted[list(LABELLED_MIRROR)]
    if swapped and not figure.sides_known:
        predicted, crossed, swapped = crossed, predicted, False
    side = max(figure.box[2] - figure.box[0], figure.box[3] - figure.box[1])

    def share(joints: np.ndarray, limit: float) -> float:
        return float(hits(joints, figure.joints, side, limit)[figure.known].mean())

    return FigureScore(
        figure.image.name,
        figure.style,
        share(predicted, 0.1),
        share(predicted, 0.05),
        max(share(predicted, 0.1), share(crossed, 0.1)),
        swapped,
        float(bone_angles_2d(predicted, figure.joints, figure.known).mean()),
    )


def evaluate_sketches(
    engine: Engine, figures: list[LabelledFigure]
) -> tuple[list[FigureScore], list[Detection]]:
    """Read every figure in its labelled box and score it."""
    scores, detections = [], []
    for figure in figures:
        picture = read_image(figure.image)
        detection = detect(engine, picture.gray, [figure.box / picture.scale])[0]
        scores.append(score_figure(figure, detection.keypoints * picture.scale))
        detections.append(detection)
    return scores, detections


def report(scores: list[FigureScore]) -> str:
    """A table: all figures, then by style; small styles pooled; 95 % bootstrap intervals of PCK@0.1."""
    groups: dict[str, list[FigureScore]] = defaultdict(list)
    for score in scores:
        groups[score.style].append(score)
    small = [style for style, members in groups.items() if len(members) < SMALLEST_GROUP]
    if small:
        groups["others"] = [score for style in small for score in groups.pop(style)]
    lines = [
        f"{'style':<12}{'figures':>8}{'PCK@0.1':>9}{'95 %':>15}{'PCK@0.05':>10}{'swap-free':>11}{'swaps':>7}{'angle 2D':>10}"
    ]
    for name, members in [("all", scores), *sorted(groups.items())]:
        low, high = bootstrap([s.pck10 for s in members])

        def mean(field: str, of: list[FigureScore] = members) -> float:
            return float(np.mean([getattr(s, field) for s in of]))

        lines.append(
            f"{name:<12}{len(members):>8}{mean('pck10'):>9.1%}{f'{low:.1%}-{high:.1%}':>15}{mean('pck05'):>10.1%}"
            f"{mean('pck10_swap_free'):>11.1%}{mean('swapped'):>7.1%}{mean('bone_angle'):>10.1f}"
        )
    return "\n".join(lines)
