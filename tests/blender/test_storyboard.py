"""Storyboards: imported as panels at their frames, posed as keys; failures stay with their panel."""

import json
import os
import shutil
import sys
import time
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from PIL import Image
from posed import expected_joints, joints_in_blender
from rigs import MIXAMO, random_humanoid, worst_direction

from backend.body import load_body
from backend.skeleton import JOINT_NAMES
from sketch2pose_blender.core.boundary import InputError, InstallError, SketchPoseError
from sketch2pose_blender.core.client import LocalServer, ServerError, client_of
from sketch2pose_blender.core.panel_batch import PanelBatch
from sketch2pose_blender.core.panel_reader import Panel, PanelReader
from sketch2pose_blender.core.panel_times import panel_frames
from sketch2pose_blender.rig.armature import build_character
from sketch2pose_blender.storyboard import import_operator, pose_operator
from sketch2pose_blender.ui import operators

EXAMPLES = Path(__file__).parents[2] / "examples"
#: One person each.
DRAWINGS = (
    "stick_wave",
    "runner_gesture",
    "yoga_chalk",
    "dancer_silhouette",
    "archer_brush",
    "woman_outline",
)
SMPL = {name: name for name in JOINT_NAMES}
BODY = load_body()


@pytest.fixture(autouse=True)
def switched_on(extension):
    return extension


@pytest.fixture
def project(tmp_path):
    """A Storyboarder project of the six drawings: three shots, boards of 0.5, 1, 1.5 ... seconds."""
    folder = tmp_path / "scène"
    (folder / "images").mkdir(parents=True)
    boards, at = [], 0
    for number, name in enumerate(DRAWINGS, 1):
        url = f"board-{number}-{name}.png"
        shutil.copy(EXAMPLES / f"{name}.png", folder / "images" / url)
        shot = f"{(number + 1) // 2}A"
        boards.append({"uid": name, "url": url, "shot": shot, "time": at, "duration": 500 * number})
        at += 500 * number
    path = folder / "scène.storyboarder"
    path.write_text(json.dumps({"boards": boards}), encoding="utf-8")
    return path


def change(project, **boards):
    """Change boards by their numbers: ``change(project, b2={"url": ...})``."""
    plain = json.loads(project.read_text(encoding="utf-8"))
    for number, values in boards.items():
        plain["boards"][int(number[1:]) - 1] |= values
    project.write_text(json.dumps(plain), encoding="utf-8")


def storyboard():
    return bpy.context.scene.sketch2pose_storyboard


def load(path, **options):
    assert bpy.ops.sketch2pose.import_storyboard(filepath=str(path), **options) == {"FINISHED"}
    return storyboard().panels


def keys(armature, bone="left_elbow"):
    """Frame -> how its keys are interpolated, of one bone's rotation."""
    animation = armature.animation_data
    action = animation.action
    if hasattr(action, "slots"):
        curves = action.layers[0].strips[0].channelbag(animation.action_slot).fcurves
    else:
        curves = action.fcurves
    path = f'pose.bones["{bone}"].rotation_quaternion'
    points = [curve.keyframe_points for curve in curves if curve.data_path == path]
    assert len(points) == 4
    found = [{point.co.x: point.interpolation for point in of_curve} for of_curve in points]
    assert all(one == found[0] for one in found)
    return found[0]


def hypothesis_of(name):
    job = client_of(LocalServer()).submit(EXAMPLES / f"{name}.png", hypotheses=1)
    return job.wait().images[0].figures[0].hypotheses[0]


def everything():
    """What of the file the operators could change."""
    scene = bpy.context.scene
    return (
        [len(getattr(bpy.data, kind)) for kind in ("objects", "armatures", "meshes", "actions")],
        [(panel.file, panel.frame, panel.state, panel.reason) for panel in storyboard().panels],
        [(marker.name, marker.frame) for marker in scene.timeline_markers],
        (scene.frame_end, scene.frame_current, storyboard().target, bpy.context.mode),
    )


# ------------------------------------------------------------------------------------------------- importing


@pytest.mark.parametrize(("fps", "base"), [(24, 1.0), (30, 1.001)])
def test_boards_are_at_their_times_at_the_scenes_rate(project, fps, base):
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base, scene.frame_start, scene.frame_end = fps, base, 101, 110
    panels = load(project)
    rate = fps / base
    starts = [0.0, 0.5, 1.5, 3.0, 5.0, 7.5, 10.5]
    frames = [101 + round(start * rate) for start in starts]
    assert [panel.frame for panel in panels] == frames[:-1]
    assert [panel.duration for panel in panels] == [b - a for a, b in pairwise(frames)]
    assert [panel.name for panel in panels] == [f"board-{n}-{name}" for n, name in enumerate(DRAWINGS, 1)]
    assert [panel.shot for panel in panels] == ["1A", "1A", "2A", "2A", "3A", "3A"]
    assert {panel.state for panel in panels} == {"WAITING"}
    markers = [(marker.name, marker.frame) for marker in scene.timeline_markers]
    assert markers == [("1A", frames[0]), ("2A", frames[2]), ("3A", frames[4])]
    assert scene.frame_end == frames[-1] - 1
    load(project)  # once more: no marker twice
    assert len(scene.timeline_markers) == 3


def test_images_without_times_last_as_long_as_the_artist_says(tmp_path):
    for name in ("p10", "p2", "p1"):
        shutil.copy(EXAMPLES / "stick_wave.png", tmp_path / f"{name}.png")
    panels = load(tmp_path, seconds=1.5, markers=False)  # a folder
    assert [(panel.name, panel.frame) for panel in panels] == [("p1", 1), ("p2", 37), ("p10", 73)]
    assert not bpy.context.scene.timeline_markers
    files = [{"name": "p10.png"}, {"name": "p2.png"}]
    bpy.ops.sketch2pose.import_storyboard(directory=f"{tmp_path}/", files=files)
    assert [(panel.name, panel.frame) for panel in storyboard().panels] == [("p10", 1), ("p2", 49)]


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are texts there")
def test_names_that_are_no_texts(tmp_path):
    name = os.fsdecode(b"p\xff1.png")
    shutil.copy(EXAMPLES / "stick_wave.png", tmp_path / name)
    shutil.copy(EXAMPLES / "stick_wave.png", tmp_path / "p2.png")
    panels = load(tmp_path)
    assert bpy.ops.sketch2pose.pose_panels() == {"FINISHED"}
    assert [(panel.name, panel.state) for panel in panels] == [("p2", "POSED"), ("p?1", "POSED")]


def test_the_scenes_of_a_screenplay_follow_each_other(project, tmp_path):
    for scene in ("Scene-2", "Scene-10"):
        shutil.copytree(project.parent, tmp_path / "film" / "storyboards" / scene)
    panels = load(tmp_path / "film")
    assert [panel.frame for panel in panels][::6] == [1, 1 + round(10.5 * 24)]
    assert "Scene-2" in panels[0].file
    assert len({panel.file for panel in panels}) == 12


def test_importing_is_one_undo_step(project):
    bpy.ops.ed.undo_push(message="before")
    before = everything()
    load(project)
    bpy.ops.ed.undo()
    assert everything() == before
    bpy.ops.ed.redo()
    assert len(storyboard().panels) == 6


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no Storyboarder project"),
        ('{"name": "package", "version": "1.0"}', "no Storyboarder project"),
        ('{"boards": []}', "no boards"),
        ('{"boards": [{"url": "../../etc/passwd"}]}', "outside the folder"),
        ('{"boards": [{"url": "a.png"}, {"url": "b.png"}]}', "a.png is not in the folder"),
    ],
)
def test_what_cannot_be_imported_is_one_sentence_and_changes_nothing(project, tmp_path, content, words):
    load(project)
    before = everything()
    path = tmp_path / "bad.storyboarder"
    path.write_text(content)
    with pytest.raises(RuntimeError, match=words) as caught:
        bpy.ops.sketch2pose.import_storyboard(filepath=str(path))
    assert len(str(caught.value).strip().splitlines()) == 1
    assert everything() == before
    assert not operators.status.busy


@pytest.mark.parametrize("name", ["missing.storyboarder", "missing.png", "", "empty"])
def test_what_is_not_there_is_one_sentence(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RuntimeError) as caught:
        bpy.ops.sketch2pose.import_storyboard(filepath=str(tmp_path / name) if name else "")
    assert "unexpected" not in str(caught.value)
    assert len(str(caught.value).strip().splitlines()) == 1


def test_a_pdf_says_that_pages_can_be_exported_as_images(tmp_path):
    pytest.importorskip("PIL")
    Image.open(EXAMPLES / "stick_wave.png").convert("RGB").save(tmp_path / "a.pdf")
    try:
        import pypdfium2  # noqa: F401
    except ImportError:
        with pytest.raises(RuntimeError, match="export the pages as images"):
            bpy.ops.sketch2pose.import_storyboard(filepath=str(tmp_path / "a.pdf"))
    else:
        (panel,) = load(tmp_path / "a.pdf")
        assert bpy.ops.sketch2pose.pose_panels() == {"FINISHED"}
        assert panel.state == "POSED"


def test_clicking_a_panel_goes_to_its_frame(project):
    panels = load(project)
    storyboard().active = 3
    assert bpy.context.scene.frame_current == panels[3].frame == 73


def panel(source="a", start=None, duration=None):
    return Panel(f"{source}#{start}", source, "name", "", start, duration)


def test_frames_are_rounded_from_the_boards_own_times():
    boards = [panel(start=n / 3, duration=1 / 3) for n in range(300)]
    frames = panel_frames(boards, 1, 25, 2.0)
    assert [frame for frame, _ in frames] == [1 + round(n / 3 * 25) for n in range(300)]
    assert all(a + length == b for (a, length), (b, _) in pairwise(frames))


def test_no_two_panels_are_at_one_frame():
    boards = [panel(start=at, duration=0.001) for at in (0, 0, 0.001, 5, 2)]
    assert panel_frames(boards, 1, 24, 2.0) == [(1, 1), (2, 1), (3, 1), (121, 1), (122, 1)]


def test_a_panel_is_seen_until_the_next_one():
    boards = [panel(start=at, duration=2.0) for at in (0, 1, 4)]
    assert panel_frames(boards, 1, 24, 2.0) == [(1, 24), (25, 48), (97, 48)]


def test_a_storyboard_longer_than_a_scene_is_one_sentence():
    with pytest.raises(InputError, match="longer than a scene"):
        panel_frames([panel(start=360_000.0, duration=1.0)], 1, 24, 2.0)


# --------------------------------------------------------------------------------------------------- posing


def test_each_panel_is_keyed_at_its_frame_as_it_is_drawn(project):
    panels = load(project)
    bpy.ops.ed.undo_push(message="before")
    before = everything()
    assert bpy.ops.sketch2pose.pose_panels("EXEC_DEFAULT", True) == {"FINISHED"}
    armature = bpy.context.active_object
    assert armature.name == "scène"
    assert keys(armature) == dict.fromkeys([float(panel.frame) for panel in panels], "CONSTANT")
    assert {panel.state for panel in panels} == {"POSED"}
    assert storyboard().target == "SELECTED"
    for panel, name in zip(panels, DRAWINGS, strict=True):
        for frame in (panel.frame, panel.frame + panel.duration - 1):  # held until the next
            bpy.context.scene.frame_set(frame)
            assert worst_direction(armature, SMPL, hypothesis_of(name), BODY) < 0.5, name
            assert abs(lowest(armature)) < 0.01
    bpy.context.scene.frame_set(1)
    first = hypothesis_of(DRAWINGS[0])
    joints = joints_in_blender(armature)
    np.testing.assert_allclose(joints - joints[0], expected_joints(first), atol=0.03)
    bpy.ops.ed.undo()
    assert everything() == before
    assert {panel.state for panel in storyboard().panels} == {"WAITING"}


def lowest(armature):
    """Height of the posed body's lowest point."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    figure = armature.children[0].evaluated_get(depsgraph)
    mesh = figure.to_mesh()
    places = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", places)
    return float(places.reshape(-1, 3)[:, 2].min())


def test_panels_that_fail_say_why_and_the_others_go_on(project):
    images = project.parent / "images"
    Image.new("L", (400, 400), 255).save(images / "blank.png")
    (images / "broken.png").write_bytes((images / "board-1-stick_wave.png").read_bytes()[:500])
    Image.new("1", (17_000, 20)).save(images / "huge.png")
    change(
        project,
        b2={"url": "blank.png"},
        b3={"url": "broken.png"},
        b4={"url": "gone.png"},
        b5={"url": "huge.png"},
    )
    panels = load(project)
    assert [panel.state for panel in panels] == ["WAITING"] * 3 + ["FAILED"] + ["WAITING"] * 2
    (images / "board-6-woman_outline.png").unlink()  # after importing
    assert bpy.ops.sketch2pose.pose_panels() == {"FINISHED"}
    assert [panel.state for panel in panels] == ["POSED"] + ["FAILED"] * 5
    words = ("", "No figure", "damaged", "gone.png", "too large", "cannot be opened")
    for panel, expected in zip(panels, words, strict=True):
        assert expected in panel.reason
        assert "Traceback" not in panel.reason
    assert "Posed 1 of 6 panels. 5 failed" in operators.status.text
    assert list(keys(bpy.context.active_object)) == [1.0]


def test_panels_that_failed_are_posed_later_and_the_other_keys_stay(project):
    images = project.parent / "images"
    change(project, b2={"url": "later.png"})
    panels = load(project)
    bpy.ops.sketch2pose.pose_panels()
    armature = bpy.context.active_object
    armature.pose.bones["left_elbow"].keyframe_insert("rotation_quaternion", frame=50)  # the artist's own
    expected = [1.0, 37.0, 50.0, 73.0, 121.0, 181.0]
    assert sorted(keys(armature)) == expected
    turned = armature.pose.bones["left_elbow"].rotation_quaternion.copy()
    shutil.copy(EXAMPLES / "runner_gesture.png", images / "later.png")
    assert bpy.ops.sketch2pose.pose_panels(which="NOT_POSED", target="SELECTED", keys="SMOOTH") == {
        "FINISHED"
    }
    assert {panel.state for panel in panels} == {"POSED"}
    assert sorted(keys(armature)) == sorted([*expected, 13.0])
    assert keys(armature)[13.0] == "BEZIER"
    assert len(bpy.data.armatures) == 1
    bpy.context.scene.frame_set(13)
    assert worst_direction(armature, SMPL, hypothesis_of("runner_gesture"), BODY) < 0.5
    bpy.context.scene.frame_set(50)
    assert armature.pose.bones["left_elbow"].rotation_quaternion.rotation_difference(turned).angle < 1e-3
    panels[4].selected = True
    bpy.ops.sketch2pose.pose_panels(which="SELECTED", target="SELECTED")
    assert sorted(keys(armature)) == sorted([*expected, 13.0])


def test_a_rig_of_the_artists_own_takes_the_poses(project):
    panels = load(project)
    rig = random_humanoid(np.random.default_rng(1), MIXAMO)
    bpy.context.view_layer.objects.active = rig
    assert bpy.ops.sketch2pose.pose_panels(target="SELECTED") == {"FINISHED"}
    assert len(bpy.data.armatures) == 1
    for panel, name in list(zip(panels, DRAWINGS, strict=True))[:3]:
        bpy.context.scene.frame_set(panel.frame)
        assert worst_direction(rig, MIXAMO, hypothesis_of(name), BODY) < 0.5


def test_two_figures_go_to_two_armatures_from_left_to_right(tmp_path):
    pages = [Image.open(EXAMPLES / f"{name}.png").convert("RGB") for name in ("stick_wave", "runner_gesture")]
    height = max(page.height for page in pages)
    both = Image.new("RGB", (sum(page.width for page in pages) + 200, height), "white")
    both.paste(pages[0], (0, 0))
    both.paste(pages[1], (pages[0].width + 200, 0))
    both.save(tmp_path / "a.png")
    shutil.copy(EXAMPLES / "stick_wave.png", tmp_path / "b.png")
    load(tmp_path)
    right, left = (build_character(bpy.context, BODY, np.zeros(10, np.float32), n) for n in ("Right", "Left"))
    right.location.x, left.location.x = 1.0, -1.0
    for armature in (right, left):
        armature.select_set(True)
    bpy.context.view_layer.update()
    assert bpy.ops.sketch2pose.pose_panels(target="SELECTED") == {"FINISHED"}
    assert "1 show fewer figures" in operators.status.text
    assert (list(keys(left)), list(keys(right))) == ([1.0, 49.0], [1.0])
    for armature, name in ((left, "stick_wave"), (right, "runner_gesture")):
        assert worst_direction(armature, SMPL, hypothesis_of(name), BODY) < 25


def test_layers_and_photoshop_files_are_put_together(project, tmp_path):
    images = project.parent / "images"
    drawing = Image.open(EXAMPLES / "stick_wave.png").convert("L")
    ink = Image.new("RGBA", drawing.size, (0, 0, 0, 0))
    ink.putalpha(drawing.point([255 - value for value in range(256)]))
    half = drawing.width // 2
    for name, box in (("pencil", (0, 0, half, drawing.height)), ("ink", (half, 0, *drawing.size))):
        layer = Image.new("RGBA", drawing.size, (0, 0, 0, 0))
        layer.paste(ink.crop(box), box)
        layer.save(images / f"layer-{name}.png")
    layers = {name: {"url": f"layer-{name}.png", "opacity": 1} for name in ("pencil", "ink")}
    change(project, b1={"url": "whole.png", "layers": layers})
    panels = load(project)
    assert not panels[0].picture
    panels[0].selected = True
    assert bpy.ops.sketch2pose.pose_panels(which="SELECTED") == {"FINISHED"}
    assert panels[0].state == "POSED"
    assert worst_direction(bpy.context.active_object, SMPL, hypothesis_of("stick_wave"), BODY) < 10
    assert not list(Path(bpy.app.tempdir).glob("sketch2pose-*"))


def test_a_panel_that_has_left_its_file_says_so(project):
    change(
        project, b1={"url": "w.png", "layers": {"ink": {"url": "board-2-runner_gesture.png", "opacity": 0.9}}}
    )
    panels = load(project)
    project.write_text(json.dumps({"boards": [{"url": "board-2-runner_gesture.png"}]}))
    panels[0].file = panels[0].file.replace("#1", "#9")
    panels[0].selected = True
    bpy.ops.sketch2pose.pose_panels(which="SELECTED")
    assert "no longer in its file" in panels[0].reason


def test_what_cannot_be_posed_is_one_sentence(project):
    assert not bpy.ops.sketch2pose.pose_panels.poll()
    load(project)
    before = everything()
    for options, words in (
        ({"which": "SELECTED"}, "tick some"),
        ({"target": "SELECTED"}, "No armature is selected"),
    ):
        with pytest.raises(RuntimeError, match=words):
            bpy.ops.sketch2pose.pose_panels(**options)
        assert everything() == before


def test_a_failure_at_the_end_changes_nothing(project, monkeypatch):
    from sketch2pose_blender.rig import animation

    load(project)
    before = everything()

    def fail(*arguments, **options):
        raise ZeroDivisionError("in the test")

    monkeypatch.setattr(animation, "write_motion", fail)
    with pytest.raises(RuntimeError, match=r"unexpected error .*ZeroDivisionError"):
        bpy.ops.sketch2pose.pose_panels()
    assert everything() == before


# ------------------------------------------------------------------------------- without waiting, and cancelled

TIMER = SimpleNamespace(type="TIMER", value="NOTHING")
ESCAPE = SimpleNamespace(type="ESC", value="PRESS")


def windowless(kind, **choices):
    """An operator's own steps, driven by the test: Blender's modal loop needs a window."""
    skipped = {"__annotations__", "__dict__", "__weakref__", "bl_rna"}
    own = {name: thing for name, thing in vars(kind).items() if name not in skipped}
    functions = {name: thing for name, thing in own.items() if not name.startswith("__")}
    base = type("Base", (operators._PoseOperator,), {"report": lambda self, *said: None})
    # super() in the operator's functions means the operator itself.
    look = operators._PoseOperator._look
    if "_look" in functions:
        functions["_look"] = look
    functions.pop("cancel", None)
    return type("Windowless", (base,), functions | choices)()


def posing(**choices):
    return windowless(
        pose_operator.SKETCH2POSE_OT_pose_panels,
        **({"which": "ALL", "target": "NEW", "keys": "STEPPED"} | choices),
    )


def importing(path):
    return windowless(
        import_operator.SKETCH2POSE_OT_import_storyboard,
        filepath=str(path), directory="", files=(), seconds=2.0, markers=True,
    )  # fmt: skip


def drive(operator):
    """Drive to the end; returns the outcome and what the calls took, seconds of this thread."""
    begin = time.thread_time()
    operator._start(bpy.context)
    took = [time.thread_time() - begin]
    deadline = time.monotonic() + 120
    while True:
        begin = time.thread_time()
        outcome = operator.modal(bpy.context, TIMER)
        took.append(time.thread_time() - begin)
        if outcome != {"PASS_THROUGH"}:
            return outcome, took
        assert operators.status.busy
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_neither_importing_nor_posing_waits(project):
    plain = json.loads(project.read_text(encoding="utf-8"))
    project.write_text(json.dumps({"boards": plain["boards"] * 50}), encoding="utf-8")
    drive(importing(EXAMPLES))  # loads what the first time needs
    outcome, took = drive(importing(project))
    assert outcome == {"FINISHED"}
    assert len(storyboard().panels) == 300
    assert max(took) < 0.05
    change(project, b7={"url": "gone.png"})
    for panel in list(storyboard().panels)[:6]:
        panel.selected = True
    before = everything()
    drive(posing(which="SELECTED"))
    outcome, took = drive(posing(which="SELECTED"))
    assert outcome == {"FINISHED"}
    assert max(took[:-1]) < 0.05  # the last one changes the scene
    assert everything() != before


@pytest.mark.parametrize("steps", [0, 1, 40])
def test_escape_cancels_and_changes_nothing(project, steps):
    load(project)
    before = everything()
    for operator in (importing(project), posing()):
        operator._start(bpy.context)
        for _ in range(steps):
            if operator.modal(bpy.context, TIMER) != {"PASS_THROUGH"}:
                break
            time.sleep(0.005)
        else:
            assert operator.modal(bpy.context, ESCAPE) == {"CANCELLED"}
            assert everything() == before
        assert not operators.status.busy
        assert not list(Path(bpy.app.tempdir).glob("sketch2pose-*"))
        before = everything()


class Dying:
    """A job at which the pose program dies."""

    doing, progress = "", 0.0

    def poll(self):
        raise ServerError("The pose program stopped (signal 9); pose the drawing again.")

    def cancel(self):
        pass


def test_a_pose_program_that_dies_again_and_again_ends_the_batch():
    sent = []

    def submit(path, name):
        sent.append(name)
        return Dying()

    batch = PanelBatch({str(n): Path(f"{n}.png") for n in range(20)}, submit, lambda *_: None)
    with pytest.raises(ServerError):
        batch.wait()
    assert len(sent) <= 8
    assert batch.failed
    batch.cancel()


def test_a_panel_at_which_the_pose_program_dies_is_the_only_one_that_fails():
    class Fine(Dying):
        def poll(self):
            return SimpleNamespace(images=[None])

    posed = []
    batch = PanelBatch(
        {str(n): Path(f"{n}.png") for n in range(6)},
        lambda path, name: Dying() if name == "2" else Fine(),
        lambda name, image: posed.append(name),
    )
    batch.wait()
    assert sorted(posed) == ["0", "1", "3", "4", "5"]
    assert list(batch.failed) == ["2"]


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (["/no/such/program"], InstallError),
        (["/bin/sh", "-c", "echo so >&2; exit 3"], SketchPoseError),
        (["/bin/sh", "-c", "echo '[1]'"], InputError),
    ],
)
def test_a_reader_that_fails_is_one_sentence_and_leaves_nothing(tmp_path, command, error):
    def read():
        reader = PanelReader(command, ["a.png"], folder=str(tmp_path))
        try:
            reader.wait()
        finally:
            reader.cancel()

    with pytest.raises(error) as caught:
        read()
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
