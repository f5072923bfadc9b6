"""Styles drawn from the skeleton: solids in true perspective, what is drawn and what is left out."""

import cv2
import numpy as np
import pytest

from backend.skeleton import keypoint_index
from training.drawing.camera import Camera
from training.drawing.figure import sample_figure
from training.drawing.placement import CANVAS, Placement
from training.drawing.record import Flag
from training.drawing.solids import egg, outline, see_box, seen, solids
from training.drawing.styles import STYLES

_SKELETON = [style for style in STYLES if not style.needs_mesh]
_LIMBS = [f"{side}_{name}" for side in ("left", "right") for name in ("elbow", "wrist", "knee", "ankle")]


def _figure(machine, seed, camera):
    rng = np.random.default_rng(seed)
    return sample_figure(rng, machine.anatomy, machine.bank.rotations[seed], Placement(), camera, plain=True)


def test_the_corners_of_a_box_are_where_the_camera_sees_them(machine):
    figure = _figure(machine, 3, Camera(azimuth=30, elevation=10, distance=2.0))
    for solid in solids(figure):
        near = figure.camera.distance / (figure.camera.distance + solid.corners[:, 2:])
        expected = solid.corners[:, :2] * near * figure.fit.scale + figure.fit.offset
        drawn = np.concatenate([quad for quad, _ in see_box(figure, solid).faces])
        gap = np.linalg.norm(drawn[:, None] - expected[None], axis=-1).min(1)
        assert gap.max() < 1e-2, solid.part


def test_limbs_are_boxes_from_joint_to_joint(machine):
    figure = _figure(machine, 4, Camera(azimuth=-50))
    shins = [solid for solid in solids(figure) if solid.part == "shin"]
    joints = figure.keypoints3d[[keypoint_index("left_knee"), keypoint_index("left_ankle")]]
    assert min(np.abs(shin.ends - joints).max() for shin in shins) < 1e-5
    for shin in shins:
        np.testing.assert_allclose(shin.axes @ shin.axes.T, np.eye(3), atol=1e-5)
        assert np.linalg.det(shin.axes) > 0


def test_the_viewer_sees_at_most_three_faces_and_the_nearest_ones(machine):
    figure = _figure(machine, 5, Camera(azimuth=40, elevation=20, distance=3.0))
    for solid in solids(figure):
        faces = [quad for quad, _ in see_box(figure, solid).faces]
        assert 1 <= len(faces) <= 3
        # The faces seen cover all that the box covers.
        whole, parts = (np.zeros((512, 512), np.uint8) for _ in range(2))
        corners = figure.project(solid.corners) + 128
        cv2.fillPoly(whole, [cv2.convexHull(np.round(corners).astype(np.int32))], (1.0,))
        for quad in faces:
            cv2.fillPoly(parts, [np.round(quad + 128).astype(np.int32)], (1.0,))
        assert parts[whole > 0].mean() > 0.9, solid.part


def test_lines_round_an_egg_stay_inside_it_and_show_half(machine):
    figure = _figure(machine, 6, Camera(azimuth=20))
    head = next(solid for solid in solids(figure) if solid.part == "head")
    edge = egg(figure, head)
    area = np.linalg.norm(np.ptp(edge, axis=0))
    for line in (head.circle(0), head.circle(0, 1), head.circle(0, 1, 0.4)):
        runs = seen(figure, line)
        assert sum(len(run) for run in runs) < len(line[0])
        for run in runs:
            distance = [cv2.pointPolygonTest(edge, point.tolist(), True) for point in run.astype(np.float32)]
            assert min(distance) > -0.03 * area


def test_the_outline_of_a_tube_holds_both_ends(machine):
    figure = _figure(machine, 7, Camera(azimuth=70, distance=2.5))
    for solid in solids(figure):
        edge = outline(figure, solid)
        for end in figure.project(solid.ends):
            assert cv2.pointPolygonTest(edge, end.astype(np.float32).tolist(), False) >= 0


def test_training_never_sees_a_child_draw(machine):
    style = next(style for style in STYLES if style.name == "children")
    assert style.held_out
    assert "children" not in {machine.style_of(seed).name for seed in range(600)}
    assert machine.draw(1, style).style == "children"


@pytest.mark.parametrize("style", _SKELETON, ids=[style.name for style in _SKELETON])
def test_there_is_ink_at_the_limbs_that_are_drawn(machine, style):
    upright = np.tile(np.eye(3, dtype=np.float32), (24, 1, 1))
    near = []
    for seed in range(10):
        drawing = machine.draw(seed, style, [Placement()], Camera(azimuth=10), upright)
        page = drawing.canvas.image
        ink = np.abs(page.astype(float) - np.median(page)) > 20
        distance = cv2.distanceTransform((~ink).astype(np.uint8), cv2.DIST_L2, 5)
        drawn = drawing.figures[0]
        # On the page as it was drawn, before paper and photo.
        pixels = drawn.camera.project(drawn.keypoints3d) * drawn.scale + drawn.offset
        size = float(np.ptp(pixels, axis=0).max())
        for index in (keypoint_index(name) for name in _LIMBS):
            if drawn.flags[index] == Flag.VISIBLE:
                x, y = np.clip(np.round(pixels[index]), 0, CANVAS - 1).astype(int)
                near.append(distance[y, x] < 0.06 * size)
    assert len(near) > 40
    assert np.mean(near) > 0.95


@pytest.mark.parametrize("name", ["stick", "pictogram", "children"])
def test_missing_hands_and_feet_are_flagged(machine, name):
    style = next(style for style in STYLES if style.name == name)
    tips = [keypoint_index(f"{side}_{end}") for side in ("left", "right") for end in ("fingertips", "toe")]
    flags = np.stack([machine.draw(seed, style, [Placement()]).figures[0].flags[tips] for seed in range(20)])
    assert (flags == Flag.OUTSIDE).any()
    wrists = [keypoint_index(f"{side}_wrist") for side in ("left", "right")]
    kept = np.stack([machine.draw(seed, style, [Placement()]).figures[0].flags[wrists] for seed in range(3)])
    assert (kept == Flag.VISIBLE).any()


@pytest.mark.parametrize("style", _SKELETON, ids=[style.name for style in _SKELETON])
def test_the_same_seed_draws_the_same_bytes(machine, style):
    first, second = (machine.draw(11, style) for _ in range(2))
    assert first.image.tobytes() == second.image.tobytes()
