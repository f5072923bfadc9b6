"""The place around a figure: ground, shadow, furniture, things that stand in the way, frames and scribbles."""

from __future__ import annotations

import numpy as np

from backend.skeleton import keypoint_index

from .canvas import Canvas
from .chance import pick
from .figure import Figure
from .pen import Pen, curve, ellipse, ribbon
from .placement import CANVAS
from .seats import body_frame, on_page

#: Keypoints from one end of the body to another, for its shadow.
_CHAINS = (
    ("head_top", "neck", "pelvis"),
    *(tuple(f"{side}_{n}" for n in names) for side in ("left", "right") for names in (
        ("shoulder", "elbow", "wrist", "fingertips"), ("hip", "knee", "ankle", "toe"),
    )),
)  # fmt: skip


def box_of(figure: Figure) -> tuple[np.ndarray, np.ndarray]:
    """Corners (2,) of the figure's box, pixels, as far as it is on the page."""
    seen = np.clip(figure.points, 0, CANVAS)
    return seen.min(0), seen.max(0)


def draw_ground(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """A line under the feet, whole or in pieces, or blades of grass."""
    rng = canvas.rng
    low, high = box_of(figure)
    y = high[1] + rng.uniform(-4, 4)
    left, right = rng.uniform(0, low[0]), rng.uniform(high[0], CANVAS)
    kind = pick(rng, ["line", "pieces", "grass"], [0.55, 0.3, 0.15])
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


def draw_shadow(canvas: Canvas, figure: Figure, pen: Pen) -> None:
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
    away = np.array([pick(rng, [-1, 1]) * rng.uniform(0.4, 1.2), 0, rng.normal(0, 0.25)])
    height = body[:, 1:2] - floor
    cast = on_page(figure, body * (1, 0, 1) + (0, floor, 0) + height * away)
    for chain in _CHAINS:
        line = cast[[keypoint_index(name) for name in chain]]
        canvas.fill(ribbon(line, np.linspace(0.09, 0.05, len(line)) * figure.scale), tone)


def draw_beside(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """A tree, a bicycle, a dog, a table or a stack of books on one side, standing where the figure stands."""
    rng = canvas.rng
    low, high = box_of(figure)
    tall = figure.size
    side = pick(rng, [-1, 1])
    edge = low[0] if side < 0 else high[0]
    foot = np.array([edge + side * rng.uniform(-0.05, 0.3) * tall, high[1] - rng.uniform(0, 0.05) * tall])
    kind = pick(rng, ["tree", "bicycle", "dog", "table", "books"])

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


def draw_obstacle(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """A low wall, a bush, a fence or an animal before the lower legs."""
    rng = canvas.rng
    low, high = box_of(figure)
    tall = float(high[1] - low[1])
    top = high[1] - rng.uniform(0.08, 0.25) * tall
    left, right = low[0] - rng.uniform(0, 40), high[0] + rng.uniform(0, 40)
    tone = float(pen.tone + (canvas.paper - pen.tone) * rng.uniform(0, 0.95))

    def shape(points: np.ndarray) -> None:
        canvas.fill(points, tone)
        canvas.stroke(points, pen.varied(rng), closed=True)

    kind = pick(rng, ["wall", "bush", "fence", "animal"])
    if kind in ("wall", "bush"):
        x = np.linspace(left, right, 24)
        bumps = 9 * np.abs(np.sin(x / rng.uniform(6, 12))) if kind == "bush" else rng.normal(0, 0.4, len(x))
        shape(np.concatenate([np.stack([x, top - bumps], 1), [[right, high[1] + 8], [left, high[1] + 8]]]))
    elif kind == "fence":
        thick = 0.018 * tall
        rail = np.array([[left, -thick], [right, -thick], [right, thick], [left, thick]])
        post = np.array([[-thick, 0], [0, -2 * thick], [thick, 0], [thick, 0.3 * tall], [-thick, 0.3 * tall]])
        shape(rail + (0, top + 4 * thick))
        for x in np.arange(left, right, rng.uniform(0.07, 0.15) * tall):
            shape(post + (x, top))
    else:  # it sits, seen from the side
        size = rng.uniform(0.08, 0.2) * tall
        foot = np.array([rng.uniform(low[0], high[0]), high[1]])
        side = np.array([pick(rng, [-1, 1]), -1]) * size
        canvas.stroke(
            foot + side * curve(np.array([[-0.7, 0.1], [-1.5, 0.2], [-1.3, 1.0]])), pen.varied(rng, 1.5)
        )
        shape(foot + side * ellipse(np.array([0.0, 0.8]), np.array([0.3, 0.8]), 0.65))
        shape(foot + side * ellipse(np.array([0.45, 1.75]), np.array([0.5, 0.0]), 0.42))
        for x in (0.2, 0.65):
            shape(foot + side * np.array([[x - 0.15, 2.05], [x, 2.6], [x + 0.15, 2.05]]))


def draw_frame(canvas: Canvas, pen: Pen) -> None:
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


def scribble(canvas: Canvas, centre: np.ndarray, size: float, pen: Pen) -> None:
    """Something without meaning; ``size`` is about its radius, pixels."""
    rng = canvas.rng
    kind = pick(rng, ["oval", "box", "dot", "zigzag", "wander"])
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
