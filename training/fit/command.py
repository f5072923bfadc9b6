"""``python -m training train``: draw, train, resume."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from backend.engines.onnx import KEYPOINT_NETWORK
from backend.errors import InputError

from .shards import draw_shards, drawings_folder, jobs_of, state_folder

_CONFIGS = Path(__file__).parent.parent / "configs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training train``."""
    parser.add_argument(
        "--poses", type=Path, required=True, help="pose bank, an .npz from python -m training poses"
    )
    parser.add_argument("--config", default="keypoints_s", help="a file of training/configs, or a path")
    parser.add_argument("--samples", type=int, help="crops to see, instead of the configuration's number")
    parser.add_argument(
        "--drawings", type=int, help="drawings to make, instead of the configuration's number"
    )
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="stop after so long; run again to go on"
    )
    parser.add_argument(
        "--anneal", action="store_true", help="the learning rate falls to zero by the end of --minutes"
    )
    parser.add_argument("--threads", type=int, default=1, help="processor threads of the network")
    parser.add_argument(
        "--drawers", type=int, default=1, help="processes that draw beside the training; 0 draws all first"
    )
    parser.add_argument(
        "--seed", type=int, help="of weights, order and augmentation, instead of the configuration's"
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps")
    parser.add_argument("--no-warm-start", action="store_true", help="start from random weights")


def run(args: argparse.Namespace) -> int:
    """Draw in the background, train in the foreground; everything is found again by the next run."""
    import torch
    from accelerate import PartialState

    from .loop import drawn_beside
    from .stored import Stored
    from .train import NEW_HEADS, TrainConfig, fit, make_trainer

    path = Path(args.config)
    config = TrainConfig.read(path if path.suffix == ".yaml" else _CONFIGS / f"{args.config}.yaml")
    changes = {name: getattr(args, name) for name in ("samples", "drawings", "seed")}
    config = replace(config, **{name: value for name, value in changes.items() if value is not None})
    if not args.poses.is_file():
        raise InputError(f"The pose bank {args.poses} does not exist; give one with --poses.")
    torch.set_num_threads(args.threads)
    torch.backends.cudnn.benchmark = True  # every batch has the same shape
    process = PartialState(cpu=args.device == "cpu")
    drawings, device = drawings_folder(), process.device or torch.device(args.device)
    train, validation = (Stored(drawings / part, "image", device) for part in ("train", "validation"))
    jobs = jobs_of(config.drawings)
    enough = min(config.first_drawings, config.drawings)

    def drawn() -> tuple[int, int]:
        return (train.refresh() if validation.refresh() else 0), enough

    with drawn_beside(draw_shards, drawings, jobs, (args.poses,), args.drawers, drawn):
        trainer = make_trainer(config, state_folder() / path.stem, args.device)
        shipped = KEYPOINT_NETWORK.with_suffix(".safetensors") if config.size == "S" else None
        process.print(trainer.resume(None if args.no_warm_start else shipped, NEW_HEADS), flush=True)
        fit(trainer, config, train, validation, args.minutes, anneal=args.anneal)
    return 0
