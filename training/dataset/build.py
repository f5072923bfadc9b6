"""Builds the missing shards of a data set: one process, several, or Ray tasks; the bytes are the same."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import cv2

from backend.errors import InputError

from ..processes import ONE_THREAD, one_thread_each, serve_parent
from .shards import Plan, build_shard, load_machine

#: What a worker needs for one shard: folder, shard, plan, pose bank.
Task = tuple[Path, int, Plan, Path]


def build(tasks: list[Task], workers: int, ray: bool) -> Iterator[tuple[int, str]]:
    """Build shards in any order; yields (shard, sha256) as each is finished.

    Raises InputError when Ray is asked for and is not installed.
    """
    if ray:
        yield from _with_ray(tasks, workers)
    elif workers <= 1:
        yield from map(build_one, tasks)
    else:
        # A fresh interpreter each: numba and OpenCV threads do not survive a fork.
        with one_thread_each():
            pool = multiprocessing.get_context("spawn").Pool(workers, serve_parent)
        with pool:
            yield from pool.imap_unordered(build_one, tasks)


def build_one(task: Task) -> tuple[int, str]:
    """Build one shard. Returns its number and sha256."""
    folder, shard, plan, poses = task
    cv2.setNumThreads(1)
    return shard, build_shard(folder, shard, plan, _machine(poses, plan))


_machine = cache(load_machine)


def _with_ray(tasks: Iterable[Task], workers: int) -> Iterator[tuple[int, str]]:
    try:
        import ray
    except ModuleNotFoundError as error:
        raise InputError("Ray is not installed; install it with: pip install 'sketch2pose[ray]'.") from error
    started = not ray.is_initialized()
    if started:  # a cluster's address comes from RAY_ADDRESS, else Ray starts on this machine
        ray.init(num_cpus=max(workers, 1), include_dashboard=False, log_to_driver=False)
    try:
        remote = ray.remote(max_retries=2, runtime_env={"env_vars": ONE_THREAD})(build_one)
        waiting = [remote.remote(task) for task in tasks]
        while waiting:
            done, waiting = ray.wait(waiting)
            yield ray.get(done[0])
    finally:
        if started:
            ray.shutdown()
