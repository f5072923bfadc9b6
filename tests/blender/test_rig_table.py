"""The rig's table: found, corrected by hand, calibrated, saved and loaded, and what it does to poses."""

import bpy
import numpy as np
import pytest
from mathutils import Matrix
from posed import hypothesis, random_pose
from rigs import MIXAMO, random_humanoid, worst_direction

from backend.body import load_body
from sketch2pose_blender.rig.humanoid import find_humanoid, pose_humanoid


@pytest.fixture(autouse=True)
def switched_on(extension):
    return extension


@pytest.fixture
def rig():
    armature = random_humanoid(np.random.default_rng(2), MIXAMO)
    bpy.context.view_layer.objects.active = armature
    return armature


def rows(armature):
    return {row.name: row.bone for row in armature.sketch2pose_rig.joints}


def test_bones_are_listed_and_forgotten(rig):
    assert not bpy.ops.sketch2pose.forget_bones.poll()
    assert bpy.ops.sketch2pose.find_bones() == {"FINISHED"}
    assert rows(rig) == MIXAMO
    assert "Mixamo" in rig.sketch2pose_rig.title
    assert all(row.confidence == 1 for row in rig.sketch2pose_rig.joints)
    bpy.ops.sketch2pose.forget_bones()
    assert rows(rig) == {}


def test_a_corrected_row_counts(rig):
    bpy.ops.sketch2pose.find_bones()
    rig.sketch2pose_rig.joints["neck"].bone = ""
    rig.sketch2pose_rig.joints["head"].bone = "mixamorig:Neck"
    before = rig.pose.bones["mixamorig:Head"].matrix_basis.copy()
    body = load_body()
    pose_humanoid(find_humanoid(rig), hypothesis(body, random_pose(np.random.default_rng(1))), body)
    assert rig.pose.bones["mixamorig:Head"].matrix_basis == before
    assert rig.pose.bones["mixamorig:Neck"].matrix_basis != before
    rig.sketch2pose_rig.joints["left_knee"].bone = ""
    with pytest.raises(RuntimeError, match="no bone for left knee"):
        bpy.ops.sketch2pose.test_pose()


def test_what_is_no_humanoid_is_told_in_one_sentence():
    snake = bpy.data.objects.new("Snake", bpy.data.armatures.new("Snake"))
    bpy.context.scene.collection.objects.link(snake)
    bpy.context.view_layer.objects.active = snake
    with pytest.raises(RuntimeError, match="Snake; select a humanoid rig"):
        bpy.ops.sketch2pose.find_bones()
    assert rows(snake) == {}


def test_the_test_pose_lifts_the_left_knee_and_the_right_arm(rig):
    assert bpy.ops.sketch2pose.test_pose() == {"FINISHED"}
    bpy.context.view_layer.update()
    head = {joint: rig.pose.bones[bone].head for joint, bone in MIXAMO.items()}
    assert head["left_ankle"].z > head["right_ankle"].z + 0.1
    assert head["right_wrist"].z > head["right_shoulder"].z > head["left_wrist"].z


def test_saved_bones_fill_the_table_of_another_rig(rig, tmp_path):
    bpy.ops.sketch2pose.find_bones()
    rig.sketch2pose_rig.joints["left_foot"].bone = ""
    assert bpy.ops.sketch2pose.save_bones(filepath=str(tmp_path / "mine.json")) == {"FINISHED"}
    other = random_humanoid(np.random.default_rng(3), MIXAMO)
    bpy.context.view_layer.objects.active = other
    assert bpy.ops.sketch2pose.load_bones(filepath=str(tmp_path / "mine.json")) == {"FINISHED"}
    assert rows(other) == {**MIXAMO, "left_foot": ""}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "holds no rig's bones"),
        ('{"schema": "sketch2pose-rig/2"}', "another version"),
        ('{"schema": "sketch2pose-rig/1", "bones": {"head": "Skull"}}', "no bone Skull"),
    ],
)
def test_a_foreign_file_changes_nothing(rig, tmp_path, text, sentence):
    (tmp_path / "foreign.json").write_text(text)
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.sketch2pose.load_bones(filepath=str(tmp_path / "foreign.json"))
    assert rows(rig) == {}


def test_the_present_pose_may_count_as_the_t_pose(rig):
    """A rig that rests with its arms up: with a calibrated pose, limbs and hands are as in the T-pose."""
    body = load_body()
    bpy.ops.sketch2pose.find_bones()
    t_pose = hypothesis(body, np.concatenate([[[np.pi, 0, 0]], np.zeros((23, 3))]))
    rng = np.random.default_rng(7)
    for name in ("LeftHand", "LeftArm", "Head"):
        bone = rig.pose.bones[f"mixamorig:{name}"]
        bone.rotation_quaternion = Matrix.Rotation(rng.uniform(0.3, 0.6), 3, "X").to_quaternion()
    bpy.context.view_layer.update()
    meant = rig.pose.bones["mixamorig:Head"].matrix.to_3x3()
    assert bpy.ops.sketch2pose.pose_as_rest() == {"FINISHED"}
    pose_humanoid(find_humanoid(rig), t_pose, body)
    bpy.context.view_layer.update()
    assert np.allclose(rig.pose.bones["mixamorig:Head"].matrix.to_3x3(), meant, atol=1e-4)
    pose = hypothesis(body, random_pose(rng))
    pose_humanoid(find_humanoid(rig), pose, body)
    assert worst_direction(rig, MIXAMO, pose, body) < 0.05
    bpy.ops.sketch2pose.pose_as_rest(clear=True)
    pose_humanoid(find_humanoid(rig), t_pose, body)
    bpy.context.view_layer.update()
    assert not np.allclose(rig.pose.bones["mixamorig:Head"].matrix.to_3x3(), meant, atol=1e-2)


def test_tables_survive_save_and_reload(rig, tmp_path):
    bpy.ops.sketch2pose.find_bones()
    rig.sketch2pose_rig.joints["neck"].bone = ""
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    assert rows(bpy.data.objects["rig"]) == {**MIXAMO, "neck": ""}


def test_linked_rigs_are_posed_through_an_override(rig, tmp_path):
    library = str(tmp_path / "library.blend")
    bpy.ops.wm.save_as_mainfile(filepath=library)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(library, link=True) as (_, linked):
        linked.objects = ["rig"]
    armature = linked.objects[0]
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    with pytest.raises(RuntimeError, match="make a library override"):
        bpy.ops.sketch2pose.test_pose()
    override = armature.override_create(remap_local_usages=True)
    bpy.context.view_layer.objects.active = override
    assert bpy.ops.sketch2pose.find_bones() == {"FINISHED"}
    assert rows(override) == MIXAMO
    assert bpy.ops.sketch2pose.test_pose() == {"FINISHED"}
    turned = override.pose.bones["mixamorig:LeftUpLeg"].rotation_quaternion.copy()
    assert abs(turned.w) < 0.99
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    kept = bpy.data.objects["rig"].pose.bones["mixamorig:LeftUpLeg"].rotation_quaternion
    assert np.allclose(kept, turned, atol=1e-5)
