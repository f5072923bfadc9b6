"""Clothes, cues and faces: what a figure wears, and that its front and its back are drawn differently."""

from dataclasses import replace

import numpy as np
import pytest

from backend.body import rodrigues
from backend.skeleton import N_JOINTS, keypoint_index
from training.drawing.anatomy import load_anatomy
from training.drawing.camera import Camera
from training.drawing.canvas import Canvas
from training.drawing.cloth import Dressing
from training.drawing.cue_table import CUES
from training.drawing.cues import draw_cues, visible_runs
from training.drawing.face import draw_disc_face, draw_mesh_face, head_disc
from training.drawing.figure import Figure, sample_figure
from training.drawing.outfit import dress
from training.drawing.pen import Pen
from training.drawing.placement import CANVAS, Placement
from training.drawing.shapes import Label

_REST = np.tile(np.eye(3, dtype=np.float32), (N_JOINTS, 1, 1))
_ALL = [cue for cues in CUES.values() for cue in cues]


def _figure(azimuth: float, seed: int = 0, plain: bool = False, pose: np.ndarray = _REST) -> Figure:
    rng = np.random.default_rng(seed)
    return sample_figure(rng, load_anatomy(), pose, Placement(), Camera(azimuth), plain)


def _seen(figure: Figure) -> set[str]:
    return {cue.name for cue, _, _ in visible_runs(figure, _ALL)}


def test_front_and_back_of_a_bare_body_show_other_cues():
    front, back = _seen(_figure(0, plain=True)), _seen(_figure(180, plain=True))
    assert {"clavicle", "navel", "kneecap"} <= front - back
    assert {"spine", "shoulder blade", "hollow", "buttock"} <= back - front


@pytest.mark.parametrize("seed", range(8))
def test_no_clothed_figure_shows_its_back_from_the_front(seed: int):
    names = {side: {cue.name for cue in _ALL if cue.side == side} for side in ("front", "back")}
    assert not _seen(_figure(0, seed)) & (names["back"] - names["front"])
    assert not _seen(_figure(180, seed)) & (names["front"] - names["back"])


def test_cues_of_skin_are_not_drawn_on_cloth():
    clothed = next(f for f in (_figure(0, seed) for seed in range(50)) if "jacket" in f.outfit.wears)
    for cue, points, _ in visible_runs(clothed, CUES["body"]):
        x, y = np.round(points).astype(int).T
        assert set(clothed.label_map[y, x]) <= set(cue.on)


def test_an_arm_before_the_trunk_hides_its_cues():
    trunk = [cue for cue in CUES["body"] if cue.bone == "torso"]
    arms = [keypoint_index(f"{side}_{n}") for side in ("left", "right") for n in ("elbow", "wrist", "hand")]
    covered, length = [], []
    for seed in range(12):
        pose = _REST.copy()
        turns = np.random.default_rng(seed).normal(0, 1.4, (4, 3)).astype(np.float32)
        pose[[keypoint_index(f"{s}_{n}") for s in ("left", "right") for n in ("shoulder", "elbow")]] = (
            rodrigues(turns)
        )
        figure = _figure(0, plain=True, pose=pose)
        runs = visible_runs(figure, trunk)
        x, y = np.round(np.concatenate([points for _, points, _ in runs])).astype(int).T
        covered.append(np.isin(figure.part_map[y, x], arms).mean())
        length.append(len(x))
    # Where a forearm touches the trunk a pixel may show either.
    assert np.mean(covered) < 0.01
    assert min(length) < 0.9 * max(length)  # some arm was in the way


@pytest.mark.parametrize("seed", range(12))
def test_outfits_are_sound_and_the_same_seed_dresses_the_same(seed: int):
    anatomy = load_anatomy()
    one, two = (dress(np.random.default_rng(seed), anatomy) for _ in range(2))
    for name in ("offset", "extra_vertices", "extra_weights", "faces", "face_label"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes()
    assert one.wears == two.wears
    assert one.faces.max() < len(one.offset) + len(one.extra_vertices)
    assert np.isfinite(one.extra_vertices).all()
    np.testing.assert_allclose(one.extra_weights.sum(1), 1, atol=1e-3)
    assert np.abs(one.offset).max() < 0.15
    assert set(one.wears) <= set(CUES)


def test_a_hem_runs_exactly_along_its_level():
    anatomy = load_anatomy()
    dressing = Dressing(anatomy)
    hip, knee = (anatomy.rest_keypoints[keypoint_index(f"left_{n}"), 1] for n in ("hip", "knee"))
    hem = 0.2 * hip + 0.8 * knee
    below = ~dressing.below(anatomy.height_field, 0.8)
    height = dressing.positions[anatomy.faces][..., 1]
    assert below.any()
    assert height[below].max() < hem + 1e-4
    assert height[~below].min() > hem - 1e-4


def test_the_plain_body_wears_nothing():
    outfit = dress(np.random.default_rng(1), load_anatomy(), plain=True)
    assert not outfit.offset.any()
    assert outfit.wears == ()
    assert set(outfit.face_label) == {Label.SKIN}


def _ink(figure: Figure, seed: int) -> np.ndarray:
    canvas = Canvas(CANVAS, 255.0, np.random.default_rng(seed))
    draw_mesh_face(canvas, figure, Pen(width=1.5))
    return canvas.image < 200


def test_a_face_is_drawn_on_the_front_of_the_head_only():
    drawn = 0
    for seed in range(10):
        drawn += _ink(_figure(0, plain=True), seed).any()
        assert not _ink(_figure(180, plain=True), seed).any()
    assert drawn >= 8
    rows, _ = _ink(_figure(0, plain=True), 3).nonzero()
    head = _figure(0, plain=True).keypoints
    assert rows.min() > head[keypoint_index("head_top"), 1]
    assert rows.max() < head[keypoint_index("neck"), 1]


@pytest.mark.parametrize("azimuth", [0, 90, 180])
def test_a_ball_head_stays_within_its_outline_and_its_back_differs(azimuth: float):
    figure = _figure(azimuth, plain=True)
    centre, radius, _ = head_disc(figure)
    canvas = Canvas(CANVAS, 255.0, np.random.default_rng(2))
    draw_disc_face(canvas, figure, centre, radius, Pen(width=1.0))
    y, x = (canvas.image < 200).nonzero()
    assert len(x)
    assert np.hypot(x - centre[0], y - centre[1]).max() < 1.5 * radius + 2


def test_cues_are_drawn_by_detail_and_repeat():
    figure = _figure(0, 3)
    pages = []
    for detail in (0.0, 1.0, 1.0):
        canvas = Canvas(CANVAS, 255.0, np.random.default_rng(5))
        draw_cues(canvas, figure, Pen(), detail)
        pages.append(canvas.image)
    assert (pages[0] == 255).all()
    assert (pages[1] < 200).any()
    assert (pages[1] == pages[2]).all()


def test_folds_of_a_skirt_are_drawn_on_the_skirt():
    figure = next(f for f in (_figure(20, seed) for seed in range(80)) if f.outfit.folds)
    bare = replace(figure, outfit=replace(figure.outfit, folds=()))
    pages = []
    for shown in (figure, bare):
        canvas = Canvas(CANVAS, 255.0, np.random.default_rng(1))
        draw_cues(canvas, shown, Pen(width=1.0, wobble=0.0), 1.0)
        pages.append(canvas.image)
    x, y = np.round(figure.points[np.concatenate(figure.outfit.folds)]).astype(int).T
    rows, columns = (pages[0] != pages[1]).nonzero()
    assert len(rows)
    assert rows.min() > y.min() - 4
    assert columns.max() < x.max() + 4
