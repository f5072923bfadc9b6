"""The finished page: the warp says where things went, colours keep the luminance, the same seed the same bytes."""

import numpy as np
import pytest

from training.drawing.paper import LUMA, TILT, finish, tinted

SIZE = 256
SEEDS = range(60)


def page_of_dots(points):
    image = np.full((SIZE, SIZE), 250, np.uint8)
    for x, y in points:
        image[y - 3 : y + 4, x - 3 : x + 4] = 0
    return image


def test_the_warp_says_where_a_dot_went():
    dots = np.array([[40, 50], [200, 60], [60, 210], [190, 190]])
    image = page_of_dots(dots)
    photos = 0
    for seed in SEEDS:
        page = finish(image, np.random.default_rng(seed))
        if (page.warp == np.eye(3)).all():
            continue
        photos += 1
        moved = np.c_[dots, np.ones(4)] @ page.warp.T
        for x, y in moved[:, :2] / moved[:, 2:]:
            x0, y0 = round(x) - 10, round(y) - 10
            around = page.image[y0 : y0 + 21, x0 : x0 + 21].astype(float)
            dark = np.abs(around - np.median(around))
            dark[dark < 0.5 * dark.max()] = 0
            rows, columns = np.mgrid[:21, :21]
            centre = (dark * columns).sum() / dark.sum() + x0, (dark * rows).sum() / dark.sum() + y0
            assert np.hypot(centre[0] - x, centre[1] - y) < 1.0
    assert 0.1 < photos / len(SEEDS) < 0.45


def test_a_photo_moves_no_corner_far():
    corners = np.array([[0, 0, 1], [SIZE - 1, 0, 1], [SIZE - 1, SIZE - 1, 1], [0, SIZE - 1, 1.0]])
    for seed in SEEDS:
        warp = finish(page_of_dots([]), np.random.default_rng(seed)).warp
        moved = corners @ warp.T
        assert np.hypot(*(moved[:, :2] / moved[:, 2:] - corners[:, :2]).T).max() <= TILT * SIZE + 1e-3


def test_some_pages_are_left_as_they_were_drawn():
    image = page_of_dots([(90, 90)])
    same = [(finish(image, np.random.default_rng(seed)).image == image).all() for seed in SEEDS]
    assert 0.25 < np.mean(same) < 0.6


def test_some_pages_are_inverted_and_some_have_printed_lines():
    image = np.full((SIZE, SIZE), 255, np.uint8)
    pages = [finish(image, np.random.default_rng(seed)).image.astype(float) for seed in range(300)]
    assert 5 <= sum(np.median(page) < 60 for page in pages) <= 40
    stripes = [np.abs(np.diff(page.mean(1), 2)).max() > 4 for page in pages]
    assert 8 <= sum(stripes) <= 90


def test_colouring_in_shows_paper_in_areas_and_spares_lines():
    image = np.full((SIZE, SIZE), 250, np.uint8)
    image[60:200, 60:200] = 140
    image[30:34] = 0
    seen = 0
    for seed in range(150):
        page = finish(image, np.random.default_rng(seed))
        if (page.warp == np.eye(3)).all() and page.image[:20].std() < 0.5:  # neither photo nor grain
            area, line = page.image[70:190, 70:190].astype(float), page.image[31:33, 20:-20].astype(float)
            if area.std() > 8:
                seen += 1
                assert abs(area.mean() - page.image[10, 10]) > 20
                assert abs(line.mean() - page.image[10, 10]) > 110
    assert seen >= 2


def test_colours_have_the_luminance_of_their_greys():
    palettes = [finish(page_of_dots([]), np.random.default_rng(seed)).palette for seed in SEEDS]
    coloured = [palette for palette in palettes if palette is not None]
    assert 0.4 < len(coloured) / len(palettes) < 0.8
    colourful = 0
    for palette in coloured:
        assert palette.shape == (256, 3)
        assert palette.dtype == np.uint8
        luminance = palette @ LUMA
        assert np.abs(luminance - np.arange(256)).max() <= 2
        assert (np.diff(luminance) > 0).all()
        colourful += int((palette.max(1).astype(int) - palette.min(1)).max() > 60)
    assert colourful > 10


@pytest.mark.parametrize("hue", [0, 60, 120, 240, 300])
def test_a_tint_is_of_its_hue_and_grey_at_both_ends(hue):
    palette = tinted(np.array([0.0, 255.0]), np.array([hue, hue]), np.array([1.0, 1.0]))
    assert (palette[0] == 0).all()
    assert (palette[255] == 255).all()
    red, green, blue = palette[128].astype(int)
    expected = {
        0: red > green,
        60: min(red, green) > blue,
        120: green > red,
        240: blue > green,
        300: red > green,
    }
    assert expected[hue]


def test_the_same_seed_gives_the_same_page():
    image = page_of_dots([(60, 60), (180, 120)])
    for seed in range(12):
        first, second = (finish(image, np.random.default_rng(seed)) for _ in range(2))
        assert first.image.tobytes() == second.image.tobytes()
        assert first.warp.tobytes() == second.warp.tobytes()
        assert (first.palette is None) == (second.palette is None)
        if first.palette is not None:
            assert first.palette.tobytes() == second.palette.tobytes()
