"""Drawings made on the spot, and an engine that reads every drawing as the T-pose."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from backend.body import load_body
from backend.keypoints import CROP_MARGIN, CROP_SIZE, NetworkOutput
from backend.skeleton import KEYPOINT_PARENTS

FACING = np.diag([1.0, -1.0, -1.0])


class TPoseEngine:
    """Sees a figure that faces the viewer in the T-pose and fills the crop's middle, whatever is drawn.

    ``sureness`` scales the heatmaps: 1 gives scores near 1, 0 gives flat heatmaps. ``exchanged`` is the logit of the
    figure's being seen from behind instead.
    """

    name = "fake"
    device = "cpu"
    weights_id = "t-pose@" + "0" * 64

    def __init__(self, sureness: float = 1.0) -> None:
        self.sureness = sureness
        self.exchanged = -5.0
        rest = np.asarray(load_body().rest_keypoints(), np.float64) @ FACING.T
        low, high = rest.min(0), rest.max(0)
        scale = CROP_SIZE / CROP_MARGIN / (high - low)[:2].max()
        self.places = (rest - (low + high) / 2)[:, :2] * scale + CROP_SIZE / 2
        bones = rest[1:] - rest[list(KEYPOINT_PARENTS[1:])]
        self.directions = bones / np.linalg.norm(bones, axis=-1, keepdims=True)
        self.calls = 0

    def predict(self, crops: np.ndarray) -> NetworkOutput:
        self.calls += 1
        assert crops.dtype == np.float32
        assert crops.shape[1:] == (CROP_SIZE, CROP_SIZE)
        count, side = len(crops), 32
        cells = (np.arange(side) + 0.5) * CROP_SIZE / side
        x, y = self.places[:, 0, None, None], self.places[:, 1, None, None]
        distance = (cells[None, None, :] - x) ** 2 + (cells[None, :, None] - y) ** 2
        heatmaps = (-distance / (1.125 * (CROP_SIZE / side) ** 2) * self.sureness).astype(np.float32)
        return NetworkOutput(
            np.tile(heatmaps, (count, 1, 1, 1)),
            np.tile(self.directions.astype(np.float32), (count, 1, 1)),
            np.full((count, 30), 3.0, np.float32),
            exchanged=np.full(count, self.exchanged, np.float32),
        )


@pytest.fixture
def engine() -> TPoseEngine:
    return TPoseEngine()


class SeesNothing:
    """A finder network that sees no figure anywhere, so that the ink alone tells."""

    def find(self, page: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        side = len(page) // 8
        return np.full((side, side), -9.0, np.float32), np.ones((4, side, side), np.float32)


@pytest.fixture
def blind() -> SeesNothing:
    return SeesNothing()


def draw_stick_figure(page: Image.Image, x: float, y: float, size: float, ink=0, width: int = 3) -> None:
    """A stick man in the T-pose: (x, y) the middle of the box of side ``size``."""
    draw = ImageDraw.Draw(page)

    def at(u: float, v: float) -> tuple[float, float]:
        return x + u * size / 2, y + v * size / 2

    draw.ellipse((*at(-0.13, -1.0), *at(0.13, -0.74)), outline=ink, width=width)
    for a, b in (
        ((0, -0.74), (0, 0.1)),
        ((-1, -0.5), (1, -0.5)),
        ((0, 0.1), (-0.2, 1)),
        ((0, 0.1), (0.2, 1)),
    ):
        draw.line((*at(*a), *at(*b)), fill=ink, width=width)


@pytest.fixture(scope="session")
def stick_figure():
    """The function that draws one, for tests with pages of their own."""
    return draw_stick_figure


@pytest.fixture
def drawing() -> Image.Image:
    """A stick man on a white page of 320 x 400, in the box 60, 60, 260, 260."""
    page = Image.new("L", (320, 400), 255)
    draw_stick_figure(page, 160, 160, 200, 0)
    return page
