"""The fixed synthetic validation set: poses of held-out clips, cameras all around, seeds. It never changes.

``validation_set.npz`` beside this file was written once, by ``python -m training.dataset.validation_set BANK``;
a test holds its checksum, so that scores of different months stay comparable. Styles are not part of it:
the same poses and views are drawn in any of them, those that training never sees among them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from backend.body import rodrigues
from backend.kinematics import matrix_to_axis_angle

from ..drawing.camera import Camera
from ..drawing.machine import DrawingMachine
from ..drawing.placement import Placement
from ..drawing.record import Drawing
from ..drawing.styles import Style
from ..poses.bank import PoseBank

PATH = Path(__file__).with_name("validation_set.npz")

#: Poses in the set.
COUNT = 1024

#: Seeds of the set's drawings start here, far from those of training.
_FIRST_SEED = 1 << 40


@cache
def _entries() -> dict[str, np.ndarray]:
    with np.load(PATH, allow_pickle=False) as archive:
        return {name: archive[name] for name in ("pose", "azimuth", "elevation", "distance", "seed")}


def draw_entry(
    machine: DrawingMachine, index: int, style: Style | Sequence[Style] = (), part: str = "whole"
) -> Drawing:
    """Draw entry ``index`` (0..1023), one figure.

    Args:
        machine: its pose bank is not used.
        index: of the entry.
        style: one style, or several to choose from by the entry's seed; none for those of the training mix.
            Styles without cues show a back view as the front view with the same outline.
        part: "waist_up", "bust" or "legs" of it; who does not stand or sit upright is drawn whole.
    """
    entries = _entries()
    seed = int(entries["seed"][index])
    look = style if isinstance(style, Style) else machine.style_of(seed, style)
    camera = Camera(
        float(entries["azimuth"][index]),
        float(entries["elevation"][index]),
        0.0,
        float(entries["distance"][index]),
    )
    pose = rodrigues(entries["pose"][index].astype(np.float32))
    if not look.has_cues:
        camera = camera.from_the_front()
    return machine.draw(seed, look, [Placement(part=part)], camera, pose)


def write(bank: Path) -> None:
    """Choose the set from a bank's held-out clips: every rare posture likelier, azimuths evenly around."""
    rng = np.random.default_rng(20261124)
    poses = PoseBank.load(bank, validation=True)
    chosen = rng.choice(len(poses.rotations), COUNT, p=poses.weights, replace=len(poses.rotations) < COUNT)
    pose = matrix_to_axis_angle(poses.rotations[chosen].astype(np.float64))
    azimuth = rng.permutation(-180 + 360 * (np.arange(COUNT) + 0.5) / COUNT)
    distance = np.where(rng.random(COUNT) < 0.5, np.inf, np.exp(rng.uniform(np.log(2.2), np.log(9), COUNT)))
    np.savez_compressed(
        PATH,
        pose=pose.astype(np.float16),
        azimuth=azimuth.astype(np.float32),
        elevation=rng.normal(4, 10, COUNT).clip(-30, 45).astype(np.float32),
        distance=distance.astype(np.float32),
        seed=_FIRST_SEED + np.arange(COUNT),
    )


if __name__ == "__main__":
    write(Path(sys.argv[1]))
