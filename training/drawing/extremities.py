"""Hands and feet of drawn people: fingers with the thumb on its side, fists and mittens; shoes, boots, bare feet."""

from __future__ import annotations

import math

import numpy as np

from .chance import pick
from .inker import Inker
from .pen import curve, ellipse, smoothed

#: Outline of a foot: from the heel's sole forwards and back over the instep; x in foot lengths from the ankle to the
#: toe, y in heights above the sole.
_SHOE = np.array(
    [(-0.3, 0.0), (0.3, 0.0), (0.95, 0.0), (1.16, 0.12), (1.18, 0.45), (0.95, 0.64), (0.6, 0.7), (0.3, 0.95),
     (0.2, 1.15), (-0.22, 1.15), (-0.32, 0.5)]
)  # fmt: skip


def draw_hand(
    inker: Inker, wrist: np.ndarray, tips: np.ndarray, thumb: float, size: float, kind: str, tone: float
) -> None:
    """One hand.

    Args:
        inker: draws it.
        wrist: (2,) pixels.
        tips: (2,) pixels of the fingertips.
        thumb: 1 or -1, the side of the thumb: clockwise of the fingers or not.
        size: least length of the hand, pixels.
        kind: "fingers", "mitten" or "fist".
        tone: of the skin.
    """
    rng = inker.canvas.rng
    along = tips - wrist
    reach = max(float(np.hypot(*along)), size)
    along = along / max(float(np.hypot(*along)), 1e-6)
    axes = np.stack([along, np.array([-along[1], along[0]]) * thumb]) * reach
    if kind == "fist":
        inker.shape(ellipse(wrist + along * reach * 0.4, along * reach * 0.42, reach * 0.36, 16), tone)
        for side in (-0.1, 0.1, 0.3)[: int(rng.integers(1, 4))]:
            inker.canvas.stroke(
                wrist + np.array([(0.5, side - 0.15), (0.78, side - 0.2)]) @ axes, inker.fine(tone)
            )
        return
    spread, thick = rng.uniform(0.12, 0.5), rng.uniform(0.08, 0.11)
    outline = [(-0.05, 0.17), (0.15, 0.24)]
    angle = rng.uniform(0.6, 1.2)
    outline += _finger((0.2, 0.24), angle, rng.uniform(0.28, 0.4), thick)
    if kind == "mitten":
        outline += [(0.5, 0.27), (0.85, 0.22), (1.0, 0.0), (0.85, -0.22), (0.4, -0.28)]
    else:
        count = int(pick(rng, [3, 4], [0.3, 0.7]))
        for k, turn in enumerate(np.linspace(spread, -spread, count)):
            root = (0.5, float(np.linspace(0.2, -0.2, count)[k]))
            outline += _finger(root, float(turn), 0.5 - 0.12 * abs(k - 1.2) / count, thick)
    outline += [(0.15, -0.25), (-0.05, -0.17)]
    inker.shape(wrist + np.array(outline) @ axes, tone)


def _finger(root: tuple[float, float], turn: float, length: float, thick: float) -> list[tuple[float, float]]:
    """Outline of a finger with a round tip."""
    x, y = math.cos(turn), math.sin(turn)
    corners = [(0.1, 1), (0.9, 0.9), (1.0, 0.0), (0.9, -0.9), (0.1, -1)]
    return [
        (root[0] + x * a * length - y * b * thick, root[1] + y * a * length + x * b * thick)
        for a, b in corners
    ]


def draw_foot(
    inker: Inker, knee: np.ndarray, ankle: np.ndarray, toe: np.ndarray, size: float, kind: str, tone: float
) -> None:
    """One foot.

    Args:
        inker: draws it.
        knee: (2,) pixels.
        ankle: (2,) pixels.
        toe: (2,) pixels.
        size: least length of the foot, pixels.
        kind: "shoe", "sneaker", "boot", "heel" or "bare".
        tone: of leather or skin.
    """
    rng = inker.canvas.rng
    along = toe - ankle
    length = float(np.hypot(*along))
    along = along / max(length, 1e-6)
    long = max(length, 0.75 * size)
    up = np.array([along[1], -along[0]])
    if up @ (knee - ankle) < 0:
        up = -up
    high = 0.42 * max(size, 0.6 * long)
    axes = np.stack([along * long, up * high])
    shape = _SHOE * (1.0, {"boot": 1.35, "heel": 0.85}.get(kind, 1.0))
    # The sole lies below the line from the ankle to the toe.
    start = ankle - up * high * 0.75
    inker.shape(_rounded(shape) @ axes + start, tone)
    fine = inker.fine(tone)
    if kind == "bare":
        for k in range(3):
            ends = np.array([(1.1 - 0.02 * k, 0.12 + 0.12 * k), (0.95 - 0.03 * k, 0.14 + 0.13 * k)])
            inker.canvas.stroke(ends @ axes + start, fine)
    elif kind in ("sneaker", "boot"):
        inker.canvas.stroke(np.array([(-0.28, 0.2), (0.5, 0.17), (1.1, 0.2)]) @ axes + start, fine)
        for at in np.linspace(0.3, 0.6, int(rng.integers(1, 4))):
            lace = np.array([(at - 0.1, 1.0 - 0.75 * at), (at + 0.06, 1.12 - 0.75 * at)]) - (0, 0.12)
            inker.canvas.stroke(lace @ axes + start, fine)
    elif kind == "heel":
        block = np.array([(-0.3, 0.05), (-0.05, 0.05), (-0.1, -0.28), (-0.28, -0.28)]) @ axes + start
        inker.shape(block, inker.pen.tone)
    elif rng.random() < 0.5:
        inker.canvas.stroke(
            curve(np.array([(0.15, 0.95), (0.35, 0.45), (0.0, 0.3)]) @ axes + start, 0, 6), fine
        )


def _rounded(points: np.ndarray) -> np.ndarray:
    """A closed (n, 2) polygon with round corners."""
    turned = np.roll(points, -1, 0)
    dense = (points[:, None] + (turned - points)[:, None] * np.array([0, 1 / 3, 2 / 3])[:, None]).reshape(
        -1, 2
    )
    return smoothed(np.concatenate([dense, dense[:1]]), 0.9, closed=True)[:-1]
