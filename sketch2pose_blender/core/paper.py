"""Where a drawing lies in space: pixels of the drawing to points of a plane, and back along a line of sight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: No drawing lies farther away or is larger than this, in Blender's units.
_HUGE = 1e6


@dataclass(frozen=True, eq=False)
class Paper:
    """A plane with pixels: ``point = origin + x * right + y * down``.

    Attributes:
        origin: (3,) where pixel (0, 0) lies.
        right: (3,) one pixel to the right.
        down: (3,) one pixel down.
    """

    origin: np.ndarray
    right: np.ndarray
    down: np.ndarray

    @property
    def usable(self) -> bool:
        """Whether it is a plane at all, of some sensible size."""
        axes = np.array([self.origin, self.right, self.down])
        area = np.linalg.norm(np.cross(self.right, self.down))
        return bool(np.isfinite(axes).all() and np.abs(axes).max() < _HUGE and area > 1e-18)

    def points(self, pixels: np.ndarray) -> np.ndarray:
        """(..., 2) pixels -> (..., 3) points."""
        return self.origin + pixels[..., :1] * self.right + pixels[..., 1:] * self.down

    def transformed(self, matrix: np.ndarray) -> Paper:
        """The paper moved by a (4, 4) matrix."""
        turn = matrix[:3, :3]
        return Paper(turn @ self.origin + matrix[:3, 3], turn @ self.right, turn @ self.down)

    def pixel_seen(self, eye: np.ndarray, direction: np.ndarray) -> np.ndarray | None:
        """The pixel (2,) that a line of sight meets; None for a line along the paper.

        Args:
            eye: (3,) a point of the line.
            direction: (3,) of the line, any length.
        """
        axes = np.stack([self.right, self.down, -np.asarray(direction)], -1)
        size = np.prod(np.linalg.norm(axes, axis=0))
        if abs(np.linalg.det(axes)) < 1e-6 * size:
            return None
        return np.linalg.solve(axes, np.asarray(eye) - self.origin)[:2]


def paper_at(
    pelvis: np.ndarray, axes: np.ndarray, unit: float, scale: float, shift: tuple[float, float]
) -> Paper:
    """The paper on which a posed figure lies over its drawing, seen from the front.

    Args:
        pelvis: (3,) place of the figure's pelvis.
        axes: (3, 3) from the SMPL rest frame (y up, facing +z, left at +x) to the space of ``pelvis``.
        unit: length of a metre of the figure there.
        scale: of the figure's camera, pixels a metre.
        shift: of the figure's camera, pixels: where the pelvis is drawn.
    """
    step = unit / scale
    right, down = axes[:, 0] * step, -axes[:, 1] * step
    return Paper(np.asarray(pelvis, np.float64) - shift[0] * right - shift[1] * down, right, down)
