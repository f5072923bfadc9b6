"""``python -m training poses prior``: train the pose prior and measure it on held-out clips."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from .bank import PoseBank, mirror
from .prior import LATENT, SLOPE, PosePrior
from .report import prior_figures

if TYPE_CHECKING:
    import torch

_WIDTH = 256
_BATCH = 256

#: Radians by which a joint may miss before that costs as much as telling the pose more precisely.
_TOLERANCE = 0.1

#: Of the poses of a batch, how many come by their kind's share; the others as captured.
_BALANCED = 0.5


def train_prior(bank: Path, out: Path, steps: int, seed: int) -> str:
    """Train on a bank's training clips, on one CPU core; write ``out`` and its card, and return the card."""
    networks = _train(PoseBank.load(bank), steps, seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("wb") as file:
        np.savez_compressed(file, **networks)  # pyright: ignore[reportArgumentType]
    card = card_text(bank, out, steps, seed)
    out.with_suffix(".md").write_text(card, encoding="utf-8")
    return card


def card_text(bank: Path, prior: Path, steps: int, seed: int) -> str:
    """What a prior is, of what it is made and how good it is, as Markdown."""
    figures = prior_figures(PosePrior.load(prior), bank)
    rows = "\n".join(
        f"| {name} | {f'{value:.1%}' if value <= 1 else f'{value:.1f} degrees'} |"
        for name, value in figures.items()
    )
    return f"""# Pose prior

A variational autoencoder of body poses (23 joints, {LATENT} latent numbers, two hidden layers of {_WIDTH}),
stored as float16 and read with numpy (`training/poses/prior.py`).

- File: `{prior.name}`, sha256 `{_sha256(prior)}`.
- Command: `python -m training poses prior --poses {bank.name} --steps {steps} --seed {seed}`.
- Data: the training clips of the free pose bank, sha256
  `{_sha256(bank)}`; no
  clip of `validation_clips.txt`. Mostly CMU motion capture (mocap.cs.cmu.edu, NSF EIA-0196217; free to use).
- Licence: GPL-3.0-or-later, as the code.

| Measured | |
| --- | --- |
{rows}

Samples are decoded from plain Gaussian numbers, before any test. Distances are weighted rms joint angles,
the pelvis left out.
"""


def _train(poses: PoseBank, steps: int, seed: int) -> dict[str, np.ndarray]:
    """The weights of both networks, float16.

    Poses and their mirror images count alike. The loss is the evidence lower bound for joint turns that are
    right to within :data:`_TOLERANCE`.
    """
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    chance = _BALANCED * poses.weights + (1 - _BALANCED) / len(poses.weights)
    ends = np.cumsum(chance)
    encoder, decoder = _network(138, 2 * LATENT), _network(LATENT, 138)
    weights = [*encoder.parameters(), *decoder.parameters()]
    optimizer = torch.optim.Adam(weights, lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps)
    for _ in tqdm(range(steps), unit=" steps", disable=None, file=sys.stderr):
        picks = np.minimum(np.searchsorted(ends, rng.random(_BATCH) * ends[-1]), len(ends) - 1)
        chosen = poses.rotations[picks]
        chosen[::2] = mirror(chosen[::2])
        given = torch.from_numpy(np.ascontiguousarray(chosen[:, 1:]))
        mean, spread = encoder(given[..., :2].reshape(_BATCH, -1)).split(LATENT, 1)
        latent = mean + torch.exp(spread / 2) * torch.randn_like(mean)
        made = _rotations(decoder(latent))
        # A turn by a small angle changes the matrix by 2 angle^2 in all.
        miss = (made - given).square().sum((1, 2, 3)) / (4 * _TOLERANCE**2)
        divergence = (mean.square() + spread.exp() - 1 - spread).sum(1) / 2
        loss = (miss + divergence).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 100.0)
        optimizer.step()
        schedule.step()
    return {**_arrays("encoder", encoder), **_arrays("decoder", decoder)}


def _network(inputs: int, outputs: int) -> torch.nn.Sequential:
    from torch import nn

    return nn.Sequential(
        nn.Linear(inputs, _WIDTH), nn.LeakyReLU(SLOPE),
        nn.Linear(_WIDTH, _WIDTH), nn.LeakyReLU(SLOPE),
        nn.Linear(_WIDTH, outputs),
    )  # fmt: skip


def _rotations(six: torch.Tensor) -> torch.Tensor:
    """The same as :func:`prior.from_six`, with gradients."""
    import torch
    from torch.nn import functional

    columns = six.reshape(len(six), -1, 3, 2)
    x = functional.normalize(columns[..., 0], dim=-1)
    y = functional.normalize(columns[..., 1] - (x * columns[..., 1]).sum(-1, keepdim=True) * x, dim=-1)
    return torch.stack([x, y, torch.linalg.cross(x, y)], -1)


def _arrays(part: str, network: torch.nn.Sequential) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}
    for k, layer in enumerate(list(network)[::2]):
        weight, bias = (p.detach().numpy() for p in layer.parameters())
        arrays[f"{part}{k}_weight"] = weight.T.astype(np.float16)
        arrays[f"{part}{k}_bias"] = bias.astype(np.float16)
    return arrays


def _sha256(path: Path) -> str:
    """Checksum of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
