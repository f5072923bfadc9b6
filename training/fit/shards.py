"""Drawings on disk: shards of plain arrays that are made from their seed and read as memory maps."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.skeleton import N_BONES, N_KEYPOINTS

from ..drawing.anatomy import load_anatomy
from ..drawing.machine import STORED, DrawingMachine
from ..poses.bank import PoseBank

#: Drawings in one shard.
SHARD = 1024

#: Validation drawings have seeds from here on, far from those of training.
VALIDATION_SEED = 1 << 40

_ARRAYS = {
    "image": ((STORED, STORED), np.uint8),
    "keypoints": ((N_KEYPOINTS, 2), np.float32),
    "directions": ((N_BONES, 3), np.float32),
    "visible": ((N_KEYPOINTS,), bool),
    "facing": ((), np.float32),
    "style": ((), np.uint8),
}


def state_folder() -> Path:
    """Where training keeps data and full checkpoints: $SKETCH2POSE_STATE or ~/.cache/sketch2pose."""
    return Path(os.environ.get("SKETCH2POSE_STATE", Path.home() / ".cache" / "sketch2pose"))


def write_shard(folder: Path, index: int, machine: DrawingMachine, seed: int) -> None:
    """Draw shard ``index``: drawings with the seeds ``seed + index * SHARD`` and on. Appears whole or not at all."""
    unfinished = folder / f"{index:05d}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    arrays = {name: np.empty((SHARD, *shape), dtype) for name, (shape, dtype) in _ARRAYS.items()}
    for row in range(SHARD):
        drawing = machine.draw(seed + index * SHARD + row)
        for name, array in arrays.items():
            array[row] = getattr(drawing, name)
    for name, array in arrays.items():
        np.save(unfinished / f"{name}.npy", array)
    unfinished.rename(folder / f"{index:05d}")


def draw_shards(
    folder: Path, indices: Iterable[int], poses: Path, seed: int, validation: bool = False
) -> None:
    """Draw those of the shards that are not there yet, one after the other."""
    machine: DrawingMachine | None = None
    for index in indices:
        if (folder / f"{index:05d}").exists():
            continue
        machine = machine or DrawingMachine(PoseBank.load(poses, validation), load_anatomy())
        write_shard(folder, index, machine, seed)


def draw_in_background(folder: Path, indices: Iterable[int], poses: Path, seed: int) -> None:
    """As :func:`draw_shards`, in a process of its own, which its parent ends; Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    draw_shards(folder, indices, poses, seed)


@dataclass
class Shards:
    """The finished shards of a folder, as memory maps; ``refresh`` finds those that were added since."""

    folder: Path

    def __post_init__(self) -> None:
        self._maps: dict[str, dict[str, np.ndarray]] = {}
        self._names: list[str] = []
        self.refresh()

    def refresh(self) -> int:
        """Look again. Returns the number of drawings."""
        if self.folder.is_dir():
            for path in sorted(self.folder.iterdir()):
                if path.name.isdigit() and path.name not in self._maps:
                    self._maps[path.name] = {
                        name: np.load(path / f"{name}.npy", mmap_mode="r") for name in _ARRAYS
                    }
        self._names = sorted(self._maps)
        return len(self)

    def __len__(self) -> int:
        return len(self._names) * SHARD

    def get(self, index: int) -> dict[str, np.ndarray]:
        """Drawing ``index`` as arrays by name (image, keypoints, directions, visible, facing, style)."""
        maps = self._maps[self._names[index // SHARD]]
        return {name: array[index % SHARD] for name, array in maps.items()}
