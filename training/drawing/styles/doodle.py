"""Ink doodles: bendy limbs under clothes of every cut, small tilted heads with big hair, large shoes and hands.

Knobs, one set a figure: width of arms and legs; cut of trousers and sleeves (even hose, flare, balloon, taper) and
where they end; soft or cornered joints; size, tilt and hair of the head; cloth of each garment (ink, paper, grey,
crosses, dots, stripes, zigzag) and its creases; mittens or fingers; shoes or bare feet; motion lines; ink outline
or a rim of paper around solid limbs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from backend.skeleton import keypoint_index

from ..face import draw_disc_face, head_disc
from ..figure import Figure
from ..limbs import Limb, limbs, torso_depth, torso_polygon, unit
from ..pen import Canvas, Pen, curve, ellipse, ribbon, smoothed

_PATTERNS = ("crosses", "dots", "stripes", "zigzag")
_HAIR = ("none", "cap", "curls", "bush", "long", "bun")

#: How wide a sleeve or a trouser leg is along its limb, in shares of its width.
_CUTS = {
    "hose": (1.0, 1.0, 1.0, 1.0, 1.0),
    "flare": (0.85, 0.9, 1.0, 1.3, 1.65),
    "balloon": (0.9, 1.4, 1.5, 1.3, 0.7),
    "taper": (1.35, 1.15, 0.95, 0.75, 0.6),
}


@dataclass(frozen=True)
class _Cloth:
    """Grey value and pattern ("" for none) of a garment."""

    tone: float
    pattern: str


@dataclass(frozen=True)
class _Inker:
    """Fills and outlines shapes in one manner.

    Attributes:
        canvas: the page.
        pen: the outline's.
        rim: pixels of paper around dark shapes, or they would run into each other; 0 for none.
        outlined: whether light shapes have an outline; dark ones need none.
    """

    canvas: Canvas
    pen: Pen
    rim: float
    outlined: bool

    def shape(self, polygon: np.ndarray, tone: float) -> None:
        """A filled (n, 2) polygon with its edge."""
        dark = tone <= self.pen.tone + 60
        if dark and self.rim:
            width = self.pen.width + 2 * self.rim
            self.canvas.stroke(polygon, Pen(width=width, tone=self.canvas.paper), closed=True)
        self.canvas.fill(polygon, tone)
        if self.outlined or not dark:
            self.canvas.stroke(polygon, self.pen.varied(self.canvas.rng), closed=True)

    def garment(self, left: np.ndarray, right: np.ndarray, polygon: np.ndarray, cloth: _Cloth) -> None:
        """A shape with the pattern of its cloth between its (n, 2) edges ``left`` and ``right``."""
        self.shape(polygon, cloth.tone)
        if cloth.pattern:
            _draw_pattern(self.canvas, left, right, self.pen, cloth.pattern)


def draw(canvas: Canvas, figure: Figure, pen: Pen) -> None:
    """Garments and skin over each other in depth order, the head last unless it looks down behind a limb."""
    rng = canvas.rng
    body = 0.62 * figure.size
    leg = body * rng.choice([rng.uniform(0.035, 0.08), rng.uniform(0.08, 0.15)], p=[0.5, 0.5])
    arm = min(leg, body * 0.1) * rng.uniform(0.5, 0.95)
    pen = replace(
        pen, width=float(np.clip(pen.width, 0.007 * figure.size, 0.018 * figure.size)), gap=pen.gap * 0.3
    )
    inker = _Inker(
        canvas, pen, rng.choice([0.0, pen.width * rng.uniform(0.7, 1.4)], p=[0.3, 0.7]), rng.random() < 0.8
    )
    cloth = {part: _sample_cloth(rng, canvas, pen) for part in ("torso", "arm", "leg")}
    if rng.random() < 0.7:
        cloth["arm"] = cloth["torso"]
    skin = canvas.paper if rng.random() < 0.8 else rng.uniform(120, 240)
    cut = {"arm": _sample_cut(rng, 0.5), "leg": _sample_cut(rng, 0.35)}
    ends = {
        "arm": rng.choice([0.3, 0.6, 0.97], p=[0.3, 0.15, 0.55]),
        "leg": rng.choice([0.35, 0.7, 0.97], p=[0.2, 0.1, 0.7]),
    }
    bendy = rng.random() < 0.65
    bare, fingers = rng.random() < 0.25, rng.random() < 0.65
    shoe = _Cloth(pen.tone if rng.random() < 0.4 else canvas.paper, "")
    foot_size, hand_size = rng.uniform(0.8, 1.5), rng.uniform(0.8, 1.35)
    creases = rng.random() < 0.7

    def draw_limb(limb: Limb) -> None:
        line = _centre_line(limb.points[:3], bendy)
        width = leg if limb.kind == "leg" else arm
        # The limb inside is thinner than any cloth around it, and ends thinner at the wrist than at the ankle.
        inside = np.interp(np.linspace(0, 1, len(line)), (0, 0.5, 1), (0.8, 0.65, 0.45)) * min(
            width, 0.07 * body
        )
        last = max(4, round(ends[limb.kind] * len(line)))
        if limb.kind == "leg":
            _draw_foot(inker, limb.points, inside[-1], foot_size, bare, skin if bare else shoe.tone)
        else:
            _draw_hand(inker, limb.points, inside[-1], hand_size * 0.05 * body, fingers, skin)
        if last < len(line):
            inker.shape(ribbon(line[last - 2 :], inside[last - 2 :]), skin)
        part = line[:last]
        wide = width * np.interp(np.linspace(0, 1, last), np.linspace(0, 1, 5), cut[limb.kind])
        wide = np.maximum(wide, inside[:last] * 1.15)
        normal = _normals(part)
        left, right = part - normal * wide[:, None], part + normal * wide[:, None]
        # Cloth ends in a straight hem, where a bare limb would be round.
        inker.garment(left, right, np.concatenate([left, right[::-1]]), cloth[limb.kind])
        canvas.fill(
            ellipse(part[0], unit(part[1] - part[0]) * wide[0] * 0.7, wide[0] * 0.9, 12),
            cloth[limb.kind].tone,
        )
        if creases:
            _draw_creases(inker, limb.points, part, wide, cloth[limb.kind].tone)

    centre, radius, up = head_disc(figure)
    radius *= rng.uniform(0.65, 1.05)
    tilt = rng.normal(0, 0.15)
    up = np.array([up[0] * np.cos(tilt) - up[1] * np.sin(tilt), up[0] * np.sin(tilt) + up[1] * np.cos(tilt)])
    hair = str(rng.choice(_HAIR, p=[0.08, 0.2, 0.2, 0.14, 0.24, 0.14]))
    hair_tone = pen.tone if rng.random() < 0.75 else rng.uniform(100, 230)
    middle = torso_depth(figure)
    # Shirts hang over trousers, and arms lie on the torso rather than behind it where the two are as near.
    bias = {"leg": 0.05, "arm": -0.04}
    parts = sorted(limbs(figure), key=lambda limb: -(limb.depth + bias[limb.kind]))
    behind = [limb for limb in parts if limb.depth + bias[limb.kind] >= middle]
    facing_away = figure.head_facing < -0.1
    if not facing_away:
        _draw_hair(canvas, hair, centre, radius, up, hair_tone, pen)
    for limb in behind:
        draw_limb(limb)
    chest = figure.keypoints[keypoint_index("neck")]
    inker.shape(
        ribbon(curve(np.stack([chest, centre - up * radius * 0.5]), 0, 5), np.full(5, radius * 0.33)), skin
    )
    hips = figure.keypoints[[keypoint_index("left_hip"), keypoint_index("right_hip")]]
    inker.shape(ribbon(curve(hips, 0, 5), np.full(5, leg * cut["leg"][0])), cloth["leg"].tone)
    _draw_torso(inker, figure, arm * rng.uniform(0.6, 1.1), cloth["torso"])
    for limb in parts:
        if limb not in behind:
            draw_limb(limb)
    head = ellipse(centre, up * radius * 1.1, radius * rng.uniform(0.75, 1.0))
    inker.shape(head, skin)
    if facing_away:
        canvas.fill(head, hair_tone if hair != "none" else skin)
        _draw_hair(canvas, hair, centre, radius, up, hair_tone, pen)
    else:
        if hair != "none":
            _draw_fringe(canvas, centre, radius, up, hair_tone)
        draw_disc_face(canvas, figure, centre, radius, pen)
    if rng.random() < 0.2:
        _draw_motion(canvas, parts, arm + leg, pen)


def _sample_cloth(rng: np.random.Generator, canvas: Canvas, pen: Pen) -> _Cloth:
    kind = rng.random()
    if kind < 0.3:
        return _Cloth(pen.tone, "")
    tone = float(rng.uniform(80, 230)) if rng.random() < 0.25 else canvas.paper
    return _Cloth(tone, str(rng.choice(_PATTERNS)) if kind < 0.6 else "")


def _sample_cut(rng: np.random.Generator, plain: float) -> np.ndarray:
    if rng.random() < plain:
        return np.array(_CUTS["hose"])
    shape = np.array(_CUTS[str(rng.choice(("flare", "balloon", "taper")))])
    return 1 + (shape - 1) * rng.uniform(0.4, 1.3)


def _centre_line(points: np.ndarray, bendy: bool) -> np.ndarray:
    """(20, 2) line through the three joints of a limb, round or nearly cornered at the middle one."""
    if bendy:
        return curve(points, count=20)
    return smoothed(np.concatenate([curve(points[:2], 0, 10), curve(points[1:], 0, 11)[1:]]), 1.2)


def _normals(line: np.ndarray) -> np.ndarray:
    tangent = np.gradient(line, axis=0)
    tangent /= np.maximum(np.hypot(*tangent.T)[:, None], 1e-6)
    return np.stack([-tangent[:, 1], tangent[:, 0]], 1)


def _draw_torso(inker: _Inker, figure: Figure, fat: float, cloth: _Cloth) -> None:
    a, b, c, d, e, f = torso_polygon(figure, widen=fat)
    left, right = curve(np.stack([a, f, e]), count=9), curve(np.stack([b, c, d]), count=9)
    outline = np.concatenate(
        [left, curve(np.stack([e, d]), 0, 5)[1:-1], right[::-1], curve(np.stack([b, a]), 0, 5)[1:-1]]
    )
    inker.garment(left, right, smoothed(outline, 1.0, closed=True), cloth)


def _draw_pattern(canvas: Canvas, left: np.ndarray, right: np.ndarray, pen: Pen, pattern: str) -> None:
    rng = canvas.rng
    fine = replace(pen.varied(rng, rng.uniform(0.5, 1.0)), overshoot=0.0, double=0.0)
    length = float(np.hypot(*np.diff((left + right) / 2, axis=0).T).sum())
    width = float(np.hypot(*(right - left).T).mean())
    spacing = max(0.06 * rng.uniform(0.6, 1.4) * (length + width), 3 * pen.width)
    rows, columns = min(14, int(length / spacing)), min(6, max(1, int(width / spacing)))

    def place(along: float, across: float) -> np.ndarray:
        at = along * (len(left) - 1)
        index = np.arange(len(left))
        a, b = (np.array([np.interp(at, index, edge[:, k]) for k in (0, 1)]) for edge in (left, right))
        return a + across * (b - a)

    for row in range(rows):
        along = (row + 0.5) / rows
        if pattern == "stripes":
            canvas.stroke(np.stack([place(along, across) for across in (0.04, 0.5, 0.96)]), fine)
        elif pattern == "zigzag":
            if row % 2 == 0:
                points = [
                    place(along + 0.35 * (k % 2) / rows, across)
                    for k, across in enumerate(np.linspace(0.05, 0.95, 7))
                ]
                canvas.stroke(np.stack(points), fine)
        else:
            for column in range(columns):
                across = (column + 0.5 + 0.5 * (row % 2) * (columns > 1)) / (columns + 0.5)
                centre = place(along, across) + rng.normal(0, 0.08 * spacing, 2)
                half = 0.22 * spacing
                if pattern == "dots":
                    canvas.fill(ellipse(centre, np.array([half * 0.8, 0]), half * 0.7, 8), pen.tone)
                else:
                    canvas.stroke(centre + np.array([[-half, -half], [half, half]]), fine)
                    canvas.stroke(centre + np.array([[-half, half], [half, -half]]), fine)


def _draw_creases(inker: _Inker, joints: np.ndarray, line: np.ndarray, wide: np.ndarray, tone: float) -> None:
    """Folds on the inside of the bent middle joint, of paper where the cloth is inked."""
    nearest = int(np.hypot(*(line - joints[1]).T).argmin())
    if nearest >= len(line) - 2:
        return
    canvas = inker.canvas
    inside = unit((joints[0] + joints[2]) / 2 - joints[1])
    dark = tone <= inker.pen.tone + 60
    fine = replace(inker.pen, tone=canvas.paper if dark else inker.pen.tone, overshoot=0.0, double=0.0)
    for shift in canvas.rng.uniform(-1, 1, int(canvas.rng.integers(1, 4))):
        start = line[nearest] + inside * wide[nearest] * 0.95
        goal = (
            line[nearest]
            + unit(joints[1] - joints[0]) * wide[nearest] * shift * 0.7
            - inside * wide[nearest] * 0.1
        )
        canvas.stroke(
            curve(np.stack([start, goal]), canvas.rng.normal(0, 0.1), 6), fine.varied(canvas.rng, 0.8)
        )


def _draw_hand(
    inker: _Inker, points: np.ndarray, wrist: float, size: float, fingers: bool, skin: float
) -> None:
    along = unit(points[3] - points[2])
    size = max(size, wrist * 1.1)
    reach = max(float(np.hypot(*(points[3] - points[2]))), size)
    side = np.array([-along[1], along[0]])
    palm = points[2] + along * reach * 0.55
    if fingers:
        count = int(inker.canvas.rng.integers(3, 6))
        for spread in np.linspace(-1, 1, count):
            root = palm + side * spread * size * 0.6
            tip = root + (along + side * spread * 0.6) * reach * (0.9 - 0.25 * abs(spread))
            inker.shape(
                ribbon(curve(np.stack([root, tip]), 0.08 * spread, 5), np.linspace(0.24, 0.17, 5) * size),
                skin,
            )
    oval = ellipse(palm, along * reach * (0.6 if fingers else 0.85), size * 0.75)
    if fingers:
        inker.canvas.fill(oval, skin)
        inker.canvas.stroke(oval[7:18], inker.pen.varied(inker.canvas.rng))
    else:
        inker.shape(oval, skin)
        thumb = np.stack([palm, palm + (along * 0.5 + side) * size])
        inker.shape(ribbon(curve(thumb, 0, 5), np.full(5, size * 0.25)), skin)


def _draw_foot(inker: _Inker, points: np.ndarray, ankle: float, size: float, bare: bool, tone: float) -> None:
    along = points[3] - points[2]
    shin = unit(points[1] - points[2])
    high = max(0.3 * float(np.hypot(*along)), ankle * 0.9) * size
    # Square to the foot and on the shin's side, so that the sole is away from the knee.
    top = unit(np.array([-along[1], along[0]]))
    top = top if top @ shin >= 0 else -top
    heel, toe = (
        points[2] - along * 0.25 * size - top * high * 0.2,
        points[3] + along * 0.12 - top * high * 0.25,
    )
    corners = [heel - top * high * 0.35, toe - top * high * 0.35, toe + top * high * 0.35]
    instep = points[2] + along * 0.35 + top * high * 0.75
    corners += [instep, points[2] + top * high * 0.8 - along * 0.2, heel + top * high * 0.4]
    outline = np.concatenate(
        [curve(np.stack([corners[k], corners[(k + 1) % 6]]), 0, 5)[:-1] for k in range(6)]
    )
    inker.shape(smoothed(outline, 1.3, closed=True), tone)
    rng = inker.canvas.rng
    fine = replace(inker.pen.varied(rng, 0.7), overshoot=0.0, double=0.0)
    if bare:
        for k in range(3):
            start = toe + top * high * (0.25 - 0.25 * k)
            inker.canvas.stroke(np.stack([start, start - along * 0.18]), fine)
    elif tone > inker.pen.tone + 60:
        inker.canvas.stroke(np.stack([heel - top * high * 0.05, toe - top * high * 0.05]), fine)
        for share in rng.uniform(0.3, 0.6, int(rng.integers(0, 3))):
            lace = points[2] + along * share + top * high * 0.5
            inker.canvas.stroke(np.stack([lace - top * high * 0.3, lace + along * 0.08]), fine)


def _draw_hair(
    canvas: Canvas, kind: str, centre: np.ndarray, radius: float, up: np.ndarray, tone: float, pen: Pen
) -> None:
    """What of the hair stands out around the head."""
    rng = canvas.rng
    side = np.array([-up[1], up[0]])
    if kind == "bush":
        canvas.fill(
            ellipse(
                centre + up * radius * 0.4,
                up * radius * rng.uniform(1.1, 1.6),
                radius * rng.uniform(1.1, 1.7),
            ),
            tone,
        )
    elif kind == "bun":
        canvas.fill(ellipse(centre + up * radius * 1.3, up * radius * 0.45, radius * 0.5, 12), tone)
    elif kind == "long":
        drift = side * rng.normal(0, 1.2) * radius
        line = curve(
            np.stack(
                [
                    centre + up * radius * 0.5,
                    centre + drift,
                    centre - up * radius * rng.uniform(0.8, 2.4) + 1.6 * drift,
                ]
            )
        )
        canvas.fill(ribbon(line, np.linspace(1.1, rng.uniform(0.3, 1.1), len(line)) * radius), tone)
    elif kind == "curls":
        size = rng.uniform(0.35, 0.55)
        for angle in np.linspace(-2.0, 2.0, 11):
            place = centre + (up * np.cos(angle) + side * np.sin(angle)) * radius * rng.uniform(0.95, 1.2)
            curl = ellipse(place, up * radius * size, radius * size, 10)
            canvas.fill(curl, tone)
            if tone > pen.tone + 60:
                canvas.stroke(curl, pen.varied(rng, 0.7), closed=True)


def _draw_fringe(canvas: Canvas, centre: np.ndarray, radius: float, up: np.ndarray, tone: float) -> None:
    """Hair on the upper part of a head that is seen from the front or the side."""
    rng = canvas.rng
    side = np.array([-up[1], up[0]])
    angle = np.linspace(-1.25, 1.25, 12)[:, None]
    crown = centre + (np.cos(angle) * up * 1.15 + np.sin(angle) * side) * radius
    brow = centre + up * radius * rng.uniform(0.45, 0.75) + side * radius * rng.normal(0, 0.3)
    canvas.fill(np.concatenate([crown, brow[None]]).astype(np.float32), tone)


def _draw_motion(canvas: Canvas, parts: list[Limb], away: float, pen: Pen) -> None:
    """Short bows beside a swinging limb."""
    limb = parts[int(canvas.rng.integers(len(parts)))]
    along = limb.points[2] - limb.points[1]
    side = unit(np.array([-along[1], along[0]])) * canvas.rng.choice([-1, 1])
    for k in range(int(canvas.rng.integers(2, 4))):
        shift = side * away * (0.9 + 0.35 * k)
        ends = (
            np.stack([limb.points[1] + along * 0.3, limb.points[1] + along * canvas.rng.uniform(0.6, 1.0)])
            + shift
        )
        canvas.stroke(curve(ends, 0.15, 8), pen.varied(canvas.rng, 0.7))
