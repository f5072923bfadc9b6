"""Hand-set postures that free motion capture hardly holds: floor sitting, kneeling, yoga, climbing.

Each is written as joint turns in degrees about the body's own axes (x: towards the left, y: up, z:
forward; SMPL rest pose, a T-pose). They are seeds: the bank adds joint noise, mirrors and splices.
"""

from __future__ import annotations

import numpy as np

from backend.body import rodrigues
from backend.skeleton import N_JOINTS, keypoint_index


def _turn(x: float, y: float, z: float, twist: float = 0.0) -> np.ndarray:
    """Rotation matrix of turns in degrees: twist about a hanging limb first, then about z, x and y."""
    rt, rx, ry, rz = (
        rodrigues(np.radians(np.array(v, np.float32)))
        for v in ((0.0, twist, 0.0), (x, 0.0, 0.0), (0.0, y, 0.0), (0.0, 0.0, z))
    )
    return ry @ rx @ rz @ rt


def _posture(**joints: tuple[float, ...]) -> np.ndarray:
    pose = np.tile(np.eye(3, dtype=np.float32), (N_JOINTS, 1, 1))
    for name, angles in joints.items():
        pose[keypoint_index(name)] = _turn(*angles)
    return pose


def _arms(drop: float, forward: float, elbow: float) -> dict[str, tuple[float, ...]]:
    """Both arms: ``drop`` below horizontal, swung ``forward``, elbow bent, degrees."""
    return {
        "left_shoulder": (0, -forward, -drop),
        "right_shoulder": (0, forward, drop),
        "left_elbow": (0, -elbow, 0),
        "right_elbow": (0, elbow, 0),
    }


def _legs(
    left: tuple[float, ...], right: tuple[float, ...], knees: tuple[float, float]
) -> dict[str, tuple[float, ...]]:
    return {
        "left_hip": left,
        "right_hip": right,
        "left_knee": (knees[0], 0, 0),
        "right_knee": (knees[1], 0, 0),
    }


_CROSSED = _legs((-80, 55, 0, 75), (-80, -55, 0, -75), (115, 120))
_SQUAT = _legs((-110, 15, 0), (-110, -15, 0), (135, 135))
_CHAIR = _legs((-85, 8, 0), (-85, -8, 0), (85, 85))
_SEIZA = _legs((-60, 5, 0), (-60, -5, 0), (145, 145))

_SEEDS: tuple[dict[str, tuple[float, ...]], ...] = (
    {**_CROSSED, **_arms(70, 30, 20)},
    {**_CROSSED, **_arms(45, 50, 100)},
    {**_CROSSED, **_arms(-20, 10, 60), "spine2": (10, 0, 0)},
    {**_CROSSED, **_arms(60, 60, 110), "spine1": (25, 0, 0), "neck": (20, 0, 0)},
    {**_SEIZA, **_arms(70, 40, 30)},
    {**_SEIZA, **_arms(75, 20, 20), "spine1": (15, 0, 0), "neck": (15, 0, 0)},
    {**_SEIZA, **_arms(-40, 10, 30)},
    {**_SQUAT, **_arms(50, 70, 40), "pelvis": (25, 0, 0)},
    {**_SQUAT, **_arms(60, 50, 90), "pelvis": (20, 0, 0), "spine1": (25, 0, 0), "neck": (20, 0, 0)},
    {**_CHAIR, **_arms(60, 40, 70)},
    {**_CHAIR, **_arms(50, 60, 110), "spine1": (15, 0, 0)},
    {**_CHAIR, **_arms(70, 10, 10), "left_hip": (-95, -20, 0), "left_knee": (70, 0, 0)},
    {**_legs((-85, 5, 0), (-85, -5, 0), (5, 5)), **_arms(60, -40, 5)},
    {**_legs((-100, 10, 0), (-60, -20, 0), (125, 110)), **_arms(60, 40, 60)},
    {**_legs((-120, 0, 0), (-120, 0, 0), (125, 125)), **_arms(60, 70, 60), "spine1": (25, 0, 0), "neck": (25, 0, 0)},
    {**_legs((-90, 10, 0), (10, 0, 0), (95, 85)), **_arms(60, 30, 50), "right_ankle": (35, 0, 0)},
    {**_legs((-100, 15, 0), (-5, 0, 0), (100, 100)), **_arms(10, 20, 90), "spine1": (10, 0, 0)},
    {**_legs((-70, 0, 0), (-70, 0, 0), (90, 90)), "pelvis": (80, 0, 0), **_arms(10, 90, 5), "neck": (-30, 0, 0)},
    {**_legs((-35, 0, 0), (0, 0, 0), (45, 10)), "pelvis": (85, 0, 0), **_arms(10, 90, 20), "neck": (-35, 0, 0)},
    {"pelvis": (88, 0, 0), **_arms(10, 88, 5), "neck": (-20, 0, 0)},
    {"pelvis": (-88, 0, 0), **_arms(40, 10, 20)},
    {**_legs((-60, 5, 0), (-20, -5, 0), (90, 20)), "pelvis": (-85, 0, 0), **_arms(-40, 0, 60)},
    {"pelvis": (0, 0, 85), **_legs((-30, 0, 0), (-50, 0, 0), (40, 70)), **_arms(-30, 20, 70)},
    {"pelvis": (180, 0, 0), **_arms(-85, 5, 0)},
    {"pelvis": (180, 0, 0), **_arms(-85, 5, 0), **_legs((-40, 0, 0), (50, 0, 0), (10, 30))},
    {"pelvis": (100, 0, 0), **_legs((-90, 0, 0), (-90, 0, 0), (5, 5)), **_arms(-70, 10, 0)},
    {"pelvis": (-60, 0, 0), **_legs((50, 5, 0), (50, -5, 0), (70, 70)), **_arms(-75, -30, 0), "spine1": (-35, 0, 0)},
    {**_legs((0, 0, 40), (0, 0, -40), (0, 0)), "spine1": (0, 0, 25), "spine2": (0, 0, 20), **_arms(0, 0, 0)},
    {**_legs((-90, 0, 0), (60, 0, 0), (0, 10)), **_arms(-40, 0, 10)},
    {**_legs((0, 0, 85), (0, 0, -85), (0, 0)), **_arms(-30, 0, 10)},
    {**_legs((0, 0, 0), (-50, -60, 0, -60), (0, 125)), **_arms(-85, 10, 10)},
    {**_legs((0, 0, 0), (80, 0, 0), (0, 30)), "pelvis": (40, 0, 0), "spine1": (-20, 0, 0), **_arms(10, 60, 5)},
    {**_legs((-120, 0, 20), (20, 0, 0), (20, 0)), **_arms(20, 50, 80), "spine1": (-15, 0, 0)},
    {**_legs((-80, 30, 0), (0, -20, 0), (90, 10)), **_arms(-60, 10, 60)},
    {**_legs((-95, 35, 0), (-30, -20, 0), (110, 60)), **_arms(-70, 15, 40), "pelvis": (15, 0, 0)},
    {**_legs((-70, 0, 0), (-70, 0, 0), (100, 100)), **_arms(-45, 0, 20)},
    {**_legs((-60, 10, 0), (30, 0, 0), (90, 70)), **_arms(35, 60, 90), "pelvis": (15, 0, 0)},
    {**_legs((-35, 0, 0), (25, 0, 0), (40, 60)), **_arms(0, 10, 30)},
    {"pelvis": (50, 0, 0), **_legs((-60, 0, 0), (-60, 0, 0), (30, 30)), **_arms(40, 60, 30)},
    {"pelvis": (95, 0, 0), **_legs((-95, 0, 0), (-95, 0, 0), (5, 5)), "spine1": (30, 0, 0), **_arms(-60, 10, 5)},
    {**_arms(75, 10, 10), "left_shoulder": (0, -20, -50), "left_elbow": (0, -100, 0)},
    {**_arms(50, -10, 95)},
    {**_arms(-70, 0, 110)},
    {**_arms(70, 75, 110)},
)  # fmt: skip

#: (K, 24, 3, 3) float32 local rotations, heading +z.
POSTURES: np.ndarray = np.stack([_posture(**seed) for seed in _SEEDS])
