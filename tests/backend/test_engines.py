"""The engines: both give the same answers from the same files, and a device that fails is done without."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backend.engines.choice import make_engine
from backend.engines.onnx import KEYPOINT_NETWORK, OnnxEngine, load_runtime
from backend.errors import InputError, InstallError
from backend.figures import propose_figures, read_ink
from backend.images import read_image
from backend.keypoints import CROP_SIZE, NetworkOutput, crop_figure, read_keypoints

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
onnxruntime = load_runtime()


def noise(count):
    return np.random.default_rng(5).normal(0, 1, (count, CROP_SIZE, CROP_SIZE)).astype(np.float32)


def drawings():
    """Crops of the example drawings."""
    pages = [read_image(path).gray for path in sorted(EXAMPLES.rglob("*.png"))]
    assert len(pages) == 17
    return np.stack(
        [crop_figure(page, box).pixels for page in pages for box in propose_figures(read_ink(page))[:1]]
    )


def degrees_between(one, other):
    """Angles between unit vectors, exact for the smallest ones, which an arc cosine is not."""
    chord = np.linalg.norm(one.astype(np.float64) - other, axis=-1)
    return np.degrees(2 * np.arcsin(np.clip(chord / 2, 0, 1)))


@pytest.mark.parametrize("what", ["drawings", "noise"])
def test_torch_and_onnx_agree(what):
    pytest.importorskip("torch")
    crops = drawings() if what == "drawings" else noise(24)
    torch, onnx = make_engine("torch", "cpu"), make_engine("onnx", "cpu")
    assert (torch.name, torch.device) == ("torch", "cpu")
    assert torch.weights_id == onnx.weights_id
    mine, theirs = torch.predict(crops), onnx.predict(crops)
    places = np.abs(read_keypoints(mine)[0] - read_keypoints(theirs)[0]).max() / CROP_SIZE
    angle = degrees_between(mine.directions, theirs.directions).max()
    print(f"\n{len(crops)} crops: places {places:.1e} of the crop, bones {angle:.1e} degrees")
    # The crop's side is 1.25 of the box's: a thousandth of the crop would be too much of the box.
    assert places * 1.25 < 1e-3
    assert angle < 0.2
    np.testing.assert_allclose(mine.heatmaps, theirs.heatmaps, atol=1e-3)
    np.testing.assert_allclose(mine.visibility, theirs.visibility, atol=1e-3)


def test_outputs_are_taken_by_name_and_others_do_not_matter():
    values = {
        name: np.zeros(1) + i for i, name in enumerate(("weather", "visibility", "directions", "heatmaps"))
    }
    output = NetworkOutput.of(values)
    assert (output.visibility, output.directions, output.heatmaps) == (1, 2, 3)


class _Session:
    """An ONNX Runtime session that claims to run on a GPU and computes on the CPU."""

    #: When it fails: "open", "run", "later", "silently" (it leaves the provider out) or "wrong" (no numbers).
    fails = ""

    def __init__(self, path, options, providers):
        self.providers = [name for name, _ in providers]
        self.on_gpu = self.providers[0] != "CPUExecutionProvider"
        if self.on_gpu and self.fails == "open":
            raise RuntimeError("no such device")
        if self.on_gpu and self.fails == "silently":
            self.providers = self.providers[1:]
        self.session = _Session.real(path, options, providers=["CPUExecutionProvider"])
        self.runs = 0

    def get_providers(self):
        return self.providers

    def get_outputs(self):
        return self.session.get_outputs()

    def run(self, names, inputs):
        self.runs += 1
        if self.on_gpu and (self.fails == "run" or (self.fails == "later" and self.runs > 1)):
            raise RuntimeError("device removed")
        values = self.session.run(names, inputs)
        return [value * np.nan for value in values] if self.on_gpu and self.fails == "wrong" else values


@pytest.fixture
def gpu(monkeypatch):
    """ONNX Runtime as a build for a graphics device: gpu(provider, when it fails)."""
    monkeypatch.setattr(_Session, "real", onnxruntime.InferenceSession, raising=False)

    def offer(provider, fails=""):
        monkeypatch.setattr(
            onnxruntime, "get_available_providers", lambda: [provider, "CPUExecutionProvider"]
        )
        monkeypatch.setattr(onnxruntime, "InferenceSession", _Session)
        monkeypatch.setattr(_Session, "fails", fails)

    return offer


@pytest.mark.parametrize(
    ("provider", "device"),
    [
        ("DmlExecutionProvider", "directml"),
        ("CoreMLExecutionProvider", "coreml"),
        ("CUDAExecutionProvider", "cuda"),
    ],
)
def test_onnx_takes_the_device_that_its_build_offers(gpu, provider, device):
    gpu(provider)
    engine = OnnxEngine()
    assert engine.device == device
    assert engine._session.get_providers() == [provider, "CPUExecutionProvider"]
    engine.predict(noise(1))
    assert engine.device == device
    assert OnnxEngine(device="cpu").device == "cpu"


@pytest.mark.parametrize("fails", ["open", "run", "later", "silently", "wrong"])
def test_onnx_goes_on_with_the_cpu_where_a_device_fails(gpu, fails, caplog):
    expected = OnnxEngine().predict(noise(2))
    gpu("DmlExecutionProvider", fails)
    engine = OnnxEngine()
    assert engine.device == ("directml" if fails == "later" else "cpu")
    output = engine.predict(noise(2))
    assert engine.device == "cpu"
    np.testing.assert_array_equal(output.directions, expected.directions)
    assert "directml" in caplog.text


def test_onnx_on_a_device_that_was_named_does_not_change_it(gpu):
    gpu("CUDAExecutionProvider", "open")
    with pytest.raises(InstallError):
        OnnxEngine(device="cuda")
    gpu("CUDAExecutionProvider", "later")
    engine = OnnxEngine(device="cuda")
    with pytest.raises(RuntimeError, match="removed"):
        engine.predict(noise(1))


def test_torch_goes_on_with_the_cpu_where_a_device_fails(monkeypatch, caplog):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)  # as a build for other GPUs would say
    engine = make_engine("torch")
    assert engine.device == "cpu"
    assert "cuda" in caplog.text
    with pytest.raises(InputError, match="cannot compute on cuda"):
        make_engine("torch", "cuda")

    # A device that fails after the start: the next one answers.
    engine._devices, run, seen = ["cuda", "cpu"], engine._run, []

    def run_out_of_memory(crops):
        seen.append(engine._devices[0])
        if engine._devices[0] == "cuda":
            raise RuntimeError("CUDA out of memory")
        return run(crops)

    monkeypatch.setattr(engine, "_run", run_out_of_memory)
    np.testing.assert_array_equal(engine.predict(noise(1)).directions, run(noise(1)).directions)
    assert seen == ["cuda", "cpu", "cpu"]


@pytest.mark.parametrize(
    ("engine", "device", "words"),
    [
        ("onnx", "cuda", "does not run on cuda"),
        ("onnx", "mps", "no device mps"),
        ("auto", "mps", "no device mps"),
    ],
)
def test_a_device_that_is_not_there_is_one_sentence(engine, device, words):
    if engine == "auto":
        torch = pytest.importorskip("torch")
        if torch.backends.mps.is_available():
            pytest.skip("this machine has the device")
    with pytest.raises(InputError, match=words) as caught:
        make_engine(engine, device)
    assert "\n" not in str(caught.value)
    assert "choose" in str(caught.value)


def test_auto_is_onnx_and_torch_where_there_is_no_onnx_runtime(monkeypatch):
    pytest.importorskip("torch")
    assert make_engine().name == "onnx"
    assert make_engine("auto", "cpu").name == "onnx"
    monkeypatch.setattr("backend.engines.choice.find_spec", lambda name: name == "torch" or None)
    assert make_engine().name == "torch"


@pytest.mark.parametrize("missing", ["torch", "safetensors.torch"])
def test_missing_packages_are_one_sentence(monkeypatch, missing):
    monkeypatch.setitem(__import__("sys").modules, missing, None)
    with pytest.raises(InstallError, match="is missing; install it, or choose the engine onnx"):
        make_engine("torch")


def test_numbers_of_another_network_are_one_sentence(tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    from backend.engines.torch import TorchEngine

    save_file(
        {"stem.0.weight": torch.zeros(3)}, str(tmp_path / KEYPOINT_NETWORK.with_suffix(".safetensors").name)
    )
    monkeypatch.setattr("backend.engines.torch.check_weights", lambda graph: "x@0")
    with pytest.raises(InstallError, match="another network"):
        TorchEngine(tmp_path / KEYPOINT_NETWORK.name)


def test_nothing_is_written_for_anybody_to_collect(tmp_path):
    """ONNX Runtime's wheels would leave a device number, a data base and a session file behind."""
    program = "from backend.engines.onnx import OnnxEngine; OnnxEngine()"
    folders = {name: str(tmp_path) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_DATA_HOME")}
    kept = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, env={**kept, **folders})
    assert list(tmp_path.rglob("*")) == []
