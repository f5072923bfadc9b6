"""Builds the Blender extension: ``dist/sketch2pose-VERSION-PLATFORM.zip``, complete in itself.

Stages the manifest, the contents of ``sketch2pose_blender/``, ``backend/`` and the wheels that it imports
for one platform, then has Blender's own tool, which lies in every bpy wheel, build and check it.
``--repository`` does so for every platform and lists the zips in an index, from which Blender installs and
updates: a folder that any web server can give out, or a studio's file server.
"""

from __future__ import annotations

import argparse
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[1]
STAGE = ROOT / "build" / "extension"
WHEELS = ROOT / "build" / "wheels"

#: What the backend imports and Blender does not have; numpy is Blender's own. ONNX Runtime names more
#: packages, but inference imports none of them.
PACKAGES = (
    "onnxruntime", "pillow", "psd-tools", "attrs",
    "starlette", "uvicorn", "anyio", "click", "h11", "idna", "typing_extensions",
)  # fmt: skip
#: The Pythons of Blender 4.2 to 5.0 and of 5.1 to 5.2.
PYTHONS = ("3.11", "3.13")
#: On some platforms another build of a package: on Windows the one that runs on every graphics card.
BUILDS = {("onnxruntime", "windows-x64"): "onnxruntime-directml"}
#: Blender's name of a platform -> the wheel tags that run there, newest first.
WHEEL_TAGS = {
    "linux-x64": ["manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux2014_x86_64"],
    "windows-x64": ["win_amd64"],
    "macos-arm64": [f"macosx_{version}_0_arm64" for version in (14, 13, 12, 11)],
}
_SYSTEMS = {"Linux": "linux", "Windows": "windows", "Darwin": "macos"}
_MACHINES = {"x86_64": "x64", "AMD64": "x64", "arm64": "arm64", "aarch64": "arm64"}


class BuildError(Exception):
    """The extension cannot be built; one sentence."""


def this_platform() -> str:
    """Blender's name of the platform this runs on."""
    return f"{_SYSTEMS.get(platform.system(), '?')}-{_MACHINES.get(platform.machine(), '?')}"


def build(target: str, pythons: Sequence[str], out: Path) -> Path:
    """Build and validate the extension for a platform.

    Args:
        target: key of WHEEL_TAGS.
        pythons: versions such as "3.11" to add wheels for. Others than PYTHONS make a zip for tests only,
            with the versions in its name, in the folder ``test-only``.
        out: folder for the zip.

    Returns:
        The zip's path.

    Raises:
        BuildError: the platform is unknown, a wheel cannot be had, or Blender's tool refuses.
    """
    if target not in WHEEL_TAGS:
        raise BuildError(f"The platform {target} is not known; choose from {', '.join(WHEEL_TAGS)}.")
    # Those in pure Python come for each Python alike.
    wheels = {wheel.name: wheel for python in pythons for wheel in download_wheels(target, python)}
    manifest = stage(target, list(wheels.values()))
    name = f"{manifest['id']}-{manifest['version']}-{target}"
    if set(pythons) != set(PYTHONS):
        out, name = out / "test-only", f"{name}-python{'-'.join(pythons)}"
    out.mkdir(parents=True, exist_ok=True)
    package = out / f"{name}.zip"
    blender_tool("build", "--source-dir", str(STAGE), "--output-filepath", str(package))
    blender_tool("validate", str(package))
    return package


def build_repository(out: Path) -> list[Path]:
    """Build the extension for every platform, and ``index.json`` and ``index.html`` that list them.

    Args:
        out: folder for all of them; zips of other versions are removed from it, since one extension may be
            listed once a platform.

    Returns:
        The zips' paths.

    Raises:
        BuildError: as build().
    """
    packages = [build(target, PYTHONS, out) for target in WHEEL_TAGS]
    for old in set(out.glob("*.zip")) - set(packages):
        old.unlink()
    blender_tool("server-generate", "--repo-dir", str(out), "--html")
    return packages


def download_wheels(target: str, python: str) -> list[Path]:
    """The wheels of PACKAGES, of the versions in constraints.txt, for a platform and a Python."""
    folder = WHEELS / target / python
    folder.mkdir(parents=True, exist_ok=True)
    tags = [option for tag in WHEEL_TAGS[target] for option in ("--platform", tag)]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--python-version", python, *tags]
    command += ["--find-links", str(folder), "--dest", str(folder)]
    wheels = []
    for requirement in pinned([BUILDS.get((package, target), package) for package in PACKAGES]):
        name, _, version = requirement.partition("==")
        pattern = f"{name.replace('-', '_')}-{version}-*.whl"
        if not (found := list(folder.glob(pattern))):
            done = subprocess.run([*command, requirement], check=False, capture_output=True, text=True)
            found = list(folder.glob(pattern))
            if done.returncode or not found:
                reason = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
                raise BuildError(f"No wheel of {requirement} for {target}, Python {python}: {reason}")
        wheels += found
    return wheels


def pinned(packages: Sequence[str]) -> list[str]:
    """``name==version`` of each package, as constraints.txt has it."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==", 1) for line in lines if "==" in line and ";" not in line)
    return [f"{name}=={pins[name]}" for name in packages]


def stage(target: str, wheels: Sequence[Path]) -> dict[str, str]:
    """Lay out the package's files in STAGE; returns the manifest."""
    shutil.rmtree(STAGE, ignore_errors=True)
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(ROOT / "sketch2pose_blender", STAGE, ignore=ignore)
    shutil.copytree(ROOT / "backend", STAGE / "backend", ignore=ignore)
    shutil.copy(ROOT / "LICENSE", STAGE)
    (STAGE / "wheels").mkdir()
    for wheel in wheels:
        shutil.copy(wheel, STAGE / "wheels")

    text = (ROOT / "blender_manifest.toml").read_text(encoding="utf-8")
    manifest = tomllib.loads(text)
    if target not in manifest["platforms"]:
        raise BuildError(f"blender_manifest.toml does not list the platform {target}; add it there.")
    head = "".join(
        line for line in text.splitlines(keepends=True) if not line.startswith(("platforms", "# `make"))
    )
    before, table, after = head.partition("[permissions]")
    names = "".join(f'    "./wheels/{wheel.name}",\n' for wheel in wheels)
    macos = least_macos(wheels)
    # Blender knows no such key and does not look at the tags: core/machine.py does.
    system = (
        f"# Needs macOS {macos[0]}.{macos[1]} or later: the tags of its wheels say so.\n" if macos else ""
    )
    staged = f'{before.rstrip()}\n\n{system}platforms = ["{target}"]\nwheels = [\n{names}]\n\n{table}{after}'
    (STAGE / "blender_manifest.toml").write_text(staged, encoding="utf-8")
    return manifest


def least_macos(wheels: Iterable[Path]) -> tuple[int, int] | None:
    """The least macOS that all wheels run on; None where none is for macOS."""
    versions = [tag for wheel in wheels for tag in re.findall(r"macosx_(\d+)_(\d+)_", wheel.name)]
    return max(((int(major), int(minor)) for major, minor in versions), default=None)


def blender_tool(*arguments: str) -> None:
    """Run Blender's extension tool; raises BuildError with its last line where it refuses."""
    spec = find_spec("bpy")
    locations = [Path(folder) for folder in (spec and spec.submodule_search_locations) or ()]
    scripts = [
        script
        for folder in locations
        for script in folder.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py")
    ]
    if not scripts:
        raise BuildError("Blender's extension tool was not found; run `make extension`, which installs it.")
    done = subprocess.run(
        [sys.executable, str(scripts[0]), *arguments], check=False, capture_output=True, text=True
    )
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()
        raise BuildError(f"Blender's tool refuses to {arguments[0]}: {' '.join(lines[-3:])}")


def main() -> int:
    """Build as the command line says; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--platform", default=this_platform(), help="%(default)s unless told otherwise")
    parser.add_argument("--python", nargs="+", default=PYTHONS, help="Python versions that get wheels")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder for the zip")
    parser.add_argument("--repository", action="store_true", help="all platforms, and an index of them")
    options = parser.parse_args()
    try:
        if options.repository:
            packages = build_repository(options.out)
        else:
            packages = [build(options.platform, options.python, options.out)]
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    for package in packages:
        print(f"{package}  {package.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
