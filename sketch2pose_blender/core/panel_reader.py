"""What storyboards hold, as the backend's command ``panels`` tells it: read in a program of its own, never waiting.

A project may have thousands of boards, lie on a slow disk or be no project at all; Blender's window goes on meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .boundary import InputError, InstallError, SketchPoseError

#: Seconds of work in one call.
_BUDGET = 0.005
#: Bytes that are taken at once; a panel has some 400.
_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Panel:
    """One drawing of a storyboard, or an image file.

    Attributes:
        file: its name in results, such as ``scene.storyboarder#3``; no other panel has it.
        source: the file that it is in.
        name: what it is called.
        shot: name of its shot, "" where the file tells none.
        start: seconds from the beginning of its file, None where the file tells no times.
        duration: seconds that it is seen, or None.
        picture: an image file with the whole of it; None where it has to be put together first, or cannot be read.
        error: why it cannot be read, in one sentence, else None.
    """

    file: str
    source: str
    name: str
    shot: str = ""
    start: float | None = None
    duration: float | None = None
    picture: Path | None = None
    error: str | None = None


class PanelReader:
    """Reads which panels files hold; it is followed as a :class:`.client.PoseJob` is.

    Args:
        command: starts the backend's command ``panels``.
        inputs: files and folders, as a person names them.
        only: names of the panels whose pictures are wanted, put together where need be; None lists all of them,
            without such pictures.
        folder: where a folder of its own is made for the time, None for the system's.

    Raises:
        InstallError: the program cannot be started.
        InputError: the disk is full.
    """

    doing = "reading the storyboard"

    def __init__(
        self,
        command: Sequence[str],
        inputs: Sequence[str],
        only: Collection[str] | None = None,
        folder: str | None = None,
    ) -> None:
        self.panels: list[Panel] = []
        self.running = True
        self._start = time.monotonic()
        self._rest = b""
        self._folder = Path(tempfile.mkdtemp(prefix="sketch2pose-", dir=folder))
        try:
            self._begin(command, inputs, only)
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def _begin(self, command: Sequence[str], inputs: Sequence[str], only: Collection[str] | None) -> None:
        request: dict[str, Any] = {"inputs": list(inputs)}
        if only is not None:
            (pictures := self._folder / "pictures").mkdir()
            request |= {"only": sorted(only), "pictures": str(pictures)}
        asked, said, complaints = (self._folder / name for name in ("asked", "said", "complaints"))
        try:
            asked.write_text(json.dumps(request), encoding="utf-8")
            # Files take any amount: a pipe would be full, and the program would wait, until somebody reads on.
            with asked.open("rb") as given, said.open("wb") as out, complaints.open("wb") as errors:
                self._program = subprocess.Popen(  # noqa: S603
                    command,
                    stdin=given,
                    stdout=out,
                    stderr=errors,
                    cwd=Path(sys.executable).anchor or None,
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
        except OSError as error:
            raise InstallError(
                f"The pose program could not be started ({error.strerror}); install the extension again."
            ) from error
        self._said = said.open("rb")

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    @property
    def progress(self) -> float:
        """Nobody knows how many panels there are until they are read."""
        return 0.0 if self.running else 1.0

    def poll(self) -> list[Panel] | None:
        """All panels once they are read, None before; those that were read so far are in ``panels``. Never waits.

        Raises:
            SketchPoseError: the program failed, or it was cancelled.
        """
        if not self.running:
            return self.panels
        ended = self._program.poll()  # first, so that all it said is there to be read
        end = time.monotonic() + _BUDGET
        while time.monotonic() < end:
            piece = self._said.read(_CHUNK)
            *lines, self._rest = (self._rest + piece).split(b"\n")
            self.panels += map(_panel, lines)
            if not piece:
                if ended is not None:
                    self._end(ended)
                    return self.panels
                return None
        return None

    def _end(self, code: int) -> None:
        """The program has ended. Raises SketchPoseError where it has failed."""
        self.running = False
        self._said.close()
        if code:
            complaints = (
                (self._folder / "complaints").read_bytes()[-2000:].decode("utf-8", "replace").splitlines()
            )
            self.cancel()
            raise SketchPoseError(
                complaints[-1][:400]
                if complaints
                else f"Reading the storyboard ended with exit code {code}; try again."
            )

    def wait(self) -> list[Panel]:
        """The panels; waits for them."""
        while (panels := self.poll()) is None:
            time.sleep(0.005)
        return panels

    def cancel(self) -> None:
        """End the program, if it still runs, and delete the pictures that it made."""
        self.running = False
        self._said.close()
        self._program.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):  # it is collected when the next one is started
            self._program.wait(0.02)
        shutil.rmtree(self._folder, ignore_errors=True)


def _panel(line: bytes) -> Panel:
    """A line of the program's. Raises InputError where it is none of them."""
    try:
        values = json.loads(line)
        picture = values.pop("picture")
        return Panel(**values, picture=None if picture is None else Path(picture))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise InputError("What was read of the storyboard makes no sense; import it again.") from error
