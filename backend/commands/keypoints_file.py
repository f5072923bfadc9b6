"""The file of ``--keypoints``: figures with corrected joints, posed without running the network.

It is one figure of ``poses.json``, or a whole ``poses.json``, of which the image of the same name counts.
A figure says what was corrected in one of two ways: its ``keypoints`` are edited in place, or its
``corrections`` are put on top of them (moved, pinned and ignored joints, bones in front or behind).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from .. import __version__
from ..api import SCHEMA, Figure, Generator, ImageResult, figure_from_json, from_json
from ..body import load_body
from ..correction import corrected_figure
from ..errors import InputError
from ..images import read_image
from ..pipeline import file_name

#: Bytes; one figure has about 8,000.
_MOST_BYTES = 16_000_000


def pose_keypoints(image: Path, file: Path, body: Path | None) -> tuple[Generator, ImageResult]:
    """Pose one drawing from its corrected joints.

    Args:
        image: the drawing, for its size.
        file: the figures.
        body: an SMPL ``.npz``, None for the body that ships.

    Raises:
        InputError: one of the files cannot be read, or the figures are of another image.
    """
    picture = read_image(image)
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise InputError(f"The keypoint file {file} is too large to be true; give a poses.json.")
        data = file.read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(f"The keypoint file {file} cannot be read; give a poses.json.") from error
    rest = np.asarray(load_body(body).rest_keypoints(), np.float64)
    figures = tuple(corrected_figure(figure, rest) for figure in _figures(data, image))
    # No network has run: the file is where the poses come from.
    source = Generator(__version__, "none", "cpu", f"keypoints@{hashlib.sha256(data).hexdigest()}")
    return source, ImageResult(file_name(image), picture.width, picture.height, None, figures)


def _figures(data: bytes, image: Path) -> tuple[Figure, ...]:
    try:
        plain = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError("The keypoint file is not JSON; give a poses.json or one figure of it.") from error
    if not (isinstance(plain, dict) and plain.get("schema") == SCHEMA):
        return (figure_from_json(plain),)
    images = from_json(plain).images
    named = [entry for entry in images if Path(entry.file).name == image.name] or [*images][: len(images) == 1]
    if len(named) != 1 or not named[0].figures:
        raise InputError(f"The keypoint file holds no figures of {image.name}; give the one that does.")
    return named[0].figures
