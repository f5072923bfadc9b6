"""The figure as solids in space, one a body part: boxes, tapered cylinders and eggs, seen by the figure's camera.

Frames: camera frame, metres. A solid's own axes are side (to the figure's left), along (its length) and front.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numba
import numpy as np

from backend.body import global_rotations
from backend.skeleton import keypoint_index

from .figure import Figure

#: Body part: joint that turns it, keypoints at its ends, half width and half depth in metres at both ends, and the
#: axis of the rest pose that is its front. Arms lie along x in the rest pose, feet along z.
_PARTS: dict[str, tuple[str, str, str, tuple[float, float], tuple[float, float], int]] = {
    "neck": ("neck", "neck", "head", (0.05, 0.05), (0.05, 0.05), 2),
    "upper_arm": ("shoulder", "shoulder", "elbow", (0.052, 0.052), (0.042, 0.042), 2),
    "forearm": ("elbow", "elbow", "wrist", (0.045, 0.045), (0.030, 0.030), 2),
    "hand": ("wrist", "wrist", "fingertips", (0.036, 0.022), (0.036, 0.014), 1),
    "thigh": ("hip", "hip", "knee", (0.085, 0.085), (0.060, 0.060), 2),
    "shin": ("knee", "knee", "ankle", (0.060, 0.060), (0.040, 0.040), 2),
    "foot": ("ankle", "ankle", "toe", (0.040, 0.045), (0.048, 0.016), 1),
}
_SIDED = frozenset(_PARTS) - {"neck"}
#: How far the heel lies below and behind the ankle, metres.
_JOINT, _HEEL = 0.035, 0.06

#: Metres between points that are the same one.
_SAME = 1e-6

_CIRCLE = np.stack([np.cos(angle := np.linspace(0, 2 * np.pi, 25)), np.sin(angle)], 1)


@dataclass(frozen=True, eq=False)
class Solid:
    """A body part.

    Attributes:
        part: "head", "chest", "pelvis", or one of the limbs' parts: "thigh", "foot", ...
        ends: (2, 3) its two ends.
        axes: (3, 3) rows side, along, front; unit vectors.
        half: (2, 2) half width and half depth at both ends, metres.
    """

    part: str
    ends: np.ndarray
    axes: np.ndarray
    half: np.ndarray

    @property
    def depth(self) -> float:
        """Of its middle, metres beyond the pelvis."""
        return float(self.ends[:, 2].mean())

    @property
    def radii(self) -> np.ndarray:
        """(3,) half axes of the egg that fills it: side, along, front."""
        wide, deep = self.half.max(0)
        return np.array([wide, np.linalg.norm(self.ends[1] - self.ends[0]) / 2, deep])

    @property
    def corners(self) -> np.ndarray:
        """(8, 3) of a box: four around the first end, then four around the other."""
        signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
        return np.concatenate([self.ends[k] + (signs * self.half[k]) @ self.axes[[0, 2]] for k in (0, 1)])

    def ring(self, at: float) -> tuple[np.ndarray, np.ndarray]:
        """The closed cross-section of a cylinder, 0 at its first end: (25, 3) points and outward vectors."""
        return _ring(np.asarray(self.ends, np.float64), self.axes, self.half, float(at), _CIRCLE)

    def circle(self, turn: float, tilt: float = 0.0, lift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """A circle round the egg that fills the solid: (33, 3) points and outward vectors.

        Args:
            turn: radians about its length; with no ``tilt`` the circle goes over both ends, 0 through the front.
            tilt: 1 for a circle round its middle like the equator.
            lift: how far that one is moved along, -1..1.
        """
        angle = np.linspace(0, 2 * np.pi, 33)[:, None]
        if tilt:
            small = np.sqrt(1 - lift * lift)
            unit = np.concatenate([small * np.cos(angle), 0 * angle + lift, small * np.sin(angle)], 1)
        else:
            round_ = np.array([[np.sin(turn), 0, np.cos(turn)]])
            unit = np.sin(angle) * round_ + np.cos(angle) * np.array([[0, 1, 0]])
        return self.ends.mean(0) + (unit * self.radii) @ self.axes, (unit / self.radii) @ self.axes


def solids(figure: Figure, fat: float = 1.0) -> list[Solid]:
    """All parts, the farthest first; ``fat`` scales their widths."""
    turned = global_rotations(figure.pose)
    points = figure.keypoints3d
    width = figure.proportions.width
    found = [_head(figure, turned[keypoint_index("head")])]

    def add(part: str, ends: np.ndarray, joint: int, half: np.ndarray, front: int) -> None:
        found.append(Solid(part, ends, _axes(ends[1] - ends[0], turned[joint], front), half))

    neck, waist, pelvis = (points[keypoint_index(n)] for n in ("neck", "spine1", "pelvis"))
    shoulders, hips = (
        points[[keypoint_index(f"{side}_{n}") for side in ("left", "right")]] for n in ("shoulder", "hip")
    )
    ribs, basin = (float(np.linalg.norm(pair[0] - pair[1])) for pair in (shoulders, hips))
    low = hips.mean(0) + (hips.mean(0) - waist) * 0.5
    chest, belly = keypoint_index("spine3"), keypoint_index("spine1")
    add("chest", np.stack([waist + (neck - waist) * 0.15, neck]), chest,
        np.array([[0.34, 0.26], [0.44, 0.25]]) * ribs * fat**0.5, 2)  # fmt: skip
    add("belly", np.stack([pelvis, waist + (neck - waist) * 0.3]), belly,
        np.array([[0.9, 0.62], [0.95, 0.62]]) * basin * fat**0.5, 2)  # fmt: skip
    add("pelvis", np.stack([low, waist]), 0, np.array([[0.85, 0.6], [1.1, 0.68]]) * basin * fat**0.5, 2)
    for part, (joint_name, start, end, thick, thin, front) in _PARTS.items():
        for side in ("left_", "right_") if part in _SIDED else ("",):
            joint = keypoint_index(side + joint_name)
            ends = points[[keypoint_index(side + start), keypoint_index(side + end)]].astype(float)
            if part == "foot":  # its heel lies behind and below the ankle
                forth = turned[joint] @ (0, 0, 1)
                size = float(np.linalg.norm(ends[1] - ends[0])) / 0.2
                ends[0] -= (forth * _HEEL + turned[joint] @ (0, 1, 0) * _JOINT) * size
            add(part, ends, joint, np.array([thick, thin]) * width[joint] * fat, front)
    return sorted(found, key=lambda solid: -solid.depth)


def _head(figure: Figure, turned: np.ndarray) -> Solid:
    joint, top = (figure.keypoints3d[keypoint_index(n)] for n in ("head", "head_top"))
    tall = float(np.linalg.norm(top - joint))
    axes = _axes(top - joint, turned, 2)
    # The chin lies below the joint and before it.
    ends = np.stack([joint - 0.22 * (top - joint), top]) + axes[2] * tall * 0.12
    return Solid("head", ends, axes, np.full((2, 2), tall) * (0.42, 0.5))


@numba.njit(cache=True, nogil=True)
def _ring(
    ends: np.ndarray, axes: np.ndarray, half: np.ndarray, at: float, circle: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    points, away = np.empty((len(circle), 3)), np.empty((len(circle), 3))
    wide, deep = half[0] + (half[1] - half[0]) * at
    for k in range(len(circle)):
        for axis in range(3):
            away[k, axis] = circle[k, 0] * wide * axes[0, axis] + circle[k, 1] * deep * axes[2, axis]
            points[k, axis] = ends[0, axis] + (ends[1, axis] - ends[0, axis]) * at + away[k, axis]
    return points, away


def _axes(along: np.ndarray, turned: np.ndarray, front: int) -> np.ndarray:
    """(3, 3) rows side, along, front from a direction and the axis of the turned part that comes nearest to front."""
    return _framed(np.asarray(along, np.float64), np.ascontiguousarray(turned, np.float64), front)


@numba.njit(cache=True, nogil=True)
def _framed(along: np.ndarray, turned: np.ndarray, front: int) -> np.ndarray:
    axes = np.empty((3, 3))
    axes[1] = along / max(np.sqrt((along * along).sum()), 1e-6)
    for column in (front, 0):
        axes[2] = turned[:, column] - axes[1] * (axes[1] * turned[:, column]).sum()
        length = np.sqrt((axes[2] * axes[2]).sum())
        if length >= 0.1:
            break
    axes[2] /= length
    for k in range(3):
        m, n = (k + 1) % 3, (k + 2) % 3
        axes[0, k] = axes[1, m] * axes[2, n] - axes[1, n] * axes[2, m]
    return axes


def hull(pixels: np.ndarray) -> np.ndarray:
    """(n, 2) outline of (m, 2) points: of a projected convex solid, its silhouette."""
    return cv2.convexHull(pixels.astype(np.float32))[:, 0]


def outline(figure: Figure, solid: Solid) -> np.ndarray:
    """(n, 2) pixels: the silhouette of the tapered cylinder."""
    return hull(figure.project(np.concatenate([solid.ring(0)[0], solid.ring(1)[0]])))


def egg(figure: Figure, solid: Solid) -> np.ndarray:
    """(n, 2) pixels: the silhouette of the egg that fills the solid."""
    return hull(figure.project(solid.ends.mean(0) + (_BALL * solid.radii) @ solid.axes))


def _ball() -> np.ndarray:
    u, v = np.meshgrid(np.linspace(0, 2 * np.pi, 24, endpoint=False), np.linspace(0, np.pi, 13))
    return np.stack([np.sin(v) * np.cos(u), np.cos(v), np.sin(v) * np.sin(u)], -1).reshape(-1, 3)


_BALL = _ball()


def seen(figure: Figure, line: tuple[np.ndarray, np.ndarray]) -> list[np.ndarray]:
    """The runs of a line on a solid that face the viewer: (n, 2) pixels each.

    Args:
        figure: whose camera looks.
        line: (n, 3) points and (n, 3) outward vectors.
    """
    points, away = line
    far = figure.camera.distance
    sight = points + (0, 0, far) if np.isfinite(far) else np.array([0.0, 0.0, 1.0])
    faces = (away * sight).sum(1) < 0
    pixels = figure.project(points)
    if not faces.all() and np.abs(points[0] - points[-1]).max() < _SAME:
        # A closed line begins where a hidden run does, so that no seen run is cut in two.
        first = int(np.flatnonzero(~faces)[0])
        pixels, faces = np.roll(pixels[:-1], -first, 0), np.roll(faces[:-1], -first)
    cuts = np.flatnonzero(np.diff(np.concatenate([[False], faces, [False]]).astype(np.int8)))
    return [pixels[a:b] for a, b in pairwise(cuts) if faces[a] and b - a > 1]


#: Corners of a box's six faces, each running the same way round as seen from outside, and its twelve edges: two
#: corners and the two faces that meet there.
_FACES = np.array([(0, 1, 2, 3), (7, 6, 5, 4), (0, 4, 5, 1), (1, 5, 6, 2), (2, 6, 7, 3), (3, 7, 4, 0)])
_EDGES = [
    (a, b, *(k for k, face in enumerate(_FACES.tolist()) if a in face and b in face))
    for a, b in (
        (0, 1),
        (1, 2),
        (2, 3),
        (3, 0),
        (4, 5),
        (5, 6),
        (6, 7),
        (7, 4),
        (0, 4),
        (1, 5),
        (2, 6),
        (3, 7),
    )
]


@dataclass(frozen=True, eq=False)
class SeenBox:
    """A box as the viewer sees it; all in pixels.

    Attributes:
        faces: (4, 2) corners of each face towards the viewer, and the light on it, 0..1.
        outline: (n, 2) silhouette.
        inner: (2, 2) ends of each edge between two faces that are seen.
        hidden: (2, 2) ends of each edge on the far side.
    """

    faces: list[tuple[np.ndarray, float]]
    outline: np.ndarray
    inner: list[np.ndarray]
    hidden: list[np.ndarray]


def see_box(figure: Figure, solid: Solid) -> SeenBox:
    """The box that fills a solid, in true perspective."""
    corners = solid.corners
    pixels = figure.project(corners)
    quads = corners[_FACES]
    middles = quads.mean(1)
    normals = np.cross(quads[:, 1] - quads[:, 0], quads[:, 3] - quads[:, 0])
    normals *= np.sign((normals * (middles - corners.mean(0))).sum(1))[:, None]
    normals /= np.maximum(np.linalg.norm(normals, axis=1), 1e-9)[:, None]
    far = figure.camera.distance
    sight = middles + (0, 0, far) if np.isfinite(far) else np.array([0.0, 0.0, 1.0])
    faces = (normals * sight).sum(1) < 0
    light = 0.5 + 0.5 * normals @ figure.light
    return SeenBox(
        [(pixels[_FACES[k]], float(light[k])) for k in np.flatnonzero(faces)],
        hull(pixels),
        [pixels[[a, b]] for a, b, one, other in _EDGES if faces[one] and faces[other]],
        [pixels[[a, b]] for a, b, one, other in _EDGES if not faces[one] and not faces[other]],
    )
