"""The armature that is built: names, rest pose, axes, skin; and that a failure leaves nothing."""

import bpy
import numpy as np
import pytest

from backend.body import load_body
from backend.skeleton import JOINT_NAMES, JOINT_PARENTS
from sketch2pose_blender.rig import armature as rig
from sketch2pose_blender.rig.armature import build_character, remove_character

BODY = load_body()
BETAS = np.array([1.5, -1, 0.5, 2, -0.5, 1, 0, -2, 1, 0.3], np.float32)


@pytest.fixture
def character(empty_file):
    return build_character(bpy.context, BODY, BETAS, "Figure")


def test_bones_are_the_smpl_tree(character):
    bones = character.data.bones
    assert {bone.name for bone in bones} == set(JOINT_NAMES)
    parents = {bone.name: bone.parent.name if bone.parent else None for bone in bones}
    assert parents == {
        name: JOINT_NAMES[parent] if parent >= 0 else None
        for name, parent in zip(JOINT_NAMES, JOINT_PARENTS, strict=True)
    }


def test_rests_in_the_t_pose_on_the_ground(character):
    vertices, joints = BODY.rest(BETAS)
    heads = np.array([character.data.bones[name].head_local for name in JOINT_NAMES])
    x, y, z = (joints - [0, vertices[:, 1].min(), 0]).T
    np.testing.assert_allclose(heads, np.stack([x, -z, y], -1), atol=1e-5)
    corners = np.array(character.children[0].bound_box)
    assert corners[:, 2].min() == pytest.approx(0, abs=1e-5)
    assert corners[:, 2].max() > 1.4


def test_bones_point_along_the_limbs(character):
    bones = character.data.bones
    for name, child in (("left_hip", "left_knee"), ("right_shoulder", "right_elbow"), ("spine1", "spine2")):
        assert (bones[name].tail_local - bones[child].head_local).length < 1e-5
    assert min(bone.length for bone in bones) > 0.01


def test_left_and_right_mirror_each_other(character):
    bones = character.data.bones
    for name in JOINT_NAMES:
        if name.startswith("left_"):
            left = np.array(bones[name].matrix_local)[:3, :3]
            right = np.array(bones[name.replace("left", "right")].matrix_local)[:3, :3]
            # Mirrored at x = 0; the x axis turns round, for the axes stay right-handed.
            expected = np.diag([-1, 1, 1]) @ left @ np.diag([-1, 1, 1])
            np.testing.assert_allclose(right, expected, atol=5e-3)


def test_elbows_and_knees_bend_about_x(character):
    bones = character.data.bones
    for name in ("left_elbow", "right_elbow"):
        assert abs(bones[name].matrix_local.to_3x3().col[0].z) > 0.98
    for name in ("left_knee", "right_knee"):
        assert abs(bones[name].matrix_local.to_3x3().col[0].x) > 0.98


def test_skin_is_the_body_and_bound_to_the_bones(character):
    (figure,) = character.children
    assert len(figure.data.vertices) == len(BODY.v_template)
    assert len(figure.data.polygons) == len(BODY.faces)
    assert all(polygon.use_smooth for polygon in figure.data.polygons)
    assert [group.name for group in figure.vertex_groups] == list(JOINT_NAMES)
    weights = np.zeros((len(figure.data.vertices), 24))
    for vertex in figure.data.vertices:
        for element in vertex.groups:
            weights[vertex.index, element.group] = element.weight
    np.testing.assert_allclose(weights, BODY.weights, atol=1e-6)
    (modifier,) = figure.modifiers
    assert (modifier.type, modifier.object) == ("ARMATURE", character)
    assert not figure.data.validate()


def test_stands_at_the_cursor_and_is_active(empty_file):
    bpy.context.scene.cursor.location = (1, 2, 3)
    character = build_character(bpy.context, BODY, BETAS, "Figure")
    assert tuple(character.location) == (1, 2, 3)
    assert bpy.context.active_object == character
    assert bpy.context.selected_objects == [character]
    assert bpy.context.mode == "OBJECT"


def test_is_built_from_another_objects_edit_mode(empty_file):
    build_character(bpy.context, BODY, BETAS, "First")
    bpy.ops.object.mode_set(mode="EDIT")
    second = build_character(bpy.context, BODY, BETAS, "Second")
    assert bpy.context.active_object == second
    assert len(second.data.bones) == 24


def test_is_seen_where_the_active_collection_is_excluded(empty_file):
    collection = bpy.data.collections.new("Hidden")
    bpy.context.scene.collection.children.link(collection)
    layer = bpy.context.view_layer.layer_collection.children["Hidden"]
    bpy.context.view_layer.active_layer_collection = layer
    layer.exclude = True
    character = build_character(bpy.context, BODY, BETAS, "Figure")
    assert character.name in bpy.context.view_layer.objects


def everything():
    return [len(getattr(bpy.data, kind)) for kind in ("objects", "armatures", "meshes", "actions", "images")]


def test_failure_leaves_nothing(monkeypatch):
    before = everything()

    def fail(*arguments):
        raise RuntimeError

    monkeypatch.setattr(rig, "_skin", fail)
    with pytest.raises(RuntimeError):
        build_character(bpy.context, BODY, BETAS, "Figure")
    assert everything() == before


def test_remove_takes_all_of_it(empty_file):
    before = everything()
    remove_character(build_character(bpy.context, BODY, BETAS, "Figure"))
    assert everything() == before
