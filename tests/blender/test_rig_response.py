"""What carries what in a rig of plain matrices: found, foretold, and told where it cannot be."""

import numpy as np
import pytest
from mathutils import Matrix, Quaternion

from sketch2pose_blender.core.rig_response import POSES, STILL, UNKNOWN, Observation, learn_response


def turn(rng, angle=1.0):
    return np.array(Quaternion(rng.normal(size=3).tolist(), angle).to_matrix(), float)


class Rig:
    """Hips that stand still, a chest on the hips, an arm on the chest, a neck between chest and hips, an eye.

    The eye looks ever twice as far as the chest is turned: no control carries it.
    """

    def __init__(self, rng):
        self.rests = np.array([turn(rng, 2.0) for _ in range(5)])
        self.offsets = rng.normal(size=(5, 3))

    def posed(self, basis):
        """Orientations before and after the controls' own rotations (5, 3, 3), and their places (5, 3)."""
        before, posed, heads = self.rests.copy(), self.rests.copy(), self.offsets.copy()
        posed[0] = before[0] @ basis[0]
        for control, carrier in ((1, 0), (2, 1)):
            carried = posed[carrier] @ self.rests[carrier].T
            before[control] = carried @ self.rests[control]
            posed[control] = before[control] @ basis[control]
            heads[control] = heads[carrier] + carried @ (self.offsets[control] - self.offsets[carrier])
        hips, chest = (Matrix((posed[c] @ self.rests[c].T).tolist()).to_quaternion() for c in (0, 1))
        before[3] = np.array(chest.slerp(hips, 0.3).to_matrix()) @ self.rests[3]
        before[4] = np.array((chest @ chest).to_matrix()) @ self.rests[4]
        heads[3] = heads[1] + posed[1] @ [0, 0, 1]
        heads[4] = heads[3] * 2  # nor is its place on anything
        for control in (3, 4):
            posed[control] = before[control] @ basis[control]
        return before, posed, heads


def observed(rig, rng):
    seen = [rig.posed(np.array([turn(rng, 0.7 if k else 0.0) for _ in range(5)])) for k in range(1 + POSES)]
    before, posed, heads = (np.array(values) for values in zip(*seen, strict=True))
    return Observation(before, posed, heads, heads[:, [2, 3]] + posed[:, [2, 3]][..., 1] * 0.2)


@pytest.mark.parametrize("seed", range(5))
def test_new_poses_are_foretold(seed):
    rng = np.random.default_rng(seed)
    rig = Rig(rng)
    response = learn_response(observed(rig, rng))
    assert response.carriers.tolist()[:3] == [[STILL, STILL], [0, 0], [1, 1]]
    assert sorted(response.carriers[3].tolist()) == [0, 1]
    assert response.carriers.tolist()[4] == [UNKNOWN, UNKNOWN]
    assert response.unknown == [4]
    for _ in range(5):
        before, posed, _ = rig.posed(np.array([turn(rng, 0.8) for _ in range(5)]))
        np.testing.assert_allclose(response.before(posed[None])[0, :4], before[:4], atol=1e-4)


def test_places_that_hang_on_nothing_known_are_not_guessed():
    rng = np.random.default_rng(0)
    rig = Rig(rng)
    seen = observed(rig, rng)
    np.testing.assert_allclose(learn_response(seen).points(seen.posed), seen.points, atol=1e-6)
    lost = Observation(seen.before, seen.posed, seen.heads, seen.heads[:, [2, 4]])
    assert learn_response(lost).points(seen.posed) is None
