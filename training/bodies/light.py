"""The low-polygon mesh: decimated from the full one, symmetric, closed, with the same joints in every shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from backend.errors import InstallError
from backend.skeleton import KEYPOINT_MIRROR, N_JOINTS

from .surface import Skin, mirror_of

#: Vertices of the light mesh nearest to a joint that its regressor may use.
_CANDIDATES = 120


@dataclass(frozen=True, eq=False)
class LightMesh:
    """A coarse mesh on the surface of a full one.

    Attributes:
        source: (L, 3) int64 vertices of the full mesh around each light vertex.
        share: (L, 3) float64 barycentric weights in them, so that any quantity of the full mesh carries
            over as ``(full[source] * share[..., None]).sum(1)``.
        faces: (F, 3) int64 triangles.
        mirror: (L,) int64 vertex on the other side.
    """

    source: np.ndarray
    share: np.ndarray
    faces: np.ndarray
    mirror: np.ndarray

    def carry(self, full: np.ndarray) -> np.ndarray:
        """(V, ...) values at the full mesh's vertices -> (L, ...) at the light mesh's."""
        return np.einsum("lk,lk...->l...", self.share, full[self.source])


def decimated(vertices: np.ndarray, skin: Skin, face_count: int) -> LightMesh:
    """Collapse edges of the left half by quadric error (Garland and Heckbert, 1997) and mirror it.

    Args:
        vertices: (V, 3) symmetric rest pose.
        skin: the full mesh.
        face_count: triangles to aim for.

    Raises:
        InstallError: ``pyfqmr`` or ``trimesh`` is not installed.
    """
    try:
        import pyfqmr  # pyright: ignore[reportMissingImports]
        import trimesh  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise InstallError(
            "Decimating the body needs the packages pyfqmr and trimesh; install them with: "
            "pip install -r training/bodies/requirements.txt"
        ) from error

    midline = skin.mirror == np.arange(len(skin.mirror))
    left = (midline | (vertices[:, 0] > 0))[skin.faces].all(1)
    half_faces = skin.faces[left]
    used, half_faces = np.unique(half_faces, return_inverse=True)
    simplifier = pyfqmr.Simplify()
    simplifier.setMesh(vertices[used], half_faces.reshape(-1, 3))
    simplifier.simplify_mesh(face_count // 2, aggressiveness=4, preserve_border=True, verbose=False)
    half, triangles, _ = simplifier.getMesh()

    # The border did not move, so its vertices are those of the midline and join the two halves.
    distance, _ = KDTree(vertices[midline]).query(half)
    border = distance < 1e-9
    other = np.where(border, np.arange(len(half)), len(half) + np.cumsum(~border) - 1)
    points = np.concatenate([half, half[~border] * [-1.0, 1.0, 1.0]])
    faces = np.concatenate([triangles, other[triangles][:, ::-1]])

    full = trimesh.Trimesh(vertices, skin.faces, process=False)
    nearest, _, triangle = trimesh.proximity.closest_point(full, half)
    share = trimesh.triangles.points_to_barycentric(full.triangles[triangle], nearest)
    source = skin.faces[triangle]
    return LightMesh(
        np.concatenate([source, skin.mirror[source[~border]]]),
        np.concatenate([share, share[~border]]),
        faces.astype(np.int64),
        mirror_of(points),
    )


def matching_regressor(
    mesh: LightMesh, v_template: np.ndarray, shapedirs: np.ndarray, joints: np.ndarray
) -> np.ndarray:
    """(24, L) weights that give exactly the full mesh's joints for every shape.

    Eleven equations a coordinate (template and ten shape directions) and the sum of one leave a space of
    solutions; the one of least norm over the nearest vertices is taken, nearer vertices preferred.

    Args:
        mesh: the light mesh.
        v_template: (L, 3) its rest vertices.
        shapedirs: (L, 3, 10) its shape directions.
        joints: (24, 3, 11) the full mesh's joints: at rest, then their change along each direction.
    """
    regressor = np.zeros((N_JOINTS, len(v_template)))
    for joint in range(N_JOINTS):
        twin = KEYPOINT_MIRROR[joint]
        if twin < joint:
            regressor[joint] = regressor[twin][mesh.mirror]
            continue
        distance = np.linalg.norm(v_template - joints[joint, :, 0], axis=1)
        near = distance.argsort()[:_CANDIDATES]
        if twin == joint:
            near = np.union1d(near, mesh.mirror[near])
        nearness = 1 / (distance[near] + 0.02) ** 2
        rows = np.concatenate([v_template[..., None], shapedirs], -1)[near].reshape(len(near), -1).T
        rows = np.vstack([rows, np.ones(len(near))])
        target = np.append(joints[joint].reshape(-1), 1.0)
        solution, *_ = np.linalg.lstsq(rows * nearness, target, rcond=1e-12)
        regressor[joint, near] = solution * nearness
        if twin == joint:
            regressor[joint] = (regressor[joint] + regressor[joint][mesh.mirror]) / 2
    return regressor
