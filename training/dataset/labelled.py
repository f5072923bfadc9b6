"""``dataset read``: other people's labelled pictures as records of the data set, with null for what is unknown."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from backend.errors import InputError

from .readers import amateur_drawings, animated_drawings, coco, human_art, sketch2pose
from .readers.record import LabelledFigure, LabelledImage, LeftOut
from .records import SCHEMA
from .shards import MANIFEST, shard_path, write_shard

FORMATS = ("coco", "human-art", "amateur-drawings", "animated-drawings", "sketch2pose")

#: Records a shard.
_SHARD = 1000

#: What no set of labelled pictures knows of a page, and of a figure.
_UNKNOWN_PAGE = ("seed", "style", "regime", "warp")
_UNKNOWN_FIGURE = (
    "part", "keypoints3d", "directions", "pose", "betas", "proportions", "camera", "scale", "offset", "facing",
    "contacts",
)  # fmt: skip


def add_step(steps: Any) -> None:
    """Add ``read`` to the steps of ``python -m training dataset``."""
    step: argparse.ArgumentParser = steps.add_parser("read", help="other people's labels as shards")
    step.add_argument("--format", choices=FORMATS, required=True, help="whose labels")
    step.add_argument("--annotations", type=Path, required=True, help="their file; a folder of characters")
    step.add_argument(
        "--images", type=Path, help="folder of the pictures; that of the annotations if left out"
    )
    step.add_argument("--out", type=Path, required=True, help="new folder for the shards")
    step.set_defaults(function=_read)


def images_of(
    name: str, annotations: Path, folder: Path | None, left_out: LeftOut
) -> Iterator[LabelledImage]:
    """The pictures of a set in one of the FORMATS; ``left_out`` is told what cannot be used."""
    if name == "animated-drawings":  # their pictures lie beside the labels
        return animated_drawings.read(annotations, left_out)
    readers = {
        "coco": coco.read,
        "human-art": human_art.read,
        "amateur-drawings": amateur_drawings.read,
        "sketch2pose": sketch2pose.read,
    }
    return readers[name](annotations, left_out, folder)


def to_files(image: LabelledImage) -> dict[str, bytes]:
    """A record's files by extension: the picture in grey, in its own pixels, and the labels.

    Raises:
        InputError: the picture cannot be read.
    """
    picture = image.picture()
    done, png = cv2.imencode(".png", picture.gray, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise InputError(f"{image.file} cannot be written as PNG.")
    record = {
        "schema": SCHEMA,
        "source": image.source,
        "caption": image.caption or image.category or None,
        "figures": [_figure_to_json(figure, float(picture.scale)) for figure in image.figures],
    }
    record.update(dict.fromkeys(_UNKNOWN_PAGE))
    return {"png": png.tobytes(), "json": json.dumps(record, sort_keys=True, allow_nan=False).encode()}


def _figure_to_json(figure: LabelledFigure, scale: float) -> dict[str, Any]:
    points = np.round(figure.keypoints.astype(float) / scale, 2)
    values: dict[str, Any] = {
        "box": np.round(figure.box.astype(float) / scale, 2).tolist(),
        "keypoints": [point.tolist() if np.isfinite(point).all() else None for point in points],
        "flags": figure.flags.tolist(),
    }
    return values | dict.fromkeys(_UNKNOWN_FIGURE)


def _read(args: argparse.Namespace) -> int:
    if (args.out / MANIFEST).exists():
        raise InputError(f"{args.out} holds a data set already; use another folder.")
    args.out.mkdir(parents=True, exist_ok=True)
    sums: dict[str, str] = {}
    count = 0
    samples: list[tuple[int, dict[str, bytes]]] = []

    def flush() -> None:
        path = shard_path(args.out, len(sums))
        sums[path.stem] = write_shard(path, samples)
        samples.clear()

    for image in images_of(args.format, args.annotations, args.images, print):
        try:
            samples.append((count, to_files(image)))
        except InputError as error:
            print(f"{image.file.name} is left out: {error}")
            continue
        count += 1
        if len(samples) == _SHARD:
            flush()
    if samples:
        flush()
    values = {"source": args.format, "count": count, "sha256": sums}
    (args.out / MANIFEST).write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    print(f"{count} records in {len(sums)} shards in {args.out}.")
    return 0
