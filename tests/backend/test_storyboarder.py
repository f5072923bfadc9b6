"""Storyboarder's projects: old and new files, what is missing, and what leads out of the project."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.drawings import drawings_of
from backend.errors import InputError
from backend.images import read_layers
from backend.storyboarder import Layer, read_storyboarder


def project(folder: Path, boards: object, **top) -> Path:
    path = folder / "scene.storyboarder"
    plain = {
        "version": "2.0.1",
        "aspectRatio": 1.7777,
        "fps": 24,
        "defaultBoardTiming": 2000,
        "boards": boards,
    }
    path.write_text(json.dumps(plain | top), encoding="utf-8")
    (folder / "images").mkdir(exist_ok=True)
    return path


def picture(folder: Path, name: str, colour=(0, 0, 0, 255), box=(10, 10, 30, 30)) -> None:
    """A transparent page of 64 x 36 with a block of one colour."""
    page = Image.new("RGBA", (64, 36), (0, 0, 0, 0))
    page.paste(colour, box)
    (folder / "images").mkdir(exist_ok=True)
    page.convert("RGB" if name.endswith("jpg") else "RGBA").save(folder / "images" / name)


def test_boards_with_their_times_and_texts(tmp_path):
    boards = [
        {"uid": "AAAAA", "url": "board-1-AAAAA.png", "shot": "1A", "number": 1, "time": 0, "dialogue": "Hé!"},
        {"uid": "BBBBB", "url": "board-2-BBBBB.png", "shot": "1B", "time": 2000, "duration": 1500,
         "action": "He runs.", "notes": "fast", "audio": {"filename": "b.wav", "duration": 4250}},
        {"uid": "CCCCC", "url": "board-3-CCCCC.png", "shot": "2A", "time": "3500", "duration": "750"},
    ]  # fmt: skip
    for board in boards:
        picture(tmp_path, board["url"])
    panels = read_storyboarder(project(tmp_path, boards))
    assert [p.name for p in panels] == ["board-1-AAAAA", "board-2-BBBBB", "board-3-CCCCC"]
    assert [p.number for p in panels] == [1, 2, 3]
    assert [p.shot for p in panels] == ["1A", "1B", "2A"]
    assert [p.start for p in panels] == [0, 2, 3.5]
    assert [p.duration for p in panels] == [2, 1.5, 0.75]
    assert [p.audio for p in panels] == [0, 4.25, 0]
    assert (panels[0].dialogue, panels[1].action, panels[1].notes) == ("Hé!", "He runs.", "fast")
    assert [p.layers for p in panels] == [(Layer(tmp_path / "images" / b["url"]),) for b in boards]


def test_old_files_without_times(tmp_path):
    boards = [{"url": f"board-{n}-X.png"} for n in (1, 2, 3)]
    boards[1]["duration"] = 500
    path = project(tmp_path, boards, aspectRatio="1.7777777777777777", defaultBoardTiming="1000")
    assert [panel.start for panel in read_storyboarder(path)] == [0, 1, 1.5]
    path = project(tmp_path, boards, defaultBoardTiming=None)
    assert [panel.duration for panel in read_storyboarder(path)] == [2, 0.5, 2]


@pytest.mark.parametrize("value", [True, [], {}, "soon", -5, 1e300, float("nan"), float("inf"), 10**400])
def test_times_that_are_none(tmp_path, value):
    boards = [{"url": "a.png", "time": value, "duration": value, "audio": {"duration": value}}]
    (panel,) = read_storyboarder(project(tmp_path, boards, defaultBoardTiming=value))
    assert (panel.start, panel.duration, panel.audio) == (0, 2, 0)


def layered(folder: Path) -> dict:
    """A board of a new version: its layers alone; in each another place is filled."""
    colours = {
        "shot-generator": 200,
        "reference": 90,
        "fill": 120,
        "tone": 80,
        "pencil": 40,
        "ink": 0,
        "notes": 60,
    }
    layers = {}
    for name, tone in reversed(colours.items()):  # the order in the file does not count
        place = list(colours).index(name)
        picture(folder, f"board-1-X-{name}.png", (tone, tone, tone, 255), (place * 9, 0, place * 9 + 12, 12))
        layers[name] = {"url": f"board-1-X-{name}.png", "opacity": 0.5 if name == "tone" else 1}
    return {"url": "board-1-X.png", "layers": layers}


def test_layers_are_put_together_without_notes_and_reference(tmp_path):
    (panel,) = read_storyboarder(project(tmp_path, [layered(tmp_path)]))
    names = [layer.path.name.removeprefix("board-1-X-") for layer in panel.layers]
    assert names == ["shot-generator.png", "fill.png", "tone.png", "pencil.png", "ink.png"]
    (drawing,) = drawings_of(tmp_path / "scene.storyboarder")
    row = np.round(drawing.read().gray[6] * 255)
    assert abs(row[4] - 200) <= 1
    assert abs(row[15] - 255) <= 1  # only the reference is there
    assert abs(row[25] - 120) <= 1
    assert abs(row[28] - (120 + 80) / 2) <= 1  # half the tone over the fill
    assert abs(row[33] - (255 + 80) / 2) <= 1  # and over the paper
    assert abs(row[38] - 40) <= 1  # the pencil over the tone
    assert abs(row[46] - 0) <= 1
    assert abs(row[60] - 255) <= 1  # only the notes are there


def test_the_whole_picture_goes_before_layers_and_the_preview_after_them(tmp_path):
    path = project(tmp_path, [layered(tmp_path)])
    picture(tmp_path, "board-1-X-thumbnail.png")
    picture(tmp_path, "board-1-X-posterframe.jpg")
    (tmp_path / "images" / "board-1-X-pencil.png").unlink()
    (panel,) = read_storyboarder(path)
    assert [layer.path.name for layer in panel.layers] == ["board-1-X-posterframe.jpg"]
    (tmp_path / "images" / "board-1-X-posterframe.jpg").unlink()
    (panel,) = read_storyboarder(path)
    assert [layer.path.name for layer in panel.layers] == ["board-1-X-thumbnail.png"]
    picture(tmp_path, "board-1-X.png")
    (panel,) = read_storyboarder(path)
    assert [layer.path.name for layer in panel.layers] == ["board-1-X.png"]


def test_layers_of_unlike_sizes(tmp_path):
    Image.new("RGBA", (64, 36), (255, 255, 255, 255)).save(tmp_path / "a.png")
    Image.new("L", (128, 72), 0).save(tmp_path / "b.png")
    read = read_layers([(tmp_path / "a.png", 1.0), (tmp_path / "b.png", 0.5)])
    assert (read.width, read.height) == (64, 36)
    assert np.allclose(read.gray, 0.5, atol=0.01)


def test_boards_fail_alone(tmp_path):
    (tmp_path / "secret.png").write_bytes(b"")
    picture(tmp_path, "good.png")
    (tmp_path / "images" / "folder.png").mkdir()
    bad = [
        "../secret.png", "..", "images/../../secret.png", str(tmp_path / "secret.png"), "C:\\secret.png", "c:secret.png",
        "..\\secret.png", "\\\\server\\share.png", "a\nb.png", "a\0b.png", "x" * 5000, "", None, 7, ["good.png"],
        "missing.png", "folder.png", "file:///etc/passwd",
    ]  # fmt: skip
    boards = [
        {"url": "good.png"},
        *({"url": name} for name in bad),
        "no board",
        None,
        {},
        {"url": "good.png"},
    ]
    boards.append({"url": "gone.png", "layers": {"ink": {"url": "../secret.png"}}})
    boards.append({"url": "gone.png", "layers": {"ink": [], "fill": None}})
    panels = read_storyboarder(project(tmp_path, boards))
    assert len(panels) == len(boards)
    good = [panel.number for panel in panels if panel.error is None]
    assert good == [1, len(bad) + 5]
    for panel in panels:
        if panel.error is not None:
            assert panel.layers == ()
            assert panel.error.endswith(".")
            assert panel.error.isprintable()
            assert len(panel.error) < 300
    read = [drawing.read for drawing in drawings_of(tmp_path / "scene.storyboarder")]
    assert read[0]().width == 64
    with pytest.raises(InputError, match="outside"):
        read[1]()


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_must_stay_inside(tmp_path):
    inner, outside = tmp_path / "project", tmp_path / "outside"
    for folder in (inner, outside):
        folder.mkdir()
        picture(folder, "real.png")
    for name, target in (("kept", inner), ("leads_out", outside)):
        (inner / "images" / f"{name}.png").symlink_to(target / "images" / "real.png")
    (inner / "images" / "loop.png").symlink_to(inner / "images" / "loop.png")
    boards = [{"url": name} for name in ("kept.png", "leads_out.png", "loop.png")]
    panels = read_storyboarder(project(inner, boards))
    assert [panel.error is None for panel in panels] == [True, False, False]


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe\x00", b"{", b"[]", b"3", b"null", b'{"boards": 3}', b'{"boards": {}}', b"{}", b'{"scenes": []}',
        b"[" * 200_000, b'{"a":' * 100_000, b"\x89PNG\r\n\x1a\n", b'{"boards": []}', b"",
    ],
)  # fmt: skip
def test_foreign_files_are_one_sentence(tmp_path, content):
    (tmp_path / "a.storyboarder").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_storyboarder(tmp_path / "a.storyboarder")
    assert "Storyboarder project" in str(caught.value)
    (drawing,) = drawings_of(tmp_path / "a.storyboarder")
    with pytest.raises(InputError):
        drawing.read()


def test_sizes_are_limited(tmp_path, monkeypatch):
    monkeypatch.setattr("backend.storyboarder.MOST_BOARDS", 3)
    with pytest.raises(InputError, match="4 boards"):
        read_storyboarder(project(tmp_path, [{}] * 4))
    monkeypatch.setattr("backend.storyboarder.MOST_BYTES", 1000)
    with pytest.raises(InputError, match="larger"):
        read_storyboarder(project(tmp_path, [{"notes": "x" * 1000}]))


def test_the_reader_is_plain(tmp_path):
    """Blender's own process imports it, so it loads nothing heavy."""
    import subprocess

    code = "import sys, backend.storyboarder; print(sorted({'numpy', 'PIL', 'onnxruntime', 'bpy'} & set(sys.modules)))"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
