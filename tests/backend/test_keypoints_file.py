"""`pose --keypoints`: corrected joints in, poses out, without the network."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from backend import api
from backend.__main__ import main
from backend.body import global_rotations, load_body
from backend.kinematics import axis_angle_to_matrix, bone_directions, posed_keypoints
from backend.skeleton import keypoint_index

ROOT = Path(__file__).parents[2]
DRAWING = ROOT / "examples" / "stick_wave.png"
VALIDATOR = jsonschema.Draft202012Validator(json.loads(api.SCHEMA_FILE.read_text("utf-8")))


@pytest.fixture(scope="module")
def posed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("read")
    assert main(["pose", str(DRAWING), "--out", str(folder), "--format", "json"]) == 0
    return json.loads((folder / "poses.json").read_text())


def again(document, tmp_path) -> dict:
    file = tmp_path / "corrected.json"
    file.write_text(json.dumps(document))
    out = tmp_path / "out"
    assert main(["pose", str(DRAWING), "--keypoints", str(file), "--out", str(out)]) == 0
    result = json.loads((out / "poses.json").read_text())
    VALIDATOR.validate(result)
    assert (out / "stick_wave_overlay.png").is_file()
    return result


def forearm(figure) -> np.ndarray:
    """Direction of the posed left forearm, camera frame."""
    hypothesis = figure["hypotheses"][0]
    local = axis_angle_to_matrix(np.array([hypothesis["global_orient"], *hypothesis["body_pose"]]))
    rest = np.asarray(load_body().rest_keypoints(), float)
    return bone_directions(posed_keypoints(global_rotations(local), rest))[keypoint_index("left_wrist") - 1]


def drawn(figure) -> np.ndarray:
    elbow, wrist = (figure["keypoints"][f"left_{name}"]["xy"] for name in ("elbow", "wrist"))
    line = np.subtract(wrist, elbow)
    return line / np.linalg.norm(line)


@pytest.mark.parametrize("form", ["figure", "document"])
def test_joints_edited_in_place(posed, tmp_path, form):
    document = json.loads(json.dumps(posed))
    figure = document["images"][0]["figures"][0]
    figure["keypoints"]["left_wrist"]["xy"] = [10.0, 20.0]
    (result,) = again(figure if form == "figure" else document, tmp_path)["images"]
    (got,) = result["figures"]
    assert got["keypoints"]["left_wrist"]["xy"] == [10.0, 20.0]
    direction = forearm(got)[:2]
    np.testing.assert_allclose(direction / np.linalg.norm(direction), drawn(figure), atol=1e-4)


def test_corrections_on_top(posed, tmp_path):
    """A forearm told to point at the viewer, or away, does."""
    figure = json.loads(json.dumps(posed))["images"][0]["figures"][0]
    corrections = {"moved": {}, "pinned": [], "ignored": [], "sides": {}, "exchanged": False, "shown": 0}
    elbow, wrist = (np.array(figure["keypoints"][f"left_{name}"]["xy"]) for name in ("elbow", "wrist"))
    corrections["moved"]["left_wrist"] = list(elbow + 0.6 * (wrist - elbow))
    depths = []
    for side in (-1, 1):
        corrections["sides"]["left_wrist"] = side
        result = again({**figure, "corrections": corrections}, tmp_path)
        (got,) = result["images"][0]["figures"]
        assert "corrections" not in got
        depths.append(forearm(got)[2])
    assert depths[0] < -0.3
    assert depths[1] == pytest.approx(-depths[0], abs=1e-4)


def test_no_network_runs(posed, tmp_path):
    file = tmp_path / "corrected.json"
    file.write_text(json.dumps(posed))
    program = (
        "import sys; sys.modules['onnxruntime'] = None\n"
        "from backend.__main__ import main\n"
        f"sys.exit(main(['pose', {str(DRAWING)!r}, '--keypoints', {str(file)!r}, '--out', {str(tmp_path / 'o')!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    generator = json.loads((tmp_path / "o" / "poses.json").read_text())["generator"]
    assert generator["engine"] == "none"


def nothing(figure):
    return "not json"


def without_keypoint(figure):
    del figure["keypoints"]["left_wrist"]
    return json.dumps(figure)


def unknown_joint(figure):
    figure["corrections"] = {
        "moved": {"tail": [1, 2]}, "pinned": [], "ignored": [], "sides": {}, "exchanged": False, "shown": 0,
    }  # fmt: skip
    return json.dumps(figure)


def not_a_number(figure):
    figure["keypoints"]["left_wrist"]["xy"] = [float("nan"), 2]
    return json.dumps(figure)


@pytest.mark.parametrize("damage", [nothing, without_keypoint, unknown_joint, not_a_number])
def test_what_is_no_figure_is_one_sentence(posed, tmp_path, capsys, damage):
    file = tmp_path / "corrected.json"
    file.write_text(damage(json.loads(json.dumps(posed))["images"][0]["figures"][0]))
    assert main(["pose", str(DRAWING), "--keypoints", str(file), "--out", str(tmp_path / "out")]) == 1
    (sentence,) = capsys.readouterr().err.strip().splitlines()
    assert "unexpected" not in sentence


def test_missing_file_is_one_sentence(tmp_path, capsys):
    arguments = ["pose", str(DRAWING), "--keypoints", str(tmp_path / "no.json"), "--out", str(tmp_path)]
    assert main(arguments) == 1
    assert "no.json cannot be read" in capsys.readouterr().err


def test_figures_of_another_image_are_refused(posed, tmp_path, capsys):
    document = json.loads(json.dumps(posed))
    other = {**document["images"][0], "file": "b.png"}
    document["images"] = [{**document["images"][0], "file": "a.png"}, other]
    file = tmp_path / "corrected.json"
    file.write_text(json.dumps(document))
    assert main(["pose", str(DRAWING), "--keypoints", str(file), "--out", str(tmp_path / "out")]) == 1
    assert "holds no figures of stick_wave.png" in capsys.readouterr().err


def test_needs_a_single_image(tmp_path, capsys):
    arguments = ["pose", str(DRAWING.parent), "--keypoints", "a.json", "--out", str(tmp_path)]
    assert main(arguments) == 2
    assert "--keypoints needs exactly one image" in capsys.readouterr().err
