"""The finder that ships, on pages put together here: a floor that catches a wrong export."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from backend.engines.finder import FINDER_NETWORK, OnnxFinder, TorchFinder
from backend.engines.onnx import OnnxEngine, check_weights
from backend.errors import InputError
from backend.finder import PAGE_SIZE
from backend.pipeline import Pipeline
from training.evaluate.composed_pages import composed_pages
from training.evaluate.finding import find_all, lookers
from training.evaluate.sketches import read_labels
from training.evaluate.synthetic import machine

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline(OnnxEngine(threads=1), finder=OnnxFinder(threads=1))


def test_its_files_are_small_and_its_card_names_it():
    identity = check_weights(FINDER_NETWORK)
    numbers = FINDER_NETWORK.with_suffix(".safetensors")
    assert FINDER_NETWORK.stat().st_size + numbers.stat().st_size < 2_000_000
    assert identity in FINDER_NETWORK.with_suffix(".md").read_text(encoding="utf-8")


def test_the_engines_see_the_same():
    page = np.random.default_rng(0).normal(0, 1, (PAGE_SIZE, PAGE_SIZE)).astype(np.float32)
    for a, b in zip(OnnxFinder().find(page), TorchFinder().find(page), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)


def test_it_finds_more_than_the_ink_alone(pipeline):
    pages = composed_pages(machine(), 8, read_labels(EXAMPLES), seed=11)
    ink, _, both = (find_all(looker, pages) for looker in lookers(pipeline).values())
    counts = [sum(find.figures.sum() for find in finds) for finds in (ink, both)]
    assert counts[1] > 1.2 * counts[0]
    assert counts[1] >= 0.6 * sum(len(page.boxes) for page in pages)
    assert sum(find.false for find in both) <= 8


def test_several_figures_that_touch_are_found(pipeline):
    page = Image.new("L", (900, 560), 255)
    names = ("runner_gesture", "stick_wave", "yoga_chalk")
    for k, name in enumerate(names):
        drawing = Image.open(EXAMPLES / f"{name}.png").convert("L")
        drawing.thumbnail((280, 400))
        page.paste(drawing, (20 + 290 * k, 80))
    ImageDraw.Draw(page).line((10, 470, 890, 470), fill=0, width=4)
    assert len(pipeline.pose(page, figures=None).figures) >= 2


def test_on_pages_without_a_figure_hardly_anything_is_found(pipeline):
    pages = composed_pages(machine(), 8, seed=300, empty=True)
    finds = find_all(list(lookers(pipeline).values())[-1], pages)
    assert sum(find.false > 0 for find in finds) <= 2


def test_a_page_of_things_says_that_there_is_no_figure(pipeline):
    page = Image.new("L", (600, 400), 255)
    pen = ImageDraw.Draw(page)
    pen.rectangle((60, 80, 260, 320), outline=0, width=4)
    pen.polygon([(340, 320), (540, 320), (440, 120)], outline=0, width=4)
    with pytest.raises(InputError, match="No figure"):
        pipeline.pose(page, figures=None)
