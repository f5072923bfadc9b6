"""A mirrored pose: every bone points where the other side's pointed, seen in a mirror."""

import bpy
import numpy as np
import pytest
from mathutils import Matrix
from posed import hypothesis, random_pose
from rigs import MIXAMO, SEGMENTS, random_humanoid

from backend.body import load_body
from backend.skeleton import JOINT_NAMES
from sketch2pose_blender.core.boundary import InputError
from sketch2pose_blender.core.mirroring import pair_bones
from sketch2pose_blender.rig.armature import build_character
from sketch2pose_blender.rig.humanoid import find_humanoid, pose_humanoid, read_skeleton
from sketch2pose_blender.rig.pose_mirror import mirror_pose
from sketch2pose_blender.rig.posing import apply_pose

BODY = load_body()
MIRROR = np.array([-1.0, 1, 1])


def other(name):
    side, _, rest = name.partition("_")
    return f"{ {'left': 'right', 'right': 'left'}[side] }_{rest}" if rest else name


def directions(armature, bones):
    """(joint, joint) -> (3,) unit direction in armature space, head to head."""
    bpy.context.view_layer.update()
    heads = {joint: np.array(armature.pose.bones[name].head) for joint, name in bones.items()}
    ways = {(a, b): heads[b] - heads[a] for a, b in SEGMENTS if a in heads and b in heads}
    return {pair: way / np.linalg.norm(way) for pair, way in ways.items()}


def worst(before, after):
    """Degrees between where the limbs point and the mirror image of where the others pointed."""
    angles = [
        np.degrees(np.arccos(np.clip(after[other(a), other(b)] @ (MIRROR * way), -1, 1)))
        for (a, b), way in before.items()
    ]
    assert len(angles) >= 10
    return max(angles)


def far_from_mirrored(way):
    """The test says nothing of a pose that is its own mirror image."""
    return worst(way, way) > 20


def character():
    return build_character(bpy.context, BODY, np.zeros(10, np.float32), "Figure")


def roll_bones(armature, rng):
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for bone in armature.data.edit_bones:
        bone.roll = rng.uniform(-3, 3)
    bpy.ops.object.mode_set(mode="OBJECT")


@pytest.mark.parametrize("seed", range(3))
def test_smpl_with_any_rolls(seed):
    rng = np.random.default_rng(seed)
    armature = character()
    if seed:
        roll_bones(armature, rng)
    bones = {name: name for name in JOINT_NAMES}
    apply_pose(armature, hypothesis(BODY, random_pose(rng)), BODY)
    armature.pose.bones["pelvis"].location = rng.normal(size=3)
    armature.matrix_world = Matrix.Rotation(1, 4, rng.normal(size=3)) @ Matrix.Scale(2, 4)
    before = directions(armature, bones)
    heads = {name: np.array(armature.pose.bones[name].head) for name in bones}
    assert far_from_mirrored(before)
    changed = mirror_pose(armature)
    assert "left_knee" in changed
    assert worst(before, directions(armature, bones)) < 0.1
    for name, head in heads.items():
        np.testing.assert_allclose(armature.pose.bones[other(name)].head, MIRROR * head, atol=2e-4)
    mirror_pose(armature)
    bpy.context.view_layer.update()
    for name, head in heads.items():
        np.testing.assert_allclose(armature.pose.bones[name].head, head, atol=2e-4)


@pytest.mark.parametrize("seed", range(8))
def test_rigs_whose_sides_rest_alike_but_are_rolled_at_random(seed):
    rng = np.random.default_rng(seed)
    armature = random_humanoid(rng, MIXAMO)
    humanoid = find_humanoid(armature)
    pose_humanoid(humanoid, hypothesis(BODY, random_pose(rng, 0.5)), BODY)
    before = directions(armature, MIXAMO)
    assert far_from_mirrored(before)
    mirror_pose(armature)
    assert worst(before, directions(armature, MIXAMO)) < 0.1


@pytest.mark.parametrize("seed", range(4))
def test_rigs_whose_sides_rest_differently(seed):
    rng = np.random.default_rng(seed)
    armature = random_humanoid(rng, MIXAMO)
    bpy.ops.object.mode_set(mode="EDIT")
    bones = armature.data.edit_bones
    for joint, turn in (("LeftArm", 0.4), ("LeftForeArm", -0.3), ("RightUpLeg", 0.2)):
        bone = bones[f"mixamorig:{joint}"]
        place = Matrix.Translation(bone.head) @ Matrix.Rotation(turn, 4, "Y") @ Matrix.Translation(-bone.head)
        for below in (bone, *bone.children_recursive):
            below.matrix = place @ below.matrix
    bpy.ops.object.mode_set(mode="OBJECT")
    pose_humanoid(find_humanoid(armature), hypothesis(BODY, random_pose(rng, 0.5)), BODY)
    before = directions(armature, MIXAMO)
    mirror_pose(armature)
    assert worst(before, directions(armature, MIXAMO)) < 0.1


def test_sides_are_found_where_names_say_nothing():
    rng = np.random.default_rng(5)
    names = {joint: f"Bone.{number:03}" for number, joint in enumerate(MIXAMO)}
    armature = random_humanoid(rng, names)
    assert find_humanoid(armature).family is None
    pose_humanoid(find_humanoid(armature), hypothesis(BODY, random_pose(rng, 0.5)), BODY)
    before = directions(armature, names)
    mirror_pose(armature)
    assert worst(before, directions(armature, names)) < 0.1


def test_selected_bones_take_what_the_other_side_shows_and_others_stay():
    armature = character()
    roll_bones(armature, np.random.default_rng(0))
    left = ["left_shoulder", "left_elbow"]
    armature.pose.bones["right_shoulder"].rotation_quaternion = (0.9, 0.1, 0.3, -0.2)
    armature.pose.bones["right_elbow"].rotation_quaternion = (0.8, 0.5, -0.1, 0.2)
    armature.pose.bones["left_knee"].rotation_quaternion = (0.8, 0.5, 0, 0)
    bones = {name: name for name in JOINT_NAMES}
    before = directions(armature, bones)
    assert sorted(mirror_pose(armature, left)) == sorted(left)
    after = directions(armature, bones)
    for pair in (("shoulder", "elbow"), ("elbow", "wrist")):
        right, new = (
            before[f"right_{pair[0]}", f"right_{pair[1]}"],
            after[f"left_{pair[0]}", f"left_{pair[1]}"],
        )
        np.testing.assert_allclose(new, MIRROR * right, atol=1e-3)
    for pair, way in before.items():
        if not any(joint in left for joint in pair):
            np.testing.assert_allclose(after[pair], way, atol=1e-5)


def test_every_rotation_mode():
    armature = character()
    modes = ["QUATERNION", "XYZ", "ZYX", "AXIS_ANGLE"]
    rng = np.random.default_rng(3)
    apply_pose(armature, hypothesis(BODY, random_pose(rng)), BODY)
    for number, bone in enumerate(armature.pose.bones):
        basis = bone.matrix_basis.copy()
        bone.rotation_mode = modes[number % 4]
        bone.matrix_basis = basis
    bones = {name: name for name in JOINT_NAMES}
    before = directions(armature, bones)
    mirror_pose(armature)
    assert worst(before, directions(armature, bones)) < 0.1


def test_bones_without_a_name_for_their_side_are_paired_by_place():
    armature = character()
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    edit = armature.data.edit_bones
    for number, (side, parent) in enumerate(((1, "left_wrist"), (-1, "right_wrist"), (0, "head"))):
        bone = edit.new(f"extra {number}")
        bone.head, bone.tail = (0.9 * side, 0, 1.4), (0.95 * side, 0.02, 1.4)
        bone.parent = edit[parent]
    tail = edit.new("sword")
    tail.head, tail.tail, tail.parent = (-0.9, -0.3, 1.4), (-1.2, -0.3, 1.8), edit["right_wrist"]
    edit["extra 2"].tail = (0, 0.1, 1.5)
    bpy.ops.object.mode_set(mode="OBJECT")
    pairs = pair_bones(read_skeleton(armature), np.array([1.0, 0, 0]), {n: n for n in JOINT_NAMES})
    assert pairs["extra 0"] == "extra 1"
    assert pairs["extra 1"] == "extra 0"
    assert pairs["extra 2"] == "extra 2"
    assert "sword" not in pairs


def test_locked_bones_stay():
    armature = character()
    bone = armature.pose.bones["left_elbow"]
    armature.pose.bones["right_elbow"].rotation_quaternion = (0.8, 0.5, -0.1, 0.2)
    bone.lock_rotation = (True, True, True)
    mirror_pose(armature)
    assert tuple(bone.rotation_quaternion) == (1, 0, 0, 0)


def test_an_armature_without_sides_is_refused():
    data = bpy.data.armatures.new("chain")
    armature = bpy.data.objects.new("chain", data)
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    bone = data.edit_bones.new("one")
    bone.tail = (0, 0, 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    with pytest.raises(InputError, match="mirror image"):
        mirror_pose(armature)
