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
from .figure import Figure
from .outfit import Label
from .pen import Canvas, Pen
from .placement import CANVAS

#: Bones whose length is the unit of a cue's coordinates: across the bone, and along it from its first end.
_BONES = {
    "torso": ("pelvis", "neck"),
    "head": ("head", "head_top"),
    "thigh": ("left_hip", "left_knee"),
    "shin": ("left_knee", "left_ankle"),
    "foot": ("left_ankle", "left_toe"),
    "hand": ("left_wrist", "left_hand"),
    "forearm": ("left_elbow", "left_wrist"),
}

#: Rest-frame directions from which a cue is thrown on the surface, and the axis across a bone as seen from there.
_SIDES = {
    "front": (2, 1),
    "back": (2, -1),
    "outer": (0, 1),
    "inner": (0, -1),
    "top": (1, 1),
    "under": (1, -1),
}

#: Metres between the points of a cue.
_STEP = 0.012

#: Metres that a cue may seem to lie under the surface, which moves when it is posed and dressed.
_TOLERANCE = 0.03


@dataclass(frozen=True, eq=False)
class Cue:
    """A line on the body.

    Attributes:
        name: what it shows.
        bone: key of _BONES, on the left side of the body.
        side: key of _SIDES: from where it is thrown on the surface.
        points: (across, along) in bone lengths; across is to the left (front of a bone seen from its side).
        on: materials that show it.
        rarity: 0 for what nobody leaves out; it is drawn with chance detail ** rarity.
        mirrored: whether the right side has it too.
        closed: whether it is an outline.
    """

    name: str
    bone: str
    side: str
    points: tuple[tuple[float, float], ...]
    on: tuple[Label, ...]
    rarity: float = 1.0
    mirrored: bool = False
    closed: bool = False


_SKIN, _TOP, _BOTTOM, _SHOE, _HAIR = (
    (Label.SKIN,),
    (Label.TOP,),
    (Label.BOTTOM,),
    (Label.SHOE,),
    (Label.HAIR,),
)
_LEG = (Label.SKIN, Label.BOTTOM)


def _button(v: float) -> Cue:
    return Cue(f"button {v}", "torso", "front", ((0.005, v), (0.02, v), (0.02, v - 0.02)), _TOP, 1.0)


_BODY = (
    Cue("clavicle", "torso", "front", ((0.03, 0.87), (0.13, 0.9), (0.25, 0.89)), _SKIN, 0.8, mirrored=True),
    Cue(
        "chest", "torso", "front", ((0.03, 0.58), (0.12, 0.55), (0.22, 0.57), (0.29, 0.65)), _SKIN, 0.4, True
    ),
    Cue("nipple", "torso", "front", ((0.18, 0.63), (0.2, 0.61)), _SKIN, 0.8, mirrored=True),
    Cue("breastbone", "torso", "front", ((0, 0.56), (0, 0.74)), _SKIN),
    Cue("navel", "torso", "front", ((0, 0.2), (0.01, 0.16)), _SKIN, 0.3),
    Cue("belly", "torso", "front", ((0, 0.5), (0, 0.26)), _SKIN, 1.5),
    Cue("ribs", "torso", "front", ((0.06, 0.47), (0.16, 0.4), (0.22, 0.32)), _SKIN, 1.2, mirrored=True),
    Cue("groin", "torso", "front", ((0.27, 0.02), (0.14, -0.12), (0.05, -0.2)), _SKIN, 0.5, mirrored=True),
    Cue("spine", "torso", "back", ((0, 0.86), (0, 0.4), (0, 0.08)), _SKIN, 0.2),
    Cue(
        "shoulder blade", "torso", "back", ((0.1, 0.75), (0.12, 0.6), (0.24, 0.54)), _SKIN, 0.4, mirrored=True
    ),
    Cue("cleft", "torso", "back", ((0, -0.02), (0, -0.19)), _LEG, 0.3),
    Cue("buttock", "torso", "back", ((0.03, -0.22), (0.14, -0.25), (0.25, -0.22)), _LEG, 0.4, mirrored=True),
    Cue("dimple", "torso", "back", ((0.08, 0.05), (0.1, 0.03)), _SKIN, mirrored=True),
    Cue("kneecap", "thigh", "front", ((-0.08, 0.98), (0, 1.05), (0.08, 0.98)), _SKIN, 0.5, mirrored=True),
    Cue("upper knee", "thigh", "front", ((-0.07, 0.93), (0, 0.89), (0.07, 0.93)), _SKIN, 1.2, mirrored=True),
    Cue("hollow", "thigh", "back", ((-0.08, 1.0), (0, 1.02), (0.08, 1.0)), _LEG, 0.5, mirrored=True),
    Cue("calf", "shin", "back", ((0.1, 0.25), (0.07, 0.44), (0, 0.4)), _SKIN, 0.6, mirrored=True),
    Cue("inner calf", "shin", "back", ((-0.09, 0.25), (-0.07, 0.5), (0, 0.4)), _SKIN, 1.0, mirrored=True),
    Cue("shin bone", "shin", "front", ((-0.02, 0.2), (-0.03, 0.7)), _SKIN, 1.5, mirrored=True),
    Cue("ankle bone", "shin", "outer", ((0.0, 0.97), (0.03, 1.0), (0.0, 1.02)), _SKIN, 1.0, mirrored=True),
    Cue(
        "heel", "shin", "back", ((-0.06, 1.03), (0, 1.06), (0.06, 1.03)), (Label.SKIN, Label.SHOE), 0.6, True
    ),
)

_TOPS: dict[str, tuple[Cue, ...]] = {
    "shirt": (
        Cue("collar", "torso", "front", ((0.0, 0.89), (0.1, 0.82), (0.16, 0.96)), _TOP, 0.1, mirrored=True),
        Cue("placket", "torso", "front", ((0, 0.88), (0, 0.4), (0, -0.15)), _TOP, 0.3),
        *(_button(v) for v in (0.78, 0.64, 0.5, 0.36, 0.22, 0.08)),
        Cue(
            "pocket",
            "torso",
            "front",
            ((0.12, 0.68), (0.24, 0.68), (0.24, 0.56), (0.12, 0.56)),
            _TOP,
            closed=True,
        ),
        Cue("nape", "torso", "back", ((-0.15, 0.96), (0, 0.92), (0.15, 0.96)), _TOP, 0.3),
        Cue("yoke", "torso", "back", ((-0.33, 0.76), (0, 0.74), (0.33, 0.76)), _TOP, 0.7),
    ),
    "round neck": (
        Cue("neckline", "torso", "front", ((-0.15, 0.96), (0, 0.84), (0.15, 0.96)), _TOP, 0.2),
        Cue("nape", "torso", "back", ((-0.15, 0.96), (0, 0.93), (0.15, 0.96)), _TOP, 0.3),
    ),
    "v neck": (
        Cue("neckline", "torso", "front", ((-0.13, 0.97), (0, 0.7), (0.13, 0.97)), _TOP, 0.2),
        Cue("nape", "torso", "back", ((-0.15, 0.96), (0, 0.93), (0.15, 0.96)), _TOP, 0.3),
    ),
    "jacket": (
        Cue(
            "lapel",
            "torso",
            "front",
            ((0.1, 0.97), (0.22, 0.8), (0.15, 0.76), (0.2, 0.7), (0.02, 0.38)),
            _TOP,
            0.1,
            True,
        ),
        Cue("opening", "torso", "front", ((0.1, 0.97), (0, 0.36), (0.01, -0.2)), _TOP, 0.2),
        Cue("shirt front", "torso", "front", ((-0.1, 0.97), (0, 0.4)), _TOP, 0.3),
        Cue("flap", "torso", "front", ((0.1, 0.12), (0.24, 0.14)), _TOP, 0.8, mirrored=True),
        _button(0.3),
        _button(0.15),
        Cue("nape", "torso", "back", ((-0.17, 0.96), (0, 0.88), (0.17, 0.96)), _TOP, 0.3),
        Cue("vent", "torso", "back", ((0, 0.85), (0, 0.3), (0, -0.2)), _TOP, 0.6),
    ),
    "hoodie": (
        Cue("cord", "torso", "front", ((0.05, 0.88), (0.06, 0.68)), _TOP, 0.4, mirrored=True),
        Cue("hood edge", "torso", "front", ((-0.2, 0.97), (0, 0.83), (0.2, 0.97)), _TOP, 0.2),
        Cue("pouch", "torso", "front", ((-0.22, 0.06), (-0.13, 0.28), (0.13, 0.28), (0.22, 0.06)), _TOP, 0.4),
        Cue(
            "hood",
            "torso",
            "back",
            ((-0.24, 0.96), (-0.18, 0.72), (0, 0.62), (0.18, 0.72), (0.24, 0.96)),
            _TOP,
            0.1,
        ),
    ),
    "zip": (
        Cue("zip", "torso", "front", ((0, 0.95), (0, 0.4), (0, -0.2)), _TOP, 0.1),
        Cue("stand collar", "torso", "front", ((-0.14, 0.93), (0, 0.87), (0.14, 0.93)), _TOP, 0.5),
        Cue("slant pocket", "torso", "front", ((0.18, 0.22), (0.25, 0.05)), _TOP, 0.6, mirrored=True),
        Cue("nape", "torso", "back", ((-0.15, 0.94), (0, 0.91), (0.15, 0.94)), _TOP, 0.3),
        Cue("back seam", "torso", "back", ((-0.3, 0.72), (0, 0.69), (0.3, 0.72)), _TOP),
    ),
}

_TROUSERS = (
    Cue("fly", "torso", "front", ((0, 0.08), (0.025, -0.04), (0.01, -0.15)), _BOTTOM, 0.4),
    Cue(
        "hip pocket", "torso", "front", ((0.17, 0.08), (0.22, 0.0), (0.3, -0.04)), _BOTTOM, 0.5, mirrored=True
    ),
    Cue("belt", "torso", "front", ((-0.34, 0.05), (0, 0.03), (0.34, 0.05)), _BOTTOM, 0.7),
    Cue(
        "buckle",
        "torso",
        "front",
        ((-0.04, 0.1), (0.04, 0.1), (0.04, 0.03), (-0.04, 0.03)),
        _BOTTOM,
        0.8,
        closed=True,
    ),
    Cue("belt", "torso", "back", ((-0.34, 0.05), (0, 0.03), (0.34, 0.05)), _BOTTOM, 0.7),
    Cue(
        "back pocket",
        "torso",
        "back",
        ((0.08, -0.02), (0.22, -0.02), (0.22, -0.13), (0.15, -0.16), (0.08, -0.13)),
        _BOTTOM,
        0.3,
        True,
        True,
    ),
    Cue(
        "knee fold", "thigh", "front", ((-0.1, 0.92), (0.0, 0.95), (0.09, 0.91)), _BOTTOM, 1.0, mirrored=True
    ),
    Cue("leg crease", "shin", "front", ((0, 0.15), (0, 0.8)), _BOTTOM, 2.0, mirrored=True),
)

_SHOES = (
    *(
        Cue(f"lace {v}", "foot", "top", ((-0.1, v), (0.1, v + 0.05)), _SHOE, 0.5, True)
        for v in (0.4, 0.52, 0.64)
    ),
    Cue("toe cap", "foot", "top", ((-0.2, 0.8), (0, 0.76), (0.2, 0.8)), _SHOE, 0.8, mirrored=True),
    Cue("sole", "shin", "outer", ((-0.14, 1.13), (0.1, 1.125), (0.3, 1.13)), _SHOE, 0.5, mirrored=True),
    Cue("inner sole", "shin", "inner", ((-0.14, 1.13), (0.1, 1.125), (0.3, 1.13)), _SHOE, 0.5, mirrored=True),
    Cue("heel seam", "shin", "back", ((0, 0.95), (0, 1.1)), _SHOE, 0.6, mirrored=True),
    Cue("heel cap", "shin", "back", ((-0.07, 1.11), (0, 1.12), (0.07, 1.11)), _SHOE, 0.5, mirrored=True),
)

_STRANDS = tuple(
    Cue(f"strand {u}", "head", "back", ((u, 0.95 - abs(u)), (u * 1.3, 0.6), (u * 1.1, 0.3)), _HAIR, 0.5)
    for u in (-0.25, -0.12, 0.02, 0.14, 0.26)
)

CUES = (*_BODY, *(cue for cues in _TOPS.values() for cue in cues), *_TROUSERS, *_SHOES, *_STRANDS)


@dataclass(frozen=True, eq=False)
class _Line:
    """Where a cue lies: (n,) triangles of the body and (n, 3) float32 weights of their corners."""

    triangles: np.ndarray
    weights: np.ndarray


def draw_cues(canvas: Canvas, figure: Figure, pen: Pen, detail: float) -> None:
    """Draw cues of the body and of one cut of each garment where they are seen.

    Args:
        canvas: the page; its chance decides which cues are drawn.
        figure: whose cues they are.
        pen: of the outlines; cues are drawn finer.
        detail: 0 for none, 1 for all cues.
    """
    rng = canvas.rng
    tops = tuple(_TOPS.values())
    wanted = [*_BODY, *tops[int(rng.integers(len(tops)))], *_TROUSERS, *_SHOES, *_STRANDS]
    wanted = [cue for cue in wanted if rng.random() < detail**cue.rarity]
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
    first, second = (keypoints[keypoint_index(name)] for name in _BONES[cue.bone])
    normal, sign = _SIDES[cue.side]
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
