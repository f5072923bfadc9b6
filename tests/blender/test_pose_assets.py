"""Pose assets: Blender's own pose library applies them; they have a picture, a catalog and tags, and lie in libraries."""

import bpy
import numpy as np
import pytest
from posed import hypothesis, joints_in_blender, random_pose
from rigs import MIXAMO, random_humanoid

from backend.body import load_body
from backend.skeleton import JOINT_NAMES
from sketch2pose_blender.core.asset_catalogs import FILE
from sketch2pose_blender.core.boundary import InputError
from sketch2pose_blender.core.figure_picture import Surface, picture
from sketch2pose_blender.rig.armature import build_character
from sketch2pose_blender.rig.humanoid import find_humanoid, pose_humanoid
from sketch2pose_blender.rig.posable import posable_bones
from sketch2pose_blender.rig.pose_assets import AssetLabels, save_pose_asset, save_pose_to_library
from sketch2pose_blender.rig.posing import apply_pose

BODY = load_body()


@pytest.fixture
def posed():
    armature = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Figure")
    apply_pose(armature, hypothesis(BODY, random_pose(np.random.default_rng(0))), BODY)
    return armature


def to_rest(armature):
    for bone in armature.pose.bones:
        bone.matrix_basis.identity()


def apply(armature, action):
    """As an artist does it: by the operator, which tells its asset by name from 5.0 on; before, by what is under it."""
    bpy.context.view_layer.objects.active = armature
    if bpy.app.version < (5, 0):
        armature.pose.apply_pose_from_action(action)
        return
    bpy.ops.object.mode_set(mode="POSE")
    assert bpy.ops.poselib.apply_pose_asset(
        asset_library_type="LOCAL",
        asset_library_identifier="",
        relative_asset_identifier=f"Action/{action.name}",
    ) == {"FINISHED"}
    bpy.ops.object.mode_set(mode="OBJECT")


def test_the_pose_comes_back_on_a_rig_at_rest(posed):
    expected = joints_in_blender(posed)
    action = save_pose_asset(posed, AssetLabels("Leap"), posable_bones(posed))
    assert action.asset_data is not None
    assert posed.animation_data is None, "the armature's own animation is not touched"
    to_rest(posed)
    assert np.abs(joints_in_blender(posed) - expected).max() > 0.2
    apply(posed, action)
    np.testing.assert_allclose(joints_in_blender(posed), expected, atol=1e-5)


def test_on_another_character_with_the_same_bones(posed):
    action = save_pose_asset(posed, AssetLabels("Leap"), posable_bones(posed))
    turns = [np.array(posed.pose.bones[name].matrix_basis) for name in JOINT_NAMES]
    other = build_character(bpy.context, BODY, np.full(10, 1.0, np.float32), "Other")
    apply(other, action)
    for name, turn in zip(JOINT_NAMES, turns, strict=True):
        np.testing.assert_allclose(np.array(other.pose.bones[name].matrix_basis), turn, atol=1e-5)


def test_layered_actions(posed):
    action = save_pose_asset(posed, AssetLabels("Leap"), posable_bones(posed))
    if bpy.app.version < (4, 4):
        assert len(action.fcurves) == 24 * 10
        return
    (layer,) = action.layers
    (strip,) = layer.strips
    (slot,) = action.slots
    assert (strip.type, slot.target_id_type, slot.name_display) == ("KEYFRAME", "OBJECT", "Figure")
    curves = strip.channelbag(slot).fcurves
    assert len(curves) == 24 * 10
    assert {len(curve.keyframe_points) for curve in curves} == {1}


def test_selected_bones_alone(posed):
    elbow = np.array(posed.pose.bones["left_elbow"].matrix_basis)
    action = save_pose_asset(posed, AssetLabels("Arm"), [posed.pose.bones["left_elbow"]])
    to_rest(posed)
    apply(posed, action)
    for bone in posed.pose.bones:
        expected = elbow if bone.name == "left_elbow" else np.eye(4)
        np.testing.assert_allclose(np.array(bone.matrix_basis), expected, atol=1e-5)


def test_an_artists_rig_with_other_rotation_modes():
    rng = np.random.default_rng(1)
    armature = random_humanoid(rng, MIXAMO)
    for bone, mode in zip(armature.pose.bones, ["XYZ", "QUATERNION", "AXIS_ANGLE", "ZYX"] * 20, strict=False):
        bone.rotation_mode = mode
    pose_humanoid(find_humanoid(armature), hypothesis(BODY, random_pose(rng, 0.5)), BODY)
    expected = {bone.name: np.array(bone.matrix_basis) for bone in armature.pose.bones}
    action = save_pose_asset(armature, AssetLabels("Pose"), posable_bones(armature))
    to_rest(armature)
    apply(armature, action)
    for bone in armature.pose.bones:
        np.testing.assert_allclose(np.array(bone.matrix_basis), expected[bone.name], atol=1e-4)


def preview(action):
    """(H, W, 4) as Blender has it, the first row on top."""
    width, height = action.preview.image_size
    return np.array(action.preview.image_pixels_float).reshape(height, width, 4)[::-1]


def covered(image):
    """Pixels of the figure: share of the picture, and (left, top, right, bottom)."""
    rows, columns = np.nonzero(image[..., 3] > 0.5)
    return rows.size / image[..., 0].size, (columns.min(), rows.min(), columns.max(), rows.max())


def test_the_preview_shows_the_pose(posed):
    to_rest(posed)
    t_pose = preview(save_pose_asset(posed, AssetLabels("T"), posable_bones(posed)))
    share, (left, top, right, bottom) = covered(t_pose)
    assert t_pose.shape == (256, 256, 4)
    assert 0.05 < share < 0.5
    assert right - left == pytest.approx(256 * 0.88, abs=3)
    assert (right - left) > (bottom - top) * 0.9, "arms are spread"
    for side, angle in (("left", 1.2), ("right", 1.2)):
        bone = posed.pose.bones[f"{side}_shoulder"]
        bone.rotation_mode = "XYZ"
        bone.rotation_euler = (0, 0, angle if side == "left" else -angle)
    lowered = preview(save_pose_asset(posed, AssetLabels("A"), posable_bones(posed)))
    _, (left, top, right, bottom) = covered(lowered)
    assert bottom - top == pytest.approx(256 * 0.88, abs=3)
    assert (right - left) < (bottom - top) * 0.75, "arms hang"


@pytest.mark.parametrize("thickness", [0.02, 0.1, 0.5, 1.0])
def test_a_picture_has_no_holes(thickness):
    """A strip of two triangles, long and thin ones too, at many angles: its middle is covered, and nothing beside it."""
    for angle in np.linspace(0.05, np.pi, 5):
        along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        flat = np.array([-along - thickness * across, along - thickness * across, along + thickness * across,
                         -along + thickness * across])  # fmt: skip
        corners = np.insert(flat, 1, 0.0, axis=1)[[[0, 1, 2], [2, 3, 0]]]
        image = picture(Surface(corners, np.full((2, 3), 0.5)), np.eye(3)[0], np.eye(3)[2])
        # Pixels as places on the strip: the longer side of its extent fills 88 % of the picture.
        step = np.ptp(flat, axis=0).max() / (0.88 * len(image))
        offsets = (np.arange(len(image)) + 0.5 - len(image) / 2) * step
        places = np.stack(np.meshgrid(offsets, -offsets), -1)
        off = np.maximum(np.abs(places @ along) - 1, np.abs(places @ across) - thickness) / step
        assert image[off < -1.5, 3].min(initial=1) > 0.7
        assert image[off > 1.5, 3].max() == 0


def test_without_a_mesh_the_bones_are_drawn_blue_on_their_left():
    armature = random_humanoid(np.random.default_rng(2), MIXAMO)
    armature.rotation_euler = (0, 0, 0)
    image = preview(save_pose_asset(armature, AssetLabels("Bones"), posable_bones(armature)))
    solid = image[..., 3] > 0.9
    blue = solid & (image[..., 2] > 2 * image[..., 0])
    orange = solid & (image[..., 0] > 2 * image[..., 2])
    assert blue.sum() > 50
    assert orange.sum() > 50
    # Seen from the front, the figure's left is on the right.
    assert np.nonzero(blue)[1].mean() > 128 > np.nonzero(orange)[1].mean()


def test_labels_and_preview_survive_save_and_reload(posed, tmp_path):
    path = str(tmp_path / "poses.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    labels = AssetLabels("Leap", "Poses/Drawn", ("jump", "archer"), "Posed from a drawing")
    image = preview(save_pose_asset(posed, labels, posable_bones(posed)))
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=path)
    action = bpy.data.actions["Leap"]
    assert [tag.name for tag in action.asset_data.tags] == ["jump", "archer"]
    assert action.asset_data.description == "Posed from a drawing"
    np.testing.assert_allclose(preview(action), image, atol=1 / 255)
    lines = (tmp_path / FILE).read_text().splitlines()
    assert f"{action.asset_data.catalog_id}:Poses/Drawn:Poses-Drawn" in lines


def test_a_catalog_is_made_once_and_others_stay(posed, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "poses.blend"))
    (tmp_path / FILE).write_text("# mine\n\nVERSION 1\n\n3c0f0d3e-0000-4000-8000-000000000001:Hands:Hands")
    bones = posable_bones(posed)
    ids = [
        save_pose_asset(posed, AssetLabels(name, path), bones).asset_data.catalog_id
        for name, path in (("a", "Hands"), ("b", "Feet"), ("c", " Feet / "))
    ]
    assert ids[0] == "3c0f0d3e-0000-4000-8000-000000000001"
    assert ids[1] == ids[2] != ids[0]
    text = (tmp_path / FILE).read_text()
    assert text.startswith("# mine\n")
    assert text.count(":Feet:") == 1


def test_a_catalog_of_a_file_never_saved_is_refused_and_nothing_stays(posed):
    with pytest.raises(InputError, match="Save the file first"):
        save_pose_asset(posed, AssetLabels("Leap", "Poses"), posable_bones(posed))
    assert len(bpy.data.actions) == 0


def test_a_library_of_the_users(posed, tmp_path):
    expected = joints_in_blender(posed)
    labels = AssetLabels("Leap: one/two", "Poses", ("jump",))
    path = save_pose_to_library(posed, labels, posable_bones(posed), tmp_path)
    again = save_pose_to_library(posed, labels, posable_bones(posed), tmp_path)
    assert path.parent == tmp_path / "Saved" / "Actions"
    assert (path.name, again.name) == ("Leap_ one_two.asset.blend", "Leap_ one_two_1.asset.blend")
    assert sorted(p.name for p in path.parent.iterdir()) == sorted([path.name, again.name])
    assert len(bpy.data.actions) == 0, "it lies in the library, not here"
    with bpy.data.libraries.load(str(path), assets_only=True) as (there, here):
        here.actions = list(there.actions)
    (action,) = here.actions
    assert action.asset_data.catalog_id in (tmp_path / FILE).read_text()
    assert covered(preview(action))[0] > 0.03
    to_rest(posed)
    posed.pose.apply_pose_from_action(action)
    np.testing.assert_allclose(joints_in_blender(posed), expected, atol=1e-5)


def test_a_library_that_cannot_be_written_leaves_nothing(posed, tmp_path):
    folder = tmp_path / "library"
    folder.mkdir()
    (folder / "Saved").write_text("a file is in the way")
    with pytest.raises(InputError, match="cannot be written"):
        save_pose_to_library(posed, AssetLabels("Leap"), posable_bones(posed), folder)
    assert len(bpy.data.actions) == 0
