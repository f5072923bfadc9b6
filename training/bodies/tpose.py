"""Brings a figure from MakeHuman's A-pose into the T-pose of SMPL by linear blend skinning.

Each arm becomes one straight horizontal line from shoulder to fingertip, palm down, fingers straight; the
legs come closer together over flat feet; spine and head stay as they are.
"""

from __future__ import annotations

import numpy as np

from .source import Figures

_FINGERS = ("Index", "Middle", "Ring", "Pinky")
#: Share of the fingers' natural spread that stays in the T-pose.
_SPREAD = 0.6
#: Angle between a leg (hip to ankle) and the vertical, seen from the front, degrees.
_LEG_ANGLE = 2.5


def t_posed(figures: Figures) -> tuple[np.ndarray, np.ndarray]:
    """Pose every figure.

    Returns:
        vertices (N, V, 3) and bone starts (N, 52, 3), float64, metres, in the T-pose.
    """
    rotations = _world_rotations(figures)
    count = len(figures.heads)
    heads = figures.heads.copy()
    for bone, parent in enumerate(figures.parents):
        if parent >= 0:
            offset = (figures.heads[:, bone] - figures.heads[:, parent])[..., None]
            heads[:, bone] = heads[:, parent] + (rotations[:, parent] @ offset)[..., 0]
    translations = heads - (rotations @ figures.heads[..., None])[..., 0]
    affine = np.concatenate([rotations, translations[..., None]], -1).reshape(count, -1, 12)
    vertices = np.empty_like(figures.vertices)
    for index in range(count):
        blended = (figures.weights @ affine[index]).reshape(-1, 3, 4)
        vertices[index] = (blended[..., :3] @ figures.vertices[index][..., None])[..., 0] + blended[..., 3]
    return vertices, heads


def _world_rotations(figures: Figures) -> np.ndarray:
    """(N, 52, 3, 3) rotation of every bone from the A-pose to the T-pose, in the world frame."""
    rotations = np.broadcast_to(np.eye(3), (*figures.heads.shape[:2], 3, 3)).copy()
    at = {name: figures.heads[:, index] for index, name in enumerate(figures.bones)}
    column = {name: index for index, name in enumerate(figures.bones)}
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        outward = np.array([sign, 0.0, 0.0])
        upper = _aligning(at[f"{side}ForeArm"] - at[f"{side}Arm"], outward)
        hand = _hand_rotation(at, side, outward)
        # The forearm's own direction with half of the twist that lays the palm down: a real forearm
        # turns along its length, and so the skin at the wrist is not wrung.
        fore = _aligning(at[f"{side}Hand"] - at[f"{side}ForeArm"], outward)
        fore = _half_twist(fore, hand, outward) @ fore
        rotations[:, column[f"{side}Arm"]] = upper
        rotations[:, column[f"{side}ForeArm"]] = fore
        for name in figures.bones:
            if name.startswith(f"{side}Hand"):
                rotations[:, column[name]] = hand
        leg = at[f"{side}Foot"] - at[f"{side}UpLeg"]
        inward = leg.copy()
        inward[:, 0] = sign * np.tan(np.radians(_LEG_ANGLE)) * -leg[:, 1]
        rotations[:, column[f"{side}UpLeg"]] = _aligning(leg, inward)
        rotations[:, column[f"{side}Leg"]] = rotations[:, column[f"{side}UpLeg"]]
        for finger in _FINGERS:
            base = at[f"{side}Hand{finger}2"] - at[f"{side}Hand{finger}1"]
            target = _apply(hand, base)
            target[..., 1] = 0.0
            target[..., 2] *= _SPREAD
            for joint in (1, 2, 3):
                bone = column[f"{side}Hand{finger}{joint}"]
                along = _apply(hand, figures.tails[:, bone] - figures.heads[:, bone])
                rotations[:, bone] = _aligning(along, target) @ hand
    return rotations


def _hand_rotation(at: dict[str, np.ndarray], side: str, outward: np.ndarray) -> np.ndarray:
    """Rotation that points the hand outward with its palm down and the index finger in front."""
    along = at[f"{side}HandMiddle1"] - at[f"{side}Hand"]
    across = at[f"{side}HandIndex1"] - at[f"{side}HandPinky1"]
    target = np.stack([outward, [0.0, outward[0], 0.0], [0.0, 0.0, 1.0]], 1)
    x = along / np.linalg.norm(along, axis=-1, keepdims=True)
    z = across - (across * x).sum(-1, keepdims=True) * x
    z /= np.linalg.norm(z, axis=-1, keepdims=True)
    source = np.stack([x, np.cross(z, x), z], -1)
    return target @ source.swapaxes(-1, -2)


def _half_twist(start: np.ndarray, end: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Half of the rotation about ``axis`` in the turn from ``start`` to ``end`` (N, 3, 3)."""
    turn = end @ start.swapaxes(-1, -2)
    sine = (np.stack([turn[:, 2, 1] - turn[:, 1, 2], turn[:, 0, 2] - turn[:, 2, 0],
                      turn[:, 1, 0] - turn[:, 0, 1]], -1) * axis).sum(-1) / 2  # fmt: skip
    cosine = (np.trace(turn, axis1=1, axis2=2) - 1) / 2
    angle = np.arctan2(sine, cosine) / 2
    c, s = np.cos(angle), np.sin(angle) * axis[0]
    zero, one = np.zeros_like(c), np.ones_like(c)
    return np.stack([one, zero, zero, zero, c, -s, zero, s, c], -1).reshape(-1, 3, 3)


def _apply(rotation: np.ndarray, vector: np.ndarray) -> np.ndarray:
    return (rotation @ vector[..., None])[..., 0]


def _aligning(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The smallest rotation (N, 3, 3) that turns each ``source`` (N, 3) into the direction ``target``."""
    a = source / np.linalg.norm(source, axis=-1, keepdims=True)
    b = np.broadcast_to(target / np.linalg.norm(target, axis=-1, keepdims=True), a.shape)
    x, y, z = np.cross(a, b).T
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(-1, 3, 3)
    cosine = (a * b).sum(-1)[:, None, None]
    return np.eye(3) + cross + cross @ cross / (1 + cosine)
