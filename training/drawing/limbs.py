"""The figure as a few 2D limbs in drawing order: what the styles without a mesh draw from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backend.skeleton import keypoint_index

from .figure import Figure
from .pen import ellipse

_LIMBS = {
    "arm": ("shoulder", "elbow", "wrist", "hand"),
    "leg": ("hip", "knee", "ankle", "toe"),
}


@dataclass(frozen=True, eq=False)
class Limb:
    """An arm or a leg.

    Attributes:
        kind: "arm" or "leg".
        side: "left" or "right".
        points: (4, 2) pixels: shoulder, elbow, wrist, hand or hip, knee, ankle, toe.
        depth: of its lower half, which is what overlaps other limbs: metres beyond the pelvis.
    """

    kind: str
    side: str
    points: np.ndarray
    depth: float


def limbs(figure: Figure) -> list[Limb]:
    """Both arms and both legs, the farthest first."""
    found = []
    for kind, names in _LIMBS.items():
        for side in ("left", "right"):
            index = [keypoint_index(f"{side}_{n}") for n in names]
            depth = float(figure.keypoints3d[index[1:3], 2].mean())
            found.append(Limb(kind, side, figure.keypoints[index], depth))
    return sorted(found, key=lambda limb: -limb.depth)


def torso_depth(figure: Figure) -> float:
    """Depth at which the torso stands in the drawing order, metres relative to the pelvis."""
    return float(figure.keypoints3d[[0, keypoint_index("spine3")], 2].mean())


def torso_polygon(figure: Figure, widen: float = 0.0) -> np.ndarray:
    """(6, 2) outline through shoulders, waist and hips, pixels; ``widen`` moves it outwards by pixels."""
    names = ("left_shoulder", "right_shoulder", "right_hip", "left_hip")
    left_shoulder, right_shoulder, right_hip, left_hip = (figure.keypoints[keypoint_index(n)] for n in names)
    waist = figure.keypoints[keypoint_index("spine1")]
    outline = np.stack(
        [
            left_shoulder,
            right_shoulder,
            waist + 0.75 * ((right_shoulder + right_hip) / 2 - waist),
            right_hip,
            left_hip,
            waist + 0.75 * ((left_shoulder + left_hip) / 2 - waist),
        ]
    )
    centre = outline.mean(0)
    away = outline - centre
    return outline + away * (widen / np.maximum(np.hypot(*away.T), 1.0))[:, None]


def torso_blob(figure: Figure, fat: float) -> np.ndarray:
    """(24, 2) ellipse that stands for chest, belly and hips, pixels; ``fat`` is its aspect."""
    neck, pelvis = (figure.keypoints[keypoint_index(n)] for n in ("neck", "pelvis"))
    axis = (neck - pelvis) * 0.56
    length3d = float(np.linalg.norm(figure.keypoints3d[keypoint_index("neck")])) * figure.scale
    return ellipse((neck + pelvis) / 2, axis, fat * length3d * 0.5)


def unit(vector: np.ndarray) -> np.ndarray:
    """The (2,) direction of a vector; zero stays zero."""
    return vector / max(float(np.hypot(*vector)), 1e-6)
