"""Which parts of a posed body touch: hands on hips, crossed legs, an elbow on a knee.

Every part is a handful of its own surface vertices, each a ball as wide as the gaps between them, so that
parts touch where their balls do. That costs the distances of some hundred balls, for any body.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numba
import numpy as np

from backend.contacts import apart, joined, spread
from backend.skeleton import JOINT_NAMES

from ..drawing.anatomy import Anatomy

#: Balls of a part: more give a finer surface.
_BALLS = 18

#: Gap, as a share of the body's height, at which a contact is worth nothing; it is worth 1 where parts meet.
_REACH = 0.02


@dataclass(frozen=True, eq=False)
class _Balls:
    """Balls on a body's surface.

    Attributes:
        vertices: (B,) int vertices at their centres, part after part.
        spacing: (B,) float32 radius, metres, on the body at rest.
        ends: (P + 1,) int first ball of each part, and one past the last one's.
        names: the parts, as SMPL joints.
        pairs: (2, K) int parts that are no neighbours, the first before the second.
        height: of the body at rest, metres.
    """

    vertices: np.ndarray
    spacing: np.ndarray
    ends: np.ndarray
    names: tuple[str, ...]
    pairs: np.ndarray
    height: float


def find_contacts(anatomy: Anatomy, vertices: np.ndarray) -> tuple[tuple[str, str, float], ...]:
    """The parts of a posed body that touch each other.

    Args:
        anatomy: of the body; proportions may differ from its own.
        vertices: (V, 3) posed vertices, metres, any frame.

    Returns:
        (joint, joint, score) in SMPL's order, the nearest pair first: score 1 where the parts meet,
        falling to 0 at two hundredths of the body's height. A palm counts as ``left_hand``, a heel as
        ``left_foot``, collars as ``spine3``; thighs are ``left_hip``, forearms ``left_elbow``.
    """
    balls = _balls(anatomy)
    centres = np.asarray(vertices, np.float32)[balls.vertices]
    gaps = _gaps(centres, balls.spacing, balls.ends, balls.pairs, _REACH * balls.height)
    scores = np.clip(1 - gaps / (_REACH * balls.height), 0, 1)
    order = np.argsort(-scores, kind="stable")
    return tuple(
        (balls.names[balls.pairs[0, k]], balls.names[balls.pairs[1, k]], round(float(scores[k]), 3))
        for k in order[: int((scores > 0).sum())]
    )


@numba.njit(cache=True, nogil=True)
def _gaps(
    centres: np.ndarray, spacing: np.ndarray, ends: np.ndarray, pairs: np.ndarray, reach: float
) -> np.ndarray:
    """(K,) metres between the nearest balls of each pair of parts; ``reach`` where they are farther apart."""
    parts = len(ends) - 1
    middle, round_ = np.zeros((parts, 3)), np.zeros(parts)
    for p in range(parts):
        for axis in range(3):
            middle[p, axis] = centres[ends[p] : ends[p + 1], axis].mean()
        for k in range(ends[p], ends[p + 1]):
            away = 0.0
            for axis in range(3):
                away += (centres[k, axis] - middle[p, axis]) ** 2
            round_[p] = max(round_[p], np.sqrt(away) + spacing[k])
    gaps = np.full(pairs.shape[1], reach)
    for pair in range(pairs.shape[1]):
        one, other = pairs[0, pair], pairs[1, pair]
        apart = 0.0
        for axis in range(3):
            apart += (middle[one, axis] - middle[other, axis]) ** 2
        if np.sqrt(apart) - round_[one] - round_[other] >= reach:
            continue
        for a in range(ends[one], ends[one + 1]):
            for b in range(ends[other], ends[other + 1]):
                apart = 0.0
                for axis in range(3):
                    apart += (centres[a, axis] - centres[b, axis]) ** 2
                gaps[pair] = min(gaps[pair], np.sqrt(apart) - spacing[a] - spacing[b])
    return gaps


@cache
def _balls(anatomy: Anatomy) -> _Balls:
    owner = np.array([joined(joint) for joint in range(len(JOINT_NAMES))])[anatomy.part]
    rest = np.asarray(anatomy.body.v_template, np.float32)
    parts = [int(part) for part in np.unique(owner)]
    chosen, spacing = [], []
    for part in parts:
        surface = np.flatnonzero(owner == part)
        picks, gap = spread(rest[surface], _BALLS)
        chosen.append(surface[picks])
        spacing.append(np.full(len(picks), gap / 2, np.float32))
    pairs = apart(parts)
    sizes = [len(picks) for picks in chosen]
    return _Balls(
        np.concatenate(chosen),
        np.concatenate(spacing),
        np.cumsum([0, *sizes]),
        tuple(JOINT_NAMES[part] for part in parts),
        pairs,
        float(np.ptp(rest[:, 1])),
    )
