"""Posed armatures against the backend's own kinematics and skinning, for any rest orientation of the bones."""

import bpy
import numpy as np
import pytest
from mathutils import Euler, Matrix, Vector
from posed import (
    CAMERA_TO_BLENDER,
    FACING,
    expected_joints,
    hypothesis,
    joints_in_blender,
    random_pose,
    skin_in_blender,
)

from backend.body import load_body, pose_body
from backend.errors import InputError
from backend.skeleton import JOINT_NAMES, JOINT_PARENTS
from sketch2pose_blender.rig.armature import build_character
from sketch2pose_blender.rig.posing import apply_pose, find_smpl_armature

BODY = load_body()
MILLIMETRE = 1e-3


@pytest.mark.parametrize("seed", range(12))
def test_joints_and_skin_equal_the_backends(seed):
    rng = np.random.default_rng(seed)
    betas = rng.normal(size=10) * (seed % 3)
    pose = random_pose(rng)
    posed = hypothesis(BODY, pose, betas)
    armature = build_character(bpy.context, BODY, betas.astype(np.float32), "Figure")
    apply_pose(armature, posed, BODY)

    joints = joints_in_blender(armature)
    np.testing.assert_allclose(joints - joints[0], expected_joints(posed), atol=MILLIMETRE)

    skin = pose_body(BODY, pose, betas)
    expected = (skin.vertices - skin.joints[0]) @ CAMERA_TO_BLENDER.T
    found = skin_in_blender(armature)
    np.testing.assert_allclose(found - joints[0], expected, atol=MILLIMETRE)
    assert found[:, 2].min() == pytest.approx(0, abs=MILLIMETRE)


def test_an_upright_figure_faces_the_front_view():
    pose = np.zeros((24, 3))
    pose[0] = FACING
    armature = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Figure")
    apply_pose(armature, hypothesis(BODY, pose), BODY)
    joints = dict(zip(JOINT_NAMES, joints_in_blender(armature), strict=True))
    assert joints["left_wrist"][0] > 0.5 > -0.5 > joints["right_wrist"][0]
    assert joints["left_foot"][1] < joints["left_ankle"][1]
    assert joints["head"][2] > joints["left_foot"][2] + 1


def foreign_armature(rng, *, rest, scale=1.0, axes=None):
    """An armature with SMPL names as other programs make it.

    rest: "identity" (every bone along y, as Meshcapade's) or "random" (any direction and roll).
    axes: 3 x 3 from the SMPL rest frame to armature space.
    """
    axes = np.eye(3) if axes is None else axes
    data = bpy.data.armatures.new("Foreign")
    armature = bpy.data.objects.new("Foreign", data)
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    _, joints = BODY.rest()
    bpy.ops.object.mode_set(mode="EDIT")
    root = data.edit_bones.new("root")
    root.tail = (0, 0.1 * scale, 0)
    for name, parent, joint in zip(JOINT_NAMES, JOINT_PARENTS, joints, strict=True):
        bone = data.edit_bones.new(name)
        bone.head = Vector((axes @ joint * scale).tolist())
        direction = [0, 0.1, 0] if rest == "identity" else rng.normal(size=3).tolist()
        bone.tail = bone.head + Vector(direction) * scale
        bone.roll = 0.0 if rest == "identity" else float(rng.uniform(-3, 3))
        bone.parent = data.edit_bones[JOINT_NAMES[parent]] if parent >= 0 else root
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature


TO_BLENDER = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rest", ["identity", "random"])
@pytest.mark.parametrize(
    ("axes", "scale", "turn"),
    [
        (TO_BLENDER, 1.0, Matrix()),
        # y up in centimetres, stood up by the object: what an SMPL importer makes.
        (np.eye(3), 100.0, Euler((np.pi / 2, 0, 0)).to_matrix().to_4x4() @ Matrix.Scale(0.01, 4)),
    ],
)
def test_any_rest_orientation(seed, rest, axes, scale, turn):
    rng = np.random.default_rng(seed)
    armature = foreign_armature(rng, rest=rest, scale=scale, axes=axes)
    armature.matrix_world = turn
    posed = hypothesis(BODY, random_pose(rng))
    assert find_smpl_armature(armature) == armature
    apply_pose(armature, posed, BODY)
    joints = joints_in_blender(armature)
    np.testing.assert_allclose(joints - joints[0], expected_joints(posed), atol=MILLIMETRE)


def test_stays_on_the_ground_of_its_rest_pose_and_keeps_its_place():
    rng = np.random.default_rng(5)
    armature = foreign_armature(rng, rest="random", axes=TO_BLENDER)
    vertices, _ = BODY.rest()
    ground = vertices[:, 1].min()
    pelvis = armature.pose.bones["pelvis"]
    pelvis.location = armature.data.bones["pelvis"].matrix_local.to_3x3().inverted() @ Vector(
        (0.4, -0.3, 2.0)
    )
    pose = random_pose(rng)
    apply_pose(armature, hypothesis(BODY, pose), BODY)
    found = joints_in_blender(armature)
    skin = pose_body(BODY, pose)
    lowest = ((skin.vertices - skin.joints[0]) @ CAMERA_TO_BLENDER.T)[:, 2].min() + found[0, 2]
    assert lowest == pytest.approx(ground, abs=MILLIMETRE)
    assert found[0, :2] == pytest.approx([0.4, -0.3], abs=MILLIMETRE)


def test_euler_bones_become_quaternion_bones():
    rng = np.random.default_rng(1)
    armature = foreign_armature(rng, rest="random", axes=TO_BLENDER)
    for bone in armature.pose.bones:
        bone.rotation_mode = "XYZ"
        bone.rotation_euler = (0.3, 0.2, 0.1)
    armature.pose.bones["root"].rotation_euler = (0, 0, 0)
    posed = hypothesis(BODY, random_pose(rng))
    apply_pose(armature, posed, BODY)
    joints = joints_in_blender(armature)
    np.testing.assert_allclose(joints - joints[0], expected_joints(posed), atol=MILLIMETRE)


def test_keys_at_a_frame_take_the_short_way():
    rng = np.random.default_rng(2)
    armature = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Figure")
    first = random_pose(rng, 1.5)
    apply_pose(armature, hypothesis(BODY, first), BODY, key_frame=1)
    before = {name: armature.pose.bones[name].rotation_quaternion.copy() for name in JOINT_NAMES}
    apply_pose(armature, hypothesis(BODY, random_pose(rng, 1.5)), BODY, key_frame=11)
    for name in JOINT_NAMES:
        assert before[name].dot(armature.pose.bones[name].rotation_quaternion) >= 0

    bpy.context.scene.frame_set(1)
    joints = joints_in_blender(armature)
    np.testing.assert_allclose(joints - joints[0], expected_joints(hypothesis(BODY, first)), atol=MILLIMETRE)


def test_no_key_frame_makes_no_keys():
    armature = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Figure")
    apply_pose(armature, hypothesis(BODY, random_pose(np.random.default_rng(0))), BODY)
    assert armature.animation_data is None
    assert len(bpy.data.actions) == 0


def test_an_a_pose_is_refused_and_left_alone():
    armature = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Figure")
    bpy.ops.object.mode_set(mode="EDIT")
    for side, sign in (("left", 1), ("right", -1)):
        bone = armature.data.edit_bones[f"{side}_shoulder"]
        lower = Matrix.Rotation(sign * np.radians(45), 4, "Y")
        pivot = Matrix.Translation(bone.head)
        for part in [bone, *bone.children_recursive]:
            part.transform(pivot @ lower @ pivot.inverted())
    bpy.ops.object.mode_set(mode="OBJECT")
    with pytest.raises(InputError, match="T-pose"):
        apply_pose(armature, hypothesis(BODY, random_pose(np.random.default_rng(0))), BODY)
    assert all(bone.matrix_basis == Matrix() for bone in armature.pose.bones)


def test_another_tree_is_refused():
    armature = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Figure")
    bpy.ops.object.mode_set(mode="EDIT")
    armature.data.edit_bones["left_knee"].parent = armature.data.edit_bones["pelvis"]
    bpy.ops.object.mode_set(mode="OBJECT")
    with pytest.raises(InputError, match="left_knee"):
        apply_pose(armature, hypothesis(BODY, random_pose(np.random.default_rng(0))), BODY)


def test_what_is_recognised():
    armature = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Figure")
    assert find_smpl_armature(armature) == armature
    assert find_smpl_armature(armature.children[0]) == armature
    assert find_smpl_armature(None) is None
    empty = bpy.data.objects.new("Empty", None)
    assert find_smpl_armature(empty) is None
    armature.data.bones["left_knee"].name = "knee.L"
    assert find_smpl_armature(armature) is None
