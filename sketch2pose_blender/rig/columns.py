"""One property of many bones or keys at once, as an array: a thousand bones one by one take Blender a tenth of a second."""

from __future__ import annotations

from typing import Any

import numpy as np


def read_column(things: Any, name: str, *shape: int, kind: type = np.float32) -> np.ndarray:
    """(N, *shape) values of a property of all N things of one of Blender's collections, of the type ``kind``."""
    values = np.empty((len(things), *shape), kind)
    things.foreach_get(name, values.reshape(-1))
    return values


def write_column(things: Any, name: str, values: np.ndarray) -> None:
    """Set a property of all N things to (N, ...) values; who calls this tags what has to be evaluated again."""
    things.foreach_set(name, np.ascontiguousarray(values).reshape(-1))


def read_matrices(things: Any, name: str) -> np.ndarray:
    """(N, 4, 4) float64 matrices, which Blender hands out column by column."""
    return read_column(things, name, 4, 4).swapaxes(1, 2).astype(float)
