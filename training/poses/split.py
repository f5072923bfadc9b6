"""Which clips networks are validated on: a fixed list of names, the same for every bank."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path, PurePosixPath

import numpy as np

from backend.errors import InputError


def clip_name(file: str) -> str:
    """What a recording is called in the list, from its path: the stem, lower case.

    A stem of nothing but digits says little, so its folder goes before it: ``salsa/10.bvh`` is
    ``salsa_10``. A copy of a clip in another format or folder keeps its name, and so its split.
    """
    path = PurePosixPath(file.replace("\\", "/"))
    stem = f"{path.parent.name}_{path.stem}" if path.stem.isdigit() else path.stem
    return stem.lower()


@cache
def validation_clips() -> frozenset[str]:
    """The names of the clips that no training pose may come from."""
    text = Path(__file__).with_name("validation_clips.txt").read_text(encoding="utf-8")
    return frozenset(text.split())


def held_out(names: np.ndarray) -> np.ndarray:
    """(N,) bool: which of N clip names are validated on."""
    return np.isin(names, sorted(validation_clips()))


def names_beside(bank: Path, clip_id: np.ndarray) -> np.ndarray:
    """(N,) str clip names of a bank that holds numbers only, from the list of clips beside it.

    The list has the bank's name or, for a bank called ``poses_...``, that of its clips: ``clips_...``.
    Raises InputError where there is none, for then nobody can tell which poses are validated on.
    """
    lists = (bank.with_suffix(".json"), bank.with_name(bank.stem.replace("poses", "clips") + ".json"))
    found = next((path for path in lists if path.is_file()), None)
    if found is None:
        raise InputError(
            f"{bank} does not name its clips; put its list of clips, {lists[0].name}, beside it."
        )
    try:
        names = {
            int(clip["id"]): clip_name(clip["file"]) for clip in json.loads(found.read_text(encoding="utf-8"))
        }
        return np.array([names[number] for number in clip_id.tolist()])
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise InputError(f"{found} is no list of the clips of {bank.name}; write the bank again.") from error
