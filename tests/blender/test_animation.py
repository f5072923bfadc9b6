"""Animations copied from rig to rig: every frame stands as a single pose does, and the root moves as asked."""

import itertools
import json
import time

import bpy
import numpy as np
import pytest
from mathutils import Quaternion, Vector
from posed import FACING, hypothesis, joints_in_blender, random_pose
from rigs import MIXAMO, RIGIFY_LIMBS, imported, random_humanoid, truth, worst_direction

from backend.api import Figure, Generator, ImageResult, Keypoint, PoseResult, dumps
from backend.body import load_body
from backend.errors import InputError
from backend.motion import Motion, write_npz
from backend.skeleton import JOINT_NAMES, KEYPOINT_NAMES
from sketch2pose_blender.rig.animation import read_motion, read_motion_file, retarget, write_motion
from sketch2pose_blender.rig.armature import build_character
from sketch2pose_blender.rig.humanoid import find_humanoid, pose_humanoid
from sketch2pose_blender.rig.keys import action_channels
from sketch2pose_blender.rig.posing import apply_pose

BODY = load_body()
FRAMES = (3, 8, 9, 20)


def keyed_source(rng, frames=FRAMES, spread=0.6):
    """An SMPL armature with a random pose keyed at each frame, and the poses."""
    armature = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Source")
    poses = [hypothesis(BODY, random_pose(rng, spread)) for _ in frames]
    for frame, pose in zip(frames, poses, strict=True):
        apply_pose(armature, pose, BODY, frame)
    return armature, poses


def pose_matrices(armature):
    bpy.context.view_layer.update()
    return {bone.name: np.array(bone.matrix) for bone in armature.pose.bones}


@pytest.mark.parametrize("seed", range(6))
def test_limbs_point_as_the_sources_at_every_frame(seed):
    rng = np.random.default_rng(seed)
    source, poses = keyed_source(rng)
    names = dict(MIXAMO)
    for absent in rng.choice(["spine2", "neck", "left_collar", "left_foot", "none"], 2):
        for joint in (absent, absent.replace("left", "right")):
            names.pop(joint, None)
    rig = random_humanoid(rng, names)
    for bone, mode in (("LeftArm", "XYZ"), ("RightLeg", "AXIS_ANGLE"), ("Hips", "ZYX")):
        rig.pose.bones[f"mixamorig:{bone}"].rotation_mode = mode
    assert retarget(source, rig, frames=FRAMES, body=BODY) == []
    for frame, pose in zip(FRAMES, poses, strict=True):
        bpy.context.scene.frame_set(frame)
        assert worst_direction(rig, names, pose, BODY) < 0.1


@pytest.mark.parametrize("seed", range(3))
def test_in_place_is_what_single_poses_give(seed):
    """The way of many frames and the way of one, which do not share their solving, give the same bones."""
    rng = np.random.default_rng(10 + seed)
    source, poses = keyed_source(rng)
    rig = random_humanoid(rng, MIXAMO)
    rig.pose.bones["mixamorig:Hips"].location = (0.2, 0.1, -0.3)
    start = rig.pose.bones["mixamorig:Hips"].location.copy()
    retarget(source, rig, frames=FRAMES, body=BODY, root="IN_PLACE")
    twin = rig.copy()
    bpy.context.scene.collection.objects.link(twin)
    twin.animation_data_clear()
    for frame, pose in zip(FRAMES, poses, strict=True):
        twin.pose.bones["mixamorig:Hips"].location = start
        pose_humanoid(find_humanoid(twin), pose, BODY)
        bpy.context.scene.frame_set(frame)
        expected, found = pose_matrices(twin), pose_matrices(rig)
        size = max(np.abs(matrix[:3, 3]).max() for matrix in expected.values())
        for name, matrix in expected.items():
            np.testing.assert_allclose(found[name][:3, :3], matrix[:3, :3], atol=2e-3)
            np.testing.assert_allclose(found[name][:3, 3], matrix[:3, 3], atol=2e-3 * size)


def test_an_smpl_armature_gets_the_very_same_pose():
    rng = np.random.default_rng(3)
    source, _ = keyed_source(rng)
    copy = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Copy")
    copy.location = (3, 0, 0)
    retarget(source, copy, frames=FRAMES, body=BODY)
    for frame in FRAMES:
        bpy.context.scene.frame_set(frame)
        expected = joints_in_blender(source)
        np.testing.assert_allclose(joints_in_blender(copy) - (3, 0, 0), expected, atol=1e-3)


def walk(frames=30):
    """A source that walks a metre forwards and jumps half a metre up in the middle."""
    armature = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Walker")
    pose = np.zeros((24, 3))
    pose[0] = FACING
    apply_pose(armature, hypothesis(BODY, pose), BODY)
    pelvis = armature.pose.bones["pelvis"]
    start = pelvis.location.copy()
    to_bone = pelvis.bone.matrix_local.to_3x3().inverted()
    for frame in range(1, frames + 1):
        share = (frame - 1) / (frames - 1)
        pelvis.location = start + to_bone @ Vector((0, -share, 2 * share * (1 - share)))
        pelvis.keyframe_insert("location", frame=frame)
    return armature


@pytest.mark.parametrize("root", ["MOTION", "IN_PLACE", "NONE"])
def test_the_root_moves_as_asked(root):
    source = walk()
    rig = random_humanoid(np.random.default_rng(7), MIXAMO)
    rig.scale, rig.rotation_euler = (1, 1, 1), (0, 0, 0)
    retarget(source, rig, body=BODY, root=root)

    def hips(frame):
        bpy.context.scene.frame_set(frame)
        return np.array(rig.pose.bones["mixamorig:Hips"].head)

    def leg(armature, names):
        heads = [armature.data.bones[name].head_local for name in names]
        return sum((b - a).length for a, b in itertools.pairwise(heads))

    scale = leg(rig, [MIXAMO[f"left_{j}"] for j in ("hip", "knee", "ankle")]) / leg(
        source, [f"left_{j}" for j in ("hip", "knee", "ankle")]
    )
    walked, jumped = hips(30) - hips(1), hips(15)[2] - (hips(1)[2] + hips(30)[2]) / 2
    if root == "MOTION":
        np.testing.assert_allclose(walked, (0, -scale, 0), atol=0.02)
        assert jumped == pytest.approx(scale * 0.5, abs=0.02)
    else:
        np.testing.assert_allclose(walked, 0, atol=1e-4)
        assert jumped == pytest.approx(0, abs=1e-4)
    located = [c for c in action_channels(rig).fcurves if c.data_path.endswith("location")]
    assert bool(located) is (root != "NONE")


def test_feet_stand_on_the_ground_of_the_rest_pose():
    source = walk()
    rig = random_humanoid(np.random.default_rng(8), MIXAMO)
    retarget(source, rig, body=BODY)
    feet = [
        rig.pose.bones[MIXAMO[f"{side}_{joint}"]] for side in ("left", "right") for joint in ("ankle", "foot")
    ]
    rest = min(foot.bone.head_local.z for foot in feet)
    bpy.context.scene.frame_set(1)
    assert min(foot.head.z for foot in feet) == pytest.approx(rest, abs=0.02)


def test_a_moving_object_moves_the_target():
    source, _ = keyed_source(np.random.default_rng(1), frames=(1,), spread=0.0)
    source.rotation_euler.z = 0.7  # where the object stands does not count, its movement does
    source.keyframe_insert("rotation_euler", frame=1)
    source.rotation_euler.z = 0.7 + np.pi / 2
    source.keyframe_insert("rotation_euler", frame=11)
    copy = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Copy")
    retarget(source, copy, frames=[1, 11], body=BODY)
    bpy.context.scene.frame_set(1)
    first = joints_in_blender(copy)
    bpy.context.scene.frame_set(11)
    second = joints_in_blender(copy)
    left = JOINT_NAMES.index("left_hip"), JOINT_NAMES.index("right_hip")
    across = [joints[left[0]] - joints[left[1]] for joints in (first, second)]
    turned = np.arctan2(*across[1][1::-1]) - np.arctan2(*across[0][1::-1])
    assert np.degrees(turned) % 360 == pytest.approx(90, abs=0.1)


def test_what_must_be_left_alone_is_left_alone_and_named():
    rng = np.random.default_rng(5)
    source, poses = keyed_source(rng)
    rig = random_humanoid(rng, MIXAMO)
    rig.pose.bones["mixamorig:Neck"].lock_rotation = (True, True, True)
    finger = rig.pose.bones["mixamorig:Head"]
    finger.constraints.new("COPY_ROTATION").target = rig
    finger.constraints[0].subtarget = "mixamorig:Hips"
    before = {b.name: b.matrix_basis.copy() for b in rig.pose.bones if b.name not in MIXAMO.values()}
    before |= {
        name: rig.pose.bones[name].matrix_basis.copy() for name in ("mixamorig:Neck", "mixamorig:Head")
    }
    scenes = len(bpy.data.scenes)
    assert sorted(retarget(source, rig, frames=FRAMES, body=BODY)) == ["mixamorig:Head", "mixamorig:Neck"]
    assert len(bpy.data.scenes) == scenes
    bones = {joint: name for joint, name in MIXAMO.items() if joint not in ("head", "neck")}
    for frame, pose in zip(FRAMES, poses, strict=True):
        bpy.context.scene.frame_set(frame)
        assert worst_direction(rig, bones, pose, BODY) < 0.1
        assert {name: rig.pose.bones[name].matrix_basis for name in before} == before
    curves = {curve.data_path.split('"')[1] for curve in action_channels(rig).fcurves}
    assert curves == set(bones.values())


@pytest.mark.parametrize("also", [None, "mixamorig:LeftArm"])
def test_a_neck_that_follows_by_half_is_still_exact(also):
    """Between two controls its way is learned; between three it is asked of the rig frame by frame."""
    rng = np.random.default_rng(6)
    source, poses = keyed_source(rng)
    rig = random_humanoid(rng, MIXAMO)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    bones = rig.data.edit_bones
    halfway = bones.new("MCH-neck")
    neck = bones["mixamorig:Neck"]
    halfway.head, halfway.tail, halfway.parent = neck.head, neck.tail, neck.parent
    neck.parent = halfway
    bpy.ops.object.mode_set(mode="OBJECT")
    for name, share in (("mixamorig:Hips", 0.5), (also, 0.3)):
        if name is not None:
            follows = rig.pose.bones["MCH-neck"].constraints.new("COPY_ROTATION")
            follows.target, follows.subtarget, follows.influence = rig, name, share
            follows.target_space = follows.owner_space = "LOCAL_WITH_PARENT"
    retarget(source, rig, frames=FRAMES, body=BODY)
    for frame, pose in zip(FRAMES, poses, strict=True):
        bpy.context.scene.frame_set(frame)
        assert worst_direction(rig, MIXAMO, pose, BODY) < 0.1


def test_keys_before_and_after_stay_and_the_pose_of_the_current_frame_is_shown():
    source, poses = keyed_source(np.random.default_rng(2), frames=(10, 12))
    rig = random_humanoid(np.random.default_rng(2), MIXAMO)
    arm = rig.pose.bones["mixamorig:LeftArm"]
    for frame in (1, 11, 50):
        arm.rotation_quaternion = Quaternion((1, 0, 0), 0.01 * frame)
        arm.keyframe_insert("rotation_quaternion", frame=frame)
    bpy.context.scene.frame_set(12)
    retarget(source, rig, frames=[10, 12], body=BODY)
    curve = next(c for c in action_channels(rig).fcurves if "LeftArm" in c.data_path)
    assert [point.co.x for point in curve.keyframe_points] == [1, 10, 12, 50]
    assert worst_direction(rig, MIXAMO, poses[1], BODY) < 0.1


def test_poses_come_back_from_another_rig():
    """Source to rig to Motion: what the body did, but for joints that the rig lacks."""
    rng = np.random.default_rng(4)
    source, _ = keyed_source(rng)
    rig = random_humanoid(rng, MIXAMO)
    retarget(source, rig, frames=FRAMES, body=BODY)
    given, back = (read_motion(thing, FRAMES, BODY) for thing in (source, rig))
    mapped = [JOINT_NAMES.index(joint) for joint in MIXAMO if joint not in ("left_wrist", "right_wrist")]
    np.testing.assert_allclose(back.rotations[:, mapped], given.rotations[:, mapped], atol=2e-3)
    np.testing.assert_allclose(back.places[:, [0, 2]], given.places[:, [0, 2]], atol=2e-3)


def test_files_are_read_and_keyed(tmp_path):
    rng = np.random.default_rng(0)
    rotations = np.array([Quaternion(rng.normal(size=3), 0.5).to_matrix() for _ in range(5 * 24)])
    motion = Motion(rotations.reshape(5, 24, 3, 3), rng.normal(size=(5, 3)), np.zeros(10), 30.0)
    write_npz(motion, BODY, tmp_path / "a.npz")
    copy = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Copy")
    write_motion(read_motion_file(tmp_path / "a.npz", BODY), copy, BODY, range(1, 6))
    back = read_motion(copy, range(1, 6), BODY)
    np.testing.assert_allclose(back.rotations, motion.rotations, atol=1e-3)
    np.testing.assert_allclose(back.places[:, [0, 2]], motion.places[:, [0, 2]], atol=1e-3)


def poses_json(path, hypotheses):
    points = {name: Keypoint((0.0, 0.0), 1.0, 1.0) for name in KEYPOINT_NAMES}
    images = [
        ImageResult(f"{i}.png", 9, 9, None, (Figure((0.0, 0.0, 9.0, 9.0), 1.0, points, (h,)),))
        for i, h in enumerate(hypotheses)
    ]
    images.insert(1, ImageResult("bad.png", 0, 0, "It is damaged.", ()))
    generator = Generator("0", "onnx", "cpu", "w@" + "0" * 64)
    path.write_text(dumps(PoseResult(generator, tuple(images))), encoding="utf-8")


def test_drawings_become_frames(tmp_path):
    rng = np.random.default_rng(1)
    poses = [hypothesis(BODY, random_pose(rng)) for _ in range(3)]
    poses_json(tmp_path / "poses.json", poses)
    rig = random_humanoid(rng, MIXAMO)
    write_motion(read_motion_file(tmp_path / "poses.json", BODY), rig, BODY, [1, 13, 25])
    for frame, pose in zip((1, 13, 25), poses, strict=True):
        bpy.context.scene.frame_set(frame)
        assert worst_direction(rig, MIXAMO, pose, BODY) < 0.1
    with pytest.raises(InputError, match="2 figures"):
        read_motion_file(tmp_path / "poses.json", BODY, figure=2)
    (tmp_path / "poses.json").write_text(json.dumps({"schema": "other"}))
    with pytest.raises(InputError, match="sketch2pose/1"):
        read_motion_file(tmp_path / "poses.json", BODY)
    with pytest.raises(InputError, match="cannot be read"):
        read_motion_file(tmp_path / "none.json", BODY)


def test_what_is_no_humanoid_is_one_sentence_and_changes_nothing():
    source, _ = keyed_source(np.random.default_rng(0))
    snake = bpy.data.objects.new("Snake", bpy.data.armatures.new("Snake"))
    bpy.context.scene.collection.objects.link(snake)
    with pytest.raises(InputError, match="Snake; choose a humanoid"):
        retarget(source, snake, frames=FRAMES, body=BODY)
    with pytest.raises(InputError, match="Snake; choose a humanoid"):
        retarget(snake, source, frames=FRAMES, body=BODY)
    with pytest.raises(InputError, match="Snake has no action"):
        retarget(snake, source, body=BODY)
    assert snake.animation_data is None
    assert len(bpy.data.scenes) == 1


def test_real_rigs_at_every_frame():
    wrong = {}
    for file, expected in truth().items():
        rig = imported(file, expected["armature"])
        source, poses = keyed_source(np.random.default_rng(3), spread=0.7)
        bones = {joint: bone for joint, bone in expected["map"].items() if bone is not None}
        left_alone = retarget(source, rig, frames=FRAMES, body=BODY)
        angles = []
        for frame, pose in zip(FRAMES, poses, strict=True):
            bpy.context.scene.frame_set(frame)
            angles.append(worst_direction(rig, bones, pose, BODY))
        if left_alone or max(angles) > 0.5:
            wrong[file.name] = left_alone, np.round(angles, 2)
    assert wrong == {}


@pytest.mark.slow
def test_a_hundred_frames_onto_a_generated_rigify_rig(rigify_rig):
    rng = np.random.default_rng(8)
    frames = range(1, 101)
    source, poses = keyed_source(rng, frames=range(1, 102, 10), spread=0.4)
    start, clock = time.process_time(), time.perf_counter()
    assert retarget(source, rigify_rig, frames=frames, body=BODY) == []
    seconds = time.process_time() - start
    print(
        f"100 frames onto Rigify: {seconds:.2f} s of the processor, {time.perf_counter() - clock:.2f} s by the clock"
    )
    for frame, pose in zip(range(1, 101, 10), poses, strict=False):
        bpy.context.scene.frame_set(frame)
        assert worst_direction(rigify_rig, RIGIFY_LIMBS, pose, BODY) < 0.5
    assert seconds < 3
