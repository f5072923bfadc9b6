"""How probable contacts are: the fit finds what made the answers, from figures as they are drawn and read."""

import numpy as np
import pytest

from backend import contacts
from backend.api import CameraPose, Figure, Hypothesis, Keypoint
from backend.body import load_body
from backend.skeleton import JOINT_NAMES, KEYPOINT_NAMES
from training.drawing.anatomy import load_anatomy
from training.drawing.machine import DrawingMachine
from training.drawing.placement import Placement
from training.fit.contacts import fitted, found, gaps_of, truth
from training.poses.bank import PoseBank


@pytest.fixture(scope="module")
def surface():
    return contacts.surface_of(load_body())


def test_the_fit_finds_the_odds_that_made_the_answers(surface):
    rng = np.random.default_rng(2)
    count = surface.pairs.shape[1]
    gaps = rng.uniform(-0.1, 0.3, (3000, count, 3))
    every = np.arange(count)
    odds = np.stack([contacts.log_odds(surface, of_figure, every) for of_figure in gaps])
    true = rng.random(odds.shape) < 1 / (1 + np.exp(-odds))
    weights = fitted(surface, gaps, true)
    features = contacts.features(gaps)
    refitted = features @ weights[: features.shape[-1]] + weights[features.shape[-1] :][surface.kinds]
    likely = odds > -2
    assert likely.sum() > 1000
    np.testing.assert_allclose(refitted[likely], odds[likely], atol=0.5)
    assert np.abs(refitted - odds)[likely].mean() < 0.1


def test_the_truth_is_what_touches_in_the_drawn_body(surface):
    pose = np.tile(np.eye(3, dtype=np.float32), (24, 1, 1))
    bank = PoseBank(pose[None], np.ones(1))
    (drawn,) = DrawingMachine(bank, load_anatomy()).draw(3, placements=[Placement()], pose=pose).figures
    touching = truth(surface, drawn)
    assert touching.shape == (surface.pairs.shape[1],)
    pairs = surface.parts[surface.pairs].T[touching]
    told = {frozenset(pair) for *pair, score in drawn.contacts if score >= 0.5}
    assert {frozenset(JOINT_NAMES[part] for part in pair) for pair in pairs} == told


def test_gaps_are_those_of_the_pose_that_is_told(surface):
    body = load_body()
    rest = body.rest_keypoints()
    pose = Hypothesis(
        1.0, (np.pi, 0.0, 0.0), ((0.0, 0.0, 0.0),) * 23, (0.0,) * 10, CameraPose(100.0, 50.0, 60.0), {}
    )
    places = (rest - rest[0])[:, :2] * (100, -100) + (50, 60)
    keypoints = {
        n: Keypoint((float(x), float(y)), 1.0, 1.0) for n, (x, y) in zip(KEYPOINT_NAMES, places, strict=True)
    }
    gaps = gaps_of(surface, body, Figure((0, 0, 1, 1), 1.0, keypoints, (pose,)))
    names = [tuple(JOINT_NAMES[part] for part in pair) for pair in surface.parts[surface.pairs].T]
    hands = gaps[names.index(("left_hand", "right_hand"))]
    apart = np.linalg.norm(rest[20] - rest[21])
    assert hands == pytest.approx(
        [apart] * 3, abs=0.1
    )  # the T-pose's palms look at the ground, not at each other


def test_recall_and_precision_of_a_threshold():
    chances = np.array([[0.9, 0.6, 0.2], [0.55, 0.1, 0.3]])
    true = np.array([[True, False, False], [True, True, False]])
    assert found(chances, true, 0.5) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert found(chances, true, 0.95) == (0.0, 0.0)
