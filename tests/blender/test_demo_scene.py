"""The scene of `make demo`: every posed drawing beside its figure, all of it in one file."""

import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest

from backend.api import Generator, ImageResult, PoseResult, dumps
from sketch2pose_blender.core.client import LocalServer, client_of

ROOT = Path(__file__).parents[2]
DRAWINGS = [ROOT / "examples" / f"{name}.png" for name in ("runner_gesture", "stick_wave", "yoga_chalk")]


def make_scene(poses, out, *options):
    command = [sys.executable, ROOT / "tools" / "demo_scene.py", poses, "--out", out, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def posed():
    images = [client_of(LocalServer()).submit(path).wait().images[0] for path in DRAWINGS]
    return [*images, ImageResult("blank.png", 10, 10, "Nothing was found.")]


def test_every_posed_drawing_stands_beside_its_figure(posed, tmp_path):
    poses, out = tmp_path / "poses.json", tmp_path / "scenes" / "demo.blend"
    poses.write_text(dumps(PoseResult(Generator("", "", "", ""), tuple(posed))), encoding="utf-8")
    done = make_scene(poses, out)
    assert done.returncode == 0, done.stderr
    assert list(out.parent.iterdir()) == [out]

    bpy.ops.wm.open_mainfile(filepath=str(out))
    names = [path.stem for path in DRAWINGS]
    armatures = [thing for thing in bpy.data.objects if thing.type == "ARMATURE"]
    assert sorted(armature.name for armature in armatures) == names
    assert all(bpy.data.images[f"{name}.png"].packed_file for name in names)
    for armature in armatures:
        sheet, (body,) = bpy.data.objects[f"{armature.name} drawing"], armature.children
        evaluated = body.evaluated_get(bpy.context.evaluated_depsgraph_get())
        corners = np.array([body.matrix_world @ corner for corner in map(to_vector, evaluated.bound_box)])
        # To the right of the sheet, before the wall that it hangs on, on the shelf.
        assert corners[:, 0].min() > sheet.location.x + sheet.dimensions.x / 2
        assert sheet.location.y > armature.location.y
        assert corners[:, 2].min() == pytest.approx(armature.location.z, abs=2e-3)
        assert sum(bone.rotation_quaternion.angle > 0.01 for bone in armature.pose.bones) > 10
        assert in_view(corners)


def to_vector(corner):
    from mathutils import Vector

    return Vector(corner)


def in_view(points):
    from bpy_extras.object_utils import world_to_camera_view

    scene = bpy.context.scene
    places = [world_to_camera_view(scene, scene.camera, to_vector(point)) for point in points]
    return all(0 < place.x < 1 and 0 < place.y < 1 and place.z > 0 for place in places)


@pytest.mark.parametrize("content", ["{", '{"schema": "sketch2pose/1"}', None])
def test_bad_pose_file_is_one_sentence(tmp_path, content):
    poses = tmp_path / "poses.json"
    if content is not None:
        poses.write_text(content)
    done = make_scene(poses, tmp_path / "demo.blend")
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_a_drawing_that_has_gone_is_one_sentence(posed, tmp_path):
    from dataclasses import replace

    poses = tmp_path / "poses.json"
    gone = replace(posed[0], file="gone.png")
    poses.write_text(dumps(PoseResult(Generator("", "", "", ""), (gone,))), encoding="utf-8")
    done = make_scene(poses, tmp_path / "demo.blend")
    assert done.returncode == 1
    assert "gone.png" in done.stderr
    assert "Traceback" not in done.stderr
