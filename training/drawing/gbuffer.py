"""G-buffers: which triangle is seen at each pixel, how deep, how lit. A small z-buffer, compiled by numba."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numba
import numpy as np

NOTHING = -1


@dataclass(frozen=True, eq=False)
class GBuffer:
    """What one view of a mesh shows.

    Attributes:
        triangle: (S, S) int32 index of the nearest triangle, -1 where there is none.
        depth: (S, S) float32 depth away from the viewer, metres; +inf where there is nothing.
        light: (S, S) float32 cosine between the surface normal and the light, -1..1; 0 where nothing.
    """

    triangle: np.ndarray
    depth: np.ndarray
    light: np.ndarray

    @property
    def mask(self) -> np.ndarray:
        """(S, S) bool: where anything is seen."""
        return self.triangle >= 0


@numba.njit(cache=True, nogil=True, fastmath=True)
def _fill(
    points: np.ndarray,
    depths: np.ndarray,
    normals_dot: np.ndarray,
    faces: np.ndarray,
    size: int,
    triangle: np.ndarray,
    depth: np.ndarray,
    light: np.ndarray,
) -> None:
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay = points[a, 0], points[a, 1]
        bx, by = points[b, 0], points[b, 1]
        cx, cy = points[c, 0], points[c, 1]
        # Most triangles lie between the middles of pixels.
        x0 = max(int(np.ceil(min(ax, bx, cx))), 0)
        x1 = min(int(np.floor(max(ax, bx, cx))), size - 1)
        if x0 > x1:
            continue
        y0 = max(int(np.ceil(min(ay, by, cy))), 0)
        y1 = min(int(np.floor(max(ay, by, cy))), size - 1)
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if y0 > y1 or area == 0.0:
            continue
        inverse = 1.0 / area
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                wb = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) * inverse
                wc = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) * inverse
                wa = 1.0 - wb - wc
                if wa < 0.0 or wb < 0.0 or wc < 0.0:
                    continue
                z = wa * depths[a] + wb * depths[b] + wc * depths[c]
                if z < depth[y, x]:
                    depth[y, x] = z
                    triangle[y, x] = f
                    light[y, x] = wa * normals_dot[a] + wb * normals_dot[b] + wc * normals_dot[c]


@numba.njit(cache=True, nogil=True)
def _vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    normals = np.zeros_like(vertices)
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        # By numbers: a row of an array would be a new array for each face.
        ax, ay, az = vertices[a, 0], vertices[a, 1], vertices[a, 2]
        ux, uy, uz = vertices[b, 0] - ax, vertices[b, 1] - ay, vertices[b, 2] - az
        vx, vy, vz = vertices[c, 0] - ax, vertices[c, 1] - ay, vertices[c, 2] - az
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for v in (a, b, c):
            normals[v, 0] += nx
            normals[v, 1] += ny
            normals[v, 2] += nz
    for v in range(vertices.shape[0]):
        length = np.sqrt(normals[v, 0] ** 2 + normals[v, 1] ** 2 + normals[v, 2] ** 2)
        if length > 0:
            for k in range(3):
                normals[v, k] /= length
    return normals


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) unit normals, area weighted, of (V, 3) float32 vertices and (F, 3) int32 faces."""
    return _vertex_normals(vertices, faces)


def render(
    points: np.ndarray,
    depths: np.ndarray,
    normals: np.ndarray,
    faces: np.ndarray,
    size: int,
    light: np.ndarray,
) -> GBuffer:
    """Rasterise a mesh.

    Args:
        points: (V, 2) float32 vertex positions, pixels, x right, y down.
        depths: (V,) float32 metres away from the viewer.
        normals: (V, 3) float32 unit normals, camera frame.
        faces: (F, 3) int32.
        size: side of the square image, pixels.
        light: (3,) unit vector towards the light, camera frame.
    """
    triangle = np.full((size, size), NOTHING, np.int32)
    depth = np.full((size, size), np.inf, np.float32)
    shade = np.zeros((size, size), np.float32)
    _fill(
        points, depths, (normals @ light).astype(np.float32, copy=False), faces, size, triangle, depth, shade
    )
    return GBuffer(triangle, depth, shade)


@numba.njit(cache=True, nogil=True)
def seen_values(triangle: np.ndarray, values: np.ndarray, nothing: int) -> np.ndarray:
    """(S, S) of the (F,) values of the triangles that are seen, ``nothing`` where ``triangle`` is -1."""
    out = np.empty(triangle.shape, values.dtype)
    for y in range(triangle.shape[0]):
        for x in range(triangle.shape[1]):
            out[y, x] = values[triangle[y, x]] if triangle[y, x] >= 0 else nothing
    return out


@numba.njit(cache=True, nogil=True)
def _edge_mask(
    part: np.ndarray, label: np.ndarray, depth: np.ndarray, gap: float, seams: np.ndarray
) -> np.ndarray:
    size = depth.shape[0]
    mask = np.zeros((size, size), np.uint8)
    for y in range(size):
        for x in range(size):
            if part[y, x] < 0:
                continue
            for k in range(4):
                qx = x + (1 if k == 0 else -1 if k == 1 else 0)
                qy = y + (1 if k == 2 else -1 if k == 3 else 0)
                if qx < 0 or qy < 0 or qx >= size or qy >= size:
                    continue
                step = depth[qy, qx] - depth[y, x]
                if step > gap:
                    mask[y, x] = 1
                    break
                # A seam is drawn once, on the side with the lower label.
                if label[qy, qx] > label[y, x] and seams[label[y, x], label[qy, qx]] and step > -gap:
                    mask[y, x] = 1
                    break
    return mask


@numba.njit(cache=True, nogil=True)
def _trace(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    high, wide = mask.shape
    dx = np.array([1, 1, 0, -1, -1, -1, 0, 1])
    dy = np.array([0, 1, 1, 1, 0, -1, -1, -1])
    total = 0
    for y in range(high):
        for x in range(wide):
            total += mask[y, x]
    xs = np.empty(total, np.float32)
    ys = np.empty(total, np.float32)
    starts = np.empty(total + 1, np.int32)
    count, chains = 0, 0
    # First pass starts at the ends of open chains, the second at what is left: closed loops.
    for phase in range(2):
        for y0 in range(1, high - 1):
            for x0 in range(1, wide - 1):
                if mask[y0, x0] == 0:
                    continue
                if phase == 0:
                    degree = 0
                    for k in range(8):
                        degree += mask[y0 + dy[k], x0 + dx[k]]
                    if degree != 1:
                        continue
                starts[chains] = count
                chains += 1
                x, y, heading = x0, y0, -1
                while True:
                    mask[y, x] = 0
                    xs[count] = x
                    ys[count] = y
                    count += 1
                    best, best_turn = -1, 99
                    for k in range(8):
                        qx, qy = x + dx[k], y + dy[k]
                        if qx < 0 or qy < 0 or qx >= wide or qy >= high or mask[qy, qx] == 0:
                            continue
                        turn = 0
                        if heading >= 0:
                            turn = abs(k - heading)
                            turn = min(turn, 8 - turn)
                        turn = 2 * turn + (k & 1)
                        if turn < best_turn:
                            best, best_turn = k, turn
                    if best < 0 or (heading >= 0 and best_turn > 6):
                        break
                    heading = best
                    x, y = x + dx[best], y + dy[best]
    starts[chains] = count
    return xs[:count], ys[:count], starts[: chains + 1]


def trace_lines(
    buffer: GBuffer, part: np.ndarray, label: np.ndarray, gap: float, seams: np.ndarray, shortest: int = 5
) -> list[np.ndarray]:
    """Lines that a person would draw: where the surface jumps in depth, and along chosen seams.

    Args:
        buffer: the view.
        part: (S, S) int, -1 where nothing is seen.
        label: (S, S) int material label, 0 where nothing is seen.
        gap: metres of depth that make an inner contour.
        seams: (L, L) bool, symmetric: which pairs of labels have a line between them.
        shortest: chains of fewer pixels are dropped.

    Returns:
        Polylines, each (n, 2) float32 pixels.
    """
    mask = _edge_mask(part.astype(np.int32), label.astype(np.int32), buffer.depth, gap, seams)
    return [chain for chain in trace_chains(mask) if len(chain) >= shortest]


def trace_chains(mask: np.ndarray) -> list[np.ndarray]:
    """The lines of a (H, W) uint8 mask of thin lines, which is used up: each (n, 2) float32 pixels."""
    xs, ys, starts = _trace(mask)
    points = np.stack([xs, ys], 1)
    return [points[a:b] for a, b in pairwise(starts)]
