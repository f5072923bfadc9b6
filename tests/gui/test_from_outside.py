"""What comes into the window from outside: a file that is dropped on it, and an image on the clipboard."""

import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
import six
import Xlib
from blender_window import SCREENSHOTS

DRAWING = Path(__file__).parents[2] / "examples" / "stick_wave.png"
OFFER = Path(__file__).with_name("x_offer.py")


@contextmanager
def offered(window, *arguments):
    """The program that offers, running beside Blender on the same display, once it has said that it is done."""
    for part in (Path(six.__file__), Path(Xlib.__file__).parent, OFFER):
        if not (window.folder / part.name).exists():
            window.send(part)
    program = window._open(
        "python3", window.inside(window.folder / OFFER.name), *arguments, output=subprocess.PIPE
    )
    try:
        assert program.stdout is not None
        assert program.stdout.readline() == b"done\n"
        yield
    finally:
        program.kill()
        program.wait()
        window._processes.remove(program)


def posed(window):
    """Wait for one new armature; how far its higher wrist is over its shoulder, metres."""
    window.wait_until("len(bpy.data.armatures) == 1")
    return window.run("""
pose = next(o for o in bpy.data.objects if o.type == "ARMATURE").pose
bpy.context.view_layer.update()
max((pose.bones[f"{side}_wrist"].head - pose.bones[f"{side}_shoulder"].head).z for side in ("left", "right"))
""")


def test_an_image_file_that_is_dropped_on_the_3d_view_is_posed(window):
    file = window.send(DRAWING)
    window.move(500, 450)
    with offered(window, "drop", "500", "450", file):
        window.settle(5)
    # Where Blender itself has something to do with the file (5.2: a reference image), a menu asks.
    window.screenshot(SCREENSHOTS / "dropped_menu.png")
    window.key("p")
    lifted = posed(window)
    assert lifted > 0.1, "the arm that waves"
    window.screenshot(SCREENSHOTS / "dropped.png")
    window.key("ctrl+z")
    window.wait_until("len(bpy.data.armatures) == 0")


def test_an_image_on_the_clipboard_is_posed(window):
    file = window.send(DRAWING)
    window.open_sidebar("Sketch2Pose")
    window.run("bpy.context.scene.sketch2pose_capture.source = 'CLIPBOARD'")
    window.redraw()
    # First: a button is found by what Blender puts on the clipboard.
    button = window.find_button("sketch2pose.pose_drawing")
    with offered(window, "clipboard", f"image/png={file}"):
        if not window.run(
            """
area = view3d()["area"]
area.ui_type = "IMAGE_EDITOR"
region = next(region for region in area.regions if region.type == "WINDOW")
with bpy.context.temp_override(window=view3d_window, area=area, region=region):
    can = bpy.ops.image.clipboard_paste.poll()
area.ui_type = "VIEW_3D"
can
""".replace("view3d_window", "bpy.context.window_manager.windows[0]")
        ):
            pytest.skip("this Blender cannot paste images from X11's clipboard")
        images = window.run("len(bpy.data.images)")
        window.click(*button)
        lifted = posed(window)
        assert lifted > 0.1
        assert window.run("len(bpy.data.images)") == images, "what was pasted is gone again"
        window.screenshot(SCREENSHOTS / "pasted.png")


def test_the_path_of_an_image_on_the_clipboard_is_posed(window):
    file = window.send(DRAWING)
    window.open_sidebar("Sketch2Pose")
    window.run("bpy.context.scene.sketch2pose_capture.source = 'CLIPBOARD'")
    window.redraw()
    button = window.find_button("sketch2pose.pose_drawing")
    (window.folder / "path.txt").write_text(f"file://{file}")
    with offered(window, "clipboard", f"UTF8_STRING={window.inside(window.folder / 'path.txt')}"):
        window.click(*button)
        assert posed(window) > 0.1
