"""The training loop of every network: resumable, from a seed, in one process or many, on as much data as there is yet.

Accelerate spreads a run over processes and hosts: ``accelerate launch`` or ``torchrun`` starts them, each with its
share of every batch.
"""

from __future__ import annotations

import copy
import math
import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import torch
import yaml
from accelerate import Accelerator, PartialState
from torch import Tensor, nn
from tqdm import tqdm

from backend.errors import InputError

from ..processes import beside, one_thread_each

#: Batches that are made before their step, on a GPU.
_AHEAD = 2

_OTHER_NETWORK = "{} holds the numbers of another network; use --no-warm-start."

#: A batch or a part of one by name, the first axis counts samples; what is not yet on the device goes there.
Arrays = dict[str, np.ndarray | Tensor]


@dataclass(frozen=True)
class Schedule:
    """How long a run lasts and how fast it learns; every experiment's configuration has these fields.

    Attributes:
        samples: samples to see in the whole run.
        batch: samples a step, of all processes together.
        rate: peak learning rate of AdamW.
        warmup: share of the run in which the rate rises to its peak.
        decay: share of the run, at its end, in which the rate falls to zero.
        weight_decay: of AdamW.
        ema: decay per step of the averaged weights, which are what ships.
        seed: of initial weights, order and augmentation.
    """

    samples: int = 1_000_000
    batch: int = 64
    rate: float = 1.5e-3
    warmup: float = 0.02
    decay: float = 0.35
    weight_decay: float = 0.03
    ema: float = 0.999
    seed: int = 1

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a YAML file. Raises InputError where it is missing, or holds what the experiment does not know."""
        try:
            return cls(**(yaml.safe_load(path.read_text()) or {}))
        except (OSError, TypeError, ValueError, yaml.YAMLError) as error:
            reason = " ".join(str(error).split())
            raise InputError(f"The configuration {path} cannot be used: {reason}.") from error


def learning_rate(schedule: Schedule, progress: float) -> float:
    """Rate at a share of the run: linear warm-up, a plateau, and a cosine-shaped fall to zero."""
    progress = min(progress, 1.0)
    if progress < schedule.warmup:
        return schedule.rate * progress / schedule.warmup
    fall = (progress - (1 - schedule.decay)) / schedule.decay
    return schedule.rate * (0.5 + 0.5 * math.cos(math.pi * max(fall, 0.0)))


class Source(Protocol):
    """Data on disk to which a drawing process may still add."""

    def __len__(self) -> int:
        """Samples that are there."""
        ...

    def refresh(self) -> int:
        """Look again. Returns the number of samples."""
        ...


class Batches:
    """The batch that follows after any number of samples, of this process of several.

    A generator a batch, keyed by the count of samples: with as much data on disk, a resumed run sees what a whole
    one would.

    Args:
        source: the data.
        schedule: gives seed and size of a batch.
        make: (indices, generator) -> the batch's arrays.
        process: number of this process.
        processes: how many there are.
    """

    def __init__(
        self,
        source: Source,
        schedule: Schedule,
        make: Callable[[np.ndarray, np.random.Generator], Arrays],
        process: int = 0,
        processes: int = 1,
    ) -> None:
        self.source = source
        self.schedule = schedule
        self.make = make
        self.process = process
        self.processes = processes

    def __getitem__(self, seen: int) -> Arrays:
        """The batch after ``seen`` samples, as arrays by name."""
        rng = np.random.default_rng((self.schedule.seed, seen))
        indices = rng.integers(0, len(self.source), self.schedule.batch)
        if self.processes > 1:
            indices = indices[self.process :: self.processes]
            rng = np.random.default_rng((self.schedule.seed, seen, self.process))
        return self.make(indices, rng)


class Trainer:
    """Network, averaged weights, optimiser and the count of samples seen; saved and resumed as one.

    Attributes:
        seen: samples.
        time_spent: share of the time that the run has, where that bounds it too; the rate follows the greater share.

    Args:
        network: with fresh weights. Parameters that need no gradient stay as they are.
        losses: (the network's output, a batch as tensors) -> losses by name.
        weights: factor of each loss by name.
        schedule: of the run.
        folder: where the state is kept.
        device: cpu, cuda or mps.
        bfloat16: whether layers compute in bfloat16; None takes what a few timed steps show to be faster, since
            many processors have the type and are slower with it.
        frozen: the layers' own statistics stay as they are, too.

    Raises:
        InputError: the device is not there, or nothing is to be trained.
    """

    def __init__(
        self,
        network: nn.Module,
        losses: Callable[[Any, dict[str, Tensor]], dict[str, Tensor]],
        weights: dict[str, float],
        schedule: Schedule,
        folder: Path,
        device: str = "cpu",
        *,
        bfloat16: bool | None = None,
        frozen: bool = False,
    ) -> None:
        self.accelerator = Accelerator(cpu=device == "cpu", log_with="tensorboard", project_dir=folder)
        if self.accelerator.device.type != device:
            raise InputError(
                f"There is no device {device} here; give --device {self.accelerator.device.type}."
            )
        self.losses = losses
        self.weights = weights
        self.schedule = schedule
        self.folder = folder
        self.frozen = frozen
        for parameter in network.parameters():
            if parameter.ndim == 4:  # channels-last kernels are faster on CPUs and tensor cores alike
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        trained = [p for p in network.parameters() if p.requires_grad]
        decayed = [p for p in trained if p.ndim > 1]
        others = [p for p in trained if p.ndim <= 1]
        optimiser = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": schedule.weight_decay},
                {"params": others, "weight_decay": 0.0},
            ],
            lr=schedule.rate,
            fused=device == "cuda",
        )
        self.network, self.optimiser = self.accelerator.prepare(network, optimiser)
        self.average = copy.deepcopy(self.bare_network).eval().requires_grad_(False)
        self.seen = 0
        self.time_spent = 0.0
        self.hours = 0.0
        self.bfloat16 = bfloat16

    @property
    def device(self) -> torch.device:
        """Where this process computes."""
        return self.accelerator.device

    @property
    def bare_network(self) -> nn.Module:
        """The network itself, without what spreads it over processes."""
        return self.accelerator.unwrap_model(self.network)

    @property
    def progress(self) -> float:
        """Share of the run that is done."""
        return max(self.seen / self.schedule.samples, self.time_spent)

    def agree(self, wish: bool) -> bool:
        """Whether any process wishes it: all of them leave a loop together."""
        return self.sum(float(wish)) > 0

    def sum(self, value: float) -> float:
        """The sum of a number over the processes."""
        if self.accelerator.num_processes == 1:
            return value
        return float(torch.as_tensor(self.accelerator.reduce(torch.tensor(value, device=self.device))))

    @property
    def checkpoint(self) -> Path:
        """Where the full state is kept."""
        return self.folder / "checkpoint.pt"

    def resume(self, warm_start: Path | None = None, new: Sequence[str] = ()) -> str:
        """Go on from the checkpoint, else from committed averaged weights, else from nothing.

        Args:
            warm_start: a .safetensors file of weights, or None.
            new: parts of the network that those weights may lack; they start at random.

        Returns:
            What was done, for the log.

        Raises:
            InputError: the weights are of another network.
        """
        if self.checkpoint.is_file():
            state = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
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
            if unexpected or any(name.split(".")[0] not in new for name in missing):
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
            "config": asdict(self.schedule),
        }
        torch.save(state, unfinished)
        unfinished.rename(self.checkpoint)

    def step(self, arrays: Arrays) -> dict[str, Tensor]:
        """One optimiser step on this process's part of a batch; ``images`` are the network's input.

        Returns:
            The losses by name, on the device: to look at them is to wait for it.
        """
        data = {
            name: torch.as_tensor(array).to(self.device, non_blocking=True) for name, array in arrays.items()
        }
        data["images"] = data["images"].to(memory_format=torch.channels_last)
        if self.bfloat16 is None:
            self.bfloat16 = self._is_faster_in_bfloat16(data["images"])
        self.network.train(not self.frozen)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.schedule, self.progress)
        # Not Accelerate's mixed precision: that is chosen once a process, before anything can be timed.
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            outputs = self.network(data["images"])
        losses = self.losses(outputs, data)
        total = torch.stack([self.weights[name] * loss for name, loss in losses.items()]).sum()
        self.optimiser.zero_grad(set_to_none=True)
        self.accelerator.backward(total)
        self.accelerator.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.seen += self.schedule.batch
        self._average()
        return {name: loss.detach() for name, loss in losses.items()}

    def _is_faster_in_bfloat16(self, images: Tensor) -> bool:
        network = copy.deepcopy(self.bare_network)
        some = images[:16] if self.device.type == "cpu" else images  # a GPU hardly feels sixteen

        def seconds(enabled: bool) -> float:
            start = time.perf_counter()
            with torch.autocast(self.device.type, torch.bfloat16, enabled=enabled):
                outputs = network(some)
            torch.stack([o.float().mean() for o in outputs if o is not None]).sum().backward()
            if self.device.type == "cuda":
                torch.cuda.synchronize()
            return time.perf_counter() - start

        return self.agree(min(seconds(True) for _ in range(3)) < min(seconds(False) for _ in range(3)))

    def _average(self) -> None:
        # Early on the average follows quickly, else it would hold the random start for long.
        keep = min(self.schedule.ema, 1 - 10 / (10 + self.seen / self.schedule.batch))
        with torch.no_grad():
            pairs = list(
                zip(self.average.state_dict().values(), self.bare_network.state_dict().values(), strict=True)
            )
            numbers = [(mine, value) for mine, value in pairs if value.dtype.is_floating_point]
            torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]
                [mine for mine, _ in numbers], [value for _, value in numbers], 1 - keep
            )
            for mine, value in pairs:  # the counts of batches
                if not value.dtype.is_floating_point:
                    mine.copy_(value)


def fit(
    trainer: Trainer,
    source: Source,
    make: Callable[[np.ndarray, np.random.Generator], Arrays],
    validate: Callable[[], dict[str, float]],
    minutes: float = math.inf,
    report: float = 120.0,
    anneal: bool = False,
) -> None:
    """Train until the scheduled samples are seen or the minutes are over.

    Args:
        trainer: what is trained.
        source: the data; what is added meanwhile is found at every report.
        make: (indices, generator) -> a batch's arrays.
        validate: figures of the averaged network, for the report.
        minutes: stop after so long; another run goes on.
        report: seconds between reports, at which the state is saved.
        anneal: the learning rate falls to zero by the end of ``minutes``, as if no other run could go on.
    """
    schedule, accelerator = trainer.schedule, trainer.accelerator
    accelerator.init_trackers("tensorboard")
    started = time.monotonic()
    hours_before, seen_before = trainer.hours, trainer.seen
    bar = tqdm(
        total=schedule.samples,
        initial=trainer.seen,
        unit=" samples",
        disable=None if accelerator.is_main_process else True,
    )
    batches = Batches(source, schedule, make, accelerator.process_index, accelerator.num_processes)

    def over() -> bool:
        return trainer.seen >= schedule.samples or time.monotonic() - started >= 60 * minutes

    try:
        while not trainer.agree(over()):
            source.refresh()
            following = range(trainer.seen, schedule.samples, schedule.batch)
            sums = {name: torch.zeros((), device=trainer.device) for name in trainer.weights}
            begun, seen_then = time.monotonic(), trainer.seen
            coming = ahead(batches, following, trainer.device)
            for arrays in coming:
                if anneal:
                    spent = (time.monotonic() - started) / (60 * minutes)
                    trainer.time_spent = trainer.sum(spent) / accelerator.num_processes
                for name, value in trainer.step(arrays).items():
                    sums[name] += value
                bar.update(schedule.batch)
                if trainer.agree(over() or time.monotonic() - begun >= report):
                    break
            coming.close()
            now = time.monotonic()
            trainer.hours = hours_before + (now - started) / 3600
            trainer.save()
            if not accelerator.is_main_process:
                continue
            steps = (trainer.seen - seen_then) / schedule.batch
            figures = {name: float(total) / steps for name, total in sums.items()} | validate()
            figures["rate"] = learning_rate(schedule, trainer.progress)
            figures["speed"] = (trainer.seen - seen_before) / (now - started)
            accelerator.log(figures, step=trainer.seen)
            tqdm.write(
                f"{trainer.seen:>9} samples of {len(source)} on disk, {trainer.hours:.2f} h: "
                + ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
            )
    except KeyboardInterrupt:  # a run that is stopped by hand goes on from where it was
        trainer.hours = hours_before + (time.monotonic() - started) / 3600
        trainer.save()
        raise
    finally:
        bar.close()
    accelerator.end_training()


def ahead(batches: Batches, following: Iterable[int], device: torch.device) -> Generator[Arrays, None, None]:
    """Batches one after the other; for a GPU each is made beside the step before it, by a thread with its own stream.

    Args:
        batches: of one process.
        following: the counts of samples after which they are wanted.
        device: where the network learns.
    """
    if device.type != "cuda":
        yield from (batches[seen] for seen in following)
        return
    stream = torch.cuda.Stream(device)

    def made(seen: int) -> dict[str, Tensor]:
        with torch.cuda.stream(stream):
            data = {name: torch.as_tensor(array).to(device) for name, array in batches[seen].items()}
            stream.synchronize()
        return data

    with ThreadPoolExecutor(1) as thread:
        waiting: deque[Future[dict[str, Tensor]]] = deque()
        following = iter(following)
        waiting.extend(thread.submit(made, seen) for seen in islice(following, _AHEAD))
        while waiting:
            data = waiting.popleft().result()
            waiting.extend(thread.submit(made, seen) for seen in islice(following, 1))
            for tensor in data.values():  # its memory is not free before this stream has read it
                tensor.record_stream(torch.cuda.current_stream(device))
            yield {**data}


def load_average(folder: Path, make: Callable[[dict[str, Any]], nn.Module]) -> nn.Module:
    """The averaged network of a run's checkpoint.

    Args:
        folder: of the run.
        make: the run's configuration -> a network that the weights fit.

    Raises:
        InputError: there is no checkpoint.
    """
    path = folder / "checkpoint.pt"
    if not path.is_file():
        raise InputError(f"There is no checkpoint in {folder}; run the training first.")
    state = torch.load(path, map_location="cpu", weights_only=True)
    network = make(state["config"])
    network.load_state_dict(state["average"])
    return network.eval()


@contextmanager
def drawn_beside(
    draw: Callable[..., None],
    folder: Path,
    jobs: Sequence[Any],
    arguments: Sequence[Any],
    drawers: int,
    first: Callable[[], tuple[int, int]],
) -> Iterator[None]:
    """Processes that draw while the block trains, begun when enough is there; they end with the block.

    Args:
        draw: ``draw(folder, jobs, *arguments)``.
        folder: where the shards go.
        jobs: what is to be drawn, in this order.
        arguments: further ones of ``draw``.
        drawers: processes; 0 draws all first. The first of several training processes has them all.
        first: samples that are there, and that training needs to begin.

    Raises:
        InputError: the drawing processes ended early.
    """
    process = PartialState()
    if not drawers:
        with process.main_process_first():  # the others find everything drawn
            draw(folder, jobs, *arguments)
    context = multiprocessing.get_context("spawn")
    running = [
        context.Process(target=beside, args=(draw, folder, jobs[k::drawers], *arguments), daemon=True)
        for k in range(drawers if process.is_main_process else 0)
    ]
    with one_thread_each():
        for drawer in running:
            drawer.start()
    try:
        while (have := first())[0] < have[1]:
            ended = process.is_main_process and not any(drawer.is_alive() for drawer in running)
            if ended and (again := first())[0] < again[1]:
                raise InputError("The drawing processes ended early; look at the message above.")
            process.print(f"Drawing: {have[0]} of the first {have[1]} ...", flush=True)
            time.sleep(5)
        yield
    finally:
        for drawer in running:
            drawer.terminate()
