"""Batching: drawings that are posed at once share the network's runs, which a GPU does hardly slower for many.

Measured on one processor core there is nothing to gain: 15.3 ms a figure by itself, 14.5 in batches of 8, 15.3 in
batches of 32 (ONNX Runtime; PyTorch 28, 22 and 25 to 32). So only engines on a GPU are wrapped in it.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future

import numpy as np

from ..keypoints import Engine, NetworkOutput

#: So many drawings are posed at once on a GPU.
AT_ONCE = 8
#: Crops in one run at most: what a small GPU's memory takes.
MOST_CROPS = 64


class BatchingEngine:
    """Another engine, for many threads at once.

    Nobody waits for a batch to fill: whoever finds the engine idle runs what is there, and what comes meanwhile
    is the next batch.

    Attributes:
        name: that of the engine inside.
        device: likewise.
        weights_id: likewise.
    """

    def __init__(self, engine: Engine) -> None:
        """Wrap ``engine``, which is only ever used by one thread at a time."""
        self._engine = engine
        self._waiting: deque[tuple[np.ndarray, Future[NetworkOutput]]] = deque()
        self._idle = threading.Lock()
        self.name = engine.name
        self.device = engine.device
        self.weights_id = engine.weights_id

    def predict(self, crops: np.ndarray) -> NetworkOutput:
        """Run the keypoint network on (N, 192, 192) float32 standardised crops, with those of other threads."""
        answer: Future[NetworkOutput] = Future()
        self._waiting.append((crops, answer))
        with self._idle:
            # Whoever held the lock before may have run these too.
            while not answer.done():
                self._run(self._next())
        return answer.result()

    def _next(self) -> list[tuple[np.ndarray, Future[NetworkOutput]]]:
        """The next batch: at least one, and as many as fit."""
        batch = [self._waiting.popleft()]
        size = len(batch[0][0])
        while self._waiting and size + len(self._waiting[0][0]) <= MOST_CROPS:
            batch.append(self._waiting.popleft())
            size += len(batch[-1][0])
        return batch

    def _run(self, batch: list[tuple[np.ndarray, Future[NetworkOutput]]]) -> None:
        try:
            output = self._engine.predict(np.concatenate([crops for crops, _ in batch]))
        except Exception as error:  # noqa: BLE001 - each of those who asked is told
            for _, answer in batch:
                answer.set_exception(error)
            return
        finally:
            self.device = self._engine.device  # it may have fallen back to the processor
        start = 0
        for crops, answer in batch:
            part = slice(start, start + len(crops))
            answer.set_result(output.changed(lambda _, values, part=part: values[part]))
            start += len(crops)
