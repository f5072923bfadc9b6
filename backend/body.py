"""SMPL-format bodies: load, shape, pose. Linear blend skinning in numpy and torch, batched.

A body file is an ``.npz`` with the keys of SMPL (Loper et al., "SMPL: A Skinned Multi-Person Linear
Model", 2015): ``v_template``, ``shapedirs``, ``weights``, ``J_regressor``, ``kintree_table``, ``f`` and,
optionally, ``posedirs``. The body stands in a T-pose, y up, facing +z, its left towards +x, in metres.

The maths follows the paper's equations 2-4 and 8-10 and runs on whichever array library its input
belongs to, so training (torch, with gradients) and inference (numpy, no torch installed) share it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .errors import InputError, InstallError
from .skeleton import JOINT_PARENTS, N_JOINTS

#: A numpy array or a torch tensor; every function returns the kind it was given.
Array = Any

BODY_FOLDER = Path(__file__).parent / "bodies"
DEFAULT_BODY = BODY_FOLDER / "default.npz"
LIGHT_BODY = BODY_FOLDER / "default_light.npz"

#: Vertices of the six surface keypoints in the 6,890-vertex SMPL template topology.
_SMPL_SURFACE_VERTICES = (332, 411, 3216, 6617, 2445, 5905)
_SMPL_VERTEX_COUNT = 6890


@dataclass(frozen=True, eq=False)
class Body:
    """An SMPL-format body model.

    Attributes:
        v_template: (V, 3) rest vertices at zero betas, metres, y up, facing +z.
        shapedirs: (V, 3, B) vertex offset per unit of each shape coefficient, metres.
        posedirs: (207, V * 3) pose corrective offsets, or None where the body has none.
        weights: (V, 24) skinning weights, rows sum to 1.
        J_regressor: (24, V) joints from vertices.
        faces: (F, 3) int64 triangles.
        surface_vertices: (6,) int64 vertex of nose, head_top, left_toe, right_toe,
            left_fingertips, right_fingertips.
    """

    v_template: Array
    shapedirs: Array
    posedirs: Array | None
    weights: Array
    J_regressor: Array
    faces: np.ndarray
    surface_vertices: np.ndarray

    @property
    def n_betas(self) -> int:
        """Number of shape coefficients the body knows."""
        return int(self.shapedirs.shape[-1])

    def torch(self, device: Any = None, dtype: Any = None) -> Body:
        """The same body with torch tensors on ``device``; faces stay numpy. Needs torch."""
        import torch

        def tensor(a: Array) -> Array:
            return torch.as_tensor(np.asarray(a), device=device, dtype=dtype or torch.float32)

        return Body(
            tensor(self.v_template),
            tensor(self.shapedirs),
            None if self.posedirs is None else tensor(self.posedirs),
            tensor(self.weights),
            tensor(self.J_regressor),
            self.faces,
            self.surface_vertices,
        )

    def rest(self, betas: Array | None = None) -> tuple[Array, Array]:
        """Shaped rest vertices and joints (SMPL equation 8 and 10).

        Args:
            betas: (..., n) shape coefficients, n <= n_betas; None for the mean shape.

        Returns:
            vertices (..., V, 3) and joints (..., 24, 3), metres, T-pose.
        """
        vertices = self.v_template
        if betas is not None:
            n = betas.shape[-1]
            if n > self.n_betas:
                raise InputError(
                    f"The body has {self.n_betas} shape coefficients but {n} were given; give fewer betas."
                )
            directions = self.shapedirs[..., :n].reshape(-1, n)
            offsets = betas @ directions.T
            vertices = vertices + offsets.reshape(*betas.shape[:-1], -1, 3)
        return vertices, self.J_regressor @ vertices

    def surface_points(self, vertices: Array) -> Array:
        """(..., 6, 3) nose, head top, toe tips and fingertips of (..., V, 3) vertices."""
        return vertices[..., self.surface_vertices, :]

    def rest_keypoints(self, betas: Array | None = None) -> Array:
        """(..., 30, 3) keypoints of the shaped T-pose, metres."""
        vertices, joints = self.rest(betas)
        return _library(joints).concatenate([joints, self.surface_points(vertices)], -2)


@dataclass(frozen=True, eq=False)
class PosedBody:
    """A posed body in the frame of its global orientation, metres.

    Attributes:
        vertices: (..., V, 3) skinned vertices.
        joints: (..., 24, 3) joints.
        keypoints: (..., 30, 3) the joints and the six surface points.
    """

    vertices: Array
    joints: Array
    keypoints: Array


def _library(array: Array) -> Any:
    """numpy, or torch for a torch tensor: the array functions used here have the same names in both."""
    if isinstance(array, np.ndarray):
        return np
    import torch

    return torch


def rodrigues(axis_angle: Array) -> Array:
    """Rotation matrices of axis-angle vectors (Rodrigues' formula).

    Args:
        axis_angle: (..., 3) radians.

    Returns:
        (..., 3, 3) rotation matrices. Exact and differentiable at zero.
    """
    xp = _library(axis_angle)
    square = (axis_angle * axis_angle).sum(-1)[..., None, None]
    tiny = square < 1e-12
    safe = xp.where(tiny, xp.ones_like(square), square)
    angle = xp.sqrt(safe)
    sine = xp.where(tiny, 1 - square / 6, xp.sin(angle) / angle)
    cosine = xp.where(tiny, 0.5 - square / 24, (1 - xp.cos(angle)) / safe)
    x, y, z = axis_angle[..., 0], axis_angle[..., 1], axis_angle[..., 2]
    zero = xp.zeros_like(x)
    cross = xp.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*x.shape, 3, 3)
    identity = xp.eye(3, dtype=axis_angle.dtype)
    if xp is not np:
        identity = identity.to(axis_angle.device)
    return identity + sine * cross + cosine * (cross @ cross)


def global_rotations(local: Array) -> Array:
    """World rotation of every joint from local ones: (..., 24, 3, 3) -> (..., 24, 3, 3)."""
    xp = _library(local)
    world = [local[..., 0, :, :]]
    for joint in range(1, N_JOINTS):
        world.append(world[JOINT_PARENTS[joint]] @ local[..., joint, :, :])
    return xp.stack(world, -3)


def local_rotations(world: Array) -> Array:
    """Inverse of :func:`global_rotations`: (..., 24, 3, 3) -> (..., 24, 3, 3)."""
    xp = _library(world)
    parents = list(JOINT_PARENTS[1:])
    transposed = world[..., parents, :, :].swapaxes(-1, -2)
    return xp.concatenate([world[..., :1, :, :], transposed @ world[..., 1:, :, :]], -3)


def forward_kinematics(world: Array, rest_joints: Array) -> Array:
    """Joint positions for world rotations; the pelvis stays where the rest pose has it.

    Args:
        world: (..., 24, 3, 3) world rotations.
        rest_joints: (..., 24, 3) metres; the leading axes of the two broadcast.

    Returns:
        (..., 24, 3) metres.
    """
    xp = _library(world)
    shape = xp.broadcast_shapes(world.shape[:-3], rest_joints.shape[:-2])
    rest = xp.broadcast_to(rest_joints, (*shape, N_JOINTS, 3))
    joints = [rest[..., 0, :]]
    for joint in range(1, N_JOINTS):
        parent = JOINT_PARENTS[joint]
        offset = (rest[..., joint, :] - rest[..., parent, :])[..., None]
        joints.append(joints[parent] + (world[..., parent, :, :] @ offset)[..., 0])
    return xp.stack(joints, -2)


def pose_body(body: Body, pose: Array, betas: Array | None = None) -> PosedBody:
    """Pose a body by linear blend skinning (SMPL equations 2-4).

    Args:
        body: the model; call ``body.torch()`` first to pose torch tensors.
        pose: (..., 24, 3) axis-angle in radians or (..., 24, 3, 3) rotation matrices, local to the
            parent joint, SMPL order; the first is the global orientation.
        betas: (..., n) shape coefficients or None; the leading axes of pose and betas broadcast.

    Returns:
        The posed body, in the frame that the global orientation leads to; the pelvis is not moved.
    """
    xp = _library(pose)
    local = pose if pose.shape[-2:] == (3, 3) else rodrigues(pose)
    rest_vertices, rest_joints = body.rest(betas)
    world = global_rotations(local)
    joints = forward_kinematics(world, rest_joints)
    if body.posedirs is not None:
        identity = xp.eye(3, dtype=local.dtype)
        if xp is not np:
            identity = identity.to(local.device)
        feature = (local[..., 1:, :, :] - identity).reshape(*local.shape[:-3], -1)
        offsets = (feature @ body.posedirs).reshape(*feature.shape[:-1], -1, 3)
        rest_vertices = rest_vertices + offsets
    translation = joints - (world @ rest_joints[..., None])[..., 0]
    world = xp.broadcast_to(world, (*translation.shape, 3))
    affine = xp.concatenate([world, translation[..., None]], -1)
    blended = (body.weights @ affine.reshape(*affine.shape[:-3], N_JOINTS, 12)).reshape(
        *affine.shape[:-3], -1, 3, 4
    )
    vertices = (blended[..., :3] @ rest_vertices[..., None])[..., 0] + blended[..., 3]
    keypoints = xp.concatenate([joints, body.surface_points(vertices)], -2)
    return PosedBody(vertices, joints, keypoints)


_REQUIRED = ("v_template", "shapedirs", "weights", "J_regressor", "kintree_table", "f")

#: How far a row of weights may be from a sum of 1 (SMPL's own files are within 1e-3).
_SUM_TOLERANCE = 0.01


def load_body(path: Path | str | None = None) -> Body:
    """Load an SMPL-format ``.npz``, or a ``.pkl`` as SMPL's authors give it out; no code in either is run.

    Args:
        path: the file; None for the body that ships with the project.

    Raises:
        InputError: the file is missing, cannot be read as arrays, lacks a key, or its arrays do not fit
            together; the sentence says which.
        InstallError: the body that ships is missing or damaged.
    """
    if path is None:
        try:
            return load_body(DEFAULT_BODY)
        except InputError as error:
            raise InstallError(
                f"The body file {DEFAULT_BODY.name} is missing or damaged; install Sketch2Pose again."
            ) from error
    path = Path(path)
    try:
        found = path.is_file()
    except (OSError, ValueError):  # too long, or out of reach
        found = False
    if not found:
        raise InputError(f"The body file {path} does not exist; choose an SMPL .npz or .pkl file.")
    arrays = _read_pickle(path) if path.suffix.lower() == ".pkl" else _read_npz(path)
    missing = [key for key in _REQUIRED if key not in arrays]
    if missing:
        raise InputError(
            f"The body file {path} has no {', '.join(missing)}; choose a file in SMPL format with 24 joints."
        )
    return _checked_body(arrays, path)


def _read_pickle(path: Path) -> dict[str, np.ndarray]:
    from .smpl_pickle import read_smpl_pickle

    return read_smpl_pickle(path, (*_REQUIRED, "posedirs"))


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except Exception as error:  # damage shows as any of a dozen types, of zipfile, zlib, ast and tokenize
        raise InputError(
            f"The body file {path} cannot be read as plain arrays; choose an SMPL .npz file "
            "without pickled objects."
        ) from error


def _is_real(values: np.ndarray) -> bool:
    return np.issubdtype(values.dtype, np.floating) or np.issubdtype(values.dtype, np.integer)


def _checked_body(arrays: dict[str, np.ndarray], path: Path) -> Body:
    def wrong(what: str) -> InputError:
        return InputError(f"The body file {path} is not SMPL with 24 joints: {what}; choose another file.")

    for key in ("v_template", "shapedirs", "posedirs", "weights", "J_regressor"):
        values = arrays.get(key)
        if values is not None and not (_is_real(values) and np.isfinite(values).all()):
            raise wrong(f"{key} holds values that are not finite numbers")
    for key in ("kintree_table", "f", "surface_vertices"):
        if key in arrays and not np.issubdtype(arrays[key].dtype, np.integer):
            raise wrong(f"{key} holds values that are not whole numbers")
    template = arrays["v_template"]
    if template.ndim != 2 or template.shape[1] != 3 or not len(template):
        raise wrong(f"v_template has shape {template.shape}, not (V, 3)")
    count = len(template)
    expected = {"weights": (count, N_JOINTS), "J_regressor": (N_JOINTS, count)}
    for key, shape in expected.items():
        if arrays[key].shape != shape:
            raise wrong(f"{key} has shape {arrays[key].shape}, not {shape}")
        if np.abs(arrays[key].sum(1, dtype=np.float64) - 1).max() > _SUM_TOLERANCE:
            raise wrong(f"the rows of {key} do not sum to 1")
    if arrays["shapedirs"].ndim != 3 or arrays["shapedirs"].shape[:2] != (count, 3):
        raise wrong(f"shapedirs has shape {arrays['shapedirs'].shape}, not ({count}, 3, betas)")
    tree = arrays["kintree_table"]
    parents = tree[0].astype(np.int64) if tree.shape == (2, N_JOINTS) else np.empty(0, np.int64)
    if tuple(parents[1:]) != JOINT_PARENTS[1:]:
        raise wrong("kintree_table is another skeleton")
    faces = arrays["f"]
    if faces.ndim != 2 or faces.shape[1] != 3 or faces.min(initial=0) < 0 or faces.max(initial=0) >= count:
        raise wrong("f is no list of triangles over its vertices")
    posedirs = arrays.get("posedirs")
    if posedirs is not None:
        if posedirs.shape != (count, 3, 207):
            raise wrong(f"posedirs has shape {posedirs.shape}, not ({count}, 3, 207)")
        posedirs = posedirs.reshape(-1, 207).T.astype(np.float32) if posedirs.any() else None
    return Body(
        template.astype(np.float32),
        arrays["shapedirs"].astype(np.float32),
        posedirs,
        arrays["weights"].astype(np.float32),
        arrays["J_regressor"].astype(np.float32),
        faces.astype(np.int64),
        _surface_vertices(arrays, template, path),
    )


def _surface_vertices(arrays: dict[str, np.ndarray], template: np.ndarray, path: Path) -> np.ndarray:
    """The file's own ``surface_vertices``, those of the SMPL topology, or extreme points of the T-pose."""
    if "surface_vertices" in arrays:
        found = arrays["surface_vertices"].astype(np.int64)
        if found.shape != (6,) or found.min() < 0 or found.max() >= len(template):
            raise InputError(
                f"The body file {path} has a broken surface_vertices list; build the body again."
            )
        return found
    if len(template) == _SMPL_VERTEX_COUNT:
        return np.array(_SMPL_SURFACE_VERTICES, np.int64)
    return extreme_vertices(template, arrays["J_regressor"] @ template)


def extreme_vertices(vertices: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """Surface keypoints of a T-pose body found by geometry.

    Args:
        vertices: (V, 3) metres, T-pose, y up, facing +z.
        joints: (24, 3) metres.

    Returns:
        (6,) vertex indices of nose, head_top, left_toe, right_toe, left_fingertips, right_fingertips.
    """
    x, y, z = vertices.T
    head = joints[15]
    top = int(np.argmax(y))
    middle = (np.abs(x - head[0]) < 0.02) & (y > head[1]) & (y < head[1] + 0.75 * (y[top] - head[1]))
    nose = int(np.argmax(np.where(middle, z, -np.inf)))
    toes = [
        int(np.argmax(np.where((np.sign(x) == side) & (y < joints[7, 1]), z, -np.inf))) for side in (1, -1)
    ]
    return np.array([nose, top, *toes, int(np.argmax(x)), int(np.argmin(x))], np.int64)
