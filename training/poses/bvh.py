"""Reads BVH motion capture: a joint hierarchy with offsets and channels, then one line of values a frame.

Source: Meredith and Maddock, "Motion capture file formats explained", 2001.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field

import numpy as np

from backend.errors import InputError

from .motion import MAX_DEPTH, MAX_JOINTS, Motion, checked_numbers, euler_matrices

_MOTION = re.compile(r"^\s*MOTION\b", re.IGNORECASE | re.MULTILINE)
_TIMING = re.compile(r"\s*Frames\s*:\s*(\d{1,9})\s+Frame\s+Time\s*:\s*([0-9.eE+-]{1,30})\s", re.IGNORECASE)


@dataclass
class _Hierarchy:
    """What stands before the word MOTION; channels are (node, "position" or "rotation", axis)."""

    names: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    ends: list[bool] = field(default_factory=list)
    offsets: list[tuple[float, ...]] = field(default_factory=list)
    channels: list[tuple[int, str, str]] = field(default_factory=list)


def read_bvh(text: str, file: str) -> Motion:
    """Read the text of a BVH file.

    Args:
        text: all of it.
        file: what to call it in an error.

    Returns:
        The motion, angles in the order of the file's channels.

    Raises:
        InputError: the text is no BVH, is cut off, or its counts do not fit.
    """
    split = _MOTION.search(text)
    if not re.match(r"\s*HIERARCHY\b", text, re.IGNORECASE) or split is None:
        raise InputError(
            f"{file} is no whole BVH file: it has no HIERARCHY or no MOTION; get a sound copy of it."
        )
    hierarchy = _read_hierarchy(text[: split.start()], file)
    timing = _TIMING.match(text, split.end())
    if timing is None:
        raise InputError(f"{file} does not say its frames and frame time; get a sound copy of it.")
    frames, frame_time = int(timing[1]), _number(timing[2], file)
    if frames < 1 or not 1e-5 < frame_time < 1e4:
        raise InputError(
            f"{file} has {frames} frames of {frame_time:g} seconds, which is no motion; get another copy."
        )
    values = _read_values(text[timing.end() :], file)
    width = len(hierarchy.channels)
    if values.size != frames * width:
        raise InputError(
            f"{file} holds {values.size} values but its {frames} frames of {width} channels need "
            f"{frames * width}; get a whole copy of it."
        )
    return _motion(hierarchy, checked_numbers(values, file).reshape(frames, width), 1 / frame_time, file)


def _number(word: str, file: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise InputError(
            f"{file} has {word[:40]!r} where a number belongs; get a sound copy of it."
        ) from None


def _read_values(text: str, file: str) -> np.ndarray:
    with warnings.catch_warnings():
        # numpy reads up to the first word that is no number and only warns.
        warnings.simplefilter("error", DeprecationWarning)
        try:
            return np.fromstring(text, dtype=np.float64, sep=" ")
        except (ValueError, DeprecationWarning):
            raise InputError(
                f"{file} has words between the values of its motion; get a sound copy of it."
            ) from None


def _read_hierarchy(text: str, file: str) -> _Hierarchy:
    """Walk the nested joints with a stack of our own, so that no depth can break the interpreter."""
    found = _Hierarchy()
    stack: list[int] = []
    waiting: int | None = None  # the node whose opening brace is due
    lines = [line.split() for line in text.splitlines()]
    for words in lines:
        rest = words[1:] if words and words[0].upper() == "HIERARCHY" else words
        while rest:
            word = rest[0].upper()
            if word == "{" and waiting is not None:
                stack.append(waiting)
                waiting, rest = None, rest[1:]
            elif word == "}" and stack:
                stack.pop()
                rest = rest[1:]
            elif word in ("ROOT", "JOINT", "END") and waiting is None and (stack or not found.names):
                _add_node(found, word, rest, stack, file)
                waiting = len(found.names) - 1
                # The brace may stand on the same line; a name may hold blanks.
                rest = ["{"] if rest[-1] == "{" else []
            elif word == "OFFSET" and stack and len(rest) >= 4:
                found.offsets[stack[-1]] = tuple(_number(w, file) for w in rest[1:4])
                rest = rest[4:]
            elif word == "CHANNELS" and stack:
                rest = _add_channels(found, stack[-1], rest, file)
            else:
                raise InputError(
                    f"{file} has {rest[0][:40]!r} at a place in its hierarchy where it makes no sense; "
                    "get a sound copy of it."
                )
    if stack or waiting is not None or not found.names:
        raise InputError(f"{file} has a hierarchy that is cut off; get a whole copy of it.")
    if not found.channels:
        raise InputError(f"{file} has a skeleton without channels, so nothing moves; choose another file.")
    return found


def _add_node(found: _Hierarchy, word: str, rest: list[str], stack: list[int], file: str) -> None:
    if len(found.names) >= MAX_JOINTS or len(stack) >= MAX_DEPTH:
        raise InputError(
            f"{file} has more than {MAX_JOINTS} joints or nests them more than {MAX_DEPTH} deep; "
            "choose a skeleton of a person."
        )
    parent = stack[-1] if stack else -1
    if parent >= 0 and found.ends[parent]:
        raise InputError(f"{file} has a joint below the end of a bone; get a sound copy of it.")
    name = " ".join(w for w in rest[1:] if w != "{")
    found.names.append(found.names[parent] if word == "END" and parent >= 0 else name)
    found.parents.append(parent)
    found.ends.append(word == "END")
    found.offsets.append((0.0, 0.0, 0.0))


def _add_channels(found: _Hierarchy, node: int, rest: list[str], file: str) -> list[str]:
    count = rest[1] if len(rest) > 1 else ""
    names = rest[2 : 2 + int(count)] if count in ("0", "1", "2", "3", "4", "5", "6") else []
    kinds = [re.fullmatch(r"([xyz])(position|rotation)", name, re.IGNORECASE) for name in names]
    if len(names) != int(count if names else -1) and count != "0":
        raise InputError(f"{file} has a line of channels that does not add up; get a sound copy of it.")
    for name, kind in zip(names, kinds, strict=True):
        if kind is None:
            raise InputError(f"{file} has an unknown channel {name[:40]!r}; get a sound copy of it.")
        found.channels.append((node, kind[2].lower(), kind[1].lower()))
    return rest[2 + len(names) :]


def _motion(hierarchy: _Hierarchy, values: np.ndarray, rate: float, file: str) -> Motion:
    count = len(hierarchy.names)
    offsets = checked_numbers(np.array(hierarchy.offsets, np.float64), file)
    turns: dict[int, list[tuple[int, str]]] = {}
    places = np.full((count, 3), -1)
    for column, (node, kind, axis) in enumerate(hierarchy.channels):
        if kind == "rotation":
            turns.setdefault(node, []).append((column, axis))
        else:
            places[node, "xyz".index(axis)] = column
    rotations = np.tile(np.eye(3), (len(values), count, 1, 1))
    by_order: dict[str, list[int]] = {}
    for node, channels in turns.items():
        by_order.setdefault("".join(axis for _, axis in channels), []).append(node)
    for order, nodes in by_order.items():
        columns = np.array([[column for column, _ in turns[node]] for node in nodes])
        rotations[:, nodes] = euler_matrices(np.radians(values[:, columns]), order)
    return Motion(
        tuple(hierarchy.names),
        np.array(hierarchy.parents, np.int64),
        np.array(hierarchy.ends),
        offsets,
        rotations,
        _shifts(values, places, offsets),
        rate,
    )


def _shifts(values: np.ndarray, places: np.ndarray, offsets: np.ndarray) -> np.ndarray | None:
    """Displacements of joints below the root that have position channels.

    Some programs write the whole offset into the channels, others only what is added to it: whichever
    leaves the bones nearer to their rest lengths is meant.
    """
    moving = np.flatnonzero((places[1:] >= 0).all(1)) + 1
    if not len(moving):
        return None
    given = values[:, places[moving]]
    from_offset = given - offsets[moving]
    whole = np.abs(from_offset).sum((0, 2)) < np.abs(given).sum((0, 2))
    shifts = np.zeros((len(values), len(offsets), 3))
    shifts[:, moving] = np.where(whole[:, None], from_offset, given)
    return shifts if np.abs(shifts).max() > 0 else None
