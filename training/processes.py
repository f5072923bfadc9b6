"""Processes beside the main one: a thread each, and an end with their parent."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: Libraries behind NumPy start a thread a core; beside other processes these only get in each other's way.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Processes that are started meanwhile compute in one thread each; the matrices of drawings are small."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def serve_parent() -> None:
    """Leave Ctrl-C to the parent, and end when it ends, be it killed. For the child to call, first of all."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def beside(work: Callable[..., None], *arguments: Any) -> None:
    """``work(*arguments)`` in a process of its own: what its target is to be."""
    serve_parent()
    work(*arguments)


def _end_after(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)
