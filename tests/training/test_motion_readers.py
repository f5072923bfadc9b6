"""BVH, ASF/AMC and AMASS readers and the way to SMPL, against forward kinematics by SciPy."""

import io
import itertools
import re
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from backend.body import forward_kinematics, global_rotations, load_body
from backend.errors import InputError
from backend.skeleton import JOINT_NAMES, JOINT_PARENTS, keypoint_index
from training.poses.amass import read_amass
from training.poses.asf_amc import read_amc, read_asf
from training.poses.bvh import read_bvh
from training.poses.motion import MAX_DEPTH, MAX_JOINTS, euler_matrices, swing
from training.poses.recordings import find_recordings, read_clip
from training.poses.retarget import direction_errors, to_smpl
from training.poses.skeleton_map import FAMILIES, canonical

REST = np.asarray(load_body().rest()[1], np.float64)

# Small skeletons of the families: name, parent, rest offset. Arms hang, bend or lie level on purpose.
DAZ = [
    ("hip", "", (0, 0, 0)), ("abdomen", "hip", (0, 20, -1)), ("chest", "abdomen", (0, 12, -1)),
    ("neck", "chest", (0, 22, -2)), ("head", "neck", (0, 7, 1)),
] + [
    row for s, x in (("l", 1), ("r", -1)) for row in (
        (f"{s}Buttock", "hip", (9 * x, 4, 1)), (f"{s}Thigh", f"{s}Buttock", (0, -2, -2)),
        (f"{s}Shin", f"{s}Thigh", (0, -37, 1)), (f"{s}Foot", f"{s}Shin", (-x, -45, -5)),
        (f"{s}Foot/end", f"{s}Foot", (x, -4, 12)),
        (f"{s}Collar", "chest", (3 * x, 19, -5)), (f"{s}Shldr", f"{s}Collar", (9 * x, -2, 1)),
        (f"{s}ForeArm", f"{s}Shldr", (28 * x, -2, 0)), (f"{s}Hand", f"{s}ForeArm", (23 * x, 1, 7)),
        (f"{s}Mid1", f"{s}Hand", (8 * x, 1, 3)),
    )
]  # fmt: skip
CMU = [
    ("Hips", "", (0, 0, 0)), ("LowerBack", "Hips", (0, 0, 0)), ("Spine", "LowerBack", (0, 2, -0.2)),
    ("Spine1", "Spine", (0, 2, 0)), ("Neck", "Spine1", (0, 0, 0)), ("Neck1", "Neck", (0, 1.7, 0.2)),
    ("Head", "Neck1", (0.1, 1.7, -0.1)),
] + [
    row for s, x in (("Left", 1), ("Right", -1)) for row in (
        (f"{s[0]}HipJoint", "Hips", (0, 0, 0)), (f"{s}UpLeg", f"{s[0]}HipJoint", (1.3 * x, -1.8, 0.8)),
        (f"{s}Leg", f"{s}UpLeg", (2.4 * x, -6.7, 0)), (f"{s}Foot", f"{s}Leg", (2.5 * x, -7, 0)),
        (f"{s}ToeBase", f"{s}Foot", (0.2 * x, -0.4, 2.3)),
        (f"{s}Shoulder", "Spine1", (0, 0, 0)), (f"{s}Arm", f"{s}Shoulder", (3.3 * x, 1.2, -0.3)),
        (f"{s}ForeArm", f"{s}Arm", (5 * x, 0, 0)), (f"{s}Hand", f"{s}ForeArm", (3.5 * x, 0, 0)),
        (f"{s}HandIndex1", f"{s}Hand", (0.7 * x, 0, 0)),
    )
]  # fmt: skip
HANGING = [
    ("Hips", "", (0, 0, 0)), ("lowerback", "Hips", (0, 0, 0)), ("Chest", "lowerback", (0, 2, 0)),
    ("Chest2", "Chest", (0, 2, 0)), ("lowerneck", "Chest2", (0, 0, 0)), ("Neck", "lowerneck", (0, 1.6, 0.3)),
    ("Head", "Neck", (0, 1.6, -0.3)),
] + [
    row for s, x in (("Left", 1), ("Right", -1)) for row in (
        (f"{s}Hip", "Hips", (1.3 * x, -1.6, 0.7)), (f"{s}Knee", f"{s}Hip", (2.5 * x, -6.8, 0)),
        (f"{s}Ankle", f"{s}Knee", (2.4 * x, -6.5, 0)), (f"{s}Toe", f"{s}Ankle", (0.1 * x, -0.4, 2.2)),
        (f"{s}Collar", "Chest2", (0, 0, 0)), (f"{s}Shoulder", f"{s}Collar", (3 * x, 1.4, 0)),
        (f"{s}Elbow", f"{s}Shoulder", (0, -4.3, 0)), (f"{s}Wrist", f"{s}Elbow", (0, -3.3, 0)),
        (f"{s[0]}Fingers", f"{s}Wrist", (0, -0.7, 0)),
    )
]  # fmt: skip
# Z up, faces -y, arms slant, limbs split in two.
MAKEHUMAN = [
    ("root", "", (0, 0.8, 0.6)), ("spine04", "root", (0, -0.7, 0.6)), ("spine03", "spine04", (0, -0.2, 0.7)),
    ("spine02", "spine03", (0, -0.1, 0.9)), ("spine01", "spine02", (0, 0.3, 1.5)),
    ("neck01", "spine01", (0, -0.1, 1.6)), ("neck03", "neck01", (0, -0.2, 0.7)),
    ("head", "neck03", (0, 0.2, 0.4)),
] + [
    row for s, x in ((".L", 1), (".R", -1)) for row in (
        (f"pelvis{s}", "root", (0, -0.9, 0.2)), (f"upperleg01{s}", f"pelvis{s}", (1.1 * x, 0, -0.2)),
        (f"upperleg02{s}", f"upperleg01{s}", (0, -0.1, -0.8)),
        (f"lowerleg01{s}", f"upperleg02{s}", (0.5 * x, -0.1, -3.4)),
        (f"foot{s}", f"lowerleg01{s}", (0.6 * x, 0.3, -3.7)), (f"toe3-1{s}", f"foot{s}", (0.1 * x, -1.4, -0.6)),
        (f"clavicle{s}", "spine01", (0.3 * x, -0.8, 0.9)),
        (f"shoulder01{s}", f"clavicle{s}", (0.9 * x, 0.2, 0.3)),
        (f"upperarm01{s}", f"shoulder01{s}", (0.5 * x, 0.4, -0.3)),
        (f"upperarm02{s}", f"upperarm01{s}", (0.4 * x, 0, -0.5)),
        (f"lowerarm01{s}", f"upperarm02{s}", (1.1 * x, 0, -1.3)),
        (f"lowerarm02{s}", f"lowerarm01{s}", (0.6 * x, -0.8, -0.5)),
        (f"wrist{s}", f"lowerarm02{s}", (0.6 * x, -0.8, -0.5)),
        (f"finger3-1{s}", f"wrist{s}", (0.3 * x, -0.7, -0.6)),
    )
]  # fmt: skip
SMPL = [
    (name, JOINT_NAMES[parent] if parent >= 0 else "", tuple(REST[i] - (REST[parent] if parent >= 0 else 0)))
    for i, (name, parent) in enumerate(zip(JOINT_NAMES, JOINT_PARENTS, strict=True))
]

#: Skeleton, and the bones (source start, source end) -> (SMPL start, SMPL end) of its left side and middle.
CASES = {
    "Daz or Poser": (DAZ, {
        ("lThigh", "lShin"): "left_hip left_knee", ("lShin", "lFoot"): "left_knee left_ankle",
        ("lFoot", "lFoot/end"): "left_ankle left_foot", ("lShldr", "lForeArm"): "left_shoulder left_elbow",
        ("lForeArm", "lHand"): "left_elbow left_wrist", ("lHand", "lMid1"): "left_wrist left_hand",
        ("rThigh", "rShin"): "right_hip right_knee", ("rShldr", "rForeArm"): "right_shoulder right_elbow",
        ("abdomen", "chest"): "spine1 spine3", ("chest", "neck"): "spine3 neck", ("neck", "head"): "neck head",
    }),
    "MotionBuilder, CMU": (CMU, {
        ("LeftUpLeg", "LeftLeg"): "left_hip left_knee", ("LeftLeg", "LeftFoot"): "left_knee left_ankle",
        ("LeftFoot", "LeftToeBase"): "left_ankle left_foot", ("LeftArm", "LeftForeArm"): "left_shoulder left_elbow",
        ("RightForeArm", "RightHand"): "right_elbow right_wrist",
        ("RightHand", "RightHandIndex1"): "right_wrist right_hand",
        ("LowerBack", "Spine"): "spine1 spine2", ("Spine", "Spine1"): "spine2 spine3",
        ("Spine1", "Neck1"): "spine3 neck", ("Neck1", "Head"): "neck head",
    }),
    "CMU with plain limb names": (HANGING, {
        ("LeftHip", "LeftKnee"): "left_hip left_knee", ("LeftShoulder", "LeftElbow"): "left_shoulder left_elbow",
        ("LeftElbow", "LeftWrist"): "left_elbow left_wrist", ("LeftWrist", "LFingers"): "left_wrist left_hand",
        ("RightAnkle", "RightToe"): "right_ankle right_foot", ("Chest", "Chest2"): "spine2 spine3",
    }),
    "MakeHuman": (MAKEHUMAN, {
        ("upperleg01.L", "lowerleg01.L"): "left_hip left_knee", ("lowerleg01.L", "foot.L"): "left_knee left_ankle",
        ("foot.R", "toe3-1.R"): "right_ankle right_foot",
        ("upperarm01.L", "lowerarm01.L"): "left_shoulder left_elbow",
        ("lowerarm01.R", "wrist.R"): "right_elbow right_wrist", ("neck01", "head"): "neck head",
        ("spine04", "spine03"): "spine1 spine2", ("spine03", "spine02"): "spine2 spine3",
    }),
}  # fmt: skip


def bvh_text(skeleton, angles, order="ZXY", frame_time=1 / 30, positions=None):
    """A BVH of (F, joints, 3) degrees; rows named ``x/end`` become end sites, other leaves get one."""
    children = {}
    for name, parent, offset in skeleton:
        children.setdefault(parent, []).append((name, offset))
    lines, written = ["HIERARCHY"], []

    def write(name, offset, depth):
        pad = "\t" * depth
        end = name.endswith("/end")
        lines.append(pad + ("End Site" if end else ("JOINT " if depth else "ROOT ") + name))
        lines.extend([pad + "{", f"{pad}\tOFFSET {offset[0]} {offset[1]} {offset[2]}"])
        if not end:
            written.append(name)
            place = "Xposition Yposition Zposition " if not depth or positions is not None else ""
            count = 6 if place else 3
            lines.append(f"{pad}\tCHANNELS {count} {place}" + " ".join(f"{a}rotation" for a in order))
            for child in children.get(name, [("x/end", (0, 1, 0))]):
                write(*child, depth + 1)
        lines.append(pad + "}")

    write(*children[""][0], 0)
    names = [name for name, _, _ in skeleton if not name.endswith("/end")]
    lines += ["MOTION", f"Frames: {len(angles)}", f"Frame Time: {frame_time:.7f}"]
    for frame in range(len(angles)):
        row = []
        for depth, name in enumerate(written):
            if not depth:
                row += [1.0, 2.0, 3.0]
            elif positions is not None:
                row += list(positions[frame, names.index(name)])
            row += list(angles[frame, names.index(name)])
        lines.append(" ".join(f"{v:.9f}" for v in row))
    return "\n".join(lines) + "\n"


def scipy_positions(skeleton, angles, order="ZXY", positions=None):
    """Name -> (F, 3) positions, by SciPy."""
    names = [name for name, _, _ in skeleton if not name.endswith("/end")]
    turns, places = {}, {}
    for name, parent, offset in skeleton:
        own = (
            Rotation.identity(len(angles))
            if name.endswith("/end")
            else Rotation.from_euler(order, angles[:, names.index(name)], degrees=True)
        )
        if not parent:
            turns[name], places[name] = own, np.zeros((len(angles), 3))
            continue
        step = np.asarray(offset, float) + (0 if positions is None else positions[:, names.index(name)])
        turns[name] = turns[parent] * own
        places[name] = places[parent] + turns[parent].apply(
            np.tile(step, (len(angles), 1)) if np.ndim(step) == 1 else step
        )
    return places


def angles_between(a, b):
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), (a * b).sum(-1)))


#: Bones of the trunk keep the angle that SMPL's rest pose has to the source's, in every pose.
CURVED = ("spine", "neck")


def joint_count(skeleton):
    return sum(not name.endswith("/end") for name, _, _ in skeleton)


@pytest.mark.parametrize("family", CASES)
@pytest.mark.parametrize("order", ["ZXY", "XYZ", "ZYX"])
def test_bones_point_where_the_source_has_them(family, order):
    skeleton, bones = CASES[family]
    angles = np.random.default_rng(1).uniform(-70, 70, (20, joint_count(skeleton), 3))
    motion = to_smpl(read_bvh(bvh_text(skeleton, angles, order), "a.bvh"), "a.bvh")
    assert motion.family == family
    places = scipy_positions(skeleton, angles, order)
    joints = forward_kinematics(global_rotations(motion.rotations), REST)
    for (start, end), names in bones.items():
        given = places[end] - places[start]
        if family == "MakeHuman":  # z up to y up
            given = given[:, [0, 2, 1]] * [1, 1, -1]
        a, b = (keypoint_index(name) for name in names.split())
        off = angles_between(joints[:, b] - joints[:, a], given)
        if names.startswith(CURVED):
            assert np.ptp(off) < 0.001, names
        else:
            assert off.max() < 0.001, names
    assert direction_errors(motion.rotations, motion).max() < 0.001
    np.testing.assert_allclose(np.linalg.det(motion.rotations), 1, atol=1e-9)


@pytest.mark.parametrize("family", CASES)
def test_who_rests_upright_stands_upright(family):
    """However straight a source's spine is, its rest pose is SMPL's: no chest thrown back."""
    skeleton, _ = CASES[family]
    motion = to_smpl(read_bvh(bvh_text(skeleton, np.zeros((1, joint_count(skeleton), 3))), "a.bvh"), "a.bvh")
    world = global_rotations(motion.rotations)[0]
    for name in ("spine1", "spine2", "spine3", "neck", "head"):
        np.testing.assert_allclose(world[keypoint_index(name)], np.eye(3), atol=1e-6)


def test_smpl_itself_comes_back_unchanged():
    angles = np.random.default_rng(2).uniform(-80, 80, (15, 24, 3))
    angles[:, 22:] = 0  # a finger's turn is no hand's
    motion = to_smpl(read_bvh(bvh_text(SMPL, angles), "a.bvh"), "a.bvh")
    expected = (
        Rotation.from_euler("ZXY", angles.reshape(-1, 3), degrees=True).as_matrix().reshape(15, 24, 3, 3)
    )
    np.testing.assert_allclose(motion.rotations, expected, atol=1e-6)


def test_arms_that_hang_at_rest_turn_like_arms_that_do_not():
    """A rest pose with hanging arms gives SMPL arms that hang, palms to the thighs, nothing else turned."""
    motion = to_smpl(read_bvh(bvh_text(HANGING, np.zeros((1, joint_count(HANGING), 3))), "a.bvh"), "a.bvh")
    world = global_rotations(motion.rotations)[0]
    shoulder, wrist = world[keypoint_index("left_shoulder")], world[keypoint_index("left_wrist")]
    np.testing.assert_allclose(shoulder @ [1, 0, 0], [0, -1, 0], atol=0.01)
    np.testing.assert_allclose(wrist @ [0, -1, 0], [-1, 0, 0], atol=0.15)  # the palm
    np.testing.assert_allclose(world[0], np.eye(3), atol=1e-6)
    np.testing.assert_allclose(world[keypoint_index("head")], np.eye(3), atol=1e-6)


def test_figure_that_rests_z_up_stands_and_faces_front():
    motion = to_smpl(read_bvh(bvh_text(MAKEHUMAN, np.zeros((1, joint_count(MAKEHUMAN), 3))), "a"), "a")
    np.testing.assert_allclose(motion.rotations[0, 0], np.eye(3), atol=1e-6)


@pytest.mark.parametrize("whole", [True, False])
def test_position_channels_of_joints_are_read_as_offsets_or_as_shifts(whole):
    rng = np.random.default_rng(3)
    count = joint_count(MAKEHUMAN)
    angles, shifts = rng.uniform(-40, 40, (6, count, 3)), rng.uniform(-0.02, 0.02, (6, count, 3))
    given = shifts + (np.array([offset for _, _, offset in MAKEHUMAN]) if whole else 0)
    motion = to_smpl(read_bvh(bvh_text(MAKEHUMAN, angles, positions=given), "a"), "a")
    places = scipy_positions(MAKEHUMAN, angles, positions=shifts)
    joints = forward_kinematics(global_rotations(motion.rotations), REST)
    thigh = (places["lowerleg01.L"] - places["upperleg01.L"])[:, [0, 2, 1]] * [1, 1, -1]
    drawn = joints[:, keypoint_index("left_knee")] - joints[:, keypoint_index("left_hip")]
    assert angles_between(drawn, thigh).max() < 0.001


def test_names_are_read_with_namespace_and_marks():
    assert canonical("mixamorig:LeftUp_Leg") == "leftupleg"
    renamed = [(f"ns:{n.upper()}", p and f"ns:{p.upper()}", o) for n, p, o in HANGING]
    motion = to_smpl(read_bvh(bvh_text(renamed, np.zeros((1, joint_count(HANGING), 3))), "a"), "a")
    assert motion.family == "CMU with plain limb names"


def test_every_family_names_every_joint_that_a_figure_needs():
    for family in FAMILIES:
        names = family.node_names()
        assert {"pelvis", "neck", "head", "left_hip", "right_wrist", "left_knee"} <= set(names), family.name
        assert set(names) <= set(JOINT_NAMES), family.name
        assert len(set(names.values())) == len(names), family.name


def test_swing_takes_the_shortest_way():
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(2, 50, 3))
    b[0], b[1] = -2 * a[0], a[1]
    turn = swing(a, b)
    assert angles_between((turn @ a[..., None])[..., 0], b).max() < 1e-4
    np.testing.assert_allclose(
        Rotation.from_matrix(turn).magnitude(), np.radians(angles_between(a, b)), atol=1e-5
    )


@pytest.mark.parametrize("axes", ["zxy", "xyz", "zyx", "xy", "y"])
def test_euler_matrices_agree_with_scipy(axes):
    angles = np.random.default_rng(5).uniform(-3, 3, (10, len(axes)))
    np.testing.assert_allclose(
        euler_matrices(angles, axes),
        Rotation.from_euler(axes.upper(), angles).as_matrix(),
        atol=1e-12,
    )


# ------------------------------------------------------------------------------------------- recordings


def walking(frames, skeleton=CMU):
    """Small turns that change slowly."""
    t = np.arange(frames)[:, None, None] / 20
    phases = np.random.default_rng(6).uniform(0, 6, (1, joint_count(skeleton), 3))
    return 25 * np.sin(t + phases)


def read_file(path, fps=30.0):
    (recording,) = find_recordings([path])
    return read_clip(recording, fps)


def test_calibration_pose_is_left_out(tmp_path):
    angles = walking(12)
    angles[0] = 0
    (tmp_path / "t.bvh").write_text(bvh_text(CMU, angles))
    (tmp_path / "u.bvh").write_text(bvh_text(CMU, angles[1:]))
    with_pose, without = read_file(tmp_path / "t.bvh"), read_file(tmp_path / "u.bvh")
    assert with_pose.frames.tolist() == list(range(1, 12))
    assert without.frames.tolist() == list(range(11))
    np.testing.assert_allclose(with_pose.rotations, without.rotations, atol=1e-12)
    assert with_pose.source.directions.shape[0] == 11


def test_t_pose_that_the_motion_starts_from_stays(tmp_path):
    angles = walking(12) * np.linspace(0, 0.3, 12)[:, None, None]
    (tmp_path / "t.bvh").write_text(bvh_text(CMU, angles))
    assert len(read_file(tmp_path / "t.bvh").frames) == 12


@pytest.mark.parametrize(
    ("rate", "fps", "expected"), [(120, 30, 25), (30.003, 30, 100), (24, 30, 100), (50, 30, 60)]
)
def test_frames_are_left_out_down_to_the_rate(tmp_path, rate, fps, expected):
    (tmp_path / "t.bvh").write_text(bvh_text(CMU, walking(100), frame_time=1 / rate))
    clip = read_file(tmp_path / "t.bvh", fps)
    assert len(clip.frames) == expected
    full = read_file(tmp_path / "t.bvh", 1e4)
    np.testing.assert_allclose(clip.rotations, full.rotations[clip.frames], atol=1e-12)


# ---------------------------------------------------------------------------------------------- Acclaim

ASF = """# a comment
:version 1.10
:units
  mass 1.0
  length 0.45
  angle deg
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation 0 0 0
:bonedata
{bones}:hierarchy
  begin
{tree}  end
"""
ACCLAIM = [
    ("lowerback", "root", (0, 1, 0), 2.0, (0, 0, 0), "rx ry rz"),
    ("upperback", "lowerback", (0, 1, 0), 2.0, (0, 0, 0), "rx ry rz"),
    ("thorax", "upperback", (0, 1, 0), 2.0, (0, 0, 0), "rx ry rz"),
    ("lowerneck", "thorax", (0, 1, 0.1), 1.5, (0, 0, 0), "rx ry rz"),
    ("upperneck", "lowerneck", (0, 1, 0), 1.5, (0, 0, 0), "rx ry rz"),
    ("head", "upperneck", (0, 1, 0), 1.5, (0, 0, 0), "rx ry rz"),
] + [
    row for s, x in (("l", 1), ("r", -1)) for row in (
        (f"{s}hipjoint", "root", (0.65 * x, -0.7, 0.25), 2.5, (0, 0, 0), ""),
        (f"{s}femur", f"{s}hipjoint", (0.34 * x, -0.94, 0), 7.6, (0, 0, 20 * x), "rx ry rz"),
        (f"{s}tibia", f"{s}femur", (0.34 * x, -0.94, 0), 7.3, (0, 0, 20 * x), "rx"),
        (f"{s}foot", f"{s}tibia", (0.1 * x, -0.24, 0.96), 2.2, (-90, 0, 20 * x), "rx rz"),
        (f"{s}toes", f"{s}foot", (0, 0, 1), 1.1, (-90, 0, 20 * x), "rx"),
        (f"{s}clavicle", "thorax", (0.97 * x, 0.25, 0), 3.6, (0, 0, 0), "ry rz"),
        (f"{s}humerus", f"{s}clavicle", (x, 0, 0), 4.9, (180, -30 * x, -90 * x), "rx ry rz"),
        (f"{s}radius", f"{s}humerus", (x, 0, 0), 3.4, (180, -30 * x, -90 * x), "rx"),
        (f"{s}wrist", f"{s}radius", (x, 0, 0), 1.7, (0, 90, 90 * x), "ry"),
        (f"{s}hand", f"{s}wrist", (x, 0, 0), 0.7, (0, 90, 90 * x), "rx rz"),
        (f"{s}fingers", f"{s}hand", (x, 0, 0), 0.5, (0, 90, 90 * x), "rx"),
    )
]  # fmt: skip


def acclaim_texts(frames=8):
    """An .asf, an .amc, and name -> (F, 3) start and end of each bone by SciPy."""
    rng = np.random.default_rng(7)
    bones, tree = "", {}
    for number, (name, parent, direction, length, axis, dof) in enumerate(ACCLAIM, 1):
        vector = " ".join(map(str, direction))
        bones += f"  begin\n id {number}\n name {name}\n direction {vector}\n length {length}\n"
        bones += f" axis {axis[0]} {axis[1]} {axis[2]}   XYZ\n"
        bones += (f" dof {dof}\n limits (-1 1)\n        (-2 2)\n" if dof else "") + "  end\n"
        tree.setdefault(parent, []).append(name)
    asf = ASF.format(bones=bones, tree="".join(f"    {p} {' '.join(c)}\n" for p, c in tree.items()))
    root = rng.uniform(-60, 60, (frames, 3))
    values = {name: rng.uniform(-50, 50, (frames, len(dof.split()))) for name, *_, dof in ACCLAIM if dof}
    amc = "#!OML:ASF a.ASF\n:FULLY-SPECIFIED\n:DEGREES\n"
    for f in range(frames):
        amc += f"{f + 1}\nroot 1 2 3 {root[f, 0]:.9f} {root[f, 1]:.9f} {root[f, 2]:.9f}\n"
        amc += "".join(f"{n} {' '.join(f'{v:.9f}' for v in rows[f])}\n" for n, rows in values.items())
    turns = {"root": Rotation.from_euler("xyz", root, degrees=True)}
    starts, ends = {}, {"root": np.zeros((frames, 3))}
    for name, parent, direction, length, axis, dof in ACCLAIM:
        angles = np.zeros((frames, 3))
        for column, freedom in enumerate(dof.split()):
            angles[:, "xyz".index(freedom[1])] = values[name][:, column]
        frame = Rotation.from_euler("xyz", axis, degrees=True)
        turns[name] = turns[parent] * frame * Rotation.from_euler("xyz", angles, degrees=True) * frame.inv()
        starts[name] = ends[parent]
        ends[name] = starts[name] + turns[name].apply(np.array(direction, float) * length)
    return asf, amc, starts, ends


def test_acclaim_bones_point_where_scipy_has_them(tmp_path):
    asf, amc, starts, ends = acclaim_texts()
    (tmp_path / "02.asf").write_text(asf)
    (tmp_path / "other.asf").write_text("broken")
    (tmp_path / "02_04.amc").write_text(amc)
    clip = read_file(tmp_path / "02_04.amc", fps=120)
    joints = forward_kinematics(global_rotations(clip.rotations), REST)
    bones = {
        "lfemur": "left_hip left_knee", "rtibia": "right_knee right_ankle", "lfoot": "left_ankle left_foot",
        "lhumerus": "left_shoulder left_elbow", "rhand": "right_wrist right_hand",
        "lowerback": "spine1 spine2", "upperback": "spine2 spine3", "upperneck": "neck head",
    }  # fmt: skip
    for bone, names in bones.items():
        a, b = (keypoint_index(name) for name in names.split())
        off = angles_between(joints[:, b] - joints[:, a], ends[bone] - starts[bone])
        assert (np.ptp(off) if names.startswith(CURVED) else off.max()) < 0.001, bone
    wrist = joints[:, keypoint_index("left_wrist")] - joints[:, keypoint_index("left_elbow")]
    assert angles_between(wrist, starts["lhand"] - starts["lradius"]).max() < 0.001


def test_acclaim_in_a_zip_finds_its_skeleton(tmp_path):
    asf, amc, _, _ = acclaim_texts()
    with zipfile.ZipFile(tmp_path / "cmu.zip", "w") as archive:
        archive.writestr("a/02.asf", asf)
        archive.writestr("a/02_04.amc", amc)
        archive.writestr("b/03.asf", "broken")
    (tmp_path / "02.asf").write_text(asf)
    (tmp_path / "02_04.amc").write_text(amc)
    zipped, plain = read_file(tmp_path / "cmu.zip"), read_file(tmp_path / "02_04.amc")
    assert len(plain.frames) == 2  # 8 frames at 120 a second
    np.testing.assert_array_equal(zipped.rotations, plain.rotations)


def test_motion_without_its_skeleton_file_is_named(tmp_path):
    (tmp_path / "02_04.amc").write_text(acclaim_texts()[1])
    with pytest.raises(InputError, match=r"02_04\.amc has no skeleton file beside it"):
        read_file(tmp_path / "02_04.amc")


# ------------------------------------------------------------------------------------------------ AMASS


def amass_bytes(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_amass_is_turned_upright_and_loses_its_fingers(tmp_path):
    rng = np.random.default_rng(8)
    poses = rng.normal(0, 0.4, (50, 156))
    poses[0, :3] = (np.pi / 2, 0, 0)  # stands upright in a world with z up
    (tmp_path / "walk_poses.npz").write_bytes(
        amass_bytes(poses=poses, trans=np.zeros((50, 3)), mocap_framerate=60.0, gender="neutral")
    )
    clip = read_file(tmp_path / "walk_poses.npz")
    assert clip.frames.tolist() == list(range(0, 50, 2))
    np.testing.assert_allclose(clip.rotations[0, 0], np.eye(3), atol=1e-9)
    np.testing.assert_allclose(clip.rotations[:, 22:], np.broadcast_to(np.eye(3), (25, 2, 3, 3)))
    body = Rotation.from_rotvec(poses[::2, 3:66].reshape(-1, 3)).as_matrix().reshape(25, 21, 3, 3)
    np.testing.assert_allclose(clip.rotations[:, 1:22], body, atol=1e-9)
    turned = Rotation.from_euler("x", -90, degrees=True) * Rotation.from_rotvec(poses[::2, :3])
    np.testing.assert_allclose(clip.rotations[:, 0], turned.as_matrix(), atol=1e-9)


@pytest.mark.parametrize(
    "arrays",
    [
        {"poses": np.zeros((5, 156))},
        {"mocap_framerate": 30.0},
        {"poses": np.zeros((5, 24, 3)), "mocap_framerate": 30.0},
        {"poses": np.zeros((5, 30)), "mocap_framerate": 30.0},
        {"poses": np.full((5, 156), np.nan), "mocap_framerate": 30.0},
        {"poses": np.zeros((5, 156)), "mocap_framerate": 0.0},
        {"poses": np.zeros((5, 156)), "mocap_framerate": "thirty"},
        {"poses": np.array([["a"] * 72] * 3), "mocap_framerate": 30.0},
        {"poses": np.array([{}] * 72, dtype=object)[None], "mocap_framerate": 30.0},
    ],
)
def test_amass_files_that_are_none_are_said_to_be_none(arrays):
    with pytest.raises(InputError, match=r"^x\.npz .*\.$"):
        read_amass(amass_bytes(**arrays), "x.npz")


# ------------------------------------------------------------------------------------------------ damage

GOOD = bvh_text(DAZ, walking(3, DAZ))
GOOD_ASF, GOOD_AMC, _, _ = acclaim_texts(3)
HEAD, TAIL = GOOD.split("MOTION")


def deep(levels):
    text = "HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 3 Xrotation Yrotation Zrotation\n"
    text += "JOINT a\n{\nOFFSET 0 1 0\n" * levels + "}\n" * (levels + 1)
    return text + "MOTION\nFrames: 1\nFrame Time: 0.1\n0 0 0\n"


def wide(count):
    text = "HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 3 Xrotation Yrotation Zrotation\n"
    return text + "JOINT b\n{\nOFFSET 0 1 0\n}\n" * count + "}\nMOTION\nFrames: 1\nFrame Time: 0.1\n0 0 0\n"


def fails(text):
    with pytest.raises(InputError) as caught:
        to_smpl(read_bvh(text, "x.bvh"), "x.bvh")
    message = str(caught.value)
    assert message.startswith("x.bvh ")
    assert message.endswith(".")
    assert "\n" not in message
    assert len(message) < 300
    return message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "no HIERARCHY"),
        (HEAD, "no MOTION"),
        (GOOD.rsplit(" ", 3)[0], "values but its 3 frames"),
        (GOOD.replace("Frames: 3", "Frames: 4"), "values but its 4 frames"),
        (GOOD.replace("Frames: 3", "Frames: 999999999"), "values but its 999999999 frames"),
        (GOOD.replace("Frames: 3", "Frames: 0"), "is no motion"),
        (GOOD.replace("Frames: 3", "Frames: many"), "frames and frame time"),
        (GOOD.replace("Frame Time: 0.0333333", "Frame Time: 0"), "is no motion"),
        (GOOD.replace("Frame Time: 0.0333333", "Frame Time: 1e1e1"), "where a number belongs"),
        (HEAD + "MOTION" + TAIL.replace("1.000000000", "nan", 1), "not finite"),
        (HEAD + "MOTION" + TAIL.replace("1.000000000", "1e300", 1), "absurdly large"),
        (HEAD + "MOTION" + TAIL.replace("1.000000000", "walk", 1), "words between the values"),
        (GOOD.replace("OFFSET 0 20 -1", "OFFSET 0 twenty -1"), "'twenty' where a number belongs"),
        (GOOD.replace("OFFSET 0 20 -1", "OFFSET 0 inf -1"), "not finite"),
        (GOOD.replace("CHANNELS 3", "CHANNELS 4", 1), "unknown channel|does not add up"),
        (GOOD.replace("CHANNELS 3", "CHANNELS x", 1), "does not add up"),
        (GOOD.replace("Zrotation", "Wrotation"), "unknown channel 'Wrotation'"),
        (GOOD.replace("}\n", "", 1), "cut off"),
        (GOOD.replace("}\nMOTION", "}\n}\nMOTION"), "'}' at a place"),
        (GOOD.replace("ROOT hip", "ROOT hip\n{\n}\nROOT hop"), "at a place"),
        (GOOD.replace("JOINT lShin", "JOINT calf"), "no joint for left knee;"),
        (GOOD.replace("lS", "q").replace("rS", "w"), "no joint for left knee, left shoulder"),
        (bvh_text([("a", "", (0, 0, 0))], np.zeros((1, 1, 3))), "and 9 more"),
        (bvh_text([(n, p, (0, 0, 0)) for n, p, _ in DAZ], walking(2, DAZ)), "without height or width"),
        (deep(MAX_DEPTH + 1), "nests them"),
        (deep(200_000), "nests them"),
        (wide(MAX_JOINTS + 1), "more than 1024 joints"),
    ],
)
def test_broken_bvh_is_told_in_one_sentence(text, part):
    assert re.search(part, fails(text))


def test_limbs_that_do_not_hang_together_are_refused():
    loose = [(n, "hip" if n == "lFoot" else p, o) for n, p, o in DAZ]
    assert "left ankle that does not hang below its left knee" in fails(bvh_text(loose, walking(2, DAZ)))


def test_hips_in_one_place_are_refused():
    pinched = [(n, p, (0, *o[1:]) if "Buttock" in n else o) for n, p, o in DAZ]
    assert "left hip in the same place as its right hip" in fails(
        bvh_text(pinched, np.zeros((2, joint_count(DAZ), 3)))
    )


def test_limb_without_length_keeps_the_turn_of_its_joint():
    short = [(n, p, (0, 0, 0) if n == "lShin" else o) for n, p, o in DAZ]
    rotations = to_smpl(read_bvh(bvh_text(short, walking(3, DAZ)), "a"), "a").rotations
    assert np.isfinite(rotations).all()


@pytest.mark.parametrize(
    ("asf", "amc", "part"),
    [
        (GOOD_ASF.replace(":bonedata", ":bones"), GOOD_AMC, "no section :bonedata"),
        (GOOD_ASF.replace("length 7.6", "length long"), GOOD_AMC, "length is not 1 numbers"),
        (GOOD_ASF.replace("length 7.6", "length 1e300"), GOOD_AMC, "absurdly large"),
        (GOOD_ASF.replace("axis XYZ", "axis XYY"), GOOD_AMC, "unknown order of axes"),
        (GOOD_ASF.replace("dof rx ry rz", "dof rx ry rw"), GOOD_AMC, "unknown freedoms"),
        (GOOD_ASF.replace("lfemur ltibia", "lfemur lcalf"), GOOD_AMC, "'lcalf'"),
        (GOOD_ASF.replace("lfemur ltibia", "lfemur lfemur"), GOOD_AMC, "'lfemur'"),
        (GOOD_ASF, GOOD_AMC.rsplit("rfingers", 1)[0], "no whole number of frames"),
        (GOOD_ASF, GOOD_AMC.replace("lfemur", "lbone"), "does not fit its skeleton"),
        (GOOD_ASF, GOOD_AMC.replace("2\nroot", "2\nboot"), "same bones in every frame"),
        (GOOD_ASF, GOOD_AMC.replace("root 1 2 3", "root 1 2 x"), "words where numbers belong"),
        (GOOD_ASF, GOOD_AMC.replace("root 1 2 3", "root 1 2 nan"), "not finite"),
        (GOOD_ASF, "", "does not fit its skeleton"),
    ],
)
def test_broken_acclaim_is_told_in_one_sentence(asf, amc, part):
    with pytest.raises(InputError, match=part) as caught:
        to_smpl(read_amc(amc, read_asf(asf, "x.asf"), "x.amc"), "x.amc")
    assert str(caught.value).startswith(("x.asf ", "x.amc "))
    assert str(caught.value).endswith(".")


def read_whatever(path):
    """Read a file of any kind; anything but an InputError is a bug, a warning too."""
    sentence = ""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            assert np.isfinite(read_file(path).rotations).all()
        except InputError as error:
            sentence = str(error)
    assert not sentence or (sentence.endswith(".") and "\n" not in sentence)


@st.composite
def damaged(draw, text):
    """A text with a few pieces cut, doubled or replaced."""
    for _ in range(draw(st.integers(1, 4))):
        a = draw(st.integers(0, len(text)))
        b = min(len(text), a + draw(st.sampled_from([0, 1, 7, 60, 700])))
        piece = draw(
            st.sampled_from(
                ["", " ", "{", "}", "-", "0", "1e30", "nan", "JOINT x {", "End Site", "OFFSET 0 0 0\n", "\0"]
            )
            | st.text(max_size=5)
            | st.just(text[a:b] * 2)
        )
        text = text[:a] + piece + text[b:]
    return text


@settings(max_examples=150, deadline=None)
@given(st.one_of(damaged(GOOD), damaged(HEAD).map(lambda head: head + "MOTION" + TAIL), st.text(max_size=60)))
def test_no_damage_to_bvh_gets_past_the_reader(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "fuzz.bvh"
    path.write_text(text, encoding="utf-8", errors="replace")
    read_whatever(path)


@settings(max_examples=150, deadline=None)
@given(st.tuples(damaged(GOOD_ASF), st.just(GOOD_AMC)) | st.tuples(st.just(GOOD_ASF), damaged(GOOD_AMC)))
def test_no_damage_to_acclaim_gets_past_the_reader(tmp_path_factory, texts):
    folder = tmp_path_factory.getbasetemp() / "fuzz_acclaim"
    folder.mkdir(exist_ok=True)
    for name, text in zip(("x.asf", "x.amc"), texts, strict=True):
        (folder / name).write_text(text, encoding="utf-8", errors="replace")
    read_whatever(folder / "x.amc")


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_no_damage_to_amass_or_zips_gets_past_the_reader(tmp_path_factory, data):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.bvh", GOOD)
    name, sound = data.draw(
        st.sampled_from(
            [
                ("x.npz", amass_bytes(poses=np.zeros((4, 72)), mocap_framerate=30.0)),
                ("x.zip", file.getvalue()),
            ]
        )
    )
    broken = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 6))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(bytes(broken[: data.draw(st.integers(1, len(broken)))]))
    try:
        recordings = list(find_recordings([path]))
    except InputError:
        return
    for recording in itertools.islice(recordings, 3):
        try:
            clip = read_clip(recording, 30.0)
        except InputError:
            continue
        assert np.isfinite(clip.rotations).all()
