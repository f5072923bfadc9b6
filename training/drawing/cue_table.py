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
    (Label.TOP, Label.SKIRT),
    (Label.BOTTOM,),
    (Label.SHOE,),
    (Label.HAIR,),
)
_ANY_TOP = (Label.SKIN, Label.TOP, Label.SKIRT)
_LEG = (Label.SKIN, Label.BOTTOM)


def _button(v: float) -> Cue:
    return Cue(f"button {v}", "torso", "front", ((-0.02, v), (0.02, v), (0.02, v - 0.03)), _TOP, 1.0)


_BODY = (
    Cue("clavicle", "torso", "front", ((0.03, 0.87), (0.13, 0.9), (0.25, 0.89)), _SKIN, 0.8, mirrored=True),
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
    Cue("elbow", "forearm", "back", ((-0.02, 0.07), (0.05, 0.0), (0.1, 0.05)), _SKIN, 0.8, mirrored=True),
    Cue(
        "elbow fold",
        "forearm",
        "front",
        ((-0.1, -0.04), (-0.02, 0.02), (0.04, 0.0)),
        _TOP,
        0.6,
        mirrored=True,
    ),
    Cue("armpit fold", "torso", "front", ((0.34, 0.63), (0.27, 0.68)), _TOP, 0.8, mirrored=True),
    Cue("armpit fold behind", "torso", "back", ((0.35, 0.66), (0.29, 0.7)), _TOP, 0.8, mirrored=True),
    Cue("kneecap", "thigh", "front", ((-0.08, 0.98), (0, 1.05), (0.08, 0.98)), _SKIN, 0.5, mirrored=True),
    Cue("upper knee", "thigh", "front", ((-0.07, 0.93), (0, 0.89), (0.07, 0.93)), _SKIN, 1.2, mirrored=True),
    Cue("hollow", "thigh", "back", ((-0.08, 1.0), (0, 1.02), (0.08, 1.0)), _LEG, 0.5, mirrored=True),
    Cue("calf", "shin", "back", ((0.1, 0.22), (0.09, 0.36), (0.05, 0.45)), _SKIN, 0.6, mirrored=True),
    Cue("inner calf", "shin", "back", ((-0.09, 0.2), (-0.08, 0.4), (-0.04, 0.5)), _SKIN, 1.0, mirrored=True),
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
    "singlet": (
        Cue(
            "neckline",
            "torso",
            "front",
            ((-0.17, 0.97), (-0.08, 0.78), (0.08, 0.78), (0.17, 0.97)),
            _TOP,
            0.2,
        ),
        Cue("racer back", "torso", "back", ((0.2, 0.92), (0.1, 0.74), (0.2, 0.5)), _TOP, 0.4, mirrored=True),
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

_SLACKS = (
    Cue("crease", "thigh", "front", ((0, 0.25), (0, 1.0)), _BOTTOM, 0.7, mirrored=True),
    Cue("lower crease", "shin", "front", ((0, 0.0), (0, 0.95)), _BOTTOM, 0.7, mirrored=True),
    Cue("back seam", "torso", "back", ((0, 0.1), (0, -0.2)), _BOTTOM, 0.3),
    Cue("fly", "torso", "front", ((0, 0.1), (0.0, -0.15)), _BOTTOM, 0.6),
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


#: The cues of the body and of each thing in an outfit's ``wears``.
CUES: dict[str, tuple[Cue, ...]] = {
    "body": (*_BODY, *_STRANDS),
    **_TOPS,
    "trousers": _TROUSERS,
    "slacks": _SLACKS,
    "shoes": _SHOES,
    "flat chest": (
        Cue(
            "chest",
            "torso",
            "front",
            ((0.03, 0.58), (0.12, 0.55), (0.22, 0.57), (0.29, 0.65)),
            _SKIN,
            0.4,
            True,
        ),
    ),
    "full chest": (
        Cue(
            "breast",
            "torso",
            "front",
            ((0.05, 0.6), (0.1, 0.53), (0.19, 0.51), (0.27, 0.57), (0.29, 0.66)),
            _SKIN,
            0.3,
            True,
        ),
        Cue("breast", "torso", "front", ((0.08, 0.54), (0.17, 0.51), (0.25, 0.55)), _TOP, 0.8, mirrored=True),
    ),
    "heart": (
        Cue(
            "heart",
            "torso",
            "front",
            ((0, 0.45), (0.13, 0.6), (0.08, 0.67), (0, 0.62), (-0.08, 0.67), (-0.13, 0.6)),
            _TOP,
            0.2,
            closed=True,
        ),
    ),
    "letter": (
        Cue(
            "letter",
            "torso",
            "front",
            ((0.09, 0.66), (0, 0.7), (-0.08, 0.64), (0.08, 0.53), (0, 0.46), (-0.09, 0.5)),
            _TOP,
            0.2,
        ),
    ),
    "number": (
        Cue("seven", "torso", "back", ((0.12, 0.72), (-0.1, 0.72), (0.05, 0.38)), _TOP, 0.2),
        Cue("badge", "torso", "front", ((0.12, 0.68), (0.2, 0.68), (0.16, 0.6)), _TOP, 0.5, closed=True),
    ),
    "stripe": (
        Cue("stripe", "torso", "front", ((-0.4, 0.6), (0, 0.56), (0.4, 0.6)), _TOP, 0.2),
        Cue("lower stripe", "torso", "front", ((-0.4, 0.5), (0, 0.46), (0.4, 0.5)), _TOP, 0.2),
        Cue("stripe", "torso", "back", ((-0.4, 0.6), (0, 0.6), (0.4, 0.6)), _TOP, 0.2),
        Cue("lower stripe", "torso", "back", ((-0.4, 0.5), (0, 0.5), (0.4, 0.5)), _TOP, 0.2),
    ),
    "overalls": (
        Cue("bib", "torso", "front", ((-0.24, 0.1), (-0.18, 0.6), (0.18, 0.6), (0.24, 0.1)), _ANY_TOP, 0.1),
        Cue("strap", "torso", "front", ((0.15, 0.6), (0.19, 0.95)), _ANY_TOP, 0.1, mirrored=True),
        Cue(
            "bib pocket",
            "torso",
            "front",
            ((-0.1, 0.48), (0.1, 0.48), (0.09, 0.33), (-0.09, 0.33)),
            _ANY_TOP,
            0.6,
            closed=True,
        ),
        Cue(
            "crossed strap",
            "torso",
            "back",
            ((-0.2, 0.95), (0, 0.5), (0.16, 0.1)),
            _ANY_TOP,
            0.1,
            mirrored=True,
        ),
    ),
    "braces": (
        Cue("brace", "torso", "front", ((0.19, 0.95), (0.2, 0.5), (0.2, 0.08)), _ANY_TOP, 0.1, mirrored=True),
        Cue(
            "brace behind",
            "torso",
            "back",
            ((0.18, 0.95), (0.02, 0.55), (0.0, 0.08)),
            _ANY_TOP,
            0.1,
            mirrored=True,
        ),
    ),
    "straps": (
        Cue("strap", "torso", "front", ((0.2, 0.96), (0.24, 0.75), (0.3, 0.5)), _ANY_TOP, 0.1, mirrored=True),
        Cue(
            "inner edge",
            "torso",
            "front",
            ((0.15, 0.96), (0.18, 0.75), (0.27, 0.45)),
            _ANY_TOP,
            0.3,
            mirrored=True,
        ),
        Cue("chest strap", "torso", "front", ((-0.22, 0.7), (0, 0.69), (0.22, 0.7)), _ANY_TOP, 1.0),
    ),
    "tie": (
        Cue(
            "knot",
            "torso",
            "front",
            ((-0.05, 0.93), (0.05, 0.93), (0.03, 0.84), (-0.03, 0.84)),
            _ANY_TOP,
            0.1,
            closed=True,
        ),
        Cue(
            "tie",
            "torso",
            "front",
            ((-0.025, 0.83), (-0.07, 0.3), (0, 0.22), (0.07, 0.3), (0.025, 0.83)),
            _ANY_TOP,
            0.1,
        ),
    ),
}
