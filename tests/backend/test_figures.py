"""Finding figures by their ink, on pages drawn here."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from backend.errors import InputError
from backend.figures import find_figures, propose_figures, read_ink, reading_order, tightened


def gray(page: Image.Image) -> np.ndarray:
    return np.asarray(page, np.float32) / 255


def box_of(x: float, y: float, size: float) -> list[float]:
    return [x - size / 2, y - size / 2, x + size / 2, y + size / 2]


def overlap(a, b) -> float:
    """Intersection over union of two boxes."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


@pytest.mark.parametrize(("paper", "ink"), [(255, 0), (0, 255), (200, 120), (60, 140), (255, 225)])
@pytest.mark.parametrize(
    ("size", "x", "y", "extent"), [((400, 500), 180, 200, 240), ((1900, 1300), 900, 500, 700)]
)
def test_a_figure_on_paper_of_any_tone(paper, ink, size, x, y, extent, stick_figure):
    page = Image.new("L", size, paper)
    stick_figure(page, x, y, extent, ink, max(3, extent // 80))
    (box,) = find_figures(gray(page))
    assert overlap(box, box_of(x, y, extent)) > 0.95


def test_a_photographed_page_with_shade_grain_and_a_dark_corner(stick_figure):
    rng = np.random.default_rng(0)
    page = Image.new("L", (800, 600), 255)
    stick_figure(page, 420, 300, 400, 40, 5)
    y, x = np.mgrid[0:1:600j, 0:1:800j]
    light = 0.85 - 0.45 * x * y - 0.1 * x
    photo = gray(page.filter(ImageFilter.GaussianBlur(1))) * light + rng.normal(0, 0.015, light.shape)
    (box,) = find_figures(np.clip(photo, 0, 1).astype(np.float32))
    assert overlap(box, box_of(420, 300, 400)) > 0.9


def test_specks_do_not_widen_the_box(stick_figure):
    page = Image.new("L", (600, 600), 255)
    stick_figure(page, 300, 300, 300)
    rng = np.random.default_rng(1)
    for x, y in rng.integers(0, 600, (40, 2)):
        ImageDraw.Draw(page).point((int(x), int(y)), fill=0)
    (box,) = find_figures(gray(page))
    assert overlap(box, box_of(300, 300, 300)) > 0.95


@pytest.mark.parametrize("inset", [0, 3, 14])
def test_a_frame_around_the_page_is_left_out(inset, stick_figure):
    page = Image.new("L", (600, 450), 255)
    ImageDraw.Draw(page).rectangle((inset, inset, 599 - inset, 449 - inset), outline=0, width=3)
    stick_figure(page, 250, 225, 260)
    (box,) = find_figures(gray(page))
    assert overlap(box, box_of(250, 225, 260)) > 0.95


def test_a_scanners_dark_edge_is_left_out(stick_figure):
    page = Image.new("L", (600, 450), 245)
    ImageDraw.Draw(page).rectangle((0, 0, 7, 449), fill=20)
    stick_figure(page, 250, 225, 260)
    (box,) = find_figures(gray(page))
    assert overlap(box, box_of(250, 225, 260)) > 0.95


def hand_drawn_frame(page: Image.Image, wobble: float) -> None:
    """A frame of wavering lines 12 pixels inside the page."""
    width, height = page.size
    draw = ImageDraw.Draw(page)
    for x0, y0, x1, y1 in (
        (12, 12, width - 12, 12),
        (width - 12, 12, width - 12, height - 12),
        (width - 12, height - 12, 12, height - 12),
        (12, height - 12, 12, 12),
    ):
        t = np.linspace(0, 1, 60)
        wave = wobble * np.sin(9 * t)
        across = (0, 1) if y0 == y1 else (1, 0)
        draw.line(
            [(x0 + s * (x1 - x0) + w * across[0], y0 + s * (y1 - y0) + w * across[1]) for s, w in zip(t, wave, strict=True)],
            fill=0,
            width=3,
        )  # fmt: skip


def test_a_figure_that_stands_on_the_ground_within_a_frame(stick_figure):
    page = Image.new("L", (900, 600), 255)
    hand_drawn_frame(page, 3)
    stick_figure(page, 430, 310, 380, width=5)
    ImageDraw.Draw(page).line((12, 502, 450, 497, 888, 504), fill=0, width=3)
    (box,) = find_figures(gray(page))
    assert overlap(box, box_of(430, 310, 380)) > 0.9


def test_proposals_hold_the_figure_among_furniture(stick_figure):
    page = Image.new("L", (900, 600), 255)
    stick_figure(page, 250, 320, 300, width=5)
    draw = ImageDraw.Draw(page)
    draw.rectangle((420, 200, 860, 560), outline=0, width=4)
    draw.line((420, 300, 860, 300), fill=0, width=4)
    proposals = propose_figures(read_ink(gray(page)))
    assert overlap(proposals[0], find_figures(gray(page))[0]) == 1
    assert max(overlap(box, box_of(250, 320, 300)) for box in proposals) > 0.93
    assert max(overlap(box, [420, 200, 860, 560]) for box in proposals) > 0.93
    assert len({tuple(box) for box in proposals.tolist()}) == len(proposals) <= 12
    with pytest.raises(InputError, match="No figure"):
        read_ink(np.ones((200, 200), np.float32))


def test_a_reaching_hand_does_not_tie_the_figure_to_what_it_reaches_for(stick_figure):
    page = Image.new("L", (900, 600), 255)
    stick_figure(page, 300, 320, 400, width=5)
    ImageDraw.Draw(page).ellipse((512, 190, 640, 318), outline=0, width=5)
    assert max(overlap(box, box_of(300, 320, 400)) for box in propose_figures(read_ink(gray(page)))) > 0.93


def test_parts_with_gaps_are_one_figure():
    page = Image.new("L", (500, 500), 255)
    draw = ImageDraw.Draw(page)
    draw.ellipse((220, 60, 280, 120), outline=0, width=4)
    draw.line((250, 140, 250, 290), fill=0, width=4)
    draw.line((130, 170, 370, 170), fill=0, width=4)
    draw.line((245, 310, 200, 440), fill=0, width=4)
    draw.line((255, 310, 300, 440), fill=0, width=4)
    assert overlap(find_figures(gray(page))[0], [130, 60, 370, 440]) > 0.95


def three_figures(stick_figure) -> tuple[Image.Image, list[list[float]]]:
    page = Image.new("L", (1200, 900), 255)
    places = [(230, 250, 300), (900, 240, 340), (420, 680, 320)]
    for x, y, size in places:
        stick_figure(page, x, y, size, width=5)
    ImageDraw.Draw(page).line((1000, 700, 1040, 720), fill=0, width=4)
    return page, [box_of(*place) for place in places]


def test_all_figures_in_reading_order_without_the_small_mark(stick_figure):
    page, boxes = three_figures(stick_figure)
    found = find_figures(gray(page), None)
    assert len(found) == 3
    for box, expected in zip(found, boxes, strict=True):
        assert overlap(box, expected) > 0.93


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_the_largest_figures_are_taken(count, stick_figure):
    page, boxes = three_figures(stick_figure)
    found = find_figures(gray(page), count)
    assert len(found) == min(count, 3)
    best = sorted(boxes, key=lambda b: b[0] - b[2])[:count]
    for box in found:
        assert max(overlap(box, b) for b in best) > 0.93


def test_reading_order_goes_by_rows():
    boxes = np.array([[500, 0, 600, 100], [0, 10, 100, 130], [250, 200, 350, 300], [0, 210, 90, 320]])
    assert reading_order(boxes) == [1, 0, 3, 2]
    assert reading_order(np.empty((0, 4))) == []


@pytest.mark.parametrize("tone", [0.0, 0.5, 1.0])
def test_a_blank_page_has_no_figure(tone):
    with pytest.raises(InputError, match="No figure"):
        find_figures(np.full((300, 400), tone, np.float32))


@pytest.mark.parametrize(
    "noise",
    [
        lambda rng: rng.uniform(0, 1, (500, 400)),
        lambda rng: np.clip(rng.normal(0.9, 0.05, (500, 400)), 0, 1),
        lambda rng: np.clip(rng.normal(0.5, 0.3, (1500, 1500)), 0, 1),
        lambda rng: (rng.uniform(0, 1, (500, 400)) > 0.02).astype(float),
        lambda rng: (rng.uniform(0, 1, (500, 400)) > 0.3).astype(float),
        lambda rng: np.linspace(0.4, 1, 400) + np.zeros((500, 1)) + rng.normal(0, 0.01, (500, 400)),
    ],
    ids=["uniform", "grain", "large", "salt", "pepper", "shade"],
)
def test_noise_has_no_figure(noise):
    page = noise(np.random.default_rng(2)).astype(np.float32)
    with pytest.raises(InputError, match="No figure"):
        find_figures(page)


def test_a_single_speck_is_no_figure():
    page = np.ones((500, 500), np.float32)
    page[200:212, 200:212] = 0
    with pytest.raises(InputError, match="No figure"):
        find_figures(page)


@pytest.mark.parametrize("shape", [(16, 16), (16, 400), (400, 16), (33, 17)])
def test_tiny_and_narrow_pages_do_not_fail_in_other_ways(shape):
    page = np.ones(shape, np.float32)
    page[4:12, 4:12] = 0
    (box,) = find_figures(page) if min(shape) == max(shape) else [np.zeros(4)]
    try:
        found = find_figures(page, None)
    except InputError:
        found = np.empty((0, 4))
    assert len(box) == 4
    assert (found[:, :2] >= 0).all()
    assert (found[:, 2:] <= [shape[1], shape[0]]).all()


def test_a_stroke_of_two_pixels_is_no_figure():
    page = np.ones((16, 16), np.float32)
    page[5, 5:7] = 0
    with pytest.raises(InputError, match="No figure"):
        propose_figures(read_ink(page))


def test_a_rough_box_is_drawn_around_its_strokes(stick_figure):
    page = Image.new("L", (400, 300), 255)
    stick_figure(page, 100, 150, 160)
    stick_figure(page, 300, 150, 160)
    ink = read_ink(gray(page))
    (box,) = tightened(ink, np.array([[35, 85, 170, 215]], np.float32))
    assert box == pytest.approx((20, 70, 180, 230), abs=4)
    for kept in ([150, 60, 250, 240], [10, 60, 390, 240]):  # strokes go on beyond; nothing to gain
        (box,) = tightened(ink, np.array([kept], np.float32))
        assert overlap(box, np.array(kept, float)) > 0.75
