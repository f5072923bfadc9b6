"""The command line: good and bad inputs, exit codes, one line a failure, files on disk."""

import json
import os
import stat
import sys

import jsonschema
import numpy as np
import pytest
from PIL import Image

import backend.engines.finder
import backend.engines.onnx
from backend import api
from backend.__main__ import main
from backend.commands.pose import FreeNames
from backend.drawings import find_files, natural_key
from backend.errors import InstallError
from tests.backend.psd_bytes import psd

VALIDATOR = jsonschema.Draft202012Validator(json.loads(api.SCHEMA_FILE.read_text("utf-8")))


@pytest.fixture(autouse=True)
def _fake_network(monkeypatch, engine):
    monkeypatch.setattr(backend.engines.onnx, "OnnxEngine", lambda **_: engine)


def read(folder) -> dict:
    document = json.loads((folder / "poses.json").read_text("utf-8"))
    VALIDATOR.validate(document)
    return document


def test_one_drawing(tmp_path, drawing, capsys):
    drawing.save(tmp_path / "sketch.png")
    assert main(["pose", str(tmp_path / "sketch.png"), "--out", str(tmp_path / "out")]) == 0
    (image,) = read(tmp_path / "out")["images"]
    assert image["file"] == str(tmp_path / "sketch.png")
    assert image["error"] is None
    assert (image["width"], image["height"]) == (320, 400)
    assert len(image["figures"]) == 1
    assert sorted(os.listdir(tmp_path / "out")) == ["poses.json", "sketch_overlay.png"]
    with Image.open(tmp_path / "out" / "sketch_overlay.png") as overlay:
        assert overlay.format == "PNG"
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "1 of 1" in printed.out


@pytest.mark.parametrize(
    ("formats", "files"),
    [
        ("json", ["poses.json"]),
        ("overlay", ["a_overlay.png"]),
        ("overlay,json", ["a_overlay.png", "poses.json"]),
        ("npz,bvh", ["a.bvh", "a.npz"]),
        ("json,overlay,npz,bvh", ["a.bvh", "a.npz", "a_overlay.png", "poses.json"]),
    ],
)
def test_formats(tmp_path, drawing, formats, files):
    drawing.save(tmp_path / "a.png")
    assert main(["pose", str(tmp_path / "a.png"), "--out", str(tmp_path / "out"), "--format", formats]) == 0
    assert sorted(os.listdir(tmp_path / "out")) == files


def bad_inputs(folder) -> dict[str, str]:
    """Every bad input of the requirement: file name -> a word that its sentence must hold."""
    rng = np.random.default_rng(0)
    (folder / "empty.png").write_bytes(b"")
    Image.new("L", (1, 1)).save(folder / "dot.png")
    Image.new("1", (20_000, 20)).save(folder / "wide.png")
    Image.new("1", (20_000, 20_000)).save(folder / "huge.png")
    buffer = (folder / "whole.png", folder / "broken.png")
    Image.fromarray(rng.integers(0, 255, (90, 90), np.uint8)).save(buffer[0])
    buffer[1].write_bytes(buffer[0].read_bytes()[:3000])
    buffer[0].unlink()
    Image.fromarray(rng.integers(0, 255, (400, 400), np.uint8)).save(folder / "noise.png")
    Image.new("RGBA", (300, 300), (0, 0, 0, 0)).save(folder / "clear.png")
    Image.new("L", (300, 300), 255).save(folder / "blank.png")
    (folder / "notes.png").write_text("no image")
    (folder / "folder.png").mkdir()
    return {
        "missing.png": "does not exist", "empty.png": "empty", "dot.png": "too small", "wide.png": "too large",
        "huge.png": "too large", "broken.png": "damaged", "noise.png": "No figure", "clear.png": "No figure",
        "blank.png": "No figure", "notes.png": "no image", "folder.png": "a folder that holds some", "無い.png": "does not exist",
    }  # fmt: skip


def test_bad_inputs_fail_in_a_line_each_and_the_rest_is_done(tmp_path, drawing, capsys):
    bad = bad_inputs(tmp_path)
    alpha = Image.new("RGBA", drawing.size, (255, 255, 255, 0))
    alpha.putalpha(Image.fromarray(255 - np.asarray(drawing)))
    good = ["эскиз 絵 é.png", "alpha only.png", "last.png"]
    drawing.save(tmp_path / good[0])
    alpha.save(tmp_path / good[1])
    drawing.save(tmp_path / good[2])
    inputs = [good[0], *list(bad)[:6], good[1], *list(bad)[6:], good[2]]
    status = main(["pose", *(str(tmp_path / name) for name in inputs), "--out", str(tmp_path / "out")])
    assert status == 1
    images = read(tmp_path / "out")["images"]
    assert [os.path.basename(image["file"]) for image in images] == inputs
    for image in images:
        name = os.path.basename(image["file"])
        if name in good:
            assert image["error"] is None
            assert len(image["figures"]) == 1
        else:
            assert bad[name] in image["error"]
            assert image["figures"] == []
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(bad)
    for line, name in zip(lines, bad, strict=True):
        assert line.startswith(f"{tmp_path / name}: ")
        assert bad[name] in line
        assert "Traceback" not in line
    overlays = sorted(name for name in os.listdir(tmp_path / "out") if name.endswith(".png"))
    assert overlays == sorted(f"{name.removesuffix('.png')}_overlay.png" for name in good)


def test_folders_are_sorted_as_people_count(tmp_path, drawing):
    panels = tmp_path / "panels"
    panels.mkdir()
    for name in ("p10.png", "p2.png", "P1.PNG", "notes.txt", ".hidden.png"):
        drawing.save(panels / name, "PNG")
    assert main(["pose", str(panels), "--out", str(tmp_path / "out"), "--format", "json"]) == 0
    names = [os.path.basename(image["file"]) for image in read(tmp_path / "out")["images"]]
    assert names == ["P1.PNG", "p2.png", "p10.png"]


def storyboard(folder, drawing, names) -> None:
    """A project of Storyboarder with a board of each name; of those that are None the picture is missing."""
    images = folder / "images"
    images.mkdir(parents=True)
    boards = [{"url": f"board-{n}-{name}.png", "shot": f"{n}A"} for n, name in enumerate(names, 1)]
    for board, name in zip(boards, names, strict=True):
        if name is not None:
            drawing.save(images / board["url"])
    (folder / f"{folder.name}.storyboarder").write_text(json.dumps({"boards": boards}))


def test_a_folder_with_files_of_every_kind(tmp_path, drawing, capsys):
    pytest.importorskip("pypdfium2", reason="reads PDF files")
    folder = tmp_path / "scene"
    storyboard(folder, drawing, ["AAAAA", None, "CCCCC"])
    drawing.save(folder / "a2.png")
    drawing.save(folder / "a10.pdf", save_all=True, append_images=[Image.new("L", (200, 200), 255), drawing])
    (folder / "b.psd").write_bytes(psd(drawing.size, [], np.asarray(drawing)))
    (folder / "broken.storyboarder").write_text("{")
    (folder / "notes.txt").touch()
    arguments = ["pose", str(folder), "--out", str(tmp_path / "out"), "--format", "json,overlay,npz"]
    assert main(arguments) == 1
    images = read(tmp_path / "out")["images"]
    names = [os.path.relpath(image["file"], folder) for image in images]
    pages, boards = [f"a10.pdf#{n}" for n in (1, 2, 3)], [f"scene.storyboarder#{n}" for n in (1, 2, 3)]
    assert names == ["a2.png", *pages, "b.psd", "broken.storyboarder", *boards]
    failed = [name for name, image in zip(names, images, strict=True) if image["error"]]
    assert failed == ["a10.pdf#2", "broken.storyboarder", "scene.storyboarder#2"]
    printed = capsys.readouterr()
    lines = printed.err.splitlines()
    assert [line.split(": ")[0] for line in lines] == [str(folder / name) for name in failed]
    assert "board-2-None.png" in lines[2]
    assert "6 of 9" in printed.out
    made = ["a2", "a10_1", "a10_3", "b", "scene_1", "scene_3"]
    expected = [f"{stem}{ending}" for stem in made for ending in ("_overlay.png", ".npz")]
    assert sorted(os.listdir(tmp_path / "out")) == sorted([*expected, "poses.json"])


def test_the_pictures_of_a_storyboard_are_not_posed_twice(tmp_path, drawing, monkeypatch):
    folder = tmp_path / "scene"
    storyboard(folder, drawing, ["AAAAA"])
    inputs = [str(path) for path in sorted(folder.iterdir())]  # as a shell expands scene/*
    assert [os.path.basename(path) for path in inputs] == ["images", "scene.storyboarder"]
    assert find_files(inputs) == [folder / "scene.storyboarder"]
    assert find_files([str(folder)]) == [folder / "scene.storyboarder"]
    assert [path.name for path in find_files([str(folder / "images")])] == ["board-1-AAAAA.png"]
    monkeypatch.chdir(folder)
    assert find_files(["images", "scene.storyboarder"])[0].name == "scene.storyboarder"


def test_results_may_not_lie_among_the_pictures_of_a_storyboard(tmp_path, drawing, capsys):
    storyboard(tmp_path / "scene", drawing, ["AAAAA"])
    board = tmp_path / "scene" / "scene.storyboarder"
    assert main(["pose", str(board), "--out", str(tmp_path / "scene" / "images")]) == 2
    assert "--out" in capsys.readouterr().err
    assert os.listdir(tmp_path / "scene" / "images") == ["board-1-AAAAA.png"]
    assert main(["pose", str(board), "--out", str(tmp_path / "scene")]) == 0


def test_a_pdf_without_its_package_does_not_end_the_batch(tmp_path, drawing, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    drawing.save(tmp_path / "a.pdf")
    drawing.save(tmp_path / "b.png")
    inputs = [str(tmp_path / name) for name in ("a.pdf", "b.png", "missing.pdf", "missing.storyboarder")]
    assert main(["pose", *inputs, "--out", str(tmp_path / "out")]) == 1
    assert [image["error"] is None for image in read(tmp_path / "out")["images"]] == [
        False,
        True,
        False,
        False,
    ]
    lines = capsys.readouterr().err.splitlines()
    assert "pip install pypdfium2" in lines[0]
    assert all("does not exist" in line for line in lines[1:])


def test_natural_order_and_unlike_names(tmp_path):
    from pathlib import Path

    names = ["b.png", "a10b2.png", "a10b1.png", "a9.png", "1.png", "0002.png", "A1.png"]
    ordered = [path.name for path in sorted(map(Path, names), key=natural_key)]
    assert ordered == ["1.png", "0002.png", "A1.png", "a9.png", "a10b1.png", "a10b2.png", "b.png"]
    paths = [Path(p) for p in ("a/x.png", "b/x.png", "c/X.jpg", "x-2.png", "y.png")]
    names = FreeNames(paths)
    taken = [names.take(path.stem, "_overlay.png") for path in paths]
    assert len({name.casefold() for name in taken}) == 5
    assert taken[0] == "x_overlay.png"
    assert find_files([str(tmp_path / "none.png")]) == [tmp_path / "none.png"]


def test_drawings_of_one_name_keep_their_own_overlay(tmp_path, drawing):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        drawing.save(tmp_path / folder / "x.png")
    status = main(
        ["pose", str(tmp_path / "a"), str(tmp_path / "b" / "x.png"), "--out", str(tmp_path / "out")]
    )
    assert status == 0
    assert sorted(os.listdir(tmp_path / "out")) == ["poses.json", "x-2_overlay.png", "x_overlay.png"]


def test_drawings_are_never_overwritten(tmp_path, drawing, capsys):
    for name in ("x.png", "x_overlay.png"):
        drawing.save(tmp_path / name)
    before = {name: (tmp_path / name).read_bytes() for name in ("x.png", "x_overlay.png")}
    assert main(["pose", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "--out" in capsys.readouterr().err
    assert main(["pose", *(str(tmp_path / name) for name in before), "--out", str(tmp_path)]) == 0
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    overlays = set(os.listdir(tmp_path)) - {*before, "poses.json"}
    assert overlays == {"x-2_overlay.png", "x_overlay_overlay.png"}


def test_names_at_the_limits_do_not_end_the_batch(tmp_path, drawing, capsys):
    long = tmp_path / f"{'é' * 125}.png"  # 254 bytes
    drawing.save(long)
    endless = tmp_path / ("y" * 5000)
    drawing.save(tmp_path / "last.png")
    inputs = [str(path) for path in (endless, long, tmp_path / "last.png")]
    assert main(["pose", *inputs, "--out", str(tmp_path / "out")]) == 1
    images = read(tmp_path / "out")["images"]
    assert [image["error"] is None for image in images] == [False, True, True]
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert len(os.listdir(tmp_path / "out")) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems take no such names")
def test_names_that_are_no_text(tmp_path, drawing):
    folder, file = os.fsencode(tmp_path) + b"/\xfe", os.fsencode(tmp_path) + b"/\xff.png"
    os.mkdir(folder)  # noqa: PTH102
    drawing.save(tmp_path / "a.png")
    os.rename(tmp_path / "a.png", file)  # noqa: PTH104
    inputs = [os.fsdecode(folder), os.fsdecode(file)]
    assert main(["pose", *inputs, "--out", str(tmp_path / "out")]) == 1
    assert [image["error"] is None for image in read(tmp_path / "out")["images"]] == [False, True]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows takes no such names")
def test_a_failure_is_one_line_whatever_the_name(tmp_path, capsys):
    (tmp_path / "a\nb\x1b[2J.png").touch()
    assert main(["pose", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "a\\nb\\x1b[2J.png: The file is empty" in line


def test_a_drawing_that_vanishes_meanwhile_does_not_end_the_batch(tmp_path, drawing, monkeypatch):
    from backend import pipeline

    for name in ("a.png", "b.png"):
        drawing.save(tmp_path / name)
    pose = pipeline.Pipeline.try_pose

    def pose_and_remove(self, sketch, **options):
        result = pose(self, sketch, **options)
        if sketch.path.name == "a.png":
            sketch.path.unlink()
        return result

    monkeypatch.setattr(pipeline.Pipeline, "try_pose", pose_and_remove)
    inputs = [str(tmp_path / name) for name in ("a.png", "b.png")]
    assert main(["pose", *inputs, "--out", str(tmp_path / "out")]) == 1
    first, second = read(tmp_path / "out")["images"]
    assert "does not exist" in first["error"]
    assert first["figures"] == []
    assert second["error"] is None


@pytest.mark.parametrize(("value", "count"), [("1", 1), ("2", 2), ("all", 3)])
def test_figures(tmp_path, drawing, blind, monkeypatch, value, count):
    monkeypatch.setattr(backend.engines.finder, "make_finder", lambda _: blind)
    page = Image.new("L", (900, 400), 255)
    for x in (0, 290, 580):
        page.paste(drawing, (x, 0))
    page.save(tmp_path / "page.png")
    status = main(["pose", str(tmp_path / "page.png"), "--out", str(tmp_path / "out"), "--figures", value])
    assert status == 0
    assert len(read(tmp_path / "out")["images"][0]["figures"]) == count


def test_box(tmp_path, drawing, capsys):
    drawing.save(tmp_path / "a.png")
    common = ["pose", str(tmp_path / "a.png"), "--out", str(tmp_path / "out"), "--format", "json"]
    assert main([*common, "--box", "50,50,150.5,250"]) == 0
    assert read(tmp_path / "out")["images"][0]["figures"][0]["box"] == [50, 50, 150.5, 250]
    assert main([*common, "--box", "900,900,950,990"]) == 1
    assert "320 x 400" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        [], ["pose"], ["pose", "a.png"], ["pose", "--out", "o"], ["dance"], ["pose", "a.png", "--out", "o", "--format", "fbx"],
        ["pose", "a.png", "--out", "o", "--hypotheses", "0"], ["pose", "a.png", "--out", "o", "--hypotheses", "all"],
        ["pose", "a.png", "--out", "o", "--figures", "0"], ["pose", "a.png", "--out", "o", "--figures", "-1"],
        ["pose", "a.png", "--out", "o", "--figures", "²"], ["pose", "a.png", "--out", "o", "--box", "1,2,3"],
        ["pose", "a.png", "--out", "o", "--box", "9,9,1,1"], ["pose", "a.png", "--out", "o", "--box", "a,b,c,d"],
        ["pose", "a.png", "--out", "o", "--box", "nan,0,1,1"], ["pose", "a.png", "--out", "o", "--box", "0,0,inf,inf"],
        ["pose", "", "--out", "o"], ["pose", "a.png", "--out", ""], ["pose", "a.png", "--out", "o", "--engine", "magic"],
        ["pose", "a.png", "--out", "o", "--device", "toaster"], ["doctor", "--engine", "magic"],
        ["pose", "a.png", "b.png", "--out", "o", "--box", "0,0,9,9"], ["pose", "a.pdf", "--out", "o", "--box", "0,0,9,9"],
        ["pose", "a.storyboarder", "--out", "o", "--keypoints", "k.json"], ["doctor", "--loud"],
    ],
)  # fmt: skip
def test_wrong_usage_is_2_and_writes_nothing(tmp_path, monkeypatch, capsys, options):
    monkeypatch.chdir(tmp_path)
    assert main(options) == 2
    assert os.listdir(tmp_path) == []
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--help"], ["--version"], ["pose", "--help"], ["doctor", "--help"]])
def test_help_and_version(capsys, options):
    assert main(options) == 0
    assert capsys.readouterr().out


def test_an_output_folder_that_cannot_be(tmp_path, drawing, capsys):
    drawing.save(tmp_path / "a.png")
    assert main(["pose", str(tmp_path / "a.png"), "--out", str(tmp_path / "a.png")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "output folder" in line


@pytest.mark.parametrize("body", ["missing.npz", "a.png"])
def test_a_wrong_body_is_one_sentence(tmp_path, drawing, capsys, body):
    drawing.save(tmp_path / "a.png")
    status = main(
        ["pose", str(tmp_path / "a.png"), "--out", str(tmp_path / "out"), "--body", str(tmp_path / body)]
    )
    assert status == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "body file" in line


@pytest.mark.parametrize("command", [["pose", "a.png", "--out", "out"], ["doctor"]])
def test_missing_weights_are_one_sentence(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)

    def missing(**_):
        raise InstallError("The weights are missing; install again.")

    monkeypatch.setattr(backend.engines.onnx, "OnnxEngine", missing)
    assert main(command) == 1
    assert capsys.readouterr().err.splitlines() == ["The weights are missing; install again."]


def test_an_unforeseen_error_is_one_sentence(tmp_path, monkeypatch, capsys):
    def broken(**_):
        raise RuntimeError("a\nb")

    monkeypatch.setattr(backend.engines.onnx, "OnnxEngine", broken)
    assert main(["doctor"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "RuntimeError: a b" in line


def test_interruption(monkeypatch, capsys):
    def stopped(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr(backend.engines.onnx, "OnnxEngine", stopped)
    assert main(["doctor"]) == 130
    assert capsys.readouterr().err.splitlines() == ["Stopped."]


def test_doctor(capsys):
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    for word in ("Python", "numpy", "ONNX Runtime", "Pillow", "PyTorch", "t-pose@", "vertices", "ms"):
        assert word in printed


def test_results_replace_older_ones_whole(tmp_path, drawing, monkeypatch):
    drawing.save(tmp_path / "a.png")
    out = tmp_path / "out"
    out.mkdir()
    (out / "poses.json").write_text("old")
    from backend import export

    monkeypatch.setattr(export, "dumps", lambda result: (_ for _ in ()).throw(OSError(28, "No space left")))
    assert main(["pose", str(tmp_path / "a.png"), "--out", str(out), "--format", "json"]) == 1
    assert os.listdir(out) == ["poses.json"]
    assert (out / "poses.json").read_text() == "old"
    monkeypatch.undo()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
def test_files_have_the_rights_of_ordinary_files(tmp_path, drawing):
    drawing.save(tmp_path / "a.png")
    (tmp_path / "plain").touch()
    main(["pose", str(tmp_path / "a.png"), "--out", str(tmp_path / "out")])
    for name in os.listdir(tmp_path / "out"):
        assert stat.S_IMODE((tmp_path / "out" / name).stat().st_mode) == stat.S_IMODE(
            (tmp_path / "plain").stat().st_mode
        )
