"""Hands as people draw them: fingers spread, together as in a mitten, or bent."""

from __future__ import annotations

from functools import cache

import numba
import numpy as np

from backend.skeleton import keypoint_index

from .anatomy import Anatomy
from .chance import pick
from .cloth import Dressing

#: The knuckles lie a little beyond the hand's joint; the thumb lies before this line: metres.
_KNUCKLES, _THUMB = 0.012, 0.062

#: Length of the fingers, metres.
_LENGTH = 0.085


def shape_hands(rng: np.random.Generator, dressing: Dressing) -> None:
    """Close and bend the fingers of each hand at random; a third are left spread."""
    hand = dressing.anatomy.rest_joints[keypoint_index("left_hand")]
    for side in (1, -1):
        kind = pick(rng, ["spread", "mitten", "bent"], [0.3, 0.4, 0.3])
        if kind == "spread":
            continue
        close = rng.uniform(0.65, 0.8) if kind == "mitten" else rng.uniform(0.75, 1.0)
        turn = rng.uniform(0.05, 0.4) if kind == "mitten" else rng.uniform(0.4, 0.9)
        _bend(
            dressing.positions, dressing.anatomy.rest_normals, _fingers(dressing.anatomy, side), side, hand, close,
            turn, rng.uniform(0.002, 0.005),
        )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _bend(
    positions: np.ndarray,
    normals: np.ndarray,
    fingers: np.ndarray,
    side: int,
    hand: np.ndarray,
    close: float,
    turn: float,
    stout: float,
) -> None:
    """Move fingers of (V, 3) positions to an arc below the knuckles, each point as far from it as before.

    Args:
        positions: rest-pose metres, changed in place.
        normals: (V, 3) unit normals.
        fingers: (n,) the vertices of the fingers.
        side: 1 for the left hand, -1 for the right one.
        hand: (3,) the left hand's joint.
        close: what is left of the fingers' distance from the middle one.
        turn: of the fingertips, radians.
        stout: metres by which the fingers grow.
    """
    radius = _LENGTH / turn
    for v in fingers:
        x, y, z = side * positions[v, 0], positions[v, 1], positions[v, 2]
        beyond = x - hand[0] - _KNUCKLES
        z = hand[2] + (z - hand[2]) * (1 - (1 - close) * min(max(beyond / 0.03, 0.0), 1.0))
        angle, out = beyond / radius, radius + y - hand[1]
        positions[v, 0] = side * (hand[0] + _KNUCKLES + out * np.sin(angle)) + stout * normals[v, 0]
        positions[v, 1] = hand[1] - radius + out * np.cos(angle) + stout * normals[v, 1]
        positions[v, 2] = z + stout * normals[v, 2]


@cache
def _fingers(anatomy: Anatomy, side: int) -> np.ndarray:
    """The vertices of the fingers, without the thumb: of the left hand (1) or the right one (-1)."""
    x, _, z = anatomy.body.v_template.T
    hand = anatomy.rest_joints[keypoint_index("left_hand")]
    return np.flatnonzero((side * x - hand[0] > _KNUCKLES) & (z < _THUMB))
