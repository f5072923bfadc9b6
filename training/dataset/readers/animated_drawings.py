"""Characters of Meta's AnimatedDrawings: ``char_cfg.yaml`` with ``texture.png`` beside it, one figure each.

Source: the code and examples of github.com/facebookresearch/AnimatedDrawings.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from backend.errors import InputError

from ...drawing.record import Flag
from .record import LabelledImage, LeftOut, labelled_figure

#: Joint of a character -> our keypoint. Its "torso" lies between the shoulders and its "neck" on the nose.
JOINTS = {
    "hip": "pelvis",
    "neck": "nose",
    "left_shoulder": "left_shoulder",
    "left_elbow": "left_elbow",
    "left_hand": "left_wrist",
    "left_hip": "left_hip",
    "left_knee": "left_knee",
    "left_foot": "left_ankle",
    "right_shoulder": "right_shoulder",
    "right_elbow": "right_elbow",
    "right_hand": "right_wrist",
    "right_hip": "right_hip",
    "right_knee": "right_knee",
    "right_foot": "right_ankle",
}


def read(path: Path, left_out: LeftOut) -> Iterator[LabelledImage]:
    """A character's folder, or a folder of such folders.

    Raises:
        InputError: there is no character in it.
    """
    files = sorted(path.rglob("char_cfg.yaml"))
    if not files:
        raise InputError(f"{path} holds no char_cfg.yaml; give the folder of an animated drawing.")
    for file in files:
        try:
            yield _character(file)
        except (OSError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
            left_out(f"{file} cannot be used: {' '.join(str(error).split())}.")


def _character(file: Path) -> LabelledImage:
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    points = {
        JOINTS[joint["name"]]: (float(joint["loc"][0]), float(joint["loc"][1]), Flag.VISIBLE)
        for joint in content["skeleton"]
        if joint["name"] in JOINTS
    }
    picture = file.with_name("texture.png")
    if not picture.is_file():
        raise FileNotFoundError(f"{picture.name} is missing")
    size = int(content["width"]), int(content["height"])
    return LabelledImage(picture, (labelled_figure(points, None),), "animated_drawings", size)
