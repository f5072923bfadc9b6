"""backend/body.py against smplx, torch, a plain loop over the paper's equations, and broken files."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import smplx
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from smplx.utils import Struct

from backend.body import (
    BODY_FOLDER,
    DEFAULT_BODY,
    LIGHT_BODY,
    Body,
    extreme_vertices,
    forward_kinematics,
    global_rotations,
    load_body,
    local_rotations,
    pose_body,
    rodrigues,
)
from backend.errors import InputError, InstallError
from backend.skeleton import JOINT_NAMES, JOINT_PARENTS, KEYPOINT_MIRROR, N_JOINTS, keypoint_index

BODIES = {"full": DEFAULT_BODY, "light": LIGHT_BODY}


@pytest.fixture(params=BODIES, scope="module")
def path(request: pytest.FixtureRequest) -> Path:
    return BODIES[request.param]


@pytest.fixture(scope="module")
def light() -> Body:
    return load_body(LIGHT_BODY)


def random_pose(seed: int, count: int, spread: float = 0.6) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, spread, (count, N_JOINTS, 3)).astype(np.float32)


def random_betas(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (count, 10)).clip(-3, 3).astype(np.float32)


def saved(folder: Path, **changes: np.ndarray | None) -> Path:
    """The light body with some arrays replaced, or left out where None is given."""
    with np.load(LIGHT_BODY) as archive:
        arrays = {key: archive[key] for key in archive.files}
    arrays.update(changes)
    path = folder / "body.npz"
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return path


# --- the maths ------------------------------------------------------------------------------------


def exponential(axis_angle: np.ndarray) -> np.ndarray:
    """The rotation of one axis-angle vector as the matrix exponential's power series."""
    x, y, z = axis_angle.astype(np.float64)
    generator = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    term, total = np.eye(3), np.eye(3)
    for power in range(1, 60):
        term = term @ generator / power
        total = total + term
    return total


def naive_pose(
    arrays: dict[str, np.ndarray], pose: np.ndarray, betas: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """SMPL one joint and one vertex at a time, with 4x4 matrices, in double precision."""
    rest = arrays["v_template"].astype(np.float64)
    for index, beta in enumerate(betas):
        rest = rest + beta * arrays["shapedirs"][:, :, index].astype(np.float64)
    joints = arrays["J_regressor"].astype(np.float64) @ rest
    world: list[np.ndarray] = []
    for joint in range(24):
        local = np.eye(4)
        local[:3, :3] = exponential(pose[joint])
        parent = int(arrays["kintree_table"][0, joint])
        local[:3, 3] = joints[joint] - (joints[parent] if joint else 0)
        world.append(world[parent] @ local if joint else local)
    relative = []
    for joint in range(24):
        back = np.eye(4)
        back[:3, 3] = -joints[joint]
        relative.append(world[joint] @ back)
    vertices = np.empty_like(rest)
    for vertex, weights in enumerate(arrays["weights"].astype(np.float64)):
        blend = sum(weight * matrix for weight, matrix in zip(weights, relative, strict=True))
        vertices[vertex] = (blend @ np.append(rest[vertex], 1))[:3]
    return vertices, np.stack([matrix[:3, 3] for matrix in world])


def test_equals_a_plain_loop_over_the_equations(path: Path) -> None:
    with np.load(path) as archive:
        arrays = {key: archive[key] for key in archive.files if key != "posedirs"}
    pose, betas = random_pose(1, 1, 1.2)[0], random_betas(2, 1)[0]
    vertices, joints = naive_pose(arrays, pose, betas)
    posed = pose_body(load_body(path), pose, betas)
    np.testing.assert_allclose(posed.vertices, vertices, atol=5e-6)
    np.testing.assert_allclose(posed.joints, joints, atol=5e-6)


def smplx_model(arrays: dict[str, np.ndarray]) -> smplx.SMPL:
    # The extra joints that smplx picks from the skin are those of SMPL's own mesh; any vertex will do.
    nowhere = dict.fromkeys(smplx.vertex_ids.vertex_ids["smplh"], 0)
    return smplx.SMPL(model_path="", data_struct=Struct(**arrays), batch_size=4, vertex_ids=nowhere)


def test_equals_smplx_on_the_same_file(path: Path) -> None:
    with np.load(path) as archive:
        model = smplx_model({key: archive[key] for key in archive.files})
    pose, betas = random_pose(3, 4, 0.8), random_betas(4, 4)
    with torch.no_grad():
        theirs = model(
            betas=torch.from_numpy(betas),
            global_orient=torch.from_numpy(pose[:, 0]),
            body_pose=torch.from_numpy(pose[:, 1:].reshape(4, -1)),
        )
    ours = pose_body(load_body(path), pose, betas)
    np.testing.assert_allclose(ours.vertices, theirs.vertices.numpy(), atol=1e-5)
    np.testing.assert_allclose(ours.joints, theirs.joints[:, :24].numpy(), atol=1e-5)


def test_pose_correctives_equal_smplx(tmp_path: Path) -> None:
    count = len(load_body(LIGHT_BODY).v_template)
    correctives = np.random.default_rng(0).normal(0, 0.003, (count, 3, 207)).astype(np.float32)
    path = saved(tmp_path, posedirs=correctives)
    with np.load(path) as archive:
        model = smplx_model({key: archive[key] for key in archive.files})
    pose = random_pose(5, 4)
    with torch.no_grad():
        theirs = model(
            global_orient=torch.from_numpy(pose[:, 0]),
            body_pose=torch.from_numpy(pose[:, 1:].reshape(4, -1)),
        )
    body = load_body(path)
    ours = pose_body(body, pose, np.zeros((4, 10), np.float32))
    np.testing.assert_allclose(ours.vertices, theirs.vertices.numpy(), atol=1e-5)
    plain = pose_body(load_body(LIGHT_BODY), pose)
    assert np.abs(ours.vertices - plain.vertices).max() > 0.005, "the correctives must move the skin"


def test_torch_equals_numpy(path: Path) -> None:
    body = load_body(path)
    pose, betas = random_pose(6, 3), random_betas(7, 3)
    ours = pose_body(body, pose, betas)
    theirs = pose_body(body.torch(), torch.from_numpy(pose), torch.from_numpy(betas))
    for name in ("vertices", "joints", "keypoints"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name).numpy(), atol=5e-6)


def test_torch_gradients_are_finite_at_the_rest_pose_and_right(light: Body) -> None:
    body = light.torch(dtype=torch.float64)
    pose = torch.zeros(24, 3, dtype=torch.float64, requires_grad=True)
    betas = torch.zeros(10, dtype=torch.float64, requires_grad=True)

    def height_of_left_hand(p: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return pose_body(body, p, b).keypoints[keypoint_index("left_fingertips"), 1]

    height_of_left_hand(pose, betas).backward()
    assert pose.grad is not None
    assert torch.isfinite(pose.grad).all()
    step = 1e-6
    for joint, axis in ((16, 2), (13, 2), (18, 1), (0, 0)):
        moved = torch.zeros_like(pose).detach()
        moved[joint, axis] = step
        change = (height_of_left_hand(moved, betas) - height_of_left_hand(-moved, betas)) / (2 * step)
        assert change.item() == pytest.approx(pose.grad[joint, axis].item(), abs=1e-6)


def test_rotation_matrices_pose_like_axis_angles(light: Body) -> None:
    pose = random_pose(8, 5)
    by_vector, by_matrix = pose_body(light, pose), pose_body(light, rodrigues(pose))
    np.testing.assert_array_equal(by_vector.vertices, by_matrix.vertices)


def test_leading_axes_broadcast(light: Body) -> None:
    pose, betas = random_pose(9, 6), random_betas(10, 6)
    together = pose_body(light, pose.reshape(2, 3, 24, 3), betas.reshape(2, 3, 10))
    assert together.vertices.shape == (2, 3, len(light.v_template), 3)
    alone = [pose_body(light, p, b).vertices for p, b in zip(pose, betas, strict=True)]
    np.testing.assert_allclose(together.vertices.reshape(6, -1, 3), np.stack(alone), atol=2e-6)
    one_pose = pose_body(light, pose[0], betas)
    np.testing.assert_allclose(
        one_pose.keypoints[4], pose_body(light, pose[0], betas[4]).keypoints, atol=2e-6
    )
    one_shape = pose_body(light, pose, betas[0])
    np.testing.assert_allclose(one_shape.joints[4], pose_body(light, pose[4], betas[0]).joints, atol=2e-6)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(-8, 8), min_size=3, max_size=3))
def test_rodrigues_is_the_matrix_exponential(vector: list[float]) -> None:
    axis_angle = np.array(vector)
    np.testing.assert_allclose(rodrigues(axis_angle), exponential(axis_angle), atol=1e-9)


@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-7, 1e-6, 1e-4, np.pi - 1e-7, np.pi, 2 * np.pi])
def test_rodrigues_at_special_angles(angle: float) -> None:
    axis_angle = angle * np.array([0.6, 0.0, 0.8])
    np.testing.assert_allclose(rodrigues(axis_angle), exponential(axis_angle), atol=1e-12)
    single = rodrigues(axis_angle.astype(np.float32))
    np.testing.assert_allclose(single, exponential(axis_angle), atol=5e-7)


def test_local_and_global_rotations_are_inverse() -> None:
    local = rodrigues(random_pose(11, 50, 1.5).astype(np.float64))
    np.testing.assert_allclose(local_rotations(global_rotations(local)), local, atol=1e-12)


def test_forward_kinematics_keeps_bone_lengths(light: Body) -> None:
    rest = light.rest()[1]
    joints = forward_kinematics(global_rotations(rodrigues(random_pose(12, 200, 2.0))), rest)
    parents = list(JOINT_PARENTS[1:])
    lengths = np.linalg.norm(joints[:, 1:] - joints[:, parents], axis=-1)
    np.testing.assert_allclose(
        lengths, np.linalg.norm(rest[1:] - rest[parents], axis=-1)[None].repeat(200, 0), atol=2e-6
    )
    np.testing.assert_allclose(joints[:, 0], rest[0][None].repeat(200, 0))


def test_too_many_betas_are_refused(light: Body) -> None:
    with pytest.raises(InputError, match="10 shape coefficients but 11 were given"):
        light.rest(np.zeros(11, np.float32))


def test_fewer_betas_mean_zeros(light: Body) -> None:
    betas = random_betas(13, 1)[0]
    padded = np.concatenate([betas[:4], np.zeros(6, np.float32)])
    np.testing.assert_allclose(light.rest(betas[:4])[0], light.rest(padded)[0], atol=1e-7)


# --- the bodies that ship -------------------------------------------------------------------------


def test_shipped_bodies_are_small() -> None:
    files = list(BODY_FOLDER.glob("*.npz"))
    assert {DEFAULT_BODY, LIGHT_BODY} <= set(files)
    assert sum(file.stat().st_size for file in files) < 3_000_000


def test_shipped_bodies_hold_no_pickles(path: Path) -> None:
    with np.load(path, allow_pickle=False) as archive:
        assert all(archive[key].dtype.kind in "fiu" for key in archive.files)


def test_mesh_is_closed_and_faces_outward(path: Path) -> None:
    body = load_body(path)
    edges = np.concatenate([body.faces[:, [0, 1]], body.faces[:, [1, 2]], body.faces[:, [2, 0]]])
    assert len(np.unique(edges, axis=0)) == len(edges), "two triangles run along an edge in one direction"
    forward, backward = {tuple(e) for e in edges.tolist()}, {(b, a) for a, b in edges.tolist()}
    assert forward == backward, "an edge has one triangle only: the mesh has a hole"
    assert set(np.unique(body.faces)) == set(range(len(body.v_template)))
    assert len(body.v_template) - len(edges) // 2 + len(body.faces) == 2, "one piece, no handles"
    a, b, c = (body.v_template[body.faces[:, k]].astype(np.float64) for k in range(3))
    assert 0.045 < (a * np.cross(b, c)).sum() / 6 < 0.09, "volume of a person in cubic metres"


def test_light_mesh_is_light() -> None:
    assert 1200 <= len(load_body(LIGHT_BODY).v_template) <= 2500
    assert len(load_body(DEFAULT_BODY).v_template) > 10_000


def test_both_meshes_have_the_same_joints_for_every_shape() -> None:
    betas = np.concatenate([np.zeros((1, 10), np.float32), 3 * random_betas(14, 50)])
    full, light = load_body(DEFAULT_BODY).rest(betas)[1], load_body(LIGHT_BODY).rest(betas)[1]
    np.testing.assert_allclose(full, light, atol=3e-4)
    np.testing.assert_allclose(full[0], light[0], atol=2e-6)


def test_both_meshes_have_the_same_surface_keypoints() -> None:
    full, light = (load_body(path) for path in (DEFAULT_BODY, LIGHT_BODY))
    gap = np.linalg.norm(full.rest_keypoints()[24:] - light.rest_keypoints()[24:], axis=1)
    assert gap.max() < 0.01


def test_rest_pose_is_a_symmetric_t_pose(path: Path) -> None:
    keypoints = load_body(path).rest_keypoints()
    mirrored = keypoints[list(KEYPOINT_MIRROR)] * np.array([-1, 1, 1])
    np.testing.assert_allclose(keypoints, mirrored, atol=1e-4)
    at = {
        name: keypoints[keypoint_index(name)]
        for name in (*JOINT_NAMES, "left_fingertips", "left_toe", "nose")
    }
    np.testing.assert_allclose(at["pelvis"], 0, atol=0.005)
    for name in ("left_elbow", "left_wrist", "left_hand"):
        np.testing.assert_allclose(at[name][1:], at["left_shoulder"][1:], atol=0.015)
    assert np.abs(at["left_fingertips"] - at["left_hand"])[1:].max() < 0.03
    order = ["left_shoulder", "left_elbow", "left_wrist", "left_hand", "left_fingertips"]
    assert np.all(np.diff([at[name][0] for name in order]) > 0.05), "left is towards +x"
    assert at["nose"][2] > at["head"][2] + 0.08, "the face looks towards +z"
    assert at["left_toe"][2] > at["left_ankle"][2] + 0.1
    assert at["left_ankle"][1] < at["left_knee"][1] < at["left_hip"][1] < at["neck"][1] < at["head"][1]


def inside(points: np.ndarray, body: Body) -> np.ndarray:
    """Whether the points lie inside the mesh, by the sum of the solid angles of its triangles."""
    corners = body.v_template[body.faces].astype(np.float64)
    found = []
    for point in points:
        a, b, c = (corners[:, k] - point for k in range(3))
        la, lb, lc = (np.linalg.norm(x, axis=1) for x in (a, b, c))
        top = (a * np.cross(b, c)).sum(1)
        bottom = la * lb * lc + (a * b).sum(1) * lc + (b * c).sum(1) * la + (c * a).sum(1) * lb
        found.append(2 * np.arctan2(top, bottom).sum() > 2 * np.pi)
    return np.array(found)


def test_joints_lie_inside_the_body(path: Path) -> None:
    body = load_body(path)
    assert inside(body.rest()[1], body).all()
    assert not inside(np.array([[0.0, 2.0, 0.0], [0.5, 0.0, 0.0]]), body).any()


def test_limb_joints_lie_in_the_middle_of_the_limb() -> None:
    body = load_body()
    joints = body.rest()[1]
    for name, across in (
        ("left_elbow", (1, 2)),
        ("left_wrist", (1, 2)),
        ("left_knee", (0, 2)),
        ("left_ankle", (0,)),
    ):
        joint = joints[JOINT_NAMES.index(name)]
        along = 1 if "knee" in name or "ankle" in name else 0
        ring = body.v_template[
            (np.abs(body.v_template[:, along] - joint[along]) < 0.02)
            & (np.linalg.norm(body.v_template - joint, axis=1) < 0.12)
            & (body.v_template[:, 0] > 0.02)
        ]
        middle = (ring.min(0) + ring.max(0)) / 2
        assert np.abs(middle - joint)[list(across)].max() < 0.015, name


def test_random_adults_stay_within_the_promised_heights(path: Path) -> None:
    body = load_body(path)
    betas = random_betas(15, 500)
    extremes = np.zeros((2, 10), np.float32)
    extremes[:, 0] = -3, 3
    heights = np.ptp(body.rest(np.concatenate([betas, extremes]))[0][..., 1], axis=-1)
    assert heights.min() > 1.45
    assert heights.max() < 2.05
    assert heights.std() > 0.06, "shapes must differ"
    assert np.ptp(body.v_template[:, 1]) == pytest.approx(1.75, abs=0.03)


def test_first_beta_is_stature_and_the_others_leave_it(path: Path) -> None:
    body = load_body(path)
    heights = np.ptp(body.rest(np.eye(10, dtype=np.float32))[0][..., 1], axis=-1) - np.ptp(
        body.v_template[:, 1]
    )
    assert 0.08 < heights[0] < 0.11
    assert np.abs(heights[1:]).max() < 0.003
    moves = np.abs(body.shapedirs).max((0, 1))
    assert moves[1:].min() > 0.001, "every coefficient moves the skin"


def test_surface_keypoints_are_where_their_names_say() -> None:
    body = load_body()
    nose, top, left_toe, right_toe, left_tips, right_tips = body.v_template[body.surface_vertices]
    assert top[1] == body.v_template[:, 1].max()
    assert left_tips[0] == body.v_template[:, 0].max()
    assert right_tips[0] == body.v_template[:, 0].min()
    face = body.v_template[body.v_template[:, 1] > body.rest()[1][15, 1] + 0.02]
    assert nose[2] == face[:, 2].max()
    assert left_toe[2] == body.v_template[body.v_template[:, 0] > 0][:, 2].max()
    assert right_toe[2] == body.v_template[body.v_template[:, 0] < 0][:, 2].max()
    np.testing.assert_array_equal(
        np.sort(extreme_vertices(body.v_template, body.rest()[1])), np.sort(body.surface_vertices)
    )


# --- files that are no body -----------------------------------------------------------------------


def refused(path: Path) -> str:
    """The sentence with which a file is refused."""
    with pytest.raises(InputError) as caught:
        load_body(path)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def test_missing_file(tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path / "nobody.npz")
    assert "does not exist" in refused(tmp_path)


def test_a_missing_body_of_our_own_is_a_broken_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for body in (tmp_path / "default.npz", tmp_path):
        monkeypatch.setattr("backend.body.DEFAULT_BODY", body)
        with pytest.raises(InstallError, match="install Sketch2Pose again"):
            load_body()


def test_a_path_that_no_file_can_have() -> None:
    for name in ("a" * 5000, "null\0byte"):
        with pytest.raises(InputError, match="does not exist"):
            load_body(name)


@pytest.mark.parametrize("content", [b"", b"not a body", b"PK\x03\x04broken", b"\x80\x04K\x01."])
def test_no_npz(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "body.npz"
    path.write_bytes(content)
    assert "cannot be read as plain arrays" in refused(path)


def test_single_array(tmp_path: Path) -> None:
    path = tmp_path / "body.npy"
    np.save(path, np.zeros(3))
    assert "cannot be read as plain arrays" in refused(path)


def test_pickles_are_not_run(tmp_path: Path) -> None:
    trap = tmp_path / "trap"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Path.touch, (trap,)

    path = saved(tmp_path, v_template=np.array([Trap()], dtype=object))
    assert "without pickled objects" in refused(path)
    assert not trap.exists()


def test_truncated_file(tmp_path: Path) -> None:
    path = tmp_path / "body.npz"
    path.write_bytes(LIGHT_BODY.read_bytes()[:-2000])
    assert "cannot be read as plain arrays" in refused(path)


def test_lying_array_size(tmp_path: Path) -> None:
    path = tmp_path / "body.npz"
    with zipfile.ZipFile(path, "w") as archive:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header, {"descr": "<f8", "fortran_order": False, "shape": (10**15, 3)}
        )
        archive.writestr("v_template.npy", header.getvalue())
    assert "cannot be read as plain arrays" in refused(path)


@pytest.mark.parametrize("key", ["v_template", "shapedirs", "weights", "J_regressor", "kintree_table", "f"])
def test_missing_key(tmp_path: Path, key: str) -> None:
    assert f"has no {key}" in refused(saved(tmp_path, **{key: None}))


@pytest.mark.parametrize("key", ["v_template", "shapedirs", "posedirs", "weights", "J_regressor"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite(tmp_path: Path, key: str, value: float) -> None:
    with np.load(LIGHT_BODY) as archive:
        broken = archive[key].astype(np.float32)
    broken.flat[7] = value
    assert f"{key} holds values that are not finite" in refused(saved(tmp_path, **{key: broken}))


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("v_template", np.zeros((10, 2), np.float32), "v_template has shape"),
        ("v_template", np.zeros((0, 3), np.float32), "v_template has shape"),
        ("v_template", np.float32(1), "v_template has shape"),
        ("v_template", np.array(["a"]), "v_template holds values"),
        ("v_template", np.zeros((4, 3), np.complex64), "v_template holds values"),
        ("weights", np.full((1702, 22), 1 / 22, np.float32), "weights has shape"),
        ("weights", np.zeros((1702, 24), np.float32), "rows of weights do not sum to 1"),
        ("J_regressor", np.zeros((24, 5), np.float32), "J_regressor has shape"),
        ("J_regressor", np.zeros((24, 1702), np.float32), "rows of J_regressor do not sum to 1"),
        ("shapedirs", np.zeros((1702, 3), np.float32), "shapedirs has shape"),
        ("posedirs", np.zeros((1702, 3, 9), np.float32), "posedirs has shape"),
        ("kintree_table", np.zeros((2, 24), np.int64), "kintree_table is another skeleton"),
        ("kintree_table", np.zeros((2, 55), np.int64), "kintree_table is another skeleton"),
        ("kintree_table", np.array(["a"]), "kintree_table holds values"),
        ("f", np.full((5, 3), 99999), "f is no list of triangles"),
        ("f", np.full((5, 3), -1), "f is no list of triangles"),
        ("f", np.zeros((5, 4), np.int64), "f is no list of triangles"),
        ("f", np.zeros((5, 3), np.float32), "f holds values"),
        ("surface_vertices", np.array([0, 1, 2]), "broken surface_vertices"),
        ("surface_vertices", np.full(6, 99999), "broken surface_vertices"),
        ("surface_vertices", np.array(["a"] * 6), "surface_vertices holds values"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path: Path, key: str, value: np.ndarray, reason: str) -> None:
    count = len(load_body(LIGHT_BODY).v_template)
    assert count == 1702, "the shapes above are those of the light body"
    assert reason in refused(saved(tmp_path, **{key: value}))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_bytes_load_or_are_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(LIGHT_BODY.read_bytes())
    places = st.one_of(
        st.integers(0, len(content) - 1),
        st.integers(0, 300),
        st.integers(len(content) - 700, len(content) - 1),
    )
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=6)):
        content[place] = value
    path = tmp_path_factory.mktemp("damaged") / "body.npz"
    path.write_bytes(content)
    try:
        body = load_body(path)
    except InputError:
        pass
    else:
        assert np.isfinite(body.v_template).all()


def test_smpl_file_of_the_wild_loads(tmp_path: Path) -> None:
    """SMPL's own files: double precision, uint32, a parent of 2**32 - 1, 300 betas, no surface_vertices."""
    with np.load(LIGHT_BODY) as archive:
        tree = archive["kintree_table"].astype(np.uint32)
        directions = archive["shapedirs"].astype(np.float64)
        regressor = archive["J_regressor"].astype(np.float64)
        template = archive["v_template"].astype(np.float64)
    assert tree[0, 0] == 2**32 - 1
    many = np.concatenate([directions] * 30, -1)
    path = saved(
        tmp_path, kintree_table=tree, shapedirs=many, J_regressor=regressor, v_template=template,
        surface_vertices=None, gender=np.array("neutral"),
    )  # fmt: skip
    body = load_body(path)
    assert body.n_betas == 300
    assert body.v_template.dtype == np.float32
    shipped = load_body(LIGHT_BODY)
    gap = body.rest_keypoints()[24:] - shipped.rest_keypoints()[24:]
    assert np.linalg.norm(gap, axis=1).max() < 0.02, "surface keypoints are found by geometry"
