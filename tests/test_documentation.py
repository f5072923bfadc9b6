"""What the documents say, held against the project: the README's code, links, versions, dependencies."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import backend

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").glob("*.md")
)


def test_three_lines_of_python_pose_an_image() -> None:
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    assert len(code.group(1).strip().splitlines()) == 3
    done = subprocess.run(
        [sys.executable, "-c", code.group(1)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    numbers = re.findall(r"-?\d+\.\d+(?:e-?\d+)?", done.stdout)
    assert len(numbers) == 23 * 3


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", text) + re.findall(r'src="([^"]+)"', text)
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert missing == []


def test_make_targets_in_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in DOCUMENTS:
        named = set(re.findall(r"`make ([a-z-]+)", document.read_text(encoding="utf-8")))
        assert named <= targets, document.name


def test_folders_in_the_map_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.split("## What is where")[1].split("## Rules")[0]
    paths = re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)
    assert len(paths) > 15
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_versions_agree() -> None:
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    assert manifest["version"] == backend.__version__
    assert f"## {backend.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_dependency_has_a_line_and_a_pin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        wanted += extra
    names = {re.split(r"[<>=!~ \[]", line)[0].lower() for line in wanted}
    assert "numpy" in names

    def plain(text: str) -> str:
        return re.sub(r"[^a-z0-9]", "", text.lower())

    spelled = {"onnxruntime": "ONNX Runtime", "torch": "PyTorch", "opencv-python-headless": "OpenCV",
               "fake-bpy-module-latest": "fake-bpy-module"}  # fmt: skip
    described = plain((ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8"))
    assert [name for name in names if plain(spelled.get(name, name)) not in described] == []
    constraints = (ROOT / "constraints.txt").read_text().lower().replace("_", "-")
    pins = {line.split("==")[0] for line in constraints.splitlines() if "==" in line}
    # bpy's version is the Makefile's to choose.
    assert names - {"bpy"} <= pins
