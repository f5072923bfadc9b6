"""Shards, batches, losses and the loop: a run of seconds, killed and resumed."""

import hashlib
import math
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from backend.errors import InputError
from backend.models.keypoint_network import (
    HEATMAP_SIZE,
    INPUT_SIZE,
    OUTPUT_NAMES,
    SIZES,
    KeypointNetwork,
    NetworkOutputs,
)
from backend.skeleton import KEYPOINT_PARENTS
from training.drawing.placement import Placement
from training.drawing.styles import STYLES
from training.fit import batches
from training.fit import shards as shards_module
from training.fit.batches import inked, make_batch, warped
from training.fit.loop import Batches, learning_rate
from training.fit.losses import (
    depth_order_loss,
    direction_loss,
    foreshortening_loss,
    heatmap_loss,
    parallel_loss,
    visibility_loss,
)
from training.fit.shards import STORED, draw_shards, drawings_folder, write_shard
from training.fit.stored import Stored
from training.fit.train import (
    TRUE_READING,
    TrainConfig,
    arrays_of,
    fit,
    load_average,
    losses_of,
    make_arrays,
    make_trainer,
    other_reading,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def drawings(tmp_path_factory, machine):
    shards_module.SHARD, before = 32, shards_module.SHARD
    folder = tmp_path_factory.mktemp("drawings") / "train"
    for index in range(2):
        write_shard(folder, index, machine.draw, seed=100)
    yield Stored(folder, "image")
    shards_module.SHARD = before


def _digest(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


def test_a_lost_shard_is_drawn_again_byte_for_byte(drawings, bank_file, monkeypatch):
    monkeypatch.setattr(shards_module, "FIRST_SEED", 100)
    before = _digest(drawings.folder / "00001")
    assert len(before) == 8
    shutil.rmtree(drawings.folder / "00001")
    draw_shards(drawings.folder.parent, [("train", 0), ("train", 1)], bank_file)
    assert _digest(drawings.folder / "00001") == before


def test_large_figures_of_a_crowded_page_are_rows_of_their_own(machine, tmp_path, monkeypatch):
    monkeypatch.setattr(shards_module, "SHARD", 4)
    three = [Placement((60, 128), 120.0), Placement((128, 30), 30.0), Placement((190, 128), 140.0)]

    def draw(seed):
        return machine.draw(seed, STYLES[1], three if seed == 0 else three[:1])

    write_shard(tmp_path, 0, draw, seed=0)
    crowd, one, two = (draw(seed) for seed in range(3))
    expected = [crowd.figures[2], crowd.figures[0], one.figures[0], two.figures[0]]
    found = np.load(tmp_path / "00000" / "directions.npy")
    np.testing.assert_allclose(found, [figure.directions for figure in expected])


def test_an_unfinished_shard_does_not_count(drawings):
    (drawings.folder / "00007.unfinished").mkdir()
    assert Stored(drawings.folder, "image").refresh() == 64


def test_batches_carry_their_labels_along(drawings):
    rng = np.random.default_rng(0)
    batch = make_batch(drawings, np.arange(48), INPUT_SIZE, rng)
    assert batch.crops.shape == (48, 1, INPUT_SIZE, INPUT_SIZE)
    assert batch.crops.mean((1, 2, 3)).abs().max() < 1e-3
    np.testing.assert_allclose(np.linalg.norm(batch.directions, axis=-1), 1, atol=1e-4)
    near = []
    for crop, keypoints in zip(batch.crops[:, 0].numpy(), batch.keypoints, strict=True):
        ink = np.abs(crop - np.median(crop)) > 1.0
        distance = cv2.distanceTransform((~ink).astype(np.uint8), cv2.DIST_L2, 5)
        x, y = np.clip(np.round(keypoints), 0, INPUT_SIZE - 1).astype(int).T
        near.append(np.median(distance[y, x]) < 0.08 * INPUT_SIZE)
    assert np.mean(near) > 0.7


def test_a_turned_crop_turns_places_and_directions_together(drawings):
    turned = make_batch(drawings, np.arange(64), INPUT_SIZE, np.random.default_rng(1))
    knee, hip = 4, 1
    drawn = turned.keypoints[:, knee] - turned.keypoints[:, hip]
    told = turned.directions[:, knee - 1, :2]
    cosine = (drawn * told).sum(1) / np.maximum(
        np.linalg.norm(drawn, axis=1) * np.linalg.norm(told, axis=1), 1e-6
    )
    clear = np.linalg.norm(told, axis=1) > 0.6
    assert clear.sum() > 20
    assert np.median(cosine[clear]) > 0.99


def test_pages_are_warped_as_opencv_warps_them():
    rng = np.random.default_rng(0)
    page = cv2.GaussianBlur(rng.random((60, 70), np.float32), (0, 0), 2)
    affines = np.array([[[0.9, -0.3, 14], [0.3, 0.9, -6]], [[-1.1, 0, 50], [0, 1.1, 3]]])
    pages = torch.from_numpy(np.stack([page, page]))[:, None]
    for got, affine in zip(warped(pages, affines, 48)[:, 0].numpy(), affines, strict=True):
        wanted = cv2.warpAffine(
            page, affine, (48, 48), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        assert np.abs(got - wanted).max() < 0.01


def test_inking_changes_most_pages_and_keeps_their_figures(drawings):
    pages = drawings.pictures(np.arange(64))[:, None].float() / 255
    before = pages.clone()
    after = inked(pages, np.random.default_rng(3))
    torch.testing.assert_close(pages, before)  # the drawings themselves stay
    torch.testing.assert_close(inked(pages, np.random.default_rng(3)), after)
    assert (after != before).flatten(1).any(1).float().mean() > 0.6
    alike = [
        abs(np.corrcoef(a.ravel(), b.ravel())[0, 1])
        for a, b in zip(after.numpy(), before.numpy(), strict=True)
    ]
    assert np.median(alike) > 0.9


def test_drawings_are_counted_by_the_names_of_their_shards_whenever_these_come(drawings, tmp_path):
    growing = Stored(tmp_path, "image")
    for name in ("00001", "00000"):
        shutil.copytree(drawings.folder / name, tmp_path / name)
        growing.refresh()
    rows = np.array([40, 3, 63])
    assert torch.equal(growing.pictures(rows), drawings.pictures(rows))
    np.testing.assert_array_equal(growing.labels(rows)["keypoints"], drawings.labels(rows)["keypoints"])


def test_pictures_that_the_device_holds_are_those_on_disk(drawings, tmp_path):
    held = Stored(tmp_path, "image", hold=True)
    for name in ("00001", "00000"):
        shutil.copytree(drawings.folder / name, tmp_path / name)
        held.refresh()
    rows = np.array([40, 3, 63, 3])
    assert (held.pictures(rows) == drawings.pictures(rows)).all()


def test_a_stretched_crop_stretches_places_directions_and_proportions_together(drawings, monkeypatch):
    monkeypatch.setattr(batches, "_STRETCH", 0.3)
    rng = np.random.default_rng(2)
    stretches = batches._stretches(rng, 400)
    np.testing.assert_allclose(np.linalg.det(stretches), 1)
    assert 0.4 < (np.abs(stretches - np.eye(2)).max((1, 2)) > 0.01).mean() < 0.6
    stretched = make_batch(drawings, np.arange(64), INPUT_SIZE, rng)
    plain = make_batch(drawings, np.arange(64), INPUT_SIZE)
    parents = list(KEYPOINT_PARENTS[1:])
    for batch in (stretched, plain):
        drawn = batch.keypoints[:, 1:] - batch.keypoints[:, parents]
        told = batch.directions[..., :2]
        cosine = (drawn * told).sum(-1) / np.maximum(
            np.linalg.norm(drawn, axis=-1) * np.linalg.norm(told, axis=-1), 1e-6
        )
        assert np.median(cosine[np.linalg.norm(told, axis=-1) > 0.6]) > 0.995
        np.testing.assert_allclose(batch.lengths[:, batches.BONE_LENGTHS > 0.15].mean(1), 0, atol=1e-5)
    # Of long bones the one that the picture shows longer is told to be longer.
    thigh, upper_arm = 3, 17
    ratio = [
        np.log(np.linalg.norm(b.keypoints[:, [4, 18]] - b.keypoints[:, [1, 16]], axis=-1))
        - np.log(np.linalg.norm(b.directions[:, [thigh, upper_arm], :2], axis=-1))
        - b.lengths[:, [thigh, upper_arm]]
        for b in (stretched, plain)
    ]
    for values in ratio:
        spread = values[:, 0] - values[:, 1]
        assert np.median(np.abs(spread - np.median(spread))) < 0.045


def test_printed_pages_keep_paper_and_ink(drawings):
    pages = drawings.pictures(np.arange(64))[:, None].float() / 255
    printed = batches._screened(pages, np.random.default_rng(0), 1.3)
    light, dark = pages > 0.97, pages < 0.05
    assert printed[light].mean() > printed[dark].mean() + 0.5
    assert (printed - pages).abs().mean() > 0.02


def test_heatmap_loss_is_least_at_the_true_place():
    keypoints = torch.tensor([[[40.0, 90.0]]])
    inside = torch.ones(1, 1)
    grid = (torch.arange(HEATMAP_SIZE) + 0.5) * INPUT_SIZE / HEATMAP_SIZE - 0.5

    def loss(x: float, y: float) -> float:
        squares = (grid[None, :] - x) ** 2 + (grid[:, None] - y) ** 2
        return float(heatmap_loss(-squares[None, None] / 32, keypoints, inside))

    here = loss(40, 90)
    assert all(loss(40 + dx, 90 + dy) > here for dx, dy in ((3, 0), (-3, 0), (0, 3), (0, -3), (30, 30)))
    assert float(heatmap_loss(torch.randn(1, 1, 32, 32), keypoints, torch.zeros(1, 1))) == 0


def test_direction_losses_on_hand_made_bones():
    true = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 0.6, 0.8]]])
    drawn = torch.ones(1, 2)
    assert float(direction_loss(true, true, drawn)) == pytest.approx(0)
    second = torch.tensor([[0.0, 1.0]])
    flipped = true * torch.tensor([1.0, 1.0, -1.0])
    assert float(direction_loss(flipped, true, second)) == pytest.approx(math.acos(0.36 - 0.64), abs=0.1)
    for turned in (-true, true.clone()):  # the steepest and the flattest place of the angle
        turned.requires_grad_()
        loss = direction_loss(turned, true, drawn)
        loss.backward()
        assert torch.isfinite(turned.grad).all()
    assert float(direction_loss(-true, true, drawn)) > 2.6
    assert float(foreshortening_loss(flipped, true, drawn)) == pytest.approx((0 + 1.6) / 2)
    assert float(visibility_loss(torch.zeros(1, 2), torch.tensor([[0.0, 1.0]]))) == pytest.approx(math.log(2))


def test_of_several_directions_the_median_is_the_best_answer():
    """Two of three drawings say "to the right", one "up": a loss of cosines would have an answer in between."""
    true = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])[:, None]
    degrees = torch.arange(0, 90)
    turns = torch.deg2rad(degrees)
    answers = torch.stack([turns.cos(), -turns.sin(), torch.zeros(90)], -1)
    losses = [float(direction_loss(a.expand(3, 1, 3), true, torch.ones(3, 1)).mean()) for a in answers]
    assert int(degrees[int(np.argmin(losses))]) <= 3


def _told(labels: dict[str, torch.Tensor], logit: float) -> NetworkOutputs:
    """What a network says that reads these labels off a drawing."""
    grid = (torch.arange(HEATMAP_SIZE) + 0.5) * INPUT_SIZE / HEATMAP_SIZE - 0.5
    x, y = labels["keypoints"][..., 0, None, None], labels["keypoints"][..., 1, None, None]
    return NetworkOutputs(
        heatmaps=-((grid - x) ** 2 + (grid[:, None] - y) ** 2) / 32,
        directions=labels["directions"],
        visibility=20 * labels["visible"] - 10,
        presence=20 * labels["present"] - 10,
        betas=torch.zeros(len(x), 10),
        lengths=labels["lengths"],
        exchanged=torch.full((len(x),), logit),
    )


def test_a_figure_counts_for_the_most_in_the_chosen_reading_and_the_network_learns_which_it_was(drawings):
    arrays = arrays_of(make_batch(drawings, np.arange(8), INPUT_SIZE))
    data = {name: torch.as_tensor(array) for name, array in arrays.items()}
    straight = losses_of(_told(data, -5.0), data)
    assert float(straight["direction"]) == pytest.approx(0, abs=1e-6)
    labelled = losses_of(_told(other_reading(data), 5.0), data, as_labelled=True)
    assert float(labelled["direction"]) > 0.1
    assert float(labelled["heatmap"]) > float(straight["heatmap"]) + 1
    crossed = losses_of(_told(other_reading(data), 5.0), data)
    for name in ("heatmap", "direction", "foreshortening", "visibility", "lengths"):
        torch.testing.assert_close(crossed[name], straight[name].lerp(labelled[name], TRUE_READING))
    torch.testing.assert_close(crossed["exchanged"], straight["exchanged"])
    assert float(losses_of(_told(other_reading(data), -5.0), data)["exchanged"]) > 4


def test_a_trained_network_goes_on_unchanged_with_the_parts_that_it_lacked(drawings):
    network = KeypointNetwork().eval()
    crops = make_batch(drawings, np.arange(4), INPUT_SIZE).crops
    with torch.no_grad():
        network.train()
        outputs = network(crops)
    torch.testing.assert_close(outputs.draft, outputs.heatmaps)
    assert network.eval()(crops).draft is None


def test_learning_rate_rises_stays_and_falls():
    config = TrainConfig(samples=1000, rate=1.0, warmup=0.1, decay=0.4)
    rates = [learning_rate(config, seen / 1000) for seen in range(0, 1001, 50)]
    assert rates[0] == 0
    assert rates[1] == pytest.approx(0.5)
    assert rates[2:12] == [1.0] * 10
    assert all(a > b for a, b in pairwise(rates[12:]))
    assert rates[-1] == pytest.approx(0)


def test_training_learns_and_a_resumed_run_goes_on_the_same(drawings, tmp_path):
    torch.set_num_threads(1)
    config = TrainConfig(samples=16 * 12, batch=16, rate=1e-3, drawings=64, seed=3)
    whole = make_trainer(config, tmp_path / "whole", bfloat16=False)
    losses = []
    while whole.seen < config.samples:
        rng = np.random.default_rng((config.seed, whole.seen))
        indices = rng.integers(0, len(drawings), config.batch)
        losses.append(whole.step(arrays_of(make_batch(drawings, indices, INPUT_SIZE, rng))))
    total = [float(sum(loss.values())) for loss in losses]
    assert np.mean(total[-3:]) < np.mean(total[:3]) - 0.3

    first = make_trainer(config, tmp_path / "halves", bfloat16=False)
    while first.seen < 96:
        rng = np.random.default_rng((config.seed, first.seen))
        indices = rng.integers(0, len(drawings), config.batch)
        first.step(arrays_of(make_batch(drawings, indices, INPUT_SIZE, rng)))
    first.save()
    second = make_trainer(config, tmp_path / "halves", bfloat16=False)
    assert second.resume() == "resumed after 96 samples"
    fit(second, config, drawings, drawings, report=1e9)
    assert second.seen == config.samples
    for name, value in whole.network.state_dict().items():
        torch.testing.assert_close(second.network.state_dict()[name], value, rtol=1e-4, atol=1e-5)
    average = load_average(tmp_path / "halves")
    assert isinstance(average, KeypointNetwork)


_KILLED_RUN = """
import sys, torch
from pathlib import Path
from training.fit import shards
from training.fit.stored import Stored
from training.fit.train import TrainConfig, fit, make_trainer
shards.SHARD = 32
torch.set_num_threads(1)
config = TrainConfig(samples=1600, batch=16, rate=1e-3, seed=4)
trainer = make_trainer(config, Path(sys.argv[2]), bfloat16=False)
drawings = Stored(Path(sys.argv[1]), "image")
fit(trainer, config, drawings, drawings, report=0)
"""


def test_a_killed_run_goes_on_where_it_was(drawings, tmp_path):
    """SIGKILL in the middle, then the same steps again from the last checkpoint: the same weights."""
    command = [sys.executable, "-c", _KILLED_RUN, str(drawings.folder), str(tmp_path / "killed")]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    checkpoint = tmp_path / "killed" / "checkpoint.pt"
    deadline = time.monotonic() + 300
    while not checkpoint.is_file() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    child.kill()
    child.wait()
    config = TrainConfig(samples=1600, batch=16, rate=1e-3, seed=4)
    resumed = make_trainer(config, tmp_path / "killed", bfloat16=False)
    assert resumed.resume().startswith("resumed after")
    assert 0 < resumed.seen < config.samples
    until = resumed.seen + 2 * config.batch
    whole = make_trainer(config, tmp_path / "whole", bfloat16=False)
    for trainer in (resumed, whole):
        batches = Batches(drawings, config, partial(make_arrays, drawings, config))
        while trainer.seen < until:
            trainer.step(batches[trainer.seen])
    for name, value in whole.network.state_dict().items():
        torch.testing.assert_close(resumed.network.state_dict()[name], value, rtol=1e-4, atol=1e-5)


def test_two_processes_train_together_and_go_on_together(drawings, bank_file, tmp_path):
    """Two gloo processes share each batch; one of them draws, reports and saves; both resume."""
    state = tmp_path / "state"
    target = state / "drawings" / drawings_folder().name
    for name in ("train", "validation", "validation_held_out"):
        shutil.copytree(drawings.folder, target / name, ignore=shutil.ignore_patterns("*.unfinished"))
    config = tmp_path / "two.yaml"
    config.write_text("samples: 48\nbatch: 8\ndrawings: 64\nfirst_drawings: 64\nseed: 2\n")
    run = (
        "import sys; from training.fit import shards; shards.SHARD, shards.COUNT = 32, 32\n"
        "from training.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    script = tmp_path / "run.py"
    script.write_text(run)
    for samples, said in ((24, "fresh start"), (48, "resumed after 24 samples")):
        done = subprocess.run(
            [
                sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2",
                str(script), "train", "--poses", str(bank_file), "--config", str(config),
                "--samples", str(samples), "--no-warm-start",
            ],
            cwd=ROOT,
            env={**os.environ, "SKETCH2POSE_STATE": str(state), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        assert done.stdout.count(said) == 1
    saved = torch.load(state / "two" / "checkpoint.pt", weights_only=True)
    assert saved["seen"] == 48
    torch.manual_seed(2)
    start = KeypointNetwork().state_dict()["stem.0.weight"]
    assert not torch.allclose(saved["network"]["stem.0.weight"], start)
    assert list((state / "two").rglob("events.out.tfevents*"))


def test_the_rate_falls_by_the_end_of_the_time_that_a_run_has(drawings, tmp_path):
    torch.set_num_threads(1)
    config = TrainConfig(samples=10**9, batch=4, rate=1.0, decay=1.0, warmup=0.0, drawings=64)
    trainer = make_trainer(config, tmp_path, bfloat16=False)
    trainer.optimiser.step = lambda *_, **__: None  # only the schedule matters
    fit(trainer, config, drawings, drawings, minutes=0.05, anneal=True, report=1e9)
    assert trainer.seen < 10**6
    assert trainer.progress > 0.5
    assert trainer.optimiser.param_groups[0]["lr"] < 0.5


def test_what_validates_is_among_the_first_to_be_drawn(monkeypatch):
    monkeypatch.setattr(shards_module, "COUNT", shards_module.SHARD)
    jobs = shards_module.jobs_of(10 * shards_module.SHARD + 1)
    assert [name for name, _ in jobs].count("train") == 11
    assert {name for name, _ in jobs[:3]} == {"train", "validation", "validation_held_out"}
    assert len(set(jobs)) == len(jobs)


def test_each_process_has_its_own_part_of_a_batch(drawings):
    config = TrainConfig(batch=8)
    make = partial(make_arrays, drawings, config)
    parts = [Batches(drawings, config, make, process, 2)[64] for process in range(2)]
    assert [len(part["images"]) for part in parts] == [4, 4]
    assert not torch.equal(parts[0]["images"], parts[1]["images"])


def test_losses_of_screen_tangent_and_depth_order():
    drawn = torch.ones(1, 1)
    right = torch.tensor([[[1.0, 0.0, 0.0]]])
    turned = torch.tensor([[[math.cos(0.5), math.sin(0.5), 0.0]]])
    assert float(parallel_loss(turned, right, drawn)) == pytest.approx(math.sin(0.5) ** 2, rel=1e-5)
    shorter = torch.tensor([[[0.6, 0.0, 0.8]]])
    assert float(parallel_loss(shorter, right, drawn)) == pytest.approx(0)  # lengths are free
    assert float(depth_order_loss(shorter, shorter, drawn)) == pytest.approx(0)
    behind = shorter * torch.tensor([1.0, 1.0, -1.0])
    assert float(depth_order_loss(behind, shorter, drawn)) > 1
    assert float(depth_order_loss(behind, right, drawn)) == 0  # a flat bone has no order


def test_a_part_of_a_figure_fills_the_crop_and_the_rest_is_outside(drawings):
    batch = make_batch(drawings, np.arange(64), INPUT_SIZE, np.random.default_rng(5), parts=1.0)
    whole = make_batch(drawings, np.arange(64), INPUT_SIZE, np.random.default_rng(5), parts=0.0)
    fewer = batch.present.sum(1) < whole.present.sum(1)
    assert fewer.sum() > 20
    assert (batch.inside <= batch.present).all()
    assert (batch.visible <= batch.present).all()
    inside = batch.inside > 0
    clear = np.flatnonzero(fewer & (inside.sum(1) > 4))
    assert len(clear) > 15
    spread = [np.ptp(batch.keypoints[row][inside[row]], axis=0).max() for row in clear]
    assert np.median(spread) > 0.45 * INPUT_SIZE


@pytest.mark.parametrize("size", ["S", "M", "L"])
def test_every_size_gives_the_same_outputs(size):
    with torch.no_grad():
        outputs = KeypointNetwork(SIZES[size]).eval()(torch.zeros(1, 1, INPUT_SIZE, INPUT_SIZE))
    assert [tuple(getattr(outputs, name).shape) for name in OUTPUT_NAMES] == [
        (1, 30, HEATMAP_SIZE, HEATMAP_SIZE), (1, 29, 3), (1, 30), (1, 30), (1, 10), (1, 29), (1,),
    ]  # fmt: skip


def test_warm_start_takes_the_shipped_weights(tmp_path):
    from safetensors.torch import save_file

    source = KeypointNetwork()
    halves = {n: v.half() if v.is_floating_point() else v for n, v in source.state_dict().items()}
    path = tmp_path / "weights.safetensors"
    save_file(halves, str(path))
    trainer = make_trainer(replace(TrainConfig(), samples=1), tmp_path / "run")
    assert trainer.resume(path) == "warm start from weights.safetensors"
    for name, value in trainer.average.state_dict().items():
        torch.testing.assert_close(value, halves[name].to(value.dtype))
    with pytest.raises(InputError):
        load_average(tmp_path / "run")


@pytest.mark.parametrize("text", ["samples: [", "unknown: 3", "- 1"])
def test_a_wrong_configuration_gets_a_sentence(tmp_path, text):
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(InputError):
        TrainConfig.read(path)


def test_the_shipped_configuration_is_read():
    from training.fit.command import _CONFIGS

    config = TrainConfig.read(_CONFIGS / "keypoints_s.yaml")
    assert config.samples > 100_000


def test_the_train_command_draws_trains_and_goes_on(tmp_path, bank_file, monkeypatch, capsys):
    from training.__main__ import main

    monkeypatch.setenv("SKETCH2POSE_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(shards_module, "SHARD", 16)
    monkeypatch.setattr(shards_module, "COUNT", 16)
    config = tmp_path / "tiny.yaml"
    config.write_text("samples: 32\nbatch: 8\ndrawings: 32\nfirst_drawings: 16\nseed: 2\n")
    command = [
        "train",
        "--poses",
        str(bank_file),
        "--config",
        str(config),
        "--drawers",
        "0",
        "--no-warm-start",
    ]
    assert main(command) == 0
    assert "fresh start" in capsys.readouterr().out
    drawings = shards_module.drawings_folder()
    assert len(Stored(drawings / "train", "image")) == 32
    held_out = [style.held_out for style in STYLES]
    for name, expected in (("validation", False), ("validation_held_out", True)):
        shard = Stored(drawings / name, "image")
        assert len(shard) == 16
        assert all(held_out[style] == expected for style in shard.labels(np.arange(16))["style"])
    assert main([*command, "--samples", "48"]) == 0
    assert "resumed after 32 samples" in capsys.readouterr().out
    network = load_average(tmp_path / "state" / "tiny")
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())


def test_the_train_command_says_what_is_missing(tmp_path, capsys):
    from training.__main__ import main

    assert main(["train", "--poses", str(tmp_path / "none.npz")]) == 1
    error = capsys.readouterr().err
    assert "none.npz" in error
    assert error.count("\n") == 1


def test_a_figure_is_cut_out_as_the_backend_cuts_it_out(machine):
    """The stored crop, cut again for the network, shows what backend.keypoints.crop_figure shows."""
    from backend.keypoints import CROP_MARGIN, crop_figure
    from training.drawing.placement import Placement
    from training.drawing.styles import STYLES
    from training.fit.shards import BOX_SHARE, cut_out

    drawing = machine.draw(11, STYLES[0], [Placement(centre=(90, 140), extent=150)])
    row, box = cut_out(drawing, drawing.figures[0]), drawing.figures[0].box
    before = np.ptp(drawing.figures[0].keypoints[:, 0])
    grown = np.ptp(row["keypoints"][:, 0]) / before
    assert grown * (box[2:] - box[:2]).max() == pytest.approx(BOX_SHARE * STORED, rel=1e-4)
    theirs = crop_figure(drawing.image.astype(np.float32) / 255, box).pixels
    zoom = 1 / CROP_MARGIN / BOX_SHARE * INPUT_SIZE / STORED
    middle, target = (STORED - 1) / 2, (INPUT_SIZE - 1) / 2
    affine = np.array([[zoom, 0, target - zoom * middle], [0, zoom, target - zoom * middle]])
    ours = cv2.warpAffine(row["image"], affine, (INPUT_SIZE, INPUT_SIZE), flags=cv2.INTER_AREA)
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.95


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_share_of_the_drawings_has_its_lines_changed(drawings, monkeypatch, share):
    from training.fit import batches

    changed = []

    def noted(pages: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        changed.append(len(pages))
        return inked(pages, rng)

    inked = batches.inked
    monkeypatch.setattr(batches, "inked", noted)
    batch = make_batch(drawings, np.arange(32), INPUT_SIZE, np.random.default_rng(4), reinked=share)
    assert torch.isfinite(batch.crops).all()
    assert changed[0] == pytest.approx(32 * share, abs=8 if share == 0.5 else 0)


def test_runs_without_a_loss_are_measured_and_kept(tmp_path, drawings, bank_file, monkeypatch):
    from training.__main__ import main

    monkeypatch.setenv("SKETCH2POSE_STATE", str(tmp_path))
    folder = shards_module.drawings_folder()
    for name in ("train", "validation", "validation_held_out"):
        shutil.copytree(drawings.folder, folder / name, ignore=shutil.ignore_patterns("*.unfinished"))
    monkeypatch.setattr(shards_module, "COUNT", 32)
    config = tmp_path / "short.yaml"
    config.write_text("samples: 16\nbatch: 8\ndrawings: 64\n")
    page = tmp_path / "page.md"
    command = ["ablate", "--poses", str(bank_file), "--config", str(config), "--out", str(page), "--only"]
    assert main([*command, "all losses"]) == 0
    assert main([*command, "without shape"]) == 0
    rows = [line for line in page.read_text().splitlines() if line.startswith(("| a", "| w"))]
    assert [row.split(" | ")[0] for row in rows] == ["| all losses", "| without shape"]
    without = torch.load(tmp_path / "short" / "without_shape" / "checkpoint.pt", weights_only=True)
    assert without["config"]["weights"]["betas"] == 0
    assert without["config"]["weights"]["direction"] > 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("batches: 4", "batches"),
        ("weights: {beauty: 1.0}", "weighs a loss that is none, beauty"),
        ("weights: heavy", "cannot be used"),
        ("size: XXL", "no size XXL"),
        ("size: [", "cannot be used"),
        (None, "cannot be used"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_one_sentence(tmp_path, text, said):
    path = tmp_path / "experiment.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=said):
        TrainConfig.read(path)


def test_a_configuration_names_what_differs(tmp_path):
    path = tmp_path / "experiment.yaml"
    path.write_text("rate: 0.01\nonly: [shape]\nweights: {heatmap: 2.0}\n")
    config = TrainConfig.read(path)
    assert (config.rate, config.batch, config.only) == (0.01, TrainConfig().batch, ("shape",))
    assert config.weights == {**TrainConfig().weights, "heatmap": 2.0}
