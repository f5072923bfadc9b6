"""The frames of a storyboard's panels, by the times of its files."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from .boundary import InputError
from .panel_reader import Panel

#: The last frame that Blender plays.
LAST_FRAME = 1_048_574


def panel_frames(panels: Sequence[Panel], first: int, rate: float, seconds: float) -> list[tuple[int, int]]:
    """When each panel is seen: its frame and for how many frames.

    Frames are rounded from the board's own times, so that errors do not add up. Files follow each other; panels
    without times too, each for so many seconds.

    Args:
        panels: in order.
        first: frame of the first one's file.
        rate: frames a second.
        seconds: how long a panel is seen whose file does not tell.

    Raises:
        InputError: they last longer than Blender has frames.
    """
    starts: list[int] = []
    ends: list[int] = []
    end = begin = 0.0
    for _, file in groupby(panels, key=lambda panel: panel.source):
        begin = end
        for panel in file:
            start = end if panel.start is None else begin + panel.start
            end = start + (panel.duration or seconds)
            # No two at one frame, whatever the file says.
            starts.append(max(first + round(start * rate), starts[-1] + 1 if starts else first))
            ends.append(max(first + round(end * rate), starts[-1] + 1))
    if ends and ends[-1] > LAST_FRAME:
        raise InputError("The storyboard is longer than a scene can be; import a part of it.")
    # A panel is seen until the next one, though its file may say that it lasts longer.
    nexts = [*starts[1:], LAST_FRAME]
    return [(start, min(end, after) - start) for start, end, after in zip(starts, ends, nexts, strict=True)]
