"""Key and Keep in the window: the slider dragged, the buttons pressed, the asset clicked in Blender's own shelf; bones read back."""

from pathlib import Path

import numpy as np
import pytest
from blender_window import SCREENSHOTS

EXAMPLES = Path(__file__).parents[2] / "examples"

#: A part of the slider's data path.
SLIDER = "sketch2pose_blend_factor"
#: Names for the asks below.
SETUP = """
def turns():
    return {bone.name: list(bone.matrix_basis.to_quaternion()) for bone in bpy.context.active_object.pose.bones}
def heads():
    bpy.context.view_layer.update()
    return {bone.name: list(bone.head) for bone in bpy.context.active_object.pose.bones}
"""


@pytest.fixture
def posed(window):
    """An armature posed from one drawing and then from another, seen from the front, with the panel open."""
    for drawing in ("stick_wave.png", "mannequin_lunge.png"):
        window.send(EXAMPLES / drawing)
    folder = window.inside(window.folder)
    window.open_sidebar("Sketch2Pose")
    window.run(
        f"""
# xdotool tells places; Blender would hold the pointer still while a number is dragged.
bpy.context.preferences.inputs.use_mouse_continuous = False
scene = bpy.context.scene
with bpy.context.temp_override(**view3d()):
    scene.sketch2pose.image = bpy.data.images.load("{folder}/stick_wave.png")
    bpy.ops.sketch2pose.pose_new()
    scene.sketch2pose.image = bpy.data.images.load("{folder}/mannequin_lunge.png")
    bpy.ops.sketch2pose.pose_selected()
    bpy.ops.view3d.view_axis(type="FRONT")
    view3d()["space_data"].region_3d.view_perspective = "ORTHO"
    bpy.ops.view3d.view_selected()
    bpy.ops.ed.undo_push(message="posed")
"""
        + SETUP,
        timeout=180,
    )
    window.redraw()
    open_panel(window)
    return window


def open_panel(window):
    """Scroll the sidebar down and click the panel's header, which is one of the last."""
    x, middle, bottom = window.run(
        "(lambda r, w: (r.x + r.width / 3, w.height - r.y - r.height / 2, w.height - r.y))"
        "(view3d('UI')['region'], view3d()['window'])"
    )
    for row in range(1, 8):
        window.click(x, middle, 5, times=40)
        window.redraw()
        header = bottom - 13 - 26 * row
        window.click(x, header)
        window.redraw()
        window.click(x, middle, 5, times=40)
        window.redraw()
        try:
            window.find_button(SLIDER, across=0.4)
            return
        except AssertionError:
            # It was another panel's; close it again.
            window.click(x, middle, 5, times=40)
            window.click(x, header)
    raise AssertionError("no header opened the panel")


def apart(before, after):
    """Bone -> degrees between two poses."""
    cosines = {name: abs(np.dot(turn, after[name])) for name, turn in before.items()}
    return {name: float(np.degrees(2 * np.arccos(min(cosine, 1.0)))) for name, cosine in cosines.items()}


def highest_hand(places):
    """How far the higher wrist is above its elbow, metres."""
    return max(places[f"{side}_wrist"][2] - places[f"{side}_elbow"][2] for side in ("left", "right"))


def drag_slider(window, to):
    """Drag the slider a way along the panel's width; its value."""
    x, y = window.find_button(SLIDER, across=0.6)
    width = window.run("view3d('UI')['region'].width")
    window.move(x, y)
    window.press()
    for step in range(1, 9):
        window.move(x + to * width * step / 8, y)
    window.redraw()
    return x + to * width, y


def test_the_slider_leads_back_to_the_pose_before(posed):
    new, before = posed.run("turns()"), posed.run("heads()")
    drag_slider(posed, -0.25)
    during = posed.run("turns()")
    assert max(apart(new, during).values()) > 5, "bones follow while the mouse is down"
    posed.screenshot(SCREENSHOTS / "keep_blend.png")
    posed.release()
    posed.settle()
    half = posed.run("bpy.context.active_object.sketch2pose_blend_factor")
    assert 0.2 < half < 0.9
    assert posed.run("turns()") == during
    drag_slider(posed, -1.1)
    posed.release()
    posed.settle()
    assert posed.run("bpy.context.active_object.sketch2pose_blend_factor") == 0
    waving = posed.run("turns()")
    # The stick figure waves, a hand high over its elbow; the mannequin does not.
    lifted, before_lifted = highest_hand(posed.run("heads()")), highest_hand(before)
    assert lifted > 0.15 > before_lifted
    # Every bone was on the shortest way from one to the other.
    whole, gone = apart(waving, new), apart(waving, during)
    for name, way in whole.items():
        assert gone[name] == pytest.approx(half * way, abs=0.2), name
    posed.move(500, 600)
    posed.key("ctrl+z")
    assert max(apart(posed.run("turns()"), during).values()) < 0.1, "a drag is one undo step"
    posed.key("ctrl+z")
    assert max(apart(posed.run("turns()"), new).values()) < 0.1


def test_selected_bones_alone(posed):
    posed.run("""
with bpy.context.temp_override(**view3d()):
    bpy.ops.object.mode_set(mode="POSE")
    figure = bpy.context.active_object
    for bone in figure.pose.bones if bpy.app.version >= (5, 0) else figure.data.bones:
        bone.select = bone.name in ("left_shoulder", "left_elbow")
    bpy.ops.ed.undo_push(message="selected")
""")
    new = posed.run("turns()")
    posed.click_button("sketch2pose_keep.selected_only", across=0.3)
    assert posed.run("bpy.context.scene.sketch2pose_keep.selected_only")
    drag_slider(posed, -0.5)
    posed.release()
    posed.settle()
    moved = {name for name, angle in apart(new, posed.run("turns()")).items() if angle > 0.5}
    assert moved == {"left_shoulder", "left_elbow"}
    posed.screenshot(SCREENSHOTS / "keep_selected.png")
    posed.click_button("sketch2pose.key_pose")
    curves = posed.run("""
action = bpy.context.active_object.animation_data.action
holder = action if not hasattr(action, "slots") else action.layers[0].strips[0].channelbag(action.slots[0])
sorted({curve.data_path.split('"')[1] for curve in holder.fcurves})
""")
    assert curves == ["left_elbow", "left_shoulder"]


def test_the_mirror_button(posed):
    before = posed.run("heads()")
    posed.click_button("sketch2pose.mirror_pose")
    after = posed.run("heads()")
    for side, other in (("left", "right"), ("right", "left")):
        for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle")):
            way = np.array(before[f"{side}_{b}"]) - before[f"{side}_{a}"]
            now = np.array(after[f"{other}_{b}"]) - after[f"{other}_{a}"]
            cosine = (now * (-1, 1, 1)) @ way / np.linalg.norm(now) / np.linalg.norm(way)
            assert np.degrees(np.arccos(min(cosine, 1.0))) < 0.1
    posed.screenshot(SCREENSHOTS / "keep_mirrored.png")
    posed.move(500, 600)
    posed.key("ctrl+z")
    assert posed.run("heads()")["left_wrist"] == pytest.approx(before["left_wrist"], abs=1e-5)


def test_an_asset_is_saved_by_the_dialog_and_applied_in_blenders_shelf(posed):
    posed.click_button("sketch2pose.save_pose_asset")
    posed.redraw()
    posed.screenshot(SCREENSHOTS / "keep_dialog.png")
    posed.key("Return")
    posed.wait_until("'mannequin_lunge' in bpy.data.actions")
    assert posed.run("bpy.data.actions['mannequin_lunge'].asset_data is not None")
    expected = posed.run("turns()")
    posed.run("""
with bpy.context.temp_override(**view3d()):
    bpy.ops.object.mode_set(mode="POSE")
    for bone in bpy.context.active_object.pose.bones:
        bone.matrix_basis.identity()
    bpy.ops.pose.select_all(action="DESELECT")
    view3d()["space_data"].show_region_ui = False
""")
    posed.redraw()
    posed.run("view3d()['space_data'].show_region_asset_shelf = True")
    posed.redraw()
    posed.wait_until("view3d('ASSET_SHELF')['region'].height > 50")
    posed.settle(20)
    posed.screenshot(SCREENSHOTS / "keep_shelf.png")
    assert max(apart(posed.run("turns()"), expected).values()) > 20
    x, y = posed.run("""
place = view3d("ASSET_SHELF")
(place["region"].x, place["window"].height - place["region"].y - place["region"].height)
""")
    posed.click(x + 50, y + 50)
    posed.settle(10)
    posed.screenshot(SCREENSHOTS / "keep_applied.png")
    assert max(apart(posed.run("turns()"), expected).values()) < 0.1
