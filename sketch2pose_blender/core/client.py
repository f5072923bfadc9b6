"""Starts the backend as a child process for one image and asks it, without waiting, for the result."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from .boundary import IMPORT_FOLDER, InputError, InstallError, PoseResult, SketchPoseError, read_poses

#: Seconds after which a job is stopped. One image takes about a second; a slow disk at the first start, ten.
TIMEOUT = 120.0
_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
#: A result is at most this large, bytes; real ones have about 10,000.
_MAX_RESULT = 16_000_000


class PoseJob:
    """One image on its way through the backend.

    Args:
        image: the image file.
        body: an SMPL .npz to pose, None for the one that ships.
        import_folders: where the child finds the packages that come with the extension.
        temporary_folder: where the job keeps its files until it ends; None for the system's.
        timeout: seconds until the job is stopped.

    Raises:
        InstallError: the child process cannot be started.
    """

    def __init__(
        self,
        image: Path,
        *,
        body: Path | None = None,
        import_folders: Sequence[Path] = (),
        temporary_folder: Path | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self.image = image
        self.timeout = timeout
        self._start = time.monotonic()
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = Path(tempfile.mkdtemp(prefix="sketch2pose-", dir=temporary_folder))
        folders = os.pathsep.join(str(folder) for folder in (IMPORT_FOLDER, *import_folders))
        command = [sys.executable, "-I", "-X", "utf8", str(_BOOTSTRAP), folders]
        command += ["pose", str(image.absolute()), "--out", str(self._folder), "--format", "json"]
        command += ["--hypotheses", "8"]
        if body is not None:
            command += ["--body", str(body)]
        try:
            # A file, unlike a pipe, never fills up and blocks the child.
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(  # noqa: S603
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    cwd=self._folder,
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
        except OSError as error:
            self.cancel()
            raise InstallError(
                f"The pose program could not be started ({error.strerror}); install the extension again."
            ) from error

    @property
    def running(self) -> bool:
        """False once poll() has answered or raised, or the job was cancelled."""
        return self._process is not None

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def poll(self) -> PoseResult | None:
        """The result, or None while it is not there. Never waits.

        Raises:
            InputError: the image cannot be posed; the sentence says why.
            InstallError: the child process failed.
            SketchPoseError: the job ran out of time.
        """
        if self._process is None:
            raise SketchPoseError("The job has ended already; start a new one.")
        code = self._process.poll()
        if code is None:
            if self.elapsed < self.timeout:
                return None
            self.cancel()
            raise SketchPoseError(
                f"Posing took longer than {self.timeout:.0f} seconds and was stopped; try a smaller image."
            )
        try:
            return self._read_result(code)
        finally:
            self.cancel()

    def wait(self) -> PoseResult:
        """The result; waits for it. Raises what poll() raises."""
        while (result := self.poll()) is None:
            time.sleep(0.02)
        return result

    def cancel(self) -> None:
        """Stop the child process and remove the job's files; does nothing when it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _log(self) -> Path:
        return self._folder / "log.txt"

    def _last_words(self) -> str:
        """The last line that the child wrote on stderr; its end, if it is long."""
        with self._log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 300))
            lines = log.read().decode("utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def _read_result(self, code: int) -> PoseResult:
        path = self._folder / "poses.json"
        if code not in (0, 1) or not path.is_file():
            reason = self._last_words() or f"exit code {code}"
            raise InstallError(f"The pose program stopped without a result: {reason}")
        if path.stat().st_size > _MAX_RESULT:
            raise InstallError(
                "The pose program's result is too large to be true; install the extension again."
            )
        try:
            result = read_poses(path.read_bytes())
        except InputError as error:
            raise InstallError("The pose program's result is broken; install the extension again.") from error
        if not result.images:
            raise InstallError("The pose program's result holds no image; install the extension again.")
        image = result.images[0]
        if image.error is not None:
            raise InputError(image.error)
        if not image.figures:
            raise InputError("No figure was found in the image; choose a drawing of a whole person.")
        return result
