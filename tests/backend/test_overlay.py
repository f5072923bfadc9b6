"""Overlays: the skeleton stands where the figure is, left blue and right orange, faint where unsure."""

import dataclasses

import numpy as np
import pytest
from PIL import Image, ImageOps

from backend.images import from_image
from backend.overlay import LEFT, RIGHT, draw_overlay
from backend.pipeline import Pipeline


def share_of(image: Image.Image, colour: tuple[int, int, int], tolerance: int = 60) -> np.ndarray:
    """(H, W) bool: pixels near a colour."""
    return np.abs(np.asarray(image, int) - colour).sum(-1) < tolerance


@pytest.fixture
def result(engine, drawing):
    return Pipeline(engine).pose(drawing)


@pytest.mark.parametrize("dark", [False, True])
def test_left_is_blue_and_right_is_orange_on_light_and_dark(drawing, result, dark):
    page = ImageOps.invert(drawing) if dark else drawing
    overlay = draw_overlay(from_image(page), result)
    assert overlay.mode == "RGB"
    zoom = overlay.width / 320
    blue, orange = share_of(overlay, LEFT), share_of(overlay, RIGHT)
    assert blue.sum() > 500
    assert orange.sum() > 500
    # The figure faces the viewer: its left is on the right of the picture.
    middle = result.figures[0].keypoints["pelvis"].xy[0] * zoom
    assert np.nonzero(blue)[1].mean() > middle > np.nonzero(orange)[1].mean()
    for name, mask in (("left_elbow", blue), ("right_knee", orange)):
        x, y = (round(v * zoom) for v in result.figures[0].keypoints[name].xy)
        assert mask[y - 4 : y + 5, x - 4 : x + 5].any()


def test_unsure_bones_are_fainter(drawing, result):
    figure = result.figures[0]
    unsure = {n: dataclasses.replace(k, score=0.1) for n, k in figure.keypoints.items()}
    faint = dataclasses.replace(result, figures=(dataclasses.replace(figure, keypoints=unsure),))
    sure_page, faint_page = (
        draw_overlay(from_image(drawing), result),
        draw_overlay(from_image(drawing), faint),
    )
    assert share_of(faint_page, LEFT).sum() < 0.2 * share_of(sure_page, LEFT).sum()
    assert (
        np.asarray(faint_page)
        != np.asarray(draw_overlay(from_image(drawing), dataclasses.replace(result, figures=())))
    ).any()


@pytest.mark.parametrize(
    ("size", "expected"), [((100, 60), (720, 432)), ((1000, 500), (1000, 500)), ((6000, 3000), (1400, 700))]
)
def test_overlays_have_a_handy_size(size, expected, result):
    page = Image.new("L", size, 255)
    assert draw_overlay(from_image(page), dataclasses.replace(result, figures=())).size == expected


def test_keypoints_off_the_page_do_no_harm(drawing, result):
    figure = result.figures[0]
    away = {n: dataclasses.replace(k, xy=(k.xy[0] - 900, k.xy[1] * 30)) for n, k in figure.keypoints.items()}
    moved = dataclasses.replace(result, figures=(dataclasses.replace(figure, keypoints=away),))
    assert draw_overlay(from_image(drawing), moved).size == (576, 720)


def test_what_lies_outside_the_drawing_is_not_drawn_over_it(drawing, result):
    figure = result.figures[0]
    keypoints = {
        name: dataclasses.replace(point, present=0.05 if name.startswith("left_") else 1.0)
        for name, point in figure.keypoints.items()
    }
    cut = dataclasses.replace(result, figures=(dataclasses.replace(figure, keypoints=keypoints),))
    overlay = draw_overlay(from_image(drawing), cut)
    assert share_of(overlay, LEFT).sum() == 0
    assert share_of(overlay, RIGHT).sum() > 500
