"""Linear blend skinning of one dressed body, and where its vertices are seen; compiled, for it has thousands of them."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

#: The least distance of a vertex from the viewer, metres: what is nearer, or behind, is not made larger still.
NEAREST = 0.4


@dataclass(frozen=True, eq=False)
class Carriers:
    """The joints that move each vertex of a body: most have one or two, where a table has a column for all.

    Attributes:
        joints: (V, K) int32, ascending.
        shares: (V, K) float32 skinning weights; 0 from the first place on that is not used.
    """

    joints: np.ndarray
    shares: np.ndarray

    @classmethod
    def of(cls, weights: np.ndarray) -> Carriers:
        """Those of a (V, 24) table of skinning weights."""
        count = int((weights != 0).sum(1).max())
        joints = np.sort(np.argsort(weights == 0, axis=1, kind="stable")[:, :count], axis=1)
        shares = np.take_along_axis(weights, joints, 1)
        order = np.argsort(shares == 0, axis=1, kind="stable")
        return cls(
            np.ascontiguousarray(np.take_along_axis(joints, order, 1), np.int32),
            np.ascontiguousarray(np.take_along_axis(shares, order, 1), np.float32),
        )


def pose_joints(
    local: np.ndarray, stretch: np.ndarray, rest_joints: np.ndarray, parents: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the joints of a stretched body are, and how they move the rest pose.

    Args:
        local: (24, 3, 3) rotations; the first one to the camera frame.
        stretch: (24, 3, 3) linear map of the rest pose around every joint.
        rest_joints: (24, 3) metres.
        parents: (24,) int.

    Returns:
        (24, 3, 3) float32 world rotations, (24, 3) float32 places with the pelvis at 0, metres, and the
        (24, 3, 4) float64 maps of :func:`skin`.
    """
    return _pose_joints(
        np.ascontiguousarray(local, np.float32), np.ascontiguousarray(stretch, np.float32),
        np.ascontiguousarray(rest_joints, np.float32), parents,
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _pose_joints(
    local: np.ndarray, stretch: np.ndarray, rest_joints: np.ndarray, parents: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    count = len(local)
    world, places = np.empty_like(local), np.zeros((count, 3), np.float32)
    affine = np.empty((count, 3, 4))
    for j in range(count):
        p = parents[j]
        for row in range(3):
            for k in range(3):
                turned = local[j, row, k]
                if j > 0:
                    turned = np.float32(0)
                    for i in range(3):
                        turned += world[p, row, i] * local[j, i, k]
                world[j, row, k] = turned
        for row in range(3):
            if j > 0:
                place = np.float32(0)
                for k in range(3):
                    place += np.float32(affine[p, row, k]) * (rest_joints[j, k] - rest_joints[p, k])
                places[j, row] = places[p, row] + place
            shift = np.float32(0)
            for k in range(3):
                linear = np.float32(0)
                for i in range(3):
                    linear += world[j, row, i] * stretch[j, i, k]
                affine[j, row, k] = linear
                shift += linear * rest_joints[j, k]
            affine[j, row, 3] = places[j, row] - shift
    return world, places, affine


def shape_and_skin(
    template: np.ndarray,
    offset: np.ndarray,
    shapedirs: np.ndarray,
    betas: np.ndarray,
    carriers: Carriers,
    affine: np.ndarray,
    distance: float,
    room: int = 0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shape a body by its (B,) betas along its (V, 3, B) directions, move its vertices by (V, 3), then :func:`skin` it.

    The two arrays of vertices that are returned have ``room`` rows more, which are not set.
    """
    return _shape_and_skin(
        template, offset, shapedirs, np.ascontiguousarray(betas, np.float32),
        carriers.joints, carriers.shares, np.ascontiguousarray(affine, np.float64), float(distance), room,
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _shape_and_skin(
    template: np.ndarray,
    offset: np.ndarray,
    shapedirs: np.ndarray,
    betas: np.ndarray,
    joints: np.ndarray,
    shares: np.ndarray,
    affine: np.ndarray,
    distance: float,
    room: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    count = len(template)
    vertices, flat = np.empty((count + room, 3), np.float32), np.empty((count + room, 2), np.float32)
    left = top = np.inf
    right = bottom = -np.inf
    shaped, orthographic = betas.any(), not np.isfinite(distance)
    for v in range(count):
        a, b, c = template[v, 0] + offset[v, 0], template[v, 1] + offset[v, 1], template[v, 2] + offset[v, 2]
        if shaped:
            for k in range(len(betas)):
                a += shapedirs[v, 0, k] * betas[k]
                b += shapedirs[v, 1, k] * betas[k]
                c += shapedirs[v, 2, k] * betas[k]
        x = y = z = 0.0
        for k in range(joints.shape[1]):
            share, j = shares[v, k], joints[v, k]
            if share == 0:
                break
            x += share * (affine[j, 0, 0] * a + affine[j, 0, 1] * b + affine[j, 0, 2] * c + affine[j, 0, 3])
            y += share * (affine[j, 1, 0] * a + affine[j, 1, 1] * b + affine[j, 1, 2] * c + affine[j, 1, 3])
            z += share * (affine[j, 2, 0] * a + affine[j, 2, 1] * b + affine[j, 2, 2] * c + affine[j, 2, 3])
        vertices[v, 0], vertices[v, 1], vertices[v, 2] = x, y, z
        if not orthographic:
            nearer = distance / max(distance + z, NEAREST)
            x, y = x * nearer, y * nearer
        flat[v, 0], flat[v, 1] = x, y
        left, right, top, bottom = min(left, x), max(right, x), min(top, y), max(bottom, y)
    return vertices, flat, np.array([[left, top], [right, bottom]])


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
