"""Which parts of a posed figure are told to touch: those that meet on the paper and in depth, and no others."""

import numpy as np
import pytest

from backend import contacts
from backend.api import PRESENT
from backend.body import global_rotations, load_body, rodrigues
from backend.contacts import KINDS, LIKELY, OUT_OF_REACH, likely_contacts, surface_of
from backend.kinematics import Camera, Solution, posed_keypoints
from backend.skeleton import JOINT_NAMES, KEYPOINT_MIRROR, keypoint_index

ARMS_DOWN = {"left_shoulder": (0, 0, -75), "right_shoulder": (0, 0, 75)}
CLASPED = {
    "left_shoulder": (0, -50, 0), "right_shoulder": (0, 50, 0), "left_elbow": (0, -88, 0), "right_elbow": (0, 88, 0),
}  # fmt: skip
HAND_ON_HIP = {"left_shoulder": (0, 0, -45), "left_elbow": (0, 0, -75), "right_shoulder": (0, 0, 30)}
CROSSED_SHINS = {
    "left_hip": (-95, 0, 25), "right_hip": (-95, 0, -25), "left_knee": (100, 0, -60), "right_knee": (100, 0, 60),
}  # fmt: skip
#: The viewer sees the figure's front: rest frame to camera frame.
FACING = (180, 0, 0)


@pytest.fixture(scope="module")
def body():
    return load_body()


@pytest.fixture(scope="module")
def surface(body):
    return surface_of(body)


class Posed:
    """The body in a pose, drawn exactly as it is."""

    def __init__(self, body, seen=FACING, **turns):
        pose = np.zeros((24, 3))
        pose[0] = np.radians(seen)
        for name, degrees in turns.items():
            pose[keypoint_index(name)] = np.radians(degrees)
        self.rest = np.asarray(body.rest_keypoints(), np.float64)
        self.world = global_rotations(rodrigues(pose))
        self.posed = posed_keypoints(self.world, self.rest)
        self.camera = Camera(np.array(200.0), np.array([300.0, 400.0]))
        self.keypoints = self.camera.project(self.posed)

    def told(self, surface, keypoints=None, present=None):
        keypoints = self.keypoints if keypoints is None else keypoints
        solution = Solution(self.world, np.zeros(3))
        found = likely_contacts(surface, solution, self.rest, self.camera, keypoints, present)
        return {(contact.first, contact.second): contact.score for contact in found}

    def odds_of_hands(self, surface, keypoints):
        """Log odds that the hands touch."""
        places = contacts.ball_places(surface, self.world, self.rest, self.camera, keypoints)
        names = np.array(JOINT_NAMES)[surface.parts[surface.pairs]]
        (pair,) = np.nonzero((names.T == ("left_hand", "right_hand")).all(1))
        return float(contacts.log_odds(surface, contacts.gaps(surface, places, pair), pair)[0])


def test_arms_spread_touch_nothing(body, surface):
    assert Posed(body).told(surface) == {}


def test_clasped_hands_touch(body, surface):
    told = Posed(body, **CLASPED).told(surface)
    assert next(iter(told)) == ("left_hand", "right_hand")
    assert min(told.values()) >= LIKELY
    assert list(told.values()) == sorted(told.values(), reverse=True)


def test_a_hand_on_the_hip_touches_the_trunk_on_its_side_alone(body, surface):
    told = Posed(body, **HAND_ON_HIP).told(surface)
    assert any(pair[1] == "left_hand" and pair[0] in ("pelvis", "spine1", "left_hip") for pair in told)
    assert not any("right" in name for pair in told for name in pair)


def test_crossed_shins_touch(body, surface):
    told = Posed(body, **CROSSED_SHINS).told(surface)
    assert {("left_knee", "right_knee"), ("left_foot", "right_foot"), ("left_knee", "right_foot")} & set(told)


def test_hands_that_meet_on_the_paper_are_less_probable_the_farther_apart_they_are_in_depth(body, surface):
    drawn = Posed(body, **CLASPED).keypoints
    odds = [
        Posed(body, **CLASPED | {"left_elbow": (0, -88 + swung, 0)}).odds_of_hands(surface, drawn)
        for swung in (0, 20, 40, 60)
    ]
    assert odds == sorted(odds, reverse=True)
    assert odds[0] - odds[-1] > 1


def test_what_is_drawn_counts_where_the_bodys_arms_are_too_short(body, surface):
    apart = Posed(body, **CLASPED | {"left_elbow": (0, -60, 0), "right_elbow": (0, 60, 0)})
    drawn = Posed(body, **CLASPED).keypoints
    assert apart.odds_of_hands(surface, drawn) - apart.odds_of_hands(surface, apart.keypoints) > 0.5


def test_a_mirrored_pose_has_mirrored_contacts(body, surface):
    turns = HAND_ON_HIP | {"head": (0, 20, 10)}
    told = Posed(body, **turns).told(surface)
    other = {
        JOINT_NAMES[KEYPOINT_MIRROR[keypoint_index(name)]]: (x, -y, -z) for name, (x, y, z) in turns.items()
    }
    mirrored = Posed(body, **other).told(surface)
    names = {
        frozenset(JOINT_NAMES[KEYPOINT_MIRROR[keypoint_index(name)]] for name in pair): score
        for pair, score in told.items()
    }
    assert told
    assert names.keys() == {frozenset(pair) for pair in mirrored}
    for pair, score in mirrored.items():
        assert score == pytest.approx(names[frozenset(pair)], abs=0.05)


def test_parts_that_are_not_drawn_touch_nothing(body, surface):
    posed = Posed(body, **CLASPED)
    present = np.ones(30)
    assert ("left_hand", "right_hand") in posed.told(surface, present=present)
    present[keypoint_index("left_fingertips")] = PRESENT - 0.01
    assert not any("left_hand" in pair for pair in posed.told(surface, present=present))
    assert posed.told(surface, present=np.zeros(30)) == {}


def test_what_is_skipped_is_never_likely(body, surface):
    rng = np.random.default_rng(4)
    everything = np.arange(surface.pairs.shape[1])
    likely = 0
    for _ in range(60):
        turns = {name: rng.normal(0, 45, 3) for name in JOINT_NAMES[1:] if "spine" not in name}
        posed = Posed(body, seen=rng.uniform(-180, 180, 3), **turns)
        places = contacts.ball_places(surface, posed.world, posed.rest, posed.camera, posed.keypoints)
        all_gaps = contacts.gaps(surface, places, everything)
        chances = 1 / (1 + np.exp(-contacts.log_odds(surface, all_gaps, everything)))
        pairs = surface.parts[surface.pairs[:, chances >= LIKELY]].T
        expected = {(JOINT_NAMES[a], JOINT_NAMES[b]) for a, b in pairs}
        assert set(posed.told(surface)) == expected
        assert chances[all_gaps[:, 1] > OUT_OF_REACH].max(initial=0) < LIKELY
        likely += len(expected)
    assert likely > 20


def test_every_kind_of_pair_occurs(surface):
    assert set(surface.kinds) == set(range(len(KINDS)))


def test_a_coarse_body_has_contacts_too(body):
    from backend.body import LIGHT_BODY

    told = Posed(body, **CLASPED).told(surface_of(load_body(LIGHT_BODY)))
    assert ("left_hand", "right_hand") in told
