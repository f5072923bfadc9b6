"""COCO person keypoints, and the file layout that other sets share with it.

Source: the data format page of cocodataset.org; Lin et al., "Microsoft COCO", 2014.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backend.errors import InputError

from ...drawing.record import Flag
from .record import LabelledFigure, LabelledImage, LeftOut, labelled_figure

#: Our name of each of COCO's 17 keypoints, in its order; None where we have no such point. COCO's hips,
#: shoulders and so on are the centres of the joints, as ours are.
JOINTS: tuple[str | None, ...] = (
    "nose", None, None, None, None,  # eyes, ears
    "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
    "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip

#: COCO's visibility: 0 not labelled, 1 labelled and hidden, 2 visible.
_FLAGS = (Flag.OUTSIDE, Flag.INVISIBLE, Flag.VISIBLE)


def read(path: Path, left_out: LeftOut, images: Path | None = None) -> Iterator[LabelledImage]:
    """COCO keypoint annotations, such as ``person_keypoints_val2017.json``.

    Args:
        path: the JSON file.
        left_out: is told which entries cannot be used.
        images: folder that the file names in it start from; that of the JSON file if None.

    Raises:
        InputError: the file is no COCO annotations.
    """
    return read_annotations(path, left_out, images, source="coco", joints=JOINTS)


def read_annotations(
    path: Path,
    left_out: LeftOut,
    images: Path | None,
    *,
    source: str,
    joints: Sequence[str | None],
    field: str = "keypoints",
) -> Iterator[LabelledImage]:
    """Any set in COCO's layout; ``field`` is where an annotation has its keypoints, ``joints`` names them."""
    entries, annotations = _load(path)
    folder = path.parent if images is None else images
    for number, entry in enumerate(entries):
        try:
            name, labels = str(entry["file_name"]), annotations[entry["id"]]
            caption, category = str(entry.get("description") or ""), str(entry.get("category") or "")
            size = int(entry["width"]), int(entry["height"])
        except (KeyError, TypeError, ValueError, AttributeError):
            left_out(f"Image {number} of {path.name} has no file name, id or size.")
            continue
        figures: list[LabelledFigure] = []
        for annotation in labels:
            try:
                if annotation.get("iscrowd"):  # a box around many, without keypoints
                    continue
                figures.append(_figure(annotation, field, joints))
            except (KeyError, TypeError, ValueError, IndexError) as error:
                left_out(f"A figure of {name} in {path.name} cannot be used: {_reason(error)}.")
        if not figures:
            continue
        if not (folder / name).is_file():
            left_out(f"The picture {name} of {path.name} is not in {folder}.")
            continue
        yield LabelledImage(folder / name, tuple(figures), source, size, caption, category)


def _load(path: Path) -> tuple[list[Any], dict[object, list[Any]]]:
    """The image entries, and the annotations of each image id."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        entries = list(content["images"])
        annotations: dict[object, list[Any]] = defaultdict(list)
        for annotation in content["annotations"]:
            annotations[annotation["image_id"]].append(annotation)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check the path.") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{path.name} is no COCO annotations with images and annotations; give the set's JSON file."
        ) from error
    return entries, annotations


def _figure(annotation: dict[str, Any], field: str, joints: Sequence[str | None]) -> LabelledFigure:
    values = np.array(annotation[field], np.float64)
    if values.shape != (3 * len(joints),):
        raise ValueError(f"it has {values.size} numbers for {len(joints)} keypoints")
    points = {
        name: (x, y, _FLAGS[int(flag)])
        for name, (x, y, flag) in zip(joints, values.reshape(-1, 3), strict=True)
        if name is not None and flag >= 0
    }
    x, y, width, height = (float(value) for value in annotation["bbox"])
    return labelled_figure(points, np.array((x, y, x + width, y + height)))


def _reason(error: Exception) -> str:
    return str(error) if type(error) is ValueError else f"its entry is damaged ({error})"
