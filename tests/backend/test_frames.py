"""Panels of storyboard pages: split where frames of one size stand apart, and nowhere else."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from backend.frames import find_panels

SIZE = 1654, 2339  # A4 at 200 pixels an inch


def page_with(frames, width: int = 3, colour: int = 0) -> Image.Image:
    page = Image.new("L", SIZE, 255)
    draw = ImageDraw.Draw(page)
    for frame in frames:
        draw.rectangle(frame, outline=colour, width=width)
        x0, y0, x1, y1 = frame
        # A figure, and a floor that is ruled from side to side.
        draw.line((x0, (y0 + 3 * y1) // 4, x1, (y0 + 3 * y1) // 4), fill=0, width=3)
        draw.line((x0 + 60, y0 + 40, x0 + 90, y1 - 30), fill=0, width=5)
    return page


def grid(columns: int, rows: int, size=(600, 340), gap=(90, 300), at=(150, 160)) -> list:
    return [
        (x, y, x + size[0], y + size[1])
        for y in (at[1] + r * (size[1] + gap[1]) for r in range(rows))
        for x in (at[0] + c * (size[0] + gap[0]) for c in range(columns))
    ]


def test_panels_come_in_reading_order_without_their_frames():
    frames = grid(2, 3)
    panels = find_panels(np.asarray(page_with(frames)))
    assert len(panels) == 6
    for panel, frame in zip(panels, frames, strict=True):
        inset = np.subtract(panel, frame) * (1, 1, -1, -1)
        assert (inset >= 3).all()
        assert (inset <= 12).all()


@pytest.mark.parametrize(("width", "colour"), [(1, 0), (1, 120), (2, 60), (8, 0), (12, 90)])
def test_lines_of_every_kind(width, colour):
    assert len(find_panels(np.asarray(page_with(grid(2, 2), width, colour)))) == 4


def test_captions_and_a_frame_around_the_page():
    frames = grid(2, 3)
    page = page_with(frames)
    draw = ImageDraw.Draw(page)
    draw.rectangle((40, 40, SIZE[0] - 40, SIZE[1] - 40), outline=0, width=4)
    for x0, _, x1, y1 in frames:
        draw.rectangle((x0, y1 + 20, x1, y1 + 240), outline=0, width=2)
        draw.text((x0 + 30, y1 + 50), "INT. KITCHEN - NIGHT")
    assert len(find_panels(np.asarray(page))) == 0  # larger than half a panel: panels too, or text?
    page = page_with(frames)
    draw = ImageDraw.Draw(page)
    for x0, _, x1, y1 in frames:
        draw.rectangle((x0, y1 + 20, x1, y1 + 180), outline=0, width=2)
    assert len(find_panels(np.asarray(page))) == 6


@pytest.mark.parametrize("style", ["text below", "minimal", "text right"])
def test_pages_as_storyboarder_prints_them(style):
    """Its exporter's layouts: lines of a point; cells of text on the picture; a bar beside a shot's first board."""
    point = 200 / 72
    page = Image.new("L", SIZE, 255)
    draw = ImageDraw.Draw(page)
    for index in range(6):
        x, y = (60 + index % 2 * 260) * point, (80 + index // 2 * 240) * point
        width, height = 250 * point, 140 * point
        for top, base in [(y, y + height)] + [(y - 25 * point, y + height + 50 * point)] * (
            style == "text below"
        ):
            draw.rectangle((x, top, x + width, base), outline=51, width=3)
        if style == "text right":
            draw.line((x + width + 8, y, x + width + 8, y + height), fill=235, width=3)
        if index % 3 == 0:  # a new shot
            bar = 2 if style != "text right" else 3
            draw.rectangle((x - (bar + 1) * point, y, x, y + height), fill=0)
        draw.line((x + 90, y + 40, x + 150, y + height - 30), fill=0, width=6)
    panels = find_panels(np.asarray(page))
    assert len(panels) == 6
    assert panels[0][0] < panels[1][0]
    assert panels[0][1] == panels[1][1] < panels[2][1]


def test_a_window_in_a_panel_is_part_of_it():
    frames = grid(1, 3, (900, 560), (0, 90))
    page = page_with(frames)
    draw = ImageDraw.Draw(page)
    for x0, y0, _, _ in frames[:2]:
        draw.rectangle((x0 + 400, y0 + 60, x0 + 700, y0 + 360), outline=0, width=4)
    assert len(find_panels(np.asarray(page))) == 3


def doubtful() -> dict[str, Image.Image]:
    rng = np.random.default_rng(0)
    sheet = page_with(grid(2, 2))
    tilted = sheet.rotate(1.5, fillcolor=255)
    one = page_with(grid(1, 1, (1300, 900)))
    table = page_with(grid(2, 3, (600, 340), (0, 0)))
    unlike = page_with([(100, 100, 900, 600), (1000, 100, 1500, 700), (100, 800, 1400, 1500)])
    windows = page_with([])
    for x in (300, 700):  # of a house that fills the page
        ImageDraw.Draw(windows).rectangle((x, 900, x + 240, 1200), outline=0, width=4)
    open_frames = page_with([])
    for x0, y0, x1, y1 in grid(2, 2):
        ImageDraw.Draw(open_frames).line((x0, y1, x0, y0, x1, y0, x1, y1), fill=0, width=3)
    filled = page_with([])
    for frame in grid(2, 2):
        ImageDraw.Draw(filled).rectangle(frame, fill=0)
    ruled = Image.new("L", SIZE, 255)
    for place in range(0, max(SIZE), 5):
        ImageDraw.Draw(ruled).line((0, place, SIZE[0], place), fill=0)
        ImageDraw.Draw(ruled).line((place, 0, place, SIZE[1]), fill=0)
    noise = Image.fromarray(rng.integers(0, 255, (SIZE[1], SIZE[0]), np.uint8))
    return {
        "blank": Image.new("L", SIZE, 255), "black": Image.new("L", SIZE, 0), "noise": noise, "tilted": tilted, "one": one,
        "table": table, "unlike": unlike, "windows": windows, "open": open_frames, "filled": filled, "ruled": ruled,
        "tiny": Image.new("L", (1024, 3), 0),
    }  # fmt: skip


@pytest.mark.parametrize("name", list(doubtful()))
def test_in_doubt_a_page_is_one_drawing(name):
    assert find_panels(np.asarray(doubtful()[name])) == ()
