"""What a figure wears and holds: materials of the body's triangles and small meshes that move with it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from backend.skeleton import N_JOINTS

from .anatomy import Anatomy
from .chance import pick
from .cloth import Dressing
from .fingers import shape_hands
from .garments import put_on_clothes
from .hair import put_on_hair, put_on_hat
from .held import put_in_hand
from .shapes import Label

__all__ = ["Label", "Outfit", "dress"]


@dataclass(frozen=True, eq=False)
class Outfit:
    """What the body wears and holds.

    Attributes:
        offset: (V, 3) float32 rest-pose metres that clothes and hair move each body vertex by.
        extra_vertices: (K, 3) rest-pose metres of skirts, hair and props.
        extra_anchor: (K,) the joint that carries each extra vertex to the shaped body.
        extra_weights: (K, 24) float32 skinning weights of the extras.
        faces: (F', 3) int32 triangles of body and extras.
        face_part: (F',) int16 joint each triangle belongs to; extras have numbers from 24 on.
        face_label: (F',) uint8 Label of each triangle.
        folds: lines along skirts, coats and loose hair, each (n,) of the vertices of body and extras.
        wears: names of the garments and of the kind of body, by which their lines are chosen.
    """

    offset: np.ndarray
    extra_vertices: np.ndarray
    extra_anchor: np.ndarray
    extra_weights: np.ndarray
    faces: np.ndarray
    face_part: np.ndarray
    face_label: np.ndarray
    folds: tuple[np.ndarray, ...]
    wears: tuple[str, ...]


def dress(rng: np.random.Generator, anatomy: Anatomy, plain: bool = False) -> Outfit:
    """Choose clothes at random.

    Args:
        rng: source of chance.
        anatomy: the body to dress.
        plain: True for the naked body without extras.
    """
    if plain:
        return _bare(anatomy)
    dressing = Dressing(anatomy)
    shape_hands(rng, dressing)
    dressing.wears.append(pick(rng, ["flat chest", "full chest"]))
    if rng.random() < 0.85:
        put_on_clothes(rng, dressing)
    if rng.random() < 0.85:
        put_on_hair(rng, dressing)
    if rng.random() < 0.16:
        put_on_hat(rng, dressing)
    if rng.random() < 0.14:
        put_in_hand(rng, dressing)
    return _assemble(dressing)


@cache
def _bare(anatomy: Anatomy) -> Outfit:
    return _assemble(Dressing(anatomy))


def _assemble(dressing: Dressing) -> Outfit:
    anatomy = dressing.anatomy
    offset = dressing.positions - anatomy.body.v_template
    if not dressing.pieces:
        nothing = np.zeros((0, 3), np.float32), np.zeros(0, np.int64), np.zeros((0, N_JOINTS), np.float32)
        return Outfit(
            offset, *nothing, anatomy.faces, anatomy.face_part, dressing.label, (), tuple(dressing.wears)
        )
    vertices, anchors, weights = [], [], []
    faces, parts, labels = [anatomy.faces], [anatomy.face_part], [dressing.label]
    folds: list[np.ndarray] = []
    start = len(anatomy.part)
    for number, piece in enumerate(dressing.pieces):
        vertices.append(piece.vertices)
        anchors.append(np.full(len(piece.vertices), piece.anchor))
        weights.append(piece.weights)
        faces.append((piece.faces + start).astype(np.int32))
        parts.append(np.full(len(piece.faces), N_JOINTS + number, np.int16))
        labels.append(np.full(len(piece.faces), piece.label, np.uint8))
        folds += [line + start for line in piece.folds]
        start += len(piece.vertices)
    return Outfit(
        offset,
        np.concatenate(vertices),
        np.concatenate(anchors),
        np.concatenate(weights),
        np.concatenate(faces),
        np.concatenate(parts),
        np.concatenate(labels),
        tuple(folds),
        tuple(dressing.wears),
    )
