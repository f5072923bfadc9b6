"""Correcting a storyboard's panels: each keeps its own corrections, which change its keys and nobody else's."""

import shutil
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Euler
from posed import joints_in_blender
from rigs import MIXAMO, random_humanoid

from backend.body import load_body
from backend.skeleton import JOINT_NAMES
from sketch2pose_blender.core.boundary import Corrections
from sketch2pose_blender.core.sketch import View
from sketch2pose_blender.editing import overlay
from sketch2pose_blender.rig.armature import build_character
from sketch2pose_blender.rig.drawn_figure import PANELS, PROPERTY, kept_figure, remember_figure
from sketch2pose_blender.rig.placement import Placement, keep_placement

EXAMPLES = Path(__file__).parents[2] / "examples"
DRAWINGS = ("stick_wave", "runner_gesture", "yoga_chalk")
#: Of the three panels, two seconds each.
FRAMES = (1, 49, 97)
BODY = load_body()
SMPL = {name: name for name in JOINT_NAMES}


@pytest.fixture(autouse=True)
def switched_on(extension):
    return extension


@pytest.fixture
def board(tmp_path):
    """The folder of the three drawings, imported."""
    for number, name in enumerate(DRAWINGS, 1):
        shutil.copy(EXAMPLES / f"{name}.png", tmp_path / f"p{number}.png")
    assert bpy.ops.sketch2pose.import_storyboard(filepath=str(tmp_path)) == {"FINISHED"}
    panels = bpy.context.scene.sketch2pose_storyboard.panels
    assert tuple(panel.frame for panel in panels) == FRAMES
    return panels


def new():
    return None


def mixamo():
    rig = random_humanoid(np.random.default_rng(1), MIXAMO)
    bpy.context.view_layer.objects.active = rig
    return rig


def in_euler_angles():
    armature = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Mine")
    for bone in armature.pose.bones:
        bone.rotation_mode = "YZX"
    return armature


def posed(make=new, keys="STEPPED"):
    """The active armature with the three panels' poses; the second panel was clicked."""
    target = "NEW" if make() is None else "SELECTED"
    assert bpy.ops.sketch2pose.pose_panels(target=target, keys=keys) == {"FINISHED"}
    click(1)
    return bpy.context.active_object


def click(panel):
    bpy.context.scene.sketch2pose_storyboard.active = panel
    assert bpy.context.scene.frame_current == FRAMES[panel]


def curves(armature):
    animation = armature.animation_data
    if hasattr(animation.action, "slots"):
        return animation.action.layers[0].strips[0].channelbag(animation.action_slot).fcurves
    return animation.action.fcurves


def keys(armature):
    """(bone's property and number, frame) -> value and interpolation, of all keys."""
    return {
        (curve.data_path, curve.array_index, point.co.x): (round(point.co.y, 5), point.interpolation)
        for curve in curves(armature)
        for point in curve.keyframe_points
    }


def bones(armature):
    """(N, 4, 4) where all bones are, armature space."""
    bpy.context.view_layer.update()
    return np.array([bone.matrix for bone in armature.pose.bones])


def corrections(armature):
    return kept_figure(armature).corrections


def drag(armature, way=(30.0, -60.0)):
    """Drag the left wrist so that the forearm is drawn along ``way`` from the elbow; returns what it should be."""
    elbow = kept_figure(armature).figure.keypoints["left_elbow"].xy
    place = tuple(np.add(elbow, way))
    assert bpy.ops.sketch2pose.drag_joint("EXEC_DEFAULT", True, joint="left_wrist", place=place) == {
        "FINISHED"
    }
    return np.array(way) / np.hypot(*way)


def forearm(armature, names):
    """(2,) in which direction the forearm is seen on the drawing's paper, x right, y down."""
    bpy.context.view_layer.update()
    ends = [np.array(armature.pose.bones[names[f"left_{joint}"]].head) for joint in ("elbow", "wrist")]
    paper = kept_figure(armature).paper
    line = np.array([(ends[1] - ends[0]) @ paper.right, (ends[1] - ends[0]) @ paper.down])
    return line / np.linalg.norm(line)


@pytest.mark.parametrize(
    ("make", "names"),
    [(new, SMPL), (mixamo, MIXAMO), (in_euler_angles, SMPL)],
    ids=["smpl", "mixamo", "smpl in Euler angles"],
)
@pytest.mark.parametrize("automatic", [True, False], ids=["auto-key", "no auto-key"])
def test_a_corrected_panel_keeps_its_pose_and_the_others_keep_theirs(board, make, names, automatic):
    armature = posed(make)
    modes = [bone.rotation_mode for bone in armature.pose.bones]
    bpy.context.scene.tool_settings.use_keyframe_insert_auto = automatic
    before, poses = keys(armature), {}
    for panel in range(3):
        click(panel)
        poses[panel] = bones(armature)
    bpy.context.scene.frame_set(60)  # the panel is held here
    expected = drag(armature)
    np.testing.assert_allclose(forearm(armature, names), expected, atol=3e-3)
    after = keys(armature)
    assert after.keys() == before.keys()
    assert {key[2] for key in after if after[key] != before[key]} == {49.0}
    # The other bones are solved anew, to within a tenth of a degree, as those of a single drawing.
    changed = {key for key in after if abs(after[key][0] - before[key][0]) > 2e-3}
    allowed = {names[f"left_{j}"] for j in ("shoulder", "elbow", "wrist", "hand") if f"left_{j}" in names}
    assert {path.split('"')[1] for path, *_ in changed} <= allowed
    click(2)
    np.testing.assert_allclose(bones(armature), poses[2], atol=1e-5)
    assert corrections(armature) == Corrections()
    drag(armature, (-50.0, 10.0))
    click(0)
    np.testing.assert_allclose(bones(armature), poses[0], atol=1e-5)
    assert corrections(armature) == Corrections()
    for frame in (49, 96):
        bpy.context.scene.frame_set(frame)
        np.testing.assert_allclose(forearm(armature, names), expected, atol=3e-3)
        assert set(corrections(armature).moved) >= {"left_wrist"}
    assert [bone.rotation_mode for bone in armature.pose.bones] == modes
    click(2)
    np.testing.assert_allclose(forearm(armature, names), np.array([-50, 10]) / np.hypot(50, 10), atol=3e-3)


def test_the_handles_lie_over_each_panels_figure(board):
    """Most joints are where they are drawn, wherever the pelvis is: the camera fits them all at once."""
    armature = posed()
    for panel, name in enumerate(DRAWINGS):
        click(panel)
        drawn = kept_figure(armature)
        assert (drawn.file, drawn.frame) == (f"p{panel + 1}.png", FRAMES[panel])
        assert Path(drawn.picture).read_bytes() == (EXAMPLES / f"{name}.png").read_bytes()
        joints = joints_in_blender(armature)
        pixels = np.array(
            [drawn.figure.keypoints[joint].xy for joint in JOINT_NAMES if joint in drawn.figure.keypoints]
        )
        shown = np.array(
            [joints[i] for i, joint in enumerate(JOINT_NAMES) if joint in drawn.figure.keypoints]
        )
        away = np.linalg.norm((drawn.paper.points(pixels) - shown)[:, [0, 2]], axis=1)
        assert np.median(away) < 0.06, name
        assert bpy.ops.sketch2pose.flip_joint.poll()


def test_each_panels_picture_is_loaded_for_the_overlay_and_only_one_at_a_time(board):
    armature = posed()
    kept = bpy.data.images.load(board[0].picture)  # the artist's own
    kept.use_fake_user = True
    try:
        for panel in (1, 2, 0, 2, 1):
            click(panel)
            drawn = kept_figure(armature)
            if overlay.image_of(drawn) is None:
                assert bpy.app.timers.is_registered(overlay.load_picture)
                overlay.load_picture()
            image = overlay.image_of(drawn)
            assert Path(image.filepath) == Path(drawn.picture)
            assert tuple(image.size) == drawn.size
            assert len(bpy.data.images) == (1 if panel == 0 else 2)
        Path(board[2].picture).unlink()
        click(2)
        assert overlay.image_of(kept_figure(armature)) is None
        overlay.load_picture()
        assert overlay.image_of(kept_figure(armature)) is None
        assert overlay._pictures[board[2].picture] == ("", "")
        assert bpy.data.images[:] == [kept]
    finally:
        overlay.stop()
    assert not bpy.app.timers.is_registered(overlay.load_picture)


def test_limbs_sides_and_readings_change_the_panels_keys(board):
    armature = posed()
    assert len(kept_figure(armature).figure.hypotheses) == 2
    first = bones(armature)
    for act, options, back, back_options in (
        ("exchange_sides", {}, "exchange_sides", {}),
        ("show_reading", {"index": 1}, "show_reading", {"index": 0}),
        ("flip_joint", {"joint": "left_knee"}, "reset_corrections", {}),
    ):
        assert getattr(bpy.ops.sketch2pose, act)(**options) == {"FINISHED"}
        then = bones(armature)
        assert np.abs(then - first)[:, :3, :3].max() > 0.1
        click(0)
        click(1)
        np.testing.assert_allclose(bones(armature), then, atol=1e-5)
        assert getattr(bpy.ops.sketch2pose, back)(**back_options) == {"FINISHED"}
        click(0)
        click(1)
        np.testing.assert_allclose(bones(armature), first, atol=1e-4)


def test_each_correction_is_one_undo_step(board):
    name = posed().name
    bpy.ops.ed.undo_push(message="posed")

    def state():
        armature = bpy.data.objects[name]
        return keys(armature), armature[PANELS].to_dict()

    states = [state()]
    drag(bpy.data.objects[name])
    states.append(state())
    click(2)
    bpy.ops.ed.undo_push(message="frame")
    bpy.ops.sketch2pose.flip_joint("EXEC_DEFAULT", True, joint="right_elbow")
    states.append(state())
    assert states[0] != states[1] != states[2]
    bpy.ops.ed.undo()
    assert state() == states[1]
    bpy.ops.ed.undo()  # to the second panel
    bpy.ops.ed.undo()
    assert state() == states[0]
    assert corrections(bpy.data.objects[name]) == Corrections()
    bpy.ops.ed.redo()
    assert state() == states[1]
    bpy.context.scene.frame_set(49)
    assert set(corrections(bpy.data.objects[name]).moved) >= {"left_wrist"}


def test_corrections_are_saved_with_the_file(board, tmp_path):
    armature = posed()
    expected = drag(armature)
    click(0)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    armature = bpy.context.active_object
    assert corrections(armature) == Corrections()
    click(1)
    np.testing.assert_allclose(forearm(armature, SMPL), expected, atol=3e-3)
    moved = corrections(armature).moved
    assert bpy.ops.sketch2pose.flip_joint(joint="right_knee") == {"FINISHED"}
    assert corrections(armature).moved == moved
    assert max(len(text) for text in armature[PANELS].to_dict().values()) < 15_000


def test_a_panel_that_is_posed_again_is_as_it_was_read(board):
    armature = posed()
    before = keys(armature)
    drag(armature)
    click(2)
    drag(armature)
    third = corrections(armature)
    board[1].selected = True
    assert bpy.ops.sketch2pose.pose_panels(which="SELECTED", target="SELECTED") == {"FINISHED"}
    assert corrections(armature) == third
    click(1)
    assert corrections(armature) == Corrections()
    again = keys(armature)
    # The pelvis' height counts with the body's shape, which the first panel that is posed tells.
    again, before = (
        {key: value for key, value in them.items() if key[2] == 49 and "location" not in key[0]}
        for them in (again, before)
    )
    assert len(again) == 24 * 4
    assert again == before


def test_only_where_the_armature_stands_at_a_panels_key(board):
    """Not where the artist has keyed a pose of their own, nor where a panel's key was taken away or moved."""
    armature = posed()
    bpy.context.scene.frame_set(60)
    assert bpy.ops.sketch2pose.key_pose() == {"FINISHED"}
    for frame, panel in ((59, 49), (60, None), (96, None), (97, 97), (200, 97), (0, None)):
        bpy.context.scene.frame_set(frame)
        assert getattr(kept_figure(armature), "frame", None) == panel
        assert bpy.ops.sketch2pose.flip_joint.poll() is (panel is not None)
    bpy.context.scene.frame_set(60)
    with pytest.raises(RuntimeError, match="no panel's; go to a panel"):
        bpy.ops.sketch2pose.exchange_sides()
    for curve in curves(armature):
        for point in curve.keyframe_points:
            if point.co.x == 97:
                point.co.x = 120
        curve.update()
    for frame, panel in ((59, 49), (97, None), (120, None)):
        bpy.context.scene.frame_set(frame)
        assert getattr(kept_figure(armature), "frame", None) == panel


def test_between_smooth_keys_no_panel_is_shown(board):
    armature = posed(keys="SMOOTH")
    expected = drag(armature)
    assert {kind for _, kind in keys(armature).values()} == {"BEZIER"}
    bpy.context.scene.frame_set(60)
    assert kept_figure(armature) is None
    assert not bpy.ops.sketch2pose.flip_joint.poll()
    click(1)
    np.testing.assert_allclose(forearm(armature, SMPL), expected, atol=3e-3)


def test_a_single_drawing_takes_the_place_of_the_panel_that_was_shown(board):
    armature = posed()
    drag(armature)
    panel = kept_figure(armature)
    remember_figure(armature, "mine.png", panel.size, panel.figure, BODY)
    turn = np.eye(4)
    turn[:3, :3] = np.array(Euler((0.1, 0.2, 0.6)).to_matrix()) @ [[1, 0, 0], [0, 0, 1], [0, -1, 0]]
    centre = (np.array(panel.size) - 1) / 2
    view = View(turn, perspective=False, focal=np.full(2, 300.0), centre=centre, size=panel.size)
    keep_placement(armature, Placement(view, None))
    assert (kept_figure(armature).file, kept_figure(armature).frame) == ("mine.png", None)
    click(2)
    assert kept_figure(armature).file == "p3.png"
    expected = drag(armature)
    np.testing.assert_allclose(forearm(armature, SMPL), expected, atol=3e-3)
    click(1)
    assert kept_figure(armature).file == "mine.png"
    assert bpy.ops.sketch2pose.pose_panels(target="SELECTED") == {"FINISHED"}
    assert kept_figure(armature).file == "p2.png"
    assert PROPERTY not in armature


@pytest.mark.parametrize("damage", [lambda text: text[:-9], lambda text: 3, lambda text: "[" * 100_000])
def test_what_is_damaged_is_refused_in_one_sentence(board, damage):
    armature = posed()
    armature[PANELS]["49"] = damage(armature[PANELS]["49"])
    before = keys(armature)
    assert not bpy.ops.sketch2pose.flip_joint.poll()
    with pytest.raises(RuntimeError, match="damaged; pose it again"):
        bpy.ops.sketch2pose.exchange_sides()
    assert keys(armature) == before
    click(2)
    assert bpy.ops.sketch2pose.flip_joint(joint="left_elbow") == {"FINISHED"}
    armature[PANELS]["lie"] = damage(armature[PANELS]["lie"])
    assert not bpy.ops.sketch2pose.flip_joint.poll()
    armature[PANELS] = "none of ours"
    assert not bpy.ops.sketch2pose.flip_joint.poll()


def test_keys_of_another_file_stay_and_so_does_the_pose(board, tmp_path):
    armature = posed()
    action, name = armature.animation_data.action.name, armature.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "keys.blend"), copy=True)
    with bpy.data.libraries.load(str(tmp_path / "keys.blend"), link=True) as (_, wanted):
        wanted.actions = [action]
    armature.animation_data.action = wanted.actions[0]
    click(1)
    before, kept = bones(armature), armature[PANELS].to_dict()
    with pytest.raises(RuntimeError, match="linked from another file"):
        bpy.ops.sketch2pose.exchange_sides()
    np.testing.assert_array_equal(bones(bpy.data.objects[name]), before)
    assert armature[PANELS].to_dict() == kept
