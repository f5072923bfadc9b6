"""The pose prior, joint limits and what is drawn with them."""

import hashlib

import numpy as np
import pytest

from backend.body import rodrigues
from backend.skeleton import keypoint_index
from training.__main__ import main
from training.poses.bank import PoseBank, mirror
from training.poses.limits import clipped, from_turns, limited, turns, within
from training.poses.overlap import overlaps
from training.poses.postures import POSTURE_NAMES, POSTURES
from training.poses.prior import LATENT, PRIOR_PATH, load_prior
from training.poses.strata import NAMES, place, stratify
from training.poses.variation import mirrored


def _random(count, spread=0.6):
    return rodrigues(np.random.default_rng(3).normal(0, spread, (count, 24, 3)))


def test_turns_are_undone_and_mirror_as_poses_do():
    poses = _random(20)
    np.testing.assert_allclose(from_turns(turns(poses)), poses, atol=1e-9)
    for pose in poses:
        np.testing.assert_allclose(from_turns(mirrored(turns(pose))), mirror(pose), atol=1e-6)


def test_limits_are_the_same_on_both_sides():
    poses = _random(50, 1.0)
    np.testing.assert_allclose(limited(mirror(poses)), mirror(limited(poses)), atol=1e-5)


def test_limited_poses_are_within_and_stay():
    poses = _random(50, 1.0)
    assert not within(poses).all()
    assert within(limited(poses)).all()
    assert within(POSTURES).all()
    np.testing.assert_allclose(limited(POSTURES), POSTURES, atol=1e-5)


def test_hinges_do_not_bend_backwards():
    degrees = np.zeros((24, 3))
    for side, sign in (("left", 1), ("right", -1)):
        degrees[keypoint_index(f"{side}_knee"), 0] = -60
        degrees[keypoint_index(f"{side}_elbow"), 1] = sign * 60
    back = clipped(degrees)
    assert back[keypoint_index("left_knee"), 0] == back[keypoint_index("right_knee"), 0] == -5
    assert back[keypoint_index("left_elbow"), 1] == -back[keypoint_index("right_elbow"), 1] == 5


def test_samples_keep_to_the_limits_and_out_of_themselves(bank_file):
    bank, rng = PoseBank.load(bank_file), np.random.default_rng(0)
    poses = np.stack([bank.sample(rng) for _ in range(400)])
    assert within(poses).all()
    assert overlaps(place(poses)[0]).mean() < 0.02
    # Knees bend about x alone, up to the twist and the sideways play of a knee.
    knees = turns(poses)[:, [keypoint_index("left_knee"), keypoint_index("right_knee")], 0]
    assert knees.min() >= -5.1


def test_an_arm_through_the_chest_is_noticed():
    pose = np.tile(np.eye(3, dtype=np.float32), (24, 1, 1))
    assert not overlaps(place(pose)[0])
    assert not overlaps(place(POSTURES)[0]).any()
    pose[keypoint_index("left_shoulder")] = rodrigues(np.radians(np.array([0.0, 0.0, -80.0])))
    pose[keypoint_index("left_elbow")] = rodrigues(np.radians(np.array([0.0, 0.0, -100.0])))
    assert overlaps(place(pose)[0])


@pytest.mark.parametrize(
    ("posture", "kind"),
    [
        ("hugging knees", "sitting"), ("lotus, palms together", "sitting"), ("chair, thinker", "sitting"),
        ("seiza, hands on thighs", "kneeling"), ("all fours", "kneeling"), ("on one knee", "kneeling"),
        ("plank", "lying"), ("on the back", "lying"), ("sleeping on the side", "lying"),
        ("handstand", "inverted"), ("bridge", "inverted"), ("downward dog", "inverted"),
        ("deep squat", "crouching"), ("tree", "balance"), ("arabesque", "balance"), ("running", "stride"),
        ("warrior", "stride"), ("climbing", "climbing"), ("cheering", "reaching"), ("bowing", "bent"),
        ("arms crossed", "touching"), ("hands on hips", "touching"), ("presenting", "standing"),
    ],
)  # fmt: skip
def test_postures_are_of_the_kind_that_their_name_says(posture, kind):
    assert NAMES[stratify(POSTURES[[POSTURE_NAMES.index(posture)]])[0]] == kind


def test_the_prior_is_small_and_the_one_of_its_card():
    content = PRIOR_PATH.read_bytes()
    assert len(content) < 1_000_000
    assert hashlib.sha256(content).hexdigest() in PRIOR_PATH.with_suffix(".md").read_text(encoding="utf-8")


def test_the_prior_gives_poses_back_and_makes_new_ones():
    prior = load_prior()
    latent = np.random.default_rng(0).standard_normal((200, LATENT)).astype(np.float32)
    made = prior.decode(latent)
    assert np.abs(made @ made.swapaxes(-1, -2) - np.eye(3)).max() < 1e-4
    assert np.linalg.det(made).min() > 0.99
    again = prior.decode(prior.encode(made))
    angles = np.degrees(np.arccos(np.clip(((made * again).sum((-1, -2)) - 1) / 2, -1, 1)))
    assert angles.mean() < 8
    poses = np.concatenate([np.tile(np.eye(3, dtype=np.float32), (200, 1, 1, 1)), made], 1)
    assert within(poses).mean() > 0.97
    assert np.degrees(np.linalg.norm(made[:100] - made[100:], axis=(-1, -2)) / np.sqrt(2)).mean() > 10


def test_prior_and_report_from_the_command_line(bank_file, tmp_path, capsys):
    out = tmp_path / "new" / "prior.npz"
    assert main(["poses", "prior", "--poses", str(bank_file), "--out", str(out), "--steps", "3"]) == 0
    first = out.read_bytes()
    assert hashlib.sha256(first).hexdigest() in out.with_suffix(".md").read_text(encoding="utf-8")
    assert main(["poses", "report", "--poses", str(bank_file), "--count", "60"]) == 0
    table = capsys.readouterr().out
    for words in (*NAMES, "wanted", "pelvis height", "from behind", "within the joint limits"):
        assert words in table
    assert main(["poses", "report"]) == 1
    assert capsys.readouterr().err == "Which bank? Name it with --poses BANK.npz.\n"
    assert main(["poses", str(bank_file)]) == 1
