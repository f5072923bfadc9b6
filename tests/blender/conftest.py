"""Every test starts in an empty file, in a profile of its own; one Blender version a process."""

import importlib
import os
import tempfile

import pytest

# Must stand before Blender starts, which is when bpy is imported.
os.environ["BLENDER_USER_RESOURCES"] = tempfile.mkdtemp(prefix="sketch2pose-profile-")
bpy = pytest.importorskip("bpy")


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.blender)


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
