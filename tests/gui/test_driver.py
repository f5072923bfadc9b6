"""The driver itself: what mouse and keyboard do arrives in Blender, where it was meant."""

from pathlib import Path

import pytest
from blender_window import SCREENSHOTS

DRAWING = Path(__file__).parents[2] / "examples" / "stick_wave.png"


def test_keys_arrive_where_the_pointer_is(window):
    window.open_sidebar()
    window.move(500, 400)
    window.key("n")
    assert not window.run("view3d()['space_data'].show_region_ui")


def test_a_dragged_object_follows_the_pointer(window):
    window.run("""
empty = bpy.data.objects.new("Dragged", None)
bpy.context.scene.collection.objects.link(empty)
view3d()["space_data"].region_3d.view_perspective = "ORTHO"
empty.select_set(True)
bpy.context.view_layer.objects.active = empty
""")
    window.redraw()
    ((x, y),) = window.at_world([(0, 0, 0)])
    window.move(x, y)
    window.key("g")
    window.move(x + 60, y - 40)
    window.click(x + 60, y - 40)
    ((new_x, new_y),) = window.at_world([window.run("empty.location")])
    assert (new_x - x, new_y - y) == pytest.approx((60, -40), abs=2)


def test_a_button_of_the_panel_poses_an_armature(window):
    """The extension as installed from its zip, with its own wheels; the drawing is chosen by Python."""
    window.run(f"bpy.context.scene.sketch2pose.image = bpy.data.images.load({window.send(DRAWING)!r})")
    window.open_sidebar("Sketch2Pose")
    assert window.run("len(bpy.data.armatures)") == 0
    window.screenshot(SCREENSHOTS / "driver_chosen.png")
    window.click_button("sketch2pose.pose_new")
    window.wait_until("len(bpy.data.armatures) == 1")
    # The left arm is raised to wave; at rest it is level.
    lifted = window.run("""
pose = bpy.context.active_object.pose
bpy.context.view_layer.update()
max((pose.bones[f"{side}_wrist"].head - pose.bones[f"{side}_shoulder"].head).z for side in ("left", "right"))
""")
    assert lifted > 0.1
    window.move(500, 400)
    window.key("KP_1", "KP_Decimal")  # from the front, as large as the view
    assert window.screenshot(SCREENSHOTS / "driver_posed.png").stat().st_size > 10_000
    x, y = window.run(
        "(lambda r, w: (r.x + r.width / 3, w.height - r.y - r.height / 2))"
        "(view3d('UI')['region'], view3d()['window'])"
    )
    window.click(x, y, 5, times=40)  # the wheel: down to the panel's last parts
    window.screenshot(SCREENSHOTS / "driver_key_and_export.png")
    window.move(500, 400)
    window.key("ctrl+z")
    window.wait_until("len(bpy.data.armatures) == 0")
