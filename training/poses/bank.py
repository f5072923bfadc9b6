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

from .limits import clipped, from_turns, limited, turns
from .overlap import overlaps
from .postures import POSTURES
from .prior import load_prior
from .split import held_out, names_beside
from .strata import NAMES, STRATA, classify, place, stratify
from .variation import mirrored, noisy, spliced

_MIRROR = np.array(KEYPOINT_MIRROR[:N_JOINTS])
_FLIP = np.diag([-1.0, 1.0, 1.0]).astype(np.float32)

#: A hand-set posture is drawn as often as this many captured ones of its kind, within bounds.
_POSTURE_WORTH = 30
_POSTURE_BOUNDS = (0.1, 0.6)

#: How often the pose prior makes one up, and how near to the two poses that it starts from (1 between them).
_PRIOR_SHARE = 0.15
_PRIOR_KEPT = (0.6, 1.0)

#: How often a pose that left its kind, or whose limbs went through it, is drawn anew.
_TRIES = 8


@dataclass(frozen=True, eq=False)
class PoseBank:
    """Local joint rotations of many poses.

    Attributes:
        rotations: (N, 24, 3, 3) float32 local rotations; the first one carries pitch and roll only,
            the heading is taken out so that every pose faces +z.
        weights: (N,) probability by which each kind of pose has its share of :data:`strata.STRATA`.
        captured_only: without hand-set postures and poses of the prior, as for validation.
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
        rotations = limited(without_heading(rodrigues(poses[distinct & split].astype(np.float32))))
        return cls(rotations, _balance(stratify(rotations)), captured_only=validation)

    def sample(self, rng: np.random.Generator, among: tuple[str, ...] = NAMES) -> np.ndarray:
        """One new pose, (24, 3, 3) float32: of a kind drawn by its share, then varied within that kind.

        Args:
            rng: source of chance.
            among: names of the kinds to choose from; where the bank has none of them, all that it has.
        """
        kinds, ends = self._kinds_among(among)
        kind = kinds[int(np.searchsorted(ends, rng.random(), side="right"))]
        for _ in range(_TRIES):
            pose = from_turns(self._varied(rng, kind)).astype(np.float32)
            joints, world = place(pose[None])
            if int(classify(joints, world)[0]) == kind and not overlaps(joints[0]):
                return pose
        return from_turns(self._draw(rng, kind)).astype(np.float32)

    @cached_property
    def _held(self) -> list[int]:
        """The kinds that can be drawn."""
        return [k for k in range(len(STRATA)) if len(self._members[k]) or len(self._seeds[k])]

    @cached_property
    def _tables(self) -> dict[tuple[str, ...], tuple[list[int], np.ndarray]]:
        return {}

    def _kinds_among(self, among: tuple[str, ...]) -> tuple[list[int], np.ndarray]:
        """Those of some kinds that can be drawn, and where each one's share of 0..1 ends."""
        if among not in self._tables:
            kinds = [k for k in self._held if NAMES[k] in among] or self._held
            shares = np.array(list(STRATA.values()))[kinds]
            ends = np.cumsum(shares / shares.sum())
            ends[-1] = 1
            self._tables[among] = kinds, ends
        return self._tables[among]

    @cached_property
    def _turns(self) -> np.ndarray:
        """(N, 24, 3) float32 degrees."""
        return turns(self.rotations).astype(np.float32)

    @cached_property
    def _members(self) -> list[np.ndarray]:
        """Of each kind, the indices of its poses."""
        kinds = stratify(self.rotations)
        return [np.flatnonzero(kinds == kind) for kind in range(len(STRATA))]

    @cached_property
    def _seeds(self) -> list[np.ndarray]:
        """Of each kind, the turns of the hand-set postures that may be drawn."""
        kinds = stratify(POSTURES)
        return [turns(POSTURES[(kinds == k) & (not self.captured_only)]) for k in range(len(STRATA))]

    def _varied(self, rng: np.random.Generator, kind: int) -> np.ndarray:
        """(24, 3) turns of a pose of a kind, perhaps spliced and mirrored, with joint noise."""
        members = self._members[kind]
        if not self.captured_only and len(members) > 1 and rng.random() < _PRIOR_SHARE:
            pose = self._invented(rng, members)
        else:
            pose = self._draw(rng, kind)
            if rng.random() < 0.35:
                # Arms from anywhere: someone who sits can wave as someone who stands does.
                other = kind if rng.random() < 0.5 else self._held[int(rng.integers(len(self._held)))]
                pose = spliced(rng, pose, self._draw(rng, other))
        if rng.random() < 0.5:
            pose = mirrored(pose)
        return clipped(noisy(rng, pose))

    def _draw(self, rng: np.random.Generator, kind: int) -> np.ndarray:
        """(24, 3) turns of a captured or hand-set pose of a kind that has any."""
        members, seeds = self._members[kind], self._seeds[kind]
        worth = _POSTURE_WORTH * len(seeds)
        low, high = _POSTURE_BOUNDS
        share = min(max(worth / max(worth + len(members), 1), low), high)
        if len(seeds) and (not len(members) or rng.random() < share):
            return seeds[rng.integers(len(seeds))]
        return self._turns[members[rng.integers(len(members))]]

    def _invented(self, rng: np.random.Generator, members: np.ndarray) -> np.ndarray:
        """(24, 3) turns of a pose that the prior makes near and between two captured ones of a kind."""
        prior = load_prior()
        picks = members[rng.integers(len(members), size=2)]
        first, second = prior.encode(self.rotations[picks, 1:])
        kept = rng.uniform(*_PRIOR_KEPT)
        latent = first + rng.uniform(0, 0.6) * (second - first)
        latent = kept * latent + np.sqrt(1 - kept * kept) * rng.standard_normal(len(latent))
        body = prior.decode(latent[None].astype(np.float32))
        return turns(np.concatenate([self.rotations[picks[:1], :1], body], 1)[0])


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
