"""The report on labelled drawings: labels, scores, tables, MediaPipe's landmarks, the command."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.body import pose_body
from backend.errors import InputError
from backend.skeleton import KEYPOINT_PARENTS
from training.__main__ import main
from training.drawing.anatomy import load_anatomy
from training.evaluate import mediapipe_pose
from training.evaluate.command import ablations_beside
from training.evaluate.figures import NOTHING, CutOut, LabelledFigure, Reading, Truth3D, cut_out
from training.evaluate.metrics import LABELLED_JOINTS, LABELLED_MIRROR, LIMB_BONES, other_reading
from training.evaluate.pictures import best_median_worst
from training.evaluate.report import Column, best_of, groups, table
from training.evaluate.score import Score, score
from training.evaluate.shipped import read_with_pipeline, read_without_box
from training.evaluate.sketches import read_labels

EXAMPLES = Path(__file__).parents[2] / "examples"
KNOWN = np.ones(15, bool)


def _figure() -> np.ndarray:
    """Fifteen joints of a front view: left at image right, mirrored across x = 50."""
    joints = {"head_center": (50, 10)}
    for k, name in enumerate(("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe")):
        joints[f"left_{name}"] = (60 + k, 20 + 10 * k)
        joints[f"right_{name}"] = (40 - k, 20 + 10 * k)
    return np.array([joints[n] for n in LABELLED_JOINTS], float)


def _labelled(sides_known: bool = True, truth: Truth3D | None = None) -> LabelledFigure:
    depth = np.zeros(8)
    depth[:2] = -1, 1
    return LabelledFigure(
        "a.png",
        np.full((120, 120), 255, np.uint8),
        np.array([0, 0, 100, 100.0]),
        _figure(),
        KNOWN,
        "stick",
        "front",
        sides_known,
        depth,
        truth=truth,
    )


def _limbs() -> np.ndarray:
    limbs = np.tile([0.0, 1.0, 0.0], (8, 1))
    limbs[:2] = (0, 0.6, -0.8), (0, 0.6, 0.8)
    return limbs


def test_a_right_reading_has_full_marks():
    values = score(_labelled(), Reading(_figure(), _limbs(), NOTHING.poses), load_anatomy()).values
    assert values["pck10"] == values["pck05"] == values["pck10_swap_free"] == (1, 1)
    assert values["swapped"] == (0, 1)
    assert values["angle_2d"] == pytest.approx((0, 1))
    assert values["depth"] == (1, 2)


def test_a_swapped_reading_costs_only_where_sides_are_known():
    joints, limbs = _figure()[list(LABELLED_MIRROR)], other_reading(_limbs())
    for sides_known in (True, False):
        reading = Reading(joints, limbs, NOTHING.poses)
        values = score(_labelled(sides_known), reading, load_anatomy()).values
        assert values["swapped"][0] == sides_known
        assert values["pck10_swap_free"][0] == 1
        assert (values["pck10"][0] == 1) is not sides_known
        assert (values["depth"][0] == 1) is not sides_known


def test_a_figure_that_is_not_found_misses_its_joints_and_has_no_angles():
    values = score(_labelled(), NOTHING, load_anatomy()).values
    assert values == {"found": (0, 1), "pck10": (0, 1), "pck05": (0, 1), "pck10_swap_free": (0, 1)}


def _truth(pose: np.ndarray) -> Truth3D:
    keypoints = pose_body(load_anatomy().body, pose).keypoints
    bones = keypoints[1:] - keypoints[list(KEYPOINT_PARENTS[1:])]
    bones /= np.linalg.norm(bones, axis=1, keepdims=True)
    every = np.ones(30, bool)
    return Truth3D(bones, np.ones(29, bool), pose, np.zeros(10, np.float32), np.zeros(29), every, ())


@pytest.mark.parametrize("read", [read_with_pipeline, read_without_box])
def test_an_error_in_the_program_is_no_drawing_without_a_figure(read):
    class Failing:
        def __init__(self, error):
            self.error = error

        def pose(self, *_page, **_options):
            raise self.error

    assert read(Failing(InputError("No figure was found.")), _labelled()) is NOTHING
    with pytest.raises(ZeroDivisionError):
        read(Failing(ZeroDivisionError()), _labelled())


def test_shape_is_measured_beside_saying_average_and_absence_by_recall_and_precision():
    truth = replace(_truth(np.zeros((24, 3), np.float32)), lengths=np.full(29, np.log(1.2)))
    truth.betas[0] = 2.0
    truth.present[[4, 5, 7, 8]] = False
    present = np.ones(30)
    present[[4, 7, 20]] = 0.1
    reading = Reading(
        np.zeros((15, 2)),
        np.ones((8, 3)),
        np.zeros((1, 24, 3), np.float32),
        np.zeros(10),
        np.zeros(29),
        present,
    )
    figure = replace(_labelled(), truth=truth)
    values = score(figure, reading, load_anatomy()).values
    assert values["betas"][0] == pytest.approx(0.4)
    assert values["betas_zero"][0] == pytest.approx(0.4)
    assert values["lengths"][0] == pytest.approx(0.2)
    assert values["lengths_zero"][0] == pytest.approx(0.2)
    assert values["outside_recall"] == (0.5, 4)
    assert values["outside_precision"][0] == pytest.approx(2 / 3)


def test_the_pose_itself_is_at_no_distance_and_the_best_hypothesis_counts():
    anatomy = load_anatomy()
    pose = np.zeros((24, 3), np.float32)
    pose[0] = (np.pi, 0, 0)
    pose[16] = (0, 0, -1)
    truth = _truth(pose)
    wrong = pose.copy()
    wrong[0] = (0, 0, 0)
    limbs = truth.directions[list(LIMB_BONES)]
    values = score(_labelled(truth=truth), Reading(_figure(), limbs, pose[None]), anatomy).values
    for name in ("angle_3d", "angle_3d_ends", "mpjpe", "pa_mpjpe", "mpve", "angle_limbs"):
        assert values[name][0] == pytest.approx(0, abs=0.1)
    hypotheses = np.stack([wrong, wrong, wrong, pose])
    values = score(_labelled(truth=truth), Reading(_figure(), limbs, hypotheses), anatomy).values
    assert values["mpjpe"][0] > 300
    assert values["pa_mpjpe"][0] == pytest.approx(0, abs=0.1)  # only turned
    assert values["mpjpe_of_4"][0] == pytest.approx(0, abs=0.1)
    assert values["diversity"][0] > 30
    assert values["mpjpe_of_2"] == values["mpjpe"]
    columns = [column.metric for column in best_of([Score("", "", "", "whole", values)])]
    assert "mpjpe_of_4" in columns
    assert "mpjpe_of_8" not in columns


def test_tables_pool_small_styles_and_weigh_figures():
    scores = [
        Score(f"{k}.png", "stick" if k < 7 else "odd", "front", "whole", {"a": (k == 0, 7 if k == 0 else 1)})
        for k in range(9)
    ]
    rows = {"all": scores, **groups(scores, "style")}
    assert {name: len(members) for name, members in rows.items()} == {"all": 9, "stick": 7, "others": 2}
    lines = table(rows, (Column("a", "A %", factor=100), Column("b", "B"))).splitlines()
    assert lines[0] == "| | figures | A % |"
    assert lines[2].startswith("| all | 9 | 46.7 (")
    assert lines[4] == "| others | 2 | 0.0 (0.0-0.0) |"


def test_best_median_and_worst():
    scores = [Score("", "", "", "whole", {"pck10": (k / 10, 1.0)}) for k in range(9)]
    assert best_median_worst(scores, 1) == [8, 4, 0]
    assert best_median_worst(scores[:1], 3) == [0]


def test_a_figure_is_cut_out_with_the_paper_around_it():
    page = np.full((60, 100), 200, np.uint8)
    page[20:40, 0:10] = 7
    figure = LabelledFigure(
        "", page, np.array([0, 20, 10, 40.0]), _figure(), KNOWN, "", "", True, np.zeros(8)
    )
    cut = cut_out(figure, 1.5)
    assert cut.rgb.shape == (30, 30, 3)
    assert (cut.rgb[..., 0] == 7).sum() == 200
    x0, y0, x1, y1 = cut.box.astype(int)
    assert (cut.rgb[y0:y1, x0:x1] == 7).all()
    assert set(np.unique(cut.rgb)) == {7, 200}


def test_a_large_cut_out_is_shrunk_and_places_still_agree():
    page = np.full((1200, 1000), 255, np.uint8)
    page[500:504, 600:604] = 0
    box = np.array([500, 400, 700, 800.0])
    cut = cut_out(LabelledFigure("", page, box, _figure(), KNOWN, "", "", True, np.zeros(8)), 1.6)
    assert cut.rgb.shape == (320, 320, 3)
    y, x = np.argwhere(cut.rgb[..., 0] == cut.rgb.min())[:, :2].mean(0)
    assert (np.array([x, y]) + 0.5) * cut.scale + cut.origin - 0.5 == pytest.approx((601.5, 501.5), abs=0.6)
    np.testing.assert_allclose(cut.box * cut.scale + np.tile(cut.origin, 2), box)


def test_mediapipe_landmarks_become_our_joints(monkeypatch):
    points = [[float(k), 2.0 * k] for k in range(33)]
    world = [[0.0, 0.0, 0.1 * k] for k in range(33)]
    records = [
        {"points": points, "world": world, "seconds": 0.5},
        {"points": None, "world": None, "seconds": 1},
    ]
    monkeypatch.setattr(
        mediapipe_pose, "_run", lambda folder, out, repeats: out.write_text(json.dumps(records))
    )
    cut = CutOut(np.zeros((9, 9, 3), np.uint8), np.array([0, 0, 9, 9.0]), np.array([100.0, 200.0]), 2.0)
    run = mediapipe_pose.read_with_mediapipe([cut, cut])
    assert run.seconds.tolist() == [0.5, 1]
    found, missed = run.readings
    assert not missed.found
    places = dict(zip(LABELLED_JOINTS, ((found.joints + 0.5 - (100, 200)) / 2 - 0.5).tolist(), strict=True))
    assert places["head_center"] == pytest.approx([7.5, 15])
    assert places["left_shoulder"] == pytest.approx([11, 22])
    assert places["right_toe"] == pytest.approx([32, 64])
    np.testing.assert_allclose(found.limbs, np.tile([0, 0, 1], (8, 1)))


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("report")
    (folder / "ablations.md").write_text("# What each loss is worth\n\nA table.\n")
    command = [
        "evaluate",
        "--sketches",
        str(EXAMPLES),
        "--synthetic",
        "9",
        "--out",
        str(folder / "results.md"),
    ]
    assert main([*command, "--json", str(folder / "scores.json"), "--pictures", str(folder / "all")]) == 0
    return (folder / "results.md").read_text(), folder


def test_the_report_names_weights_numbers_and_sets(results):
    text, folder = results
    assert "keypoints_s@" in text
    assert "Drawings of examples: 17 figures" in text
    assert "Synthetic, known styles: 9 figures" in text
    assert "MPJPE mm" in text
    assert "cold start s" in text
    scores = json.loads((folder / "scores.json").read_text())["Drawings of examples"]
    assert np.mean([figure["values"]["pck10"][0] for figure in scores]) > 0.6


def test_the_pictures_of_the_report_exist_and_are_small(results):
    text, folder = results
    links = [line.split("(")[-1].rstrip(")") for line in text.splitlines() if line.startswith("![")]
    assert len(links) >= 2
    for link in links:
        assert (folder / link).stat().st_size < 150_000
        with Image.open(folder / link) as picture:
            assert picture.mode == "P"
    assert len(list((folder / "all").glob("*.png"))) >= 2


def test_drawings_from_outside_the_repository_are_not_published(tmp_path):
    record = json.loads((EXAMPLES / "labels.json").read_text())[0]
    (tmp_path / "labels.json").write_text(json.dumps([record]))
    (tmp_path / record["file"]).write_bytes((EXAMPLES / record["file"]).read_bytes())
    assert main(["evaluate", "--sketches", str(tmp_path), "--out", str(tmp_path / "out" / "results.md")]) == 0
    assert "![" not in (tmp_path / "out" / "results.md").read_text()
    assert not (tmp_path / "out" / "images").exists()


def test_ablations_that_lie_beside_the_report_are_a_section_of_it(results, tmp_path):
    assert "\n## What each loss is worth\n\nA table.\n" in results[0]
    assert ablations_beside(tmp_path / "results.md") == []


def test_nothing_or_too_much_to_measure_is_one_sentence(capsys):
    assert main(["evaluate"]) == 2
    assert "--sketches" in capsys.readouterr().out
    assert main(["evaluate", "--synthetic", "4000"]) == 1
    assert "--synthetic 1 to 1024" in capsys.readouterr().err


def test_mediapipe_that_cannot_be_installed_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("SKETCH2POSE_STATE", str(tmp_path / "file" / "state"))
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="leave out --mediapipe"):
        mediapipe_pose.environment()


def test_labels_are_read_and_checked(tmp_path):
    joints = {n: [*xy, 1] for n, xy in zip(LABELLED_JOINTS, _figure().tolist(), strict=True)}
    joints["left_toe"][2] = 0
    record = {
        "file": "a.png",
        "box": [0, 0, 90, 90],
        "style": "ink",
        "sure_left_right": True,
        "facing": "back-left",
        "depth": {"left_forearm": "toward", "right_shin": "away", "left_thigh": "?"},
        "joints": joints,
    }
    (tmp_path / "labels.json").write_text(json.dumps([record]))
    with pytest.raises(InputError, match=r"a\.png"):
        read_labels(tmp_path)
    (tmp_path / "images").mkdir()
    Image.new("L", (90, 90), 255).save(tmp_path / "images" / "a.png")
    (figure,) = read_labels(tmp_path)
    assert figure.known.sum() == 14
    assert (figure.style, figure.view, figure.part) == ("ink", "back", "whole")
    assert figure.depth.tolist() == [0, -1, 0, 0, 0, 0, 0, 1]
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


def test_contacts_that_are_told_are_scored_beside_those_of_the_posed_body():
    pose = np.zeros((24, 3), np.float32)
    truth = replace(
        _truth(pose),
        contacts=(("head", "left_hand", 0.9), ("left_foot", "right_foot", 0.1), ("neck", "left_hand", 0.6)),
    )
    told = {frozenset(("left_hand", "head")), frozenset(("left_foot", "right_foot"))}
    reading = Reading(_figure(), truth.directions[list(LIMB_BONES)], pose[None], contacts=told)
    values = score(_labelled(truth=truth), reading, load_anatomy()).values
    assert values["contact_recall"] == (0.5, 2.0)
    assert values["contact_precision"] == (0.5, 2.0)
    assert values["posed_contact_recall"] == (0.0, 2.0)  # a T-pose touches itself nowhere
    assert "posed_contact_precision" not in values
    silent = score(_labelled(truth=truth), replace(reading, contacts=None), load_anatomy()).values
    assert "contact_recall" not in silent
