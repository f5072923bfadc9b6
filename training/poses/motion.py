"""Skeleton motion as capture files hold it, before it becomes SMPL: nodes, rest offsets, rotations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backend.errors import InputError

#: Skeletons beyond these are damage or malice: the largest in use (MakeHuman with its face) has 163 joints.
MAX_JOINTS = 1024
MAX_DEPTH = 256

#: Offsets, positions and angles beyond this are damage, and would overflow further on.
MAX_VALUE = 1e7


@dataclass(frozen=True, eq=False)
class Motion:
    """A skeleton and its poses over time, in the file's own axes and unit of length.

    A node is a joint or the free end of a bone. Parents come before their children; the root is node 0.

    Attributes:
        names: names of the J nodes, as the file writes them; an end has the name of its joint.
        parents: (J,) int64 parent of each node, -1 for the root.
        ends: (J,) bool, True where the node is a free end and never rotates.
        offsets: (J, 3) float64 rest position relative to the parent, in the axes of the rest pose.
        rotations: (F, J, 3, 3) float64 rotations local to the parent; identity is the rest pose.
        shifts: (F, J, 3) float64 displacement of the node from its offset, in the parent's axes; None
            where bones keep their lengths. The root's place in the world is left out.
        rate: frames per second.
    """

    names: tuple[str, ...]
    parents: np.ndarray
    ends: np.ndarray
    offsets: np.ndarray
    rotations: np.ndarray
    shifts: np.ndarray | None
    rate: float

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.rotations)

    def rest_positions(self) -> np.ndarray:
        """(J, 3) node positions of the rest pose, the root at its offset."""
        positions = self.offsets.copy()
        for node, parent in enumerate(self.parents[1:], 1):
            positions[node] += positions[parent]
        return positions

    def frames(self, chosen: np.ndarray) -> Motion:
        """The motion at the (N,) int64 chosen frames."""
        shifts = None if self.shifts is None else self.shifts[chosen]
        return Motion(
            self.names, self.parents, self.ends, self.offsets, self.rotations[chosen], shifts, self.rate
        )

    def world(self, needed: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Forward kinematics of some nodes and all their ancestors.

        Args:
            needed: the nodes wanted.

        Returns:
            (F, J, 3, 3) world rotations and (F, J, 3) positions relative to the root, float64; NaN for
            nodes that nobody needs.
        """
        wanted = np.zeros(len(self.names), bool)
        for start in needed:
            node = start
            while node >= 0 and not wanted[node]:
                wanted[node] = True
                node = int(self.parents[node])
        rotations = np.full_like(self.rotations, np.nan)
        positions = np.full(self.rotations.shape[:-1], np.nan)
        rotations[:, 0], positions[:, 0] = self.rotations[:, 0], 0.0
        for node in np.flatnonzero(wanted)[1:]:
            parent = self.parents[node]
            offset = self.offsets[node]
            if self.shifts is not None:
                offset = offset + self.shifts[:, node]
            offset = np.broadcast_to(offset, (self.n_frames, 3))[..., None]
            positions[:, node] = positions[:, parent] + (rotations[:, parent] @ offset)[..., 0]
            rotations[:, node] = rotations[:, parent] @ self.rotations[:, node]
        return rotations, positions


def euler_matrices(angles: np.ndarray, axes: str) -> np.ndarray:
    """Rotation matrices of Euler angles, multiplied in the order written.

    Args:
        angles: (..., n) radians.
        axes: n letters of "xyz"; "zxy" gives Rz @ Rx @ Ry.

    Returns:
        (..., 3, 3) float64; the identity for no axes.
    """
    result = np.broadcast_to(np.eye(3), (*angles.shape[:-1], 3, 3))
    for index, axis in enumerate(axes):
        c, s = np.cos(angles[..., index]), np.sin(angles[..., index])
        first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
        turn = np.zeros((*c.shape, 3, 3))
        turn[..., (i := "xyz".index(axis)), i] = 1
        turn[..., first, first] = turn[..., second, second] = c
        turn[..., second, first], turn[..., first, second] = s, -s
        result = result @ turn if index else turn
    return result


def swing(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Shortest rotations that carry vectors a to the directions of b: (..., 3) x2 -> (..., 3, 3).

    Opposite vectors have no shortest rotation; then it is a half turn about some axis across them.
    """
    a, b = np.broadcast_arrays(a / np.linalg.norm(a, axis=-1, keepdims=True), b)
    b = b / np.linalg.norm(b, axis=-1, keepdims=True)
    cosine = (a * b).sum(-1)[..., None, None]
    least = np.eye(3)[np.argmin(np.abs(a), -1)]
    across = least - a * (a * least).sum(-1, keepdims=True)
    across = across / np.linalg.norm(across, axis=-1, keepdims=True)
    half_turn = 2 * across[..., :, None] * across[..., None, :] - np.eye(3)
    x, y, z = np.moveaxis(np.cross(a, b), -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*x.shape, 3, 3)
    opposite = cosine < -1 + 1e-9
    turn = np.eye(3) + cross + cross @ cross / np.where(opposite, 1.0, 1 + cosine)
    return np.where(opposite, half_turn, turn)


def checked_numbers(values: np.ndarray, file: str) -> np.ndarray:
    """The same numbers. Raises InputError where they are not finite or absurdly large."""
    if not np.isfinite(values).all() or np.abs(values).max(initial=0.0) > MAX_VALUE:
        raise InputError(
            f"{file} holds numbers that are not finite or absurdly large; get a sound copy of it."
        )
    return values
