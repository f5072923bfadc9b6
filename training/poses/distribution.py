"""What postures a set of poses holds: the shares of a few plain features, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np

from backend.body import forward_kinematics, global_rotations, load_body
from backend.skeleton import keypoint_index

#: Feature -> upper bounds of its classes (the last class is open) and their names.
_CLASSES: dict[str, tuple[tuple[float, ...], tuple[str, ...]]] = {
    "torso from upright, degrees": (
        (20, 50, 80, 110, 150),
        ("0-20", "20-50", "50-80", "80-110", "110-150", "150-180"),
    ),
    "pelvis height / standing": ((0.3, 0.6, 0.85, 1.03), ("0-0.3", "0.3-0.6", "0.6-0.85", "0.85-1.03", "higher")),
    "more bent knee, degrees": ((30, 60, 90, 120), ("0-30", "30-60", "60-90", "90-120", "over 120")),
    "hands above the head": ((0.5, 1.5), ("none", "one", "both")),
    "chest faces": ((0.5, 1.5, 2.5, 3.5, 4.5), ("front", "left", "back", "right", "up", "down")),
}  # fmt: skip


@cache
def _rest() -> np.ndarray:
    return np.asarray(load_body().rest()[1], np.float32)


def posture_features(rotations: np.ndarray) -> np.ndarray:
    """The features of poses, by forward kinematics of the default body.

    Args:
        rotations: (N, 24, 3, 3) local rotations, y up, heading included.

    Returns:
        (N, 5) float32: torso inclination in degrees; pelvis height above the lowest joint over that of
        the rest pose; bend of the more bent knee in degrees; number of wrists above the head joint; and
        where the chest faces (0 front +z, 1 left +x, 2 back, 3 right, 4 up, 5 down).
    """
    world = global_rotations(rotations.astype(np.float32))
    rest = _rest()
    joints = forward_kinematics(world, rest)

    def place(name: str) -> np.ndarray:
        return joints[:, keypoint_index(name)]

    def angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        cosine = (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
        return np.degrees(np.arccos(np.clip(cosine, -1, 1)))

    torso = angle(place("neck") - place("pelvis"), np.array([[0.0, 1.0, 0.0]], np.float32))
    height = joints[:, 0, 1] - joints[..., 1].min(1)
    bends = [
        angle(place(f"{s}_knee") - place(f"{s}_hip"), place(f"{s}_ankle") - place(f"{s}_knee"))
        for s in ("left", "right")
    ]
    above = sum(
        (place(f"{s}_wrist")[:, 1] > place("head")[:, 1]).astype(np.float32) for s in ("left", "right")
    )
    x, y, z = world[:, keypoint_index("spine3"), :, 2].T
    facing = np.argmax(np.stack([z, x, -z, -x, y, -y]), 0)
    standing = rest[0, 1] - rest[:, 1].min()
    return np.stack([torso, height / standing, np.maximum(*bends), above, facing], 1).astype(np.float32)


def distribution_table(sets: Mapping[str, np.ndarray]) -> str:
    """Shares of each class in several sets of poses, as lines of text.

    Args:
        sets: name of the column -> (N, 5) from :func:`posture_features`, N > 0.
    """
    width = max(12, *(len(name) + 2 for name in sets))
    counts = "".join(f"{len(features):{width},}" for features in sets.values())
    lines = [" " * 38 + "".join(f"{name:>{width}}" for name in sets), f"{'poses':38}{counts}"]
    for column, (title, (bounds, names)) in enumerate(_CLASSES.items()):
        shares = [
            np.bincount(np.digitize(features[:, column], bounds), minlength=len(names)) / len(features)
            for features in sets.values()
        ]
        for row, name in enumerate(names):
            cells = "".join(f"{share[row]:>{width}.1%}" for share in shares)
            lines.append(f"{title if row == 0 else '':28}{name:10}{cells}")
    return "\n".join(lines)
