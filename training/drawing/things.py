"""Things that are no people: what else there is on a page that a figure is looked for on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .canvas import Canvas
from .chance import pick
from .lettering import scrawl, write
from .pen import Pen, ellipse


@dataclass(frozen=True, eq=False)
class Shape:
    """One line of a thing: (n, 2) points in its unit square, x right and y down from -1 to 1."""

    points: np.ndarray
    closed: bool = False
    rounded: bool = False


def _line(*points: tuple[float, float], rounded: bool = False) -> Shape:
    return Shape(np.array(points, float), False, rounded)


def _area(*points: tuple[float, float], rounded: bool = False) -> Shape:
    return Shape(np.array(points, float), True, rounded)


def _ring(x: float, y: float, across: float, down: float | None = None) -> Shape:
    down = across if down is None else down
    return Shape(ellipse(np.array([x, y]), np.array([across, 0.0]), down), True)


def _blob(rng: np.random.Generator, x: float, y: float, radius: float, rough: float) -> Shape:
    """A closed line around a place; ``rough``: how far it strays, a share of the radius."""
    angle = np.linspace(0, 2 * np.pi, int(rng.integers(6, 14)), endpoint=False)
    reach = radius * (1 + rough * rng.uniform(-1, 1, len(angle)))
    return Shape(np.stack([x + reach * np.cos(angle), y + reach * np.sin(angle)], 1), True, True)


def _tree(rng: np.random.Generator) -> list[Shape]:
    wide = rng.uniform(0.05, 0.14)
    trunk = [_line((-wide, 1), (-0.7 * wide, 0.1)), _line((wide, 1), (0.7 * wide, 0.1))]
    if rng.random() < 0.35:  # a fir
        tiers = int(rng.integers(2, 5))
        return trunk + [
            _area((-0.6 + 0.1 * k, 0.3 - 0.4 * k), (0, -0.4 - 0.35 * k), (0.6 - 0.1 * k, 0.3 - 0.4 * k))
            for k in range(tiers)
        ]
    crown = [
        _blob(rng, rng.normal(0, 0.3), rng.uniform(-0.8, 0.0), rng.uniform(0.25, 0.55), 0.15)
        for _ in range(int(rng.integers(1, 5)))
    ]
    return trunk + crown


def _branches(rng: np.random.Generator) -> list[Shape]:
    """A bare tree, a root or a crack: lines that fork, as limbs do."""
    shapes: list[Shape] = []

    def grow(x: float, y: float, angle: float, length: float, depth: int) -> None:
        end = (x + length * np.sin(angle), y - length * np.cos(angle))
        shapes.append(_line((x, y), end))
        if depth:
            for _ in range(int(rng.integers(2, 4))):
                grow(*end, angle + rng.normal(0, 0.7), length * rng.uniform(0.5, 0.85), depth - 1)

    grow(0, 1, rng.normal(0, 0.1), rng.uniform(0.5, 0.9), int(rng.integers(1, 4)))
    return shapes


def _house(rng: np.random.Generator) -> list[Shape]:
    eaves = rng.uniform(-0.4, 0.1)
    shapes = [
        _area((-0.8, 1), (-0.8, eaves), (0.8, eaves), (0.8, 1)),
        _area((-1, eaves), (0, -1), (1, eaves)),
    ]
    shapes.append(_area((-0.2, 1), (-0.2, 0.4), (0.15, 0.4), (0.15, 1)))
    for x in (-0.5, 0.5):
        shapes += [_area((x - 0.15, 0.2), (x + 0.15, 0.2), (x + 0.15, 0.5), (x - 0.15, 0.5))]
        shapes += [_line((x, 0.2), (x, 0.5)), _line((x - 0.15, 0.35), (x + 0.15, 0.35))]
    return shapes


def _car(rng: np.random.Generator) -> list[Shape]:
    roof = rng.uniform(-0.7, -0.4)
    body = _area(
        (-1, 0.4), (-1, -0.1), (-0.6, -0.15), (-0.35, roof), (0.4, roof), (0.6, -0.1), (1, 0), (1, 0.4)
    )
    return [
        body,
        _ring(-0.55, 0.45, 0.22),
        _ring(0.55, 0.45, 0.22),
        _ring(-0.55, 0.45, 0.1),
        _area((-0.3, -0.12), (-0.2, roof + 0.1), (0.3, roof + 0.1), (0.42, -0.12)),
    ]


def _quadruped(rng: np.random.Generator) -> list[Shape]:
    """A dog, a horse, a cow: a body on four legs with a neck and a head."""
    legs, neck = rng.uniform(0.35, 0.9), rng.uniform(0.15, 0.6)
    back = 1 - legs - rng.uniform(0.3, 0.5)
    shapes = [_ring(0, back + 0.2, 0.65, rng.uniform(0.18, 0.3))]
    for x in (-0.55, -0.4, 0.4, 0.55):
        foot = x + rng.normal(0, 0.12)
        shapes.append(_line((x, back + 0.3), ((x + foot) / 2 + rng.normal(0, 0.05), back + 0.6), (foot, 1)))
        if rng.random() < 0.5:
            shapes.append(_line((x + 0.1, back + 0.3), (foot + 0.1, 1), (foot, 1)))
    head = (0.75, back - neck)
    shapes += [_line((0.5, back + 0.1), head), _line((0.65, back + 0.3), (head[0] + 0.1, head[1] + 0.2))]
    shapes += [_ring(head[0] + 0.12, head[1], 0.22, 0.13), _ring(head[0] + 0.1, head[1] - 0.03, 0.02)]
    shapes += [
        _area((head[0], head[1] - 0.1), (head[0] - 0.05, head[1] - 0.35), (head[0] + 0.1, head[1] - 0.12))
    ]
    shapes.append(
        _line((-0.62, back + 0.1), (-0.85, back - 0.1), (-0.95, back + rng.uniform(-0.4, 0.4)), rounded=True)
    )
    return shapes


def _cat(rng: np.random.Generator) -> list[Shape]:
    """A cat or a rabbit that sits, from the front: round head on round body."""
    ears = rng.uniform(0.25, 0.8)
    shapes = [_ring(0, 0.45, rng.uniform(0.35, 0.55), 0.55), _ring(0, -0.35, 0.38, 0.34)]
    for side in (-1, 1):
        shapes.append(_area((side * 0.34, -0.45), (side * 0.3, -0.6 - ears / 1.5), (side * 0.08, -0.65)))
        shapes += [_ring(side * 0.14, -0.4, 0.04), _line((side * 0.1, -0.25), (side * 0.5, -0.3))]
        shapes.append(_line((side * 0.12, 0.5), (side * 0.12, 1)))
    shapes.append(_line((0.4, 0.9), (0.8, 0.8), (0.75, 0.3), rounded=True))
    return shapes


def _bird(rng: np.random.Generator) -> list[Shape]:
    if rng.random() < 0.4:  # in flight, far away
        return [_line((-1, -0.2), (-0.5, -0.5), (0, 0.1), (0.5, -0.5), (1, -0.2), rounded=True)]
    return [
        _ring(-0.1, 0.1, 0.55, 0.38),
        _ring(0.5, -0.4, 0.25),
        _area((0.72, -0.45), (1, -0.35), (0.72, -0.3)),
        _area((-0.6, 0.1), (-1, -0.15), (-1, 0.3)),
        _line((-0.3, -0.05), (0, 0.3), (0.3, 0), rounded=True),
        _line((-0.05, 0.48), (-0.05, 0.9), (0.1, 1)),
        _line((0.15, 0.46), (0.15, 0.9), (0.3, 1)),
    ]


def _fish(rng: np.random.Generator) -> list[Shape]:
    high = rng.uniform(0.25, 0.55)
    return [
        _ring(0.1, 0, 0.7, high),
        _area((-0.55, 0), (-1, -0.45), (-0.9, 0), (-1, 0.45)),
        _ring(0.5, -0.1, 0.05),
        _line((0.25, -high), (0.15, 0), (0.25, high), rounded=True),
    ]


def _flower(rng: np.random.Generator) -> list[Shape]:
    petals, reach = int(rng.integers(4, 9)), rng.uniform(0.25, 0.4)
    shapes = [_ring(0, -0.45, 0.15), _line((0, -0.3), (rng.normal(0, 0.1), 0.3), (0, 1), rounded=True)]
    for k in range(petals):
        angle = 2 * np.pi * k / petals
        shapes.append(_ring(reach * np.cos(angle), -0.45 + reach * np.sin(angle), 0.17))
    for side in (-1, 1):
        y = rng.uniform(0.3, 0.7)
        shapes.append(
            _area((0, y), (side * 0.3, y - 0.25), (side * 0.5, y - 0.1), (side * 0.25, y), rounded=True)
        )
    return shapes


def _sun(rng: np.random.Generator) -> list[Shape]:
    shapes = [_ring(0, 0, 0.45)]
    for angle in np.linspace(0, 2 * np.pi, int(rng.integers(6, 15)), endpoint=False):
        ray = np.array([np.cos(angle), np.sin(angle)])
        shapes.append(Shape(np.stack([0.55 * ray, rng.uniform(0.75, 1) * ray])))
    return shapes


def _cloud(rng: np.random.Generator) -> list[Shape]:
    return [_blob(rng, 0.5 * k - 0.5, rng.normal(0, 0.1), rng.uniform(0.3, 0.5), 0.1) for k in range(3)]


def _mountains(rng: np.random.Generator) -> list[Shape]:
    x = np.linspace(-1, 1, int(rng.integers(5, 12)))
    y = np.where(np.arange(len(x)) % 2, rng.uniform(-1, 0, len(x)), rng.uniform(0, 0.7, len(x)))
    return [Shape(np.stack([x, y], 1), False, bool(rng.random() < 0.5)), _line((-1, 1), (1, 1))]


def _cup(rng: np.random.Generator) -> list[Shape]:
    foot = rng.uniform(0.3, 0.6)
    return [
        _area((-0.65, -0.7), (0.65, -0.7), (foot, 0.9), (-foot, 0.9)),
        _ring(0, -0.7, 0.65, 0.15),
        _line((0.6, -0.4), (1, -0.3), (0.95, 0.2), (0.52, 0.35), rounded=True),
    ]


def _bottle(rng: np.random.Generator) -> list[Shape]:
    neck, shoulder = rng.uniform(0.1, 0.2), rng.uniform(-0.5, 0)
    half = [(neck, -1), (neck, shoulder - 0.3), (0.4, shoulder), (0.4, 1)]
    outline = [(-x, y) for x, y in half] + half[::-1]
    return [_area(*outline), _area((-0.4, 0.2), (0.4, 0.2), (0.4, 0.7), (-0.4, 0.7))]


def _chair(rng: np.random.Generator) -> list[Shape]:
    seat = rng.uniform(0.1, 0.4)
    return [
        _area((-0.5, seat), (0.4, seat), (0.6, seat + 0.15), (-0.3, seat + 0.15)),
        _area((-0.5, seat), (-0.6, -1), (0.3, -1), (0.4, seat)),
        *(_line((x, seat + 0.08), (x, 1)) for x in (-0.5, -0.3, 0.4, 0.58)),
        _line((-0.4, -0.5), (0.33, -0.5)),
    ]


def _table(rng: np.random.Generator) -> list[Shape]:
    top = rng.uniform(-0.3, 0.2)
    shapes = [_area((-1, top), (1, top), (1, top + 0.12), (-1, top + 0.12))]
    shapes += [_line((x, top + 0.12), (x * rng.uniform(0.9, 1.1), 1)) for x in (-0.85, 0.85)]
    return shapes + ([_ring(0.2, top - 0.25, 0.2, 0.25)] if rng.random() < 0.5 else [])


def _lamp(rng: np.random.Generator) -> list[Shape]:
    wide = rng.uniform(0.3, 0.6)
    return [
        _area((-0.2, -1), (0.2, -1), (wide, -0.4), (-wide, -0.4)),
        _line((0, -0.4), (0, 0.9)),
        _ring(0, 0.92, 0.35, 0.08),
    ]


def _ball(rng: np.random.Generator) -> list[Shape]:
    bend = rng.uniform(-0.6, 0.6)
    return [
        _ring(0, 0, 0.95),
        _line((-0.9, 0), (0, bend), (0.9, 0), rounded=True),
        _line((0, -0.9), (bend, 0), (0, 0.9), rounded=True),
    ]


def _star(rng: np.random.Generator) -> list[Shape]:
    points = int(rng.integers(4, 8))
    angle = np.linspace(0, 2 * np.pi, 2 * points, endpoint=False) - np.pi / 2
    reach = np.where(np.arange(2 * points) % 2, rng.uniform(0.3, 0.6), 1.0)
    return [Shape(np.stack([reach * np.cos(angle), reach * np.sin(angle)], 1), True)]


def _crate(rng: np.random.Generator) -> list[Shape]:
    deep = rng.uniform(0.2, 0.5)
    front = np.array([(-1, 1), (-1, -0.3), (1 - deep, -0.3), (1 - deep, 1)])
    return [
        Shape(front, True),
        _line((-1, -0.3), (-1 + deep, -0.3 - deep), (1, -0.3 - deep), (1 - deep, -0.3)),
        _line((1, -0.3 - deep), (1, 1 - deep), (1 - deep, 1)),
    ]


def _scribbles(rng: np.random.Generator) -> list[Shape]:
    steps = rng.normal(0, 0.5, (int(rng.integers(6, 30)), 2))
    walk = np.cumsum(steps, 0)
    walk = (walk - walk.min(0)) / np.maximum(np.ptp(walk, axis=0), 1e-6) * 2 - 1
    return [Shape(walk, False, bool(rng.random() < 0.6))]


def _shapes(rng: np.random.Generator) -> list[Shape]:
    """Blobs and boxes beside and over each other."""
    made = []
    for _ in range(int(rng.integers(1, 6))):
        x, y, size = *rng.uniform(-0.6, 0.6, 2), rng.uniform(0.1, 0.5)
        if rng.random() < 0.5:
            made.append(_blob(rng, x, y, size, rng.uniform(0, 0.5)))
        else:
            wide, high = size * rng.uniform(0.3, 1, 2)
            made.append(
                _area((x - wide, y - high), (x + wide, y - high), (x + wide, y + high), (x - wide, y + high))
            )
    return made


def _sticks(rng: np.random.Generator) -> list[Shape]:
    """Strokes across each other: what a stick figure is made of, in no order."""
    return [
        Shape(rng.uniform(-1, 1, (int(rng.integers(2, 4)), 2)), False, bool(rng.random() < 0.3))
        for _ in range(int(rng.integers(2, 9)))
    ]


def _grid(rng: np.random.Generator) -> list[Shape]:
    """A table, a fence, a window."""
    rows, columns = rng.integers(1, 7, 2)
    lines = [_line((-1, y), (1, y)) for y in np.linspace(-1, 1, rows + 1)]
    return lines + [_line((x, -1), (x, 1)) for x in np.linspace(-1, 1, columns + 1)]


def _arrow(rng: np.random.Generator) -> list[Shape]:
    bend = rng.uniform(-0.6, 0.6)
    return [_line((-1, 0), (0, bend), (0.9, 0), rounded=True), _line((0.6, -0.3), (0.95, 0), (0.6, 0.3))]


def _bubble(rng: np.random.Generator) -> list[Shape]:
    """A speech bubble."""
    tip = rng.uniform(-0.8, 0.8)
    return [_ring(0, -0.2, 0.95, 0.6), _area((-0.4, 0.3), (tip, 0.95), (-0.05, 0.38))]


def _bicycle(rng: np.random.Generator) -> list[Shape]:
    wheel = rng.uniform(0.35, 0.45)
    return [
        _ring(-0.6, 0.5, wheel),
        _ring(0.6, 0.5, wheel),
        _area((-0.6, 0.5), (-0.25, -0.2), (0.4, -0.2), (0, 0.5)),
        _line((0, 0.5), (-0.3, -0.4)),
        _line((-0.45, -0.4), (-0.15, -0.4)),
        _line((0.6, 0.5), (0.35, -0.5), (0.6, -0.6)),
    ]


def _umbrella(rng: np.random.Generator) -> list[Shape]:
    low = rng.uniform(-0.2, 0.1)
    dome = _line((-1, low), (-0.7, -0.7), (0, -1), (0.7, -0.7), (1, low), rounded=True)
    hem = _line((-1, low), (-0.5, low - 0.2), (0, low), (0.5, low - 0.2), (1, low))
    return [dome, hem, _line((0, -1), (0, 0.85), (0.15, 1), (0.3, 0.85))]


def _guitar(rng: np.random.Generator) -> list[Shape]:
    waist = rng.uniform(0.2, 0.3)
    return [
        _ring(0, 0.6, 0.45, 0.4),
        _ring(0, 0.05, waist + 0.1, 0.28),
        _ring(0, 0.35, 0.12),
        _line((-0.05, 0.2), (-0.05, -0.8)),
        _line((0.05, 0.2), (0.05, -0.8)),
        _area((-0.1, -0.8), (0.1, -0.8), (0.12, -1), (-0.12, -1)),
    ]


def _butterfly(rng: np.random.Generator) -> list[Shape]:
    shapes = [_ring(0, 0, 0.07, 0.6)]
    for side in (-1, 1):
        shapes += [_blob(rng, side * 0.5, -0.35, 0.45, 0.2), _blob(rng, side * 0.4, 0.4, 0.35, 0.2)]
        shapes.append(_line((0, -0.55), (side * 0.15, -0.9), (side * 0.3, -1), rounded=True))
    return shapes


def _windmill(rng: np.random.Generator) -> list[Shape]:
    turn = rng.uniform(0, np.pi / 2)
    shapes = [_area((-0.2, -0.3), (0.2, -0.3), (0.4, 1), (-0.4, 1)), _ring(0, -0.35, 0.08)]
    for k in range(4):
        along = np.array([np.cos(turn + k * np.pi / 2), np.sin(turn + k * np.pi / 2)])
        side = np.array([-along[1], along[0]]) * 0.12
        corners = np.stack([0.1 * along, 0.65 * along, 0.65 * along + side, 0.1 * along + side])
        shapes.append(Shape(corners + (0, -0.35), True))
    return shapes


def _ladder(rng: np.random.Generator) -> list[Shape]:
    lean = rng.uniform(-0.3, 0.3)
    rungs = [
        _line((-0.25 + lean * t, 1 - 2 * t), (0.25 + lean * t, 1 - 2 * t)) for t in np.linspace(0.1, 0.9, 6)
    ]
    return [_line((-0.25, 1), (-0.25 + lean, -1)), _line((0.25, 1), (0.25 + lean, -1)), *rungs]


@dataclass(frozen=True)
class Thing:
    """A kind of thing: its name, how it is made up, and whether training never sees it."""

    name: str
    make: Callable[[np.random.Generator], list[Shape]]
    held_out: bool = False


THINGS: tuple[Thing, ...] = (
    Thing("tree", _tree),
    Thing("branches", _branches),
    Thing("house", _house),
    Thing("car", _car),
    Thing("quadruped", _quadruped),
    Thing("cat", _cat),
    Thing("bird", _bird),
    Thing("fish", _fish),
    Thing("flower", _flower),
    Thing("sun", _sun),
    Thing("cloud", _cloud),
    Thing("mountains", _mountains),
    Thing("cup", _cup),
    Thing("bottle", _bottle),
    Thing("chair", _chair),
    Thing("table", _table),
    Thing("lamp", _lamp),
    Thing("ball", _ball),
    Thing("star", _star),
    Thing("crate", _crate),
    Thing("scribbles", _scribbles),
    Thing("shapes", _shapes),
    Thing("sticks", _sticks),
    Thing("grid", _grid),
    Thing("arrow", _arrow),
    Thing("bubble", _bubble),
    Thing("bicycle", _bicycle, held_out=True),
    Thing("umbrella", _umbrella, held_out=True),
    Thing("guitar", _guitar, held_out=True),
    Thing("butterfly", _butterfly, held_out=True),
    Thing("windmill", _windmill, held_out=True),
    Thing("ladder", _ladder, held_out=True),
)


def draw_thing(canvas: Canvas, centre: np.ndarray, size: float, pen: Pen, among: Sequence[Thing] = ()) -> str:
    """Draw one thing, outlined or filled, turned a little and mirrored by chance.

    Args:
        canvas: to draw on; its chance is used.
        centre: (2,) pixels.
        size: half its longer side, pixels.
        pen: of its lines.
        among: the kinds to choose from; none for those of training.

    Returns:
        The name of its kind.
    """
    rng = canvas.rng
    kinds = among or [thing for thing in THINGS if not thing.held_out]
    thing = kinds[int(rng.integers(len(kinds)))]
    stretch = np.exp(rng.normal(0, 0.18, 2)) * (pick(rng, [-1, 1]), 1)
    angle = rng.normal(0, 0.12)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    filled, tone = rng.random() < 0.3, float(pen.tone + (canvas.paper - pen.tone) * rng.uniform(0, 0.9))
    shapes = thing.make(rng)
    longest = max(float(np.abs(shape.points * stretch).max()) for shape in shapes)
    for shape in shapes:
        points = _rounded(shape) if shape.rounded else shape.points
        placed = centre + (points * stretch / longest * size) @ turn.T
        if shape.closed and filled:
            canvas.fill(placed, tone if rng.random() < 0.6 else canvas.paper)
        canvas.stroke(placed, pen.varied(rng), closed=shape.closed)
    return thing.name


def _rounded(shape: Shape) -> np.ndarray:
    """The shape's points with round corners: twice Chaikin's cutting of corners."""
    points = shape.points
    for _ in range(2):
        after = np.roll(points, -1, 0) if shape.closed else points[1:]
        before = points if shape.closed else points[:-1]
        cut = np.stack([0.75 * before + 0.25 * after, 0.25 * before + 0.75 * after], 1).reshape(-1, 2)
        points = cut if shape.closed else np.concatenate([points[:1], cut, points[-1:]])
    return points


def draw_writing(canvas: Canvas, corner: np.ndarray, height: float, pen: Pen) -> None:
    """A word, a line or a paragraph by hand, from its upper left corner; ``height`` of a letter in pixels."""
    rng = canvas.rng
    length = int(rng.integers(2, 16))
    for row in range(int(pick(rng, [1, 1, 2, 5]))):
        write(canvas, scrawl(rng, length), corner + (0, 1.7 * row * height), height, pen.varied(rng, 0.7))
