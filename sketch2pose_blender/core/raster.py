"""Strokes as a gray raster: ink where a round pen of the stroke's width has passed.

Edges are hard: the network sees a figure at a quarter of this resolution, averaged over areas.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

import numpy as np

from .boundary import InputError
from .sketch import Sketch, Strokes, View

#: Longer side of the drawing on the raster, and the paper left around it, pixels.
DRAWING_SIDE = 512
MARGIN = 24
#: Half width of a line, raster pixels: thinner ones would fade when the figure is scaled to the network's size.
LEAST_RADIUS, MOST_RADIUS = 1.6, 12.0
#: Opacities are drawn in so many steps.
_OPACITIES = 4
#: More dots than these are drawn by areas, on whole pixels and with pens in steps of half a pixel: that takes about
#: as long for any number of dots.
_MANY_DOTS = 40_000


def draw(name: str, strokes: Strokes, view: View) -> Sketch:
    """Strokes as they are seen from a view, cut to their extent.

    Args:
        name: what the person calls the drawing.
        strokes: at least one.
        view: from where they are seen.

    Raises:
        InputError: there are no strokes, or none before the viewer, or they lie in a single point.
    """
    visible = strokes.opacities > 0.02
    camera = view.to_camera(strokes.points)
    if view.perspective:
        visible &= camera[:, 2] > 1e-4
    visible &= np.isfinite(camera[:, 0] + camera[:, 1] + camera[:, 2])
    seen = np.flatnonzero(visible)  # take() is many times faster than an index in brackets
    if not len(seen):
        raise InputError("The drawing has no strokes that are seen from here; draw a figure first.")
    flat = view.flatten(camera)
    across, down = flat.take(seen, 0).T.copy()
    low, high = np.array([across.min(), down.min()]), np.array([across.max(), down.max()])
    extent = float((high - low).max())
    if not 1e-6 < extent < 1e6:
        raise InputError("The drawing is a single point, or far too large; draw a figure first.")
    step = extent / DRAWING_SIDE
    width, height = (int(np.ceil(side)) + 2 * MARGIN for side in (high - low) / step)
    part = view.part(low + 0.5 - MARGIN * step, step, (width, height))

    scale = np.mean(np.abs(part.focal))
    radii = strokes.radii * scale / (np.maximum(camera[:, 2], 1e-4) if view.perspective else 1.0)
    pixels = ((flat - low) / step + (MARGIN - 0.5)).astype(np.float32)
    pen = np.clip(radii, LEAST_RADIUS, MOST_RADIUS).astype(np.float32)
    image = _inked(pixels, pen, strokes, visible, (width, height))
    return Sketch(name, image, part, strokes.points.take(seen, 0).mean(0))


def _inked(
    pixels: np.ndarray, pens: np.ndarray, strokes: Strokes, visible: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """(H, W) uint8 paper with the lines between (N, 2) pixels, their half widths and opacities those of the point before."""
    last = strokes.starts[1:] - 1
    ends = np.arange(1, len(pixels) + 1)
    ends[last] = np.where(strokes.cyclic, strokes.starts[:-1], last)
    starts = np.flatnonzero(visible)
    ends = np.where(visible[ends], ends, np.arange(len(pixels))).take(starts)
    # Complex numbers hold both coordinates, which halves the work.
    places = pixels.view(np.complex64)[:, 0]
    begins, widths = places.take(starts), pens.take(starts)
    ways = places.take(ends) - begins
    # Half a pen's width apart, dots look like a line.
    counts = np.ceil(np.abs(ways) / (0.5 * np.minimum(widths, pens.take(ends))))
    counts = np.clip(counts, 1, 100_000).astype(np.int32)
    steps = np.ceil(np.clip(strokes.opacities.take(starts), 0, 1) * _OPACITIES).astype(np.int8)
    paper = np.full((size[1], size[0]), 255, np.uint8)
    for opacity in range(1, _OPACITIES + 1):  # the strongest ink comes last
        chosen = np.flatnonzero(steps == opacity)
        if not len(chosen):
            continue
        lines = _Lines(*(values.take(chosen) for values in (begins, ways, counts, widths)))
        cover = _covered_coarsely if lines.counts.sum() > _MANY_DOTS else _covered
        paper[cover(lines, size)] = round(255 * (1 - opacity / _OPACITIES))
    return paper


class _Lines(NamedTuple):
    """Straight lines of a pen.

    Attributes:
        begins: (K,) complex64, x + iy, pixels.
        ways: (K,) complex64, from there to the ends.
        counts: (K,) int32, dots on each.
        pens: (K,) float32 half widths, pixels.
    """

    begins: np.ndarray
    ways: np.ndarray
    counts: np.ndarray
    pens: np.ndarray

    def dots(self) -> np.ndarray:
        """(M, 2) float32 pixels of all dots, line after line."""
        first = np.cumsum(self.counts, dtype=np.int32) - self.counts
        along = np.arange(self.counts.sum(), dtype=np.int32) - np.repeat(first, self.counts)
        places = np.repeat(self.ways / self.counts.astype(np.float32), self.counts)
        places *= along.astype(np.float32)
        places += np.repeat(self.begins, self.counts)
        return places.view(np.float32).reshape(-1, 2)


def _pixels_of(places: np.ndarray, width: int) -> np.ndarray:
    """(M,) int32, the pixels that (M, 2) places lie in, counted through the rows."""
    column, row = np.rint(places).T
    return (row * width + column).astype(np.int32)


def _covered(lines: _Lines, size: tuple[int, int]) -> np.ndarray:
    """(H, W) bool, the pixels whose centres lie under the pen that goes along the lines.

    Every dot opens a span in each row that it meets and closes it again; a running sum along the rows
    then tells how many spans are open. That costs rows, not areas.
    """
    width, height = size
    stride = width + 1
    places = lines.dots()
    # Dots in one pixel are one: the last. No pen is so thin that this tears a line.
    newest = np.full(height * width, -1, np.int32)
    newest[_pixels_of(places, width)] = np.arange(len(places), dtype=np.int32)
    kept = newest[newest >= 0]
    x, y = places.take(kept, 0).T.copy()
    radius = np.repeat(lines.pens, lines.counts).take(kept)
    row = np.round(y)
    opened, closed = [], []
    reach = int(np.ceil(radius.max()))
    for offset in range(-reach, reach + 1):
        rows = row + np.float32(offset)
        half = radius * radius - np.square(rows - y)
        met = np.flatnonzero((half > 0) & (rows >= 0) & (rows < height))
        half, centre, base = np.sqrt(half.take(met)), x.take(met), rows.take(met).astype(np.int32) * stride
        left = np.clip(np.ceil(centre - half), 0, width).astype(np.int32)
        right = np.clip(np.floor(centre + half) + 1, left, width).astype(np.int32)
        opened.append(base + left)
        closed.append(base + right)
    count = stride * height
    edges = np.bincount(np.concatenate(opened), minlength=count)
    edges -= np.bincount(np.concatenate(closed), minlength=count)
    return np.cumsum(edges).reshape(height, stride)[:, :width] > 0


def _covered_coarsely(lines: _Lines, size: tuple[int, int]) -> np.ndarray:
    """As _covered(), but with dots on whole pixels and pens in steps of half a pixel.

    All dots of one pen are one area, which is grown to discs by rows of spans.
    """
    width, height = size
    covered = np.zeros((height, width), bool)
    sizes = np.round(2 * lines.pens).astype(np.int8)
    for step in np.flatnonzero(np.bincount(sizes)).tolist():
        chosen = np.flatnonzero(sizes == step)
        dotted = np.zeros(height * width, bool)
        dotted[_pixels_of(_Lines(*(values.take(chosen) for values in lines)).dots(), width)] = True
        reach = step // 2
        dots = np.pad(dotted.reshape(height, width), ((0, 0), (reach, reach)))
        span, half = dots[:, reach : reach + width].copy(), 0
        for row in range(reach, -1, -1):  # the farther from the middle, the shorter the span
            while (half + 1) ** 2 + row**2 < step**2 / 4:
                half += 1
                span |= dots[:, reach - half : reach - half + width]
                span |= dots[:, reach + half : reach + half + width]
            covered[row:] |= span[: height - row]
            covered[: height - row] |= span[row:]
    return covered


def png(gray: np.ndarray) -> bytes:
    """The bytes of a PNG file of an (H, W) uint8 gray or (H, W, 3 or 4) uint8 colour raster.

    Source: the PNG specification, third edition; rows are stored unfiltered.
    """
    rows = np.ascontiguousarray(gray.reshape(gray.shape[0], -1))
    plain = np.concatenate([np.zeros((len(rows), 1), np.uint8), rows], 1).tobytes()
    kind = {2: 0, 3: {3: 2, 4: 6}.get(gray.shape[-1], 0)}[gray.ndim]
    header = struct.pack(">IIBBBBB", gray.shape[1], gray.shape[0], 8, kind, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(plain, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
