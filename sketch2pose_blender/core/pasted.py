"""An image that another program hands out, which may take its time: read without ever waiting for it."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Sequence

from .boundary import MOST_IMAGE_BYTES, InputError

#: Seconds for the program.
PATIENCE = 10.0


class Pasted:
    """The content of an image file as a program writes it to its standard output.

    Args:
        command: starts the program.

    Raises:
        InputError: it cannot be started.
    """

    def __init__(self, command: Sequence[str]) -> None:
        import tempfile  # not before something is pasted

        # A file takes any amount: a pipe would be full, and the program would wait, until somebody reads on.
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - until close()
        self._start = time.monotonic()
        try:
            self._program = subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.DEVNULL, stdout=self._output, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            self._output.close()
            raise _nothing() from error

    def poll(self) -> bytes | None:
        """The image, or None while it is not there. Never waits.

        Raises:
            InputError: there is none.
        """
        code = self._program.poll()
        if code is None:
            if time.monotonic() - self._start < PATIENCE:
                return None
            raise InputError(
                "The program that holds the clipboard does not hand out its image; copy the image again."
            )
        self._output.seek(0)
        content = self._output.read(MOST_IMAGE_BYTES + 1)
        self.close()
        if code or not content:
            raise _nothing()
        return content

    def close(self) -> None:
        """End the program, if it still runs."""
        self._output.close()
        self._program.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):  # it is collected when the next one is started
            self._program.wait(0.02)


def _nothing() -> InputError:
    return InputError("There is no image on the clipboard; copy an image or its file's path.")
