"""Runs inside the Blender window that is tested: executes what the test asks for, between Blender's own events.

    blender --python agent.py -- FOLDER

The test writes ``ask-N.py`` into FOLDER and finds ``answer-N.json`` there. A timer of Blender's looks for
the next one, so an answer also says that Blender has come round to its event loop once more.
"""

import ast
import json
import sys
import traceback
from pathlib import Path

import bpy

PERIOD = 0.02
FOLDER = Path(sys.argv[sys.argv.index("--") + 1])


def editor(kind="VIEW_3D", region="WINDOW"):
    """Context for operators: the largest area of a kind in any window, and a region of it."""
    areas = [
        (window, area)
        for window in bpy.context.window_manager.windows
        for area in window.screen.areas
        if area.type == kind
    ]
    window, area = max(areas, key=lambda found: found[1].width * found[1].height)
    return {
        "window": window,
        "area": area,
        "region": next(r for r in area.regions if r.type == region),
        "space_data": area.spaces.active,
    }


def view3d(region="WINDOW"):
    """The same for the 3D view."""
    return editor("VIEW_3D", region)


NAMES = {"bpy": bpy, "editor": editor, "view3d": view3d}
_state = {"next": 0}


def plain(value):
    """JSON has numbers, text and lists; vectors, matrices and sets become lists, the rest its text."""
    if isinstance(value, str | bytes):
        return str(value)
    try:
        return list(value)
    except TypeError:
        return str(value)


def evaluate(code):
    """Execute the code with the names of the calls before; the value of its last expression."""
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<ask>", "exec"), NAMES)  # noqa: S102 - this is what it is for
    return eval(compile(ast.Expression(last.value), "<ask>", "eval"), NAMES) if last else None  # noqa: S307


def look():
    """Answer the next question, if there is one."""
    number = _state["next"]
    ask = FOLDER / f"ask-{number}.py"
    if ask.exists():
        _state["next"] += 1
        try:
            answer = {"value": evaluate(ask.read_text(encoding="utf-8"))}
        except BaseException:  # noqa: BLE001 - the test raises it
            answer = {"error": traceback.format_exc()}
        part = FOLDER / "answer.part"
        part.write_text(json.dumps(answer, default=plain), encoding="utf-8")
        part.replace(FOLDER / f"answer-{number}.json")
    return PERIOD


preferences = bpy.context.preferences
preferences.view.show_splash = False
preferences.view.ui_scale = 1.0
preferences.view.smooth_view = 0
preferences.use_preferences_save = False
# Without a graphics card each of its passes draws the view anew, and nothing else is done meanwhile.
preferences.system.viewport_aa = "OFF"
bpy.app.timers.register(look, first_interval=0.5, persistent=True)
