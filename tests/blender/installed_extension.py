"""A program, not a test: installs a zip into a clean profile, poses a drawing with it, switches it off.

``python installed_extension.py ZIP DRAWING`` prints what it saw as JSON on its last line.
"""

import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import bpy

MODULE = "bl_ext.user_default.sketch2pose"
#: Runs the child's own bootstrap and then tells where its packages came from.
PROBE = """
import json, runpy, sys
bootstrap, *sys.argv[1:] = sys.argv[1:]
try:
    runpy.run_path(bootstrap, run_name="__main__")
except SystemExit as stop:
    code = stop.code
names = ("backend", "onnxruntime", "PIL", "numpy")
files = {name: sys.modules[name].__file__ for name in names}
print(json.dumps({"code": code, "files": files, "torch": "torch" in sys.modules}))
"""


def traces():
    """Everything in Blender that bears the extension's name."""
    return sorted(
        [name for name in dir(bpy.types) if "sketch2pose" in name.lower()]
        + [name for name in dir(bpy.types.Scene) if "sketch2pose" in name]
        + [name for name in dir(bpy.ops) if "sketch2pose" in name]
        + [addon for addon in bpy.context.preferences.addons.keys() if "sketch2pose" in addon]  # noqa: SIM118
    )


def handlers():
    """The extension's functions among those that Blender calls on events."""
    lists = [getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)]
    functions = [function for functions in lists if isinstance(functions, list) for function in functions]
    return [f"{f.__module__}.{f.__name__}" for f in functions if "sketch2pose" in (f.__module__ or "")]


def timers():
    """The extension's functions that Blender's timers call."""
    modules = [module for name, module in sys.modules.items() if "sketch2pose" in name]
    functions = [thing for module in modules for thing in vars(module).values() if callable(thing)]
    return [f"{f.__module__}.{f.__name__}" for f in functions if bpy.app.timers.is_registered(f)]


def children():
    """Process numbers of this process's children that run."""
    mine = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return [pid for pid in mine if alive(pid)]


def watch_wheels(seen):
    """Note which children run whenever Blender changes the folder of unpacked packages."""
    from _bpy_internal.extensions import wheel_manager

    apply, seen["children_at_wheels"] = wheel_manager.apply_action, []

    def noted(*arguments, **options):
        seen["children_at_wheels"].append(children())
        return apply(*arguments, **options)

    wheel_manager.apply_action = noted


def files_of(folder):
    return sorted(str(path) for path in folder.rglob("*") if "__pycache__" not in path.parts)


def alive(pid):
    """Whether a process runs; one that has ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def imported_anew():
    """Milliseconds of processor time for importing all that switching on imports."""
    mine = {name: module for name, module in sys.modules.items() if name.startswith(MODULE)}
    for name in mine:
        del sys.modules[name]
    start = time.process_time()
    importlib.import_module(MODULE)
    taken = 1e3 * (time.process_time() - start)
    for name in [name for name in sys.modules if name.startswith(MODULE)]:
        del sys.modules[name]
    sys.modules.update(mine)
    return taken


def main(package, drawing):
    seen = {"before": traces()}
    bpy.ops.extensions.package_install_files(filepath=package, repo="user_default", enable_on_install=True)
    seen["installed"] = traces()
    module = sys.modules[MODULE]
    folder = Path(module.__file__).parent
    files = files_of(folder)

    seen["loaded"] = sorted(name for name in sys.modules if name.startswith(f"{MODULE}.backend"))

    # Processor time, and the best of a few: the machine may be busy with other things.
    times = []
    for _ in range(5):
        module.unregister()
        start = time.process_time()
        module.register()
        times.append(1e3 * (time.process_time() - start))
    seen["register_ms"] = min(times)
    seen["import_ms"] = min(imported_anew() for _ in range(3))
    seen["online_access"] = bpy.app.online_access

    bpy.context.scene.sketch2pose.image = bpy.data.images.load(drawing)
    start = time.perf_counter()
    seen["outcome"] = list(bpy.ops.sketch2pose.pose_new())
    seen["pose_seconds"] = time.perf_counter() - start
    armature = bpy.context.active_object
    seen["bones"] = len(armature.data.bones)
    seen["vertices"] = len(armature.children[0].data.vertices)
    seen["turned"] = sum(bone.rotation_quaternion.angle > 0.01 for bone in armature.pose.bones)
    seen["heavy"] = sorted({"onnxruntime", "PIL", "torch", "backend"} & set(sys.modules))

    core = f"{MODULE}.core"
    client, boundary = sys.modules[f"{core}.client"], sys.modules[f"{core}.boundary"]
    service = sys.modules[f"{MODULE}.ui.service"]
    folders = ":".join(map(str, [boundary.IMPORT_FOLDER, *service.wheel_folders()]))
    probe = [sys.executable, "-I", "-c", PROBE, str(client._BOOTSTRAP), folders, "doctor"]
    done = subprocess.run(probe, capture_output=True, text=True, check=False)
    seen["child_said"] = done.stdout + done.stderr
    seen["child"] = json.loads(done.stdout.splitlines()[-1])
    seen["extensions"] = bpy.utils.user_resource("EXTENSIONS")
    seen["written_beside_the_code"] = sorted(set(files_of(folder)) ^ set(files))

    (poser,) = client._clients.values()
    pid = poser.pid
    seen["pose_program"] = alive(pid)
    # Everything is at work: a prediction with a timer that watches it.
    diagnostics = sys.modules[f"{MODULE}.ui.diagnostics"]
    diagnostics.trial.start(bpy.context)
    bpy.app.timers.register(diagnostics._watch)
    seen["timers_before"], seen["children_before"] = timers(), children()
    watch_wheels(seen)
    start = time.perf_counter()
    bpy.ops.preferences.addon_disable(module=MODULE)
    seen["disable_ms"] = 1e3 * (time.perf_counter() - start)
    seen["disabled"] = traces() + handlers() + timers()
    end = time.monotonic() + 2
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    seen["pose_program_left"] = alive(pid)
    bpy.ops.preferences.addon_enable(module=MODULE)
    seen["enabled_again"] = traces()

    # Removed while it works: the process that runs on the packages ends before they are deleted.
    bpy.context.scene.sketch2pose.image = bpy.data.images.load(drawing)
    bpy.ops.sketch2pose.pose_new()
    seen["children_before_removal"] = children()
    seen["children_at_wheels"].clear()
    bpy.ops.extensions.package_uninstall(repo_index=1, pkg_id="sketch2pose")
    seen["children_at_removal"] = seen["children_at_wheels"]
    seen["left"] = [
        path for path in files_of(Path(seen["extensions"])) if "sketch2pose" in path or "onnx" in path
    ]
    seen["removed"] = traces() + handlers() + timers()
    print()
    print(json.dumps(seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
