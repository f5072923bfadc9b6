"""Corrected figures as files: labels for ``python -m training evaluate``, and ``poses.json``."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from .boundary import (
    KEYPOINT_NAMES,
    VERSION,
    Figure,
    Generator,
    ImageResult,
    InputError,
    PoseResult,
    write_text_of,
)

#: The joints of a label, beside the centre of the head.
_LABELLED = tuple(
    f"{side}_{name}"
    for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe")
    for side in ("left", "right")
)
#: Bytes; more than any hand-made set of labels.
_MOST_BYTES = 50_000_000


def label_of(file: str, size: tuple[int, int], figure: Figure) -> dict[str, Any]:
    """One record of ``labels.json``, as examples/README.md describes it.

    Args:
        file: name of the drawing.
        size: width and height, pixels.
        figure: with its corrections carried out; a keypoint of score 0 counts as not labelled.
    """

    def joint(name: str) -> list[float]:
        point = figure.keypoints[name]
        shown = 0.0 if point.score == 0 else 1.0 if point.visible >= 0.5 else 0.5
        return [round(point.xy[0], 1), round(point.xy[1], 1), shown]

    skull, top = joint("head"), joint("head_top")
    middle = [round((a + b) / 2, 1) for a, b in zip(skull[:2], top[:2], strict=True)]
    places = np.array([figure.keypoints[name].xy for name in KEYPOINT_NAMES if figure.keypoints[name].score])
    box = figure.box
    if len(places):  # a joint that was dragged out of the box belongs to the figure
        low, high = places.min(0), places.max(0)
        box = (min(box[0], low[0]), min(box[1], low[1]), max(box[2], high[0]), max(box[3], high[1]))
    return {
        "file": file,
        "width": size[0],
        "height": size[1],
        "box": [round(float(side), 1) for side in box],
        "style": "drawing",
        "facing": "",
        "sure_left_right": True,
        "joints": {
            "head_center": [*middle, min(skull[2], top[2])],
            **{name: joint(name) for name in _LABELLED},
        },
    }


def add_label(path: Path, label: dict[str, Any]) -> int:
    """Add a label to a file of labels, in place of the same drawing's overlapping figure; returns how many it holds.

    Raises:
        InputError: there is a file of that name that holds no labels.
        OSError: it cannot be written.
    """
    labels = _labels(path)
    labels = [other for other in labels if not _same_figure(other, label)]
    labels.append(label)
    # One record a line, so that differences read well.
    lines = ",\n".join(json.dumps(record, ensure_ascii=False) for record in labels)
    _replace(path, f"[\n{lines}\n]\n")
    return len(labels)


def _labels(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    refused = InputError(f"{path.name} is there and holds no labels; choose another name.")
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise refused
        labels = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise refused from error
    if not isinstance(labels, list) or not all(isinstance(x, dict) and "joints" in x for x in labels):
        raise refused
    return labels


def _same_figure(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether two labels are of one figure: of one drawing, with boxes that mostly overlap."""
    if a.get("file") != b["file"]:
        return False
    try:
        first, second = (np.array(label["box"], np.float64).reshape(2, 2) for label in (a, b))
    except (KeyError, TypeError, ValueError):
        return False
    shared = np.prod(np.maximum(np.minimum(first[1], second[1]) - np.maximum(first[0], second[0]), 0))
    union = np.prod(first[1] - first[0]) + np.prod(second[1] - second[0]) - shared
    return bool(shared > 0.5 * max(union, 1e-9))


def write_figure(path: Path, file: str, size: tuple[int, int], figure: Figure) -> None:
    """Write a figure, with its corrections carried out, as ``poses.json``. Raises OSError."""
    plain = json.dumps([figure.keypoints[name].xy for name in KEYPOINT_NAMES]).encode()
    source = Generator(VERSION, "none", "cpu", f"keypoints@{hashlib.sha256(plain).hexdigest()}")
    result = PoseResult(source, (ImageResult(file, size[0], size[1], None, (figure,)),))
    _replace(path, write_text_of(result))


def _replace(path: Path, text: str) -> None:
    """Write a file that is whole or as it was."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
