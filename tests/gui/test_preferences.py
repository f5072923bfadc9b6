"""The preferences in the window: every field and button of them worked by mouse and keyboard."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from blender_window import SCREENSHOTS
from preferences_window import choose_tab, open_preferences

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-for-the-window-0123456789"


@pytest.fixture
def settings(window):
    """The window with the extension's preferences open."""
    open_preferences(window)
    choose_tab(window, "ADDONS")
    left, top, width, _ = window.rectangle("PREFERENCES", "WINDOW")
    window.click(left + 0.25 * width, top + 18)
    window.type("Sketch2Pose")
    window.key("Return")
    window.redraw()
    window.click_button("addon_expand", "WINDOW", area="PREFERENCES", across=0.037)
    window.run(
        "settings = next(a for a in bpy.context.preferences.addons if 'sketch2pose' in a.module).preferences"
    )
    window.redraw()
    return window


#: Pixels from the middle of the row of buttons up to that of a field, and from a menu down to its second entry.
#: Blender does not tell which field of an add-on's preferences the pointer is over, as it does elsewhere.
ROWS = {"server_address": 29, "body_file": 58, "device": 87, "engine": 110}
ROWS_WITH_SERVER = {"server_certificate": 29, "server_token": 52, "server_address": 75}
SECOND = 47


def find(window, what, across=0.4):
    return window.find_button(what, "WINDOW", area="PREFERENCES", across=across)


def fill(window, name, text, rows=ROWS):
    """Click a field and type."""
    x, y = find(window, "sketch2pose.test")
    window.click(x + 60, y - rows[name])
    window.key("ctrl+a")
    window.type(text)
    window.key("Return")
    window.wait_until(f"settings.{name} == {text!r}", timeout=20)
    window.redraw()


def choose_second(window, name, value):
    """Click a menu and its second entry."""
    x, y = find(window, "sketch2pose.test")
    window.click(x + 60, y - ROWS[name])
    window.settle(5)
    window.click(x + 60, y - ROWS[name] + SECOND)
    window.wait_until(f"settings.{name} == {value!r}", timeout=20)
    window.redraw()


def report(window):
    """Press Test and wait; what the preferences then say."""
    window.click(*find(window, "sketch2pose.test"))
    window.wait_until("not diagnostics.trial.busy and bool(diagnostics.trial.lines)")
    window.redraw()
    return window.run("diagnostics.trial.lines")


def copied(window):
    """Press Copy Diagnostics; the clipboard."""
    place = find(window, "sketch2pose.copy_diagnostics", across=0.75)
    window.run("bpy.context.window_manager.clipboard = ''")
    window.click(*place)
    text = window.wait_until("bpy.context.window_manager.clipboard")
    return dict(re.split(r":\s+", line, maxsplit=1) for line in text.splitlines())


def test_every_setting_and_button(settings, tmp_path):
    window = settings
    window.run("""
import importlib
diagnostics = importlib.import_module(f"{type(settings).bl_idname}.ui.diagnostics")
""")
    window.screenshot(SCREENSHOTS / "preferences.png")
    choose_second(window, "engine", "onnx")
    choose_second(window, "device", "cpu")
    fill(window, "body_file", window.send(ROOT / "backend" / "bodies" / "default_light.npz"))
    lines = report(window)
    assert lines[0].startswith("Everything works: posed in "), lines
    assert "Engine: onnx on cpu" in lines
    window.screenshot(SCREENSHOTS / "preferences_tested.png")
    told = copied(window)
    assert told["Blender"].startswith(window.run("bpy.app.version_string"))
    assert told["Engine"] == "onnx on cpu"
    assert told["Body"] == "default_light.npz"
    assert told["Online access"] == "off"
    assert told["Packages fit"] == "yes"
    assert told["Last test"].startswith("Everything works")
    assert told["Server"] == "none"

    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    command = [sys.executable, "-m", "backend", "serve", "--token-file", str(token)]
    other = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        port = int(other.stdout.readline().rpartition(":")[2].split(";")[0])
        fill(window, "server_address", f"http://127.0.0.1:{port}")
        assert "wants a token" in report(window)[0]
        fill(window, "server_token", TOKEN, ROWS_WITH_SERVER)
        lines = report(window)
        assert lines[0].startswith("Everything works"), lines
        assert f"Server: http://127.0.0.1:{port}" in lines
        window.screenshot(SCREENSHOTS / "preferences_server.png")
        told = copied(window)
        assert told["Server"] == "another machine's"
        assert not any(TOKEN in value for value in told.values())
    finally:
        other.kill()
        other.communicate()
    assert "refuses connections" in report(window)[0]
    x, y = find(window, "sketch2pose.test")
    window.click(x + 60, y - ROWS_WITH_SERVER["server_address"])
    window.key("ctrl+a", "Delete", "Return")
    window.wait_until("settings.server_address == ''", timeout=20)
    assert report(window)[0].startswith("Everything works")
