"""The lines people draw inside a figure, which tell its front from its back: collar, buttons, spine, knees, laces.

A cue is a polyline in the plane of a bone of the rest pose, thrown on the body's surface from one side. It moves
with the body, and is drawn where that surface is seen and is of a material that the cue belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from backend.skeleton import keypoint_index

from .anatomy import Anatomy
from .canvas import Canvas
from .cue_table import BONES, CUES, SIDES, Cue
from .figure import Figure
from .pen import Pen
from .shapes import Label
from .surface import SurfacePoints, look_at, look_at_vertices, throw

#: Metres between the points of a cue.
_STEP = 0.012

#: Pixels below which nobody draws a line.
_SMALL = 1.8

#: Share of the folds of cloth and hair that are drawn at full detail.
_FOLDED = 0.45


def draw_cues(canvas: Canvas, figure: Figure, pen: Pen, detail: float) -> None:
    """Draw the cues of the body and of what it wears where they are seen.

    Args:
        canvas: the page; its chance decides which cues are drawn.
        figure: whose cues they are.
        pen: of the outlines; cues are drawn finer.
        detail: 0 for none, 1 for all cues.
    """
    rng = canvas.rng
    known = [cue for name in ("body", *figure.outfit.wears) for cue in CUES[name]]
    wanted = [cue for cue in known if rng.random() < detail**cue.rarity]
    fine = pen.varied(rng, rng.uniform(0.45, 0.9))
    for cue, run, whole in visible_runs(figure, wanted):
        if np.ptp(run, axis=0).max() > _SMALL:
            canvas.stroke(run, fine, closed=cue.closed and whole)
    drawn = [line for line in figure.outfit.folds if rng.random() < _FOLDED * detail]
    for line in drawn:
        # A fold begins at the hem and fades upwards, or hangs from above.
        length = int(rng.integers(3, len(line) + 1))
        part = line[-length:] if rng.random() < 0.7 else line[:length]
        points, seen, _ = look_at_vertices(figure, part)
        for start, end in _runs(seen):
            canvas.stroke(points[start:end], fine)


def visible_runs(figure: Figure, cues: Sequence[Cue]) -> list[tuple[Cue, np.ndarray, bool]]:
    """What is seen of cues: each with an (n, 2) polyline, canvas pixels, and whether that is all of it."""
    lines = [(cue, line) for cue in cues for line in _lines(figure.anatomy, cue)]
    if not lines:
        return []
    spots = SurfacePoints(
        np.concatenate([line.triangles for _, line in lines]),
        np.concatenate([line.weights for _, line in lines]),
    )
    points, seen, material = look_at(figure, spots)
    shows = np.zeros((len(lines), len(Label)), bool)
    for k, (cue, _) in enumerate(lines):
        shows[k, list(cue.on)] = True
    owner = np.repeat(np.arange(len(lines)), [len(line.triangles) for _, line in lines])
    seen &= shows[owner, material]
    # A run ends where its line ends or is hidden.
    joined = seen[1:] & seen[:-1] & (owner[1:] == owner[:-1])
    whole = np.bincount(owner, minlength=len(lines))
    return [
        (lines[owner[a]][0], points[a : b + 1], bool(b + 1 - a == whole[owner[a]])) for a, b in _runs(joined)
    ]


def _runs(shown: np.ndarray) -> np.ndarray:
    """(k, 2) first and last + 1 of the runs of True in (n,) bool."""
    edges = np.diff(np.concatenate([[False], shown, [False]]).astype(np.int8))
    return np.flatnonzero(edges).reshape(-1, 2)


@cache
def _lines(anatomy: Anatomy, cue: Cue) -> tuple[SurfacePoints, ...]:
    """A cue on the body's surface, and on its other side."""
    keypoints = anatomy.rest_keypoints
    first, second = (keypoints[keypoint_index(name)] for name in BONES[cue.bone])
    normal, sign = SIDES[cue.side]
    plane = [k for k in (0, 1, 2) if k != normal][:: -1 if normal == 0 else 1]
    start, along = first[plane], (second - first)[plane]
    across = (
        np.array([abs(along[1]), 0.0]) if abs(along[1]) > abs(along[0]) else np.array([0.0, abs(along[0])])
    )
    corners = np.array([start + u * across + v * along for u, v in cue.points])
    if cue.closed:
        corners = np.concatenate([corners, corners[:1]])
    travelled = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
    at = np.linspace(0, travelled[-1], max(len(corners), 3, int(travelled[-1] / _STEP) + 2))
    flat = np.stack([np.interp(at, travelled, corners[:, k]) for k in (0, 1)], 1)
    lines = [throw(anatomy, flat, plane, normal, sign)]
    if cue.both:
        mirror = np.where(np.array(plane) == 0, -1, 1)
        lines.append(throw(anatomy, flat * mirror, plane, normal, -sign if normal == 0 else sign))
    return tuple(lines)
