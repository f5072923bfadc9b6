"""Hand-set postures, above all those that free motion capture hardly holds and people like to draw.

Each is put together from an arm or hand, a leg and a trunk at a time, in degrees and metres of the default
body in its SMPL rest pose (x left, y up, z forward). They are seeds: the bank mirrors, splices and varies
them. Right limbs mirror left ones, so one set of numbers serves both sides.
"""

from __future__ import annotations

import numpy as np

from backend.body import load_body, rodrigues
from backend.skeleton import N_JOINTS, keypoint_index

Turns = dict[str, np.ndarray]
Vector = tuple[float, float, float]

_L, _R = "left", "right"
_SIDES = (_L, _R)


def _about(axis: int, degrees: float) -> np.ndarray:
    return rodrigues(np.radians(degrees) * np.eye(3, dtype=np.float32)[axis])


def _arm(side: str, drop: float, forward: float, elbow: float, roll: float = 0.0) -> Turns:
    """An arm ``drop`` below level and swung ``forward``; ``roll`` -90 bends a level arm's elbow upwards."""
    sign = 1 if side == _L else -1
    return {
        f"{side}_shoulder": _about(1, -sign * forward) @ _about(2, -sign * drop) @ _about(0, roll),
        f"{side}_elbow": _about(1, -sign * elbow),
    }


def _hand(side: str, wrist: Vector, elbow: Vector = (1.0, -0.5, -0.2)) -> Turns:
    """An arm whose wrist is at a place (of the left side) in the chest's frame, the elbow pointing a way."""
    sign = 1 if side == _L else -1
    rest = np.asarray(load_body().rest()[1])
    pelvis, shoulder, bend, end = (
        rest[keypoint_index(n)] for n in ("pelvis", "left_shoulder", "left_elbow", "left_wrist")
    )
    upper, lower = float(np.linalg.norm(bend - shoulder)), float(np.linalg.norm(end - bend))
    way = np.asarray(wrist) - (shoulder - pelvis)
    reach = min(float(np.linalg.norm(way)), 0.995 * (upper + lower))
    way = way / np.linalg.norm(way)
    along = (reach**2 + upper**2 - lower**2) / (2 * reach)
    aside = np.asarray(elbow) - (np.asarray(elbow) @ way) * way
    aside *= np.sqrt(max(upper**2 - along**2, 0)) / np.linalg.norm(aside)
    first = (along * way + aside) / upper
    second = (reach * way - upper * first) / lower
    bent = second - (second @ first) * first
    bent = bent / np.linalg.norm(bent)
    frame = np.stack([first, np.cross(bent, first), bent], 1)
    flip = np.diag([sign, 1.0, 1.0])
    angle = float(np.degrees(np.arccos(np.clip(first @ second, -1, 1))))
    return {f"{side}_shoulder": flip @ frame @ flip, f"{side}_elbow": _about(1, -sign * angle)}


def _leg(side: str, lift: float, out: float, knee: float, turn: float = 0.0, toe: float = 0.0) -> Turns:
    """A thigh moved ``out`` and then lifted forward, ``turn``ed outward about itself; ``toe`` points the foot."""
    sign = 1 if side == _L else -1
    return {
        f"{side}_hip": _about(0, -lift) @ _about(2, sign * out) @ _about(1, sign * turn),
        f"{side}_knee": _about(0, knee),
        f"{side}_ankle": _about(0, toe),
    }


def _arms(drop: float, forward: float, elbow: float, roll: float = 0.0) -> Turns:
    return _arm(_L, drop, forward, elbow, roll) | _arm(_R, drop, forward, elbow, roll)


def _hands(wrist: Vector, elbow: Vector = (1.0, -0.5, -0.2)) -> Turns:
    return _hand(_L, wrist, elbow) | _hand(_R, wrist, elbow)


def _legs(lift: float, out: float, knee: float, turn: float = 0.0, toe: float = 0.0) -> Turns:
    return _leg(_L, lift, out, knee, turn, toe) | _leg(_R, lift, out, knee, turn, toe)


def _body(pitch: float = 0.0, roll: float = 0.0, yaw: float = 0.0) -> Turns:
    """The whole body pitched forward, rolled to its right and turned left."""
    return {"pelvis": _about(1, yaw) @ _about(0, pitch) @ _about(2, roll)}


def _trunk(
    bend: float = 0.0, aside: float = 0.0, twist: float = 0.0, nod: float = 0.0, look: float = 0.0
) -> Turns:
    """The back bent forward, to the right and twisted left; the head nodding and looking left."""

    def part(share: float) -> np.ndarray:
        return _about(1, share * twist) @ _about(0, share * bend) @ _about(2, share * aside)

    head = _about(1, look / 2) @ _about(0, nod / 2)
    return {"spine1": part(0.5), "spine2": part(0.25), "spine3": part(0.25), "neck": head, "head": head}


_CROSSED = _leg(_L, 97, 52, 122, 84, 20) | _leg(_R, 92, 52, 112, 84, 20)
_CHAIR = _legs(86, 10, 84)
_SEIZA = _legs(58, 6, 146, 0, 50)
_DOWN = _arms(76, 5, 12)
_FISTS = _hands((0.12, 0.42, 0.25), (0.8, -1, 0))

_SEEDS: dict[str, tuple[Turns, ...]] = {
    # Sitting on the floor.
    "cross-legged, hands on knees": (_CROSSED, _arms(52, 40, 20)),
    "cross-legged, hands on knees, low": (_CROSSED, _arms(58, 55, 40), _trunk(10, nod=15)),
    "lotus, palms together": (_CROSSED, _hands((0.06, 0.3, 0.22))),
    "cross-legged, reading": (_CROSSED, _hands((0.1, 0.2, 0.3)), _trunk(20, nod=35)),
    "cross-legged, palms up beside": (_CROSSED, _arms(40, 20, 95, -50)),
    "hugging knees": (_legs(124, 6, 128), _body(-26), _arms(48, 78, 30), _trunk(42, nod=15)),
    "knees up, head on knees": (_legs(124, 4, 122), _body(-22), _arms(45, 80, 25), _trunk(60, nod=40)),
    "knees up, leaning back": (_legs(118, 8, 120), _body(-35), _arms(50, -50, 5)),
    "one knee up": (_leg(_L, 122, 5, 125) | _leg(_R, 70, 25, 3, 10), _body(-20), _trunk(15), _arm(_R, 60, -35, 5) | _arm(_L, 25, 72, 20)),
    "side-sitting": (_leg(_L, 92, 32, 118, 86) | _leg(_R, 92, 22, 122, -66), _arm(_L, 68, 0, 10) | _arm(_R, 65, 40, 30)),
    "mermaid": (_leg(_L, 92, 40, 110, 86) | _leg(_R, 92, 14, 112, -62), _arm(_L, 62, -25, 0) | _arm(_R, 70, 40, 40), _trunk(0, -15)),
    "legs straight out": (_legs(92, 6, 4), _arms(65, -35, 5), _body(-12)),
    "touching toes, seated": (_legs(112, 5, 3), _arms(-10, 80, 5), _body(20), _trunk(45)),
    "straddle": (_legs(90, 48, 3), _arms(45, 60, 10), _trunk(20)),
    "boat": (_legs(75, 3, 5), _arms(15, 80, 5), _body(-38)),
    # Sitting on a seat.
    "chair, hands on thighs": (_CHAIR, _arms(56, 48, 45)),
    "chair, legs crossed": (_leg(_L, 106, -12, 80) | _leg(_R, 82, 6, 85), _hand(_L, (0.05, 0.14, 0.3)) | _hand(_R, (0.1, 0.14, 0.3))),
    "chair, ankle on knee": (_leg(_L, 92, 45, 95, 70) | _leg(_R, 86, 8, 85), _arms(60, 40, 50)),
    "chair, legs stretched": (_legs(72, 8, 30), _hands((0.03, 0.05, 0.2)), _body(-15)),
    "chair, thinker": (_CHAIR, _trunk(35, nod=10), _hand(_R, (0.02, 0.5, 0.2), (0.3, -1, 0.3)) | _hand(_L, (0.02, 0.1, 0.4))),
    "chair, reading": (_CHAIR, _hands((0.1, 0.25, 0.33)), _trunk(12, nod=30)),
    "chair, elbows on knees": (_legs(92, 14, 92), _hands((0.03, 0.18, 0.42), (0.6, -1, 0)), _trunk(38, nod=0)),
    "chair, turned, arm over its back": (_CHAIR, _trunk(0, 0, 30, look=30), _arm(_L, 20, -30, 40) | _arm(_R, 60, 45, 40)),
    "stool, astride": (_legs(70, 35, 75), _hands((0.05, 0.0, 0.3)), _trunk(10)),
    "typing": (_CHAIR, _hands((0.15, 0.15, 0.38), (0.7, -1, -0.3)), _trunk(8, nod=15)),
    # Kneeling.
    "seiza, hands on thighs": (_SEIZA, _arms(66, 45, 40)),
    "seiza, bowed": (_SEIZA, _trunk(45, nod=25), _arms(30, 80, 20)),
    "seiza, palms together": (_SEIZA, _hands((0.06, 0.31, 0.22))),
    "upright on both knees": (_legs(2, 8, 88, 0, 40), _DOWN),
    "upright on both knees, arms up": (_legs(5, 8, 92, 0, 40), _arms(-60, 20, 20), _trunk(-15, nod=-20)),
    "on one knee": (_leg(_L, 90, 8, 92) | _leg(_R, 2, 4, 90, 0, -20), _arm(_L, 48, 70, 40) | _arm(_R, 76, 5, 10)),
    "on one knee, proposing": (_leg(_L, 90, 8, 92) | _leg(_R, 0, 4, 88, 0, -20), _arm(_R, 10, 75, 30) | _hand(_L, (0.0, 0.32, 0.15))),
    "on one knee, forearm on it": (_leg(_L, 100, 10, 105) | _leg(_R, -5, 4, 85, 0, -20), _trunk(25), _arm(_L, 30, 75, 60) | _arm(_R, 75, 10, 20)),
    "all fours": (_legs(86, 4, 92, 0, 40), _body(84), _arms(8, 88, 3), _trunk(nod=-40)),
    "crawling": (_leg(_L, 105, 6, 98, 0, 30) | _leg(_R, 66, 6, 70, 0, 30), _body(84), _arm(_R, -15, 85, 5) | _arm(_L, 25, 85, 20), _trunk(nod=-40)),
    "prayer on the floor": (_legs(118, 8, 138, 0, 40), _body(58), _trunk(45, nod=10), _arms(-65, 30, 10)),
    # Lying.
    "on the back": (_legs(0, 6, 2, 15, 30), _body(-88), _arms(60, 0, 10)),
    "on the back, arms wide": (_legs(2, 16, 3, 25, 30), _body(-90), _arms(0, 0, 10)),
    "on the back, hands behind the head": (_leg(_L, 55, 5, 90) | _leg(_R, 70, 20, 100, 60), _body(-85), _hands((0.1, 0.66, -0.06), (1, 0.2, 0.1))),
    "sleeping on the side": (_leg(_L, 50, 0, 70) | _leg(_R, 35, 0, 55), _body(0, 86), _hand(_L, (0.05, 0.6, 0.2), (0.3, -0.5, 1)) | _hand(_R, (-0.02, 0.55, 0.25), (0.2, -0.8, 1)), _trunk(20)),
    "lying on the side, head in hand": (_leg(_L, 55, 10, 75) | _leg(_R, 5, 0, 5), _body(0, 70), _hand(_R, (0.13, 0.68, 0.05), (1, 0.3, 0.3)) | _arm(_L, 60, 55, 40), _trunk(0, -30)),
    "on the front": (_legs(0, 5, 3, 10, 60), _body(90), _hands((0.1, 0.62, 0.06), (1, 0.1, 0)), _trunk(look=60)),
    "on the front, propped on elbows": (_leg(_L, -5, 5, 5, 0, 60) | _leg(_R, -5, 5, 80, 0, 40), _body(82), _trunk(-45, nod=-30), _hands((0.1, 0.35, 0.3), (0.5, -1, 0.6))),
    "leaning back on elbows": (_leg(_L, 45, 5, 70) | _leg(_R, 25, 5, 5), _body(-62), _arms(72, -40, 85, -20), _trunk(18, nod=20)),
    "plank": (_legs(0, 3, 2, 0, -25), _body(69), _arms(20, 88, 3), _trunk(nod=-25)),
    "push-up": (_legs(0, 3, 2, 0, -25), _body(80), _arms(45, 10, 95, 80), _trunk(nod=-30)),
    # Crouching.
    "deep squat": (_legs(118, 18, 132, 10), _body(22), _arms(35, 75, 25)),
    "squatting, hugging": (_legs(122, 14, 132), _body(20), _trunk(25, nod=10), _arms(10, 80, 50)),
    "squat with weight": (_legs(88, 20, 98, 15), _body(25), _arms(20, 80, 8)),
    "crouching start": (_leg(_L, 122, 4, 100) | _leg(_R, 78, 4, 66), _body(76), _arms(10, 84, 4), _trunk(12, nod=-35)),
    "sneaking": (_leg(_L, 75, 5, 85) | _leg(_R, 35, 5, 75), _body(25), _trunk(20, nod=-20), _hands((0.2, 0.35, 0.3), (0.8, -1, 0))),
    # Strides.
    "lunge": (_leg(_L, 82, 5, 80) | _leg(_R, -38, 3, 12), _hands((0.21, 0.07, 0.04), (1, -0.2, -0.7))),
    "lunge, arms up": (_leg(_L, 78, 5, 78) | _leg(_R, -42, 3, 8), _arms(-78, 15, 5)),
    "warrior": (_leg(_L, 50, 50, 72, 45) | _leg(_R, 0, 45, 2, 15), _arms(0, 0, 3), _trunk(look=60)),
    "archer": (_legs(0, 22, 3, 15), _arm(_L, 2, 5, 3) | _hand(_R, (0.12, 0.46, 0.16), (1, 0.1, -0.3)), _trunk(look=75)),
    "fencing": (_leg(_R, 65, 25, 65, 25) | _leg(_L, -15, 38, 8, 45), _arm(_R, 0, 60, 8) | _arm(_L, -15, -20, 80, -70)),
    "running": (_leg(_L, 72, 2, 82) | _leg(_R, -32, 2, 38, 0, 35), _arm(_L, 62, -55, 85) | _arm(_R, 48, 60, 85), _body(12)),
    "running, exaggerated": (_leg(_L, 92, 4, 60) | _leg(_R, -42, 4, 62, 0, 45), _arm(_L, 25, -55, 70) | _arm(_R, 10, 65, 60), _body(22)),
    "leaping split": (_leg(_L, 85, 6, 5, 0, 40) | _leg(_R, -62, 6, 12, 0, 45), _arms(-25, 10, 10), _trunk(-10)),
    "big step, swinging arms": (_leg(_L, 38, 2, 8) | _leg(_R, -30, 2, 22, 0, 25), _arm(_L, 55, -45, 20) | _arm(_R, 40, 55, 25)),
    "pushing": (_leg(_L, 55, 4, 60) | _leg(_R, -15, 4, 10), _body(28), _arms(5, 82, 12), _trunk(nod=-15)),
    "bowling": (_leg(_L, 65, 2, 72) | _leg(_R, -35, -8, 30), _body(30), _arm(_R, 55, 30, 5) | _arm(_L, 15, -20, 10)),
    "ball throw": (_leg(_L, 42, 10, 15) | _leg(_R, -22, 8, 30), _arm(_R, -15, -30, 85, -80) | _arm(_L, -5, 55, 10), _trunk(-10, 0, -25)),
    "punching": (_leg(_L, 35, 8, 35) | _leg(_R, -25, 8, 18), _arm(_R, 0, 88, 5) | _hand(_L, (0.12, 0.45, 0.2), (0.8, -1, 0)), _trunk(5, 0, 30)),
    # On one leg.
    "tree": (_leg(_L, 0, 2, 0) | _leg(_R, 20, 50, 128, 62), _hands((0.05, 0.86, 0.05), (1, 0, 0))),
    "arabesque": (_leg(_L, 15, 2, 2) | _leg(_R, -78, 5, 8, 30, 50), _body(22), _trunk(-25, nod=-15), _arm(_L, -20, 60, 5) | _arm(_R, 0, -10, 5)),
    "attitude": (_leg(_L, 5, 2, 2) | _leg(_R, -55, 35, 75, 50, 50), _trunk(-10), _arm(_L, -70, 20, 40, -20) | _arm(_R, 10, 20, 20)),
    "passe": (_leg(_L, 0, 4, 0, 20) | _leg(_R, 65, 55, 125, 55, 50), _arms(30, 50, 45)),
    "skater": (_leg(_L, 55, 2, 40) | _leg(_R, -62, 6, 10, 15, 30), _body(50), _arms(5, 5, 8), _trunk(-20, nod=-35)),
    "high kick": (_leg(_L, 0, 4, 5) | _leg(_R, 105, 8, 5, 0, 20), _body(-14), _arms(35, 15, 40)),
    "side kick": (_leg(_L, 5, 2, 8) | _leg(_R, 25, 82, 5), _body(0, -28), _FISTS),
    "football kick": (_leg(_L, 8, 5, 15) | _leg(_R, 58, 12, 12, 0, 40), _body(-10), _arm(_L, 10, 35, 15) | _arm(_R, 30, -35, 20)),
    "standing splits": (_leg(_L, 2, 2, 0) | _leg(_R, 20, 88, 3, 40, 40), _body(0, -18), _arms(-30, 10, 5)),
    # Bent.
    "discus": (_leg(_L, 58, 14, 60) | _leg(_R, 72, 10, 82), _body(25), _trunk(38, 0, -38), _arm(_R, -25, -35, 5) | _arm(_L, 45, 75, 10)),
    "golf": (_legs(34, 14, 24), _body(32), _trunk(15), _hands((0.04, 0.02, 0.4), (0.8, -0.2, -0.5))),
    "bowing": (_legs(45, 2, 3), _body(48), _trunk(15, nod=15), _DOWN),
    "touching toes": (_legs(95, 5, 5), _body(95), _trunk(35, nod=15), _arms(-75, 15, 3)),
    "triangle": (_leg(_L, 0, 65, 2, 25) | _leg(_R, 0, -5, 2, 10), _body(0, -35), _trunk(0, -50), _arms(0, 0, 3)),
    "picking up": (_legs(62, 8, 52), _body(60), _trunk(30, nod=10), _arm(_R, -10, 75, 5) | _arm(_L, 45, 60, 60)),
    "tired, hands on knees": (_legs(58, 10, 45), _body(48), _trunk(15, nod=-15), _arms(18, 78, 12)),
    "standing side bend": (_legs(0, 9, 2), _trunk(0, 66), _arm(_L, -85, 5, 15) | _arm(_R, 70, 5, 10)),
    # Upside down.
    "handstand": (_legs(0, 4, 3, 0, 50), _body(180), _arms(-86, 5, 0), _trunk(nod=-20)),
    "handstand, legs apart": (_leg(_L, 50, 5, 10, 0, 40) | _leg(_R, -55, 5, 30, 0, 40), _body(180), _arms(-86, 5, 0)),
    "handstand, stag": (_leg(_L, 20, 5, 5, 0, 50) | _leg(_R, 40, 10, 110, 0, 40), _body(176), _arms(-86, 5, 0)),
    "headstand": (_legs(0, 5, 4, 0, 40), _body(180), _hands((0.22, 0.78, 0.2), (0.5, 0.4, 0.6))),
    "cartwheel": (_legs(0, 50, 2, 10, 45), _body(0, 165), _arms(-68, 0, 0)),
    "cartwheel, halfway": (_legs(0, 58, 2, 10, 45), _body(0, 130), _arms(-58, 0, 0)),
    "downward dog": (_legs(102, 5, 4), _body(128), _arms(-80, 12, 2)),
    "bridge": (_legs(-25, 8, 55), _body(-70), _trunk(-78, nod=-40), _arms(-86, -5, 5)),
    "shoulder stand": (_legs(-8, 4, 3, 0, 50), _body(-160), _trunk(25, nod=60), _hands((0.18, 0.12, -0.06), (1, 0, -0.8))),
    # Hands up, climbing, hanging, jumping.
    "cheering": (_DOWN | _legs(0, 12, 2), _arms(-62, 10, 10)),
    "waving": (_DOWN, _arm(_L, 5, 10, 85, -80)),
    "stretching": (_legs(0, 6, 2), _arms(-84, 0, 8), _trunk(-15, nod=-20)),
    "reaching up on toes": (_legs(0, 4, 2, 0, 45), _arm(_R, -82, 20, 3) | _arm(_L, 70, 10, 10), _trunk(0, -12, nod=-25)),
    "dancing, one arm up": (_leg(_L, 0, 10, 4) | _leg(_R, 25, 18, 40, 30, 40), _arm(_L, -65, 5, 30) | _arm(_R, 5, -5, 20), _trunk(0, 20)),
    "star jump": (_legs(0, 38, 2, 15, 40), _arms(-48, 5, 2)),
    "jump, knees up": (_legs(72, 8, 100, 0, 40), _arms(-50, 10, 15)),
    "jumping, heels back": (_leg(_L, -12, 6, 98, 0, 45) | _leg(_R, 18, 6, 60, 0, 45), _arms(-62, 5, 10), _trunk(-22, nod=-15)),
    "hanging": (_legs(-2, 2, 6, 0, 45), _arms(-80, 5, 2), _trunk(nod=-15)),
    "climbing": (_leg(_L, 95, 28, 100, 25) | _leg(_R, 2, 8, 8), _arm(_L, -35, 30, 45, -40) | _arm(_R, -76, 20, 8), _trunk(nod=-20)),
    "climbing, wide": (_leg(_L, 105, 42, 112, 40) | _leg(_R, 25, 25, 30, 15), _arm(_L, -72, 15, 8) | _arm(_R, -20, 30, 70, -50), _trunk(nod=-15)),
    "climbing a ladder": (_leg(_L, 82, 6, 92) | _leg(_R, 15, 6, 20), _hand(_L, (0.16, 0.6, 0.36)) | _hand(_R, (0.16, 0.85, 0.28)), _body(8)),
    "climbing a rope": (_legs(88, 12, 105, 15), _hand(_L, (-0.02, 0.85, 0.15)) | _hand(_R, (-0.02, 0.68, 0.2)), _body(-10)),
    # Standing.
    "hand on hip": (_leg(_L, 0, 6, 2) | _leg(_R, 12, 5, 18), _hand(_L, (0.19, 0.06, 0.05), (1, -0.1, -0.7)) | _arm(_R, 76, 5, 10)),
    "hands on hips": (_legs(0, 12, 2), _hands((0.19, 0.07, 0.05), (1, -0.1, -0.6))),
    "arms crossed": (_legs(0, 6, 2), _hand(_L, (-0.09, 0.3, 0.18), (1, -0.7, 0.3)) | _hand(_R, (-0.07, 0.24, 0.22), (1, -0.7, 0.3))),
    "hands behind the head": (_legs(0, 8, 2), _hands((0.1, 0.64, -0.06), (1, 0.3, 0.1))),
    "thinking": (_leg(_L, 0, 4, 2) | _leg(_R, 10, 4, 14), _hand(_R, (0.03, 0.52, 0.19), (0.4, -1, 0.3)) | _hand(_L, (-0.1, 0.24, 0.2), (0.8, -0.8, 0.2)), _trunk(nod=12)),
    "pointing": (_legs(0, 7, 2), _arm(_R, 5, 35, 3) | _hand(_L, (0.19, 0.07, 0.05), (1, -0.1, -0.6)), _trunk(look=-30)),
    "saluting": (_DOWN, _hand(_R, (0.16, 0.68, 0.17), (1, 0, 0.1))),
    "on the phone": (_leg(_L, 0, 5, 2) | _leg(_R, 8, 5, 12), _hand(_R, (0.15, 0.6, 0.1), (0.7, -1, 0.2)) | _arm(_L, 76, 5, 15)),
    "hands clasped behind": (_legs(0, 6, 2), _arms(68, -45, 25, 40), _trunk(-5)),
    "shrugging": (_legs(0, 7, 2), _arms(62, 10, 95, -60)),
    "contrapposto": (_leg(_L, 0, 2, 1) | _leg(_R, 14, 10, 24, 20), _body(0, 7), _trunk(0, -16, 8, look=25), _arm(_L, 74, 0, 20) | _hand(_R, (0.14, 0.42, 0.18), (0.5, -1, 0))),
    "carrying a box": (_legs(4, 8, 8), _hands((0.16, 0.2, 0.34), (0.7, -1, -0.5)), _trunk(-8)),
    "boxing guard": (_leg(_L, 18, 10, 20) | _leg(_R, -10, 10, 16), _FISTS, _trunk(8)),
    "playing an instrument": (_legs(0, 8, 4), _hand(_L, (0.28, 0.35, 0.28), (0.6, -1, 0)) | _hand(_R, (0.02, 0.14, 0.22), (1, -0.5, -0.3)), _trunk(nod=15, look=25)),
    "presenting": (_legs(0, 6, 2), _arms(45, 25, 55, -40)),
    "falling backwards": (_leg(_L, 45, 12, 35) | _leg(_R, 22, 10, 45), _body(-35), _arms(5, -15, 20, -40), _trunk(20, nod=15)),
    "stumbling forward": (_leg(_L, 30, 4, 15) | _leg(_R, -30, 6, 40), _body(42), _arms(0, 50, 15), _trunk(nod=-25)),
}  # fmt: skip


def _posture(parts: tuple[Turns, ...]) -> np.ndarray:
    pose = np.tile(np.eye(3, dtype=np.float32), (N_JOINTS, 1, 1))
    for part in parts:
        for name, rotation in part.items():
            pose[keypoint_index(name)] = rotation
    return pose


POSTURE_NAMES: tuple[str, ...] = tuple(_SEEDS)

#: (K, 24, 3, 3) float32 local rotations, heading +z.
POSTURES: np.ndarray = np.stack([_posture(parts) for parts in _SEEDS.values()])
