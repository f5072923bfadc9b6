"""Every metric against a case worked out by hand, and the labelled-drawings reader."""

import json

import numpy as np
import pytest
from PIL import Image

from backend.errors import InputError
from backend.skeleton import keypoint_index
from training.__main__ import main
from training.evaluate.metrics import (
    LABELLED_BONES,
    LABELLED_JOINTS,
    LABELLED_MIRROR,
    bone_angles_2d,
    bone_angles_3d,
    bootstrap,
    hits,
    is_swapped,
    labelled_joints,
)
from training.evaluate.sketches import FigureScore, LabelledFigure, read_labels, report, score_figure

KNOWN = np.ones(15, bool)


def _figure() -> np.ndarray:
    """Fifteen joints of a front view: left at image right, mirrored across x = 50."""
    joints = {"head_center": (50, 10)}
    for k, name in enumerate(("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe")):
        joints[f"left_{name}"] = (60 + k, 20 + 10 * k)
        joints[f"right_{name}"] = (40 - k, 20 + 10 * k)
    return np.array([joints[n] for n in LABELLED_JOINTS], float)


def test_there_are_fifteen_joints_and_fourteen_bones():
    assert len(LABELLED_JOINTS) == 15
    assert len(set(LABELLED_BONES)) == 14
    assert all(LABELLED_MIRROR[LABELLED_MIRROR[k]] == k for k in range(15))


def test_head_centre_is_the_middle_of_head_and_top():
    keypoints = np.zeros((30, 2))
    keypoints[keypoint_index("head")] = (10, 20)
    keypoints[keypoint_index("head_top")] = (14, 4)
    keypoints[keypoint_index("left_toe")] = (7, 7)
    joints = labelled_joints(keypoints)
    np.testing.assert_allclose(joints[0], (12, 12))
    np.testing.assert_allclose(joints[LABELLED_JOINTS.index("left_toe")], (7, 7))


def test_hits_count_joints_within_the_share_of_the_box():
    true = _figure()
    predicted = true.copy()
    predicted[0] += (9.9, 0)
    predicted[1] += (0, 10.1)
    assert hits(predicted, true, 100.0, 0.1).tolist() == [True, False] + [True] * 13
    assert hits(predicted, true, 100.0, 0.05).sum() == 13


def test_swap_is_told_from_the_whole_labelling():
    true = _figure()
    assert not is_swapped(true, true, KNOWN)
    assert is_swapped(true[list(LABELLED_MIRROR)], true, KNOWN)
    one_limb = true.copy()
    one_limb[[1, 2]] = true[[2, 1]]
    assert not is_swapped(one_limb, true, KNOWN)


def test_bone_angles_in_the_image():
    true = _figure()
    angle = np.radians(30)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    np.testing.assert_allclose(bone_angles_2d(true @ turn.T, true, KNOWN), 30, atol=1e-9)
    np.testing.assert_allclose(bone_angles_2d(-true, true, KNOWN), 180, atol=1e-6)
    few = np.zeros(15, bool)
    few[[LABELLED_JOINTS.index("left_hip"), LABELLED_JOINTS.index("left_knee")]] = True
    assert len(bone_angles_2d(true, true, few)) == 1


def test_bone_angles_in_space():
    a = np.array([[1.0, 0, 0], [0, 0, 1]])
    b = np.array([[0, 1.0, 0], [0, 0, -1]])
    np.testing.assert_allclose(bone_angles_3d(a, b), (90, 180))


def test_bootstrap_interval_holds_the_mean_and_narrows():
    rng = np.random.default_rng(0)
    few, many = rng.normal(5, 1, 20), rng.normal(5, 1, 2000)
    low, high = bootstrap(many)
    assert low < many.mean() < high
    assert high - low < 0.3 * np.subtract(*bootstrap(few)[::-1])


def _labelled(sides_known: bool) -> LabelledFigure:
    return LabelledFigure("a.png", np.array([0, 0, 100, 100.0]), _figure(), KNOWN, "stick", sides_known)


class _Named:
    name = "a.png"


def test_a_swapped_reading_costs_only_where_sides_are_known():
    keypoints = np.zeros((30, 2))
    joints = _figure()[list(LABELLED_MIRROR)]
    for k, name in enumerate(LABELLED_JOINTS[1:], start=1):
        keypoints[keypoint_index(name)] = joints[k]
    keypoints[keypoint_index("head")] = keypoints[keypoint_index("head_top")] = joints[0]
    for sides_known in (True, False):
        figure = _labelled(sides_known)
        object.__setattr__(figure, "image", _Named)
        score = score_figure(figure, keypoints)
        assert score.swapped is sides_known
        assert score.pck10_swap_free == 1
        assert (score.pck10 == 1) is not sides_known


def test_report_pools_small_styles():
    scores = [
        FigureScore(f"{k}.png", "stick" if k < 7 else "odd", 0.5, 0.25, 0.5, k == 0, 20.0) for k in range(9)
    ]
    table = report(scores).splitlines()
    assert [line.split()[0] for line in table] == ["style", "all", "others", "stick"]
    assert table[1].split()[1:3] == ["9", "50.0%"]
    assert table[2].split()[1] == "2"


def test_labels_are_read_and_checked(tmp_path):
    joints = {n: [*xy, 1] for n, xy in zip(LABELLED_JOINTS, _figure().tolist(), strict=True)}
    joints["left_toe"][2] = 0
    record = {
        "file": "a.png",
        "box": [0, 0, 90, 90],
        "style": "ink",
        "sure_left_right": True,
        "joints": joints,
    }
    (tmp_path / "labels.json").write_text(json.dumps([record]))
    with pytest.raises(InputError, match=r"a\.png"):
        read_labels(tmp_path)
    (tmp_path / "images").mkdir()
    Image.new("L", (90, 90), 255).save(tmp_path / "images" / "a.png")
    (figure,) = read_labels(tmp_path)
    assert figure.known.sum() == 14
    assert figure.style == "ink"
    with pytest.raises(InputError):
        read_labels(tmp_path / "nowhere")


@pytest.mark.parametrize("labels", ["{", "[]", "{}", "[{}]", "[1]", "5", '[{"file": "a.png", "joints": []}]'])
def test_labels_of_another_kind_are_one_sentence(tmp_path, labels):
    (tmp_path / "labels.json").write_text(labels)
    with pytest.raises(InputError, match=r"labels\.json"):
        read_labels(tmp_path)


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (ModuleNotFoundError("no", name="cv2"), "cv2 is missing"),
        (FileNotFoundError(2, "No such file", "/no/x.json"), "/no/x.json"),
        (InputError("Wrong."), "Wrong."),
    ],
)
def test_a_failure_of_a_command_is_one_sentence(monkeypatch, capsys, error, word):
    def fail(args):
        raise error

    monkeypatch.setattr("training.evaluate.command.run", fail)
    assert main(["evaluate"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert word in line
