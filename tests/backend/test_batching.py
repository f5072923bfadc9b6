"""Drawings that are posed at once share the network's runs and get their own answers."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from backend import Pipeline
from backend.__main__ import main
from backend.api import PoseRequest, loads
from backend.commands import serve
from backend.engines.batching import MOST_CROPS, BatchingEngine
from backend.engines.onnx import OnnxEngine
from backend.jobs import JobQueue
from backend.keypoints import CROP_SIZE

EXAMPLES = Path(__file__).parents[2] / "examples"


class Counted:
    """An engine that counts its runs, the first of which the test holds back; it allows one thread at a time."""

    def __init__(self, engine):
        self.engine, self.sizes, self.gate, self.entered = engine, [], threading.Event(), threading.Event()
        self.name, self.device, self.weights_id = engine.name, "a GPU", engine.weights_id
        self.alone = threading.Lock()
        self.fails = False

    def predict(self, crops):
        assert self.alone.acquire(blocking=False), "two threads use it at once"
        try:
            self.sizes.append(len(crops))
            self.entered.set()
            assert self.gate.wait(20)
            if self.fails:
                raise RuntimeError("the GPU fell over")
            return self.engine.predict(crops)
        finally:
            self.alone.release()


@pytest.fixture(scope="module")
def onnx():
    return OnnxEngine(threads=1)


def test_what_comes_while_it_runs_is_one_batch_with_each_answer_its_own(onnx):
    counted = Counted(onnx)
    batching = BatchingEngine(counted)
    crops = np.random.default_rng(0).normal(size=(9, CROP_SIZE, CROP_SIZE)).astype(np.float32)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(batching.predict, crops[:1])
        assert counted.entered.wait(20)
        rest = [pool.submit(batching.predict, crops[i : i + 1 + i % 2]) for i in range(1, 8)]
        while len(batching._waiting) < 7:
            pass
        counted.gate.set()
        answers = [first.result(20), *(future.result(20) for future in rest)]
    assert counted.sizes == [1, sum(1 + i % 2 for i in range(1, 8))]
    expected = onnx.predict(crops)
    for i, answer in enumerate(answers):
        count = 1 + i % 2 if i else 1
        for name in ("heatmaps", "directions", "visibility"):
            got, wanted = getattr(answer, name), getattr(expected, name)[i : i + count]
            np.testing.assert_allclose(got, wanted, atol=2e-4)


def test_a_batch_stays_within_the_memory(onnx):
    counted = Counted(onnx)
    batching = BatchingEngine(counted)
    crops = np.zeros((MOST_CROPS - 1, CROP_SIZE, CROP_SIZE), np.float32)
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(batching.predict, crops[:1])]
        assert counted.entered.wait(20)
        futures += [pool.submit(batching.predict, part) for part in (crops, crops[:2])]
        while len(batching._waiting) < 2:
            pass
        counted.gate.set()
        for future in futures:
            future.result(60)
    assert sorted(counted.sizes) == [1, 2, MOST_CROPS - 1]


def test_a_failure_is_told_to_all_who_asked_and_the_next_run_works(onnx):
    counted = Counted(onnx)
    batching = BatchingEngine(counted)
    crops = np.zeros((1, CROP_SIZE, CROP_SIZE), np.float32)
    counted.fails = True
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(batching.predict, crops) for _ in range(3)]
        counted.gate.set()
        for future in futures:
            with pytest.raises(RuntimeError, match="fell over"):
                future.result(20)
    counted.fails = False
    assert len(batching.predict(crops).directions) == 1


def test_a_folder_shares_runs_on_a_gpu_and_keeps_its_order(onnx, monkeypatch, tmp_path):
    """The command line: six panels in runs of many crops, poses as they are one by one."""
    runs, answers = {}, {}
    for device in ("a GPU", "cpu"):
        counted = Counted(onnx)
        counted.device = device
        counted.gate.set()
        predict = counted.predict

        def slowly(crops, predict=predict):
            time.sleep(0.1)  # the others come meanwhile
            return predict(crops)

        counted.predict = slowly
        monkeypatch.setattr("backend.engines.choice.make_engine", lambda *_, made=counted: made)
        out = tmp_path / device
        assert main(["pose", str(EXAMPLES / "storyboard"), "--out", str(out), "--format", "json"]) == 0
        runs[device] = counted.sizes
        answers[device] = loads((out / "poses.json").read_bytes()).images
    assert len(runs["a GPU"]) < len(runs["cpu"])
    assert sum(runs["a GPU"]) == sum(runs["cpu"])
    for shared, alone in zip(answers["a GPU"], answers["cpu"], strict=True):
        assert shared.file == alone.file
        poses = [image.figures[0].hypotheses[0].body_pose for image in (shared, alone)]
        np.testing.assert_allclose(*poses, atol=2e-3)


def test_a_storyboard_shares_runs_on_a_gpu_and_has_the_same_poses(onnx, monkeypatch):
    """Six panels at once through the service's queue, on an engine that says it is on a GPU."""
    counted = Counted(onnx)
    counted.gate.set()
    slow = threading.Event()
    predict = onnx.predict

    def slowly(crops):
        slow.wait(0.2)  # the others come meanwhile
        return predict(crops)

    monkeypatch.setattr(counted.engine, "predict", slowly)
    monkeypatch.setattr("backend.engines.choice.make_engine", lambda *_: counted)
    panels = sorted((EXAMPLES / "storyboard").glob("*.png"))[:6]
    queue = JobQueue(serve.PipelinePoser)
    jobs = [queue.submit(PoseRequest(panel.read_bytes(), hypotheses=1)) for panel in panels]
    for job in jobs:
        job.ended.result(60)
    assert max(counted.sizes) > 2, "a crop and its mirror image are two"
    monkeypatch.undo()
    alone = Pipeline(onnx)
    for panel, job in zip(panels, jobs, strict=True):
        (figure,) = job.result.images[0].figures
        (expected,) = alone.pose(panel, hypotheses=1).figures
        assert figure.hypotheses[0].body_pose == pytest.approx(
            np.array(expected.hypotheses[0].body_pose), abs=2e-3
        )
