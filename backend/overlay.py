"""The overlay: a figure's skeleton drawn over the drawing. Left blue, right orange, sure bones opaque."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from .api import PRESENT, Figure, ImageResult
from .images import Picture
from .skeleton import KEYPOINT_NAMES, KEYPOINT_PARENTS

#: Blue and orange of Okabe and Ito's palette, which colour-blind people tell apart; slate for the middle.
LEFT, RIGHT, MIDDLE = (0, 114, 178), (230, 126, 0), (84, 92, 102)
CASING = (255, 255, 255)
#: Longer side of an overlay, pixels: small drawings are enlarged, large ones reduced.
SIDES = (720, 1400)
#: A bone with a lower score than this is dashed.
DASHED_BELOW = 0.25
#: Opacity of a bone of score 0, and the score from which it is opaque.
FAINTEST, OPAQUE_FROM = 0.3, 0.6
#: Everything is drawn this many times too large and averaged down, which smooths the edges.
_SMOOTHING = 3

_BONES = tuple(
    (KEYPOINT_NAMES[parent], name)
    for name, parent in zip(KEYPOINT_NAMES, KEYPOINT_PARENTS, strict=True)
    if parent >= 0
)


def draw_overlay(picture: Picture, result: ImageResult) -> Image.Image:
    """The drawing with the skeletons of all its figures.

    Args:
        picture: the image that was posed.
        result: its result, keypoints in pixels of the original image.

    Returns:
        An RGB image; its longer side is 720 to 1400 pixels.
    """
    longer = max(picture.width, picture.height)
    side = min(max(longer, SIDES[0]), SIDES[1])
    zoom = side / longer
    size = (max(1, round(picture.width * zoom)), max(1, round(picture.height * zoom)))
    page = Image.fromarray(_faded(picture.rgb)).resize(size, Image.Resampling.LANCZOS).convert("RGBA")
    for figure in result.figures:
        page.alpha_composite(_skeleton(figure, size, zoom))
    return page.convert("RGB")


def _faded(rgb: np.ndarray) -> np.ndarray:
    """The drawing pulled towards its paper, so that the skeleton stands out."""
    rim = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    paper = np.median(rim, axis=0)
    return np.round(rgb * 0.6 + paper * 0.4).astype(np.uint8)


def _skeleton(figure: Figure, size: tuple[int, int], zoom: float) -> Image.Image:
    # Pixels count from their centres.
    points = {name: (np.array(keypoint.xy) + 0.5) * zoom - 0.5 for name, keypoint in figure.keypoints.items()}
    spots = np.array(list(points.values()))
    extent = float((spots.max(0) - spots.min(0)).max())
    width = float(np.clip(extent / 90, 2.5, 9.0))
    # Only the part of the page around the figure is drawn large.
    margin = 3 * width
    low = np.floor(np.clip(spots.min(0) - margin, 0, np.array(size) - 1)).astype(int)
    high = np.ceil(np.clip(spots.max(0) + margin, low + 1, size)).astype(int)
    window = tuple(int(v) for v in (high - low) * _SMOOTHING)
    layer = Image.new("RGBA", (window[0], window[1]), (*CASING, 0))
    draw = ImageDraw.Draw(layer)
    places = {name: (point - low) * _SMOOTHING for name, point in points.items()}
    absent = {name for name, keypoint in figure.keypoints.items() if keypoint.present < PRESENT}
    thick = width * _SMOOTHING
    for start, end in _far_to_near(figure):
        if start in absent or end in absent:
            continue
        score = min(figure.keypoints[start].score, figure.keypoints[end].score)
        _bone(draw, places[start], places[end], thick, _colour(end), score)
    for name, place in places.items():
        if name in absent:
            continue
        small = 0.75 if name.endswith(("spine1", "spine2", "spine3", "collar")) else 1.0
        _dot(draw, place, thick * small, _colour(name), figure.keypoints[name].score)
    layer = layer.reduce(_SMOOTHING)
    whole = Image.new("RGBA", size, (*CASING, 0))
    whole.paste(layer, (int(low[0]), int(low[1])))
    return whole


def _far_to_near(figure: Figure) -> list[tuple[str, str]]:
    """Bones in the order of painting, so that a near arm covers a far one."""
    joints = figure.hypotheses[0].joints3d

    def depth(bone: tuple[str, str]) -> float:
        start, end = bone
        return -(joints[start][2] + joints.get(end, joints[start])[2])

    return sorted(_BONES, key=depth)


def _colour(name: str) -> tuple[int, int, int]:
    return LEFT if name.startswith("left_") else RIGHT if name.startswith("right_") else MIDDLE


def _opacity(score: float) -> int:
    return round(255 * (FAINTEST + (1 - FAINTEST) * min(score / OPAQUE_FROM, 1.0)))


def _bone(
    draw: ImageDraw.ImageDraw,
    start: np.ndarray,
    end: np.ndarray,
    thick: float,
    colour: tuple[int, int, int],
    score: float,
) -> None:
    length = float(np.linalg.norm(end - start))
    if length < 1:
        return
    pieces = [(0.0, 1.0)]
    if score < DASHED_BELOW:
        count = max(2, round(length / (3.2 * thick)))
        pieces = [((i + 0.15) / count, (i + 0.7) / count) for i in range(count)]
    opacity = _opacity(score)
    for paint, extra in (((*CASING, opacity * 3 // 4), 0.9), ((*colour, opacity), 0.0)):
        for begin, stop in pieces:
            _capsule(
                draw, start + begin * (end - start), start + stop * (end - start), thick * (1 + extra), paint
            )


def _capsule(
    draw: ImageDraw.ImageDraw, a: np.ndarray, b: np.ndarray, thick: float, paint: tuple[int, ...]
) -> None:
    """A line with round ends, as one shape: a bone that tapers would be read as depth."""
    along = b - a
    length = float(np.linalg.norm(along))
    if length < 1e-6:
        return
    angle = np.arctan2(along[1], along[0])
    turn = np.linspace(np.pi / 2, 3 * np.pi / 2, 9)
    back = a + thick / 2 * np.stack([np.cos(angle + turn), np.sin(angle + turn)], -1)
    front = b + thick / 2 * np.stack([np.cos(angle + turn + np.pi), np.sin(angle + turn + np.pi)], -1)
    outline = np.concatenate([back, front])
    draw.polygon([(float(x), float(y)) for x, y in outline], fill=paint)


def _dot(
    draw: ImageDraw.ImageDraw, place: np.ndarray, radius: float, colour: tuple[int, int, int], score: float
) -> None:
    x, y = (float(v) for v in place)
    opacity = _opacity(score)
    for paint, r in (((*CASING, opacity), radius * 1.25), ((*colour, opacity), radius * 0.85)):
        draw.ellipse((x - r, y - r, x + r, y + r), fill=paint)
