"""The torch engine's own Python environment, in the user's folder: whether it is there, made, removed.

PyTorch is 200 MB to 5 GB and has many dependencies, so it is neither in the zip nor ever put where Blender
or another extension would find it. A child process does the work; nothing here waits for it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Literal

from .install_torch import COMPLETE, python_of

REQUIREMENTS = Path(__file__).with_name("torch_requirements.txt")
_PROGRAM = Path(__file__).with_name("install_torch.py")
#: Seconds that a cancelled installation has to clean up; then it is ended.
_PATIENCE = 20.0

State = Literal["absent", "unfinished", "ready", "installing", "cancelling", "removing"]


class TorchEnvironment:
    """The environment in a folder.

    Attributes:
        folder: where it is, or will be.
        text: what the child does now; one sentence once something went wrong, else "".
        fraction: how much of that is done, 0..1; None where that cannot be told.
        failed: whether ``text`` says what went wrong.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.text = ""
        self.fraction: float | None = None
        self.failed = False
        self._child: subprocess.Popen[bytes] | None = None
        self._doing: Literal["installing", "cancelling", "removing"] = "installing"
        self._said = b""
        self._deadline = 0.0

    @property
    def state(self) -> State:
        """What there is, or what is being done."""
        if self._child is not None:
            return self._doing
        if (self.folder / COMPLETE).is_file() and self.python.exists():
            return "ready"
        return "unfinished" if self.folder.exists() else "absent"

    @property
    def busy(self) -> bool:
        """Whether a child process is at work."""
        return self._child is not None

    @property
    def python(self) -> Path:
        """The interpreter to run the backend with, once the state is "ready"."""
        return python_of(self.folder)

    @property
    def versions(self) -> dict[str, Any]:
        """Of an environment that is ready: "torch", "python", and "cuda", the graphics card's name or None."""
        try:
            found = json.loads((self.folder / COMPLETE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def install(self, wheels: Path | None = None) -> None:
        """Start to make it, in place of what is there.

        Args:
            wheels: a folder of wheels to install from, without a network; None for pip's package index.
        """
        self._start("installing", str(self.folder), str(REQUIREMENTS), *([str(wheels)] if wheels else []))

    def remove(self) -> None:
        """Start to delete it."""
        self._start("removing", "--remove", str(self.folder))

    def cancel(self) -> None:
        """Stop making it; what was made is removed."""
        if self._child is not None and self._doing == "installing":
            self._doing = "cancelling"
            self._deadline = time.monotonic() + _PATIENCE
            self.text, self.fraction = "Cancelling", None
            assert self._child.stdin is not None
            self._child.stdin.close()

    def poll(self) -> None:
        """Take in what the child has said; call it now and then. Never waits."""
        if self._child is None:
            return
        code = self._child.poll()  # first, so that all it said is there to be read
        self._said += self._read()
        *lines, self._said = self._said.split(b"\n")
        for line in lines:
            self._take(line)
        if code is None:
            if self._doing == "cancelling" and time.monotonic() > self._deadline:
                self._child.kill()
            return
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()
        cancelled = self._doing == "cancelling"
        self._child = None
        self.fraction = None
        if cancelled:
            self.text, self.failed = "Cancelled.", False
        elif code and not self.failed:
            self.text, self.failed = f"The installation stopped (exit code {code}); try again.", True
        elif not code:
            self.text = ""

    def close(self) -> None:
        """For the end: what is being made is cancelled, what is being removed goes on; nobody watches."""
        self.cancel()
        if self._child is not None and self._child.stdout is not None:
            self._child.stdout.close()
        self._child = None

    def _start(self, doing: Literal["installing", "removing"], *arguments: str) -> None:
        assert self._child is None
        self._doing, self.text, self.fraction, self.failed, self._said = doing, "Starting", None, False, b""
        try:
            self._child = subprocess.Popen(  # noqa: S603
                [sys.executable, "-I", "-X", "utf8", str(_PROGRAM), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                cwd=Path(sys.executable).anchor or None,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            self.text, self.failed = f"The installation could not be started ({error.strerror}).", True
            return
        if os.name == "posix":
            assert self._child.stdout is not None
            os.set_blocking(self._child.stdout.fileno(), False)

    def _read(self) -> bytes:
        """What the child has written, without waiting for more."""
        assert self._child is not None
        assert self._child.stdout is not None
        number = self._child.stdout.fileno()
        try:
            if sys.platform == "win32":
                import _winapi
                import msvcrt

                there = _winapi.PeekNamedPipe(msvcrt.get_osfhandle(number), 0)[0]
                return os.read(number, there) if there else b""
            return os.read(number, 65536)
        except OSError:  # nothing there now, or never again
            return b""

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            return
        if self._doing == "cancelling" or not isinstance(message, dict):
            return
        if "error" in message:
            self.text, self.failed = str(message["error"]), True
        elif "text" in message:
            self.text, self.fraction = str(message["text"]), message.get("fraction")
