"""The ONNX engine: runs the shipped networks with ONNX Runtime, starts in a moment, and always has the CPU."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, InstallError
from ..keypoints import CROP_SIZE, NetworkOutput
from .fallback import FallingBack

WEIGHTS_FOLDER = Path(__file__).parent.parent / "weights"

#: The keypoint network that ships. The .onnx file is the graph; its numbers lie in the .safetensors file.
KEYPOINT_NETWORK = WEIGHTS_FOLDER / "keypoints_s.onnx"

#: What ONNX Runtime may run on, best first: our name of the device, ONNX Runtime's of the provider, and the
#: provider's options. Each build of ONNX Runtime offers some of them.
PROVIDERS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("cuda", "CUDAExecutionProvider", {"use_tf32": "0"}),
    ("directml", "DmlExecutionProvider", {}),
    ("coreml", "CoreMLExecutionProvider", {"ModelFormat": "MLProgram"}),
    ("cpu", "CPUExecutionProvider", {}),
)


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


def load_runtime() -> Any:
    """ONNX Runtime, which must not be imported in any other way.

    Its wheels (1.32) report their use to Microsoft: imported as it is, it writes a device number and a data
    base into the user's cache folder and a file into the temporary folder. The variable prevents all three.

    Raises:
        InstallError: it is missing.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except ImportError as error:
        raise InstallError("ONNX Runtime is missing; install the package onnxruntime.") from error
    return onnxruntime


class OnnxEngine(FallingBack):
    """Runs the keypoint network with ONNX Runtime.

    A graphics device is tried where the build of ONNX Runtime offers one; where it fails, at the start or
    later, or answers with something else than numbers, the CPU takes over.

    Attributes:
        name: "onnx".
        device: what it runs on now: "cpu", "directml", "coreml" or "cuda".
        weights_id: ``<name>@<sha256>`` of the network.
    """

    name = "onnx"

    def __init__(self, weights: Path | None = None, threads: int = 0, device: str = "auto") -> None:
        """Load a network.

        Args:
            weights: an .onnx graph with its .safetensors beside it; None for the shipped one.
            threads: processor threads to use; 0 leaves the choice to ONNX Runtime, whose threads go round in circles
                for a while when they have nothing to do.
            device: "auto" for the best that works, or one of the names in PROVIDERS, with no other in its
                place.

        Raises:
            InstallError: weights or ONNX Runtime are missing or damaged.
            InputError: this build of ONNX Runtime does not offer the device.
        """
        self._graph = weights or KEYPOINT_NETWORK
        self._threads = threads
        self.weights_id = check_weights(self._graph)
        self._runtime = load_runtime()
        offered = set(self._runtime.get_available_providers())
        self._devices = [name for name, provider, _ in PROVIDERS if provider in offered]
        if device != "auto":
            if device not in self._devices:
                raise InputError(
                    f"ONNX Runtime does not run on {device} here; choose auto or {' or '.join(self._devices)}."
                )
            self._devices = [device]
        self._start()

    def _open(self) -> None:
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = self._threads
        if self._threads:
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        # DirectML allows neither memory patterns nor running nodes in parallel.
        options.enable_mem_pattern = self.device != "directml"
        providers = [(provider, settings) for name, provider, settings in PROVIDERS if name == self.device]
        if self.device != "cpu":  # for the nodes that the device does not know
            providers.append(("CPUExecutionProvider", {}))
        self._session = self._runtime.InferenceSession(str(self._graph), options, providers=providers)
        if self._session.get_providers()[0] != providers[0][0]:
            raise RuntimeError(f"ONNX Runtime left {providers[0][0]} out")
        self._names = [output.name for output in self._session.get_outputs()]
        if self.device != "cpu":  # drivers fail at the first run, not when the session is made
            self._run(np.zeros((1, CROP_SIZE, CROP_SIZE), np.float32))

    def _refusal(self, error: Exception) -> InstallError:  # noqa: ARG002
        return InstallError(f"The network {self._graph.name} cannot be loaded; install Sketch2Pose again.")

    def _run(self, crops: np.ndarray) -> NetworkOutput:
        values = self._session.run(None, {"crops": crops[:, None].astype(np.float32)})
        output = NetworkOutput.of(dict(zip(self._names, map(np.asarray, values), strict=True)))
        if self.device != "cpu" and not np.isfinite(output.heatmaps).all():
            raise ArithmeticError("the device answered with values that are no numbers")
        return output
