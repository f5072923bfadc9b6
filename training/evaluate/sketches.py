"""Real drawings with hand-made 2D labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from backend.errors import InputError

from .figures import LabelledFigure
from .metrics import LABELLED_JOINTS

_LIMBS = tuple(
    f"{side}_{name}" for side in ("left", "right") for name in ("upper_arm", "forearm", "thigh", "shin")
)
_DEPTH = {"toward": -1.0, "away": 1.0}


def read_labels(folder: Path) -> list[LabelledFigure]:
    """Read ``labels.json`` and check that its images are there.

    Raises:
        InputError: the file is missing, is not JSON, or does not hold what a label needs; an image is missing.
    """
    path = folder / "labels.json"
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read; give a folder with labels.json and images.") from error
    if not records:
        raise InputError(f"{path} holds no labels; give a folder with labelled drawings.")
    try:
        return [_labelled(record, folder) for record in records]
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"{path} is no list of labels as examples/README.md describes ({error!r})."
        ) from error


def _labelled(record: dict[str, Any], folder: Path) -> LabelledFigure:
    joints = np.array([record["joints"][n] for n in LABELLED_JOINTS], float)
    image = next(
        (p for p in (folder / "images" / record["file"], folder / record["file"]) if p.is_file()), None
    )
    if image is None:
        raise InputError(f"The image {record['file']} that {folder / 'labels.json'} names is missing.")
    depth = record.get("depth", {})
    return LabelledFigure(
        image.name,
        image,
        np.array(record["box"], float),
        joints[:, :2],
        joints[:, 2] > 0,
        record["style"],
        _view(record.get("facing", "")),
        record["sure_left_right"],
        np.array([_DEPTH.get(depth.get(limb), 0.0) for limb in _LIMBS]),
    )


def _view(facing: str) -> str:
    """A half profile counts as front or back: its chest is turned by about 45 degrees."""
    return next((view for view in ("front", "back") if view in facing), "side" if facing else "")
