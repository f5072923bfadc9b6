"""The finder's boxes: decoded against cases made by hand, joined with the ink's, and used by the pipeline."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from backend.errors import InputError
from backend.finder import PAGE_SIZE, belief, candidates, corrected, decode, find_with, letterbox, overlap
from backend.pipeline import LEAST_BELIEF, Pipeline

SIDE = 24
CELL = PAGE_SIZE / SIDE


class SeesBoxes:
    """A finder that sees given figures: boxes in pixels of the network's page, with their scores."""

    def __init__(self, *boxes: tuple[float, float, float, float], score: float = 0.9) -> None:
        self.boxes, self.score, self.calls = boxes, score, 0

    def find(self, page: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.calls += 1
        assert page.shape == (PAGE_SIZE, PAGE_SIZE)
        assert page.dtype == np.float32
        logits = np.full((SIDE, SIDE), -9.0, np.float32)
        reaches = np.full((4, SIDE, SIDE), 5.0, np.float32)
        for x0, y0, x1, y1 in self.boxes:
            column, row = int((x0 + x1) / 2 / CELL), int((y0 + y1) / 2 / CELL)
            x, y = (column + 0.5) * CELL, (row + 0.5) * CELL
            logits[row, column] = np.log(self.score / (1 - self.score))
            reaches[:, row, column] = x - x0, y - y0, x1 - x, y1 - y
        return logits, reaches


def test_cells_become_boxes_the_surest_first():
    logits = np.full((SIDE, SIDE), -6.0, np.float32)
    reaches = np.ones((4, SIDE, SIDE), np.float32)
    logits[3, 5], reaches[:, 3, 5] = 1.0, (10, 20, 30, 40)  # its middle is at 44, 28
    logits[3, 6], reaches[:, 3, 6] = 0.5, (18, 20, 22, 40)  # the same figure, beside: no peak
    logits[12, 14], reaches[:, 12, 14] = 3.0, (16, 30, 16, 30)  # at 116, 100
    logits[14, 14], reaches[:, 14, 14] = 2.0, (16, 40, 16, 20)  # overlaps the last one
    boxes, scores = decode(logits, reaches, 0.3)
    np.testing.assert_allclose(boxes, [[100, 70, 132, 130], [34, 8, 74, 68]])
    np.testing.assert_allclose(scores, [1 / (1 + np.exp(-3)), 1 / (1 + np.exp(-1))], rtol=1e-6)
    none, _ = decode(logits, reaches, 0.99)
    assert none.shape == (0, 4)


@pytest.mark.parametrize(("width", "height"), [(600, 300), (300, 600), (90, 60), (192, 192), (2048, 17)])
def test_boxes_come_back_in_the_pages_own_pixels(width, height):
    page = np.ones((height, width), np.float32)
    page[height // 4 : height // 2, width // 4 : width // 2] = 0
    square, factors, corner = letterbox(page)
    assert square.shape == (PAGE_SIZE, PAGE_SIZE)
    assert abs(float(square.mean())) < 1e-3
    there = np.array([0.25 * width, 0.25 * height, 0.5 * width, 0.5 * height]) * factors + np.tile(corner, 2)
    dark = square < square.min() + 0.5 * np.ptp(square)
    rows, columns = np.nonzero(dark.any(1))[0], np.nonzero(dark.any(0))[0]
    assert (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) == pytest.approx(there, abs=1.5)
    (box,), _ = find_with(SeesBoxes(tuple(there)), page)
    assert box == pytest.approx(
        (width // 4, height // 4, width // 2, height // 2), abs=0.01 * max(page.shape)
    )


def test_places_are_told_once_with_what_the_network_says_of_them():
    ink = np.array([[0, 0, 100, 200], [300, 0, 400, 200]], np.float32)
    found = np.array([[5, 5, 102, 195], [500, 0, 580, 200], [0, 0, 100, 90]], np.float32)
    tight = found.copy()
    tight[1] = 510, 20, 560, 190
    boxes, chances = candidates(ink, tight, found, np.array([0.9, 0.8, 0.4], np.float32))
    np.testing.assert_allclose(boxes, [*ink, tight[1], found[2], found[1]])
    np.testing.assert_allclose(chances, [0.9, 0, 0.8, 0.4, 0.8])
    nothing = np.zeros((0, 4), np.float32)
    alone, chances = candidates(ink, nothing, nothing, np.zeros(0, np.float32))
    np.testing.assert_allclose(alone, ink)
    np.testing.assert_allclose(chances, 0)
    assert candidates(nothing, nothing, nothing, np.zeros(0, np.float32))[0].shape == (0, 4)


def test_belief_grows_with_both_voices():
    chances, scores = np.array([0.0, 0.3, 1.0]), np.array([0.1, 0.4, 0.9])
    even, whole = np.full(3, 0.4), np.ones(3)
    assert (np.diff(belief(chances, even, whole)) > 0).all()
    assert (np.diff(belief(even, scores, whole)) > 0).all()
    assert (np.diff(belief(even, even, scores)) > 0).all()
    assert belief(np.ones(1), np.full(1, 0.7), np.ones(1)) > 0.9
    assert belief(np.zeros(1), np.full(1, 0.3), np.ones(1)) < 0.1
    # Keypoints that are sure enough settle it, and the network still tells which is the likelier.
    settled = belief(chances, np.full(3, 0.85), np.full(3, 0.6))
    assert (settled > LEAST_BELIEF).all()
    assert (np.diff(settled) > 0).all()


def test_overlap_is_that_of_areas():
    np.testing.assert_allclose(
        overlap(np.array([[0, 0, 10, 10.0]]), np.array([[5, 0, 15, 10.0], [20, 20, 30, 30]])),
        [[1 / 3, 0]],
    )


def test_a_figure_alone_on_plain_paper_is_found_by_its_ink_alone(engine, drawing):
    finder = SeesBoxes()
    (figure,) = Pipeline(engine, finder=finder).pose(drawing).figures
    assert figure.box == pytest.approx((60, 60, 260, 260), abs=3)
    assert finder.calls == 0


def touching(stick_figure) -> Image.Image:
    """Two figures hand in hand on a page of 192 x 192, at 10..90 and 90..170, with a line through both."""
    page = Image.new("L", (PAGE_SIZE, PAGE_SIZE), 255)
    for x in (50, 130):
        stick_figure(page, x, 100, 80, width=2)
    ImageDraw.Draw(page).line((5, 139, 185, 139), fill=0, width=2)
    return page


def test_figures_that_touch_are_told_apart_by_the_network(engine, stick_figure):
    page = touching(stick_figure)
    finder = SeesBoxes((10, 60, 90, 140), (90, 60, 170, 140))
    figures = Pipeline(engine, finder=finder).pose(page, figures=None).figures
    assert [figure.box for figure in figures] == [
        pytest.approx((10, 60, 90, 140), abs=4),  # moved halfway to where the keypoints are
        pytest.approx((90, 60, 170, 140), abs=4),
    ]
    assert finder.calls == 1


def test_a_busy_background_does_not_hide_the_figure(engine, stick_figure):
    page = Image.new("L", (PAGE_SIZE, PAGE_SIZE), 255)
    pen = ImageDraw.Draw(page)
    for y in range(0, PAGE_SIZE, 6):
        pen.line((0, y, PAGE_SIZE, y + 3), fill=120)
    stick_figure(page, 96, 100, 80, width=3)
    figures = Pipeline(engine, finder=SeesBoxes((56, 60, 136, 140))).pose(page, figures=None).figures
    assert [figure.box for figure in figures] == [pytest.approx((56, 60, 136, 140), abs=4)]


def test_what_neither_believes_in_is_no_figure(engine, stick_figure):
    engine.sureness = 0.05
    with pytest.raises(InputError, match="No figure"):
        Pipeline(engine, finder=SeesBoxes(score=0.2)).pose(touching(stick_figure), figures=None)


def test_a_box_of_ink_is_believed_unless_the_keypoints_fill_but_a_part_of_it():
    boxes = np.array([[0, 0, 100, 200], [0, 0, 100, 200], [0, 0, 100, 200]], np.float32)
    rng = np.random.default_rng(0)
    filled = np.array([[8, 8], [92, 192], *rng.uniform(10, 90, (28, 2))])
    half = np.array([[55, 110], [95, 190], *rng.uniform((56, 112), (94, 188), (28, 2))])
    moved = corrected(boxes, np.stack([filled, half, filled]), inked=2)
    np.testing.assert_array_equal(moved[0], boxes[0])
    np.testing.assert_allclose(moved[1], [25.5, 53, 99.5, 197])
    assert (moved[2] != boxes[2]).any()
