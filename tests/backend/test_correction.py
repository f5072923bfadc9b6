"""Corrections: what is drawn is obeyed exactly, depth follows the drawn length, the rest stays as it is."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from backend import correction, kinematics
from backend.api import Corrections, Figure, Keypoint
from backend.body import global_rotations, load_body
from backend.skeleton import BONE_MIRROR, KEYPOINT_MIRROR, KEYPOINT_NAMES, KEYPOINT_PARENTS

REST = np.asarray(load_body().rest_keypoints(), np.float64)
PARENTS = np.array(KEYPOINT_PARENTS[1:])
#: Bones that turn by themselves: all but those of pelvis, chest, and the nose.
FREE_ENDS = [
    name
    for name in KEYPOINT_NAMES
    if name.endswith(("knee", "ankle", "foot", "toe", "elbow", "wrist", "hand", "fingertips", "head_top"))
    or name in ("head", "left_shoulder", "right_shoulder", "spine2", "spine3")
]
LIMB_ENDS = [name for name in FREE_ENDS if name.startswith(("left", "right")) and "shoulder" not in name]
seeds = st.integers(0, 2**32 - 1)
free = st.sampled_from(LIMB_ENDS)


def index(name: str) -> int:
    return KEYPOINT_NAMES.index(name)


def drawn_figure(seed: int, *, spread: float = 0.5, stretch: float = 0.3) -> Figure:
    """A random pose of the body, drawn by a random camera with every bone of a length of its own."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(0, spread, (24, 3))
    vectors[0] = Rotation.random(random_state=int(rng.integers(2**31))).as_rotvec()
    local = Rotation.from_rotvec(vectors).as_matrix()
    posed = kinematics.posed_keypoints(global_rotations(local), REST)
    # What the solver makes of it, so that twists are its own.
    solution = kinematics.solve_rotations(kinematics.bone_directions(posed), REST)
    bones = kinematics.bone_vectors(kinematics.posed_keypoints(solution.world, REST))
    # Left and right alike, as proportions are.
    stretches = rng.uniform(1 - stretch, 1 + stretch, 29)
    stretches = np.where(np.arange(29) < np.array(BONE_MIRROR), stretches, stretches[list(BONE_MIRROR)])
    places = np.zeros((30, 2))
    scale = rng.uniform(100, 400)
    for bone in range(29):
        start = KEYPOINT_PARENTS[bone + 1]
        places[bone + 1] = places[start] + scale * stretches[bone] * bones[bone, :2]
    places += rng.uniform(0, 1000, 2)
    keypoints = {
        name: Keypoint((float(x), float(y)), 0.9, 1.0)
        for name, (x, y) in zip(KEYPOINT_NAMES, places, strict=True)
    }
    first = correction.hypothesis_of(solution, REST, places, np.ones(30), 0.9)
    return Figure((0.0, 0.0, 1000.0, 1000.0), 0.9, keypoints, (first,))


def bones_of(hypothesis) -> np.ndarray:
    """(29, 3) posed bone vectors, by scipy's rotations and plain recursion."""
    turns = [Rotation.from_rotvec(hypothesis.global_orient)]
    for joint, turn in enumerate(hypothesis.body_pose, 1):
        turns.append(turns[KEYPOINT_PARENTS[joint]] * Rotation.from_rotvec(turn))
    return np.array(
        [turns[KEYPOINT_PARENTS[k]].apply(REST[k] - REST[KEYPOINT_PARENTS[k]]) for k in range(1, 30)]
    )


def paper_error(hypothesis, places: np.ndarray, ends) -> np.ndarray:
    """Degrees on the paper between posed and drawn bones; 0 for bones drawn too short to have a direction."""
    posed = bones_of(hypothesis)
    drawn = places[1:] - places[PARENTS]
    size = np.ptp(places, axis=0).max()
    wrong = []
    for end in ends:
        a, b = posed[index(end) - 1, :2], drawn[index(end) - 1]
        if np.hypot(*b) > 0.0101 * size:
            turn = math.atan2(a[1], a[0]) - math.atan2(b[1], b[0])
            wrong.append(abs((turn + math.pi) % (2 * math.pi) - math.pi))
    return np.degrees(np.array(wrong or [0.0]))


def places_of(figure: Figure, corrections: Corrections) -> np.ndarray:
    return np.array([corrections.moved.get(n, figure.keypoints[n].xy) for n in KEYPOINT_NAMES])


def angles(a, b) -> np.ndarray:
    """Degrees between the bones of two hypotheses."""
    a, b = (v / np.linalg.norm(v, axis=-1, keepdims=True) for v in (bones_of(a), bones_of(b)))
    return np.degrees(2 * np.arcsin(np.clip(np.linalg.norm(a - b, axis=-1) / 2, 0, 1)))


@settings(max_examples=30, deadline=None)
@given(seeds, st.lists(free, min_size=1, max_size=5, unique=True))
def test_dragged_bones_point_on_the_paper_exactly_as_drawn(seed, joints):
    figure = drawn_figure(seed)
    rng = np.random.default_rng(seed)
    moved = {j: tuple(np.array(figure.keypoints[j].xy) + rng.normal(0, 60, 2)) for j in joints}
    corrections = Corrections(moved=moved)
    posed = correction.corrected_hypothesis(figure, corrections, REST)
    assert paper_error(posed, places_of(figure, corrections), FREE_ENDS).max() < 1e-3


@settings(max_examples=20, deadline=None)
@given(seeds, free)
def test_bones_that_are_not_touched_stay(seed, joint):
    figure = drawn_figure(seed)
    moved = {joint: tuple(np.add(figure.keypoints[joint].xy, (25.0, -40.0)))}
    change = angles(
        figure.hypotheses[0], correction.corrected_hypothesis(figure, Corrections(moved=moved), REST)
    )
    touched = [b for b in range(29) if index(joint) in (b + 1, KEYPOINT_PARENTS[b + 1])]
    assert np.delete(change, touched).max() < 1e-3


@settings(max_examples=20, deadline=None)
@given(seeds, free)
def test_a_pin_on_a_joint_that_was_well_seen_changes_nothing(seed, joint):
    figure = drawn_figure(seed)
    pinned = correction.corrected_hypothesis(figure, Corrections(pinned=frozenset({joint})), REST)
    size = np.ptp(places_of(figure, Corrections()), axis=0).max()
    drawn = places_of(figure, Corrections())
    short = np.linalg.norm(drawn[1:] - drawn[PARENTS], axis=-1) < 0.0101 * size
    steep = np.abs(bones_of(figure.hypotheses[0])[:, 2]) > 0.99 * np.linalg.norm(
        bones_of(figure.hypotheses[0]), axis=-1
    )
    assert angles(figure.hypotheses[0], pinned)[~(short | steep)].max(initial=0) < 1e-3


@settings(max_examples=20, deadline=None)
@given(seeds, st.sampled_from([n for n in LIMB_ENDS if n.endswith(("knee", "ankle", "elbow", "wrist"))]))
def test_drawn_shorter_means_deeper_and_drawn_longer_flat(seed, joint):
    """The elevation from the paper is that of a stick of fixed length whose drawn length changes."""
    figure = drawn_figure(seed, stretch=0.0)
    start = KEYPOINT_NAMES[KEYPOINT_PARENTS[index(joint)]]
    a, b = (np.array(figure.keypoints[name].xy) for name in (start, joint))
    before = bones_of(figure.hypotheses[0])[index(joint) - 1]
    full = np.linalg.norm(before)
    flat = np.hypot(*before[:2])
    if flat < 0.2 * full:  # points at the viewer: its length is known from elsewhere, not from itself
        return
    depths = []
    for share in (1.0, 0.8, 0.5, 0.25, full / flat + 0.01):
        corrections = Corrections(moved={joint: tuple(a + share * (b - a))})
        posed = bones_of(correction.corrected_hypothesis(figure, corrections, REST))[index(joint) - 1]
        expected = math.sqrt(max(1 - min(share * flat / full, 1.0) ** 2, 0.0))
        if expected < 0.99:
            assert abs(posed[2]) / full == pytest.approx(expected, abs=0.02)
        depths.append(abs(posed[2]))
    assert depths[-1] < 1e-6 * full


@settings(max_examples=20, deadline=None)
@given(seeds, free, st.sampled_from([-1.0, 1.0]))
def test_a_side_that_is_told_negates_the_depth_and_nothing_on_the_paper(seed, joint, side):
    figure = drawn_figure(seed)
    posed = correction.corrected_hypothesis(figure, Corrections(sides={joint: side}), REST)
    bone = index(joint) - 1
    before, after = bones_of(figure.hypotheses[0]), bones_of(posed)
    drawn = np.array(figure.keypoints[joint].xy) - figure.keypoints[KEYPOINT_NAMES[PARENTS[bone]]].xy
    places = places_of(figure, Corrections())
    if np.hypot(*drawn) < 0.0101 * np.ptp(places, axis=0).max() or abs(
        before[bone, 2]
    ) > 0.99 * np.linalg.norm(before[bone]):
        return
    np.testing.assert_allclose(after[bone, :2], before[bone, :2], atol=1e-5)
    assert after[bone, 2] == pytest.approx(side * abs(before[bone, 2]), abs=1e-5)
    assert np.delete(angles(figure.hypotheses[0], posed), bone).max() < 1e-3


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_exchanging_the_sides_twice_comes_back_and_once_keeps_the_lines(seed):
    """Left and right change places, every line on the paper stays where it is, and depth turns round."""
    figure = drawn_figure(seed)
    swapped = correction.corrected_hypothesis(figure, Corrections(exchanged=True), REST)
    assert swapped.exchanged
    mirrored = places_of(figure, Corrections())[list(KEYPOINT_MIRROR)]
    assert paper_error(swapped, mirrored, LIMB_ENDS).max() < 0.5
    limbs = [index(name) - 1 for name in LIMB_ENDS]
    before, after = bones_of(figure.hypotheses[0]), bones_of(swapped)
    np.testing.assert_allclose(
        after[limbs, 2], -before[np.array(BONE_MIRROR)[limbs], 2], atol=0.01 * np.abs(before).max()
    )
    again = replace(figure, hypotheses=(swapped,))
    back = correction.corrected_hypothesis(again, Corrections(exchanged=True), REST)
    assert not back.exchanged
    assert angles(figure.hypotheses[0], back).max() < 1.0


@settings(max_examples=15, deadline=None)
@given(seeds, free)
def test_a_correction_is_of_the_place_on_the_paper_whichever_way_the_sides_are(seed, joint):
    """A joint that was moved stays where it was put when left and right are exchanged."""
    figure = drawn_figure(seed)
    moved = {joint: tuple(np.add(figure.keypoints[joint].xy, (-30.0, 45.0)))}
    corrections = Corrections(moved=moved, exchanged=True)
    posed = correction.corrected_hypothesis(figure, corrections, REST)
    mirrored = places_of(figure, corrections)[list(KEYPOINT_MIRROR)]
    twin = KEYPOINT_NAMES[KEYPOINT_MIRROR[index(joint)]]
    assert paper_error(posed, mirrored, [twin]).max() < 1e-3


def test_an_ignored_joint_lets_its_limb_hang():
    figure = drawn_figure(5)
    here = correction.corrected_hypothesis(figure, Corrections(ignored=frozenset({"left_wrist"})), REST)
    far = {name: tuple(np.array(point.xy) + 500) for name, point in figure.keypoints.items()}
    moved = Corrections(moved={"left_wrist": far["left_wrist"]}, ignored=frozenset({"left_wrist"}))
    there = correction.corrected_hypothesis(figure, moved, REST)
    assert angles(here, there).max() < 1e-6
    assert here.body_pose[KEYPOINT_NAMES.index("left_elbow") - 1] != figure.hypotheses[0].body_pose[17]


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_the_pelvis_turns_with_the_hips(seed):
    """Both hips dragged about their middle: the line through the posed hips lies as drawn."""
    figure = drawn_figure(seed, stretch=0.0)
    left, right = (np.array(figure.keypoints[f"{side}_hip"].xy) for side in ("left", "right"))
    middle, turn = (left + right) / 2, Rotation.from_euler("z", 25, degrees=True).as_matrix()[:2, :2]
    moved = {
        "left_hip": tuple(middle + turn @ (left - middle)),
        "right_hip": tuple(middle + turn @ (right - middle)),
    }
    bones = bones_of(correction.corrected_hypothesis(figure, Corrections(moved=moved), REST))
    line = bones[index("left_hip") - 1] - bones[index("right_hip") - 1]
    drawn = np.subtract(moved["left_hip"], moved["right_hip"])
    if np.hypot(*drawn) < 0.0101 * np.ptp(places_of(figure, Corrections()), axis=0).max():
        return
    across = (line[0] * drawn[1] - line[1] * drawn[0]) / (np.hypot(*line[:2]) * np.hypot(*drawn))
    assert abs(math.degrees(math.asin(np.clip(across, -1, 1)))) < 1e-2
    assert line[:2] @ drawn > 0


@settings(max_examples=30, deadline=None)
@given(seeds, st.data())
def test_any_places_give_finite_rotations(seed, data):
    """All joints on one spot, far apart, in a row: whatever is dragged where."""
    figure = drawn_figure(seed)
    numbers = st.floats(-1e5, 1e5, allow_nan=False)
    moved = data.draw(st.dictionaries(st.sampled_from(KEYPOINT_NAMES), st.tuples(numbers, numbers)))
    if data.draw(st.booleans()):
        moved = dict.fromkeys(KEYPOINT_NAMES, (3.0, 4.0))
    sides = data.draw(st.dictionaries(st.sampled_from(KEYPOINT_NAMES[1:]), st.sampled_from([-1.0, 1.0])))
    ignored = data.draw(st.frozensets(st.sampled_from(KEYPOINT_NAMES)))
    corrections = Corrections(moved, frozenset(), ignored, sides, data.draw(st.booleans()))
    posed = correction.corrected_hypothesis(figure, corrections, REST)
    assert np.isfinite(np.array([posed.global_orient, *posed.body_pose])).all()
    assert posed.camera.scale > 0


def test_a_figure_without_corrections_keeps_its_pose():
    figure = drawn_figure(11)
    assert correction.corrected_hypothesis(figure, Corrections(), REST) is figure.hypotheses[0]


def test_carried_out_corrections_stand_in_the_figure():
    figure = drawn_figure(12)
    place = (123.0, 456.0)
    corrections = Corrections(moved={"left_wrist": place}, ignored=frozenset({"right_toe"}))
    done = correction.corrected_figure(replace(figure, corrections=corrections), REST)
    assert done.corrections is None
    assert done.keypoints["left_wrist"] == Keypoint(place, 1.0, 1.0)
    assert done.keypoints["right_toe"].score == 0
    assert done.hypotheses[0] == correction.corrected_hypothesis(figure, corrections, REST)


def test_with_sides_exchanged_the_keypoints_of_the_result_are_those_of_its_first_hypothesis():
    figure = replace(drawn_figure(13), corrections=Corrections(exchanged=True))
    done = correction.corrected_figure(figure, REST)
    assert done.keypoints["left_knee"].xy == figure.keypoints["right_knee"].xy
    assert not done.hypotheses[0].exchanged
    places = np.array([done.keypoints[name].xy for name in KEYPOINT_NAMES])
    assert paper_error(done.hypotheses[0], places, LIMB_ENDS).max() < 0.5


def test_keypoints_edited_in_place_are_obeyed():
    figure = drawn_figure(14)
    edited = dict(figure.keypoints)
    edited["right_wrist"] = replace(edited["right_wrist"], xy=(5.0, 700.0))
    done = correction.corrected_figure(replace(figure, keypoints=edited), REST)
    places = np.array([done.keypoints[name].xy for name in KEYPOINT_NAMES])
    assert paper_error(done.hypotheses[0], places, LIMB_ENDS).max() < 1e-3
