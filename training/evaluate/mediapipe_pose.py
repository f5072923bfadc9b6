"""MediaPipe Pose on the same figures: run in an environment of its own, mapped to our joints."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.errors import InputError

from ..fit.shards import state_folder
from .figures import NOTHING, CutOut, Reading

#: The version that is measured, its "full" model, which its wheel holds.
VERSION = "0.10.21"

_RUNNER = Path(__file__).with_name("mediapipe_runner.py")
_REQUIREMENTS = Path(__file__).with_name("mediapipe-requirements.txt")

#: MediaPipe's landmarks of the 15 labelled joints; the head's centre is the middle of both ears.
_LANDMARKS = (11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28, 31, 32)
_EARS = (7, 8)
#: Start and end landmark of LIMB_BONES.
_LIMBS = ((11, 13), (13, 15), (23, 25), (25, 27), (12, 14), (14, 16), (24, 26), (26, 28))


@dataclass(frozen=True, eq=False)
class Run:
    """What MediaPipe made of some figures.

    Attributes:
        readings: one a figure.
        seconds: (N,) of each figure, warm, on one core.
    """

    readings: list[Reading]
    seconds: np.ndarray


def environment() -> Path:
    """The Python of MediaPipe's environment, which is made where it is missing.

    Raises InputError where it cannot be made.
    """
    folder = state_folder() / "mediapipe-venv"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    probe = [python, "-c", "import importlib.metadata as m; print(m.version('mediapipe'))"]
    if python.exists():
        found = subprocess.run(probe, capture_output=True, text=True, check=False)  # noqa: S603
        if found.stdout.strip() == VERSION:
            return python
    print(f"Installing MediaPipe {VERSION} into {folder} ...", flush=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)  # noqa: S603
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", _REQUIREMENTS], check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        raise InputError(
            f"MediaPipe {VERSION} cannot be installed into {folder}; use Python 3.11 or 3.12 with a way to "
            "PyPI, or leave out --mediapipe."
        ) from error
    return python


def read_with_mediapipe(cut_outs: Sequence[CutOut], repeats: int = 1) -> Run:
    """Read figures, each of them ``repeats`` times. Raises InputError where MediaPipe fails."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, out = Path(temporary), Path(temporary) / "out.json"
        for index, cut in enumerate(cut_outs):
            np.save(folder / f"{index:05d}.npy", cut.rgb)
        _run(folder, out, repeats)
        records = json.loads(out.read_text(encoding="utf-8"))
    readings = [_reading(record, cut) for record, cut in zip(records, cut_outs, strict=True)]
    return Run(readings, np.array([record["seconds"] for record in records]))


def cold_start(cut: CutOut) -> float:
    """Seconds from starting a process to its first figure and its end."""
    with tempfile.TemporaryDirectory() as temporary:
        np.save(Path(temporary) / "0.npy", cut.rgb)
        start = time.perf_counter()
        _run(Path(temporary), Path(temporary) / "out.json", 1)
        return time.perf_counter() - start


def _run(folder: Path, out: Path, repeats: int) -> None:
    command = [environment(), _RUNNER, folder, out, str(repeats)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode or not out.is_file():
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise InputError(f"MediaPipe failed ({reason}); leave out --mediapipe.")


def _reading(record: dict, cut: CutOut) -> Reading:
    if record["points"] is None:
        return NOTHING
    points = np.array(record["points"])
    joints = np.concatenate([points[list(_EARS)].mean(0)[None], points[list(_LANDMARKS)]])
    world = np.array(record["world"])
    limbs = np.array([world[end] - world[start] for start, end in _LIMBS])
    limbs /= np.maximum(np.linalg.norm(limbs, axis=1, keepdims=True), 1e-9)
    page = (joints + 0.5) * cut.scale + cut.origin - 0.5
    return Reading(page, limbs, NOTHING.poses)
