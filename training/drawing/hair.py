"""Hair, beards and hats, in heights of the head: (right to left, up, back to front) as seen from the head joint."""

from __future__ import annotations

import numpy as np

from backend.skeleton import N_JOINTS, keypoint_index

from .chance import pick
from .cloth import Dressing
from .shapes import Label, Piece, ellipsoid, grid, rigid, tube

_HEAD, _CHEST = keypoint_index("head"), keypoint_index("spine3")

#: Middle of the skull.
_SKULL = np.array([0.0, 0.55, 0.14])

#: Cuts of hair and their shares.
_CUTS = ("short", "fringe", "long", "bob", "bun", "tail", "braid", "pigtails", "big", "receding", "none")
_CUT_SHARES = (0.26, 0.07, 0.12, 0.09, 0.07, 0.09, 0.05, 0.05, 0.08, 0.03, 0.09)


def put_on_hair(rng: np.random.Generator, dressing: Dressing) -> None:
    """A cut of hair, sometimes a hood or a beard."""
    x, y, z = dressing.anatomy.head_place.T
    cut = str(pick(rng, _CUTS, _CUT_SHARES))
    if cut != "none":
        line = rng.uniform(0.45, 0.7) if cut == "fringe" else rng.uniform(0.72, 0.87)
        ear, nape = rng.uniform(0.08, 0.25), rng.uniform(-0.08, 0.28)
        scalp = np.maximum(z - ear - 0.25 * (y - 0.35).clip(0) + 0.5 * (0.4 - y).clip(0), nape - y)
        # A parting to one side and temples that recede.
        top = line - y + 0.5 * np.abs(x - rng.normal(0, 0.06)) * rng.uniform(0, 1)
        scalp = np.maximum(scalp, y - 0.62) if cut == "receding" else np.minimum(scalp, top)
        _label(dressing, scalp, rng.uniform(0.0, 0.03))
        dressing.pieces += [_piece(dressing, part) for part in _volumes(rng, cut)]
        if cut in ("long", "bob"):
            drop = rng.uniform(0.75, 1.05) if cut == "bob" else rng.uniform(1.2, 2.6)
            dressing.pieces.append(_curtain(rng, dressing, drop, Label.HAIR))
    if "hoodie" in dressing.wears and rng.random() < 0.25:
        dressing.pieces.append(_curtain(rng, dressing, rng.uniform(1.0, 1.2), Label.TOP))
    if rng.random() < 0.07:
        low = rng.uniform(0.0, 0.2)
        chin = np.maximum(y - low - 0.5 * (0.35 - z).clip(0), -0.27 - y)
        _label(dressing, np.maximum(chin, 0.12 - z), rng.uniform(0.003, 0.025))


def put_on_hat(rng: np.random.Generator, dressing: Dressing) -> None:
    """A cap with its peak, a beanie, a wide hat or a high one."""
    kind = pick(rng, ["cap", "beanie", "wide", "high"], [0.42, 0.22, 0.26, 0.1])
    crown = _SKULL + (0, rng.uniform(0.08, 0.2), 0)
    high = {"cap": 0.45, "beanie": 0.52, "wide": 0.42, "high": 0.75}[kind] * rng.uniform(0.9, 1.15)
    dome = ellipsoid(crown, np.array([0.51, high, 0.59]), 1.65, 0.6 if kind == "high" else 1.0)
    parts = [dome]
    if kind == "cap":
        front = 1 if rng.random() < 0.85 else -1
        reach = rng.uniform(0.35, 0.6)
        peak = ellipsoid(crown + (0, -0.02, front * 0.5), np.array([0.42, 0.05, reach]))
        parts.append(peak)
    elif kind == "beanie":
        turn = np.linspace(0, 2 * np.pi, 17)
        cuff = crown + np.stack([0.49 * np.sin(turn), 0 * turn, 0.57 * np.cos(turn)], 1)
        parts.append(tube(cuff, np.full(17, 0.09)))
        if rng.random() < 0.35:
            parts.append(ellipsoid(crown + (0, high + 0.05, 0), np.full(3, 0.13)))
    else:
        reach = rng.uniform(0.75, 1.25) if kind == "wide" else rng.uniform(0.65, 0.8)
        parts.append(ellipsoid(crown + (0, -0.02, 0), np.array([reach, 0.05, reach * 1.08])))
    dressing.pieces += [_piece(dressing, part, Label.HAT) for part in parts]


def _label(dressing: Dressing, field: np.ndarray, thickness: float) -> None:
    """Hair where a (V,) field of the head and neck is below zero."""
    values = np.where(dressing.anatomy.on_head, field, 1.0).astype(np.float32)
    dressing.cover(dressing.below(values, 0.0), Label.HAIR, thickness)


def _piece(dressing: Dressing, mesh: tuple[np.ndarray, np.ndarray], label: Label = Label.HAIR) -> Piece:
    vertices, faces = mesh
    return rigid((_metres(dressing, vertices), faces), _HEAD, label)


def _metres(dressing: Dressing, place: np.ndarray) -> np.ndarray:
    joints = dressing.anatomy.rest_joints[_HEAD]
    top = dressing.anatomy.rest_keypoints[keypoint_index("head_top"), 1]
    return joints + (top - joints[1]) * place


def _volumes(rng: np.random.Generator, cut: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """What a cut adds to the hair on the skull: meshes."""
    if cut == "bun":
        size = rng.uniform(0.18, 0.3)
        place = (0, rng.uniform(0.75, 1.12), 0) - np.array([0, 0, rng.uniform(-0.1, 0.3)])
        return [ellipsoid(place, np.full(3, size))]
    if cut in ("tail", "braid"):
        return [
            _tress(rng, np.array([0, rng.uniform(0.45, 0.9), -0.3]), np.array([0, 0, -1]), cut == "braid")
        ]
    if cut == "pigtails":
        start, braid = np.array([0.42, rng.uniform(0.2, 0.8), 0.05]), rng.random() < 0.4
        left = _tress(rng, start, np.array([1, 0, -0.2]), braid)
        return [left, (left[0] * (-1, 1, 1), left[1])]
    if cut == "big":
        size = rng.uniform(0.65, 1.0)
        place = _SKULL + (0, rng.uniform(0.05, 0.25), -0.33 * size / 0.7)
        return [ellipsoid(place, np.array([size, size, size * 0.85]), lumps=pick(rng, [0.0, 0.06, 0.12]))]
    return []


def _tress(
    rng: np.random.Generator, start: np.ndarray, away: np.ndarray, braid: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Bound hair that falls from a point of the head, or flies."""
    along = np.linspace(0, 1, 12)[:, None]
    length, lift = rng.uniform(0.5, 1.6), rng.uniform(-0.1, 0.9) * (not braid)
    out = 0.25 * (1 - (1 - along) ** 3)
    fall = along**1.5 * np.array([rng.normal(0, 0.2), lift - 1, 0])
    line = start + away * (out + lift * 0.6 * along * length) + length * fall
    thick = rng.uniform(0.1, 0.2) * (1 - 0.8 * along[:, 0] ** 3) * np.interp(along[:, 0], [0, 0.2], [0.5, 1])
    if braid:
        thick = 0.8 * thick * (1 + 0.25 * np.sin(along[:, 0] * 24))
    return tube(line, thick)


def _curtain(rng: np.random.Generator, dressing: Dressing, drop: float, label: Label) -> Piece:
    """Loose hair, or a hood, around the sides and the back of the head, and as far down as ``drop``."""
    rows, columns = 9, 18
    open_front = rng.uniform(2.1, 2.9)
    angle = np.linspace(open_front / 2, 2 * np.pi - open_front / 2, columns)[None]
    y = np.concatenate([[1.04, 0.99, 0.88], np.linspace(0.72, 0.88 - drop, rows - 3)])[:, None]
    puff = rng.uniform(0.0, 0.14)
    wide = np.interp(-y, [-1.04, -0.99, -0.88, -0.5, 0.5], [0.1, 0.3, 0.42, 0.5 + puff, 0.55 + 2 * puff])
    back = np.interp(-y, [-0.2, 0.3, 1.2], [0.0, 0.1, 0.22])
    wave = 1 + pick(rng, [0.0, 0.04]) * np.sin(14 * y + 3 * angle)
    x = wide * np.sin(angle) * wave
    z = _SKULL[2] + 1.12 * wide * np.cos(angle) * wave - back
    place = np.stack([x, np.broadcast_to(y, x.shape), z], -1).reshape(-1, 3)
    loose = 0.3 * (0.1 - place[:, 1]).clip(0, 1)
    weights = np.zeros((len(place), N_JOINTS), np.float32)
    weights[:, _CHEST] = loose
    weights[:, _HEAD] = 1 - loose
    vertices = _metres(dressing, place).astype(np.float32)
    down = tuple(np.arange(2, rows) * columns + k for k in range(1, columns - 1, 2))
    return Piece(vertices, grid(rows, columns, closed=False), _HEAD, weights, label, down)
