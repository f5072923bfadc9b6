"""The pipeline as a library, with an engine that sees the T-pose."""

import dataclasses

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.spatial.transform import Rotation

import backend
from backend.body import load_body, pose_body
from backend.errors import InputError
from backend.keypoints import NetworkOutput
from backend.pipeline import Pipeline
from backend.skeleton import JOINT_NAMES, KEYPOINT_MIRROR, KEYPOINT_NAMES


def test_the_package_gives_the_pipeline():
    assert backend.Pipeline is Pipeline
    with pytest.raises(AttributeError):
        backend.Nothing  # noqa: B018


@pytest.fixture
def pipeline(engine, blind) -> Pipeline:
    return Pipeline(engine, finder=blind)


def test_a_t_pose_is_read_as_a_t_pose(pipeline, drawing, tmp_path):
    drawing.save(tmp_path / "t.png")
    result = pipeline.pose(tmp_path / "t.png")
    assert (result.width, result.height, result.error) == (320, 400, None)
    assert result.file == str(tmp_path / "t.png")
    (figure,) = result.figures
    assert figure.box == pytest.approx((60, 60, 260, 260), abs=3)
    assert figure.score > 0.9
    (hypothesis,) = figure.hypotheses
    turned = Rotation.from_rotvec(hypothesis.global_orient).inv() * Rotation.from_euler(
        "x", 180, degrees=True
    )
    assert np.degrees(turned.magnitude()) < 3
    assert len(hypothesis.body_pose) == 23
    assert np.degrees(np.linalg.norm(hypothesis.body_pose, axis=-1)).max() < 12
    assert hypothesis.betas == (0.0,) * 10
    assert hypothesis.contacts == ()
    assert list(hypothesis.residuals) == ["pelvis", "spine3", "head"]
    assert 0 <= max(hypothesis.residuals.values()) < 0.1


def test_a_pose_has_the_shape_that_the_network_tells(engine, blind, drawing, monkeypatch):
    betas = np.linspace(-1.5, 2, 10).astype(np.float32)
    seen = engine.predict
    monkeypatch.setattr(
        engine,
        "predict",
        lambda crops: dataclasses.replace(seen(crops), betas=np.tile(betas, (len(crops), 1))),
    )
    hypothesis = Pipeline(engine, finder=blind).pose(drawing).figures[0].hypotheses[0]
    assert hypothesis.betas == pytest.approx(betas)
    pose = np.array([hypothesis.global_orient, *hypothesis.body_pose])
    joints = np.array([hypothesis.joints3d[name] for name in JOINT_NAMES])
    shaped, plain = (pose_body(load_body(), pose, shape).joints for shape in (betas, None))
    assert np.abs(joints - (shaped - shaped[0])).max() < 1e-4
    assert np.abs(joints - (plain - plain[0])).max() > 0.01
    other = Pipeline(engine, load_body(), finder=blind).pose(drawing).figures[0].hypotheses[0]
    assert other.betas == (0.0,) * 10


def test_joints_follow_from_the_rotations_and_lie_over_the_drawing(pipeline, drawing):
    figure = pipeline.pose(drawing).figures[0]
    hypothesis = figure.hypotheses[0]
    pose = np.array([hypothesis.global_orient, *hypothesis.body_pose])
    posed = pose_body(load_body(), pose).joints
    joints = np.array([hypothesis.joints3d[name] for name in JOINT_NAMES])
    assert hypothesis.joints3d["pelvis"] == (0, 0, 0)
    assert np.abs(joints - (posed - posed[0])).max() < 1e-4
    camera = hypothesis.camera
    pixels = camera.scale * joints[:, :2] + [camera.tx, camera.ty]
    drawn = np.array([figure.keypoints[name].xy for name in JOINT_NAMES])
    assert np.linalg.norm(pixels - drawn, axis=-1).max() < 6
    # The network's T-pose fills the middle of the figure's box.
    assert figure.keypoints["left_wrist"].xy[0] > 200
    assert figure.keypoints["right_wrist"].xy[0] < 120
    assert list(figure.keypoints) == list(KEYPOINT_NAMES)


def test_images_and_arrays_give_what_the_file_gives(pipeline, drawing, tmp_path):
    drawing.save(tmp_path / "t.png")
    from_file = pipeline.pose(str(tmp_path / "t.png"))
    for sketch in (drawing, np.asarray(drawing), np.asarray(drawing) / 255.0, drawing.convert("RGB")):
        result = pipeline.pose(sketch)
        assert result.figures == from_file.figures
        assert result.file == ""


def test_large_pages_are_told_in_their_own_pixels(pipeline, drawing):
    large = drawing.resize((320 * 9, 400 * 9))
    small_figure = pipeline.pose(drawing).figures[0]
    figure = pipeline.pose(large).figures[0]
    assert np.array(figure.box) / 9 == pytest.approx(small_figure.box, abs=2)
    for name in ("head_top", "left_hand", "right_ankle"):
        assert np.array(figure.keypoints[name].xy) / 9 == pytest.approx(
            small_figure.keypoints[name].xy, abs=2
        )


def test_a_given_box_is_used(pipeline, drawing):
    (figure,) = pipeline.pose(drawing, box=(100, 200, 200, 300)).figures
    assert figure.box == (100, 200, 200, 300)
    places = np.array([keypoint.xy for keypoint in figure.keypoints.values()])
    assert places.min(0) == pytest.approx([100, 200], abs=55)
    assert places[:, 0].max() - places[:, 0].min() == pytest.approx(100, abs=6)


@pytest.mark.parametrize(
    "box", [(0, 0, 10), (400, 400, 500, 500), (10, 10, 10, 50), (50, 0, 20, 50), (0, 0, float("nan"), 9)]
)
def test_an_impossible_box_is_refused(pipeline, drawing, box):
    with pytest.raises(InputError, match="box"):
        pipeline.pose(drawing, box=box)


def test_all_figures_of_a_page(pipeline, drawing):
    page = Image.new("L", (900, 400), 255)
    for x in (0, 290, 580):
        page.paste(drawing, (x, 0))
    result = pipeline.pose(page, figures=None)
    assert len(result.figures) == 3
    assert [figure.box[0] for figure in result.figures] == sorted(figure.box[0] for figure in result.figures)
    assert len(pipeline.pose(page, figures=2).figures) == 2
    # All figures of a page go through the network together.
    assert pipeline.engine.calls == 2  # pyright: ignore[reportAttributeAccessIssue]


class InkJudge:
    """An engine that believes in crops with little ink, and sees the T-pose in all of them."""

    name, device, weights_id = "judge", "cpu", "judge@" + "1" * 64

    def __init__(self, engine):
        self.engine = engine

    def predict(self, crops):
        output = self.engine.predict(crops)
        dark = (crops < -1.5).mean((1, 2))
        sure = np.where(dark < np.median(dark) + 1e-6, 1.0, 0.02).astype(np.float32)
        return dataclasses.replace(output, heatmaps=output.heatmaps * sure[:, None, None, None])


def furnished(drawing: Image.Image) -> Image.Image:
    page = Image.new("L", (900, 600), 255)
    page.paste(drawing, (0, 100))
    pen = ImageDraw.Draw(page)
    for y in range(150, 560, 14):
        pen.line((420, y, 860, y), fill=0, width=4)
    pen.rectangle((420, 150, 860, 560), outline=0, width=6)
    return page


def test_the_network_tells_the_figure_from_the_furniture(engine, blind, drawing):
    judge = InkJudge(engine)
    (figure,) = Pipeline(judge, finder=blind).pose(furnished(drawing)).figures
    assert figure.box == pytest.approx((60, 160, 260, 360), abs=4)
    (alone,) = Pipeline(judge, finder=blind).pose(furnished(drawing), figures=None).figures
    assert alone.box == pytest.approx((60, 160, 260, 360), abs=4)


def test_where_the_network_has_no_opinion_the_largest_is_the_figure(pipeline, drawing):
    (figure,) = pipeline.pose(furnished(drawing)).figures
    assert figure.box == pytest.approx((420, 150, 860, 560), abs=5)


def test_what_the_network_does_not_believe_is_no_figure(drawing, engine, blind):
    engine.sureness = 0.0
    with pytest.raises(InputError, match="No figure"):
        Pipeline(engine, finder=blind).pose(drawing)


def test_many_go_on_after_a_failure(pipeline, drawing, tmp_path):
    drawing.save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"no image")
    Image.new("L", (300, 200), 255).save(tmp_path / "blank.png")
    names = ["good.png", "bad.png", "missing.png", "blank.png", "good.png"]
    results = list(pipeline.pose_many(tmp_path / name for name in names))
    assert [result.error is None for result in results] == [True, False, False, False, True]
    assert [len(result.figures) for result in results] == [1, 0, 0, 0, 1]
    assert (results[3].width, results[3].height) == (300, 200)
    assert all(result.file.endswith(name) for result, name in zip(results, names, strict=True))


def test_an_error_inside_is_one_sentence(pipeline, drawing):
    def broken(crops):
        raise RuntimeError("first line\nsecond line")

    pipeline.engine.predict = broken
    result = pipeline.try_pose(drawing)
    assert result.error is not None
    assert "first line second line" in result.error
    assert "\n" not in result.error


def test_another_body_by_path(engine, drawing, tmp_path):
    from backend.body import LIGHT_BODY

    light = Pipeline(engine, LIGHT_BODY).pose(drawing)
    assert light.figures[0].score > 0.9
    with pytest.raises(InputError, match="body file"):
        Pipeline(engine, tmp_path / "missing.npz")


def test_the_generator_names_engine_and_weights(pipeline):
    generator = pipeline.generator
    assert generator.version == backend.__version__
    assert (generator.engine, generator.device) == ("fake", "cpu")
    assert generator.weights.startswith("t-pose@")


def test_ink_far_from_paper_size_is_followed(pipeline):
    page = Image.new("L", (64, 64), 255)
    ImageDraw.Draw(page).rectangle((20, 10, 44, 54), outline=0)
    assert pipeline.pose(page).figures[0].box == pytest.approx((20, 10, 45, 55), abs=1)


@pytest.mark.parametrize("count", [0, -1])
def test_fewer_than_one_figure_is_refused(pipeline, drawing, count):
    with pytest.raises(InputError, match="figures were asked for"):
        pipeline.pose(drawing, figures=count)


def test_a_figure_that_may_be_seen_from_behind_has_two_readings(engine, drawing):
    engine.exchanged = -0.5
    first, second = Pipeline(engine).pose(drawing).figures[0].hypotheses
    assert first.score > second.score > 0
    for hypothesis, sign in ((first, 1), (second, -1)):
        shoulders = [np.array(hypothesis.joints3d[f"{side}_shoulder"]) for side in ("left", "right")]
        assert (shoulders[0] - shoulders[1])[0] * sign > 0.2
    for name in JOINT_NAMES:  # both lie over the same drawing
        flat = [
            h.camera.scale * np.array(h.joints3d[joint][:2]) + [h.camera.tx, h.camera.ty]
            for h, joint in ((first, name), (second, JOINT_NAMES[KEYPOINT_MIRROR[JOINT_NAMES.index(name)]]))
        ]
        assert np.linalg.norm(flat[0] - flat[1]) < 8


def test_bones_beyond_the_pages_edge_keep_a_neutral_pose(engine, blind, drawing):
    """Shins that the network lays away from the viewer are straight where nothing of them is drawn."""
    for side in ("left", "right"):
        engine.directions[KEYPOINT_NAMES.index(f"{side}_ankle") - 1] = (0, 0.3, 0.954)
    gone = [
        KEYPOINT_NAMES.index(f"{side}_{part}")
        for side in ("left", "right")
        for part in ("knee", "ankle", "foot", "toe")
    ]
    plain = engine.predict

    def bend(presence_of_legs: float) -> float:
        def predict(crops: np.ndarray) -> NetworkOutput:
            presence = np.full((len(crops), 30), 4.0, np.float32)
            presence[:, gone] = presence_of_legs
            return dataclasses.replace(plain(crops), presence=presence)

        engine.predict = predict
        figure = Pipeline(engine, finder=blind).pose(drawing).figures[0]
        assert (figure.keypoints["left_ankle"].present < 0.05) == (presence_of_legs < 0)
        hip, knee, ankle = (
            np.array(figure.hypotheses[0].joints3d[f"left_{name}"]) for name in ("hip", "knee", "ankle")
        )
        thigh, shin = (knee - hip) / np.linalg.norm(knee - hip), (ankle - knee) / np.linalg.norm(ankle - knee)
        return float(np.degrees(np.arccos(np.clip(thigh @ shin, -1, 1))))

    assert bend(4.0) > 25
    assert bend(-4.0) < 12
