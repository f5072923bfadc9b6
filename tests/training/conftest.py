"""A small pose bank and a drawing machine, made on the spot."""

from pathlib import Path

import numpy as np
import pytest

from training.drawing.anatomy import load_anatomy
from training.drawing.machine import DrawingMachine
from training.poses.bank import PoseBank


@pytest.fixture(scope="session")
def bank_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty clips of four small random poses each, five of them validated on."""
    rng = np.random.default_rng(0)
    poses = rng.normal(0, 0.25, (240, 24, 3)).astype(np.float16)
    path = tmp_path_factory.mktemp("bank") / "poses.npz"
    names = ["07_02", "90_28", "salsa_07", "fight04", "run01", *(f"clip{k}" for k in range(55))]
    np.savez(path, poses=poses, clip_name=np.repeat(names, 4))
    return path


@pytest.fixture(scope="session")
def machine(bank_file: Path) -> DrawingMachine:
    return DrawingMachine(PoseBank.load(bank_file), load_anatomy())
