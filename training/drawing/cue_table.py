"""The cues of a body and of each garment: what tells the front from the back, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass

from .shapes import Label

#: Bones whose length is the unit of a cue's coordinates: across the bone, and along it from its first end.
BONES = {
    "torso": ("pelvis", "neck"),
    "head": ("head", "head_top"),
    "thigh": ("left_hip", "left_knee"),
    "shin": ("left_knee", "left_ankle"),
    "foot": ("left_ankle", "left_toe"),
    "hand": ("left_wrist", "left_hand"),
    "forearm": ("left_elbow", "left_wrist"),
}

#: Rest-frame directions from which a cue is thrown on the surface, and the axis across a bone as seen from there.
SIDES = {
    "front": (2, 1),
    "back": (2, -1),
    "outer": (0, 1),
    "inner": (0, -1),
    "top": (1, 1),
    "under": (1, -1),
}


@dataclass(frozen=True, eq=False)
class Cue:
    """A line on the body.

    Attributes:
        name: what it shows.
        bone: key of BONES, on the left side of the body.
        side: key of SIDES: from where it is thrown on the surface.
        points: (across, along) in bone lengths; across is to the left (front of a bone seen from its side).
        on: materials that show it.
        rarity: 0 for what nobody leaves out; it is drawn with chance detail ** rarity.
        both: whether the right side has it too.
        closed: whether it is an outline.
    """

    name: str
    bone: str
    side: str
    points: tuple[tuple[float, float], ...]
    on: tuple[Label, ...]
    rarity: float = 1.0
    both: bool = False
    closed: bool = False


_SKIN, _BOTTOM, _SHOE, _HAIR = (Label.SKIN,), (Label.BOTTOM,), (Label.SHOE,), (Label.HAIR,)
_TOP = (Label.TOP, Label.SKIRT)
_TRUNK, _LEGS, _FEET = (Label.SKIN, *_TOP), (Label.SKIN, Label.BOTTOM), (Label.SKIN, Label.SHOE)

_Points = tuple[tuple[float, float], ...]

_POCKET = ((0.08, -0.02), (0.22, -0.02), (0.22, -0.13), (0.15, -0.16), (0.08, -0.13))


def _front(
    name: str,
    points: _Points,
    on: tuple[Label, ...],
    rarity: float = 1.0,
    *,
    both: bool = False,
    closed: bool = False,
) -> Cue:
    return Cue(name, "torso", "front", points, on, rarity, both, closed)


def _back(
    name: str,
    points: _Points,
    on: tuple[Label, ...],
    rarity: float = 1.0,
    *,
    both: bool = False,
    closed: bool = False,
) -> Cue:
    return Cue(name, "torso", "back", points, on, rarity, both, closed)


def _buttons(*heights: float) -> list[Cue]:
    return [_front("button", ((-0.02, v), (0.02, v), (0.02, v - 0.03)), _TOP) for v in heights]


def _strands(*places: float) -> list[Cue]:
    lines = [((u, 0.95 - abs(u)), (u * 1.3, 0.6), (u * 1.1, 0.3)) for u in places]
    return [Cue("strand", "head", "back", line, _HAIR, 0.5) for line in lines]


def _laces(*places: float) -> list[Cue]:
    return [Cue("lace", "foot", "top", ((-0.1, v), (0.1, v + 0.05)), _SHOE, 0.5, both=True) for v in places]


#: The cues of the body and of each thing in an outfit's ``wears``.
CUES: dict[str, tuple[Cue, ...]] = {
    "body": (
        _front("clavicle", ((0.03, 0.87), (0.13, 0.9), (0.25, 0.89)), _SKIN, 0.8, both=True),
        _front("nipple", ((0.18, 0.63), (0.2, 0.61)), _SKIN, 0.8, both=True),
        _front("breastbone", ((0, 0.56), (0, 0.74)), _SKIN),
        _front("navel", ((0, 0.2), (0.01, 0.16)), _SKIN, 0.3),
        _front("belly", ((0, 0.5), (0, 0.26)), _SKIN, 1.5),
        _front("ribs", ((0.06, 0.47), (0.16, 0.4), (0.22, 0.32)), _SKIN, 1.2, both=True),
        _front("groin", ((0.27, 0.02), (0.14, -0.12), (0.05, -0.2)), _SKIN, 0.5, both=True),
        _back("spine", ((0, 0.86), (0, 0.4), (0, 0.08)), _SKIN, 0.2),
        _back("shoulder blade", ((0.1, 0.75), (0.12, 0.6), (0.24, 0.54)), _SKIN, 0.4, both=True),
        _back("cleft", ((0, -0.02), (0, -0.19)), _LEGS, 0.3),
        _back("buttock", ((0.03, -0.22), (0.14, -0.25), (0.25, -0.22)), _LEGS, 0.4, both=True),
        _back("dimple", ((0.08, 0.05), (0.1, 0.03)), _SKIN, both=True),
        Cue("elbow", "forearm", "back", ((-0.02, 0.07), (0.05, 0), (0.1, 0.05)), _SKIN, 0.8, both=True),
        Cue(
            "elbow fold", "forearm", "front", ((-0.1, -0.04), (-0.02, 0.02), (0.04, 0)), _TOP, 0.6, both=True
        ),
        _front("armpit fold", ((0.34, 0.63), (0.27, 0.68)), _TOP, 0.8, both=True),
        _back("armpit fold behind", ((0.35, 0.66), (0.29, 0.7)), _TOP, 0.8, both=True),
        Cue("kneecap", "thigh", "front", ((-0.08, 0.98), (0, 1.05), (0.08, 0.98)), _SKIN, 0.5, both=True),
        Cue("upper knee", "thigh", "front", ((-0.07, 0.93), (0, 0.89), (0.07, 0.93)), _SKIN, 1.2, both=True),
        Cue("hollow", "thigh", "back", ((-0.08, 1), (0, 1.02), (0.08, 1)), _LEGS, 0.5, both=True),
        Cue("calf", "shin", "back", ((0.1, 0.22), (0.09, 0.36), (0.05, 0.45)), _SKIN, 0.6, both=True),
        Cue("inner calf", "shin", "back", ((-0.09, 0.2), (-0.08, 0.4), (-0.04, 0.5)), _SKIN, both=True),
        Cue("shin bone", "shin", "front", ((-0.02, 0.2), (-0.03, 0.7)), _SKIN, 1.5, both=True),
        Cue("ankle bone", "shin", "outer", ((0, 0.97), (0.03, 1), (0, 1.02)), _SKIN, both=True),
        Cue("heel", "shin", "back", ((-0.06, 1.03), (0, 1.06), (0.06, 1.03)), _FEET, 0.6, both=True),
        Cue(
            "ear",
            "head",
            "outer",
            ((0.1, 0.48), (0.02, 0.5), (-0.05, 0.4), (-0.02, 0.27), (0.05, 0.22)),
            _SKIN,
            0.2,
            both=True,
        ),
        Cue("knuckle", "hand", "top", ((0.29, 0.95), (0.31, 1.2)), _SKIN, 1.2, both=True),
        Cue("knuckle", "hand", "top", ((0.05, 0.97), (0.06, 1.22)), _SKIN, 1.2, both=True),
        Cue("knuckle", "hand", "top", ((-0.19, 0.95), (-0.2, 1.2)), _SKIN, 1.2, both=True),
        *_strands(-0.25, -0.12, 0.02, 0.14, 0.26),
    ),
    "shirt": (
        _front("collar", ((0, 0.89), (0.1, 0.82), (0.16, 0.96)), _TOP, 0.1, both=True),
        _front("placket", ((0, 0.88), (0, 0.4), (0, -0.15)), _TOP, 0.3),
        _front("pocket", ((0.12, 0.68), (0.24, 0.68), (0.24, 0.56), (0.12, 0.56)), _TOP, closed=True),
        _back("nape", ((-0.15, 0.96), (0, 0.92), (0.15, 0.96)), _TOP, 0.3),
        _back("yoke", ((-0.33, 0.76), (0, 0.74), (0.33, 0.76)), _TOP, 0.7),
        *_buttons(0.78, 0.64, 0.5, 0.36, 0.22, 0.08),
    ),
    "round neck": (
        _front("neckline", ((-0.15, 0.96), (0, 0.84), (0.15, 0.96)), _TOP, 0.2),
        _back("nape", ((-0.15, 0.96), (0, 0.93), (0.15, 0.96)), _TOP, 0.3),
    ),
    "v neck": (
        _front("neckline", ((-0.13, 0.97), (0, 0.7), (0.13, 0.97)), _TOP, 0.2),
        _back("nape", ((-0.15, 0.96), (0, 0.93), (0.15, 0.96)), _TOP, 0.3),
    ),
    "jacket": (
        _front(
            "lapel", ((0.1, 0.97), (0.22, 0.8), (0.15, 0.76), (0.2, 0.7), (0.02, 0.38)), _TOP, 0.1, both=True
        ),
        _front("opening", ((0.1, 0.97), (0, 0.36), (0.01, -0.2)), _TOP, 0.2),
        _front("shirt front", ((-0.1, 0.97), (0, 0.4)), _TOP, 0.3),
        _front("flap", ((0.1, 0.12), (0.24, 0.14)), _TOP, 0.8, both=True),
        _back("nape", ((-0.17, 0.96), (0, 0.88), (0.17, 0.96)), _TOP, 0.3),
        _back("vent", ((0, 0.85), (0, 0.3), (0, -0.2)), _TOP, 0.6),
        *_buttons(0.3, 0.15),
    ),
    "hoodie": (
        _front("cord", ((0.05, 0.88), (0.06, 0.68)), _TOP, 0.4, both=True),
        _front("hood edge", ((-0.2, 0.97), (0, 0.83), (0.2, 0.97)), _TOP, 0.2),
        _front("pouch", ((-0.22, 0.06), (-0.13, 0.28), (0.13, 0.28), (0.22, 0.06)), _TOP, 0.4),
        _back("hood", ((-0.24, 0.96), (-0.18, 0.72), (0, 0.62), (0.18, 0.72), (0.24, 0.96)), _TOP, 0.1),
    ),
    "singlet": (
        _front("neckline", ((-0.17, 0.97), (-0.08, 0.78), (0.08, 0.78), (0.17, 0.97)), _TOP, 0.2),
        _back("racer back", ((0.2, 0.92), (0.1, 0.74), (0.2, 0.5)), _TOP, 0.4, both=True),
    ),
    "zip": (
        _front("zip", ((0, 0.95), (0, 0.4), (0, -0.2)), _TOP, 0.1),
        _front("stand collar", ((-0.14, 0.93), (0, 0.87), (0.14, 0.93)), _TOP, 0.5),
        _front("slant pocket", ((0.18, 0.22), (0.25, 0.05)), _TOP, 0.6, both=True),
        _back("nape", ((-0.15, 0.94), (0, 0.91), (0.15, 0.94)), _TOP, 0.3),
        _back("back seam", ((-0.3, 0.72), (0, 0.69), (0.3, 0.72)), _TOP),
    ),
    "trousers": (
        _front("fly", ((0, 0.08), (0.025, -0.04), (0.01, -0.15)), _BOTTOM, 0.4),
        _front("hip pocket", ((0.17, 0.08), (0.22, 0), (0.3, -0.04)), _BOTTOM, 0.5, both=True),
        _front("belt", ((-0.34, 0.05), (0, 0.03), (0.34, 0.05)), _BOTTOM, 0.7),
        _front("buckle", ((-0.04, 0.1), (0.04, 0.1), (0.04, 0.03), (-0.04, 0.03)), _BOTTOM, 0.8, closed=True),
        _back("belt", ((-0.34, 0.05), (0, 0.03), (0.34, 0.05)), _BOTTOM, 0.7),
        _back("back pocket", _POCKET, _BOTTOM, 0.3, both=True, closed=True),
        Cue("knee fold", "thigh", "front", ((-0.1, 0.92), (0, 0.95), (0.09, 0.91)), _BOTTOM, both=True),
        Cue("leg crease", "shin", "front", ((0, 0.15), (0, 0.8)), _BOTTOM, 2, both=True),
    ),
    "slacks": (
        Cue("crease", "thigh", "front", ((0, 0.25), (0, 1)), _BOTTOM, 0.7, both=True),
        Cue("lower crease", "shin", "front", ((0, 0), (0, 0.95)), _BOTTOM, 0.7, both=True),
        _back("back seam", ((0, 0.1), (0, -0.2)), _BOTTOM, 0.3),
        _front("fly", ((0, 0.1), (0, -0.15)), _BOTTOM, 0.6),
    ),
    "shoes": (
        Cue("toe cap", "foot", "top", ((-0.2, 0.8), (0, 0.76), (0.2, 0.8)), _SHOE, 0.8, both=True),
        Cue("sole", "shin", "outer", ((-0.14, 1.13), (0.1, 1.125), (0.3, 1.13)), _SHOE, 0.5, both=True),
        Cue("inner sole", "shin", "inner", ((-0.14, 1.13), (0.1, 1.125), (0.3, 1.13)), _SHOE, 0.5, both=True),
        Cue("heel seam", "shin", "back", ((0, 0.95), (0, 1.1)), _SHOE, 0.6, both=True),
        Cue("heel cap", "shin", "back", ((-0.07, 1.11), (0, 1.12), (0.07, 1.11)), _SHOE, 0.5, both=True),
        *_laces(0.4, 0.52, 0.64),
    ),
    "flat chest": (
        _front("chest", ((0.03, 0.58), (0.12, 0.55), (0.22, 0.57), (0.29, 0.65)), _SKIN, 0.4, both=True),
    ),
    "full chest": (
        _front(
            "breast",
            ((0.05, 0.6), (0.1, 0.53), (0.19, 0.51), (0.27, 0.57), (0.29, 0.66)),
            _SKIN,
            0.3,
            both=True,
        ),
        _front("breast", ((0.08, 0.54), (0.17, 0.51), (0.25, 0.55)), _TOP, 0.8, both=True),
    ),
    "heart": (
        _front(
            "heart",
            ((0, 0.5), (0.1, 0.61), (0.06, 0.67), (-0.06, 0.67), (-0.1, 0.61)),
            _TOP,
            0.2,
            closed=True,
        ),
    ),
    "letter": (
        _front(
            "letter",
            ((0.09, 0.66), (0, 0.7), (-0.08, 0.64), (0.08, 0.53), (0, 0.46), (-0.09, 0.5)),
            _TOP,
            0.2,
        ),
    ),
    "number": (
        _back("seven", ((0.12, 0.72), (-0.1, 0.72), (0.05, 0.38)), _TOP, 0.2),
        _front("badge", ((0.12, 0.68), (0.2, 0.68), (0.16, 0.6)), _TOP, 0.5, closed=True),
    ),
    "stripe": (
        _front("stripe", ((-0.4, 0.6), (0, 0.56), (0.4, 0.6)), _TOP, 0.2),
        _front("lower stripe", ((-0.4, 0.5), (0, 0.46), (0.4, 0.5)), _TOP, 0.2),
        _back("stripe", ((-0.4, 0.6), (0, 0.6), (0.4, 0.6)), _TOP, 0.2),
        _back("lower stripe", ((-0.4, 0.5), (0, 0.5), (0.4, 0.5)), _TOP, 0.2),
    ),
    "overalls": (
        _front("bib", ((-0.24, 0.1), (-0.18, 0.6), (0.18, 0.6), (0.24, 0.1)), _TRUNK, 0.1),
        _front("strap", ((0.15, 0.6), (0.19, 0.95)), _TRUNK, 0.1, both=True),
        _front(
            "bib pocket", ((-0.1, 0.48), (0.1, 0.48), (0.09, 0.33), (-0.09, 0.33)), _TRUNK, 0.6, closed=True
        ),
        _back("crossed strap", ((-0.2, 0.95), (0, 0.5), (0.16, 0.1)), _TRUNK, 0.1, both=True),
    ),
    "braces": (
        _front("brace", ((0.19, 0.95), (0.2, 0.5), (0.2, 0.08)), _TRUNK, 0.1, both=True),
        _back("brace behind", ((0.18, 0.95), (0.02, 0.55), (0, 0.08)), _TRUNK, 0.1, both=True),
    ),
    "straps": (
        _front("strap", ((0.2, 0.96), (0.24, 0.75), (0.3, 0.5)), _TRUNK, 0.1, both=True),
        _front("inner edge", ((0.15, 0.96), (0.18, 0.75), (0.27, 0.45)), _TRUNK, 0.3, both=True),
        _front("chest strap", ((-0.22, 0.7), (0, 0.69), (0.22, 0.7)), _TRUNK),
    ),
    "tie": (
        _front("knot", ((-0.05, 0.93), (0.05, 0.93), (0.03, 0.84), (-0.03, 0.84)), _TRUNK, 0.1, closed=True),
        _front("tie", ((-0.025, 0.83), (-0.07, 0.3), (0, 0.22), (0.07, 0.3), (0.025, 0.83)), _TRUNK, 0.1),
    ),
}
