"""The local service: the pipeline behind HTTP, for Blender and for other programs on this machine.

    POST   /v1/jobs?figures=&box=&hypotheses=   the image file as the body; answers 202 and the job
    GET    /v1/jobs/{id}?wait=                  state and progress
    GET    /v1/jobs/{id}/result?wait=           200 and ``sketch2pose/1``, or 202 and the job while it is not done
    DELETE /v1/jobs/{id}                        cancels
    GET    /v1/info                             versions, engine, limits
    GET    /openapi.json                        the description of all this

Each request but the last bears ``Authorization: Bearer TOKEN``; each answer names the protocol's version,
and a request that names another one is refused. A failure is ``{"error": {"code", "message"}}`` with one
sentence. Images come as bytes: no path from a client is opened, nothing is unpickled, nothing is written
to disk.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import __version__, api
from .api import MOST_IMAGE_BYTES, PROTOCOL, PROTOCOL_HEADER, Failure, PoseRequest
from .errors import InputError
from .jobs import Job, JobQueue, ServiceError, failure_of

OPENAPI_FILE = Path(__file__).with_name("service.openapi.json")
#: Most seconds that ``wait`` may ask for.
MOST_WAIT = 30.0
#: Seconds in which a request's body must have come.
BODY_SECONDS = 30.0
_STATUS_OF = {
    "input": 422, "install": 500, "busy": 503, "unauthorised": 401, "protocol": 426, "too_large": 413,
    "not_found": 404, "late": 504, "cancelled": 410, "remote": 502, "unexpected": 500,
}  # fmt: skip


def application(
    queue: JobQueue,
    token: str,
    *,
    info: Callable[[], dict[str, Any]] = dict,
    most_image_bytes: int = MOST_IMAGE_BYTES,
    body_seconds: float = BODY_SECONDS,
) -> ASGIApp:
    """The HTTP application.

    Args:
        queue: does the work.
        token: what clients must show.
        info: what ``/v1/info`` tells beside versions and limits.
        most_image_bytes: larger bodies are refused.
        body_seconds: slower ones too.
    """

    async def submit(request: Request) -> Response:
        declared = request.headers.get("content-length", "0")
        if declared.isdigit() and len(declared) < 20 and int(declared) > most_image_bytes:
            raise _too_large(most_image_bytes)
        image = bytearray()
        try:
            async with asyncio.timeout(body_seconds):
                async for chunk in request.stream():
                    if len(image) + len(chunk) > most_image_bytes:
                        raise _too_large(most_image_bytes)
                    image += chunk
        except TimeoutError as error:
            raise ServiceError("late", "The image did not come in time; send it again.") from error
        if not image:
            raise InputError("The request has no image; send an image file as its body.")
        job = queue.submit(PoseRequest.from_query(_query(request), bytes(image)))
        return JSONResponse(api.status_to_json(job.status), 202)

    async def status(request: Request) -> Response:
        job = queue.find(request.path_params["id"])
        await _ended(job, request)
        return JSONResponse(api.status_to_json(job.status))

    async def result(request: Request) -> Response:
        job = queue.find(request.path_params["id"])
        await _ended(job, request)
        if job.failure is not None:
            return _refusal(job.failure)
        if job.result is None:
            return JSONResponse(api.status_to_json(job.status), 202)
        return Response(api.dumps(job.result), media_type="application/json")

    async def cancel(request: Request) -> Response:
        job = queue.find(request.path_params["id"])
        queue.cancel(job)
        return JSONResponse(api.status_to_json(job.status))

    async def job(request: Request) -> Response:
        # One route: of two, a refusal's Allow header would name the methods of the first alone.
        return await (cancel if request.method == "DELETE" else status)(request)

    async def tell(request: Request) -> Response:  # noqa: ARG001
        limits = {"image_bytes": most_image_bytes, "figures": api.MOST_FIGURES}
        return JSONResponse({"protocol": PROTOCOL, "version": __version__, "limits": limits, **info()})

    async def openapi(request: Request) -> Response:  # noqa: ARG001
        return JSONResponse(description())

    app = Starlette(
        routes=[
            Route("/v1/jobs", submit, methods=["POST"]),
            Route("/v1/jobs/{id}", job, methods=["GET", "DELETE"]),
            Route("/v1/jobs/{id}/result", result, methods=["GET"]),
            Route("/v1/info", tell, methods=["GET"]),
            Route("/openapi.json", openapi, methods=["GET"]),
        ],
        exception_handlers={
            ServiceError: _refuse,
            InputError: _refuse,
            HTTPException: _refuse_http,
            ClientDisconnect: _refuse,
            Exception: _refuse,
        },
    )
    return _Door(app, token)


def description() -> dict[str, Any]:
    """The OpenAPI description, with the schema of results inside."""
    plain = json.loads(OPENAPI_FILE.read_text(encoding="utf-8"))
    plain["info"]["version"] = __version__
    schemas = plain["components"]["schemas"]
    # What the schema of results defines for itself becomes the description's own: few programs that read
    # OpenAPI follow references into a schema within the schema.
    text = api.SCHEMA_FILE.read_text(encoding="utf-8").replace("#/$defs/", "#/components/schemas/")
    result = json.loads(text)
    del result["$schema"]
    schemas |= result.pop("$defs")
    schemas["Result"] = result
    return plain


class _Door:
    """Lets nobody in without the token, nor with another version of the protocol."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def send_with_protocol(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (PROTOCOL_HEADER.lower().encode(), b"%d" % PROTOCOL)]
                message = {**message, "headers": headers}
            await send(message)

        headers = dict(scope["headers"])
        spoken = headers.get(PROTOCOL_HEADER.lower().encode(), b"%d" % PROTOCOL)
        if spoken != b"%d" % PROTOCOL:
            other = spoken[:20].decode("ascii", "replace")
            refusal = _refusal(
                Failure(
                    "protocol",
                    f"The service speaks protocol {PROTOCOL} and the client {other}; "
                    "install the same version of Sketch2Pose on both sides.",
                )
            )
            await refusal(scope, receive, send_with_protocol)
        elif scope["path"] != "/openapi.json" and not hmac.compare_digest(
            headers.get(b"authorization", b""), self._expected
        ):
            refusal = _refusal(
                Failure("unauthorised", "The token is wrong or missing; give the service's token.")
            )
            await refusal(scope, receive, send_with_protocol)
        else:
            await self._app(scope, receive, send_with_protocol)


def _refusal(failure: Failure) -> JSONResponse:
    headers = {"WWW-Authenticate": "Bearer"} if failure.code == "unauthorised" else {}
    if failure.code == "busy":
        headers["Retry-After"] = "1"
    return JSONResponse(api.failure_to_json(failure), _STATUS_OF[failure.code], headers)


def _refuse(request: Request, error: Exception) -> Response:  # noqa: ARG001
    return _refusal(failure_of(error))


def _refuse_http(request: Request, error: Exception) -> Response:
    """What Starlette itself refuses: unknown addresses and methods."""
    assert isinstance(error, HTTPException)
    failure = Failure(
        "not_found", f"The service has no {request.method[:10]} at this address; see /openapi.json."
    )
    return JSONResponse(api.failure_to_json(failure), error.status_code, error.headers)


def _too_large(most: int) -> ServiceError:
    return ServiceError("too_large", f"The image is larger than {most / 2**20:.0f} MB; make it smaller.")


def _query(request: Request) -> dict[str, str]:
    pairs = request.query_params.multi_items()
    if len(pairs) > len(dict(pairs)):
        raise InputError("An option is given twice; give each one once.")
    return dict(pairs)


async def _ended(job: Job, request: Request) -> None:
    """Wait for the job's end as long as the query says."""
    query = _query(request)
    text = query.pop("wait", "0")
    if query:
        raise InputError(f"The option {min(query)[:40]!r} is unknown; give wait.")
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MOST_WAIT:
        raise InputError(f"The option wait is {text[:40]!r}; give seconds from 0 to {MOST_WAIT:.0f}.")
    if seconds and not job.ended.done():
        # Not wait_for: its time-out would cancel the job's own future.
        await asyncio.wait([asyncio.wrap_future(job.ended)], timeout=seconds)
