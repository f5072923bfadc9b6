"""From a page and boxes to detected figures: crop, run the network, choose among the peaks of its heatmaps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol

import numpy as np
from PIL import Image

from .skeleton import BONE_MIRROR, KEYPOINT_MIRROR, KEYPOINT_PARENTS

#: Side of the network's input, pixels.
CROP_SIZE = 192

#: Side of the square crop, in longer sides of the figure's box: training leaves the same margin.
CROP_MARGIN = 1.06

#: The same of figures that are cut off or lack limbs, which are read again: at least so many of their keypoints are
#: likelier no part of what is drawn. Measured on bust, waist-up and legs-only drawings, 1.06 to 1.75.
PART_MARGIN = 1.5
PART_LACKS = 10

#: From so many page pixels a crop pixel on a page is finer than any that the network learned from: it is softened.
FINE_PAGE = 1.6

#: How many peaks of a heatmap are weighed against each other, and the least probability of a weaker one.
PEAKS = 6
LEAST_PEAK = 0.02
#: A bone may be drawn so many times as long as an adult's; what is beyond has an expected error, in lengths of
#: the bone (short ones count as longer). A bone that does not fit costs at most so much, in the unit of
#: -log(probability).
BONE_STRETCH = 1.2
BONE_ERROR = 0.5
MOST_BONE_COST = 9.0
#: Deviations, crop pixels: of a keypoint of which its heatmap is sure from where that has it, and of a bone's end from
#: where the bone's direction and length have it.
PEAK_PLAY = 3.0
BONE_PLAY = 10.0
#: No heatmap is held to be less sure than so.
_LEAST_SURE = 0.1

#: Lengths of the 29 bones of an adult, metres: those of the body that ships.
BONE_LENGTHS = np.array([
        0.102, 0.102, 0.108, 0.415, 0.415, 0.113, 0.431, 0.431, 0.128, 0.161,
        0.161, 0.189, 0.169, 0.169, 0.053, 0.128, 0.128, 0.271, 0.271, 0.242,
        0.242, 0.105, 0.105, 0.155, 0.207, 0.063, 0.063, 0.099, 0.099,
])  # fmt: skip
#: A bone longer than this tells the figure's scale, metres.
LONG_BONE = 0.15
#: Crop pixels a metre: no figure in a crop is taller than 2.5 m.
_LEAST_SCALE = CROP_SIZE / CROP_MARGIN / 2.5

#: Half width of the window around a heatmap's peak that refines it below a cell, cells.
_WINDOW = 2


@dataclass(frozen=True, eq=False)
class NetworkOutput:
    """What the keypoint network says of N crops.

    Attributes:
        heatmaps: (N, 30, H, H) float32 logits over the crop's cells.
        directions: (N, 29, 3) float32 unit bone directions, camera frame.
        visibility: (N, 30) float32 logits of being drawn and not hidden.
        presence: (N, 30) float32 logits of being part of what is drawn, be it hidden; None of a network that does
            not tell.
        betas: (N, 10) float32 shape coefficients of the body that ships, or None.
        lengths: (N, 29) float32 logarithms of bone lengths in space over an adult's, less their mean over the
            long bones, or None.
        exchanged: (N,) float32 logits of the other reading being true, see :func:`exchanged`; None of a network that
            is always sure.
    """

    heatmaps: np.ndarray
    directions: np.ndarray
    visibility: np.ndarray
    presence: np.ndarray | None = None
    betas: np.ndarray | None = None
    lengths: np.ndarray | None = None
    exchanged: np.ndarray | None = None

    def changed(self, change: Callable[[str, np.ndarray], np.ndarray]) -> NetworkOutput:
        """Every output that the network tells, put through ``change(name, values)``."""
        told = ((field.name, getattr(self, field.name)) for field in fields(self))
        return NetworkOutput(**{name: change(name, values) for name, values in told if values is not None})

    @classmethod
    def of(cls, outputs: Mapping[str, np.ndarray]) -> NetworkOutput:
        """From a network's outputs by name; a network may have more than are read here."""
        return cls(**{field.name: outputs[field.name] for field in fields(cls) if field.name in outputs})


class Engine(Protocol):
    """Whatever runs the networks: the ONNX engine, the torch engine, a fake in a test."""

    name: str
    device: str
    weights_id: str

    def predict(self, crops: np.ndarray) -> NetworkOutput:
        """Run the keypoint network on (N, 192, 192) float32 standardised crops."""
        ...


@dataclass(frozen=True, eq=False)
class Crop:
    """A square part of a page at the network's size.

    Attributes:
        pixels: (192, 192) float32, mean 0, deviation 1.
        scale: page pixels per crop pixel.
        origin: (2,) page position of the crop's corner, pixels.
    """

    pixels: np.ndarray
    scale: float
    origin: np.ndarray

    def to_page(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) crop pixels -> page pixels; both count from pixel centres."""
        return (points + 0.5) * self.scale + self.origin - 0.5


@dataclass(frozen=True, eq=False)
class Detection:
    """A figure as the network reads it.

    Attributes:
        keypoints: (30, 2) float32 page pixels.
        scores: (30,) float32 confidence of the place, 0..1.
        visible: (30,) float32 probability of being drawn and not hidden, 0..1.
        directions: (29, 3) float32 unit bone directions, camera frame.
        sides: probability, 0..1, that left and right are not the other way round.
        present: (30,) float32 probability of being part of what is drawn, 0..1; the others lie beyond the page's
            edge or on limbs that were left out. None where the network does not tell.
        lengths: (29,) float32 bone lengths in space over an adult's, whatever the figure's size, or None.
        betas: (10,) float32 shape coefficients of the body that ships, or None.
    """

    keypoints: np.ndarray
    scores: np.ndarray
    visible: np.ndarray
    directions: np.ndarray
    sides: float = 1.0
    present: np.ndarray | None = None
    lengths: np.ndarray | None = None
    betas: np.ndarray | None = None

    def other_way_round(self) -> Detection:
        """The figure read with left and right exchanged, facing the other way: the same lines on the paper."""
        return Detection(
            self.keypoints[list(KEYPOINT_MIRROR)],
            self.scores[list(KEYPOINT_MIRROR)],
            self.visible[list(KEYPOINT_MIRROR)],
            self.directions[list(BONE_MIRROR)] * np.array([1, 1, -1], np.float32),
            1 - self.sides,
            None if self.present is None else self.present[list(KEYPOINT_MIRROR)],
            None if self.lengths is None else self.lengths[list(BONE_MIRROR)],
            self.betas,
        )


def crop_figure(gray: np.ndarray, box: Sequence[float] | np.ndarray, margin: float = CROP_MARGIN) -> Crop:
    """Cut a figure out, square, with a margin; what lies off the page gets the tone of the page's border.

    Training's drawings have little more pixels than a crop. Lines from a finer page would be sharper than any of
    theirs, so it is softened by a pixel.

    Args:
        gray: (H, W) float32, 0 black to 1 white.
        box: x0, y0, x1, y1, page pixels.
        margin: side of the crop, in longer sides of the box.
    """
    x0, y0, x1, y1 = (float(v) for v in box)
    side = max(x1 - x0, y1 - y0, 2.0) * margin
    centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    origin = centre - side / 2
    height, width = gray.shape
    left, top = (int(np.floor(v)) for v in origin)
    right, bottom = (int(np.ceil(v)) for v in origin + side)
    part = gray[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
    border = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    page = np.full((bottom - top, right - left), np.median(border), np.float32)
    page[max(-top, 0) : max(-top, 0) + part.shape[0], max(-left, 0) : max(-left, 0) + part.shape[1]] = part
    inner = (origin[0] - left, origin[1] - top, origin[0] - left + side, origin[1] - top + side)
    inner = tuple(np.clip(inner, 0, [page.shape[1], page.shape[0]] * 2))
    pixels = np.asarray(
        Image.fromarray(page).resize((CROP_SIZE, CROP_SIZE), Image.Resampling.BILINEAR, box=inner)
    )
    if side / CROP_SIZE > FINE_PAGE:
        pixels = _softened(pixels)
    pixels = (pixels - pixels.mean()) / (pixels.std() + 1e-3)
    return Crop(pixels.astype(np.float32), side / CROP_SIZE, origin)


def _softened(pixels: np.ndarray) -> np.ndarray:
    """(H, W) pixels under a binomial filter of five by five, whose deviation is one pixel."""
    for _ in range(2):
        padded = np.pad(pixels, 1, mode="edge")
        rows = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
        pixels = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 4
    return pixels


def find_peaks(heatmaps: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The highest peaks of each heatmap, each refined to the mean of the probability around it.

    Args:
        heatmaps: (N, K, H, H) float32 logits.
        count: how many peaks, C.

    Returns:
        places (N, K, C, 2) float32, crop pixels, and masses (N, K, C) float32: the probability within the
        window around the peak that no higher peak has taken, 0..1. The highest come first.
    """
    n, k, side, _ = heatmaps.shape
    flat = heatmaps.reshape(n * k, side, side)
    flat = np.exp(flat - flat.max((1, 2), keepdims=True))
    flat /= flat.sum((1, 2), keepdims=True)
    left = np.pad(flat, ((0, 0), (_WINDOW, _WINDOW), (_WINDOW, _WINDOW)))
    inner = left[:, _WINDOW:-_WINDOW, _WINDOW:-_WINDOW]
    offsets = np.arange(-_WINDOW, _WINDOW + 1)
    cell = CROP_SIZE / side
    places, masses = np.empty((n * k, count, 2), np.float32), np.empty((n * k, count), np.float32)
    for peak in range(count):
        rows, columns = np.divmod(inner.reshape(n * k, -1).argmax(1), side)
        around = (
            np.arange(n * k)[:, None, None],
            (rows[:, None] + offsets + _WINDOW)[:, :, None],
            (columns[:, None] + offsets + _WINDOW)[:, None, :],
        )
        window = left[around]
        mass = window.sum((1, 2))
        share = np.maximum(mass, 1e-12)
        x = columns + (window.sum(1) @ offsets) / share
        y = rows + (window.sum(2) @ offsets) / share
        places[:, peak] = (np.stack([x, y], -1) + 0.5) * cell - 0.5
        masses[:, peak] = mass
        left[around] = 0
    return places.reshape(n, k, count, 2), masses.reshape(n, k, count)


def decode_heatmaps(heatmaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The highest peak of each heatmap, whatever the others say.

    Args:
        heatmaps: (N, K, H, H) float32 logits.

    Returns:
        places (N, K, 2) float32, crop pixels, and scores (N, K) float32, 0..1.
    """
    places, masses = find_peaks(heatmaps, 1)
    return places[:, :, 0], masses[:, :, 0]


def agreeing_peaks(
    places: np.ndarray, masses: np.ndarray, directions: np.ndarray, lengths: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Of every keypoint's peaks the one with which the whole skeleton agrees best.

    A bone seen from anywhere is drawn at most as long as it is, so peaks that tear a bone far beyond an
    adult's proportions speak against each other: a hand does not leave its arm because the heatmap is a
    little stronger at the other hand. A bone that does not fit costs only so much: where the drawing is
    clear, it counts, whatever the figure's proportions. The best choice is found exactly, from the tips to
    the pelvis.

    Args:
        places: (N, 30, C, 2) crop pixels, highest first, of find_peaks.
        masses: (N, 30, C) their probabilities.
        directions: (N, 29, 3) unit bone directions, camera frame; with them the long bones tell the scale.
        lengths: (N, 29) logarithms of the bones' lengths over an adult's, or None for an adult's.

    Returns:
        places (N, 30, 2) float32, crop pixels, and scores (N, 30) float32, 0..1.

    Source: Felzenszwalb and Huttenlocher, "Pictorial structures for object recognition", 2005.
    """
    figures = np.arange(len(places))
    scale = _scale(places[:, :, 0], directions, lengths)
    longest = BONE_STRETCH * scale * BONE_LENGTHS
    error = BONE_ERROR * scale * np.hypot(BONE_LENGTHS, 0.1)

    cost = -np.log(np.maximum(masses, 1e-12)).astype(np.float64)
    cost[:, :, 1:][masses[:, :, 1:] < LEAST_PEAK] = np.inf
    best = np.empty(places.shape[:3], np.int64)  # of a keypoint, for each peak of its parent
    for keypoint in range(len(KEYPOINT_PARENTS) - 1, 0, -1):
        parent, bone = KEYPOINT_PARENTS[keypoint], keypoint - 1
        bones = places[:, keypoint, None] - places[:, parent, :, None]
        beyond = np.maximum(np.linalg.norm(bones, axis=-1) - longest[:, bone, None, None], 0)
        total = np.minimum((beyond / error[:, bone, None, None]) ** 2, MOST_BONE_COST)
        total = total + cost[:, keypoint, None]
        best[:, keypoint] = total.argmin(2)
        cost[:, parent] += total.min(2)
    chosen = np.empty(places.shape[:2], np.int64)
    chosen[:, 0] = cost[:, 0].argmin(1)
    for keypoint in range(1, len(KEYPOINT_PARENTS)):
        chosen[:, keypoint] = best[figures, keypoint, chosen[:, KEYPOINT_PARENTS[keypoint]]]
    pick = (figures[:, None], np.arange(places.shape[1]), chosen)
    return places[pick], masses[pick]


def settled(
    places: np.ndarray, scores: np.ndarray, directions: np.ndarray, lengths: np.ndarray | None = None
) -> np.ndarray:
    """Keypoints, each between where its heatmap has it and where its bones have it, by how sure the heatmap is.

    A hand that the drawing hides or blurs goes where the network's own bone directions put it; one that is plain to
    see stays. Every keypoint and every bone is a spring; this is where they rest.

    Args:
        places: (N, 30, 2) crop pixels, of agreeing_peaks.
        scores: (N, 30) their probabilities.
        directions: (N, 29, 3) unit bone directions, camera frame.
        lengths: (N, 29) logarithms of the bones' lengths over an adult's, or None for an adult's.

    Returns:
        (N, 30, 2) float32, crop pixels.
    """
    parents = list(KEYPOINT_PARENTS[1:])
    meant = (_scale(places, directions, lengths) * _lengths(lengths))[..., None] * directions[..., :2]
    play = (PEAK_PLAY / np.clip(scores, _LEAST_SURE, 1).astype(np.float64)) ** 2
    error = np.square(places[:, 1:] - places[:, parents] - meant).sum(-1)
    likely = 9 * (BONE_PLAY**2 + play[:, 1:] + play[:, parents])
    # A bone that is much too far from where both its ends are seen is wrong, and lets go (Geman and McClure, 1987).
    stiffness = 1 / (BONE_PLAY * (1 + error / likely)) ** 2
    # From the tips to the pelvis each keypoint hands on what it and all beyond it say, then the answer goes back.
    weight, pull = 1 / play, places / play[..., None]
    for k in range(len(KEYPOINT_PARENTS) - 1, 0, -1):
        parent, stiff = KEYPOINT_PARENTS[k], stiffness[:, k - 1]
        said = weight[:, k] * stiff / (weight[:, k] + stiff)
        pull[:, parent] += said[:, None] * (pull[:, k] / weight[:, k, None] - meant[:, k - 1])
        weight[:, parent] += said
    rest = np.empty(places.shape)
    rest[:, 0] = pull[:, 0] / weight[:, 0, None]
    for k in range(1, len(KEYPOINT_PARENTS)):
        stiff = stiffness[:, k - 1, None]
        led = rest[:, KEYPOINT_PARENTS[k]] + meant[:, k - 1]
        rest[:, k] = (pull[:, k] + stiff * led) / (weight[:, k, None] + stiff)
    return rest.astype(np.float32)


def _scale(places: np.ndarray, directions: np.ndarray, lengths: np.ndarray | None) -> np.ndarray:
    """(N, 1) crop pixels a metre, by the long bones of (N, 30, 2) keypoints."""
    drawn = np.linalg.norm(places[:, 1:] - places[:, list(KEYPOINT_PARENTS[1:])], axis=-1)
    seen = _lengths(lengths) * np.maximum(np.linalg.norm(directions[..., :2], axis=-1), 0.3)
    scale = np.median((drawn / seen)[:, BONE_LENGTHS > LONG_BONE], axis=1)
    return np.maximum(scale, _LEAST_SCALE)[:, None]


def _lengths(logarithms: np.ndarray | None) -> np.ndarray:
    """Lengths of bones, metres, from their (N, 29) logarithms over an adult's."""
    return BONE_LENGTHS if logarithms is None else BONE_LENGTHS * np.exp(logarithms)


def read_keypoints(output: NetworkOutput) -> tuple[np.ndarray, np.ndarray]:
    """The keypoints of N crops: (N, 30, 2) float32 crop pixels and (N, 30) float32 scores, 0..1."""
    bones = output.directions, output.lengths
    places, scores = agreeing_peaks(*find_peaks(output.heatmaps, PEAKS), *bones)
    return settled(places, scores, *bones), scores


def mirrored(output: NetworkOutput) -> NetworkOutput:
    """The output for mirrored crops, told for the crops themselves: places flipped, left and right exchanged."""
    flipped = _sides_exchanged(output, (-1, 1, 1))
    return replace(flipped, heatmaps=flipped.heatmaps[..., ::-1])


def exchanged(output: NetworkOutput) -> NetworkOutput:
    """The other reading of the same crops: left and right exchanged, facing the other way."""
    other = _sides_exchanged(output, (1, 1, -1))
    return other if other.exchanged is None else replace(other, exchanged=-other.exchanged)


def _sides_exchanged(output: NetworkOutput, signs: tuple[int, int, int]) -> NetworkOutput:
    """Left and right exchanged, and the bones' directions multiplied by ``signs``, those of x, y and z."""
    keypoints, bones = list(KEYPOINT_MIRROR), list(BONE_MIRROR)
    changes = {
        "heatmaps": lambda heatmaps: heatmaps[:, keypoints],
        "directions": lambda directions: directions[:, bones] * np.array(signs, np.float32),
        "visibility": lambda logits: logits[:, keypoints],
        "presence": lambda logits: logits[:, keypoints],
        "lengths": lambda lengths: lengths[:, bones],
    }
    return output.changed(lambda name, values: changes[name](values) if name in changes else values)


def _exchanged_where(output: NetworkOutput, which: np.ndarray) -> NetworkOutput:
    """The other reading of those of the N crops for which ``which``, (N,) bool, is true."""
    if not which.any():
        return output
    other = exchanged(output)

    def chosen(name: str, values: np.ndarray) -> np.ndarray:
        return np.where(which.reshape(-1, *(1,) * (values.ndim - 1)), getattr(other, name), values)

    return output.changed(chosen)


def likelier_reading(output: NetworkOutput) -> NetworkOutput:
    """Of each crop's two readings the one that the network holds to be likelier."""
    return output if output.exchanged is None else _exchanged_where(output, output.exchanged > 0)


def predict_both_ways(engine: Engine, crops: np.ndarray) -> NetworkOutput:
    """Mean of the network's view of each crop and of its mirror image, (N, 192, 192) -> output.

    Where the two are read differently, one as seen from the front and one from behind, the second view is exchanged.
    """
    count = len(crops)
    both = engine.predict(np.concatenate([crops, crops[:, :, ::-1]]))
    first = both.changed(lambda _, values: values[:count])
    second = mirrored(both.changed(lambda _, values: values[count:]))
    if both.exchanged is not None:
        straight, crossed = (
            (first.directions * view.directions).sum((1, 2)) for view in (second, exchanged(second))
        )
        second = _exchanged_where(second, crossed > straight)
    mean = first.changed(lambda name, values: (values + getattr(second, name)) / 2)
    length = np.linalg.norm(mean.directions, axis=-1, keepdims=True)
    return replace(mean, directions=mean.directions / np.maximum(length, 1e-6))


def _probability(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def detect(
    engine: Engine,
    gray: np.ndarray,
    boxes: Sequence[Sequence[float]] | np.ndarray,
    margin: float = CROP_MARGIN,
) -> list[Detection]:
    """Read the figures in the boxes of one page.

    Args:
        engine: what runs the network.
        gray: (H, W) float32 page, 0 black to 1 white.
        boxes: (N, 4) x0, y0, x1, y1, page pixels.
        margin: side of a crop, in longer sides of its box.

    Returns:
        One detection a box, in page pixels.
    """
    if not len(boxes):
        return []
    crops = [crop_figure(gray, box, margin) for box in boxes]
    output = likelier_reading(predict_both_ways(engine, np.stack([crop.pixels for crop in crops])))
    places, scores = read_keypoints(output)
    sides = np.ones(len(crops)) if output.exchanged is None else _probability(-output.exchanged)
    visible = _probability(output.visibility)
    present = None if output.presence is None else _probability(output.presence)
    return [
        Detection(
            crop.to_page(places[i]).astype(np.float32),
            scores[i],
            visible[i],
            output.directions[i],
            float(sides[i]),
            None if present is None else present[i],
            None if output.lengths is None else np.exp(output.lengths[i]),
            None if output.betas is None else output.betas[i],
        )
        for i, crop in enumerate(crops)
    ]


def detect_parts(
    engine: Engine, gray: np.ndarray, boxes: np.ndarray, detections: Sequence[Detection]
) -> list[Detection]:
    """The detections, those of partial figures read again with more paper around: what is missing lies there.

    Args:
        engine: what runs the network.
        gray: (H, W) float32 page, 0 black to 1 white.
        boxes: (N, 4) of the detections, page pixels.
        detections: of :func:`detect`.
    """
    lacking = [d.present is not None and int((d.present < 0.5).sum()) >= PART_LACKS for d in detections]
    again = iter(detect(engine, gray, boxes[lacking], PART_MARGIN))
    return [next(again) if lacks else d for d, lacks in zip(detections, lacking, strict=True)]
