"""The framed panels of a storyboard page.

Conservative: a page is split where frames of one size stand apart from each other, as storyboard programs print
them. Frames that are drawn by hand, lean, touch each other or differ in size leave the page one drawing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .figures import reading_order

#: Pixels of a page's longer side at which frames are looked for.
_SIDE = 1200
#: What is darker may belong to a frame's line, 0 black .. 255 white.
_DARK = 200
#: Shortest side of a panel, and thickest line of a frame, as shares of the page's longer side.
_LEAST_SIDE, _MOST_THICKNESS = 0.08, 0.012
#: How far a frame's lines may miss each other at its corners, and panels differ in size, in pixels at that size.
_SLACK = 4
#: A larger part of the page is a frame around the page.
_PAGE_FRAME = 0.6
#: Least part of the page that its panels cover together.
_LEAST_COVER = 0.15
#: Narrowest and widest panel, width by height.
_SHAPES = (0.4, 4.0)
#: Boxes of at most this share of a panel's area, as many to each panel, hold its text.
_CAPTION = 0.5
#: A page with more dark runs, or more lines each way, is shaded, or ruled paper.
_MOST_RUNS, _MOST_LINES = 20_000, 400


@dataclass(frozen=True)
class _Line:
    """A straight line along an axis: from ``start`` to ``end``, between ``near`` and ``far`` across it."""

    start: int
    end: int
    near: int
    far: int


def find_panels(page: np.ndarray) -> tuple[tuple[int, int, int, int], ...]:
    """The panels of a page in reading order, without their frames; none where it is one drawing.

    Args:
        page: (H, W) uint8, 0 black .. 255 white.

    Returns:
        x0, y0, x1, y1 of each, pixels.
    """
    factor = max(1, round(max(page.shape) / _SIDE))
    dark = _darkest(page, factor) < _DARK
    frames = _frames(_lines(dark), _lines(dark.T), max(dark.shape) * _LEAST_SIDE)
    panels = _of_one_size(_outermost(frames, dark.size))
    if panels.size == 0 or np.prod(panels[:, 2:] - panels[:, :2], axis=1).sum() < _LEAST_COVER * dark.size:
        return ()
    # A pixel within the line: where it ends is known to a pixel of the small page.
    inner = (panels[reading_order(panels)] + (1, 1, -1, -1)) * factor
    return tuple((int(x0), int(y0), int(x1), int(y1)) for x0, y0, x1, y1 in inner)


def _darkest(page: np.ndarray, factor: int) -> np.ndarray:
    """The page made smaller; each pixel is the darkest of those that it stands for, which keeps hairlines."""
    height, width = (side // factor for side in page.shape)
    return page[: height * factor, : width * factor].reshape(height, factor, width, factor).min((1, 3))


def _lines(dark: np.ndarray) -> list[_Line]:
    """Straight lines along the rows of (H, W) bool, long enough to be a panel's side and thin."""
    joined = np.pad(dark, ((0, 0), (1, 1)))
    joined[:, 1:-1] |= joined[:, :-2] & joined[:, 2:]  # over gaps of a pixel
    steps = np.diff(joined.astype(np.int8), axis=1)
    (rows, starts), ends = np.nonzero(steps == 1), np.nonzero(steps == -1)[1]
    long = ends - starts >= _LEAST_SIDE * max(dark.shape)
    if np.count_nonzero(long) > _MOST_RUNS:
        return []
    open_lines: list[_Line] = []
    lines: list[_Line] = []
    for row, start, end in zip(rows[long].tolist(), starts[long].tolist(), ends[long].tolist(), strict=True):
        lines += [line for line in open_lines if line.far < row]
        open_lines = [line for line in open_lines if line.far >= row]
        same = next((line for line in open_lines if _near(line.start, start) and _near(line.end, end)), None)
        if same is None:
            open_lines.append(_Line(start, end, row, row + 1))
        else:
            widest = _Line(min(same.start, start), max(same.end, end), same.near, row + 1)
            open_lines[open_lines.index(same)] = widest
    most = max(2, _MOST_THICKNESS * max(dark.shape))
    thin = [line for line in lines + open_lines if line.far - line.near <= most]
    return thin if len(thin) <= _MOST_LINES else []


def _near(a: int, b: int) -> bool:
    return abs(a - b) <= _SLACK


def _frames(across: list[_Line], down: list[_Line], least: float) -> np.ndarray:
    """(N, 4) the insides of rectangles that four lines of just their lengths enclose; pixels."""
    found = []
    for top in across:
        left = [d for d in down if _near(d.near, top.start) and _near(d.start, top.near)]
        right = [d for d in down if _near(d.far, top.end) and _near(d.start, top.near)]
        for bottom in across:
            if not (_near(bottom.start, top.start) and _near(bottom.end, top.end)):
                continue
            if bottom.near - top.far < least:
                continue
            lefts = [d for d in left if _near(d.end, bottom.far)]
            rights = [d for d in right if _near(d.end, bottom.far)]
            if lefts and rights:
                found.append((max(d.far for d in lefts), top.far, min(d.near for d in rights), bottom.near))
    return np.array(found, int).reshape(-1, 4)


def _outermost(frames: np.ndarray, area: int) -> np.ndarray:
    """Those that lie in no other one, frames around the whole page aside."""
    frames = frames[np.prod(frames[:, 2:] - frames[:, :2], axis=1) < _PAGE_FRAME * area]
    inside = [
        any(
            (box[:2] >= other[:2]).all() and (box[2:] <= other[2:]).all() and (box != other).any()
            for other in frames
        )
        for box in frames
    ]
    return np.unique(frames[~np.array(inside, bool)], axis=0)


def _of_one_size(frames: np.ndarray) -> np.ndarray:
    """(N, 4) the panels among outermost frames: at least two of one size, apart; none where in doubt."""
    none = frames[:0]
    if len(frames) < 2:
        return none
    sizes = frames[:, 2:] - frames[:, :2]
    areas = np.prod(sizes, axis=1)
    largest = int(np.argmax(areas))
    alike = (np.abs(sizes - sizes[largest]) <= 2 * _SLACK).all(axis=1)
    panels, rest = frames[alike], areas[~alike]
    width, height = sizes[largest]
    if len(panels) < 2 or not _SHAPES[0] <= width / height <= _SHAPES[1]:
        return none
    if len(rest) % len(panels) or (rest > _CAPTION * areas[largest]).any():
        return none
    apart = [
        (panels[i, 2:] <= panels[j, :2]).any() or (panels[j, 2:] <= panels[i, :2]).any()
        for i in range(len(panels))
        for j in range(i)
    ]
    return panels if all(apart) else none
