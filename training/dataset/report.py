"""What a data set holds: counts by style, view, part and hand, and sheets of drawings to look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import cv2
import numpy as np

from ..drawing.machine import DrawingMachine
from ..drawing.record import Drawing, Flag
from ..drawing.styles import Style
from .captions import view


def distribution(drawings: Iterable[Drawing]) -> str:
    """A Markdown table of what is in the drawings."""
    pages: Counter[tuple[str, str]] = Counter()
    figures: Counter[tuple[str, str]] = Counter()
    for drawing in drawings:
        pages["style", drawing.style] += 1
        pages["hand", drawing.regime] += 1
        pages["figures a page", str(len(drawing.figures))] += 1
        for figure in drawing.figures:
            figures["part", figure.part] += 1
            figures["view", view(figure)] += 1
            figures["perspective", "orthographic" if np.isinf(figure.camera.distance) else "perspective"] += 1
            for flag in Flag:
                figures["keypoints", flag.name.lower()] += int((figure.flags == flag).sum())
    lines = ["| what | kind | count | share |", "|---|---|---|---|"]
    for counts in (pages, figures):
        totals: Counter[str] = Counter()
        for (what, _), number in counts.items():
            totals[what] += number
        for (what, kind), number in sorted(counts.items()):
            lines.append(f"| {what} | {kind} | {number} | {100 * number / totals[what]:.1f} % |")
    return "\n".join(lines)


def contact_sheet(machine: DrawingMachine, style: Style, seed: int, rows: int, columns: int) -> np.ndarray:
    """Drawings of one style side by side: (rows * 256, columns * 256) uint8."""
    images = [machine.draw(seed + k, style).image for k in range(rows * columns)]
    return np.vstack([np.hstack(images[r * columns : (r + 1) * columns]) for r in range(rows)])


def with_labels(drawing: Drawing) -> np.ndarray:
    """The drawing with its boxes and keypoints: green visible, magenta hidden, black outside. (256, 256, 3) BGR."""
    picture = cv2.cvtColor(drawing.image, cv2.COLOR_GRAY2BGR)
    colours = {Flag.OUTSIDE: (0, 0, 0), Flag.INVISIBLE: (255, 0, 255), Flag.VISIBLE: (0, 200, 0)}
    for figure in drawing.figures:
        x0, y0, x1, y1 = figure.box.astype(int).tolist()
        cv2.rectangle(picture, (x0, y0), (x1 - 1, y1 - 1), (0, 160, 0), 1)
        for point, flag in zip(figure.keypoints, figure.flags, strict=True):
            cv2.circle(picture, np.round(point).astype(int).tolist(), 2, colours[Flag(int(flag))], -1)
    return picture
