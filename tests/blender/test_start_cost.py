"""What the extension costs Blender's start, counted in modules: times differ from machine to machine.

Measured on two quiet cores with Python's bytecode at hand, six runs each: import and register take 9 to 11 ms of
processor in Blender 4.2 and 15 to 18 in 5.2, where a garbage collection of what Blender itself has made (76,000
objects, 4 to 5 ms) falls into them; by the clock 19 where nothing interrupts. Without bytecode, which is the first
start after installing, it is 40 to 56.
"""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import json, os, sys
import bpy
bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
before = set(sys.modules)
def new():
    return sorted(set(sys.modules) - before)
import sketch2pose_blender
sketch2pose_blender.register()
seen = {"start": new()}
modules = [sys.modules[name] for name in seen["start"]]
seen["dataclasses"] = [
    f"{module.__name__}.{name}" for module in modules for name, thing in vars(module).items()
    if "__dataclass_fields__" in getattr(thing, "__dict__", ())
]
from sketch2pose_blender.ui import service
seen["pieces"] = []
while service.load_a_piece() is not None:
    seen["pieces"].append(new())
service.server(bpy.context)
seen["warm"] = new()
job = service.submit(bpy.context, b"no image")
job.poll()
seen["submitted"] = new()
sketch2pose_blender.unregister()
print(json.dumps(seen), flush=True)
os._exit(0)
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """The modules that a Blender of its own has loaded at each step."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_switching_on_loads_the_interface_and_nothing_else(seen):
    ours = tuple(f"sketch2pose_blender.{name}" for name in ("ui", "editing", "storyboard"))
    assert [name for name in seen["start"] if not name.startswith(ours)] == ["sketch2pose_blender"]
    assert len(seen["start"]) <= 32, "a file that is not needed for the menus and panels is imported later"


def test_no_dataclass_is_made_at_the_start(seen):
    """Each takes as long as importing the rest of its file."""
    assert seen["dataclasses"] == []


def test_what_the_first_drawing_needs_is_loaded_piece_by_piece(seen):
    steps = [seen["start"], *seen["pieces"]]
    added = [len(set(after) - set(before)) for before, after in pairwise(steps)]
    assert len(added) >= 3
    assert max(added) <= 8
    assert "sketch2pose_blender.core.client" in seen["warm"]
    assert seen["submitted"] == seen["warm"]
    assert "numpy" not in seen["submitted"]
