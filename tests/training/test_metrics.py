"""Every metric against a case worked out by hand."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from backend.body import pose_body
from backend.skeleton import BONE_MIRROR, keypoint_index
from training.drawing.anatomy import load_anatomy
from training.evaluate.metrics import (
    END_BONES,
    LABELLED_BONES,
    LABELLED_JOINTS,
    LABELLED_MIRROR,
    LIMB_BONES,
    bone_angles_2d,
    bone_angles_3d,
    bootstrap,
    depth_signs,
    diversity,
    hits,
    is_swapped,
    labelled_joints,
    mpjpe,
    other_reading,
    pa_mpjpe,
)
from training.evaluate.penetration import penetration_depth
from training.evaluate.score import contact_values

KNOWN = np.ones(15, bool)


def _figure() -> np.ndarray:
    """Fifteen joints of a front view: left at image right, mirrored across x = 50."""
    joints = {"head_center": (50, 10)}
    for k, name in enumerate(("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe")):
        joints[f"left_{name}"] = (60 + k, 20 + 10 * k)
        joints[f"right_{name}"] = (40 - k, 20 + 10 * k)
    return np.array([joints[n] for n in LABELLED_JOINTS], float)


def test_there_are_fifteen_joints_and_fourteen_bones():
    assert len(LABELLED_JOINTS) == 15
    assert len(set(LABELLED_BONES)) == 14
    assert all(LABELLED_MIRROR[LABELLED_MIRROR[k]] == k for k in range(15))


def test_head_centre_is_the_middle_of_head_and_top():
    keypoints = np.zeros((30, 2))
    keypoints[keypoint_index("head")] = (10, 20)
    keypoints[keypoint_index("head_top")] = (14, 4)
    keypoints[keypoint_index("left_toe")] = (7, 7)
    joints = labelled_joints(keypoints)
    np.testing.assert_allclose(joints[0], (12, 12))
    np.testing.assert_allclose(joints[LABELLED_JOINTS.index("left_toe")], (7, 7))


def test_hits_count_joints_within_the_share_of_the_box():
    true = _figure()
    predicted = true.copy()
    predicted[0] += (9.9, 0)
    predicted[1] += (0, 10.1)
    assert hits(predicted, true, 100.0, 0.1).tolist() == [True, False] + [True] * 13
    assert hits(predicted, true, 100.0, 0.05).sum() == 13


def test_swap_is_told_from_the_whole_labelling():
    true = _figure()
    assert not is_swapped(true, true, KNOWN)
    assert is_swapped(true[list(LABELLED_MIRROR)], true, KNOWN)
    one_limb = true.copy()
    one_limb[[1, 2]] = true[[2, 1]]
    assert not is_swapped(one_limb, true, KNOWN)


def test_bone_angles_in_the_image():
    true = _figure()
    angle = np.radians(30)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    np.testing.assert_allclose(bone_angles_2d(true @ turn.T, true, KNOWN), 30, atol=1e-9)
    np.testing.assert_allclose(bone_angles_2d(-true, true, KNOWN), 180, atol=1e-6)
    few = np.zeros(15, bool)
    few[[LABELLED_JOINTS.index("left_hip"), LABELLED_JOINTS.index("left_knee")]] = True
    assert len(bone_angles_2d(true, true, few)) == 1


def test_bone_angles_in_space():
    a = np.array([[1.0, 0, 0], [0, 0, 1]])
    b = np.array([[0, 1.0, 0], [0, 0, -1]])
    np.testing.assert_allclose(bone_angles_3d(a, b), (90, 180))


def test_bootstrap_interval_holds_the_mean_and_narrows():
    rng = np.random.default_rng(0)
    few, many = rng.normal(5, 1, 20), rng.normal(5, 1, 2000)
    low, high = bootstrap(many)
    assert low < many.mean() < high
    assert high - low < 0.3 * np.subtract(*bootstrap(few)[::-1])


def test_bootstrap_weighs_figures_and_leaves_out_those_that_say_nothing():
    values, weights = np.array([1.0, 0.0, np.nan]), np.array([3.0, 1.0, 0.0])
    low, high = bootstrap(values, weights)
    assert 0 <= low < 0.75 < high <= 1
    assert bootstrap(values, weights) == (low, high)
    assert bootstrap(np.full(9, 0.4)) == pytest.approx((0.4, 0.4))


def test_limbs_and_ends_are_the_bones_they_are_called():
    ends = [
        (keypoint_index("left_elbow"), keypoint_index("left_wrist")),
        (keypoint_index("left_knee"), keypoint_index("left_ankle")),
    ]
    assert LIMB_BONES[1] == ends[0][1] - 1
    assert LIMB_BONES[3] == ends[1][1] - 1
    assert [BONE_MIRROR[b] for b in LIMB_BONES[:4]] == list(LIMB_BONES[4:])
    assert len(set(END_BONES)) == 7


def test_a_limb_points_away_only_beyond_fifteen_degrees():
    limbs = np.zeros((8, 3))
    limbs[:, 0] = 1
    for k, degrees in enumerate((14, 16, -16, -90)):
        limbs[k] = (np.cos(np.radians(degrees)), 0, np.sin(np.radians(degrees)))
    assert depth_signs(limbs).tolist() == [0, 1, -1, -1, 0, 0, 0, 0]


def test_the_other_reading_exchanges_sides_and_depth_and_is_its_own_inverse():
    rng = np.random.default_rng(1)
    bones = rng.normal(size=(29, 3))
    twin = other_reading(bones)
    elbow = keypoint_index("left_elbow") - 1
    np.testing.assert_allclose(twin[elbow], bones[keypoint_index("right_elbow") - 1] * (1, 1, -1))
    np.testing.assert_allclose(other_reading(twin), bones)
    np.testing.assert_allclose(other_reading(bones[list(LIMB_BONES)]), twin[list(LIMB_BONES)])


def test_distances_of_joints():
    true = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 2]])
    moved = true + np.array((5, 6, 7))
    assert mpjpe(moved, true) == pytest.approx(0)
    off = moved.copy()
    off[3] += (0, 0, 0.4)
    assert mpjpe(off, true) == pytest.approx(0.1)
    turned = 3 * true @ Rotation.from_euler("xyz", (1, 2, 3)).as_matrix().T + 4
    assert pa_mpjpe(turned, true) == pytest.approx(0, abs=1e-9)
    assert mpjpe(turned, true) > 1
    mirrored = true * (-1, 1, 1)
    assert pa_mpjpe(mirrored, true) > 0.1  # no reflection


def test_diversity_is_the_mean_angle_of_all_pairs():
    x, y = np.array([[1.0, 0, 0]]), np.array([[0.0, 1, 0]])
    assert diversity(np.stack([x])) == 0
    assert diversity(np.stack([x, y, y])) == pytest.approx((90 + 90 + 0) / 3)


def test_contacts_are_recalled_and_precise():
    hand_hip, feet, knees = frozenset("ab"), frozenset("cd"), frozenset("ef")
    values = contact_values({hand_hip}, {hand_hip, feet, knees})
    assert values == {"contact_recall": (1 / 3, 3.0), "contact_precision": (1.0, 1.0)}
    assert contact_values(set(), set()) == {}


def test_penetration_is_the_depth_of_a_hand_in_the_belly():
    anatomy = load_anatomy()
    assert penetration_depth(anatomy, anatomy.body.v_template) == 0
    pose = np.zeros((24, 3), np.float32)
    pose[keypoint_index("left_shoulder")] = (0, 0, -1.3)
    assert penetration_depth(anatomy, pose_body(anatomy.body, pose).vertices) == 0
    # The forearm swings inwards until the hand has gone into the trunk.
    depths = []
    for angle in (0.3, 0.8):
        pose[keypoint_index("left_elbow")] = (0, 0, -angle)
        depths.append(penetration_depth(anatomy, pose_body(anatomy.body, pose).vertices))
    assert depths[0] < depths[1]
    assert depths[1] > 0.01
