"""A small picture of a posed figure, drawn without a window or a graphics card: the preview of a pose asset.

Triangles are scattered with points, closer than pixels; of the points in a pixel the nearest one is seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Points are drawn on a raster so many times as fine, which is averaged then: edges become smooth.
_FINE = 2
#: Points a fine pixel, along a triangle's edges.
_DENSITY = 1.3
#: No triangle gets more points along an edge; larger ones than the picture are none of a figure's.
_MOST_STEPS = 1400
#: Share of the picture that is left free on each side.
_MARGIN = 0.06
_OCTAHEDRON = ((0, 1, 2), (0, 2, 3), (0, 3, 4), (0, 4, 1), (5, 2, 1), (5, 3, 2), (5, 4, 3), (5, 1, 4))


@dataclass(frozen=True, eq=False)
class Surface:
    """Triangles in space.

    Attributes:
        corners: (T, 3, 3) their corners.
        colours: (T, 3) linear colour, 0..1.
    """

    corners: np.ndarray
    colours: np.ndarray


def join(surfaces: list[Surface]) -> Surface:
    """Several surfaces as one."""
    return Surface(
        np.concatenate([surface.corners for surface in surfaces]),
        np.concatenate([surface.colours for surface in surfaces]),
    )


def bones_surface(heads: np.ndarray, tails: np.ndarray, colours: np.ndarray) -> Surface:
    """Bones as octahedra, as Blender draws them.

    Args:
        heads: (N, 3).
        tails: (N, 3).
        colours: (N, 3).
    """
    along = tails - heads
    length = np.linalg.norm(along, axis=1, keepdims=True)
    along = along / np.maximum(length, 1e-12)
    aside = np.eye(3)[np.argmin(np.abs(along), axis=1)]
    across = np.cross(along, aside)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-12)
    third = np.cross(along, across)
    waist, width = heads + 0.15 * length * along, 0.12 * length
    points = np.stack(
        [
            heads,
            waist + width * across,
            waist + width * third,
            waist - width * across,
            waist - width * third,
            tails,
        ],
        1,
    )
    return Surface(points[:, list(_OCTAHEDRON)].reshape(-1, 3, 3), np.repeat(colours, len(_OCTAHEDRON), 0))


def picture(surface: Surface, right: np.ndarray, up: np.ndarray, size: int = 256) -> np.ndarray:
    """The surface seen from afar, filling a square picture.

    Args:
        surface: at least one triangle.
        right: (3,) unit direction in space that is to the right in the picture.
        up: (3,) unit direction that is up, at right angles to it.
        size: pixels along each side.

    Returns:
        (size, size, 4) float32 sRGB with straight alpha, 0..1, the first row on top; what is not covered is clear.
    """
    view = np.stack([right, -up, -np.cross(right, up)], 1)  # to the right, down, away
    seen = (surface.corners @ view).astype(np.float32)
    low, high = seen.min((0, 1))[:2], seen.max((0, 1))[:2]
    fine = size * _FINE
    scale = fine * (1 - 2 * _MARGIN) / max(float((high - low).max()), 1e-12)
    seen = seen * scale
    seen[..., :2] += fine / 2 - scale * (low + high) / 2

    shades = _shaded(seen, surface.colours)
    places, depths, owners = _points(seen)
    columns, rows = np.clip(places.astype(np.int32), 0, fine - 1).T
    cells = columns + fine * rows
    # Whole numbers of 16 bits are sorted in a quarter of the time; they tell a hundredth of a pixel apart.
    nearness = (depths.max() - depths) * (65535 / max(float(np.ptp(depths)), 1e-12))
    farthest_first = np.argsort(nearness.astype(np.uint16), kind="stable").astype(np.int32)
    seen_point = np.full(fine * fine, -1, np.int32)
    seen_point[cells[farthest_first]] = farthest_first
    covered = np.flatnonzero(seen_point >= 0)
    image = np.zeros((fine * fine, 4), np.float32)
    image[covered, :3] = shades[owners[seen_point[covered]]]
    image[covered, 3] = 1
    image = image.reshape(fine, fine, 4)
    parts = [image[row::_FINE, column::_FINE] for row in range(_FINE) for column in range(_FINE)]
    coarse = np.mean(parts, 0)
    colour = coarse[..., :3] / np.maximum(coarse[..., 3:], 1e-6)
    srgb = np.where(
        colour <= 0.0031308, 12.92 * colour, 1.055 * np.maximum(colour, 1e-6) ** (1 / 2.4) - 0.055
    )
    return np.concatenate([np.clip(srgb, 0, 1) * (coarse[..., 3:] > 0), coarse[..., 3:]], -1).astype(
        np.float32
    )


def _shaded(seen: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """(T, 3) colours under a light over the viewer's left shoulder; both sides of a triangle are lit."""
    normals = np.cross(seen[:, 1] - seen[:, 0], seen[:, 2] - seen[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    normals *= np.where(normals[:, 2:] > 0, -1.0, 1.0)  # towards the viewer
    light = np.array([-0.45, -0.6, -0.66])
    return colours * (0.22 + 0.78 * np.maximum(normals @ light, 0.0))[:, None]


def _points(seen: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places (M, 2) in fine pixels, depths (M,) and triangles (M,) of points that lie close together."""
    edges = np.linalg.norm(seen[:, [1, 2, 0], :2] - seen[:, :, :2], axis=-1)
    # Rows of points run along the shortest edge, so that a thin triangle, half a bone, has few in each.
    shortest = edges.argmin(1)
    tip = (shortest + 2) % 3
    seen = seen[np.arange(len(seen))[:, None], np.stack([tip, shortest, (shortest + 1) % 3], 1)]
    rows, widest = _steps(edges.max(1)), _steps(edges.min(1))
    places, depths, owners = [], [], []
    kinds = rows * (2 * _MOST_STEPS) + widest
    for kind in np.unique(kinds).tolist():
        count, width = divmod(kind, 2 * _MOST_STEPS)
        triangles = np.flatnonzero(kinds == kind)
        # A part of a step from each edge: triangles that meet share no points and leave no gap.
        row = np.arange(count)
        points_of = -(-(row + 1) * width // count)
        row, points_in_row = np.repeat(row, points_of), np.repeat(points_of, points_of)
        along = np.arange(len(row)) - np.repeat(np.cumsum(points_of) - points_of, points_of)
        down, aside = (row + 2 / 3) / count, (along + 1 / 4) / (points_in_row - 1 / 2)
        weights = np.stack([1 - down, down * (1 - aside), down * aside], 1).astype(np.float32)
        points = weights @ seen[triangles]
        places.append(points[..., :2].reshape(-1, 2))
        depths.append(points[..., 2].ravel())
        owners.append(np.repeat(triangles, len(weights)))
    return np.concatenate(places), np.concatenate(depths), np.concatenate(owners)


def _steps(lengths: np.ndarray) -> np.ndarray:
    """(T,) how many points make a line of so many fine pixels look closed; few different numbers."""
    steps = np.clip(np.ceil(lengths * _DENSITY), 1, _MOST_STEPS).astype(np.int32)
    return np.where(steps > 8, 2 ** np.ceil(np.log2(steps)).astype(np.int32), steps)
