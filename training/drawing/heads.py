"""Heads of drawn people that are no mesh: round from the front, with nose and chin from the side; hair of many shapes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backend.skeleton import keypoint_index

from .chance import pick
from .face import draw_disc_face, head_disc
from .figure import Figure
from .inker import Cloth, Inker
from .pen import curve, ellipse, ribbon, smoothed

#: Hair and its weight among people.
_HAIR = {
    "none": 0.06,
    "cap": 0.16,
    "curls": 0.14,
    "bush": 0.1,
    "bob": 0.14,
    "waves": 0.22,
    "bun": 0.1,
    "tail": 0.08,
}


@dataclass(frozen=True, eq=False)
class Head:
    """A head on the page. Directions are (2,) pixels.

    Attributes:
        centre: (2,) pixels.
        radius: pixels, of its width.
        up: unit vector to the crown.
        ahead: unit vector across, the way the face looks.
        side: 0 seen from the front or from behind, 1 in profile.
        away: seen from behind.
        hair: its shape.
        tone: of the hair.
    """

    centre: np.ndarray
    radius: float
    up: np.ndarray
    ahead: np.ndarray
    side: float
    away: bool
    hair: str
    tone: float

    @classmethod
    def sample(cls, rng: np.random.Generator, figure: Figure, ink: float, paper: float) -> Head:
        """The figure's head as this page draws it, a little larger or smaller than it is."""
        centre, radius, up = head_disc(figure)
        radius *= rng.uniform(0.62, 0.95)
        top, joint, nose = (figure.keypoints[keypoint_index(n)] for n in ("head_top", "head", "nose"))
        look = nose - joint - 0.45 * (top - joint)
        ahead = np.array([-up[1], up[0]])
        across = float(look @ ahead) / max(radius, 1.0)
        hair = str(pick(rng, list(_HAIR), list(_HAIR.values())))
        tone = ink if rng.random() < 0.75 else float(paper - (paper - ink) * rng.uniform(0, 0.6))
        return cls(
            centre, radius, up, ahead * (1 if across >= 0 else -1), min(abs(across) / 0.9, 1.0),
            figure.head_facing < -0.25, hair, tone,
        )  # fmt: skip

    def at(self, points: np.ndarray) -> np.ndarray:
        """(n, 2) places on the head, ahead and up in radii -> pixels."""
        return (self.centre + self.radius * (points @ np.stack([self.ahead, self.up]))).astype(np.float32)


def draw_hair_behind(inker: Inker, head: Head) -> None:
    """What of the hair stands out around the head or hangs and blows behind it."""
    rng = inker.canvas.rng
    if head.hair in ("curls", "bush"):
        big = rng.uniform(1.25, 1.6) if head.hair == "curls" else rng.uniform(1.3, 1.9)
        angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        lumps = int(rng.integers(9, 14)) if head.hair == "curls" else 0
        away = big * (1 + 0.07 * np.abs(np.sin(lumps * angle / 2)) * (lumps > 0))
        squash = rng.uniform(0.8, 1.0)
        mass = np.stack(
            [np.cos(angle) * away * squash - 0.15 * head.side, np.sin(angle) * away * 0.9 + 0.3], 1
        )
        inker.shape(head.at(mass), head.tone)
    elif head.hair == "bun":
        at = np.array([-0.3 * head.side, 1.35])
        inker.shape(
            ellipse(head.at(at[None])[0], head.up * head.radius * 0.42, head.radius * 0.48, 14), head.tone
        )
    elif head.hair == "bob":
        low = -rng.uniform(0.5, 1.1)
        mass = [
            (-1.15, 0.4),
            (-1.25, low),
            (-0.5, low - 0.1),
            (0.9 - 0.9 * head.side, low),
            (1.1 - head.side, 0.4),
        ]
        inker.shape(head.at(_rounded(np.array([*mass, (0.6, 1.15), (-0.6, 1.2)]))), head.tone)
    elif head.hair in ("waves", "tail"):
        _draw_lock(inker, head)


def _draw_lock(inker: Inker, head: Head) -> None:
    """Long hair: hanging down, or blown back in a wave, the way it goes when somebody runs."""
    rng = inker.canvas.rng
    long = rng.uniform(1.3, 3.6)
    if rng.random() < 0.5:
        way = -head.ahead * (1 if head.side > 0.3 else pick(rng, [-1, 1])) + head.up * rng.uniform(-0.3, 0.35)
    else:
        way = np.array([rng.normal(0, 0.25), 1.0]) - head.ahead * 0.3 * head.side
    way = way / max(float(np.hypot(*way)), 1e-6)
    across = np.array([-way[1], way[0]])
    t = np.linspace(0, 1, 18)
    wave = rng.uniform(0, 0.45) * np.sin(t * rng.uniform(3, 8)) * t * pick(rng, [-1, 1])
    line = head.at(np.array([[-0.4 * head.side, 0.55]]))[0]
    line = line + head.radius * (np.outer(t * long, way) + np.outer(wave, across))
    thick = rng.uniform(0.75, 1.1) if head.hair == "waves" else rng.uniform(0.3, 0.5)
    wide = thick * np.interp(t, (0, 0.4, 0.85, 1), (0.9, 1, 0.8, 0.25)) * head.radius
    inker.shape(smoothed(ribbon(line.astype(np.float32), wide), 0.8, closed=True), head.tone)
    if not inker.dark(head.tone):
        for share in (-0.4, 0.3):
            strand = line[3:-3] + across * (wide[3:-3] * share)[:, None]
            inker.canvas.stroke(strand, inker.fine(head.tone))


def draw_head(inker: Inker, figure: Figure, head: Head, skin: float) -> None:
    """Neck, head, hair and face."""
    neck = figure.keypoints[keypoint_index("neck")]
    foot = neck + (neck - head.centre) * 0.1
    throat = curve(np.stack([foot, head.centre - head.up * head.radius * 0.4]), 0, 5)
    inker.tube(throat, np.full(5, head.radius * 0.36), Cloth(skin), ends=False)
    angle = np.linspace(-np.pi, np.pi, 48, endpoint=False)
    round_ = np.stack([0.86 * np.cos(angle), 1.08 * np.sin(angle)], 1)
    if head.side > 0.35 and not head.away:  # nose and chin stand out
        nose = 0.34 * np.exp(-(((angle + 0.12) / 0.13) ** 2))
        chin = 0.12 * np.exp(-(((angle + 0.95) / 0.2) ** 2))
        round_ *= (1 + head.side * (nose + chin))[:, None]
    outline = head.at(round_)
    inker.shape(outline, skin)
    if head.away:
        if head.hair == "none":
            return
        back = round_ * (1.05, 1.05)
        back[:, 1] = np.maximum(back[:, 1], -inker.canvas.rng.uniform(0.5, 0.8))
        inker.shape(head.at(back), head.tone)
        draw_hair_behind(inker, head)
        return
    _draw_cap(inker, head)
    if head.side > 0.35:
        _draw_profile(inker, head)
    else:
        draw_disc_face(inker.canvas, figure, head.centre, head.radius, inker.pen)


def _draw_cap(inker: Inker, head: Head) -> None:
    """Hair on the skull, down to a hairline over the brow and, from the side, behind the ear."""
    if head.hair == "none":
        return
    rng = inker.canvas.rng
    angle = np.linspace(0.5 * (1 - head.side) + 0.55, np.pi - 0.35 * (1 - head.side) + 0.5 * head.side, 14)
    crown = np.stack([0.92 * np.cos(angle), rng.uniform(1.12, 1.25) * np.sin(angle)], 1)
    brow = rng.uniform(0.35, 0.6)
    line = [(-0.75, -0.1), (-0.35, 0.05), (-0.2, brow)] if head.side > 0.5 else [(-0.7, 0.1), (-0.45, brow)]
    line += [(0.15, brow + 0.1), (0.55, brow + rng.uniform(-0.1, 0.2))]
    cap = _smooth(head.at(np.concatenate([crown, np.array(line)])))
    inker.canvas.fill(cap, head.tone)
    if not inker.dark(head.tone):
        inker.canvas.stroke(cap, inker.pen, closed=True)


def _draw_profile(inker: Inker, head: Head) -> None:
    """Eyes, brow, mouth and ear of a face turned to the side."""
    rng, canvas = inker.canvas.rng, inker.canvas
    fine = inker.fine(canvas.paper)
    kind = pick(rng, ["dot", "lid", "look"], [0.5, 0.3, 0.2])
    eyes = [0.48] if head.side > 0.75 else [0.25, 0.66]
    for x in eyes:
        if kind == "dot":
            canvas.fill(
                ellipse(
                    head.at(np.array([[x, 0.12]]))[0], head.up * head.radius * 0.12, head.radius * 0.08, 8
                ),
                fine.tone,
            )
        else:
            bow = -0.06 if kind == "lid" else 0.08
            canvas.stroke(
                head.at(curve(np.array([(x - 0.13, 0.1), (x, 0.1 + bow), (x + 0.13, 0.1)]), 0, 5)), fine
            )
    if rng.random() < 0.5:
        for x in eyes:
            canvas.stroke(head.at(np.array([(x - 0.15, 0.32), (x + 0.12, 0.36)])), fine)
    mouth = curve(np.array([(0.3, -0.5), (0.5, -0.58 - rng.uniform(0, 0.08)), (0.72, -0.5)]), 0, 6)
    canvas.stroke(head.at(mouth), fine)
    if head.hair not in ("bob", "curls", "bush") and rng.random() < 0.7:
        ear = ellipse(
            head.at(np.array([[-0.25, -0.05]]))[0], head.up * head.radius * 0.22, head.radius * 0.16, 12
        )
        inker.shape(ear, canvas.paper)


def _rounded(points: np.ndarray) -> np.ndarray:
    """A closed (n, 2) polygon with round corners."""
    dense = np.concatenate(
        [curve(np.stack([points[k], points[(k + 1) % len(points)]]), 0, 5)[:-1] for k in range(len(points))]
    )
    return smoothed(np.concatenate([dense, dense[:1]]), 1.3, closed=True)[:-1]


def _smooth(points: np.ndarray) -> np.ndarray:
    return smoothed(np.concatenate([points, points[:1]]), 0.5, closed=True)[:-1]
