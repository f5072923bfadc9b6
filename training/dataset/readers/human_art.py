"""Human-Art: figures in paintings, cartoons, sculptures; COCO's layout with four more keypoints and words.

Source: Ju et al., "Human-Art", 2023, and its README.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from . import coco
from .record import LabelledImage, LeftOut

JOINTS: tuple[str | None, ...] = (
    *coco.JOINTS,
    "left_fingertips", "right_fingertips", "left_toe", "right_toe",
)  # fmt: skip


def read(path: Path, left_out: LeftOut, images: Path | None = None) -> Iterator[LabelledImage]:
    """Human-Art's annotations, such as ``validation_humanart.json``; arguments as of :func:`coco.read`."""
    return coco.read_annotations(
        path, left_out, images, source="human_art", joints=JOINTS, field="keypoints_21"
    )
