"""Figures to train on: shards of plain arrays that are drawn from their seed. drawings.py reads them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from backend.api import N_BETAS
from backend.keypoints import BONE_LENGTHS, LONG_BONE
from backend.kinematics import bone_lengths
from backend.skeleton import N_BONES, N_KEYPOINTS

from ..dataset.validation_set import COUNT, draw_entry
from ..drawing.anatomy import load_anatomy
from ..drawing.machine import RECIPE, DrawingMachine
from ..drawing.record import Drawing, DrawnFigure, Flag
from ..drawing.styles import STYLES
from ..poses.bank import PoseBank

#: Figures in one shard.
SHARD = 1024

#: Drawings of training have seeds from here on.
FIRST_SEED = 1_000_000

#: Side of a stored crop, pixels: larger than the network's input, so that crops can vary.
STORED = 232

#: Share of the stored crop that the longer side of the figure's box takes.
BOX_SHARE = 0.8

#: A page gives at most this many figures: those of one page are in one manner, with one pen.
MOST_FIGURES = 3

#: Least longer side of the box, pixels of the page, and least share of keypoints seen, of all but the largest one.
_LEAST_SIDE, _LEAST_SEEN = 88.0, 0.45

#: The arrays of a shard by name: shape of a row and dtype.
ARRAYS = {
    "image": ((STORED, STORED), np.uint8),
    "keypoints": ((N_KEYPOINTS, 2), np.float32),
    "directions": ((N_BONES, 3), np.float32),
    "lengths": ((N_BONES,), np.float32),
    "betas": ((N_BETAS,), np.float32),
    "flags": ((N_KEYPOINTS,), np.uint8),
    "facing": ((), np.float32),
    "style": ((), np.uint8),
}


def state_folder() -> Path:
    """Where training keeps data and full checkpoints: $SKETCH2POSE_STATE or ~/.cache/sketch2pose."""
    return Path(os.environ.get("SKETCH2POSE_STATE", Path.home() / ".cache" / "sketch2pose"))


def drawings_folder() -> Path:
    """Where the drawings of the present recipe and size lie."""
    return state_folder() / "drawings" / f"recipe{RECIPE}_{STORED}px"


def proportions_of(keypoints3d: np.ndarray) -> np.ndarray:
    """(..., 30, 3) keypoints in space -> (..., 29) logarithms of bone lengths over an adult's.

    Less their mean over the long bones, so that the figure's size does not count.
    """
    logs = np.log(np.maximum(bone_lengths(keypoints3d), 1e-3) / BONE_LENGTHS)
    return logs - logs[..., BONE_LENGTHS > LONG_BONE].mean(-1, keepdims=True)


def figures_to_learn(drawing: Drawing) -> list[DrawnFigure]:
    """The largest figure of a page and, the larger first, others that are large and bare enough."""
    largest, *others = sorted(drawing.figures, key=lambda figure: -_side(figure))
    enough = [
        figure
        for figure in others
        if _side(figure) >= _LEAST_SIDE and (figure.flags == Flag.VISIBLE).mean() >= _LEAST_SEEN
    ]
    return [largest, *enough][:MOST_FIGURES]


def _side(figure: DrawnFigure) -> float:
    return float((figure.box[2:] - figure.box[:2]).max())


def cut_out(drawing: Drawing, figure: DrawnFigure) -> dict[str, np.ndarray | float]:
    """A figure of a page, cut out by its box, as the arrays of a shard's row.

    What lies off the page gets the tone of the page's border, as in backend.keypoints.crop_figure.
    """
    low, high = figure.box[:2], figure.box[2:]
    scale = BOX_SHARE * STORED / max(float((high - low).max()), 8.0)
    offset = STORED / 2 - scale * (low + high) / 2
    page = drawing.image
    border = np.median(np.concatenate([page[0], page[-1], page[:, 0], page[:, -1]]))
    # Pixel centres lie at + 1/2 in both pictures.
    shift = offset + 0.5 * scale - 0.5
    affine = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    if scale < 1:
        page = cv2.GaussianBlur(page, (0, 0), 0.4 / scale)
    image = cv2.warpAffine(
        page, affine, (STORED, STORED), flags=cv2.INTER_LINEAR, borderValue=(float(border),)
    )
    return {
        "image": image,
        "keypoints": figure.keypoints * scale + shift,
        "directions": figure.directions,
        "lengths": proportions_of(figure.keypoints3d),
        "betas": figure.betas,
        "flags": figure.flags,
        "facing": figure.facing,
        "style": [style.name for style in STYLES].index(drawing.style),
    }


def write_shard(folder: Path, index: int, draw: Callable[[int], Drawing], seed: int) -> None:
    """Draw shard ``index``: figures of the pages that ``draw`` makes of ``seed + index * SHARD`` and on.

    It appears whole or not at all. As a page has at least one figure, no two shards share a page.
    """
    unfinished = folder / f"{index:05d}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    arrays = {name: np.empty((SHARD, *shape), dtype) for name, (shape, dtype) in ARRAYS.items()}
    pages = (draw(seed + index * SHARD + k) for k in range(SHARD))
    rows = (cut_out(page, figure) for page in pages for figure in figures_to_learn(page))
    for row, values in enumerate(islice(rows, SHARD)):
        for name, array in arrays.items():
            array[row] = values[name]
    for name, array in arrays.items():
        np.save(unfinished / f"{name}.npy", array)
    unfinished.rename(folder / f"{index:05d}")


#: A shard that is to be drawn: the part of the set that it belongs to, and its number there.
Job = tuple[str, int]

#: The parts for validation and whether they are drawn in the styles that training never sees. Poses, cameras and
#: seeds are the same, those of the fixed validation set.
_VALIDATION = {"validation": False, "validation_held_out": True}


def jobs_of(drawings: int) -> list[Job]:
    """What a training on at least so many drawings needs, what validates it among the first."""
    shards = -(-drawings // SHARD)
    validation = [(part, index) for part in _VALIDATION for index in range(COUNT // SHARD)]
    return [("train", 0), *validation, *(("train", index) for index in range(1, shards))]


def draw_shards(folder: Path, jobs: Iterable[Job], poses: Path) -> None:
    """Draw those of the shards that are not there yet, one after the other, into folders named by their parts."""
    cv2.setNumThreads(1)  # its threads would be as many for each process that draws
    machine: DrawingMachine | None = None
    held_out = [style for style in STYLES if style.held_out]
    for part, index in jobs:
        if (folder / part / f"{index:05d}").exists():
            continue
        machine = machine or DrawingMachine(PoseBank.load(poses), load_anatomy())
        if part == "train":
            write_shard(folder / part, index, machine.draw, FIRST_SEED)
        else:
            styles = held_out if _VALIDATION[part] else []
            write_shard(folder / part, index, partial(draw_entry, machine, style=styles), 0)
