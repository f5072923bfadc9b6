"""Serve poses over HTTP on this machine: jobs with progress and cancel, for Blender and other programs.

Without --token-file the first line on the standard input is the token; the address is then written as one
line of JSON, and the service ends when the standard input or the parent process does. With --token-file it
runs until it is stopped. It listens on 127.0.0.1 alone, unless --host names another address: that needs a token
file, and a certificate for https. docs/guide/service.md shows its use.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..address import is_this_machine
from ..api import PROTOCOL, PoseRequest, PoseResult, Stage
from ..errors import InputError, InstallError
from .pose import UsageError, add_engine_arguments

if TYPE_CHECKING:
    from ..jobs import Poser

HOST = "127.0.0.1"
#: Seconds between two looks at whether the parent is still there.
PARENT_SECONDS = 0.5
_MOST_TOKEN = 4096


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--port", type=_port, default=0, help="0 (the default) takes a free one")
    parser.add_argument(
        "--token-file", type=Path, metavar="FILE", help="holds the token that clients must show, on one line"
    )
    parser.add_argument(
        "--host",
        default=HOST,
        metavar="ADDRESS",
        help="this machine's address to listen on for others, 0.0.0.0 for all it has (default: 127.0.0.1, for programs "
        "on this machine alone); needs --token-file, --certificate and --key",
    )
    parser.add_argument(
        "--certificate", type=Path, metavar="FILE", help="the server's certificate (PEM): speak https"
    )
    parser.add_argument("--key", type=Path, metavar="FILE", help="the certificate's private key (PEM)")
    parser.add_argument(
        "--relay",
        metavar="URL",
        help="have drawings posed by the service there; its token is the second line on the standard input",
    )
    parser.add_argument(
        "--relay-certificate",
        type=Path,
        metavar="FILE",
        help="the certificate to trust there (default: the system's)",
    )
    parser.add_argument(
        "--body", type=Path, metavar="FILE", help="an SMPL .npz (default: the one that ships)"
    )
    add_engine_arguments(parser)
    parser.add_argument(
        "--queue", type=_positive, default=16, metavar="N", help="most drawings that wait (default: 16)"
    )
    parser.add_argument(
        "--deadline", type=_positive, default=120, metavar="SECONDS", help="most for a drawing (default: 120)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command until it is stopped or its parent has gone."""
    managed = arguments.token_file is None
    _check_usage(arguments)
    token = _checked_token(_first_line()) if managed else token_in(arguments.token_file)
    https = _https(arguments.certificate, arguments.key) if arguments.certificate else {}
    relay = None
    if arguments.relay is not None:
        from ..relay import RelayPoser

        relay = RelayPoser(arguments.relay, _checked_token(_first_line()), arguments.relay_certificate)
    listener = _listen(arguments.host, arguments.port)
    port = listener.getsockname()[1]
    if managed:
        exit_with_parent()
        # Clients may connect from here on; they are answered when the rest has been imported.
        print(json.dumps({"protocol": PROTOCOL, "version": __version__, "port": port}), flush=True)
        _never_block_on_output()
    else:
        scheme = "https" if https else "http"
        print(f"Serving on {scheme}://{arguments.host}:{port}; stop with Ctrl-C.", flush=True)

    def load() -> Poser:
        if relay is not None:
            return relay
        return PipelinePoser(arguments.engine, arguments.device, arguments.body)

    serve(listener, token, load, arguments.queue, arguments.deadline, https)
    return 0


def _check_usage(arguments: argparse.Namespace) -> None:
    """Raises UsageError where options do not go together."""
    if (arguments.certificate is None) != (arguments.key is None):
        raise UsageError("--certificate and --key belong together")
    if not is_this_machine(arguments.host) and (
        arguments.token_file is None or arguments.certificate is None
    ):
        raise UsageError(
            f"--host {arguments.host} opens the service to other machines; give --token-file, --certificate and --key"
        )
    if arguments.relay is not None and arguments.token_file is not None:
        raise UsageError("--relay takes both tokens on the standard input; leave --token-file away")


def _https(certificate: Path, key: Path) -> dict[str, str]:
    """Uvicorn's options for https. Raises InputError where the files do not fit."""
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(
            f"The certificate {certificate} and the key {key} cannot be used ({reason}); give a pair of PEM files."
        ) from error
    return {"ssl_certfile": str(certificate), "ssl_keyfile": str(key)}


def serve(
    listener: socket.socket,
    token: str,
    load: Callable[[], Poser],
    most_waiting: int,
    deadline: float,
    https: dict[str, str] | None = None,
) -> None:
    """Answer on a listening socket until SIGINT or SIGTERM; ``https`` are Uvicorn's options for that.

    Raises:
        InstallError: a package is missing.
    """
    try:
        import uvicorn

        from ..jobs import JobQueue
        from ..service import application
    except ImportError as error:
        raise InstallError(f"The package {error.name} is missing; install Sketch2Pose again.") from error
    app = application(JobQueue(load, most_waiting=most_waiting, deadline=deadline), token)
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=64,
        timeout_graceful_shutdown=1,
        ssl_certfile=(https or {}).get("ssl_certfile"),
        ssl_keyfile=(https or {}).get("ssl_keyfile"),
    )
    uvicorn.Server(config).run(sockets=[listener])


class PipelinePoser:
    """Poses with the pipeline in this process.

    Args:
        engine: one of :data:`..engines.choice.ENGINES`.
        device: one of :data:`..engines.choice.DEVICES`.
        body: an SMPL .npz, None for the one that ships.

    Raises:
        InstallError, InputError: as :class:`..pipeline.Pipeline` and its engine do.
    """

    def __init__(self, engine: str = "auto", device: str = "auto", body: Path | None = None) -> None:
        from ..engines.choice import make_engine
        from ..pipeline import Pipeline

        # The others are left to the program that asks, such as Blender, which draws meanwhile.
        threads = max(1, (os.cpu_count() or 1) // 2)
        self._pipeline = Pipeline(make_engine(engine, device, threads), body=body)
        self.at_once = self._pipeline.at_once

    def pose(self, request: PoseRequest, report: Callable[[Stage, float], None]) -> PoseResult:
        """Pose a drawing. Raises InputError, or what ``report`` raises."""
        from ..pipeline import OFFERED_HYPOTHESES

        image = self._pipeline.pose(
            request.image,
            figures=request.figures,
            box=request.box,
            hypotheses=request.hypotheses or OFFERED_HYPOTHESES,
            report=report,
        )
        return PoseResult(self._pipeline.generator, (image,))


def exit_with_parent() -> None:
    """End this process when its standard input ends or its parent has gone, however that came about.

    The input's end tells it at once, on every system. A third process may have inherited the pipe and keep
    it open; then the parent's number, which changes when it dies, tells it (not on Windows, which inherits
    no handles here).
    """
    parent = os.getppid()

    def end() -> None:
        # Nothing is open or on disk that would need an orderly end.
        os._exit(0)

    def watch_input() -> None:
        while True:
            try:
                if not os.read(0, 4096):
                    break
            except OSError:
                break
        end()

    def watch_parent() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_SECONDS)
        end()

    threading.Thread(target=watch_input, name="input", daemon=True).start()
    if sys.platform != "win32":
        threading.Thread(target=watch_parent, name="parent", daemon=True).start()


def _first_line() -> str:
    """The first line on the standard input, read byte by byte so that none of the rest is taken."""
    line = bytearray()
    try:
        while len(line) < _MOST_TOKEN and (byte := os.read(0, 1)) not in (b"", b"\n"):
            line += byte
    except OSError:
        pass
    return line.decode("utf-8", "replace").strip()


def token_in(path: Path) -> str:
    """The token that a file holds. Raises InputError where it cannot be used, or others may read it."""
    try:
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise InputError(f"Others may read the token file {path}; run `chmod 600` on it.")
        with path.open("rb") as file:
            token = file.readline(_MOST_TOKEN).decode("utf-8", "replace").strip()
    except OSError as error:
        raise InputError(
            f"The token file {path} cannot be read ({error.strerror}); check its path."
        ) from error
    return _checked_token(token)


def _checked_token(token: str) -> str:
    if len(token) < 16 or not all("!" <= letter <= "~" for letter in token):
        raise InputError("The token is too short or has odd characters; give at least 16 letters and digits.")
    return token


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise InputError(
            f"The address {host} is not known ({error.strerror}); give this machine's own."
        ) from error
    listener = socket.socket(family, kind)
    if os.name == "posix":  # Windows would let two programs share the port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(64)
    except OSError as error:
        listener.close()
        raise InputError(
            f"The port {port} cannot be used ({error.strerror}); choose another one with --port."
        ) from error
    return listener


def _never_block_on_output() -> None:
    """Output that the parent does not fetch is dropped once the pipe is full."""
    if os.name == "posix":
        for number in (1, 2):
            os.set_blocking(number, False)


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 6 and int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port; give a number from 0 to 65535")


def _positive(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 7 and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number; give 1, 2, ...")
