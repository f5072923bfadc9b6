"""The finished shards of a folder, read back to where the network computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor


class Stored:
    """Pictures with their labels, from folders of .npy files; ``refresh`` finds shards that were added since.

    Labels are kept in memory. Pictures are memory maps, or the device holds all of them itself, so that no step
    waits for this one's memory.

    Args:
        folder: of the shards, all of one size; those with another name than a number do not count.
        picture: name of the array that holds the pictures. All others are labels.
        device: where pictures are wanted.
        hold: whether the device holds them; None for any but a CPU.
    """

    def __init__(
        self, folder: Path, picture: str, device: torch.device | str = "cpu", *, hold: bool | None = None
    ) -> None:
        self.folder = folder
        self.picture = picture
        self.device = torch.device(device)
        self._labels: dict[str, dict[str, np.ndarray]] = {}
        self._pictures: list[np.ndarray] = []
        self.hold = self.device.type != "cpu" if hold is None else hold
        self._held: list[Tensor] = []
        self._first = np.zeros(1, np.int64)
        self._sorted: dict[str, np.ndarray] = {}
        self._rows = np.empty(0, np.int64)
        self.refresh()

    def refresh(self) -> int:
        """Look again. Returns the number of pictures."""
        found = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        new = [path for path in found if path.name.isdigit() and path.name not in self._labels]
        for path in new:
            files = [file for file in path.glob("*.npy") if file.stem != self.picture]
            self._labels[path.name] = {file.stem: np.load(file) for file in files}
            self._pictures.append(np.load(path / f"{self.picture}.npy", mmap_mode="r"))
        if new:
            # They are counted in the order of their shards' names, whenever these came.
            names = list(self._labels)
            order = np.argsort(names)
            shards = [self._labels[names[k]] for k in order]
            self._sorted = {name: np.concatenate([shard[name] for shard in shards]) for name in shards[0]}
            rows = len(self._pictures[0])
            self._rows = (order[:, None] * rows + np.arange(rows)).ravel()
            if self.hold:
                self._take(self._pictures[-len(new) :])
        return len(self)

    def __len__(self) -> int:
        return len(self._rows)

    def pictures(self, indices: np.ndarray) -> Tensor:
        """The pictures ``indices``, (N, H, W) uint8 on the device."""
        rows = self._rows[indices]
        if self._held:
            return self._gathered(rows)
        shards, within = np.divmod(rows, len(self._pictures[0]))
        return torch.from_numpy(np.stack([self._pictures[s][k] for s, k in zip(shards, within, strict=True)]))

    def _take(self, pictures: list[np.ndarray]) -> None:
        """Bring pictures to the device: what it has already is not copied, for a copy may not have room there."""
        added = torch.empty(
            (sum(map(len, pictures)), *pictures[0].shape[1:]), dtype=torch.uint8, device=self.device
        )
        for place, shard in zip(added.split(len(pictures[0])), pictures, strict=True):
            place.copy_(torch.from_numpy(np.array(shard)))
        self._held.append(added)
        self._first = np.append(self._first, self._first[-1] + len(added))

    def _gathered(self, rows: np.ndarray) -> Tensor:
        """Of the pictures on the device those in ``rows``, counted in the order in which they came there."""
        pictures = torch.empty((len(rows), *self._held[0].shape[1:]), dtype=torch.uint8, device=self.device)
        of = np.searchsorted(self._first, rows, "right") - 1
        for k, held in enumerate(self._held):
            at = np.flatnonzero(of == k)
            here = torch.from_numpy(np.stack([at, rows[at] - self._first[k]])).to(self.device)
            pictures[here[0]] = held[here[1]]
        return pictures

    def labels(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """The labels of the pictures ``indices`` by name, the first axis counts pictures."""
        return {name: array[indices] for name, array in self._sorted.items()}
