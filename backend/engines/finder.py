"""What runs the finder network: ONNX Runtime or PyTorch, on the CPU; loaded when a page needs it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InstallError
from ..finder import Finder
from .onnx import WEIGHTS_FOLDER, check_weights, load_runtime

#: The finder network that ships. The .onnx file is the graph; its numbers lie in the .safetensors file.
FINDER_NETWORK = WEIGHTS_FOLDER / "finder.onnx"


def make_finder(engine: str) -> Finder:
    """The finder for an engine's name: PyTorch for "torch", ONNX Runtime for all others."""
    return TorchFinder() if engine == "torch" else OnnxFinder()


class OnnxFinder:
    """Runs the finder network with ONNX Runtime: a few milliseconds a page, so the CPU is enough."""

    def __init__(self, weights: Path | None = None, threads: int = 0) -> None:
        """Choose a network; it is loaded at the first page.

        Args:
            weights: an .onnx graph with its .safetensors beside it; None for the shipped one.
            threads: processor threads to use; 0 leaves the choice to ONNX Runtime.
        """
        self._graph = weights or FINDER_NETWORK
        self._threads = threads

    @cached_property
    def _session(self) -> Any:
        check_weights(self._graph)
        runtime = load_runtime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3
        try:
            return runtime.InferenceSession(str(self._graph), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises types of its own that share no base
            raise InstallError(
                f"The network {self._graph.name} cannot be loaded; install Sketch2Pose again."
            ) from error

    def find(self, page: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Run the network on one (192, 192) float32 standardised page; see :class:`backend.finder.Finder`.

        Raises InstallError where the weights or ONNX Runtime are missing or damaged.
        """
        centres, reaches = self._session.run(None, {"pages": page[None, None].astype(np.float32)})
        return np.asarray(centres)[0], np.asarray(reaches)[0]


class TorchFinder:
    """Runs the same network from the same numbers with PyTorch."""

    def __init__(self, weights: Path | None = None) -> None:
        """Choose a network; it is loaded at the first page.

        Args:
            weights: a .safetensors of the network, or the .onnx beside it; None for the shipped one.
        """
        self._path = (weights or FINDER_NETWORK).with_suffix(".safetensors")

    @cached_property
    def _network(self) -> Any:
        check_weights(self._path.with_suffix(".onnx"))
        try:
            import safetensors.torch
        except ImportError as error:
            raise InstallError(
                f"The package {error.name} is missing; install it, or choose the engine onnx."
            ) from error
        from ..models.finder_network import FinderNetwork

        network = FinderNetwork()
        try:
            # Stored as half floats; every engine computes with single ones.
            numbers = {name: value.float() for name, value in safetensors.torch.load_file(self._path).items()}
            network.load_state_dict(numbers)
        except Exception as error:  # another network's numbers: KeyError, RuntimeError, safetensors' own
            raise InstallError(
                f"The weights file {self._path.name} is of another network; install Sketch2Pose again."
            ) from error
        return network.eval().requires_grad_(requires_grad=False)

    def find(self, page: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As :meth:`OnnxFinder.find`."""
        network = self._network
        import torch

        with torch.inference_mode():
            centres, reaches = network(torch.from_numpy(page[None, None].astype(np.float32)))
        return centres[0].numpy(), reaches[0].numpy()
