"""The pose bank: motion-capture poses, split by clip, sampled so that every kind of pose is drawn often enough.

The bank is an ``.npz`` with ``poses`` (N, 24, 3) axis-angle in SMPL order, y up, and ``clip_name`` (N,) or
``clip_id`` (N,) with a list of clips beside it; ``distinct6`` (N,) bool, where present, marks a subset
without near duplicates.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from backend.body import global_rotations, local_rotations, rodrigues
from backend.errors import InputError
from backend.skeleton import KEYPOINT_MIRROR, N_JOINTS, keypoint_index

from .postures import POSTURES
from .split import held_out, names_beside
from .strata import STRATA, classify, place, stratify

_UPPER = [keypoint_index(n) for n in ("spine2", "spine3", "neck", "head")]
_ARMS = {
    side: [keypoint_index(f"{side}_{n}") for n in ("collar", "shoulder", "elbow", "wrist", "hand")]
    for side in ("left", "right")
}
_MIRROR = np.array(KEYPOINT_MIRROR[:N_JOINTS])
_FLIP = np.diag([-1.0, 1.0, 1.0]).astype(np.float32)

#: A hand-set posture is drawn as often as this many captured ones of its kind, within bounds.
_POSTURE_WORTH = 30
_POSTURE_BOUNDS = (0.1, 0.6)

#: How often a varied pose that left its kind is drawn anew before it is taken as it is.
_TRIES = 6


@dataclass(frozen=True, eq=False)
class PoseBank:
    """Local joint rotations of many poses.

    Attributes:
        rotations: (N, 24, 3, 3) float32 local rotations; the first one carries pitch and roll only,
            the heading is taken out so that every pose faces +z.
        weights: (N,) probability by which each kind of pose has its share of :data:`strata.STRATA`.
        captured_only: without hand-set postures, as for validation.
    """

    rotations: np.ndarray
    weights: np.ndarray
    captured_only: bool = True

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
        rotations = without_heading(rodrigues(poses[distinct & split].astype(np.float32)))
        return cls(rotations, _balance(stratify(rotations)), captured_only=validation)

    def sample(self, rng: np.random.Generator) -> np.ndarray:
        """One new pose, (24, 3, 3) float32: of a kind drawn by its share, then varied within that kind."""
        kinds, ends = self._kinds
        kind = kinds[int(np.searchsorted(ends, rng.random(), side="right"))]
        for _ in range(_TRIES):
            pose = self._varied(rng, kind)
            if int(classify(*place(pose[None]))[0]) == kind:
                return pose
        return self._draw(rng, kind)

    @cached_property
    def _kinds(self) -> tuple[list[int], np.ndarray]:
        """The kinds that can be drawn and where each one's share of 0..1 ends."""
        shares = np.array(list(STRATA.values()))
        held = [k for k in range(len(shares)) if len(self._members[k]) or len(self._seeds[k])]
        ends = np.cumsum(shares[held] / shares[held].sum())
        ends[-1] = 1
        return held, ends

    @cached_property
    def _members(self) -> list[np.ndarray]:
        """Of each kind, the indices of its poses."""
        kinds = stratify(self.rotations)
        return [np.flatnonzero(kinds == kind) for kind in range(len(STRATA))]

    @cached_property
    def _seeds(self) -> list[np.ndarray]:
        """Of each kind, the hand-set postures that may be drawn."""
        kinds = stratify(POSTURES)
        return [POSTURES[(kinds == k) & (not self.captured_only)] for k in range(len(STRATA))]

    def _varied(self, rng: np.random.Generator, kind: int) -> np.ndarray:
        """A pose of a kind, perhaps spliced, mirrored and given joint noise."""
        pose = self._draw(rng, kind)
        if rng.random() < 0.35:
            other = self._draw(rng, kind) if rng.random() < 0.5 else self._draw(rng, self._any_kind(rng))
            joints = _ARMS["left"] if rng.random() < 0.5 else _ARMS["right"]
            if rng.random() < 0.4:
                joints = _ARMS["left"] + _ARMS["right"] + _UPPER
            pose[joints] = other[joints]
        if rng.random() < 0.5:
            pose = mirror(pose)
        if rng.random() < 0.65:
            pose = pose @ _noise(rng, 0.03, 0.2)
        if rng.random() < 0.3:
            turn = rng.normal(0, 1, 3) * (0.25, 0.4, 0.15)
            pose[_UPPER[2:]] = pose[_UPPER[2:]] @ rodrigues((turn / 2).astype(np.float32))
        return pose

    def _any_kind(self, rng: np.random.Generator) -> int:
        kinds = self._kinds[0]
        return kinds[int(rng.integers(len(kinds)))]

    def _draw(self, rng: np.random.Generator, kind: int) -> np.ndarray:
        """A captured or hand-set pose of a kind that has any."""
        members, seeds = self._members[kind], self._seeds[kind]
        worth = _POSTURE_WORTH * len(seeds)
        share = float(np.clip(worth / max(worth + len(members), 1), *_POSTURE_BOUNDS))
        if len(seeds) and (not len(members) or rng.random() < share):
            return seeds[rng.integers(len(seeds))] @ _noise(rng, 0.03, 0.2)
        return self.rotations[members[rng.integers(len(members))]].copy()


#: Joint noise per joint, relative: hinge and end joints move more freely than the spine.
_NOISE = np.ones(N_JOINTS, np.float32)
_NOISE[[keypoint_index(n) for n in ("spine1", "spine2", "spine3", "left_collar", "right_collar")]] = 0.4
_NOISE[[keypoint_index(f"{s}_{n}") for s in ("left", "right") for n in ("hand", "foot")]] = 1.2


def _noise(rng: np.random.Generator, least: float, most: float) -> np.ndarray:
    """(24, 3, 3) small turns, their size in radians between two bounds."""
    spread = rng.uniform(least, most) * _NOISE[:, None]
    return rodrigues((rng.standard_normal((N_JOINTS, 3)) * spread).astype(np.float32))


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


def _balance(kinds: np.ndarray) -> np.ndarray:
    """(N,) sampling weights by which each kind that is there has its share of the whole."""
    counts = np.bincount(kinds, minlength=len(STRATA))
    weights = (np.array(list(STRATA.values())) / np.maximum(counts, 1))[kinds]
    return weights / weights.sum()
