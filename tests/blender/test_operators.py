"""The operators: into a new and into the selected armature, keys, undo, and failures that change nothing."""

import sys
import time
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from posed import expected_joints, joints_in_blender
from rigs import MIXAMO, random_humanoid, worst_direction

from backend.body import load_body
from backend.skeleton import JOINT_NAMES
from sketch2pose_blender.rig.armature import build_character
from sketch2pose_blender.rig.drawn_figure import kept_figure
from sketch2pose_blender.ui import operators

EXAMPLES = Path(__file__).parents[2] / "examples"
DRAWING = EXAMPLES / "runner_gesture.png"
MILLIMETRE = 1e-3


@pytest.fixture(autouse=True)
def switched_on(extension):
    return extension


def choose(path=DRAWING):
    image = bpy.data.images.load(str(path))
    bpy.context.scene.sketch2pose.image = image
    return image


def hypothesis_of(path):
    from sketch2pose_blender.core.client import LocalServer, client_of

    return client_of(LocalServer()).submit(path).wait().images[0].figures[0].hypotheses[0]


def everything():
    """What of the file an operator could change: the objects, where they are, how their bones stand."""
    kinds = ("objects", "armatures", "meshes", "actions", "images", "materials")
    bones = [
        tuple(value for row in bone.matrix_basis for value in row)
        for thing in bpy.data.objects
        if thing.pose
        for bone in thing.pose.bones
    ]
    chosen = [thing.name for thing in bpy.context.selected_objects]
    return [len(getattr(bpy.data, kind)) for kind in kinds], bones, chosen, bpy.context.mode


def test_new_armature_stands_as_drawn():
    choose()
    assert bpy.ops.sketch2pose.pose_new() == {"FINISHED"}
    armature = bpy.context.active_object
    assert armature.name == "runner_gesture"
    joints = joints_in_blender(armature)
    np.testing.assert_allclose(joints - joints[0], expected_joints(hypothesis_of(DRAWING)), atol=MILLIMETRE)
    assert "Posed runner_gesture" in operators.status.text


def test_selected_armature_takes_the_pose():
    choose()
    betas = np.array(hypothesis_of(DRAWING).betas, np.float32)
    armature = build_character(bpy.context, load_body(), betas, "Mine")
    # The body counts as the armature.
    bpy.context.view_layer.objects.active = armature.children[0]
    assert bpy.ops.sketch2pose.pose_selected() == {"FINISHED"}
    assert len(bpy.data.armatures) == 1
    joints = joints_in_blender(armature)
    np.testing.assert_allclose(joints - joints[0], expected_joints(hypothesis_of(DRAWING)), atol=MILLIMETRE)


def test_a_rig_of_the_artists_own_takes_the_pose():
    choose()
    rig = random_humanoid(np.random.default_rng(1), MIXAMO)
    bpy.context.view_layer.objects.active = rig
    rig.pose.bones["mixamorig:Head"].lock_rotation = (True, True, True)
    assert bpy.ops.sketch2pose.pose_selected() == {"FINISHED"}
    bones = {joint: name for joint, name in MIXAMO.items() if joint != "head"}
    assert worst_direction(rig, bones, hypothesis_of(DRAWING), load_body()) < 0.05


def test_what_is_no_humanoid_is_refused_in_one_sentence():
    choose()
    snake = bpy.data.objects.new("Snake", bpy.data.armatures.new("Snake"))
    bpy.context.scene.collection.objects.link(snake)
    bpy.context.view_layer.objects.active = snake
    before = everything()
    with pytest.raises(RuntimeError, match="Snake; select a humanoid rig"):
        bpy.ops.sketch2pose.pose_selected()
    assert everything() == before


def test_the_other_reading_faces_the_other_way_and_comes_back():
    choose(EXAMPLES / "walker_back.png")
    bpy.ops.sketch2pose.pose_new()
    armature = bpy.context.active_object
    first = joints_in_blender(armature)
    readings = kept_figure(armature).figure.hypotheses
    other = next(index for index, reading in enumerate(readings) if reading.exchanged)
    assert bpy.ops.sketch2pose.show_reading(index=other) == {"FINISHED"}
    second = joints_in_blender(armature)
    across = [
        joints[JOINT_NAMES.index("left_hip")] - joints[JOINT_NAMES.index("right_hip")]
        for joints in (first, second)
    ]
    assert across[0][0] * across[1][0] < 0
    bpy.ops.sketch2pose.show_reading(index=0)
    np.testing.assert_allclose(joints_in_blender(armature), first, atol=MILLIMETRE)


def test_readings_survive_save_and_reload(tmp_path):
    choose(EXAMPLES / "walker_back.png")
    bpy.ops.sketch2pose.pose_new()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    assert bpy.ops.sketch2pose.show_reading(step=1) == {"FINISHED"}
    bpy.context.active_object["sketch2pose_figure"] = "{}"
    assert not bpy.ops.sketch2pose.show_reading.poll()


@pytest.mark.parametrize("automatic", [True, False])
def test_keys_at_the_current_frame_when_auto_key_is_on(automatic):
    choose()
    scene = bpy.context.scene
    scene.frame_set(7)
    scene.tool_settings.use_keyframe_insert_auto = automatic
    bpy.ops.sketch2pose.pose_new()
    armature = bpy.context.active_object
    posed = armature.pose.bones["left_knee"].rotation_quaternion.copy()
    for bone in armature.pose.bones:
        bone.rotation_quaternion = (1, 0, 0, 0)
    scene.frame_set(8)
    scene.frame_set(7)
    back = armature.pose.bones["left_knee"].rotation_quaternion
    assert (back.rotation_difference(posed).angle < 1e-4) is automatic
    if automatic:
        (first, last) = armature.animation_data.action.frame_range
        assert (first, last) == (7, 7)


def test_is_one_undo_step():
    choose()
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.sketch2pose.pose_new("EXEC_DEFAULT", True) == {"FINISHED"}
    assert len(bpy.data.objects) == 2
    bpy.ops.ed.undo()
    assert len(bpy.data.objects) == 0
    assert bpy.context.scene.sketch2pose.image.name == "runner_gesture.png"
    bpy.ops.ed.redo()
    assert {thing.type for thing in bpy.data.objects} == {"ARMATURE", "MESH"}


def painted():
    """A drawing that is only in memory: loaded, then changed."""
    image = choose()
    pixels = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(pixels)
    made = bpy.data.images.new("painting", *image.size)
    made.pixels.foreach_set(pixels)
    bpy.context.scene.sketch2pose.image = made
    return made


def packed():
    image = choose()
    image.pack()
    image.filepath = "//nowhere.png"
    return image


@pytest.mark.parametrize("make", [painted, packed])
def test_images_without_a_file_are_posed_as_they_are_shown(make):
    image = make()
    before = (image.source, image.is_dirty, image.filepath)
    assert bpy.ops.sketch2pose.pose_new() == {"FINISHED"}
    assert (image.source, image.is_dirty, image.filepath) == before
    joints = joints_in_blender(bpy.context.active_object)
    np.testing.assert_allclose(joints - joints[0], expected_joints(hypothesis_of(DRAWING)), atol=0.02)


def blank():
    bpy.context.scene.sketch2pose.image = bpy.data.images.new("blank", 200, 200)


def missing():
    choose().filepath = "//nowhere.png"


def movie():
    choose().source = "MOVIE"


@pytest.mark.parametrize("operator", ["pose_new", "pose_selected"])
@pytest.mark.parametrize("make", [blank, missing, movie])
def test_bad_drawing_is_one_sentence_and_changes_nothing(make, operator):
    build_character(bpy.context, load_body(), np.zeros(10, np.float32), "Mine")
    make()
    before = everything()
    with pytest.raises(RuntimeError) as caught:
        getattr(bpy.ops.sketch2pose, operator)()
    assert "Traceback" not in str(caught.value)
    assert "unexpected" not in str(caught.value)
    assert everything() == before
    assert not operators.status.busy
    assert operators.status.icon == "ERROR"


def test_failure_while_posing_changes_nothing(monkeypatch):
    """The new armature is taken out again, and the old selection is back."""
    from sketch2pose_blender.rig import posing

    build_character(bpy.context, load_body(), np.zeros(10, np.float32), "Mine")
    choose()
    before = everything()

    def fail(*arguments):
        raise ZeroDivisionError("in the test")

    monkeypatch.setattr(posing, "apply_pose", fail)
    with pytest.raises(RuntimeError, match=r"unexpected error .*ZeroDivisionError"):
        bpy.ops.sketch2pose.pose_new()
    assert everything() == before


def test_cannot_run_without_a_drawing_or_an_armature():
    assert not bpy.ops.sketch2pose.pose_new.poll()
    choose()
    assert bpy.ops.sketch2pose.pose_new.poll()
    assert not bpy.ops.sketch2pose.pose_selected.poll()
    build_character(bpy.context, load_body(), np.zeros(10, np.float32), "Mine")
    assert bpy.ops.sketch2pose.pose_selected.poll()
    bpy.ops.object.mode_set(mode="EDIT")
    assert not bpy.ops.sketch2pose.pose_selected.poll()


class WindowlessOperator(operators.SKETCH2POSE_OT_pose_new.__bases__[0]):
    """The operator's own steps, driven by the test: Blender's modal loop needs a window."""

    apply = operators.SKETCH2POSE_OT_pose_new.apply

    def __init__(self):
        self.said = []

    def report(self, kind, sentence):
        self.said.append((kind, sentence))


TIMER = SimpleNamespace(type="TIMER", value="NOTHING")
ESCAPE = SimpleNamespace(type="ESC", value="PRESS")
MOUSE = SimpleNamespace(type="MOUSEMOVE", value="NOTHING")


def test_modal_steps_never_wait_and_then_finish():
    choose()
    operator = WindowlessOperator()
    operator._start(bpy.context)
    before = everything()
    assert operator.modal(bpy.context, MOUSE) == {"PASS_THROUGH"}
    deadline = time.monotonic() + 60
    while (outcome := operator.modal(bpy.context, TIMER)) == {"PASS_THROUGH"}:
        assert operators.status.busy
        assert not bpy.ops.sketch2pose.pose_new.poll()
        assert everything() == before
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert outcome == {"FINISHED"}
    assert len(bpy.data.armatures) == 1
    assert operator._folder is None


def test_escape_cancels():
    choose()
    before = everything()
    operator = WindowlessOperator()
    operator._start(bpy.context)
    folder, job = operator._folder, operators.status.job
    assert operator.modal(bpy.context, ESCAPE) == {"CANCELLED"}
    assert everything() == before
    assert not folder.exists()
    assert job.state == "cancelled"
    assert not operators.status.busy
    assert bpy.ops.sketch2pose.pose_new.poll()


def test_switching_off_stops_the_job(extension):
    choose()
    operator = WindowlessOperator()
    operator._start(bpy.context)
    job = operators.status.job
    operators.stop()
    assert job.state == "cancelled"
    assert operator.modal(bpy.context, TIMER) == {"CANCELLED"}


def test_the_armature_that_was_selected_at_the_start_is_posed_or_none():
    choose()
    armature = build_character(bpy.context, load_body(), np.zeros(10, np.float32), "Mine")

    class Operator(WindowlessOperator):
        remember_target = operators.SKETCH2POSE_OT_pose_selected.remember_target
        apply = operators.SKETCH2POSE_OT_pose_selected.apply

    operator = Operator()
    operator._start(bpy.context)
    bpy.data.objects.remove(armature)
    while (outcome := operator.modal(bpy.context, TIMER)) == {"PASS_THROUGH"}:
        time.sleep(0.02)
    assert outcome == {"CANCELLED"}
    ((kind, sentence),) = operator.said
    assert kind == {"ERROR"}
    assert "removed" in sentence


def test_every_operator_and_property_has_a_tooltip():
    for operator in (bpy.ops.sketch2pose.pose_new, bpy.ops.sketch2pose.pose_selected):
        assert operator.get_rna_type().description.startswith("Pose")
    assert bpy.types.Scene.bl_rna.properties["sketch2pose"].fixed_type.properties["image"].description


def test_joint_names_are_the_schemas():
    """The names that the selected armature is recognised by are those of poses.json."""
    assert set(hypothesis_of(DRAWING).joints3d) == set(JOINT_NAMES)
    assert "sketch2pose_blender" in sys.modules
