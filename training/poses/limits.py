"""How far each joint turns: ranges of its swing and twist, and poses brought back into them.

A joint's rotation is a twist about its own bone followed by a swing of that bone. Both are written as one
vector about the body's axes (x left, y up, z forward, SMPL rest pose): the component along the bone is the
twist, the other two are the swing's. For a knee x is the bend, for an elbow y.

The ranges hold 99 in 100 turns of the free motion capture's training clips and all hand-set postures. Where
a capture twists feet, wrists or heads by more than anyone can (a marker lost), the range is a person's.
"""

from __future__ import annotations

import numba
import numpy as np

from backend.kinematics import matrix_to_quaternion
from backend.skeleton import JOINT_NAMES

#: Axis along which a joint's bone lies at rest: 0 x, 1 y, 2 z.
_ALONG_X = ("collar", "shoulder", "elbow", "wrist", "hand")
_AXIS = [0 if n.endswith(_ALONG_X) else 2 if n.endswith("foot") else 1 for n in JOINT_NAMES]
_ALONG = np.eye(3)[_AXIS]

#: Degrees about x, y and z of the left side's joints and the middle ones; the pelvis turns freely.
_RANGES: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "spine1": ((-40, 60), (-36, 36), (-33, 33)),
    "spine2": ((-28, 22), (-18, 18), (-26, 26)),
    "spine3": ((-25, 20), (-15, 15), (-20, 20)),
    "neck": ((-45, 45), (-40, 40), (-35, 35)),
    "head": ((-60, 55), (-70, 70), (-45, 45)),
    "hip": ((-130, 80), (-70, 145), (-45, 92)),
    "knee": ((-5, 155), (-35, 35), (-15, 15)),
    "ankle": ((-45, 65), (-40, 40), (-35, 35)),
    "foot": ((-40, 60), (-20, 20), (-10, 10)),
    "collar": ((-15, 15), (-20, 15), (-40, 15)),
    "shoulder": ((-120, 100), (-110, 55), (-95, 100)),
    "elbow": ((-50, 50), (-150, 5), (-85, 85)),
    "wrist": ((-90, 90), (-75, 75), (-75, 75)),
    "hand": ((-30, 30), (-30, 30), (-30, 30)),
}


def _ranges() -> np.ndarray:
    """(2, 24, 3) degrees: lower and upper ends. The mirror image turns the other way about y and z."""
    ends = np.empty((2, len(JOINT_NAMES), 3))
    ends[:, 0] = [[-np.inf], [np.inf]]
    for joint, name in enumerate(JOINT_NAMES[1:], start=1):
        ends[:, joint] = np.transpose(_RANGES[name.rpartition("_")[2]])
        if name.startswith("right_"):
            ends[:, joint, 1:] = -ends[::-1, joint, 1:]
    return ends


_LOW, _HIGH = _ranges()


def turns(rotations: np.ndarray) -> np.ndarray:
    """Swing and twist of every joint: (..., 24, 3, 3) -> (..., 24, 3) degrees."""
    quaternion = matrix_to_quaternion(rotations)
    w, v = quaternion[..., :1], quaternion[..., 1:]
    along = (v * _ALONG).sum(-1, keepdims=True)
    size = np.maximum(np.hypot(w, along), 1e-9)
    cosine, sine = w / size, along / size
    swing = cosine * v - sine * (w * _ALONG + np.cross(v, _ALONG))
    length = np.sqrt((swing * swing).sum(-1, keepdims=True))
    angle = 2 * np.arctan2(length, size)
    twist = 2 * np.arctan2(sine, cosine)
    return np.degrees(swing * np.where(length > 1e-9, angle / np.maximum(length, 1e-9), 2) + twist * _ALONG)


def from_turns(degrees: np.ndarray) -> np.ndarray:
    """Inverse of :func:`turns`: (..., 24, 3) degrees -> (..., 24, 3, 3)."""
    radians = np.radians(np.asarray(degrees, np.float64)).reshape(-1, len(JOINT_NAMES), 3)
    return _turned(radians, np.array(_AXIS)).reshape(*degrees.shape, 3)


@numba.njit(cache=True, nogil=True)
def _turned(radians: np.ndarray, axis: np.ndarray) -> np.ndarray:
    rotations = np.empty((*radians.shape, 3))
    swing, twist = np.empty((3, 3)), np.empty((3, 3))
    for n in range(len(radians)):
        for joint in range(len(axis)):
            along = np.zeros(3)
            along[axis[joint]] = radians[n, joint, axis[joint]]
            _rotate(radians[n, joint] - along, swing)
            _rotate(along, twist)
            for i in range(3):
                for k in range(3):
                    rotations[n, joint, i, k] = (
                        swing[i, 0] * twist[0, k] + swing[i, 1] * twist[1, k] + swing[i, 2] * twist[2, k]
                    )
    return rotations


@numba.njit(cache=True, nogil=True)
def _rotate(vector: np.ndarray, out: np.ndarray) -> None:
    """Rodrigues' formula: the (3, 3) rotation by a (3,) vector of radians."""
    x, y, z = vector
    square = x * x + y * y + z * z
    if square < 1e-12:
        sine, cosine = 1 - square / 6, 0.5 - square / 24
    else:
        angle = np.sqrt(square)
        sine, cosine = np.sin(angle) / angle, (1 - np.cos(angle)) / square
    out[0, 0], out[0, 1], out[0, 2] = (
        1 - cosine * (y * y + z * z),
        cosine * x * y - sine * z,
        cosine * x * z + sine * y,
    )
    out[1, 0], out[1, 1], out[1, 2] = (
        cosine * x * y + sine * z,
        1 - cosine * (x * x + z * z),
        cosine * y * z - sine * x,
    )
    out[2, 0], out[2, 1], out[2, 2] = (
        cosine * x * z - sine * y,
        cosine * y * z + sine * x,
        1 - cosine * (x * x + y * y),
    )


def within(rotations: np.ndarray, slack: float = 1.0) -> np.ndarray:
    """(..., 24) bool: joints whose turns are in their range, to within some degrees."""
    degrees = turns(rotations)
    return ((degrees >= _LOW - slack) & (degrees <= _HIGH + slack)).all(-1)


def clipped(degrees: np.ndarray) -> np.ndarray:
    """The nearest turns within the ranges: (..., 24, 3) degrees -> same."""
    return np.clip(degrees, _LOW, _HIGH)


def limited(rotations: np.ndarray) -> np.ndarray:
    """Poses with every joint at the nearest turns in its range: (..., 24, 3, 3) -> same, float32."""
    return from_turns(clipped(turns(rotations))).astype(np.float32)
