"""Which engine runs the networks, by the names that a person gives on the command line or in Blender."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    from ..keypoints import Engine

ENGINES = ("auto", "onnx", "torch")
DEVICES = ("auto", "cpu", "cuda", "mps")


def make_engine(engine: str = "auto", device: str = "auto", threads: int = 0) -> Engine:
    """Load the engine.

    Args:
        engine: one of ENGINES. "auto" takes torch for a GPU that is asked for by name, and where ONNX Runtime
            is not installed; else onnx, which starts without loading PyTorch.
        device: one of DEVICES. "auto" leaves the choice to the engine, which falls back to the CPU.
        threads: processor threads to use; 0 leaves the choice to the engine.

    Raises:
        InstallError: the engine's packages or the weights are missing or damaged.
        InputError: the device is not there.
    """
    if engine == "auto":
        with_torch = device in ("cuda", "mps") or (not find_spec("onnxruntime") and find_spec("torch"))
        engine = "torch" if with_torch else "onnx"
    if engine == "torch":
        from .torch import TorchEngine

        return TorchEngine(threads=threads, device=device)
    if device == "mps":
        raise InputError("The engine onnx has no device mps; choose the engine torch, or the device auto.")
    from .onnx import OnnxEngine

    return OnnxEngine(threads=threads, device=device)
