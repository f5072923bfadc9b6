"""The finished shards of a folder, read back to where the network computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor


class Stored:
    """Pictures with their labels, from folders of .npy files; ``refresh`` finds shards that were added since.

    Labels are kept in memory. Pictures are memory maps on a CPU; any other device holds all of them itself,
    so that no step waits for this one's memory.

    Args:
        folder: of the shards, all of one size; those with another name than a number do not count.
        picture: name of the array that holds the pictures. All others are labels.
        device: where pictures are wanted.
    """

    def __init__(self, folder: Path, picture: str, device: torch.device | str = "cpu") -> None:
        self.folder = folder
        self.picture = picture
        self.device = torch.device(device)
        self._labels: dict[str, dict[str, np.ndarray]] = {}
        self._pictures: list[np.ndarray] = []
        self._held: list[Tensor] = []
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
            if self.device.type != "cpu":
                added = torch.from_numpy(np.concatenate(self._pictures[-len(new) :]))
                self._held = [torch.cat([*self._held, added.to(self.device)])]
        return len(self)

    def __len__(self) -> int:
        return len(self._rows)

    def pictures(self, indices: np.ndarray) -> Tensor:
        """The pictures ``indices``, (N, H, W) uint8 on the device."""
        rows = self._rows[indices]
        if self._held:
            return self._held[0][torch.from_numpy(rows).to(self.device)]
        shards, within = np.divmod(rows, len(self._pictures[0]))
        return torch.from_numpy(np.stack([self._pictures[s][k] for s, k in zip(shards, within, strict=True)]))

    def labels(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """The labels of the pictures ``indices`` by name, the first axis counts pictures."""
        return {name: array[indices] for name, array in self._sorted.items()}
