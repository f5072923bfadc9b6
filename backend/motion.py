"""SMPL poses over time, and the ``.npz`` of AMASS that other programs read them from.

World frame: y up, the ground at y = 0; a figure that rests faces +z, its left is towards +x. AMASS has z up.

Source: Mahmood et al., "AMASS: Archive of motion capture as surface shapes", ICCV 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .api import N_BETAS, Hypothesis
from .body import Body, pose_body, rodrigues
from .errors import InputError
from .export import replacing
from .kinematics import matrix_to_axis_angle
from .skeleton import N_JOINTS

#: Frames a second of poses that no clock belongs to: one drawing a frame.
STILL_RATE = 24.0
#: Camera frame -> world frame, for a figure that is drawn upright: (x, y, z) -> (x, -y, -z).
_CAMERA_TO_WORLD = np.diag([1.0, -1.0, -1.0])
#: World frame -> that of AMASS: (x, y, z) -> (x, -z, y).
_TO_Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
#: SMPL+H and SMPL-X share the first 22 joints with SMPL; fingers and face come after them.
_SHARED_JOINTS = 22
_RATE_KEYS = ("mocap_framerate", "mocap_frame_rate")
#: So many frames, an hour at 120 a second, are read at most.
_MOST_FRAMES = 432_000


@dataclass(frozen=True, eq=False)
class Motion:
    """An SMPL body that moves.

    Attributes:
        rotations: (F, 24, 3, 3) rotations of the joints relative to their parents; the pelvis's own leads
            from the rest frame to the world frame.
        places: (F, 3) places of the pelvis, metres, world frame.
        betas: (10,) shape coefficients.
        rate: frames a second.
        grounded: whether the lowest point of the body is on the ground in each frame.
    """

    rotations: np.ndarray
    places: np.ndarray
    betas: np.ndarray
    rate: float
    grounded: bool = False

    def __len__(self) -> int:
        return len(self.rotations)

    @property
    def duration(self) -> float:
        """Seconds from the first frame to the last."""
        return (len(self) - 1) / self.rate

    def at(self, frames: Sequence[int]) -> Motion:
        """Some of its frames, counted from 0."""
        chosen = list(frames)
        return replace(self, rotations=self.rotations[chosen], places=self.places[chosen])

    def resampled(self, rate: float) -> Motion:
        """The same motion with another number of frames a second, turned evenly between its own frames."""
        if rate == self.rate or len(self) == 1:
            return replace(self, rate=rate)
        at = np.arange(int(np.floor(self.duration * rate + 1e-6)) + 1) * (self.rate / rate)
        first = np.minimum(at.astype(int), len(self) - 2)
        share = np.clip(at - first, 0.0, 1.0)
        start, end = self.rotations[first], self.rotations[first + 1]
        step = matrix_to_axis_angle(start.swapaxes(-1, -2) @ end)
        places = self.places[first] + share[:, None] * (self.places[first + 1] - self.places[first])
        return Motion(start @ rodrigues(step * share[:, None, None]), places, self.betas, rate)


def stand(hypotheses: Sequence[Hypothesis], body: Body, rate: float = STILL_RATE) -> Motion:
    """Poses of drawings as the frames of a motion, each with its lowest point on the ground.

    Args:
        hypotheses: one a frame, at least one; the first one's betas count.
        body: the body that stands.
        rate: frames a second.
    """
    turns = np.array([(h.global_orient, *h.body_pose) for h in hypotheses], np.float64)
    rotations = rodrigues(turns)
    rotations[:, 0] = _CAMERA_TO_WORLD @ rotations[:, 0]
    betas = np.array(hypotheses[0].betas, np.float64)
    places = np.zeros((len(rotations), 3))
    for frame, pose in enumerate(rotations):  # one by one: the skins of a long clip would fill the memory
        posed = pose_body(body, pose.astype(np.float32), betas.astype(np.float32))
        places[frame, 1] = posed.joints[0, 1] - posed.vertices[:, 1].min()
    return Motion(rotations, places, betas, rate, grounded=True)


def join(motions: Sequence[Motion]) -> Motion:
    """Motions of one body one after the other, at least one."""
    rotations, places = (
        np.concatenate(parts)
        for parts in zip(*((motion.rotations, motion.places) for motion in motions), strict=True)
    )
    grounded = all(motion.grounded for motion in motions)
    return replace(motions[0], rotations=rotations, places=places, grounded=grounded)


def write_npz(motion: Motion, body: Body, path: Path) -> None:
    """Write a motion as AMASS does: ``poses`` (F, 72), ``trans`` (F, 3), ``betas``, ``mocap_framerate``, ``gender``.

    Args:
        motion: what is written.
        body: the body; ``trans`` counts from where its pelvis rests.
        path: the file; it is whole or not there.

    Raises:
        OSError: it cannot be written.
    """
    rotations = motion.rotations.copy()
    rotations[:, 0] = _TO_Z_UP @ rotations[:, 0]
    arrays = {
        "poses": matrix_to_axis_angle(rotations).reshape(len(motion), 3 * N_JOINTS),
        "trans": motion.places @ _TO_Z_UP.T - _rest_pelvis(body, motion.betas),
        "betas": np.asarray(motion.betas, np.float64),
        "mocap_framerate": np.array(motion.rate, np.float64),
        "gender": np.array("neutral"),
    }
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)


def read_npz(path: Path, body: Body) -> Motion:
    """Read a motion from an ``.npz`` with the keys of AMASS, of SMPL, SMPL+H or SMPL-X.

    Args:
        path: the file.
        body: the body that ``trans`` is meant for.

    Raises:
        InputError: it cannot be read, or holds pickled objects or no poses.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            poses = archive["poses"]
            trans = archive["trans"] if "trans" in archive else np.zeros((len(poses), 3))
            betas = archive["betas"] if "betas" in archive else np.zeros(N_BETAS)
            rate = next((float(archive[key]) for key in _RATE_KEYS if key in archive), STILL_RATE)
    except Exception as error:  # damage shows as any of a dozen types, of zipfile, zlib, ast and tokenize
        raise InputError(
            f"{path.name} cannot be read as an .npz with poses as AMASS has them; choose another file."
        ) from error
    wide = poses.ndim == 2 and poses.shape[1] >= 3 * _SHARED_JOINTS and 0 < len(poses) <= _MOST_FRAMES
    if not wide or trans.shape != (len(poses), 3) or betas.ndim != 1 or not 0.1 < rate < 1e5:
        raise InputError(
            f"{path.name} has poses of shape {poses.shape}, trans of shape {trans.shape} and {rate:g} frames "
            "a second, which is no motion of a body; choose another file."
        )
    for values in (poses, trans, betas):
        if values.dtype.kind not in "fiu" or not np.isfinite(values).all():
            raise InputError(f"{path.name} holds values that are not finite numbers; choose another file.")
    turns = np.zeros((len(poses), N_JOINTS, 3))
    joints = N_JOINTS if poses.shape[1] == 3 * N_JOINTS else _SHARED_JOINTS
    turns[:, :joints] = poses[:, : 3 * joints].reshape(-1, joints, 3)
    rotations = rodrigues(turns)
    rotations[:, 0] = _TO_Z_UP.T @ rotations[:, 0]
    shape = np.zeros(N_BETAS)
    shape[: len(betas)] = betas[:N_BETAS]
    places = (trans + _rest_pelvis(body, shape)) @ _TO_Z_UP
    return Motion(rotations, places, shape, rate)


def _rest_pelvis(body: Body, betas: np.ndarray) -> np.ndarray:
    """(3,) place of the resting pelvis, metres, in the body's own frame: SMPL turns about it, then adds trans."""
    known = np.asarray(betas, np.float32)[: body.n_betas]
    return np.asarray(body.rest(known)[1][0], np.float64)
