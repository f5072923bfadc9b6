"""Photoshop files: the picture without its notes. psd-tools reads them, which is loaded when the first one comes."""

from __future__ import annotations

import re
import struct
import warnings
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from PIL import Image

from .errors import InputError

if TYPE_CHECKING:
    from psd_tools import PSDImage
    from psd_tools.api.layers import Layer

#: What such a file begins with.
SIGNATURE = b"8BPS"
#: Endings of Photoshop files and of its large documents.
SUFFIXES = (".psd", ".psb")
#: Layers and groups of these names, in upper or lower case, copied and numbered too, are no part of the drawing.
LEFT_OUT = re.compile(r"(notes?|references?)( copy)?( ?\d+)?", re.IGNORECASE)
#: Most memory for a picture that is put together from layers, bytes.
MOST_MEMORY = 4 << 30


def size_of(file: BinaryIO) -> tuple[int, int]:
    """Width and height, pixels. Raises InputError where the file is cut off."""
    file.seek(0)
    try:
        height, width = struct.unpack(">14xII", file.read(22))
    except struct.error as error:
        raise _damaged() from error
    return width, height


def read_psd(file: BinaryIO) -> Image.Image:
    """The picture without hidden layers, notes and reference. Check :func:`size_of` before.

    The file's own merged picture is taken, which has all effects, unless something has to be left out of it or
    nothing is on it; then its layers are put together.

    Raises:
        InputError: the file is damaged or of a kind that is not read.
    """
    from psd_tools import PSDImage
    from psd_tools.compression import PSDDecompressionWarning

    # A damaged channel would be black without a word that a program sees.
    warnings.filterwarnings("error", category=PSDDecompressionWarning)
    file.seek(0)
    try:
        return _picture(PSDImage.open(file, max_alloc_bytes=MOST_MEMORY))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - damaged files raise many types
        return _merged_alone(file)


def _merged_alone(file: BinaryIO) -> Image.Image:
    """The merged picture of a file whose layers are damaged, by Pillow, which skips them."""
    file.seek(0)
    try:
        with Image.open(file, formats=("PSD",)) as image:
            image.load()
            return image
    except MemoryError:
        raise
    except Exception as error:  # likewise
        raise _damaged() from error


def _damaged() -> InputError:
    return InputError("The Photoshop file is damaged or cut off; save it again, or as PNG.")


def _picture(file: PSDImage) -> Image.Image:
    layers = [layer for layer in file.descendants() if layer.is_visible()]
    merged = _merged(file)
    if merged is not None and not any(map(_left_out, layers)) and not (layers and _blank(merged)):
        return merged
    try:
        return file.composite(ignore_preview=True, layer_filter=_drawn, apply_icc=False)
    except MemoryError:
        raise
    except Exception:  # likewise; the merged picture may be whole
        if merged is None:
            raise
        return merged


def _merged(file: PSDImage) -> Image.Image | None:
    try:
        return file.topil(apply_icc=False)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - likewise; the layers may be whole
        return None


def _left_out(layer: Layer) -> bool:
    return LEFT_OUT.fullmatch(layer.name.strip()) is not None


def _drawn(layer: Layer) -> bool:
    return layer.is_visible() and not _left_out(layer)


def _blank(picture: Image.Image) -> bool:
    """Whether nothing is on it: of one colour, or wholly transparent, as programs write it that merge nothing."""
    if picture.mode == "RGBA" and picture.getchannel("A").getextrema()[1] == 0:
        return True
    return all(low == high for low, high in np.reshape(picture.getextrema(), (-1, 2)))
