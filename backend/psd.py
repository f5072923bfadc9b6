"""Photoshop files: the picture without its notes.

The file holds a merged picture, which Pillow reads. It is taken unless layers have to be left out of it, or it is
not there: then the layers are put together here, which Pillow cannot do (it reads neither opacity nor visibility,
takes the channels in the wrong order, and stops making sense at the first layer with a mask).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageChops

from .errors import InputError

#: What such a file begins with.
SIGNATURE = b"8BPS"
#: Ending of a Photoshop file.
SUFFIX = ".psd"
#: Layers and groups of these names, in upper or lower case, copied and numbered too, are no part of the drawing.
LEFT_OUT = re.compile(r"(notes?|references?)( copy)?( ?\d+)?", re.IGNORECASE)
#: Most pixels of all layers that are put together.
MOST_LAYER_PIXELS = 1_000_000_000
#: Most pixels of one layer or mask, which may reach beyond the canvas: as many as an image may have.
_MOST_CHANNEL_PIXELS = 100_000_000
#: Colour modes whose layers are read -> channels.
_LAYER_CHANNELS = {1: 1, 3: 3}
_NORMAL = (b"norm", b"diss")
#: Ways to blend that darken what lies below. All are taken for a product; layers that lighten or tint, by any other
#: way, carry no lines and are left out.
_DARKENING = (b"mul ", b"dark", b"lbrn", b"idiv", b"dkCl")
_ALPHA, _MASK = -1, -2
_VERSION_INFO = 1057


class _UnreadableError(Exception):
    """The layers cannot be read; the merged picture still may."""


@dataclass(frozen=True)
class _Mask:
    """``box``: left, top, right, bottom; ``outside``: 0..255 beyond it."""

    box: tuple[int, int, int, int]
    outside: int


@dataclass(frozen=True)
class _Layer:
    """A layer, or the end or the head of a group of layers.

    ``box``: left, top, right, bottom on the canvas; ``channels``: number, place in the file and bytes of each;
    ``section``: 0 a layer, 1 and 2 the head of a group, which stands above its layers, 3 its end below them.
    """

    name: str
    box: tuple[int, int, int, int]
    channels: tuple[tuple[int, int, int], ...]
    blend: bytes
    opacity: float
    clipped: bool
    shown: bool
    section: int
    mask: _Mask | None

    @property
    def size(self) -> tuple[int, int]:
        left, top, right, bottom = self.box
        return right - left, bottom - top


class _Reader:
    """Reads numbers from a file; what is not there is an error, not a short answer."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._end = file.seek(0, 2)
        file.seek(0)

    def tell(self) -> int:
        return self._file.tell()

    def go(self, place: int) -> None:
        if not 0 <= place <= self._end:
            raise _UnreadableError
        self._file.seek(place)

    def take(self, count: int) -> bytes:
        if count > self._end - self._file.tell():  # no memory for what is not there
            raise _UnreadableError
        return self._file.read(count)

    def numbers(self, kinds: str) -> tuple:
        return struct.unpack(f">{kinds}", self.take(struct.calcsize(f">{kinds}")))


def size_of(file: BinaryIO) -> tuple[int, int]:
    """Width and height, pixels.

    Raises:
        InputError: the file is cut off, or of a kind that is not read.
    """
    try:
        version, _, height, width, depth, _ = _header(_Reader(file))
    except _UnreadableError as error:
        raise InputError("The Photoshop file is cut off; save it again.") from error
    if version != 1:
        raise InputError("The file is a large document (PSB); save it as PSD, or as PNG.")
    if depth not in (1, 8):
        raise InputError(
            f"The Photoshop file has {depth} bits a channel; save it with 8 (Image > Mode > 8 Bits/Channel)."
        )
    return width, height


def read_psd(file: BinaryIO) -> Image.Image:
    """The flattened picture, without hidden layers, notes and reference. Check :func:`size_of` before.

    Raises:
        InputError: the file is damaged or of a kind that is not read.
    """
    try:
        canvas, layers, merged = _described(_Reader(file))
    except (_UnreadableError, struct.error):
        canvas, layers, merged = (0, 0), [], True
    leaves = list(_leaves(layers, left_out=True))
    drawn = [leaf for leaf in leaves if leaf.shown]
    told = len(drawn) < sum(leaf.shown for leaf in _leaves(layers, left_out=False))
    picture = None if told or (drawn and not merged) else _merged(file)
    if picture is not None and not (drawn and _blank(picture)):
        return picture
    try:
        return _composed(_Reader(file), canvas, leaves)
    except _UnreadableError:
        return picture or _merged(file)


def _header(reader: _Reader) -> tuple:
    """Version, channels, height, width, bits a channel, colour mode."""
    signature, *header = reader.numbers("4sH6xHIIHH")
    if signature != SIGNATURE:
        raise _UnreadableError
    return tuple(header)


def _described(reader: _Reader) -> tuple[tuple[int, int], list[_Layer], bool]:
    """The canvas' size, the layers from the lowest on, and whether the file says that it has the merged picture."""
    _, _, height, width, depth, mode = _header(reader)
    (count,) = reader.numbers("I")
    reader.go(reader.tell() + count)
    (count,) = reader.numbers("I")
    merged = _has_merged(reader.take(count))
    (count,) = reader.numbers("I")
    if not count or depth != 8 or mode not in _LAYER_CHANNELS:
        return (width, height), [], True
    (count,) = reader.numbers("I")
    layers = _layers(reader, _LAYER_CHANNELS[mode]) if count else []
    return (width, height), layers, merged


def _has_merged(resources: bytes) -> bool:
    """What the version resource says; True where there is none."""
    place = 0
    while resources[place : place + 4] == b"8BIM" and place + 12 <= len(resources):
        (number,) = struct.unpack_from(">H", resources, place + 4)
        place += 6 + (resources[place + 6] // 2 + 1) * 2  # the name, with its length an even number of bytes
        (count,) = struct.unpack_from(">I", resources, place)
        if number == _VERSION_INFO and count >= 5:
            return resources[place + 8 : place + 9] != b"\0"
        place += 4 + count + count % 2
    return True


def _layers(reader: _Reader, colours: int) -> list[_Layer]:
    (count,) = reader.numbers("h")
    records = [_record(reader) for _ in range(abs(count))]  # negative: the merged picture is transparent
    place = reader.tell()
    layers = []
    for record in records:
        channels = []
        for number, _, count in record.channels:
            channels.append((number, place, count))
            place += count
        numbers = {number for number, _, _ in channels}
        if min(record.size) > 0 and not set(range(colours)) <= numbers:
            raise _UnreadableError
        layers.append(replace(record, channels=tuple(channels)))
    return layers


def _record(reader: _Reader) -> _Layer:
    top, left, bottom, right, count = reader.numbers("4iH")
    channels = [reader.numbers("hI") for _ in range(count)]
    blend, opacity, clipping, flags, extra = reader.numbers("4x4sBBBxI")
    end = reader.tell() + extra
    mask = None
    (count,) = reader.numbers("I")
    after = reader.tell() + count
    if count >= 18:
        mask_top, mask_left, mask_bottom, mask_right, outside, mask_flags = reader.numbers("4iBB")
        if not mask_flags & 2:  # 2: switched off
            mask = _Mask((mask_left, mask_top, mask_right, mask_bottom), outside)
    reader.go(after)
    (count,) = reader.numbers("I")  # blending ranges
    reader.go(reader.tell() + count)
    (count,) = reader.numbers("B")
    name = reader.take(count).decode("latin-1")
    reader.go(reader.tell() + -(count + 1) % 4)
    section = 0
    while reader.tell() + 12 <= end:
        _, key, count = reader.numbers("4s4sI")
        after = reader.tell() + count + count % 2
        if key == b"luni" and count >= 4:
            (letters,) = reader.numbers("I")
            name = reader.take(min(2 * letters, count - 4)).decode("utf-16-be", "replace").rstrip("\0")
        elif key == b"lsct" and count >= 4:
            (section,) = reader.numbers("I")
        if after > end:
            break
        reader.go(after)
    reader.go(end)
    return _Layer(
        name=name,
        box=(left, top, right, bottom),
        channels=tuple((number, 0, count) for number, count in channels),
        blend=blend,
        opacity=opacity / 255,
        clipped=bool(clipping),
        shown=not flags & 2,
        section=section,
        mask=mask,
    )


def _leaves(layers: list[_Layer], *, left_out: bool) -> Iterator[_Layer]:
    """The layers with pixels, the lowest first, shown and as opaque as their groups let them be.

    ``left_out``: notes and reference are hidden.
    """
    groups: list[_Layer] = []
    leaves = []
    for layer in reversed(layers):  # a group's head stands above its layers
        if layer.section == 3:
            if groups:
                groups.pop()
            continue
        shown = layer.shown and not (left_out and LEFT_OUT.fullmatch(layer.name.strip()))
        group = groups[-1] if groups else None
        if group is not None:
            layer = replace(layer, opacity=layer.opacity * group.opacity)  # noqa: PLW2901
            shown = shown and group.shown
        layer = replace(layer, shown=shown)  # noqa: PLW2901
        if layer.section in (1, 2):
            groups.append(layer)
        elif min(layer.size) > 0:
            leaves.append(layer)
    return reversed(leaves)


def _merged(file: BinaryIO) -> Image.Image:
    file.seek(0)
    try:
        with Image.open(file, formats=("PSD",)) as image:
            image.load()
            if image.mode == "RGBA" and not _transparent(file):
                return image.convert("RGB")  # the fourth channel is a saved selection
            return image if image.mode in ("L", "RGB", "RGBA") else image.convert("RGB")
    except MemoryError:
        raise
    except Exception as error:  # damaged files raise many types in Pillow's reader
        raise InputError("The Photoshop file is damaged or cut off; save it again, or as PNG.") from error


def _transparent(file: BinaryIO) -> bool:
    """Whether the merged picture's fourth channel is its opacity: the layers' number is negative then."""
    try:
        reader = _Reader(file)
        _header(reader)
        for _ in range(2):
            (count,) = reader.numbers("I")
            reader.go(reader.tell() + count)
        section, layers, count = reader.numbers("IIh")
    except _UnreadableError:
        return False
    return min(section, layers) > 0 and count < 0


def _blank(picture: Image.Image) -> bool:
    """Whether nothing is on it: of one colour, or wholly transparent, as programs write it that merge nothing."""
    if picture.mode == "RGBA" and picture.getchannel("A").getextrema()[1] == 0:
        return True
    return all(low == high for low, high in np.reshape(picture.getextrema(), (-1, 2)))


def _composed(reader: _Reader, size: tuple[int, int], leaves: list[_Layer]) -> Image.Image:
    """The shown layers over each other on a transparent canvas, RGBA.

    Raises:
        _UnreadableError: a layer is damaged, or they are too large together.
    """
    drawn = [leaf for leaf in leaves if leaf.shown]
    if sum(leaf.size[0] * leaf.size[1] for leaf in drawn) > MOST_LAYER_PIXELS:
        raise _UnreadableError
    canvas = Image.new("RGBA", size)
    base: Image.Image | None = (
        None  # opacity of the layer that those above are clipped to; None where it is hidden
    )
    for leaf, above in zip(leaves, [*leaves[1:], None], strict=True):
        if not leaf.clipped:
            base = None
        if not leaf.shown or (leaf.clipped and base is None):
            continue
        left, top, right, bottom = leaf.box
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(right, size[0]), min(bottom, size[1])
        picture = None  # where none of the layer lies on the canvas
        if x0 < x1 and y0 < y1:
            picture = _pixels(reader, leaf).crop((x0 - left, y0 - top, x1 - left, y1 - top))
        if not leaf.clipped and above is not None and above.clipped:
            base = Image.new("L", size)
            if picture is not None:
                base.paste(picture.getchannel("A"), (x0, y0))
        if picture is None:
            continue
        if leaf.clipped and base is not None:
            picture.putalpha(ImageChops.multiply(picture.getchannel("A"), base.crop((x0, y0, x1, y1))))
        if leaf.blend in _DARKENING:
            picture = _darkened(canvas.crop((x0, y0, x1, y1)), picture)
        elif leaf.blend not in _NORMAL:
            continue
        canvas.alpha_composite(picture, (x0, y0))
    return canvas


def _darkened(below: Image.Image, picture: Image.Image) -> Image.Image:
    """The layer multiplied with what lies below, as far as something does."""
    product = ImageChops.multiply(below.convert("RGB"), picture.convert("RGB"))
    mixed = Image.composite(product, picture.convert("RGB"), below.getchannel("A"))
    mixed.putalpha(picture.getchannel("A"))
    return mixed


def _pixels(reader: _Reader, layer: _Layer) -> Image.Image:
    """A layer's own pixels with its opacity and mask, RGBA."""
    places = {number: (place, count) for number, place, count in layer.channels}
    colours = [_channel(reader, *places[number], layer.size) for number in (0, 1, 2) if number in places]
    alpha = Image.new("L", layer.size, 255)
    if _ALPHA in places:
        alpha = _channel(reader, *places[_ALPHA], layer.size)
    if layer.opacity < 1:
        alpha = alpha.point([round(value * layer.opacity) for value in range(256)])
    if layer.mask is not None and _MASK in places:
        left, top, right, bottom = layer.mask.box
        whole = Image.new("L", layer.size, layer.mask.outside)
        if right > left and bottom > top:
            mask = _channel(reader, *places[_MASK], (right - left, bottom - top))
            whole.paste(mask, (left - layer.box[0], top - layer.box[1]))
        alpha = ImageChops.multiply(alpha, whole)
    return Image.merge("RGBA", [*(colours if len(colours) == 3 else colours[:1] * 3), alpha])


def _channel(reader: _Reader, place: int, count: int, size: tuple[int, int]) -> Image.Image:
    """One channel of a layer or mask, 8 bits."""
    width, height = size
    if width * height > _MOST_CHANNEL_PIXELS:
        raise _UnreadableError
    reader.go(place)
    try:
        (compression,) = reader.numbers("H")
        data = reader.take(count - 2)
        if compression == 1:  # the lengths of the rows come first
            return Image.frombytes("L", size, data[2 * height :], "packbits", "L")
        if compression in (2, 3):
            data = zlib.decompressobj().decompress(data, width * height)
        elif compression != 0:
            raise _UnreadableError
        image = Image.frombytes("L", size, data[: width * height])
    except (ValueError, OSError, zlib.error) as error:
        raise _UnreadableError from error
    if compression == 3:  # each row holds differences
        return Image.fromarray(np.cumsum(np.asarray(image), axis=1, dtype=np.uint8))
    return image
