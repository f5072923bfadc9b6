"""Styles of line: contours lie on the figure, lines that head for each other are one, small figures stay legible."""

import cv2
import numpy as np
import pytest

from training.drawing.areas import simplified
from training.drawing.camera import Camera
from training.drawing.canvas import Canvas
from training.drawing.figure import sample_figure
from training.drawing.outlines import joined, outlines
from training.drawing.pen import Pen
from training.drawing.placement import CANVAS, Placement
from training.drawing.styles import STYLES
from training.poses.bank import PoseBank


@pytest.fixture(scope="module", params=[1, 2])
def pose(request, bank_file):
    rng = np.random.default_rng(request.param)
    return rng, PoseBank.load(bank_file).sample(rng)


@pytest.fixture(scope="module")
def figure(pose, machine):
    return sample_figure(pose[0], machine.anatomy, pose[1], Placement(), Camera())


@pytest.fixture(scope="module")
def small_figure(pose, machine):
    return sample_figure(pose[0], machine.anatomy, pose[1], Placement(extent=60), Camera())


LINES = [style for style in STYLES if style.name in ("pencil", "ink", "brush", "charcoal", "engraving")]


def test_all_five_are_there_and_engraving_is_held_out():
    assert len(LINES) == 5
    assert [style.name for style in LINES if style.held_out] == ["engraving"]


def test_lines_that_head_for_each_other_become_one():
    x = np.arange(0.0, 30.0)
    left = np.stack([x, np.zeros(30)], 1).astype(np.float32)
    right = left[::-1] + np.array([33, 1], np.float32)
    across = np.stack([np.full(30, 31.0), x - 45], 1).astype(np.float32)
    long, short = sorted(joined([left, across, right], 6.0), key=len, reverse=True)
    assert len(long) == 60
    assert abs(np.diff(long[:, 0])).max() < 5
    assert len(short) == 30
    assert len(joined([left, across, right], 1.0)) == 3


def test_a_ring_in_pieces_is_one_line():
    angle = np.linspace(0, 2 * np.pi, 121)
    ring = 40 * np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
    (whole,) = joined([ring[:40], ring[42:80][::-1], ring[82:119]], 8.0)
    assert len(whole) == 40 + 38 + 37


def test_contours_lie_on_the_silhouette(figure):
    areas = simplified(figure, 0.006 * figure.size)
    outer = [line for line in outlines(areas, 0.04, True, figure.size) if line.outer]
    edge = cv2.morphologyEx(
        figure.buffer.mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)
    )
    away = cv2.distanceTransform((edge == 0).astype(np.uint8), cv2.DIST_L2, 5)
    x, y = np.round(np.concatenate([line.points for line in outer])).astype(int).T
    assert len(x) > 2 * figure.size
    assert np.quantile(away[y, x], 0.6) < 0.01 * figure.size


@pytest.mark.parametrize("style", LINES, ids=lambda style: style.name)
def test_drawn_near_the_figure_and_the_same_again(style, figure):
    def drawn():
        canvas = Canvas(CANVAS, 255.0, np.random.default_rng(4))
        style.draw(canvas, figure, Pen(width=1.5, tone=20))
        return canvas

    page = drawn().image
    assert (page == drawn().image).all()
    near = cv2.dilate(figure.buffer.mask.astype(np.uint8), np.ones((31, 31), np.uint8)) > 0
    assert (page[near] < 128).mean() > 0.01
    if style.name != "engraving":  # which has a shadow on the ground
        assert (page[~near] < 128).mean() < 0.01


@pytest.mark.parametrize("style", LINES, ids=lambda style: style.name)
def test_a_small_figure_is_no_blot(style, small_figure):
    canvas = Canvas(CANVAS, 255.0, np.random.default_rng(4))
    style.draw(canvas, small_figure, Pen(width=1.5, tone=20).scaled((60 / 190) ** 0.7))
    body = small_figure.buffer.mask
    assert 0.03 < (255 - canvas.image[body].astype(float)).mean() / 255 < 0.75
