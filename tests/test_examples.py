"""The example drawings are complete, readable and small, and their labels fit them."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
SOURCES = sorted(EXAMPLES.rglob("*.svg"))
LABELS: list[dict[str, Any]] = json.loads((EXAMPLES / "labels.json").read_text(encoding="utf-8"))

SIDES = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe")
JOINTS = {"head_center"} | {f"{side}_{part}" for side in ("left", "right") for part in SIDES}


def name_of(path: Path) -> str:
    return path.relative_to(EXAMPLES).with_suffix("").as_posix()


def test_enough_drawings_and_six_panels() -> None:
    names = [name_of(path) for path in SOURCES]
    assert sum("/" not in name for name in names) >= 8
    panels = [name for name in names if name.startswith("storyboard/")]
    assert panels == [f"storyboard/panel_{number:02d}" for number in range(1, 7)]


@pytest.mark.parametrize("svg", SOURCES, ids=name_of)
def test_png_beside_the_svg_shows_a_drawing(svg: Path) -> None:
    with Image.open(svg.with_suffix(".png")) as png:
        assert 800 <= max(png.size) <= 1000
        gray = np.asarray(png.convert("L"), np.float32) / 255
    paper = np.median(gray)
    # Ink differs from the paper somewhere, and the paper is most of the sheet.
    assert 0.005 < float((np.abs(gray - paper) > 0.25).mean()) < 0.5


def test_pngs_are_small() -> None:
    sizes = [png.stat().st_size for png in EXAMPLES.rglob("*.png")]
    assert max(sizes) < 150_000
    assert sum(sizes) < 1_500_000


def test_every_drawing_is_named_in_the_readme() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(svg.stem in text for svg in SOURCES if svg.parent == EXAMPLES)
    assert "CC0" in text


def test_every_drawing_has_one_label() -> None:
    assert sorted(record["file"] for record in LABELS) == sorted(f"{name_of(svg)}.png" for svg in SOURCES)


@pytest.mark.parametrize("record", LABELS, ids=lambda record: record["file"])
def test_labels_fit_the_drawing(record: dict[str, Any]) -> None:
    with Image.open(EXAMPLES / record["file"]) as png:
        assert png.size == (record["width"], record["height"])
    left, top, right, bottom = record["box"]
    assert 0 <= left < right <= record["width"]
    assert 0 <= top < bottom <= record["height"]
    assert set(record["joints"]) == JOINTS
    for x, y, v in record["joints"].values():
        assert left <= x <= right
        assert top <= y <= bottom
        assert v in (0, 0.5, 1)


@pytest.mark.parametrize("record", LABELS, ids=lambda record: record["file"])
def test_left_and_right_are_the_characters_own(record: dict[str, Any]) -> None:
    # In these upright figures the left shoulder lies at image right when the chest faces the viewer.
    across = record["joints"]["left_shoulder"][0] - record["joints"]["right_shoulder"][0]
    if record["facing"].startswith("front"):
        assert across > 0 or record["file"] == "stick_wave.png"  # a stick figure has one shoulder point
    elif record["facing"].startswith("back"):
        assert across < 0
    else:
        assert abs(across) < 0.1 * (record["box"][3] - record["box"][1])


@pytest.mark.slow
@pytest.mark.parametrize("svg", SOURCES, ids=name_of)
def test_png_is_the_current_render(svg: Path) -> None:
    pytest.importorskip("resvg_py", reason="needs resvg-py, a development dependency")
    spec = importlib.util.spec_from_file_location("render_examples", ROOT / "tools" / "render_examples.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["render_examples"] = module
    spec.loader.exec_module(module)
    assert module.is_current(svg)
