"""Motion files: BVH against an independent reader, npz against smplx, both upright, both whole or not there."""

import os

import bvhio
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from backend.__main__ import main
from backend.api import CameraPose, Hypothesis
from backend.body import DEFAULT_BODY, forward_kinematics, global_rotations, load_body, pose_body
from backend.bvh import Clip, euler_zxy, smpl_clip, write_bvh
from backend.errors import InputError
from backend.motion import Motion, join, read_npz, stand, write_npz
from backend.skeleton import JOINT_NAMES

BODY = load_body()
FACING = (np.pi, 0.0, 0.0)


def hypothesis(pose, betas=(0.0,) * 10):
    """A hypothesis for (24, 3) axis-angle, camera frame."""
    body_pose = tuple(tuple(map(float, turn)) for turn in pose[1:])
    return Hypothesis(1.0, tuple(map(float, pose[0])), body_pose, betas, CameraPose(1.0, 0.0, 0.0), {})


def random_motion(seed=0, frames=5):
    rng = np.random.default_rng(seed)
    rotations = Rotation.from_rotvec(rng.normal(size=(frames * 24, 3)) * 0.9).as_matrix()
    places = rng.normal(size=(frames, 3))
    return Motion(rotations.reshape(frames, 24, 3, 3), places, rng.normal(size=10), 30.0)


def joints_of(motion):
    """(F, 24, 3) by our kinematics: the rest joints are the body's own."""
    rest = np.asarray(BODY.rest(motion.betas.astype(np.float32))[1], np.float64)
    joints = forward_kinematics(global_rotations(motion.rotations), rest)
    return joints - joints[:, :1] + motion.places[:, None]


def upright():
    pose = np.zeros((24, 3))
    pose[0] = FACING
    return stand([hypothesis(pose)], BODY)


def degrees_between(first, second):
    return np.degrees((Rotation.from_matrix(first).inv() * Rotation.from_matrix(second)).magnitude())


@pytest.mark.parametrize("seed", range(3))
def test_bvh_is_read_back_by_another_reader(tmp_path, seed):
    motion = random_motion(seed)
    write_bvh(smpl_clip(motion, BODY), tmp_path / "a.bvh")
    root = bvhio.readAsHierarchy(str(tmp_path / "a.bvh"))
    world, joints = global_rotations(motion.rotations), joints_of(motion)
    found = {joint.Name: joint for joint, _, _ in root.layout()}

    def orientation(name):
        q = found[name].RotationWorld
        return Rotation.from_quat([q.x, q.y, q.z, q.w]).as_matrix()

    root.loadRestPose()
    at_rest = {name: orientation(name) for name in JOINT_NAMES}  # this reader lays its joints along the bones
    for frame in range(len(motion)):
        root.loadPose(frame)
        for index, name in enumerate(JOINT_NAMES):
            x, y, z = found[name].PositionWorld
            assert [x, y, z] == pytest.approx(joints[frame, index], abs=1e-5)
            read = orientation(name) @ at_rest[name].T
            assert degrees_between(read, world[frame, index]) < 0.1


def test_bvh_keeps_the_rate_and_ends_in_fingers_and_toes(tmp_path):
    write_bvh(smpl_clip(random_motion(), BODY), tmp_path / "a.bvh")
    read = bvhio.readAsBvh(str(tmp_path / "a.bvh"))
    assert read.FrameTime == pytest.approx(1 / 30)
    assert read.FrameCount == 5
    text = (tmp_path / "a.bvh").read_text()
    assert text.count("End Site") == 5
    assert text.count("JOINT") == 23


def test_an_upright_figure_stands_upright_in_both_files(tmp_path):
    """Read with nothing but the files' own definitions: y up in BVH, z up in AMASS."""
    motion = upright()
    write_bvh(smpl_clip(motion, BODY), tmp_path / "a.bvh")
    root = bvhio.readAsHierarchy(str(tmp_path / "a.bvh"))
    root.loadPose(0)
    places = {joint.Name: np.array(joint.PositionWorld) for joint, _, _ in root.layout()}
    assert places["head"][1] > 1.3
    assert 0 < places["left_foot"][1] < 0.1
    assert places["left_foot"][2] > places["left_ankle"][2]
    assert places["left_wrist"][0] > 0.4

    write_npz(motion, BODY, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as archive:
        assert archive["poses"].shape == (1, 72)
        turn = Rotation.from_rotvec(archive["poses"][0, :3]).as_matrix()
        np.testing.assert_allclose(turn @ [0, 1, 0], [0, 0, 1], atol=1e-6)
        assert archive["trans"].shape == (1, 3)
        assert archive["betas"].shape == (10,)
        assert float(archive["mocap_framerate"]) > 0
        assert str(archive["gender"]) == "neutral"
        vertices = pose_body(BODY, archive["poses"].reshape(1, 24, 3)).vertices[0] + archive["trans"][0]
    assert vertices[:, 2].min() == pytest.approx(0, abs=1e-5)
    assert vertices[:, 2].max() > 1.5


def test_npz_says_the_same_to_smplx(tmp_path):
    smplx = pytest.importorskip("smplx")
    import torch

    motion = random_motion(4)
    write_npz(motion, BODY, tmp_path / "a.npz")
    with np.load(DEFAULT_BODY) as archive:
        data = smplx.utils.Struct(**archive)
    model = smplx.SMPL(str(tmp_path), data_struct=data, num_betas=10)
    with np.load(tmp_path / "a.npz") as archive:
        values = {key: torch.tensor(archive[key], dtype=torch.float32) for key in ("poses", "trans", "betas")}
    said = model(
        betas=values["betas"].expand(len(motion), -1), global_orient=values["poses"][:, :3],
        body_pose=values["poses"][:, 3:], transl=values["trans"],
    )  # fmt: skip
    z_up = joints_of(motion) @ np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]).T
    np.testing.assert_allclose(said.joints[:, :24].detach(), z_up, atol=1e-4)


def test_npz_comes_back(tmp_path):
    motion = random_motion(2)
    write_npz(motion, BODY, tmp_path / "a.npz")
    back = read_npz(tmp_path / "a.npz", BODY)
    assert degrees_between(back.rotations.reshape(-1, 3, 3), motion.rotations.reshape(-1, 3, 3)).max() < 1e-4
    np.testing.assert_allclose(back.places, motion.places, atol=1e-6)
    np.testing.assert_allclose(back.betas, motion.betas)
    assert back.rate == motion.rate


def test_amass_files_of_other_models_are_read(tmp_path):
    rng = np.random.default_rng(0)
    poses = rng.normal(size=(7, 156)) * 0.3
    np.savez(tmp_path / "h.npz", poses=poses, trans=np.zeros((7, 3)), betas=np.zeros(16), gender=np.array(b"male"),
             mocap_framerate=np.array(120.0), dmpls=np.zeros((7, 8)))  # fmt: skip
    motion = read_npz(tmp_path / "h.npz", BODY)
    assert len(motion) == 7
    assert motion.rate == 120
    np.testing.assert_allclose(
        motion.rotations[:, 21], Rotation.from_rotvec(poses[:, 63:66]).as_matrix(), atol=1e-9
    )
    np.testing.assert_allclose(motion.rotations[:, 22], np.tile(np.eye(3), (7, 1, 1)))


@pytest.mark.parametrize(
    "arrays",
    [
        {}, {"poses": np.zeros((4, 10))}, {"poses": np.zeros((0, 72))}, {"poses": np.full((2, 72), np.nan)},
        {"poses": np.zeros((2, 72)), "trans": np.zeros((3, 3))}, {"poses": np.zeros((2, 72), "S4")},
        {"poses": np.array([{"a": 1}], object)}, {"poses": np.zeros((2, 72)), "mocap_framerate": np.array(0.0)},
        {"poses": np.zeros((2, 72)), "betas": np.zeros((2, 2))}, {"poses": np.zeros((2, 72), complex)},
    ],
)  # fmt: skip
def test_a_file_that_holds_no_motion_is_one_sentence(tmp_path, arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(InputError, match=r"a\.npz .*; choose another file\.$"):
        read_npz(tmp_path / "a.npz", BODY)


def test_broken_files_are_one_sentence(tmp_path):
    motion = random_motion()
    write_npz(motion, BODY, tmp_path / "a.npz")
    whole = (tmp_path / "a.npz").read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        broken = bytearray(whole)
        for place in rng.integers(0, len(whole), 20):
            broken[place] = rng.integers(256)
        (tmp_path / "b.npz").write_bytes(bytes(broken[: rng.integers(len(broken))]))
        try:
            read_npz(tmp_path / "b.npz", BODY)
        except InputError:
            refused += 1
    assert refused > 50
    with pytest.raises(InputError):
        read_npz(tmp_path / "none.npz", BODY)


def test_figures_stand_on_the_ground():
    rng = np.random.default_rng(1)
    pose = rng.normal(size=(24, 3)) * 0.5
    pose[0] = FACING
    motion = stand([hypothesis(pose), hypothesis(pose * 1.5)], BODY)
    for rotations, place in zip(motion.rotations, motion.places, strict=True):
        posed = pose_body(BODY, rotations)
        lowest = (posed.vertices - posed.joints[0] + place)[:, 1].min()
        assert lowest == pytest.approx(0, abs=1e-5)


def test_poses_joined_one_by_one_are_those_that_stand_together():
    rng = np.random.default_rng(4)
    poses = [hypothesis(rng.normal(size=(24, 3)) * 0.6) for _ in range(3)]
    together, joined = stand(poses, BODY), join([stand([pose], BODY) for pose in poses])
    np.testing.assert_allclose(joined.rotations, together.rotations)
    np.testing.assert_allclose(joined.places, together.places)
    assert joined.grounded
    for rotations, place in zip(joined.rotations, joined.places, strict=True):
        posed = pose_body(BODY, rotations.astype(np.float32), joined.betas.astype(np.float32))
        assert abs(place[1] - posed.joints[0, 1] + posed.vertices[:, 1].min()) < 1e-5
    assert not together.resampled(100.0).grounded
    assert not join([joined, random_motion()]).grounded


@pytest.mark.parametrize("rate", [15.0, 24.0, 60.0])
def test_another_rate_keeps_the_time(rate):
    """A steady turn stays steady: each frame is where the clock says."""
    frames = np.arange(31)
    turns = np.zeros((31, 24, 3))
    turns[:, 18, 1] = 0.05 * frames
    motion = Motion(
        Rotation.from_rotvec(turns.reshape(-1, 3)).as_matrix().reshape(31, 24, 3, 3),
        np.outer(frames, [0.1, 0, 0]), np.zeros(10), 30.0,
    )  # fmt: skip
    other = motion.resampled(rate)
    assert other.rate == rate
    assert len(other) == int(rate) + 1
    seconds = np.arange(len(other)) / rate
    angle = Rotation.from_matrix(other.rotations[:, 18]).as_rotvec()[:, 1]
    np.testing.assert_allclose(angle, 1.5 * seconds, atol=1e-9)
    np.testing.assert_allclose(other.places[:, 0], 3 * seconds, atol=1e-9)


def test_angles_do_not_jump_and_say_the_rotation():
    rng = np.random.default_rng(0)
    steps = rng.normal(size=(400, 3)) * 0.05
    path = [Rotation.from_rotvec([0, 0, 0])]
    for step in steps:
        path.append(path[-1] * Rotation.from_rotvec(step))
    matrices = np.array([turn.as_matrix() for turn in path])[:, None]
    angles = euler_zxy(matrices)
    again = Rotation.from_euler("ZXY", angles[:, 0]).as_matrix()
    np.testing.assert_allclose(again, matrices[:, 0], atol=1e-9)
    one_turn = Rotation.from_euler("ZXY", [[0.3, s * np.pi / 2, 0.7] for s in (1, -1)]).as_matrix()
    again = Rotation.from_euler("ZXY", euler_zxy(one_turn[:, None])[:, 0]).as_matrix()
    np.testing.assert_allclose(again, one_turn, atol=1e-6)
    steady = Rotation.from_euler("ZXY", np.outer(np.linspace(0, 9, 100), [1, 0, 0])).as_matrix()[:, None]
    assert np.abs(np.diff(euler_zxy(steady), axis=0)).max() < 0.1


def test_names_with_blanks_do_not_break_the_file(tmp_path):
    clip = Clip(("The Hips", "Left Leg"), (-1, 0), np.zeros((2, 3)), {}, np.tile(np.eye(3), (1, 2, 1, 1)),
                np.zeros((1, 3)), 24.0)  # fmt: skip
    write_bvh(clip, tmp_path / "a.bvh")
    root = bvhio.readAsHierarchy(str(tmp_path / "a.bvh"))
    assert [joint.Name for joint, _, _ in root.layout()] == ["The_Hips", "Left_Leg"]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    path.write_bytes(b"old")
    monkeypatch.setattr(np, "savez_compressed", lambda *a, **k: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        write_npz(random_motion(), BODY, path)
    assert os.listdir(tmp_path) == ["a.npz"]
    assert path.read_bytes() == b"old"


def test_motion_files_of_every_figure_on_the_page(tmp_path, drawing, engine, monkeypatch):
    from PIL import Image

    import backend.engines.onnx

    monkeypatch.setattr(backend.engines.onnx, "OnnxEngine", lambda **_: engine)
    page = Image.new("L", (600, 400), 255)
    for x in (0, 290):
        page.paste(drawing, (x, 0))
    page.save(tmp_path / "page.png")
    options = ["--out", str(tmp_path / "out"), "--figures", "all", "--format", "npz,bvh"]
    assert main(["pose", str(tmp_path / "page.png"), *options]) == 0
    names = ["page_figure1.bvh", "page_figure1.npz", "page_figure2.bvh", "page_figure2.npz"]
    assert sorted(os.listdir(tmp_path / "out")) == names
    root = bvhio.readAsHierarchy(str(tmp_path / "out" / "page_figure2.bvh"))
    root.loadPose(0)
    places = {joint.Name: np.array(joint.PositionWorld) for joint, _, _ in root.layout()}
    assert places["head"][1] > 1.3


@pytest.mark.parametrize(("asked", "given"), [("1", 1), ("2", 2), ("9", 2)])
def test_as_many_readings_as_asked_for(tmp_path, drawing, engine, monkeypatch, asked, given):
    import json

    import backend.engines.onnx

    monkeypatch.setattr(backend.engines.onnx, "OnnxEngine", lambda **_: engine)
    engine.exchanged = -1.0
    drawing.save(tmp_path / "a.png")
    options = ["--out", str(tmp_path / "out"), "--format", "json", "--hypotheses", asked]
    assert main(["pose", str(tmp_path / "a.png"), *options]) == 0
    (image,) = json.loads((tmp_path / "out" / "poses.json").read_text())["images"]
    assert len(image["figures"][0]["hypotheses"]) == given
