"""Styles of line: contours lie on the figure, run on past junctions, keep corners; small figures stay legible."""

import cv2
import numpy as np
import pytest

from training.drawing.areas import Areas, simplified
from training.drawing.camera import Camera
from training.drawing.canvas import Canvas
from training.drawing.contours import Kind, contours
from training.drawing.figure import Figure, sample_figure
from training.drawing.gbuffer import GBuffer
from training.drawing.pen import Pen
from training.drawing.placement import CANVAS, Placement
from training.drawing.styles import STYLES
from training.poses.bank import PoseBank

LINES = [style for style in STYLES if style.name in ("pencil", "ink", "brush", "charcoal", "engraving")]
PEN = Pen(width=2.0, tone=10.0)


def figure_of(bank_file, machine, seed: int, placement: Placement) -> Figure:
    rng = np.random.default_rng(seed)
    return sample_figure(rng, machine.anatomy, PoseBank.load(bank_file).sample(rng), placement, Camera())


@pytest.fixture(scope="module")
def figures(bank_file, machine) -> list[Figure]:
    return [figure_of(bank_file, machine, seed, Placement()) for seed in range(4)]


def page(style, figure: Figure, seed: int) -> np.ndarray:
    canvas = Canvas(CANVAS, 255.0, np.random.default_rng(seed))
    style.draw(canvas, figure, PEN)
    return canvas.image


def flat(label: np.ndarray, depth: np.ndarray) -> Areas:
    """Areas of made-up (S, S) labels and depths, metres."""
    label = label.astype(np.int32)
    depth = np.where(label > 0, depth, np.inf).astype(np.float32)
    return Areas(label, GBuffer(np.where(label > 0, 0, -1).astype(np.int32), depth, np.zeros_like(depth)))


def test_engraving_is_never_in_the_training_mix(machine):
    assert {style.name for style in LINES if style.held_out} == {"engraving"}
    assert len(LINES) == 5
    assert all(machine.style_of(seed).name != "engraving" for seed in range(300))


def test_the_contour_of_a_square_is_one_closed_line_with_four_corners():
    label = np.zeros((128, 128))
    label[30:100, 30:100] = 1
    (line,) = contours(flat(label, np.ones((128, 128))), 100.0, 0.04, 2.0)
    assert line.closed
    assert line.kind == Kind.OUTER
    for corner in ((30, 30), (30, 99), (99, 30), (99, 99)):
        assert np.hypot(*(line.points - corner).T).min() < 2.5


def test_the_nearer_of_two_bars_is_drawn_in_one_go_and_the_farther_one_stops():
    label, depth = np.zeros((128, 128)), np.full((128, 128), 2.0)
    label[54:74, 10:118] = 1
    label[10:118, 54:74], depth[10:118, 54:74] = 1, 1.0
    lines = contours(flat(label, depth), 110.0, 0.1, 2.0)
    upright = [line for line in lines if np.ptp(line.points[:, 1]) > 90]
    # Both long sides of the nearer bar go from end to end, past the farther one.
    reached = [np.abs(line.points[:, 0] - side) < 2 for side in (54, 73) for line in upright]
    assert (
        sum(
            np.ptp(line.points[near, 1]) > 90
            for line, near in zip(upright * 2, reached, strict=True)
            if near.any()
        )
        == 2
    )
    within = [((line.points > 57).all(1) & (line.points < 70).all(1)).sum() for line in lines]
    assert sum(within) == 0


def test_lines_side_by_side_are_drawn_once():
    label = np.zeros((128, 128))
    label[20:108, 20:108] = 2
    label[20:108, 22:108] = 1  # a hem that runs two pixels inside the contour
    areas = flat(label, np.ones((128, 128)))
    assert sum(line.length for line in contours(areas, 100.0, 0.04, 4.0)) == pytest.approx(4 * 88, rel=0.1)
    assert sum(line.length for line in contours(areas, 100.0, 0.04, 0.5)) > 4.7 * 88


def test_outer_contours_lie_on_the_silhouette(figures):
    for figure in figures:
        areas = simplified(figure, 0.006 * figure.size)
        body = figure.buffer.mask.astype(np.uint8)
        edge = body - cv2.erode(body, np.ones((3, 3), np.uint8))
        away = cv2.distanceTransform(1 - edge, cv2.DIST_L2, 5)
        lines = [line.points for line in contours(areas, figure.size, 0.05, 2.0) if line.kind == Kind.OUTER]
        x, y = np.round(np.concatenate(lines)).astype(int).clip(0, CANVAS - 1).T
        # Some of them run on inside, where one limb passes before another.
        assert np.median(away[y, x]) < 1.6
        assert np.quantile(away[y, x], 0.75) < 4
        drawn = np.ones((CANVAS, CANVAS), np.uint8)
        drawn[y, x] = 0
        missed = cv2.distanceTransform(drawn, cv2.DIST_L2, 5)[edge > 0]
        assert (missed < 4).mean() > 0.8


@pytest.mark.parametrize("style", LINES, ids=lambda style: style.name)
def test_ink_lies_on_the_figure_and_the_same_seed_gives_the_same_bytes(style, figures):
    for seed, figure in enumerate(figures[:2]):
        image = page(style, figure, seed)
        assert (image == page(style, figure, seed)).all()
        near = cv2.dilate(figure.buffer.mask.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
        ink = 255.0 - image
        # Charcoal rubs a patch of paper, engravings stand on a shadow; the figure still has most of it.
        assert ink[near].mean() > 4 * ink[~near].mean()
        assert ink[near].mean() > 2


@pytest.mark.parametrize("style", LINES, ids=lambda style: style.name)
def test_a_small_figure_is_no_black_blob(style, bank_file, machine):
    covered = []
    for seed in range(6):
        figure = figure_of(bank_file, machine, seed, Placement(extent=60))
        image = page(style, figure, seed)
        body = figure.buffer.mask
        covered.append((255.0 - image[body]).mean() / 255)
    # Black clothes may cover much of one figure, but not of all.
    assert np.median(covered) < 0.6
    assert min(covered) > 0.02
