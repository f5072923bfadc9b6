"""``python -m training train-finder``: what the finder network is trained with. The loop is in loop.py."""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from torch import Tensor

from backend.errors import InputError
from backend.finder import decode, overlap
from backend.models.finder_network import CELL, PAGE_SIZE, FinderNetwork

from . import loop
from .finder_data import SHARD, draw_pages, pages_folder
from .loop import Arrays, Schedule, Trainer, drawn_beside
from .page_batches import PageBatch, make_batch
from .shards import state_folder
from .stored import Stored

_CONFIG = Path(__file__).parent.parent / "configs" / "finder.yaml"

#: The weights that ship, where a run without a state of its own starts from.
_COMMITTED = Path(__file__).parents[2] / "backend" / "weights" / "finder.safetensors"

#: Stored of training have seeds from here on, those of validation from there on.
_TRAINING_SEED, _VALIDATION_SEED = 100_000_000, 90_000_000

#: A cell learns a figure's reaches where the share of the figure's half sides between it and the middle is less.
_MIDDLE = 0.35


@dataclass(frozen=True)
class FinderConfig(Schedule):
    """One experiment; training/configs/finder.yaml holds these fields and the schedule's, whose samples are pages.

    Attributes:
        pages: pages to put together.
        first_pages: training starts when so many are there.
    """

    samples: int = 200_000
    batch: int = 32
    rate: float = 2e-3
    decay: float = 0.5
    ema: float = 0.998
    pages: int = 46_080
    first_pages: int = 3_072


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


def losses_of(outputs: tuple[Tensor, Tensor], data: dict[str, Tensor]) -> dict[str, Tensor]:
    """Both losses by name; ``data`` holds pages (``images``) and their ``boxes``, (N, M, 4) pixels."""
    centres, reaches = outputs
    wanted, true, weight = targets(data["boxes"], PAGE_SIZE // CELL)
    return {"centre": centre_loss(centres, wanted), "reach": reach_loss(reaches, true, weight)}


def make_trainer(
    config: FinderConfig, folder: Path, device: str = "cpu", bfloat16: bool | None = None
) -> Trainer:
    """The finder with fresh weights, ready to be trained; the arguments are Trainer's."""
    torch.manual_seed(config.seed)
    weights = {"centre": 1.0, "reach": 1.0}
    return Trainer(FinderNetwork(), losses_of, weights, config, folder, device, bfloat16=bfloat16)


def make_arrays(pages: Stored, indices: np.ndarray, rng: np.random.Generator) -> Arrays:
    """The batch of those pages, moved and re-inked by chance."""
    batch = make_batch(pages, indices, rng)
    return {"images": batch.pages, "boxes": batch.boxes}


@torch.no_grad()
def validate(network: torch.nn.Module, batch: PageBatch, least: float = 0.3) -> dict[str, float]:
    """Recall at IoU 0.5 and false finds a page, of what scores at least ``least``."""
    network.eval()
    device = next(network.parameters()).device
    centres, reaches = network(batch.pages.to(device))
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
    trainer: Trainer,
    train: Stored,
    validation: PageBatch,
    minutes: float = math.inf,
    report: float = 120.0,
    anneal: bool = False,
) -> None:
    """Train on pages, reporting on others that are never trained on; the rest as of loop.fit."""
    loop.fit(
        trainer,
        train,
        partial(make_arrays, train),
        lambda: validate(trainer.average, validation),
        minutes,
        report,
        anneal,
    )


def load_average(folder: Path) -> FinderNetwork:
    """The averaged network of a run's checkpoint. Raises InputError when there is none."""
    network = loop.load_average(folder, lambda _: FinderNetwork())
    assert isinstance(network, FinderNetwork)
    return network


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
    parser.add_argument(
        "--anneal", action="store_true", help="the learning rate falls to zero by the end of --minutes"
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
    PartialState(cpu=args.device == "cpu")
    draw_pages(folder / "validation", range(1), args.poses, _VALIDATION_SEED, validation=True)
    train = Stored(folder / "train", "pages", args.device)
    shards = -(-config.pages // SHARD)
    enough = min(config.first_pages, shards * SHARD)
    with drawn_beside(
        draw_pages,
        folder / "train",
        range(shards),
        (args.poses, _TRAINING_SEED),
        args.drawers,
        lambda: (train.refresh(), enough),
    ):
        trainer = make_trainer(config, state_folder() / args.config.stem, args.device)
        print(trainer.resume(None if args.no_warm_start else _COMMITTED), flush=True)
        validation = make_batch(Stored(folder / "validation", "pages"), np.arange(256))
        fit(trainer, train, validation, args.minutes, anneal=args.anneal)
    return 0
