"""Who may import whom, checked on the source: the rules of CONTRIBUTING.md."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def imports(path: Path) -> set[str]:
    """Top-level names of the packages that a file imports absolutely, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize(
    ("folder", "banned"),
    [
        ("backend", {"bpy", "training", "sketch2pose_blender", "smplx", "cv2", "scipy", "backend"}),
        ("training", {"bpy", "sketch2pose_blender", "smplx"}),
        ("sketch2pose_blender", {"torch", "smplx", "training", "cv2", "scipy"}),
        ("sketch2pose_blender/core", {"bpy", "bpy_extras", "mathutils"}),
    ],
)
def test_imports_stay_within_bounds(folder: str, banned: set[str]) -> None:
    files = list((ROOT / folder).rglob("*.py"))
    assert files, f"{folder} holds no Python files"
    broken = {str(file.relative_to(ROOT)): sorted(imports(file) & banned) for file in files}
    assert {name: found for name, found in broken.items() if found} == {}


def test_onnx_runtime_is_imported_in_one_place() -> None:
    """Where its telemetry is switched off."""
    folders = ("backend", "training", "sketch2pose_blender", "tools", "tests")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    found = [file.relative_to(ROOT).as_posix() for file in files if "onnxruntime" in imports(file)]
    assert found == ["backend/engines/onnx.py"]


def test_backend_starts_light() -> None:
    """Importing the library loads neither numpy nor ONNX Runtime nor torch."""
    program = (
        "import sys, backend; print(*sorted({'numpy', 'onnxruntime', 'torch', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("name", ["utils.py", "helpers.py", "manager.py", "misc.py", "common.py"])
def test_no_file_without_a_subject(name: str) -> None:
    packages = [ROOT / folder for folder in ("backend", "training", "sketch2pose_blender", "tools")]
    assert [file for folder in packages for file in folder.rglob(name)] == []
