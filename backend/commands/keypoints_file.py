"""The file of ``--keypoints``: figures with corrected joints, posed without running the network.

It is one figure of ``poses.json``, or a whole ``poses.json``, of which the image of the same name counts.
A figure says what was corrected in one of two ways: its ``keypoints`` are edited in place, or its
``corrections`` are put on top of them (moved, pinned and ignored joints, bones in front or behind).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from .. import __version__
from ..api import SCHEMA, Figure, Generator, ImageResult, figure_from_json, from_json
from ..body import load_body
from ..correction import corrected_figure, rest_keypoints_of
from ..drawings import Drawing
from ..errors import InputError, SketchPoseError
from ..pipeline import file_name

#: Bytes; one figure has about 8,000.
_MOST_BYTES = 16_000_000


class KeypointsFile:
    """Figures with corrected joints.

    Args:
        file: the figures.
        body: an SMPL ``.npz``, None for the body that ships.

    Raises:
        InputError: the file or the body cannot be read.
    """

    def __init__(self, file: Path, body: Path | None) -> None:
        try:
            if file.stat().st_size > _MOST_BYTES:
                raise InputError(f"The keypoint file {file} is too large to be true; give a poses.json.")
            data = file.read_bytes()
        except (OSError, ValueError) as error:
            raise InputError(f"The keypoint file {file} cannot be read; give a poses.json.") from error
        try:
            self._plain = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"The keypoint file {file} is not JSON; give a poses.json or one figure of it."
            ) from error
        self.body = load_body(body)
        # No network runs: the file is where the poses come from.
        self.generator = Generator(
            __version__, "none", "cpu", f"keypoints@{hashlib.sha256(data).hexdigest()}"
        )

    def try_pose(self, drawing: Drawing) -> ImageResult:
        """Pose the figures of one drawing; the sentence that says what went wrong is in ``error``."""
        try:
            picture = drawing.read()
            figures = tuple(
                corrected_figure(figure, rest_keypoints_of(self.body, figure))
                for figure in self._figures(Path(drawing.file).name)
            )
        except SketchPoseError as error:
            return ImageResult(file_name(drawing), 0, 0, str(error))
        return ImageResult(file_name(drawing), picture.width, picture.height, None, figures)

    def _figures(self, name: str) -> tuple[Figure, ...]:
        if not (isinstance(self._plain, dict) and self._plain.get("schema") == SCHEMA):
            return (figure_from_json(self._plain),)
        images = from_json(self._plain).images
        named = [entry for entry in images if Path(entry.file).name == name]
        named = named or list(images) if len(images) == 1 else named
        if len(named) != 1 or not named[0].figures:
            raise InputError(f"The keypoint file holds no figures of {name}; give the one that does.")
        return named[0].figures
