"""The page that is drawn on. All that is drawn is kept as marks, so that a drawing is vectors as well as pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from .hand import strokes
from .marks import Mark, clipped, paint, trace
from .pen import Pen, ellipse


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A page at one time: its (S, S) uint8 image and how many things were drawn on it."""

    image: np.ndarray
    count: int


@dataclass(frozen=True, eq=False)
class _Area:
    """An area kept as its (S, S) bool mask: its outline is traced only when somebody asks for it."""

    mask: np.ndarray
    tone: float
    opacity: float


@dataclass(frozen=True, eq=False)
class _Undone:
    """All after the first ``since`` things was taken back inside the (S, S) bool mask."""

    mask: np.ndarray
    since: int


class Canvas:
    """A square grey page.

    Attributes:
        image: (S, S) uint8, 255 is white.
        paper: grey value of the empty page.
        rng: source of chance for the hand.
        vector: False once something was drawn that marks cannot say; ``marks`` then lack it.
        tooth: where on the page the tile of paper tooth begins, x and y in pixels.
    """

    def __init__(self, size: int, paper: float, rng: np.random.Generator) -> None:
        self.image = np.full((size, size), paper, np.uint8)
        self.paper = paper
        self.rng = rng
        self.vector = True
        self.tooth = (int(rng.integers(256)), int(rng.integers(256)))
        self._cover = np.zeros((size, size), np.float32)
        self._drawn: list[Mark | _Area | _Undone] = []

    @property
    def marks(self) -> list[Mark]:
        """Everything drawn so far, the first at the bottom."""
        marks: list[Mark] = []
        starts = []
        for drawn in self._drawn:
            starts.append(len(marks))
            if isinstance(drawn, Mark):
                marks.append(drawn)
            elif isinstance(drawn, _Area):
                marks += [Mark.area(polygon, drawn.tone, drawn.opacity) for polygon in trace(drawn.mask)]
            elif drawn.since < len(starts):
                start = starts[drawn.since]
                marks[start:] = [part for mark in marks[start:] for part in clipped(mark, drawn.mask)]
        return marks

    def snapshot(self) -> Snapshot:
        """The page as it is now, for :meth:`undo`."""
        return Snapshot(self.image.copy(), len(self._drawn))

    def undo(self, before: Snapshot, mask: np.ndarray) -> None:
        """Take back what was drawn since then where ``mask`` (S, S) bool is set."""
        if mask.any():
            self.image[mask] = before.image[mask]
            self._drawn.append(_Undone(mask, before.count))

    def covered(self, before: Snapshot) -> np.ndarray:
        """(S, S) bool: what lies under that which was drawn since then, be it drawn in the tone of the page."""
        if len(self._drawn) == before.count:
            return np.zeros(self.image.shape, bool)
        layer = np.zeros_like(self.image)
        for drawn in self._drawn[before.count :]:
            if isinstance(drawn, Mark):
                paint(layer, drawn, self._cover, self.tooth, tone=255.0)
            elif isinstance(drawn, _Area):
                layer[drawn.mask] = 255
        return layer > 127

    def put(self, mark: Mark) -> None:
        """Draw a mark as it is, without a hand's noise."""
        paint(self.image, mark, self._cover, self.tooth)
        self._drawn.append(mark)

    def stroke(self, points: np.ndarray, pen: Pen, closed: bool = False) -> None:
        """Draw an (n, 2) pixel polyline with a pen."""
        for mark in strokes(points, pen, closed, self.rng):
            self.put(mark)

    def fill(self, polygon: np.ndarray, tone: float, opacity: float = 1.0) -> None:
        """Fill an (n, 2) pixel polygon with a grey value."""
        self.put(Mark.area(polygon, float(tone), opacity))

    def clear(self, mask: np.ndarray) -> None:
        """Take what lies inside ``mask`` (S, S) bool off the page, as a figure covers what is behind it."""
        self.wash(mask, self.paper)

    def wash(self, mask: np.ndarray, tone: float | np.ndarray, strength: float = 1.0) -> None:
        """Blend a tone into the page where ``mask`` (S, S) bool is set.

        An area of one tone is a mark; a picture of tones, (S, S) float32, is pixels only.
        """
        old = self.image[mask].astype(np.float32)
        if isinstance(tone, np.ndarray):
            self.vector = False
            new = tone[mask]
        else:
            new = float(tone)
            self._drawn.append(_Area(mask.copy(), new, strength))
        self.image[mask] = np.clip(old + (new - old) * strength, 0, 255).astype(np.uint8)

    def hatch(self, mask: np.ndarray, tone: float, spacing: float, angle: float, width: float = 1) -> None:
        """Parallel lines inside ``mask`` (S, S) bool; spacing and width in pixels, angle in radians."""
        rng, size = self.rng, len(self.image)
        along = np.array([np.cos(angle), np.sin(angle)])
        across = np.array([-along[1], along[0]])
        offsets = np.arange(-0.75 * size, 0.75 * size, spacing)
        starts = size / 2 + across * (offsets + rng.normal(0, 0.12 * spacing, len(offsets)))[:, None]
        # Each line turns a little away from the others.
        turned = along + across * rng.normal(0, 0.02, (len(offsets), 1))
        at = np.arange(-0.75 * size, 0.75 * size, 2.0)
        rows, ends = _hatched(mask, starts, turned, at)
        ends += rng.normal(0, 0.6, ends.shape)
        widths = np.maximum(width * rng.uniform(0.75, 1.1, len(rows)), 0.5).astype(np.float32)
        long = ends[1] - ends[0] > 1.5
        rows, (first, last), widths = rows[long], ends[:, long], widths[long]
        stops = np.stack([first, (first + last) / 2, last], 1)
        points = starts[rows, None] + stops[..., None] * turned[rows, None]
        points[:, 1] += across * (rng.normal(0, 0.01, len(rows)) * (last - first))[:, None]
        presses = widths[:, None] * np.array([1, 1, 0.6], np.float32)
        ink = np.ones(3, np.float32)
        for line, press in zip(points.astype(np.float32), presses, strict=True):
            self.put(Mark(line, press, ink, float(tone)))

    def dots(self, mask: np.ndarray, tone: float, spacing: float, radius: float) -> None:
        """A pattern of dots (or crosses, at random) inside ``mask`` (S, S) bool; spacing and radius in pixels."""
        rng, size = self.rng, len(self.image)
        rows = np.arange(spacing / 2, size, spacing)
        x, y = np.meshgrid(rows, rows)
        x = x + (spacing / 2) * (np.arange(len(rows)) % 2)[:, None]
        cross = rng.random() < 0.3
        centres = np.stack([x.ravel(), y.ravel()], 1) + rng.normal(0, 0.1 * spacing, (x.size, 2))
        column, row = np.clip(np.round(centres), 0, size - 1).astype(int).T
        for centre in centres[mask[row, column]]:
            if cross:
                arm = radius * 1.25
                for sign in (-1, 1):
                    ends = np.array([[-arm, -sign * arm], [arm, sign * arm]]) + centre
                    self.put(
                        Mark(
                            ends.astype(np.float32),
                            np.ones(2, np.float32),
                            np.ones(2, np.float32),
                            float(tone),
                        )
                    )
            else:
                self.fill(ellipse(centre, np.array([radius, 0.0]), radius, 10), tone)


@numba.njit(cache=True, nogil=True)
def _hatched(
    mask: np.ndarray, starts: np.ndarray, ways: np.ndarray, at: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The pieces of lines that lie inside a (S, S) bool mask.

    Args:
        mask: where lines are drawn.
        starts: (n, 2) pixels, a point on each line.
        ways: (n, 2) direction of each line.
        at: (m,) places along the lines where the mask is looked at, ascending.

    Returns:
        (k,) number of the line of each piece, and the (2, k) places of its ends.
    """
    rows, firsts, lasts = [0 for _ in range(0)], [0.0 for _ in range(0)], [0.0 for _ in range(0)]
    high, wide = mask.shape
    for row in range(len(starts)):
        inside = False
        for k in range(len(at)):
            x = int(np.rint(starts[row, 0] + at[k] * ways[row, 0]))
            y = int(np.rint(starts[row, 1] + at[k] * ways[row, 1]))
            on = 0 <= x < wide and 0 <= y < high and mask[y, x]
            if on and not inside:
                rows.append(row)
                firsts.append(at[k])
                lasts.append(at[k])
            elif on:
                lasts[-1] = at[k]
            inside = on
    ends = np.empty((2, len(rows)))
    for k in range(len(rows)):
        ends[0, k], ends[1, k] = firsts[k], lasts[k]
    return np.array(rows), ends
