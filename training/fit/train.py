"""What the keypoint network is trained with: configuration, batches, losses, validation. The loop is in loop.py."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from backend.errors import InputError
from backend.keypoints import NetworkOutput, decode_heatmaps, exchanged, likelier_reading
from backend.models.keypoint_network import INPUT_SIZE, OUTPUT_NAMES, SIZES, KeypointNetwork, NetworkOutputs
from backend.skeleton import BONE_MIRROR, KEYPOINT_MIRROR

from . import loop
from .batches import Batch, box_side, make_batch
from .loop import Arrays, Schedule, Trainer
from .losses import (
    STEEP,
    depth_order_loss,
    direction_loss,
    foreshortening_loss,
    heatmap_loss,
    length_loss,
    parallel_loss,
    shape_loss,
    visibility_loss,
)
from .stored import Stored

#: Parts that weights from before they were thought of lack: they start fresh.
NEW_HEADS = ("figure", "exchange")

#: Factor of each loss.
LOSS_WEIGHTS = {
    "heatmap": 1.0,
    "direction": 1.5,
    "foreshortening": 1.0,
    "parallel": 0.5,
    "depth_order": 0.5,
    "visibility": 0.2,
    "presence": 0.2,
    "betas": 0.3,
    "lengths": 0.5,
    "draft": 0.3,
    "exchanged": 1.5,
}


#: How much the true reading counts where the network has chosen the other one.
TRUE_READING = 0.25


@dataclass(frozen=True)
class TrainConfig(Schedule):
    """One experiment; the YAML files in training/configs hold these fields and the schedule's.

    Attributes:
        size: S, M or L, a key of SIZES.
        drawings: drawings to make for training.
        first_drawings: training starts when so many are there.
        parts: share of upright figures that are cut off at the waist, the chest or the hips.
        reinked: share of drawings whose lines and tones are changed by chance; fewer at the end of a training.
        only: heads to train alone, while all else of the network stays as it is; none trains everything.
        weights: factor of each loss by name; the YAML names those that differ from LOSS_WEIGHTS. Without
            ``exchanged`` a figure counts in its true reading alone.
    """

    size: str = "S"
    drawings: int = 160_000
    first_drawings: int = 8_192
    parts: float = 0.1
    reinked: float = 1.0
    only: tuple[str, ...] = ()
    weights: dict[str, float] = field(default_factory=lambda: dict(LOSS_WEIGHTS))

    def __post_init__(self) -> None:
        # The class is frozen, and YAML knows neither tuples nor what the other losses weigh.
        object.__setattr__(self, "only", tuple(self.only))
        object.__setattr__(self, "weights", LOSS_WEIGHTS | self.weights)
        if unknown := self.weights.keys() - LOSS_WEIGHTS.keys():
            raise ValueError(f"it weighs a loss that is none, {', '.join(sorted(unknown))}")
        if self.size not in SIZES:
            raise ValueError(f"there is no size {self.size}, but S, M and L")


def arrays_of(batch: Batch) -> Arrays:
    """The arrays of a batch that the losses need, by name; the network's input is ``images``."""
    arrays = {f.name: getattr(batch, f.name) for f in fields(batch)}
    arrays["images"] = arrays.pop("crops")
    return arrays


def make_arrays(
    drawings: Stored, config: TrainConfig, indices: np.ndarray, rng: np.random.Generator
) -> Arrays:
    """The batch of those drawings, cropped and re-inked by chance."""
    return arrays_of(make_batch(drawings, indices, INPUT_SIZE, rng, config.parts, config.reinked))


def make_trainer(
    config: TrainConfig, folder: Path, device: str = "cpu", bfloat16: bool | None = None
) -> Trainer:
    """The keypoint network with fresh weights, ready to be trained; the arguments are Trainer's.

    Raises:
        InputError: the device is not there, or the network has none of the heads that are to be trained.
    """
    torch.manual_seed(config.seed)
    network = KeypointNetwork(SIZES[config.size])
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not config.only or name.split(".")[0] in config.only)
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise InputError(f"The network has no head {', '.join(config.only)}; see the configuration's 'only'.")
    return Trainer(
        network,
        partial(losses_of, as_labelled=not config.weights["exchanged"]),
        config.weights,
        config,
        folder,
        device,
        bfloat16=bfloat16,
        frozen=bool(config.only),
    )


def losses_of(
    outputs: NetworkOutputs, data: dict[str, Tensor], *, as_labelled: bool = False
) -> dict[str, Tensor]:
    """Every loss by name; ``data`` holds a batch's arrays as tensors. With ``as_labelled`` the true reading counts.

    Otherwise a figure counts for the greater part in the reading that the network has chosen, be it the true one or the
    one with left and right exchanged and depth reversed: where a drawing does not tell them apart, the mean of both
    would be neither. Which of the two it was is what ``exchanged`` learns (the least of several losses, after
    Guzman-Rivera et al., "Multiple choice learning", 2012).
    """
    straight, crossed = _reading_losses(outputs, data), _reading_losses(outputs, other_reading(data))
    better = torch.stack([LOSS_WEIGHTS[name] * (straight[name] - crossed[name]) for name in _TELLING]).sum(0)
    turned = torch.zeros_like(better, dtype=torch.bool) if as_labelled else better > 0
    chosen = {name: torch.where(turned, crossed[name], straight[name]) for name in straight}
    losses = {name: chosen[name].lerp(straight[name], TRUE_READING).mean() for name in straight}
    losses["betas"] = shape_loss(outputs.betas.float(), data["betas"]).mean()
    losses["exchanged"] = visibility_loss(outputs.exchanged[:, None], turned[:, None].float()).mean()
    return losses


#: The losses by which a reading is the better one.
_TELLING = ("heatmap", "direction")


def _reading_losses(outputs: NetworkOutputs, data: dict[str, Tensor]) -> dict[str, Tensor]:
    """(N,) losses by name that depend on which side is left."""
    bones = data["bones"]
    toward = outputs.directions, data["directions"], bones
    return {
        "heatmap": heatmap_loss(outputs.heatmaps, data["keypoints"], data["inside"]),
        "direction": direction_loss(*toward),
        "foreshortening": foreshortening_loss(*toward),
        "parallel": parallel_loss(*toward),
        "depth_order": depth_order_loss(*toward),
        "visibility": visibility_loss(outputs.visibility, data["visible"]),
        "presence": visibility_loss(outputs.presence, data["present"]),
        "lengths": length_loss(outputs.lengths.float(), data["lengths"], bones),
        "draft": torch.zeros_like(bones[:, 0])
        if outputs.draft is None
        else heatmap_loss(outputs.draft, data["keypoints"], data["inside"]),
    }


def other_reading(data: dict[str, Tensor]) -> dict[str, Tensor]:
    """The labels of the other reading of the same drawings: left and right exchanged, depth reversed."""
    keypoints, bones = list(KEYPOINT_MIRROR), list(BONE_MIRROR)
    labels = {name: data[name][:, keypoints] for name in ("keypoints", "inside", "visible", "present")}
    labels |= {name: data[name][:, bones] for name in ("bones", "lengths")}
    back = torch.tensor([1.0, 1.0, -1.0], device=data["directions"].device)
    return labels | {"directions": data["directions"][:, bones] * back}


@torch.no_grad()
def validate(
    network: torch.nn.Module,
    drawings: Stored,
    count: int,
    device: torch.device,
    bfloat16: bool = False,
    *,
    as_told: bool = False,
) -> dict[str, float]:
    """Quick figures of the network's own answers on the first ``count`` of the drawings.

    With ``as_told`` its first reading counts, for networks that have not learnt which one is the likelier.

    Returns:
        PCK of the box (``pck10``, ``pck05``); mean angles of bones in space and in the picture, degrees
        (``bone_angle``, ``angle_2d``); the first in the better of the two readings (``either``); and the share of
        steep bones whose depth has the right sign (``front_behind``).
    """
    network.eval()
    errors, angles, better, turns, signs = [], [], [], [], []
    for start in range(0, count, 128):
        batch = make_batch(drawings, np.arange(start, min(start + 128, count)), INPUT_SIZE)
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            outputs: NetworkOutputs = network(batch.crops.to(device))
        told = {name: getattr(outputs, name).float().cpu().numpy() for name in OUTPUT_NAMES}
        output = NetworkOutput.of(told) if as_told else likelier_reading(NetworkOutput.of(told))
        places, _ = decode_heatmaps(output.heatmaps)
        error = np.linalg.norm(places - batch.keypoints, axis=-1) / box_side(INPUT_SIZE)
        errors.append(error[batch.inside > 0])
        drawn, count_drawn = batch.bones > 0, np.maximum(batch.bones.sum(1), 1)
        both = [
            np.degrees(np.arccos(np.clip((reading.directions * batch.directions).sum(-1), -1, 1)))
            for reading in (output, exchanged(output))
        ]
        angles.append(both[0][drawn])
        better.append(np.min([(angle * drawn).sum(1) / count_drawn for angle in both], 0))
        predicted, true = output.directions[drawn], batch.directions[drawn]
        mine, theirs = predicted[:, :2], true[:, :2]
        cross = mine[:, 0] * theirs[:, 1] - mine[:, 1] * theirs[:, 0]
        seen = np.linalg.norm(theirs, axis=1) > STEEP
        turns.append(np.degrees(np.abs(np.arctan2(cross, (mine * theirs).sum(1))))[seen])
        steep = np.abs(true[:, 2]) > STEEP
        signs.append((predicted[:, 2] * true[:, 2] > 0)[steep])
    error = np.concatenate(errors)
    return {
        "pck10": float((error < 0.1).mean()),
        "pck05": float((error < 0.05).mean()),
        "bone_angle": float(np.concatenate(angles).mean()),
        "either": float(np.concatenate(better).mean()),
        "angle_2d": float(np.concatenate(turns).mean()),
        "front_behind": float(np.concatenate(signs).mean()),
    }


def fit(
    trainer: Trainer,
    config: TrainConfig,
    train: Stored,
    validation: Stored,
    minutes: float = float("inf"),
    report: float = 120.0,
    anneal: bool = False,
) -> None:
    """Train on drawings, reporting on others that are never trained on; the rest as of loop.fit."""
    loop.fit(
        trainer,
        train,
        partial(make_arrays, train, config),
        lambda: validate(
            trainer.average,
            validation,
            min(1024, len(validation)),
            trainer.device,
            bool(trainer.bfloat16),
            as_told=not config.weights["exchanged"],
        ),
        minutes,
        report,
        anneal,
    )


def load_average(folder: Path) -> KeypointNetwork:
    """The averaged network of a run's checkpoint. Raises InputError when there is none."""
    network = loop.load_average(folder, lambda config: KeypointNetwork(SIZES[config.get("size", "S")]))
    assert isinstance(network, KeypointNetwork)
    return network
