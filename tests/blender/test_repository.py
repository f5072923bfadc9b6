"""The zips of all platforms and the index from which Blender installs and updates them."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLATFORMS = {"linux-x64": "manylinux", "windows-x64": "win_amd64", "macos-arm64": "macosx"}
NO_NETWORK = ["unshare", "--net", "--map-root-user"]
#: Adds the repository as a person would in the preferences, and installs from it.
INSTALL = """
import json, sys
import bpy
bpy.context.preferences.system.use_online_access = True
bpy.ops.preferences.extension_repo_add(name="Studio", remote_url=sys.argv[1], type="REMOTE")
index = [repo.name for repo in bpy.context.preferences.extensions.repos].index("Studio")
bpy.ops.extensions.repo_sync(repo_index=index)
outcome = bpy.ops.extensions.package_install(repo_index=index, pkg_id="sketch2pose", enable_on_install=True)
print(json.dumps([list(outcome), hasattr(bpy.types, "SKETCH2POSE_PT_pose")]))
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    (out / "sketch2pose-0.0.1-linux-x64.zip").touch()  # an older version, which must not be listed too
    command = [sys.executable, ROOT / "tools" / "build_extension.py", "--repository", "--out", out]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def listed(dist):
    return {
        package["platforms"][0]: package for package in json.loads((dist / "index.json").read_text())["data"]
    }


def test_index_lists_one_zip_a_platform(dist, listed):
    assert sorted(listed) == sorted(PLATFORMS)
    assert {path.name for path in dist.iterdir()} == {
        "index.json",
        "index.html",
        *(package["archive_url"].removeprefix("./") for package in listed.values()),
    }
    for package in listed.values():
        archive = (dist / package["archive_url"]).read_bytes()
        assert package["archive_size"] == len(archive)
        assert package["archive_hash"] == f"sha256:{hashlib.sha256(archive).hexdigest()}"
        assert package["blender_version_min"] == "4.2.0"
    assert "sketch2pose" in (dist / "index.html").read_text()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_zip_is_small_and_holds_its_platforms_wheels(dist, listed, platform):
    path = dist / listed[platform]["archive_url"]
    print(f"\n{path.name}: {path.stat().st_size / 1e6:.1f} MB")
    assert path.stat().st_size < 100e6
    with zipfile.ZipFile(path) as archive:
        text = archive.read("blender_manifest.toml").decode()
    wheels = tomllib.loads(text)["wheels"]
    runtime = "onnxruntime_directml" if platform == "windows-x64" else "onnxruntime"
    assert {w.split("-")[2] for w in wheels if w.startswith(f"./wheels/{runtime}-")} == {"cp311", "cp313"}
    assert all(PLATFORMS[platform] in wheel or wheel.endswith("-any.whl") for wheel in wheels)
    assert not [w for w in wheels if any(p in w for p in ("numpy", "torch", "opencv", "scipy"))]
    assert ("# Needs macOS 14.0 or later" in text) == (platform == "macos-arm64")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="takes the network away as Linux does")
def test_blender_installs_from_the_index(dist, tmp_path):
    isolated = shutil.which("unshare") and subprocess.run([*NO_NETWORK, "true"], check=False).returncode == 0
    command = [sys.executable, "-c", INSTALL, (dist / "index.json").as_uri()]
    done = subprocess.run(
        [*NO_NETWORK, *command] if isolated else command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == [["FINISHED"], True]
