"""The shipped weights on the drawings in examples/, through the command line as a process of its own."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image, ImageOps

from backend import api, kinematics
from backend.skeleton import JOINT_NAMES, JOINT_PARENTS

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
#: Joints of examples/labels.json that are keypoints of ours too.
LABELLED = [
    f"{side}_{name}"
    for side in ("left", "right")
    for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe")
]


def run(*arguments: str | Path, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """The command line as Blender's child process runs it: isolated, found through a bootstrap."""
    bootstrap = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import backend.__main__ as m; sys.exit(m.main())"
    )
    return subprocess.run(
        [sys.executable, "-I", "-c", bootstrap, *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )


@pytest.fixture(scope="module")
def posed(tmp_path_factory) -> dict:
    """poses.json of all drawings in examples/ and of the storyboard, by file name."""
    out = tmp_path_factory.mktemp("out")
    done = run("pose", EXAMPLES, EXAMPLES / "storyboard", "--out", out)
    assert done.stderr == ""
    assert done.returncode == 0
    document = json.loads((out / "poses.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(json.loads(api.SCHEMA_FILE.read_text("utf-8"))).validate(document)
    assert len(list(out.glob("*_overlay.png"))) == len(document["images"])
    return {str(Path(image["file"]).relative_to(EXAMPLES)): image for image in document["images"]}


def test_every_example_has_a_pose(posed):
    drawings = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.png")}
    assert {Path(name).as_posix() for name in posed} == drawings
    assert len(drawings) >= 14
    for image in posed.values():
        assert image["error"] is None
        assert len(image["figures"]) == 1


def test_joints_lie_where_people_see_them(posed):
    hits = []
    for label in json.loads((EXAMPLES / "labels.json").read_text("utf-8")):
        keypoints = posed[str(Path(label["file"]))]["figures"][0]["keypoints"]
        x0, y0, x1, y1 = label["box"]
        reach = 0.1 * max(x1 - x0, y1 - y0)
        for name in LABELLED:
            x, y, known = label["joints"][name]
            if known:
                hits.append(np.hypot(keypoints[name]["xy"][0] - x, keypoints[name]["xy"][1] - y) <= reach)
    assert len(hits) > 150
    assert np.mean(hits) > 0.6


def test_limbs_point_where_they_are_drawn(posed):
    limbs = [i for i, n in enumerate(JOINT_NAMES) if n.endswith(("knee", "ankle", "elbow", "wrist"))]
    checked = 0
    for image in posed.values():
        figure = image["figures"][0]
        points = figure["keypoints"]
        joints = figure["hypotheses"][0]["joints3d"]
        size = np.ptp([p["xy"] for p in points.values()], axis=0).max()
        for joint in limbs:
            end, start = JOINT_NAMES[joint], JOINT_NAMES[JOINT_PARENTS[joint]]
            drawn = np.subtract(points[end]["xy"], points[start]["xy"])
            sure = min(points[end]["score"], points[start]["score"]) >= kinematics.SURE_SCORE[1]
            if not sure or np.linalg.norm(drawn) < 1.01 * kinematics.SURE_LENGTH[1] * size:
                continue
            posed_bone = np.subtract(joints[end], joints[start])[:2]
            turn = np.arctan2(drawn[1], drawn[0]) - np.arctan2(posed_bone[1], posed_bone[0])
            assert abs(np.degrees((turn + np.pi) % (2 * np.pi) - np.pi)) < 0.5
            checked += 1
    assert checked > 40


def test_the_waving_child_waves(posed):
    """One pose read as a person reads it: facing us, standing, the left hand above the shoulder."""
    joints = posed["stick_wave.png"]["figures"][0]["hypotheses"][0]["joints3d"]
    assert joints["left_wrist"][1] < joints["left_shoulder"][1]  # y is down
    assert joints["right_wrist"][1] > joints["right_shoulder"][1]
    assert joints["left_shoulder"][0] > joints["right_shoulder"][0]
    for side in ("left", "right"):
        assert joints[f"{side}_ankle"][1] > joints[f"{side}_knee"][1] > joints[f"{side}_hip"][1]
    assert joints["head"][1] < joints["neck"][1] < joints["pelvis"][1]


def test_a_mixed_batch_in_a_process_of_its_own(tmp_path):
    (tmp_path / "broken.png").write_bytes((EXAMPLES / "stick_wave.png").read_bytes()[:900])
    done = run(
        "pose", tmp_path / "missing.png", EXAMPLES / "stick_wave.png", tmp_path / "broken.png",
        "--out", tmp_path / "絵 out", "--format", "json",
    )  # fmt: skip
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"{tmp_path / 'missing.png'}: ")
    assert lines[1].startswith(f"{tmp_path / 'broken.png'}: ")
    images = json.loads((tmp_path / "絵 out" / "poses.json").read_text("utf-8"))["images"]
    assert [bool(image["error"]) for image in images] == [True, False, True]


def test_a_storyboard_gives_the_poses_of_its_drawings(tmp_path, posed):
    """A Storyboarder project of the panels in examples/, one of them as layers with notes over the figure."""
    panels = sorted((EXAMPLES / "storyboard").glob("*.png"))
    images = tmp_path / "boards" / "images"
    images.mkdir(parents=True)
    boards = [{"url": f"board-{n}-PANEL.png", "shot": f"{n}A"} for n in range(1, len(panels) + 1)]
    for board, panel in zip(boards[1:], panels[1:], strict=True):
        shutil.copy(panel, images / board["url"])
    with Image.open(panels[0]) as first:
        ink = Image.new("RGBA", first.size, (0, 0, 0, 255))
        ink.putalpha(ImageOps.invert(first.convert("L")))
        ink.save(images / "board-1-PANEL-ink.png")
        Image.new("RGBA", first.size, (200, 0, 0, 255)).save(images / "board-1-PANEL-notes.png")
    boards[0]["layers"] = {name: {"url": f"board-1-PANEL-{name}.png"} for name in ("ink", "notes")}
    project = tmp_path / "boards" / "scene.storyboarder"
    project.write_text(json.dumps({"version": "2.0.1", "defaultBoardTiming": 2000, "boards": boards}))
    done = run("pose", tmp_path / "boards", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    results = json.loads((tmp_path / "out" / "poses.json").read_text("utf-8"))["images"]
    assert [image["file"] for image in results] == [f"{project}#{n}" for n in range(1, len(panels) + 1)]
    for number, (image, panel) in enumerate(zip(results, panels, strict=True), 1):
        direct = posed[str(panel.relative_to(EXAMPLES))]["figures"][0]["keypoints"]
        (figure,) = image["figures"]
        away = [np.subtract(figure["keypoints"][name]["xy"], direct[name]["xy"]) for name in direct]
        assert np.abs(away).max() < (1e-3 if number > 1 else 0.02 * image["height"])
        assert (tmp_path / "out" / f"scene_{number}_overlay.png").exists()


def test_doctor_finds_everything():
    done = run("doctor")
    assert done.returncode == 0, done.stderr
    assert "Everything works." in done.stdout


def test_posing_needs_no_more_than_it_should(tmp_path):
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from backend import Pipeline\n"
        f"result = Pipeline().pose({str(EXAMPLES / 'stick_wave.png')!r})\n"
        "result.figures[0].hypotheses[0].body_pose\n"
        "print([m for m in ('torch', 'scipy', 'cv2', 'smplx', 'bpy', 'training') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.strip() == "[]"
