"""Batches of pages for the finder: moved, zoomed, mirrored and re-inked at random, where the network computes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from backend.models.finder_network import PAGE_SIZE

from .batches import inked, standardised, warped
from .stored import Stored

#: Figures smaller than this on the network's page are not asked for, pixels of the longer side.
SMALLEST = 14.0


@dataclass(frozen=True, eq=False)
class PageBatch:
    """Pages as the network sees them, on its device, with what is to be found.

    Attributes:
        pages: (N, 1, 192, 192) float32 tensor, standardised each.
        boxes: (N, M, 4) float32 pixels of the network's page; rows of zeros are none.
    """

    pages: Tensor
    boxes: np.ndarray


def make_batch(source: Stored, indices: np.ndarray, rng: np.random.Generator | None = None) -> PageBatch:
    """Pages of a folder; with ``rng`` moved, zoomed, mirrored and re-inked at random, else as they are."""
    pages, boxes = source.pictures(indices)[:, None].float() / 255, source.labels(indices)["boxes"]
    if rng is not None:
        pages, boxes = _moved(rng, inked(pages, rng), boxes)
    small = (boxes[..., 2:] - boxes[..., :2]).max(-1) < SMALLEST
    return PageBatch(standardised(pages), np.where(small[..., None], 0, boxes).astype(np.float32))


def _moved(rng: np.random.Generator, pages: Tensor, boxes: np.ndarray) -> tuple[Tensor, np.ndarray]:
    """Pages zoomed and shifted a little, and mirrored by chance; figures that leave one by half are forgotten."""
    count = len(pages)
    zoom = np.exp(rng.normal(0, 0.12, (count, 1)) + rng.normal(0, 0.06, (count, 2)))
    flip = rng.random(count) < 0.5
    scale = np.where(flip[:, None], zoom * (-1, 1), zoom)
    offset = PAGE_SIZE / 2 * (1 - scale) + rng.normal(0, 0.04, (count, 2)) * PAGE_SIZE
    # Boxes count from the pixels' corners, the picture from their centres.
    shift = offset + 0.5 * scale - 0.5
    affine = np.zeros((count, 2, 3))
    affine[:, [0, 1], [0, 1]], affine[..., 2] = scale, shift
    edges = torch.cat([pages[..., 0, :], pages[..., -1, :], pages[..., 0], pages[..., -1]], -1)
    paper = edges.median(-1).values[..., None, None]
    pages = warped(pages - paper, affine, PAGE_SIZE, "zeros") + paper
    there = boxes.any(-1)
    moved = boxes * np.tile(scale, 2)[:, None] + np.tile(offset, 2)[:, None]
    moved = np.where(flip[:, None, None], moved[..., [2, 1, 0, 3]], moved)
    inside = np.clip(moved, 0, PAGE_SIZE)
    kept = np.prod(inside[..., 2:] - inside[..., :2], -1) > 0.5 * np.prod(moved[..., 2:] - moved[..., :2], -1)
    return pages, np.where((kept & there)[..., None], inside, 0)
