"""A program, not a test: installs a zip into a clean profile, poses a drawing with it, switches it off.

``python installed_extension.py ZIP DRAWING`` prints what it saw as JSON on its last line.
"""

import json
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


def files_of(folder):
    return sorted(str(path) for path in folder.rglob("*") if "__pycache__" not in path.parts)


def alive(pid):
    """Whether a process runs; one that has ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def main(package, drawing):
    seen = {"before": traces()}
    bpy.ops.extensions.package_install_files(filepath=package, repo="user_default", enable_on_install=True)
    seen["installed"] = traces()
    module = sys.modules[MODULE]
    folder = Path(module.__file__).parent
    files = files_of(folder)

    module.unregister()
    start = time.perf_counter()
    module.register()
    seen["register_ms"] = 1e3 * (time.perf_counter() - start)
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
    bpy.ops.preferences.addon_disable(module=MODULE)
    seen["disabled"] = traces()
    end = time.monotonic() + 2
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    seen["pose_program_left"] = alive(pid)
    bpy.ops.preferences.addon_enable(module=MODULE)
    seen["enabled_again"] = traces()
    print()
    print(json.dumps(seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
