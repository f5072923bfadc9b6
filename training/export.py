"""Averaged weights -> what ships: a .safetensors of half floats and an ONNX graph that reads its numbers from it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from backend.engines.onnx import KEYPOINT_NETWORK, file_sha256


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training export``."""
    parser.add_argument("--run", default="keypoints_s", help="name of the training run to export")
    parser.add_argument("--out", type=Path, default=KEYPOINT_NETWORK, help="the .onnx file to write")


def run(args: argparse.Namespace) -> int:
    """Export the averaged weights of a run and check the graph against torch."""
    from .fit.shards import state_folder
    from .fit.train import load_average

    network = load_average(state_folder() / args.run)
    export(network, args.out)
    heat, angle = parity(network, args.out)
    print(
        f"{args.out}: heatmap places agree to {heat:.2e} of the crop, bone directions to {angle:.3f} degrees"
    )
    return 0


def export(network: Any, graph_path: Path) -> None:
    """Write ``graph_path`` (.onnx), the .safetensors with its numbers, and their checksums.

    The numbers are stored once, as float16, in the .safetensors file, from which training warm-starts;
    the graph's initialisers point into that file (ONNX external data) and are cast to float32 on load.
    """
    import torch
    from onnx import TensorProto, helper
    from safetensors.torch import save_file

    from backend.models.keypoint_network import INPUT_SIZE

    network = network.eval().float().cpu().to(memory_format=torch.contiguous_format)
    numbers_path = graph_path.with_suffix(".safetensors")
    graph_path.parent.mkdir(parents=True, exist_ok=True)
    state = {name: value.detach() for name, value in network.state_dict().items()}
    halves = {n: (v.half() if v.dtype.is_floating_point else v).contiguous() for n, v in state.items()}
    save_file(halves, str(numbers_path))
    header_size = int.from_bytes(numbers_path.read_bytes()[:8], "little")
    header = json.loads(numbers_path.read_bytes()[8 : 8 + header_size])

    program = torch.onnx.export(
        network,
        (torch.zeros(2, 1, INPUT_SIZE, INPUT_SIZE),),
        input_names=["crops"],
        output_names=["heatmaps", "directions", "visibility"],
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
    nodes = list(model.graph.node)
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


def parity(network: Any, graph_path: Path, count: int = 16) -> tuple[float, float]:
    """Disagreement between torch and the exported graph on random pages.

    Returns:
        Keypoint places, as a share of the crop (90th percentile), and bone directions, degrees (largest).
    """
    import torch

    from backend.engines.onnx import OnnxEngine
    from backend.keypoints import decode_heatmaps

    rng = np.random.default_rng(0)
    crops = rng.normal(0, 1, (count, 128, 128)).astype(np.float32)
    with torch.no_grad():
        heatmaps, directions, _ = (
            o.float().numpy() for o in network.float().eval()(torch.from_numpy(crops[:, None]))
        )
    output = OnnxEngine(graph_path).predict(crops)
    mine, _ = decode_heatmaps(heatmaps)
    theirs, _ = decode_heatmaps(output.heatmaps)
    cosine = np.clip((directions * output.directions).sum(-1), -1, 1)
    # On noise some heatmaps have two equal peaks, and half floats decide between them: one in ten may differ.
    places = float(np.quantile(np.abs(mine - theirs).max(-1) / 128, 0.9))
    return places, float(np.degrees(np.arccos(cosine)).max())
