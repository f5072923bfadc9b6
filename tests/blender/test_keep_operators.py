"""Blend, mirror and save by operators and by the panel's slider: scriptable, one undo step, keys when auto-key is on."""

import bpy
import numpy as np
import pytest
from posed import hypothesis, joints_in_blender, random_pose

from backend.body import load_body
from backend.skeleton import JOINT_NAMES
from sketch2pose_blender.rig.armature import build_character
from sketch2pose_blender.rig.keys import action_channels
from sketch2pose_blender.rig.pose_blend import blend_factor
from sketch2pose_blender.ui.operators import pose_armature

BODY = load_body()


def pose(seed):
    return hypothesis(BODY, random_pose(np.random.default_rng(seed), 0.5))


@pytest.fixture
def posed(extension):
    """An armature that was posed twice, as Pose Selected Armature does it."""
    armature = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Figure")
    for seed in (1, 2):
        pose_armature(armature, pose(seed), BODY, None)
    bpy.ops.ed.undo_push(message="posed")
    return armature


def select(armature, names):
    for bone in armature.pose.bones if bpy.app.version >= (5, 0) else armature.data.bones:
        bone.select = bone.name in names


def turns(armature):
    return np.array([bone.matrix_basis.to_quaternion() for bone in armature.pose.bones])


def test_a_blend_of_nothing_leads_back_to_the_pose_before(posed):
    other = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Other")
    pose_armature(other, pose(1), BODY, None)
    bpy.context.view_layer.objects.active = posed
    assert bpy.ops.sketch2pose.blend_pose(factor=0.0) == {"FINISHED"}
    np.testing.assert_allclose(np.abs(turns(posed)), np.abs(turns(other)), atol=1e-5)


def test_a_blend_is_one_undo_step(posed):
    new = turns(posed)
    bpy.ops.sketch2pose.blend_pose("EXEC_DEFAULT", True, factor=0.4)
    assert not np.allclose(turns(bpy.data.objects["Figure"]), new, atol=0.05)
    bpy.ops.ed.undo()
    again = bpy.data.objects["Figure"]
    np.testing.assert_allclose(turns(again), new, atol=1e-6)
    assert blend_factor(again) == 1.0


def test_the_slider_and_the_operator_do_the_same(posed):
    bpy.ops.sketch2pose.blend_pose(factor=0.3)
    by_operator = turns(posed)
    assert posed.sketch2pose_blend_factor == pytest.approx(0.3)
    posed.sketch2pose_blend_factor = 1.0
    posed.sketch2pose_blend_factor = 0.3
    np.testing.assert_allclose(turns(posed), by_operator, atol=1e-6)


def test_the_slider_minds_the_panels_choice(posed):
    bpy.context.scene.sketch2pose_keep.selected_only = True
    select(posed, ["left_knee"])
    before = turns(posed)
    posed.sketch2pose_blend_factor = 0.5
    changed = np.abs(turns(posed) - before).max(1) > 1e-4
    assert [bone.name for bone, moved in zip(posed.pose.bones, changed, strict=True) if moved] == [
        "left_knee"
    ]


@pytest.mark.parametrize("operator", ["blend_pose", "mirror_pose", "save_pose_asset"])
def test_nothing_selected_is_said(posed, operator):
    select(posed, [])
    with pytest.raises(RuntimeError, match="No bone is selected"):
        getattr(bpy.ops.sketch2pose, operator)(selected_only=True)


@pytest.mark.parametrize("operator", ["key_pose", "blend_pose", "mirror_pose", "save_pose_asset"])
def test_why_a_button_is_grey(posed, operator):
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RuntimeError, match="Leave the armature's edit mode first"):
        getattr(bpy.ops.sketch2pose, operator)()
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.view_layer.objects.active = None
    with pytest.raises(RuntimeError, match="Select an armature first"):
        getattr(bpy.ops.sketch2pose, operator)()


def test_auto_key_keys_what_changed(posed):
    scene = bpy.context.scene
    scene.tool_settings.use_keyframe_insert_auto = True
    scene.frame_set(12)
    select(posed, ["left_knee"])
    bpy.ops.sketch2pose.blend_pose(factor=0.5, selected_only=True)
    curves = list(action_channels(posed).fcurves)
    assert {curve.data_path.split('"')[1] for curve in curves} == {"left_knee"}
    assert {point.co.x for curve in curves for point in curve.keyframe_points} == {12}


def test_a_mirrored_pose_is_one_undo_step_and_can_be_blended(posed):
    heads = joints_in_blender(posed)
    bpy.ops.sketch2pose.mirror_pose("EXEC_DEFAULT", True)
    figure = bpy.data.objects["Figure"]
    left, right = JOINT_NAMES.index("left_wrist"), JOINT_NAMES.index("right_wrist")
    np.testing.assert_allclose(joints_in_blender(figure)[left], heads[right] * (-1, 1, 1), atol=1e-3)
    bpy.context.view_layer.objects.active = figure
    bpy.ops.sketch2pose.blend_pose(factor=0.0)
    np.testing.assert_allclose(joints_in_blender(figure), heads, atol=1e-3)
    bpy.ops.ed.undo()
    np.testing.assert_allclose(joints_in_blender(bpy.data.objects["Figure"]), heads, atol=1e-5)


def test_a_pose_asset_by_script(posed, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "poses.blend"))
    assert bpy.ops.sketch2pose.save_pose_asset(name="Leap", catalog="Poses", tags="jump, arms up,") == {
        "FINISHED"
    }
    action = bpy.data.actions["Leap"]
    assert [tag.name for tag in action.asset_data.tags] == ["jump", "arms up"]
    assert tuple(action.preview.image_size) == (256, 256)


def test_a_pose_asset_in_a_library_of_the_users(posed, tmp_path):
    libraries = bpy.context.preferences.filepaths.asset_libraries
    library = libraries.new(name="Mine", directory=str(tmp_path))
    try:
        bpy.ops.sketch2pose.save_pose_asset(name="Leap", library="Mine")
    finally:
        libraries.remove(library)
    assert (tmp_path / "Saved" / "Actions" / "Leap.asset.blend").is_file()
    assert len(bpy.data.actions) == 0


def test_a_pose_kept_by_hand_is_blended_from(posed):
    kept = turns(posed)
    bpy.ops.sketch2pose.keep_pose()
    pose_of_hand = posed.pose.bones["head"]
    pose_of_hand.rotation_quaternion = (0.5, 0.5, 0.5, 0.5)
    bpy.ops.sketch2pose.blend_pose(factor=0.0)
    np.testing.assert_allclose(np.abs(turns(posed)), np.abs(kept), atol=1e-5)
