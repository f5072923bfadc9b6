"""Clothes, hair, hats and things held: labels on the body's triangles and small extra meshes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from backend.skeleton import N_JOINTS, keypoint_index

from .anatomy import Anatomy


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


@dataclass(frozen=True, eq=False)
class Outfit:
    """What the body wears and holds.

    Attributes:
        thickness: (V,) metres that each body vertex is moved out along its normal (loose clothes, hair).
        extra_vertices: (K, 3) rest-pose metres of skirts, hair and props.
        extra_anchor: (K,) the joint that carries each extra vertex to the shaped body.
        weights: (V + K, 24) skinning weights of body and extras.
        faces: (F', 3) int32 triangles of body and extras.
        face_part: (F',) joint each triangle belongs to; extras have numbers from 24 on.
        face_label: (F',) Label of each triangle.
    """

    thickness: np.ndarray
    extra_vertices: np.ndarray
    extra_anchor: np.ndarray
    weights: np.ndarray
    faces: np.ndarray
    face_part: np.ndarray
    face_label: np.ndarray


@dataclass
class _Piece:
    vertices: np.ndarray
    faces: np.ndarray
    anchor: int
    weights: np.ndarray
    label: Label


_HEAD = keypoint_index("head")


def _joints(*names: str) -> list[int]:
    return [keypoint_index(f"{side}_{name}") for name in names for side in ("left", "right")]


def dress(rng: np.random.Generator, anatomy: Anatomy, plain: bool = False) -> Outfit:
    """Choose clothes at random.

    Args:
        rng: source of chance.
        anatomy: the body to dress.
        plain: True for the naked body without extras.
    """
    part, along = anatomy.part, anatomy.along
    label = np.full(len(part), Label.SKIN)
    thickness = np.zeros(len(part), np.float32)
    pieces: list[_Piece] = []
    if not plain:
        if rng.random() < 0.8:
            _clothe(rng, part, along, label, thickness)
        if rng.random() < 0.75:
            pieces += _hair(rng, anatomy, label, thickness)
        if rng.random() < 0.25 and (label[part == _HEAD] != Label.SKIN).any():
            pieces += _hat(rng, anatomy)
        if rng.random() < 0.2:
            pieces.append(_skirt(rng, anatomy))
        if rng.random() < 0.18:
            pieces.append(_held(rng, anatomy))
    return _assemble(anatomy, label, thickness, pieces)


def _clothe(
    rng: np.random.Generator, part: np.ndarray, along: np.ndarray, label: np.ndarray, thickness: np.ndarray
) -> None:
    torso = np.isin(part, [keypoint_index(n) for n in ("spine1", "spine2", "spine3")] + _joints("collar"))
    pelvis = part == 0
    thigh, shin = np.isin(part, _joints("hip")), np.isin(part, _joints("knee"))
    upper, fore = np.isin(part, _joints("shoulder")), np.isin(part, _joints("elbow"))
    loose = rng.choice([0.0, 0.012, 0.03], p=[0.4, 0.4, 0.2])
    if rng.random() < 0.85:
        sleeve = rng.choice(
            [0.0, rng.uniform(0.3, 0.9), 1.0, rng.uniform(1.2, 1.9), 2.0], p=[0.15, 0.25, 0.1, 0.15, 0.35]
        )
        top = torso | (upper & (along < sleeve)) | (fore & (along < sleeve - 1))
        if rng.random() < 0.4:
            top |= pelvis & (along > rng.uniform(-0.9, 0.3))
        label[top] = Label.TOP
        thickness[top] = loose * (1 + 0.8 * (fore[top] * along[top]).clip(0, 1))
    if rng.random() < 0.9:
        leg = rng.choice(
            [0.15, rng.uniform(0.3, 0.9), 1.0, rng.uniform(1.2, 1.8), 2.0], p=[0.15, 0.2, 0.1, 0.15, 0.4]
        )
        bottom = pelvis & (label != Label.TOP) | (thigh & (along < leg)) | (shin & (along < leg - 1))
        label[bottom] = Label.BOTTOM
        flare = rng.uniform(0, 0.07) if rng.random() < 0.25 else 0.0
        thickness[bottom] = (
            loose * 0.8 + flare * (thigh * along * 0.4 + shin * (0.4 + 0.6 * along)).clip(0, 1)[bottom]
        )
    if rng.random() < 0.75:
        shoe = np.isin(part, _joints("ankle", "foot"))
        if rng.random() < 0.3:
            shoe |= shin & (along > rng.uniform(0.4, 0.9))
        label[shoe] = Label.SHOE
        thickness[shoe] = rng.choice([0.006, 0.016])
    if rng.random() < 0.1:
        hand = np.isin(part, _joints("wrist", "hand"))
        label[hand] = Label.GLOVE
        thickness[hand] = 0.008


def _sphere(
    centre: np.ndarray, radii: np.ndarray, rows: int = 9, columns: int = 14
) -> tuple[np.ndarray, np.ndarray]:
    """An ellipsoid: vertices (rows * columns, 3) and triangles."""
    v = np.linspace(0, np.pi, rows)[:, None]
    u = np.linspace(0, 2 * np.pi, columns, endpoint=False)[None]
    unit = np.stack([np.sin(v) * np.cos(u), np.cos(v) + 0 * u, np.sin(v) * np.sin(u)], -1).reshape(-1, 3)
    return (unit * radii + centre).astype(np.float32), _grid(rows, columns)


def _grid(rows: int, columns: int) -> np.ndarray:
    """Triangles of a rows x columns grid of vertices whose columns close in a ring."""
    r, c = np.meshgrid(np.arange(rows - 1), np.arange(columns), indexing="ij")
    a, b = r * columns + c, r * columns + (c + 1) % columns
    d, e = a + columns, b + columns
    return np.concatenate([np.stack([a, b, d], -1).reshape(-1, 3), np.stack([b, e, d], -1).reshape(-1, 3)])


def _rigid(vertices: np.ndarray, faces: np.ndarray, joint: int, label: Label) -> _Piece:
    weights = np.zeros((len(vertices), N_JOINTS), np.float32)
    weights[:, joint] = 1
    return _Piece(vertices, faces, joint, weights, label)


def _hair(
    rng: np.random.Generator, anatomy: Anatomy, label: np.ndarray, thickness: np.ndarray
) -> list[_Piece]:
    head = anatomy.rest_joints[_HEAD]
    top = anatomy.rest_keypoints[keypoint_index("head_top")]
    height = top[1] - head[1]
    middle = head + (0, 0.55 * height, 0.0)
    offset = anatomy.body.v_template - head
    scalp = (anatomy.part == _HEAD) & (
        (offset[:, 1] > height * rng.uniform(0.72, 0.85))
        | (
            (offset[:, 2] < height * rng.uniform(0.0, 0.2))
            & (offset[:, 1] > height * rng.uniform(-0.05, 0.3))
        )
    )
    label[scalp] = Label.HAIR
    thickness[scalp] = rng.uniform(0.0, 0.03)
    style = rng.choice(
        ["short", "long", "bun", "tail", "big", "pigtails"], p=[0.35, 0.2, 0.1, 0.12, 0.15, 0.08]
    )
    back = middle + (0, 0, -0.5 * height)

    def ball(centre: np.ndarray, radii: tuple[float, float, float]) -> _Piece:
        return _rigid(*_sphere(centre, np.array(radii) * height), _HEAD, Label.HAIR)

    if style == "long":
        drop = rng.uniform(0.3, 1.3)
        return [ball(back + (0, -drop * 0.6 * height, 0.1 * height), (0.52, 0.5 + drop * 0.7, 0.3))]
    if style == "bun":
        return [ball(top + (0, 0.1 * height, -rng.uniform(0, 0.5) * height), (0.25, 0.22, 0.25))]
    if style == "tail":
        return [
            ball(
                back + (0, rng.uniform(-0.6, 0.3) * height, -0.35 * height),
                (0.16, rng.uniform(0.4, 0.9), 0.25),
            )
        ]
    if style == "big":
        size = rng.uniform(0.75, 1.15)
        return [ball(middle + (0, 0.2 * height, -0.38 * height), (size, size, size * 0.8))]
    if style == "pigtails":
        return [
            ball(middle + (side * 0.6 * height, rng.uniform(-0.3, 0.2) * height, 0), (0.2, 0.38, 0.2))
            for side in (-1, 1)
        ]
    return []


def _hat(rng: np.random.Generator, anatomy: Anatomy) -> list[_Piece]:
    head = anatomy.rest_joints[_HEAD]
    top = anatomy.rest_keypoints[keypoint_index("head_top")]
    height = top[1] - head[1]
    crown = top + (0, -0.12 * height, -0.1 * height)
    pieces = [
        _rigid(*_sphere(crown, np.array([0.55, rng.uniform(0.2, 0.7), 0.62]) * height), _HEAD, Label.HAT)
    ]
    if rng.random() < 0.7:
        forward = rng.choice([0.0, 0.5])
        brim = crown + (0, -0.02 * height, forward * height)
        reach = rng.uniform(0.6, 1.1)
        pieces.append(_rigid(*_sphere(brim, np.array([reach, 0.05, reach]) * height), _HEAD, Label.HAT))
    return pieces


def _skirt(rng: np.random.Generator, anatomy: Anatomy) -> _Piece:
    joints = anatomy.rest_joints
    knee, ankle = joints[keypoint_index("left_knee")], joints[keypoint_index("left_ankle")]
    waist = joints[keypoint_index("spine1")][1]
    hem = rng.choice([knee[1] + 0.15, knee[1], (knee[1] + ankle[1]) / 2, ankle[1] + 0.03])
    flare = rng.uniform(0.18, 0.42)
    rows, columns = 8, 24
    fall = np.linspace(0, 1, rows)[:, None]
    angle = np.linspace(0, 2 * np.pi, columns, endpoint=False)[None]
    radius = 0.15 + (flare - 0.12) * fall ** rng.uniform(0.6, 1.3)
    radius = radius * (1 + rng.uniform(0, 0.08) * fall * np.sin(angle * rng.integers(5, 10)))
    x, z = radius * np.cos(angle) * 1.1, radius * np.sin(angle)
    y = waist + (hem - waist) * fall + 0 * angle
    vertices = np.stack([x, y, z], -1).reshape(-1, 3)
    weights = np.zeros((rows, columns, N_JOINTS), np.float32)
    legs = np.broadcast_to((fall * 0.9).clip(0, 0.8), (rows, columns))
    left = 1 / (1 + np.exp(-x / 0.05))
    weights[..., 0] = 1 - legs
    weights[..., keypoint_index("left_hip")] = legs * left
    weights[..., keypoint_index("right_hip")] = legs * (1 - left)
    return _Piece(
        vertices.astype(np.float32), _grid(rows, columns), 0, weights.reshape(-1, N_JOINTS), Label.SKIRT
    )


def _held(rng: np.random.Generator, anatomy: Anatomy) -> _Piece:
    joint = keypoint_index(f"{rng.choice(['left', 'right'])}_hand")
    hand = anatomy.rest_joints[joint]
    if rng.random() < 0.4:
        return _rigid(*_sphere(hand + (0, -0.05, 0), np.full(3, rng.uniform(0.05, 0.16))), joint, Label.PROP)
    length, thick = rng.uniform(0.3, 1.3), rng.uniform(0.008, 0.03)
    direction = rng.normal(0, 1, 3) * (0.3, 1, 1)
    direction /= np.linalg.norm(direction)
    side = np.cross(direction, (1.0, 0.2, 0.1))
    side /= np.linalg.norm(side)
    other = np.cross(direction, side)
    angle = np.linspace(0, 2 * np.pi, 6, endpoint=False)
    ring = thick * (np.cos(angle)[:, None] * side + np.sin(angle)[:, None] * other)
    start = rng.uniform(-0.5, 0.0)
    along = np.linspace(start * length, (start + 1) * length, 5)[:, None, None] * direction
    vertices = (hand + along + ring[None]).reshape(-1, 3).astype(np.float32)
    return _rigid(vertices, _grid(5, 6), joint, Label.PROP)


def _assemble(anatomy: Anatomy, label: np.ndarray, thickness: np.ndarray, pieces: list[_Piece]) -> Outfit:
    first = anatomy.faces[:, 0]
    vertices = [np.zeros((0, 3), np.float32)]
    anchors = [np.zeros(0, np.int64)]
    weights = [anatomy.body.weights]
    faces, parts, labels = [anatomy.faces], [anatomy.part[first]], [label[first]]
    start = len(anatomy.part)
    for number, piece in enumerate(pieces):
        vertices.append(piece.vertices)
        anchors.append(np.full(len(piece.vertices), piece.anchor))
        weights.append(piece.weights)
        faces.append((piece.faces + start).astype(np.int32))
        parts.append(np.full(len(piece.faces), N_JOINTS + number))
        labels.append(np.full(len(piece.faces), piece.label))
        start += len(piece.vertices)
    return Outfit(
        thickness,
        np.concatenate(vertices),
        np.concatenate(anchors),
        np.concatenate(weights),
        np.ascontiguousarray(np.concatenate(faces), np.int32),
        np.concatenate(parts),
        np.concatenate(labels),
    )
