"""Random choices and numbers, one at a time: a drawing takes hundreds, and NumPy is made for many at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from typing import Any, TypeVar

import numpy as np

_Option = TypeVar("_Option")


class Chance(np.random.Generator):
    """A generator whose single numbers come quicker; they are the same ones."""

    def __init__(self, seed: int) -> None:
        super().__init__(np.random.PCG64(seed))

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        """As NumPy's."""
        return low + (high - low) * self.random() if size is None else super().uniform(low, high, size)


def pick(rng: np.random.Generator, options: Sequence[_Option], shares: Sequence[float] = ()) -> _Option:
    """One of the options, each by its share of 1, or all alike."""
    if not shares:
        return options[int(rng.random() * len(options))]
    return options[bisect_right(_ends(tuple(shares)), rng.random())]


@cache
def _ends(shares: tuple[float, ...]) -> list[float]:
    """Where the share of each option ends within 0..1."""
    ends = list(accumulate(shares))
    return [end / ends[-1] for end in ends]
