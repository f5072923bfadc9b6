"""Choices at random. A drawing makes dozens of them, and NumPy's ``choice`` takes ten times as long."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from typing import TypeVar

import numpy as np

_Option = TypeVar("_Option")


def pick(rng: np.random.Generator, options: Sequence[_Option], shares: Sequence[float] = ()) -> _Option:
    """One of the options, each by its share of 1, or all alike; the same one as ``rng.choice`` gives."""
    if not shares:
        return options[int(rng.integers(len(options)))]
    return options[bisect_right(_ends(tuple(shares)), rng.random())]


@cache
def _ends(shares: tuple[float, ...]) -> list[float]:
    """Where the share of each option ends within 0..1."""
    ends = list(accumulate(shares))
    return [end / ends[-1] for end in ends]
