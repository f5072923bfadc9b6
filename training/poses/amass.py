"""Reads AMASS sequences: SMPL, SMPL+H or SMPL-X poses in an .npz, z up.

Source: Mahmood et al., "AMASS: Archive of motion capture as surface shapes", ICCV 2019.
"""

from __future__ import annotations

import io

import numpy as np

from backend.body import rodrigues
from backend.errors import InputError
from backend.skeleton import N_JOINTS

from .motion import checked_numbers

#: SMPL+H and SMPL-X share the first 22 joints with SMPL; fingers and face come after them.
_BODY_JOINTS = 22

#: Z up to y up: (x, y, z) -> (x, z, -y).
_UPRIGHT = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])

_RATE_KEYS = ("mocap_framerate", "mocap_frame_rate")


def read_amass(data: bytes, file: str) -> tuple[np.ndarray, float]:
    """Read the bytes of an AMASS .npz.

    Args:
        data: all of it.
        file: what to call it in an error.

    Returns:
        (F, 24, 3, 3) float64 local SMPL rotations, y up, hands straight unless the file is plain SMPL;
        and frames per second.

    Raises:
        InputError: the bytes are no such archive, or hold pickled objects or numbers that are no poses.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            poses = archive["poses"]
            rate = next(float(archive[key]) for key in _RATE_KEYS if key in archive)
    except Exception as error:  # damage shows as any of a dozen types, of zipfile, zlib, ast and tokenize
        raise InputError(
            f"{file} is no AMASS file with poses and mocap_framerate; choose another."
        ) from error
    if poses.ndim != 2 or poses.shape[1] < 3 * _BODY_JOINTS or not len(poses):
        raise InputError(
            f"{file} has poses of shape {poses.shape}, not (frames, 66 or more); choose another."
        )
    if not np.issubdtype(poses.dtype, np.floating) or not 0.1 < rate < 1e5:
        raise InputError(f"{file} has poses that are no numbers or {rate:g} frames a second; choose another.")
    body = np.zeros((len(poses), N_JOINTS, 3))
    joints = N_JOINTS if poses.shape[1] == 3 * N_JOINTS else _BODY_JOINTS
    body[:, :joints] = checked_numbers(poses[:, : 3 * joints].astype(np.float64), file).reshape(-1, joints, 3)
    rotations = rodrigues(body)
    rotations[:, 0] = _UPRIGHT @ rotations[:, 0]
    return rotations, rate
