"""Figures stand where they are drawn: Blender's own projection of posed bones against the drawing's keypoints."""

import bpy
import numpy as np
import pytest
from drawn import BODY, REST, camera, limb_angles, posed_body, seen_by_blender, true_figure
from posed import skin_in_blender
from rigs import MIXAMO, random_humanoid

from backend.body import global_rotations, rodrigues
from backend.skeleton import JOINT_NAMES, KEYPOINT_NAMES, KEYPOINT_PARENTS
from sketch2pose_blender.capture.views import camera_view
from sketch2pose_blender.core.placement import drawn_figure, seen_figure
from sketch2pose_blender.rig.armature import build_character
from sketch2pose_blender.rig.placement import Placement, kept_placement, keypoints_of, pose_in_view

TO_BLENDER = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
#: Orthographic, and the lenses of the promise, millimetres.
LENSES = [None, 35, 50, 85]
BENT = [
    JOINT_NAMES.index(f"{s}_{j}") for s in ("left", "right") for j in ("hip", "knee", "shoulder", "elbow")
]
#: Bone -> the keypoint at its end.
TIPS = {
    "head": "head_top",
    **{f"{s}_foot": f"{s}_toe" for s in ("left", "right")},
    **{f"{s}_hand": f"{s}_fingertips" for s in ("left", "right")},
}


def random_rotations(rng, spread=0.5):
    """(24, 3, 3) world rotations of a figure that stands, more or less, and faces any way."""
    pose = rng.normal(size=(24, 3)) * 0.12
    pose[BENT] += rng.normal(size=(len(BENT), 3)) * spread
    pose[0] = 0
    pose[0, 1] = rng.uniform(-np.pi, np.pi)
    rotations = global_rotations(rodrigues(pose))
    return TO_BLENDER @ rotations


def drawn_by(lens, rng, proportions=None):
    """A camera, and world keypoints of a body that fills a good part of its picture, off its middle."""
    keypoints = posed_body(random_rotations(rng), np.array([0.0, 0.0, 1.0]), proportions)
    middle = (keypoints.min(0) + keypoints.max(0)) / 2
    distance = 2.0 * (lens or 50) / 36 * 2.2
    angle, height = rng.uniform(-np.pi, np.pi), rng.uniform(-0.2, 0.4)
    place = middle + distance * np.array([np.sin(angle), -np.cos(angle), height])
    aside = 0.35 * np.array([np.cos(angle), np.sin(angle), 0])
    camera(lens, tuple(place), tuple(middle + aside), scale=4.0)
    return keypoints


def heads(armature, bones):
    bpy.context.view_layer.update()
    return np.array([armature.matrix_world @ armature.pose.bones[name].head for name in bones])


def new_armature():
    return build_character(bpy.context, BODY, np.zeros(10, np.float32), "Figure")


@pytest.mark.parametrize("lens", LENSES)
def test_the_shipped_body_covers_its_drawing(lens):
    armature = new_armature()
    for seed in range(6):
        keypoints = drawn_by(lens, np.random.default_rng(seed))
        view = camera_view(bpy.context)
        figure = true_figure(view, keypoints)
        placement = Placement(view, keypoints[0])
        pose_in_view(armature, figure, figure.hypotheses[0], BODY, placement, move_object=True)
        drawn = seen_by_blender(keypoints)
        error = np.linalg.norm(seen_by_blender(heads(armature, JOINT_NAMES)) - drawn[:24], axis=-1)
        assert error.max() < 0.03 * np.ptp(drawn, axis=0).max()
        # It stands at the drawing's distance, so it has the body's own size.
        assert armature.scale[0] == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("lens", LENSES)
def test_bones_near_the_line_of_sight_cover_their_drawing_too(lens):
    """In so many poses some bones could be meant in two ways, of which the drawn length tells one: seed 76's forearm."""
    for seed in range(200):
        keypoints = drawn_by(lens, np.random.default_rng(seed))
        view = camera_view(bpy.context)
        figure = true_figure(view, keypoints)
        seen = seen_figure(drawn_figure(view, *keypoints_of(figure), figure.hypotheses[0], REST), REST)
        drawn = seen_by_blender(keypoints[:24])
        covering = seen_by_blender(view.from_camera(seen.sight + seen.ratio * seen.keypoints[:24]))
        size = np.ptp(seen_by_blender(keypoints), axis=0).max()
        assert np.linalg.norm(covering - drawn, axis=-1).max() < 0.03 * size, seed
        bpy.data.cameras.remove(bpy.context.scene.camera.data)


@pytest.mark.parametrize("lens", LENSES)
def test_a_figure_that_keeps_its_size_covers_its_drawing_too(lens):
    """The drawing lies far behind; the armature comes to where it looks as large."""
    keypoints = drawn_by(lens, np.random.default_rng(11))
    view = camera_view(bpy.context)
    figure = true_figure(view, keypoints)
    armature = new_armature()
    armature.location = (3, 4, 5)
    far = view.from_camera(view.to_camera(keypoints[0]) * (2 if lens else 1))
    pose_in_view(armature, figure, figure.hypotheses[0], BODY, Placement(view, far, "distance"))
    drawn = seen_by_blender(keypoints)
    error = np.linalg.norm(seen_by_blender(heads(armature, JOINT_NAMES)) - drawn[:24], axis=-1)
    assert error.max() < 0.03 * np.ptp(drawn, axis=0).max()
    assert tuple(armature.scale) == (1, 1, 1)
    assert tuple(armature.location) == (3, 4, 5)


def proportions_of_another(rng):
    """(30, 3) a T-pose with other lengths: short legs, long arms, a large head, or the like."""
    lengths = rng.uniform(0.6, 1.6, size=15)
    factors = {}
    for index, part in enumerate(
        ("hip", "knee", "ankle", "foot", "collar", "shoulder", "elbow", "wrist", "hand")
    ):
        factors |= {f"left_{part}": lengths[index], f"right_{part}": lengths[index]}
    other = REST.copy()
    for point in range(1, 30):
        parent = KEYPOINT_PARENTS[point]
        factor = factors.get(KEYPOINT_NAMES[point], lengths[9])
        other[point] = other[parent] + factor * (REST[point] - REST[parent])
    return other


def check_other_proportions(armature, bones, keypoints):
    drawn = seen_by_blender(keypoints)
    pixels = np.full((30, 2), np.nan)
    places = [JOINT_NAMES.index(joint) for joint in bones]
    pixels[places] = seen_by_blender(heads(armature, bones.values()))
    angles = limb_angles(pixels, drawn)
    assert len(angles) >= 5
    assert max(angles) < 1.0
    size = np.ptp(drawn, axis=0).max()
    assert np.linalg.norm(pixels[0] - drawn[0]) < 0.005 * size
    return pixels, drawn


@pytest.mark.parametrize("lens", LENSES)
def test_limbs_of_other_proportions_point_as_drawn(lens):
    armature = new_armature()
    for seed in range(3):
        rng = np.random.default_rng(100 + seed)
        keypoints = drawn_by(lens, rng, proportions_of_another(rng))
        view = camera_view(bpy.context)
        figure = true_figure(view, keypoints)
        pose_in_view(armature, figure, figure.hypotheses[0], BODY, Placement(view, keypoints[0]))
        check_other_proportions(armature, {name: name for name in JOINT_NAMES}, keypoints)
        tips = [armature.matrix_world @ armature.pose.bones[name].tail for name in TIPS]
        pixels = seen_by_blender([*heads(armature, JOINT_NAMES), *tips])
        ends = [KEYPOINT_NAMES.index(name) for name in TIPS.values()]
        drawn = seen_by_blender(keypoints)[[*range(24), *ends]]
        side = int(np.argmax(np.ptp(drawn, axis=0)))
        assert np.ptp(pixels[:, side]) == pytest.approx(np.ptp(drawn[:, side]), rel=0.02)


@pytest.mark.parametrize("lens", LENSES)
def test_a_rig_of_the_artists_own_stands_where_it_is_drawn(lens):
    rng = np.random.default_rng(7)
    keypoints = drawn_by(lens, rng)
    view = camera_view(bpy.context)
    figure = true_figure(view, keypoints)
    rig = random_humanoid(rng, MIXAMO)
    pose_in_view(rig, figure, figure.hypotheses[0], BODY, Placement(view, keypoints[0]))
    pixels, drawn = check_other_proportions(rig, MIXAMO, keypoints)
    there = ~np.isnan(pixels[:, 0])
    side = int(np.argmax(np.ptp(drawn[there], axis=0)))
    assert np.ptp(pixels[there, side]) == pytest.approx(np.ptp(drawn[there, side]), rel=0.05)


@pytest.mark.parametrize("lens", [None, 50])
def test_stretched_bones_have_the_drawn_lengths(lens):
    rng = np.random.default_rng(3)
    keypoints = drawn_by(lens, rng, proportions_of_another(rng))
    view = camera_view(bpy.context)
    figure = true_figure(view, keypoints)
    armature = new_armature()
    placement = Placement(view, keypoints[0], stretch=True)
    pose_in_view(armature, figure, figure.hypotheses[0], BODY, placement)
    pixels, drawn = seen_by_blender(heads(armature, JOINT_NAMES)), seen_by_blender(keypoints)
    for side in ("left", "right"):
        for start, end in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle")):
            a, b = JOINT_NAMES.index(f"{side}_{start}"), JOINT_NAMES.index(f"{side}_{end}")
            flat = np.linalg.norm(drawn[b] - drawn[a])
            if flat > 0.06 * np.ptp(drawn, axis=0).max():
                assert np.linalg.norm(pixels[b] - pixels[a]) == pytest.approx(flat, rel=0.03)
    # Hands are not pulled along by the arms' scale.
    assert armature.data.bones["left_wrist"].inherit_scale == "NONE"
    pose_in_view(armature, figure, figure.hypotheses[0], BODY, Placement(view, keypoints[0]))
    assert all(tuple(bone.scale) == pytest.approx((1, 1, 1)) for bone in armature.pose.bones)


@pytest.mark.parametrize("lens", LENSES)
@pytest.mark.parametrize("fit", ["scale", "distance"])
def test_stands_on_the_ground_if_asked(lens, fit):
    keypoints = drawn_by(lens, np.random.default_rng(21)) + np.array([0, 0, 1.5])
    view = camera_view(bpy.context)
    figure = true_figure(view, keypoints)
    armature = new_armature()
    pose_in_view(
        armature, figure, figure.hypotheses[0], BODY, Placement(view, keypoints[0], fit, on_ground=True)
    )
    assert skin_in_blender(armature)[:, 2].min() == pytest.approx(0.0, abs=0.004 * armature.scale[0])


def test_a_turned_armature_with_a_parent_stands_where_it_is_drawn():
    keypoints = drawn_by(50, np.random.default_rng(5))
    view = camera_view(bpy.context)
    figure = true_figure(view, keypoints)
    armature = new_armature()
    parent = bpy.data.objects.new("Parent", None)
    bpy.context.scene.collection.objects.link(parent)
    parent.location, parent.rotation_euler, parent.scale = (1, 2, 3), (0.3, 0.2, 2.0), (2, 2, 2)
    armature.parent = parent
    armature.rotation_euler = (0.1, -0.4, 1.0)
    pose_in_view(armature, figure, figure.hypotheses[0], BODY, Placement(view, keypoints[0]))
    drawn = seen_by_blender(keypoints)
    error = np.linalg.norm(seen_by_blender(heads(armature, JOINT_NAMES)) - drawn[:24], axis=-1)
    assert error.max() < 0.03 * np.ptp(drawn, axis=0).max()


def test_keys_hold_the_place():
    keypoints = drawn_by(50, np.random.default_rng(6))
    view = camera_view(bpy.context)
    figure = true_figure(view, keypoints)
    armature = new_armature()
    pose_in_view(armature, figure, figure.hypotheses[0], BODY, Placement(view, keypoints[0], "distance"), 7)
    placed = heads(armature, JOINT_NAMES)
    for bone in armature.pose.bones:
        bone.location = (0, 0, 0)
        bone.rotation_quaternion = (1, 0, 0, 0)
    bpy.context.scene.frame_set(8)
    bpy.context.scene.frame_set(7)
    np.testing.assert_allclose(heads(armature, JOINT_NAMES), placed, atol=1e-4)


def test_the_placement_survives_save_and_reload(tmp_path):
    keypoints = drawn_by(85, np.random.default_rng(8))
    view = camera_view(bpy.context)
    figure = true_figure(view, keypoints)
    pose_in_view(
        new_armature(), figure, figure.hypotheses[0], BODY, Placement(view, keypoints[0], "distance")
    )
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    kept = kept_placement(bpy.data.objects["Figure"])
    np.testing.assert_allclose(kept.view.project(keypoints), seen_by_blender(keypoints), atol=0.02)
    assert kept.fit == "distance"
    for damaged in ("", "{}", '{"version": 1}', bpy.data.objects["Figure"]["sketch2pose_placement"][:-9]):
        bpy.data.objects["Figure"]["sketch2pose_placement"] = damaged
        assert kept_placement(bpy.data.objects["Figure"]) is None
