"""The finder's data, losses and loop; export; the measures of finding."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.engines.finder import OnnxFinder, TorchFinder
from backend.errors import InputError, InstallError
from backend.finder import decode
from backend.models.finder_network import CELL, PAGE_SIZE, FinderNetwork
from training.drawing.pages import shared
from training.evaluate.composed_pages import ComposedPage, composed_pages
from training.evaluate.finding import Found, match, recall_and_false, worst_pages
from training.evaluate.sketches import read_labels
from training.evaluate.synthetic import machine as validation_machine
from training.export import export_finder, finder_parity
from training.fit import finder_data
from training.fit.finder import (
    FinderConfig,
    centre_loss,
    fit,
    load_average,
    make_arrays,
    make_trainer,
    reach_loss,
    targets,
    validate,
)
from training.fit.finder_data import draw_pages
from training.fit.loop import Batches
from training.fit.page_batches import make_batch
from training.fit.stored import Stored

CELLS = PAGE_SIZE // CELL
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def pages(tmp_path_factory, bank_file):
    finder_data.DRAWINGS, drawings = 8, finder_data.DRAWINGS
    finder_data.SHARD, shard = 32, finder_data.SHARD
    folder = tmp_path_factory.mktemp("pages")
    draw_pages(folder, range(2), bank_file, seed=100)
    yield Stored(folder, "pages")
    finder_data.DRAWINGS, finder_data.SHARD = drawings, shard


def _page(pages: Stored, index: int) -> tuple[np.ndarray, np.ndarray]:
    row = np.array([index])
    boxes = pages.labels(row)["boxes"][0]
    return pages.pictures(row)[0].numpy(), boxes[boxes.any(1)]


def test_the_network_is_small_and_says_something_of_every_cell():
    network = FinderNetwork().eval()
    assert sum(parameter.numel() for parameter in network.parameters()) <= 1_000_000
    with torch.no_grad():
        centres, reaches = network(torch.zeros(2, 1, PAGE_SIZE, PAGE_SIZE))
    assert centres.shape == (2, CELLS, CELLS)
    assert reaches.shape == (2, 4, CELLS, CELLS)
    assert (reaches > 0).all()


def test_a_perfect_answer_decodes_to_the_boxes_and_costs_next_to_nothing():
    boxes = torch.tensor([[[16.0, 20, 76, 140], [100, 40, 170, 90], [0, 0, 0, 0]]])
    wanted, reaches, weight = targets(boxes, CELLS)
    logits = torch.where(wanted == 1, 9.0, -9.0)
    found, scores = decode(logits[0].numpy(), reaches[0].numpy(), 0.5)
    np.testing.assert_allclose(sorted(found.tolist()), boxes[0, :2].tolist(), atol=1e-3)
    assert (scores > 0.99).all()
    assert centre_loss(logits, wanted) < 0.02
    assert reach_loss(reaches, reaches, weight) < 1e-5


def test_losses_grow_with_the_error():
    boxes = torch.tensor([[[16.0, 20, 76, 140]]])
    wanted, reaches, weight = targets(boxes, CELLS)
    losses = [float(reach_loss(reaches + error, reaches, weight)) for error in (0.0, 3.0, 9.0, 30.0)]
    assert losses == sorted(losses)
    blank = torch.full_like(wanted, -9.0)
    everywhere = torch.full_like(wanted, 9.0)
    right = torch.where(wanted == 1, 9.0, -9.0)
    assert centre_loss(right, wanted) < centre_loss(blank, wanted)
    assert centre_loss(right, wanted) < centre_loss(everywhere, wanted)


def test_an_empty_page_has_finite_losses():
    wanted, reaches, weight = targets(torch.zeros(2, 3, 4), CELLS)
    assert not (wanted == 1).any()
    assert torch.isfinite(centre_loss(torch.full_like(wanted, -4.0), wanted))
    assert reach_loss(reaches.clamp(1, 50), reaches.clamp(1, 50), weight) == 0


def test_of_two_figures_the_smaller_has_the_cells_that_both_want():
    big, small = [10.0, 10, 180, 180], [80.0, 80, 110, 110]
    _, reaches, _ = targets(torch.tensor([[big, small]]), CELLS)
    middle = int(96 / CELL)
    x = (middle + 0.5) * CELL
    np.testing.assert_allclose(reaches[0, :, middle, middle], [x - 80, x - 80, 110 - x, 110 - x])


def test_pages_hold_figures_where_their_boxes_say(pages):
    assert len(pages) == 64
    counts, inks = [], []
    for index in range(len(pages)):
        page, boxes = _page(pages, index)
        assert page.shape == (PAGE_SIZE, PAGE_SIZE)
        counts.append(len(boxes))
        border = np.median(np.concatenate([page[0], page[-1], page[:, 0], page[:, -1]]).astype(float))
        for x0, y0, x1, y1 in np.clip(np.round(boxes).astype(int), 0, PAGE_SIZE):
            inks.append(np.abs(page[y0:y1, x0:x1] - border).max(initial=0))
    assert counts.count(0) > 2  # clutter alone
    assert counts.count(1) > 10
    assert max(counts) >= 3
    assert np.mean(np.array(inks) > 25) > 0.95


def test_moved_pages_take_their_boxes_along(pages):
    indices = np.array([k for k in range(len(pages)) if len(_page(pages, k)[1]) == 1])
    batch = make_batch(pages, indices, np.random.default_rng(0))
    darker = []
    for page, boxes in zip(batch.pages[:, 0].numpy(), batch.boxes, strict=True):
        for x0, y0, x1, y1 in np.round(boxes[boxes.any(1)]).astype(int):
            ink = np.abs(page - np.median(page)) > 0.7
            inside = np.zeros_like(ink)
            inside[y0:y1, x0:x1] = True
            darker.append(ink[inside].mean() > ink[~inside].mean())
    assert np.mean(darker) > 0.85


def test_a_lost_shard_is_made_again_byte_for_byte(pages, bank_file):
    lost = pages.folder / "00001"
    before = {path.name: path.read_bytes() for path in lost.iterdir()}
    assert len(before) == 2
    for path in lost.iterdir():
        path.unlink()
    lost.rmdir()
    draw_pages(pages.folder, range(2), bank_file, seed=100)
    assert {path.name: path.read_bytes() for path in lost.iterdir()} == before


CONFIG = FinderConfig(samples=48, batch=8, seed=3)


def test_training_lowers_the_loss_and_a_killed_run_goes_on_as_a_whole_one(pages, tmp_path):
    validation = make_batch(pages, np.arange(8))
    whole = make_trainer(CONFIG, tmp_path / "whole", bfloat16=False)
    fit(whole, pages, validation, report=1e9)
    first = make_trainer(CONFIG, tmp_path / "killed", bfloat16=False)
    batches = Batches(pages, CONFIG, partial(make_arrays, pages))
    while first.seen < 24:
        first.step(batches[first.seen])
    first.save()
    second = make_trainer(CONFIG, tmp_path / "killed", bfloat16=False)
    assert second.resume() == "resumed after 24 samples"
    fit(second, pages, validation, report=1e9)
    for name, value in whole.average.state_dict().items():
        torch.testing.assert_close(second.average.state_dict()[name], value, msg=name)
    assert set(validate(load_average(tmp_path / "killed"), validation)) == {"recall", "false"}


def test_configurations_and_missing_runs_are_one_sentence(tmp_path):
    (tmp_path / "a.yaml").write_text("speed: 3\n")
    with pytest.raises(InputError, match="cannot be used"):
        FinderConfig.read(tmp_path / "a.yaml")
    with pytest.raises(InputError, match="no checkpoint"):
        load_average(tmp_path)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    torch.manual_seed(0)
    network = FinderNetwork().eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, 0, 0.3)  # pyright: ignore[reportArgumentType]
            torch.nn.init.uniform_(module.running_var, 0.5, 2)  # pyright: ignore[reportArgumentType]
    graph = tmp_path_factory.mktemp("weights") / "finder.onnx"
    export_finder(network, graph)
    return network, graph


def test_the_engines_agree_and_the_files_are_small(exported):
    network, graph = exported
    chances, reaches = finder_parity(graph, np.random.default_rng(0))
    assert chances < 1e-4
    assert reaches < 1e-2
    assert graph.stat().st_size + graph.with_suffix(".safetensors").stat().st_size < 2_000_000
    page = np.random.default_rng(1).normal(0, 1, (PAGE_SIZE, PAGE_SIZE)).astype(np.float32)
    with torch.no_grad():
        centres, _ = network(torch.from_numpy(page[None, None]))
    # Half floats are all that differs from the trained network.
    np.testing.assert_allclose(OnnxFinder(graph).find(page)[0], centres[0], atol=0.05)


@pytest.mark.parametrize("finder", [OnnxFinder, TorchFinder])
def test_missing_or_damaged_weights_are_one_sentence(exported, tmp_path, finder):
    page = np.zeros((PAGE_SIZE, PAGE_SIZE), np.float32)
    with pytest.raises(InstallError, match="install Sketch2Pose again"):
        finder(tmp_path / "finder.onnx").find(page)
    for file in exported[1].parent.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "finder.safetensors").write_bytes(b"nothing")
    with pytest.raises(InstallError, match="damaged"):
        finder(tmp_path / "finder.onnx").find(page)


def test_finds_and_figures_are_paired_once():
    true = np.array([[0, 0, 10, 10], [20, 0, 30, 10], [50, 0, 60, 10]], np.float32)
    found = np.array([[0, 0, 10, 9], [0, 1, 10, 10], [20, 0, 30, 4], [21, 0, 31, 10]], np.float32)
    hit, false = match(found, true)
    assert hit.tolist() == [True, True, False]
    assert false == 2  # the second box on the first figure, and the one that is too short
    assert match(np.zeros((0, 4), np.float32), true)[1] == 0
    assert match(found, np.zeros((0, 4), np.float32))[1] == 4
    text = recall_and_false([Found(found, hit, false), Found(found[:1], np.array([True]), 0)])
    assert text.startswith("75.0 (")
    assert "| 1.00 (" in text


def test_composed_pages_are_of_held_out_poses_with_real_drawings_and_their_boxes():
    examples = read_labels(EXAMPLES)
    made = composed_pages(validation_machine(), 4, examples, seed=5)
    again = composed_pages(validation_machine(), 4, examples, seed=5)
    kinds = [kind for page in made for kind in page.kinds]
    assert "real" in kinds
    assert len(set(kinds)) > 2
    for page, other in zip(made, again, strict=True):
        assert (page.image == other.image).all()
        assert page.image.dtype == np.uint8
        assert len(page.boxes) == len(page.kinds) > 0
        assert (shared(page.boxes, page.boxes) - np.eye(len(page.boxes))).max() < 0.35
    (empty,) = composed_pages(validation_machine(), 1, seed=5, empty=True)
    assert len(empty.boxes) == 0
    assert np.ptp(empty.image) > 50


def test_the_picture_of_the_worst_begins_with_the_page_that_has_most_mistakes():
    pages = [
        ComposedPage(np.full((100, 100), tone, np.uint8), np.array([[10, 10, 50, 90.0]]), ("ink",))
        for tone in (250, 30)
    ]
    good = Found(pages[0].boxes, np.array([True]), 0)
    bad = Found(np.array([[0, 0, 20, 20.0]]), np.array([False]), 1)
    picture = np.asarray(worst_pages(pages, [good, bad]).convert("L"))
    assert picture[230, 230] < 100
    assert picture[230, 530] > 200
