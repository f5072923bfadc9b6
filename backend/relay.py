"""The relay: has drawings posed by another service, such as the one on a team's machine with a GPU."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

from . import api
from .address import read_address
from .api import PROTOCOL, PROTOCOL_HEADER, JobStatus, PoseRequest, PoseResult, Stage
from .errors import InputError
from .jobs import ServiceError

#: Seconds in which the other service must take a connection, and answer.
CONNECT_SECONDS = 8.0
ANSWER_SECONDS = 20.0
#: Seconds that one request waits there, so that a cancelled drawing is noticed soon.
_WAIT = 0.25
#: An answer is at most this large, bytes.
_MOST_ANSWER = 2 * 2**20


class RelayPoser:
    """Poses by asking another service.

    Args:
        address: where it is; see :func:`.address.read_address`.
        token: what it wants to be shown.
        certificate: a file of certificates to trust, for a server with one of its own; None for the system's.

    Raises:
        InputError: the address or the file cannot be used.
    """

    #: The other service queues them, and a GPU does many together.
    at_once = 8

    def __init__(self, address: str, token: str, certificate: Path | None = None) -> None:
        self._scheme, self._host, self._port, self._path = read_address(address)
        self._name = f"The server {self._host}"
        self._token = token
        self._trust: ssl.SSLContext | None = None
        if self._scheme == "https":
            try:
                self._trust = ssl.create_default_context(cafile=certificate)
            except OSError as error:
                raise InputError(
                    f"The certificate file {certificate} cannot be used ({error.strerror or error}); choose another."
                ) from error

    def pose(self, request: PoseRequest, report: Callable[[Stage, float], None]) -> PoseResult:
        """Pose a drawing there. Raises ServiceError, InputError, or what ``report`` raises."""
        query = "&".join(f"{key}={value}" for key, value in request.query().items())
        job = self._job(*self._ask("POST", f"/v1/jobs?{query}", request.image))
        try:
            while True:
                status, content = self._ask("GET", f"/v1/jobs/{job.id}/result?wait={_WAIT}")
                if status == 200:
                    return self._result(content)
                job = self._job(status, content)
                # A stage is told again and again: it is how a cancelled job is noticed.
                report(job.stage or "opened", 1.0 if job.stage else 0.0)
        except BaseException:
            with contextlib.suppress(Exception):
                self._ask("DELETE", f"/v1/jobs/{job.id}")
            raise

    def _ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """One request; returns status and content of an answer that is no refusal."""
        if self._trust is not None:
            line: http.client.HTTPConnection = http.client.HTTPSConnection(
                self._host, self._port, timeout=CONNECT_SECONDS, context=self._trust
            )
        else:
            line = http.client.HTTPConnection(self._host, self._port, timeout=CONNECT_SECONDS)
        headers = {
            "Authorization": f"Bearer {self._token}",
            PROTOCOL_HEADER: str(PROTOCOL),
            "Content-Type": "application/octet-stream",
        }
        try:
            line.connect()
            line.sock.settimeout(ANSWER_SECONDS)
            line.request(method, self._path + path, body, headers)
            answer = line.getresponse()
            content = answer.read(_MOST_ANSWER + 1)
        except (OSError, http.client.HTTPException) as error:
            raise self._broken(error) from error
        finally:
            line.close()
        spoken = answer.headers.get(PROTOCOL_HEADER)
        if spoken is None or len(content) > _MOST_ANSWER:
            raise self._strange()
        if spoken != str(PROTOCOL):
            raise self._failed(
                f"speaks protocol {spoken[:20]!r} and this program {PROTOCOL}; "
                "install the same version of Sketch2Pose on both sides."
            )
        if answer.status not in (200, 202):
            raise self._refused(content)
        return answer.status, content

    def _job(self, status: int, content: bytes) -> JobStatus:
        try:
            job = api.status_from_json(json.loads(content))
        except (InputError, ValueError, RecursionError) as error:
            raise self._strange() from error
        if status != 202 or not re.fullmatch(r"[0-9a-f]{1,64}", job.id):
            raise self._strange()
        return job

    def _result(self, content: bytes) -> PoseResult:
        try:
            return api.loads(content)
        except InputError as error:
            raise self._strange() from error

    def _refused(self, content: bytes) -> Exception:
        """What the other service said instead, as an exception of ours."""
        try:
            failure = api.failure_from_json(json.loads(content))
        except (InputError, ValueError, RecursionError):
            return self._strange()
        said = " ".join(failure.message.split())[:300]
        if failure.code == "unauthorised":
            return self._failed("does not accept the token; give the token that it was started with.")
        if failure.code in ("input", "too_large", "busy"):
            return ServiceError(failure.code, said)
        return self._failed(f"failed: {said}")

    def _broken(self, error: Exception) -> ServiceError:
        """One sentence on a connection that did not come about or broke off."""
        if isinstance(error, ssl.SSLCertVerificationError):
            reason = error.verify_message.rstrip(".")
            return self._failed(
                f"shows a certificate that is not trusted ({reason}); give the file of its certificate."
            )
        if isinstance(error, ssl.SSLError):
            return self._failed("does not speak https; check the address.")
        if isinstance(error, socket.gaierror):
            return self._failed("is not known to the network; check the address.")
        if isinstance(error, ConnectionRefusedError):
            return self._failed(
                f"refuses connections on port {self._port}; see whether the service runs there."
            )
        if isinstance(error, TimeoutError):
            return self._failed("gives no answer; see whether it runs and can be reached from here.")
        if isinstance(error, http.client.HTTPException):
            return self._strange()
        return self._failed("broke off the connection; pose the drawing again.")

    def _strange(self) -> ServiceError:
        return self._failed("is no Sketch2Pose service; check the address.")

    def _failed(self, what: str) -> ServiceError:
        return ServiceError("remote", f"{self._name} {what}")
