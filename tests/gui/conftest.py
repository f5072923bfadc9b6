"""A real Blender window for each test file, with the extension installed: ``make test-gui BLENDER=/path/to/blender``."""

import atexit
import os
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import build_extension
from blender_window import SCREENSHOTS, BlenderWindow


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.gui)


@pytest.fixture(scope="session")
def blender_program():
    """The Blender that ``make test-gui`` was given."""
    named = os.environ.get("SKETCH2POSE_BLENDER")
    if not named:
        pytest.skip("no Blender was named: make test-gui BLENDER=/path/to/blender")
    program = Path(named)
    assert program.is_file(), f"{program} is no Blender"
    return program


@pytest.fixture(scope="module")
def blender(blender_program):
    """A Blender window, as a person first starts it."""
    window = BlenderWindow(blender_program)
    yield window
    window.close()


@cache
def extension_zip(python):
    """The extension's zip with the wheels for this platform and a Python such as "3.13"."""
    target = build_extension.this_platform()
    manifest = build_extension.stage(target, build_extension.download_wheels(target, python))
    package = f"{manifest['id']}-{manifest['version']}-{target}"
    folder = tempfile.mkdtemp(prefix="sketch2pose-zip-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    name = Path(folder, package)
    return Path(shutil.make_archive(str(name), "zip", build_extension.STAGE))


@pytest.fixture(scope="module")
def installed(blender):
    """The window with the extension installed from its zip."""
    python = blender.run("import sys; f'{sys.version_info.major}.{sys.version_info.minor}'")
    path = blender.send(extension_zip(python))
    outcome = blender.run(
        "with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):\n"
        f"    outcome = bpy.ops.extensions.package_install_files(filepath={path!r}, repo='user_default', "
        "enable_on_install=True, overwrite=True)\noutcome",
        timeout=120,
    )
    assert outcome == ["FINISHED"], blender.log
    assert blender.run("hasattr(bpy.types.Scene, 'sketch2pose')"), blender.log
    return blender


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that fails leaves a picture of the window."""
    report = yield
    window = getattr(item, "funcargs", {}).get("window")
    if report.when == "call" and report.failed and window is not None:
        report.sections.append(
            ("screenshot", str(window.screenshot(SCREENSHOTS / f"failed_{item.name}.png")))
        )
    return report


@pytest.fixture
def window(installed):
    """The window with the extension, in a new General file without the default cube."""
    installed.run("""
bpy.ops.wm.read_homefile(app_template="")
for thing in list(bpy.data.objects):
    if thing.type == "MESH":
        bpy.data.objects.remove(thing)
""")
    installed.settle(5)
    return installed
