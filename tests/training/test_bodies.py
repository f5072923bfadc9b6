"""training/bodies on small made-up figures; the whole build runs where anny is installed (slow)."""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from backend.body import DEFAULT_BODY, LIGHT_BODY, load_body
from backend.errors import InstallError
from backend.skeleton import JOINT_NAMES, KEYPOINT_MIRROR, N_JOINTS
from training.bodies import command
from training.bodies.light import LightMesh, matching_regressor
from training.bodies.smpl_format import (
    joint_positions,
    joint_regressor,
    save_body,
    shape_space,
    skinning_weights,
)
from training.bodies.source import Figures, sample_figures
from training.bodies.surface import Skin, mirror_of, outer_skin, symmetric
from training.bodies.tpose import t_posed

FINGERS = ("Index", "Middle", "Ring", "Pinky", "Thumb")
TREE = {
    "Hips": "", "Spine": "Hips", "Spine1": "Spine", "Spine2": "Spine1", "Neck": "Spine2", "Head": "Neck",
}  # fmt: skip
for _side in ("Left", "Right"):
    TREE |= {
        f"{_side}UpLeg": "Hips", f"{_side}Leg": f"{_side}UpLeg", f"{_side}Foot": f"{_side}Leg",
        f"{_side}ToeBase": f"{_side}Foot", f"{_side}Shoulder": "Spine2", f"{_side}Arm": f"{_side}Shoulder",
        f"{_side}ForeArm": f"{_side}Arm", f"{_side}Hand": f"{_side}ForeArm",
    }  # fmt: skip
    for _finger in FINGERS:
        for _joint, _parent in (("1", ""), ("2", f"{_finger}1"), ("3", f"{_finger}2")):
            TREE[f"{_side}Hand{_finger}{_joint}"] = f"{_side}Hand{_parent}"
BONES = tuple(TREE)

#: Bone starts of one figure with its arms hanging and its hands turned, left side; the right mirrors it.
MIDLINE = {
    "Hips": (0, 0, 0), "Spine": (0, 0.1, 0), "Spine1": (0, 0.2, 0), "Spine2": (0, 0.35, -0.02),
    "Neck": (0, 0.53, 0), "Head": (0, 0.58, 0),
}  # fmt: skip
LEFT = {
    "UpLeg": (0.1, -0.05, 0), "Leg": (0.15, -0.45, 0.02), "Foot": (0.2, -0.9, 0), "ToeBase": (0.2, -0.95, 0.12),
    "Shoulder": (0.05, 0.5, 0), "Arm": (0.18, 0.45, 0), "ForeArm": (0.36, 0.24, 0.01), "Hand": (0.48, 0.1, 0.16),
}  # fmt: skip


def made_up_figures(count: int) -> Figures:
    """Figures whose skin is three points around each bone, bound to that bone alone."""
    random = np.random.default_rng(0)
    at = {name: np.array(place, float) for name, place in MIDLINE.items()}
    for name, place in LEFT.items():
        at[f"Left{name}"] = np.array(place, float)
    along = np.array([0.5, -0.6, 0.45]) / np.linalg.norm([0.5, -0.6, 0.45])
    front = np.array([-0.3, 0.2, 0.6])
    front -= front @ along * along
    front /= np.linalg.norm(front)
    for place, finger in zip((0.03, 0.0, -0.02, -0.035, 0.05), FINGERS, strict=True):
        for joint, distance in ((1, 0.09), (2, 0.12), (3, 0.14)):
            bend = np.cross(front, along) * 0.3 * (distance - 0.09)
            at[f"LeftHand{finger}{joint}"] = at["LeftHand"] + along * distance + front * place + bend
    for name in [name for name in at if name.startswith("Left")]:
        at["Right" + name.removeprefix("Left")] = at[name] * [-1, 1, 1]
    heads = np.stack([at[name] for name in BONES]) * random.uniform(0.9, 1.1, (count, 1, 1))
    tails = heads.copy()
    for index, name in enumerate(BONES):
        if name[-1:] in "12" and "Hand" in name:
            tails[:, index] = heads[:, BONES.index(name[:-1] + str(int(name[-1]) + 1))]
        elif name[-1:] == "3":
            tails[:, index] += 0.02 * along * ([1, 1, 1] if name.startswith("Left") else [-1, 1, 1])
    around = np.array([[0.02, 0, 0], [0, 0.02, 0], [0, 0, 0.02]])
    vertices = (heads[:, :, None] + around).reshape(count, -1, 3)
    weights = np.repeat(np.eye(len(BONES)), 3, axis=0)
    parents = np.array([BONES.index(parent) if parent else -1 for parent in TREE.values()])
    faces = np.arange(vertices.shape[1]).reshape(-1, 3)
    return Figures(vertices, heads, tails, weights, BONES, parents, faces, np.zeros(len(weights), bool))


@pytest.fixture(scope="module")
def figures() -> Figures:
    return made_up_figures(5)


def test_arms_become_one_horizontal_line(figures: Figures) -> None:
    _, heads = t_posed(figures)
    at = {name: heads[:, index] for index, name in enumerate(BONES)}
    for side, sign in (("Left", 1), ("Right", -1)):
        for name in ("ForeArm", "Hand", "HandMiddle1", "HandMiddle3"):
            offset = at[side + name] - at[f"{side}Arm"]
            np.testing.assert_allclose(offset[:, 1], 0, atol=2e-3)
            assert (sign * offset[:, 0] > 0).all()
        np.testing.assert_allclose((at[f"{side}Hand"] - at[f"{side}Arm"])[:, 1:], 0, atol=1e-12)
        assert (at[f"{side}HandIndex1"][:, 2] > at[f"{side}HandPinky1"][:, 2] + 0.02).all(), "palm down"
        for finger in FINGERS[:4]:
            steps = [at[f"{side}Hand{finger}{joint}"] for joint in (1, 2, 3)]
            first, second = steps[1] - steps[0], steps[2] - steps[1]
            np.testing.assert_allclose(np.cross(first, second), 0, atol=1e-12, err_msg="straight fingers")


def test_legs_stand_closer_and_feet_stay_flat(figures: Figures) -> None:
    vertices, heads = t_posed(figures)
    leg = heads[:, BONES.index("LeftFoot")] - heads[:, BONES.index("LeftUpLeg")]
    angle = np.degrees(np.arctan2(leg[:, 0], -leg[:, 1]))
    np.testing.assert_allclose(angle, 2.5, atol=1e-9)
    foot = BONES.index("LeftFoot")
    before = figures.vertices[:, 3 * foot : 3 * foot + 3] - figures.heads[:, foot, None]
    after = vertices[:, 3 * foot : 3 * foot + 3] - heads[:, foot, None]
    np.testing.assert_allclose(after, before, atol=1e-12)


def test_the_t_pose_turns_bones_and_stretches_none(figures: Figures) -> None:
    vertices, heads = t_posed(figures)
    for bone, parent in enumerate(figures.parents):
        if parent < 0:
            continue
        before = np.linalg.norm(figures.heads[:, bone] - figures.heads[:, parent], axis=1)
        np.testing.assert_allclose(
            np.linalg.norm(heads[:, bone] - heads[:, parent], axis=1), before, atol=1e-12
        )
        # Skin bound to one bone keeps its shape and handedness: it was turned, not mirrored.
        before_skin = figures.vertices[0, 3 * bone : 3 * bone + 3] - figures.heads[0, bone]
        after_skin = vertices[0, 3 * bone : 3 * bone + 3] - heads[0, bone]
        turn, residual = Rotation.align_vectors(after_skin, before_skin)
        assert residual < 1e-9
        assert turn.as_matrix().shape == (3, 3)


def test_joints_and_weights_follow_the_names(figures: Figures) -> None:
    joints = joint_positions(figures, figures.heads)
    for joint, bone in (
        ("pelvis", "Hips"),
        ("spine3", "Spine2"),
        ("left_knee", "LeftLeg"),
        ("right_wrist", "RightHand"),
    ):
        np.testing.assert_allclose(joints[:, JOINT_NAMES.index(joint)], figures.heads[:, BONES.index(bone)])
    knuckles = [BONES.index(f"LeftHand{finger}1") for finger in FINGERS[:4]]
    np.testing.assert_allclose(joints[:, JOINT_NAMES.index("left_hand")], figures.heads[:, knuckles].mean(1))
    everything = np.arange(figures.vertices.shape[1])
    skin = Skin(everything, figures.faces, mirror_of(symmetric_cloud(figures)))
    weights = skinning_weights(figures, skin)
    np.testing.assert_allclose(weights.sum(1), 1)
    for bone, joint in (
        ("LeftHandThumb2", "left_hand"),
        ("RightForeArm", "right_elbow"),
        ("Spine", "spine1"),
    ):
        np.testing.assert_allclose(weights[3 * BONES.index(bone), JOINT_NAMES.index(joint)], 1)


def symmetric_cloud(figures: Figures) -> np.ndarray:
    """The first figure's skin, with the points on the right placed as mirror images of those on the left."""
    points = figures.vertices[0].copy()
    for bone, name in enumerate(BONES):
        rows = slice(3 * bone, 3 * bone + 3)
        if name.startswith("Right"):
            twin = BONES.index("Left" + name.removeprefix("Right"))
            points[rows] = points[3 * twin : 3 * twin + 3] * [-1, 1, 1]
        elif not name.startswith("Left"):
            points[rows, 0] = 0
            points[rows, 1] += [0, 0.01, 0.02]
    return points


def ball(rings: int = 9, sectors: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """A closed sphere, symmetric across x = 0."""
    polar = np.linspace(0, np.pi, rings + 2)[1:-1, None]
    turn = np.arange(sectors)[None] * 2 * np.pi / sectors
    sphere = np.stack(
        [np.sin(polar) * np.sin(turn), np.cos(polar) + 0 * turn, np.sin(polar) * np.cos(turn)], -1
    ).reshape(-1, 3)
    points = np.concatenate([[[0, 1, 0]], sphere, [[0, -1, 0]]])
    faces = []
    for sector in range(sectors):
        here, there = 1 + sector, 1 + (sector + 1) % sectors
        last = 1 + (rings - 1) * sectors - 1
        faces += [[0, here, there], [len(points) - 1, last + there, last + here]]
        for ring in range(rings - 1):
            a, b = here + ring * sectors, there + ring * sectors
            faces += [[a, a + sectors, b], [b, a + sectors, b + sectors]]
    return points, np.array(faces)


def boundary_edges(faces: np.ndarray) -> int:
    edges = {(a, b) for face in faces.tolist() for a, b in zip(face, face[1:] + face[:1], strict=True)}
    return sum((b, a) not in edges for a, b in edges)


def volume(points: np.ndarray, faces: np.ndarray) -> float:
    a, b, c = (points[faces[:, k]] for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


def test_holes_are_closed_in_the_direction_of_the_surface() -> None:
    points, faces = ball()
    assert boundary_edges(faces) == 0
    whole = volume(points, faces)
    cap = points[:, 1] > 0.6
    cap |= points[:, 1] < -0.95
    assert boundary_edges(faces[~cap[faces].all(1)]) > 10
    skin = outer_skin(points, faces, cap)
    assert boundary_edges(skin.faces) == 0
    assert 0.75 * whole < volume(points[skin.kept], skin.faces) < whole
    assert not np.isin(0, skin.kept), "the pole was inside the cap"
    np.testing.assert_array_equal(skin.mirror[skin.mirror], np.arange(len(skin.kept)))


def test_a_mesh_without_symmetry_is_refused() -> None:
    points, _ = ball()
    points[3:6] *= 1.3
    with pytest.raises(ValueError, match="do not correspond"):
        mirror_of(points)


def test_symmetric_is_symmetric() -> None:
    points, _ = ball()
    mirror = mirror_of(points)
    noisy = points + np.random.default_rng(0).normal(0, 0.01, (4, *points.shape))
    even = symmetric(noisy, mirror)
    np.testing.assert_allclose(even, even[:, mirror] * [-1, 1, 1], atol=1e-15)
    np.testing.assert_allclose(even.mean(), noisy[..., 1:].sum() / noisy.size, atol=1e-3)


def growing_balls(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spheres that vary in height and, apart from it, in twelve smooth ways."""
    points, faces = ball(15, 20)
    random = np.random.default_rng(1)
    height = random.normal(1.75, 0.09, count)
    vertices = points * np.stack([np.full(count, 0.3), height / 2, np.full(count, 0.2)], -1)[:, None]
    for mode in range(12):
        wave = np.cos((mode + 1) * np.arccos(np.clip(points[:, 1], -1, 1))) * 0.02 / (mode + 1)
        push = random.normal(0, 1, count)[:, None] * wave
        vertices[..., 0] += push * np.sign(points[:, 0]) * (np.abs(points[:, 0]) > 1e-6)
    return vertices, faces, height


def test_first_shape_direction_is_stature_and_one_unit_is_one_deviation() -> None:
    vertices, faces, height = growing_balls(80)
    template, directions = shape_space(vertices, faces)
    np.testing.assert_allclose(template, vertices.mean(0))
    gain = [np.ptp((template + directions[..., k])[:, 1]) - np.ptp(template[:, 1]) for k in range(10)]
    assert gain[0] == pytest.approx(height.std(), rel=1e-6)
    np.testing.assert_allclose(gain[1:], 0, atol=1e-9)
    basis = directions.reshape(-1, 10)
    betas = np.linalg.lstsq(basis, (vertices - template).reshape(len(vertices), -1).T, rcond=None)[0]
    np.testing.assert_allclose(betas.std(1), 1, atol=0.05)
    rebuilt = template + np.einsum("vck,kn->nvc", directions, betas)
    assert np.abs(rebuilt - vertices).max() < 0.01


def test_joint_regressor_finds_centres_as_convex_combinations() -> None:
    vertices, faces, _ = growing_balls(40)
    mirror = mirror_of(vertices[0])
    vertices = symmetric(vertices, mirror)
    skin = Skin(np.arange(vertices.shape[1]), faces, mirror)
    truth = np.random.default_rng(2).dirichlet(np.full(vertices.shape[1], 0.05), N_JOINTS)
    mirrored = truth[list(KEYPOINT_MIRROR[:N_JOINTS])][:, mirror]
    joints = ((truth + mirrored) / 2) @ vertices
    regressor = joint_regressor(vertices, joints, skin)
    np.testing.assert_allclose(regressor.sum(1), 1)
    assert regressor.min() >= 0
    np.testing.assert_allclose(regressor[list(KEYPOINT_MIRROR[:N_JOINTS])][:, mirror], regressor, atol=1e-12)
    assert np.linalg.norm(regressor @ vertices - joints, axis=-1).mean() < 0.004


def test_light_regressor_gives_the_full_joints_for_every_shape() -> None:
    body = load_body(LIGHT_BODY)
    template, directions = body.v_template.astype(float), body.shapedirs.astype(float)
    wanted = np.random.default_rng(3).dirichlet(np.full(len(template), 0.1), N_JOINTS)
    mirror = mirror_of(template)
    wanted = (wanted + wanted[list(KEYPOINT_MIRROR[:N_JOINTS])][:, mirror]) / 2
    both = np.concatenate([template[..., None], directions], -1)
    joints = np.einsum("jv,vck->jck", wanted, both)
    everything = np.arange(len(template))[:, None]
    mesh = LightMesh(everything.repeat(3, 1), np.full((len(template), 3), 1 / 3), body.faces, mirror)
    found = matching_regressor(mesh, template, directions, joints)
    np.testing.assert_allclose(np.einsum("jv,vck->jck", found, both), joints, atol=1e-4)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-4)
    assert (found != 0).sum(1).max() <= 240, "nearby vertices only"


def test_carrying_values_to_the_light_mesh() -> None:
    mesh = LightMesh(
        np.array([[0, 1, 2]]), np.array([[0.5, 0.25, 0.25]]), np.zeros((0, 3), int), np.array([0])
    )
    full = np.array([[4.0, 0.0], [0.0, 8.0], [0.0, 0.0]])
    np.testing.assert_allclose(mesh.carry(full), [[2.0, 2.0]])


def test_saved_bodies_are_the_same_bytes_and_load(tmp_path: Path) -> None:
    body = load_body(LIGHT_BODY)
    arrays = {
        "v_template": body.v_template, "shapedirs": body.shapedirs, "weights": body.weights,
        "J_regressor": body.J_regressor, "faces": body.faces, "surface_vertices": body.surface_vertices,
    }  # fmt: skip
    for name in ("one.npz", "two.npz"):
        save_body(tmp_path / "new" / name, **arrays)
    one, two = ((tmp_path / "new" / name).read_bytes() for name in ("one.npz", "two.npz"))
    assert one == two == LIGHT_BODY.read_bytes(), "the shipped file comes from this code"
    np.testing.assert_array_equal(load_body(tmp_path / "new" / "one.npz").faces, body.faces)


@pytest.mark.skipif(importlib.util.find_spec("anny") is not None, reason="anny is installed here")
def test_a_missing_anny_is_told_in_one_sentence() -> None:
    with pytest.raises(InstallError, match=r"pip install -r training/bodies/requirements\.txt"):
        sample_figures(1, 0)
    requirements = Path(command.__file__).parent / "requirements.txt"
    assert re.search(r"^anny==", requirements.read_text(), re.MULTILINE)


def test_options() -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    args = parser.parse_args(["--figures", "8", "--seed", "3"])
    assert (args.figures, args.seed, args.out) == (8, 3, DEFAULT_BODY.parent)


@pytest.mark.slow
def test_the_shipped_bodies_come_out_of_the_build(tmp_path: Path) -> None:
    pytest.importorskip("anny", reason="needs training/bodies/requirements.txt")
    subprocess.run([sys.executable, "-m", "training", "bodies", "--out", str(tmp_path)], check=True)
    for shipped in (DEFAULT_BODY, LIGHT_BODY):
        with np.load(shipped) as old, np.load(tmp_path / shipped.name) as new:
            assert sorted(old.files) == sorted(new.files)
            for key in old.files:
                np.testing.assert_allclose(old[key], new[key], atol=1e-3, err_msg=key)
