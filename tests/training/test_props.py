"""Seats, shadows and things around a figure."""

import numpy as np
import pytest

from backend.body import rodrigues
from backend.skeleton import N_JOINTS, keypoint_index
from training.drawing.anatomy import load_anatomy
from training.drawing.camera import Camera
from training.drawing.canvas import Canvas
from training.drawing.figure import Figure, sample_figure
from training.drawing.lettering import write
from training.drawing.pen import Pen
from training.drawing.placement import CANVAS, Placement
from training.drawing.props import draw_before, draw_behind
from training.drawing.seats import draw_seat, on_page, seat_height


def _figure(hips: float, knees: float, camera: Camera | None = None, seed: int = 0) -> Figure:
    """A figure whose thighs are raised and shins let down by angles, radians."""
    pose = np.tile(np.eye(3, dtype=np.float32), (N_JOINTS, 1, 1))
    for side in ("left", "right"):
        pose[keypoint_index(f"{side}_hip")] = rodrigues(np.array([-hips, 0, 0], np.float32))
        pose[keypoint_index(f"{side}_knee")] = rodrigues(np.array([knees, 0, 0], np.float32))
    rng = np.random.default_rng(seed)
    return sample_figure(rng, load_anatomy(), pose, Placement(extent=150), camera or Camera(), plain=True)


def _page(seed: int = 0) -> Canvas:
    return Canvas(CANVAS, 255.0, np.random.default_rng(seed))


@pytest.mark.parametrize(("hips", "knees", "sits"), [(1.5, 1.5, True), (0, 0, False), (0.5, 0.8, False)])
def test_only_who_sits_is_given_a_seat(hips: float, knees: float, sits: bool):
    canvas = _page()
    figure = _figure(hips, knees, Camera(40))
    draw_seat(canvas, figure, Pen())
    assert (seat_height(figure) is not None) == sits
    assert (canvas.image < 200).any() == sits


def test_the_seat_is_as_high_as_the_shins():
    figure = _figure(1.5, 1.5)
    knee, ankle = (figure.keypoints3d[keypoint_index(f"left_{n}")] for n in ("knee", "ankle"))
    shin = float(np.linalg.norm(knee - ankle))
    height = seat_height(figure)
    assert height is not None
    assert 0.6 * shin < height < 1.1 * shin


@pytest.mark.parametrize("azimuth", [0, 75, 150])
def test_a_seat_stands_under_the_hips_from_every_side(azimuth: float):
    figure = _figure(1.5, 1.5, Camera(azimuth, 10))
    for seed in range(4):
        canvas = _page(seed)
        draw_seat(canvas, figure, Pen(width=1.0))
        y, x = (canvas.image < 200).nonzero()
        hips = figure.keypoints[0]
        assert x.min() < hips[0] < x.max()
        assert y.max() > hips[1] + 0.2 * figure.scale


def test_the_bodys_frame_is_put_where_the_figure_is():
    figure = _figure(0.4, 0.9, Camera(30, 12, 5, 4.0))
    body = figure.keypoints3d @ figure.camera.rotation
    np.testing.assert_allclose(on_page(figure, body), figure.keypoints, atol=0.05)


def test_props_are_modest_and_the_same_seed_draws_the_same():
    figure = _figure(0.3, 0.4)
    drawn = 0
    for seed in range(60):
        pages = []
        for _ in range(2):
            canvas = _page(seed)
            draw_behind(canvas, figure, Pen())
            draw_before(canvas, figure, Pen())
            pages.append(canvas.image)
        assert (pages[0] == pages[1]).all()
        drawn += (pages[0] != 255).any()
    assert 10 < drawn < 45


def test_letters_differ_and_stay_on_their_line():
    pages = []
    for text in ("tree", "moon"):
        canvas = _page()
        write(canvas, text, np.array([40.0, 100.0]), 16.0, Pen(width=1.0, wobble=0.1))
        pages.append(canvas.image)
        rows, _ = (canvas.image < 200).nonzero()
        assert rows.min() > 90
        assert rows.max() < 130
    assert (pages[0] != pages[1]).any()
