"""bpy.ops.sketch2pose.retarget and the exports, as a script or the menu calls them."""

import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest
from posed import hypothesis, joints_in_blender, random_pose
from rigs import MIXAMO, random_humanoid, worst_direction
from test_animation import poses_json

from backend.body import load_body
from backend.motion import Motion, write_npz
from sketch2pose_blender.rig.armature import build_character
from sketch2pose_blender.rig.keys import action_channels
from sketch2pose_blender.rig.posing import apply_pose

BODY = load_body()
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def switched_on(extension):
    return extension


@pytest.fixture
def scene_of_two():
    """An SMPL armature keyed at frames 5, 10 and 15, a rig, and the poses; the rig is active, both are selected."""
    rng = np.random.default_rng(0)
    source = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Source")
    poses = [hypothesis(BODY, random_pose(rng, 0.5)) for _ in range(3)]
    for frame, pose in zip((5, 10, 15), poses, strict=True):
        apply_pose(source, pose, BODY, frame)
    rig = random_humanoid(rng, MIXAMO)
    for thing in (source, rig):
        thing.select_set(True)
    bpy.context.view_layer.objects.active = rig
    return source, rig, poses


def keyed_frames(armature):
    curves = [c for c in action_channels(armature).fcurves if "rotation" in c.data_path]
    (frames,) = {tuple(point.co.x for point in curve.keyframe_points) for curve in curves}
    return list(frames)


def test_the_selected_armatures_animation_goes_onto_the_active_one(scene_of_two):
    _, rig, poses = scene_of_two
    assert bpy.ops.sketch2pose.retarget() == {"FINISHED"}
    assert keyed_frames(rig) == list(range(5, 16))
    for frame, pose in zip((5, 10, 15), poses, strict=True):
        bpy.context.scene.frame_set(frame)
        assert worst_direction(rig, MIXAMO, pose, BODY) < 0.1


def test_every_option_does_what_it_says(scene_of_two):
    source, rig, poses = scene_of_two
    bpy.ops.object.select_all(action="DESELECT")
    bpy.context.view_layer.objects.active = source
    done = bpy.ops.sketch2pose.retarget(
        source=source.name, target=rig.name, use_frame_range=True, frame_start=5, frame_end=15, frame_step=5,
        frame_offset=100, root="NONE", channels={"ROTATION"}, interpolation="CONSTANT", key_type="EXTREME",
    )  # fmt: skip
    assert done == {"FINISHED"}
    assert keyed_frames(rig) == [105, 110, 115]
    curves = list(action_channels(rig).fcurves)
    assert not [curve for curve in curves if curve.data_path.endswith("location")]
    kinds = {(p.interpolation, p.type) for curve in curves for p in curve.keyframe_points}
    assert kinds == {("CONSTANT", "EXTREME")}
    bpy.context.scene.frame_set(112)
    assert worst_direction(rig, MIXAMO, poses[1], BODY) < 0.1


def test_location_alone(scene_of_two):
    _, rig, _ = scene_of_two
    bpy.ops.sketch2pose.retarget(channels={"LOCATION"})
    assert {c.data_path for c in action_channels(rig).fcurves} == {'pose.bones["mixamorig:Hips"].location'}


def test_drawings_of_a_file_a_step_apart(scene_of_two, tmp_path):
    _, rig, poses = scene_of_two
    poses_json(tmp_path / "poses.json", poses)
    done = bpy.ops.sketch2pose.retarget(filepath=str(tmp_path / "poses.json"), frame_step=12)
    assert done == {"FINISHED"}
    assert keyed_frames(rig) == [1, 13, 25]
    bpy.context.scene.frame_set(13)
    assert worst_direction(rig, MIXAMO, poses[1], BODY) < 0.1


def test_an_amass_file_plays_at_its_own_speed(scene_of_two, tmp_path):
    _, rig, _ = scene_of_two
    motion = Motion(np.tile(np.eye(3), (61, 24, 1, 1)), np.zeros((61, 3)), np.zeros(10), 120.0)
    write_npz(motion, BODY, tmp_path / "a.npz")
    bpy.context.scene.render.fps = 24
    bpy.ops.sketch2pose.retarget(filepath=str(tmp_path / "a.npz"))
    assert keyed_frames(rig) == list(range(1, 14))  # half a second
    action_channels(rig).fcurves.clear() if bpy.app.version >= (4, 4) else rig.animation_data_clear()
    options = {"use_frame_range": True, "frame_start": 3, "frame_end": 9, "frame_step": 3}
    bpy.ops.sketch2pose.retarget(filepath=str(tmp_path / "a.npz"), **options)
    assert keyed_frames(rig) == [3, 6, 9]


def test_is_one_undo_step(scene_of_two):
    _, rig, _ = scene_of_two
    name = rig.name
    before = {bone.name: bone.matrix_basis.copy() for bone in rig.pose.bones}
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.sketch2pose.retarget("EXEC_DEFAULT", True) == {"FINISHED"}
    assert len(bpy.data.actions) == 2
    bpy.ops.ed.undo()
    rig = bpy.data.objects[name]
    assert len(bpy.data.actions) == 1
    assert {bone.name: bone.matrix_basis for bone in rig.pose.bones} == before


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"source": "Nobody"}, "no object Nobody"), ({"target": "Nobody"}, "no object Nobody"),
        ({"filepath": "/nowhere/a.npz"}, "cannot be read"), ({"filepath": "/nowhere/a.json"}, "cannot be read"),
        ({"use_frame_range": True, "frame_start": 9, "frame_end": 2}, "rises"), ({"target": "Source"}, "not clear"),
    ],
)  # fmt: skip
def test_failures_are_one_sentence_and_change_nothing(scene_of_two, options, sentence):
    if "target" in options:
        bpy.data.objects["rig"].select_set(False)
    before = len(bpy.data.actions), len(bpy.data.scenes)
    with pytest.raises(RuntimeError, match=sentence) as caught:
        bpy.ops.sketch2pose.retarget(**options)
    assert "Traceback" not in str(caught.value)
    assert (len(bpy.data.actions), len(bpy.data.scenes)) == before


@pytest.mark.parametrize("ending", ["bvh", "npz", "fbx", "glb"])
def test_the_menus_exports_write_their_file(scene_of_two, tmp_path, ending):
    source, _, _ = scene_of_two
    bpy.context.view_layer.objects.active = source.children[0]  # the body counts as its armature
    operator = getattr(bpy.ops.sketch2pose, f"export_{ending.replace('glb', 'gltf')}")
    path = tmp_path / f"a.{ending}"
    assert operator(filepath=str(path)) == {"FINISHED"}
    assert path.stat().st_size > 1000


@pytest.mark.parametrize(
    ("frames", "count"),
    [("ACTION", 11), ("SCENE", 20), ("CURRENT", 1), ("RANGE", 3)],
)
def test_the_exports_write_the_frames_asked_for(scene_of_two, tmp_path, frames, count):
    source, _, _ = scene_of_two
    bpy.context.view_layer.objects.active = source
    bpy.context.scene.frame_end = 20
    path = tmp_path / "a.npz"
    bpy.ops.sketch2pose.export_npz(filepath=str(path), frames=frames, frame_start=6, frame_end=8)
    with np.load(path) as archive:
        assert len(archive["poses"]) == count


def test_exports_need_an_armature(tmp_path):
    assert not bpy.ops.sketch2pose.export_bvh.poll()
    build_character(bpy.context, BODY, np.zeros(10, np.float32), "Figure")
    assert bpy.ops.sketch2pose.export_bvh.poll()
    with pytest.raises(RuntimeError, match="choose another place"):
        bpy.ops.sketch2pose.export_bvh(filepath=str(tmp_path / "none" / "a.bvh"))


def test_the_file_menu_has_the_entry_and_loses_it_again(extension):
    from sketch2pose_blender.ui.export_menu import draw_in_file_menu

    menu = bpy.types.TOPBAR_MT_file_export
    assert draw_in_file_menu in menu._dyn_ui_initialize()
    extension.unregister()
    assert draw_in_file_menu not in menu._dyn_ui_initialize()
    extension.register()


def test_the_guides_script_runs_in_the_background(tmp_path):
    """The first Python example of docs/guide/scripting.md, in a Blender of its own, on a file with two armatures."""
    text = (ROOT / "docs" / "guide" / "scripting.md").read_text(encoding="utf-8")
    script = text.split("```python\n")[1].split("```")[0]
    rng = np.random.default_rng(1)
    source = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Dancer")
    poses = [hypothesis(BODY, random_pose(rng, 0.5)) for _ in range(2)]
    for frame, pose in zip((1, 24), poses, strict=True):
        apply_pose(source, pose, BODY, frame)
    random_humanoid(rng, MIXAMO).name = "Hero"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    start = f"""
import sys, bpy
sys.path.insert(0, {str(ROOT)!r})
import sketch2pose_blender
bpy.ops.wm.open_mainfile(filepath={str(tmp_path / "shot.blend")!r})
sketch2pose_blender.register()
"""
    done = subprocess.run(
        [sys.executable, "-c", f"{start}{script}\nsketch2pose_blender.unregister()\n"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    rig = bpy.data.objects["Hero"]
    for frame, pose in zip((1, 24), poses, strict=True):
        bpy.context.scene.frame_set(frame)
        assert worst_direction(rig, MIXAMO, pose, BODY) < 0.1
    assert (tmp_path / "hero.bvh").stat().st_size > 1000
    assert joints_in_blender(bpy.data.objects["Dancer"]).shape == (24, 3)
