"""Academy figures as engravers copied them: a fine contour and hatching that runs around the form, never seen in training.

Knobs, one set a figure: how fine the needle; how close and how steep the hatching; how far the shade reaches; a second
layer across the first in the deep shadow; stipple where shade turns to light; a hatched shadow on the ground.
"""

from __future__ import annotations

import numba
import numpy as np

from backend.skeleton import N_JOINTS, PART_ENDS

from ..areas import Areas, rounded, simplified
from ..canvas import Canvas
from ..chance import pick
from ..contours import Kind, contours
from ..cues import draw_cues
from ..face import draw_mesh_face
from ..figure import Figure, bone_directions
from ..gbuffer import trace_chains
from ..marks import Mark
from ..pen import Pen, ellipse, smoothed

#: For every part the bone that it is hatched across; bones are counted from the first keypoint's child.
_OF_PART = np.array(PART_ENDS) - 1


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Hatching from the half shade to the deepest one, then contours, muscles' lines and the face."""
    rng, size = canvas.rng, figure.size
    areas = simplified(figure, size * rng.uniform(0.003, 0.006))
    needle = pen.changed(
        width=max(size * rng.uniform(0.0035, 0.006), 0.75),
        tone=min(pen.tone, canvas.paper - 90),
        opacity=1.0,
        grain=0.0,
        taper=0.5,
        pressure=0.4,
        wobble=min(pen.wobble, 0.3),
        drift=min(pen.drift, 0.4),
        double=0.0,
        overshoot=0.0,
    )
    canvas.clear(areas.mask)
    space = max(size * rng.uniform(0.010, 0.016), 2.0)
    slant = rng.uniform(0.3, 0.9) * pick(rng, [-1, 1])
    reach = rng.uniform(0.0, 0.6)
    hatch = needle.changed(width=max(0.75 * needle.width, 0.6), smooth=1.0, gap=0.0, split=0.0)
    light = areas.buffer.light
    if rng.random() < 0.85:
        shade = areas.mask & rounded(light < reach, 0.01 * size)
        _hatch(canvas, figure, areas, shade, hatch, space, slant)
        if rng.random() < 0.7:
            deep = areas.mask & rounded(light < reach - rng.uniform(0.25, 0.5), 0.01 * size)
            _hatch(canvas, figure, areas, deep, hatch, space, -1.2 * slant)
        if rng.random() < 0.4:
            turning = areas.mask & (light >= reach) & (light < reach + 0.15)
            _stipple(canvas, turning, needle, space)
    if rng.random() < 0.4:
        _ground(canvas, figure, areas, hatch, space)
    for stroke in contours(areas, size, rng.uniform(0.012, 0.03), max(1.3, 0.007 * size)):
        x, y = np.clip(np.round(stroke.points), 0, len(light) - 1).astype(int).T
        dark = float(np.clip(1.2 - 0.5 * light[y, x].mean(), 0.7, 1.6))
        finer = 1.0 if stroke.kind == Kind.OUTER else 0.8
        canvas.stroke(stroke.points, needle.varied(rng, dark * finer), stroke.closed)
    draw_cues(canvas, figure, needle, rng.uniform(0.6, 1.0))
    draw_mesh_face(canvas, figure, needle)


def _hatch(
    canvas: Canvas,
    figure: Figure,
    areas: Areas,
    where: np.ndarray,
    pen: Pen,
    space: float,
    slant: float,
) -> None:
    """Lines in which slanted planes across every bone cut the surface, ``space`` pixels apart, inside ``where``."""
    bones = bone_directions(figure.keypoints3d)
    across = bones[_OF_PART]
    side = np.stack([-across[:, 1], across[:, 0], 0.6 * np.ones(N_JOINTS)], 1)
    normals = (across + slant * side).astype(np.float32)
    normals /= np.maximum(np.hypot(normals[:, 0], normals[:, 1]), 0.5)[:, None]
    depth = np.where(areas.mask, areas.buffer.depth, 0).astype(np.float32) * np.float32(figure.scale)
    # Skirts, hair and the like hang by themselves: level with the pelvis.
    part = np.where(figure.part_map < N_JOINTS, figure.part_map, 0).astype(np.int32)
    mask = _levels(part, depth, where, normals, space)
    for chain in trace_chains(mask):
        if len(chain) > 3:
            canvas.stroke(smoothed(chain, 1.5), pen)


@numba.njit(cache=True, nogil=True)
def _levels(
    part: np.ndarray, depth: np.ndarray, where: np.ndarray, normals: np.ndarray, space: float
) -> np.ndarray:
    """(S, S) uint8: pixels at which the place along the part's normal passes a multiple of ``space``."""
    high, wide = part.shape
    mask = np.zeros((high, wide), np.uint8)
    for y in range(high - 1):
        for x in range(wide - 1):
            joint = part[y, x]
            if not where[y, x] or joint < 0:
                continue
            n = normals[joint]
            here = np.floor((n[0] * x + n[1] * y + n[2] * depth[y, x]) / space)
            # One direction only, so that a line is one pixel wide.
            dy, dx = (0, 1) if abs(n[0]) > abs(n[1]) else (1, 0)
            if part[y + dy, x + dx] == joint and where[y + dy, x + dx]:
                there = np.floor((n[0] * (x + dx) + n[1] * (y + dy) + n[2] * depth[y + dy, x + dx]) / space)
                mask[y, x] = here != there
    return mask


def _stipple(canvas: Canvas, where: np.ndarray, pen: Pen, space: float) -> None:
    """Dots of the needle's point, about ``space`` pixels apart, inside ``where`` (S, S) bool."""
    rng = canvas.rng
    y, x = np.nonzero(where)
    for k in np.flatnonzero(rng.random(len(x)) < 0.5 / space**2):
        at = np.array([x[k], y[k]], np.float32)
        dot = np.stack([at, at + rng.normal(0, 0.4, 2)]).astype(np.float32)
        canvas.put(Mark(dot, np.full(2, pen.width, np.float32), np.ones(2, np.float32), pen.tone))


def _ground(canvas: Canvas, figure: Figure, areas: Areas, pen: Pen, space: float) -> None:
    """A hatched shadow that lies beside the feet."""
    rng, size = canvas.rng, figure.size
    rows = np.flatnonzero(areas.mask.any(1))
    if not len(rows) or rows[-1] > len(areas.mask) - 8:
        return
    x = np.flatnonzero(areas.mask[max(rows[-1] - int(0.05 * size), 0) : rows[-1] + 1].any(0))
    length = 0.25 * size + 0.5 * np.ptp(x)
    centre = np.array([x.mean() + pick(rng, [-1, 1]) * 0.2 * size, rows[-1] - 0.005 * size])
    shape = ellipse(centre, np.array([length, 0.0]), 0.03 * size)
    low, high = shape[:, 1].min(), shape[:, 1].max()
    for row in np.arange(low, high, 0.8 * space):
        half = (
            length * np.sqrt(max(1 - ((row - centre[1]) / (0.03 * size)) ** 2, 0.0)) * rng.uniform(0.7, 1.0)
        )
        if half > 3:
            ends = np.array([[centre[0] - half, row], [centre[0] + half, row + rng.normal(0, 0.8)]])
            canvas.stroke(ends.astype(np.float32), pen)
