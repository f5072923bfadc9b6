"""The local service's application as a Ray Serve deployment, for a studio whose machines pose together.

    serve run backend.ray_service:build token_file=/path/of/token workers=4

One replica answers HTTP and keeps the jobs, since a job is asked for where it was submitted; the drawings are posed
by the workers, which Ray places where there is room. What the processes of a cluster say to each other Ray pickles:
its own ports are for the cluster alone. Clients speak HTTP, as with ``backend serve``, and nothing of theirs is
unpickled.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, cast

from ray import serve
from ray.exceptions import RayError
from ray.serve.handle import DeploymentResponseGenerator

from .api import Failure, PoseRequest, PoseResult, Stage
from .commands.serve import PipelinePoser, token_in
from .engines.batching import AT_ONCE
from .engines.choice import DEVICES, ENGINES
from .errors import InputError
from .jobs import DEADLINE, MOST_WAITING, Cancelled, JobQueue, Poser, ServiceError, failure_of
from .service import application

#: Most requests in hand at the same time; most of them wait for a job's end.
MOST_REQUESTS = 64
_DIED = "The process that posed the drawing ended; pose it again."

#: What a worker says of a drawing: stages that have been done, and at last how it ended.
Told: TypeAlias = "tuple[Stage, float] | PoseResult | Failure"


def build(options: Mapping[str, Any]) -> serve.Application:
    """The application, as ``serve run`` and a configuration file of Ray Serve ask for it.

    Args:
        options: ``token_file`` (which must be given), ``engine``, ``device``, ``body``, ``queue`` and ``deadline`` as
            of ``python -m backend serve``; ``workers``, how many processes pose (1); ``gpus``, how many GPUs each
            of them has to itself (0), which may be a share of one.

    Raises:
        InputError: an option is unknown or cannot be read, or the token cannot be used.
    """
    read: dict[str, Any] = {}
    for name, value in options.items():
        if name not in _OPTIONS:
            raise InputError(f"The option {name} is unknown; give some of {', '.join(_OPTIONS)}.")
        try:
            read[name] = _OPTIONS[name](value)
        except (TypeError, ValueError) as error:
            raise InputError(f"The option {name} cannot be {value!r}; see `backend serve --help`.") from error
    if "token_file" not in read:
        raise InputError("There is no token; name a file that holds it: token_file=FILE.")
    gpus = read.get("gpus", 0.0)
    device = read.get("device", "cuda" if gpus else "auto")
    return deploy(
        partial(PipelinePoser, read.get("engine", "auto"), device, read.get("body")),
        token_in(read["token_file"]),
        workers=read.get("workers", 1),
        at_once=AT_ONCE if gpus else 1,
        resources={"num_gpus": gpus} if gpus else {},
        most_waiting=read.get("queue", MOST_WAITING),
        deadline=read.get("deadline", DEADLINE),
    )


def deploy(
    load: Callable[[], Poser],
    token: str,
    *,
    workers: int = 1,
    at_once: int = 1,
    resources: Mapping[str, Any] | None = None,
    most_waiting: int = MOST_WAITING,
    deadline: float = DEADLINE,
) -> serve.Application:
    """The application, with workers of any kind.

    Args:
        load: makes a worker's poser, in the worker.
        token: what clients must show.
        workers: how many there are.
        at_once: drawings that each of them poses at the same time.
        resources: what Ray keeps free for each, beside one processor, such as ``{"num_gpus": 1}``.
        most_waiting: most drawings that wait.
        deadline: most seconds for one.
    """

    def answer() -> Any:
        queue = JobQueue(lambda: _Workers(workers * at_once), most_waiting=most_waiting, deadline=deadline)
        return application(queue, token)

    posing = serve.deployment(
        name="Worker",
        num_replicas=workers,
        max_ongoing_requests=at_once,
        ray_actor_options=dict(resources or {}),
    )
    answering = serve.deployment(
        name="Service", max_ongoing_requests=MOST_REQUESTS, ray_actor_options={"num_cpus": 0}
    )
    return answering(serve.ingress(answer)()).bind(posing(Worker).bind(load))


class Worker:
    """A process that poses."""

    def __init__(self, load: Callable[[], Poser]) -> None:
        self._poser = load()

    async def pose(self, request: PoseRequest) -> AsyncIterator[Told]:
        """Pose a drawing; ends after the stage that it is in where nobody listens any more."""
        loop = asyncio.get_running_loop()
        told: asyncio.Queue[Told] = asyncio.Queue()
        left = False

        def tell(what: Told) -> None:
            loop.call_soon_threadsafe(told.put_nowait, what)

        def report(stage: Stage, share: float) -> None:
            if left:
                raise Cancelled
            tell((stage, share))

        def work() -> None:
            try:
                tell(self._poser.pose(request, report))
            except Cancelled:
                pass
            except Exception as error:  # noqa: BLE001 - the client is told
                tell(failure_of(error))

        working = loop.run_in_executor(None, work)
        try:
            ended = False
            while not ended:
                what = await told.get()
                ended = not isinstance(what, tuple)
                yield what
        finally:
            left = True
            await working


class _Workers:
    """All workers, as the queue sees them."""

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self._handle = serve.get_deployment_handle("Worker").options(method_name="pose", stream=True)

    def pose(self, request: PoseRequest, report: Callable[[Stage, float], None]) -> PoseResult:
        """Have a drawing posed. Raises ServiceError, or what ``report`` raises."""
        answer = cast("DeploymentResponseGenerator", self._handle.remote(request))
        try:
            for told in answer:
                if isinstance(told, PoseResult):
                    return told
                if isinstance(told, Failure):
                    raise ServiceError(told.code, told.message)
                report(*told)
        except RayError as error:
            raise ServiceError("unexpected", _DIED) from error
        finally:
            answer.cancel()  # which does nothing to one that has ended
        raise ServiceError("unexpected", _DIED)


def _count(value: Any) -> int:
    number = int(value)
    if number < 1:
        raise ValueError
    return number


def _one_of(names: tuple[str, ...], value: Any) -> str:
    if value not in names:
        raise ValueError
    return value


#: The options of :func:`build` and how each is read; all may be texts.
_OPTIONS: dict[str, Callable[[Any], Any]] = {
    "token_file": Path,
    "workers": _count,
    "gpus": float,
    "engine": partial(_one_of, ENGINES),
    "device": partial(_one_of, DEVICES),
    "body": Path,
    "queue": _count,
    "deadline": _count,
}
