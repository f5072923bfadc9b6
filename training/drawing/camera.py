"""From where a figure is seen. Camera frame: x right, y down, z away from the viewer; the body is y up, facing +z."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from backend.body import rodrigues

from .chance import pick
from .skin import NEAREST

#: Degrees of azimuth up to which a view counts as from the front.
_PROFILE = 85.0

_BODY_TO_CAMERA = np.diag([1.0, -1.0, -1.0])


@dataclass(frozen=True)
class Camera:
    """A view of a body whose pelvis is the origin.

    Attributes:
        azimuth: degrees about the vertical, -180..180: 0 seen from the front, positive where the figure is
            turned to the right of the picture, 180 from behind.
        elevation: degrees; positive where the viewer looks down on the figure.
        roll: degrees, turn of the picture, clockwise.
        distance: metres from the viewer to the pelvis; infinite for an orthographic view.
    """

    azimuth: float = 0.0
    elevation: float = 0.0
    roll: float = 0.0
    distance: float = np.inf

    @cached_property
    def rotation(self) -> np.ndarray:
        """(3, 3) float32, body frame to camera frame."""
        turns = np.radians(np.diag([self.elevation, self.azimuth, self.roll]))
        about_x, about_y, about_z = rodrigues(turns)
        return (about_z @ _BODY_TO_CAMERA @ about_x @ about_y).astype(np.float32)

    def project(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) camera-frame metres -> (..., 2) metres on the plane through the pelvis."""
        if not np.isfinite(self.distance):
            return points[..., :2]
        return points[..., :2] * (self.distance / np.maximum(self.distance + points[..., 2:], NEAREST))

    def from_the_front(self) -> Camera:
        """This view, or where it is from behind, the one from the front that shows the same silhouette."""
        if abs(self.azimuth) <= _PROFILE:
            return self
        azimuth = np.copysign(np.clip(180 - abs(self.azimuth), 0, _PROFILE), self.azimuth)
        return replace(self, azimuth=float(azimuth))

    @classmethod
    def sample(cls, rng: np.random.Generator, cues: bool = True) -> Camera:
        """Front and three-quarter views, profiles, views from behind, and views from all around.

        ``cues`` is False for styles that show no difference between front and back: such a drawing
        counts as facing the viewer (contract), so all of them are seen from the front.
        """
        kind = rng.random()
        if kind < 0.40:
            azimuth = rng.normal(0, 30)
        elif kind < 0.60:
            azimuth = pick(rng, [-90, 90]) + rng.normal(0, 18)
        elif kind < 0.72:
            azimuth = 180 + rng.normal(0, 35)
        else:
            azimuth = rng.uniform(-180, 180)
        azimuth = (azimuth + 180) % 360 - 180
        elevation = rng.normal(4, 9) if rng.random() < 0.8 else rng.normal(8, 28)
        roll = rng.normal(0, 4) if rng.random() < 0.9 else rng.normal(0, 30)
        kind = rng.random()
        if kind < 0.45:
            distance = np.inf
        else:  # a few with the exaggerated foreshortening of comics
            near, far = (2.2, 9) if kind < 0.94 else (1.3, 2.2)
            distance = float(np.exp(rng.uniform(np.log(near), np.log(far))))
        camera = cls(float(azimuth), float(elevation), float(roll), distance)
        return camera if cues else camera.from_the_front()
