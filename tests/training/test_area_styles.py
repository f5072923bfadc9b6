"""Styles that draw areas: what is covered, tones of garments, inner edges, reproducibility."""

import cv2
import numpy as np
import pytest

from backend.skeleton import keypoint_index
from training.drawing.areas import polygons, rounded, simplified
from training.drawing.camera import Camera
from training.drawing.canvas import Canvas
from training.drawing.figure import Figure, sample_figure
from training.drawing.pen import Pen
from training.drawing.placement import CANVAS, Placement
from training.drawing.styles import cartoon, oil, silhouette, wash
from training.poses.bank import PoseBank

STYLES = (cartoon, oil, silhouette, wash)
PEN = Pen(width=2.0, tone=10.0)


@pytest.fixture(scope="module")
def figures(bank_file, machine) -> list[Figure]:
    bank = PoseBank.load(bank_file)
    made = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        made.append(sample_figure(rng, machine.anatomy, bank.sample(rng), Placement(), Camera()))
    return made


def page(style, figure: Figure, seed: int) -> np.ndarray:
    canvas = Canvas(CANVAS, 255.0, np.random.default_rng(seed))
    style.draw(canvas, figure, PEN)
    return canvas.image


def test_silhouettes_cover_the_body_and_little_else(figures):
    overlaps = []
    for seed, figure in enumerate(figures):
        image = page(silhouette, figure, seed)
        ground = np.bincount(image.ravel()).argmax()  # a few pages are dark
        ink, body = np.abs(image.astype(int) - ground) > 60, figure.buffer.mask
        overlaps.append((ink & body).sum() / (ink | body).sum())
    assert np.median(overlaps) > 0.85
    assert min(overlaps) > 0.3  # hatching leaves paper between its lines


def test_simplified_areas_keep_to_the_figure_and_leave_no_gap(figures):
    for figure in figures:
        areas = simplified(figure, 0.008 * figure.size)
        body = figure.buffer.mask
        assert (areas.mask & body).sum() / (areas.mask | body).sum() > 0.93
        assert np.isfinite(areas.buffer.depth[areas.mask]).all()
        assert not np.isfinite(areas.buffer.depth[~areas.mask]).any()
        closed = cv2.morphologyEx(body.astype(np.uint8), cv2.MORPH_OPEN, np.ones((9, 9), np.uint8)) > 0
        assert areas.mask[closed].mean() > 0.99


def test_polygons_have_smooth_borders_and_their_holes():
    y, x = np.mgrid[:96, :96]
    ring = np.abs(np.hypot(x - 48, y - 48) - 25) < 10
    image = np.zeros((96, 96), np.uint8)
    (outline,) = polygons(rounded(ring, 1.0))
    cv2.fillPoly(image, [np.round(outline).astype(np.int32)], (255.0,))
    assert image[48, 48] == 0
    assert ((image > 0) & ring).sum() / ((image > 0) | ring).sum() > 0.9


def test_garments_of_a_cartoon_have_tones_of_their_own(figures):
    apart, pairs = 0, 0
    for seed in range(12):
        figure = figures[seed % len(figures)]
        image = page(cartoon, figure, seed)
        tones = []
        for label in np.unique(figure.label_map[figure.label_map > 0]):
            inside = cv2.erode((figure.label_map == label).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
            if inside.sum() > 60:
                tones.append(float(np.median(image[inside])))
        gaps = np.diff(sorted(tones))
        apart, pairs = apart + int((gaps > 8).sum()), pairs + len(gaps)
    assert pairs > 8
    assert apart / pairs > 0.7


def test_an_arm_before_the_body_has_an_edge_in_a_cartoon(machine):
    pose = np.tile(np.eye(3, dtype=np.float32), (24, 1, 1))
    for side, sign in (("left", 1), ("right", -1)):  # both forearms folded before the belly
        pose[keypoint_index(f"{side}_shoulder")] = cv2.Rodrigues(np.array([0.0, 0.0, -sign * 1.1]))[0]
        pose[keypoint_index(f"{side}_elbow")] = cv2.Rodrigues(np.array([0.0, -sign * 1.9, 0.0]))[0]
    readable = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        figure = sample_figure(rng, machine.anatomy, pose, Placement(), Camera())
        part, depth = figure.part_map, figure.buffer.depth
        arm = np.isin(
            part, [keypoint_index(f"{s}_{n}") for s in ("left", "right") for n in ("elbow", "wrist")]
        )
        behind = figure.buffer.mask & ~arm
        rim = cv2.dilate(behind.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        step = cv2.dilate(np.where(behind, depth, 0), np.ones((3, 3), np.uint8)) - depth > 0.06
        y, x = np.nonzero(arm & rim & step)
        if len(y) < 12:
            continue
        image = page(cartoon, figure, seed)
        contrast = cv2.morphologyEx(image, cv2.MORPH_GRADIENT, np.ones((7, 7), np.uint8))
        readable.append((contrast[y, x] > 12).mean())
    assert len(readable) > 2
    assert np.median(readable) > 0.8


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.__name__.rpartition(".")[2])
def test_the_same_seed_gives_the_same_bytes(style, figures):
    first, again, other = (page(style, figures[0], seed) for seed in (3, 3, 4))
    assert (first == again).all()
    assert (first != other).any()
    assert (first != 255).mean() > 0.02


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.__name__.rpartition(".")[2])
@pytest.mark.parametrize(("extent", "centre"), [(40.0, (60.0, 60.0)), (700.0, (128.0, 200.0))])
def test_figures_may_be_small_or_larger_than_the_page(style, extent, centre, machine):
    pose = np.tile(np.eye(3, dtype=np.float32), (24, 1, 1))
    rng = np.random.default_rng(1)
    figure = sample_figure(rng, machine.anatomy, pose, Placement(centre, extent), Camera())
    assert len(np.unique(page(style, figure, 5)[figure.buffer.mask])) > 1


def test_a_figure_beside_the_page_leaves_no_area(machine):
    pose = np.tile(np.eye(3, dtype=np.float32), (24, 1, 1))
    figure = sample_figure(
        np.random.default_rng(1), machine.anatomy, pose, Placement((-300.0, 128.0), 90.0), Camera()
    )
    assert not simplified(figure, 2.0).mask.any()
    for style in STYLES:
        page(style, figure, 5)
