"""Strokes as a gray raster: ink where a round pen of the stroke's width has passed.

Edges are hard: the network sees a figure at a quarter of this resolution, averaged over areas.
"""

from __future__ import annotations

import struct
import zlib

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
#: So many dots are drawn by areas, on whole pixels and with pens in steps of half a pixel: that takes as long for
#: any number of dots.
_MANY_DOTS = 20_000


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
    if not visible.any():
        raise InputError("The drawing has no strokes that are seen from here; draw a figure first.")
    flat = view.flatten(camera)
    across, down = flat[visible].T.copy()
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
    dots = _dots(pixels, pen, strokes, visible)
    centre = np.ones(visible.sum()) / visible.sum() @ strokes.points[visible]
    return Sketch(name, _inked(*dots, (width, height)), part, centre)


def _dots(
    pixels: np.ndarray, radii: np.ndarray, strokes: Strokes, visible: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places (M, 2), half widths (M,) and opacities (M,) of the pen, close enough to look like lines.

    Width and opacity are those of the point before.
    """
    last = strokes.starts[1:] - 1
    ends = np.arange(1, len(pixels) + 1)
    ends[last] = np.where(strokes.cyclic, strokes.starts[:-1], last)
    ends = np.where(visible[ends], ends, np.arange(len(pixels)))
    starts = np.flatnonzero(visible)
    # take() is many times faster than an index in brackets.
    ends = ends.take(starts)
    begin, pens = pixels.take(starts, 0), radii.take(starts)
    way = pixels.take(ends, 0) - begin
    length = np.hypot(way[:, 0], way[:, 1])
    # Half a pen's width apart is close enough.
    counts = np.ceil(length / (0.5 * np.minimum(pens, radii.take(ends))))
    counts = np.clip(counts, 1, 100_000).astype(np.int32)
    segment = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    first = np.cumsum(counts, dtype=np.int32) - counts
    along = np.arange(len(segment), dtype=np.int32) - first.take(segment)
    share = along.astype(np.float32) / counts.astype(np.float32).take(segment)
    places = begin.take(segment, 0) + way.take(segment, 0) * share[:, None]
    return places, pens.take(segment), strokes.opacities.take(starts).take(segment)


def _inked(places: np.ndarray, radii: np.ndarray, opacities: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W) uint8 paper with discs of ink."""
    paper = np.full((size[1], size[0]), 255, np.uint8)
    steps = np.ceil(np.clip(opacities, 0, 1) * _OPACITIES).astype(np.int8)
    for opacity in range(1, _OPACITIES + 1):  # the strongest ink comes last
        chosen = np.flatnonzero(steps == opacity)
        if len(chosen):
            covered = _covered(places.take(chosen, 0), radii.take(chosen), size)
            paper[covered] = round(255 * (1 - opacity / _OPACITIES))
    return paper


def _covered(places: np.ndarray, radii: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W) bool, the pixels whose centres lie in one of the discs.

    Every disc opens a span in each row that it meets and closes it again; a running sum along the rows
    then tells how many spans are open. That costs rows, not areas.
    """
    width, height = size
    stride = width + 1
    # Dots in one pixel are one: the last. No pen is so thin that this tears a line.
    inside = np.clip(np.round(places).astype(np.int32), 0, (width - 1, height - 1))
    newest = np.full(height * width, -1, np.int32)
    newest[inside[:, 1] * width + inside[:, 0]] = np.arange(len(places), dtype=np.int32)
    first = newest[newest >= 0]
    if len(first) > _MANY_DOTS:
        return _grown(inside.take(first, 0), radii.take(first), size)
    x, y = places.take(first, 0).T.copy()
    radius = radii.take(first)
    row = np.round(y)
    opened, closed = [], []
    reach = int(np.ceil(radius.max()))
    for offset in range(-reach, reach + 1):
        lines = row + np.float32(offset)
        half = radius * radius - np.square(lines - y)
        met = np.flatnonzero((half > 0) & (lines >= 0) & (lines < height))
        half, centre, base = np.sqrt(half.take(met)), x.take(met), lines.take(met).astype(np.int32) * stride
        left = np.clip(np.ceil(centre - half), 0, width).astype(np.int32)
        right = np.clip(np.floor(centre + half) + 1, left, width).astype(np.int32)
        opened.append(base + left)
        closed.append(base + right)
    count = stride * height
    edges = np.bincount(np.concatenate(opened), minlength=count)
    edges -= np.bincount(np.concatenate(closed), minlength=count)
    return np.cumsum(edges).reshape(height, stride)[:, :width] > 0


def _grown(pixels: np.ndarray, radii: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W) bool, the pixels around (N, 2) int pixels within their (N,) half widths: discs as rows of spans."""
    width, height = size
    covered = np.zeros((height, width), bool)
    steps = np.round(2 * radii).astype(np.int32)
    for step in np.unique(steps).tolist():
        reach = step // 2
        chosen = pixels[steps == step]
        dots = np.zeros((height, width + 2 * reach), bool)
        dots[chosen[:, 1], chosen[:, 0] + reach] = True
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
