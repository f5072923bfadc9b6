"""The pose bank: split, heading, mirror, sampling."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from backend.body import forward_kinematics, global_rotations, load_body
from backend.errors import InputError
from backend.skeleton import KEYPOINT_MIRROR, keypoint_index
from training.poses.bank import PoseBank, mirror, without_heading
from training.poses.postures import POSTURES
from training.poses.split import clip_name, validation_clips
from training.poses.strata import NAMES, stratify


def _joints(local):
    rest = np.asarray(load_body().rest()[1], np.float64)
    rest = (rest + (rest * [-1, 1, 1])[list(KEYPOINT_MIRROR[:24])]) / 2  # symmetric to the last bit
    return forward_kinematics(global_rotations(local.astype(np.float64)), rest)


def test_a_clip_is_either_trained_on_or_validated_on(bank_file):
    with np.load(bank_file) as archive:
        total = len(archive["poses"])
    train, validation = PoseBank.load(bank_file), PoseBank.load(bank_file, validation=True)
    assert len(train.rotations) + len(validation.rotations) == total
    assert len(validation.rotations) == 20  # five clips of four
    assert validation.captured_only
    for rotations in validation.rotations:
        assert not np.isclose(train.rotations, rotations, atol=1e-6).all((1, 2, 3)).any()


def test_the_list_of_validation_clips_is_the_one_that_scores_were_measured_on():
    path = Path(__file__).parents[2] / "training" / "poses" / "validation_clips.txt"
    text = path.read_bytes().replace(b"\r\n", b"\n")
    assert (
        hashlib.sha256(text).hexdigest() == "bf9fa5d7f0e1c0efc985384d988dd90e3c73b08146507897e49507ff9750c528"
    )
    assert len(validation_clips()) == len(text.split())


def test_a_copy_of_a_clip_keeps_its_name():
    names = ["a/13_35.bvh", "b.zip/deep/13_35.AMC", r"C:\x\13_35.npz"]
    assert {clip_name(name) for name in names} == {"13_35"}
    assert clip_name("x/salsa/10.bvh") == "salsa_10"
    assert clip_name("x/martial/10.bvh") == "martial_10"


def test_a_bank_of_numbers_is_split_by_the_list_beside_it(tmp_path):
    path = tmp_path / "poses_few.npz"
    np.savez(path, poses=np.zeros((5, 24, 3)), clip_id=np.array([3, 3, 8, 9, 9]))
    with pytest.raises(InputError, match=r"does not name its clips; put .*poses_few\.json, beside it\.$"):
        PoseBank.load(path)
    files = {3: "x/90_28.bvh", 8: "x/90_29.bvh", 9: "x/salsa/07.bvh"}
    clips = [{"id": number, "file": file} for number, file in files.items()]
    (tmp_path / "clips_few.json").write_text(json.dumps(clips))
    assert len(PoseBank.load(path).rotations) == 1
    assert len(PoseBank.load(path, validation=True).rotations) == 4
    (tmp_path / "poses_few.json").write_text(json.dumps(clips[:1]))
    with pytest.raises(InputError, match=r"no list of the clips of poses_few\.npz"):
        PoseBank.load(path)


def test_weights_are_a_distribution(bank_file):
    weights = PoseBank.load(bank_file).weights
    assert weights.min() > 0
    assert weights.sum() == pytest.approx(1)


def test_mirror_mirrors_the_joints():
    poses = POSTURES
    expected = (_joints(poses) * [-1, 1, 1])[:, list(KEYPOINT_MIRROR[:24])]
    assert np.abs(_joints(mirror(poses)) - expected).max() < 1e-5


def test_without_heading_turns_about_the_vertical_only(bank_file):
    with np.load(bank_file) as archive:
        from backend.body import rodrigues

        poses = rodrigues(archive["poses"].astype(np.float32))
    turned = without_heading(poses)
    before, after = _joints(poses), _joints(turned)
    pelvis_before, pelvis_after = before[:, :1], after[:, :1]
    np.testing.assert_allclose((before - pelvis_before)[..., 1], (after - pelvis_after)[..., 1], atol=1e-5)
    world = global_rotations(turned)
    forward = world[:, 0, :, 2] + world[:, keypoint_index("spine3"), :, 2]
    upright = np.linalg.norm(forward[:, [0, 2]], axis=1) > 0.5
    assert upright.mean() > 0.9
    assert np.abs(np.degrees(np.arctan2(forward[upright, 0], forward[upright, 2]))).max() < 1e-3


def test_samples_are_rotations_and_repeat_with_the_seed(bank_file):
    bank = PoseBank.load(bank_file)
    first = [bank.sample(np.random.default_rng(k)) for k in range(50)]
    again = [bank.sample(np.random.default_rng(k)) for k in range(50)]
    np.testing.assert_array_equal(first, again)
    poses = np.stack(first)
    identity = poses @ poses.swapaxes(-1, -2)
    assert np.abs(identity - np.eye(3)).max() < 1e-4
    assert np.linalg.det(poses).min() > 0.99
    assert len({pose.tobytes() for pose in first}) == 50


def test_samples_of_some_kinds_are_of_these_kinds(bank_file):
    bank, rng = PoseBank.load(bank_file), np.random.default_rng(2)
    poses = np.stack([bank.sample(rng, ("sitting", "kneeling")) for _ in range(40)])
    kinds = [NAMES[k] for k in stratify(poses)]
    assert set(kinds) == {"sitting", "kneeling"}
    # Their shares stand to each other as in the whole mix.
    assert kinds.count("sitting") > kinds.count("kneeling")


@pytest.mark.parametrize("content", [b"", b"not a zip", None])
def test_a_file_that_is_no_bank_gets_one_sentence(tmp_path, content):
    path = tmp_path / "poses.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"^[^\n]+\.$"):
        PoseBank.load(path)
