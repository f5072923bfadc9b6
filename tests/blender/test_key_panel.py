"""Keys of the pose that stands: which bones, which channels, at which frame, in one undo step."""

import bpy
import numpy as np
import pytest
from posed import hypothesis, joints_in_blender, random_pose
from rigs import MIXAMO, random_humanoid

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


def hide(armature, *names):
    for name in names:
        # From Blender 5.0 on the pose bone hides.
        (armature.pose if bpy.app.version >= (5, 0) else armature.data).bones[name].hide = True


def test_all_bones_of_a_rig_that_hides_none(extension):
    armature = random_humanoid(np.random.default_rng(3), MIXAMO)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.sketch2pose.key_pose()
    assert {path.split('"')[1] for path in keyed(armature)} == set(armature.pose.bones.keys())


@pytest.fixture
def chain(extension):
    """Three bones of no humanoid, the middle one hidden."""
    data = bpy.data.armatures.new("chain")
    thing = bpy.data.objects.new("chain", data)
    bpy.context.scene.collection.objects.link(thing)
    bpy.context.view_layer.objects.active = thing
    bpy.ops.object.mode_set(mode="EDIT")
    for number, name in enumerate(("low", "middle", "high")):
        bone = data.edit_bones.new(name)
        bone.head, bone.tail = (0, 0, number), (0, 0, number + 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    hide(thing, "middle")
    return thing


def test_a_hidden_bone_is_keyed_once_it_does_not_rest(chain):
    bpy.ops.sketch2pose.key_pose()
    assert {path.split('"')[1] for path in keyed(chain)} == {"low", "high"}
    chain.pose.bones["middle"].location.x = 1
    bpy.ops.sketch2pose.key_pose()
    assert {path.split('"')[1] for path in keyed(chain)} == {"low", "middle", "high"}


def test_a_hidden_bone_that_goes_back_to_rest_stays_there(chain):
    bone = chain.pose.bones["middle"]
    bone.location.x = 1
    bone.keyframe_insert("location", frame=1)
    bpy.context.scene.frame_set(5)
    bone.location.x = 0
    bpy.ops.sketch2pose.key_pose()
    bpy.context.scene.frame_set(1)
    assert bone.location.x == 1
    bpy.context.scene.frame_set(5)
    assert bone.location.x == 0


def test_keys_of_hidden_bones_that_rest_stay_as_they_are(chain):
    chain.pose.bones["middle"].keyframe_insert("location", frame=1)
    bpy.context.scene.frame_set(5)
    bpy.ops.sketch2pose.key_pose()
    frames = {
        curve.data_path.split('"')[1]: [point.co.x for point in curve.keyframe_points]
        for curve in action_channels(chain).fcurves
    }
    assert frames == {"low": [5], "middle": [1], "high": [5]}


def test_scale_is_keyed_where_there_is_some(chain):
    low = chain.pose.bones["low"]
    low.scale.y = 1.2
    bpy.ops.sketch2pose.key_pose()
    assert [path for path in keyed(chain) if path.endswith("scale")] == ['pose.bones["low"].scale']
    bpy.context.scene.frame_set(9)
    low.scale.y = 1
    bpy.ops.sketch2pose.key_pose()
    for frame, scale in ((1, 1.2), (9, 1)):
        bpy.context.scene.frame_set(frame)
        assert low.scale.y == pytest.approx(scale)


def test_nothing_to_key_is_said(chain):
    hide(chain, "low", "high")
    with pytest.raises(RuntimeError, match="no bones to key"):
        bpy.ops.sketch2pose.key_pose()
    assert len(bpy.data.actions) == 0


def test_is_one_undo_step(posed):
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.sketch2pose.key_pose("EXEC_DEFAULT", True)
    assert len(bpy.data.actions) == 1
    bpy.ops.ed.undo()
    assert len(bpy.data.actions) == 0
