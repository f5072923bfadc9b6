"""Pages put together for evaluation: synthetic and real figures among things, writing and frames, with their boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from backend.images import Picture, from_array, read_image

from ..dataset.validation_set import COUNT, draw_entry
from ..drawing.machine import DrawingMachine
from ..drawing.pages import Cutting, compose, cut
from ..drawing.styles import STYLES
from ..drawing.things import THINGS
from .figures import LabelledFigure

#: The pages that are reported, and those that thresholds may be chosen on. Neither is ever trained on.
REPORT_SEED, CHOICE_SEED = 20261125, 7

#: Most figures on a page.
MOST_FIGURES = 6

#: Share of real drawings among the figures, where there are any.
_REAL = 0.5

#: Longer side of a page, pixels, from and to.
_SIDES = (400, 1100)

#: Room around a synthetic and around a real figure, in longer sides of its box. Real drawings have neighbours.
_ROOM, _REAL_ROOM = 0.06, 0.02


@dataclass(frozen=True, eq=False)
class ComposedPage:
    """A page with what is known of it.

    Attributes:
        image: (H, W) uint8 grey.
        boxes: (N, 4) float32 x0, y0, x1, y1 of the figures' ink, pixels.
        kinds: N names: "real" or the style that it is drawn in.
    """

    image: np.ndarray
    boxes: np.ndarray
    kinds: tuple[str, ...]


def composed_pages(
    machine: DrawingMachine,
    count: int,
    real: Sequence[LabelledFigure] = (),
    seed: int = REPORT_SEED,
    empty: bool = False,
) -> list[ComposedPage]:
    """Pages of one to six figures: held-out poses in every style, those that training never sees included.

    Args:
        machine: its pose bank is not used.
        count: of pages.
        real: drawings by people that are pasted too.
        seed: of all chance.
        empty: True for pages that have everything but figures.
    """
    cut_real = [_cut_real(figure) for figure in real]
    return [_page(machine, np.random.default_rng((seed, k)), cut_real, empty) for k in range(count)]


def _page(
    machine: DrawingMachine, rng: np.random.Generator, real: Sequence[Cutting], empty: bool
) -> ComposedPage:
    longest = rng.uniform(*_SIDES)
    ratio = float(np.exp(rng.normal(0, 0.3)))
    size = (int(longest * min(ratio, 1)), int(longest * min(1 / ratio, 1)))
    cuttings, kinds = [], []
    for _ in range(0 if empty else int(rng.integers(1, MOST_FIGURES + 1))):
        if len(real) and rng.random() < _REAL:
            cuttings.append(real[int(rng.integers(len(real)))])
            kinds.append("real")
            continue
        drawing = draw_entry(machine, int(rng.integers(COUNT)), STYLES[int(rng.integers(len(STYLES)))])
        cuttings.append(cut(drawing.image, drawing.figures[0].box[None], _ROOM))
        kinds.append(drawing.style)
    image, boxes, owners = compose(rng, cuttings, size, THINGS, float(rng.choice([0.0, 4.0, 10.0])))
    image = _as_sent(rng, image)
    return ComposedPage(image, boxes, tuple(kinds[owner] for owner in owners))


def _cut_real(figure: LabelledFigure) -> Cutting:
    picture = _picture(figure)
    gray = np.round(255 * picture.gray).astype(np.uint8)
    return cut(gray, figure.box[None] / picture.scale, _REAL_ROOM)


def _picture(figure: LabelledFigure) -> Picture:
    return from_array(figure.page) if isinstance(figure.page, np.ndarray) else read_image(figure.page)


def _as_sent(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """As a file, mostly; else with the light and the noise of a photo, or the marks of JPEG."""
    if rng.random() < 0.25:
        height, width = image.shape
        y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
        light = 1 - rng.uniform(0, 0.35) * x * rng.integers(2) - rng.uniform(0, 0.35) * y
        noise = rng.normal(0, rng.uniform(1, 8), image.shape)
        image = np.clip(image * light + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 85))]
        image = cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_GRAYSCALE)
    return 255 - image if rng.random() < 0.05 else image


def page_picture(page: ComposedPage, found: np.ndarray, side: int) -> Image.Image:
    """A page at ``side`` pixels: figures' boxes in green, (N, 4) finds in red."""
    picture = Image.fromarray(page.image).convert("RGB")
    factor = side / max(picture.size)
    small = np.asarray(picture.resize([max(1, round(s * factor)) for s in picture.size])).copy()
    for boxes, colour in ((page.boxes, (0, 150, 0)), (found, (220, 0, 0))):
        for x0, y0, x1, y1 in np.round(boxes * factor).astype(int):
            cv2.rectangle(small, (int(x0), int(y0)), (int(x1), int(y1)), colour, 2)
    return Image.fromarray(small)
