"""The outer skin of the sampled figures: no mouth cavity or eye sockets, no holes, mirror-symmetric."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree


@dataclass(frozen=True, eq=False)
class Skin:
    """A closed mesh whose left half mirrors its right half.

    Attributes:
        kept: (V,) int64, the vertices of the source mesh that stay, in order.
        faces: (F, 3) int64 triangles over the kept vertices.
        mirror: (V,) int64, the vertex on the other side of the body (itself on the midline).
    """

    kept: np.ndarray
    faces: np.ndarray
    mirror: np.ndarray


def outer_skin(template: np.ndarray, faces: np.ndarray, inner: np.ndarray) -> Skin:
    """Drop what the skin hides and close the mesh again.

    Args:
        template: (V, 3) one figure, x = 0 on its midline.
        faces: (F, 3) triangles; one closed surface.
        inner: (V,) bool, vertices of the cavities. A triangle goes when all its corners are inner.
    """
    faces = faces[~inner[faces].all(1)]
    faces = np.concatenate([faces, *(_closed(template, hole) for hole in _holes(faces))])
    kept = np.unique(faces)
    index = np.full(len(template), -1)
    index[kept] = np.arange(len(kept))
    return Skin(kept, index[faces], mirror_of(template[kept]))


def symmetric(points: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """(..., V, 3) points, averaged with their mirror image across x = 0."""
    return (points + points[..., mirror, :] * np.array([-1.0, 1.0, 1.0])) / 2


def mirror_of(points: np.ndarray) -> np.ndarray:
    """Vertex on the other side of x = 0 of each of the (V, 3) points of a symmetric mesh."""
    mirror = np.asarray(KDTree(points).query(points * [-1.0, 1.0, 1.0])[1])
    if not np.array_equal(mirror[mirror], np.arange(len(points))):
        raise ValueError("The left and right half of the mesh do not correspond vertex by vertex.")
    return mirror


def _holes(faces: np.ndarray) -> list[list[int]]:
    """Boundary loops, each in the order that the triangle closing it must run through."""
    edges = {(a, b) for face in faces.tolist() for a, b in zip(face, face[1:] + face[:1], strict=True)}
    following = {b: a for a, b in edges if (b, a) not in edges}
    loops = []
    while following:
        start, vertex = next(iter(following.items()))
        loop = [start]
        del following[start]
        while vertex != start:
            loop.append(vertex)
            vertex = following.pop(vertex)
        loops.append(loop)
    return loops


def _closed(points: np.ndarray, loop: list[int]) -> np.ndarray:
    """Triangles of least total area over a boundary loop (Barequet and Sharir, 1995)."""
    corners = points[loop]
    n = len(loop)
    cost = np.zeros((n, n))
    split = np.zeros((n, n), np.int64)
    for span in range(2, n):
        for first in range(n - span):
            last = first + span
            middle = np.arange(first + 1, last)
            area = np.linalg.norm(
                np.cross(corners[middle] - corners[first], corners[last] - corners[first]), axis=1
            )
            total = cost[first, middle] + cost[middle, last] + area
            best = int(np.argmin(total))
            cost[first, last], split[first, last] = total[best], middle[best]
    triangles, pending = [], [(0, n - 1)]
    while pending:
        first, last = pending.pop()
        if last - first >= 2:
            middle = int(split[first, last])
            triangles.append([loop[first], loop[middle], loop[last]])
            pending += [(first, middle), (middle, last)]
    return np.array(triangles, np.int64)
