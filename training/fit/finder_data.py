"""What the finder trains on: pages put together from drawings, kept in shards of plain arrays."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from backend.models.finder_network import PAGE_SIZE

from ..drawing.anatomy import load_anatomy
from ..drawing.machine import RECIPE, DrawingMachine
from ..drawing.pages import Cutting, compose, cut
from ..drawing.placement import CANVAS, sample_placements
from ..poses.bank import PoseBank
from .shards import state_folder

#: Drawings that a shard's pages are put together from, and how many pages that gives.
DRAWINGS = 512
SHARD = 3 * DRAWINGS

#: Most figures on a page, those of the machine's own crowds included.
_MOST_FIGURES = 24

#: Share of drawings that are crowded, against those of the drawing machine's own mix.
_CROWDED = 0.15


def pages_folder() -> Path:
    """Where the pages of the present recipe lie."""
    return state_folder() / "pages" / f"recipe{RECIPE}"


#: A drawing: (256, 256) uint8 page and (N, 4) float32 boxes of its figures.
Drawn = tuple[np.ndarray, np.ndarray]


def draw_pages(
    folder: Path, indices: Iterable[int], poses: Path, seed: int, validation: bool = False
) -> None:
    """Make those of the shards that are not there yet; each appears whole or not at all.

    Args:
        folder: of the shards.
        indices: which.
        poses: the pose bank's file.
        seed: drawing k of shard i is drawn from seed + i * DRAWINGS + k.
        validation: True for poses of the clips that training never sees.
    """
    cv2.setNumThreads(1)
    machine: DrawingMachine | None = None
    for index in indices:
        if (folder / f"{index:05d}").exists():
            continue
        machine = machine or DrawingMachine(PoseBank.load(poses, validation), load_anatomy())
        first = seed + index * DRAWINGS
        write_shard(folder / f"{index:05d}", [_draw(machine, first + k) for k in range(DRAWINGS)], first)


def write_shard(path: Path, drawings: Sequence[Drawn], seed: int) -> None:
    """Put the pages of one shard together and write them."""
    pages = np.empty((SHARD, PAGE_SIZE, PAGE_SIZE), np.uint8)
    boxes = np.zeros((SHARD, _MOST_FIGURES, 4), np.float32)
    for row in range(SHARD):
        pages[row], found = put_together(drawings, np.random.default_rng((seed, row)))
        boxes[row, : len(found)] = found[:_MOST_FIGURES]
    unfinished = path.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    np.save(unfinished / "pages.npy", pages)
    np.save(unfinished / "boxes.npy", boxes)
    unfinished.rename(path)


def _draw(machine: DrawingMachine, seed: int) -> Drawn:
    rng = np.random.default_rng((seed, 2))
    crowded = None
    if rng.random() < _CROWDED:
        while crowded is None or len(crowded) == 1:
            crowded = sample_placements(rng)
    drawing = machine.draw(seed, placements=crowded)
    boxes = [figure.box for figure in drawing.figures if (figure.box[2:] > figure.box[:2]).all()]
    return drawing.image, np.array(boxes, np.float32).reshape(-1, 4)


def put_together(drawings: Sequence[Drawn], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """One page: a drawing as it is, figures among clutter, or clutter without a figure.

    Returns:
        (192, 192) uint8, the page in the middle, and (N, 4) float32 boxes in its pixels.
    """
    kind = rng.random()
    if kind < 0.3:
        page, boxes = _as_drawn(drawings, rng)
    else:
        number = 0 if kind < 0.42 else int(rng.choice(6, p=[0.3, 0.2, 0.18, 0.14, 0.1, 0.08])) + 1
        page, boxes = _composed(drawings, number, rng)
    return _letterboxed(page, boxes)


def _as_drawn(drawings: Sequence[Drawn], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A drawn page, cropped to another shape without cutting its figures by much, at the network's size."""
    image, boxes = drawings[int(rng.integers(len(drawings)))]
    if rng.random() < 0.5:
        image = image[:, ::-1]
        boxes = np.column_stack([CANVAS - boxes[:, 2], boxes[:, 1], CANVAS - boxes[:, 0], boxes[:, 3]])
    if len(boxes) and rng.random() < 0.7:
        low, high = boxes[:, :2].min(0), boxes[:, 2:].max(0)
        low = (low * rng.uniform(0, 1.03, 2)).astype(int)
        high = (CANVAS - (CANVAS - high) * rng.uniform(0, 1.03, 2)).astype(int)
        low, high = np.maximum(low, 0), np.minimum(np.maximum(high, low + 24), CANVAS)
        image = image[low[1] : high[1], low[0] : high[0]]
        boxes = np.clip(boxes - np.tile(low, 2), 0, np.tile(high - low, 2))
    scale = PAGE_SIZE / max(image.shape)
    shape = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    image = cv2.resize(image, shape, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return image, boxes * scale


def _composed(
    drawings: Sequence[Drawn], number: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    ratio = float(np.exp(rng.normal(0, 0.35)))
    size = np.clip(np.round(PAGE_SIZE * np.minimum((ratio, 1 / ratio), 1)), 64, PAGE_SIZE).astype(int)
    cuttings: list[Cutting] = []
    for _ in range(number):
        image, boxes = drawings[int(rng.integers(len(drawings)))]
        if len(boxes):
            cuttings.append(cut(_inked(rng, image), boxes, rng.uniform(0.0, 0.15)))
    crowd = rng.choice([0.0, 3.0, 8.0], p=[0.25, 0.45, 0.3]) if number else rng.choice([1.0, 5.0, 12.0])
    page, boxes, _ = compose(rng, cuttings, (int(size[0]), int(size[1])), crowd=float(crowd))
    return page, boxes


def _letterboxed(page: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The page in the middle of the network's square, which its border's tone fills, and its boxes there."""
    height, width = page.shape
    border = np.median(np.concatenate([page[0], page[-1], page[:, 0], page[:, -1]]))
    square = np.full((PAGE_SIZE, PAGE_SIZE), border, np.uint8)
    x, y = (PAGE_SIZE - width) // 2, (PAGE_SIZE - height) // 2
    square[y : y + height, x : x + width] = page
    return square, boxes + np.array([x, y, x, y], np.float32)


def _inked(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Thicker or thinner lines, another contrast, noise, blur, a negative: uint8."""
    if rng.random() < 0.15:
        grow = cv2.erode if rng.random() < 0.7 else cv2.dilate
        image = grow(image, np.ones((2, 2), np.uint8))
    if rng.random() < 0.35:
        curve = 255 * (np.arange(256) / 255) ** float(np.exp(rng.normal(0, 0.35)))
        image = cv2.LUT(image, curve.astype(np.uint8))
    if rng.random() < 0.15:
        noise = rng.normal(0, rng.uniform(2, 18), image.shape)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.1:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.0))
    return 255 - image if rng.random() < 0.05 else image
