"""The child process: whatever it does, the client answers with a result or one sentence, and cleans up."""

import sys
import tempfile
import time
from pathlib import Path

import pytest

from backend.api import Generator, PoseResult, dumps
from backend.errors import InputError, InstallError, SketchPoseError
from sketch2pose_blender.core import client
from sketch2pose_blender.core.client import PoseJob

EXAMPLES = Path(__file__).parents[2] / "examples"
DRAWING = EXAMPLES / "stick_wave.png"
NO_IMAGES = dumps(PoseResult(Generator("", "", "", "")))


@pytest.fixture
def folder(tmp_path):
    """Where jobs keep their files; must be empty again when they have ended."""
    made = tmp_path / "jobs"
    made.mkdir()
    yield made
    assert list(made.iterdir()) == []


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Puts a program of the test's own in the backend's place."""

    def write(source):
        path = tmp_path / "program.py"
        path.write_text("import sys\nout = sys.argv[sys.argv.index('--out') + 1]\n" + source)
        monkeypatch.setattr(client, "_BOOTSTRAP", path)

    return write


def test_poses_a_drawing_without_waiting(folder):
    job = PoseJob(DRAWING, temporary_folder=folder)
    unready = 0
    while (result := job.poll()) is None:
        unready += 1
        time.sleep(0.01)
    assert Path(result.images[0].file) == DRAWING
    assert len(result.images[0].figures[0].hypotheses[0].body_pose) == 23
    assert not job.running
    assert unready > 3  # a poll that waited would answer at once with the result


def test_path_with_any_letters(folder, tmp_path):
    strange = tmp_path / "-Zeichnung ä 絵 'x' .png"
    strange.write_bytes(DRAWING.read_bytes())
    result = PoseJob(strange, temporary_folder=folder).wait()
    assert Path(result.images[0].file) == strange


@pytest.mark.parametrize("content", [None, b"", b"\x89PNG\r\n\x1a\n broken"])
def test_bad_image_is_one_sentence(folder, tmp_path, content):
    path = tmp_path / "bad.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        PoseJob(path, temporary_folder=folder).wait()
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_bad_body_is_one_sentence(folder, tmp_path):
    with pytest.raises(SketchPoseError, match="body"):
        PoseJob(DRAWING, body=tmp_path / "none.npz", temporary_folder=folder).wait()


def test_cancel_ends_the_child(folder, program):
    program("import time; time.sleep(60)")
    job = PoseJob(DRAWING, temporary_folder=folder)
    process = job._process
    assert job.poll() is None
    job.cancel()
    assert process.returncode is not None
    assert not job.running
    job.cancel()
    with pytest.raises(SketchPoseError, match="ended"):
        job.poll()


def test_a_hung_child_is_stopped(folder, program):
    program("import time; time.sleep(60)")
    job = PoseJob(DRAWING, temporary_folder=folder, timeout=0.3)
    process = job._process
    with pytest.raises(SketchPoseError, match="longer than"):
        job.wait()
    assert process.returncode is not None


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        ("sys.exit('no onnxruntime')", InstallError, "no onnxruntime"),
        ("sys.exit(3)", InstallError, "exit code 3"),
        ("import os; os.abort()", InstallError, "stopped"),
        ("print('x' * 10_000_000, file=sys.stderr); sys.exit(2)", InstallError, "stopped"),
        ("open(out + '/poses.json', 'w').write('{')", InstallError, "broken"),
        ("open(out + '/poses.json', 'w').write('[' * 100_000)", InstallError, "broken"),
        ("open(out + '/poses.json', 'w').write('{}')", InstallError, "broken"),
        ("open(out + '/poses.json', 'wb').write(b'\\xff' * 9)", InstallError, "broken"),
        ("open(out + '/poses.json', 'wb').truncate(20_000_000)", InstallError, "too large"),
        (
            f"open(out + '/poses.json', 'w').write({NO_IMAGES!r})",
            InstallError,
            "no image",
        ),
        ("", InstallError, "without a result"),
    ],
)
def test_a_lying_child_is_one_sentence(folder, program, source, error, words):
    program(source)
    with pytest.raises(error, match=words) as caught:
        PoseJob(DRAWING, temporary_folder=folder, timeout=30).wait()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_no_interpreter_is_one_sentence(folder, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(Path(tempfile.gettempdir()) / "no-python-here"))
    with pytest.raises(InstallError, match="could not be started"):
        PoseJob(DRAWING, temporary_folder=folder)
