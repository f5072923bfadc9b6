"""Keys of the pose that stands: which bones, which channels, at which frame, in one undo step."""

import bpy
import numpy as np
import pytest
from posed import hypothesis, joints_in_blender, random_pose

from backend.body import load_body
from backend.skeleton import JOINT_NAMES
from sketch2pose_blender.rig.armature import build_character
from sketch2pose_blender.rig.keys import action_channels
from sketch2pose_blender.rig.posing import apply_pose

BODY = load_body()


@pytest.fixture
def posed(extension):
    armature = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Figure")
    apply_pose(armature, hypothesis(BODY, random_pose(np.random.default_rng(0))), BODY)
    bpy.context.scene.frame_set(7)
    return armature


def keyed(armature):
    return {curve.data_path for curve in action_channels(armature).fcurves}


def test_the_pose_comes_back_at_its_frame(posed):
    expected = joints_in_blender(posed)
    assert bpy.ops.sketch2pose.key_pose() == {"FINISHED"}
    for bone in posed.pose.bones:
        bone.rotation_quaternion, bone.location = (1, 0, 0, 0), (0, 0, 0)
    bpy.context.scene.frame_set(8)
    bpy.context.scene.frame_set(7)
    np.testing.assert_allclose(joints_in_blender(posed), expected, atol=1e-5)
    frames = {point.co.x for curve in action_channels(posed).fcurves for point in curve.keyframe_points}
    assert frames == {7}
    assert {path.split('"')[1] for path in keyed(posed)} == set(JOINT_NAMES)


def test_only_the_channels_asked_for(posed):
    bpy.ops.sketch2pose.key_pose(channels={"ROTATION"})
    assert {path.rpartition(".")[2] for path in keyed(posed)} == {"rotation_quaternion"}


def test_selected_bones_alone(posed):
    holders = posed.pose.bones if bpy.app.version >= (5, 0) else posed.data.bones
    for bone in holders:
        bone.select = bone.name in ("left_elbow", "head")
    bpy.ops.sketch2pose.key_pose(selected_only=True)
    assert {path.split('"')[1] for path in keyed(posed)} == {"left_elbow", "head"}
    for bone in holders:
        bone.select = False
    with pytest.raises(RuntimeError, match="No bone is selected"):
        bpy.ops.sketch2pose.key_pose(selected_only=True)


def test_is_one_undo_step(posed):
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.sketch2pose.key_pose("EXEC_DEFAULT", True)
    assert len(bpy.data.actions) == 1
    bpy.ops.ed.undo()
    assert len(bpy.data.actions) == 0
