"""``python -m training fit-contacts``: how probable contacts are, fitted to what the network reads in drawings.

What it prints goes into ``backend/contacts.py`` (LOG_ODDS, WEIGHTS, LIKELY) each time the keypoint network was trained.
The drawings show whole figures of training's motion clips.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from backend import contacts, kinematics
from backend.api import Figure
from backend.body import Body, global_rotations
from backend.contacts import KINDS, MOST_GAP, Surface
from backend.correction import rest_keypoints_of
from backend.skeleton import JOINT_NAMES, KEYPOINT_NAMES

from ..drawing.anatomy import load_anatomy
from ..drawing.machine import DrawingMachine
from ..drawing.record import Drawing, DrawnFigure
from ..poses.bank import PoseBank
from .belief import logistic_regression
from .shards import FIRST_SEED, figures_to_learn

#: Parts of a drawn body with at least this score (see training/poses/contacts.py) touch.
_LEAST_SCORE = 0.5
#: Thresholds that are tried.
_LEAST_CHANCES = np.arange(0.3, 0.61, 0.05)
#: Every so many figures one is kept to judge what was fitted to the others.
_FOLDS = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training fit-contacts``."""
    parser.add_argument("--poses", type=Path, required=True, help="the pose bank, .npz")
    parser.add_argument("--figures", type=int, default=4000, help="figures that are drawn")
    parser.add_argument(
        "--weights", type=Path, help="the .onnx keypoint network, instead of the one that ships"
    )


def run(args: argparse.Namespace) -> int:
    """Fit, and print the numbers and what each threshold finds."""
    from backend.engines.onnx import OnnxEngine
    from backend.pipeline import Pipeline

    machine = DrawingMachine(PoseBank.load(args.poses), load_anatomy())
    pipeline = Pipeline(OnnxEngine(args.weights))
    surface = contacts.surface_of(pipeline.body)
    gaps, touching = [], []
    for page, drawn in islice(_whole_figures(machine), args.figures):
        read = pipeline.try_pose(page, box=drawn.box.tolist()).figures
        if read:
            gaps.append(gaps_of(surface, pipeline.body, read[0]))
            touching.append(truth(surface, drawn))
        if len(gaps) % 100 == 0:
            print(f"{len(gaps)} of {args.figures} figures ...", file=sys.stderr, flush=True)
    measured, true = np.array(gaps), np.array(touching)
    judged = np.arange(len(measured)) % _FOLDS == 0
    weights = fitted(surface, measured[~judged], true[~judged])
    chances = 1 / (1 + np.exp(-_values(surface, measured[judged]) @ weights))
    for least in _LEAST_CHANCES:
        recall, precision = found(chances, true[judged], float(least))
        print(f"LIKELY = {least:.2f}: {100 * recall:.1f} % found, {100 * precision:.1f} % of the finds true")
    weights = fitted(surface, measured, true)
    count = len(weights) - len(KINDS)
    print(f"WEIGHTS = {np.round(weights[:count], 2).reshape(3, -1).tolist()}")
    print(
        "LOG_ODDS =", {kind: round(float(odds), 2) for kind, odds in zip(KINDS, weights[count:], strict=True)}
    )
    return 0


def _whole_figures(machine: DrawingMachine) -> Iterator[tuple[np.ndarray, DrawnFigure]]:
    """Pages as training draws them, with each whole figure that it learns from."""
    seed = FIRST_SEED
    while True:
        drawing: Drawing = machine.draw(seed)
        page = drawing.image if drawing.palette is None else drawing.palette[drawing.image]
        for figure in figures_to_learn(drawing):
            if figure.part == "whole":
                yield page, figure
        seed += 1


def gaps_of(surface: Surface, body: Body, figure: Figure) -> np.ndarray:
    """(K, 3) gaps of all pairs of parts in the likeliest pose of a figure that was read."""
    pose = figure.hypotheses[0]
    world = global_rotations(kinematics.axis_angle_to_matrix(np.array([pose.global_orient, *pose.body_pose])))
    camera = kinematics.Camera(np.array(pose.camera.scale), np.array([pose.camera.tx, pose.camera.ty]))
    keypoints = np.array([figure.keypoints[name].xy for name in KEYPOINT_NAMES])
    places = contacts.ball_places(surface, world, rest_keypoints_of(body, figure), camera, keypoints)
    return contacts.gaps(surface, places, np.arange(surface.pairs.shape[1]))


def truth(surface: Surface, figure: DrawnFigure) -> np.ndarray:
    """(K,) bool, which pairs of parts touch in the drawn body."""
    true = {frozenset(pair) for *pair, score in figure.contacts if score >= _LEAST_SCORE}
    pairs = surface.parts[surface.pairs].T
    return np.array([frozenset(JOINT_NAMES[part] for part in pair) in true for pair in pairs])


def _values(surface: Surface, gaps: np.ndarray) -> np.ndarray:
    """(N, K, F + kinds) what is weighed of (N, K, 3) gaps: their features, and which kind of pair it is."""
    kinds = np.eye(len(KINDS))[surface.kinds]
    return np.concatenate(
        [contacts.features(gaps), np.broadcast_to(kinds, (len(gaps), *kinds.shape))], -1, dtype=np.float32
    )


def fitted(surface: Surface, gaps: np.ndarray, true: np.ndarray) -> np.ndarray:
    """(F + kinds,) weights of the features and log odds of the kinds, from (N, K, 3) gaps and (N, K) bool."""
    near = gaps[..., 1] < MOST_GAP  # all others touch no more than those at that distance
    return logistic_regression(_values(surface, gaps)[near], true[near])


def found(chances: np.ndarray, true: np.ndarray, least: float) -> tuple[float, float]:
    """Recall and precision, 0..1, where contacts from a probability on are told."""
    told = chances >= least
    right = float((told & true).sum())
    return right / max(float(true.sum()), 1.0), right / max(float(told.sum()), 1.0)
