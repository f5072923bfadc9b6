"""Poses drawings in a process of its own, without ever letting Blender's window wait.

    server = LocalServer(import_folders=(wheels,))         # how to start it; frozen, compared by value
    job = client_of(server).submit(image, name="Panel 3")  # image: bytes of an image file, a Path, or Pasted
    ...
    job.poll()       # call it from a timer, every 10 to 100 ms: None, or the PoseResult; raises SketchPoseError
    job.state        # "pasting", "starting", "sending", "waiting", "running", then "done", "failed" or "cancelled"
    job.progress     # 0..1
    job.doing        # the same in words, as in "reading the keypoints"
    job.running      # False once the state is one of the last three
    job.elapsed      # seconds
    job.result       # PoseResult once done, else None
    job.error        # one sentence once failed, else None
    job.cancel()     # at any time
    job.wait()       # for scripts: polls until the end
    shut_down()      # when the extension is switched off: ends every process that was started here

The first job starts the process (``backend serve``, Blender's own interpreter in isolated mode); it stays
for the jobs that follow. After a failure that is the process's own fault (killed, hung, garbage, a damaged
installation) the job ends with one sentence, the process is ended, and the next job starts a new one.

``submit``, ``poll`` and ``cancel`` never wait for the process: sockets and pipes are non-blocking, and a
call does a few milliseconds' work at most. There are no threads and no temporary files. The token goes
through the child's standard input, which is never closed while Blender lives: its end ends the child.

The HTTP spoken here is a strict subset read by hand: importing an HTTP library takes longer than a call may.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Literal

from .boundary import (
    IMPORT_FOLDER,
    MOST_IMAGE_BYTES,
    PROTOCOL,
    PROTOCOL_HEADER,
    Box,
    Failure,
    InputError,
    InstallError,
    JobStatus,
    PoseRequest,
    PoseResult,
    SketchPoseError,
    failure_from_json,
    read_poses,
    status_from_json,
)
from .pasted import Pasted

#: Seconds after which a job is given up. One drawing takes a tenth of a second; a slow disk at the first
#: start, ten.
TIMEOUT = 120.0
#: Seconds in which the process must say its port, and in which it must answer a request.
START_SECONDS = 60.0
ANSWER_SECONDS = 20.0
#: Seconds in which a process must end that says why it cannot start, or that has broken off the connection.
_ENDING_SECONDS = 1.0
#: Seconds that a request for the result may wait in the service before it tells the progress.
_WAIT = 0.25
#: Seconds of work in one call.
_BUDGET = 0.008
_CHUNK = 256 * 1024
#: An answer is at most this large, bytes; a figure has about 10,000.
_MOST_ANSWER = 2 * 2**20
_MOST_HEAD = 16 * 1024
_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
_HOST = "127.0.0.1"

State = Literal["pasting", "starting", "sending", "waiting", "running", "done", "failed", "cancelled"]
_DOING = {
    "pasting": "reading the clipboard",
    "starting": "starting the pose program",
    "sending": "sending the drawing",
    "waiting": "waiting for other drawings",
    "running": "opening the drawing",
    "opened": "looking for figures",
    "found": "reading the keypoints",
    "read": "working out the pose",
    "lifted": "working out the pose",
}
_AGAIN = "pose the drawing again"


class ServerError(SketchPoseError):
    """The process failed, not the drawing; it is ended, and the next job starts a new one."""


class LostError(ServerError):
    """The connection ended before the answer did."""


@dataclass(frozen=True)
class LocalServer:
    """A process on this machine, started when it is first needed.

    Attributes:
        body: an SMPL .npz to pose, None for the one that ships.
        import_folders: where the process finds the packages that come with the extension.
        engine: what runs the network: "auto", "onnx" or "torch".
        device: what it computes on: "auto", "cpu", "cuda" or "mps".
        python: the interpreter to run it with, None for Blender's own.
        relay: the address of a service on another machine that is to pose in its place, "" for none. The process
            asks it, so that nothing here ever waits for a network.
        relay_token: what that service wants to be shown.
        relay_certificate: the certificate to trust there, None for those that the system trusts.
    """

    body: Path | None = None
    import_folders: tuple[Path, ...] = ()
    engine: str = "auto"
    device: str = "auto"
    python: Path | None = None
    relay: str = ""
    relay_token: str = field(default="", repr=False)
    relay_certificate: Path | None = None

    def command(self) -> list[str]:
        """What starts the process."""
        command = self.backend("serve", "--engine", self.engine, "--device", self.device)
        if self.body is not None:
            command += ["--body", str(self.body)]
        if self.relay:
            command += ["--relay", self.relay]
        if self.relay_certificate is not None:
            command += ["--relay-certificate", str(self.relay_certificate)]
        return command

    def backend(self, *arguments: str) -> list[str]:
        """What starts one of the backend's commands, with the same interpreter and packages."""
        folders = os.pathsep.join(str(folder) for folder in (IMPORT_FOLDER, *self.import_folders))
        return [str(self.python or sys.executable), "-I", "-X", "utf8", str(_BOOTSTRAP), folders, *arguments]


class PoseClient:
    """Poses drawings by one server.

    Args:
        server: how it is started.
    """

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self._process: _Process | None = None

    def submit(
        self,
        image: bytes | Path | Pasted,
        *,
        name: str = "",
        figures: int | None = 1,
        box: Box | None = None,
        hypotheses: int | None = None,
        timeout: float = TIMEOUT,
    ) -> PoseJob:
        """Start a job; the work is done by its :meth:`PoseJob.poll`.

        Args:
            image: an image file, its content, or what another program hands out.
            name: what the result calls the image; the file's path if empty.
            figures: how many figures at most, None for all.
            box: x0, y0, x1, y1 around the one figure, pixels of the image.
            hypotheses: how many readings of a figure at most, None for all.
            timeout: seconds until the job is given up.
        """
        options = PoseRequest(b"", figures, box, hypotheses).query()
        return PoseJob(self, image, name or (str(image) if isinstance(image, Path) else ""), options, timeout)

    def start(self) -> None:
        """Start the process, if it does not run, so that the first job need not wait for it. Never waits.

        Raises:
            InstallError: it cannot be started.
            ServerError: it was started before and failed.
        """
        self._ready()

    @property
    def pid(self) -> int | None:
        """The process's number, None while there is none."""
        return None if self._process is None else self._process.pid

    def close(self) -> None:
        """End the process; jobs that run fail."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def give_up(self, process: _Process | None) -> None:
        """End a process that has failed, None for one that has not listened yet; one in its place goes on."""
        if process in (None, self._process):
            self.close()

    def _ready(self) -> _Process | None:
        """The process once it listens, None while it starts; starts it where there is none."""
        if self._process is None or (self._process.port is not None and self._process.ended):
            self.close()
            self._process = _Process(self.server.command(), self.server.relay_token)
            return None
        return self._process if self._process.listens() else None


_clients: dict[LocalServer, PoseClient] = {}


def client_of(server: LocalServer) -> PoseClient:
    """The client of a server. Those of other servers are closed: the preferences have changed."""
    if server not in _clients:
        shut_down()
        _clients[server] = PoseClient(server)
    return _clients[server]


def shut_down() -> None:
    """End every process that was started here."""
    while _clients:
        _clients.popitem()[1].close()


class PoseJob:
    """One drawing on its way; made by :meth:`PoseClient.submit`. The module's text lists what it offers."""

    def __init__(
        self,
        client: PoseClient,
        image: bytes | Path | Pasted,
        name: str,
        options: dict[str, str],
        timeout: float,
    ) -> None:
        self.name = name
        self.state: State = "pasting" if isinstance(image, Pasted) else "starting"
        self.progress = 0.0
        self.stage: str | None = None
        self.result: PoseResult | None = None
        self.error: str | None = None
        self.timeout = timeout
        self._client = client
        self._image = image
        self._options = options
        self._start = time.monotonic()
        self._id: str | None = None
        self._process: _Process | None = None
        self._exchange: _Exchange | None = None

    @property
    def running(self) -> bool:
        """False once the job is done, has failed or was cancelled."""
        return self.state not in ("done", "failed", "cancelled")

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    @property
    def doing(self) -> str:
        """What is done now, in words; "" once the job has ended."""
        return _DOING.get((self.state == "running" and self.stage) or self.state, "")

    def poll(self) -> PoseResult | None:
        """The result, or None while it is not there. Never waits.

        Raises:
            InputError: the image cannot be posed; the sentence says why.
            InstallError: a part of the installation is missing or damaged.
            ServerError: the process failed.
            SketchPoseError: the job ran out of time or has ended already.
        """
        if self.state == "done":
            return self.result
        if not self.running:
            raise SketchPoseError(self.error or "The job was cancelled; start a new one.")
        try:
            self._advance()
        except SketchPoseError as error:
            self._close()
            if isinstance(error, ServerError | InstallError):
                self._client.give_up(self._process)
            self.state, self.error = "failed", str(error)
            raise
        return self.result

    def wait(self) -> PoseResult:
        """The result; waits for it. Raises what poll() raises."""
        while (result := self.poll()) is None:
            time.sleep(0.005)
        return result

    def cancel(self) -> None:
        """Give the job up; does nothing when it has ended."""
        if not self.running:
            return
        self._close()
        if self._id is not None and self._process is not None:
            self._process.post_and_forget("DELETE", f"/v1/jobs/{self._id}")
        self.state = "cancelled"

    def _close(self) -> None:
        if isinstance(self._image, Pasted):
            self._image.close()
        if self._exchange is not None:
            self._exchange.close()
            self._exchange = None

    def _advance(self) -> None:
        """Do what can be done now, for _BUDGET seconds at most."""
        end = time.monotonic() + _BUDGET
        if self.elapsed > self.timeout:
            self.cancel()
            raise ServerError(
                f"Posing took longer than {self.timeout:.0f} seconds and was stopped; try a smaller image."
            )
        if isinstance(self._image, Pasted):
            content = self._image.poll()
            if content is None:
                return
            self._image, self.state = content, "starting"
        while self.running:
            if self._exchange is None and not self._begin():
                return
            assert self._exchange is not None
            try:
                answer = self._exchange.advance(end)
            except LostError:
                if not self._may_start_anew():
                    raise
                self._close()
                self._client.give_up(self._process)
                self._process = None
                continue
            if answer is None:
                return
            self._close()
            self._take(*answer)

    def _may_start_anew(self) -> bool:
        """Whether the process has served other jobs and did not take this one: it was killed between them."""
        return self._id is None and self._process is not None and self._process.served

    def _begin(self) -> bool:
        """Begin the next exchange with the service; False while it starts."""
        # Where its own process has ended, the job is told how, and not that there is another one now.
        process = self._process if self._id else self._client._ready()  # noqa: SLF001 - one file, one subject
        if process is None:
            return False
        if self._id is None:
            assert not isinstance(self._image, Pasted)  # read by now
            body = _Body(self._image)
            self.state = "sending"
            query = "&".join(f"{key}={value}" for key, value in self._options.items())  # plain letters all
            path = f"/v1/jobs?{query}"
            self._exchange = _Exchange(process, "POST", path, body, ANSWER_SECONDS)
        else:
            path = f"/v1/jobs/{self._id}/result?wait={_WAIT:g}"
            self._exchange = _Exchange(process, "GET", path, None, ANSWER_SECONDS + _WAIT)
        self._process = process
        return True

    def _take(self, status: int, content: bytes) -> None:
        """Go on with what the service has answered."""
        assert self._process is not None
        self._process.served = True
        try:
            answer = _read_answer(status, content)
        except (InputError, ValueError, RecursionError) as error:
            raise _nonsense() from error
        if isinstance(answer, Failure):
            raise _exception(answer)
        if isinstance(answer, JobStatus):
            self._follow(answer)
        else:
            self._finish(answer)

    def _follow(self, status: JobStatus) -> None:
        if not re.fullmatch(r"[0-9a-f]{1,64}", status.id):  # it becomes part of an address
            raise _nonsense()
        self._id = status.id
        self.state = "waiting" if status.state == "waiting" else "running"
        self.stage = status.stage
        self.progress = min(max(status.progress, self.progress), 1.0)

    def _finish(self, result: PoseResult) -> None:
        if len(result.images) != 1 or not result.images[0].figures:
            raise ServerError(f"The pose program's answer holds no pose; {_AGAIN}.")
        image = replace(result.images[0], file=self.name)
        self.result = replace(result, images=(image,))
        self.progress = 1.0
        self.state = "done"


def _read_answer(status: int, content: bytes) -> PoseResult | JobStatus | Failure:
    """What the service says. Raises InputError or ValueError where it makes no sense."""
    if status == 200:
        return read_poses(content)
    plain = json.loads(content)
    return status_from_json(plain) if status == 202 else failure_from_json(plain)


def _exception(failure: Failure) -> SketchPoseError:
    """The exception for a failure that the service tells."""
    sentence = _one_line(failure.message)[:400] or f"The pose program gave no reason; {_AGAIN}."
    match failure.code:
        case "input" | "too_large":
            return InputError(sentence)
        case "install":
            return InstallError(sentence)
        case "busy" | "cancelled" | "remote":
            return SketchPoseError(sentence)
    return ServerError(sentence)


def _one_line(text: str) -> str:
    """The text without line breaks and what else a panel cannot show."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())


class _Process:
    """The child process: started, asked for its port, ended."""

    def __init__(self, command: Sequence[str], relay_token: str = "") -> None:
        """Start it; it reads a second line where it relays. Raises InstallError where that cannot be done."""
        self.token = os.urandom(32).hex()
        self.port: int | None = None
        self.served = False
        self._said = b""
        self._start = time.monotonic()
        self._odd_since: float | None = None
        try:
            self._child = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                cwd=Path(sys.executable).anchor or None,  # holds no folder that someone may wish to remove
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise InstallError(
                f"The pose program could not be started ({error.strerror}); install the extension again."
            ) from error
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._output = self._child.stdout
        if os.name == "posix":
            os.set_blocking(self._output.fileno(), False)
        with contextlib.suppress(OSError):  # it may have died already, which listens() tells
            self._child.stdin.write(f"{self.token}\n{relay_token}\n".encode())

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def ended(self) -> bool:
        return self._child.poll() is not None

    def listens(self) -> bool:
        """Whether it has said its port. Raises ServerError or InstallError where it never will."""
        if self.port is not None:
            return True
        ended = self.ended  # first, so that all it said is there to be read
        self._said = (self._said + self._read())[-65536:]
        line, newline, _ = self._said.partition(b"\n")
        if newline:
            self.port = _announced_port(line)
            if self.port is not None:
                return True
        if ended:
            raise InstallError(f"The pose program stopped ({self.how_it_ended()}): {self.last_words()}")
        if newline and self._odd_since is None:
            self._odd_since = time.monotonic()
        if self._odd_since is not None and time.monotonic() - self._odd_since > _ENDING_SECONDS:
            raise ServerError(f"The pose program said something unexpected: {self.last_words()}")
        if time.monotonic() - self._start > START_SECONDS:
            raise ServerError(f"The pose program did not start within {START_SECONDS:.0f} seconds; {_AGAIN}.")
        return False

    def last_words(self) -> str:
        """The last line that it wrote, as the end of a sentence."""
        self._said = (self._said + self._read())[-65536:]
        lines = self._said.decode("utf-8", "replace").strip().splitlines()
        words = _one_line(lines[-1][-300:]) if lines else "it gave no reason"
        return words if words.endswith(".") else f"{words}."

    def how_it_ended(self) -> str:
        """The exit code or signal of a process that has ended."""
        code = self._child.poll()
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"

    def _read(self) -> bytes:
        """What it has written, without waiting for more."""
        number = self._output.fileno()
        try:
            if sys.platform == "win32":
                import _winapi
                import msvcrt

                there = _winapi.PeekNamedPipe(msvcrt.get_osfhandle(number), 0)[0]
                return os.read(number, there) if there else b""
            return os.read(number, 65536)
        except OSError:  # nothing there now, or never again
            return b""

    def post_and_forget(self, method: str, path: str) -> None:
        """Send a request and go away; used where nothing depends on the answer."""
        if self.port is None:
            return
        exchange = _Exchange(self, method, path, None, ANSWER_SECONDS)
        with contextlib.suppress(SketchPoseError):  # where it has gone, the job has too
            exchange.advance(time.monotonic() + _BUDGET)
        exchange.close()

    def stop(self) -> None:
        """End it at once. It has nothing on disk, so there is nothing that it could leave undone."""
        self._child.kill()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):  # it is collected when the next one is started
            self._child.wait(0.02)


def _announced_port(line: bytes) -> int | None:
    """The port in the line that the service begins with. Raises ServerError for another protocol."""
    try:
        said = json.loads(line)
        port, protocol = said["port"], said["protocol"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if protocol != PROTOCOL:
        raise _other_protocol(str(protocol))
    return port if isinstance(port, int) and 0 < port < 65536 else None


def _other_protocol(spoken: str) -> ServerError:
    return ServerError(
        f"The pose program speaks protocol {spoken[:20]!r} and this extension {PROTOCOL}; "
        "install the same version of Sketch2Pose on both sides."
    )


class _Body:
    """The image on its way out: bytes, or a file that is read as it is sent."""

    def __init__(self, image: bytes | Path) -> None:
        """Raises InputError where the file cannot be read or is too large."""
        self._file: BinaryIO | None = None
        self._bytes = b""
        try:
            if isinstance(image, Path):
                self._file = image.open("rb")
                self.size = os.fstat(self._file.fileno()).st_size
            else:
                self._bytes = image
                self.size = len(image)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(f"The image cannot be opened ({reason}); check its path and rights.") from error
        if self.size > MOST_IMAGE_BYTES:
            self.close()
            raise InputError(
                f"The image file is larger than {MOST_IMAGE_BYTES // 2**20} MB; save it smaller, as a PNG."
            )
        self._sent = 0

    def next(self) -> bytes:
        """The next piece; empty at the end. Raises InputError where the file cannot be read on."""
        if self._file is None:
            piece = self._bytes[self._sent : self._sent + _CHUNK]
        else:
            try:
                piece = self._file.read(min(_CHUNK, self.size - self._sent))
            except OSError as error:
                raise InputError(f"The image cannot be read ({error.strerror}); check the disk.") from error
            if not piece and self._sent < self.size:
                raise InputError("The image file was cut off while it was read; pose it again.")
        self._sent += len(piece)
        return piece

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class _Exchange:
    """One request and its answer, on a connection of its own, never waiting."""

    def __init__(self, process: _Process, method: str, path: str, body: _Body | None, seconds: float) -> None:
        self._process = process
        self._seconds = seconds
        self._heard = time.monotonic()
        self._body = body
        self._received = bytearray()
        self._outgoing = memoryview(
            (
                f"{method} {path} HTTP/1.1\r\n"
                f"Host: {_HOST}:{process.port}\r\n"
                f"Authorization: Bearer {process.token}\r\n"
                f"{PROTOCOL_HEADER}: {PROTOCOL}\r\n"
                "Content-Type: application/octet-stream\r\n"
                f"Content-Length: {0 if body is None else body.size}\r\n"
                "Connection: close\r\n\r\n"
            ).encode("ascii")
        )
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._connected = False
        self._cut = False
        self._lost_since: float | None = None
        self._socket.connect_ex((_HOST, process.port))

    def advance(self, end: float) -> tuple[int, bytes] | None:
        """The answer's status and content, or None while it is not there.

        Args:
            end: when to come back at the latest, time.monotonic() seconds.

        Raises:
            ServerError: there will be none, or it is none.
            InputError: the image cannot be read.
        """
        while self._lost_since is None:
            readable, writable, broken = select.select(
                [self._socket], [] if self._all_sent else [self._socket], [self._socket], 0
            )
            if not (readable or writable or broken):
                break
            if writable or broken:
                self._send()
            if readable and (answer := self._receive()) is not None:
                return answer
            if time.monotonic() > end:
                break
        if self._lost_since is not None:
            self._tell_loss(time.monotonic() - self._lost_since)
        elif time.monotonic() - self._heard > self._seconds:
            raise ServerError(f"The pose program gave no answer for {self._seconds:.0f} seconds; {_AGAIN}.")
        return None

    def close(self) -> None:
        self._socket.close()
        if self._body is not None:
            self._body.close()

    @property
    def _all_sent(self) -> bool:
        return self._cut or (not self._outgoing and self._body is None)

    def _send(self) -> None:
        if not self._connected:
            if self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self._lose()
                return
            self._connected = True
        if not self._outgoing and self._body is not None:
            self._outgoing = memoryview(self._body.next())
            if not self._outgoing:
                self._body.close()
                self._body = None
                return
        try:
            sent = self._socket.send(self._outgoing)
        except BlockingIOError:
            return
        except OSError:
            # A refusal may lie there to be read: the service need not take the whole of an image for that.
            self._cut = True
            return
        self._outgoing = self._outgoing[sent:]
        self._heard = time.monotonic()

    def _receive(self) -> tuple[int, bytes] | None:
        try:
            piece = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return None
        except OSError:
            return self._lose()
        self._received += piece
        head, blank, content = self._received.partition(b"\r\n\r\n")
        if not blank:
            if not piece:
                return self._lose()
            if len(head) > _MOST_HEAD or not b"HTTP/1.1 ".startswith(head[:9]):
                raise _nonsense()
            return None
        status, length = _read_head(bytes(head))
        if len(content) >= length:
            return status, bytes(content[:length])
        return None if piece else self._lose()

    def _lose(self) -> None:
        """The connection has ended before the answer did; what is said of it waits for how the process ends."""
        self._lost_since = time.monotonic()

    def _tell_loss(self, seconds: float) -> None:
        """Raise LostError once it is known why, or once that took too long.

        The system closes a dying process's connections before it can be asked how the process ended.
        """
        if self._process.ended:
            raise LostError(f"The pose program stopped ({self._process.how_it_ended()}); {_AGAIN}.")
        if seconds > _ENDING_SECONDS:
            raise LostError(f"The pose program broke off the connection; {_AGAIN}.")


def _read_head(head: bytes) -> tuple[int, int]:
    """Status and length of an answer. Raises ServerError where it is not one of the service's."""
    first, *lines = head.split(b"\r\n")
    match = re.fullmatch(rb"HTTP/1\.1 ([1-5][0-9][0-9])(?: [^\r\n]*)?", first)
    headers = {}
    for line in lines:
        key, colon, value = line.partition(b":")
        if not colon:
            raise _nonsense()
        headers[key.strip().lower()] = value.strip()
    spoken = headers.get(PROTOCOL_HEADER.lower().encode())
    length = headers.get(b"content-length", b"")
    if match is None or spoken is None or not re.fullmatch(rb"[0-9]{1,9}", length):
        raise _nonsense()
    if spoken != b"%d" % PROTOCOL:
        raise _other_protocol(spoken.decode("ascii", "replace"))
    if int(length) > _MOST_ANSWER:
        raise ServerError(f"The pose program's answer is too large to be true; {_AGAIN}.")
    return int(match[1]), int(length)


def _nonsense() -> ServerError:
    return ServerError(f"The pose program's answer makes no sense; {_AGAIN}.")
