"""Sketch2Pose's 18 joints of a drawn figure, in COCO's layout.

Source: Brodt and Bessmeltsev, "Sketch2Pose", 2022; the order of the joints is that of
github.com/kbrodt/sketch2pose. The authors publish networks and no label files: labels in this order, in
COCO's layout, are what is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from . import coco
from .record import LabelledImage, LeftOut

#: Named after a Mixamo rig: its "arm" begins at the shoulder, its toe is the ball of the foot. The spine's
#: point lies somewhere between neck and hips, where we have no such point.
JOINTS: tuple[str | None, ...] = (
    "head", "neck",
    "right_shoulder", "right_elbow", "right_wrist",
    "left_shoulder", "left_elbow", "left_wrist",
    None, "pelvis",
    "right_hip", "right_knee", "right_ankle",
    "left_hip", "left_knee", "left_ankle",
    "left_foot", "right_foot",
)  # fmt: skip


def read(path: Path, left_out: LeftOut, images: Path | None = None) -> Iterator[LabelledImage]:
    """Annotations with Sketch2Pose's joints; arguments as of :func:`coco.read`."""
    return coco.read_annotations(path, left_out, images, source="sketch2pose", joints=JOINTS)
