"""Cropping and decoding: places survive the way from page to crop to heatmap and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.body import load_body
from backend.keypoints import (
    BONE_ERROR,
    BONE_LENGTHS,
    BONE_STRETCH,
    CROP_MARGIN,
    CROP_SIZE,
    LEAST_PEAK,
    MOST_BONE_COST,
    PART_LACKS,
    PART_MARGIN,
    Crop,
    NetworkOutput,
    agreeing_peaks,
    crop_figure,
    decode_heatmaps,
    detect,
    detect_parts,
    exchanged,
    find_peaks,
    likelier_reading,
    mirrored,
    predict_both_ways,
    read_keypoints,
)
from backend.skeleton import KEYPOINT_MIRROR, KEYPOINT_PARENTS, keypoint_index

REST = np.asarray(load_body().rest_keypoints(), float)
BONES = REST[1:] - REST[list(KEYPOINT_PARENTS[1:])]
LENGTHS = np.linalg.norm(BONES, axis=-1)
#: The T-pose from the front, camera frame, and crop pixels a metre.
DIRECTIONS = BONES / LENGTHS[:, None] * (1, -1, -1)
SCALE = 55.0


def _dot(size, x, y):
    page = np.ones(size, np.float32)
    ys, xs = np.mgrid[: size[0], : size[1]]
    page[(xs - x) ** 2 + (ys - y) ** 2 < 9] = 0
    return page


@given(
    st.floats(40, 160),
    st.floats(40, 120),
    st.floats(60, 200),
    st.floats(60, 200),
    st.floats(-50, 90),
    st.floats(-50, 60),
)
def test_a_dot_is_found_where_it_lies_on_the_page(x, y, width, height, x0, y0):
    page = _dot((170, 210), x, y)
    crop = crop_figure(page, (x0, y0, x0 + width, y0 + height))
    assert crop.pixels.shape == (CROP_SIZE, CROP_SIZE)
    in_crop = (np.array([x, y]) + 0.5 - crop.origin) / crop.scale - 0.5
    if (in_crop < 8).any() or (in_crop > CROP_SIZE - 9).any():
        return
    ink = np.clip(crop.pixels.max() - crop.pixels, 0, None)
    ink[ink < ink.max() * 0.3] = 0
    ys, xs = np.mgrid[:CROP_SIZE, :CROP_SIZE]
    found = np.array([(ink * xs).sum(), (ink * ys).sum()]) / ink.sum()
    assert np.abs(crop.to_page(found) - (x, y)).max() < 0.4 + 0.4 * crop.scale


def test_a_crop_off_the_page_takes_the_tone_of_its_border():
    page = np.full((50, 50), 0.8, np.float32)
    page[20:30, 20:30] = 0
    crop = crop_figure(page, (-100, -100, 150, 150))
    assert crop.pixels[0, 0] == pytest.approx(crop.pixels[-1, -1], abs=1e-5)
    assert crop.pixels[0, 0] == pytest.approx(crop.pixels.max(), abs=1e-5)


@pytest.mark.parametrize("box", [(0, 0, 0, 0), (10, 10, 10.5, 10.2), (-500, -500, -400, -400)])
def test_degenerate_boxes_give_finite_crops(box):
    crop = crop_figure(np.ones((40, 60), np.float32), box)
    assert np.isfinite(crop.pixels).all()


@given(st.floats(10, 117), st.floats(10, 117), st.floats(0.6, 2.0))
def test_a_gaussian_heatmap_decodes_to_its_middle(x, y, sigma):
    cells = (np.arange(32) + 0.5) * CROP_SIZE / 32 - 0.5
    squares = (cells[None] - x) ** 2 + (cells[:, None] - y) ** 2
    heatmap = (-squares / (2 * (4 * sigma) ** 2)).astype(np.float32)
    places, scores = decode_heatmaps(heatmap[None, None])
    assert np.abs(places[0, 0] - (x, y)).max() < 1.2
    assert 0 < scores[0, 0] <= 1.0001


@pytest.mark.parametrize(("pixels_a_crop_pixel", "softened"), [(1.2, False), (3.0, True)])
def test_a_page_finer_than_those_of_training_is_softened_by_a_pixel(pixels_a_crop_pixel, softened):
    side = round(CROP_SIZE * pixels_a_crop_pixel)
    page = np.ones((side, side), np.float32)
    page[:, : side // 2] = 0
    margin = (side - side / CROP_MARGIN) / 2
    crop = crop_figure(page, (margin, margin, side - margin, side - margin))
    row = crop.pixels[CROP_SIZE // 2]
    shares = np.diff(row) / np.ptp(row)  # how the edge is spread over the pixels
    at = np.arange(len(shares))
    deviation = np.sqrt((shares * (at - (shares * at).sum()) ** 2).sum())
    assert deviation == pytest.approx(1.08 if softened else 0.45, abs=0.12)


def test_scores_tell_a_peak_from_a_flat_map():
    flat = np.zeros((1, 1, 32, 32), np.float32)
    peak = flat.copy()
    peak[0, 0, 5, 9] = 50
    assert decode_heatmaps(flat)[1][0, 0] < 0.03
    assert decode_heatmaps(peak)[1][0, 0] == pytest.approx(1)


def test_mirroring_twice_is_nothing():
    rng = np.random.default_rng(0)
    output = NetworkOutput(
        rng.normal(size=(2, 30, 32, 32)), rng.normal(size=(2, 29, 3)), rng.normal(size=(2, 30))
    )
    twice = mirrored(mirrored(output))
    np.testing.assert_allclose(twice.heatmaps, output.heatmaps)
    np.testing.assert_allclose(twice.directions, output.directions, atol=1e-6)
    np.testing.assert_allclose(twice.visibility, output.visibility)


class _RightHanded:
    """Puts every keypoint at the crop's middle but the right hand, which it sees amid the darkest pixels."""

    name = device = weights_id = "fake"

    def predict(self, crops):
        heatmaps = np.zeros((len(crops), 30, 32, 32), np.float32)
        heatmaps[:, :, 16, 16] = 20
        for index, crop in enumerate(crops):
            y, x = np.argwhere(crop < crop.min() + 0.1).mean(0).astype(int)
            heatmaps[index, keypoint_index("right_hand")] = 0
            heatmaps[index, keypoint_index("right_hand"), y // 6, x // 6] = 20
            # In the mirrored crop the same spot is the other hand's.
            heatmaps[index, KEYPOINT_MIRROR[keypoint_index("right_hand")], y // 6, x // 6] = 20
        directions = np.tile(np.array([1, 0, 0], np.float32), (len(crops), 29, 1))
        return NetworkOutput(heatmaps, directions, np.zeros((len(crops), 30), np.float32))


def test_detect_returns_page_pixels_for_every_box():
    page = _dot((300, 400), 300, 200)
    detections = detect(_RightHanded(), page, [(255, 155, 355, 255), (286, 186, 386, 286)])
    assert len(detections) == 2
    for detection in detections:
        assert detection.keypoints.shape == (30, 2)
        found = detection.keypoints[keypoint_index("right_hand")]
        assert np.abs(found - (300, 200)).max() < 6
        assert ((detection.scores >= 0) & (detection.scores <= 1.001)).all()
    assert detect(_RightHanded(), page, []) == []


def test_crop_and_page_pixels_count_from_centres():
    crop = Crop(np.zeros((CROP_SIZE, CROP_SIZE), np.float32), 2.0, np.array([10.0, 20.0]))
    np.testing.assert_allclose(crop.to_page(np.array([-0.5, -0.5])), (9.5, 19.5))
    np.testing.assert_allclose(crop.to_page(np.array([0.0, 0.0])), (10.5, 20.5))


def _t_pose() -> np.ndarray:
    """(30, 2) crop pixels."""
    flat = REST[:, :2] * (1, -1)
    return (flat - (flat.min(0) + flat.max(0)) / 2) * SCALE + CROP_SIZE / 2


def _heatmap(*peaks: tuple[np.ndarray, float]) -> np.ndarray:
    """(32, 32) logits of a mixture of blobs: (place in crop pixels, weight)."""
    cells = (np.arange(32) + 0.5) * CROP_SIZE / 32 - 0.5
    blobs = [
        weight * np.exp(-((cells[None] - x) ** 2 + (cells[:, None] - y) ** 2) / 32)
        for (x, y), weight in peaks
    ]
    return np.log(np.sum(blobs, 0) + 1e-9).astype(np.float32)


def _output(heatmaps: list[np.ndarray]) -> NetworkOutput:
    return NetworkOutput(
        np.array(heatmaps)[None], DIRECTIONS[None].astype(np.float32), np.zeros((1, 30), np.float32)
    )


def test_peaks_are_found_highest_first():
    a, b = np.array([30.0, 40.0]), np.array([90.0, 100.0])
    places, masses = find_peaks(_heatmap((a, 0.3), (b, 0.7))[None, None], 3)
    assert np.abs(places[0, 0, :2] - [b, a]).max() < 1.2
    assert masses[0, 0, :2] == pytest.approx([0.7, 0.3], abs=0.05)
    assert masses[0, 0].sum() <= 1.001


def test_a_hand_stays_on_its_arm():
    places = _t_pose()
    left, right = (
        [keypoint_index(f"{side}_{part}") for part in ("hand", "fingertips")] for side in ("left", "right")
    )
    heatmaps = [_heatmap((place, 1.0)) for place in places]
    for mine, other in zip(right, left, strict=True):
        heatmaps[mine] = _heatmap((places[mine], 0.4), (places[other], 0.6))
    output = _output(heatmaps)
    torn = np.linalg.norm(decode_heatmaps(output.heatmaps)[0][0] - places, axis=-1)
    assert (torn[right] > 50).all()
    found, scores = read_keypoints(output)
    assert np.abs(found[0] - places).max() < 1.2
    assert scores[0, right] == pytest.approx(0.4, abs=0.05)
    assert np.delete(scores[0], right).min() > 0.9


def test_what_is_clearly_drawn_counts_whatever_the_proportions():
    places = _t_pose()
    hand = keypoint_index("left_hand")
    places[hand] = 10, 120
    found, scores = read_keypoints(_output([_heatmap((place, 1.0)) for place in places]))
    assert np.abs(found[0] - places).max() < 1.2
    assert scores.min() > 0.9


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_no_other_choice_of_peaks_agrees_better(seed):
    rng = np.random.default_rng(seed)
    count = 3
    places = rng.uniform(0, CROP_SIZE, (1, 30, count, 2)).astype(np.float32)
    masses = rng.uniform(0.1, 0.9, (1, 30, count)).astype(np.float32)
    masses[:, :, 1:][rng.random((1, 30, count - 1)) < 0.2] = LEAST_PEAK / 2
    directions = rng.normal(size=(1, 29, 3))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    found, scores = agreeing_peaks(places, masses, directions)

    ratios = []
    for k in range(1, 30):
        if LENGTHS[k - 1] > 0.15:
            drawn = np.linalg.norm(places[0, k, 0] - places[0, KEYPOINT_PARENTS[k], 0])
            flat = np.hypot(*directions[0, k - 1, :2])
            ratios.append(drawn / LENGTHS[k - 1] / max(flat, 0.3))
    scale = max(np.median(ratios), CROP_SIZE / CROP_MARGIN / 2.5)

    def cost(choice):
        total = 0.0
        for k in range(30):
            if choice[k] and masses[0, k, choice[k]] < LEAST_PEAK:
                return np.inf
            total -= np.log(masses[0, k, choice[k]])
            if k:
                parent, length = KEYPOINT_PARENTS[k], LENGTHS[k - 1]
                bone = places[0, k, choice[k]] - places[0, parent, choice[parent]]
                beyond = max(np.hypot(*bone) - BONE_STRETCH * scale * length, 0)
                total += min((beyond / (BONE_ERROR * scale * np.hypot(length, 0.1))) ** 2, MOST_BONE_COST)
        return total

    chosen = np.array([int(np.flatnonzero((places[0, k] == found[0, k]).all(-1))[0]) for k in range(30)])
    assert (masses[0, np.arange(30), chosen] == scores[0]).all()
    best = cost(chosen)
    assert np.isfinite(best)
    for k in range(30):
        for other in range(count):
            changed = chosen.copy()
            changed[k] = other
            assert cost(changed) > best - 0.05
    for _ in range(30):
        mixed = np.where(rng.random(30) < 0.3, rng.integers(0, count, 30), chosen)
        assert cost(mixed) > best - 0.05


def _blur(place, deviation):
    cells = (np.arange(32) + 0.5) * CROP_SIZE / 32 - 0.5
    squares = (cells[None] - place[0]) ** 2 + (cells[:, None] - place[1]) ** 2
    return (-squares / (2 * deviation**2)).astype(np.float32)


def test_a_hand_that_is_hardly_seen_goes_where_its_bone_points_and_a_plain_one_stays():
    places = _t_pose()
    hand = keypoint_index("left_hand")
    seen = places[hand] + (0, 14)  # the heatmap has it below the end of the bone
    moved = {}
    for deviation in (3.0, 40.0):
        heatmaps = [_heatmap((place, 1.0)) for place in places]
        heatmaps[hand] = _blur(seen, deviation)
        found, scores = read_keypoints(_output(heatmaps))
        moved[deviation] = seen[1] - found[0, hand, 1]
        wrist = found[0, KEYPOINT_PARENTS[hand]] - places[KEYPOINT_PARENTS[hand]]
        assert np.abs(wrist).max() < 2
    assert scores[0, hand] < 0.2
    assert moved[3.0] < 2
    assert moved[40.0] == pytest.approx(14, abs=4)


def test_flat_heatmaps_are_read_without_complaint():
    found, scores = read_keypoints(_output([np.zeros((32, 32), np.float32)] * 30))
    assert np.isfinite(found).all()
    assert scores.max() < 0.03


def test_the_adult_that_bones_are_compared_with_is_the_body_that_ships():
    rest = load_body().rest_keypoints()
    lengths = np.linalg.norm(rest[1:] - rest[list(KEYPOINT_PARENTS[1:])], axis=1)
    np.testing.assert_allclose(BONE_LENGTHS, lengths, atol=1e-3)


def _random_output(count, logits):
    rng = np.random.default_rng(3)
    directions = rng.normal(size=(count, 29, 3)).astype(np.float32)
    return NetworkOutput(
        rng.normal(size=(count, 30, 32, 32)).astype(np.float32),
        directions / np.linalg.norm(directions, axis=-1, keepdims=True),
        rng.normal(size=(count, 30)).astype(np.float32),
        rng.normal(size=(count, 30)).astype(np.float32),
        rng.normal(size=(count, 10)).astype(np.float32),
        rng.normal(size=(count, 29)).astype(np.float32),
        np.array(logits, np.float32),
    )


def test_the_other_reading_exchanges_sides_and_depth_and_is_its_own_inverse():
    output = _random_output(2, [0.5, -2.0])
    other = exchanged(output)
    left, right, head = (keypoint_index(name) for name in ("left_knee", "right_knee", "head"))
    np.testing.assert_array_equal(other.heatmaps[:, left], output.heatmaps[:, right])
    np.testing.assert_array_equal(other.heatmaps[:, head], output.heatmaps[:, head])
    np.testing.assert_array_equal(other.directions[:, left - 1], output.directions[:, right - 1] * (1, 1, -1))
    np.testing.assert_array_equal(other.exchanged, [-0.5, 2.0])
    again = exchanged(other)
    for name in ("heatmaps", "directions", "visibility", "presence", "betas", "lengths", "exchanged"):
        np.testing.assert_array_equal(getattr(again, name), getattr(output, name))


def test_of_two_readings_the_likelier_is_taken_crop_by_crop():
    output = _random_output(2, [0.5, -2.0])
    likelier, other = likelier_reading(output), exchanged(output)
    np.testing.assert_array_equal(likelier.directions[0], other.directions[0])
    np.testing.assert_array_equal(likelier.directions[1], output.directions[1])
    np.testing.assert_array_equal(likelier.heatmaps[0], other.heatmaps[0])
    np.testing.assert_array_equal(likelier.exchanged, [-0.5, -2.0])


class _Undecided:
    """Reads what it is given as it is, and the mirror image of it from the other side."""

    name, device, weights_id = "fake", "cpu", "fake@0"

    def __init__(self, logit):
        self.output = _random_output(1, [logit])

    def predict(self, crops):
        assert len(crops) == 2
        both = self.output, exchanged(mirrored(self.output))
        return self.output.changed(lambda name, _: np.concatenate([getattr(o, name) for o in both]))


@pytest.mark.parametrize("logit", [-1.5, 1.5])
def test_two_views_in_different_readings_are_not_mixed(logit):
    engine = _Undecided(logit)
    output = predict_both_ways(engine, np.zeros((1, CROP_SIZE, CROP_SIZE), np.float32))
    np.testing.assert_allclose(output.directions, engine.output.directions, atol=1e-6)
    np.testing.assert_allclose(output.heatmaps, engine.output.heatmaps)
    np.testing.assert_allclose(output.exchanged, [logit])
    reading = detect(engine, np.ones((90, 120), np.float32), [(10, 10, 60, 80)])[0]
    told = engine.output if logit < 0 else exchanged(engine.output)
    np.testing.assert_allclose(reading.directions, told.directions[0], atol=1e-6)
    assert reading.sides == pytest.approx(1 / (1 + np.exp(-1.5)))


def test_the_other_way_round_is_the_same_drawing_seen_from_the_other_side():
    engine = _RightHanded()
    page = np.ones((90, 120), np.float32)
    reading = detect(engine, page, [(10, 10, 60, 80)])[0]
    other = reading.other_way_round()
    wrist, partner = keypoint_index("left_wrist"), keypoint_index("right_wrist")
    np.testing.assert_array_equal(other.keypoints[wrist], reading.keypoints[partner])
    np.testing.assert_array_equal(other.directions[wrist - 1, :2], reading.directions[partner - 1, :2])
    assert other.directions[wrist - 1, 2] == -reading.directions[partner - 1, 2]
    assert other.sides == pytest.approx(1 - reading.sides)
    np.testing.assert_array_equal(other.other_way_round().keypoints, reading.keypoints)


class _Lacking:
    """Says of the first figure that it sees that some of its keypoints are not drawn; remembers its crops."""

    def __init__(self, lacking):
        self.lacking, self.crops = lacking, []

    def predict(self, crops):
        self.crops += list(crops[: len(crops) // 2])
        output = _random_output(len(crops), [0.0] * len(crops))
        presence = np.full((len(crops), 30), 4.0, np.float32)
        gone = list(range(self.lacking))
        presence[0, gone] = -4.0
        presence[len(crops) // 2, [KEYPOINT_MIRROR[k] for k in gone]] = -4.0
        return output.changed(lambda name, values: presence if name == "presence" else values)


@pytest.mark.parametrize(("lacking", "read_again"), [(0, 0), (PART_LACKS - 1, 0), (PART_LACKS, 1)])
def test_a_partial_figure_is_read_again_with_more_paper_around(lacking, read_again):
    page = np.ones((200, 200), np.float32)
    page[60:140, 60:140] = 0
    boxes = np.array([[60, 60, 140, 140]] * 2)
    engine = _Lacking(lacking)
    first = detect(engine, page, boxes)
    then = detect_parts(engine, page, boxes, first)
    assert then[1] is first[1]
    assert (then[0] is first[0]) == (not read_again)
    ink = [(crop < 0).mean() for crop in engine.crops]
    wanted = [1 / CROP_MARGIN**2] * 2 + [1 / PART_MARGIN**2] * read_again
    np.testing.assert_allclose(ink, wanted, atol=0.02)
