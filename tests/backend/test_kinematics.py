"""Kinematics against scalar forward kinematics written here, and against scipy's rotations."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from backend import kinematics
from backend.body import load_body
from backend.skeleton import BONE_MIRROR, JOINT_PARENTS, KEYPOINT_NAMES, KEYPOINT_PARENTS, keypoint_index

FACING = np.diag([1.0, -1.0, -1.0])
REST = np.asarray(load_body().rest_keypoints(), np.float64)
LIMB_AND_HEAD = [
    keypoint_index(name) - 1
    for name in KEYPOINT_NAMES
    if name.endswith(("knee", "ankle", "foot", "toe", "elbow", "wrist", "hand", "fingertips", "head_top"))
    or name == "head"
]
seeds = st.integers(0, 2**32 - 1)


def random_locals(rng: np.random.Generator, count: int, spread: float = 1.0) -> np.ndarray:
    """(count, 24, 3, 3) local rotations: any orientation, joints turned up to far beyond a person's limits."""
    vectors = rng.normal(0, 0.5 * spread, (count, 24, 3))
    rotations = Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix().reshape(count, 24, 3, 3)
    rotations[:, 0] = Rotation.random(count, random_state=int(rng.integers(2**31))).as_matrix()
    return rotations


def scalar_keypoints(local: np.ndarray, lengths: np.ndarray | None = None) -> np.ndarray:
    """Forward kinematics of one pose by plain recursion: (24, 3, 3) -> (30, 3), pelvis at 0.

    ``lengths`` (29,) multiplies the bones, for figures of foreign proportions.
    """

    def world(joint: int) -> np.ndarray:
        own = local[joint]
        return own if JOINT_PARENTS[joint] < 0 else world(JOINT_PARENTS[joint]) @ own

    def place(keypoint: int) -> np.ndarray:
        parent = KEYPOINT_PARENTS[keypoint]
        if parent < 0:
            return np.zeros(3)
        stretch = 1.0 if lengths is None else lengths[keypoint - 1]
        return place(parent) + world(parent) @ (REST[keypoint] - REST[parent]) * stretch

    return np.array([place(keypoint) for keypoint in range(30)])


def directions_of(points: np.ndarray) -> np.ndarray:
    bones = np.array([points[k] - points[KEYPOINT_PARENTS[k]] for k in range(1, 30)])
    return bones / np.linalg.norm(bones, axis=-1, keepdims=True)


def degrees_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Angles in degrees of unit vectors, from the chord, which is exact for small ones."""
    return np.degrees(2 * np.arcsin(np.clip(np.linalg.norm(a - b, axis=-1) / 2, 0, 1)))


def paper_angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Degrees between two directions on the paper."""
    turn = np.arctan2(a[..., 1], a[..., 0]) - np.arctan2(b[..., 1], b[..., 0])
    return np.degrees(np.abs((turn + np.pi) % (2 * np.pi) - np.pi))


def world_of(local: np.ndarray) -> np.ndarray:
    world = [local[0]]
    for joint in range(1, 24):
        world.append(world[JOINT_PARENTS[joint]] @ local[joint])
    return np.array(world)


# ------------------------------------------------------------------------------------- exact poses


def test_true_keypoints_give_every_bone_within_a_degree_for_thousands_of_poses():
    rng = np.random.default_rng(7)
    local = random_locals(rng, 3000)
    truth = np.array([scalar_keypoints(pose) for pose in local])
    scale = rng.uniform(40, 900, len(truth))
    shift = rng.uniform(-500, 500, (len(truth), 1, 2))
    drawn = scale[:, None, None] * truth[..., :2] + shift
    wanted = np.array([directions_of(points) for points in truth])
    lengths = np.linalg.norm(REST[1:] - REST[list(KEYPOINT_PARENTS[1:])], axis=-1)

    lifted = kinematics.lift_by_length(drawn, np.sign(wanted[..., 2]), lengths, scale)
    solution = kinematics.solve_rotations(lifted, REST)

    local_found = solution.local
    posed = np.array([scalar_keypoints(pose) for pose in local_found])
    error = degrees_between(np.array([directions_of(points) for points in posed]), wanted)
    assert error.max() < 0.01
    assert np.degrees(solution.residuals).max() < 0.01


@given(seeds)
@settings(max_examples=150, deadline=None)
def test_rotations_are_rotations_and_bones_keep_their_length(seed: int):
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(29, 3))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    confidence = rng.uniform(0, 0.4, 29)
    solution = kinematics.solve_rotations(directions, REST, confidence)
    for rotation in (*solution.world, *solution.local):
        assert np.abs(rotation @ rotation.T - np.eye(3)).max() < 1e-9
        assert abs(np.linalg.det(rotation) - 1) < 1e-9
    posed = scalar_keypoints(solution.local)
    for keypoint in range(1, 30):
        parent = KEYPOINT_PARENTS[keypoint]
        assert math.dist(posed[keypoint], posed[parent]) == pytest.approx(
            math.dist(REST[keypoint], REST[parent]), abs=1e-9
        )
    assert np.abs(kinematics.posed_keypoints(solution.world, REST) - posed).max() < 1e-9


@given(seeds)
@settings(max_examples=100, deadline=None)
def test_rigid_parts_are_the_least_squares_rotation(seed: int):
    rng = np.random.default_rng(seed)
    local = random_locals(rng, 1)[0]
    wanted = directions_of(scalar_keypoints(local))
    noisy = wanted + rng.normal(0, 0.15, wanted.shape)
    noisy /= np.linalg.norm(noisy, axis=-1, keepdims=True)
    solution = kinematics.solve_rotations(noisy, REST)
    rest = directions_of(REST - REST[0])
    for row, (joint, names) in enumerate(
        (("pelvis", ("left_hip", "right_hip", "spine1")), ("spine3", ("neck", "left_collar", "right_collar")))
    ):
        bones = [keypoint_index(name) - 1 for name in names]
        best, _ = Rotation.align_vectors(noisy[bones], rest[bones])
        found = solution.world[keypoint_index(joint)]
        assert np.degrees((best.inv() * Rotation.from_matrix(found)).magnitude()) < 1e-3
        angles = np.radians(degrees_between(rest[bones] @ found.T, noisy[bones]))
        assert solution.residuals[row] == pytest.approx(np.sqrt((angles**2).mean()), abs=1e-9)
        assert solution.residuals[row] > 0


def test_t_pose_gives_the_rest_rotations():
    solution = kinematics.solve_rotations(directions_of(REST @ FACING.T), REST)
    assert np.abs(solution.world - FACING).max() < 1e-6


# ------------------------------------------------------------------------------ foreign proportions


@given(seeds, st.booleans())
@settings(max_examples=150, deadline=None)
def test_foreign_proportions_look_as_drawn(seed: int, chibi: bool):
    rng = np.random.default_rng(seed)
    lengths = rng.uniform(0.4, 2.0, 29)
    if chibi:
        lengths[[keypoint_index(name) - 1 for name in ("nose", "head_top")]] = rng.uniform(2.5, 4.0, 2)
    truth = scalar_keypoints(random_locals(rng, 1)[0], lengths)
    drawn = 150 * truth[:, :2] + 200
    wrong = directions_of(truth) + rng.normal(0, 0.25, (29, 3))
    wrong /= np.linalg.norm(wrong, axis=-1, keepdims=True)

    lifted = kinematics.lift_to_drawing(drawn, wrong)
    solution = kinematics.solve_rotations(lifted, REST)
    posed = scalar_keypoints(solution.local)

    given_bones = drawn[1:] - drawn[list(KEYPOINT_PARENTS[1:])]
    posed_bones = (posed[1:] - posed[list(KEYPOINT_PARENTS[1:])])[:, :2]
    side = (drawn.max(0) - drawn.min(0)).max()
    clear = np.linalg.norm(given_bones, axis=-1) > kinematics.DRAWN_LENGTH * side
    bones = [bone for bone in LIMB_AND_HEAD if clear[bone]]
    assert len(bones) >= 10
    assert paper_angle(given_bones, posed_bones)[bones].max() < 0.5
    assert np.isfinite(solution.residuals).all()


def test_own_lengths_on_a_foreign_figure_still_look_as_drawn():
    rng = np.random.default_rng(11)
    worst = 0.0
    own = np.linalg.norm(REST[1:] - REST[list(KEYPOINT_PARENTS[1:])], axis=-1)
    for pose in random_locals(rng, 200):
        truth = scalar_keypoints(pose, rng.uniform(0.5, 2.0, 29))
        drawn = 300 * truth[:, :2]
        lifted = kinematics.lift_by_length(drawn, np.sign(directions_of(truth)[:, 2]), own, 300.0)
        posed = scalar_keypoints(kinematics.solve_rotations(lifted, REST).local)
        bones = drawn[1:] - drawn[list(KEYPOINT_PARENTS[1:])]
        turned = paper_angle(bones, (posed[1:] - posed[list(KEYPOINT_PARENTS[1:])])[:, :2])
        clear = np.linalg.norm(bones, axis=-1) > 1
        worst = max(worst, turned[[b for b in LIMB_AND_HEAD if clear[b]]].max())
    assert worst < 0.5


def test_bones_without_length_on_paper_take_the_networks_direction():
    rng = np.random.default_rng(3)
    wanted = directions_of(scalar_keypoints(random_locals(rng, 1)[0]))
    drawn = rng.uniform(0, 100, (30, 2))
    elbow, wrist = keypoint_index("left_elbow"), keypoint_index("left_wrist")
    drawn[wrist] = drawn[elbow]
    lifted = kinematics.lift_to_drawing(drawn, wanted)
    assert degrees_between(lifted[wrist - 1], wanted[wrist - 1]) < 1e-6
    assert np.isfinite(kinematics.lift_to_drawing(np.zeros((30, 2)), wanted)).all()
    assert degrees_between(kinematics.lift_to_drawing(np.zeros((30, 2)), wanted), wanted).max() < 1e-6


def test_lifting_keeps_the_networks_depth():
    rng = np.random.default_rng(5)
    drawn = rng.uniform(0, 100, (30, 2))
    network = rng.normal(size=(29, 3))
    network /= np.linalg.norm(network, axis=-1, keepdims=True)
    lifted = kinematics.lift_to_drawing(drawn, network)
    allowed = np.clip(network[:, 2], -kinematics.MAX_DEPTH, kinematics.MAX_DEPTH)
    assert np.abs(lifted[:, 2] - allowed)[LIMB_AND_HEAD].max() < 1e-9


def test_the_paper_decides_where_the_keypoints_are_sure_and_the_network_where_they_are_not():
    rng = np.random.default_rng(6)
    drawn = 300 * scalar_keypoints(random_locals(rng, 1)[0])[:, :2]
    network = rng.normal(size=(29, 3)) * (1, 1, 0.2)
    network /= np.linalg.norm(network, axis=-1, keepdims=True)
    long = (
        np.linalg.norm(drawn[1:] - drawn[list(KEYPOINT_PARENTS[1:])], axis=-1)
        > 0.16 * np.ptp(drawn, axis=0).max()
    )
    bones = [bone for bone in LIMB_AND_HEAD if long[bone]]
    assert bones
    sure = kinematics.lift_to_drawing(drawn, network, np.full(30, 0.95))
    assert paper_angle(drawn[1:] - drawn[list(KEYPOINT_PARENTS[1:])], sure[:, :2])[bones].max() < 1e-3
    unsure = kinematics.lift_to_drawing(drawn, network, np.full(30, 0.3))
    assert degrees_between(unsure, network).max() < 1e-3


# --------------------------------------------------------------------------------------- plausibility


def flexed(joint: str, axis: tuple[float, float, float], degrees: float) -> np.ndarray:
    local = np.tile(np.eye(3), (24, 1, 1))
    local[0] = FACING
    local[keypoint_index(joint)] = Rotation.from_rotvec(np.radians(degrees) * np.array(axis)).as_matrix()
    return local


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("bend", [40, 90, 140])
@pytest.mark.parametrize("hip", [(0, 0, 0), (-80, 0, 0), (-40, 30, 20), (-90, -40, 0)])
def test_a_bent_knee_turns_the_thigh_so_that_it_folds_backwards(side: str, bend: float, hip: tuple):
    local = flexed(f"{side}_knee", (1, 0, 0), bend)
    local[keypoint_index(f"{side}_hip")] = Rotation.from_euler("xyz", hip, degrees=True).as_matrix()
    found = kinematics.solve_rotations(directions_of(scalar_keypoints(local)), REST)
    # The knee's own turn is about +x, which folds the shin backwards; the rest is the knees' stand.
    turn = Rotation.from_matrix(found.local[keypoint_index(f"{side}_knee")]).as_rotvec(degrees=True)
    assert turn[0] == pytest.approx(bend, abs=12)
    assert np.abs(turn[1:]).max() < 20
    wanted = Rotation.from_matrix(world_of(local)[keypoint_index(f"{side}_hip")])
    thigh = Rotation.from_matrix(found.world[keypoint_index(f"{side}_hip")])
    assert np.degrees((wanted.inv() * thigh).magnitude()) < 20


@pytest.mark.parametrize(("side", "axis"), [("left", (0, -0.88, 0.47)), ("right", (0, 0.88, -0.47))])
@pytest.mark.parametrize("bend", [40, 90, 140])
def test_a_bent_elbow_keeps_the_upper_arm_from_twisting(side: str, axis: tuple, bend: float):
    local = flexed(f"{side}_elbow", axis, bend)
    found = kinematics.solve_rotations(directions_of(scalar_keypoints(local)), REST)
    upper = Rotation.from_matrix(FACING.T @ found.world[keypoint_index(f"{side}_shoulder")])
    assert np.degrees(upper.magnitude()) < 15


def test_knees_read_a_little_backwards_are_straightened_in_depth_only():
    local = flexed("left_knee", (1, 0, 0), -25)
    wanted = directions_of(scalar_keypoints(local))
    fixed = kinematics.straighten_knees(wanted, REST)
    legs = [keypoint_index(name) - 1 for name in ("left_knee", "left_ankle")]
    others = [bone for bone in range(29) if bone not in legs]
    assert np.abs(fixed[others] - wanted[others]).max() < 1e-12
    assert paper_angle(fixed[legs], wanted[legs]).max() < 1e-6
    # Backwards bend is gone, not turned into a twist of the thigh.
    assert (
        degrees_between(fixed[legs[0]], fixed[legs[1]])
        < degrees_between(wanted[legs[0]], wanted[legs[1]]) - 10
    )
    thigh = kinematics.solve_rotations(fixed, REST).world[keypoint_index("left_hip")]
    assert np.degrees(Rotation.from_matrix(FACING.T @ thigh).magnitude()) < 30


def test_knees_that_bend_forwards_are_left_alone():
    rng = np.random.default_rng(2)
    for bend in rng.uniform(5, 140, 20):
        wanted = directions_of(scalar_keypoints(flexed("left_knee", (1, 0, 0), bend)))
        assert np.abs(kinematics.straighten_knees(wanted, REST) - wanted).max() < 1e-9


@pytest.mark.parametrize("depths", [(0.35, -0.3), (-0.3, -0.2), (0.2, 0.0)])
def test_limbs_drawn_straight_become_straighter_in_depth_only(depths: tuple[float, float]):
    wanted = directions_of(REST @ FACING.T)
    for name, depth in zip(("left_knee", "left_ankle"), depths, strict=True):
        flat = wanted[keypoint_index(name) - 1, :2] / np.linalg.norm(wanted[keypoint_index(name) - 1, :2])
        wanted[keypoint_index(name) - 1] = [*(flat * math.sqrt(1 - depth**2)), depth]
    found = kinematics.straighten_limbs(wanted)
    thigh, shin = keypoint_index("left_knee") - 1, keypoint_index("left_ankle") - 1
    assert degrees_between(found[thigh], found[shin]) <= degrees_between(wanted[thigh], wanted[shin])
    assert (np.abs(found[[thigh, shin], 2]) <= 0.5 * np.abs(depths)).all()
    assert (found[[thigh, shin], 2] * depths >= 0).all()
    assert paper_angle(found[LIMB_AND_HEAD], wanted[LIMB_AND_HEAD]).max() < 1e-6
    assert np.linalg.norm(found, axis=-1) == pytest.approx(np.ones(29))


def trunk_lean(directions: np.ndarray) -> float:
    """Degrees by which the line from pelvis to neck leans away from the viewer."""
    spine = [keypoint_index(name) - 1 for name in ("spine1", "spine2", "spine3", "neck")]
    own = np.linalg.norm(REST[1:] - REST[list(KEYPOINT_PARENTS[1:])], axis=-1)
    trunk = (directions[spine] * own[spine][:, None]).sum(0)
    return float(np.degrees(np.arctan2(trunk[2], np.hypot(trunk[0], trunk[1]))))


@pytest.mark.parametrize("tilt", [-20, -8, 12])
@pytest.mark.parametrize("turn", [0, 30, 180])
def test_a_slight_lean_is_halved_in_depth_only(tilt: float, turn: float):
    local = np.tile(np.eye(3), (24, 1, 1))
    local[0] = (
        Rotation.from_euler("x", tilt, degrees=True).as_matrix()
        @ Rotation.from_euler("y", turn, degrees=True).as_matrix()
        @ FACING
    )
    wanted = directions_of(scalar_keypoints(local))
    found = kinematics.straighten_torso(wanted, REST)
    assert abs(trunk_lean(found)) == pytest.approx(0.5 * abs(trunk_lean(wanted)), abs=1.5)
    assert paper_angle(found, wanted)[LIMB_AND_HEAD].max() < 1e-6
    assert np.linalg.norm(found, axis=-1) == pytest.approx(np.ones(29))


def test_a_strong_lean_is_kept():
    local = np.tile(np.eye(3), (24, 1, 1))
    local[0] = Rotation.from_euler("x", 65, degrees=True).as_matrix() @ FACING
    wanted = directions_of(scalar_keypoints(local))
    assert abs(trunk_lean(wanted)) > 55
    assert np.abs(kinematics.straighten_torso(wanted, REST) - wanted).max() < 1e-6


def test_limbs_drawn_bent_or_pointing_at_the_viewer_keep_their_depth():
    bent = directions_of(scalar_keypoints(flexed("left_elbow", (0, 0, 1), 60)))
    elbow, wrist = keypoint_index("left_elbow") - 1, keypoint_index("left_wrist") - 1
    bent[elbow] = [0.8, 0.0, 0.6]
    assert np.abs(kinematics.straighten_limbs(bent)[[elbow, wrist]] - bent[[elbow, wrist]]).max() < 1e-9
    pointing = bent.copy()
    pointing[elbow], pointing[wrist] = [0.0, 1.0, 0.0], [0.0, 0.1, -math.sqrt(0.99)]
    assert np.abs(kinematics.straighten_limbs(pointing)[wrist] - pointing[wrist]).max() < 1e-9


def test_unknown_bones_take_the_neutral_pose_and_known_ones_do_not_change():
    rng = np.random.default_rng(4)
    wanted = directions_of(scalar_keypoints(random_locals(rng, 1, 0.6)[0]))
    confidence = np.ones(29)
    lost = [keypoint_index(name) - 1 for name in ("left_knee", "left_ankle", "left_foot", "left_toe")]
    confidence[lost] = 0.0
    garbled = wanted.copy()
    garbled[lost] = rng.normal(size=(len(lost), 3))
    a = kinematics.solve_rotations(garbled, REST, confidence)
    b = kinematics.solve_rotations(np.where(np.isin(np.arange(29), lost)[:, None], 0.0, wanted), REST)
    assert np.abs(a.world - b.world).max() < 1e-9
    leg = [keypoint_index(f"left_{name}") for name in ("hip", "knee", "ankle", "foot")]
    assert np.abs(a.local[leg] - np.eye(3)).max() < 1e-9
    posed = directions_of(scalar_keypoints(a.local))
    arm = [keypoint_index(name) - 1 for name in ("left_elbow", "right_elbow", "right_knee", "head_top")]
    assert degrees_between(posed, wanted)[arm].max() < 1e-3


def test_arms_hang_where_nothing_is_known():
    found = kinematics.solve_rotations(np.zeros((29, 3)), REST)
    posed = directions_of(scalar_keypoints(found.local))
    for side in ("left", "right"):
        assert posed[keypoint_index(f"{side}_elbow") - 1][1] > 0.8  # y is down
    assert np.abs(found.world[0] - FACING).max() < 1e-6


def test_no_confidence_threshold_is_crossed_with_a_jump():
    rng = np.random.default_rng(8)
    local = random_locals(rng, 1, 0.4)[0]
    local[0] = FACING @ Rotation.from_euler("yxz", (50, -20, 10), degrees=True).as_matrix()
    wanted = directions_of(scalar_keypoints(local))
    levels = np.linspace(0, 0.3, 601)
    worlds = kinematics.solve_rotations(
        np.tile(wanted, (601, 1, 1)), REST, np.tile(levels[:, None], (1, 29))
    ).world
    steps = np.linalg.norm(np.diff(worlds, axis=0), axis=(-1, -2))
    assert steps.max() < 0.12


@given(seeds)
@settings(max_examples=100, deadline=None)
def test_small_changes_of_natural_poses_move_the_rotations_little(seed: int):
    rng = np.random.default_rng(seed)
    local = random_locals(rng, 1, 0.25)[0]
    # Knees and elbows bend the way they can, shoulders and hips as they like within reach.
    for name, axis in (("knee", (1, 0, 0)), ("elbow", None)):
        for side, sign in (("left", 1), ("right", -1)):
            turn = np.array(axis or (0, -0.88 * sign, 0.47 * sign))
            local[keypoint_index(f"{side}_{name}")] = Rotation.from_rotvec(
                turn * rng.uniform(0.0, 2.2)
            ).as_matrix()
    wanted = directions_of(scalar_keypoints(local))
    moved = wanted + rng.normal(0, 1e-4, wanted.shape)
    moved /= np.linalg.norm(moved, axis=-1, keepdims=True)
    a = kinematics.solve_rotations(wanted, REST).world
    b = kinematics.solve_rotations(moved, REST).world
    assert np.linalg.norm(a - b, axis=(-1, -2)).max() < 0.02


@given(seeds)
@settings(max_examples=50, deadline=None)
def test_a_mirrored_drawing_gives_the_mirrored_pose(seed: int):
    rng = np.random.default_rng(seed)
    symmetric = REST.copy()
    mirror = [0, *(bone + 1 for bone in BONE_MIRROR)]
    flip = np.array([-1.0, 1.0, 1.0])
    symmetric = (REST + REST[mirror] * flip) / 2
    directions = rng.normal(size=(29, 3))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    mirrored = directions[list(BONE_MIRROR)] * flip
    a = kinematics.solve_rotations(directions, symmetric).world
    b = kinematics.solve_rotations(mirrored, symmetric).world
    reflect = np.diag(flip)
    expected = (reflect @ a @ reflect)[mirror[:24]]
    assert np.abs(b - expected).max() < 1e-5


# ------------------------------------------------------------------------------------------- camera


@given(seeds)
@settings(max_examples=100, deadline=None)
def test_camera_is_the_weighted_least_squares_fit(seed: int):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(30, 3))
    keypoints = rng.uniform(20, 400) * points[:, :2] + rng.uniform(-300, 300, 2) + rng.normal(0, 3, (30, 2))
    weights = rng.uniform(0.05, 1, 30)
    camera = kinematics.fit_camera(points, keypoints, weights)
    rows = np.zeros((60, 3))
    rows[:30, 0], rows[:30, 1] = points[:, 0], 1
    rows[30:, 0], rows[30:, 2] = points[:, 1], 1
    root = np.sqrt(np.tile(weights, 2))[:, None]
    best, *_ = np.linalg.lstsq(
        rows * root, np.concatenate([keypoints.T.reshape(-1)]) * root[:, 0], rcond=None
    )
    assert camera.scale == pytest.approx(best[0], rel=1e-6)
    assert camera.translation == pytest.approx(best[1:], rel=1e-6, abs=1e-6)
    assert camera.project(points).shape == (30, 2)


def test_camera_scale_is_positive_for_a_contradicting_drawing():
    points = np.random.default_rng(1).normal(size=(30, 3))
    camera = kinematics.fit_camera(points, -100 * points[:, :2])
    assert camera.scale == pytest.approx(100, rel=0.2)
    assert np.isfinite(kinematics.fit_camera(points, np.full((30, 2), 7.0), np.zeros(30)).translation).all()


# ---------------------------------------------------------------------------------------- rotations


@given(seeds, st.sampled_from([0.0, 1e-14, 1e-9, 1e-5, 0.3, 2.0, math.pi - 1e-6, math.pi - 1e-10, math.pi]))
@settings(max_examples=300, deadline=None)
def test_rotation_conversions_match_scipy(seed: int, angle: float):
    axis = np.random.default_rng(seed).normal(size=3)
    axis /= np.linalg.norm(axis)
    truth = Rotation.from_rotvec(axis * angle)
    matrix = truth.as_matrix()
    assert np.abs(kinematics.axis_angle_to_matrix(axis * angle) - matrix).max() < 1e-12
    found = kinematics.matrix_to_axis_angle(matrix)
    assert np.linalg.norm(found) <= math.pi + 1e-9
    assert (truth.inv() * Rotation.from_rotvec(found)).magnitude() < 1e-7
    quaternion = kinematics.matrix_to_quaternion(matrix)
    assert quaternion[0] >= 0
    assert np.linalg.norm(quaternion) == pytest.approx(1)
    assert np.abs(kinematics.quaternion_to_matrix(quaternion) - matrix).max() < 1e-9
    assert (truth.inv() * Rotation.from_quat(quaternion[[1, 2, 3, 0]])).magnitude() < 1e-7


# ------------------------------------------------------------------------------------------- batches


def test_batches_give_what_single_figures_give():
    rng = np.random.default_rng(6)
    directions = rng.normal(size=(2, 5, 29, 3))
    drawn = rng.uniform(0, 300, (2, 5, 30, 2))
    confidence = rng.uniform(0, 0.3, (2, 5, 29))
    lifted = kinematics.straighten_knees(kinematics.lift_to_drawing(drawn, directions), REST)
    together = kinematics.solve_rotations(lifted, REST, confidence)
    assert together.world.shape == (2, 5, 24, 3, 3)
    assert together.residuals.shape == (2, 5, 3)
    for row in range(2):
        for column in range(5):
            single = kinematics.straighten_knees(
                kinematics.lift_to_drawing(drawn[row, column], directions[row, column]), REST
            )
            alone = kinematics.solve_rotations(single, REST, confidence[row, column])
            assert np.abs(alone.world - together.world[row, column]).max() < 1e-9
