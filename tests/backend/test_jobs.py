"""The queue: in order, bounded, cancelled, late, broken."""

import io
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from backend.api import PROGRESS_AT, STAGES, Generator, PoseRequest, PoseResult
from backend.commands.serve import PipelinePoser
from backend.errors import InputError, InstallError
from backend.jobs import MOST_ENDED, JobQueue, ServiceError

RESULT = PoseResult(Generator("", "", "", ""))
EXAMPLES = Path(__file__).parents[2] / "examples"


class SlowPoser:
    """Waits in each job until the test opens the gate."""

    at_once = 1

    def __init__(self):
        self.gate = threading.Event()
        self.seen = []
        self.loads = 0

    def load(self):
        self.loads += 1
        return self

    def pose(self, request, report):
        self.seen.append(request.image)
        report("read", 1.0)
        while not self.gate.wait(0.01):
            report("read", 1.0)
        if request.image == b"bad":
            raise InputError("It is bad.")
        if request.image == b"worse":
            raise ZeroDivisionError("in the\ntest")
        return RESULT


@pytest.fixture
def poser():
    made = SlowPoser()
    yield made
    made.gate.set()


def ended(job):
    job.ended.result(10)
    return job


def running(job):
    deadline = time.monotonic() + 10
    while job.state != "running" or job.progress == 0:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return job


def test_jobs_are_done_in_order_and_failures_are_told(poser):
    queue = JobQueue(poser.load)
    jobs = [queue.submit(PoseRequest(image)) for image in (b"good", b"bad", b"worse", b"good")]
    assert running(jobs[0]).progress == 0.7
    assert jobs[0].status.stage == "read"
    assert [job.state for job in jobs[1:]] == ["waiting"] * 3
    poser.gate.set()
    assert [ended(job).state for job in jobs] == ["done", "failed", "failed", "done"]
    assert poser.seen == [b"good", b"bad", b"worse", b"good"]
    assert jobs[0].result is RESULT
    assert jobs[1].failure.code == "input"
    assert jobs[1].failure.message == "It is bad."
    assert jobs[2].failure.code == "unexpected"
    assert "\n" not in jobs[2].failure.message
    assert queue.find(jobs[0].id) is jobs[0]


def test_more_than_may_wait_is_busy(poser):
    queue = JobQueue(poser.load, most_waiting=2)
    first = running(queue.submit(PoseRequest(b"a")))
    waiting = [queue.submit(PoseRequest(b"b")) for _ in range(2)]
    with pytest.raises(ServiceError, match="busy") as caught:
        queue.submit(PoseRequest(b"c"))
    assert caught.value.failure.code == "busy"
    queue.cancel(waiting[0])
    queue.submit(PoseRequest(b"c"))
    poser.gate.set()
    ended(first)


def test_images_that_wait_are_limited_in_bytes_too(poser, monkeypatch):
    monkeypatch.setattr("backend.jobs.MOST_WAITING_BYTES", 100)
    queue = JobQueue(poser.load)
    running(queue.submit(PoseRequest(bytes(90))))
    queue.submit(PoseRequest(bytes(90)))
    with pytest.raises(ServiceError, match="busy"):
        queue.submit(PoseRequest(bytes(20)))
    queue.submit(PoseRequest(bytes(10)))


def test_cancelled_jobs_end_at_once_and_the_next_one_runs(poser):
    queue = JobQueue(poser.load)
    first = running(queue.submit(PoseRequest(b"first")))
    second, third = queue.submit(PoseRequest(b"second")), queue.submit(PoseRequest(b"third"))
    queue.cancel(second)
    queue.cancel(first)
    assert (first.state, second.state) == ("cancelled", "cancelled")
    running(third)
    poser.gate.set()
    assert ended(third).state == "done"
    assert poser.seen == [b"first", b"third"]
    queue.cancel(third)
    assert third.state == "done"


class GatedEngine:
    """An engine that waits before each prediction until the test opens the gate."""

    def __init__(self, engine):
        self.engine, self.gate, self.asked = engine, threading.Event(), threading.Event()
        self.name, self.device, self.weights_id = engine.name, engine.device, engine.weights_id

    def predict(self, crops):
        self.asked.set()
        assert self.gate.wait(20)
        return self.engine.predict(crops)


def test_a_drawing_tells_its_stages_and_is_cancelled_between_them(monkeypatch):
    """The network works when the job is cancelled: what comes after it, lifting, is never done."""
    poser = PipelinePoser()
    pipeline = poser._pipeline
    pipeline.engine = gated = GatedEngine(pipeline.engine)
    lifted = []
    lift = pipeline._figure
    monkeypatch.setattr(pipeline, "_figure", lambda *arguments: lifted.append(1) or lift(*arguments))
    queue = JobQueue(lambda: poser)
    image = (EXAMPLES / "stick_wave.png").read_bytes()
    cancelled, after = queue.submit(PoseRequest(image)), queue.submit(PoseRequest(image))
    assert gated.asked.wait(20)
    assert cancelled.status.stage in ("opened", "found")
    assert cancelled.progress == PROGRESS_AT[cancelled.stage]
    queue.cancel(cancelled)
    gated.gate.set()
    assert ended(after).state == "done"
    assert len(lifted) == 1
    assert cancelled.state == "cancelled"
    assert cancelled.stage != "lifted"
    assert (after.status.stage, after.progress) == ("lifted", 1.0)


def test_progress_grows_with_every_stage_and_figure():
    seen = []

    class Watching(PipelinePoser):
        def pose(self, request, report):
            def watched(stage, share):
                report(stage, share)
                seen.append((stage, share, job.progress))

            return super().pose(request, watched)

    poser = Watching()
    drawn = [Image.open(EXAMPLES / f"{name}.png").convert("L") for name in ("stick_wave", "stick_kick")]
    page = Image.new("L", (drawn[0].width + drawn[1].width, max(image.height for image in drawn)), 255)
    page.paste(drawn[0], (0, 0))
    page.paste(drawn[1], (drawn[0].width, 0))
    file = io.BytesIO()
    page.save(file, "PNG")
    job = JobQueue(lambda: poser).submit(PoseRequest(file.getvalue(), figures=None))
    figures = ended(job).result.images[0].figures
    stages = [stage for stage, _, _ in seen]
    assert stages == [*STAGES[:3], *["lifted"] * len(figures)]
    assert len(figures) > 1
    progress = [at for _, _, at in seen]
    assert progress == sorted(set(progress))
    assert progress[-1] == 1.0


def test_a_late_job_fails_and_a_new_thread_works_on():
    """The poser is stuck for good: it never asks whether anybody still waits."""
    stuck, posers = threading.Event(), []

    class StuckOnce:
        at_once = 1

        def pose(self, request, _report):
            if request.image == b"stuck":
                stuck.wait(20)
            return RESULT

    def load():
        posers.append(StuckOnce())
        return posers[-1]

    queue = JobQueue(load, deadline=0.5)
    late, waits = queue.submit(PoseRequest(b"stuck")), queue.submit(PoseRequest(b"waits"))
    while late.state != "running":
        time.sleep(0.005)
    time.sleep(0.6)
    after = queue.submit(PoseRequest(b"after"))
    assert ended(after).state == "done"
    for job in (late, waits):
        assert job.failure.code == "late"
        assert job.failure.message.endswith(".")
    stuck.set()
    assert ended(queue.submit(PoseRequest(b"again"))).state == "done"
    assert late.state == "failed"
    assert len(posers) == 2


def test_as_many_run_at_once_as_the_poser_allows(poser):
    poser.at_once = 3
    queue = JobQueue(poser.load)
    jobs = [queue.submit(PoseRequest(b"%d" % i)) for i in range(5)]
    for job in jobs[:3]:
        running(job)
    assert [job.state for job in jobs[3:]] == ["waiting"] * 2
    poser.gate.set()
    assert [ended(job).state for job in jobs] == ["done"] * 5
    assert poser.loads == 1


def test_a_broken_installation_fails_every_job():
    def load():
        raise InstallError("The weights are missing; install it again.")

    queue = JobQueue(load)
    for _ in range(2):
        job = ended(queue.submit(PoseRequest(b"a")))
        assert job.failure.code == "install"
        assert job.failure.message == "The weights are missing; install it again."


def test_old_jobs_are_forgotten(poser):
    poser.gate.set()
    queue = JobQueue(poser.load)
    jobs = [ended(queue.submit(PoseRequest(b"a"))) for _ in range(MOST_ENDED + 5)]
    with pytest.raises(ServiceError) as caught:
        queue.find(jobs[0].id)
    assert caught.value.failure.code == "not_found"
    assert queue.find(jobs[-1].id) is jobs[-1]
    assert jobs[0].request is None  # its image is not kept
