"""Styles of line: drawn near the figure, the same again from the same chance, legible when small."""

import cv2
import numpy as np
import pytest

from training.drawing.camera import Camera
from training.drawing.canvas import Canvas
from training.drawing.figure import sample_figure
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


@pytest.mark.parametrize("style", LINES, ids=lambda style: style.name)
def test_drawn_near_the_figure_and_the_same_again(style, figure):
    def drawn():
        canvas = Canvas(CANVAS, 255.0, np.random.default_rng(4))
        style.draw(canvas, figure, Pen(width=1.5, tone=20))
        return canvas

    page = drawn().image
    assert (page == drawn().image).all()
    near = cv2.dilate(figure.buffer.mask.astype(np.uint8), np.ones((31, 31), np.uint8)) > 0
    assert (page[near] < 200).mean() > 0.01
    if style.name != "engraving":  # which has a shadow on the ground
        assert (page[~near] < 128).mean() < 0.01


@pytest.mark.parametrize("style", LINES, ids=lambda style: style.name)
def test_a_small_figure_is_no_blot(style, small_figure):
    canvas = Canvas(CANVAS, 255.0, np.random.default_rng(4))
    style.draw(canvas, small_figure, Pen(width=1.5, tone=20).scaled((60 / 190) ** 0.7))
    body = small_figure.buffer.mask
    assert 0.03 < (255 - canvas.image[body].astype(float)).mean() / 255 < 0.75
