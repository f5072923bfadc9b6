"""Points on the body's surface: found once in the rest pose, seen wherever the body moves them."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from .anatomy import Anatomy
from .figure import Figure
from .placement import CANVAS

#: Metres that a point may seem to lie under the surface that it is on.
_TOLERANCE = 0.006


@dataclass(frozen=True, eq=False)
class SurfacePoints:
    """(n,) triangles of the body and (n, 3) float32 weights of their corners; no weight where nothing was met."""

    triangles: np.ndarray
    weights: np.ndarray


def throw(anatomy: Anatomy, flat: np.ndarray, plane: list[int], normal: int, sign: int) -> SurfacePoints:
    """(n, 2) rest-pose points of a plane, metres, on the first surface met along its normal from one side."""
    corners = anatomy.body.v_template[anatomy.faces.T]
    facing = np.cross(corners[1] - corners[0], corners[2] - corners[0])[:, normal] * sign > 0
    near = (corners[..., plane].max(0) >= flat.min(0)) & (corners[..., plane].min(0) <= flat.max(0))
    chosen = np.flatnonzero(facing & near.all(1))
    a, b, c = corners[:, chosen]
    u, v = (b - a)[:, plane], (c - a)[:, plane]
    area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    triangles, weights = np.zeros(len(flat), int), np.zeros((len(flat), 3), np.float32)
    for k, point in enumerate(flat):
        d = point - a[:, plane]
        wb = (d[:, 0] * v[:, 1] - d[:, 1] * v[:, 0]) / area
        wc = (u[:, 0] * d[:, 1] - u[:, 1] * d[:, 0]) / area
        wa = 1 - wb - wc
        hit = np.flatnonzero(np.minimum(np.minimum(wa, wb), wc) > -1e-6)
        if len(hit):
            height = wa[hit] * a[hit, normal] + wb[hit] * b[hit, normal] + wc[hit] * c[hit, normal]
            best = hit[np.argmax(height * sign)]
            triangles[k], weights[k] = chosen[best], (wa[best], wb[best], wc[best])
    return SurfacePoints(triangles, weights)


def look_at(figure: Figure, spots: SurfacePoints) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where points of the surface are: (n, 2) canvas pixels, (n,) bool whether seen, (n,) Label seen there."""
    return _look_at(
        spots.triangles, spots.weights, figure.anatomy.faces, figure.points, figure.vertices, figure.normals,
        figure.buffer.depth, figure.label_map, figure.scale,
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _look_at(
    triangles: np.ndarray,
    weights: np.ndarray,
    faces: np.ndarray,
    flat: np.ndarray,
    vertices: np.ndarray,
    normals: np.ndarray,
    front: np.ndarray,
    labels: np.ndarray,
    scale: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    count, side = len(triangles), len(front)
    points, seen = np.zeros((count, 2), np.float32), np.zeros(count, np.bool_)
    material = np.empty(count, np.uint8)
    for n in range(count):
        depth = towards = np.float32(0)
        for k in range(3):
            corner, weight = faces[triangles[n], k], weights[n, k]
            points[n, 0] += flat[corner, 0] * weight
            points[n, 1] += flat[corner, 1] * weight
            depth += vertices[corner, 2] * weight
            towards -= normals[corner, 2] * weight
        x, y = int(np.rint(points[n, 0])), int(np.rint(points[n, 1]))
        inside = 0 <= x < side and 0 <= y < side
        x, y = min(max(x, 0), side - 1), min(max(y, 0), side - 1)
        # The depth buffer is read at the middle of a pixel: on a slanted surface the point lies deeper or less deep.
        slant = np.sqrt(max(1 - towards**2, 0.0)) / max(towards, 0.1) / scale
        seen[n] = inside and towards > 0.1 and depth - front[y, x] < _TOLERANCE + slant
        material[n] = labels[y, x]
    return points, seen, material


def look_at_vertices(figure: Figure, vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same of (n,) vertices of the dressed mesh, of which both sides may be seen."""
    points = figure.points[vertices]
    return points, *_look(figure, points, figure.vertices[vertices, 2], np.abs(figure.normals[vertices, 2]))


def _look(
    figure: Figure, points: np.ndarray, depth: np.ndarray, towards: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.round(points).astype(int).T
    inside = (x >= 0) & (x < CANVAS) & (y >= 0) & (y < CANVAS)
    x, y = x.clip(0, CANVAS - 1), y.clip(0, CANVAS - 1)
    # The depth buffer is read at the middle of a pixel: on a slanted surface the point lies deeper or less deep.
    slant = np.sqrt((1 - towards**2).clip(0)) / np.maximum(towards, 0.1) / figure.scale
    seen = inside & (towards > 0.1) & (depth - figure.buffer.depth[y, x] < _TOLERANCE + slant)
    return seen, figure.label_map[y, x]
