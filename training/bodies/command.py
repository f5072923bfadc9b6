"""``python -m training bodies``: build the shipped bodies, the full and the light mesh."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import KDTree

from backend.body import BODY_FOLDER, extreme_vertices

from .light import decimated, matching_regressor
from .smpl_format import (
    joint_positions,
    joint_regressor,
    save_body,
    shape_space,
    skinning_weights,
)
from .source import sample_figures
from .surface import outer_skin, symmetric
from .tpose import t_posed


@dataclass(frozen=True)
class BodyOptions:
    """What ``training bodies`` may be told."""

    out: Path = BODY_FOLDER
    figures: int = 256
    light_faces: int = 3400
    seed: int = 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``training bodies``."""
    default = BodyOptions()
    parser.add_argument("--out", type=Path, default=default.out, help="folder for the two .npz files")
    parser.add_argument("--figures", type=int, default=default.figures, help="random adults to learn from")
    parser.add_argument(
        "--light-faces", type=int, default=default.light_faces, help="triangles of the light mesh"
    )
    parser.add_argument("--seed", type=int, default=default.seed, help="seed of the random adults")


def run(args: argparse.Namespace) -> int:
    """Build both bodies and print what they are like; returns the exit code."""
    options = BodyOptions(args.out, args.figures, args.light_faces, args.seed)
    print(build_bodies(options))
    return 0


def build_bodies(options: BodyOptions) -> str:
    """Write ``default.npz`` and ``default_light.npz``; returns a report in a few lines.

    Raises:
        InstallError: ``anny`` or one of the mesh packages is not installed.
    """
    print(f"Drawing {options.figures} figures (the first load of anny takes a minute or two) ...")
    figures = sample_figures(options.figures, options.seed)
    vertices, heads = t_posed(figures)
    skin = outer_skin(figures.vertices[0], figures.faces, figures.inner)
    vertices = symmetric(vertices[:, skin.kept], skin.mirror)
    joints = joint_positions(figures, heads)
    vertices, joints = vertices - joints[:, :1], joints - joints[:, :1]

    template, shapedirs = shape_space(vertices, skin.faces)
    # From here on the arrays are as they are stored, so that the light mesh matches what is loaded.
    template = template.astype(np.float32).astype(np.float64)
    shapedirs = shapedirs.astype(np.float16).astype(np.float64)
    weights = skinning_weights(figures, skin)
    regressor = joint_regressor(vertices, joints, skin)
    rest_joints = regressor @ template
    surface = extreme_vertices(template, rest_joints)
    save_body(
        options.out / "default.npz",
        v_template=template, shapedirs=shapedirs, weights=weights, J_regressor=regressor,
        faces=skin.faces, surface_vertices=surface,
    )  # fmt: skip

    mesh = decimated(template, skin, options.light_faces)
    light_template = mesh.carry(template).astype(np.float32).astype(np.float64)
    light_shapedirs = mesh.carry(shapedirs).astype(np.float16).astype(np.float64)
    moves = np.concatenate([rest_joints[..., None], np.einsum("jv,vck->jck", regressor, shapedirs)], -1)
    nearest = np.asarray(KDTree(light_template).query(template[surface])[1])
    save_body(
        options.out / "default_light.npz",
        v_template=light_template, shapedirs=light_shapedirs, weights=mesh.carry(weights),
        J_regressor=matching_regressor(mesh, light_template, light_shapedirs, moves),
        faces=mesh.faces, surface_vertices=nearest,
    )  # fmt: skip

    stature = np.ptp(vertices[..., 1], axis=1)
    error = np.linalg.norm(regressor @ vertices - joints, axis=-1)
    return (
        f"full mesh: {len(template)} vertices, light mesh: {len(light_template)} vertices\n"
        f"stature: {stature.mean():.3f} m, standard deviation {stature.std():.3f} m\n"
        f"joints against the rig's: {error.mean() * 1000:.1f} mm on average\n"
        f"written to {options.out}"
    )
