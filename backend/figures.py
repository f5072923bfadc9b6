"""Where the figures are, told by the ink: paper, ink mask, connected groups of strokes, boxes.

The paper's tone may change smoothly (a photographed page); ink is what differs from it, darker or
lighter, so chalk on a blackboard works too. Strokes that touch or almost touch make a group; a group
large enough is a figure. Specks, page borders and frame lines are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from .errors import InputError

#: Longer side at which ink is looked for, pixels.
SEARCH_SIDE = 320
#: Least difference between ink and paper, as a share of black to white.
LEAST_CONTRAST = 0.05
#: Ink differs from the paper at least this many times as much as the paper's own grain does.
GRAIN_FACTOR = 6.0
#: Ink differs from the paper at least this share of what the strongest ink does.
INK_SHARE = 0.2
#: Strokes nearer than this share of the longer side belong together.
GROUP_GAP = 0.022
#: The same where a figure and what it reaches for are to be told apart.
NARROW_GAP = 0.007
#: A stroke or patch this long, as a share of the longer side, can be a figure; less is a speck.
FIGURE_EXTENT = 0.08
#: A frame or ground line wobbles by so many pixels of the reduced page, and covers this share of a side.
LINE_WOBBLE = 2
LINE_COVER = 0.7
#: A frame lies within this share of the page from its edge, the ground below this share of the height.
FRAME_MARGIN = 0.12
GROUND_FROM = 0.6
#: A group at least this long, as a share of the longest group, is a figure of its own; a shorter one
#: that lies nearer than PART_GAP of the longer's extent is a part of it, such as a head above a collar.
FIGURE_SHARE = 0.35
PART_GAP = 0.1
#: Where one figure is asked for, groups of any length nearer than this are its parts: less across than
#: up and down, since people stand side by side and the parts of one are stacked.
WHOLE_GAP = (0.05, 0.12)

#: Strokes may leave a box that is drawn tight around them by this share of its longer side, and the tight box
#: has at least this share of the area.
STRAY = 0.25
LEAST_FILLED = 0.4

NO_FIGURE = "No figure was found; give a drawing of a whole person with clear lines on plain paper."


@dataclass(frozen=True, eq=False)
class _Patches:
    """Connected patches of a mask: boxes (P, 4) int x0, y0, x1, y1 (ends excluded), areas (P,), labels (H, W)."""

    labels: np.ndarray
    boxes: np.ndarray
    areas: np.ndarray


@dataclass(frozen=True, eq=False)
class Ink:
    """What is drawn on a page, without frames, ground lines and specks.

    Attributes:
        mask: (h, w) bool, the ink of the reduced page.
        strokes: (S, 4) int boxes of its connected strokes, pixels of the reduced page, ends excluded.
        to_page: (4,) float32 factors from boxes of the reduced page to the page's own pixels.
    """

    mask: np.ndarray
    strokes: np.ndarray
    to_page: np.ndarray


def find_figures(gray: np.ndarray, count: int | None = 1) -> np.ndarray:
    """Boxes of the figures drawn on a page, told by the ink alone.

    Args:
        gray: (H, W) float32, 0 black .. 1 white.
        count: how many of the largest to return at most; None for all. For 1 the page is taken as a
            whole: groups of strokes that lie near each other are one figure.

    Returns:
        (N, 4) float32 boxes x0, y0, x1, y1 in pixels of ``gray``, tight around the ink, in reading
        order (left to right, rows from the top).

    Raises:
        InputError: nothing on the page is large enough to be a figure.
    """
    ink = read_ink(gray)
    boxes = _figures(_group_boxes(ink.mask, GROUP_GAP), WHOLE_GAP if count == 1 else (0.0, 0.0))[:count]
    return boxes[reading_order(boxes)].astype(np.float32) * ink.to_page


def propose_figures(ink: Ink, limit: int = 12) -> np.ndarray:
    """Boxes among which the figures of a page are, for a network to choose from; they may overlap.

    Args:
        ink: of the page.
        limit: how many boxes at most.

    Returns:
        (N, 4) float32 boxes in pixels of the page. The first is what find_figures gives for one figure;
        then groups of strokes that lie less close together, the largest first.
    """
    groups = _group_boxes(ink.mask, GROUP_GAP)
    proposals = [*_figures(groups, WHOLE_GAP), *_figures(groups, (0.0, 0.0))]
    proposals += list(_figures(_group_boxes(ink.mask, NARROW_GAP), (0.0, 0.0), part_gap=0.0))
    unlike = [box for i, box in enumerate(proposals) if not any((box == b).all() for b in proposals[:i])]
    return np.array(unlike[:limit], np.float32) * ink.to_page


def tightened(ink: Ink, boxes: np.ndarray) -> np.ndarray:
    """Boxes that lie about a figure, drawn around the strokes that they hold.

    Args:
        ink: of the page.
        boxes: (N, 4) float32 x0, y0, x1, y1 in pixels of the page.

    Returns:
        (N, 4) float32; a box stays as it is where the strokes in it go on far beyond it or fill little of it.
    """
    result = boxes.astype(np.float32)
    low, high = ink.strokes[:, :2], ink.strokes[:, 2:]
    for row, box in enumerate(boxes / ink.to_page):
        stray = STRAY * float((box[2:] - box[:2]).max())
        held = ((low + high) / 2 >= box[:2]).all(1) & ((low + high) / 2 <= box[2:]).all(1)
        held &= (low >= box[:2] - stray).all(1) & (high <= box[2:] + stray).all(1)
        if held.any():
            tight = np.concatenate([low[held].min(0), high[held].max(0)])
            if np.prod(tight[2:] - tight[:2]) >= LEAST_FILLED * np.prod(box[2:] - box[:2]):
                result[row] = tight * ink.to_page
    return result


def read_ink(gray: np.ndarray) -> Ink:
    """The ink of a page: (H, W) float32, 0 black .. 1 white.

    Raises InputError when nothing on it is large enough to be a figure.
    """
    small = _shrunk(gray, max(1.0, max(gray.shape) / SEARCH_SIDE))
    mask, strokes = _without_specks(_without_ground(_without_frames(_ink(small))))
    factor = (gray.shape[1] / small.shape[1], gray.shape[0] / small.shape[0])
    return Ink(mask, strokes, np.array(factor * 2, np.float32))


def _figures(groups: np.ndarray, reach: tuple[float, float], part_gap: float = PART_GAP) -> np.ndarray:
    """Groups with their parts joined, large enough to be a figure, the largest first."""
    boxes = _joined(groups, reach, part_gap)
    extent = _extent(boxes)
    boxes = boxes[extent >= FIGURE_SHARE * extent.max()]
    return boxes[np.argsort(-np.prod(boxes[:, 2:] - boxes[:, :2], axis=-1), kind="stable")]


def reading_order(boxes: np.ndarray) -> list[int]:
    """Indices that sort (N, 4) boxes by rows from the top, each row from the left.

    A box starts a new row when its middle lies below every box of the row before.
    """
    rows: list[list[int]] = []
    bottom = -np.inf
    for index in np.argsort(boxes[:, 1] + boxes[:, 3], kind="stable"):
        top, base = boxes[index, 1], boxes[index, 3]
        if (top + base) / 2 > bottom:
            rows.append([])
            bottom = base
        rows[-1].append(int(index))
        bottom = min(bottom, base)
    return [index for row in rows for index in sorted(row, key=lambda i: boxes[i, 0])]


def _shrunk(gray: np.ndarray, factor: float) -> np.ndarray:
    if factor == 1.0:
        return np.asarray(gray, np.float32)
    size = (max(1, round(gray.shape[1] / factor)), max(1, round(gray.shape[0] / factor)))
    # Box averaging keeps a hairline as a faint but continuous line. Bytes are several times faster.
    page = Image.fromarray(np.clip(gray * 255 + 0.5, 0, 255).astype(np.uint8))
    return np.asarray(page.resize(size, Image.Resampling.BOX), np.float32) / 255


def _ink(gray: np.ndarray) -> np.ndarray:
    """(H, W) bool, True where something is drawn."""
    difference = np.abs(gray - _paper(gray))
    grain = 1.4826 * float(np.median(difference))
    strongest = float(np.quantile(difference, 0.998))
    return difference > max(LEAST_CONTRAST, GRAIN_FACTOR * grain, INK_SHARE * strongest)


def _paper(gray: np.ndarray) -> np.ndarray:
    """The tone of the bare paper everywhere: a quadratic surface through the most common tone.

    The fit starts from the most common tone at the page's edges and grows to all pixels near the surface.
    """
    height, width = gray.shape
    step = max(1, max(height, width) // 80)
    sample = gray[::step, ::step]
    y, x = np.mgrid[-1 : 1 : sample.shape[0] * 1j, -1 : 1 : sample.shape[1] * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], -1).reshape(-1, 6)
    tones = sample.reshape(-1)
    rim = np.maximum(np.abs(x), np.abs(y)).reshape(-1) > 0.8
    counts, edges = np.histogram(np.concatenate([tones, np.repeat(tones[rim], 2)]), bins=32, range=(0, 1))
    smooth = np.convolve(counts, [1, 2, 1], "same")
    peak = int(np.argmax(smooth))
    tone = (edges[peak] + edges[peak + 1]) / 2
    surface = np.full(tones.shape, tone)
    coefficients = np.array([tone, 0, 0, 0, 0, 0])
    for near in (0.2, 0.12, 0.08, 0.06):
        paper = np.abs(tones - surface) < near
        if paper.sum() < 0.2 * len(tones):
            break
        fit, *_ = np.linalg.lstsq(terms[paper], tones[paper], rcond=None)
        surface = terms @ fit
        coefficients = fit
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None]
    c = coefficients
    return c[0] + c[1] * x + c[2] * y + c[3] * x * x + c[4] * x * y + c[5] * y * y


def _without_frames(mask: np.ndarray) -> np.ndarray:
    """The mask without a frame around the page, what lies outside it, and shadows along the page's edges."""
    cleaned = _inside_frame(mask)
    patches = _patches(cleaned)
    height, width = mask.shape
    rim = max(2, round(0.025 * max(height, width)))
    wide = patches.boxes[:, 2] - patches.boxes[:, 0] >= 0.8 * width
    tall = patches.boxes[:, 3] - patches.boxes[:, 1] >= 0.8 * height
    for index in np.nonzero(wide | tall)[0]:
        x0, y0, x1, y1 = patches.boxes[index]
        inside = patches.labels[y0:y1, x0:x1] == index + 1
        inner = inside[rim:-rim, rim:-rim].sum() if min(inside.shape) > 2 * rim else 0
        at_edge = x0 <= rim or y0 <= rim or x1 >= width - rim or y1 >= height - rim
        if at_edge and inner < 0.1 * patches.areas[index]:
            cleaned[y0:y1, x0:x1] &= ~inside
    return cleaned


def _inside_frame(mask: np.ndarray) -> np.ndarray:
    """The mask with everything from the frame outwards cleared, where lines run along at least three sides.

    Such a frame may be drawn by hand and may be joined to the drawing inside it.
    """
    height, width = mask.shape
    lines = _grown(mask, LINE_WOBBLE)
    inset = [
        _frame_edge(covered[: max(1, round(FRAME_MARGIN * len(covered)))])
        for covered in (lines.mean(1), lines.mean(1)[::-1], lines.mean(0), lines.mean(0)[::-1])
    ]
    cleaned = mask.copy()
    if sum(edge > 0 for edge in inset) >= 3:
        top, bottom, left, right = inset
        cleaned[:top], cleaned[height - bottom :], cleaned[:, :left], cleaned[:, width - right :] = (
            False,
        ) * 4
    return cleaned


def _frame_edge(covered: np.ndarray) -> int:
    """How far a frame line reaches from the page's edge, 0 for none.

    ``covered`` tells, row by row from the edge, which share of the page's width has ink.
    """
    rows = np.nonzero(covered > LINE_COVER)[0]
    thick = 2 * LINE_WOBBLE + 1 + 0.03 * SEARCH_SIDE
    return int(rows[-1]) + 1 if len(rows) and rows[-1] - rows[0] < thick else 0


def _without_ground(mask: np.ndarray) -> np.ndarray:
    """The mask without a line of ground: thin, across most of the page, in its lower part."""
    start = round(GROUND_FROM * mask.shape[0])
    lower = mask[start:]
    rows = np.nonzero(_grown(lower, LINE_WOBBLE).mean(1) > LINE_COVER)[0]
    if not len(rows):
        return mask
    # Only the ink that is thin from top to bottom goes; legs and feet that stand on the line stay.
    thin = lower & ~_tall_runs(mask, 2 * LINE_WOBBLE + 1)[start:]
    thin[: max(rows[0] - 1, 0)] = False
    thin[rows[-1] + 2 :] = False
    cleaned = mask.copy()
    cleaned[start:] &= ~thin
    return cleaned


def _tall_runs(mask: np.ndarray, length: int) -> np.ndarray:
    """(H, W) bool: ink in vertical runs longer than ``length`` pixels."""
    padded = np.pad(mask, ((1, 1), (0, 0))).astype(np.int8)
    edges = np.diff(padded, axis=0).T
    columns, starts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]
    tall = ends - starts > length
    change = np.zeros((mask.shape[0] + 1, mask.shape[1]), np.int8)
    np.add.at(change, (starts[tall], columns[tall]), 1)
    np.add.at(change, (ends[tall], columns[tall]), -1)
    return np.cumsum(change, axis=0)[:-1] > 0


def _extent(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2:] - boxes[:, :2]).max(-1, initial=0)


def _joined(boxes: np.ndarray, reach: tuple[float, float], part_gap: float) -> np.ndarray:
    """Boxes with the parts joined to their figures; ``reach`` (across, down) joins groups of any length."""
    figures = list(boxes[np.argsort(-_extent(boxes), kind="stable")])
    index = 0
    while index < len(figures):
        box = figures[index]
        size = (box[2:] - box[:2]).max()
        for other in range(len(figures) - 1, index, -1):
            part = figures[other]
            gap = np.maximum(np.maximum(part[:2] - box[2:], box[:2] - part[2:]), 0)
            small = (part[2:] - part[:2]).max() < FIGURE_SHARE * size
            near = np.maximum(reach, part_gap if small else 0.0) * size
            if (gap <= near).all():
                figures[index] = np.concatenate(
                    [np.minimum(box[:2], part[:2]), np.maximum(box[2:], part[2:])]
                )
                del figures[other]
                break
        else:
            index += 1
    return np.array(figures)


def _without_specks(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mask without specks, a cloud of which would look like a figure, and the boxes of its strokes.

    Raises:
        InputError: no stroke has a figure's extent.
    """
    side = max(mask.shape)
    strokes = _patches(mask)
    extent = _extent(strokes.boxes)
    kept = (strokes.areas >= 3) & (extent >= 0.012 * side)
    if not (kept & (extent >= FIGURE_EXTENT * side)).any():
        raise InputError(NO_FIGURE)
    return np.concatenate([[False], kept])[strokes.labels], strokes.boxes[kept]


def _group_boxes(mask: np.ndarray, gap: float) -> np.ndarray:
    """(N, 4) int boxes of groups of strokes that lie nearer than ``gap``, a share of the longer side."""
    groups = _patches(_grown(mask, max(1, round(gap * max(mask.shape) / 2))))
    boxes = []
    for index, (x0, y0, x1, y1) in enumerate(groups.boxes, 1):
        inside = mask[y0:y1, x0:x1] & (groups.labels[y0:y1, x0:x1] == index)
        rows, columns = np.nonzero(inside.any(1))[0], np.nonzero(inside.any(0))[0]
        boxes.append((x0 + columns[0], y0 + rows[0], x0 + columns[-1] + 1, y0 + rows[-1] + 1))
    return np.array(boxes, np.int64)


def _grown(mask: np.ndarray, radius: int) -> np.ndarray:
    """The mask grown by ``radius`` pixels in a square."""
    for axis in (0, 1):
        padding = [(0, 0), (0, 0)]
        padding[axis] = (radius + 1, radius)
        total = np.cumsum(np.pad(mask, padding), axis)
        length = mask.shape[axis]
        ahead = np.take(total, np.arange(2 * radius + 1, 2 * radius + 1 + length), axis)
        mask = ahead > np.take(total, np.arange(length), axis)
    return mask


def _patches(mask: np.ndarray) -> _Patches:
    """Connected patches (8 neighbours) by joining horizontal runs that touch from row to row."""
    height, width = mask.shape
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]
    parent = list(range(len(rows)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    # Runs in order along one line of numbers: a run of the next row touches where the ranges meet.
    stride = width + 2
    first = np.searchsorted((rows * stride + ends), (rows - 1) * stride + starts, "left")
    last = np.searchsorted((rows * stride + starts), (rows - 1) * stride + ends, "right")
    for run, (low, high) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        for other in range(low, high):
            a, b = root(run), root(other)
            if a != b:
                parent[max(a, b)] = min(a, b)
    roots = np.array([root(run) for run in range(len(rows))], np.int64)
    _, label = np.unique(roots, return_inverse=True)
    count = int(label.max(initial=-1)) + 1
    boxes = np.empty((count, 4), np.int64)
    boxes[:, :2], boxes[:, 2:] = max(width, height), 0
    np.minimum.at(boxes[:, 0], label, starts)
    np.minimum.at(boxes[:, 1], label, rows)
    np.maximum.at(boxes[:, 2], label, ends)
    np.maximum.at(boxes[:, 3], label, rows + 1)
    areas = np.bincount(label, ends - starts, minlength=count)
    labels = np.zeros(mask.shape, np.int64)
    labels[mask] = np.repeat(label + 1, ends - starts)
    return _Patches(labels, boxes, areas)
