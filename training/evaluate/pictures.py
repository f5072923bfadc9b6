"""Pictures of how drawings were read, worst first."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from backend.images import read_image
from backend.keypoints import Detection
from backend.skeleton import KEYPOINT_NAMES, KEYPOINT_PARENTS

from .sketches import FigureScore, LabelledFigure

_CELL = 220
_COLUMNS = 11
_COLOURS = {"left": (40, 90, 230), "right": (240, 130, 20)}


def contact_sheet(
    figures: Sequence[LabelledFigure], scores: Sequence[FigureScore], detections: Sequence[Detection]
) -> Image.Image:
    """One cell a figure, the worst first: the drawing, the read skeleton, its PCK@0.1, S where swapped."""
    rows = -(-len(figures) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * _CELL, rows * _CELL), "white")
    for place, index in enumerate(sorted(range(len(scores)), key=lambda i: scores[i].pck10)):
        figure, score = figures[index], scores[index]
        picture = read_image(figure.image)
        box = figure.box / picture.scale
        x0, y0, x1, y1 = (int(v) for v in box)
        page = Image.fromarray(picture.rgb).crop((x0, y0, x1, y1))
        zoom = (_CELL - 10) / max(page.size)
        page = page.resize((max(1, int(page.width * zoom)), max(1, int(page.height * zoom))))
        page = Image.blend(page, Image.new("RGB", page.size, "white"), 0.5)
        points = (detections[index].keypoints - box[:2]) * zoom
        draw = ImageDraw.Draw(page)
        for k, parent in enumerate(KEYPOINT_PARENTS):
            if parent >= 0:
                colour = _COLOURS.get(KEYPOINT_NAMES[k].split("_")[0], (30, 160, 60))
                draw.line([*points[k], *points[parent]], fill=colour, width=3)
        draw.text(
            (2, 2), f"{score.pck10:.2f}{' S' if score.swapped else ''} {figure.style}", fill=(220, 0, 0)
        )
        sheet.paste(page, ((place % _COLUMNS) * _CELL + 5, (place // _COLUMNS) * _CELL + 5))
    return sheet
