"""The training loop of the keypoint network: resumable, from a seed, on as many drawings as there are yet."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from accelerate import Accelerator
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from backend.errors import InputError
from backend.keypoints import decode_heatmaps
from backend.models.keypoint_network import INPUT_SIZE, SIZES, KeypointNetwork, NetworkOutputs

from .batches import Batch, box_side, make_batch
from .losses import (
    depth_order_loss,
    direction_loss,
    foreshortening_loss,
    heatmap_loss,
    length_loss,
    parallel_loss,
    shape_loss,
    visibility_loss,
)
from .shards import Shards

#: Heads that weights from before they were thought of lack: they start at random.
_NEW_HEADS = ("present", "shape", "length")

_OTHER_NETWORK = "{} holds the numbers of another network; use --no-warm-start."

#: Factor of each loss.
LOSS_WEIGHTS = {
    "heatmap": 1.0,
    "direction": 3.0,
    "foreshortening": 1.0,
    "parallel": 0.5,
    "depth_order": 0.5,
    "visibility": 0.2,
    "presence": 0.2,
    "betas": 0.1,
    "lengths": 0.5,
}


@dataclass(frozen=True)
class TrainConfig:
    """One experiment; the YAML files in training/configs hold these fields.

    Attributes:
        size: S, M or L, a key of SIZES.
        samples: crops to see in the whole run.
        batch: crops a step, of all processes together.
        rate: peak learning rate of AdamW.
        warmup: share of the run in which the rate rises to its peak.
        decay: share of the run, at its end, in which the rate falls to zero.
        weight_decay: of AdamW.
        ema: decay per step of the averaged weights, which are what ships.
        seed: of initial weights, order and augmentation.
        drawings: drawings to make for training.
        first_drawings: training starts when so many are there.
        parts: share of upright figures that are cut off at the waist, the chest or the hips.
        only: heads to train alone, while all else of the network stays as it is; none trains everything.
        weights: factor of each loss by name; the YAML names those that differ from LOSS_WEIGHTS.
    """

    size: str = "S"
    samples: int = 1_000_000
    batch: int = 64
    rate: float = 1.5e-3
    warmup: float = 0.02
    decay: float = 0.35
    weight_decay: float = 0.03
    ema: float = 0.999
    seed: int = 1
    drawings: int = 160_000
    first_drawings: int = 8_192
    parts: float = 0.1
    only: tuple[str, ...] = ()
    weights: dict[str, float] = field(default_factory=lambda: dict(LOSS_WEIGHTS))

    @classmethod
    def read(cls, path: Path) -> TrainConfig:
        """Read a YAML file. Raises InputError for a missing file or an unknown field."""
        try:
            fields = dict(yaml.safe_load(path.read_text()) or {})
            weights = LOSS_WEIGHTS | fields.get("weights", {})
            config = cls(**{**fields, "weights": weights, "only": tuple(fields.get("only", ()))})
        except (OSError, TypeError, ValueError, yaml.YAMLError) as error:
            raise InputError(f"The configuration {path} cannot be used: {error}.") from error
        if unknown := set(config.weights) - set(LOSS_WEIGHTS):
            raise InputError(
                f"The configuration {path} weighs a loss that is none: {', '.join(sorted(unknown))}."
            )
        if config.size not in SIZES:
            raise InputError(f"The configuration {path} has no size {config.size}; give S, M or L.")
        return config


def learning_rate(config: TrainConfig, seen: int) -> float:
    """Rate after ``seen`` samples: linear warm-up, a plateau, and a cosine-shaped fall to zero."""
    progress = min(seen / config.samples, 1.0)
    if progress < config.warmup:
        return config.rate * progress / config.warmup
    fall = (progress - (1 - config.decay)) / config.decay
    return config.rate * (0.5 + 0.5 * math.cos(math.pi * max(fall, 0.0)))


class Batches(Dataset):
    """The batch that follows after any number of samples, of this process of several.

    A generator a batch, keyed by the count of samples: with as many drawings on disk, a resumed run sees what
    a whole one would, and so does a run that reads ahead with worker processes.
    """

    def __init__(self, drawings: Shards, config: TrainConfig, process: int = 0, processes: int = 1) -> None:
        self.drawings = drawings
        self.config = config
        self.process = process
        self.processes = processes

    def __getitem__(self, seen: int) -> dict[str, np.ndarray]:
        """The batch after ``seen`` samples, as arrays by name."""
        rng = np.random.default_rng((self.config.seed, seen))
        indices = rng.integers(0, len(self.drawings), self.config.batch)
        if self.processes > 1:
            indices = indices[self.process :: self.processes]
            rng = np.random.default_rng((self.config.seed, seen, self.process))
        return arrays_of(make_batch(self.drawings, indices, INPUT_SIZE, rng, self.config.parts))


def arrays_of(batch: Batch) -> dict[str, np.ndarray]:
    """The arrays of a batch that the losses need, by name."""
    return {f.name: getattr(batch, f.name) for f in fields(batch) if f.name not in ("facing", "style")}


class Trainer:
    """Network, averaged weights, optimiser and the count of samples seen; saved and resumed as one.

    Accelerate spreads it over processes and hosts: ``accelerate launch`` or ``torchrun`` starts them, each with
    its share of every batch.
    """

    def __init__(
        self, config: TrainConfig, folder: Path, device: str = "cpu", bfloat16: bool | None = None
    ) -> None:
        """Make fresh weights.

        Args:
            config: the experiment.
            folder: where the state is kept.
            device: cpu, cuda or mps.
            bfloat16: whether layers compute in bfloat16; None takes what a few timed steps show to be faster,
                since many processors have the type and are slower with it.

        Raises:
            InputError: the device is not there.
        """
        self.accelerator = Accelerator(cpu=device == "cpu", log_with="tensorboard", project_dir=folder)
        if self.accelerator.device.type != device:
            raise InputError(
                f"There is no device {device} here; give --device {self.accelerator.device.type}."
            )
        torch.manual_seed(config.seed)
        self.config = config
        self.folder = folder
        network = KeypointNetwork(SIZES[config.size])
        for parameter in network.parameters():
            if parameter.ndim == 4:  # channels-last kernels are faster on CPUs and tensor cores alike
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(not config.only or name.split(".")[0] in config.only)
        trained = [p for p in network.parameters() if p.requires_grad]
        if not trained:
            raise InputError(
                f"The network has no head {', '.join(config.only)}; see the configuration's 'only'."
            )
        decayed = [p for p in trained if p.ndim > 1]
        others = [p for p in trained if p.ndim <= 1]
        optimiser = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": config.weight_decay},
                {"params": others, "weight_decay": 0.0},
            ],
            lr=config.rate,
        )
        self.network, self.optimiser = self.accelerator.prepare(network, optimiser)
        self.average = copy.deepcopy(self.bare_network).eval().requires_grad_(False)
        self.seen = 0
        self.hours = 0.0
        self.bfloat16 = self._is_faster_in_bfloat16() if bfloat16 is None else bfloat16

    @property
    def device(self) -> torch.device:
        """Where this process computes."""
        return self.accelerator.device

    @property
    def bare_network(self) -> KeypointNetwork:
        """The network itself, without what spreads it over processes."""
        return self.accelerator.unwrap_model(self.network)

    def agree(self, wish: bool) -> bool:
        """Whether any process wishes it: all of them leave a loop together."""
        if self.accelerator.num_processes == 1:
            return wish
        wishes = self.accelerator.reduce(torch.tensor(float(wish), device=self.device))
        return bool(torch.as_tensor(wishes) > 0)

    def _is_faster_in_bfloat16(self) -> bool:
        network = copy.deepcopy(self.bare_network)
        crops = torch.zeros(16, 1, INPUT_SIZE, INPUT_SIZE, device=self.device)

        def seconds(enabled: bool) -> float:
            start = time.perf_counter()
            with torch.autocast(self.device.type, torch.bfloat16, enabled=enabled):
                outputs = network(crops)
            torch.stack([output.float().mean() for output in outputs]).sum().backward()
            if self.device.type == "cuda":
                torch.cuda.synchronize()
            return time.perf_counter() - start

        return self.agree(min(seconds(True) for _ in range(3)) < min(seconds(False) for _ in range(3)))

    @property
    def checkpoint(self) -> Path:
        """Where the full state is kept."""
        return self.folder / "checkpoint.pt"

    def resume(self, warm_start: Path | None = None) -> str:
        """Go on from the checkpoint, else from committed averaged weights, else from nothing.

        Returns what was done, for the log.
        """
        if self.checkpoint.is_file():
            state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
            self.bare_network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.seen, self.hours = state["seen"], state["hours"]
            return f"resumed after {self.seen} samples"
        if warm_start is not None and warm_start.is_file():
            from safetensors.torch import load_file

            try:
                missing, unexpected = self.bare_network.load_state_dict(
                    load_file(str(warm_start)), strict=False
                )
            except RuntimeError as error:
                raise InputError(_OTHER_NETWORK.format(warm_start.name)) from error
            if unexpected or any(name.split(".")[0] not in _NEW_HEADS for name in missing):
                raise InputError(_OTHER_NETWORK.format(warm_start.name))
            self.average.load_state_dict(self.bare_network.state_dict())
            return f"warm start from {warm_start.name}"
        return "fresh start"

    def save(self) -> None:
        """Write the full state; a kill in between leaves the older one."""
        if not self.accelerator.is_main_process:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.checkpoint.with_suffix(".unfinished")
        state = {
            "network": self.bare_network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "seen": self.seen,
            "hours": self.hours,
            "config": asdict(self.config),
        }
        torch.save(state, unfinished)
        unfinished.rename(self.checkpoint)

    def step(self, data: dict[str, Any]) -> dict[str, float]:
        """One optimiser step on this process's part of a batch (:func:`arrays_of`). Returns the losses by name."""
        self.network.train(not self.config.only)  # what stays as it is keeps its statistics, too
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.config, self.seen)
        data = {
            name: torch.as_tensor(array).to(self.device, non_blocking=True) for name, array in data.items()
        }
        crops = data["crops"].to(memory_format=torch.channels_last)
        # Not Accelerate's mixed precision: that is chosen once a process, before anything can be timed.
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            outputs = self.network(crops)
        losses = losses_of(outputs, data)
        total = torch.stack([self.config.weights[name] * loss for name, loss in losses.items()]).sum()
        self.optimiser.zero_grad(set_to_none=True)
        self.accelerator.backward(total)
        self.accelerator.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.seen += self.config.batch
        self._average()
        values = torch.stack([loss.detach() for loss in losses.values()]).tolist()
        return dict(zip(losses, values, strict=True))

    def _average(self) -> None:
        # Early on the average follows quickly, else it would hold the random start for long.
        keep = min(self.config.ema, 1 - 10 / (10 + self.seen / self.config.batch))
        with torch.no_grad():
            mine = self.average.state_dict()
            for name, value in self.bare_network.state_dict().items():
                if value.dtype.is_floating_point:
                    mine[name].lerp_(value, 1 - keep)
                else:
                    mine[name].copy_(value)


def losses_of(outputs: NetworkOutputs, data: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Every loss by name; ``data`` holds a batch's arrays as tensors."""
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
        "betas": shape_loss(outputs.betas.float(), data["betas"]),
        "lengths": length_loss(outputs.lengths.float(), data["lengths"], bones),
    }


@torch.no_grad()
def validate(
    network: KeypointNetwork, shards: Shards, count: int, device: torch.device, bfloat16: bool = False
) -> dict[str, float]:
    """Quick figures on the first ``count`` drawings of ``shards``: PCK of the box and bone angle in degrees."""
    network.eval()
    errors, angles = [], []
    for start in range(0, count, 128):
        batch = make_batch(shards, np.arange(start, min(start + 128, count)), INPUT_SIZE)
        crops = torch.from_numpy(batch.crops).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            outputs = network(crops)
        places, _ = decode_heatmaps(outputs.heatmaps.float().cpu().numpy())
        errors.append(
            (np.linalg.norm(places - batch.keypoints, axis=-1) / box_side(INPUT_SIZE))[batch.inside > 0]
        )
        cosine = (outputs.directions.cpu().numpy() * batch.directions).sum(-1)[batch.bones > 0]
        angles.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    error = np.concatenate(errors)
    return {
        "pck10": float((error < 0.1).mean()),
        "pck05": float((error < 0.05).mean()),
        "bone_angle": float(np.concatenate(angles).mean()),
    }


def fit(
    trainer: Trainer,
    train: Shards,
    validation: Shards,
    minutes: float = math.inf,
    report: float = 120.0,
    readers: int = 0,
) -> None:
    """Train until the configured samples are seen or the minutes are over.

    Args:
        trainer: what is trained.
        train: drawings; those that are added meanwhile are found at every report.
        validation: drawings that are never trained on.
        minutes: stop after so long; another run goes on.
        report: seconds between reports, at which the state is saved.
        readers: processes that read and crop ahead; 0 does it between the steps.
    """
    config, accelerator = trainer.config, trainer.accelerator
    accelerator.init_trackers("tensorboard")
    started = time.monotonic()
    hours_before, seen_before = trainer.hours, trainer.seen
    bar = tqdm(
        total=config.samples,
        initial=trainer.seen,
        unit=" samples",
        disable=None if accelerator.is_main_process else True,
    )

    def over() -> bool:
        return trainer.seen >= config.samples or time.monotonic() - started >= 60 * minutes

    while not trainer.agree(over()):
        train.refresh()
        batches = Batches(train, config, accelerator.process_index, accelerator.num_processes)
        following = range(trainer.seen, config.samples, config.batch)
        sums: dict[str, float] = dict.fromkeys(LOSS_WEIGHTS, 0.0)
        begun, seen_then = time.monotonic(), trainer.seen
        for data in DataLoader(batches, batch_size=None, sampler=following, num_workers=readers):  # type: ignore[arg-type]
            for name, value in trainer.step(data).items():
                sums[name] += value
            bar.update(config.batch)
            if trainer.agree(over() or time.monotonic() - begun >= report):
                break
        now = time.monotonic()
        trainer.hours = hours_before + (now - started) / 3600
        trainer.save()
        if not accelerator.is_main_process:
            continue
        steps = (trainer.seen - seen_then) / config.batch
        figures = {name: total / steps for name, total in sums.items()}
        count = min(1024, len(validation))
        figures |= validate(trainer.average, validation, count, trainer.device, trainer.bfloat16)
        figures["rate"] = learning_rate(config, trainer.seen)
        figures["speed"] = (trainer.seen - seen_before) / (now - started)
        accelerator.log(figures, step=trainer.seen)
        tqdm.write(
            f"{trainer.seen:>9} samples of {len(train)} drawings, {trainer.hours:.2f} h: "
            + ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
        )
    bar.close()
    accelerator.end_training()


def load_average(folder: Path) -> KeypointNetwork:
    """The averaged network of a run's checkpoint. Raises InputError when there is none."""
    path = folder / "checkpoint.pt"
    if not path.is_file():
        raise InputError(f"There is no checkpoint in {folder}; run python -m training train first.")
    state = torch.load(path, map_location="cpu", weights_only=True)
    network = KeypointNetwork(SIZES[state["config"].get("size", "S")])
    network.load_state_dict(state["average"])
    return network.eval()
