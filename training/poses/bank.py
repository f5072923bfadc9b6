"""The pose bank: motion-capture poses, split by clip, sampled so that rare postures are not rare.

The bank is an ``.npz`` with ``poses`` (N, 24, 3) axis-angle in SMPL order, y up, and ``clip_name`` (N,) or
``clip_id`` (N,) with a list of clips beside it; ``distinct6`` (N,) bool, where present, marks a subset
without near duplicates.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.body import global_rotations, local_rotations, rodrigues
from backend.errors import InputError
from backend.skeleton import KEYPOINT_MIRROR, N_JOINTS, keypoint_index

from .postures import POSTURES
from .split import held_out, names_beside

_UPPER = [keypoint_index(n) for n in ("spine2", "spine3", "neck", "head")]
_ARMS = {
    side: [keypoint_index(f"{side}_{n}") for n in ("collar", "shoulder", "elbow", "wrist", "hand")]
    for side in ("left", "right")
}
_MIRROR = np.array(KEYPOINT_MIRROR[:N_JOINTS])
_FLIP = np.diag([-1.0, 1.0, 1.0]).astype(np.float32)

#: How often training draws one of the hand-set postures.
_POSTURE_SHARE = 0.16


@dataclass(frozen=True, eq=False)
class PoseBank:
    """Local joint rotations of many poses.

    Attributes:
        rotations: (N, 24, 3, 3) float32 local rotations; the first one carries pitch and roll only,
            the heading is taken out so that every pose faces +z.
        weights: (N,) sampling probability, raised for low, bent, lying and inverted postures.
        posture_share: how often a hand-set posture is drawn instead.
    """

    rotations: np.ndarray
    weights: np.ndarray
    posture_share: float = 0.0

    @classmethod
    def load(cls, path: Path | str, validation: bool = False) -> PoseBank:
        """Read a bank and keep the clips of one split. Raises InputError for a file that is no bank.

        Args:
            path: the .npz.
            validation: keep the clips of the list in :mod:`split` instead of all others.
        """
        path = Path(path)
        if not path.is_file():
            raise InputError(f"The pose bank {path} does not exist; give one with --poses.")
        try:
            with np.load(path, allow_pickle=False) as archive:
                poses = archive["poses"]
                named = "clip_name" in archive
                clips = archive["clip_name" if named else "clip_id"]
                distinct = archive["distinct6"] if "distinct6" in archive else np.ones(len(poses), bool)
        except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(f"{path} is no pose bank: it needs the arrays poses and clip_name.") from error
        split = held_out(clips if named else names_beside(path, clips)) == validation
        rotations = rodrigues(poses[distinct & split].astype(np.float32))
        rotations = without_heading(rotations)
        return cls(rotations, _rarity(rotations), 0.0 if validation else _POSTURE_SHARE)

    def sample(self, rng: np.random.Generator) -> np.ndarray:
        """One new pose, (24, 3, 3) float32: drawn, perhaps spliced, mirrored and given joint noise."""
        pose = self._draw(rng)
        if rng.random() < 0.35:
            other = self._draw(rng)
            joints = _ARMS["left"] if rng.random() < 0.5 else _ARMS["right"]
            if rng.random() < 0.4:
                joints = _ARMS["left"] + _ARMS["right"] + _UPPER
            pose[joints] = other[joints]
        if rng.random() < 0.5:
            pose = mirror(pose)
        if rng.random() < 0.65:
            amount = rng.uniform(0.03, 0.2) * _NOISE[:, None]
            pose = pose @ rodrigues((rng.standard_normal((N_JOINTS, 3)) * amount).astype(np.float32))
        if rng.random() < 0.3:
            turn = rng.normal(0, 1, 3) * (0.25, 0.4, 0.15)
            pose[_UPPER[2:]] = pose[_UPPER[2:]] @ rodrigues((turn / 2).astype(np.float32))
        return pose

    def _draw(self, rng: np.random.Generator) -> np.ndarray:
        if rng.random() < self.posture_share:
            spread = rng.uniform(0.05, 0.3) * _NOISE[:, None]
            noise = rodrigues((rng.standard_normal((N_JOINTS, 3)) * spread).astype(np.float32))
            return POSTURES[rng.integers(len(POSTURES))] @ noise
        return self.rotations[rng.choice(len(self.rotations), p=self.weights)].copy()


#: Joint noise per joint, relative: hinge and end joints move more freely than the spine.
_NOISE = np.ones(N_JOINTS, np.float32)
_NOISE[[keypoint_index(n) for n in ("spine1", "spine2", "spine3", "left_collar", "right_collar")]] = 0.4
_NOISE[[keypoint_index(f"{s}_{n}") for s in ("left", "right") for n in ("hand", "foot")]] = 1.2


def mirror(pose: np.ndarray) -> np.ndarray:
    """The left-right mirror of a pose, (..., 24, 3, 3) -> (..., 24, 3, 3)."""
    return _FLIP @ pose[..., _MIRROR, :, :] @ _FLIP


def without_heading(rotations: np.ndarray) -> np.ndarray:
    """Turn every pose about the vertical so that its chest and hips face +z: (N, 24, 3, 3) -> same."""
    world = global_rotations(rotations)
    forward = world[:, 0, :, 2] + world[:, keypoint_index("spine3"), :, 2]
    # Someone who lies has no forward on the ground plane; the direction of the spine stands in.
    up = world[:, 0, :, 1]
    flat = np.linalg.norm(forward[:, [0, 2]], axis=1, keepdims=True) < 0.5
    forward = np.where(flat, up, forward)
    heading = np.arctan2(forward[:, 0], forward[:, 2])
    turn = np.zeros((len(rotations), 3), np.float32)
    turn[:, 1] = -heading
    world = rodrigues(turn)[:, None] @ world
    return local_rotations(world).astype(np.float32)


def _rarity(rotations: np.ndarray) -> np.ndarray:
    """Sampling weights: partly by how rare a posture's coarse description is."""
    world = global_rotations(rotations)
    lean = np.degrees(np.arccos(np.clip(world[:, 0, 1, 1], -1, 1)))
    knees = [
        np.degrees(np.arccos(np.clip((np.trace(rotations[:, k], axis1=1, axis2=2) - 1) / 2, -1, 1)))
        for k in (keypoint_index("left_knee"), keypoint_index("right_knee"))
    ]
    thighs = [-world[:, k, 1, 1] for k in (keypoint_index("left_hip"), keypoint_index("right_hip"))]
    arms = [
        np.sign(x) * world[:, keypoint_index(f"{s}_shoulder"), 1, 0]
        for s, x in (("left", 1.0), ("right", -1.0))
    ]
    features = [
        np.digitize(lean, (20, 50, 90, 130)),
        *(np.digitize(k, (40, 85)) for k in knees),
        *(np.digitize(t, (-0.7, -0.2, 0.4)) for t in thighs),
        *(np.digitize(a, (-0.4, 0.4)) for a in arms),
    ]
    _, cell, counts = np.unique(np.stack(features, 1), axis=0, return_inverse=True, return_counts=True)
    rare = counts[cell.reshape(-1)] ** -0.5
    # Half of the draws follow the capture as it is: people also draw people who just stand.
    return 0.55 * rare / rare.sum() + 0.45 / len(rare)
