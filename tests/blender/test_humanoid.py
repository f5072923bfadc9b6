"""Poses on other rigs: limbs point where the source's do, whatever the rest pose; nothing else is touched."""

import bpy
import numpy as np
import pytest
from mathutils import Matrix
from posed import hypothesis, random_pose
from rigs import MIXAMO, RIGIFY_LIMBS, imported, random_humanoid, truth, worst_direction

from backend.body import load_body
from sketch2pose_blender.rig.humanoid import find_humanoid, pose_humanoid


@pytest.fixture(scope="module")
def body():
    return load_body()


@pytest.mark.parametrize("seed", range(12))
def test_limbs_point_as_the_source_does(body, seed):
    rng = np.random.default_rng(seed)
    names = dict(MIXAMO)
    for absent in rng.choice(["spine2", "neck", "left_collar", "left_foot", "none"], 2):
        for joint in (absent, absent.replace("left", "right")):
            names.pop(joint, None)
    armature = random_humanoid(rng, names)
    found = find_humanoid(armature)
    assert found.mapping.bones == names
    pose = hypothesis(body, random_pose(rng), rng.normal(size=10))
    assert pose_humanoid(found, pose, body) == []
    assert worst_direction(armature, names, pose, body) < 0.05


def test_a_t_pose_on_a_rig_that_rests_in_one_changes_nothing_but_little(body):
    armature = random_humanoid(np.random.default_rng(3), MIXAMO)
    at_rest = {bone.name: bone.matrix_local.copy() for bone in armature.data.bones}
    pose_humanoid(
        find_humanoid(armature), hypothesis(body, np.concatenate([[[np.pi, 0, 0]], np.zeros((23, 3))])), body
    )
    bpy.context.view_layer.update()
    for name in ("mixamorig:Hips", "mixamorig:Head"):
        turn = armature.pose.bones[name].matrix.to_3x3() @ at_rest[name].to_3x3().inverted()
        assert np.allclose(turn, np.eye(3), atol=1e-4)
    feet = [armature.pose.bones[f"mixamorig:{side}Foot"] for side in ("Left", "Right")]
    for foot in feet:  # flat feet stay flat
        up = foot.matrix.to_3x3() @ at_rest[foot.name].to_3x3().inverted() @ Matrix(np.eye(3).tolist()).col[2]
        assert up.z == pytest.approx(1, abs=1e-4)
    lowest = min(foot.head.z for foot in feet) - min(at_rest[foot.name].translation.z for foot in feet)
    assert abs(lowest) < 0.03


def test_only_mapped_bones_change_and_the_rest_is_named(body):
    rng = np.random.default_rng(5)
    armature = random_humanoid(rng, MIXAMO)
    locked, constrained, driven = (
        armature.pose.bones[f"mixamorig:{n}"] for n in ("Neck", "LeftHand", "Head")
    )
    locked.lock_rotation = (True, True, True)
    constrained.constraints.new("COPY_ROTATION").target = armature
    constrained.constraints[0].subtarget = "mixamorig:Hips"
    driven.driver_add("rotation_quaternion", 1)
    for bone in armature.pose.bones:
        bone.scale = (1, 1, 1)
    others = {b.name: b.matrix_basis.copy() for b in armature.pose.bones if b.name not in MIXAMO.values()}
    kept = {b.name: b.matrix_basis.copy() for b in (locked, constrained, driven)}
    pose = hypothesis(body, random_pose(rng))
    left_alone = pose_humanoid(find_humanoid(armature), pose, body)
    assert sorted(left_alone) == sorted(kept)
    for name, basis in {**others, **kept}.items():
        assert armature.pose.bones[name].matrix_basis == basis
    bones = {joint: name for joint, name in MIXAMO.items() if name not in kept}
    assert worst_direction(armature, bones, pose, body) < 0.05


def test_keys_in_each_bones_own_rotation_mode(body):
    armature = random_humanoid(np.random.default_rng(6), MIXAMO)
    armature.pose.bones["mixamorig:LeftArm"].rotation_mode = "ZXY"
    armature.pose.bones["mixamorig:RightArm"].rotation_mode = "AXIS_ANGLE"
    pose = hypothesis(body, random_pose(np.random.default_rng(6)))
    pose_humanoid(find_humanoid(armature), pose, body, key_frame=7)
    assert worst_direction(armature, MIXAMO, pose, body) < 0.05
    armature.pose.bones["mixamorig:LeftArm"].rotation_euler = (0, 0, 0)
    bpy.context.scene.frame_set(7)
    assert worst_direction(armature, MIXAMO, pose, body) < 0.05


def test_no_humanoid_is_none():
    data = bpy.data.armatures.new("snake")
    snake = bpy.data.objects.new("snake", data)
    bpy.context.scene.collection.objects.link(snake)
    assert find_humanoid(snake) is None
    assert find_humanoid(None) is None
    assert find_humanoid(bpy.data.objects.new("cube", bpy.data.meshes.new("cube"))) is None


@pytest.mark.parametrize("limbs", ["FK", "IK"])
def test_generated_rigify(rigify_rig, body, limbs):
    for bone in ("upper_arm_parent.L", "upper_arm_parent.R", "thigh_parent.L", "thigh_parent.R"):
        rigify_rig.pose.bones[bone]["IK_FK"] = 1.0 if limbs == "FK" else 0.0
    found = find_humanoid(rigify_rig)
    assert found.family.key == "rigify"
    rng = np.random.default_rng(8)
    for _ in range(3):
        pose = hypothesis(body, random_pose(rng, 0.5))
        assert pose_humanoid(found, pose, body) == []
        assert worst_direction(rigify_rig, RIGIFY_LIMBS, pose, body) < 0.5


def test_real_rigs_are_known_and_exact(body):
    rng = np.random.default_rng(9)
    wrong = {}
    for file, expected in truth().items():
        bones = {joint: bone for joint, bone in expected["map"].items() if bone is not None}
        armature = imported(file, expected["armature"])
        found = find_humanoid(armature)
        missed = {
            j: (found.mapping.bones.get(j), b) for j, b in bones.items() if found.mapping.bones.get(j) != b
        }
        pose = hypothesis(body, random_pose(rng))
        left_alone = pose_humanoid(found, pose, body)
        angle = worst_direction(armature, bones, pose, body)
        if missed or left_alone or angle > 0.5 or found.family is None:
            wrong[file.name] = missed, left_alone, round(angle, 2), found.title
    assert wrong == {}
