"""Reads Acclaim motion capture: a skeleton (.asf) and its motions (.amc), as the CMU database has them.

Source: Lander, "Working with motion capture file formats", Game Developer, January 1998.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from backend.errors import InputError

from .motion import MAX_DEPTH, MAX_JOINTS, Motion, checked_numbers, euler_matrices

#: The format does not say its frame rate; the CMU database's is 120.
ACCLAIM_RATE = 120.0


@dataclass(frozen=True, eq=False)
class AcclaimSkeleton:
    """The bones of an .asf file; bone 0 is the root and the rest pose is that of zero angles.

    Attributes:
        names: names of the B bones; parents come before their children.
        parents: (B,) int64, -1 for the root.
        tips: (B, 3) float64 rest vector from the start of a bone to its end, file units; zero for the root.
        axes: (B, 3, 3) float64 frames in which the bones' angles are meant.
        freedoms: what each bone's values are, in order: "rx", "tx", "l", ...
        degrees: whether angles are in degrees.
    """

    names: tuple[str, ...]
    parents: np.ndarray
    tips: np.ndarray
    axes: np.ndarray
    freedoms: tuple[tuple[str, ...], ...]
    degrees: bool


def read_asf(text: str, file: str) -> AcclaimSkeleton:
    """Read the text of an .asf file; ``file`` is what an error calls it. Raises InputError."""
    sections = _sections(text)
    missing = [name for name in ("root", "bonedata", "hierarchy") if name not in sections]
    if missing:
        raise InputError(
            f"{file} has no section :{missing[0]}, so it is no whole ASF file; get another copy."
        )
    units = _fields(sections.get("units", []))
    degrees = units.get("angle", ["deg"])[:1] != ["rad"]
    root = _fields(sections["root"])
    bones = _bones(sections["bonedata"], file)
    order = tuple(word.lower() for word in root.get("order", ["tx", "ty", "tz", "rx", "ry", "rz"]))
    unknown = [word for word in order if not re.fullmatch("[rt][xyz]", word)]
    if unknown:
        raise InputError(f"{file} has an unknown root channel {unknown[0][:40]!r}; get a sound copy of it.")
    parents = _hierarchy(sections["hierarchy"], set(bones), file)
    index = {name: i for i, name in enumerate(parents)}
    scale = 1.0 if not degrees else np.pi / 180
    letters = _axes(root.get("axis", ["xyz"])[0], file)
    axes = [euler_matrices(_vector(root, "orientation", file, 3)[::-1] * scale, letters[::-1])]
    tips, freedoms = [np.zeros(3)], [order]
    for name in list(parents)[1:]:
        bone = bones[name]
        tips.append(_vector(bone, "direction", file, 3) * _vector(bone, "length", file, 1))
        letters = _axes((bone.get("axis") or ["xyz"])[-1], file)
        axes.append(euler_matrices(_vector(bone, "axis", file, 3)[::-1] * scale, letters[::-1]))
        freedoms.append(tuple(word.lower() for word in bone.get("dof", [])))
    return AcclaimSkeleton(
        tuple(parents),
        np.array([index[p] if p else -1 for p in parents.values()], np.int64),
        checked_numbers(np.stack(tips), file),
        np.stack(axes),
        tuple(freedoms),
        degrees,
    )


def read_amc(text: str, skeleton: AcclaimSkeleton, file: str) -> Motion:
    """Read the text of an .amc file that moves ``skeleton``.

    Args:
        text: all of it.
        skeleton: the bones its lines name.
        file: what to call it in an error.

    Returns:
        The motion at 120 frames per second. Node b is the start of bone b; bones without children have
        a node at their end, too.

    Raises:
        InputError: the text is no AMC, is cut off, or names bones or counts that the skeleton has not.
    """
    words = re.sub(r"^[#:].*$", "", text, flags=re.MULTILINE).split()
    names, counts = _frame_layout(words, skeleton, file)
    width = 1 + len(names) + sum(counts)
    if len(words) % width:
        raise InputError(
            f"{file} holds {len(words)} words, which is no whole number of frames of {width}; "
            "get a whole copy of it."
        )
    table = np.array(words, dtype=np.str_).reshape(-1, width)
    starts = 1 + np.cumsum([0, *(1 + count for count in counts)])[:-1]
    if (table[:, starts] != np.array(names)).any():
        raise InputError(f"{file} does not name the same bones in every frame; get a sound copy of it.")
    rotations = np.tile(np.eye(3), (len(table), len(skeleton.names), 1, 1))
    to_radians = np.pi / 180 if skeleton.degrees else 1.0
    for name, start, count in zip(names, starts, counts, strict=True):
        bone = skeleton.names.index(name)
        try:
            values = table[:, start + 1 : start + 1 + count].astype(np.float64)
        except ValueError:
            raise InputError(f"{file} has words where numbers belong; get a sound copy of it.") from None
        checked_numbers(values, file)
        freedoms = skeleton.freedoms[bone]
        columns = [i for i, freedom in enumerate(freedoms) if freedom[0] == "r"][::-1]
        # The first axis turns first: Rz @ Ry @ Rx for rx ry rz.
        turn = euler_matrices(values[:, columns] * to_radians, "".join(freedoms[i][1] for i in columns))
        frame = skeleton.axes[bone]
        rotations[:, bone] = frame @ turn @ frame.T
    return _motion(skeleton, rotations)


def _frame_layout(words: list[str], skeleton: AcclaimSkeleton, file: str) -> tuple[list[str], list[int]]:
    """Bones of the first frame, in order, with the number of values each has."""
    known = dict(zip(skeleton.names, skeleton.freedoms, strict=True))
    names: list[str] = []
    counts: list[int] = []
    position = 1
    while position < len(words) and words[position] in known and words[position] not in names:
        names.append(words[position])
        counts.append(len(known[words[position]]))
        position += 1 + counts[-1]
    # Another frame begins with its number; anything else is a bone that the skeleton does not know.
    if not names or not words[0].isdigit() or (position < len(words) and not words[position].isdigit()):
        raise InputError(
            f"{file} does not fit its skeleton file; put the .asf it was captured with beside it."
        )
    return names, counts


def _motion(skeleton: AcclaimSkeleton, rotations: np.ndarray) -> Motion:
    count = len(skeleton.names)
    offsets = np.zeros((count, 3))
    offsets[1:] = skeleton.tips[skeleton.parents[1:]]
    leaves = np.setdiff1d(np.arange(1, count), skeleton.parents)
    identity = np.broadcast_to(np.eye(3), (len(rotations), len(leaves), 3, 3))
    return Motion(
        skeleton.names + tuple(skeleton.names[leaf] for leaf in leaves),
        np.concatenate([skeleton.parents, leaves]),
        np.arange(count + len(leaves)) >= count,
        np.concatenate([offsets, skeleton.tips[leaves]]),
        np.concatenate([rotations, identity], 1),
        None,
        ACCLAIM_RATE,
    )


def _sections(text: str) -> dict[str, list[list[str]]]:
    """Lines of words below each ``:keyword``."""
    sections: dict[str, list[list[str]]] = {}
    current: list[list[str]] = []
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if words and words[0].startswith(":"):
            current = sections.setdefault(words[0][1:].lower(), [])
        elif words:
            current.append(words)
    return sections


def _fields(lines: list[list[str]]) -> dict[str, list[str]]:
    return {words[0].lower(): words[1:] for words in lines}


def _bones(lines: list[list[str]], file: str) -> dict[str, dict[str, list[str]]]:
    """The begin ... end blocks by bone name."""
    bones: dict[str, dict[str, list[str]]] = {}
    block: list[list[str]] = []
    for words in lines:
        if words[0].lower() == "begin":
            block = []
        elif words[0].lower() == "end":
            fields = _fields(block)
            name = " ".join(fields.get("name", []))
            freedoms = [word.lower() for word in fields.get("dof", [])]
            if not name or any(not re.fullmatch("[rt][xyz]|l", word) for word in freedoms):
                raise InputError(
                    f"{file} has a bone without a name or with unknown freedoms; get a sound copy of it."
                )
            bones[name] = fields
        else:
            block.append(words)
    return bones


def _axes(word: str, file: str) -> str:
    if sorted(word.lower()) != ["x", "y", "z"]:
        raise InputError(f"{file} has an unknown order of axes {word[:40]!r}; get a sound copy of it.")
    return word.lower()


def _vector(fields: dict[str, list[str]], name: str, file: str, count: int) -> np.ndarray:
    try:
        values = np.array([float(word) for word in fields.get(name, [])[:count]])
    except ValueError:
        values = np.empty(0)
    if len(values) != count and name in ("orientation", "axis") and not fields.get(name):
        return np.zeros(count)
    if len(values) != count:
        raise InputError(f"{file} has a bone whose {name} is not {count} numbers; get a sound copy of it.")
    return checked_numbers(values, file)


def _hierarchy(lines: list[list[str]], bones: set[str], file: str) -> dict[str, str]:
    """Bone -> parent, parents first; the root's parent is the empty string."""
    children: dict[str, list[str]] = {}
    for words in lines:
        if words[0].lower() not in ("begin", "end"):
            children.setdefault(words[0], []).extend(words[1:])
    parents, depth = {"root": ""}, {"root": 0}
    queue = ["root"]
    while queue:
        parent = queue.pop(0)
        for name in children.get(parent, []):
            if name in parents or name not in bones:
                raise InputError(
                    f"{file} has a hierarchy that does not fit its bones at {name[:40]!r}; get another copy."
                )
            parents[name], depth[name] = parent, depth[parent] + 1
            if len(parents) > MAX_JOINTS or depth[name] > MAX_DEPTH:
                raise InputError(
                    f"{file} has more than {MAX_JOINTS} joints or nests them more than {MAX_DEPTH} deep; "
                    "choose a skeleton of a person."
                )
            queue.append(name)
    return parents
