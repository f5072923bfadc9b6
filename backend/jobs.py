"""The jobs of the local service: a bounded queue, one thread or some that pose, results kept for a while."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

from .api import (
    PROGRESS_AT,
    Failure,
    FailureCode,
    JobState,
    JobStatus,
    PoseRequest,
    PoseResult,
    Stage,
)
from .errors import InputError, InstallError, SketchPoseError

#: Most jobs that wait, and most bytes of their images; more are answered with "busy".
MOST_WAITING = 16
MOST_WAITING_BYTES = 256 * 2**20
#: Seconds after which a job that is not done has failed. One drawing takes a tenth of a second.
DEADLINE = 120.0
#: How many jobs that have ended are remembered.
MOST_ENDED = 64


class ServiceError(SketchPoseError):
    """A request that the service refuses, with a code that programs go by."""

    def __init__(self, code: FailureCode, message: str) -> None:
        super().__init__(message)
        self.failure = Failure(code, message)


class Cancelled(Exception):  # noqa: N818 - no error: the client wished it
    """Raised inside a job that nobody waits for any more."""


class Poser(Protocol):
    """What does a job's work.

    Attributes:
        at_once: so many threads may call it at the same time.
    """

    at_once: int

    def pose(self, request: PoseRequest, report: Callable[[Stage, float], None]) -> PoseResult:
        """Pose a drawing.

        Args:
            request: the drawing and the options.
            report: takes the stage that has been done, and which share of it, 0..1; it raises Cancelled where
                nobody waits any more, which ends the work.
        """
        ...


class Job:
    """One drawing on its way; ``ended`` is fulfilled when its state is final."""

    def __init__(self, request: PoseRequest, deadline: float) -> None:
        self.id = secrets.token_hex(16)
        self.request: PoseRequest | None = request
        self.size = len(request.image)
        self.deadline = time.monotonic() + deadline
        self.state: JobState = "waiting"
        self.progress = 0.0
        self.stage: Stage | None = None
        self.result: PoseResult | None = None
        self.failure: Failure | None = None
        self.ended: Future[None] = Future()

    @property
    def status(self) -> JobStatus:
        """The job as the client sees it."""
        return JobStatus(self.id, self.state, self.progress, self.failure, self.stage)


class JobQueue:
    """Poses one drawing after the other, or as many at once as the poser allows, in threads of its own.

    Args:
        load: makes the poser; called in such a thread. Where it fails, every job fails with its sentence.
        most_waiting: how many jobs may wait.
        deadline: seconds that a job may take, waiting included.
    """

    def __init__(
        self,
        load: Callable[[], Poser],
        *,
        most_waiting: int = MOST_WAITING,
        deadline: float = DEADLINE,
    ) -> None:
        self._load = load
        self._most_waiting = most_waiting
        self._deadline = deadline
        self._lock = threading.Condition()
        self._waiting: deque[Job] = deque()
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        #: What each thread does now; a thread that is not in here ends when it comes back.
        self._running: dict[threading.Thread, Job | None] = {}
        self._loading = threading.Lock()
        self._loaded: Poser | Failure | None = None
        self._start_worker()

    def submit(self, request: PoseRequest) -> Job:
        """Queue a drawing.

        Raises:
            ServiceError: busy.
        """
        with self._lock:
            self._expire()
            size = sum(job.size for job in self._waiting)
            if len(self._waiting) >= self._most_waiting or size + len(request.image) > MOST_WAITING_BYTES:
                raise ServiceError(
                    "busy", f"The service is busy: {len(self._waiting)} drawings wait; try again in a moment."
                )
            job = Job(request, self._deadline)
            self._waiting.append(job)
            self._jobs[job.id] = job
            self._forget()
            self._lock.notify_all()
            return job

    def find(self, job_id: str) -> Job:
        """The job of that name.

        Raises:
            ServiceError: there is none, or none any more.
        """
        with self._lock:
            self._expire()
            try:
                return self._jobs[job_id]
            except KeyError as error:
                raise ServiceError(
                    "not_found", "The job is unknown or was forgotten; submit the drawing again."
                ) from error

    def cancel(self, job: Job) -> None:
        """End a job; does nothing where it has ended."""
        with self._lock:
            if job in self._waiting:
                self._waiting.remove(job)
            self._end(job, "cancelled", failure=Failure("cancelled", "The job was cancelled."))

    def _end(
        self, job: Job, state: JobState, result: PoseResult | None = None, failure: Failure | None = None
    ) -> None:
        """Give the job its final state; the first one stays. Called with the lock held."""
        if job.ended.done():
            return
        job.state, job.result, job.failure = state, result, failure
        job.request = None
        if state == "done":
            job.progress = 1.0
        job.ended.set_result(None)

    def _fail(self, job: Job, code: FailureCode, message: str) -> None:
        self._end(job, "failed", failure=Failure(code, message))

    def _forget(self) -> None:
        ended = [job.id for job in self._jobs.values() if job.ended.done()]
        for job_id in ended[: max(0, len(ended) - MOST_ENDED)]:
            del self._jobs[job_id]

    def _expire(self) -> None:
        """Fail what is late. A thread that is stuck in a late job is left to itself, and a new one works on."""
        now = time.monotonic()
        late = f"Posing took longer than {self._deadline:.0f} seconds and was stopped; try a smaller image."
        for job in [job for job in self._waiting if now > job.deadline]:
            self._waiting.remove(job)
            self._fail(job, "late", late)
        for thread, job in list(self._running.items()):
            if job is not None and now > job.deadline:
                self._fail(job, "late", late)
                del self._running[thread]
                self._loaded = None  # the poser may be what is stuck
                self._start_worker()

    def _start_worker(self) -> None:
        thread = threading.Thread(target=self._work, name="poser", daemon=True)
        self._running[thread] = None
        thread.start()

    def _poser(self) -> Poser | Failure:
        """What does the work, made when it is first needed, or why there is none."""
        with self._loading:
            loaded = self._loaded
            if loaded is None:
                try:
                    loaded = self._load()
                except Exception as error:  # noqa: BLE001 - every job then tells it
                    loaded = failure_of(error)
                else:
                    with self._lock:
                        for _ in range(loaded.at_once - len(self._running)):
                            self._start_worker()
                self._loaded = loaded
            return loaded

    def _work(self) -> None:
        thread = threading.current_thread()
        self._poser()  # now: the first drawing need not wait for it
        while True:
            with self._lock:
                while thread in self._running and not self._waiting:
                    self._lock.wait()
                if thread not in self._running:
                    return
                job = self._waiting.popleft()
                request = job.request
                assert request is not None  # those that have ended do not wait
                job.state = "running"
                self._running[thread] = job
            poser = self._poser()
            if isinstance(poser, Failure):
                with self._lock:
                    self._end(job, "failed", failure=poser)
            else:
                self._pose(poser, job, request)
            with self._lock:
                if thread not in self._running:
                    return
                self._running[thread] = None

    def _pose(self, poser: Poser, job: Job, request: PoseRequest) -> None:
        def report(stage: Stage, share: float) -> None:
            if job.ended.done():
                raise Cancelled
            done = [at for at in PROGRESS_AT.values() if at < PROGRESS_AT[stage]]
            before = max(done, default=0.0)
            job.stage, job.progress = stage, before + share * (PROGRESS_AT[stage] - before)

        try:
            result = poser.pose(request, report)
        except Cancelled:
            return
        except BaseException as error:  # noqa: BLE001 - one bad drawing must not end the service
            failure = failure_of(error)
            with self._lock:
                self._fail(job, failure.code, failure.message)
        else:
            with self._lock:
                self._end(job, "done", result)


def failure_of(error: BaseException) -> Failure:
    """What a client is told of an exception."""
    if isinstance(error, ServiceError):
        return error.failure
    if isinstance(error, InputError):
        return Failure("input", str(error))
    if isinstance(error, InstallError):
        return Failure("install", str(error))
    if isinstance(error, SketchPoseError):
        return Failure("unexpected", str(error))
    if isinstance(error, MemoryError):
        return Failure("input", "There is not enough memory for this image; make it smaller.")
    reason = f"{type(error).__name__}: {error}".replace("\n", " ")[:200]
    return Failure("unexpected", f"An unexpected error occurred ({reason}); please report it.")
