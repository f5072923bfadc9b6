"""Averaged weights -> what ships: a .safetensors of half floats and an ONNX graph that reads its numbers from it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backend.engines.finder import FINDER_NETWORK, OnnxFinder, TorchFinder
from backend.engines.onnx import KEYPOINT_NETWORK, file_sha256
from backend.errors import InputError
from backend.keypoints import CROP_SIZE

if TYPE_CHECKING:
    from backend.keypoints import NetworkOutput


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training export``."""
    parser.add_argument("--run", default="keypoints_s", help="name of the training run to export")
    parser.add_argument(
        "--numbers",
        type=Path,
        help="a .safetensors with the averaged numbers of the network that --run names, instead of the run",
    )
    parser.add_argument(
        "--out",
        type=Path,
        help="the .onnx file to write, instead of the one that ships; or a .safetensors for the numbers alone",
    )


def run(args: argparse.Namespace) -> int:
    """Export the averaged weights of a run and check the graph against torch."""
    from .fit import finder, train
    from .fit.shards import state_folder

    is_finder = args.run.startswith(FINDER_NETWORK.stem)
    if args.numbers:
        network = _filled(finder.FinderNetwork() if is_finder else train.KeypointNetwork(), args.numbers)
    else:
        network = (finder if is_finder else train).load_average(state_folder() / args.run)
    out = args.out or (FINDER_NETWORK if is_finder else KEYPOINT_NETWORK)
    if out.suffix == ".safetensors":
        save_numbers(network, out)
        print(f"{out}: the averaged numbers of {args.run}")
    elif is_finder:
        export_finder(network, out)
        chances, reaches = finder_parity(out, np.random.default_rng(0))
        print(
            f"{out}: on noise the engines torch and onnx differ by up to {chances:.1e} in a cell's score and "
            f"{reaches:.1e} pixels"
        )
    else:
        export(network, out)
        for what, (places, angle) in (
            ("the engines torch and onnx differ", parity(out, noise())),
            ("half floats move", rounding(network, out, noise())),
        ):
            print(f"{out}: on noise {what} by up to {places:.1e} of the crop and {angle:.1e} degrees")
    return 0


def _filled(network: Any, path: Path) -> Any:
    """The network with the numbers of a .safetensors file. Raises InputError where they are another network's."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        network.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise InputError(f"{path} does not hold this network's numbers; give another file.") from error
    return network.eval()


def export(network: Any, graph_path: Path) -> None:
    """Write the keypoint network: ``graph_path`` (.onnx), the .safetensors with its numbers, and their checksums."""
    from backend.models.keypoint_network import INPUT_SIZE, OUTPUT_NAMES

    _write(network, graph_path, "crops", INPUT_SIZE, OUTPUT_NAMES)


def export_finder(network: Any, graph_path: Path) -> None:
    """Write the finder network, as :func:`export` does the keypoint network."""
    from backend.models.finder_network import OUTPUT_NAMES, PAGE_SIZE

    _write(network, graph_path, "pages", PAGE_SIZE, OUTPUT_NAMES)


def finder_parity(graph_path: Path, rng: np.random.Generator, count: int = 8) -> tuple[float, float]:
    """The largest difference between the engines on noise: in a cell's score, 0..1, and in its reaches, pixels."""
    from backend.models.finder_network import PAGE_SIZE

    chances, reaches = 0.0, 0.0
    onnx, torch = OnnxFinder(graph_path), TorchFinder(graph_path)
    for page in rng.normal(0, 1, (count, PAGE_SIZE, PAGE_SIZE)).astype(np.float32):
        (a, b), (c, d) = onnx.find(page), torch.find(page)
        chances = max(chances, float(np.abs(1 / (1 + np.exp(-a)) - 1 / (1 + np.exp(-c))).max()))
        reaches = max(reaches, float(np.abs(b - d).max()))
    return chances, reaches


def save_numbers(network: Any, path: Path) -> None:
    """Write a network's numbers alone, as half floats: enough to start a training from, or to export them later."""
    import torch
    from safetensors.torch import save_file

    network.eval().float().cpu().to(memory_format=torch.contiguous_format)
    state = {name: value.detach() for name, value in network.state_dict().items()}
    halves = {n: (v.half() if v.dtype.is_floating_point else v).contiguous() for n, v in state.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(halves, str(path))


def _write(network: Any, graph_path: Path, name: str, side: int, outputs: Sequence[str]) -> None:
    """Write a network's graph, numbers and checksums.

    The numbers are stored once, as float16, in the .safetensors file, from which training warm-starts;
    the graph's initialisers point into that file (ONNX external data) and are cast to float32 on load.
    """
    import torch
    from onnx import TensorProto, helper

    numbers_path = graph_path.with_suffix(".safetensors")
    save_numbers(network, numbers_path)
    header_size = int.from_bytes(numbers_path.read_bytes()[:8], "little")
    header = json.loads(numbers_path.read_bytes()[8 : 8 + header_size])

    program = torch.onnx.export(
        network,
        (torch.zeros(2, 1, side, side),),
        input_names=[name],
        output_names=list(outputs),
        dynamic_shapes=({0: torch.export.Dim("n")},),
        opset_version=18,
        dynamo=True,
        optimize=False,  # keeps every parameter as an initialiser of its own name; ONNX Runtime folds on load
        verbose=False,
    )
    assert program is not None
    model = program.model_proto
    casts, kept = [], []
    for initializer in model.graph.initializer:
        entry = header.get(initializer.name)
        if entry is None or entry["dtype"] != "F16":
            kept.append(initializer)
            continue
        begin, end = entry["data_offsets"]
        half = TensorProto(
            name=f"{initializer.name}.half", data_type=TensorProto.FLOAT16, dims=initializer.dims
        )
        half.data_location = TensorProto.EXTERNAL
        for key, value in (
            ("location", numbers_path.name),
            ("offset", str(8 + header_size + begin)),
            ("length", str(end - begin)),
        ):
            half.external_data.add(key=key, value=value)
        kept.append(half)
        casts.append(helper.make_node("Cast", [half.name], [initializer.name], to=TensorProto.FLOAT))
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    nodes = _without_zero_biases(model.graph)
    del model.graph.node[:]
    for node in nodes:  # the exporter notes the line of source behind every node
        del node.metadata_props[:]
        node.doc_string = ""
    del model.graph.value_info[:]
    model.graph.node.extend(casts + nodes)
    graph_path.write_bytes(model.SerializeToString())
    for path in (graph_path, numbers_path):
        path.chmod(0o644)
    sums = graph_path.parent / "checksums.json"
    known = json.loads(sums.read_text()) if sums.is_file() else {}
    known |= {path.name: file_sha256(path) for path in (graph_path, numbers_path)}
    sums.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


def _without_zero_biases(graph: Any) -> list[Any]:
    """The nodes of a graph, without the zeros that the exporter computes for each convolution that has no bias.

    As long as ONNX Runtime finds them there, it does not join a convolution with its norm and its activation.
    """
    made_by = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        if node.op_type == "Conv" and len(node.input) == 3 and node.input[2] in made_by:
            assert made_by[node.input[2]].op_type == "Expand", "this bias is not the exporter's zeros"
            del node.input[2]
    nodes = list(graph.node)
    wanted = {output.name for output in graph.output}
    for node in reversed(nodes):  # the exporter writes what is needed before what needs it
        if wanted.intersection(node.output):
            wanted.update(node.input)
    return [node for node in nodes if wanted.intersection(node.output)]


def noise(count: int = 16) -> np.ndarray:
    """(N, 192, 192) float32 crops of noise: what no network was trained on shows differences that drawings hide."""
    return np.random.default_rng(0).normal(0, 1, (count, CROP_SIZE, CROP_SIZE)).astype(np.float32)


def parity(graph_path: Path, crops: np.ndarray) -> tuple[float, float]:
    """Disagreement between the torch and the ONNX engine, both from the exported files.

    Args:
        graph_path: the .onnx file, its .safetensors beside it.
        crops: (N, 192, 192) float32, each standardised.

    Returns:
        Largest distance of a heatmap's highest peak, as a share of the crop, and largest angle between two
        bone directions, degrees.
    """
    from backend.engines.onnx import OnnxEngine
    from backend.engines.torch import TorchEngine

    return _disagreement(TorchEngine(graph_path).predict(crops), OnnxEngine(graph_path).predict(crops))


def rounding(network: Any, graph_path: Path, crops: np.ndarray) -> tuple[float, float]:
    """What storing half floats moves: the network in full precision beside the exported one, as in parity().

    On noise some heatmaps have two equal peaks, and the rounding decides between them.
    """
    import torch

    from backend.engines.torch import TorchEngine
    from backend.keypoints import NetworkOutput
    from backend.models.keypoint_network import OUTPUT_NAMES

    with torch.no_grad():
        outputs = network.float().eval()(torch.from_numpy(crops[:, None]))
    full = NetworkOutput.of({name: getattr(outputs, name).numpy() for name in OUTPUT_NAMES})
    return _disagreement(full, TorchEngine(graph_path).predict(crops))


def _disagreement(one: NetworkOutput, other: NetworkOutput) -> tuple[float, float]:
    from backend.keypoints import decode_heatmaps

    places = np.abs(decode_heatmaps(one.heatmaps)[0] - decode_heatmaps(other.heatmaps)[0]).max() / CROP_SIZE
    # The arc cosine of a single float's dot product knows no angle between 0 and 0.028 degrees: use the chord.
    chord = np.linalg.norm(one.directions.astype(np.float64) - other.directions, axis=-1)
    return float(places), float(np.degrees(2 * np.arcsin(np.clip(chord / 2, 0, 1))).max())
