"""The page around the figure: paper, clutter, things before and behind, and how the page was digitised."""

from __future__ import annotations

import cv2
import numpy as np

from backend.skeleton import keypoint_index

from .figure import Figure
from .pen import Canvas, Pen, curve, ellipse, ribbon
from .placement import CANVAS


def draw_clutter(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Ground and motion lines, shadows, balls, chairs, furniture, scribbles: before the figure is drawn."""
    rng = canvas.rng
    seen = np.clip(figure.points, 0, CANVAS)
    low = seen[:, 1].max()
    left, right = seen[:, 0].min(), seen[:, 0].max()
    if rng.random() < 0.16:
        y = low - rng.uniform(-2, 6)
        ends = np.array([[rng.uniform(0, left), y], [rng.uniform(right, CANVAS), y + rng.normal(0, 4)]])
        canvas.stroke(ends, pen.varied(rng))
    if rng.random() < 0.12:
        middle = np.array([(left + right) / 2 + rng.normal(0, 15), low - 2])
        blob = ellipse(middle, np.array([(right - left) * rng.uniform(0.25, 0.7), 0]), rng.uniform(2, 9))
        canvas.fill(blob, pen.tone + (canvas.paper - pen.tone) * rng.uniform(0, 0.8))
    if rng.random() < 0.13:
        _seat(canvas, figure, pen)
    if rng.random() < 0.12:
        for _ in range(rng.integers(1, 5)):
            centre = rng.uniform(15, CANVAS - 15, 2)
            _doodle(canvas, centre, rng.uniform(5, 35), pen.varied(rng))
    if rng.random() < 0.05:
        for _ in range(rng.integers(1, 4)):
            start = rng.uniform(0, CANVAS, 2)
            canvas.stroke(np.cumsum(np.vstack([start, rng.normal(0, 18, (8, 2))]), 0), pen.varied(rng, 0.7))


def draw_foreground(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Motion lines, text, balls in flight and things held: after the figure is drawn."""
    rng = canvas.rng
    if rng.random() < 0.1:
        joint = figure.keypoints[
            keypoint_index(str(rng.choice(["left_hand", "right_hand", "left_foot", "right_foot"])))
        ]
        away = joint - figure.keypoints[0]
        away = away / max(float(np.hypot(*away)), 1.0)
        for k in range(rng.integers(2, 5)):
            middle = joint + away * (10 + 6 * k)
            side = np.array([-away[1], away[0]]) * rng.uniform(5, 14)
            canvas.stroke(curve(np.stack([middle - side, middle + side]), 0.25), pen.varied(rng, 0.7))
    if rng.random() < 0.08:
        centre = figure.keypoints[rng.integers(20, 24)] + rng.normal(0, 14, 2)
        ball = ellipse(centre, np.array([rng.uniform(5, 20), 0]), rng.uniform(5, 20))
        if rng.random() < 0.5:
            canvas.fill(ball, rng.choice([canvas.paper, pen.tone]))
        canvas.stroke(ball, pen.varied(rng), closed=True)
    if rng.random() < 0.08:
        hand = figure.keypoints[rng.integers(22, 24)]
        direction = rng.normal(0, 1, 2)
        direction /= np.hypot(*direction)
        reach = rng.uniform(20, 90)
        line = np.stack([hand - direction * reach * rng.uniform(0, 0.6), hand + direction * reach])
        if rng.random() < 0.5:
            canvas.stroke(line, pen.varied(rng, rng.uniform(0.8, 2.0)))
        else:
            canvas.fill(ribbon(curve(line), np.full(12, rng.uniform(1.5, 4))), pen.tone)
    if rng.random() < 0.05:
        text = "".join(rng.choice(list("abcdefghilmnorstuvz "), rng.integers(3, 11)))
        where = (int(rng.integers(0, 150)), int(rng.choice([rng.integers(10, 30), rng.integers(230, 252)])))
        cv2.putText(
            canvas.image,
            text,
            where,
            cv2.FONT_HERSHEY_SIMPLEX,
            rng.uniform(0.3, 0.7),
            (pen.tone,),
            1,
            cv2.LINE_AA,
        )


def _seat(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """A box, stool, chair or cushion under the hips."""
    rng = canvas.rng
    hips = figure.keypoints[0]
    low = figure.points[:, 1].max()
    wide = rng.uniform(18, 45)
    top = hips[1] + rng.uniform(4, 16)
    bottom = max(low, top + 8)
    left, right = hips[0] - wide + rng.normal(0, 8), hips[0] + wide
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    kind = rng.integers(3)
    if kind == 0:
        if rng.random() < 0.4:
            canvas.fill(corners, pen.tone + (canvas.paper - pen.tone) * rng.uniform(0.2, 1))
        canvas.stroke(corners, pen.varied(rng), closed=True)
    elif kind == 1:
        canvas.stroke(corners[:2], pen.varied(rng, 1.5))
        for x in (left + 3, right - 3):
            canvas.stroke(np.array([[x, top], [x + rng.normal(0, 3), bottom]]), pen.varied(rng))
        if rng.random() < 0.6:
            x = rng.choice([left, right])
            canvas.stroke(
                np.array([[x, top], [x + rng.normal(0, 5), top - rng.uniform(30, 70)]]), pen.varied(rng, 1.3)
            )
    else:
        blob = ellipse(np.array([hips[0], (top + bottom) / 2]), np.array([wide, 0]), (bottom - top) / 2 + 3)
        canvas.fill(blob, pen.tone + (canvas.paper - pen.tone) * rng.uniform(0, 1))
        canvas.stroke(blob, pen.varied(rng), closed=True)


def _doodle(canvas: Canvas, centre: np.ndarray, size: float, pen: Pen) -> None:
    rng = canvas.rng
    kind = rng.integers(4)
    if kind == 0:
        canvas.stroke(ellipse(centre, rng.normal(0, size, 2), size * rng.uniform(0.3, 1)), pen, closed=True)
    elif kind == 1:
        box = centre + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * size * rng.uniform(0.4, 1, 2)
        canvas.stroke(box, pen, closed=True)
    elif kind == 2:
        canvas.fill(ellipse(centre, rng.normal(0, size * 0.6, 2), size * 0.4), pen.tone)
    else:
        canvas.stroke(centre + rng.normal(0, size, (5, 2)), pen)


def digitise(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Paper grain, uneven light, ruled paper, inversion, blur and compression: (S, S) uint8 -> (S, S) uint8."""
    page = image.astype(np.float32)
    size = len(page)
    if rng.random() < 0.12:
        step = rng.uniform(9, 30)
        shade = rng.uniform(0.75, 0.95)
        rows = (np.arange(0, size, step)).astype(int)
        page[rows] *= shade
        if rng.random() < 0.5:
            page[:, rows] *= shade
    if rng.random() < 0.35:
        grain = rng.normal(0, 1, (size, size)).astype(np.float32)
        if rng.random() < 0.5:
            grain = cv2.GaussianBlur(grain, (0, 0), 1.2) * 3
        ink = (255 - page) / 255
        page = page + grain * (rng.uniform(1, 6) + ink * rng.uniform(0, 45))
    if rng.random() < 0.4:
        angle = rng.uniform(0, 2 * np.pi)
        ramp = np.linspace(-1, 1, size, dtype=np.float32)
        slope = np.cos(angle) * ramp[None] + np.sin(angle) * ramp[:, None]
        page = page * (1 + slope * rng.uniform(0.02, 0.16)) - rng.uniform(0, 30)
    if rng.random() < 0.15:
        page = cv2.GaussianBlur(page, (0, 0), rng.uniform(0.6, 1.6))
    page = np.clip(page, 0, 255)
    if rng.random() < 0.06:
        page = 255 - page
    if rng.random() < 0.12:
        coded = cv2.imencode(
            ".jpg", page.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 70))]
        )[1]
        page = cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE).astype(np.float32)
    return page.astype(np.uint8)
