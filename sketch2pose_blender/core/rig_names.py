"""Bone names without their spelling: side and stem, whatever case, separators, prefixes and scripts are used."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
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
#: A side that is one capital before others: "LUArm".
_CAPITAL = re.compile(r"(?<![A-Za-z])([LR])(?=[A-Z][A-Z][a-z])")
#: The fifth bone of the loins is not left.
_VERTEBRA = re.compile(r"[ctlCTL][0-9]{1,2}")
#: What says something of a bone that its name says already: "NPC L Thigh [LThg]".
_BRACKETS = re.compile(r"\[[^]]*\]")
_FIRST_WORD, _LAST_WORD = (
    re.compile(r"^[\W_]*([^\W_]+)[\W_]+(?=.)"),
    re.compile(r"(?<=.)[\W_]+([^\W_]+)[\W_]*$"),
)
#: What this share of a rig's names have in common says nothing of the bones.
_COMMON = 0.75
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


@lru_cache(maxsize=4096)  # most rigs' bones are asked for again and again
def plain_name(name: str) -> PlainName:
    """Take a bone's name apart: ``mixamorig:LeftUpLeg`` and ``Up_Leg.L`` are both ("upleg", "left")."""
    # Full-width letters become plain ones; a namespace ends at its last colon or bar.
    text = re.split(r"[:|]", unicodedata.normalize("NFKC", name))[-1]
    text = _CAPITAL.sub(r"\1 ", _BRACKETS.sub("", text))
    words = [word.lower() for word in _WORDS.findall(text)]
    side: Side = ""
    if _VERTEBRA.fullmatch(text):
        return PlainName(text.lower(), side)
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


def bare_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names of bones without what most of them share: numbers that count the bones, the first and the last word.

    ``Character1_LeftArm``, ``l_arm_JNT`` and ``LeftArm_012`` among others like them are ``LeftArm``, ``l_arm`` and
    ``LeftArm``.
    """
    found = list(names)
    numbered = [re.fullmatch(r"(.+)_(\d+)", name) for name in found]
    numbers = [match[2] for match in numbered if match]
    if len(numbers) >= _COMMON * len(found) and len(set(numbers)) == len(numbers):
        found = [match[1] if match else name for match, name in zip(numbered, found, strict=True)]
    for edge in (_FIRST_WORD, _LAST_WORD):
        while (less := _without_common(found, edge)) != found:
            found = less
    return tuple(found)


def _without_common(names: list[str], edge: re.Pattern[str]) -> list[str]:
    matches = [edge.search(name) for name in names]
    words = Counter(match[1].lower() for match in matches if match)
    for word, count in words.most_common(1):
        if count >= _COMMON * len(names) and word not in _SIDES:
            return [
                name[: match.start()] + name[match.end() :] if match and match[1].lower() == word else name
                for match, name in zip(matches, names, strict=True)
            ]
    return names
