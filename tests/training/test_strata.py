"""Kinds of poses: each rule on a pose that anyone would call so, and their shares among samples."""

import numpy as np
import pytest

from backend.body import forward_kinematics, global_rotations, load_body, rodrigues
from training.poses.bank import PoseBank, mirror
from training.poses.postures import POSTURES
from training.poses.strata import NAMES, STRATA, place, stratify


def _kinds(poses):
    return [NAMES[kind] for kind in stratify(poses)]


def test_places_joints_as_the_body_does():
    poses = rodrigues(np.random.default_rng(0).normal(0, 0.5, (5, 24, 3)).astype(np.float32))
    rest = np.asarray(load_body().rest()[1], np.float32)
    world = global_rotations(poses)
    joints, turned = place(poses)
    np.testing.assert_allclose(joints, forward_kinematics(world, rest) - rest[0], atol=1e-5)
    np.testing.assert_allclose(turned, world, atol=1e-5)


def test_kinds_do_not_depend_on_heading_or_side():
    turn = np.tile(np.eye(3, dtype=np.float32), (24, 1, 1))
    turn[0] = rodrigues(np.array([0, 2.2, 0], np.float32))
    turned = POSTURES.copy()
    turned[:, 0] = turn[0] @ turned[:, 0]
    assert _kinds(turned) == _kinds(POSTURES)
    assert _kinds(mirror(POSTURES)) == _kinds(POSTURES)


def test_the_rest_pose_stands():
    assert _kinds(np.eye(3, dtype=np.float32)[None, None].repeat(24, 1)) == ["standing"]


def test_every_kind_has_hand_set_postures():
    assert set(_kinds(POSTURES)) == set(NAMES)


def test_shares_add_up():
    assert sum(STRATA.values()) == pytest.approx(1)


def test_samples_carry_the_shares_that_are_wanted(bank_file):
    bank, rng = PoseBank.load(bank_file), np.random.default_rng(1)
    found = np.bincount(stratify(np.stack([bank.sample(rng) for _ in range(1500)])), minlength=len(NAMES))
    for name, count in zip(NAMES, found, strict=True):
        assert count / 1500 == pytest.approx(STRATA[name], abs=0.03), name
