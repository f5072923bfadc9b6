"""``python -m training train-finder``: the training loop of the finder network, resumable, from a seed."""

from __future__ import annotations

import argparse
import copy
import math
import multiprocessing
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
import yaml
from torch import Tensor
from tqdm import tqdm

from backend.errors import InputError
from backend.finder import decode, overlap
from backend.models.finder_network import CELL, PAGE_SIZE, FinderNetwork

from ..dataset.build import one_thread_each
from .finder_data import SHARD, PageBatch, Pages, draw_pages, make_batch, pages_folder
from .shards import state_folder

_CONFIG = Path(__file__).parent.parent / "configs" / "finder.yaml"

#: The weights that ship, where a run without a state of its own starts from.
_COMMITTED = Path(__file__).parents[2] / "backend" / "weights" / "finder.safetensors"

#: Pages of training have seeds from here on, those of validation from there on.
_TRAINING_SEED, _VALIDATION_SEED = 100_000_000, 90_000_000

#: A cell learns a figure's reaches where the share of the figure's half sides between it and the middle is less.
_MIDDLE = 0.35


@dataclass(frozen=True)
class FinderConfig:
    """One experiment; training/configs/finder.yaml holds these fields.

    Attributes:
        samples: pages to see in the whole run.
        batch: pages a step.
        rate: peak learning rate of AdamW.
        warmup: share of the run in which the rate rises to its peak.
        decay: share of the run, at its end, in which the rate falls to zero.
        weight_decay: of AdamW.
        ema: decay per step of the averaged weights, which are what ships.
        seed: of initial weights, order and chance.
        pages: pages to put together.
        first_pages: training starts when so many are there.
    """

    samples: int = 200_000
    batch: int = 32
    rate: float = 2e-3
    warmup: float = 0.02
    decay: float = 0.5
    weight_decay: float = 0.03
    ema: float = 0.998
    seed: int = 1
    pages: int = 46_080
    first_pages: int = 3_072

    @classmethod
    def read(cls, path: Path) -> FinderConfig:
        """Read a YAML file. Raises InputError for a missing file or an unknown field."""
        try:
            return cls(**(yaml.safe_load(path.read_text()) or {}))
        except (OSError, TypeError, yaml.YAMLError) as error:
            raise InputError(f"The configuration {path} cannot be used: {error}.") from error


def targets(boxes: Tensor, cells: int) -> tuple[Tensor, Tensor, Tensor]:
    """What the cells are to say.

    Args:
        boxes: (N, M, 4) pixels of the network's page; rows of zeros are none.
        cells: along a side of the page, S.

    Returns:
        centres (N, S, S), 1 at a figure's middle and less around it; reaches (N, 4, S, S) pixels; and (N, S, S)
        how much a cell's reaches count: 0 away from the middles, and of two figures the smaller has the cell.
    """
    there = (boxes[..., 2] > boxes[..., 0])[..., None, None]
    at = (torch.arange(cells, dtype=torch.float32, device=boxes.device) + 0.5) * CELL
    x, y = at[None, None, None, :], at[None, None, :, None]
    x0, y0, x1, y1 = (boxes[..., k, None, None] for k in range(4))
    across, down = ((x1 - x0) / 2).clamp_min(1), ((y1 - y0) / 2).clamp_min(1)
    dx, dy = (x - (x0 + x1) / 2) / across, (y - (y0 + y1) / 2) / down
    # A middle is at least as wide as a cell, and narrower than the figure.
    sigma_x, sigma_y = (0.16 * across / CELL).clamp_min(0.6), (0.16 * down / CELL).clamp_min(0.6)
    gauss = (
        torch.exp(-0.5 * ((dx * across / CELL / sigma_x) ** 2 + (dy * down / CELL / sigma_y) ** 2)) * there
    )
    # The cell that holds the middle is a hit, wherever in it the middle lies.
    hit = ((dx * across).abs() <= CELL / 2) & ((dy * down).abs() <= CELL / 2) & there
    centres = torch.where(hit, torch.ones_like(gauss), gauss.clamp_max(0.95)).amax(1)
    near = (((dx.abs() < _MIDDLE) & (dy.abs() < _MIDDLE)) | hit) & there
    area = torch.where(near, across * down, torch.full_like(gauss, math.inf))
    smallest = area.argmin(1, keepdim=True)
    sides = torch.broadcast_tensors(x - x0, y - y0, x1 - x, y1 - y)
    reaches = torch.stack(sides, 2).clamp_min(1)
    chosen = reaches.gather(1, smallest[:, :, None].expand(-1, -1, 4, -1, -1))[:, 0]
    weight = torch.where(near, gauss.clamp_min(0.1), torch.zeros_like(gauss)).gather(1, smallest)[:, 0]
    return centres, chosen, weight


def centre_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Focal loss with fewer penalties near a middle, (N, S, S) each. Source: CenterNet, equation 1."""
    chance = torch.sigmoid(logits).clamp(1e-4, 1 - 1e-4)
    hit = wanted == 1
    right = -((1 - chance) ** 2) * torch.log(chance)
    wrong = -((1 - wanted) ** 4) * chance**2 * torch.log(1 - chance)
    return torch.where(hit, right, wrong).sum() / hit.sum().clamp_min(1)


def reach_loss(reaches: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """1 - generalised IoU of boxes around the same cell, (N, 4, S, S) reaches; ``weight`` (N, S, S) weighs them."""
    left, top, right, bottom = torch.minimum(reaches, wanted).unbind(1)
    inner = (left + right) * (top + bottom)
    mine = (reaches[:, 0] + reaches[:, 2]) * (reaches[:, 1] + reaches[:, 3])
    true = (wanted[:, 0] + wanted[:, 2]) * (wanted[:, 1] + wanted[:, 3])
    union = mine + true - inner
    left, top, right, bottom = torch.maximum(reaches, wanted).unbind(1)
    hull = (left + right) * (top + bottom)
    loss = 1 - inner / union + (hull - union) / hull
    return (loss * weight).sum() / weight.sum().clamp_min(1)


def learning_rate(config: FinderConfig, seen: int) -> float:
    """Rate after ``seen`` pages: linear warm-up, a plateau, and a cosine-shaped fall to zero."""
    progress = min(seen / config.samples, 1.0)
    if progress < config.warmup:
        return config.rate * progress / config.warmup
    fall = (progress - (1 - config.decay)) / config.decay
    return config.rate * (0.5 + 0.5 * math.cos(math.pi * max(fall, 0.0)))


class FinderTrainer:
    """Network, averaged weights, optimiser and the count of pages seen; saved and resumed as one."""

    def __init__(self, config: FinderConfig, folder: Path, device: str = "cpu") -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.folder = folder
        self.device = torch.device(device)
        network = FinderNetwork().to(self.device)
        self.network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        others = [p for p in self.network.parameters() if p.ndim <= 1]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": config.weight_decay},
                {"params": others, "weight_decay": 0.0},
            ],
            lr=config.rate,
        )
        self.seen = 0
        self.hours = 0.0

    @property
    def checkpoint(self) -> Path:
        """Where the full state is kept."""
        return self.folder / "checkpoint.pt"

    def resume(self, warm_start: Path | None = None) -> str:
        """Go on from the checkpoint, else from committed averaged weights, else from nothing; says which."""
        if self.checkpoint.is_file():
            state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.seen, self.hours = state["seen"], state["hours"]
            return f"resumed after {self.seen} pages"
        if warm_start is not None and warm_start.is_file():
            from safetensors.torch import load_file

            state = load_file(str(warm_start))
            self.network.load_state_dict(state)
            self.average.load_state_dict(state)
            return f"warm start from {warm_start.name}"
        return "fresh start"

    def save(self) -> None:
        """Write the full state; a kill in between leaves the older one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.checkpoint.with_suffix(".unfinished")
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "seen": self.seen,
            "hours": self.hours,
            "config": asdict(self.config),
        }
        torch.save(state, unfinished)
        unfinished.rename(self.checkpoint)

    def step(self, batch: PageBatch) -> dict[str, float]:
        """One optimiser step. Returns the losses by name."""
        self.network.train()
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.config, self.seen)
        pages = torch.from_numpy(batch.pages).to(self.device, memory_format=torch.channels_last)
        wanted, reaches, weight = targets(torch.from_numpy(batch.boxes).to(self.device), PAGE_SIZE // CELL)
        centres, predicted = self.network(pages)
        losses = {
            "centre": centre_loss(centres, wanted),
            "reach": reach_loss(predicted, reaches, weight),
        }
        total = losses["centre"] + losses["reach"]
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.seen += len(pages)
        self._average()
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def _average(self) -> None:
        # Early on the average follows quickly, else it would hold the random start for long.
        keep = min(self.config.ema, 1 - 10 / (10 + self.seen / self.config.batch))
        with torch.no_grad():
            mine = self.average.state_dict()
            for name, value in self.network.state_dict().items():
                if value.dtype.is_floating_point:
                    mine[name].lerp_(value, 1 - keep)
                else:
                    mine[name].copy_(value)


@torch.no_grad()
def validate(network: FinderNetwork, batch: PageBatch, least: float = 0.3) -> dict[str, float]:
    """Recall at IoU 0.5 and false finds a page, of what scores at least ``least``."""
    network.eval()
    device = next(network.parameters()).device
    centres, reaches = network(torch.from_numpy(batch.pages).to(device))
    found, false, true = 0, 0, 0
    for k, (logits, reach) in enumerate(zip(centres.cpu().numpy(), reaches.cpu().numpy(), strict=True)):
        boxes, _ = decode(logits, reach, least)
        wanted = batch.boxes[k][batch.boxes[k].any(1)]
        hits = overlap(boxes, wanted) >= 0.5
        found += int(hits.any(0).sum())
        false += int((~hits.any(1)).sum())
        true += len(wanted)
    return {"recall": found / max(true, 1), "false": false / len(batch.pages)}


def fit(
    trainer: FinderTrainer,
    train: Pages,
    validation: PageBatch,
    minutes: float = math.inf,
    report: float = 120.0,
) -> None:
    """Train until the configured pages are seen or the minutes are over; saves every ``report`` seconds."""
    config = trainer.config
    started = said = time.monotonic()
    hours_before = trainer.hours
    sums: dict[str, float] = {}
    steps = 0
    bar = tqdm(total=config.samples, initial=trainer.seen, unit=" pages", disable=None)
    try:
        while trainer.seen < config.samples and time.monotonic() - started < 60 * minutes:
            # A generator per step, keyed by the count of pages: with as many drawings on disk, a resumed
            # run sees what a whole one would.
            rng = np.random.default_rng((config.seed, trainer.seen))
            losses = trainer.step(make_batch(train, rng.integers(0, len(train), config.batch), rng))
            steps += 1
            bar.update(config.batch)
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value
            now = time.monotonic()
            if now - said >= report or trainer.seen >= config.samples:
                trainer.hours = hours_before + (now - started) / 3600
                trainer.save()
                figures = {name: total / steps for name, total in sums.items()}
                figures |= validate(trainer.average, validation)
                figures["rate"] = learning_rate(config, trainer.seen)
                tqdm.write(
                    f"{trainer.seen:>9} pages of {len(train)}, {trainer.hours:.2f} h: "
                    + ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
                )
                sums, steps, said = {}, 0, time.monotonic()
                train.refresh()
    finally:  # a run that is stopped by hand goes on from where it was
        trainer.hours = hours_before + (time.monotonic() - started) / 3600
        trainer.save()
        bar.close()


def load_average(folder: Path) -> FinderNetwork:
    """The averaged network of a run's checkpoint. Raises InputError when there is none."""
    path = folder / "checkpoint.pt"
    if not path.is_file():
        raise InputError(f"There is no checkpoint in {folder}; run python -m training train-finder first.")
    network = FinderNetwork()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["average"])
    return network.eval()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training train-finder``."""
    parser.add_argument(
        "--poses", type=Path, required=True, help="pose bank, an .npz from python -m training poses"
    )
    parser.add_argument("--config", type=Path, default=_CONFIG, help="a YAML file")
    parser.add_argument("--samples", type=int, help="pages to see, instead of the configuration's number")
    parser.add_argument("--pages", type=int, help="pages to make, instead of the configuration's number")
    parser.add_argument(
        "--minutes", type=float, default=math.inf, help="stop after so long; run again to go on"
    )
    parser.add_argument("--threads", type=int, default=1, help="processor threads of the network")
    parser.add_argument(
        "--drawers", type=int, default=1, help="processes that draw beside the training; 0 draws all first"
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps")
    parser.add_argument("--no-warm-start", action="store_true", help="start from random weights")


def run(args: argparse.Namespace) -> int:
    """Draw in the background, train in the foreground; everything is found again by the next run."""
    import cv2

    config = FinderConfig.read(args.config)
    changes = {name: getattr(args, name) for name in ("samples", "pages")}
    config = replace(config, **{name: value for name, value in changes.items() if value is not None})
    if not args.poses.is_file():
        raise InputError(f"The pose bank {args.poses} does not exist; give one with --poses.")
    cv2.setNumThreads(1)
    torch.set_num_threads(args.threads)
    folder = pages_folder()
    draw_pages(folder / "validation", range(1), args.poses, _VALIDATION_SEED, validation=True)
    count = -(-config.pages // SHARD)
    if not args.drawers:
        draw_pages(folder / "train", range(count), args.poses, _TRAINING_SEED)
    context = multiprocessing.get_context("spawn")
    drawers = [
        context.Process(
            target=draw_pages,
            args=(folder / "train", range(k, count, args.drawers), args.poses, _TRAINING_SEED),
            daemon=True,
        )
        for k in range(args.drawers)
    ]
    with one_thread_each():
        for drawer in drawers:
            drawer.start()
    try:
        train = Pages(folder / "train")
        enough = min(config.first_pages, count * SHARD)
        while train.refresh() < enough:
            if not any(drawer.is_alive() for drawer in drawers) and train.refresh() < enough:
                raise InputError("The drawing processes ended early; look at the message above.")
            print(f"Drawing: {len(train)} of the first {enough} ...", flush=True)
            time.sleep(5)
        trainer = FinderTrainer(config, state_folder() / args.config.stem, args.device)
        print(trainer.resume(None if args.no_warm_start else _COMMITTED), flush=True)
        validation = make_batch(Pages(folder / "validation"), np.arange(256))
        fit(trainer, train, validation, args.minutes)
    finally:
        for drawer in drawers:
            drawer.terminate()
    return 0
