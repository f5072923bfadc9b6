"""Pages put together: drawn figures pasted by their ink, among things, writing and frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .canvas import Canvas
from .chance import pick
from .pen import Pen
from .things import Thing, draw_thing, draw_writing

#: Two figures that are pasted share at most this much of the smaller one's box; on most pages less.
MOST_SHARED = 0.3

#: How often a place is looked for, for a figure or a thing, before it is left out.
_TRIES = 20

#: A figure whose darkest parts take less of the paper's light is not pasted: nobody would see it.
_LEAST_CONTRAST = 0.15

#: Pens are sampled for pages of this size, pixels.
_PEN_PAGE = 256


@dataclass(frozen=True, eq=False)
class Cutting:
    """A part of a drawing with one figure or several that belong together.

    Attributes:
        image: (H, W) uint8 grey.
        boxes: (N, 4) float32 x0, y0, x1, y1 of the figures, pixels of the image.
        paper: grey value of the paper around; darker than the ink in a negative.
    """

    image: np.ndarray
    boxes: np.ndarray
    paper: float


def cut(image: np.ndarray, boxes: np.ndarray, margin: float) -> Cutting:
    """Cut figures out of a grey page with a ``margin``, a share of their longer side."""
    low, high = boxes[:, :2].min(0), boxes[:, 2:].max(0)
    room = margin * float((high - low).max())
    x0, y0 = np.maximum(np.floor(low - room), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(high + room), image.shape[::-1]).astype(int)
    part = image[y0:y1, x0:x1]
    border = np.concatenate([part[0], part[-1], part[:, 0], part[:, -1]])
    corner = np.array([x0, y0, x0, y0], np.float32)
    return Cutting(part, boxes.astype(np.float32) - corner, float(np.median(border)))


def compose(
    rng: np.random.Generator,
    cuttings: Sequence[Cutting],
    size: tuple[int, int],
    things: Sequence[Thing] = (),
    crowd: float = 5.0,
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """A page with figures and clutter.

    Args:
        rng: source of chance.
        cuttings: what is pasted; whatever finds no place is left out.
        size: width and height of the page, pixels.
        things: kinds of things to draw; none for those of training.
        crowd: how many things and pieces of writing there are on average.

    Returns:
        (H, W) uint8 page, (N, 4) float32 boxes of the figures' ink, pixels, and for each the number of its cutting.
    """
    width, height = size
    longest = max(size)
    paper = 255.0 if rng.random() < 0.7 else float(rng.uniform(170, 254))
    canvas = Canvas(longest, paper, rng)
    pen = Pen.sample(rng, float(pick(rng, [rng.uniform(0, 40), rng.uniform(40, 130)])), rng.random() < 0.5)
    pen = pen.scaled(longest / _PEN_PAGE)
    places = _places(rng, cuttings, size)
    frames = _frames(rng, places, size)
    for frame in frames:
        if rng.random() < 0.3:
            canvas.fill(_corners(frame), rng.uniform(150, 255))
        canvas.stroke(_corners(frame), pen.varied(rng), closed=True)
    if rng.random() < 0.15:
        _pattern(canvas, size, pen)
    if rng.random() < 0.2:  # the ground
        y = height * rng.uniform(0.6, 0.98)
        canvas.stroke(np.array([[0, y], [width, y + rng.normal(0, 0.02 * height)]]), pen.varied(rng))
    taken = [place for place in places if place is not None]
    for _ in range(rng.poisson(crowd)):
        _clutter(canvas, size, taken, pen, things)
    boxes, owners = [np.zeros((0, 4), np.float32)], []
    page = canvas.image[:height, :width]
    for k, (cutting, place) in enumerate(zip(cuttings, places, strict=True)):
        if place is not None:
            boxes.append(_paste(rng, page, cutting, place))
            owners += [k] * len(boxes[-1])
    return page, np.concatenate(boxes), owners


def _places(
    rng: np.random.Generator, cuttings: Sequence[Cutting], size: tuple[int, int]
) -> list[np.ndarray | None]:
    """For each cutting a rectangle (4,) of its shape on the page, that of its figures clear of others'; or None."""
    places: list[np.ndarray | None] = []
    figures = np.zeros((0, 4))
    crowd = len(cuttings) ** 0.5
    most_shared = rng.uniform(0, MOST_SHARED)
    for cutting in cuttings:
        places.append(None)
        shape = np.array(cutting.image.shape[::-1], float)
        for _ in range(_TRIES):
            fits = (np.array(size) / shape).min()
            scale = fits * (rng.uniform(0.35, 1.0) if len(cuttings) == 1 else rng.uniform(0.45, 1.15) / crowd)
            if scale > fits:
                continue
            corner = rng.uniform(0, 1, 2) * (np.array(size) - scale * shape)
            boxes = cutting.boxes * scale + np.tile(corner, 2)
            if len(figures) and shared(boxes, figures).max() > most_shared:
                continue
            figures = np.concatenate([figures, boxes])
            places[-1] = np.concatenate([corner, corner + scale * shape])
            break
    return places


def shared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, M) share of the smaller of each two of (N, 4) and (M, 4) boxes that lies in the other."""
    inner = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    sizes = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (a, b)]
    smaller = np.minimum(sizes[0][:, None], sizes[1][None])
    return np.prod(np.maximum(inner, 0), axis=2) / np.maximum(smaller, 1e-9)


def _paste(rng: np.random.Generator, page: np.ndarray, cutting: Cutting, place: np.ndarray) -> np.ndarray:
    """Lay a cutting's ink over the page, which is changed; returns the (N, 4) boxes of the figures that are seen."""
    image, bare, boxes = cutting.image.astype(np.float32), cutting.paper, cutting.boxes
    if np.maximum(image - bare, 0).sum() > np.maximum(bare - image, 0).sum():  # light lines on dark paper
        image, bare = 255 - image, 255 - bare
    x0, y0 = np.round(place[:2]).astype(int)
    x1, y1 = np.maximum(np.round(place[2:]).astype(int), (x0 + 2, y0 + 2))
    x1, y1 = min(x1, page.shape[1]), min(y1, page.shape[0])
    scale = np.array([x1 - x0, y1 - y0]) / image.shape[::-1]
    shrinks = scale[0] < 1
    ink = cv2.resize(image, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    boxes = boxes * np.tile(scale, 2)
    if rng.random() < 0.5:
        ink = ink[:, ::-1]
        boxes = np.column_stack([x1 - x0 - boxes[:, 2], boxes[:, 1], x1 - x0 - boxes[:, 0], boxes[:, 3]])
    # The paper's grain stays behind: what is nearly as light as the paper is no ink.
    left = np.clip(ink / max(0.96 * bare, 1.0), 0, 1)
    seen = [_contrast(left, box) >= _LEAST_CONTRAST for box in boxes]
    if not all(seen):
        return np.zeros((0, 4), np.float32)
    part = page[y0:y1, x0:x1]
    part[:] = np.minimum(part * left + 0.5, 255).astype(np.uint8)
    return (boxes + (x0, y0, x0, y0)).astype(np.float32)


def _contrast(left: np.ndarray, box: np.ndarray) -> float:
    """How much the darkest twentieth of what lies in a box takes away of the paper's light, 0..1."""
    x0, y0, x1, y1 = np.round(box).astype(int)
    part = left[max(y0, 0) : max(y1, 1), max(x0, 0) : max(x1, 1)]
    return 1 - float(np.quantile(part, 0.05)) if part.size else 0.0


def _frames(
    rng: np.random.Generator, places: Sequence[np.ndarray | None], size: tuple[int, int]
) -> list[np.ndarray]:
    """Rectangles (4,) around the page, or around some figures; mostly none."""
    kind = rng.random()
    if kind < 0.12:
        inset = rng.uniform(0.01, 0.05, 4) * min(size)
        return [np.array([inset[0], inset[1], size[0] - inset[2], size[1] - inset[3]])]
    if kind < 0.3:
        room = rng.uniform(-0.02, 0.06) * min(size)
        return [
            np.clip(place + (-room, -room, room, room), 1, (size[0] - 2, size[1] - 2) * 2)
            for place in places
            if place is not None and rng.random() < 0.7
        ]
    return []


def _corners(rectangle: np.ndarray) -> np.ndarray:
    x0, y0, x1, y1 = rectangle
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def _pattern(canvas: Canvas, size: tuple[int, int], pen: Pen) -> None:
    """Hatching, dots or tone over a part of the page: a busy background."""
    rng = canvas.rng
    area = np.zeros(canvas.image.shape, bool)
    x0, y0 = rng.uniform(0, 0.6, 2) * size
    x1, y1 = (x0, y0) + rng.uniform(0.3, 1.0, 2) * size
    area[int(y0) : min(int(y1), size[1]), int(x0) : min(int(x1), size[0])] = True
    tone = float(pen.tone + (canvas.paper - pen.tone) * rng.uniform(0.3, 0.9))
    spacing = rng.uniform(0.02, 0.09) * max(size)
    kind = rng.random()
    if kind < 0.5:
        canvas.hatch(area, tone, spacing, rng.uniform(0, np.pi), max(0.6, 0.12 * spacing))
    elif kind < 0.7:
        canvas.dots(area, tone, spacing, 0.15 * spacing)
    else:
        canvas.wash(area, tone, rng.uniform(0.2, 0.6))


def _clutter(
    canvas: Canvas, size: tuple[int, int], taken: list[np.ndarray], pen: Pen, things: Sequence[Thing]
) -> None:
    """One thing or piece of writing, where it covers little of what is there already."""
    rng = canvas.rng
    for _ in range(_TRIES):
        half = max(size) * float(np.exp(rng.uniform(np.log(0.02), np.log(0.3))))
        centre = rng.uniform(0, 1, 2) * size
        box = np.concatenate([centre - half, centre + half])
        others = np.array(taken).reshape(-1, 4)
        if len(others) and shared(box[None], others).max() > (0.05 if rng.random() < 0.7 else 0.4):
            continue
        taken.append(box)
        if rng.random() < 0.25:
            draw_writing(canvas, box[:2], max(4.0, 0.25 * half), pen.scaled(0.6))
        else:
            draw_thing(canvas, centre, half, pen.scaled((half / (0.35 * max(size))) ** 0.5), things)
        return
