"""Filled shapes with an even ink line: cloth with patterns, tubes for limbs, hems and creases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .canvas import Canvas
from .chance import pick
from .pen import Pen, curve, ellipse, tangents

_PATTERNS = ("crosses", "dots", "rings", "stripes", "zigzag", "flecks")

#: Grey values above the ink's up to which a shape counts as dark.
_DARK = 60


@dataclass(frozen=True)
class Cloth:
    """Grey value and pattern ("" for none) of a garment."""

    tone: float
    pattern: str = ""

    @classmethod
    def sample(cls, rng: np.random.Generator, ink: float, paper: float) -> Cloth:
        """Ink, paper or grey, the last two often with a pattern."""
        kind = rng.random()
        if kind < 0.3:
            return cls(ink)
        tone = paper - (paper - ink) * float(rng.uniform(0.1, 0.35)) if rng.random() < 0.35 else paper
        return cls(tone, str(pick(rng, _PATTERNS)) if kind < 0.6 else "")


@dataclass(frozen=True)
class Inker:
    """Fills and outlines shapes in one manner.

    Attributes:
        canvas: the page.
        pen: the outline's.
        rim: pixels of paper around dark shapes, or they would run into each other; 0 for none.
        outlined: whether dark shapes have an outline too.
    """

    canvas: Canvas
    pen: Pen
    rim: float
    outlined: bool

    def dark(self, tone: float) -> bool:
        """Whether lines in ink would not show on a tone."""
        return tone <= self.pen.tone + _DARK

    def shape(self, polygon: np.ndarray, tone: float, *edges: np.ndarray) -> None:
        """A filled (n, 2) polygon with its whole edge, or only with the (m, 2) lines given."""
        lines = edges or (np.concatenate([polygon, polygon[:1]]),)
        if self.rim and self.dark(tone):
            rim = Pen(width=self.pen.width + 2 * self.rim, tone=self.canvas.paper, wobble=0.0)
            for line in lines:
                self.canvas.stroke(line, rim)
        self.canvas.fill(polygon, tone)
        if self.outlined or not self.dark(tone):
            for line in lines:
                self.canvas.stroke(line, self.pen)

    def tube(self, line: np.ndarray, wide: np.ndarray, cloth: Cloth, ends: bool) -> None:
        """Part of a limb: an (n, 2) line with (n,) half widths, open where it begins and, but for ``ends``, ends."""
        left, right = sides(line, wide)
        polygon = np.concatenate([left, right[::-1]])
        if np.hypot(*(line[-1] - line[0])) < wide.mean():  # it points at the viewer
            round_ = ellipse(
                line.mean(0), np.array([1.15 * float(wide.max()), 0.0]), 1.15 * float(wide.max()), 16
            )
            self.shape(round_, cloth.tone)
        elif ends:
            self.shape(polygon, cloth.tone, polygon)
        else:
            self.shape(polygon, cloth.tone, left, right)
        if cloth.pattern:
            self.pattern(left, right, cloth)

    def pattern(self, left: np.ndarray, right: np.ndarray, cloth: Cloth) -> None:
        """The pattern of a cloth between its (n, 2) edges."""
        canvas, rng = self.canvas, self.canvas.rng
        fine = self.fine(cloth.tone, rng.uniform(0.5, 0.9))
        length = float(np.hypot(*np.diff((left + right) / 2, axis=0).T).sum())
        width = float(np.hypot(*(right - left).T).mean())
        spacing = max(0.09 * (length + width), 4 * fine.width)
        rows, columns = min(7, int(length / spacing)), min(4, max(1, int(width / spacing)))
        index = np.arange(len(left))

        def place(along: float, across: np.ndarray) -> np.ndarray:
            a, b = (
                np.array([np.interp(along * (len(left) - 1), index, edge[:, k]) for k in (0, 1)])
                for edge in (left, right)
            )
            return a + np.reshape(across, (-1, 1)) * (b - a)

        for row in range(rows):
            along = (row + 0.5) / rows
            if cloth.pattern == "stripes":
                canvas.stroke(place(along, np.array([0.04, 0.5, 0.96])), fine)
            elif cloth.pattern == "zigzag":
                if row % 2 == 0:
                    low, high = (
                        place(along + shift / rows, np.linspace(0.05, 0.95, 7)) for shift in (0, 0.4)
                    )
                    canvas.stroke(np.where(np.arange(7)[:, None] % 2, low, high), fine)
            else:
                across = (np.arange(columns) + 0.5 + 0.5 * (row % 2) * (columns > 1)) / (columns + 0.5)
                for centre in place(along, across) + rng.normal(0, 0.08 * spacing, (columns, 2)):
                    self._draw_motif(cloth.pattern, centre, 0.22 * spacing, fine)

    def _draw_motif(self, kind: str, centre: np.ndarray, half: float, fine: Pen) -> None:
        canvas = self.canvas
        round_ = ellipse(centre, np.array([half * 0.85, 0]), half * 0.75, 9)
        if kind == "dots":
            canvas.fill(round_, fine.tone)
        elif kind == "rings":
            canvas.stroke(round_, fine, closed=True)
        elif kind == "crosses":
            for sign in (-1, 1):
                canvas.stroke(centre + half * np.array([[-1, -sign], [1, sign]]), fine)
        else:
            turn = canvas.rng.uniform(0, np.pi)
            way = half * 0.9 * np.array([np.cos(turn), np.sin(turn)])
            canvas.stroke(np.stack([centre - way, centre + way]), fine)

    def creases(
        self, joint: np.ndarray, inside: np.ndarray, along: np.ndarray, wide: float, tone: float
    ) -> None:
        """Folds that run out from the inside of a bent joint, of paper where the cloth is inked."""
        fine = self.fine(tone, 0.75)
        for shift in self.canvas.rng.uniform(-1, 1, int(self.canvas.rng.integers(1, 4))):
            start = joint + inside * wide * 0.95
            goal = joint + along * wide * shift * 0.8 - inside * wide * 0.1
            self.canvas.stroke(curve(np.stack([start, goal]), self.canvas.rng.normal(0, 0.1), 5), fine)

    def fine(self, tone: float, width: float = 0.7) -> Pen:
        """A thinner pen for lines on a tone: of paper on ink, of ink on paper."""
        ink = self.canvas.paper if self.dark(tone) else self.pen.tone
        return self.pen.changed(width=max(0.6, self.pen.width * width), tone=ink, overshoot=0.0, double=0.0)


def sides(line: np.ndarray, wide: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, 2) edges at (n,) half widths on both sides of an (n, 2) line."""
    line = np.ascontiguousarray(line, np.float64)
    away = tangents(line)[:, ::-1] * (-1, 1) * np.asarray(wide)[:, None]
    return (line - away).astype(np.float32), (line + away).astype(np.float32)
