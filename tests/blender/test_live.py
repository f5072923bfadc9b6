"""Live: an armature follows a drawing; when it asks, what undo does, and every way in which it ends."""

import os
import signal
import time

import bpy
import numpy as np
import pytest
from drawn import BODY, camera, grease_pencil, head_stroke, posed_body, seen_by_blender, skeleton_strokes
from posed import joints_in_blender
from test_placement import TO_BLENDER

from backend.body import global_rotations, rodrigues
from backend.skeleton import JOINT_NAMES, KEYPOINT_NAMES
from sketch2pose_blender.core import client
from sketch2pose_blender.core.latest import LOOKS, PAUSE, Latest
from sketch2pose_blender.rig.armature import build_character
from sketch2pose_blender.ui import live, operators

#: Turns of the shoulders about the line of sight: arms hanging, raised, and one of each.
HANGING, RAISED, WAVING = (-1.2, 1.2), (0.9, -0.9), (0.9, 1.2)


@pytest.fixture(autouse=True)
def switched_on(extension):
    return extension


def figure(arms=WAVING):
    """(30, 3) world keypoints of a figure that faces the front view, legs apart."""
    pose = np.zeros((24, 3))
    for joint, angle in zip(
        ("left_shoulder", "right_shoulder", "left_hip", "right_hip"), (*arms, 0.35, -0.25), strict=True
    ):
        pose[JOINT_NAMES.index(joint)] = (0, 0, angle)
    return posed_body(TO_BLENDER @ global_rotations(rodrigues(pose)), np.array((0.0, 0, 1)))


def strokes_of(keypoints):
    """Strokes of a stick figure in its own upright plane."""
    strokes = [
        *skeleton_strokes(keypoints),
        head_stroke(keypoints, np.array([1.0, 0, 0]), np.array([0, 0, 1.0])),
    ]
    for stroke in strokes:
        stroke[:, 1] = 0.0
    return strokes


def drawing_of(keypoints, name="Drawing"):
    """A grease pencil drawing of a figure, seen by an orthographic camera."""
    if bpy.context.scene.camera is None:
        camera()
    return grease_pencil(strokes_of(keypoints), name=name)


def redraw_strokes(thing, keypoints):
    """What the artist does next: the same drawing with another figure in it."""
    strokes = strokes_of(keypoints)
    frame = thing.data.layers[0].frames[0]
    if thing.type == "GPENCIL":
        for stroke, points in zip(frame.strokes, strokes, strict=True):
            stroke.points.foreach_set("co", np.asarray(points, np.float32).ravel())
        thing.data.update_tag()
    else:
        places = np.concatenate(strokes).astype(np.float32)
        frame.drawing.attributes["position"].data.foreach_set("vector", places.ravel())
        frame.drawing.tag_positions_changed()
    bpy.context.view_layer.update()


def switch_on(**choices):
    return bpy.ops.sketch2pose.live(action="ON", source="GREASE_PENCIL", view="CAMERA", **choices)


def look_until(done, seconds=30.0):
    """Do what Blender's timer does, until something is so; the longest that one look took, seconds."""
    end, longest = time.monotonic() + seconds, 0.0
    while not done():
        assert time.monotonic() < end, f"never came about; the panel says {operators.status.text!r}"
        begin = time.perf_counter()
        if live.session() is not None:
            live.session().tick()
        longest = max(longest, time.perf_counter() - begin)
        time.sleep(0.002)
    return longest


def follow():
    """Look until the bones have been written once more."""
    count = len(live.session().times)
    look_until(lambda: len(live.session().times) > count)


def the_armature():
    (found,) = [thing for thing in bpy.data.objects if thing.type == "ARMATURE"]
    return found


def lies_over(armature, keypoints, share=0.08):
    """Whether hands, feet and head are seen where they are drawn, within a share of the figure's height."""
    names = ["left_wrist", "right_wrist", "left_ankle", "right_ankle", "head"]
    seen = seen_by_blender(joints_in_blender(armature)[[JOINT_NAMES.index(name) for name in names]])
    drawn = seen_by_blender(keypoints[[KEYPOINT_NAMES.index(name) for name in names]])
    height = np.ptp(seen_by_blender(keypoints)[:, 1])
    return bool(np.linalg.norm(seen - drawn, axis=1).max() < share * height)


def hooks():
    handlers = bpy.app.handlers
    lists = (handlers.depsgraph_update_post, handlers.undo_post, handlers.redo_post, handlers.load_pre)
    return [hook for each in lists for hook in each if "Live" in getattr(hook, "__qualname__", "")]


# ------------------------------------------------------------------------------------------- when it asks


class Job:
    """A request that is answered when the test says so."""

    def __init__(self, number):
        self.number, self.answer, self.cancelled = number, None, False

    def poll(self):
        return self.answer

    def cancel(self):
        self.cancelled = True


@pytest.fixture
def asked():
    """A Latest on a clock of the test's own: (latest, clock, jobs)."""
    jobs, clock = [], [0.0]

    def ask():
        jobs.append(Job(len(jobs)))
        return jobs[-1]

    return Latest(ask, lambda: clock[0]), clock, jobs


def test_within_an_act_it_waits_for_a_pause(asked):
    latest, clock, jobs = asked
    for _ in range(20):  # a long stroke on a screen that is drawn slowly: one look between two moves
        latest.change(ended=False)
        clock[0] += 3 * PAUSE
        assert latest.poll() is None
    assert not jobs
    for _ in range(LOOKS):
        clock[0] += PAUSE / LOOKS
        latest.poll()
    assert len(jobs) == 1


def test_the_end_of_an_act_is_asked_about_at_once_and_what_was_asked_within_it_is_given_up(asked):
    latest, clock, jobs = asked
    latest.change(ended=False)
    clock[0] += PAUSE
    for _ in range(LOOKS):
        latest.poll()
    latest.change(ended=True)
    assert [job.cancelled for job in jobs] == [True, False]
    jobs[1].answer = "newest"
    assert latest.poll() == "newest"
    assert latest.poll() is None, "each answer is given once"


def test_however_fast_the_changes_are_one_request_is_on_its_way_and_the_last_change_wins(asked):
    latest, _, jobs = asked
    for _ in range(100):
        latest.change(ended=True)
        latest.poll()
    assert len(jobs) == 1
    jobs[0].answer = "first"
    assert latest.poll() == "first"
    assert latest.poll() is None
    assert len(jobs) == 2, "the last change is asked about"
    jobs[1].answer = "last"
    assert latest.poll() == "last"
    latest.poll()
    assert len(jobs) == 2


# ------------------------------------------------------------------------------------------- it follows


def test_the_armature_follows_the_drawing_in_place():
    keypoints = figure(WAVING)
    drawing = drawing_of(keypoints)
    assert switch_on() == {"FINISHED"}
    assert bpy.context.view_layer.objects.active is drawing, "what was active stays so"
    assert the_armature().hide_get(), "there is no pose yet"
    follow()
    armature = the_armature()
    assert not armature.hide_get()
    assert not armature.children[0].hide_get()
    assert lies_over(armature, keypoints)
    for arms in (RAISED, HANGING, WAVING):
        keypoints = figure(arms)
        redraw_strokes(drawing, keypoints)
        follow()
        assert the_armature() == armature
        assert lies_over(armature, keypoints)
    assert "follows Drawing" in operators.status.text


def test_an_answer_that_comes_soon_is_there_before_blender_draws():
    drawing = drawing_of(figure(WAVING))
    switch_on()
    follow()
    live.session()._patience = 30.0  # as with a window
    raised, hanging = figure(RAISED), figure(HANGING)
    redraw_strokes(drawing, raised)
    assert len(live.session().times) == 2, "the update itself has taken it"
    assert lies_over(the_armature(), raised)
    waited = []
    for _ in range(4):  # two answers too late, then one stroke that is not waited for, then one that is
        live.session()._patience = 0.0 if len(waited) < 2 else 30.0
        count = len(live.session().times)
        redraw_strokes(drawing, hanging)
        waited.append(len(live.session().times) > count)
        assert lies_over(the_armature(), hanging if waited[-1] else raised)
        if not waited[-1]:
            follow()
        hanging, raised = raised, hanging
    assert waited == [False, False, False, True]


def test_nothing_is_asked_when_nothing_has_changed():
    drawing_of(figure())
    switch_on()
    follow()
    the_armature().location.x += 0.1
    bpy.context.view_layer.update()
    bpy.context.active_object.data.update_tag()
    bpy.context.view_layer.update()
    end = time.monotonic() + 3 * PAUSE
    look_until(lambda: time.monotonic() > end)
    assert len(live.session().times) == 1


def test_switching_off_and_on_again_takes_the_same_armature():
    drawing = drawing_of(figure(WAVING))
    switch_on()
    follow()
    armature = the_armature()
    bpy.ops.sketch2pose.live(action="TOGGLE")
    assert live.session() is None
    assert not hooks()
    redraw_strokes(drawing, figure(RAISED))
    bpy.ops.sketch2pose.live(action="TOGGLE", source="GREASE_PENCIL", view="CAMERA")
    follow()
    assert the_armature() == armature
    assert lies_over(armature, figure(RAISED))


def test_switched_off_before_a_pose_nothing_stays_behind():
    frame = drawing_of(figure()).data.layers[0].frames[0]
    if bpy.app.version < (4, 3):
        frame.clear()
    else:
        frame.drawing.remove_strokes()
    switch_on()
    look_until(lambda: "no visible strokes" in operators.status.text)
    assert live.session() is not None, "it waits for strokes"
    bpy.ops.sketch2pose.live(action="OFF")
    assert not bpy.data.armatures
    assert len(bpy.data.objects) == 2, "the drawing and the camera"


def test_the_selected_armature_follows_and_keys_where_auto_key_is_on():
    keypoints = figure(RAISED)
    armature = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Mine")
    drawing_of(keypoints)
    armature.select_set(True)
    bpy.context.scene.tool_settings.use_keyframe_insert_auto = True
    switch_on(target="SELECTED", size="DRAWING")
    follow()
    assert lies_over(armature, keypoints)
    assert armature.animation_data.action is not None
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    redraw_strokes(bpy.data.objects["Drawing"], figure(HANGING))
    look_until(lambda: "edit mode" in operators.status.text)
    bpy.ops.object.mode_set(mode="OBJECT")
    redraw_strokes(bpy.data.objects["Drawing"], figure(WAVING))
    follow()
    assert lies_over(armature, figure(WAVING))


def test_other_things_around_the_figure_do_not_hide_it():
    keypoints = figure(RAISED)
    drawing = drawing_of(keypoints)
    ground = np.stack([np.linspace(-4, 4, 60), np.zeros(60), np.full(60, -0.3)], -1)
    grease_pencil([ground, ground - (0, 0, 0.1)], layer="Ground", thing=drawing)
    switch_on()
    follow()
    assert lies_over(the_armature(), keypoints)


@pytest.mark.skipif((4, 3) <= bpy.app.version < (5, 2), reason="Python cannot draw annotations there")
def test_annotations_are_followed():
    keypoints = figure(RAISED)
    camera()
    scene = bpy.context.scene
    kind = "annotations" if hasattr(bpy.data, "annotations") else "grease_pencils"
    data = getattr(bpy.data, kind).new("Notes")
    setattr(scene, "annotation" if hasattr(scene, "annotation") else "grease_pencil", data)
    frame = data.layers.new("Note").frames.new(scene.frame_current)

    def add(points):
        stroke = frame.strokes.new()
        stroke.display_mode = "3DSPACE"
        stroke.points.add(len(points))
        stroke.points.foreach_set("co", np.asarray(points, np.float32).ravel())

    bpy.ops.sketch2pose.live(action="ON", source="ANNOTATION", view="CAMERA")
    for points in strokes_of(keypoints):
        add(points)
    follow()
    assert lies_over(the_armature(), keypoints)


# ------------------------------------------------------------------------------------------------- undo


def undo(count=1):
    """Undo, so many times."""
    for _ in range(count):
        bpy.ops.ed.undo()
        bpy.context.view_layer.update()


def test_one_undo_takes_a_stroke_back_and_the_pose_follows():
    bpy.context.preferences.edit.use_global_undo = True
    drawing_of(figure(HANGING))
    bpy.ops.ed.undo_push(message="drawn")
    switch_on()
    bpy.ops.ed.undo_push(message="Live")  # Blender does so after an operator that a person calls
    follow()
    for arms in (WAVING, RAISED):
        redraw_strokes(bpy.data.objects["Drawing"], figure(arms))
        bpy.ops.ed.undo_push(message="stroke")  # as the brush does
        follow()
    assert lies_over(the_armature(), figure(RAISED))
    for step, arms in enumerate((WAVING, HANGING)):
        undo()
        follow()
        assert lies_over(the_armature(), figure(arms)), f"after undo {step + 1}"
    bpy.ops.ed.redo()
    bpy.context.view_layer.update()
    follow()
    assert lies_over(the_armature(), figure(WAVING))
    undo(2)  # the stroke, and Live with its armature
    look_until(lambda: live.session() is None)
    assert not bpy.data.armatures
    assert operators.status.text == "The armature was removed, so Live was switched off."


# ------------------------------------------------------------------------------------------ how it ends


@pytest.mark.parametrize("what", ["drawing", "armature"])
def test_it_ends_when_one_of_the_two_is_deleted(what):
    drawing = drawing_of(figure())
    switch_on()
    follow()
    bpy.data.objects.remove(drawing if what == "drawing" else the_armature())
    look_until(lambda: live.session() is None)
    assert operators.status.text == f"The {what} was removed, so Live was switched off."
    assert not hooks()


@pytest.mark.parametrize("posed", [False, True])
def test_it_ends_when_another_file_is_opened(posed):
    drawing_of(figure())
    switch_on()
    if posed:
        follow()
    bpy.ops.wm.read_homefile(use_empty=True)
    assert live.session() is None
    assert not hooks()


def test_it_ends_when_the_extension_is_switched_off(extension):
    drawing_of(figure())
    switch_on()
    follow()
    timer = live.session()._timer
    assert bpy.app.timers.is_registered(timer)
    extension.unregister()
    try:
        assert live.session() is None
        assert not hooks()
        assert not bpy.app.timers.is_registered(timer)
        assert not client._clients
    finally:
        extension.register()


def test_a_pose_program_that_was_killed_is_started_anew():
    drawing = drawing_of(figure(WAVING))
    switch_on()
    follow()
    (poser,) = client._clients.values()
    os.kill(poser.pid, signal.SIGKILL)
    redraw_strokes(drawing, figure(RAISED))
    follow()
    assert lies_over(the_armature(), figure(RAISED))


def fake_program(tmp_path, monkeypatch, answer):
    """A pose program that listens and then does ``answer`` with each connection."""
    program = tmp_path / "program.py"
    program.write_text(
        "import json, os, socket, sys, time\n"
        "sys.stdin.readline()\n"
        "listener = socket.socket(); listener.bind(('127.0.0.1', 0)); listener.listen()\n"
        "print(json.dumps({'protocol': 1, 'version': 'x', 'port': listener.getsockname()[1]}), flush=True)\n"
        "lines = []\n"
        "while True:\n"
        "    lines.append(listener.accept()[0])\n"
        f"    {answer}\n"
    )
    client.shut_down()
    monkeypatch.setattr(client, "_BOOTSTRAP", program)


def test_a_pose_program_that_dies_each_time_ends_it_in_one_sentence(tmp_path, monkeypatch):
    fake_program(tmp_path, monkeypatch, "os._exit(3)")
    drawing_of(figure())
    switch_on()
    look_until(lambda: live.session() is None)
    sentence = operators.status.text
    assert "exit code 3" in sentence
    assert sentence.endswith("Live was switched off.")
    assert "\n" not in sentence
    assert not bpy.data.armatures, "the armature that waited is gone"


def test_a_pose_program_that_never_answers_holds_nothing_up(tmp_path, monkeypatch):
    fake_program(tmp_path, monkeypatch, "pass")
    drawing = drawing_of(figure())
    switch_on()
    count = 0

    def drawn_on():
        nonlocal count
        count += 1
        redraw_strokes(drawing, figure((0.02 * count, 1.0)))
        return count > 50

    look_until(lambda: time.sleep(0.05) or live.session()._latest.job is not None)
    longest = look_until(drawn_on)
    assert longest < 0.05
    assert live.session() is not None


def test_what_cannot_be_followed_is_refused_in_one_sentence():
    with pytest.raises(RuntimeError, match="There is no grease pencil drawing, or more than one"):
        switch_on()
    with pytest.raises(RuntimeError, match="choose one of these sources"):
        bpy.ops.sketch2pose.live(action="ON", source="FILE")
    drawing_of(figure())
    with pytest.raises(RuntimeError, match="No armature is selected"):
        switch_on(target="SELECTED")
    assert live.session() is None
    assert not hooks()
    assert bpy.ops.sketch2pose.live(action="OFF") == {"FINISHED"}
    assert len(bpy.data.objects) == 2
