"""How deep the parts of a posed body lie inside each other."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.spatial import KDTree

from backend.contacts import TRUNK, bones_apart
from backend.skeleton import JOINT_NAMES, N_JOINTS

from ..drawing.anatomy import Anatomy
from ..drawing.gbuffer import vertex_normals

#: Parts at most so many bones apart share folds of skin: that is no penetration.
_NEIGHBOURS = 2

#: Deeper than this a vertex lies on the far side of a thin part, metres.
_DEEPEST = 0.08


def penetration_depth(anatomy: Anatomy, vertices: np.ndarray) -> float:
    """Depth of the deepest vertex inside a part that is no neighbour of its own, metres; armpits do not count.

    Args:
        anatomy: of the body.
        vertices: (V, 3) posed, metres, any frame that is not mirrored.

    Depth is measured along the normal of the nearest foreign vertex.
    """
    points = np.ascontiguousarray(vertices, np.float32)
    normals = vertex_normals(points, np.ascontiguousarray(anatomy.body.faces, np.int32))
    deepest = 0.0
    for own, foreign in _groups(anatomy):
        if not len(foreign):
            continue
        reach, nearest = map(
            np.asarray, KDTree(points[foreign]).query(points[own], distance_upper_bound=_DEEPEST)
        )
        near = np.flatnonzero(np.isfinite(reach))
        surface = foreign[nearest[near]]
        inward = ((points[surface] - points[own][near]) * normals[surface]).sum(1)
        # Beside a part, the nearest point's normal is about square to the way there; below it, along it.
        below = inward > 0.7 * reach[near]
        deepest = max(deepest, float(inward[below].max(initial=0.0)))
    return deepest


@cache
def _groups(anatomy: Anatomy) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of every part its vertices, and those of all parts that are no neighbours."""
    apart = np.array([[bones_apart(a, b) > _NEIGHBOURS for b in range(N_JOINTS)] for a in range(N_JOINTS)])
    trunk = np.array([name in TRUNK for name in JOINT_NAMES])
    apart &= ~(trunk & trunk[:, None])
    return [
        (np.flatnonzero(anatomy.part == joint), np.flatnonzero(apart[joint][anatomy.part]))
        for joint in range(N_JOINTS)
        if (anatomy.part == joint).any()
    ]
