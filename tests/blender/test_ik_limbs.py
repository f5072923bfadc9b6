"""A generated Rigify rig whose limbs stay in IK: they end where FK would put them."""

import bpy
import numpy as np
import pytest
from posed import hypothesis, random_pose
from rigs import worst_direction

from backend.body import load_body
from sketch2pose_blender.rig.humanoid import find_humanoid, pose_humanoid

SWITCHES = ("upper_arm_parent.L", "upper_arm_parent.R", "thigh_parent.L", "thigh_parent.R")
#: What shows a limb, and the FK control that has the place and turn that it should have.
ENDS = [(f"ORG-{bone}.{side}", f"{bone}_fk.{side}") for bone in ("hand", "foot", "toe") for side in "LR"]
SHOWN = {
    "spine1": "ORG-spine.001", "spine2": "ORG-spine.002", "spine3": "ORG-spine.003",
    **{
        f"{side}_{joint}": f"ORG-{bone}.{side[0].upper()}"
        for side in ("left", "right")
        for joint, bone in (
            ("collar", "shoulder"), ("shoulder", "upper_arm"), ("elbow", "forearm"), ("wrist", "hand"),
            ("hip", "thigh"), ("knee", "shin"), ("ankle", "foot"),
        )
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def file_with_rig(tmp_path_factory):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.preferences.addon_enable(module="rigify")
    bpy.ops.object.armature_human_metarig_add()
    bpy.ops.pose.rigify_generate()
    path = str(tmp_path_factory.mktemp("rigify") / "rig.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    return path


def open_rig(file, extension):
    bpy.ops.wm.open_mainfile(filepath=file)
    rig = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE" and "rig_id" in thing.data)
    assert extension
    rig.sketch2pose_rig.keep_ik = True
    return rig


def apart(rig, shown, control):
    """Distance in armature units and angle in degrees between two bones that rest at one place."""
    bpy.context.view_layer.update()
    turns = []
    for name in (shown, control):
        bone = rig.pose.bones[name]
        turns.append(bone.matrix.to_3x3().normalized() @ bone.bone.matrix_local.to_3x3().inverted())
    distance = (rig.pose.bones[shown].head - rig.pose.bones[control].head).length
    return distance, float(np.degrees((turns[0] @ turns[1].inverted()).to_quaternion().angle))


@pytest.mark.parametrize("poles", [False, True])
def test_limbs_end_where_fk_would_put_them(file_with_rig, extension, poles):
    rig = open_rig(file_with_rig, extension)
    body, rng = load_body(), np.random.default_rng(1)
    for name in SWITCHES:
        rig.pose.bones[name]["pole_vector"] = poles
    for frame in (1, 10):
        pose = hypothesis(body, random_pose(rng, 0.5))
        assert pose_humanoid(find_humanoid(rig), pose, body, key_frame=frame) == []
        assert all(rig.pose.bones[name]["IK_FK"] == 0 for name in SWITCHES)
        assert worst_direction(rig, SHOWN, pose, body) < 0.5
        for shown, control in ENDS:
            distance, angle = apart(rig, shown, control)
            assert distance < 1e-3, shown
            assert angle < 0.1, shown
    # What was keyed shows the pose again.
    for bone in rig.pose.bones:
        bone.matrix_basis.identity()
    bpy.context.scene.frame_set(1)
    bpy.context.scene.frame_set(10)
    assert worst_direction(rig, SHOWN, pose, body) < 0.5


def test_a_limb_in_fk_stays_there_and_others_stay_in_ik(file_with_rig, extension):
    rig = open_rig(file_with_rig, extension)
    body = load_body()
    rig.pose.bones["thigh_parent.L"]["IK_FK"] = 1.0
    pose = hypothesis(body, random_pose(np.random.default_rng(2), 0.5))
    before = rig.pose.bones["foot_ik.L"].matrix_basis.copy()
    pose_humanoid(find_humanoid(rig), pose, body)
    assert worst_direction(rig, SHOWN, pose, body) < 0.5
    assert rig.pose.bones["foot_ik.L"].matrix_basis == before
    assert [rig.pose.bones[name]["IK_FK"] for name in SWITCHES] == [0, 0, 1, 0]


def test_without_the_choice_limbs_go_to_fk(file_with_rig, extension):
    rig = open_rig(file_with_rig, extension)
    rig.sketch2pose_rig.keep_ik = False
    body = load_body()
    pose = hypothesis(body, random_pose(np.random.default_rng(3), 0.5))
    pose_humanoid(find_humanoid(rig), pose, body)
    assert worst_direction(rig, SHOWN, pose, body) < 0.5
    assert all(rig.pose.bones[name]["IK_FK"] == 1 for name in SWITCHES)
