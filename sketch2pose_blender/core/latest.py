"""Asks about something that changes: one request at a time, always about its newest state."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .boundary import PoseResult
    from .client import PoseJob

#: An act that goes on counts as paused after so many seconds, and looks, without a change. The looks matter where
#: drawing the screen takes long: then much time passes between two changes that follow each other.
PAUSE = 0.1
LOOKS = 3


class Latest:
    """Follows changes with one request at a time; the last change wins.

    The end of an act is asked about at once, and what was asked within the act is given up. Where one end
    follows another faster than answers come, the next request waits for the answer to the one before, so that
    something is answered however fast the changes are.

    Args:
        ask: starts a request about the state as it is now; None where there is nothing new to ask.
        clock: seconds.
    """

    def __init__(
        self, ask: Callable[[], PoseJob | None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._changed: float | None = None
        self._looks = 0
        self._due = False
        self._asked_at_end = False
        self.job: PoseJob | None = None

    def change(self, *, ended: bool) -> None:
        """Something has changed.

        Args:
            ended: whether the act that changed it is over, such as a stroke whose pen is lifted. If not, it
                is asked about once nothing changes for a while.

        Raises what ``ask`` raises.
        """
        if not ended:
            self._changed, self._looks = self._clock(), 0
        elif self._asked_at_end and self.job is not None:
            self._changed, self._due = None, True
        else:
            self.renew()
            self._asked_at_end = True

    def renew(self) -> None:
        """Ask now, and give up what was asked before. Raises what ``ask`` raises."""
        self._changed, self._due, self._asked_at_end = None, False, False
        self.cancel()
        self.job = self._ask()

    def poll(self) -> PoseResult | None:
        """The newest answer, or None while there is none; each is given once. Never waits.

        Raises what ``ask`` and the job raise; the request is over then.
        """
        self._looks += 1
        paused = self._changed is not None and self._clock() - self._changed >= PAUSE
        if (paused and self._looks >= LOOKS) or (self._due and self.job is None):
            self.renew()
        if self.job is None:
            return None
        try:
            result = self.job.poll()
        except BaseException:
            self.job = None
            raise
        if result is not None:
            self.job = None
        return result

    def cancel(self) -> None:
        """Give up the request that is on its way, if one is."""
        if self.job is not None:
            self.job.cancel()
            self.job = None
