"""What is on the page besides the figure: behind it seats, ground, shadows, furniture; before it things and motion lines."""

from __future__ import annotations

import numpy as np

from backend.skeleton import keypoint_index

from .canvas import Canvas
from .chance import pick
from .figure import Figure
from .lettering import scrawl, write
from .pen import Pen, curve, ellipse, ribbon
from .placement import CANVAS
from .scenery import box_of, draw_beside, draw_frame, draw_ground, draw_obstacle, draw_shadow, scribble
from .seats import draw_seat, seat_height

_ENDS = ("left_hand", "right_hand", "left_foot", "right_foot")

#: Share of sitting figures that are given a seat.
_SEATED = 0.7


def draw_behind(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Seats under who sits, ground, shadows, things beside the figure, frames, scribbles: before the figure is drawn."""
    rng = canvas.rng
    if figure.fit.part in ("whole", "legs"):
        sits = seat_height(figure) is not None
        if rng.random() < 0.13:
            draw_ground(canvas, figure, pen.varied(rng))
        if rng.random() < 0.12:
            draw_shadow(canvas, figure, pen)
        if rng.random() < 0.06:
            draw_beside(canvas, figure, pen.varied(rng))
        if sits and rng.random() < _SEATED:
            draw_seat(canvas, figure, pen)
    if rng.random() < 0.05:
        draw_frame(canvas, pen)
    if rng.random() < 0.06:
        for _ in range(rng.integers(1, 4)):
            scribble(canvas, rng.uniform(15, CANVAS - 15, 2), rng.uniform(5, 30), pen.varied(rng))


def draw_before(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Motion lines, things held or in flight, writing, something that stands in the way: after the figure is drawn."""
    rng = canvas.rng
    if rng.random() < 0.1:
        _draw_motion(canvas, figure, pen.varied(rng, 0.7))
    if rng.random() < 0.07:
        _draw_held(canvas, figure, pen)
    if figure.fit.part == "whole" and rng.random() < 0.03:
        draw_obstacle(canvas, figure, pen)
    if rng.random() < 0.05:
        x = rng.uniform(5, 130)
        y = pick(rng, [rng.uniform(4, 16), rng.uniform(228, 246)])
        for row in range(int(pick(rng, [1, 1, 2]))):
            text = scrawl(rng, int(rng.integers(3, 11)))
            write(canvas, text, np.array([x, y + 16 * row]), rng.uniform(7, 14), pen.varied(rng, 0.6))


def _draw_motion(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Arcs beyond a hand or a foot that swings, or streaks behind a body that runs."""
    rng = canvas.rng
    size = figure.size
    if rng.random() < 0.35:
        low, high = box_of(figure)
        side = -1.0 if figure.keypoints3d[keypoint_index("nose"), 0] > 0 else 1.0  # behind the face
        edge = low[0] if side < 0 else high[0]
        for _ in range(rng.integers(2, 6)):
            start = np.array([edge + side * rng.uniform(0.02, 0.1) * size, rng.uniform(low[1], high[1])])
            canvas.stroke(start + np.array([[0, 0], [side * rng.uniform(0.08, 0.25) * size, 0]]), pen)
        return
    for name in rng.choice(_ENDS, int(rng.integers(1, 3)), replace=False):
        joint = figure.keypoints[keypoint_index(str(name))]
        away = joint - figure.keypoints[0]
        away = away / max(float(np.hypot(*away)), 1.0)
        turned = np.array([-away[1], away[0]])
        for k in range(rng.integers(2, 4)):
            middle = joint + away * (0.07 + 0.03 * k) * size
            reach = turned * rng.uniform(0.03, 0.08) * size
            canvas.stroke(
                curve(np.stack([middle - reach, middle + away * 0.015 * size, middle + reach])), pen
            )


def _draw_held(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """A stick, a club or a ball at a hand; a ball that flies."""
    rng = canvas.rng
    side = pick(rng, ["left", "right"])
    hand, wrist = (figure.keypoints[keypoint_index(f"{side}_{n}")] for n in ("hand", "wrist"))
    size = figure.size
    if rng.random() < 0.5:
        radius = size * rng.uniform(0.02, 0.09)
        along = (hand - wrist) / max(float(np.hypot(*(hand - wrist))), 1e-6)
        centre = hand + along * radius
        if rng.random() < 0.3:
            centre = hand + rng.normal(0, 0.2 * size, 2)
        ball = ellipse(centre, np.array([radius, 0]), radius)
        canvas.fill(ball, pick(rng, [canvas.paper, pen.tone]))
        canvas.stroke(ball, pen.varied(rng), closed=True)
        return
    angle = rng.uniform(0, 2 * np.pi)
    direction = np.array([np.cos(angle), np.sin(angle)])
    reach = size * rng.uniform(0.12, 0.5)
    line = np.stack([hand - direction * reach * rng.uniform(0, 0.5), hand + direction * reach])
    if rng.random() < 0.5:
        canvas.stroke(line, pen.varied(rng, rng.uniform(0.8, 2.0)))
    else:
        club = ribbon(curve(line), np.linspace(0.6, rng.uniform(0.6, 1.6), 12) * 0.013 * size)
        canvas.fill(club, pick(rng, [canvas.paper, pen.tone]))
        canvas.stroke(club, pen.varied(rng), closed=True)
