"""Copying an animation in the window, and one Ctrl+Z that takes all of it back."""

from blender_window import SCREENSHOTS

#: An SMPL armature with two keys, and a rig with Mixamo's names that has a key of its own; the rig is active.
SETUP = """
import importlib, sys
import numpy as np
from mathutils import Quaternion, Vector
root = next(name for name in sys.modules if name.endswith("sketch2pose") and name.startswith("bl_ext"))
def part(name):
    return importlib.import_module(f"{root}.{name}")
body = part("core.boundary").load_body()
source = part("rig.armature").build_character(bpy.context, body, np.zeros(10, np.float32), "Source")
for frame, angle in ((1, 0.2), (10, -0.9)):
    for name in ("left_shoulder", "right_hip", "spine1"):
        bone = source.pose.bones[name]
        bone.rotation_mode = "QUATERNION"
        bone.rotation_quaternion = Quaternion((1, 0.3, 0.2), angle)
        bone.keyframe_insert("rotation_quaternion", frame=frame)
MIDDLE = ("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head")
ARM, LEG = ("Shoulder", "Arm", "ForeArm", "Hand"), ("UpLeg", "Leg", "Foot", "ToeBase")
data = bpy.data.armatures.new("Rig")
rig = bpy.data.objects.new("Rig", data)
bpy.context.scene.collection.objects.link(rig)
with bpy.context.temp_override(**view3d()):
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    def bone(name, head, parent):
        made = data.edit_bones.new("mixamorig:" + name)
        made.head, made.tail = head, Vector(head) + Vector((0, 0, 0.05))
        made.parent = data.edit_bones.get("mixamorig:" + parent)
    for number, name in enumerate(MIDDLE):
        bone(name, (0, 0, 1 + 0.12 * number), MIDDLE[number - 1] if number else "")
    for side, sign in (("Left", 1), ("Right", -1)):
        for number, name in enumerate(ARM):
            bone(side + name, (sign * (0.05 + 0.2 * number), 0, 1.4), side + ARM[number - 1] if number else "Spine2")
        for number, name in enumerate(LEG):
            bone(side + name, (sign * 0.1, -0.1 * (number == 3), max(0.0, 0.95 - 0.43 * number)),
                 side + LEG[number - 1] if number else "Hips")
    bpy.ops.object.mode_set(mode="OBJECT")
rig.location.x = 1.5
arm = rig.pose.bones["mixamorig:LeftArm"]
arm.rotation_mode = "XYZ"
arm.rotation_euler = (0.1, 0.2, 0.3)
arm.keyframe_insert("rotation_euler", frame=40)
for thing in bpy.data.objects:
    thing.select_set(thing in (source, rig))
def curves(action):
    if hasattr(action, "fcurves"):
        return list(action.fcurves)
    return [c for layer in action.layers for strip in layer.strips for bag in strip.channelbags for c in bag.fcurves]
def everything():
    bpy.context.view_layer.update()
    things = {
        thing.name: [
            [list(row) for row in thing.matrix_world],
            thing.animation_data.action.name if thing.animation_data and thing.animation_data.action else "",
            {b.name: [b.rotation_mode, *(list(row) for row in b.matrix_basis)] for b in thing.pose.bones}
            if thing.pose else {},
        ]
        for thing in bpy.data.objects
    }
    actions = {
        action.name: sorted((c.data_path, c.array_index, [list(p.co) for p in c.keyframe_points]) for c in curves(action))
        for action in bpy.data.actions
    }
    return [things, actions, [s.name for s in bpy.data.scenes], bpy.context.scene.frame_current, bpy.context.object.name]
# The panel lies closed at first; here it lies open.
panel = part("ui.export_menu").SKETCH2POSE_PT_export
bpy.utils.unregister_class(panel)
panel.bl_options = set()
bpy.utils.register_class(panel)
with bpy.context.temp_override(**view3d()):
    bpy.ops.ed.undo_push(message="made")
"""


def test_one_undo_takes_a_copied_animation_back(window):
    window.run(SETUP, timeout=120)
    before = window.run("everything()")
    window.open_sidebar("Sketch2Pose")
    x, y = window.run(
        "(lambda r, w: (r.x + r.width / 3, w.height - r.y - r.height / 2))"
        "(view3d('UI')['region'], view3d()['window'])"
    )
    window.click(x, y, 5, times=15)  # the wheel scrolls to the panel
    window.redraw()
    window.click_button("sketch2pose.retarget", across=0.4)
    window.redraw()
    window.screenshot(SCREENSHOTS / "retarget_dialog.png")
    window.key("Return")
    window.wait_until("len(curves(bpy.data.objects['Rig'].animation_data.action)) > 10")
    copied = window.run("everything()")
    assert copied != before
    assert (
        len(window.run("[c.data_path for c in curves(bpy.data.objects['Rig'].animation_data.action)]")) > 60
    )
    window.screenshot(SCREENSHOTS / "retarget_copied.png")
    window.move(500, 400)
    window.key("ctrl+z")
    window.settle(5)
    assert window.run("everything()") == before
    window.key("ctrl+shift+z")
    window.settle(5)
    assert window.run("everything()") == copied
