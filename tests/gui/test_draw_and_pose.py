"""A stick figure is drawn with the mouse as grease pencil strokes (4.3 and later), and a button poses it there."""

from itertools import pairwise

import numpy as np
from blender_window import SCREENSHOTS

#: Pixels from one place of the pointer to the next.
_STEP = 25
#: Strokes in pixels from the middle of the view, y down: head, trunk, arms (the one on the right waves), legs.
HEAD = [(38 * np.sin(a), -205 - 38 * np.cos(a)) for a in np.linspace(0, 2 * np.pi, 17)]
STROKES = [
    HEAD,
    [(0, -166), (0, -100), (0, -20)],
    [(0, -140), (55, -130), (105, -150), (135, -215)],
    [(0, -140), (-50, -110), (-90, -50), (-95, 5)],
    [(0, -20), (35, 70), (60, 170), (85, 178)],
    [(0, -20), (-35, 70), (-55, 170), (-80, 178)],
]


def blank_drawing(window):
    """A blank grease pencil in draw mode in the front view; the middle of the view."""
    window.run("""
with bpy.context.temp_override(**view3d()):
    bpy.ops.object.grease_pencil_add(type="EMPTY")
    drawing = bpy.context.active_object
    bpy.ops.view3d.view_axis(type="FRONT")
    view3d()["space_data"].region_3d.view_location = (0, 0, 1)
    view3d()["space_data"].region_3d.view_distance = 6.0
    bpy.ops.object.mode_set(mode="PAINT_GREASE_PENCIL")
""")
    window.redraw()
    window.settle(10)
    (place,) = window.at_world([(0, 0, 1)])
    return place


def draw_stroke(window, middle, stroke):
    """Draw by mouse; the stroke's points are pixels from the middle of the view."""
    points = np.array(stroke) + middle
    steps = [
        a + (b - a) * t
        for a, b in pairwise(points)
        for t in np.arange(0, 1, min(1, _STEP / np.linalg.norm(b - a)))
    ]
    window.drag([*steps, points[-1]])


def draw_figure(window):
    """A blank drawing, then the strokes by mouse; the middle of the view."""
    middle = blank_drawing(window)
    for number, stroke in enumerate(STROKES, 1):
        draw_stroke(window, middle, stroke)
        window.wait_until(
            f"drawing.data.layers[0].frames[0].drawing and "
            f"len(drawing.data.layers[0].frames[0].drawing.strokes) == {number}",
            timeout=30,
        )
    return middle


def test_a_drawn_figure_is_posed_where_it_is_drawn(window):
    x, y = draw_figure(window)
    window.open_sidebar("Sketch2Pose")
    window.screenshot(SCREENSHOTS / "drawn.png")
    window.click_button("sketch2pose.pose_drawing", across=0.25)  # beside it is Live
    window.wait_until("any(o.type == 'ARMATURE' for o in bpy.data.objects)")
    joints = window.run("""
armature = next(o for o in bpy.data.objects if o.type == "ARMATURE")
bpy.context.view_layer.update()
{bone.name: list(armature.matrix_world @ bone.head) for bone in armature.pose.bones}
""")
    names = ["pelvis", "left_wrist", "right_wrist", "left_ankle", "right_ankle", "left_elbow", "neck"]
    seen = dict(zip(names, np.array(window.at_world([joints[n] for n in names])) - (x, y), strict=True))
    window.screenshot(SCREENSHOTS / "drawn_and_posed.png")
    height = 400
    # Facing the viewer, the figure's own left is on the viewer's right: that arm waves.
    for name, drawn in {
        "pelvis": (0, -20), "left_wrist": (125, -205), "right_wrist": (-95, 0), "left_ankle": (60, 170),
        "right_ankle": (-55, 170), "left_elbow": (95, -145),
    }.items():  # fmt: skip
        assert np.linalg.norm(seen[name] - drawn) < 0.15 * height, name
    assert seen["left_wrist"][1] < seen["neck"][1] < seen["right_wrist"][1]
    window.move(500, 500)
    window.key("ctrl+z")
    window.wait_until("not any(o.type == 'ARMATURE' for o in bpy.data.objects)")
    strokes = "next(o for o in bpy.data.objects if o.type == 'GREASEPENCIL').data.layers[0].frames[0].drawing.strokes"
    assert window.run(f"len({strokes})") == len(STROKES)


def test_annotations_are_posed_where_they_are_drawn(window):
    """Drawn by mouse on every Blender: from 4.3 to 5.1 Python cannot make annotations."""
    middle = blank_drawing(window)
    window.run("""
with bpy.context.temp_override(**view3d()):
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.data.objects.remove(drawing)
    bpy.ops.wm.tool_set_by_id(name="builtin.annotate")
scene = bpy.context.scene
scene.tool_settings.annotation_stroke_placement_view3d = "CURSOR"
scene.sketch2pose_capture.source = "ANNOTATION"
def strokes():
    data = scene.annotation if hasattr(scene, "annotation") else scene.grease_pencil
    return len(data.layers[0].frames[0].strokes) if data and data.layers and data.layers[0].frames else 0
""")
    window.redraw()
    for number, stroke in enumerate(STROKES, 1):
        draw_stroke(window, middle, stroke)
        window.wait_until(f"strokes() == {number}", timeout=30)
    window.open_sidebar("Sketch2Pose")
    window.click_button("sketch2pose.pose_drawing", across=0.25)  # beside it is Live
    window.wait_until("any(o.type == 'ARMATURE' for o in bpy.data.objects)")
    joints = window.run("""
armature = next(o for o in bpy.data.objects if o.type == "ARMATURE")
bpy.context.view_layer.update()
{bone.name: list(armature.matrix_world @ bone.head) for bone in armature.pose.bones}
""")
    names = ["left_wrist", "right_wrist", "left_ankle", "right_ankle"]
    seen = np.array(window.at_world([joints[n] for n in names])) - middle
    window.screenshot(SCREENSHOTS / "annotations_posed.png")
    for place, drawn in zip(seen, [(125, -205), (-95, 0), (60, 170), (-55, 170)], strict=True):
        assert np.linalg.norm(place - drawn) < 60
