"""The torch engine's environment: made, watched, cancelled, removed, by a child process and beside Blender."""

import os
import shutil
import site
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

import backend
from sketch2pose_blender.core import client, install_torch, torch_environment
from sketch2pose_blender.core.torch_environment import REQUIREMENTS, TorchEnvironment

ROOT = Path(__file__).parents[2]


def pins(path):
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


@pytest.fixture
def environment(tmp_path):
    made = TorchEnvironment(tmp_path / "user" / "torch")
    yield made
    made.close()


@pytest.fixture
def wheels(tmp_path):
    """A folder with one small wheel, "tiny"."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("tiny.py", "")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr(
            "tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    return folder


@pytest.fixture
def require(tmp_path, monkeypatch):
    """Has something else installed than PyTorch."""

    def write(text):
        path = tmp_path / "requirements.txt"
        path.write_text(text)
        monkeypatch.setattr(torch_environment, "REQUIREMENTS", path)

    return write


def watched(environment, seconds=120.0, until=lambda _: False):
    """Polls as Blender's timer does; returns what was said, and what the calls took in seconds, sorted."""
    said, times, end = [], [], time.monotonic() + seconds
    while environment.busy and not until(environment):
        assert time.monotonic() < end, environment.text
        start = time.perf_counter()
        environment.poll()
        times.append(time.perf_counter() - start)
        if environment.text and environment.text not in said:
            said.append(environment.text)
        time.sleep(0.02)
    return said, sorted(times)


def never_waits(times):
    """Whether no call waited: a busy machine takes the processor away now and then, for a moment."""
    return times[int(0.98 * len(times))] < 0.05 and times[-1] < 0.5


def test_requirements_are_pinned_as_the_tests_ran():
    pinned = pins(ROOT / "constraints.txt")
    required = pins(REQUIREMENTS)
    assert set(required) <= set(pinned)
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import build_extension
    finally:
        sys.path.pop(0)
    shipped = {name.lower() for name in build_extension.PACKAGES} - {"onnxruntime"}
    assert {line.split("==")[0].lower() for line in required} == {"torch", "safetensors", "numpy", *shipped}


@pytest.mark.slow
def test_what_does_not_start_is_removed_and_told(environment, wheels, require):
    require("tiny==1.0\n")
    assert environment.state == "absent"
    environment.install(wheels)
    assert environment.state == "installing"
    said, times = watched(environment)
    assert environment.failed
    assert environment.text.startswith("PyTorch was installed but does not start: ")
    assert "numpy" in environment.text
    assert environment.state == "absent"
    assert not environment.folder.exists()
    assert "Making a Python environment" in said
    assert "Getting tiny 1.0" in said
    assert never_waits(times)


@pytest.mark.slow
def test_a_package_that_is_not_there_is_one_sentence(environment, wheels, require):
    require("nothing-of-the-kind==9\n")
    environment.install(wheels)
    watched(environment)
    assert environment.failed
    assert environment.text.startswith("The packages cannot be installed: No matching distribution")
    assert "\n" not in environment.text
    assert not environment.folder.exists()


@pytest.mark.parametrize("end", ["cancel", "close"])
def test_cancelled_or_left_behind_nothing_stays(environment, wheels, require, end):
    require("tiny==1.0\n")
    environment.install(wheels)
    child = environment._child
    watched(environment, until=lambda it: it.folder.exists() and any(it.folder.iterdir()))
    assert environment.busy
    getattr(environment, end)()
    if end == "cancel":
        assert environment.state == "cancelling"
        watched(environment, 60)
        assert environment.text == "Cancelled."
    assert not environment.busy
    assert child.wait(20) is not None
    assert not environment.folder.exists()
    environment.cancel()  # nothing to do
    assert environment.state == "absent"


def test_a_half_made_one_is_told_from_a_whole_one_and_removed(environment):
    python = environment.python
    python.parent.mkdir(parents=True)
    python.touch()
    assert environment.state == "unfinished"
    environment.remove()
    assert environment.state == "removing"
    watched(environment)
    assert environment.state == "absent"
    assert not environment.failed


def test_no_python_with_venv_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(install_torch.Failure, match="python3-venv") as caught:
        install_torch.Installation(tmp_path / "torch", REQUIREMENTS, None)._python()
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_told_before_anything_is_made(monkeypatch, tmp_path):
    usage = shutil.disk_usage(tmp_path)._replace(free=2**30)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(install_torch.Failure, match="needs 9 GB free"):
        install_torch.Installation(tmp_path / "torch", REQUIREMENTS, None)._check_space()
    assert not (tmp_path / "torch").exists()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"], "the disk is full"),
        (["WARNING: Retrying after connection broken by 'NewConnectionError'", "ERROR: No matching"], "cannot be reached"),
        (["ERROR: No matching distribution found for torch==2.13.0"], "No matching distribution found"),
        ([], "no reason was given"),
    ],
)  # fmt: skip
def test_pips_many_sentences_become_one(lines, words):
    assert words in install_torch._reason(lines)


@pytest.mark.slow
@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="elsewhere PyTorch is the CUDA build of several GB"
)
def test_pytorch_is_installed_used_and_removed(environment, tmp_path):
    """The CPU build, from a folder of wheels that pip fills first."""
    folder = tmp_path / "wheels"
    download = [sys.executable, "-m", "pip", "download", "--quiet", "-r", REQUIREMENTS, "-d", folder]
    done = subprocess.run(download, capture_output=True, text=True, check=False)
    if done.returncode or not list(folder.glob("torch-*+cpu-*.whl")):
        pytest.skip(f"pip has no CPU build of PyTorch here: {done.stderr[-300:]}")
    own = sorted(os.listdir(site.getsitepackages()[0]))

    environment.install(folder)
    watched(environment, 300, until=lambda it: "torch" in it.text)
    environment.cancel()
    watched(environment, 60)
    assert environment.text == "Cancelled."
    assert not environment.folder.exists()

    start = time.monotonic()
    environment.install(folder)
    said, times = watched(environment, 1500)
    assert not environment.failed, environment.text
    assert environment.state == "ready"
    assert environment.versions["torch"].startswith("2.13.0")
    assert environment.versions["cuda"] is None
    size = sum(path.stat().st_size for path in environment.folder.rglob("*") if path.is_file())
    print(
        f"\n{time.monotonic() - start:.0f} s, {size / 1e6:.0f} MB; longest poll {1e3 * times[-1]:.1f} ms; {said}"
    )
    assert never_waits(times)
    assert sorted(os.listdir(site.getsitepackages()[0])) == own

    command = [environment.python, "-I", client._BOOTSTRAP, str(Path(backend.__file__).parents[1])]
    doctor = subprocess.run(
        [*command, "doctor", "--engine", "torch"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert "Engine       torch on cpu" in doctor.stdout, doctor.stderr
    assert "ONNX Runtime not installed" in doctor.stdout

    environment.remove()
    watched(environment)
    assert environment.state == "absent"
    assert not environment.folder.exists()
