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
    frames: list[tuple[int, int]] = []
    end = begin = 0.0
    for _, file in groupby(panels, key=lambda panel: panel.source):
        begin = end
        for panel in file:
            start = end if panel.start is None else begin + panel.start
            end = start + (panel.duration or seconds)
            frame = first + round(start * rate)
            if frames:  # no two at one frame, whatever the file says
                frame = max(frame, frames[-1][0] + 1)
            frames.append((frame, max(first + round(end * rate) - frame, 1)))
    if frames and sum(frames[-1]) > LAST_FRAME:
        raise InputError("The storyboard is longer than a scene can be; import a part of it.")
    return frames
