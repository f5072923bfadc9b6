"""Canvas, hand and marks: what is drawn is kept as vectors, and the two regimes draw differently."""

from dataclasses import replace

import numpy as np
import pytest

from training.drawing.canvas import Canvas
from training.drawing.hand import strokes
from training.drawing.marks import Mark, rasterise, trace
from training.drawing.pen import TOOLS, Pen, ellipse

SIZE = 128
STEADY = Pen(width=2, tone=0, wobble=0, smooth=0)


@pytest.fixture
def canvas():
    return Canvas(SIZE, 255.0, np.random.default_rng(5))


def disc(x=60.0, y=64.0, radius=30.0):
    rows, columns = np.mgrid[:SIZE, :SIZE]
    return (columns - x) ** 2 + (rows - y) ** 2 < radius**2


def line(*points, width=2.0, opacity=1.0, grain=0.0, closed=False):
    count = len(points)
    return Mark(
        np.array(points, np.float32),
        np.full(count, width, np.float32),
        np.full(count, opacity, np.float32),
        0.0,
        closed,
        grain=grain,
    )


def ink(image):
    """Pixels' worth of black on white."""
    return ((255.0 - image) / 255).sum()


@pytest.mark.parametrize("expert", [False, True])
@pytest.mark.parametrize("tool", TOOLS)
def test_marks_draw_the_page_again(tool, expert):
    rng = np.random.default_rng(3)
    canvas = Canvas(SIZE, 240.0, rng)
    pen = Pen.sample(rng, 20, expert).using(tool, rng)
    mask = disc() & ~disc(70, 70, 12)
    for y in (20, 60, 100):
        canvas.stroke(np.array([[10, y], [60, y + 15], [118, y - 8]]), pen)
    canvas.clear(mask)
    canvas.stroke(ellipse(np.array([60.0, 64.0]), np.array([30.0, 0.0]), 30), pen, closed=True)
    canvas.hatch(mask, 60, 5, 0.7)
    canvas.dots(disc(100, 100, 20), 90, 6, 1.5)
    canvas.wash(disc(25, 100, 18), 120, 0.5)
    canvas.fill(np.array([[100, 5], [120, 10], [105, 30]]), 40, 0.7)
    assert canvas.vector
    again = rasterise(canvas.marks, SIZE, canvas.paper, canvas.tooth)
    assert np.abs(canvas.image.astype(float) - 240).mean() > 5
    assert np.abs(canvas.image.astype(float) - again).mean() < 0.5


def test_a_picture_of_tones_is_not_vector(canvas):
    canvas.wash(disc(), np.full((SIZE, SIZE), 90, np.float32))
    assert not canvas.vector
    assert canvas.marks == []
    assert (canvas.image[disc()] == 90).all()


@pytest.mark.parametrize("width", [0.5, 1.0, 1.7, 3.2, 8.0])
def test_a_line_has_as_much_ink_as_its_width_says(width):
    upright = rasterise([line((40, 0), (40, 127), width=width)], SIZE, 255)
    slanted = rasterise([line((20, -10), (100, 140), width=width)], SIZE, 255)
    assert ink(upright) / 128 == pytest.approx(width, rel=0.06)
    assert ink(slanted) / (128 * np.hypot(80, 150) / 150) == pytest.approx(width, rel=0.06)


def test_width_and_opacity_change_along_a_line():
    mark = Mark(
        np.array([[10, 64], [118, 64]], np.float32),
        np.array([1, 10], np.float32),
        np.array([1, 0.2], np.float32),
        0.0,
    )
    page = 255.0 - rasterise([mark], SIZE, 255)
    thick = (page > 12).sum(0)
    assert thick[15] <= 3
    assert thick[112] >= 8
    assert page[64, 15] > 230
    assert 35 < page[64, 112] < 75


def test_a_crossing_of_one_stroke_is_not_darker():
    page = rasterise([line((20, 20), (100, 100), (100, 20), (20, 100), width=4, opacity=0.5)], SIZE, 255)
    assert page.min() >= 126


def test_grain_lets_the_paper_through():
    plain, grained = (
        rasterise([line((10, 64), (118, 64), width=12, opacity=0.6, grain=grain)], SIZE, 255)[62:67, 20:110]
        for grain in (0.0, 1.0)
    )
    assert plain.std() < 2
    assert grained.std() > 30
    moved = rasterise([line((10, 64), (118, 64), width=12, opacity=0.6, grain=1.0)], SIZE, 255, (7, 3))
    assert (moved[62:67, 20:110] != grained).any()


def test_lines_far_outside_the_page_leave_it_white():
    away = [line((-500, -500), (-300, 900), width=9), line((400, 20), (90000, 50))]
    assert (
        rasterise([*away, Mark.area(np.array([[-90, 0], [-20, 5], [-9, 90]]), 0.0, 0.5)], SIZE, 255) == 255
    ).all()


def test_polygons_of_a_mask_cover_it_with_its_holes():
    mask = (disc() & ~disc(60, 64, 12)) | disc(110, 20, 8)
    page = rasterise([Mark.area(polygon, 0.0) for polygon in trace(mask)], SIZE, 255)
    assert ((page < 128) != mask).mean() < 0.01


def test_clearing_takes_away_what_is_behind(canvas):
    canvas.stroke(np.array([[0, 64], [127, 64]]), STEADY)
    canvas.clear(disc())
    assert (canvas.image[disc()] == 255).all()
    assert canvas.image[64, 5] == 0
    assert rasterise(canvas.marks, SIZE, 255)[64, 60] == 255


def test_what_is_taken_back_is_gone_from_page_and_marks(canvas):
    canvas.stroke(np.array([[0, 40], [127, 40]]), STEADY)
    before = canvas.snapshot()
    canvas.stroke(ellipse(np.array([64.0, 64.0]), np.array([50.0, 0.0]), 50), STEADY, closed=True)
    canvas.hatch(disc(), 0, 6, 1.2)
    canvas.fill(np.array([[-30, 50], [160, 50], [160, 100], [-30, 100]]), 100, 0.5)
    mask = np.arange(SIZE)[:, None] > 70 + 5 * np.sin(np.arange(SIZE) / 9)
    canvas.undo(before, mask)
    assert (canvas.image[mask] == 255).all()
    assert (canvas.image[40] < 10).any()
    again = rasterise(canvas.marks, SIZE, 255, canvas.tooth)
    assert np.abs(canvas.image.astype(float) - again).mean() < 1.0
    canvas.undo(before, np.ones_like(mask))
    assert len(canvas.marks) == 1


def test_hatching_and_dots_stay_inside_the_mask(canvas):
    mask = disc()
    canvas.hatch(mask, 0, 4, 0.6)
    canvas.dots(mask, 0, 9, 1.5)
    grown = disc(radius=34.0)
    assert (canvas.image[~grown] == 255).all()
    assert 0.1 < (canvas.image[mask] < 128).mean() < 0.6


def test_a_steady_hand_draws_the_line_that_was_meant():
    (mark,) = strokes(np.array([[10, 10], [90, 10], [90, 90]]), STEADY, False, np.random.default_rng(0))
    x, y = mark.points.T
    assert np.minimum(np.abs(y - 10), np.abs(x - 90)).max() < 0.01
    np.testing.assert_allclose(mark.points[[0, -1]], [[10, 10], [90, 90]], atol=1e-3)
    assert (np.hypot(x - 90, y - 10)).min() < 1.6  # the corner is kept


def test_corners_are_rounded_or_become_strokes_of_their_own():
    elbow = np.array([[10, 10], [90, 10], [90, 90]])
    rng = np.random.default_rng(0)
    (rounded,) = strokes(elbow, replace(STEADY, smooth=3, corner=0), False, rng)
    assert np.hypot(*(rounded.points - (90, 10)).T).min() > 2
    assert len(strokes(elbow, replace(STEADY, split=1), False, rng)) == 2


def deviation(expert, measure):
    """Median over pens of a measure of the strokes that draw a straight line of 150 px, and a circle."""
    values = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        pen = Pen.sample(rng, 20, expert)
        values.append(measure(pen, rng))
    return float(np.mean(values))


def off_the_line(pen, rng):
    marks = strokes(np.array([[0, 50], [150, 50]]), pen, False, rng)
    return np.concatenate([mark.points for mark in marks])[:, 1].std()


def tremor(pen, rng):
    points = strokes(np.array([[0, 50], [150, 50]]), replace(pen, gap=0), False, rng)[0].points
    return np.abs(np.diff(points[:, 1], 2)).mean()


def unclosed(pen, rng):
    circle = ellipse(np.array([100.0, 100.0]), np.array([60.0, 0.0]), 60, 60)
    points = strokes(circle, replace(pen, gap=0), True, rng)[0].points
    return np.hypot(*(points[0] - points[-1]))


def unevenness(pen, rng):
    width = strokes(np.array([[0, 50], [150, 50]]), replace(pen, gap=0), False, rng)[0].width
    return width.std() / width.mean()


@pytest.mark.parametrize(("measure", "novice_more"), [(off_the_line, 1.4), (tremor, 1.5), (unclosed, 1.4)])
def test_novices_stray_from_the_line_more_than_experts(measure, novice_more):
    assert deviation(False, measure) > novice_more * deviation(True, measure)


def test_experts_vary_the_pressure_more_than_novices():
    assert deviation(True, unevenness) > 2 * deviation(False, unevenness)


def test_the_same_chance_draws_the_same():
    pages = []
    for _ in range(2):
        rng = np.random.default_rng(11)
        canvas = Canvas(SIZE, 255.0, rng)
        pen = Pen.sample(rng, 10, True)
        canvas.stroke(np.array([[10, 20], [60, 90], [110, 30]]), pen)
        canvas.hatch(disc(), 40, 5, 1.0)
        pages.append(canvas.image.tobytes())
    assert pages[0] == pages[1]
