"""What every source of drawings gives: a gray raster and the view that it was drawn from.

World: Blender's, z up, in its units. Camera frame: x right, y down, z away from the viewer. Pixels count
from their centres, x right, y down: the centre of the top left one is (0, 0).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from .boundary import InputError
from .pasted import Pasted

#: No view that is kept in a file has larger numbers.
_HUGE = 1e9


@dataclass(frozen=True, eq=False)
class View:
    """A camera, orthographic or perspective, and the size of its picture.

    Attributes:
        to_world: (4, 4) camera frame -> world; a rotation and the place of the eye (orthographic: any place
            on the axis).
        perspective: whether lines of sight meet in the eye.
        focal: (2,) pixels: perspective, for a unit at a distance of one; orthographic, for a unit.
        centre: (2,) pixel that the axis goes through.
        size: (2,) width and height of the picture, pixels.
    """

    to_world: np.ndarray
    perspective: bool
    focal: np.ndarray
    centre: np.ndarray
    size: tuple[int, int]

    @classmethod
    def from_matrices(cls, view: np.ndarray, projection: np.ndarray, size: tuple[int, int]) -> View:
        """From matrices as OpenGL and Blender have them.

        Args:
            view: (4, 4) world -> view frame (x right, y up, z towards the viewer), without scale.
            projection: (4, 4) view frame -> clip space.
            size: width and height of the picture, pixels.
        """
        p = np.asarray(projection, np.float64)
        half = np.array(size, np.float64) / 2
        perspective = bool(abs(p[3, 3]) < 0.5)
        shift = np.array([-p[0, 2], p[1, 2]]) if perspective else np.array([p[0, 3], -p[1, 3]])
        to_world = np.linalg.inv(np.asarray(view, np.float64)) @ np.diag([1.0, -1.0, -1.0, 1.0])
        return cls(to_world, perspective, np.array([p[0, 0], p[1, 1]]) * half, half * (1 + shift) - 0.5, size)

    @classmethod
    def facing(
        cls, origin: np.ndarray, right: np.ndarray, down: np.ndarray, focal: np.ndarray, size: tuple[int, int]
    ) -> View:
        """The orthographic view of a plane that is looked at straight.

        Args:
            origin: (3,) world, where the middle of the picture is.
            right: (3,) unit vector to the right of the picture.
            down: (3,) unit vector down, at right angles.
            focal: (2,) pixels a unit.
            size: width and height of the picture, pixels.
        """
        to_world = np.eye(4)
        to_world[:3] = np.stack([right, down, np.cross(right, down), origin], -1)
        return cls(to_world, False, np.asarray(focal, float), (np.array(size) - 1) / 2, size)

    @cached_property
    def rotation(self) -> np.ndarray:
        """(3, 3) camera frame -> world."""
        return self.to_world[:3, :3]

    @property
    def eye(self) -> np.ndarray:
        """(3,) world."""
        return self.to_world[:3, 3]

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) world -> (..., 3) camera frame."""
        return (points - self.eye) @ self.rotation

    def from_camera(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) camera frame -> (..., 3) world."""
        return points @ self.rotation.T + self.eye

    def flatten(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) camera frame -> (..., 2) pixels; meaningless behind the viewer."""
        flat = points[..., :2]
        if self.perspective:
            flat = flat / np.where(np.abs(points[..., 2:]) < 1e-9, 1e-9, points[..., 2:])
        return flat * self.focal + self.centre

    def project(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) world -> (..., 2) pixels."""
        return self.flatten(self.to_camera(points))

    def at_depth(self, pixels: np.ndarray, depth: np.ndarray | float) -> np.ndarray:
        """(..., 2) pixels and their distance along the axis -> (..., 3) camera frame."""
        flat = (pixels - self.centre) / self.focal
        depth = np.broadcast_to(depth, flat.shape[:-1])[..., None]
        return np.concatenate([flat * depth if self.perspective else flat, depth], -1)

    def part(self, origin: np.ndarray, step: float, size: tuple[int, int]) -> View:
        """The same view of a part of its picture, at another resolution.

        Args:
            origin: (2,) the part's upper left corner, pixels.
            step: pixels of this view a pixel of the new one.
            size: width and height of the part, new pixels.
        """
        return replace(
            self,
            focal=self.focal / step,
            centre=(self.centre + 0.5 - np.asarray(origin)) / step - 0.5,
            size=size,
        )

    def to_plain(self) -> dict[str, Any]:
        """As numbers for JSON."""
        return {
            "to_world": self.to_world.tolist(),
            "perspective": self.perspective,
            "focal": self.focal.tolist(),
            "centre": self.centre.tolist(),
            "size": list(self.size),
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> View:
        """From the numbers of :meth:`to_plain`. Raises InputError where they are none."""
        try:
            arrays = [np.array(plain[key], np.float64) for key in ("to_world", "focal", "centre")]
            width, height = (int(side) for side in plain["size"])
            view = cls(arrays[0], bool(plain["perspective"]), arrays[1], arrays[2], (width, height))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError("The view that a drawing was seen from is damaged; pose it again.") from error
        shapes = [array.shape for array in arrays] == [(4, 4), (2,), (2,)]
        if not shapes or not all(np.all(np.abs(array) < _HUGE) for array in arrays) or not view.focal.all():
            raise InputError("The view that a drawing was seen from is damaged; pose it again.")
        return view


@dataclass(frozen=True, eq=False)
class Strokes:
    """Lines in space, in the order in which they were drawn.

    Attributes:
        points: (N, 3) world.
        radii: (N,) half widths, world units.
        opacities: (N,) 0..1.
        starts: (S + 1,) stroke ``s`` has the points ``starts[s]`` up to ``starts[s + 1]``.
        cyclic: (S,) bool, whether a stroke's end is joined to its start.
    """

    points: np.ndarray
    radii: np.ndarray
    opacities: np.ndarray
    starts: np.ndarray
    cyclic: np.ndarray

    @classmethod
    def joined(cls, parts: list[Strokes]) -> Strokes:
        """All strokes of several lists."""
        if not parts:
            return cls(np.empty((0, 3)), np.empty(0), np.empty(0), np.zeros(1, int), np.empty(0, bool))
        counts = np.concatenate([np.diff(part.starts) for part in parts])
        return cls(
            np.concatenate([part.points for part in parts]),
            np.concatenate([part.radii for part in parts]),
            np.concatenate([part.opacities for part in parts]),
            np.concatenate([[0], np.cumsum(counts)]),
            np.concatenate([part.cyclic for part in parts]),
        )


@dataclass(frozen=True, eq=False)
class Sketch:
    """A drawing on its way to the backend.

    Attributes:
        name: what the person calls it.
        image: (H, W) uint8 gray raster, 0 ink to 255 paper; or the bytes of an image file, which another
            program may still have to hand out.
        view: from where it is seen; its pixels are the image's. None for a picture that lies nowhere in the
            scene.
        anchor: (3,) world, a point of the drawing: figures stand at its distance. None where only the size
            of the figure tells the distance.
    """

    name: str
    image: np.ndarray | bytes | Pasted
    view: View | None
    anchor: np.ndarray | None
