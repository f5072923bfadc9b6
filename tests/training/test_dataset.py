"""Data sets: the same bytes from the same seed, however they are built; records that other programs read."""

import io
import json
import sys
import tarfile
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest
import webdataset

import training.dataset
from backend.errors import InputError
from training.__main__ import main
from training.dataset.captions import caption
from training.dataset.records import from_files, to_files
from training.dataset.shards import broken_shards, checksum, read_manifest, read_shard
from training.drawing.camera import Camera
from training.drawing.paper import moved
from training.drawing.placement import Placement
from training.drawing.styles import STYLES

_SCHEMA = json.loads((Path(training.dataset.__file__).parent / "record.schema.json").read_text())


def _build(poses, out, *options):
    command = ["dataset", "build", "--poses", str(poses), "--out", str(out), "--seed", "40"]
    return main([*command, "--count", "5", "--shard-size", "2", "--workers", "1", *options])


def _sums(folder):
    return {path.name: checksum(path) for path in sorted(folder.glob("*.tar"))}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory, bank_file):
    folder = tmp_path_factory.mktemp("dataset")
    assert _build(bank_file, folder) == 0
    return folder


def test_records_keep_what_was_drawn_and_follow_the_schema(machine):
    seen = set()
    for seed in range(8):
        drawing = machine.draw(seed)
        files = to_files(drawing)
        jsonschema.validate(json.loads(files["json"]), _SCHEMA)
        again = from_files(files["png"], files["json"])
        colours = cv2.imdecode(np.frombuffer(files["png"], np.uint8), cv2.IMREAD_UNCHANGED).ndim == 3
        assert colours == (drawing.palette is not None)
        seen.add(colours)
        np.testing.assert_allclose(again.image, drawing.image.astype(int), atol=2 if colours else 0)
        np.testing.assert_allclose(again.warp, drawing.warp, atol=1e-8)
        assert (again.seed, again.style, again.regime) == (drawing.seed, drawing.style, drawing.regime)
        for read, drawn in zip(again.figures, drawing.figures, strict=True):
            np.testing.assert_allclose(read.keypoints, drawn.keypoints, atol=0.006)
            np.testing.assert_allclose(read.directions, drawn.directions, atol=1e-4)
            np.testing.assert_allclose(read.pose, drawn.pose, atol=1e-4)
            np.testing.assert_array_equal(read.flags, drawn.flags)
            assert read.contacts == drawn.contacts
            assert read.camera.azimuth == pytest.approx(drawn.camera.azimuth, abs=1e-4)
            assert read.camera.distance == pytest.approx(drawn.camera.distance, abs=1e-4)
            drawn_at = read.camera.project(read.keypoints3d) * read.scale + read.offset
            np.testing.assert_allclose(read.keypoints, moved(drawn_at, again.warp), atol=0.2)
        assert colours or to_files(again)["png"] == files["png"]
    assert seen == {True, False}


def test_webdataset_reads_the_shards(dataset):
    shards = sorted(str(path) for path in dataset.glob("*.tar"))
    assert len(shards) == 3
    samples = list(webdataset.WebDataset(shards, shardshuffle=False).decode("l8"))
    assert [sample["__key__"] for sample in samples] == [f"{k:09d}" for k in range(5)]
    for sample in samples:
        assert sample["png"].shape[:2] == (256, 256)
        jsonschema.validate(sample["json"], _SCHEMA)
    assert [sample["json"]["seed"] for sample in samples] == [40, 41, 42, 43, 44]


def test_shards_do_not_tell_when_or_by_whom(dataset):
    with tarfile.open(dataset / "000000.tar") as tar:
        assert {(m.mtime, m.uid, m.gid, m.uname, m.mode) for m in tar} == {(0, 0, 0, "", 0o644)}


def test_two_processes_build_the_same_bytes(dataset, bank_file, tmp_path):
    assert _build(bank_file, tmp_path, "--workers", "2") == 0
    assert _sums(tmp_path) == _sums(dataset)


def test_ray_builds_the_same_bytes(dataset, bank_file, tmp_path):
    assert _build(bank_file, tmp_path, "--ray", "--workers", "2") == 0
    assert _sums(tmp_path) == _sums(dataset)


def test_without_ray_the_person_is_told_how_to_get_it(bank_file, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert _build(bank_file, tmp_path, "--ray") == 1
    assert "sketch2pose[ray]" in capsys.readouterr().err


def test_an_interrupted_build_goes_on(dataset, bank_file, tmp_path, monkeypatch):
    from training.dataset import shards

    drawn = []
    whole = shards.to_files

    def interrupted(drawing):
        drawn.append(drawing.seed)
        if len(drawn) == 4:
            raise KeyboardInterrupt
        return whole(drawing)

    monkeypatch.setattr(shards, "to_files", interrupted)
    assert _build(bank_file, tmp_path) == 1
    assert [path.name for path in sorted(tmp_path.glob("*"))] == ["000000.tar", "dataset.json"]
    assert _build(bank_file, tmp_path) == 0
    assert drawn == [40, 41, 42, 43, 42, 43, 44]
    assert _sums(tmp_path) == _sums(dataset)


def test_a_broken_shard_is_found_and_rebuilt(dataset, bank_file, tmp_path, capsys):
    assert _build(bank_file, tmp_path) == 0
    path = tmp_path / "000001.tar"
    content = bytearray(path.read_bytes())
    content[700] ^= 255
    path.write_bytes(bytes(content))
    (tmp_path / "000002.tar").unlink()
    assert broken_shards(tmp_path) == [1, 2]
    assert main(["dataset", "verify", "--out", str(tmp_path)]) == 1
    assert "000001.tar is missing or broken" in capsys.readouterr().out
    command = ["dataset", "verify", "--out", str(tmp_path), "--rebuild", "--poses", str(bank_file)]
    assert main(command) == 0
    assert _sums(tmp_path) == _sums(dataset)
    assert main(["dataset", "verify", "--out", str(tmp_path)]) == 0


def test_another_plan_needs_another_folder(dataset, bank_file, capsys):
    assert _build(bank_file, dataset, "--seed", "41") == 1
    assert "another folder" in capsys.readouterr().err


def test_styles_are_chosen_by_name_and_kept_in_the_plan(dataset, bank_file, tmp_path, capsys):
    assert _build(bank_file, tmp_path, "--styles", "held-out, stick") == 0
    wanted = {style.name for style in STYLES if style.held_out} | {"stick"}
    drawings = [drawing for path in sorted(tmp_path.glob("*.tar")) for drawing in read_shard(path)]
    assert {drawing.style for drawing in drawings} <= wanted
    assert len({drawing.style for drawing in drawings}) > 1
    assert set(read_manifest(tmp_path)[0].styles) == wanted
    assert _build(bank_file, tmp_path, "--styles", "held-out, stick") == 0
    assert _build(bank_file, tmp_path) == 1
    assert "another folder" in capsys.readouterr().err
    assert _build(bank_file, tmp_path / "other", "--styles", "fresco") == 1
    assert "fresco" in capsys.readouterr().err
    assert read_manifest(dataset)[0].styles == ()


def test_damaged_shards_are_told_in_one_sentence(dataset, tmp_path):
    whole = (dataset / "000000.tar").read_bytes()
    (tmp_path / "short.tar").write_bytes(whole[:1500])
    (tmp_path / "text.tar").write_bytes(b"no tar at all" * 100)
    for name in ("short.tar", "text.tar"):
        with pytest.raises(InputError, match=name):
            list(read_shard(tmp_path / name))
    with tarfile.open(tmp_path / "foreign.tar", "w") as tar:
        for extension, content in (("png", b"\x89PNG broken"), ("json", b'{"schema": "other/1"}')):
            member = tarfile.TarInfo(f"000000000.{extension}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    with pytest.raises(InputError, match=r"foreign.tar/000000000"):
        list(read_shard(tmp_path / "foreign.tar"))


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"schema": "sketch2pose-drawing/1"}', b"\xff\x00"])
def test_foreign_json_is_refused(machine, text):
    with pytest.raises(InputError):
        from_files(to_files(machine.draw(0))["png"], text)


def test_captions_say_what_is_seen(machine):
    upright = np.tile(np.eye(3, dtype=np.float32), (24, 1, 1))
    stick = next(style for style in STYLES if style.name == "stick")
    front = machine.draw(2, stick, [Placement()], Camera(), upright)
    assert caption(front) == caption(front)
    assert "stick" in caption(front)
    assert "from the front" in caption(front)
    behind = machine.draw(2, STYLES[0], [Placement()], Camera(azimuth=180), upright)
    assert "from behind" in caption(behind)
    bust = machine.draw(2, STYLES[0], [Placement(part="bust", extent=220)], Camera(), upright)
    assert "bust" in caption(bust)
    crowd = machine.draw(2, STYLES[0], [Placement(extent=90)] * 3, Camera(), upright)
    assert "three figures" in caption(crowd)


def test_report_and_sheets_are_written(dataset, bank_file, tmp_path, capsys):
    assert main(["dataset", "report", "--out", str(dataset)]) == 0
    table = capsys.readouterr().out
    assert "| hand | expert |" in table
    command = [
        "dataset",
        "sheet",
        "--poses",
        str(bank_file),
        "--out",
        str(tmp_path),
        "--rows",
        "1",
        "--columns",
        "2",
    ]
    assert main(command) == 0
    assert {path.stem for path in tmp_path.glob("*.png")} == {style.name for style in STYLES}
    assert main(["dataset", "show", str(dataset / "000000.tar"), "--out", str(tmp_path / "labels")]) == 0
    assert len(list((tmp_path / "labels").glob("*.png"))) == 2
