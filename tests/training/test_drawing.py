"""The drawing machine: the z-buffer against ray casting, lines, labels, styles, reproducibility."""

import cv2
import numpy as np
import pytest

from backend.body import load_body, pose_body
from backend.skeleton import KEYPOINT_PARENTS
from training.drawing.figure import CANVAS, Camera, bone_directions, sample_figure
from training.drawing.gbuffer import GBuffer, render, trace_lines, vertex_normals
from training.drawing.machine import STORED
from training.drawing.pen import Canvas, Pen, resample, ribbon, smoothed
from training.drawing.styles import STYLES


def test_z_buffer_agrees_with_ray_casting():
    rng = np.random.default_rng(3)
    size, count = 24, 40
    points = rng.uniform(-4, 28, (count * 3, 2)).astype(np.float32)
    depths = rng.uniform(0, 5, count * 3).astype(np.float32)
    faces = np.arange(count * 3, dtype=np.int32).reshape(-1, 3)
    normals = np.tile(np.array([0, 0, -1], np.float32), (count * 3, 1))
    buffer = render(points, depths, normals, faces, size, np.array([0, 0, -1], np.float32))
    for y in range(size):
        for x in range(size):
            best = np.inf
            for a, b, c in faces:
                matrix = np.array([[*points[k].astype(float), 1] for k in (a, b, c)]).T
                weights = np.linalg.solve(matrix, [x, y, 1])
                if weights.min() >= 0:
                    best = min(best, float(weights @ depths[[a, b, c]]))
            assert buffer.depth[y, x] == pytest.approx(best, abs=1e-3)
    assert (buffer.light[buffer.mask] == 1).all()


def test_normals_of_the_body_point_outwards():
    body = load_body()
    vertices = np.ascontiguousarray(body.v_template, np.float32)
    normals = vertex_normals(vertices, body.faces.astype(np.int32))
    head = vertices[:, 1] > vertices[:, 1].max() - 0.15
    outwards = vertices[head] - vertices[head].mean(0)
    assert ((normals[head] * outwards).sum(1) > 0).mean() > 0.9


def test_lines_of_a_disc_before_a_plane_form_its_outline():
    y, x = np.mgrid[:64, :64]
    disc = (x - 30) ** 2 + (y - 33) ** 2 < 20**2
    depth = np.where(disc, 1.0, np.inf).astype(np.float32)
    buffer = GBuffer(np.where(disc, 0, -1).astype(np.int32), depth, np.zeros((64, 64), np.float32))
    lines = trace_lines(buffer, np.where(disc, 0, -1), disc.astype(int), 0.05, np.zeros((10, 10), bool))
    points = np.concatenate(lines)
    assert len(points) > 100
    assert np.abs(np.hypot(points[:, 0] - 30, points[:, 1] - 33) - 19.5).max() < 1.2


def test_a_seam_is_drawn_only_where_it_is_asked_for():
    label = np.ones((32, 32), int)
    label[:, 16:] = 2
    buffer = GBuffer(
        np.zeros((32, 32), np.int32), np.ones((32, 32), np.float32), np.zeros((32, 32), np.float32)
    )
    seams = np.zeros((10, 10), bool)
    assert trace_lines(buffer, np.zeros((32, 32)), label, 0.05, seams) == []
    seams[1, 2] = True
    points = np.concatenate(trace_lines(buffer, np.zeros((32, 32)), label, 0.05, seams))
    assert set(points[:, 0]) == {15.0}


def test_camera_sees_an_upright_body_upright_and_facing():
    camera = Camera(np.diag([1.0, -1.0, -1.0]).astype(np.float32), np.inf)
    body = load_body()
    keypoints = body.rest_keypoints() @ camera.rotation.T
    head_top, nose, head = keypoints[25], keypoints[24], keypoints[15]
    assert head_top[1] < keypoints[0, 1]  # y grows downwards
    assert nose[2] < head[2]  # the nose is nearer to the viewer
    near = Camera(camera.rotation, 3.0)
    assert np.abs(near.project(np.array([0.5, 0.5, -1.0]))).max() > 0.5
    assert np.abs(near.project(np.array([0.5, 0.5, 1.0]))).max() < 0.5


def test_figure_without_disproportion_is_the_posed_body(machine, monkeypatch):
    from training.drawing import figure as module

    monkeypatch.setattr(
        module.Proportions,
        "sample",
        classmethod(lambda cls, rng, anatomy: cls(np.tile(np.eye(3, dtype=np.float32), (24, 1, 1)))),
    )
    camera = Camera(np.diag([1.0, -1.0, -1.0]).astype(np.float32), np.inf)
    monkeypatch.setattr(module.Camera, "sample", classmethod(lambda cls, rng, cues: camera))
    pose = machine.bank.rotations[7]

    class NoShape:
        """Chance that leaves the body's shape at its mean."""

        def __init__(self):
            self._rng = np.random.default_rng(0)

        def __getattr__(self, name):
            return getattr(self._rng, name)

        def random(self):
            return 0.99

    drawn = sample_figure(NoShape(), machine.anatomy, pose, plain=True)
    local = pose.copy()
    local[0] = camera.rotation @ pose[0]
    expected = pose_body(load_body(), local)
    offset = expected.joints[0]
    np.testing.assert_allclose(drawn.keypoints3d, expected.keypoints - offset, atol=1e-5)
    np.testing.assert_allclose(drawn.vertices, expected.vertices - offset, atol=1e-5)
    # Orthographic: pixels are a scaled copy of x and y.
    bones = drawn.keypoints[1:] - drawn.keypoints[list(KEYPOINT_PARENTS[1:])]
    bones3d = drawn.keypoints3d[1:] - drawn.keypoints3d[list(KEYPOINT_PARENTS[1:])]
    np.testing.assert_allclose(bones, bones3d[:, :2] * drawn.scale, atol=1e-3)


@pytest.mark.parametrize("style", range(len(STYLES)), ids=[s.name for s in STYLES])
def test_every_style_draws_ink_where_the_figure_is(machine, style):
    nearer = []
    for seed in range(12):
        drawing = machine.draw(seed, style)
        assert drawing.image.shape == (STORED, STORED)
        assert drawing.image.dtype == np.uint8
        assert drawing.image.std() > 2
        page = np.median(drawing.image)
        ink = np.abs(drawing.image.astype(float) - page) > 40
        if ink.sum() < 50:
            continue
        distance = cv2.distanceTransform((~ink).astype(np.uint8), cv2.DIST_L2, 5)
        x, y = np.clip(np.round(drawing.keypoints), 0, STORED - 1).astype(int).T
        nearer.append(np.median(distance[y, x]) < 0.06 * STORED)
    assert len(nearer) >= 6
    assert np.mean(nearer) > 0.7


def test_labels_are_consistent(machine):
    for seed in range(20):
        drawing = machine.draw(seed)
        np.testing.assert_allclose(np.linalg.norm(drawing.directions, axis=-1), 1, atol=1e-5)
        assert np.isfinite(drawing.keypoints).all()
        assert (drawing.keypoints > -1).mean() > 0.99
        assert (drawing.keypoints < STORED).mean() > 0.99
        assert -1.001 <= drawing.facing <= 1.001


def test_bone_directions_of_a_hand_made_skeleton():
    keypoints = np.zeros((30, 3))
    keypoints[1] = (2, 0, 0)  # left_hip, child of the pelvis
    keypoints[4] = (2, 3, 4)  # left_knee, child of left_hip
    directions = bone_directions(keypoints)
    np.testing.assert_allclose(directions[0], (1, 0, 0))
    np.testing.assert_allclose(directions[3], (0, 0.6, 0.8))


def test_the_same_seed_draws_the_same(machine):
    a, b, other = machine.draw(5), machine.draw(5), machine.draw(6)
    np.testing.assert_array_equal(a.image, b.image)
    np.testing.assert_array_equal(a.keypoints, b.keypoints)
    assert not np.array_equal(a.image, other.image)


def test_pen_follows_the_line():
    rng = np.random.default_rng(0)
    canvas = Canvas(CANVAS, 255, rng)
    canvas.stroke(np.array([[40.0, 60.0], [200.0, 60.0]]), Pen(width=3, tone=0, wobble=0))
    ys, xs = np.nonzero(canvas.image < 128)
    assert abs(ys.mean() - 60) < 0.5
    assert xs.min() <= 42
    assert xs.max() >= 198
    assert 2 <= np.unique(ys).size <= 5


def test_resampling_and_smoothing_keep_the_ends():
    line = np.array([[0, 0], [10, 0], [10, 30]], float)
    even = resample(line)
    steps = np.hypot(*np.diff(even, axis=0).T)
    assert steps.max() < 3.2
    np.testing.assert_allclose(even[[0, -1]], line[[0, -1]], atol=1e-5)
    np.testing.assert_allclose(smoothed(even, 2.0)[[0, -1]], line[[0, -1]], atol=0.5)


def test_ribbon_has_the_width_asked_for():
    line = np.stack([np.linspace(20, 100, 9), np.full(9, 50.0)], 1)
    canvas = Canvas(128, 255, np.random.default_rng(0))
    canvas.fill(ribbon(line, np.full(9, 6.0)), 0)
    column = canvas.image[:, 60] < 128
    assert 11 <= column.sum() <= 14
    assert canvas.image[50, 104] < 128  # the rounded end
    assert canvas.image[50, 109] > 128
