"""Things that a hand holds: sticks, balls, books, rackets."""

from __future__ import annotations

import numpy as np

from backend.skeleton import keypoint_index

from .chance import pick
from .cloth import Dressing
from .shapes import Label, ellipsoid, rigid, tube


def put_in_hand(rng: np.random.Generator, dressing: Dressing) -> None:
    """Put something into the left or the right hand."""
    joint = keypoint_index(f"{pick(rng, ['left', 'right'])}_hand")
    hand = dressing.anatomy.rest_joints[joint]
    grip = hand + (0, -0.03, 0)  # palms face down in the rest pose
    kind = pick(rng, ["stick", "ball", "book", "racket"], [0.45, 0.27, 0.14, 0.14])
    across = np.array([rng.normal(0, 0.25), rng.normal(0, 0.5), pick(rng, [-1.0, 1.0])])
    across /= np.linalg.norm(across)
    if kind == "ball":
        radius = rng.uniform(0.04, 0.15)
        meshes = [ellipsoid(hand + (0, -0.02 - radius, 0), np.full(3, radius))]
    elif kind == "book":
        size = np.array([rng.uniform(0.05, 0.12), rng.uniform(0.008, 0.03), rng.uniform(0.06, 0.15)])
        meshes = [ellipsoid(grip, size, round_=0.2)]
    else:
        length, thick = rng.uniform(0.3, 1.4), rng.uniform(0.008, 0.025)
        if kind == "racket":
            length = rng.uniform(0.25, 0.45)
        start = -rng.uniform(0.05, 0.5) * length if kind == "stick" else -0.06
        line = grip + np.linspace(start, start + length, 6)[:, None] * across
        meshes = [tube(line, np.full(6, thick))]
        if kind == "racket":
            meshes.append(ellipsoid(line[-1] + 0.11 * across, np.array([0.1, 0.02, 0.13])))
    dressing.pieces += [rigid(mesh, joint, Label.PROP) for mesh in meshes]
