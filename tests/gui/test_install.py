"""In a new profile, without a network: from the zip to the first posed sketch, all of it by mouse and keyboard."""

import numpy as np
import pytest
from blender_window import SCREENSHOTS, BlenderWindow
from conftest import extension_zip
from preferences_window import choose_tab, move_window, open_preferences, open_window
from test_driver import DRAWING


@pytest.fixture(scope="module")
def window(blender_program):
    """A Blender as a person first starts it, on a machine without a network."""
    window = BlenderWindow(blender_program, offline=True)
    yield window
    window.close()


def choose_file(window, path, screenshot):
    """Go to the folder of a file, which is the only one there, in the file browser; click it and confirm."""
    open_window(window, "FILE_BROWSER", "Blender File View")
    left, top, width, _ = window.rectangle("FILE_BROWSER", "UI")
    window.click(left + 0.4 * width, top + 21)
    window.key("ctrl+a")
    window.type(f"{window.inside(path.parent)}\n")
    left, top, *_ = window.rectangle("FILE_BROWSER", "WINDOW")
    for _ in range(20):  # the folder is read meanwhile
        window.click(left + 100, top + 36)
        window.settle(40)  # two clicks within a third of a second would confirm already
        if window.run("editor('FILE_BROWSER')['space_data'].params.filename") == path.name:
            break
    window.screenshot(SCREENSHOTS / f"{screenshot}.png")
    left, top, width, _ = window.rectangle("FILE_BROWSER", "EXECUTE")
    window.click(left + width - 75, top + 21)


def folder_with(window, name, file):
    """A new folder that Blender can read, with nothing in it but a copy of the file; the copy's path."""
    (window.folder / name).mkdir()
    window.send(file, f"{name}/{file.name}")
    return window.folder / name / file.name


def test_from_the_zip_to_the_first_posed_sketch(window):
    python = window.run("import sys; f'{sys.version_info.major}.{sys.version_info.minor}'")
    package = folder_with(window, "Downloads", extension_zip(python))
    drawing = folder_with(window, "Drawings", DRAWING)
    assert not window.run("bpy.app.online_access")
    assert not window.run("hasattr(bpy.types.Scene, 'sketch2pose')")
    with pytest.raises(RuntimeError, match="unreachable"):
        window.run("import socket; socket.create_connection(('198.51.100.1', 80), 5)")

    # Preferences > Get Extensions > the arrow > Install from Disk.
    open_preferences(window)
    choose_tab(window, "EXTENSIONS")
    left, top, width, _ = window.rectangle("PREFERENCES", "WINDOW")
    window.click(left + width - 19, top + 18)
    window.settle(5)
    window.screenshot(SCREENSHOTS / "install_menu.png")
    window.click(left + width - 120, top + 141)
    choose_file(window, package, "install_file")
    window.wait_until("hasattr(bpy.types.Scene, 'sketch2pose')")
    window.move(500, 450)
    window.wait_until("len(bpy.context.window_manager.windows) == 2")
    window.screenshot(SCREENSHOTS / "installed.png")
    move_window(window, "Preferences", 1700, 80)  # aside

    # The 3D view's sidebar, its tab, the panel's Open, and the button; the default cube would be in the way.
    window.move(500, 450)
    window.key("Delete")
    window.wait_until("'Cube' not in bpy.data.objects")
    window.key("n")
    window.wait_until("view3d('UI')['region'].width > 50")
    window.redraw()
    left, top, width, height = window.rectangle("VIEW_3D", "UI")
    y = top + 20
    while window.run("view3d('UI')['region'].active_panel_category") != "Sketch2Pose":
        assert y < top + height, "no tab is Sketch2Pose"
        window.click(left + width - 8, y)
        y += 20
    window.redraw()
    window.click_button("image.open", across=0.7)
    choose_file(window, drawing, "install_drawing")
    window.wait_until("bpy.context.scene.sketch2pose.image is not None")
    window.redraw()
    window.click_button("sketch2pose.pose_new")
    window.wait_until("len(bpy.data.armatures) == 1")
    turns = window.run("""
pose = bpy.context.active_object.pose
bpy.context.view_layer.update()
{bone.name: list(bone.matrix_basis.to_quaternion()) for bone in pose.bones}
""")
    angles = {name: 2 * np.degrees(np.arccos(min(1, abs(turn[0])))) for name, turn in turns.items()}
    assert sum(angle > 10 for angle in angles.values()) >= 4, angles
    lifted = window.run(
        "max((pose.bones[f'{s}_wrist'].head - pose.bones[f'{s}_shoulder'].head).z for s in ('left', 'right'))"
    )
    assert lifted > 0.1, "the arm that waves"
    window.move(500, 450)
    window.key("KP_1", "KP_Decimal")  # from the front, as large as the view
    window.screenshot(SCREENSHOTS / "install_posed.png")
