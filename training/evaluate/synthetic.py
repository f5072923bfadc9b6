"""Accuracy on synthetic drawings of motion clips that training has not seen, with exact 3D labels."""

from __future__ import annotations

import numpy as np

from backend.errors import InputError
from backend.keypoints import CROP_SIZE, Engine, predict_both_ways, read_keypoints

from ..drawing.styles import STYLES
from ..fit.batches import box_side, make_batch
from ..fit.shards import Shards, drawings_folder
from .metrics import LABELLED_MIRROR, bone_angles_3d, hits, labelled_joints


def evaluate_synthetic(engine: Engine, count: int) -> str:
    """Read the first ``count`` validation drawings. Returns a table by style and by view.

    Raises InputError when there are no validation drawings; training makes them.
    """
    shards = Shards(drawings_folder() / "validation")
    if not len(shards):
        raise InputError("There are no validation drawings; python -m training train makes them first.")
    count = min(count, len(shards))
    batches = [make_batch(shards, np.arange(i, min(i + 64, count)), CROP_SIZE) for i in range(0, count, 64)]
    places, directions = [], []
    for batch in batches:
        output = predict_both_ways(engine, batch.crops[:, 0])
        places.append(read_keypoints(output)[0])
        directions.append(output.directions)
    true = np.concatenate([batch.keypoints for batch in batches])
    true_directions = np.concatenate([batch.directions for batch in batches])
    facing = np.concatenate([batch.facing for batch in batches])
    style = np.concatenate([batch.style for batch in batches])
    side = box_side(CROP_SIZE)
    bones = np.where(np.concatenate([batch.bones for batch in batches]) > 0, 1, np.nan)
    inside = np.concatenate([batch.inside for batch in batches])
    known = np.where(labelled_joints(np.repeat(inside[..., None], 2, -1))[..., 0] == 1, 1, np.nan)
    predicted, labels = labelled_joints(np.concatenate(places)), labelled_joints(true)
    columns = {
        "PCK@0.1": np.nanmean(hits(predicted, labels, side, 0.1) * known, 1),
        "PCK@0.05": np.nanmean(hits(predicted, labels, side, 0.05) * known, 1),
        "swaps": _swapped(predicted, labels, known),
        "angle 3D": np.nanmean(bone_angles_3d(np.concatenate(directions), true_directions) * bones, 1),
    }
    groups = {"all": np.ones(count, bool)}
    groups |= {s.name: style == i for i, s in enumerate(STYLES)}
    groups |= {"front": facing > 0.5, "side": np.abs(facing) <= 0.5, "back": facing < -0.5}
    lines = [
        f"synthetic validation, {count} drawings of held-out clips",
        f"{'':<12}{'figures':>8}" + "".join(f"{c:>10}" for c in columns),
    ]
    for name, rows in groups.items():
        if rows.any():
            lines.append(
                f"{name:<12}{rows.sum():>8}" + "".join(f"{v[rows].mean():>10.3g}" for v in columns.values())
            )
    return "\n".join(lines)


def _swapped(predicted: np.ndarray, true: np.ndarray, known: np.ndarray) -> np.ndarray:
    straight = np.nanmean(np.linalg.norm(predicted - true, axis=-1) * known, 1)
    crossed = np.nanmean(np.linalg.norm(predicted[:, list(LABELLED_MIRROR)] - true, axis=-1) * known, 1)
    return crossed < straight
