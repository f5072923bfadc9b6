"""A pose prior: a small variational autoencoder of body poses, read with numpy alone.

It was trained on the free motion capture (``pose_prior.md``). The encoder says where a pose lies among 32
plain Gaussian numbers, the decoder makes a pose of any 32 such numbers: poses between two others, or new.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from backend.skeleton import N_JOINTS

PRIOR_PATH = Path(__file__).with_name("pose_prior.npz")

#: Numbers a pose is told by.
LATENT = 32

#: Slope of the activations below zero.
SLOPE = 0.1


@dataclass(frozen=True, eq=False)
class PosePrior:
    """Weights of the trained networks.

    Attributes:
        encoder: (weight (I, O), bias (O,)) float32 of each layer; the last gives mean and log variance.
        decoder: the same; the last gives six numbers a joint.
    """

    encoder: tuple[tuple[np.ndarray, np.ndarray], ...]
    decoder: tuple[tuple[np.ndarray, np.ndarray], ...]

    @classmethod
    def load(cls, path: Path = PRIOR_PATH) -> PosePrior:
        """Read the networks; they are stored as float16."""
        with np.load(path, allow_pickle=False) as archive:
            encoder, decoder = (
                tuple(
                    (
                        archive[f"{part}{k}_weight"].astype(np.float32),
                        archive[f"{part}{k}_bias"].astype(np.float32),
                    )
                    for k in range(3)
                )
                for part in ("encoder", "decoder")
            )
        return cls(encoder, decoder)

    def encode(self, body: np.ndarray) -> np.ndarray:
        """(N, 32) float32 means of the body's 23 joints (N, 23, 3, 3), the pelvis left out."""
        return _apply(self.encoder, to_six(body))[:, :LATENT]

    def decode(self, latent: np.ndarray) -> np.ndarray:
        """(N, 32) -> (N, 23, 3, 3) float32 local rotations."""
        return from_six(_apply(self.decoder, latent))


@cache
def load_prior() -> PosePrior:
    """The prior that comes with the project."""
    return PosePrior.load()


def to_six(body: np.ndarray) -> np.ndarray:
    """The first two columns of each rotation: (N, 23, 3, 3) -> (N, 138)."""
    return body[..., :2].reshape(len(body), -1)


def from_six(six: np.ndarray) -> np.ndarray:
    """The rotations nearest to two columns each: (N, 138) -> (N, 23, 3, 3)."""
    columns = six.reshape(len(six), N_JOINTS - 1, 3, 2)
    x = _unit(columns[..., 0])
    y = _unit(columns[..., 1] - (x * columns[..., 1]).sum(-1, keepdims=True) * x)
    ahead, twice = [1, 2, 0], [2, 0, 1]
    z = x[..., ahead] * y[..., twice] - x[..., twice] * y[..., ahead]
    return np.stack([x, y, z], -1)


def _apply(layers: tuple[tuple[np.ndarray, np.ndarray], ...], values: np.ndarray) -> np.ndarray:
    for weight, bias in layers[:-1]:
        values = values @ weight + bias
        values = np.maximum(values, SLOPE * values)
    weight, bias = layers[-1]
    return values @ weight + bias


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.sqrt((vectors * vectors).sum(-1, keepdims=True))
