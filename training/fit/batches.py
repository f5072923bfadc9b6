"""Training batches: stored drawings, cropped, turned, mirrored and re-inked at random, where the network computes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from backend.keypoints import BONE_LENGTHS, CROP_MARGIN, LONG_BONE
from backend.skeleton import BONE_MIRROR, KEYPOINT_MIRROR, KEYPOINT_NAMES, KEYPOINT_PARENTS

from ..drawing.record import Flag
from .shards import BOX_SHARE, STORED
from .stored import Stored

_KEYPOINT_MIRROR = list(KEYPOINT_MIRROR)
_BONE_MIRROR = list(BONE_MIRROR)
_PARENTS = list(KEYPOINT_PARENTS[1:])
_FLIP_X = np.array([-1, 1, 1], np.float32)


@dataclass(frozen=True, eq=False)
class Batch:
    """Crops as the network sees them, on its device, with labels.

    Attributes:
        crops: (N, 1, S, S) float32 tensor, standardised per image.
        keypoints: (N, 30, 2) float32 pixels of the crop.
        directions: (N, 29, 3) float32 unit bone directions, camera frame.
        lengths: (N, 29) float32 logarithms of bone lengths over an adult's, as of proportions_of.
        betas: (N, 10) float32 SMPL shape coefficients.
        visible: (N, 30) float32, 1 where drawn and not hidden.
        present: (N, 30) float32, 1 where part of what is drawn.
        inside: (N, 30) float32, 1 where the keypoint lies in the crop and is part of what is drawn.
        bones: (N, 29) float32, 1 where at least one end of the bone is part of what is drawn.
    """

    crops: Tensor
    keypoints: np.ndarray
    directions: np.ndarray
    lengths: np.ndarray
    betas: np.ndarray
    visible: np.ndarray
    present: np.ndarray
    inside: np.ndarray
    bones: np.ndarray


def box_side(size: int) -> float:
    """Longer side of a figure's box in a nominal crop of ``size`` pixels."""
    return size / CROP_MARGIN


#: The box of a figure in its stored drawing: the whole of it.
_WHOLE = (
    np.array([0.5 - BOX_SHARE / 2, 0.5 - BOX_SHARE / 2, 0.5 + BOX_SHARE / 2, 0.5 + BOX_SHARE / 2]) * STORED
)

#: Deviation of the logarithm of how far a drawing is stretched along an axis.
_STRETCH = 0.07

#: Share of the crops that are turned any way round: few poses lie or stand on their hands.
_TURNED = 0.1

#: Long bones, by which proportions are told.
_LONG = BONE_LENGTHS > LONG_BONE

#: A part of a figure is enlarged at most so much: stored drawings have few pixels.
_MOST_ENLARGED = 2.2

_NECK, _PELVIS = KEYPOINT_NAMES.index("neck"), KEYPOINT_NAMES.index("pelvis")
_KNEES = [KEYPOINT_NAMES.index(f"{side}_knee") for side in ("left", "right")]
_CHEST = KEYPOINT_NAMES.index("spine3")


def make_batch(
    drawings: Stored,
    indices: np.ndarray,
    size: int,
    rng: np.random.Generator | None = None,
    parts: float = 0.1,
    reinked: float = 1.0,
) -> Batch:
    """Read drawings and crop them to ``size`` pixels; ``rng`` None gives the nominal crop, unchanged.

    Of the upright figures a share of ``parts`` is cut off at the waist, the chest or the hips; of the drawings a share
    of ``reinked`` has its lines and tones changed.
    """
    pages = drawings.pictures(indices)[:, None].float() / 255
    labels = drawings.labels(indices)
    keypoints, flags = labels["keypoints"].astype(np.float64), labels["flags"]
    directions, lengths = labels["directions"], labels["lengths"]
    boxes, turn = np.tile(_WHOLE, (len(indices), 1)), np.zeros(len(indices))
    zoom, shift = np.ones((len(indices), 1)), np.zeros((len(indices), 2))
    stretch = np.tile(np.eye(2), (len(indices), 1, 1))
    mirrored = np.zeros(len(indices), bool)
    if rng is not None:
        changed = torch.from_numpy(np.flatnonzero(rng.random(len(pages)) < reinked)).to(pages.device)
        pages[changed] = inked(pages[changed], rng)
        cut_off, first, last, part_boxes = _parts(rng, keypoints, parts)
        pages = _rows_only(pages, cut_off, first, last)
        beyond = cut_off[:, None] & (
            (keypoints[..., 1] < first[:, None]) | (keypoints[..., 1] >= last[:, None])
        )
        flags = np.where(beyond, Flag.OUTSIDE, flags)
        boxes = np.where(cut_off[:, None], part_boxes, boxes)
        zoom *= np.exp(rng.normal(0, 0.07, (len(indices), 1)))
        lying = rng.random(len(indices)) < _TURNED
        leaning = rng.normal(0, np.where(rng.random(len(indices)) < 0.3, 24, 8))
        turn = np.radians(np.where(lying, rng.uniform(-180, 180, len(indices)), leaning))
        shift = rng.normal(0, 0.025, shift.shape) * size
        stretch = _stretches(rng, len(indices))
        mirrored = rng.random(len(indices)) < 0.5
    affine, seen_as = _views(size, boxes, zoom, turn, shift, stretch)
    keypoints = np.einsum("nij,nkj->nki", affine[..., :2], keypoints) + affine[:, None, :, 2]
    directions = directions.copy()
    directions[..., :2] = np.einsum("nij,nkj->nki", seen_as, directions[..., :2])
    stretched = np.linalg.norm(directions, axis=-1)
    directions /= stretched[..., None]
    lengths = lengths + np.log(stretched)
    lengths -= lengths[:, _LONG].mean(1, keepdims=True)
    # A mirrored view is the same affine map with x counted from the other side.
    affine[mirrored] = [[-1], [1]] * affine[mirrored] + np.array([[0, 0, size - 1], [0, 0, 0]])
    keypoints[mirrored] = keypoints[mirrored][:, _KEYPOINT_MIRROR] * (-1, 1) + (size - 1, 0)
    directions[mirrored] = directions[mirrored][:, _BONE_MIRROR] * _FLIP_X
    lengths = np.where(mirrored[:, None], lengths[:, _BONE_MIRROR], lengths)
    flags = np.where(mirrored[:, None], flags[:, _KEYPOINT_MIRROR], flags)
    drawn = flags != Flag.OUTSIDE
    inside = ((keypoints >= 0) & (keypoints <= size - 1)).all(-1) & drawn
    arrays = (
        keypoints,
        directions,
        lengths,
        labels["betas"],
        flags == Flag.VISIBLE,
        drawn,
        inside,
        drawn[:, 1:] | drawn[:, _PARENTS],
    )
    crops = standardised(warped(pages, affine, size))
    return Batch(crops, *(array.astype(np.float32) for array in arrays))


def standardised(crops: Tensor) -> Tensor:
    """(N, 1, S, S) crops, each with mean 0 and deviation 1."""
    deviation, mean = torch.std_mean(crops, (1, 2, 3), correction=0, keepdim=True)
    return (crops - mean) / (deviation + 1e-3)


def warped(pages: Tensor, affine: np.ndarray, size: int, padding: str = "border") -> Tensor:
    """Pages seen through affine maps, sampled linearly; beyond its edge a page goes on as at the edge.

    Args:
        pages: (N, 1, H, W) float32.
        affine: (N, 2, 3) from pixels of the page to pixels of the result.
        size: side of the result, pixels.
        padding: "zeros" for nothing beyond the edge.

    Returns:
        (N, 1, size, size) float32.
    """
    height, width = pages.shape[-2:]
    inverse = np.linalg.inv(np.concatenate([affine, np.tile([[[0.0, 0.0, 1.0]]], (len(affine), 1, 1))], 1))
    # grid_sample counts the page from -1 to 1 between the middles of its outermost pixels.
    inverse[:, :2] *= 2 / np.array([width - 1, height - 1])[:, None]
    inverse[:, :2, 2] -= 1
    rows = torch.from_numpy(inverse[:, :2].astype(np.float32)).to(pages.device)[..., None, None, :]
    across = torch.arange(size, dtype=torch.float32, device=pages.device)
    grid = torch.addcmul(rows[..., 1] * across[:, None] + rows[..., 2], rows[..., 0], across)
    grid = grid.permute(0, 2, 3, 1)
    return F.grid_sample(pages, grid, padding_mode=padding, align_corners=True)


def inked(pages: Tensor, rng: np.random.Generator) -> Tensor:
    """Thicker or thinner lines, another contrast, sharper, noise, blur, a torn-out patch, a negative: each by chance.

    Some pages are made black and white, some are printed through a screen of dots or lines, some leave only the edges
    of their tones, some are seen through a random filter: a network that has seen these leans less on how its training's styles look (random convolutions after
    Xu et al., 2021).

    Args:
        pages: (N, 1, S, S) float32 in [0, 1].
        rng: of all chance.
    """
    count, side = len(pages), pages.shape[-1]
    pixel = side / 160  # what is so many pixels wide here was chosen for drawings of that size
    pages = pages.clone()

    def some(share: float, of: np.ndarray | None = None) -> np.ndarray:
        chosen = rng.random(count) < share
        return np.flatnonzero(chosen if of is None else chosen & of)

    def here(values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.asarray(values)).to(pages.device)

    grown, darker = rng.random(count) < 0.2, rng.random(count) < 0.7
    widths = np.maximum(np.round((2.4 + rng.uniform(-0.7, 0.7, count)) * pixel), 2)
    for sign, kind in ((-1, darker), (1, ~darker)):
        for width in np.unique(widths).astype(int).tolist():
            rows = here(np.flatnonzero(grown & kind & (widths == width)))
            # Ink is dark: the least value around a pixel makes lines thicker.
            before, after = (width - 1) // 2, width // 2
            padded = F.pad(sign * pages[rows], (after, before, after, before), mode="replicate")
            pages[rows] = sign * F.max_pool2d(padded, width, 1)
    chosen = some(0.5)
    exponents = np.exp(rng.normal(0, 0.4, len(chosen))).astype(np.float32)
    pages[here(chosen)] = pages[here(chosen)] ** here(exponents)[:, None, None, None]
    chosen = some(0.06)
    threshold = here(rng.uniform(0.4, 0.8, len(chosen)).astype(np.float32))[:, None, None, None]
    pages[here(chosen)] = torch.sigmoid((pages[here(chosen)] - threshold) * 16)
    chosen = some(0.08)
    fine, rough = (pixel * rng.uniform(*span, len(chosen)) for span in ((0.5, 1.0), (1.5, 3.0)))
    edges = _blurred(pages[here(chosen)], fine) - _blurred(pages[here(chosen)], rough)
    strength = here(rng.uniform(3, 9, len(chosen)).astype(np.float32))[:, None, None, None]
    pages[here(chosen)] = 1 - (strength * edges.abs()).clamp(0, 1)
    chosen = some(0.15)
    kernels = rng.normal(0, 0.35, (len(chosen), 1, 3, 3))
    kernels[..., 1, 1] += 1
    pages[here(chosen)] = _filtered(pages[here(chosen)], here(kernels.astype(np.float32)))
    chosen = some(0.06)
    pages[here(chosen)] = _screened(pages[here(chosen)], rng, pixel)
    chosen = some(0.12)
    sharper = pages[here(chosen)] - _blurred(pages[here(chosen)], pixel * rng.uniform(0.5, 1.0, len(chosen)))
    strength = here(rng.uniform(0.3, 1.5, len(chosen)).astype(np.float32))[:, None, None, None]
    pages[here(chosen)] = (pages[here(chosen)] + strength * sharper).clamp(0, 1)
    chosen = some(0.2)
    noise = torch.Generator(pages.device).manual_seed(int(rng.integers(1 << 62)))
    amounts = here(rng.uniform(0.01, 0.12, len(chosen)).astype(np.float32))[:, None, None, None]
    grain = torch.randn((len(chosen), 1, side, side), generator=noise, device=pages.device)
    pages[here(chosen)] += amounts * grain
    chosen = some(0.12)
    pages[here(chosen)] = _blurred(pages[here(chosen)], pixel * rng.uniform(0.5, 1.3, len(chosen)))
    chosen = some(0.15)
    low = rng.uniform(0.125, 0.69, (len(chosen), 2)) * side
    high = low + rng.uniform(0.05, 0.21, low.shape) * side
    at = np.arange(side)
    within = (at >= low[..., None]) & (at < high[..., None])
    patch = here(within[:, 1, :, None] & within[:, 0, None, :])[:, None]
    grey = here(np.where(rng.random(len(chosen)) < 0.7, -1, rng.random(len(chosen))).astype(np.float32))
    corner = pages[here(chosen)][:, 0, 0, 0]
    tone = torch.where(grey < 0, corner, grey)[:, None, None, None]
    pages[here(chosen)] = torch.where(patch, tone, pages[here(chosen)])
    chosen = here(some(0.03))
    pages[chosen] = 1 - pages[chosen]
    return pages


def _blurred(pages: Tensor, sigmas: np.ndarray, reach: int = 5) -> Tensor:
    """(N, 1, S, S) pages, each blurred by a Gaussian of its own width in pixels, (N,)."""
    if not len(pages):
        return pages
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigmas[:, None]) ** 2)
    taps = torch.from_numpy((taps / taps.sum(1, keepdims=True)).astype(np.float32)).to(pages.device)
    stack = F.pad(pages.transpose(0, 1), (reach,) * 4, mode="reflect")
    stack = F.conv2d(stack, taps[:, None, None, :], groups=len(pages))
    return F.conv2d(stack, taps[:, None, :, None], groups=len(pages)).transpose(0, 1)


def _filtered(pages: Tensor, kernels: Tensor) -> Tensor:
    """(N, 1, S, S) pages, each under its own of the (N, 1, 3, 3) kernels, with its least and greatest tone kept."""
    if not len(pages):
        return pages
    stack = F.pad(pages.transpose(0, 1), (1, 1, 1, 1), mode="replicate")
    seen = F.conv2d(stack, kernels, groups=len(pages)).transpose(0, 1)
    low, high = seen.amin((2, 3), keepdim=True), seen.amax((2, 3), keepdim=True)
    least, most = pages.amin((2, 3), keepdim=True), pages.amax((2, 3), keepdim=True)
    return least + (seen - low) * (most - least) / (high - low).clamp_min(1e-3)


def _screened(pages: Tensor, rng: np.random.Generator, pixel: float) -> Tensor:
    """(N, 1, S, S) pages whose tones are printed as dots or lines, as newspapers and comics have them."""
    count, side = len(pages), pages.shape[-1]
    if not count:
        return pages

    def here(values: np.ndarray) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)).to(pages.device)[:, None, None, None]

    angle, period = rng.uniform(0, np.pi, count), pixel * rng.uniform(2.2, 6.0, count)
    step = 2 * np.pi / period
    across, up = here(step * np.cos(angle)), here(step * np.sin(angle))
    dots, phase = here(0.25 * (rng.random(count) < 0.5)), here(rng.uniform(0, 2 * np.pi, count))
    at = torch.arange(side, dtype=torch.float32, device=pages.device)
    along = torch.cos(at * across + at[:, None] * up + phase)
    beside = torch.cos(at[:, None] * across - at * up)
    screen = 0.5 + (0.5 - dots) * along + dots * beside
    least, most = pages.amin((2, 3), keepdim=True), pages.amax((2, 3), keepdim=True)
    tone = (pages - least) / (most - least).clamp_min(1e-3)
    printed = torch.sigmoid((tone - 0.05 - 0.85 * screen) * here(rng.uniform(7, 18, count)))
    return least + printed * (most - least)


def _parts(
    rng: np.random.Generator, keypoints: np.ndarray, share: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Where figures are cut off, as the edge of a page cuts them; those who do not stand or sit upright stay whole.

    Args:
        rng: source of chance.
        keypoints: (N, 30, 2) stored pixels.
        share: of the upright figures that are cut off.

    Returns:
        (N,) whether a figure is cut off; (N,) first row that stays; (N,) row after the last; and the (N, 4) boxes
        of what is seen in them.
    """
    neck, pelvis, knees = (keypoints[:, _NECK], keypoints[:, _PELVIS], keypoints[:, _KNEES].mean(1))
    trunk = pelvis[:, 1] - neck[:, 1]
    wanted = rng.random(len(keypoints)) < share
    wanted &= (trunk >= 0.7 * np.linalg.norm(pelvis - neck, axis=1)) & (trunk >= 0.12 * STORED)
    kind, at = rng.random(len(keypoints)), rng.random(len(keypoints))
    waist = pelvis[:, 1] + 0.7 * at * np.maximum(knees[:, 1] - pelvis[:, 1], 0)
    chest = keypoints[:, _CHEST, 1]
    bust = chest + 0.8 * at * (pelvis[:, 1] - chest)
    legs = pelvis[:, 1] - 0.4 * at * trunk
    first = np.where(kind < 0.75, 0, np.floor(legs))
    last = np.where(kind < 0.45, np.floor(waist), np.where(kind < 0.75, np.floor(bust), STORED))
    rows = keypoints[..., 1]
    seen = ((rows >= first[:, None]) & (rows <= last[:, None]))[..., None]
    margin = 0.06 * STORED
    low = np.where(seen, keypoints, np.inf).min(1) - margin
    high = np.where(seen, keypoints, -np.inf).max(1) + margin
    low[:, 1], high[:, 1] = np.maximum(low[:, 1], first), np.minimum(high[:, 1], last)
    wanted &= seen[..., 0].sum(1) >= 5
    wanted &= (high - low).max(1) * _MOST_ENLARGED >= BOX_SHARE * STORED
    return wanted, first, last, np.concatenate([low, high], 1)


def _rows_only(pages: Tensor, which: np.ndarray, first: np.ndarray, last: np.ndarray) -> Tensor:
    """Those of the pages with nothing but paper above the ``first`` and from the ``last`` row on."""
    which = np.flatnonzero(which)
    rows = np.arange(pages.shape[-2])
    gone = (rows < first[which, None]) | (rows >= last[which, None])
    at = torch.from_numpy(which).to(pages.device)
    tone = pages[at][..., 0].median(-1).values[..., None, None]
    gone_there = torch.from_numpy(gone).to(pages.device)[:, None, :, None]
    pages[at] = torch.where(gone_there, tone, pages[at])
    return pages


def _views(
    size: int,
    boxes: np.ndarray,
    zoom: np.ndarray,
    turn: np.ndarray,
    shift: np.ndarray,
    stretch: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """(N, 2, 3) affine maps from stored drawings to crops around ``boxes``, (N, 4), and what they do but for scale."""
    cos, sin = np.cos(turn), np.sin(turn)
    seen_as = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], 1) @ stretch
    scale = zoom[:, :1] * box_side(size) / (boxes[:, 2:] - boxes[:, :2]).max(1, keepdims=True)
    linear = scale[..., None] * seen_as
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 - 0.5
    offset = (size - 1) / 2 + shift - np.einsum("nij,nj->ni", linear, centre)
    return np.concatenate([linear, offset[..., None]], -1), seen_as


def _stretches(rng: np.random.Generator, count: int) -> np.ndarray:
    """(N, 2, 2) symmetric maps that make half of the drawings longer along some axis and as much narrower across.

    A body that is stretched like its drawing has other proportions; depth does not change.
    """
    along = np.exp(np.where(rng.random(count) < 0.5, rng.normal(0, _STRETCH, count), 0.0))
    angle = rng.uniform(0, np.pi, count)
    axis = np.stack([np.cos(angle), np.sin(angle)], -1)
    outer = axis[:, :, None] * axis[:, None, :]
    return outer * along[:, None, None] + (np.eye(2) - outer) / along[:, None, None]
