"""A storyboard in a real window: imported through the file browser, posed beside Blender, cancelled, clicked, undone."""

import json
import shutil
import time
from pathlib import Path

import pytest
from blender_window import SCREENSHOTS
from correcting import SETUP, changed

PICTURES = Path(__file__).parents[2] / "examples" / "storyboard"
STATES = "[panel.state for panel in bpy.context.scene.sketch2pose_storyboard.panels]"
ARMATURES = "[o.name for o in bpy.data.objects if o.type == 'ARMATURE']"


@pytest.fixture
def project(window, tmp_path):
    """A Storyboarder project of the example panels and one that is missing, as Blender sees it."""
    folder = tmp_path / "balloon"
    (folder / "images").mkdir(parents=True)
    boards = []
    for number, picture in enumerate(sorted(PICTURES.glob("*.png"))):
        shutil.copy(picture, folder / "images")
        boards.append({"url": picture.name, "shot": f"{number // 2 + 1}A", "time": 1000 * number})
    boards.append({"url": "missing.png", "shot": "4A", "time": 6000})
    (folder / "balloon.storyboarder").write_text(json.dumps({"boards": boards}))
    inside = window.send(folder, f"balloon-{time.monotonic_ns()}")
    # The panel lies closed at first, and in the middle; here it lies open, and last.
    window.run("""
panel = bpy.types.SKETCH2POSE_PT_storyboard
bpy.utils.unregister_class(panel)
panel.bl_options = set()
bpy.utils.register_class(panel)
""")
    window.open_sidebar("Sketch2Pose")
    scroll_down(window)
    return f"{inside}/balloon.storyboarder"


def scroll_down(window):
    left, top, width, height = window.rectangle("VIEW_3D", "UI")
    window.click(left + width / 3, top + height / 2, 5, times=30)
    window.redraw()


def test_a_storyboard_from_the_file_browser_to_keys_and_back(window, project):
    window.click_button("sketch2pose.import_storyboard")
    # The browser is its own window; what is chosen there is set as a click on the file does.
    window.wait_until(
        "any(a.type == 'FILE_BROWSER' for w in bpy.context.window_manager.windows for a in w.screen.areas)"
    )
    folder, name = project.rsplit("/", 1)
    window.run(f"""
params = editor("FILE_BROWSER")["space_data"].params
params.directory, params.filename = b{folder + "/"!r}, {name!r}
""")
    window.settle(5)
    window.screenshot(SCREENSHOTS / "storyboard_browser.png")
    window.run("""
with bpy.context.temp_override(**editor("FILE_BROWSER")):
    bpy.ops.file.execute("INVOKE_DEFAULT")
""")
    window.wait_until(f"len({STATES}) == 7")
    assert window.run(STATES) == ["WAITING"] * 6 + ["FAILED"]
    scroll_down(window)
    window.screenshot(SCREENSHOTS / "storyboard_imported.png")

    window.click_button("sketch2pose.pose_panels")
    window.move(500, 500)
    window.key("Escape")
    window.wait_until(
        "not __import__('sys').modules['bl_ext.user_default.sketch2pose.ui.operators'].status.busy"
    )
    assert window.run(STATES) == ["WAITING"] * 6 + ["FAILED"]
    assert window.run(ARMATURES) == []

    window.click_button("sketch2pose.pose_panels")
    window.wait_until(f"{STATES} == ['POSED'] * 6 + ['FAILED']")
    assert window.run(ARMATURES) == ["balloon"]
    window.run("""
with bpy.context.temp_override(**view3d()):
    bpy.ops.view3d.view_axis(type="FRONT")
    view3d()["space_data"].region_3d.view_location = (0, 0, 1)
    view3d()["space_data"].region_3d.view_distance = 5.0
""")
    scroll_down(window)
    window.screenshot(SCREENSHOTS / "storyboard_posed.png")

    # The list's fourth row: its rows lie under the button that imports, one below the other.
    x, y = window.find_button("sketch2pose.import_storyboard")
    for row in range(30, 260, 10):
        window.click(x, y + row)
        if window.run("bpy.context.scene.sketch2pose_storyboard.active") == 3:
            break
    assert window.run("bpy.context.scene.frame_current") == 1 + 3 * 24
    window.run("bpy.context.scene.sketch2pose_storyboard.active = 6")
    scroll_down(window)
    window.screenshot(SCREENSHOTS / "storyboard_failed.png")

    window.move(500, 500)
    for _ in range(20):
        window.key("ctrl+z")
        if not window.run(ARMATURES):
            break
    assert window.run(STATES) == ["WAITING"] * 6 + ["FAILED"]
    window.key("ctrl+z")
    window.wait_until(f"{STATES} == []")


def test_a_dropped_project_is_imported(window, project):
    """What Blender does with a file that is dropped: the operator, invoked with its path."""
    assert (
        window.run("bpy.types.SKETCH2POSE_FH_storyboard.bl_import_operator")
        == "sketch2pose.import_storyboard"
    )
    window.run(f"""
with bpy.context.temp_override(**view3d()):
    bpy.ops.sketch2pose.import_storyboard("INVOKE_DEFAULT", filepath={project!r})
""")
    window.wait_until(f"len({STATES}) == 7")
    assert window.run("[m.name for m in bpy.context.scene.timeline_markers]") == ["1A", "2A", "3A", "4A"]


def test_a_panel_is_corrected_over_its_picture(window, project):
    window.run(
        f"""
with bpy.context.temp_override(**view3d()):
    bpy.ops.sketch2pose.import_storyboard("INVOKE_DEFAULT", filepath={project!r})
"""
        + SETUP
    )
    window.wait_until(f"len({STATES}) == 7")
    window.run("""
with bpy.context.temp_override(**view3d()):
    bpy.ops.sketch2pose.pose_panels("INVOKE_DEFAULT", target="NEW")
""")
    window.wait_until(f"{STATES} == ['POSED'] * 6 + ['FAILED']")
    window.run("""
board = bpy.context.scene.sketch2pose_storyboard
board.active = 3
with bpy.context.temp_override(**view3d()):
    bpy.ops.view3d.view_axis(type="FRONT")
    view3d()["space_data"].region_3d.view_perspective = "ORTHO"
    bpy.ops.view3d.view_selected()
    bpy.ops.ed.undo_push(message="the fourth panel")
bpy.context.window_manager.sketch2pose_correcting.on = True
""")
    window.wait_until("any(image.name.startswith('panel_04') for image in bpy.data.images)")
    window.redraw()
    window.screenshot(SCREENSHOTS / "storyboard_correct.png")

    before = window.run("turns()")
    x, y = window.run("handle('left_wrist')")
    window.move(x, y)
    window.drag([(x, y), (x - 20, y + 20), (x - 60, y + 70)])
    after = window.run("turns()")
    assert "left_elbow" in changed(before, after)
    window.screenshot(SCREENSHOTS / "storyboard_corrected.png")

    window.run("board.active = 4")
    assert changed(after, window.run("turns()")), "another panel has its own pose"
    window.run("board.active = 3")
    assert not changed(after, window.run("turns()")), "a panel keeps what was corrected"
    window.move(500, 700)
    window.key("ctrl+z")
    end = time.monotonic() + 60
    while (left := changed(before, window.run("turns()"))) and time.monotonic() < end:
        window.settle()
    assert not left, "one undo step"
