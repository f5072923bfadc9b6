"""Every text of the interface has a translation in every language that there is; none is left over."""

import ast
import json
import re
from pathlib import Path

import bpy
import pytest

from backend import figures
from sketch2pose_blender import ui
from sketch2pose_blender.core.handles import HANDLES, title
from sketch2pose_blender.rig.rig_table import JOINTS
from sketch2pose_blender.ui import act, correct_panel, export_menu, keep_operators, translations

PACKAGE = Path(ui.__file__).parents[1]
LANGUAGES = sorted(Path(ui.__file__).with_name("languages").glob("*.json"))
#: Blender's own properties of operators that choose a file.
OF_BLENDER = re.compile(r"rna_type|filter_\w+|hide_props_region|check_existing")


def texts_of_properties(properties):
    for prop in properties:
        if OF_BLENDER.fullmatch(prop.identifier):
            continue
        yield from (prop.name, prop.description)
        if prop.type == "ENUM":
            for item in prop.enum_items_static:
                yield from (item.name, item.description)


def texts_of_classes():
    """Names and tooltips, as Blender has them of the registered classes."""
    for cls in ui._registered:
        yield getattr(cls, "bl_label", "") or ""
        if issubclass(cls, bpy.types.Operator):
            kind = getattr(bpy.ops.sketch2pose, cls.bl_idname.split(".")[1]).get_rna_type()
            yield kind.description
            yield from texts_of_properties(kind.properties)
        elif issubclass(cls, bpy.types.PropertyGroup | bpy.types.AddonPreferences):
            own = cls.__annotations__.keys() | {
                n for b in cls.__mro__ for n in getattr(b, "__annotations__", {})
            }
            yield from texts_of_properties(p for p in cls.bl_rna.properties if p.identifier in own)
    slider = bpy.types.Object.bl_rna.properties["sketch2pose_blend_factor"]
    yield from (slider.name, slider.description)
    this_file, *_ = keep_operators._libraries(None, None)
    yield from this_file[1:]


def texts_of_code():
    """Labels, and why a button is grey, as they are written in the code."""
    for path in (
        path for folder in ("ui", "editing", "storyboard") for path in PACKAGE.glob(f"{folder}/*.py")
    ):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                given = [keyword.value for keyword in node.keywords if keyword.arg == "text"]
                yield from constants(given + (node.args if name == "translated" else []))
            elif isinstance(node, ast.FunctionDef) and node.name in ("obstacle", "poll", "_missing"):
                said = [n.value for n in ast.walk(node) if isinstance(n, ast.Return | ast.Assign) and n.value]
                yield from constants(said)
    yield from (text for text, _ in correct_panel._LIMBS)
    yield from map(title, HANDLES)
    yield from (text for _, text in export_menu._ENTRIES)
    yield from (joint.replace("_", " ").title() for joint in JOINTS)


def texts_of_sentences():
    """What went wrong, in the extension or its pose program, where the sentence is the same each time."""
    backend = Path(figures.__file__).parent
    for path in [*PACKAGE.rglob("*.py"), *backend.glob("*.py"), *backend.glob("engines/*.py")]:
        if path.name == "ray_service.py":  # not in Blender
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                if name.endswith("Error") or name in ("Failure", "show", "_give_up", "_say", "_OverError"):
                    yield from (t for t in constants(node.args) if t[:1].isupper() and t.endswith("."))
    yield figures.NO_FIGURE


def constants(nodes):
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.IfExp):
            yield from constants([node.body, node.orelse])


@pytest.fixture
def texts(extension):
    found = {text.strip() for text in (*texts_of_classes(), *texts_of_code(), *texts_of_sentences())}
    return {text for text in found if any(letter.isalpha() for letter in text)}


def test_there_are_texts_of_every_kind(texts):
    assert texts >= {
        "Mirror Pose", "Exchange left and right of the pose; selected bones take what the other side shows",
        "Select an armature first", "In Front or Behind", "Left Forearm", "Catalog", "As Seen Now", "Left wrist", "Blend",
        "The drawing has no strokes; draw a figure first.", "The image is empty (0 bytes); save the drawing again.",
    }  # fmt: skip


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_every_text_is_translated(texts, path):
    known = json.loads(path.read_text(encoding="utf-8"))
    assert not (missing := texts - known.keys()), f"add these to {path.name}: {sorted(missing)}"
    assert not (spare := known.keys() - texts), f"nobody is shown these of {path.name}: {sorted(spare)}"
    assert all(said.strip() for said in known.values())
    places = re.compile(r"\{\d*\}")
    assert all(sorted(places.findall(text)) == sorted(places.findall(said)) for text, said in known.items())


def test_german_and_another_language():
    assert {path.stem for path in LANGUAGES} >= {"de", "fr"}


@pytest.mark.parametrize(
    ("locale", "loaded"), [("de_DE", True), ("fr_FR", True), ("en_US", False), ("xx", False), ("", False)]
)
def test_only_the_language_that_is_shown_is_read(extension, monkeypatch, locale, loaded):
    translations.unregister()
    given = {}

    class Table:
        """In place of Blender's, since Blender as a module shows English alone."""

        def __init__(self):
            self.locale = locale

        def register(self, name, texts):
            given[name] = texts

        def unregister(self, name):
            del given[name]

    monkeypatch.setattr(translations, "_table", Table())
    translations.register()
    assert bool(given) == loaded
    if loaded:
        (texts,) = given.values()
        assert (
            texts[locale]["Operator", "Mirror Pose"]
            == {"de": "Pose spiegeln", "fr": "Inverser la pose"}[locale[:2]]
        )
        assert texts[locale]["*", "Blend"]
    translations.unregister()
    assert given == {}


def test_a_text_without_a_language_is_itself():
    assert translations.translated("Select an armature first") == "Select an armature first"


def test_a_failure_is_told_in_the_language_that_is_shown(extension, monkeypatch):
    monkeypatch.setattr(act, "translated", str.upper)
    bpy.ops.object.armature_add()
    with pytest.raises(RuntimeError, match="HAS NO BONES"):
        bpy.ops.sketch2pose.mirror_pose()
