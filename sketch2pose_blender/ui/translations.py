"""The interface in the language that Blender shows: ``languages/`` has a file for each, English text -> its translation.

Nothing is read where Blender shows English, or a language that has no file. Error sentences are in it, the pose
program's too, where they say the same each time; those with names or numbers in them stay English.
"""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import bpy

#: Blender looks a text up as an operator's name or as any other text.
_CONTEXTS = ("*", "Operator")
_state = {"locale": "", "registered": False}
_table = bpy.app.translations


def register() -> None:
    """Load the language that Blender shows."""
    _load()


def unregister() -> None:
    """Take the language out again."""
    if bpy.app.timers.is_registered(_load):
        bpy.app.timers.unregister(_load)
    _forget()
    _state["locale"] = ""


def follow() -> None:
    """Load another language soon, if Blender shows another one by now: called while the interface is drawn."""
    if _table.locale != _state["locale"] and not bpy.app.timers.is_registered(_load):
        bpy.app.timers.register(_load, first_interval=0.0)


def translated(text: str) -> str:
    """A text as it is shown, for what Blender does not translate by itself, such as why a button is grey."""
    return bpy.app.translations.pgettext_tip(text)


def _forget() -> None:
    if _state["registered"]:
        _table.unregister(__name__)
        _state["registered"] = False


def _load() -> None:
    locale = _table.locale
    _forget()
    _state["locale"] = locale
    if not locale or locale.startswith("en"):
        return
    import json
    from pathlib import Path

    path = Path(__file__).with_name("languages") / f"{locale.partition('_')[0]}.json"
    if not path.is_file():
        return
    texts = json.loads(path.read_text(encoding="utf-8"))
    known = {(context, text): said for context in _CONTEXTS for text, said in texts.items()}
    _table.register(__name__, {locale: known})
    _state["registered"] = True
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            area.tag_redraw()
