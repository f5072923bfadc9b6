"""Falling back: an engine computes on the best device that works, and goes on with the next where one fails."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod

import numpy as np

from ..errors import SketchPoseError
from ..keypoints import NetworkOutput

_log = logging.getLogger(__name__)


class FallingBack(ABC):
    """An engine with devices to choose from; a subclass says how one of them is opened and run.

    Attributes:
        name: the engine's.
        device: what it runs on now.
    """

    name: str
    device: str
    #: The devices that are left, best first.
    _devices: list[str]

    def predict(self, crops: np.ndarray) -> NetworkOutput:
        """Run the keypoint network.

        Args:
            crops: (N, 192, 192) float32, each standardised.
        """
        while True:
            try:
                return self._run(crops)
            except Exception as error:  # out of the device's memory, a driver that fell over
                if len(self._devices) == 1:
                    raise
                self._give_up(error)
                self._start()

    def _start(self) -> None:
        """Go to the first device that can be opened. Raises what _refusal() says where none can."""
        while True:
            self.device = self._devices[0]
            try:
                self._open()
            except Exception as error:  # the runtimes raise types of their own that share no base
                if len(self._devices) == 1:
                    raise self._refusal(error) from error
                self._give_up(error)
            else:
                return

    def _give_up(self, error: Exception) -> None:
        _log.warning(
            "The engine %s failed on %s and goes on without it: %s", self.name, self._devices[0], error
        )
        del self._devices[0]

    @abstractmethod
    def _open(self) -> None:
        """Make the network ready on self.device, and see that a prediction works: drivers fail only there."""

    @abstractmethod
    def _run(self, crops: np.ndarray) -> NetworkOutput:
        """Run the network on self.device."""

    @abstractmethod
    def _refusal(self, error: Exception) -> SketchPoseError:
        """What is said where the last device could not be opened."""
