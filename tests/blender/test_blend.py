"""The pose between the one before and the new one: slerped in bone space, kept with the armature, undone in one step."""

import itertools
import json

import bpy
import numpy as np
import pytest
from posed import hypothesis, joints_in_blender, random_pose

from backend.body import load_body
from backend.skeleton import JOINT_NAMES
from sketch2pose_blender.rig.armature import build_character
from sketch2pose_blender.rig.pose_blend import PROPERTY, blend_factor, blend_pose, keep_pose_before
from sketch2pose_blender.rig.posing import apply_pose

BODY = load_body()


def slerp(start, end, share):
    """(4,) unit quaternion, written down here from the formula of Shoemake, 1985."""
    start, end = (np.asarray(q, float) / np.linalg.norm(q) for q in (start, end))
    cosine = start @ end
    if cosine < 0:
        end, cosine = -end, -cosine
    angle = np.arccos(min(cosine, 1.0))
    if angle < 1e-6:
        return start
    return (np.sin((1 - share) * angle) * start + np.sin(share * angle) * end) / np.sin(angle)


def apart(one, two):
    """Degrees between two rotations given as quaternions."""
    one, two = (np.asarray(q, float) / np.linalg.norm(np.asarray(q, float)) for q in (one, two))
    # By the chord: an arc cosine is blind to small angles.
    chord = min(np.linalg.norm(one - two), np.linalg.norm(one + two))
    return np.degrees(4 * np.arcsin(min(chord / 2, 1.0)))


def turns(armature):
    return {bone.name: np.array(bone.matrix_basis.to_quaternion()) for bone in armature.pose.bones}


def pose(seed):
    return hypothesis(BODY, random_pose(np.random.default_rng(seed), 0.5))


@pytest.fixture
def posed():
    """An armature in a pose, with another one before it; both as turns."""
    armature = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Figure")
    apply_pose(armature, pose(1), BODY)
    before = turns(armature)
    keep_pose_before(armature)
    apply_pose(armature, pose(2), BODY)
    return armature, before, turns(armature)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.8, 1.0])
def test_rotations_go_the_shortest_way_in_bone_space(posed, share):
    armature, before, after = posed
    moved = blend_pose(armature, share)
    assert set(moved) == set(JOINT_NAMES)
    assert blend_factor(armature) == pytest.approx(share)
    for name, turn in turns(armature).items():
        assert apart(turn, slerp(before[name], after[name], share)) < 0.01


def test_locations_and_scales_go_straight(posed):
    armature = posed[0]
    pelvis = armature.pose.bones["pelvis"]
    pelvis.location, pelvis.scale = (1, 2, 3), (1, 1, 1)
    keep_pose_before(armature)
    pelvis.location, pelvis.scale = (2, 0, 3), (1, 2, 1)
    blend_pose(armature, 0.25)
    np.testing.assert_allclose(pelvis.location, (1.25, 1.5, 3), atol=1e-6)
    np.testing.assert_allclose(pelvis.scale, (1, 1.25, 1), atol=1e-6)


def test_back_and_forth_ends_where_it_began(posed):
    armature = posed[0]
    exact = [tuple(bone.rotation_quaternion) for bone in armature.pose.bones]
    for share in (0.7, 0.0, 0.3, 1.0):
        blend_pose(armature, share)
    assert [tuple(bone.rotation_quaternion) for bone in armature.pose.bones] == exact


def test_selected_bones_alone_and_each_remembers_how_far_it_went(posed):
    armature, before, after = posed
    assert set(blend_pose(armature, 0.3, ["left_elbow"])) == {"left_elbow"}
    now = turns(armature)
    assert apart(now["left_elbow"], slerp(before["left_elbow"], after["left_elbow"], 0.3)) < 0.01
    assert all(apart(now[name], after[name]) < 0.01 for name in JOINT_NAMES if name != "left_elbow")
    blend_pose(armature, 0.6)
    for name, turn in turns(armature).items():
        assert apart(turn, slerp(before[name], after[name], 0.6)) < 0.01


def test_a_bone_that_was_turned_meanwhile_has_that_as_its_new_pose(posed):
    armature, before, after = posed
    blend_pose(armature, 0.5)
    bone = armature.pose.bones["right_knee"]
    by_hand = np.array((0.6, 0.8, 0, 0))
    bone.rotation_quaternion = by_hand
    blend_pose(armature, 1.0)
    assert apart(bone.rotation_quaternion, by_hand) < 0.01
    assert apart(armature.pose.bones["left_knee"].rotation_quaternion, after["left_knee"]) < 0.01
    blend_pose(armature, 0.0)
    assert apart(bone.rotation_quaternion, before["right_knee"]) < 0.01


def test_without_a_pose_before_it_is_the_rest_pose():
    armature = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Figure")
    apply_pose(armature, pose(3), BODY)
    after = turns(armature)
    blend_pose(armature, 0.5)
    for name, turn in turns(armature).items():
        assert apart(turn, slerp((1, 0, 0, 0), after[name], 0.5)) < 0.01


@pytest.mark.parametrize("mode", ["XYZ", "ZXY", "AXIS_ANGLE"])
def test_every_rotation_mode(mode):
    armature = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Figure")
    for bone in armature.pose.bones:
        bone.rotation_mode = mode
    rng = np.random.default_rng(0)

    def turn_all():
        for bone in armature.pose.bones:
            values = rng.normal(size=4)
            if mode == "AXIS_ANGLE":
                bone.rotation_axis_angle = values
            else:
                bone.rotation_euler = values[:3]
        return turns(armature)

    before = turn_all()
    keep_pose_before(armature)
    after = turn_all()
    for share in (0.4, 0.0, 1.0):
        blend_pose(armature, share)
        for name, turn in turns(armature).items():
            assert apart(turn, slerp(before[name], after[name], share)) < 0.05
        assert {bone.rotation_mode for bone in armature.pose.bones} == {mode}


def test_survives_save_and_reload(posed, tmp_path):
    armature, before, after = posed
    blend_pose(armature, 0.4)
    path = str(tmp_path / "blend.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    armature = bpy.data.objects["Figure"]
    assert blend_factor(armature) == pytest.approx(0.4)
    blend_pose(armature, 0.9)
    for name, turn in turns(armature).items():
        assert apart(turn, slerp(before[name], after[name], 0.9)) < 0.01


@pytest.mark.parametrize(
    "damage",
    [
        "no json",
        "[]",
        7,
        '{"version": 1, "factor": 0.5, "before": {"head": ["XYZ", [1], [2], [3]]}, "after": {}}',
    ],
)
def test_damage_is_as_if_nothing_was_kept(posed, damage):
    armature = posed[0]
    armature[PROPERTY] = damage
    assert blend_factor(armature) == 1.0
    blend_pose(armature, 0.0)
    assert all(apart(turn, (1, 0, 0, 0)) < 0.01 for turn in turns(armature).values())
    assert json.loads(armature[PROPERTY])["factor"] == 0.0


def test_the_joints_of_a_blended_figure_move(posed):
    armature = posed[0]
    places = [joints_in_blender(armature)]
    for share in (0.5, 0.0):
        blend_pose(armature, share)
        places.append(joints_in_blender(armature))
    assert all(np.abs(a - b).max() > 0.1 for a, b in itertools.pairwise(places))
