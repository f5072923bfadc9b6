"""Many panels posed one after the other, without ever waiting; one that fails does not end the others."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from .boundary import ImageResult, InputError, InstallError, SketchPoseError
from .client import PoseJob, ServerError
from .panel_reader import PanelReader

#: So many panels are on their way at once: while one is posed the next ones are sent.
AT_ONCE = 3
#: So often a panel is sent where the pose program dies: it may have been another one's fault.
_TRIES = 2
#: After so many panels in a row at which the pose program died, it is given up.
_MOST_DEATHS = 2
#: Why a panel fails that its file has no more.
_GONE = InputError("The panel is no longer in its file; import the storyboard again.")


class PanelBatch:
    """The panels on their way; followed as a :class:`.client.PoseJob` is.

    Args:
        pictures: panel's name in results -> its image file; None where ``reader`` puts it together.
        submit: starts the job of an image file, given its panel's name.
        take: is given each panel's name and result as it comes.
        reader: puts pictures together, None where every panel has one.
    """

    def __init__(
        self,
        pictures: Mapping[str, Path | None],
        submit: Callable[[Path, str], PoseJob],
        take: Callable[[str, ImageResult], None],
        reader: PanelReader | None = None,
    ) -> None:
        self.running = True
        #: Names of the panels that were posed.
        self.posed: set[str] = set()
        #: Panel's name -> why it could not be posed, one sentence.
        self.failed: dict[str, str] = {}
        self._names = list(pictures)
        self._submit, self._take, self._taken = submit, take, 0
        #: The first is what is still read; the other one's pictures lie there until the end.
        self._reader, self._read_out = reader, reader
        self._waiting = deque((name, path) for name, path in pictures.items() if path is not None)
        self._jobs: dict[str, tuple[Path, PoseJob]] = {}
        self._tries: dict[str, int] = {}
        self._at_once, self._deaths = AT_ONCE, 0
        self._start = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    @property
    def progress(self) -> float:
        """0..1."""
        done = self._done + sum(job.progress for _, job in self._jobs.values())
        return min(done / max(len(self._names), 1), 1.0)

    @property
    def doing(self) -> str:
        """What is done now, in words."""
        first = next((job.doing for _, job in self._jobs.values()), "") or "reading the storyboard"
        return f"panel {min(self._done + 1, len(self._names))} of {len(self._names)}, {first}"

    @property
    def _done(self) -> int:
        return len(self.posed) + len(self.failed)

    def poll(self) -> PanelBatch | None:
        """Itself once every panel is posed or has failed, None before. Never waits.

        Raises:
            InstallError: a part of the installation is missing or damaged.
            ServerError: the pose program dies again and again.
        """
        if self._reader is not None:
            self._read()
        while self._waiting and len(self._jobs) < self._at_once:
            name, path = self._waiting.popleft()
            self._jobs[name] = path, self._submit(path, name)
        for name, (path, job) in list(self._jobs.items()):
            self._look(name, path, job)
        if self._jobs or self._waiting or self._reader is not None:
            return None
        self.running = False
        return self

    def _read(self) -> None:
        """Take the pictures that have been put together by now."""
        assert self._reader is not None
        try:
            ended = self._reader.poll() is not None
        except InstallError:
            raise
        except SketchPoseError as error:
            sentence, ended = str(error), True
        else:
            sentence = str(_GONE)
        for panel in self._reader.panels[self._taken :]:
            if panel.picture is not None:
                self._waiting.append((panel.file, panel.picture))
            else:
                self.failed[panel.file] = panel.error or sentence
        self._taken = len(self._reader.panels)
        if ended:
            known = {*self.posed, *self.failed, *self._jobs, *(name for name, _ in self._waiting)}
            self.failed |= dict.fromkeys((name for name in self._names if name not in known), sentence)
            self._reader = None

    def _look(self, name: str, path: Path, job: PoseJob) -> None:
        """Look whether a panel's job has ended."""
        try:
            result = job.poll()
        except InstallError:
            raise
        except ServerError as error:
            del self._jobs[name]
            # From now on one by one, which tells whose fault it is.
            self._at_once = 1
            self._tries[name] = self._tries.get(name, 0) + 1
            if self._tries[name] < _TRIES:
                self._waiting.appendleft((name, path))
                return
            self._deaths += 1
            if self._deaths == _MOST_DEATHS:
                raise
            self.failed[name] = str(error)
        except SketchPoseError as error:
            del self._jobs[name]
            self.failed[name] = str(error)
        else:
            if result is not None:
                del self._jobs[name]
                self._deaths = 0
                self.posed.add(name)
                self._take(name, result.images[0])

    def wait(self) -> PanelBatch:
        """Itself; waits for the end."""
        while (batch := self.poll()) is None:
            time.sleep(0.005)
        return batch

    def cancel(self) -> None:
        """Give up what is on its way, and delete pictures that were made."""
        self.running = False
        for _, job in self._jobs.values():
            job.cancel()
        if self._read_out is not None:
            self._read_out.cancel()
