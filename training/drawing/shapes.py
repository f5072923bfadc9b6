"""Small meshes that clothes, hair and things are made of, in the rest pose: metres, y up, facing +z."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from backend.skeleton import N_JOINTS


class Label(IntEnum):
    """Material of a triangle; lines are drawn between some pairs, and styles give each its tone."""

    NOTHING = 0
    SKIN = 1
    TOP = 2
    BOTTOM = 3
    SHOE = 4
    HAIR = 5
    HAT = 6
    GLOVE = 7
    SKIRT = 8
    PROP = 9
    CLOTH = 10


@dataclass(frozen=True, eq=False)
class Piece:
    """A mesh that is added to the body.

    Attributes:
        vertices: (K, 3) float32 rest-pose metres.
        faces: (M, 3) triangles.
        anchor: the joint that carries it to the shaped body.
        weights: (K, 24) float32 skinning weights.
        label: its material.
        folds: lines along it that may be drawn, each (n,) of its vertices.
    """

    vertices: np.ndarray
    faces: np.ndarray
    anchor: int
    weights: np.ndarray
    label: Label
    folds: tuple[np.ndarray, ...] = ()


def rigid(mesh: tuple[np.ndarray, np.ndarray], joint: int, label: Label) -> Piece:
    """A mesh that one joint carries."""
    vertices, faces = mesh
    weights = np.zeros((len(vertices), N_JOINTS), np.float32)
    weights[:, joint] = 1
    return Piece(vertices.astype(np.float32), faces, joint, weights, label)


def grid(rows: int, columns: int, closed: bool = True) -> np.ndarray:
    """Triangles of a rows x columns grid of vertices; ``closed`` joins its last column to its first."""
    r, c = np.meshgrid(np.arange(rows - 1), np.arange(columns if closed else columns - 1), indexing="ij")
    a, b = r * columns + c, r * columns + (c + 1) % columns
    d, e = a + columns, b + columns
    return np.concatenate([np.stack([a, b, d], -1).reshape(-1, 3), np.stack([b, e, d], -1).reshape(-1, 3)])


def ellipsoid(
    centre: np.ndarray, radii: np.ndarray, down_to: float = np.pi, round_: float = 1.0, lumps: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """An ellipsoid, a dome or a box with round edges.

    Args:
        centre: (3,) metres.
        radii: (3,) metres.
        down_to: angle from the top at which it ends: pi for all of it, half of that for a dome.
        round_: 1 for an ellipsoid, towards 0 for a box.
        lumps: depth of the dents of its surface, in radii.
    """
    rows, columns = 10, 16
    v = np.linspace(0, down_to, rows)[:, None]
    u = np.linspace(0, 2 * np.pi, columns, endpoint=False)[None]
    unit = np.stack([np.sin(v) * np.cos(u), np.cos(v) + 0 * u, np.sin(v) * np.sin(u)], -1)
    unit *= 1 + lumps * (np.sin(4 * u) * np.sin(5 * v) * np.sin(v))[..., None]
    unit = np.sign(unit) * np.abs(unit) ** round_
    return (unit.reshape(-1, 3) * radii + centre).astype(np.float32), grid(rows, columns)


def tube(line: np.ndarray, radii: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A round tube along an (n, 3) line with (n,) radii, metres."""
    columns = 8
    along = np.gradient(line, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    side = np.cross(along, (0.31, 0.2, 0.93))
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    other = np.cross(along, side)
    angle = np.linspace(0, 2 * np.pi, columns, endpoint=False)[None, :, None]
    ring = np.cos(angle) * side[:, None] + np.sin(angle) * other[:, None]
    vertices = line[:, None] + ring * radii[:, None, None]
    return vertices.reshape(-1, 3).astype(np.float32), grid(len(line), columns)
