"""Other poses of a drawing: the lines on the paper stay, only limbs turn round in depth, the likeliest first."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from backend import hypotheses, kinematics
from backend.body import global_rotations, load_body
from backend.pipeline import Pipeline
from backend.skeleton import KEYPOINT_NAMES, KEYPOINT_PARENTS

REST = np.asarray(load_body().rest_keypoints(), np.float64)
PARENTS = np.array(KEYPOINT_PARENTS[1:])
LIMBS = [
    KEYPOINT_NAMES.index(f"{side}_{joint}") - 1
    for side in ("left", "right")
    for joint in ("elbow", "wrist", "knee", "ankle", "hand", "fingertips")
]


def drawing(seed, depth):
    """Keypoints and bone directions of a random pose, and a network that is as sure of depths as ``depth`` says."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(0, 0.4, (24, 3))
    vectors[0] = (np.pi, 0, 0)
    posed = kinematics.posed_keypoints(global_rotations(Rotation.from_rotvec(vectors).as_matrix()), REST)
    directions = kinematics.bone_directions(posed)
    network = directions.copy()
    network[:, 2] *= depth
    return posed[:, :2] * 300, directions, network / np.linalg.norm(network, axis=-1, keepdims=True)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 0.5, 1.0]), st.integers(1, 12))
def test_the_paper_stays_and_only_limbs_turn(seed, depth, count):
    places, directions, network = drawing(seed, depth)
    found = hypotheses.alternatives(places, directions, network, REST, count)
    assert 1 <= len(found) <= count
    np.testing.assert_array_equal(found[0].directions, directions)
    assert found[0].share == 1
    shares = [alternative.share for alternative in found[1:]]
    assert shares == sorted(shares, reverse=True)
    for alternative in found:
        np.testing.assert_allclose(np.linalg.norm(alternative.directions, axis=-1), 1, atol=1e-9)
        flat, ours = directions[:, :2], alternative.directions[:, :2]
        assert np.abs(flat[:, 0] * ours[:, 1] - flat[:, 1] * ours[:, 0]).max() < 1e-9
        others = np.delete(np.arange(29), LIMBS)
        np.testing.assert_array_equal(alternative.directions[others], directions[others])


@pytest.mark.parametrize("seed", range(6))
def test_a_sure_side_is_turned_round_later_than_an_unsure_one(seed):
    places, directions, _ = drawing(seed, 1.0)
    bones = [KEYPOINT_NAMES.index(f"{side}_wrist") - 1 for side in ("left", "right")]
    directions = directions.copy()
    # Both forearms as steep as each other; the network is sure of the left one only.
    for bone in bones:
        flat = directions[bone, :2] / np.linalg.norm(directions[bone, :2])
        directions[bone] = [*(0.8 * flat), -0.6]
    network = directions.copy()
    network[:, 2] *= 3
    network[bones[1], 2] = -0.05
    found = hypotheses.alternatives(places, directions, network, REST, 6)
    turned = [[np.sign(a.directions[bone, 2]) > 0 for bone in bones] for a in found]
    first = next(sides for sides in turned if any(sides))
    assert first == [False, True]


def test_what_is_chosen_differs_most_and_is_likely():
    """One that is far off and likely goes before near ones; one that is no news is left out."""
    rng = np.random.default_rng(0)
    base = kinematics.bone_directions(np.cumsum(rng.normal(size=(30, 3)), 0))
    near = base.copy()
    near[5] *= -1
    far = -base
    directions = np.array([base, near, base, far])
    assert hypotheses.most_telling(directions, np.array([1.0, 0.5, 0.9, 0.5]), 3) == [0, 3, 1]
    assert hypotheses.most_telling(directions, np.array([1.0, 0.5, 0.9, 0.5]), 4) == [0, 3, 1]


def test_the_pipeline_gives_as_many_as_are_asked_for():
    pipeline = Pipeline()
    image = Path(__file__).parents[2] / "examples" / "mannequin_lunge.png"
    few, many = (pipeline.pose(image, hypotheses=n).figures[0].hypotheses for n in (1, 8))
    assert len(few) == 1
    assert len(many) == 8
    np.testing.assert_allclose(many[0].body_pose, few[0].body_pose, atol=1e-9)
    scores = [h.score for h in many]
    assert scores[1:] == sorted(scores[1:], reverse=True)
    turns = np.array([[h.global_orient, *h.body_pose] for h in many])
    assert all(np.abs(turns[i] - turns[j]).max() > 0.1 for i in range(8) for j in range(i))
