"""Keys of many frames at once: what stands there, what is kept, in every bone's own rotation mode."""

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Quaternion

from backend.errors import InputError
from sketch2pose_blender.rig.keys import (
    Track,
    action_channels,
    rotation_track,
    set_rotation,
    strayed_bones,
    write_keys,
)


@pytest.fixture
def armature():
    """Two bones, one above the other; the upper one's name needs escaping."""
    data = bpy.data.armatures.new("rig")
    thing = bpy.data.objects.new("rig", data)
    bpy.context.scene.collection.objects.link(thing)
    bpy.context.view_layer.objects.active = thing
    bpy.ops.object.mode_set(mode="EDIT")
    for number, name in enumerate(("hips", 'up"per\\')):
        bone = data.edit_bones.new(name)
        bone.head, bone.tail = (0, 0, number), (0, 0, number + 1)
        if number:
            bone.parent = data.edit_bones["hips"]
    bpy.ops.object.mode_set(mode="OBJECT")
    return thing


def turning(frames, axis=(0, 0, 1), step=0.3):
    return np.array([Quaternion(axis, step * frame).to_matrix() for frame in frames])


def basis_at(armature, bone, frame):
    bpy.context.scene.frame_set(int(frame), subframe=frame - int(frame))
    return np.array(armature.pose.bones[bone].matrix_basis.to_3x3())


@pytest.mark.parametrize("mode", ["QUATERNION", "XYZ", "ZYX", "AXIS_ANGLE"])
def test_keyed_rotations_are_shown_and_never_jump(armature, mode):
    name = 'up"per\\'
    bone = armature.pose.bones[name]
    bone.rotation_mode = mode
    frames = np.arange(10, 50)
    wanted = turning(frames)  # twice round: quaternions change sign, angles pass half a turn
    assert write_keys(armature, frames, [rotation_track(bone, wanted)]) == []
    for index, frame in enumerate(frames):
        np.testing.assert_allclose(basis_at(armature, name, frame), wanted[index], atol=1e-4)
    for frame, after in zip(frames[:-1], wanted[1:], strict=True):
        between = Matrix(basis_at(armature, name, frame + 0.5).tolist()).to_quaternion()
        off = between.rotation_difference(Matrix(after.tolist()).to_quaternion()).angle
        assert 0.1 < min(off, 2 * np.pi - off) < 0.2


def test_nothing_but_the_keys_between_the_first_and_last_frame_is_replaced(armature):
    bone = armature.pose.bones["hips"]
    for frame, x in ((1, 1.0), (5, 5.0), (7.5, 6.0), (20, 2.0)):
        bone.location.x = x
        bone.keyframe_insert("location", index=0, frame=frame)
    bone.keyframe_insert("scale", frame=6)
    curve = action_channels(armature).fcurves.find('pose.bones["hips"].location', index=0)
    curve.keyframe_points[0].interpolation = "CONSTANT"
    curve.keyframe_points[3].handle_left_type = "FREE"
    curve.keyframe_points[3].handle_left = (18, 9.0)
    write_keys(armature, [5, 6, 8], [Track("hips", "location", np.full((3, 3), 4.0))])
    points = [tuple(point.co) for point in curve.keyframe_points]
    assert points == [(1, 1), (5, 4), (6, 4), (8, 4), (20, 2)]
    assert curve.keyframe_points[0].interpolation == "CONSTANT"
    assert tuple(curve.keyframe_points[4].handle_left) == (18, 9)
    scale = action_channels(armature).fcurves.find('pose.bones["hips"].scale', index=2)
    assert len(scale.keyframe_points) == 1
    write_keys(armature, [6], [Track("hips", "location", np.full((1, 3), 3.0))])
    assert [tuple(point.co) for point in curve.keyframe_points] == [(1, 1), (5, 4), (6, 3), (8, 4), (20, 2)]


def test_keys_between_stay_where_that_is_asked(armature):
    bone = armature.pose.bones["hips"]
    for frame, x in ((1, 1.0), (5, 5.0), (7.5, 6.0), (20, 2.0)):
        bone.location.x = x
        bone.keyframe_insert("location", index=0, frame=frame)
    write_keys(armature, [1, 6, 20], [Track("hips", "location", np.full((3, 3), 4.0))], keep_between=True)
    curve = action_channels(armature).fcurves.find('pose.bones["hips"].location', index=0)
    assert [tuple(point.co) for point in curve.keyframe_points] == [(1, 4), (5, 5), (6, 4), (7.5, 6), (20, 4)]


def test_quaternions_among_others_stay_on_their_side(armature):
    """Or they would turn the long way round between the keys."""
    bone = armature.pose.bones["hips"]
    frames = np.arange(1, 41)
    write_keys(armature, frames, [rotation_track(bone, turning(frames))])
    bone.rotation_quaternion = (-1, 0, 0, 0)
    again = [1, 9, 30, 40]
    write_keys(armature, again, [rotation_track(bone, turning(again))], keep_between=True)
    values = np.array([
        [action_channels(armature).fcurves.find('pose.bones["hips"].rotation_quaternion', index=i).evaluate(frame)
         for i in range(4)]
        for frame in frames
    ])  # fmt: skip
    assert ((values[1:] * values[:-1]).sum(1) > 0.9).all()


def test_keys_go_into_the_action_that_blender_itself_would_use(armature):
    """Curves made here are found by keyframe_insert, and the other way round."""
    bone = armature.pose.bones["hips"]
    write_keys(armature, [1, 2], [Track("hips", "location", np.zeros((2, 3)))])
    bone.location = (1, 2, 3)
    bone.keyframe_insert("location", frame=3)
    bone.keyframe_insert("rotation_quaternion", frame=3)
    write_keys(armature, [4], [rotation_track(bone, turning([1]))])
    curves = action_channels(armature).fcurves
    assert len(curves) == 7
    assert {len(curve.keyframe_points) for curve in curves if "location" in curve.data_path} == {3}
    assert {curve.group.name for curve in curves if "location" in curve.data_path} == {"hips"}
    assert len(bpy.data.actions) == 1


def test_two_armatures_keep_their_slots_of_one_action(armature):
    if bpy.app.version < (4, 4):
        pytest.skip("actions have no slots before 4.4")
    other = bpy.data.objects.new("other", armature.data)
    bpy.context.scene.collection.objects.link(other)
    write_keys(armature, [1], [Track("hips", "location", np.full((1, 3), 1.0))])
    action = armature.animation_data.action
    other.animation_data_create().action = action
    other.animation_data.action_slot = None
    write_keys(other, [1], [Track("hips", "location", np.full((1, 3), 2.0))])
    assert other.animation_data.action == action
    assert len(action.slots) == 2
    bpy.context.scene.frame_set(1)
    assert armature.pose.bones["hips"].location.x == 1
    assert other.pose.bones["hips"].location.x == 2


def test_interpolation_and_type_are_as_asked_or_as_the_user_likes(armature):
    track = Track("hips", "location", np.zeros((2, 3)))
    write_keys(armature, [1, 2], [track], interpolation="CONSTANT", key_type="EXTREME")
    curve = action_channels(armature).fcurves[0]
    assert [(p.interpolation, p.type) for p in curve.keyframe_points] == [("CONSTANT", "EXTREME")] * 2
    edit = bpy.context.preferences.edit
    before = edit.keyframe_new_interpolation_type
    try:
        edit.keyframe_new_interpolation_type = "LINEAR"
        write_keys(armature, [1, 2], [track])
    finally:
        edit.keyframe_new_interpolation_type = before
    assert [(p.interpolation, p.type) for p in curve.keyframe_points] == [("LINEAR", "KEYFRAME")] * 2


def test_a_quaternion_stays_on_the_side_of_the_key_before(armature):
    bone = armature.pose.bones["hips"]
    bone.rotation_quaternion = (-1, 0, 0, 0)
    bone.keyframe_insert("rotation_quaternion", frame=1)
    bone.rotation_quaternion = (1, 0, 0, 0)
    write_keys(armature, [5, 6], [rotation_track(bone, turning([1, 2]))])
    curve = action_channels(armature).fcurves.find('pose.bones["hips"].rotation_quaternion', index=0)
    assert [point.co.y < 0 for point in curve.keyframe_points] == [True] * 3


def test_locked_curves_are_left_alone_and_named(armature):
    bone = armature.pose.bones["hips"]
    bone.keyframe_insert("location", frame=1)
    curves = action_channels(armature).fcurves
    curves[0].lock = True
    assert write_keys(armature, [1], [Track("hips", "location", np.full((1, 3), 9.0))]) == ["hips"]
    assert [curve.keyframe_points[0].co.y for curve in curves] == [0, 9, 9]


def test_a_linked_action_is_refused(armature, tmp_path):
    write_keys(armature, [1], [Track("hips", "location", np.zeros((1, 3)))])
    action = armature.animation_data.action
    bpy.data.libraries.write(str(tmp_path / "lib.blend"), {action})
    armature.animation_data.action = None
    bpy.data.actions.remove(action)
    with bpy.data.libraries.load(str(tmp_path / "lib.blend"), link=True) as (_, into):
        into.actions = ["rigAction"]
    armature.animation_data.action = into.actions[0]
    with pytest.raises(InputError, match="linked"):
        write_keys(armature, [1], [Track("hips", "location", np.zeros((1, 3)))])


def test_a_custom_property_is_keyed(armature):
    armature.pose.bones["hips"]["IK_FK"] = 0.0
    write_keys(
        armature, [1, 3], [Track("hips", '["IK_FK"]', np.array([[0.0], [1.0]]))], interpolation="LINEAR"
    )
    bpy.context.scene.frame_set(2)
    assert armature.pose.bones["hips"]["IK_FK"] == pytest.approx(0.5)


def test_set_rotation_takes_the_values_nearest_to_the_present_ones(armature):
    bone = armature.pose.bones["hips"]
    bone.rotation_mode = "XYZ"
    bone.rotation_euler = (0, 0, 6.2)
    set_rotation(bone, turning([1], step=6.4)[0])
    assert bone.rotation_euler.z == pytest.approx(6.4)


def test_a_bone_has_strayed_where_its_keys_say_otherwise(armature):
    """At the frame that is asked about, in whichever of its channels; a bone without keys has nothing to go back to."""
    bones = armature.pose.bones
    hips = bones["hips"]
    assert strayed_bones(armature, bones, 1) == []
    write_keys(armature, [1, 11], [Track("hips", "location", np.array([[0, 0, 0], [0, 0, 1.0]]))])
    bones['up"per\\'].location.x = 5
    hips.location.z = 0.5
    assert strayed_bones(armature, bones, 11) == [hips]
    assert strayed_bones(armature, bones, 6) == []
    write_keys(armature, [6], [rotation_track(hips, turning([1]))])
    assert strayed_bones(armature, bones, 6) == [hips]
    hips.rotation_mode = "XYZ"  # its keys are of a mode that does not count
    assert strayed_bones(armature, bones, 6) == []
    assert strayed_bones(armature, [bones['up"per\\']], 11) == []


def test_a_bone_strays_from_a_strip_that_is_moved(armature):
    hips = armature.pose.bones["hips"]
    write_keys(armature, [1, 11], [Track("hips", "location", np.array([[0, 0, 0], [0, 0, 1.0]]))])
    animation = armature.animation_data
    action = animation.action
    strip = animation.nla_tracks.new().strips.new("moved", 101, action)
    if bpy.app.version >= (4, 4):
        strip.action_slot = action.slots[0]
    animation.action = None
    animation.nla_tracks[0].select = strip.select = True
    animation.nla_tracks.active = animation.nla_tracks[0]
    animation.use_tweak_mode = True
    hips.location.z = 0.5
    assert strayed_bones(armature, [hips], 106) == []
    assert strayed_bones(armature, [hips], 111) == [hips]
