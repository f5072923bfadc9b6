"""Tell what is installed, on which device it runs, and how long a prediction takes."""

from __future__ import annotations

import argparse
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from .. import __version__
from ..errors import InstallError
from .pose import add_engine_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_engine_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; returns 0, or raises InstallError with what is missing and what to do."""
    print(f"Sketch2Pose  {__version__}")
    print(f"Python       {platform.python_version()} on {platform.platform()} ({sys.executable})")
    try:
        import numpy as np
        import PIL
    except ImportError as error:
        raise InstallError(
            f"The package {error.name} cannot be loaded; install the project with `make setup`."
        ) from error
    print(f"numpy        {np.__version__}")
    print(f"Pillow       {PIL.__version__}")
    print(f"ONNX Runtime {_onnx_runtime()}")
    print(f"PyTorch      {_version('torch')}")
    print(f"pypdfium2    {_version('pypdfium2')} (for PDF files)")

    from ..body import load_body
    from ..engines.choice import make_engine
    from ..keypoints import CROP_SIZE

    start = time.perf_counter()
    engine = make_engine(arguments.engine, arguments.device)
    crop = np.zeros((1, CROP_SIZE, CROP_SIZE), np.float32)
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


def _onnx_runtime() -> str:
    """Version and what it can run on."""
    from ..engines.onnx import load_runtime

    try:
        runtime = load_runtime()
    except InstallError:
        return "not installed"
    offered = [name.removesuffix("ExecutionProvider") for name in runtime.get_available_providers()]
    return f"{runtime.__version__} ({', '.join(offered)})"


def _version(package: str) -> str:
    """Version, without loading the package: for PyTorch that takes seconds."""
    if not find_spec(package):
        return "not installed"
    try:
        return version(package)
    except PackageNotFoundError:
        return "damaged"
