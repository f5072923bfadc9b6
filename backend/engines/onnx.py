"""The ONNX engine: runs the shipped networks with ONNX Runtime, on the CPU, and starts in a moment."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from ..errors import InstallError
from ..keypoints import NetworkOutput

WEIGHTS_FOLDER = Path(__file__).parent.parent / "weights"

#: The keypoint network that ships. The .onnx file is the graph; its numbers lie in the .safetensors file.
KEYPOINT_NETWORK = WEIGHTS_FOLDER / "keypoints_s.onnx"


def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_weights(graph: Path) -> str:
    """Compare a graph and its numbers with the checksums beside them.

    Returns:
        The weights' identity, ``<name>@<sha256 of the numbers>``.

    Raises:
        InstallError: a file is missing or has another checksum.
    """
    checksums = graph.parent / "checksums.json"
    numbers = graph.with_suffix(".safetensors")
    for path in (checksums, graph, numbers):
        if not path.is_file():
            raise InstallError(f"The weights file {path.name} is missing; install Sketch2Pose again.")
    try:
        expected = json.loads(checksums.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InstallError(
            "The list of checksums of the weights is damaged; install Sketch2Pose again."
        ) from error
    for path in (graph, numbers):
        if not isinstance(expected, dict) or expected.get(path.name) != file_sha256(path):
            raise InstallError(f"The weights file {path.name} is damaged; install Sketch2Pose again.")
    return f"{graph.stem}@{expected[numbers.name]}"


class OnnxEngine:
    """Runs the keypoint network with ONNX Runtime.

    Attributes:
        name: "onnx".
        device: "cpu".
        weights_id: ``<name>@<sha256>`` of the network.
    """

    name = "onnx"
    device = "cpu"

    def __init__(self, weights: Path | None = None, threads: int = 0) -> None:
        """Load a network.

        Args:
            weights: an .onnx graph with its .safetensors beside it; None for the shipped one.
            threads: processor threads to use; 0 leaves the choice to ONNX Runtime.

        Raises:
            InstallError: weights or ONNX Runtime are missing or damaged.
        """
        graph = weights or KEYPOINT_NETWORK
        self.weights_id = check_weights(graph)
        try:
            import onnxruntime
        except ImportError as error:
            raise InstallError("ONNX Runtime is missing; install the package onnxruntime.") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(graph), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime raises types of its own that share no base
            raise InstallError(
                f"The network {graph.name} cannot be loaded; install Sketch2Pose again."
            ) from error

    def predict(self, crops: np.ndarray) -> NetworkOutput:
        """Run the keypoint network.

        Args:
            crops: (N, 128, 128) float32, each standardised.
        """
        outputs = self._session.run(None, {"crops": crops[:, None].astype(np.float32)})
        return NetworkOutput(*(np.asarray(output) for output in outputs))
