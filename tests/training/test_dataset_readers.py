"""Other people's labelled pictures, in tiny files of their formats."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import cv2
import jsonschema
import numpy as np
import pytest
import yaml
from PIL import Image

import training.dataset
from backend.errors import SketchPoseError
from backend.skeleton import KEYPOINT_NAMES, keypoint_index
from training.__main__ import main
from training.dataset.readers import amateur_drawings, animated_drawings, coco, human_art, sketch2pose
from training.drawing.record import Flag


def annotation(count: int = 17, **changes: Any) -> dict[str, Any]:
    """Keypoint i at (10 + i, 20 + 2 i), visible."""
    keypoints = [value for i in range(count) for value in (10 + i, 20 + 2 * i, 2)]
    return {"image_id": 1, "id": 7, "iscrowd": 0, "keypoints": keypoints, "bbox": [5, 10, 40, 60]} | changes


def written(
    folder: Path, *annotations: dict[str, Any], size: tuple[int, int] = (100, 80), **image: Any
) -> Path:
    """A picture and its annotations in COCO's layout."""
    Image.new("L", size, 255).save(folder / "a.png")
    entry = {"id": 1, "file_name": "a.png", "width": 100, "height": 80} | image
    path = folder / "annotations.json"
    path.write_text(json.dumps({"images": [entry], "annotations": annotations}), encoding="utf-8")
    return path


def unexpected(sentence: str) -> None:
    raise AssertionError(sentence)


def at(figure: Any, name: str) -> list[float]:
    return figure.keypoints[keypoint_index(name)].tolist()


def test_coco_keypoints_get_our_names(tmp_path: Path) -> None:
    (image,) = coco.read(written(tmp_path, annotation()), unexpected)
    (figure,) = image.figures
    assert at(figure, "nose") == [10, 20]
    assert at(figure, "left_shoulder") == [15, 30]
    assert at(figure, "right_ankle") == [26, 52]
    assert figure.box.tolist() == [5, 10, 45, 70]
    known = {name for name, flag in zip(KEYPOINT_NAMES, figure.flags, strict=True) if flag == Flag.VISIBLE}
    assert known == {name for name in coco.JOINTS if name}
    assert image.picture().gray.shape == (80, 100)


def test_what_is_not_labelled_is_unknown(tmp_path: Path) -> None:
    label = annotation()
    label["keypoints"][:3] = [0, 0, 0]  # the nose
    label["keypoints"][17] = 1  # the left shoulder is hidden
    (image,) = coco.read(written(tmp_path, label), unexpected)
    (figure,) = image.figures
    assert np.isnan(at(figure, "nose")).all()
    assert figure.flags[keypoint_index("nose")] == Flag.OUTSIDE
    assert figure.flags[keypoint_index("left_shoulder")] == Flag.INVISIBLE
    assert np.isnan(at(figure, "left_hand")).all()


def test_pictures_are_read_from_the_folder_that_is_named(tmp_path: Path) -> None:
    pictures = tmp_path / "val2017"
    pictures.mkdir()
    path = written(tmp_path, annotation())
    (tmp_path / "a.png").rename(pictures / "a.png")
    (image,) = coco.read(path, unexpected, pictures)
    assert image.file == pictures / "a.png"


@pytest.mark.parametrize(
    "broken",
    [
        annotation(16),
        annotation(keypoints=[0] * 51),
        annotation(keypoints=["x"] * 51),
        annotation(bbox=[1, 2]),
        annotation(keypoints=[1, 2, 9] * 17),
        annotation(keypoints=[float("nan"), 1, 2] * 17),
        {"image_id": 1},
    ],
)
def test_a_broken_figure_is_left_out_with_one_line(tmp_path: Path, broken: dict[str, Any]) -> None:
    lines: list[str] = []
    (image,) = coco.read(written(tmp_path, broken, annotation()), lines.append)
    assert len(image.figures) == 1
    assert len(lines) == 1
    assert "a.png" in lines[0]
    assert "\n" not in lines[0]


def test_crowds_have_no_keypoints_and_missing_pictures_are_told(tmp_path: Path) -> None:
    lines: list[str] = []
    assert not list(coco.read(written(tmp_path, annotation(iscrowd=1)), lines.append))
    assert not lines
    assert not list(coco.read(written(tmp_path, annotation(), file_name="gone.png"), lines.append))
    assert len(lines) == 1
    assert "gone.png" in lines[0]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"images": []}', '{"images": 3, "annotations": []}'])
def test_a_file_that_is_no_coco_says_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "annotations.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SketchPoseError, match=r"annotations\.json is no COCO"):
        next(coco.read(path, unexpected))
    with pytest.raises(SketchPoseError, match="cannot be read"):
        next(coco.read(tmp_path / "none.json", unexpected))


def test_human_art_has_tips_and_words(tmp_path: Path) -> None:
    label = annotation(keypoints_21=annotation(21)["keypoints"])
    path = written(tmp_path, label, description="a dancer", category="cartoon")
    (image,) = human_art.read(path, unexpected)
    assert (image.caption, image.category, image.source) == ("a dancer", "cartoon", "human_art")
    assert at(image.figures[0], "left_fingertips") == [27, 54]
    assert at(image.figures[0], "right_toe") == [30, 60]


def test_amateur_drawings_are_brought_to_the_pixels_of_the_file(tmp_path: Path) -> None:
    (same,) = amateur_drawings.read(written(tmp_path, annotation()), unexpected)
    assert at(same.figures[0], "nose") == [10, 20]
    (small,) = amateur_drawings.read(written(tmp_path, annotation(), size=(50, 40)), unexpected)
    assert at(small.figures[0], "nose") == [5, 10]
    (cut,) = amateur_drawings.read(written(tmp_path, annotation(), size=(80, 120)), unexpected)
    assert at(cut.figures[0], "nose") == [10, 20]
    assert at(cut.figures[0], "right_ankle") == [42, 84]
    assert cut.figures[0].box.tolist() == [0, 0, 80, 120]
    lines: list[str] = []
    assert not list(amateur_drawings.read(written(tmp_path, annotation(), size=(30, 300)), lines.append))
    assert len(lines) == 1


def character(folder: Path, joints: dict[str, tuple[int, int]]) -> None:
    folder.mkdir()
    Image.new("RGBA", (60, 90)).save(folder / "texture.png")
    skeleton = [{"name": name, "loc": list(place), "parent": None} for name, place in joints.items()]
    config = {"skeleton": skeleton, "width": 60, "height": 90}
    (folder / "char_cfg.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


def test_animated_drawings_are_found_in_a_folder(tmp_path: Path) -> None:
    character(tmp_path / "good", {"root": (30, 50), "hip": (30, 50), "neck": (31, 10), "left_foot": (40, 88)})
    character(tmp_path / "bad", {"tail": (1, 2)})
    lines: list[str] = []
    (image,) = animated_drawings.read(tmp_path, lines.append)
    figure = image.figures[0]
    assert at(figure, "pelvis") == [30, 50]
    assert at(figure, "left_ankle") == [40, 88]
    assert figure.box.tolist() == [30, 10, 40, 88]
    assert len(lines) == 1
    with pytest.raises(SketchPoseError, match="holds no char_cfg"):
        next(animated_drawings.read(tmp_path / "good" / "none", unexpected))


def test_sketch2pose_joints_get_our_names(tmp_path: Path) -> None:
    (image,) = sketch2pose.read(written(tmp_path, annotation(18)), unexpected)
    assert at(image.figures[0], "head") == [10, 20]
    assert at(image.figures[0], "left_wrist") == [17, 34]
    assert at(image.figures[0], "right_foot") == [27, 54]
    assert np.isnan(at(image.figures[0], "spine2")).all()


@pytest.mark.parametrize(("name", "count"), [("coco", 17), ("amateur-drawings", 17), ("sketch2pose", 18)])
def test_labels_become_records_of_the_same_schema(tmp_path: Path, name: str, count: int) -> None:
    written(tmp_path, annotation(count))
    out = tmp_path / "shards"
    command = ["dataset", "read", "--format", name, "--annotations", str(tmp_path / "annotations.json")]
    assert main([*command, "--out", str(out)]) == 0
    with tarfile.open(out / "000000.tar") as tar:
        assert tar.getnames() == ["000000000.png", "000000000.json"]
        files = [tar.extractfile(member) for member in tar]
        png, text = (file.read() if file else b"" for file in files)
    schema = (Path(training.dataset.__file__).parent / "record.schema.json").read_text(encoding="utf-8")
    record = json.loads(text)
    jsonschema.validate(record, json.loads(schema))
    assert cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED).shape == (80, 100)
    figure = record["figures"][0]
    assert figure["keypoints"][keypoint_index("left_elbow")] == [
        10 + (6 if count == 18 else 7),
        32 + 2 * (count == 17),
    ]
    assert figure["keypoints"][keypoint_index("left_hand")] is None
    assert figure["pose"] is None
    assert json.loads((out / "dataset.json").read_text(encoding="utf-8"))["count"] == 1
    assert main([*command, "--out", str(out)]) == 1


def test_a_picture_that_cannot_be_read_is_named_and_the_rest_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    character(tmp_path / "a", {"root": (30, 50), "hip": (30, 50)})
    character(tmp_path / "b", {"root": (30, 50), "hip": (30, 50)})
    (tmp_path / "a" / "texture.png").write_bytes(b"no picture")
    command = ["dataset", "read", "--format", "animated-drawings", "--annotations", str(tmp_path)]
    assert main([*command, "--out", str(tmp_path / "shards")]) == 0
    text = capsys.readouterr().out
    assert "texture.png is left out" in text
    assert "1 records in 1 shards" in text
