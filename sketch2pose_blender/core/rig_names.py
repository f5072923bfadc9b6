"""Bone names without their spelling: side and stem, whatever case, separators, prefixes and scripts are used."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

Side = Literal["left", "right", ""]

_SIDES: dict[str, Side] = {
    **dict.fromkeys(("l", "left", "lft", "lf"), "left"),
    **dict.fromkeys(("r", "right", "rgt", "rt"), "right"),
    "\u5de6": "left", "\u53f3": "right",
}  # fmt: skip

#: A word: letters of one case, a capitalised word, a run of capitals before one, a number, Japanese or Chinese.
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[\u3005-\u30ff\u4e00-\u9fff]+")
#: Sides that are written at the front of a word: "leftarm", and the characters for left and right.
_GLUED = re.compile(r"(left|right)(?=[a-z]{2})|(\u5de6|\u53f3)(?=.)")


@dataclass(frozen=True)
class PlainName:
    """A bone's name, taken apart.

    Attributes:
        stem: lower-case words without separators and without the side; numbers without leading zeros.
        side: the character's own side, or "" where the name says none.
    """

    stem: str
    side: Side


def plain_name(name: str) -> PlainName:
    """Take a bone's name apart: ``mixamorig:LeftUpLeg`` and ``Up_Leg.L`` are both ("upleg", "left")."""
    # Full-width letters become plain ones; a namespace ends at its last colon or bar.
    text = re.split(r"[:|]", unicodedata.normalize("NFKC", name))[-1]
    words = [word.lower() for word in _WORDS.findall(text)]
    side: Side = ""
    # The side stands at one end more often than in the middle ("Bip01 L Thigh").
    for place in sorted(range(len(words)), key=lambda k: min(k, len(words) - 1 - k)):
        if words[place] in _SIDES:
            side = _SIDES[words.pop(place)]
            break
    else:
        for place, word in enumerate(words):
            if glued := _GLUED.match(word):
                side = _SIDES[glued[0]]
                words[place] = word[glued.end() :]
                break
    return PlainName("".join(str(int(word)) if word.isdigit() else word for word in words), side)
