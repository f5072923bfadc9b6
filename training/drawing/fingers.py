"""Hands as people draw them: fingers spread, together as in a mitten, or bent."""

from __future__ import annotations

import numpy as np

from backend.skeleton import keypoint_index

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
        beyond = side * dressing.positions[:, 0] - hand[0] - _KNUCKLES
        fingers = np.flatnonzero((beyond > 0) & (dressing.positions[:, 2] < _THUMB))
        beyond, y, z = beyond[fingers], *dressing.positions[fingers, 1:].T
        close = rng.uniform(0.65, 0.8) if kind == "mitten" else rng.uniform(0.75, 1.0)
        z = hand[2] + (z - hand[2]) * (1 - (1 - close) * (beyond / 0.03).clip(0, 1))
        turn = rng.uniform(0.05, 0.4) if kind == "mitten" else rng.uniform(0.4, 0.9)
        # The fingers lie along an arc below the knuckles, each point as far from it as before.
        radius = _LENGTH / turn
        angle = beyond / radius
        out = radius + y - hand[1]
        moved = np.stack(
            [hand[0] + _KNUCKLES + out * np.sin(angle), hand[1] - radius + out * np.cos(angle), z], 1
        )
        stout = rng.uniform(0.002, 0.005) * dressing.anatomy.rest_normals[fingers]
        dressing.positions[fingers] = moved * (side, 1, 1) + stout
