"""A figure while it is dressed: materials cut out of the body's surface, and pieces that hang from it."""

from __future__ import annotations

import numba
import numpy as np

from backend.skeleton import N_JOINTS, keypoint_index

from .anatomy import Anatomy, Spans
from .shapes import Label, Piece, grid


class Dressing:
    """Clothes as they are put on.

    Attributes:
        anatomy: the body.
        positions: (V, 3) float32 rest-pose metres; hems pull vertices along the surface, cloth moves them out.
        label: (F,) uint8 Label of each triangle of the body.
        pieces: what is added to the body.
        wears: names of what is worn, by which its cues are chosen.
    """

    def __init__(self, anatomy: Anatomy) -> None:
        self.anatomy = anatomy
        self.positions = anatomy.body.v_template.astype(np.float32)
        self.label = np.full(len(anatomy.faces), Label.SKIN, np.uint8)
        self.pieces: list[Piece] = []
        self.wears: list[str] = []

    def below(self, field: np.ndarray, level: float) -> np.ndarray:
        """(F,) bool triangles where a (V,) float32 field is less than a level; the mesh is fitted to the border.

        Of every edge that crosses the level, the nearer end slides along it to the level, so that hems are clean.
        """
        spans = self.anatomy.spans.get(id(field)) or Spans.of(field, self.anatomy.edges, self.anatomy.faces)
        return _cut(
            field,
            np.float32(level),
            self.anatomy.edges,
            spans.edges,
            self.anatomy.faces,
            spans.faces,
            self.positions,
        )

    def cover(self, triangles: np.ndarray, label: Label, thickness: float | np.ndarray) -> None:
        """Make (F,) bool triangles of a material that stands off by metres, one number or (V,)."""
        self.label[triangles] = label
        stand = np.broadcast_to(np.asarray(thickness, np.float32), len(self.positions))
        _push_out(self.anatomy.faces, triangles, stand, self.anatomy.rest_normals, self.positions)


@numba.njit(cache=True, nogil=True)
def _cut(
    field: np.ndarray,
    level: np.float32,
    edges: np.ndarray,
    edge_spans: np.ndarray,
    faces: np.ndarray,
    face_spans: np.ndarray,
    positions: np.ndarray,
) -> np.ndarray:
    share = np.ones(len(field), np.float32)
    target = np.full(len(field), -1, np.int32)
    moved = [0 for _ in range(0)]
    for e in range(len(edges)):
        if edge_spans[0, e] < level <= edge_spans[1, e]:
            i, j = edges[e, 0], edges[e, 1]
            a, b = field[i] - level, field[j] - level
            t = a / (a - b)
            mover, other = (i, j) if t < 0.5 else (j, i)
            t = min(t, 1 - t)
            if target[mover] < 0:
                moved.append(mover)
            if target[mover] < 0 or t < share[mover]:
                share[mover], target[mover] = t, other
    inside = np.zeros(len(faces), np.bool_)
    for f in range(len(faces)):
        if face_spans[1, f] < level:
            inside[f] = True
        elif face_spans[0, f] < level:
            total = np.float32(0)
            for k in range(3):
                if target[faces[f, k]] < 0:
                    total += field[faces[f, k]] - level
            inside[f] = total < 0
    # Where an edge's other end has moved too, it is its old place that counts.
    steps = [
        (share[v] * (positions[target[v], 0] - positions[v, 0]),
         share[v] * (positions[target[v], 1] - positions[v, 1]),
         share[v] * (positions[target[v], 2] - positions[v, 2]))
        for v in moved
    ]  # fmt: skip
    for k in range(len(moved)):
        for axis in range(3):
            positions[moved[k], axis] += steps[k][axis]
    return inside


@numba.njit(cache=True, nogil=True)
def _push_out(
    faces: np.ndarray, triangles: np.ndarray, stand: np.ndarray, normals: np.ndarray, positions: np.ndarray
) -> None:
    done = np.zeros(len(positions), np.bool_)
    for f in range(len(faces)):
        if triangles[f]:
            for k in range(3):
                v = faces[f, k]
                if not done[v]:
                    done[v] = True
                    for axis in range(3):
                        positions[v, axis] += stand[v] * normals[v, axis]


def hanging(
    anatomy: Anatomy,
    label: Label,
    waist: float,
    hem: float,
    flare: float,
    folds: tuple[float, int],
    opening: tuple[float, float] = (0.0, 0.0),
) -> Piece:
    """Cloth that hangs around the body: skirts, coat tails, aprons, capes.

    Args:
        anatomy: the body.
        label: its material.
        waist: rest-pose height where it begins, metres.
        hem: and where it ends.
        flare: metres that its hem stands off more than its top.
        folds: depth in radii and number of the folds at its hem.
        opening: angle that is left open and the direction of its middle, radians: 0 is the front.
    """
    rows, columns = 9, 26
    joints = anatomy.rest_joints
    hip, knee = (joints[keypoint_index(f"left_{n}")][1] for n in ("hip", "knee"))
    fall = np.linspace(0, 1, rows)[:, None]
    gap, middle = opening
    angle = np.linspace(gap / 2, 2 * np.pi - gap / 2, columns, endpoint=gap > 0)[None] + middle
    y = waist + (hem - waist) * fall
    bell = flare * ((waist - y) / max(waist - hem, 0.1)) ** 0.8
    stops = [hip - 0.05, 0.11, 0.3, 0.44]
    wide = np.interp(y, stops, [0.197, 0.165, 0.185, 0.165]) + bell
    deep = np.interp(y, stops, [0.13, 0.115, 0.135, 0.115]) + bell
    wave = 1 + folds[0] * fall * np.sin(angle * folds[1])
    x, z = wide * np.sin(angle) * wave, deep * np.cos(angle) * wave + 0.012
    y = np.broadcast_to(y, x.shape)
    weights = np.zeros((rows, columns, N_JOINTS), np.float32)
    legs = ((hip + 0.04 - y) / 0.22).clip(0, 0.97)
    shins = 0.7 * ((knee - y) / 0.25).clip(0, 1) * legs
    chest = ((y - 0.12) / 0.25).clip(0, 1)
    left = 1 / (1 + np.exp(-x / 0.035))
    weights[..., keypoint_index("spine3")] = chest
    weights[..., 0] = (1 - chest) * (1 - legs)
    for side, share in (("left", left), ("right", 1 - left)):
        weights[..., keypoint_index(f"{side}_hip")] = (legs - shins) * share
        weights[..., keypoint_index(f"{side}_knee")] = shins * share
    vertices = np.stack([x, y, z], -1).reshape(-1, 3).astype(np.float32)
    down = tuple(np.arange(rows) * columns + k for k in range(0, columns, 2))
    return Piece(vertices, grid(rows, columns, gap <= 0), 0, weights.reshape(-1, N_JOINTS), label, down)
