"""Live in the window: strokes drawn by mouse, an armature that follows, undo by the keyboard, and how long it takes."""

import os

import numpy as np
from blender_window import SCREENSHOTS
from test_draw_and_pose import HEAD, STROKES, blank_drawing, draw_stroke

#: Names for the asks below.
SETUP = """
import importlib, sys
root = next(name for name in sys.modules if name.endswith("sketch2pose") and name.startswith("bl_ext"))
live = importlib.import_module(f"{root}.ui.live")
status = importlib.import_module(f"{root}.ui.operators").status
def places():
    armature = next(o for o in bpy.data.objects if o.type == "ARMATURE")
    bpy.context.view_layer.update()
    return {bone.name: list(armature.matrix_world @ bone.head) for bone in armature.pose.bones}
def turns():
    armature = next(o for o in bpy.data.objects if o.type == "ARMATURE")
    return {bone.name: list(bone.rotation_quaternion) for bone in armature.pose.bones}
def written():
    return len(live.session().times)
def strokes():
    return len(drawing.data.layers[0].frames[0].drawing.strokes)
"""
#: From the stroke's end to bones written, milliseconds.
MOST = 150


def seen(window, middle, *joints):
    """Where joints are on the screen, pixels from the middle of the view."""
    places = window.run("places()")
    return np.array(window.at_world([places[joint] for joint in joints])) - middle


def at_rest(window):
    """Wait until nothing is asked any more; the rotations of all bones."""
    window.wait_until("live.session()._latest.job is None and live.session()._latest._changed is None")
    window.settle()
    return window.run("turns()")


def differ(before, after):
    return {
        name for name, turn in before.items() if abs(np.dot(turn, after[name])) < np.cos(np.radians(3) / 2)
    }


def test_the_armature_follows_what_the_mouse_draws(window):
    middle = blank_drawing(window)
    window.run(SETUP)
    window.open_sidebar("Sketch2Pose")
    window.click_button("sketch2pose.live", across=0.75)
    assert window.run("live.session() is not None and bpy.context.mode") == "PAINT_GREASE_PENCIL"
    assert window.run("all(o.hide_get() for o in bpy.data.objects if o.type == 'ARMATURE')")
    for number, stroke in enumerate(STROKES, 1):
        draw_stroke(window, middle, stroke)
        window.wait_until(f"strokes() == {number}")
    window.wait_until("written() > 0")
    first = at_rest(window)
    (wrist,) = seen(window, middle, "left_wrist")
    assert np.linalg.norm(wrist - (125, -205)) < 60, "the arm that waves"
    window.screenshot(SCREENSHOTS / "live_figure.png")

    # The other arm is drawn anew: raised, where it hung.
    window.move(500, 700)
    window.run("""
drawing.data.layers[0].frames[0].drawing.remove_strokes(indices=[3])
with bpy.context.temp_override(**view3d()):
    bpy.ops.ed.undo_push(message="Erase")
""")
    draw_stroke(window, middle, [(0, -140), (-55, -130), (-105, -150), (-135, -215)])
    window.wait_until(f"strokes() == {len(STROKES)}")
    raised = at_rest(window)
    assert "right_shoulder" in differ(first, raised)
    assert np.linalg.norm(seen(window, middle, "right_wrist")[0] - (-125, -205)) < 60
    window.screenshot(SCREENSHOTS / "live_raised.png")
    assert window.run("len(bpy.data.armatures)") == 1

    # A stroke that changes the pose is one undo step, and the pose follows there and back.
    window.key("ctrl+z")
    window.wait_until(f"strokes() == {len(STROKES) - 1}")
    assert differ(raised, at_rest(window))
    window.key("ctrl+shift+z")
    window.wait_until(f"strokes() == {len(STROKES)}")
    assert not differ(raised, at_rest(window))

    # Switched off, strokes are only strokes; the last pose stays, and is what undo goes back to.
    window.click_button("sketch2pose.live", across=0.75)
    assert window.run("live.session() is None")
    draw_stroke(window, middle, [(-50, 210), (50, 210)])
    window.wait_until(f"strokes() == {len(STROKES) + 1}")
    window.key("ctrl+z")
    window.wait_until(f"strokes() == {len(STROKES)}")
    assert not differ(raised, window.run("turns()"))


def test_how_long_it_takes_from_the_end_of_a_stroke(window):
    """In a small window: this machine draws the screen by its processor, and slowly."""
    middle = blank_drawing(window)
    window.run(SETUP)
    window.run("view3d()['space_data'].show_region_ui = False")
    window.hand("search", "--onlyvisible", "--name", "Blender", "windowsize", "720", "520")
    window.settle(5)
    window.redraw()
    (middle,) = window.at_world([(0, 0, 1)])
    scale = 0.5
    window.run("with bpy.context.temp_override(**view3d()):\n    bpy.ops.sketch2pose.live(action='ON')")
    for stroke in [HEAD, *STROKES[1:]]:
        draw_stroke(window, middle, scale * np.array(stroke))
    window.wait_until("written() > 0")
    window.run("""
def worked():  # seconds of the processor that the pose program has used
    fields = open(f"/proc/{poser.pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
import os
(poser,) = importlib.import_module(f"{root}.core.client")._clients.values()
""")
    ends, worked = [], window.run("worked()")
    for number in range(32):
        at_rest(window)
        window.run("live.session().times.clear()")
        angle = number * 2 * np.pi / 32
        x, y = scale * np.array((135, -215)) + middle
        window.move(x, y)
        window.press()
        # The last move and the release together: what was drawn before a pause would have been posed by then.
        to = (str(round(x + 14 * np.cos(angle))), str(round(y + 14 * np.sin(angle))))
        end = window.hand("mousemove", *to, "mouseup", "1")
        window.wait_until("written() and live.session().times[-1].drawn")
        times = window.run("vars(live.session().times[-1])")
        steps = ("changed", "asked", "shown", "answered", "written", "drawn")
        ends.append([*(1000 * (times[step] - end) for step in steps), 1000 * times["busy"]])
    changed, asked, shown, answered, written, drawn, busy = np.array(ends).T
    # Where the answer came before Blender drew the stroke, both were drawn together, after the bones were written.
    before = shown < 0
    shown[before] = asked[before]
    own = written - (shown - asked)
    posing = 1000 * (window.run("worked()") - worked) / len(ends)

    def told(what, values):
        if len(values):
            print(f"{what}: median {np.median(values):.0f}, worst {values.max():.0f} ms")

    print(
        f"\n{len(ends)} strokes, {os.getloadavg()[0]:.0f} programs at work on {os.cpu_count()} cores; from the release:"
    )
    told("to bones written", written)
    told("of this, until Blender tells of the change", changed)
    told("reading and sending", asked - changed)
    print(f"the answer came before the stroke was drawn: {before.mean():.0%}")
    told("else Blender draws the stroke, while the drawing is posed elsewhere", (shown - asked)[~before])
    told("then until the answer is taken", answered - shown)
    told("writing", written - answered)
    told("all of it without drawing", own)
    told("drawing the pose, after the bones are written", drawn - written)
    told("processor time of it in Blender's thread", busy)
    print(f"processor time in the pose program: mean {posing:.0f} ms a stroke")
    assert np.median(busy) < 50
    # Where programs wait for each other, the clock tells of them.
    assert os.getloadavg()[0] > os.cpu_count() or np.median(own) < MOST
