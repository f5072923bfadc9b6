"""Where the figures are, told by a network: whole page -> boxes with scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from PIL import Image

#: Side of the network's square page, pixels.
PAGE_SIZE = 192

#: Finds that score less say nothing; of two that share more of their union, the better stays.
LEAST_SCORE = 0.1
MOST_SHARED = 0.5
#: A place and a box of the network that share so much of their union speak of the same figure, and of two places
#: that share this much one is enough.
ALIKE = 0.5
SAME = 0.8
#: Log odds of a place being a figure: at 0, for the log odds of its chance, for the mean score of its keypoints, for
#: the mean probability of their being part of what is drawn.
#: Fitted by ``python -m training fit-belief`` to the places on 200 composed pages of synthetic figures and 70 without,
#: of other seeds than the reported ones.
BELIEF = (-6.44, 1.87, 7.08, 3.54)
#: A place whose keypoints score this much on average is a figure, with at least that probability, whatever the network
#: says: on those pages 444 of 446 such places were figures.
SETTLED, SETTLED_BELIEF = 0.8, 0.7
#: Room between keypoints and the outline around them, in longer sides of the keypoints' box.
OUTLINE = 0.05
#: A box of ink and the outline of what is read in it that share less of their union are not the same figure's.
PART = 0.55
#: How many figures are found at most.
_MOST = 24


class Finder(Protocol):
    """Whatever runs the finder network: ONNX Runtime, torch, a fake in a test."""

    def find(self, page: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Run the network on one (192, 192) float32 standardised page.

        Returns:
            (S, S) float32 logits of a figure's middle in each cell, and (4, S, S) float32 pixels from the cell's
            middle to the left, upper, right and lower side of its box.
        """
        ...


def find_with(finder: Finder, gray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes of the figures on a page, as the network sees them.

    Args:
        finder: what runs the network.
        gray: (H, W) float32, 0 black .. 1 white.

    Returns:
        (N, 4) float32 boxes x0, y0, x1, y1 in pixels of ``gray``, the surest first, and (N,) float32 scores, 0..1.
    """
    page, scale, corner = letterbox(gray)
    boxes, scores = decode(*finder.find(page), LEAST_SCORE)
    boxes = (boxes - np.tile(corner, 2)) / scale
    return np.clip(boxes, 0, np.tile(gray.shape[::-1], 2)).astype(np.float32), scores


def candidates(
    ink: np.ndarray, tight: np.ndarray, found: np.ndarray, scores: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Places told by the ink and by the network, together.

    Args:
        ink: (N, 4) boxes of groups of strokes, the page taken as a whole first.
        tight: (M, 4) boxes that the network sees, drawn around the strokes in them.
        found: (M, 4) the same as the network sees them.
        scores: (M,) their scores, 0..1.

    Returns:
        (K, 4) float32 boxes, nearly equal ones only once: those of the ink, then the tight ones, then the network's
        own; and (K,) float32 how likely the network holds each to be a figure.
    """
    boxes = [*ink]
    for box in (*tight, *found):
        if not boxes or overlap(box[None], np.array(boxes)).max() < SAME:
            boxes.append(box)
    places = np.array(boxes, np.float32).reshape(-1, 4)
    shares = overlap(places, found)
    return places, (scores * (shares >= ALIKE)).max(1, initial=0).astype(np.float32)


def corrected(boxes: np.ndarray, keypoints: np.ndarray, inked: int) -> np.ndarray:
    """Boxes that lie about a figure, moved halfway to where its keypoints say that it is.

    Args:
        boxes: (N, 4) float32 page pixels.
        keypoints: (N, 30, 2) page pixels, as read in these boxes.
        inked: so many of them, the first, are boxes of ink. These are the figure's outline, and stay where they
            are, unless the keypoints say that the figure is but a part of it.

    Returns:
        (N, 4) float32.
    """
    low, high = keypoints.min(1), keypoints.max(1)
    room = OUTLINE * (high - low).max(1, keepdims=True)
    outlines = np.concatenate([low - room, high + room], 1)
    moved = np.arange(len(boxes)) >= inked
    moved |= np.diagonal(overlap(boxes, outlines)) < PART
    return np.where(moved[:, None], (boxes + outlines) / 2, boxes).astype(np.float32)


def belief(
    chances: np.ndarray,
    scores: np.ndarray,
    present: np.ndarray,
    weights: Sequence[float] | np.ndarray = BELIEF,
) -> np.ndarray:
    """The probability that places are figures.

    Args:
        chances: (N,) how likely the finder network holds them to be figures, 0..1.
        scores: (N,) mean scores of their keypoints, 0..1.
        present: (N,) mean probability of their keypoints being part of what is drawn, 0..1.
        weights: of what :func:`features` gives.

    Returns:
        (N,) 0..1.
    """
    beliefs = 1 / (1 + np.exp(-features(chances, scores, present) @ np.asarray(weights)))
    # Settled places keep their order.
    return np.where(scores >= SETTLED, SETTLED_BELIEF + (1 - SETTLED_BELIEF) * beliefs, beliefs)


def features(chances: np.ndarray, scores: np.ndarray, present: np.ndarray) -> np.ndarray:
    """(N, 4) what speaks for places being figures, in the order of BELIEF; the arguments are those of belief()."""
    chances = np.clip(chances, 0.01, 0.99)
    return np.stack([np.ones(len(scores)), np.log(chances / (1 - chances)), scores, present], 1)


def letterbox(gray: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A page at the network's size, in the middle of a square of its border's tone.

    Args:
        gray: (H, W) float32, 0 black .. 1 white.

    Returns:
        (192, 192) float32 with mean 0 and deviation 1; (4,) its pixels per page pixel, x and y in turn; (2,)
        where in it the page's corner lies.
    """
    height, width = gray.shape
    scale = PAGE_SIZE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    page = Image.fromarray(np.clip(gray * 255 + 0.5, 0, 255).astype(np.uint8))
    small = np.asarray(page.resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR))
    border = np.median(np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]]))
    square = np.full((PAGE_SIZE, PAGE_SIZE), border, np.float32)
    x, y = (PAGE_SIZE - size[0]) // 2, (PAGE_SIZE - size[1]) // 2
    square[y : y + size[1], x : x + size[0]] = small
    square /= 255
    square = (square - square.mean()) / (square.std() + 1e-3)
    factors = np.array([size[0] / width, size[1] / height] * 2)
    return square.astype(np.float32), factors, np.array([x, y], float)


def decode(logits: np.ndarray, reaches: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray]:
    """The network's output as boxes: the highest cells of their neighbourhoods, overlapping ones dropped.

    Args:
        logits: (S, S) of a figure's middle lying in the cell.
        reaches: (4, S, S) pixels from the cell's middle to the left, upper, right and lower side.
        least: score below which there is no figure.

    Returns:
        (N, 4) float32 boxes x0, y0, x1, y1 in pixels of the network's page, and (N,) float32 scores, the best first.
    """
    side = len(logits)
    cell = PAGE_SIZE / side
    padded = np.pad(logits, 1, constant_values=-np.inf)
    around = [padded[i : i + side, j : j + side] for i in range(3) for j in range(3)]
    scores = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    rows, columns = np.nonzero((logits >= np.max(around, axis=0)) & (scores >= least))
    best = np.argsort(-scores[rows, columns], kind="stable")[:_MOST]
    rows, columns = rows[best], columns[best]
    x, y = (columns + 0.5) * cell, (rows + 0.5) * cell
    left, top, right, bottom = reaches[:, rows, columns]
    boxes = np.stack([x - left, y - top, x + right, y + bottom], 1).astype(np.float32)
    kept: list[int] = []
    for k in range(len(boxes)):
        if not kept or overlap(boxes[k : k + 1], boxes[kept]).max() < MOST_SHARED:
            kept.append(k)
    return boxes[kept], scores[rows, columns][kept].astype(np.float32)


def overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, M) intersection over union of (N, 4) and (M, 4) boxes."""
    inner = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    common = np.prod(np.maximum(inner, 0), axis=2)
    sizes = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (a, b)]
    return common / np.maximum(sizes[0][:, None] + sizes[1][None] - common, 1e-9)
