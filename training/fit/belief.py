"""``python -m training fit-belief``: how much the finder and the keypoints are believed, fitted to composed pages.

What it prints goes into ``backend/finder.py`` (BELIEF) and ``backend/pipeline.py`` (LEAST_BELIEF), each time a network
was trained. The pages hold synthetic figures alone, of other seeds than those that are reported.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from backend.finder import belief, features, overlap
from backend.images import from_array
from backend.pipeline import LEAST_FIGURE_SCORE, Places, believed

from ..evaluate.composed_pages import ComposedPage
from ..evaluate.finding import LEAST_IOU, match

#: Thresholds that are tried.
_LEAST_BELIEFS = np.arange(0.4, 0.91, 0.02)
_SETTLED = (0.7, 0.75, 0.8, 0.85)
_FOLDS = 4
#: A step of the fit that changes no weight by more than this is the last.
_SETTLED_STEP = 1e-8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training fit-belief``."""
    parser.add_argument("--pages", type=int, default=200, help="pages of one to six figures")
    parser.add_argument("--empty", type=int, default=70, help="pages without a figure")
    parser.add_argument(
        "--weights", type=Path, help="the .onnx keypoint network, instead of the one that ships"
    )
    parser.add_argument("--finder", type=Path, help="the .onnx finder, instead of the one that ships")


def run(args: argparse.Namespace) -> int:
    """Fit, and print the numbers and what each threshold finds."""
    from backend.engines.finder import OnnxFinder
    from backend.engines.onnx import OnnxEngine
    from backend.pipeline import Pipeline

    from ..evaluate.composed_pages import CHOICE_SEED, composed_pages
    from ..evaluate.synthetic import machine

    pages = composed_pages(machine(), args.pages, seed=CHOICE_SEED)
    pages += composed_pages(machine(), args.empty, seed=CHOICE_SEED + 1, empty=True)
    pipeline = Pipeline(OnnxEngine(args.weights), finder=OnnxFinder(args.finder) if args.finder else None)
    places = [pipeline.places(from_array(page.image).gray) for page in pages]
    values = [features(*place.evidence) for place in places]
    figures = [is_figure(place, page) for place, page in zip(places, pages, strict=True)]
    weights = logistic_regression(np.concatenate(values), np.concatenate(figures))
    print(f"BELIEF = ({', '.join(f'{weight:.2f}' for weight in weights)})")
    scores, true = np.concatenate([place.scores for place in places]), np.concatenate(figures)
    for least in _SETTLED:
        sure = true[scores >= least]
        print(f"SETTLED = {least}: {int(sure.sum())} of {len(sure)} places are figures")
    # Each quarter of the pages is judged by what was fitted to the others.
    judged = []
    for k, place in enumerate(places):
        others = [i for i in range(len(places)) if i % _FOLDS != k % _FOLDS]
        fitted = logistic_regression(
            np.concatenate([values[i] for i in others]), np.concatenate([figures[i] for i in others])
        )
        judged.append(np.where(place.scores >= LEAST_FIGURE_SCORE, belief(*place.evidence, fitted), 0.0))
    for least in _LEAST_BELIEFS:
        recall, false = found(judged, places, pages, float(least))
        print(f"LEAST_BELIEF = {least:.2f}: recall {100 * recall:.1f} %, {false} false finds")
    return 0


def is_figure(places: Places, page: ComposedPage) -> np.ndarray:
    """(N,) bool, which places share half of their union with a figure of the page."""
    if not len(page.boxes):
        return np.zeros(len(places.boxes), bool)
    return overlap(places.boxes, page.boxes).max(1) >= LEAST_IOU


def logistic_regression(values: np.ndarray, true: np.ndarray, ridge: float = 1e-3) -> np.ndarray:
    """(K,) weights of (N, K) values that make (N,) bool most likely (Newton's method)."""
    weights = np.zeros(values.shape[1])
    for _ in range(50):
        chances = 1 / (1 + np.exp(-np.clip(values @ weights, -30, 30)))
        slope = values.T @ (true - chances) - ridge * weights
        bend = (values * (chances * (1 - chances))[:, None]).T @ values + ridge * np.eye(len(weights))
        step = np.linalg.solve(bend, slope)
        weights += step
        if np.abs(step).max() < _SETTLED_STEP:
            break
    return weights


def found(
    beliefs: Sequence[np.ndarray], places: Sequence[Places], pages: Sequence[ComposedPage], least: float
) -> tuple[float, int]:
    """Recall, 0..1, and the number of false finds where places that are believed less than ``least`` are none."""
    hits, false = [], 0
    for chances, place, page in zip(beliefs, places, pages, strict=True):
        chosen = believed(chances, place.boxes, None, least)
        hit, wrong = match(place.boxes[chosen], page.boxes)
        hits.append(hit)
        false += wrong
    return float(np.concatenate(hits).mean()), false
