"""Correcting a pose: each operator's effect on bones, on what is kept, on undo; and what is refused."""

import json
import math

import bpy
import numpy as np
import pytest
from mathutils import Euler
from posed import random_pose
from rigs import MIXAMO, random_humanoid

from backend import api
from backend.api import Corrections, Figure, Keypoint
from backend.body import global_rotations, load_body, rodrigues
from backend.correction import hypothesis_of
from backend.kinematics import bone_directions, posed_keypoints, solve_rotations
from backend.skeleton import JOINT_NAMES, KEYPOINT_NAMES, KEYPOINT_PARENTS
from sketch2pose_blender.core.sketch import View
from sketch2pose_blender.rig.armature import build_character
from sketch2pose_blender.rig.drawn_figure import (
    PROPERTY,
    DrawnFigure,
    keep_figure,
    kept_figure,
    remember_figure,
)
from sketch2pose_blender.rig.placement import Placement, pose_in_view
from sketch2pose_blender.ui.operators import pose_armature

BODY = load_body()
REST = np.asarray(BODY.rest_keypoints(), np.float64)
SIZE = (800, 900)


@pytest.fixture(autouse=True)
def switched_on(extension):
    return extension


def figure(seed=3, readings=2) -> Figure:
    """A figure that faces the viewer, drawn with the body's own proportions, and its readings."""
    rng = np.random.default_rng(seed)
    hypotheses = []
    for number in range(readings):
        pose = random_pose(rng, 0.3)
        pose[0] = (math.pi, 0.1, 0.2)
        world = global_rotations(rodrigues(pose))
        solution = solve_rotations(bone_directions(posed_keypoints(world, REST)), REST)
        posed = posed_keypoints(solution.world, REST)
        places = posed[:, :2] * 400 + (400, 450)
        hypotheses.append((hypothesis_of(solution, REST, places, np.ones(30), 0.9 - 0.1 * number), places))
    places = hypotheses[0][1]
    keypoints = {
        n: Keypoint(tuple(map(float, p)), 0.8, 1.0) for n, p in zip(KEYPOINT_NAMES, places, strict=True)
    }
    return Figure((100.0, 50.0, 700.0, 850.0), 0.8, keypoints, tuple(h for h, _ in hypotheses))


def smpl():
    return build_character(bpy.context, BODY, np.zeros(10, np.float32), "Mine")


def mixamo():
    rig = random_humanoid(np.random.default_rng(1), MIXAMO)
    bpy.context.view_layer.objects.active = rig
    return rig


def posed(make=smpl, **options):
    """The active armature, posed from a figure that is kept with it."""
    drawn = figure(**options)
    armature = make()
    pose_armature(armature, drawn.hypotheses[0], BODY, None)
    remember_figure(armature, "drawing.png", SIZE, drawn, BODY)
    bpy.context.view_layer.update()
    return armature


def bones(armature, names=JOINT_NAMES):
    """(N, 3, 3) orientations of the posed bones, armature space."""
    bpy.context.view_layer.update()
    return np.array([armature.pose.bones[name].matrix.to_3x3() for name in names])


def on_paper(armature, start, end):
    """Direction, x right and y down, in which the armature's joints are seen on the drawing's paper."""
    bpy.context.view_layer.update()
    line = np.array(armature.pose.bones[end].head - armature.pose.bones[start].head)
    paper = kept_figure(armature).paper
    seen = np.array([line @ paper.right, line @ paper.down])
    return seen / np.linalg.norm(seen)


def depth(armature, start, end):
    bpy.context.view_layer.update()
    return armature.pose.bones[end].head.y - armature.pose.bones[start].head.y


def corrections(armature) -> Corrections:
    return kept_figure(armature).corrections


def place_of(armature, joint):
    return np.array(kept_figure(armature).figure.keypoints[joint].xy)


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (smpl, ("left_elbow", "left_wrist")),
        (mixamo, (MIXAMO["left_elbow"], MIXAMO["left_wrist"])),
    ],
)
def test_a_dragged_joint_takes_its_bone_along(make, names):
    armature = posed(make)
    elbow = place_of(armature, "left_elbow")
    place = np.add(elbow, (40.0, 80.0))
    before = armature.pose.bones[names[0]].matrix.copy()
    assert bpy.ops.sketch2pose.drag_joint(joint="left_wrist", place=tuple(place)) == {"FINISHED"}
    bpy.context.view_layer.update()
    assert armature.pose.bones[names[0]].matrix != before
    expected = np.array([40.0, 80.0]) / np.hypot(40, 80)
    np.testing.assert_allclose(on_paper(armature, *names), expected, atol=2e-3)
    assert corrections(armature).moved["left_wrist"] == pytest.approx(tuple(place), abs=1e-3)


def test_the_paper_of_an_smpl_armature_faces_the_front_view():
    """The figure lies over its drawing when it is looked at from where the armature's front is."""
    armature = posed()
    bpy.context.view_layer.update()
    paper = kept_figure(armature).paper
    for joint in ("pelvis", "left_wrist", "right_ankle", "head"):
        point = paper.points(place_of(armature, joint))
        head = armature.pose.bones[joint].head
        np.testing.assert_allclose([point[0], point[2]], [head.x, head.z], atol=2e-3)


@pytest.mark.parametrize("make", [smpl, mixamo])
@pytest.mark.parametrize("perspective", [True, False])
def test_seen_from_a_camera_the_dragged_bone_points_as_drawn(make, perspective):
    """A drawing on a picture that a turned camera sees: the forearm is drawn from elbow to wrist there too."""
    armature = make()
    drawn = figure()
    turn = np.array(Euler((0.1, 0.2, 0.6)).to_matrix()) @ np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])
    to_world = np.eye(4)
    to_world[:3, :3], to_world[:3, 3] = turn, turn @ (0.2, -0.1, -4.0) + (0, 0, 1)
    focal = np.full(2, 1200.0 if perspective else 300.0)
    view = View(to_world, perspective, focal, (np.array(SIZE) - 1) / 2, SIZE)
    _, paper = pose_in_view(
        armature, drawn, drawn.hypotheses[0], BODY, Placement(view, np.array([0.1, 0.2, 1.0]))
    )
    keep_figure(armature, DrawnFigure("drawing.png", SIZE, drawn, paper))
    line = np.array([50.0, 70.0])
    place = place_of(armature, "left_elbow") + line
    assert bpy.ops.sketch2pose.drag_joint(joint="left_wrist", place=tuple(place)) == {"FINISHED"}
    bpy.context.view_layer.update()
    names = ("left_elbow", "left_wrist")
    bones = [armature.pose.bones[name if make is smpl else MIXAMO[name]] for name in names]
    start, end = view.project(np.array([armature.matrix_world @ bone.head for bone in bones]))
    seen = (end - start) / np.linalg.norm(end - start)
    np.testing.assert_allclose(seen, line / np.linalg.norm(line), atol=np.radians(1))


def test_bones_that_hang_elsewhere_stay():
    armature = posed()
    before = bones(armature)
    bpy.ops.sketch2pose.drag_joint(joint="left_wrist", place=tuple(place_of(armature, "left_wrist") + 50))
    moved = np.abs(bones(armature) - before).max((1, 2)) > 1e-4
    assert {name for name, m in zip(JOINT_NAMES, moved, strict=True) if m} <= {
        "left_shoulder", "left_elbow", "left_wrist", "left_hand",
    }  # fmt: skip
    assert moved[JOINT_NAMES.index("left_elbow")]


def test_carried_limbs_stop_at_a_pinned_joint():
    armature = posed()
    bpy.ops.sketch2pose.pin_joint(joint="left_wrist")
    elbow, shoulder = place_of(armature, "left_elbow"), place_of(armature, "left_shoulder")
    bpy.ops.sketch2pose.drag_joint(joint="left_shoulder", place=tuple(np.add(shoulder, (30, 10))), carry=True)
    moved = corrections(armature).moved
    assert moved["left_elbow"] == pytest.approx(tuple(np.add(elbow, (30, 10))), abs=1e-3)
    assert "left_wrist" not in moved
    assert "left_fingertips" not in moved


def test_flipping_an_arm_turns_its_depth_round_and_twice_comes_back():
    armature = posed()
    before = bones(armature)
    first = depth(armature, "left_shoulder", "left_elbow"), depth(armature, "left_elbow", "left_wrist")
    line = on_paper(armature, "left_elbow", "left_wrist")
    assert bpy.ops.sketch2pose.flip_joint(joint="left_elbow") == {"FINISHED"}
    second = depth(armature, "left_shoulder", "left_elbow"), depth(armature, "left_elbow", "left_wrist")
    assert second == pytest.approx([-d for d in first], abs=1e-3)
    np.testing.assert_allclose(on_paper(armature, "left_elbow", "left_wrist"), line, atol=1e-3)
    bpy.ops.sketch2pose.flip_joint(joint="left_elbow")
    np.testing.assert_allclose(bones(armature), before, atol=1e-3)


def test_exchanged_sides_twice_come_back():
    armature = posed()
    before = bones(armature)
    assert bpy.ops.sketch2pose.exchange_sides() == {"FINISHED"}
    bpy.context.view_layer.update()
    hips = [armature.pose.bones[f"{side}_hip"].head.x for side in ("left", "right")]
    assert hips[0] < hips[1]  # it faced the viewer, with its left on the right
    bpy.ops.sketch2pose.exchange_sides()
    np.testing.assert_allclose(bones(armature), before, atol=1e-4)


def test_readings_are_browsed():
    armature = posed(readings=3)
    first = bones(armature)
    seen = [first]
    for _ in range(2):
        bpy.ops.sketch2pose.show_reading(step=1)
        seen.append(bones(armature))
    assert all(np.abs(a - b).max() > 0.1 for a, b in [(seen[0], seen[1]), (seen[1], seen[2])])
    bpy.ops.sketch2pose.show_reading(step=1)
    np.testing.assert_allclose(bones(armature), first, atol=1e-4)
    bpy.ops.sketch2pose.show_reading(index=2)
    np.testing.assert_allclose(bones(armature), seen[2], atol=1e-4)


def test_an_ignored_joint_lets_the_arm_hang_and_can_be_counted_again():
    armature = posed()
    before = bones(armature)
    bpy.ops.sketch2pose.ignore_joint(joint="left_wrist")
    assert corrections(armature).ignored == {"left_wrist"}
    assert np.abs(bones(armature) - before)[JOINT_NAMES.index("left_elbow")].max() > 0.01
    bpy.ops.sketch2pose.ignore_joint(joint="left_wrist")
    np.testing.assert_allclose(bones(armature), before, atol=1e-4)


def test_reset_one_and_all():
    armature = posed()
    before = bones(armature)
    bpy.ops.sketch2pose.drag_joint(joint="left_wrist", place=(10, 20))
    bpy.ops.sketch2pose.drag_joint(joint="right_knee", place=(30, 400))
    bpy.ops.sketch2pose.flip_joint(joint="left_knee")
    bpy.ops.sketch2pose.reset_joint(joint="left_wrist")
    moved = corrections(armature).moved
    assert "right_knee" in moved
    assert not [name for name in moved if name.startswith("left")]
    bpy.ops.sketch2pose.reset_corrections()
    np.testing.assert_allclose(bones(armature), before, atol=1e-4)
    assert corrections(armature) == Corrections()


def test_corrections_survive_save_and_reload(tmp_path):
    armature = posed()
    bpy.ops.sketch2pose.drag_joint(joint="left_wrist", place=(10, 20))
    bpy.ops.sketch2pose.flip_joint(joint="right_knee")
    bpy.ops.sketch2pose.pin_joint(joint="nose")
    kept, stand = corrections(armature), bones(armature)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    armature = bpy.context.active_object
    assert corrections(armature) == kept
    np.testing.assert_allclose(bones(armature), stand, atol=1e-5)
    bpy.ops.sketch2pose.flip_joint(joint="right_knee")
    assert corrections(armature).moved == kept.moved


def test_each_act_is_one_undo_step():
    posed()
    bpy.ops.ed.undo_push(message="posed")
    name = bpy.context.active_object.name
    before = bones(bpy.data.objects[name])
    bpy.ops.sketch2pose.drag_joint("EXEC_DEFAULT", True, joint="left_wrist", place=(10, 20))
    dragged = bones(bpy.data.objects[name])
    bpy.ops.sketch2pose.flip_joint("EXEC_DEFAULT", True, joint="right_elbow")
    bpy.ops.ed.undo()
    np.testing.assert_allclose(bones(bpy.data.objects[name]), dragged, atol=1e-5)
    assert corrections(bpy.data.objects[name]).sides == {}
    bpy.ops.ed.undo()
    np.testing.assert_allclose(bones(bpy.data.objects[name]), before, atol=1e-5)
    assert corrections(bpy.data.objects[name]) == Corrections()
    bpy.ops.ed.redo()
    np.testing.assert_allclose(bones(bpy.data.objects[name]), dragged, atol=1e-5)


@pytest.mark.parametrize("automatic", [True, False])
def test_keys_are_set_when_auto_key_is_on(automatic):
    armature = posed()
    bpy.context.scene.frame_set(5)
    bpy.context.scene.tool_settings.use_keyframe_insert_auto = automatic
    bpy.ops.sketch2pose.drag_joint(joint="left_wrist", place=(10, 20))
    keyed = armature.animation_data is not None and armature.animation_data.action is not None
    assert keyed is automatic
    if automatic:
        assert tuple(armature.animation_data.action.frame_range) == (5, 5)


def deep(text):
    return "[" * 100_000


def number(text):
    return 3


def other_names(text):
    return text.replace("left_wrist", "left_tail")


def no_numbers(text):
    return text.replace('"xy": [', '"xy": ["x", ', 1)


def no_paper(text):
    plain = json.loads(text)
    plain["paper"] = [[0, 0, 0]] * 3
    return json.dumps(plain)


def not_finite(text):
    plain = json.loads(text)
    plain["paper"][0][0] = float("nan")
    return json.dumps(plain)


def another_version(text):
    return text.replace('"version": 1', '"version": 99')


@pytest.mark.parametrize(
    "damage", [deep, number, other_names, no_numbers, no_paper, not_finite, another_version, str.upper]
)
def test_what_is_damaged_is_refused_in_one_sentence(damage):
    armature = posed()
    armature[PROPERTY] = damage(armature[PROPERTY])
    before = bones(armature)
    assert not bpy.ops.sketch2pose.drag_joint.poll()
    with pytest.raises(RuntimeError, match="damaged; pose it again"):
        bpy.ops.sketch2pose.drag_joint(joint="left_wrist", place=(10, 20))
    np.testing.assert_array_equal(bones(armature), before)


def test_unknown_joints_are_refused_in_one_sentence():
    posed()
    with pytest.raises(RuntimeError, match="no joint that can be corrected"):
        bpy.ops.sketch2pose.pin_joint(joint="tail")


def test_armatures_that_were_not_posed_from_a_drawing_are_left_alone():
    smpl()
    assert not bpy.ops.sketch2pose.exchange_sides.poll()


def test_labels_are_written_and_read_by_the_evaluation(tmp_path):
    from PIL import Image

    armature = posed()
    bpy.ops.sketch2pose.drag_joint(joint="left_wrist", place=(10, 20))
    bpy.ops.sketch2pose.ignore_joint(joint="right_toe")
    path = tmp_path / "labels.json"
    for _ in range(2):  # a second time replaces the first
        assert bpy.ops.sketch2pose.export_labels(filepath=str(path)) == {"FINISHED"}
    (label,) = json.loads(path.read_text())
    assert label["joints"]["left_wrist"] == [10, 20, 1]
    assert label["joints"]["right_toe"][2] == 0
    assert label["file"] == "drawing.png"
    x, y = place_of(armature, "right_knee")
    assert label["joints"]["right_knee"][:2] == pytest.approx([x, y], abs=0.06)
    assert label["box"][0] <= 10
    Image.new("L", SIZE).save(tmp_path / "drawing.png")
    from training.evaluate.sketches import read_labels

    (read,) = read_labels(tmp_path)
    assert read.known.sum() == 14


def test_labels_never_overwrite_another_file(tmp_path):
    posed()
    path = tmp_path / "notes.json"
    path.write_text('{"mine": 1}')
    with pytest.raises(RuntimeError, match="holds no labels"):
        bpy.ops.sketch2pose.export_labels(filepath=str(path))
    assert path.read_text() == '{"mine": 1}'


def test_the_figure_is_written_as_poses_json(tmp_path):
    armature = posed()
    bpy.ops.sketch2pose.drag_joint(joint="left_wrist", place=(10, 20))
    bpy.ops.sketch2pose.export_figure(filepath=str(tmp_path / "poses.json"))
    result = api.loads((tmp_path / "poses.json").read_bytes())
    (got,) = result.images[0].figures
    assert got.keypoints["left_wrist"].xy == pytest.approx((10, 20), abs=1e-3)
    # The pose in the file is the one the armature has.
    again = smpl()
    pose_armature(again, got.hypotheses[0], BODY, None)
    np.testing.assert_allclose(bones(again), bones(armature), atol=1e-4)


def test_handles_name_keypoints_and_bones():
    from sketch2pose_blender.core.handles import FLIP_BUTTONS, FLIPS, FOLLOWERS, HANDLES

    assert set(HANDLES) <= set(KEYPOINT_NAMES)
    assert set(FLIPS) == set(HANDLES)
    assert set(FLIP_BUTTONS) <= set(FLIPS)
    assert {end for ends in FLIPS.values() for end in ends} <= set(KEYPOINT_NAMES[1:])
    assert {name for some in FOLLOWERS.values() for name in some} <= set(KEYPOINT_NAMES)
    assert all(KEYPOINT_PARENTS[KEYPOINT_NAMES.index(end)] >= 0 for end in FLIP_BUTTONS)


def test_nothing_is_left_behind(extension):
    extension.unregister()
    try:
        assert not hasattr(bpy.types.WindowManager, "sketch2pose_correcting")
        assert not hasattr(bpy.types, "SKETCH2POSE_GGT_correct")
    finally:
        extension.register()
