"""Things that are no people, and pages that are put together with them."""

import numpy as np
import pytest

from training.drawing.canvas import Canvas
from training.drawing.pages import MOST_SHARED, compose, cut, shared
from training.drawing.pen import Pen
from training.drawing.things import THINGS, draw_thing, draw_writing


def _canvas(seed: int) -> tuple[Canvas, Pen]:
    rng = np.random.default_rng(seed)
    return Canvas(128, 255.0, rng), Pen.sample(rng, 20.0, expert=True).scaled(0.5)


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.name)
def test_every_thing_is_drawn_where_it_is_wanted(thing):
    for seed in range(3):
        canvas, pen = _canvas(seed)
        assert draw_thing(canvas, np.array([64.0, 64.0]), 40, pen, [thing]) == thing.name
        rows, columns = np.nonzero(canvas.image < 200)
        assert len(rows) > 20
        assert max(np.ptp(rows), np.ptp(columns)) > 25
        assert np.hypot(rows - 64, columns - 64).max() < 40 * 1.6 + 8


def test_training_sees_no_held_out_thing():
    held_out = {thing.name for thing in THINGS if thing.held_out}
    assert held_out
    canvas, pen = _canvas(0)
    names = {draw_thing(canvas, np.array([64.0, 64.0]), 20, pen) for _ in range(300)}
    assert not names & held_out
    assert names == {thing.name for thing in THINGS} - held_out


def test_writing_starts_at_its_corner():
    canvas, pen = _canvas(1)
    draw_writing(canvas, np.array([20.0, 30.0]), 8, pen)
    rows, columns = np.nonzero(canvas.image < 200)
    assert rows.min() > 20
    assert columns.min() > 8


def _figure(ink: int = 0, paper: int = 255) -> tuple[np.ndarray, np.ndarray]:
    image = np.full((100, 80), paper, np.uint8)
    image[20:90, 30:60] = ink
    return image, np.array([[30, 20, 60, 90]], np.float32)


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (120, 250), (60, 190), (255, 0), (200, 40)])
def test_boxes_hold_the_pasted_ink(ink, paper):
    cutting = cut(*_figure(ink, paper), margin=0.1)
    for seed in range(6):
        page, (box,), owners = compose(np.random.default_rng(seed), [cutting], (300, 200), crowd=0)
        assert page.shape == (200, 300)
        assert owners == [0]
        x0, y0, x1, y1 = np.round(box).astype(int)
        inside = page[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2]
        outside = page[max(y0 - 4, 0) : y0 - 2, x0:x1]
        assert np.median(inside) < 0.85 * 255
        assert not outside.size or np.median(inside) < np.median(outside)


def test_figures_share_little_and_the_same_seed_gives_the_same_page():
    cutting = cut(*_figure(), margin=0.05)
    shares = []
    for seed in range(12):
        page, boxes, owners = compose(np.random.default_rng(seed), [cutting] * 6, (256, 192))
        assert len(boxes) == len(owners) > 2
        assert (boxes[:, :2] >= -1).all()
        assert (boxes[:, 2:] <= (257, 193)).all()
        shares.append((shared(boxes, boxes) - np.eye(len(boxes))).max())
        again, _, _ = compose(np.random.default_rng(seed), [cutting] * 6, (256, 192))
        np.testing.assert_array_equal(page, again)
    assert max(shares) < MOST_SHARED + 0.05


def test_what_nobody_would_see_is_no_figure():
    _, boxes, owners = compose(np.random.default_rng(0), [cut(*_figure(250), margin=0.1)], (200, 200))
    assert len(boxes) == len(owners) == 0
