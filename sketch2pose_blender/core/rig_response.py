"""How a rig answers to its controls, learned from a few poses, so that whole animations need not be asked of it.

Most controls of a rig are carried by one other control, however many bones, constraints and drivers stand
between them: a hand by its forearm, a shoulder by the chest. Some stand between two: a neck that follows the chest
by half. Which ones show when all controls are turned at random a few times. What is carried in any other way is
told, and has to be asked of the rig frame by frame.

All orientations are (3, 3) matrices whose columns are a bone's axes; everything is in armature space.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .boundary import matrix_to_axis_angle, rodrigues

#: So many random poses tell which control carries which: a wrong one would have to fit by chance every time.
POSES = 4
#: Largest error of a matrix's element by which something counts as carried; Blender counts in single precision.
_SAME = 2e-4
#: Index of what nothing carries, and of what is carried by no control alone.
STILL, UNKNOWN = -1, -2


@dataclass(frozen=True, eq=False)
class Observation:
    """A rig of C controls in K poses: without any rotations of the controls, then with random ones.

    Attributes:
        before: (K, C, 3, 3) orientation that each control would have without its own rotation.
        posed: (K, C, 3, 3) its orientation.
        heads: (K, C, 3) its place.
        points: (K, Q, 3) places of other bones.
    """

    before: np.ndarray
    posed: np.ndarray
    heads: np.ndarray
    points: np.ndarray


@dataclass(frozen=True, eq=False)
class Response:
    """What carries what.

    Attributes:
        carriers: (C, 2) indices of the controls that carry each control's orientation, or STILL; twice the same
            for a control that one carries; UNKNOWN where it has to be asked of the rig.
        offsets: (C, 2, 3, 3) the orientation in the frames of both.
        shares: (C,) how far it stands from the first towards the second.
        places: how the places of the controls and then of the points follow, in an order in which each can be
            told: index, carrier or STILL, (3,) place in the carrier's frame. Incomplete where some cannot.
        count: C + Q.
    """

    carriers: np.ndarray
    offsets: np.ndarray
    shares: np.ndarray
    places: tuple[tuple[int, int, np.ndarray], ...]
    count: int

    @property
    def unknown(self) -> list[int]:
        """Controls whose orientation before their own rotation has to be asked of the rig."""
        return np.flatnonzero(self.carriers[:, 0] == UNKNOWN).tolist()

    def before(self, posed: np.ndarray) -> np.ndarray:
        """Orientations before each control's own rotation; meaningless for the unknown ones.

        Args:
            posed: (F, C, 3, 3) orientations that the controls are given.

        Returns:
            (F, C, 3, 3).
        """
        carried = _with_still(posed)[:, np.maximum(self.carriers, STILL) + 1] @ self.offsets
        found = carried[:, :, 0]
        between = np.flatnonzero(self.shares)
        if len(between):
            share = self.shares[between, None]
            found[:, between] = _towards(carried[:, between, 0], carried[:, between, 1], share)
        return found

    def points(self, posed: np.ndarray) -> np.ndarray | None:
        """(F, Q, 3) places of the points for (F, C, 3, 3) orientations; None where they have to be asked of the rig."""
        told = {index for index, *_ in self.places}
        if not told.issuperset(range(len(self.carriers), self.count)):
            return None
        found = np.empty((len(posed), self.count, 3))
        for index, carrier, place in self.places:
            if carrier == STILL:
                found[:, index] = place
            else:
                found[:, index] = found[:, carrier] + posed[:, carrier] @ place
        return found[:, len(self.carriers) :]


def learn_response(seen: Observation) -> Response:
    """Find out what carries what, from a pose without rotations and POSES random ones."""
    controls = seen.before.shape[1]
    each = np.arange(controls)
    carrying = _with_still(seen.posed)
    # relative[k, m, c]: the orientation of control c before its own rotation, in the frame of m.
    relative = carrying.swapaxes(-1, -2)[:, :, None] @ seen.before[:, None]
    spread = np.ptp(relative, axis=0).max((-1, -2))
    spread[1 + each, each] = np.inf
    best = spread.argmin(0)
    carriers = np.stack([best, best], 1) - 1
    offsets = relative[0, carriers + 1, each[:, None]]
    shares = np.zeros(controls)
    for control in np.flatnonzero(spread[best, each] >= _SAME).tolist():
        carriers[control], offsets[control], shares[control] = _between_two(
            carrying, seen.before[:, control], control
        )
    return Response(carriers, offsets, shares, _learn_places(seen), controls + seen.points.shape[1])


def _between_two(
    carrying: np.ndarray, before: np.ndarray, control: int
) -> tuple[tuple[int, int], np.ndarray, float]:
    """The two that a control stands between, its orientation in their frames and its share; UNKNOWN where none fit.

    Args:
        carrying: (K, 1 + C, 3, 3) orientations of what may carry it, the first being what never turns.
        before: (K, 3, 3) its orientation before its own rotation.
        control: its index, which cannot carry itself.
    """
    offsets = carrying[0].swapaxes(-1, -2) @ before[0]  # at rest, both agree
    carried = carrying[1:] @ offsets
    inverse = carried.swapaxes(-1, -2)
    way = matrix_to_axis_angle(inverse[:, :, None] @ carried[:, None])  # from the first to the second
    gone = matrix_to_axis_angle(inverse @ before[1:, None])[:, :, None]
    share = (way * gone).sum((0, 3)) / np.maximum((way * way).sum((0, 3)), 1e-12)
    error = np.abs(gone - share[None, :, :, None] * way).max((0, 3))
    error[(share <= 0) | (share >= 1)] = np.inf
    error[1 + control] = error[:, 1 + control] = np.inf
    first, second = np.unravel_index(error.argmin(), error.shape)
    if error[first, second] >= _SAME:
        return (UNKNOWN, UNKNOWN), np.tile(np.eye(3), (2, 1, 1)), 0.0
    pair = (int(first) - 1, int(second) - 1)
    return pair, offsets[[first, second]], float(share[first, second])


def _with_still(posed: np.ndarray) -> np.ndarray:
    """(F, 1 + C, 3, 3): what never turns, before the orientations of the controls."""
    return np.concatenate([np.broadcast_to(np.eye(3), (len(posed), 1, 3, 3)), posed], 1)


def _towards(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The orientation a share (..., 1) of the shortest way from one (..., 3, 3) to another."""
    return first @ rodrigues(share * matrix_to_axis_angle(first.swapaxes(-1, -2) @ second))


def _learn_places(seen: Observation) -> tuple[tuple[int, int, np.ndarray], ...]:
    points = np.concatenate([seen.heads, seen.points], 1)
    near = _SAME * max(float(np.ptp(points.reshape(-1, 3), axis=0).max()), 1e-9)
    found: list[tuple[int, int, np.ndarray]] = []
    waiting = list(range(points.shape[1]))
    for index in list(waiting):
        if np.ptp(points[:, index], axis=0).max() < near:
            found.append((index, STILL, points[0, index]))
            waiting.remove(index)
    # Outwards: a place counts as told when it hangs on a control whose own place is told.
    told = [index for index, *_ in found if index < seen.heads.shape[1]]
    for carrier in told:  # grows as it is read
        own = seen.posed[:, carrier].swapaxes(-1, -2)
        for index in list(waiting):
            place = (own @ (points[:, index] - points[:, carrier])[..., None])[..., 0]
            if np.ptp(place, axis=0).max() < near:
                found.append((index, carrier, place[0]))
                waiting.remove(index)
                if index < seen.heads.shape[1]:
                    told.append(index)
    return tuple(found)
