"""Every test starts in an empty file; Blender has a profile of its own, made for this run."""

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for posed.py
PROFILE = tempfile.mkdtemp(prefix="sketch2pose-profile-")
# Must stand before Blender starts, which is when bpy is imported.
os.environ["BLENDER_USER_RESOURCES"] = PROFILE
try:
    import bpy
except ModuleNotFoundError:
    # `make test` runs without Blender; `make test-blender` runs these.
    collect_ignore_glob = ["test_*.py"]


def pytest_collection_modifyitems(items):
    for item in items:
        if "blender" in item.path.parent.name:
            item.add_marker(pytest.mark.blender)


_status = pytest.StashKey[int]()


def pytest_sessionfinish(session, exitstatus):
    shutil.rmtree(PROFILE, ignore_errors=True)
    session.config.stash[_status] = int(exitstatus)


@pytest.fixture(autouse=True)
def empty_file():
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)


@pytest.fixture
def extension(empty_file):
    """The extension as it lies in the repository, switched on."""
    module = importlib.import_module("sketch2pose_blender")
    module.register()
    yield module
    module.unregister()


#: In Blender 4.2, memory is damaged where Rigify has generated a rig: a script of Blender's own operators, without
#: this project, that generates one and then opens and exports it four times dies in 5 of 6 runs, and in none of 12
#: where another process has generated it.
GENERATE = """
import os, sys, bpy
bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
bpy.ops.preferences.addon_enable(module="rigify")
bpy.ops.object.armature_human_metarig_add()
bpy.ops.pose.rigify_generate()
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1])
sys.stdout.flush()
os._exit(0)
"""


@pytest.fixture(scope="session")
def rigify_file(tmp_path_factory):
    """A file with a generated Rigify rig of a human."""
    path = tmp_path_factory.mktemp("rigify") / "rig.blend"
    made = subprocess.run(
        [sys.executable, "-c", GENERATE, str(path)], check=False, capture_output=True, text=True
    )
    assert path.is_file(), made.stdout + made.stderr
    return str(path)


@pytest.fixture
def rigify_rig(rigify_file):
    """That rig, its file just opened."""
    bpy.ops.wm.open_mainfile(filepath=rigify_file)
    return next(thing for thing in bpy.data.objects if thing.type == "ARMATURE" and "rig_id" in thing.data)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    """End without taking Blender apart.

    A panel that is registered when Python has ended crashes Blender 4.2 as a module: its list of editors is deleted
    last of all and asks Python to free the panel's class (bpy_class_free in ~SpaceType). Any panel of anybody's will
    do; in these tests it is Rigify's that are left, which some of them switch on.
    """
    if "bpy" in sys.modules and _status in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[_status])
