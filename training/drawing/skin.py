"""Linear blend skinning of one dressed body, and where its vertices are seen; compiled, for it has thousands of them."""

from __future__ import annotations

import numba
import numpy as np

#: The least distance of a vertex from the viewer, metres: what is nearer, or behind, is not made larger still.
NEAREST = 0.4


def skin(
    rest: np.ndarray, weights: np.ndarray, affine: np.ndarray, distance: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pose vertices and project them.

    Args:
        rest: (V, 3) float32 vertices of the rest pose, metres.
        weights: (V, 24) float32 skinning weights, mostly zeros; rows sum to 1.
        affine: (24, 3, 4) map of every joint, from the rest pose to the camera frame.
        distance: metres from the viewer to the camera frame's origin; infinite for an orthographic view.

    Returns:
        (V, 3) float32 vertices in the camera frame, (V, 2) float32 metres on the plane through its origin,
        and the (2, 2) float64 corners of the box around the latter, top left and bottom right.
    """
    return _skin(
        np.ascontiguousarray(rest, np.float32), np.ascontiguousarray(weights, np.float32),
        np.ascontiguousarray(affine, np.float64), float(distance),
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _skin(
    rest: np.ndarray, weights: np.ndarray, affine: np.ndarray, distance: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    count, joints = weights.shape
    vertices, flat = np.empty((count, 3), np.float32), np.empty((count, 2), np.float32)
    box = np.empty((2, 2))
    box[0], box[1] = np.inf, -np.inf
    for v in range(count):
        a, b, c = rest[v, 0], rest[v, 1], rest[v, 2]
        x = y = z = 0.0
        for j in range(joints):
            share = weights[v, j]
            if share != 0:
                m = affine[j]
                x += share * (m[0, 0] * a + m[0, 1] * b + m[0, 2] * c + m[0, 3])
                y += share * (m[1, 0] * a + m[1, 1] * b + m[1, 2] * c + m[1, 3])
                z += share * (m[2, 0] * a + m[2, 1] * b + m[2, 2] * c + m[2, 3])
        vertices[v, 0], vertices[v, 1], vertices[v, 2] = x, y, z
        nearer = distance / max(distance + z, NEAREST) if np.isfinite(distance) else 1.0
        flat[v, 0], flat[v, 1] = x * nearer, y * nearer
        box[0, 0], box[1, 0] = min(box[0, 0], x * nearer), max(box[1, 0], x * nearer)
        box[0, 1], box[1, 1] = min(box[0, 1], y * nearer), max(box[1, 1], y * nearer)
    return vertices, flat, box
