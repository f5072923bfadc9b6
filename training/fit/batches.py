"""Training batches: stored drawings, cropped, turned, mirrored and re-inked at random."""

from __future__ import annotations

from dataclasses import dataclass, fields

import cv2
import numpy as np

from backend.skeleton import BONE_MIRROR, KEYPOINT_MIRROR, KEYPOINT_NAMES, KEYPOINT_PARENTS

from ..drawing.record import Flag
from .shards import BOX_SHARE, STORED, Shards

_KEYPOINT_MIRROR = list(KEYPOINT_MIRROR)
_BONE_MIRROR = list(BONE_MIRROR)
_PARENTS = list(KEYPOINT_PARENTS[1:])
_FLIP_X = np.array([-1, 1, 1], np.float32)


@dataclass(frozen=True, eq=False)
class Batch:
    """Crops as the network sees them, with labels.

    Attributes:
        crops: (N, 1, S, S) float32, standardised per image.
        keypoints: (N, 30, 2) float32 pixels of the crop.
        directions: (N, 29, 3) float32 unit bone directions, camera frame.
        lengths: (N, 29) float32 logarithms of bone lengths over an adult's, as of proportions_of.
        betas: (N, 10) float32 SMPL shape coefficients.
        visible: (N, 30) float32, 1 where drawn and not hidden.
        present: (N, 30) float32, 1 where part of what is drawn.
        inside: (N, 30) float32, 1 where the keypoint lies in the crop and is part of what is drawn.
        bones: (N, 29) float32, 1 where at least one end of the bone is part of what is drawn.
        facing: (N,) float32 cosine between the chest's forward and the viewer.
        style: (N,) uint8 index into the styles.
    """

    crops: np.ndarray
    keypoints: np.ndarray
    directions: np.ndarray
    lengths: np.ndarray
    betas: np.ndarray
    visible: np.ndarray
    present: np.ndarray
    inside: np.ndarray
    bones: np.ndarray
    facing: np.ndarray
    style: np.ndarray


def standardised(crop: np.ndarray) -> np.ndarray:
    """A float32 crop with mean 0 and deviation 1."""
    return (crop - crop.mean()) / (crop.std() + 1e-3)


#: How much larger than the stored crop the network sees a figure.
_ZOOM = 1.08


def box_side(size: int) -> float:
    """Longer side of a figure's box in a nominal crop of ``size`` pixels."""
    return BOX_SHARE * _ZOOM * size


#: The box of a figure in its stored drawing: the whole of it.
_WHOLE = (
    np.array([0.5 - BOX_SHARE / 2, 0.5 - BOX_SHARE / 2, 0.5 + BOX_SHARE / 2, 0.5 + BOX_SHARE / 2]) * STORED
)

#: A part of a figure is enlarged at most so much: stored drawings have few pixels.
_MOST_ENLARGED = 2.2

_NECK, _PELVIS = KEYPOINT_NAMES.index("neck"), KEYPOINT_NAMES.index("pelvis")
_KNEES = [KEYPOINT_NAMES.index(f"{side}_knee") for side in ("left", "right")]
_CHEST = KEYPOINT_NAMES.index("spine3")


def _part(rng: np.random.Generator, keypoints: np.ndarray) -> tuple[slice, np.ndarray] | None:
    """Where a figure is cut off, as the edge of a page cuts it.

    Args:
        rng: source of chance.
        keypoints: (30, 2) stored pixels.

    Returns:
        The rows that stay and the (4,) box of what is seen in them; None for who does not stand or sit upright.
    """
    neck, pelvis, knees = keypoints[_NECK], keypoints[_PELVIS], keypoints[_KNEES].mean(0)
    trunk = pelvis[1] - neck[1]
    if trunk < 0.7 * np.linalg.norm(pelvis - neck) or trunk < 0.12 * STORED:
        return None
    kind = rng.random()
    if kind < 0.45:  # down to the waist or the thighs
        rows = slice(0, int(pelvis[1] + rng.uniform(0, 0.7) * max(knees[1] - pelvis[1], 0)))
    elif kind < 0.75:  # a bust
        rows = slice(0, int(keypoints[_CHEST, 1] + rng.uniform(0, 0.8) * (pelvis[1] - keypoints[_CHEST, 1])))
    else:  # legs alone
        rows = slice(int(pelvis[1] - rng.uniform(0, 0.4) * trunk), STORED)
    seen = keypoints[(keypoints[:, 1] >= rows.start) & (keypoints[:, 1] <= rows.stop)]
    if len(seen) < 5:
        return None
    margin = 0.06 * STORED
    low, high = seen.min(0) - margin, seen.max(0) + margin
    box = np.array([low[0], max(low[1], rows.start), high[0], min(high[1], rows.stop)])
    if (box[2:] - box[:2]).max() * _MOST_ENLARGED < BOX_SHARE * STORED:
        return None
    return rows, box


def _view(rng: np.random.Generator | None, size: int, box: np.ndarray = _WHOLE) -> tuple[np.ndarray, float]:
    """(2, 3) affine from stored drawing to crop around ``box``, and its turn in radians; None is the nominal crop."""
    zoom, angle, shift = _ZOOM, 0.0, np.zeros(2)
    if rng is not None:
        zoom *= float(np.exp(rng.normal(0, 0.11)))
        angle = float(np.radians(rng.normal(0, 9)))
        shift = rng.normal(0, 0.035, 2) * size
    scale = zoom * size * BOX_SHARE / float((box[2:] - box[:2]).max())
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = (box[:2] + box[2:]) / 2 - 0.5
    offset = np.full(2, (size - 1) / 2) + shift - turn @ centre
    return np.concatenate([turn, offset[:, None]], 1), angle


def _inked(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Thicker or thinner lines, another contrast, noise, blur, a torn-out patch, a negative."""
    if rng.random() < 0.2:
        grow = cv2.erode if rng.random() < 0.7 else cv2.dilate
        image = grow(image, np.ones((2, 2) if rng.random() < 0.6 else (3, 3), np.uint8))
    page = image.astype(np.float32) / 255
    if rng.random() < 0.5:
        page = np.clip(page, 0, 1) ** float(np.exp(rng.normal(0, 0.4)))
    if rng.random() < 0.2:
        page = page + rng.normal(0, rng.uniform(0.01, 0.12), page.shape).astype(np.float32)
    if rng.random() < 0.12:
        page = cv2.GaussianBlur(page, (0, 0), rng.uniform(0.5, 1.3))
    if rng.random() < 0.15:
        x, y = rng.integers(20, STORED - 50, 2)
        w, h = rng.integers(8, 34, 2)
        page[y : y + h, x : x + w] = page[0, 0] if rng.random() < 0.7 else rng.random()
    if rng.random() < 0.03:
        page = 1 - page
    return page


def make_batch(
    shards: Shards,
    indices: np.ndarray,
    size: int,
    rng: np.random.Generator | None = None,
    parts: float = 0.1,
) -> Batch:
    """Read drawings and crop them to ``size`` pixels; ``rng`` None gives the nominal crop, unchanged.

    Of the upright figures a share of ``parts`` is cut off at the waist, the chest or the hips.
    """
    rows = []
    for index in indices:
        record = shards.get(int(index))
        image, keypoints, directions = record["image"], record["keypoints"], record["directions"].copy()
        flags, lengths = record["flags"], record["lengths"]
        page = image.astype(np.float32) / 255 if rng is None else _inked(rng, image)
        part = _part(rng, keypoints) if rng is not None and rng.random() < parts else None
        if part is None:
            affine, angle = _view(rng, size)
        else:
            kept, box = part
            tone = float(np.median(page[:, 0]))
            page[: kept.start], page[kept.stop :] = tone, tone
            flags = np.where(
                (keypoints[:, 1] < kept.start) | (keypoints[:, 1] >= kept.stop), Flag.OUTSIDE, flags
            )
            affine, angle = _view(rng, size, box)
        sampling = cv2.INTER_AREA if rng is None else cv2.INTER_LINEAR
        crop = cv2.warpAffine(page, affine, (size, size), flags=sampling, borderMode=cv2.BORDER_REPLICATE)
        keypoints = keypoints @ affine[:, :2].T + affine[:, 2]
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        directions[:, :2] = directions[:, :2] @ turn.T
        if rng is not None and rng.random() < 0.5:
            crop = crop[:, ::-1]
            keypoints = keypoints[_KEYPOINT_MIRROR] * (-1, 1) + (size - 1, 0)
            directions = directions[_BONE_MIRROR] * _FLIP_X
            lengths, flags = lengths[_BONE_MIRROR], flags[_KEYPOINT_MIRROR]
        drawn = flags != Flag.OUTSIDE
        inside = ((keypoints >= 0) & (keypoints <= size - 1)).all(1) & drawn
        bones = drawn[1:] | drawn[_PARENTS]
        rows.append(
            (
                standardised(crop)[None],
                keypoints,
                directions,
                lengths,
                record["betas"],
                flags == Flag.VISIBLE,
                drawn,
                inside,
                bones,
                record["facing"],
                record["style"],
            )
        )
    columns = {
        field.name: np.stack(column)
        for field, column in zip(fields(Batch), zip(*rows, strict=True), strict=True)
    }
    kept = ("facing", "style")
    return Batch(**{k: v if k in kept else v.astype(np.float32) for k, v in columns.items()})
