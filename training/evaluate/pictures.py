"""Pictures of how drawings were read."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from backend.overlay import LEFT, MIDDLE, RIGHT

from .figures import LabelledFigure, Reading, cut_out
from .metrics import LABELLED_BONES, LABELLED_JOINTS
from .score import Score

_COLOURS = {"left": LEFT, "right": RIGHT}
_COLUMNS = 9
#: Around a figure in a picture, in longer sides of its box.
_MARGIN = 1.15


def ranked(scores: Sequence[Score]) -> list[int]:
    """Indices from the best read figure to the worst: by PCK@0.1, then by the bones' angles."""

    def quality(index: int) -> tuple[float, float]:
        values = scores[index].values
        return values.get("pck10", (0.0, 1.0))[0], -values.get("angle_2d", (180.0, 1.0))[0]

    return sorted(range(len(scores)), key=quality, reverse=True)


def best_median_worst(scores: Sequence[Score], each: int = 3) -> list[int]:
    """Indices of the best, the middle and the worst figures, ``each`` of them."""
    order = ranked(scores)
    middle = max((len(order) - each) // 2, 0)
    return list(dict.fromkeys([*order[:each], *order[middle : middle + each], *order[-each:]]))


def sheet(
    figures: Sequence[LabelledFigure],
    readings: Sequence[Reading],
    scores: Sequence[Score],
    chosen: Sequence[int],
    cell: int = 150,
) -> Image.Image:
    """One cell a figure, in the order chosen: the drawing, the skeleton as read, its PCK@0.1, "swapped" where it is."""
    columns = min(len(chosen), _COLUMNS)
    page = Image.new("RGB", (columns * cell, -(-len(chosen) // columns) * cell), "white")
    for place, index in enumerate(chosen):
        picture = _cell(figures[index], readings[index], cell - 6)
        values = scores[index].values
        swapped = ", swapped" if values.get("swapped", (0.0, 1.0))[0] else ""
        text = f"{100 * values.get('pck10', (0.0, 1.0))[0]:.0f} %{swapped}"
        ImageDraw.Draw(picture).text((2, 0), text, fill=(190, 0, 0))
        page.paste(picture, ((place % columns) * cell + 3, (place // columns) * cell + 3))
    return page.quantize(64, dither=Image.Dither.NONE)


def _cell(figure: LabelledFigure, reading: Reading, side: int) -> Image.Image:
    cut = cut_out(figure, _MARGIN)
    picture = Image.fromarray(cut.rgb).resize((side, side), Image.Resampling.LANCZOS)
    picture = Image.blend(picture, Image.new("RGB", picture.size, "white"), 0.5)
    if reading.found:
        zoom = side / len(cut.rgb)
        points = ((reading.joints + 0.5 - cut.origin) / cut.scale) * zoom
        draw = ImageDraw.Draw(picture)
        for start, end in LABELLED_BONES:
            if not (figure.known[start] and figure.known[end]):
                continue
            name = LABELLED_JOINTS[end] if end else LABELLED_JOINTS[start]
            colour = _COLOURS.get(name.split("_")[0], MIDDLE)
            draw.line([*points[start], *points[end]], fill=colour, width=3)
    return picture
