"""How much finder and keypoints are believed: the fit, and what a threshold finds."""

import numpy as np
import pytest

from backend.finder import SETTLED, SETTLED_BELIEF, belief, features
from backend.keypoints import Detection
from backend.pipeline import Places
from training.evaluate.composed_pages import ComposedPage
from training.fit.belief import found, is_figure, logistic_regression


def test_the_fit_finds_the_odds_that_made_the_answers():
    rng = np.random.default_rng(1)
    values = np.stack([np.ones(40_000), rng.normal(0, 2, 40_000), rng.uniform(0, 1, 40_000)], 1)
    weights = np.array([-1.0, 0.8, 2.0])
    true = rng.random(40_000) < 1 / (1 + np.exp(-values @ weights))
    np.testing.assert_allclose(logistic_regression(values, true), weights, atol=0.15)


def test_beliefs_are_the_odds_of_the_features_but_for_settled_places():
    chances, scores, present = np.array([0.5, 0.9]), np.array([0.4, SETTLED]), np.array([1.0, 0.5])
    weights = (-2.0, 1.0, 3.0, 0.5)
    told = belief(chances, scores, present, weights)
    assert told[0] == pytest.approx(1 / (1 + np.exp(2 - 1.2 - 0.5)))
    odds = 1 / (1 + np.exp(-features(chances, scores, present) @ weights))
    assert told[1] == pytest.approx(SETTLED_BELIEF + (1 - SETTLED_BELIEF) * odds[1])


def _places(*boxes):
    reading = Detection(*(np.zeros(shape, np.float32) for shape in ((30, 2), 30, 30, (29, 3))))
    return Places(np.array(boxes, np.float32), [reading] * len(boxes), np.ones(len(boxes)))


def test_recall_and_false_finds_of_a_threshold():
    figures = np.array([[0, 0, 100, 100], [200, 0, 300, 100]], np.float32)
    page = ComposedPage(np.full((100, 400), 255, np.uint8), figures, ("ink", "ink"))
    empty = ComposedPage(page.image, np.zeros((0, 4), np.float32), ())
    places = [_places((0, 0, 100, 100), (200, 0, 300, 90), (310, 0, 390, 90)), _places((5, 5, 50, 50))]
    assert is_figure(places[0], page).tolist() == [True, True, False]
    assert is_figure(places[1], empty).tolist() == [False]
    beliefs = [np.array([0.9, 0.6, 0.7]), np.array([0.8])]
    assert found(beliefs, places, [page, empty], 0.5) == (1.0, 2)
    assert found(beliefs, places, [page, empty], 0.75) == (0.5, 1)
    assert found(beliefs, places, [page, empty], 0.85) == (0.5, 0)
