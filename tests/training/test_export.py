"""Exported networks answer as torch does; the numbers are stored once and checked."""

import copy

import onnx
import pytest
import torch

from backend.engines.onnx import OnnxEngine, check_weights, load_runtime
from backend.errors import InstallError
from backend.models.keypoint_network import KeypointNetwork
from training.__main__ import main
from training.export import export, noise, parity, rounding


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    torch.manual_seed(0)
    network = KeypointNetwork().eval()
    # Running statistics as a trained network has them, so that a mistake in normalisation shows.
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
    graph = tmp_path_factory.mktemp("weights") / "keypoints.onnx"
    export(network, graph)
    return network, graph


def test_the_engines_agree_on_the_exported_files(exported):
    places, angle = parity(exported[1], noise())
    assert places < 1e-3
    assert angle < 0.2


def test_half_floats_are_all_that_differs_from_the_trained_network(exported):
    network, graph = exported
    places, angle = rounding(
        copy.deepcopy(network).half(), graph, noise()
    )  # .float() of it is the stored one
    assert places < 1e-5
    assert angle < 0.01


def test_the_numbers_lie_in_the_safetensors_file_only(exported):
    _, graph = exported
    assert graph.stat().st_size < 300_000
    assert 10_000_000 < graph.with_suffix(".safetensors").stat().st_size < 12_000_000


def test_onnx_runtime_joins_every_convolution_with_its_norm(exported, tmp_path):
    runtime = load_runtime()
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    runtime.InferenceSession(str(exported[1]), options, providers=["CPUExecutionProvider"])
    kinds = [node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node]
    assert "FusedConv" in kinds
    assert "BatchNormalization" not in kinds


@pytest.mark.parametrize("suffix", [".onnx", ".safetensors"])
def test_damaged_or_missing_weights_get_a_sentence(exported, tmp_path, suffix):
    _, graph = exported
    for file in graph.parent.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    copied = tmp_path / graph.name
    assert check_weights(copied).startswith("keypoints@")
    damaged = copied.with_suffix(suffix)
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(InstallError, match="damaged"):
        OnnxEngine(copied)
    damaged.unlink()
    with pytest.raises(InstallError, match="missing"):
        OnnxEngine(copied)


def test_numbers_trained_elsewhere_are_exported_by_their_file(exported, tmp_path, capsys):
    numbers = exported[1].with_suffix(".safetensors")
    again = tmp_path / "again.safetensors"
    assert main(["export", "--numbers", str(numbers), "--out", str(again)]) == 0
    assert again.read_bytes() == numbers.read_bytes()
    assert main(["export", "--run", "finder", "--numbers", str(numbers), "--out", str(again)]) == 1
    assert "does not hold this network's numbers" in capsys.readouterr().err
