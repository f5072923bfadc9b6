"""What is on the page besides the figure: behind it seats, ground, shadows, furniture; before it things and motion lines."""

from __future__ import annotations

import numpy as np

from backend.skeleton import keypoint_index

from .canvas import Canvas
from .figure import Figure
from .lettering import scrawl, write
from .pen import Pen, curve, ellipse, ribbon
from .placement import CANVAS
from .seats import body_frame, draw_seat, on_page, seat_height

#: Keypoints from one end of the body to another, for its shadow.
_CHAINS = (
    ("head_top", "neck", "pelvis"),
    *(tuple(f"{side}_{n}" for n in names) for side in ("left", "right") for names in (
        ("shoulder", "elbow", "wrist", "fingertips"), ("hip", "knee", "ankle", "toe"),
    )),
)  # fmt: skip

_ENDS = ("left_hand", "right_hand", "left_foot", "right_foot")

#: Share of sitting figures that are given a seat.
_SEATED = 0.7


def draw_behind(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Seats under who sits, ground, shadows, things beside the figure, frames, scribbles: before the figure is drawn."""
    rng = canvas.rng
    if figure.fit.part in ("whole", "legs"):
        sits = seat_height(figure) is not None
        if rng.random() < 0.13:
            _draw_ground(canvas, figure, pen.varied(rng))
        if rng.random() < 0.12:
            _draw_shadow(canvas, figure, pen)
        if rng.random() < 0.06:
            _draw_beside(canvas, figure, pen.varied(rng))
        if sits and rng.random() < _SEATED:
            draw_seat(canvas, figure, pen)
    if rng.random() < 0.05:
        _draw_frame(canvas, pen)
    if rng.random() < 0.06:
        for _ in range(rng.integers(1, 4)):
            _scribble(canvas, rng.uniform(15, CANVAS - 15, 2), rng.uniform(5, 30), pen.varied(rng))


def draw_before(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Motion lines, things held or in flight, writing, something that stands in the way: after the figure is drawn."""
    rng = canvas.rng
    if rng.random() < 0.1:
        _draw_motion(canvas, figure, pen.varied(rng, 0.7))
    if rng.random() < 0.07:
        _draw_held(canvas, figure, pen)
    if figure.fit.part == "whole" and rng.random() < 0.03:
        _draw_obstacle(canvas, figure, pen)
    if rng.random() < 0.05:
        x = rng.uniform(5, 130)
        y = rng.choice([rng.uniform(4, 16), rng.uniform(228, 246)])
        for row in range(int(rng.choice([1, 1, 2]))):
            text = scrawl(rng, int(rng.integers(3, 11)))
            write(canvas, text, np.array([x, y + 16 * row]), rng.uniform(7, 14), pen.varied(rng, 0.6))


def _box(figure: Figure) -> tuple[np.ndarray, np.ndarray]:
    """Corners (2,) of the figure's box, pixels, as far as it is on the page."""
    seen = np.clip(figure.points, 0, CANVAS)
    return seen.min(0), seen.max(0)


def _draw_ground(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """A line under the feet, whole or in pieces, or blades of grass."""
    rng = canvas.rng
    low, high = _box(figure)
    y = high[1] + rng.uniform(-4, 4)
    left, right = rng.uniform(0, low[0]), rng.uniform(high[0], CANVAS)
    kind = rng.choice(["line", "pieces", "grass"], p=[0.55, 0.3, 0.15])
    if kind == "line":
        tilt = rng.normal(0, 3)
        canvas.stroke(curve(np.array([[left, y - tilt], [right, y + tilt]]), rng.normal(0, 0.03)), pen)
        return
    for x in np.arange(left, right, rng.uniform(14, 40)):
        at = np.array([x, y + rng.normal(0, 3)])
        if kind == "pieces":
            canvas.stroke(at + np.array([[0, 0], [rng.uniform(5, 25), rng.normal(0, 1)]]), pen)
        else:
            canvas.stroke(at + np.array([[0, 0], [3, -8], [5, 0], [8, -6], [9, 0]]), pen)


def _draw_shadow(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """On the floor: a pool of dark under the feet, or the figure's own shape cast to one side."""
    rng = canvas.rng
    body = body_frame(figure)
    floor = body[:, 1].min() - 0.03
    tone = float(pen.tone + (canvas.paper - pen.tone) * rng.uniform(0.1, 0.85))
    if rng.random() < 0.5:
        angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        foot = body[body[:, 1] < floor + 0.3].mean(0)
        wide, deep = rng.uniform(0.25, 0.6), rng.uniform(0.12, 0.3)
        pool = np.stack([wide * np.cos(angle), 0 * angle, deep * np.sin(angle)], 1) + (
            foot[0],
            floor,
            foot[2],
        )
        canvas.fill(on_page(figure, pool), tone)
        return
    away = np.array([rng.choice([-1, 1]) * rng.uniform(0.4, 1.2), 0, rng.normal(0, 0.25)])
    height = body[:, 1:2] - floor
    cast = on_page(figure, body * (1, 0, 1) + (0, floor, 0) + height * away)
    for chain in _CHAINS:
        line = cast[[keypoint_index(name) for name in chain]]
        canvas.fill(ribbon(line, np.linspace(0.09, 0.05, len(line)) * figure.scale), tone)


def _draw_beside(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """A tree, a bicycle, a dog, a table or a stack of books on one side, standing where the figure stands."""
    rng = canvas.rng
    low, high = _box(figure)
    tall = figure.size
    side = rng.choice([-1, 1])
    edge = low[0] if side < 0 else high[0]
    foot = np.array([edge + side * rng.uniform(-0.05, 0.3) * tall, high[1] - rng.uniform(0, 0.05) * tall])
    kind = rng.choice(["tree", "bicycle", "dog", "table", "books"])

    def line(points: list[tuple[float, float]], scale: float) -> None:
        canvas.stroke(foot + np.array(points) * (side, -1) * scale * tall, pen)

    def ring(x: float, y: float, wide: float, high: float) -> None:
        centre = foot + np.array([side * x, -y]) * tall
        canvas.stroke(ellipse(centre, np.array([wide * tall, 0]), high * tall), pen, closed=True)

    if kind == "tree":
        line([(-0.04, 0), (-0.03, 0.5)], 1)
        line([(0.05, 0), (0.03, 0.5)], 1)
        for _ in range(4):
            ring(rng.normal(0, 0.1), rng.uniform(0.5, 0.8), rng.uniform(0.1, 0.2), rng.uniform(0.1, 0.18))
    elif kind == "bicycle":
        for x in (0.0, 0.6):
            ring(x, 0.19, 0.18, 0.18)
        line([(0, 0.19), (0.12, 0.48), (0.44, 0.48), (0.27, 0.17), (0, 0.19)], 1)
        line([(0.27, 0.17), (0.1, 0.56), (0.04, 0.57), (0.17, 0.57)], 1)
        line([(0.6, 0.19), (0.42, 0.58), (0.5, 0.62)], 1)
    elif kind == "dog":
        line(
            [(0, 0.28), (0.3, 0.29), (0.36, 0.42), (0.46, 0.4), (0.49, 0.33), (0.38, 0.31), (0.33, 0.2)], 0.8
        )
        line([(0, 0.28), (-0.06, 0.42)], 0.8)
        line([(0.03, 0.2), (0.3, 0.18)], 0.8)
        for x in (0.0, 0.05, 0.28, 0.33):
            line([(x, 0.24), (x - 0.01, 0)], 0.8)
    elif kind == "table":
        line([(-0.05, 0.42), (0.5, 0.42), (0.5, 0.39), (-0.05, 0.39), (-0.05, 0.42)], 1)
        for x in (0.0, 0.45):
            line([(x, 0.39), (x, 0)], 1)
    else:
        for k in range(rng.integers(3, 8)):
            x, y = rng.normal(0, 0.01), 0.03 * k
            line([(x, y), (x + 0.16, y), (x + 0.16, y + 0.03), (x, y + 0.03), (x, y)], 1)


def _draw_frame(canvas: Canvas, pen: Pen) -> None:
    """The frame of a storyboard's picture, with an arrow at times."""
    rng = canvas.rng
    inset = rng.uniform(3, 14, 4)
    box = np.array([[inset[0], inset[1]], [CANVAS - inset[2], inset[1]]])
    box = np.concatenate([box, [[CANVAS - inset[2], CANVAS - inset[3]], [inset[0], CANVAS - inset[3]]]])
    canvas.stroke(np.concatenate([box, box[:1]]), pen.varied(rng))
    if rng.random() < 0.5:
        start = rng.uniform(25, CANVAS - 25, 2) * (1, 0.3)
        end = start + rng.normal(0, 30, 2)
        shaft = curve(np.stack([start, end]), rng.normal(0, 0.2))
        canvas.stroke(shaft, pen.varied(rng))
        back = (shaft[-3] - shaft[-1]) / max(float(np.hypot(*(shaft[-3] - shaft[-1]))), 1e-6)
        side = np.array([-back[1], back[0]])
        head = end + 8 * np.stack([back + 0.6 * side, 0 * back, back - 0.6 * side])
        canvas.stroke(head, pen.varied(rng))


def _scribble(canvas: Canvas, centre: np.ndarray, size: float, pen: Pen) -> None:
    rng = canvas.rng
    kind = rng.choice(["oval", "box", "dot", "zigzag", "wander"])
    if kind == "oval":
        canvas.stroke(ellipse(centre, rng.normal(0, size, 2), size * rng.uniform(0.3, 1)), pen, closed=True)
    elif kind == "box":
        box = centre + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * size * rng.uniform(0.4, 1, 2)
        canvas.stroke(box, pen, closed=True)
    elif kind == "dot":
        canvas.fill(ellipse(centre, rng.normal(0, size * 0.6, 2), size * 0.4), pen.tone)
    elif kind == "zigzag":
        canvas.stroke(centre + rng.normal(0, size, (5, 2)), pen)
    else:
        canvas.stroke(np.cumsum(np.vstack([centre, rng.normal(0, 0.6 * size, (8, 2))]), 0), pen)


def _draw_motion(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Arcs beyond a hand or a foot that swings, or streaks behind a body that runs."""
    rng = canvas.rng
    size = figure.size
    if rng.random() < 0.35:
        low, high = _box(figure)
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
    side = rng.choice(["left", "right"])
    hand, wrist = (figure.keypoints[keypoint_index(f"{side}_{n}")] for n in ("hand", "wrist"))
    size = figure.size
    if rng.random() < 0.5:
        radius = size * rng.uniform(0.02, 0.09)
        along = (hand - wrist) / max(float(np.hypot(*(hand - wrist))), 1e-6)
        centre = hand + along * radius
        if rng.random() < 0.3:
            centre = hand + rng.normal(0, 0.2 * size, 2)
        ball = ellipse(centre, np.array([radius, 0]), radius)
        canvas.fill(ball, rng.choice([canvas.paper, pen.tone]))
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
        canvas.fill(club, rng.choice([canvas.paper, pen.tone]))
        canvas.stroke(club, pen.varied(rng), closed=True)


def _draw_obstacle(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """A low wall or a bush before the lower legs."""
    rng = canvas.rng
    low, high = _box(figure)
    top = high[1] - rng.uniform(0.08, 0.25) * (high[1] - low[1])
    x = np.linspace(low[0] - rng.uniform(0, 40), high[0] + rng.uniform(0, 40), 24)
    bush = rng.random() < 0.5
    edge = top + (np.abs(np.sin(x / rng.uniform(6, 12))) * -9 if bush else rng.normal(0, 0.4, len(x)))
    shape = np.concatenate([np.stack([x, edge], 1), [[x[-1], high[1] + 8], [x[0], high[1] + 8]]])
    tone = float(pen.tone + (canvas.paper - pen.tone) * rng.uniform(0, 0.95))
    canvas.fill(shape, tone)
    canvas.stroke(shape, pen.varied(rng), closed=True)
