"""The torch engine: the same networks from the same weights, in PyTorch, on CUDA, Apple's GPU or the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, InstallError
from ..keypoints import CROP_SIZE, NetworkOutput
from .fallback import FallingBack
from .onnx import KEYPOINT_NETWORK, check_weights

#: The devices that can be asked for, best first.
DEVICES = ("cuda", "mps", "cpu")


class TorchEngine(FallingBack):
    """Runs the keypoint network with PyTorch.

    Attributes:
        name: "torch".
        device: what it runs on now: "cuda", "mps" or "cpu".
        weights_id: ``<name>@<sha256>`` of the network, the same as the ONNX engine's.
    """

    name = "torch"

    def __init__(self, weights: Path | None = None, threads: int = 0, device: str = "auto") -> None:
        """Load a network.

        Args:
            weights: a .safetensors of the network, or the .onnx beside it; None for the shipped one.
            threads: processor threads to use; 0 leaves the choice to PyTorch. PyTorch has one number of
                threads for the whole process.
            device: "auto" for the first of DEVICES that is there and works, or one of them, with no other in
                its place.

        Raises:
            InstallError: the weights, PyTorch or safetensors are missing or damaged.
            InputError: the device is not there, or PyTorch cannot compute on it.
        """
        path = (weights or KEYPOINT_NETWORK).with_suffix(".safetensors")
        self.weights_id = check_weights(path.with_suffix(".onnx"))
        try:
            import safetensors.torch
            import torch
        except ImportError as error:
            raise InstallError(
                f"The package {error.name} is missing; install it, or choose the engine onnx."
            ) from error
        from ..models.keypoint_network import OUTPUT_NAMES, KeypointNetwork

        self._names = OUTPUT_NAMES
        self._torch: Any = torch
        if threads:
            torch.set_num_threads(threads)
        self._network = KeypointNetwork()
        try:
            # Stored as half floats; every engine computes with single ones.
            numbers = {name: value.float() for name, value in safetensors.torch.load_file(path).items()}
            self._network.load_state_dict(numbers)
        except Exception as error:  # another network's numbers: KeyError, RuntimeError, safetensors' own
            raise InstallError(
                f"The weights file {path.name} is of another network; install Sketch2Pose again."
            ) from error
        self._network.eval().requires_grad_(requires_grad=False)
        self._devices = self._found(device)
        self._start()

    def _found(self, device: str) -> list[str]:
        """The devices to try, best first."""
        torch = self._torch
        there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
        found = [name for name in DEVICES if there[name]]
        if device == "auto":
            return found
        if device not in found:
            raise InputError(f"PyTorch finds no device {device} here; choose auto or {' or '.join(found)}.")
        return [device]

    def _open(self) -> None:
        self._network.to(self.device)
        # A build of PyTorch for other GPUs than this one fails here.
        self._run(np.zeros((1, CROP_SIZE, CROP_SIZE), np.float32))

    def _refusal(self, error: Exception) -> InputError:
        reason = str(error).strip().partition("\n")[0]
        return InputError(f"PyTorch cannot compute on {self.device} ({reason}); choose another device.")

    def _run(self, crops: np.ndarray) -> NetworkOutput:
        torch = self._torch
        # TensorFloat-32 keeps ten bits; the engines would no longer agree.
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            batch = torch.from_numpy(np.ascontiguousarray(crops[:, None], np.float32)).to(self.device)
            outputs = self._network(batch)
        return NetworkOutput.of({name: getattr(outputs, name).float().cpu().numpy() for name in self._names})
