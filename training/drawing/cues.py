"""The lines people draw inside a figure, which tell its front from its back: collar, buttons, spine, knees, laces.

A cue is a polyline in the plane of a bone of the rest pose, thrown on the body's surface from one side. It moves
with the body, and is drawn where that surface is seen and is of a material that the cue belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from backend.skeleton import keypoint_index

from .anatomy import Anatomy
from .canvas import Canvas
from .cue_table import BONES, CUES, SIDES, Cue
from .figure import Figure
from .pen import Pen
from .placement import CANVAS
from .shapes import Label

#: Metres between the points of a cue.
_STEP = 0.012

#: Metres that a cue may seem to lie under the surface, which moves when it is posed and dressed.
_TOLERANCE = 0.03


@dataclass(frozen=True, eq=False)
class _Line:
    """Where a cue lies: (n,) triangles of the body and (n, 3) float32 weights of their corners."""

    triangles: np.ndarray
    weights: np.ndarray


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
        canvas.stroke(run, fine, closed=cue.closed and whole)


def visible_runs(figure: Figure, cues: Sequence[Cue]) -> list[tuple[Cue, np.ndarray, bool]]:
    """What is seen of cues: each with an (n, 2) polyline, canvas pixels, and whether that is all of it."""
    lines = [(cue, line) for cue in cues for line in _lines(figure.anatomy, cue)]
    if not lines:
        return []
    corners = figure.anatomy.faces[np.concatenate([line.triangles for _, line in lines])]
    weights = np.concatenate([line.weights for _, line in lines])
    shows = np.zeros((len(lines), len(Label)), bool)
    for k, (cue, _) in enumerate(lines):
        shows[k, list(cue.on)] = True
    owner = np.repeat(np.arange(len(lines)), [len(line.triangles) for _, line in lines])
    points = np.einsum("nkc,nk->nc", figure.points[corners], weights)
    depth = (figure.vertices[corners, 2] * weights).sum(1)
    away = (figure.normals[corners, 2] * weights).sum(1)
    x, y = np.round(points).astype(int).T
    inside = (x >= 0) & (x < CANVAS) & (y >= 0) & (y < CANVAS)
    x, y = x.clip(0, CANVAS - 1), y.clip(0, CANVAS - 1)
    seen = inside & (away < -0.1) & (depth - figure.buffer.depth[y, x] < _TOLERANCE)
    seen &= shows[owner, figure.label_map[y, x]]
    # A run ends where its line ends or is hidden.
    joined = seen[1:] & seen[:-1] & (owner[1:] == owner[:-1])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], joined, [False]]).astype(np.int8))).reshape(-1, 2)
    whole = np.bincount(owner, minlength=len(lines))
    return [(lines[owner[a]][0], points[a : b + 1], b + 1 - a == whole[owner[a]]) for a, b in edges]


@cache
def _lines(anatomy: Anatomy, cue: Cue) -> tuple[_Line, ...]:
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
    at = np.linspace(0, travelled[-1], max(3, int(travelled[-1] / _STEP) + 2))
    flat = np.stack([np.interp(at, travelled, corners[:, k]) for k in (0, 1)], 1)
    lines = [_thrown(anatomy, flat, plane, normal, sign)]
    if cue.mirrored:
        mirror = np.where(np.array(plane) == 0, -1, 1)
        lines.append(_thrown(anatomy, flat * mirror, plane, normal, -sign if normal == 0 else sign))
    return tuple(lines)


def _thrown(anatomy: Anatomy, flat: np.ndarray, plane: list[int], normal: int, sign: int) -> _Line:
    """(n, 2) rest-pose points of a plane on the first surface met along its normal from one side."""
    vertices = anatomy.body.v_template
    a, b, c = vertices[anatomy.faces.T]
    facing = np.cross(b - a, c - a)[:, normal] * sign > 0
    chosen = np.flatnonzero(facing)
    a, b, c = a[chosen], b[chosen], c[chosen]
    u, v = (b - a)[:, plane], (c - a)[:, plane]
    area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    triangles, weights = [], []
    for point in flat:
        d = point - a[:, plane]
        wb = (d[:, 0] * v[:, 1] - d[:, 1] * v[:, 0]) / area
        wc = (u[:, 0] * d[:, 1] - u[:, 1] * d[:, 0]) / area
        wa = 1 - wb - wc
        hit = np.flatnonzero((wa >= 0) & (wb >= 0) & (wc >= 0))
        if not len(hit):
            continue
        height = wa[hit] * a[hit, normal] + wb[hit] * b[hit, normal] + wc[hit] * c[hit, normal]
        best = hit[np.argmax(height * sign)]
        triangles.append(chosen[best])
        weights.append((wa[best], wb[best], wc[best]))
    return _Line(np.array(triangles, int), np.array(weights, np.float32).reshape(-1, 3))
