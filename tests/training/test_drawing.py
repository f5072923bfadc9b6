"""The drawing machine: the z-buffer against ray casting, lines, labels, styles, reproducibility."""

import cv2
import numpy as np
import pytest

from backend.body import load_body, pose_body, rodrigues
from backend.skeleton import KEYPOINT_PARENTS, keypoint_index
from training.drawing.camera import Camera
from training.drawing.canvas import Canvas
from training.drawing.figure import Proportions, bone_directions, sample_figure
from training.drawing.gbuffer import GBuffer, render, trace_lines, vertex_normals
from training.drawing.paper import Page, moved
from training.drawing.pen import Pen, resample, ribbon, smoothed
from training.drawing.placement import CANVAS, Placement
from training.drawing.record import Flag
from training.drawing.skin import skin
from training.drawing.styles import STYLES

#: Styles from the skeleton may leave hands, feet or the face out.
_WITH_MESH = {style.name for style in STYLES if style.needs_mesh}


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
    camera = Camera()
    body = load_body()
    keypoints = body.rest_keypoints() @ camera.rotation.T
    head_top, nose, head = keypoints[25], keypoints[24], keypoints[15]
    assert head_top[1] < keypoints[0, 1]  # y grows downwards
    assert nose[2] < head[2]  # the nose is nearer to the viewer
    near = Camera(distance=3.0)
    assert np.abs(near.project(np.array([0.5, 0.5, -1.0]))).max() > 0.5
    assert np.abs(near.project(np.array([0.5, 0.5, 1.0]))).max() < 0.5


def test_figure_without_disproportion_is_the_posed_body(machine, monkeypatch):
    from training.drawing import figure as module

    monkeypatch.setattr(
        module.Proportions,
        "sample",
        classmethod(lambda cls, rng, anatomy, expert: cls(np.ones(24), np.ones(24), anatomy.axes)),
    )
    camera = Camera(azimuth=25, elevation=10)
    pose = machine.bank.rotations[7]

    class NoShape:
        """Chance that leaves the body's shape at its mean."""

        def __init__(self):
            self._rng = np.random.default_rng(0)

        def __getattr__(self, name):
            return getattr(self._rng, name)

        def random(self):
            return 0.99

    drawn = sample_figure(NoShape(), machine.anatomy, pose, Placement(), camera, plain=True)
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


@pytest.mark.parametrize("style", STYLES, ids=[s.name for s in STYLES])
def test_every_style_draws_ink_where_the_figure_is(machine, style):
    nearer = []
    for seed in range(12):
        drawing = machine.draw(seed, style, [Placement()])
        assert drawing.image.shape == (CANVAS, CANVAS)
        assert drawing.image.dtype == np.uint8
        assert drawing.image.std() > 2
        page = np.median(drawing.image)
        ink = np.abs(drawing.image.astype(float) - page) > 40
        if ink.sum() < 100:
            continue
        distance = cv2.distanceTransform((~ink).astype(np.uint8), cv2.DIST_L2, 5)
        x, y = np.clip(np.round(drawing.figures[0].keypoints), 0, CANVAS - 1).astype(int).T
        nearer.append(np.median(distance[y, x]) < 0.06 * CANVAS)
    assert len(nearer) >= 6
    assert np.mean(nearer) > 0.7


def test_labels_are_consistent(machine):
    for seed in range(25):
        drawing = machine.draw(seed)
        for figure in drawing.figures:
            np.testing.assert_allclose(np.linalg.norm(figure.directions, axis=-1), 1, atol=1e-5)
            seen = figure.camera.project(figure.keypoints3d) * figure.scale + figure.offset
            np.testing.assert_allclose(figure.keypoints, moved(seen, drawing.warp), atol=1e-2)
            off_page = ((figure.keypoints < 0) | (figure.keypoints > CANVAS - 1)).any(1)
            assert (figure.flags[off_page] == Flag.OUTSIDE).all()
            if figure.part == "whole" and not off_page.any() and drawing.style in _WITH_MESH:
                assert (figure.flags != Flag.OUTSIDE).all()
            assert -1.001 <= figure.facing <= 1.001


def test_pose_and_proportions_give_the_bone_directions(machine):
    """The recorded pose, put on the shipped body by the backend, points its bones as the record says."""
    figure = machine.draw(3, STYLES[0], [Placement()]).figures[0]
    posed = pose_body(load_body(), rodrigues(figure.pose), figure.betas)
    expected = bone_directions(posed.keypoints)
    # Bones that start where their joint's own bone starts keep their direction under any stretch.
    for name in ("left_knee", "right_ankle", "left_elbow", "right_wrist", "left_ankle", "spine2"):
        bone = keypoint_index(name) - 1
        assert expected[bone] @ figure.directions[bone] > np.cos(np.radians(1.5)), name


@pytest.mark.parametrize("part", ["waist_up", "bust", "legs"])
@pytest.mark.parametrize("faded", [True, False])
def test_partial_figures_flag_what_is_not_drawn(machine, part, faded):
    upright = np.tile(np.eye(3, dtype=np.float32), (24, 1, 1))
    drawing = machine.draw(4, STYLES[0], [Placement(part=part, extent=200, faded=faded)], Camera(), upright)
    figure = drawing.figures[0]
    flag = {name: figure.flags[keypoint_index(name)] for name in ("head", "neck", "left_ankle", "right_toe")}
    drawn, missing = (("left_ankle",), ("head", "neck"))
    if part != "legs":
        drawn, missing = ("head", "neck"), ("left_ankle", "right_toe")
    assert figure.part == part
    assert all(flag[name] != Flag.OUTSIDE for name in drawn)
    assert all(flag[name] == Flag.OUTSIDE for name in missing)


def test_one_page_in_six_or_more_shows_a_part_of_a_figure(machine):
    stick = next(style for style in STYLES if style.name == "stick")
    pages = [machine.draw(seed, stick).figures for seed in range(120)]
    parts = [figures[0].part for figures in pages if len(figures) == 1]
    assert {"whole", "waist_up", "bust", "legs"} == set(parts)
    assert 0.12 < sum(part != "whole" for part in parts) / len(pages) < 0.35


@pytest.mark.parametrize("distance", [np.inf, 2.0])
def test_skinning_is_the_weighted_sum_of_what_the_joints_do(distance):
    rng = np.random.default_rng(5)
    rest = rng.normal(0, 0.4, (50, 3)).astype(np.float32)
    weights = rng.dirichlet(np.ones(24), 50).astype(np.float32)
    weights[:, 5:] *= rng.random((50, 19)) < 0.1
    affine = rng.normal(0, 0.3, (24, 3, 4))
    vertices, flat, box = skin(rest, weights, affine, distance)
    moved = np.einsum("vj,jab,vb->va", weights, affine, np.column_stack([rest, np.ones(50)]))
    np.testing.assert_allclose(vertices, moved, atol=1e-5)
    np.testing.assert_allclose(flat, Camera(distance=distance).project(moved), atol=1e-5)
    np.testing.assert_allclose(box, [flat.min(0), flat.max(0)], atol=1e-6)


def test_a_neighbour_in_front_hides(machine):
    upright = np.tile(np.eye(3, dtype=np.float32), (24, 1, 1))
    outline = STYLES[0]
    behind, before = machine.draw(
        5, outline, [Placement(extent=120), Placement(extent=220)], Camera(), upright
    ).figures
    trunk = slice(0, 4)
    assert (behind.flags[trunk] == Flag.INVISIBLE).all()
    assert (before.flags == Flag.VISIBLE).mean() > 0.6


def test_what_is_drawn_before_a_figure_hides_it_though_it_is_white(machine, monkeypatch):
    from training.drawing import machine as module

    upright = np.tile(np.eye(3, dtype=np.float32), (24, 1, 1))
    monkeypatch.setattr(module, "finish", lambda image, rng: Page(image, np.eye(3), None))
    pages = []
    for wall in (False, True):

        def draw_before(canvas, figure, pen, wall=wall):
            if wall:
                canvas.fill(np.array([[0, 150], [CANVAS, 150], [CANVAS, CANVAS], [0, CANVAS]]), canvas.paper)

        monkeypatch.setattr(module, "draw_before", draw_before)
        pages.append(machine.draw(7, STYLES[0], [Placement()], Camera(), upright).figures[0])
    free, walled = pages
    below = walled.keypoints[:, 1] > 151
    assert 5 < below.sum() < 25
    assert (walled.flags[below] == Flag.INVISIBLE).all()
    assert (free.flags[below] == Flag.VISIBLE).sum() > 3
    np.testing.assert_array_equal(free.flags[~below], walled.flags[~below])


def test_novices_draw_the_two_sides_unevenly(machine):
    def unevenness(expert):
        rng = np.random.default_rng(0)
        lengths = np.stack([Proportions.sample(rng, machine.anatomy, expert).length for _ in range(200)])
        sides = [[keypoint_index(f"{side}_{n}") for n in ("knee", "elbow")] for side in ("left", "right")]
        return float(np.abs(np.log(lengths[:, sides[0]] / lengths[:, sides[1]])).mean())

    assert unevenness(expert=True) < 0.03
    assert 0.06 < unevenness(expert=False) < 0.25


def test_the_box_holds_the_ink_of_the_figure(machine):
    style = next(s for s in STYLES if s.name == "silhouette")
    for seed in range(6):
        figure = machine.draw(seed, style, [Placement()]).figures[0]
        inside = (figure.keypoints > figure.box[:2] - 6) & (figure.keypoints < figure.box[2:] + 6)
        assert inside.mean() > 0.97
        assert 0.6 * 0.73 * CANVAS < (figure.box[2:] - figure.box[:2]).max() < 1.1 * 0.73 * CANVAS


def test_cameras_go_all_around():
    rng = np.random.default_rng(0)
    azimuth = np.array([Camera.sample(rng).azimuth for _ in range(4000)])
    counts, _ = np.histogram(azimuth, np.arange(-180, 181, 45))
    assert counts.min() > 150
    assert (np.abs(azimuth) > 120).mean() > 0.15
    cueless = np.array([Camera.sample(rng, cues=False).azimuth for _ in range(400)])
    assert np.abs(cueless).max() <= 85.001


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
    np.testing.assert_array_equal(a.figures[0].keypoints, b.figures[0].keypoints)
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
