"""The network that ships, on the project's own labelled drawings: a floor that catches a wrong export."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from backend.engines.onnx import KEYPOINT_NETWORK, WEIGHTS_FOLDER, OnnxEngine, check_weights
from backend.errors import InstallError
from backend.keypoints import CROP_SIZE, mirrored, predict_both_ways
from backend.pipeline import Pipeline
from training.drawing.anatomy import load_anatomy
from training.evaluate.score import score
from training.evaluate.shipped import read_with_pipeline
from training.evaluate.sketches import read_labels

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture(scope="module")
def engine() -> OnnxEngine:
    return OnnxEngine(threads=1)


def test_it_reads_the_example_drawings(engine):
    pipeline, anatomy = Pipeline(engine), load_anatomy()
    figures = read_labels(EXAMPLES)
    scores = [score(figure, read_with_pipeline(pipeline, figure), anatomy).values for figure in figures]
    assert len(scores) == 17
    assert np.mean([values["pck10"][0] for values in scores]) > 0.75
    assert np.mean([values["pck05"][0] for values in scores]) > 0.55
    assert np.mean([values["swapped"][0] for values in scores]) < 0.2


def test_weights_are_small_and_carry_their_checksum_and_card(engine):
    assert engine.weights_id == check_weights(KEYPOINT_NETWORK)
    assert sum(path.stat().st_size for path in WEIGHTS_FOLDER.iterdir()) < 15_000_000
    card = KEYPOINT_NETWORK.with_suffix(".md").read_text(encoding="utf-8")
    assert engine.weights_id.split("@")[1][:12] in card


def test_a_mirrored_drawing_is_read_as_the_mirror_image(engine):
    rng = np.random.default_rng(0)
    crop = rng.normal(0, 1, (1, CROP_SIZE, CROP_SIZE)).astype(np.float32)
    here = predict_both_ways(engine, crop)
    there = mirrored(predict_both_ways(engine, crop[:, :, ::-1]))
    np.testing.assert_allclose(here.heatmaps, there.heatmaps, atol=1e-3)
    np.testing.assert_allclose(here.directions, there.directions, atol=1e-4)


def test_a_batch_reads_as_its_figures_alone(engine):
    rng = np.random.default_rng(1)
    crops = rng.normal(0, 1, (3, CROP_SIZE, CROP_SIZE)).astype(np.float32)
    together = engine.predict(crops)
    alone = engine.predict(crops[1:2])
    np.testing.assert_allclose(together.heatmaps[1], alone.heatmaps[0], atol=1e-3)
    np.testing.assert_allclose(together.directions[1], alone.directions[0], atol=1e-4)


@pytest.mark.parametrize("damage", ["keypoints_s.onnx", "keypoints_s.safetensors", "checksums.json"])
@pytest.mark.parametrize("content", [None, b"", b"[]", b"{"])
def test_damaged_weights_are_one_sentence(tmp_path, damage, content):
    for path in WEIGHTS_FOLDER.iterdir():
        shutil.copy(path, tmp_path)
    if content is None:
        (tmp_path / damage).unlink()
    else:
        (tmp_path / damage).write_bytes(content)
    with pytest.raises(InstallError, match="install Sketch2Pose again"):
        OnnxEngine(tmp_path / KEYPOINT_NETWORK.name)
