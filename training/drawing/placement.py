"""Where a figure stands on the page, and how much of it is in the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backend.skeleton import keypoint_index

from .chance import pick

#: Side of the square page that styles draw on, pixels.
CANVAS = 256

_HEAD_TOP, _NECK, _CHEST = (keypoint_index(n) for n in ("head_top", "neck", "spine2"))
_HIPS = [keypoint_index(n) for n in ("left_hip", "right_hip")]
_KNEES = [keypoint_index(n) for n in ("left_knee", "right_knee")]

#: Kinds of poses (training/poses/strata.py) that people draw a part of: who is upright. Any pose is drawn whole.
UPRIGHT_KINDS = ("kneeling", "sitting", "climbing", "balance", "reaching", "touching", "stride", "standing")

#: Cosine of the trunk's lean in the picture; who leans more than this is not cut off at the waist.
_UPRIGHT = 0.8


#: Share of the pages that are wanted to show a part of a figure; of some it turns out that they show it whole.
_PARTIAL = 0.22


@dataclass(frozen=True)
class Fit:
    """The page coordinates of a figure: pixel = scale * projected metres + offset.

    Attributes:
        scale: pixels a metre.
        offset: (2,) pixels.
        part: "whole", "waist_up", "bust" or "legs".
        top: page row, pixels, above which nothing of the figure is drawn.
        bottom: page row below which nothing is drawn.
    """

    scale: float
    offset: np.ndarray
    part: str = "whole"
    top: float = -np.inf
    bottom: float = np.inf


@dataclass(frozen=True)
class Placement:
    """A wish for a figure's place.

    Attributes:
        centre: (x, y) pixels of the middle of what is drawn.
        extent: pixels of its longer side; of its height where the figure is cut off.
        part: "whole", "waist_up", "bust" or "legs". A figure whose trunk is not upright in the picture, or
            of whose legs the thighs are not, is placed whole all the same.
        cut: for partial figures, where along the thigh (spine for busts) the figure ends, 0..1.
        faded: True where a partial figure ends within the page, False where the edge of the page cuts it.
    """

    centre: tuple[float, float] = (CANVAS / 2, CANVAS / 2)
    extent: float = 0.73 * CANVAS
    part: str = "whole"
    cut: float = 0.3
    faded: bool = False

    def fit(self, box: np.ndarray, keypoints: np.ndarray) -> Fit:
        """Place a figure by the (2, 2) corners of its box and its (30, 2) keypoints, projected metres, y down."""
        low, high = box
        if self.part == "whole" or not _upright(keypoints, thighs=self.part == "legs"):
            scale = self.extent / float(max(high - low))
            return Fit(scale, np.array(self.centre) - scale * (low + high) / 2)
        hips, knees = keypoints[_HIPS].mean(0)[1], keypoints[_KNEES].mean(0)[1]
        thigh = hips + self.cut * max(knees - hips, 0.1)
        if self.part == "legs":
            top, bottom = hips - 0.3 * self.cut * abs(knees - hips), float(high[1])
        else:
            chest = keypoints[_CHEST, 1]
            top, bottom = (
                float(low[1]),
                thigh if self.part == "waist_up" else chest + self.cut * (hips - chest),
            )
        scale = self.extent / max(bottom - top, 0.15)
        middle = keypoints[[_NECK, *_HIPS]].mean(0)[0]
        offset = np.array([self.centre[0] - scale * middle, self.centre[1] - scale * (top + bottom) / 2])
        if not self.faded:  # the edge of the page is the cut
            offset[1] = -scale * top if self.part == "legs" else CANVAS - scale * bottom
            return Fit(scale, offset, self.part)
        if self.part == "legs":
            return Fit(scale, offset, self.part, top=scale * top + offset[1])
        return Fit(scale, offset, self.part, bottom=scale * bottom + offset[1])


def _upright(keypoints: np.ndarray, thighs: bool) -> bool:
    spine = keypoints[_HIPS].mean(0) - keypoints[_HEAD_TOP]
    length = max(float(np.hypot(*spine)), 1e-6)
    down = keypoints[_KNEES].mean(0)[1] - keypoints[_HIPS].mean(0)[1]
    return bool(spine[1] > _UPRIGHT * length and spine[1] > 0.4 and (down > 0.15 or not thighs))


def sample_placements(rng: np.random.Generator) -> list[Placement]:
    """The figures of one page, the farthest first: mostly one, whole; sometimes a part, sometimes up to six."""
    kind = rng.random()
    if kind < 0.10:
        return _group(rng, int(rng.integers(2, 7)))
    if kind < 0.15:  # a neighbour that stands in the way or looks over a shoulder
        main, other = _alone(rng), _group(rng, 2)[int(rng.integers(2))]
        return [other, main] if rng.random() < 0.6 else [main, other]
    if kind < 0.15 + _PARTIAL:
        part = str(pick(rng, ["waist_up", "bust", "legs"], [0.5, 0.28, 0.22]))
        extent = CANVAS * rng.uniform(0.7, 0.98)
        middle = CANVAS / 2 + rng.normal(0, 12)
        return [
            Placement((middle, CANVAS / 2), extent, part, float(rng.uniform(-0.1, 0.6)), rng.random() < 0.35)
        ]
    return [_alone(rng)]


def _alone(rng: np.random.Generator) -> Placement:
    extent = CANVAS * (rng.uniform(0.62, 0.9) if rng.random() < 0.85 else rng.uniform(0.4, 0.62))
    room = (CANVAS - extent) / 2
    centre = CANVAS / 2 + rng.uniform(-0.8, 0.8, 2) * room
    return Placement((float(centre[0]), float(centre[1])), extent)


def _group(rng: np.random.Generator, count: int) -> list[Placement]:
    """Side by side in one or two rows, with some overlap."""
    rows = 1 if count == 2 or (count == 3 and rng.random() < 0.6) else 2
    columns = -(-count // rows)
    wide, high = CANVAS / columns, CANVAS / rows
    cells = [(k % columns, k // columns) for k in range(count)]
    placed = []
    for column, row in cells:
        extent = min(1.9 * wide, high) * rng.uniform(0.72, 0.95)
        x = wide * (column + 0.5) + rng.normal(0, 0.06) * wide
        y = high * (row + 0.5) + rng.normal(0, 0.03) * high
        placed.append(Placement((float(x), float(y)), float(extent)))
    return [placed[k] for k in rng.permutation(count)]
