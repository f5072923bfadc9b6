"""``python -m training ablate``: what each loss is worth, from short runs of equal length that lack one at a time."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from backend.errors import InputError

from ..drawing.machine import RECIPE
from .shards import draw_shards, drawings_folder, jobs_of, state_folder

if TYPE_CHECKING:
    from .train import TrainConfig

_CONFIGS = Path(__file__).parent.parent / "configs"

#: Run -> the losses that it lacks. The second of the whole runs differs by its seed alone: so much is chance.
LACKS: dict[str, tuple[str, ...]] = {
    "all losses": (),
    "all losses, another seed": (),
    "without parallel": ("parallel",),
    "without foreshortening": ("foreshortening",),
    "without front/behind": ("depth_order",),
    "without bone directions": ("direction",),
    "bone directions alone": ("parallel", "foreshortening", "depth_order"),
    "without shape": ("betas", "lengths"),
    "without visibility": ("visibility", "presence"),
    "without the draft's loss": ("draft",),
    "the true reading alone": ("exchanged",),
}

_FIGURES = {
    "pck10": "PCK@0.1 %",
    "bone_angle": "3D angle °",
    "either": "better reading °",
    "angle_2d": "2D angle °",
    "front_behind": "front/behind %",
}
_PERCENT = ("pck10", "front_behind")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training ablate``."""
    parser.add_argument(
        "--poses", type=Path, required=True, help="pose bank, an .npz from python -m training poses"
    )
    parser.add_argument("--config", default="ablation", help="a file of training/configs, or a path")
    parser.add_argument("--only", nargs="+", choices=LACKS, help="some of the runs; the others are kept")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps")
    parser.add_argument("--threads", type=int, default=1, help="processor threads of the network")
    parser.add_argument("--out", type=Path, help="where the table goes (Markdown)")


def run(args: argparse.Namespace) -> int:
    """Draw what is missing, make the runs that are missing, and write the table of all that are there."""
    import torch

    from .train import TrainConfig

    path = Path(args.config)
    config = TrainConfig.read(path if path.suffix == ".yaml" else _CONFIGS / f"{args.config}.yaml")
    if not args.poses.is_file():
        raise InputError(f"The pose bank {args.poses} does not exist; give one with --poses.")
    torch.set_num_threads(args.threads)
    drawings, folder = drawings_folder(), state_folder() / path.stem
    draw_shards(drawings, jobs_of(config.drawings), args.poses)
    for name in args.only or LACKS:
        if not (folder / f"{_slug(name)}.json").is_file():
            figures = measure(config, name, drawings, folder, args.device)
            (folder / f"{_slug(name)}.json").write_text(json.dumps(figures))
            print(f"{name}: {figures}", flush=True)
    found = {
        name: json.loads(file.read_text())
        for name in LACKS
        if (file := folder / f"{_slug(name)}.json").is_file()
    }
    if args.out:
        args.out.write_text(report(found, config.samples, config.drawings))
    return 0


def measure(
    config: TrainConfig, name: str, drawings: Path, folder: Path, device: str
) -> dict[str, dict[str, float]]:
    """Train one network from nothing without the losses that run ``name`` lacks, and measure it.

    Returns:
        Figures by name for the validation drawings in the styles of training (``seen``) and in others (``unseen``).
    """
    import torch

    from .stored import Stored
    from .train import fit, make_trainer, validate

    torch.backends.cudnn.benchmark = True
    weights = config.weights | dict.fromkeys(LACKS[name], 0.0)
    seed = config.seed + (1 if name.endswith("seed") else 0)
    config = replace(config, weights=weights, seed=seed)
    train = Stored(drawings / "train", "image", device)
    seen, unseen = (Stored(drawings / part, "image") for part in ("validation", "validation_held_out"))
    trainer = make_trainer(config, folder / _slug(name), device)
    trainer.resume()
    fit(trainer, config, train, seen)
    return {
        part: validate(
            trainer.average, stored, len(stored), trainer.device, as_told=not config.weights["exchanged"]
        )
        for part, stored in (("seen", seen), ("unseen", unseen))
    }


def report(runs: dict[str, dict[str, dict[str, float]]], samples: int, drawings: int) -> str:
    """The runs by name as a page of Markdown."""
    columns = [f"{title}, {part}" for part in ("seen", "unseen") for title in _FIGURES.values()]
    introduction = (
        f"Each row is one run from random weights over {samples:,} crops of {drawings:,} drawings of recipe {RECIPE}, "
        "measured on the fixed synthetic validation set in the styles of training (seen) and in the styles held out "
        "of it (unseen): the network's own bones, without the steps that follow it. The two whole runs differ by "
        "their seed; a difference that is not clearly larger than theirs says nothing."
    )
    lines = [
        "# What each loss is worth",
        "",
        "Made by `python -m training ablate --poses POSES.npz --out docs/ablations.md`.",
        "",
        introduction,
        "",
        "| | " + " | ".join(columns) + " |",
        "|---" + "|--:" * len(columns) + "|",
    ]
    for name, figures in runs.items():
        cells = [
            f"{100 * figures[part][key]:.1f}" if key in _PERCENT else f"{figures[part][key]:.1f}"
            for part in ("seen", "unseen")
            for key in _FIGURES
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name)
