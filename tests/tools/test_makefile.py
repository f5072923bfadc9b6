"""The targets that other programs and people rely on, and what they say when something is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TARGETS = {
    "help",
    "demo",
    "setup",
    "test",
    "lint",
    "typecheck",
    "clean",
    "extension",
    "repository",
    "test-blender",
    "test-all",
    "soak",
    "bench",
    "test-gui",
    "guide-pictures",
    "results",
}

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # The tests may themselves run under make; its own variables must not reach this one.
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "BPY"))
    }
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT, env={**clean, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_help_lists_every_target_and_is_the_default() -> None:
    listed = make("help")
    assert listed.returncode == 0
    assert set(re.findall(r"^  ([a-z-]+) ", listed.stdout, re.MULTILINE)) == TARGETS
    assert make().stdout == listed.stdout


def test_unknown_blender_version_is_one_sentence() -> None:
    done = make("test-blender", "test-gui", "BPY=9.9")
    assert done.returncode != 0
    assert "BPY=9.9 is not known; give 4.2, 4.5, 5.0 or 5.2." in done.stderr
    assert "Traceback" not in done.stderr


def find_python(*versions: str, python: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "tools" / "find_python.sh", *versions],
        env={**os.environ, "PYTHON": python}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_find_python_finds_this_one() -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = find_python(version, python=sys.executable)
    assert found.stdout.strip() == sys.executable
    assert found.returncode == 0


@pytest.mark.parametrize("python", ["", sys.executable, "/nowhere/python"])
def test_find_python_says_what_is_missing(python: str) -> None:
    done = find_python("3.98", "3.99", python=python)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "Python 3.98 or 3.99" in done.stderr
