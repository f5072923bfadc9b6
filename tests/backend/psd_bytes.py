"""Writes small Photoshop files by hand, as Adobe's description of the format has them."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Layer:
    """``rgba``: (H, W, 4) or, in gray, (H, W, 2) uint8; ``section``: 3 the end of a group, 1 its head above it."""

    name: str
    rgba: np.ndarray
    at: tuple[int, int] = (0, 0)
    opacity: int = 255
    hidden: bool = False
    blend: bytes = b"norm"
    clipped: bool = False
    section: int = 0
    #: (H, W) uint8, where it is, and what is beyond it.
    mask: tuple[np.ndarray, tuple[int, int], int] | None = None
    packing: int = 1
    extra: bytes = field(default=b"")


def group(name: str, layers: list[Layer], **options) -> list[Layer]:
    empty = np.zeros((0, 0, 4), np.uint8)
    end = Layer("</Layer group>", empty, section=3)
    return [end, *layers, Layer(name, empty, section=1, **options)]


def packed(channel: np.ndarray, packing: int) -> bytes:
    if packing == 0:
        return channel.tobytes()
    if packing == 2:
        return zlib.compress(channel.tobytes())
    if packing == 3:
        steps = np.diff(channel.astype(np.int16), axis=1, prepend=0).astype(np.uint8)
        return zlib.compress(steps.tobytes())
    rows = [packed_row(row.tobytes()) for row in channel]
    return struct.pack(f">{len(rows)}H", *map(len, rows)) + b"".join(rows)


def packed_row(row: bytes) -> bytes:
    """PackBits: runs of the same byte, and other bytes as they are."""
    out, place = b"", 0
    while place < len(row):
        run = 1
        while run < 128 and row[place : place + 1] * (run + 1) == row[place : place + run + 1]:
            run += 1
        out += bytes([(257 - run) % 256, row[place]]) if run > 1 else bytes([0, row[place]])
        place += run
    return out


def psd(
    size: tuple[int, int],
    layers: list[Layer],
    merged: np.ndarray,
    *,
    depth: int = 8,
    version: int = 1,
    has_merged: bool | None = None,
    selection: bool = False,
) -> bytes:
    """``merged``: (H, W) gray or (H, W, 3) or (H, W, 4); ``has_merged``: what the version resource says;
    ``selection``: the last channel is a selection that was saved. With layers ``depth`` is 8 and ``version`` 1.
    """
    planes = merged[..., None] if merged.ndim == 2 else merged
    mode = 1 if planes.shape[2] == 1 else 3
    head = b"8BPS" + struct.pack(">H6xHIIHH", version, planes.shape[2], size[1], size[0], depth, mode)
    resources = b""
    if has_merged is not None:
        # Its version, what is asked, the names of two programs, the file's version.
        told = struct.pack(">IBIII", 1, has_merged, 0, 0, 1)
        resources += b"8BIM" + struct.pack(">HHI", 1057, 0, len(told)) + told + b"\0"
    if selection:
        resources += b"8BIM" + struct.pack(">HHII", 1053, 0, 4, 7)
    records, pixels = b"", b""
    for layer in layers:
        height, width = layer.rgba.shape[:2]
        x, y = layer.at
        # As Photoshop orders them: opacity, colours, mask.
        channels = [(-1, layer.rgba[..., -1])]
        channels += [(i, layer.rgba[..., i]) for i in range(layer.rgba.shape[2] - 1)]
        mask_data = b""
        if layer.mask is not None:
            values, (left, top), outside = layer.mask
            mask_data = struct.pack(
                ">4iBBxx", top, left, top + values.shape[0], left + values.shape[1], outside, 0
            )
            channels.append((-2, values))
        data = [
            (number, struct.pack(">H", layer.packing) + packed(c, layer.packing)) for number, c in channels
        ]
        if height == 0:
            data = [(number, b"\0\0") for number, _ in channels]
        name = layer.name.encode("latin-1", "replace")[:30]
        extra = struct.pack(">I", len(mask_data)) + mask_data + struct.pack(">I", 0)
        extra += bytes([len(name)]) + name + b"\0" * (-(len(name) + 1) % 4)
        letters = layer.name.encode("utf-16-be")
        blocks = [(b"luni", struct.pack(">I", len(letters) // 2) + letters)]
        if layer.section:
            blocks.append((b"lsct", struct.pack(">I", layer.section)))
        for key, block in blocks:
            extra += b"8BIM" + key + struct.pack(">I", len(block)) + block  # all of even length
        extra += layer.extra
        records += struct.pack(">4iH", y, x, y + height, x + width, len(data))
        records += b"".join(struct.pack(">hI", number, len(d)) for number, d in data)
        records += b"8BIM" + layer.blend
        records += struct.pack(">BBBxI", layer.opacity, layer.clipped, 2 * layer.hidden, len(extra)) + extra
        pixels += b"".join(d for _, d in data)
    info = struct.pack(">h", len(layers)) + records + pixels if layers else b""
    info += b"\0" * (len(info) % 2)
    section = struct.pack(">I", len(info)) + info + struct.pack(">I", 0) if layers else b""
    length = struct.pack(">Q" if version == 2 else ">I", len(section))
    parts = [struct.pack(">I", 0), struct.pack(">I", len(resources)) + resources]
    parts.append(length + section)
    pixels_of_all = np.moveaxis(planes, 2, 0)
    if depth == 16:
        pixels_of_all = pixels_of_all.astype(">u2") * 257
    image = struct.pack(">H", 0) + pixels_of_all.tobytes()
    return head + b"".join(parts) + image
