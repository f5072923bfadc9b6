"""One page as the two files of a WebDataset sample: a PNG and a JSON with everything that is known of it."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import asdict
from typing import Any

import cv2
import numpy as np

from backend.errors import InputError
from backend.skeleton import KEYPOINT_NAMES

from ..drawing.camera import Camera
from ..drawing.record import Drawing, DrawnFigure
from .captions import caption

#: Name and version of the record's shape, as in ``record.schema.json`` beside this file.
SCHEMA = "sketch2pose-drawing/1"

#: The quickest that is still small: runs of one tone are what drawings have.
_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE)

#: Where the header's name and content lie in a PNG, before its checksum; the type of colour in it, and what says
#: that pixels are numbers of a palette's colours (PNG specification, 11.2.2).
_HEADER, _COLOUR_TYPE, _INDEXED = slice(12, 29), 4 + 9, 3

#: Decimals of what is stored: pixels; metres, radians or plain numbers; a homography, whose last row is small.
_PIXELS, _NUMBERS, _WARP = 2, 4, 9


def to_files(drawing: Drawing) -> dict[str, bytes]:
    """The sample's files by extension; the same drawing gives the same bytes. Pages with a palette are in colour."""
    done, png = cv2.imencode(".png", drawing.image, _PNG)
    if not done:
        raise InputError(f"The drawing with seed {drawing.seed} cannot be written as PNG.")
    picture = png.tobytes() if drawing.palette is None else _coloured(png.tobytes(), drawing.palette)
    record = {
        "schema": SCHEMA,
        "source": "drawing_machine",
        "seed": drawing.seed,
        "style": drawing.style,
        "regime": drawing.regime,
        "caption": caption(drawing),
        "warp": _rounded(drawing.warp, _WARP),
        "figures": [_figure_to_json(figure) for figure in drawing.figures],
    }
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return {"png": picture, "json": text.encode()}


def _coloured(png: bytes, palette: np.ndarray) -> bytes:
    """A PNG of greys with a (256, 3) uint8 RGB colour for each: its pixels stay as they are written."""
    header, rest = bytearray(png[_HEADER]), png[_HEADER.stop :]
    header[_COLOUR_TYPE] = _INDEXED
    body = b"PLTE" + np.ascontiguousarray(palette, np.uint8).tobytes()
    chunks = (bytes(header), zlib.crc32(header), len(body) - 4, body, zlib.crc32(body))
    return png[: _HEADER.start] + struct.pack(f">{len(header)}sII{len(body)}sI", *chunks) + rest[4:]


def from_files(png: bytes, text: bytes, name: str = "record") -> Drawing:
    """Read a sample back, colours as their greys. Raises InputError, naming ``name``, for files that are no record."""
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE) if png else None
    if image is None:
        raise InputError(f"The image of {name} cannot be read; rebuild its shard.")
    try:
        record = json.loads(text)
        if record["schema"] != SCHEMA:
            raise InputError(f"{name} has the schema {record['schema']!r}; this version reads {SCHEMA!r}.")
        figures = tuple(_figure_from_json(figure) for figure in record["figures"])
        warp = np.asarray(record["warp"], np.float64).reshape(3, 3)
        return Drawing(int(record["seed"]), image, figures, str(record["style"]), str(record["regime"]), warp)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{name} is no record of a drawing; rebuild its shard.") from error


def _figure_to_json(figure: DrawnFigure) -> dict[str, Any]:
    camera = {
        key: round(value, _NUMBERS) if np.isfinite(value) else None
        for key, value in asdict(figure.camera).items()
    }
    return {
        "box": _rounded(figure.box, _PIXELS),
        "part": figure.part,
        "keypoints": _rounded(figure.keypoints, _PIXELS),
        "keypoints3d": _rounded(figure.keypoints3d, _NUMBERS),
        "directions": _rounded(figure.directions, _NUMBERS),
        "flags": figure.flags.tolist(),
        "pose": _rounded(figure.pose, _NUMBERS),
        "betas": _rounded(figure.betas, _NUMBERS),
        "proportions": _rounded(figure.proportions, _NUMBERS),
        "camera": camera,
        "scale": round(float(figure.scale), _NUMBERS),
        "offset": _rounded(figure.offset, _PIXELS),
        "facing": round(float(figure.facing), _NUMBERS),
        "contacts": [list(contact) for contact in figure.contacts],
    }


def _figure_from_json(values: dict[str, Any]) -> DrawnFigure:
    camera = {key: np.inf if value is None else float(value) for key, value in values["camera"].items()}
    count = len(KEYPOINT_NAMES)
    shapes = {
        "box": (4,),
        "keypoints": (count, 2),
        "keypoints3d": (count, 3),
        "directions": (count - 1, 3),
        "pose": (24, 3),
        "betas": (len(values["betas"]),),
        "proportions": (24, 2),
        "offset": (2,),
    }
    arrays = {name: np.asarray(values[name], np.float32).reshape(shape) for name, shape in shapes.items()}
    return DrawnFigure(
        part=str(values["part"]),
        flags=np.asarray(values["flags"], np.uint8).reshape(count),
        camera=Camera(**camera),
        scale=float(values["scale"]),
        facing=float(values["facing"]),
        contacts=tuple((str(a), str(b), float(score)) for a, b, score in values["contacts"]),
        **arrays,
    )


def _rounded(array: np.ndarray, decimals: int) -> list[Any]:
    # Adding zero turns -0.0 into 0.0: one number, one spelling.
    return (np.round(array.astype(float), decimals) + 0.0).tolist()
