"""The pipeline that ships, reading figures in their boxes: accuracy and time."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from backend.api import Figure
from backend.body import Body, pose_body
from backend.errors import InputError
from backend.pipeline import Pipeline
from backend.skeleton import JOINT_PARENTS, KEYPOINT_NAMES

from .figures import NOTHING, CutOut, LabelledFigure, Reading
from .metrics import LIMB_BONES, labelled_joints


def read_with_pipeline(pipeline: Pipeline, figure: LabelledFigure) -> Reading:
    """Read one figure in its labelled box."""
    return _read(pipeline, figure, figure.box.tolist())


def read_without_box(pipeline: Pipeline, figure: LabelledFigure) -> Reading:
    """Read one figure that is looked for on its page."""
    return _read(pipeline, figure, None)


def _read(pipeline: Pipeline, figure: LabelledFigure, box: Sequence[float] | None) -> Reading:
    # Not try_pose: an error in the program must not count as a drawing without a figure.
    try:
        result = pipeline.pose(figure.page, box=box)
    except InputError:
        return NOTHING
    return _reading(result.figures[0], pipeline.body)


def _reading(figure: Figure, body: Body) -> Reading:
    keypoints = np.array([figure.keypoints[name].xy for name in KEYPOINT_NAMES])
    poses = np.array([[h.global_orient, *h.body_pose] for h in figure.hypotheses], np.float32)
    joints = pose_body(body, poses[0]).joints
    bones = joints[1:] - joints[list(JOINT_PARENTS[1:])]
    limbs = bones[list(LIMB_BONES)]
    lengths = [figure.proportions.get(name, np.nan) for name in KEYPOINT_NAMES[1:]]
    return Reading(
        labelled_joints(keypoints),
        limbs / np.linalg.norm(limbs, axis=1, keepdims=True),
        poses,
        np.array(figure.hypotheses[0].betas),
        np.log(lengths) if figure.proportions else None,
        np.array([figure.keypoints[name].present for name in KEYPOINT_NAMES]),
        {frozenset((contact.first, contact.second)) for contact in figure.hypotheses[0].contacts},
    )


def seconds_a_figure(pipeline: Pipeline, cut_outs: Sequence[CutOut], repeats: int = 1) -> np.ndarray:
    """(N,) seconds from each cut-out to its rotations, warm, on one core: the fastest of ``repeats`` runs.

    Seconds of the processor, which on a core of its own are those of the clock: other programs count less.
    """
    fastest = np.full(len(cut_outs), np.inf)
    with one_core():
        pipeline.try_pose(cut_outs[0].rgb, box=cut_outs[0].box.tolist())
        for index, cut in enumerate(cut_outs):
            box = cut.box.tolist()
            for _ in range(repeats):
                start = time.process_time()
                pipeline.try_pose(cut.rgb, box=box)
                fastest[index] = min(fastest[index], time.process_time() - start)
    return fastest


def figures_a_second(pipeline: Pipeline, pages: Sequence[Path | np.ndarray]) -> float:
    """Whole drawings posed by ``pose_many``, finding the figure included."""
    start = time.perf_counter()
    for _ in pipeline.pose_many(pages):
        pass
    return len(pages) / (time.perf_counter() - start)


def cold_start(weights: Path, cut: CutOut) -> float:
    """Seconds from starting a process to its first figure and its end."""
    program = (
        "import sys; from pathlib import Path; import numpy; from backend.engines.onnx import OnnxEngine; "
        "from backend.pipeline import Pipeline; box = [float(v) for v in sys.argv[3:]]; "
        "Pipeline(OnnxEngine(Path(sys.argv[1]), 1)).try_pose(numpy.load(sys.argv[2]), box=box)"
    )
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "cut.npy", cut.rgb)
        command = [sys.executable, "-c", program, weights.absolute(), Path(folder) / "cut.npy"]
        start = time.perf_counter()
        with one_core():
            done = subprocess.run([*command, *map(str, cut.box)], capture_output=True, check=False)  # noqa: S603
        seconds = time.perf_counter() - start
    if done.returncode:
        raise InputError(f"A new process cannot pose a figure: {done.stderr.decode(errors='replace')[-200:]}")
    return seconds


@contextmanager
def one_core() -> Iterator[None]:
    """This process, and those that it starts, on a single core, where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, [min(before)])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
