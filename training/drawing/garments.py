"""Clothes of many cuts: tops, trousers, shoes and gloves on the body; skirts, coats, capes, scarves and packs over it."""

from __future__ import annotations

import numpy as np

from backend.skeleton import keypoint_index

from .chance import pick
from .cloth import Dressing, hanging
from .shapes import Label, ellipsoid, rigid, tube

_CHEST, _NECK = keypoint_index("spine3"), keypoint_index("neck")

#: Cuts of tops and their shares.
TOPS = ("round neck", "v neck", "shirt", "jacket", "hoodie", "zip", "singlet")
_TOP_SHARES = (0.26, 0.12, 0.17, 0.13, 0.12, 0.1, 0.1)


def put_on_clothes(rng: np.random.Generator, dressing: Dressing) -> None:
    """Trousers, shoes, a top and gloves, each mostly; then what goes over them."""
    loose = float(pick(rng, [0.0, 0.012, 0.03], [0.35, 0.4, 0.25]))
    if rng.random() < 0.92:
        _trousers(rng, dressing, loose)
    if rng.random() < 0.78:
        _shoes(rng, dressing)
    dress = rng.random() < 0.12
    if rng.random() < 0.88 or dress:
        _top(rng, dressing, loose, Label.SKIRT if dress else Label.TOP)
    if dress or rng.random() < 0.1:
        _skirt(rng, dressing)
    if rng.random() < 0.06:
        gloves = ~dressing.below(dressing.anatomy.arm_field, rng.uniform(1.8, 2.0))
        dressing.cover(gloves, Label.GLOVE, 0.006)
    _extras(rng, dressing)


def _top(rng: np.random.Generator, dressing: Dressing, loose: float, label: Label) -> None:
    anatomy = dressing.anatomy
    cut = str(pick(rng, TOPS, _TOP_SHARES))
    if cut in ("jacket", "hoodie", "zip"):
        sleeve, hem, loose = 1.95, rng.uniform(-0.1, 0.14), max(loose, 0.012)
    elif cut == "singlet":
        sleeve, hem = rng.uniform(-0.25, 0.0), rng.uniform(-0.35, 0.05)
    else:
        sleeve = pick(rng, [rng.uniform(0.3, 0.9), 1.0, rng.uniform(1.2, 1.8), 1.95], [0.4, 0.1, 0.1, 0.4])
        hem = rng.uniform(-0.3, 0.1)
    if rng.random() < 0.05:
        hem = rng.uniform(-0.6, -0.4)
    neck = rng.uniform(0.08, 0.1) if cut != "singlet" else rng.uniform(0.09, 0.12)
    worn = dressing.below(anatomy.arm_field, sleeve) & dressing.below(anatomy.height_field, hem)
    worn &= ~dressing.below(anatomy.neck_field, neck)
    # Sleeves widen towards their end.
    stand = loose * (1 + 0.8 * (anatomy.arm_field - 1).clip(0, 1))
    dressing.cover(worn, label, stand)
    dressing.wears.append(cut)
    if cut in ("round neck", "singlet") and rng.random() < 0.3:
        dressing.wears.append(str(pick(rng, ["heart", "letter", "number", "stripe"])))
    if cut == "hoodie":
        centre = anatomy.rest_joints[_CHEST] + (0, rng.uniform(0.06, 0.1), -0.05 - loose)
        size = np.array([0.11, 0.1, 0.045]) * rng.uniform(0.9, 1.15)
        dressing.pieces.append(rigid(ellipsoid(centre, size), _CHEST, label))
    if cut == "jacket" and rng.random() < 0.45:
        knee = anatomy.rest_joints[keypoint_index("left_knee"), 1]
        tail = hanging(
            anatomy, label, 0.14, knee + rng.uniform(-0.25, 0.2), rng.uniform(0.02, 0.12), (0.03, 7),
            (rng.uniform(0.15, 0.8), 0.0),
        )  # fmt: skip
        dressing.pieces.append(tail)


def _trousers(rng: np.random.Generator, dressing: Dressing, loose: float) -> None:
    height = dressing.anatomy.height_field
    leg = pick(
        rng,
        [rng.uniform(0.12, 0.2), rng.uniform(0.3, 0.9), rng.uniform(0.9, 1.1), rng.uniform(1.3, 1.8), 1.93],
        [0.1, 0.17, 0.08, 0.15, 0.5],
    )
    worn = dressing.below(height, leg) & ~dressing.below(height, rng.uniform(-0.32, -0.12))
    flare = pick(rng, [0.0, rng.uniform(0.01, 0.03), rng.uniform(0.03, 0.06)], [0.6, 0.25, 0.15])
    start = 0.1 if rng.random() < 0.6 else 1.0
    widen = ((height - start) / max(leg - start, 0.2)).clip(0, 1)
    dressing.cover(worn, Label.BOTTOM, (0.8 * loose + flare * widen).astype(np.float32))
    dressing.wears.append("trousers" if rng.random() < 0.8 or leg < 0.25 else "slacks")
    if rng.random() < 0.12:
        dressing.wears.append(str(pick(rng, ["overalls", "braces"])))


def _shoes(rng: np.random.Generator, dressing: Dressing) -> None:
    height = dressing.anatomy.height_field
    kind = pick(rng, ["shoe", "boot", "sock"], [0.65, 0.22, 0.13])
    if kind == "sock":
        sock = ~dressing.below(height, rng.uniform(1.2, 1.85))
        dressing.cover(sock, Label.CLOTH, 0.003)
    top = rng.uniform(1.15, 1.85) if kind == "boot" else rng.uniform(1.95, 2.08)
    dressing.cover(~dressing.below(height, top), Label.SHOE, float(pick(rng, [0.006, 0.016])))
    dressing.wears.append("shoes")


def _skirt(rng: np.random.Generator, dressing: Dressing) -> None:
    joints = dressing.anatomy.rest_joints
    knee, ankle = joints[keypoint_index("left_knee"), 1], joints[keypoint_index("left_ankle"), 1]
    hem = pick(rng, [knee + rng.uniform(0.08, 0.2), knee, (knee + ankle) / 2, ankle + 0.04])
    folds = (rng.uniform(0, 0.1), int(rng.integers(5, 10)))
    # Where a raised thigh comes through, it is of the same cloth.
    height = dressing.anatomy.height_field
    level = np.interp(hem, [ankle, knee, joints[keypoint_index("left_hip"), 1]], [2, 1, 0])
    covered = dressing.below(height, float(level) - 0.25) & ~dressing.below(height, -0.25)
    covered &= dressing.below(dressing.anatomy.arm_field, 0.0)
    dressing.label[covered] = Label.SKIRT
    skirt = hanging(dressing.anatomy, Label.SKIRT, 0.12, hem, rng.uniform(0.02, 0.2), folds)
    dressing.pieces.append(skirt)


def _extras(rng: np.random.Generator, dressing: Dressing) -> None:
    """At most one of what people wear over their clothes."""
    anatomy = dressing.anatomy
    joints = anatomy.rest_joints
    knee = joints[keypoint_index("left_knee"), 1]
    kind = pick(
        rng,
        ["none", "pack", "scarf", "cape", "apron", "tie", "robe"],
        [0.74, 0.07, 0.05, 0.04, 0.03, 0.04, 0.03],
    )
    if kind == "pack":
        size = np.array([0.15, 0.2, 0.08]) * rng.uniform(0.75, 1.2)
        centre = joints[_CHEST] + (0, -0.03, -0.06 - size[2])
        dressing.pieces.append(rigid(ellipsoid(centre, size, round_=0.55), _CHEST, Label.CLOTH))
        dressing.wears.append("straps")
    elif kind == "scarf":
        turn = np.linspace(0, 2 * np.pi, 17)
        radius, thick = 0.085, rng.uniform(0.02, 0.035)
        ring = np.stack([np.sin(turn) * radius, 0.02 * np.cos(turn * 2), np.cos(turn) * radius], 1)
        ring += joints[_NECK] + (0, 0.01, 0.005)
        dressing.pieces.append(rigid(tube(ring, np.full(17, thick)), _NECK, Label.CLOTH))
        behind, fall = rng.random() < 0.3, np.linspace(0, rng.uniform(0.2, 0.4), 6)
        end = joints[_NECK] + np.stack([0.05 + 0.15 * fall, -fall, np.where(fall > 0.01, 0.14, 0.1)], 1)
        end[:, 2] *= -0.9 if behind else 1
        dressing.pieces.append(rigid(tube(end, np.full(6, 0.03)), _CHEST, Label.CLOTH))
    elif kind == "cape":
        folds = (rng.uniform(0.02, 0.08), int(rng.integers(5, 9)))
        hem = knee + rng.uniform(-0.3, 0.35)
        cape = hanging(
            anatomy, Label.CLOTH, 0.46, hem, rng.uniform(0.05, 0.25), folds, (rng.uniform(2.6, 3.8), 0.0)
        )
        dressing.pieces.append(cape)
    elif kind == "apron":
        hem = knee + rng.uniform(-0.1, 0.2)
        dressing.pieces.append(
            hanging(anatomy, Label.CLOTH, 0.14, hem, 0.03, (0.02, 6), (rng.uniform(2.4, 3.6), np.pi))
        )
    elif kind == "robe":  # as statues wear
        ankle = joints[keypoint_index("left_ankle"), 1]
        folds = (rng.uniform(0.04, 0.1), int(rng.integers(8, 14)))
        top, hem = pick(rng, [0.1, 0.3, 0.42]), rng.uniform(ankle + 0.03, knee)
        dressing.pieces.append(hanging(anatomy, Label.CLOTH, top, hem, rng.uniform(0.03, 0.12), folds))
    elif kind == "tie":
        dressing.wears.append("tie")
