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


def clipboard_chosen(window):
    """The clipboard as source; where Pose Drawing is, since a button is found by what Blender puts on the clipboard."""
    window.open_sidebar("Sketch2Pose")
    window.run("bpy.context.scene.sketch2pose_capture.source = 'CLIPBOARD'")
    window.redraw()
    return window.find_button("sketch2pose.pose_drawing", across=0.25)


def test_an_image_on_the_clipboard_is_posed(window):
    """Blender itself pastes no images on X11, which this window is on: xclip reads them."""
    if not window.run("import shutil; shutil.which('xclip')"):
        pytest.skip("xclip is not installed beside this Blender")
    file = window.send(DRAWING)
    button = clipboard_chosen(window)
    images = window.run("len(bpy.data.images)")
    with offered(window, "clipboard", f"image/png={file}"):
        window.click(*button)
        assert posed(window) > 0.1
        assert window.run("len(bpy.data.images)") == images
        window.screenshot(SCREENSHOTS / "pasted.png")


def test_without_xclip_one_sentence_says_what_to_do(window):
    file = window.send(DRAWING)
    button = clipboard_chosen(window)
    window.run("""
import importlib, os, sys
root = next(name for name in sys.modules if name.endswith("sketch2pose") and name.startswith("bl_ext"))
status = importlib.import_module(f"{root}.ui.operators").status
path = os.environ["PATH"]
os.environ["PATH"] = ""
""")
    with offered(window, "clipboard", f"image/png={file}"):
        window.click(*button)
        assert "install the program xclip" in window.wait_until("status.text", timeout=30)
    window.run("os.environ['PATH'] = path")
    assert window.run("len(bpy.data.armatures)") == 0


def test_the_path_of_an_image_on_the_clipboard_is_posed(window):
    file = window.send(DRAWING)
    button = clipboard_chosen(window)
    (window.folder / "path.txt").write_text(f"file://{file}")
    with offered(window, "clipboard", f"UTF8_STRING={window.inside(window.folder / 'path.txt')}"):
        window.click(*button)
        assert posed(window) > 0.1
