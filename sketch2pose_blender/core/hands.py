"""Which way a rig's hands lie at rest: where the fingers point and where the palm looks, by the finger bones.

A palm is the plane of the knuckles. Which side of it is the palm's the thumb tells: by its name, else as the one
finger that goes another way than the others and begins and ends nearer to the wrist.
"""

from __future__ import annotations

import numpy as np

from .rig_mapping import Skeleton

#: Bones nearer than this share of the forearm are at one place: control rigs have several bones for a hand.
_SAME_PLACE = 0.02
#: What is farther from the wrist than this share of the forearm is held by the hand, not part of it.
_REACH = 0.9
#: A bone nearer to the wrist than this share of the hand is one of the palm's; the knuckle is the next one.
_IN_PALM = 0.3
#: A thumb without a name scores as much: degrees that it goes aside from the other fingers, and more if it is short.
_CLEAR = 30.0
#: A palm that is found without a thumb's name and looks farther away from where it usually does is not believed.
_UNLIKELY = 100.0
#: Where there is but one finger beside the thumb, the thumb tells the palm to about this many degrees.
_MITTEN = 35.0


def hand_frame(
    skeleton: Skeleton, heads: np.ndarray, wrist: int, elbow: int, *, left: bool, usual_palm: np.ndarray
) -> np.ndarray | None:
    """How a hand lies at rest.

    Args:
        skeleton: the rig's N bones.
        heads: (N, 3) places of the bones' heads at rest, armature space.
        wrist: the bone of the hand.
        elbow: the bone of the forearm.
        left: whether it is the left hand.
        usual_palm: (3,) where the palm would look if the hand went straight on from the forearm.

    Returns:
        (3, 3) rotation as of :func:`frame_of`; None where the bones do not tell.
    """
    forearm = float(np.linalg.norm(heads[wrist] - heads[elbow]))
    places = heads - heads[wrist]
    hands = np.flatnonzero(np.linalg.norm(places, axis=1) <= _SAME_PLACE * forearm).tolist()
    fingers = max((_fingers(skeleton, places, hand, forearm) for hand in hands), key=len)
    if len(fingers) < 2:
        return None
    thumb, named = _thumb(skeleton, places, fingers)
    if thumb < 0:
        return None
    knuckles = np.array([places[finger[0]] for finger in fingers])
    others = np.delete(knuckles, thumb, 0)
    along = others.mean(0)
    # From the farthest finger to the one beside the thumb; a mitten has no other.
    order = np.argsort((others - along) @ (knuckles[thumb] - along))
    across = others[order[-1]] - others[order[0]] if len(others) > 1 else knuckles[thumb]
    palm = np.cross(along, across) if left else np.cross(across, along)
    size = float(np.linalg.norm(palm))
    if size < 0.1 * float(np.linalg.norm(along) * np.linalg.norm(across)) or size == 0:
        return None
    cosine = float(palm @ usual_palm) / size
    if not named and cosine < np.cos(np.radians(_UNLIKELY)):
        return None
    if len(others) == 1 and cosine > np.cos(np.radians(_MITTEN)):
        return None
    return frame_of(along, palm)


def frame_of(along: np.ndarray, palm: np.ndarray) -> np.ndarray:
    """(3, 3) columns: unit (3,) ``along``, the part of (3,) ``palm`` across it, and their cross product."""
    first = along / np.linalg.norm(along)
    second = palm - first * (first @ palm)
    second = second / np.linalg.norm(second)
    return np.stack([first, second, np.cross(first, second)], 1)


def _fingers(skeleton: Skeleton, places: np.ndarray, hand: int, forearm: float) -> list[tuple[int, ...]]:
    """The fingers' bones, from the knuckle to the end.

    Args:
        skeleton: the rig's bones.
        places: (N, 3) heads, from the wrist.
        hand: the bone they hang on.
        forearm: its length.
    """
    far = np.linalg.norm(places, axis=1)
    below = [bone for bone in skeleton.subtree(hand) if bone != hand and far[bone] < _REACH * forearm]
    size = max((float(far[bone]) for bone in below), default=0.0)
    longest: dict[int, tuple[int, ...]] = {}
    for bone in below:
        way = [b for b in skeleton.ancestors(bone) if b in below and far[b] > _IN_PALM * size][::-1]
        if way and len(way) > len(longest.get(way[0], ())):
            longest[way[0]] = tuple(way)
    # Control rigs have several bones for a knuckle.
    fingers: list[tuple[int, ...]] = []
    for finger in sorted(longest.values(), key=len, reverse=True):
        apart = (np.linalg.norm(places[finger[0]] - places[other[0]]) for other in fingers)
        if min(apart, default=np.inf) > _SAME_PLACE * forearm:
            fingers.append(finger)
    # Beside fingers, a bone without another is a helper or a thing that is held.
    jointed = [finger for finger in fingers if len(finger) > 1]
    return jointed if len(jointed) > 1 else fingers


def _thumb(skeleton: Skeleton, places: np.ndarray, fingers: list[tuple[int, ...]]) -> tuple[int, bool]:
    """Which finger is the thumb, -1 where none clearly is, and whether its name says so."""
    for number, finger in enumerate(fingers):
        if "thumb" in skeleton.names[finger[0]].lower():
            return number, True
    if len(fingers) < 3:
        return -1, False
    ways = np.array([places[f[-1]] - (places[f[0]] if len(f) > 1 else 0) for f in fingers])
    ends = np.array([[np.linalg.norm(places[f[k]]) for k in (0, -1)] for f in fingers])
    scores = []
    for number in range(len(fingers)):
        others = np.delete(ways, number, 0).sum(0)
        cosine = (
            ways[number] @ others / max(float(np.linalg.norm(ways[number]) * np.linalg.norm(others)), 1e-12)
        )
        aside = float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
        # A thumb begins and ends nearer to the wrist, too.
        short = 1 - ends[number] / np.delete(ends, number, 0).mean(0)
        scores.append(aside + 60 * float(np.maximum(short, 0).sum()))
    second, first = np.argsort(scores)[-2:]
    clear = scores[first] > _CLEAR and scores[first] > 1.5 * scores[second]
    return (int(first), False) if clear else (-1, False)
