"""Tell what is installed, on which device it runs, and how long a prediction takes."""

from __future__ import annotations

import argparse
import platform
import sys
import time

from .. import __version__
from ..errors import InstallError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: it has none."""


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001
    """Run the command; returns 0, or raises InstallError with what is missing and what to do."""
    print(f"Sketch2Pose  {__version__}")
    print(f"Python       {platform.python_version()} on {platform.platform()} ({sys.executable})")
    try:
        import numpy as np
        import onnxruntime
        import PIL
    except ImportError as error:
        raise InstallError(
            f"The package {error.name} cannot be loaded; install the project with `make setup`."
        ) from error
    for name, module in (("numpy", np), ("ONNX Runtime", onnxruntime), ("Pillow", PIL)):
        print(f"{name:12} {module.__version__}")

    from ..body import load_body
    from ..engines.onnx import OnnxEngine

    start = time.perf_counter()
    engine = OnnxEngine()
    crop = np.zeros((1, 128, 128), np.float32)
    engine.predict(crop)
    cold = time.perf_counter() - start
    times = []
    for _ in range(20):
        start = time.perf_counter()
        engine.predict(crop)
        times.append(time.perf_counter() - start)
    print(f"Engine       {engine.name} on {engine.device}")
    print(f"Weights      {engine.weights_id} (checksum matches)")
    body = load_body()
    print(f"Body         {len(body.v_template):,} vertices, {body.n_betas} betas")
    print(f"Prediction   {cold * 1e3:.0f} ms with start-up, then {np.median(times) * 1e3:.1f} ms a figure")
    print("Everything works.")
    return 0
