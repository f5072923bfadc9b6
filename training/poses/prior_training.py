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

if TYPE_CHECKING:
    import torch

_WIDTH = 256
_BATCH = 256

#: Radians by which a joint may miss before that costs as much as telling the pose more precisely.
_TOLERANCE = 0.1

#: Of the poses of a batch, how many come by their kind's share; the others as captured.
_BALANCED = 0.5


def train_prior(bank: Path, out: Path, steps: int, seed: int) -> PosePrior:
    """Train on a bank's training clips, on one CPU core, and write ``out``.

    Both halves of the data, the poses and their mirror images, count alike. The loss is the evidence lower
    bound for joint turns that are right to within :data:`_TOLERANCE`.
    """
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    poses = PoseBank.load(bank)
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
    arrays = {**_arrays("encoder", encoder), **_arrays("decoder", decoder)}
    with out.open("wb") as file:
        np.savez_compressed(file, **arrays)  # pyright: ignore[reportArgumentType]
    return PosePrior.load(out)


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


def sha256(path: Path) -> str:
    """Checksum of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
