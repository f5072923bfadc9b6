"""The command that lists panels for Blender, and where the boards of a screenplay are found."""

import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.__main__ import main
from backend.drawings import drawings_of, find_files
from tests.backend.psd_bytes import Layer, psd

EXAMPLE = Path(__file__).parents[2] / "examples" / "stick_wave.png"


def page(colour=0) -> Image.Image:
    """A page with a block of gray, transparent elsewhere."""
    made = Image.new("RGBA", (64, 36), (0, 0, 0, 0))
    made.paste((colour, colour, colour, 255), (10, 10, 30, 30))
    return made


def scene(folder: Path, *boards: dict) -> Path:
    (folder / "images").mkdir(parents=True, exist_ok=True)
    path = folder / f"{folder.name}.storyboarder"
    path.write_text(json.dumps({"boards": boards}), encoding="utf-8")
    return path


def ask(request: object, monkeypatch, capsys) -> list[dict]:
    text = request if isinstance(request, str) else json.dumps(request)
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    assert main(["panels"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """A project: one whole picture, one of layers, one that is missing."""
    layers = {
        "pencil": {"url": "board-2-pencil.png", "opacity": 0.5},
        "ink": {"url": "board-2-ink.png"},
    }
    path = scene(
        tmp_path / "scene",
        {"url": "board-1.png", "shot": "1A", "time": 0, "duration": 1500},
        {"url": "board-2.png", "shot": "1B", "time": 1500, "layers": layers},
        {"url": "board-3.png", "shot": "1B", "time": 3500},
    )
    page().save(path.parent / "images" / "board-1.png")
    page(0).save(path.parent / "images" / "board-2-pencil.png")
    page(90).save(path.parent / "images" / "board-2-ink.png")
    return path


def test_a_projects_boards_are_listed_with_their_times(board, monkeypatch, capsys):
    first, second, third = ask({"inputs": [str(board)]}, monkeypatch, capsys)
    assert first == {
        "file": f"{board}#1",
        "source": str(board),
        "name": "board-1",
        "shot": "1A",
        "start": 0.0,
        "duration": 1.5,
        "picture": str(board.parent / "images" / "board-1.png"),
        "error": None,
    }
    assert (second["picture"], second["error"], second["shot"]) == (None, None, "1B")
    assert "board-3.png" in third["error"]


def test_what_has_no_file_is_put_together(board, tmp_path, monkeypatch, capsys):
    pixels = np.zeros((36, 64, 4), np.uint8)
    pixels[5:20, 5:20, 3] = 255
    (tmp_path / "drawing.psd").write_bytes(
        psd((64, 36), [Layer("ink", pixels)], np.full((36, 64, 3), 255, np.uint8))
    )
    (pictures := tmp_path / "pictures").mkdir()
    only = [f"{board}#2", f"{board}#3", str(tmp_path / "drawing.psd")]
    request = {"inputs": [str(board), only[2], "unread.pdf"], "pictures": str(pictures), "only": only}
    told = ask(request, monkeypatch, capsys)
    assert [line["file"] for line in told] == only
    assert [line["error"] is None for line in told] == [True, False, True]
    drawings = [*drawings_of(board), *drawings_of(Path(only[2]))]
    for line, drawing in zip(told[::2], drawings[1::2], strict=True):
        assert Path(line["picture"]).parent == pictures
        assert np.array_equal(np.asarray(Image.open(line["picture"])), drawing.read().rgb)


def test_images_have_no_times_and_what_is_none_says_why(tmp_path, monkeypatch, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "other.storyboarder").write_text('{"name": "package"}')
    inputs = [str(EXAMPLE), "missing.png", str(tmp_path / "empty"), str(tmp_path / "other.storyboarder")]
    image, *rest = ask({"inputs": inputs}, monkeypatch, capsys)
    assert (image["name"], image["picture"]) == ("stick_wave", str(EXAMPLE))
    assert (image["start"], image["duration"], image["shot"], image["error"]) == (None, None, "", None)
    for line, words in zip(
        rest, ("does not exist", "It is a folder", "no Storyboarder project"), strict=True
    ):
        assert line["picture"] is None
        assert words in line["error"]


@pytest.mark.parametrize("request_", ["", "{", "[]", "{}", '{"inputs": 5}', '{"inputs": [1]}', "[" * 100_000])
def test_a_request_that_is_none_is_one_sentence(request_, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO(request_))
    assert main(["panels"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.fixture
def screenplay(tmp_path: Path) -> Path:
    """A screenplay of three scenes, the last without boards yet."""
    folder = tmp_path / "film"
    for name in ("Scene-10-INT", "Scene-2-EXT"):
        scene(folder / "storyboards" / name, {"url": "board-1.png"})
        page().save(folder / "storyboards" / name / "images" / "board-1.png")
    (folder / "storyboards" / "Scene-11-EXT" / "images").mkdir(parents=True)
    (folder / "storyboards" / "storyboard.settings").write_text("{}")
    (folder / "film.fountain").write_text("EXT. STREET")
    return folder


@pytest.mark.parametrize("chosen", ["", "film.fountain", "storyboards"])
def test_a_screenplay_names_the_boards_of_its_scenes_in_order(screenplay, chosen):
    found = find_files([str(screenplay / chosen)])
    assert [file.name for file in found] == ["Scene-2-EXT.storyboarder", "Scene-10-INT.storyboarder"]


def test_the_command_line_poses_a_screenplay(screenplay, tmp_path):
    images = screenplay / "storyboards" / "Scene-2-EXT" / "images"
    Image.open(EXAMPLE).save(images / "board-1.png")
    assert main(["pose", str(screenplay), "--out", str(tmp_path / "out")]) == 1  # scene 10 shows a block
    (second, tenth) = json.loads((tmp_path / "out" / "poses.json").read_text())["images"]
    assert (bool(second["figures"]), second["file"].endswith("Scene-2-EXT.storyboarder#1")) == (True, True)
    assert tenth["file"].endswith("Scene-10-INT.storyboarder#1")


def test_a_screenplay_without_boards_fails_in_one_sentence(tmp_path, capsys):
    (tmp_path / "a.fountain").write_text("EXT. STREET")
    assert find_files([str(tmp_path / "a.fountain")]) == [tmp_path / "a.fountain"]
    assert main(["pose", str(tmp_path / "a.fountain"), "--out", str(tmp_path / "out")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert os.listdir(tmp_path / "out") == ["poses.json"]
