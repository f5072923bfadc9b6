"""``python -m training poses``: from files, folders and zips to a bank, and what it leaves out."""

import json
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.body import rodrigues
from backend.errors import InputError
from backend.skeleton import JOINT_NAMES, JOINT_PARENTS, keypoint_index
from training.__main__ import main
from training.poses.bank import PoseBank
from training.poses.distinct import distinct_mask, pose_coordinates, thin_in_time
from training.poses.distribution import distribution_table, posture_features
from training.poses.recordings import find_recordings

# A figure of straight lines with SMPL's joint names: offsets of each joint from its parent.
OFFSETS = {
    "pelvis": (0, 0, 0), "spine1": (0, 1, 0), "spine2": (0, 1, 0), "spine3": (0, 1, 0), "neck": (0, 2, 0),
    "head": (0, 1, 0), "hip": (1, -0.5, 0), "knee": (0, -4, 0), "ankle": (0, -4, 0), "foot": (0, -0.5, 1.5),
    "collar": (0.5, 1.5, 0), "shoulder": (1, 0, 0), "elbow": (3, 0, 0), "wrist": (2.5, 0, 0), "hand": (1, 0, 0),
}  # fmt: skip


def bvh(angles):
    """BVH text of (F, 24, 3) degrees, x first."""
    lines, order = ["HIERARCHY"], []

    def write(joint, depth):
        name = JOINT_NAMES[joint]
        side = -1 if name.startswith("right") else 1
        x, y, z = OFFSETS[name.split("_")[-1]]
        lines.extend([("JOINT " if depth else "ROOT ") + name, "{", f"OFFSET {side * x} {y} {z}"])
        lines.append("CHANNELS 3 Xrotation Yrotation Zrotation")
        order.append(joint)
        for child, parent in enumerate(JOINT_PARENTS):
            if parent == joint:
                write(child, depth + 1)
        lines.append("}")

    write(0, 0)
    lines += ["MOTION", f"Frames: {len(angles)}", "Frame Time: 0.0333333"]
    lines += [" ".join(f"{v:.6f}" for v in frame[order].reshape(-1)) for frame in angles]
    return "\n".join(lines) + "\n"


def motion(seed, frames=40):
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 3, frames)[:, None, None]
    return rng.uniform(5, 40, (1, 24, 3)) * np.sin(
        t * rng.uniform(0.5, 2, (1, 24, 3)) + rng.uniform(0, 6, (1, 24, 3))
    )


@pytest.fixture
def captures(tmp_path):
    """A folder with two clips and a subfolder, a zip with one, and one broken file."""
    folder = tmp_path / "captures"
    (folder / "more").mkdir(parents=True)
    (folder / "walk_01.bvh").write_text(bvh(motion(1)))
    (folder / "more" / "run_01.BVH").write_text(bvh(motion(2)))
    (folder / "notes.txt").write_text("nothing to read")
    (folder / "shape.npz").write_text("AMASS keeps these beside its motions")
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.writestr("deep/jump_01.bvh", bvh(motion(3)))
    (tmp_path / "broken.bvh").write_text(bvh(motion(4))[:-300])
    return tmp_path


def test_everything_readable_becomes_a_bank(captures, capsys):
    out = captures / "new" / "bank.npz"
    assert main(["poses", str(captures / "captures"), str(captures / "more.zip"), "--out", str(out)]) == 0
    with np.load(out, allow_pickle=False) as bank:
        poses, clip, frame = bank["poses"], bank["clip_id"], bank["frame"]
        masks = [bank[f"distinct{d}"] for d in (4, 6, 8)]
    assert poses.shape[1:] == (24, 3)
    assert poses.dtype == np.float16
    assert len(poses) == len(clip) == len(frame) > 60
    assert [m.dtype == bool and m.any() for m in masks] == [True] * 3
    assert masks[0].sum() > masks[1].sum() > masks[2].sum()
    assert not (masks[1] & ~masks[0]).any()
    clips = json.loads(out.with_suffix(".json").read_text())
    assert sorted(c["file"].rsplit("/", 1)[1] for c in clips) == ["jump_01.bvh", "run_01.BVH", "walk_01.bvh"]
    assert {c["id"]: c["kept"] for c in clips} == {i: int((clip == i).sum()) for i in np.unique(clip)}
    assert not list(out.parent.glob("*.partial"))
    report = capsys.readouterr().out
    for words in (
        "torso from upright",
        "pelvis height",
        "bent knee",
        "hands above",
        "chest faces",
        "all frames",
    ):
        assert words in report
    assert float(report.split("Bones against the sources': ")[1].split()[0]) < 0.5


def test_poses_of_the_bank_are_those_of_the_files(captures):
    """SMPL-named joints keep the angles that the file gave them, up to the T-pose's bone directions."""
    out = captures / "bank.npz"
    assert main(["poses", str(captures / "captures" / "walk_01.bvh"), "--out", str(out)]) == 0
    with np.load(out) as bank:
        rotations, frame = rodrigues(bank["poses"].astype(np.float64)), bank["frame"]
    angles = np.radians(motion(1)[frame])
    axes = np.eye(3)
    expected = np.eye(3)
    for axis in range(3):
        expected = expected @ rodrigues(angles[..., axis : axis + 1] * axes[axis])
    np.testing.assert_allclose(rotations[:, 0], expected[:, 0], atol=0.005)
    for name in ("left_elbow", "right_elbow"):  # level in both rest poses
        joint = keypoint_index(name)
        np.testing.assert_allclose(rotations[:, joint], expected[:, joint], atol=0.005)


def test_the_trainer_reads_the_bank(captures):
    out = captures / "bank.npz"
    main(["poses", str(captures / "captures"), str(captures / "more.zip"), "--out", str(out)])
    with np.load(out) as bank:
        distinct = int(bank["distinct6"].sum())
    read = len(PoseBank.load(out).rotations)
    # Whole clips may be held out for validation.
    assert 0 < read <= distinct


def test_a_broken_file_is_named_and_the_rest_goes_on(captures, capsys):
    out = captures / "bank.npz"
    assert main(["poses", str(captures / "captures"), str(captures / "broken.bvh"), "--out", str(out)]) == 1
    errors = capsys.readouterr().err
    assert "Left out: " in errors
    assert "broken.bvh holds " in errors
    assert "1 of 3 files could not be read." in errors
    assert len(json.loads(out.with_suffix(".json").read_text())) == 2


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["broken.bvh"], "None of the inputs holds a motion"),
        (["missing"], "does not exist"),
        (["captures/notes.txt"], "is no motion file"),
        (["captures", "--fps", "0"], "is no frame rate"),
        (["captures", "--fps", "nan"], "is no frame rate"),
        (["captures", "--out", "bank.json"], "ends in .npz"),
        (["captures", "--out", "captures/notes.txt/bank.npz"], "cannot be written"),
        (["fake.zip"], "is no zip archive"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(captures, capsys, monkeypatch, arguments, part):
    monkeypatch.chdir(captures)
    (captures / "fake.zip").write_text("PK")
    assert main(["poses", "--out", "bank.npz", *arguments]) == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert part in last
    assert last.endswith(".")
    assert not (captures / "bank.npz").exists()


def test_same_seed_same_bytes_other_seed_other_choice(captures):
    outs = [captures / f"{name}.npz" for name in "abc"]
    for out, seed in zip(outs, ("5", "5", "6"), strict=True):
        main(["poses", str(captures / "captures"), "--out", str(out), "--seed", seed])
    a, b, c = (out.read_bytes() for out in outs)
    assert a == b
    assert a != c


def test_a_clip_keeps_its_number_wherever_it_lies(captures):
    (captures / "elsewhere").mkdir()
    (captures / "elsewhere" / "WALK_01.amc").write_text("")
    numbers = {}
    for recording in find_recordings([captures / "captures", captures / "elsewhere", captures / "more.zip"]):
        numbers.setdefault(recording.clip_id, []).append(recording.name.rsplit("/", 1)[1])
    assert sorted(map(sorted, numbers.values())) == [
        ["WALK_01.amc", "walk_01.bvh"],
        ["jump_01.bvh"],
        ["run_01.BVH"],
    ]


# ---------------------------------------------------------------------------------------- near duplicates


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 1300),
    st.integers(1, 60),
    st.sampled_from([0.5, 3.0, 20.0]),
)
def test_distinct_points_are_those_of_the_greedy_rule(seed, count, size, distance):
    rng = np.random.default_rng(seed)
    points = (rng.normal(0, 3, (count, size)) + rng.integers(0, 3, (count, 1)) * 10).astype(np.float32)
    rank = rng.permutation(count)
    chosen: list[int] = []
    for index in np.argsort(rank):
        gaps = np.linalg.norm(points[chosen].astype(float) - points[index], axis=1)
        if not (gaps <= distance).any():
            chosen.append(int(index))
    mask = distinct_mask(points, distance, rank)
    # Rounding may decide a pair that is just as far apart as the limit.
    assert abs(int(mask.sum()) - len(chosen)) <= 1 + count // 400
    kept = points[mask].astype(float)
    apart = np.linalg.norm(kept[:, None] - kept[None], axis=-1) + np.eye(len(kept)) * 1e9
    assert apart.min() > distance - 1e-3
    nearest = np.linalg.norm(points[:, None].astype(float) - kept[None], axis=-1).min(1)
    assert nearest.max() <= distance + 1e-3


def test_distance_is_the_angle_between_poses_whatever_their_heading():
    rng = np.random.default_rng(0)
    pose = rodrigues(rng.normal(0, 0.2, (1, 24, 3)))
    turned = pose.copy()
    turned[:, 0] = rodrigues(np.array([0.0, 2.0, 0.0])) @ turned[:, 0]
    bent = pose.copy()
    bent[:, keypoint_index("left_knee")] @= rodrigues(np.array([0.2, 0.0, 0.0]))
    waved = pose.copy()
    waved[:, keypoint_index("left_wrist")] @= rodrigues(np.array([0.2, 0.0, 0.0]))
    a, b, c, d = (pose_coordinates(p)[0] for p in (pose, turned, bent, waved))
    assert np.linalg.norm(a - b) < 0.01
    assert np.degrees(0.2) > np.linalg.norm(a - c) > np.linalg.norm(a - d) > 0
    everywhere = pose @ rodrigues(np.array([0.0, 0.0, 0.05]))
    # Without the pelvis, whose turn about the vertical is taken out, every joint turned by 0.05.
    assert np.linalg.norm(a - pose_coordinates(everywhere)[0]) == pytest.approx(np.degrees(0.05), rel=0.1)


def test_frames_like_the_last_one_kept_are_dropped():
    points = np.array([0, 1, 1.9, 2.5, 3, 5, 4.9], np.float32)[:, None]
    assert thin_in_time(points, 2.0).tolist() == [True, False, False, True, False, True, False]


# ------------------------------------------------------------------------------------------------- report


def turned(**joints):
    pose = np.tile(np.eye(3), (1, 24, 1, 1))
    for name, (axis, degrees) in joints.items():
        pose[:, keypoint_index(name)] = rodrigues(np.eye(3)["xyz".index(axis)] * np.radians(degrees))
    return posture_features(pose)[0]


def test_features_say_how_a_figure_stands():
    torso, height, knee, hands, facing = turned()
    assert torso < 5
    assert height == pytest.approx(1)
    assert knee < 15
    assert (hands, facing) == (0, 0)
    assert turned(pelvis=("x", 90))[0] == pytest.approx(90, abs=5)
    assert turned(pelvis=("x", 90))[4] == 5
    assert turned(pelvis=("x", -90))[4] == 4
    assert turned(pelvis=("x", 180))[0] > 170
    assert (
        turned(left_hip=("x", -90), right_hip=("x", -90), left_knee=("x", 90), right_knee=("x", 90))[1] < 0.7
    )
    assert turned(left_knee=("x", 100))[2] == pytest.approx(100, abs=15)
    assert turned(left_shoulder=("z", 80))[3] == 1
    assert turned(left_shoulder=("z", 80), right_shoulder=("z", -80))[3] == 2
    assert [turned(pelvis=("y", a))[4] for a in (90, 180, 270)] == [1, 2, 3]


def test_table_gives_shares_of_each_class():
    features = np.stack([turned(), turned(pelvis=("y", 180)), turned(pelvis=("x", 180)), turned()])
    table = distribution_table({"before": features, "after": features[:1]})
    rows = {line[:38].strip(): line[38:].split() for line in table.splitlines()}
    assert rows["poses"] == ["4", "1"]
    assert rows["150-180"] == ["25.0%", "0.0%"]
    assert rows["chest faces                 front"][1] == "100.0%"


def test_unknown_input_is_refused_before_anything_is_read(tmp_path):
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(InputError, match=r"is no motion file"):
        list(find_recordings([tmp_path / "a.txt"]))
