"""Contacts of a posed body: what touches is named, what does not is not."""

import numpy as np
import pytest

from backend.body import pose_body, rodrigues
from backend.skeleton import keypoint_index
from training.drawing.anatomy import load_anatomy
from training.poses.contacts import find_contacts


def posed(betas=None, **turns):
    """Vertices of the default body with joints turned by axis-angle degrees."""
    pose = np.zeros((24, 3), np.float32)
    for name, degrees in turns.items():
        pose[keypoint_index(name)] = np.radians(degrees)
    body = load_anatomy().body
    return np.asarray(pose_body(body, rodrigues(pose), betas).vertices)


def scores(vertices):
    return {(a, b): score for a, b, score in find_contacts(load_anatomy(), vertices)}


ARMS_DOWN = {"left_shoulder": (0, 0, -75), "right_shoulder": (0, 0, 75)}
#: Bend of the elbows at which the hands just meet, degrees.
CLASP = 88
CLASPED = {
    "left_shoulder": (0, -50, 0), "right_shoulder": (0, 50, 0),
    "left_elbow": (0, -CLASP, 0), "right_elbow": (0, CLASP, 0),
}  # fmt: skip


def test_nothing_touches_in_the_t_pose():
    assert scores(posed()) == {}


def test_hands_before_the_chest_touch_and_the_order_is_by_score():
    found = find_contacts(load_anatomy(), posed(**CLASPED))
    assert ("left_hand", "right_hand") in [pair[:2] for pair in found]
    values = [score for *_, score in found]
    assert values == sorted(values, reverse=True)
    assert 0 < min(values) <= max(values) <= 1


def test_a_contact_fades_as_the_hands_part():
    apart = [
        scores(posed(**CLASPED | {"left_elbow": (0, -CLASP + d, 0), "right_elbow": (0, CLASP - d, 0)})).get(
            ("left_hand", "right_hand"), 0
        )
        for d in (0, 4, 6, 8, 30)
    ]
    assert apart == sorted(apart, reverse=True)
    assert apart[0] > 0.5
    assert apart[-1] == 0


def test_a_raised_knee_meets_the_chest_and_stays_on_its_side():
    found = scores(posed(left_hip=(-135, 0, 0), left_knee=(120, 0, 0), **ARMS_DOWN))
    assert any("left_hip" in pair and pair[1].startswith("spine") for pair in found)
    assert not any("right_hip" in pair and pair[1].startswith("spine") for pair in found)


def test_size_and_place_do_not_matter():
    vertices = posed(**CLASPED)
    body = load_anatomy()
    moved = vertices @ rodrigues(np.array([0.3, 1.0, -2.0], np.float32)).T + [3.0, -1.0, 5.0]
    before = {pair[:2]: pair[2] for pair in find_contacts(body, vertices)}
    after = {pair[:2]: pair[2] for pair in find_contacts(body, moved)}
    assert before.keys() == after.keys()
    assert [after[pair] for pair in before] == pytest.approx(list(before.values()), abs=0.01)
