"""Known families of rigs: which bone is which SMPL joint by name, from one data file a family.

A file of ``rig_maps/`` holds:

- ``name``: what a person calls the family;
- ``tested``: "files" where real rigs of it run in the tests, "names" where only its names were checked;
- ``prefixes``: beginnings of the stem that are left out (see :mod:`rig_names`), optional;
- ``marks``: regular expressions; of families that explain as many joints, the one counts that has such a name,
  optional;
- ``joints``: SMPL joint, without its side -> stems, the first that a rig has is taken;
- ``places``: SMPL joint -> the bone at whose head it is, where that is not its control's, optional;
- ``repeats``: SMPL joint -> another control that must turn as the joint does, optional;
- ``switches``: [bone, property, value] that put its limbs from IK to FK, optional;
- ``ik``: limbs that may stay in IK, each with the fields of :class:`IkLimb`, optional. ``joints`` are without
  their side; in a name ``{side}`` is L or R, ``{small}`` l or r, ``{word}`` left or right. A limb counts where the rig
  has all its bones, so that there may be several for the spellings of one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from .rig_mapping import RigMapping, Skeleton, map_skeleton
from .rig_names import PlainName, Side, bare_names, plain_name

#: Without these a name is a chance hit: no rig of a family lacks them.
_NEEDED = ("pelvis", "head", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
#: Of a mapping, with all of the spine, the collars and the toes.
_MOST_JOINTS = 22
_MIDDLE = ("pelvis", "spine1", "spine2", "spine3", "neck", "head")
_SIDES: tuple[Side, Side] = ("left", "right")


@dataclass(frozen=True)
class IkLimb:
    """The controls of a limb in IK.

    Attributes:
        joints: the three SMPL joints, the last one is where the end control is.
        shows: the bones that show the limb as it is evaluated, one for each joint.
        switch: (bone, property, value) that puts the limb to IK.
        end: the control that the limb reaches for.
        swing: the control that turns the limb about the line from its first joint to its last, or "".
        pole: the control that the middle joint points at instead, where the property ``pole_switch`` of the
            switch's bone is on, or where there is no swing.
        pole_switch: that property, or "".
        toe: the control of the toes, or "".
    """

    joints: tuple[str, str, str]
    shows: tuple[str, str, str]
    switch: tuple[str, str, float]
    end: str
    swing: str
    pole: str
    pole_switch: str
    toe: str


@dataclass(frozen=True)
class Family:
    """One family of rigs; see the module's text.

    Attributes:
        key: name of its file, without the ending.
        name: what a person calls it.
        tested: "files" or "names".
        prefixes: beginnings of the stem that are left out.
        marks: regular expressions of names that rigs with the same joints' names lack.
        joints: SMPL joint without its side -> stems.
        places: SMPL joint -> bone at whose head it is, where it is not at its own bone's.
        repeats: SMPL joint -> bone that must turn as the joint does, once the spine is posed.
        switches: (bone, property, value) that put limbs to FK.
        ik: limbs that may stay in IK.
    """

    key: str
    name: str
    tested: str
    prefixes: tuple[str, ...]
    marks: tuple[str, ...]
    joints: dict[str, tuple[str, ...]]
    places: dict[str, str]
    repeats: dict[str, str]
    switches: tuple[tuple[str, str, float], ...]
    ik: tuple[IkLimb, ...]


@cache
def families() -> tuple[Family, ...]:
    """All known families, those with more joints first."""
    found = []
    for path in sorted(Path(__file__).with_name("rig_maps").glob("*.json")):
        values = json.loads(path.read_text(encoding="utf-8"))
        found.append(
            Family(
                path.stem,
                values["name"],
                values["tested"],
                tuple(values.get("prefixes", ())),
                tuple(values.get("marks", ())),
                {joint: tuple(stems) for joint, stems in values["joints"].items()},
                values.get("places", {}),
                values.get("repeats", {}),
                tuple((str(b), str(p), float(v)) for b, p, v in values.get("switches", ())),
                tuple(_ik_limb(limb, side) for limb in values.get("ik", ()) for side in _SIDES),
            )
        )
    return tuple(sorted(found, key=lambda family: -len(family.joints)))


def _ik_limb(values: dict, side: str) -> IkLimb:
    def named(name: str) -> str:
        return name.format(side=side[0].upper(), small=side[0], word=side)

    first, middle, last = (f"{side}_{joint}" for joint in values["joints"])
    upper, lower, end = (named(name) for name in values["shows"])
    bone, switch, value = values["switch"]
    return IkLimb(
        (first, middle, last),
        (upper, lower, end),
        (named(bone), named(switch), float(value)),
        named(values["end"]),
        named(values.get("swing", "")),
        named(values["pole"]),
        values.get("pole_switch", ""),
        named(values.get("toe", "")),
    )


def find_joints(skeleton: Skeleton) -> tuple[Family | None, RigMapping]:
    """The joints of a skeleton by its bones' names, else by its structure; no bones where it is no humanoid.

    The structure of a rig of many hundred bones takes seconds: what was found last is kept.
    """
    mirrored = float(np.linalg.det(skeleton.matrix[:3, :3])) < 0
    heads, tails = (np.asarray(points, float).tobytes() for points in (skeleton.heads, skeleton.tails))
    return _found(skeleton.names, skeleton.parents, heads, tails, mirrored)


@lru_cache(maxsize=8)
def _found(
    names: tuple[str, ...], parents: tuple[int, ...], heads: bytes, tails: bytes, mirrored: bool
) -> tuple[Family | None, RigMapping]:
    points = [np.frombuffer(values).reshape(-1, 3) for values in (heads, tails)]
    skeleton = Skeleton(names, parents, points[0], points[1], np.diag([-1.0 if mirrored else 1.0, 1, 1, 1]))
    return match_family(skeleton) or (None, _with_named_sides(skeleton, map_skeleton(skeleton)))


def match_family(skeleton: Skeleton) -> tuple[Family, RigMapping] | None:
    """The family that explains most joints of a skeleton by their names, if one has all that it needs.

    Joints that the rig has but calls otherwise than its family does are found by its structure.
    """
    best = _best(skeleton, skeleton.names) or _best(skeleton, bare_names(skeleton.names))
    if best is None:
        return None
    family, bones = best
    sure = 1.0 if _in_order(skeleton, bones) else 0.6
    if not _stands(skeleton, bones):
        sure = 0.3
    names = {joint: skeleton.names[bone] for joint, bone in bones.items()}
    mapping = RigMapping(names, dict.fromkeys(names, sure), sure)
    # The bones of control rigs do not hang together as limbs do.
    return family, mapping if family.switches else _completed(skeleton, mapping)


def _with_named_sides(skeleton: Skeleton, mapping: RigMapping) -> RigMapping:
    """A mapping by structure, its left and right by the bones' names if these all say the same."""
    plain = dict(zip(skeleton.names, map(plain_name, bare_names(skeleton.names)), strict=True))
    sides = {joint: joint.partition("_")[0] for joint in mapping.bones if joint.startswith(_SIDES)}
    agree = [plain[mapping.bones[joint]].side == side for joint, side in sides.items()]
    if not sides or not all(plain[mapping.bones[joint]].side for joint in sides) or len(set(agree)) > 1:
        return mapping
    # What the structure says counts against them, or need not count any more.
    share = (1.0 if agree[0] else 1.0 - mapping.facing) / max(mapping.facing, 1e-3)
    bones, confidence = dict(mapping.bones), dict(mapping.confidence)
    for joint, side in sides.items():
        confidence[joint] = min(1.0, share * mapping.confidence[joint])
        if not agree[0]:
            other = "left" if side == "right" else "right"
            bones[joint] = mapping.bones[joint.replace(side, other)]
    return RigMapping(bones, confidence, min(confidence.values()))


def _best(skeleton: Skeleton, names: tuple[str, ...]) -> tuple[Family, dict[str, int]] | None:
    """The family that explains most of a skeleton with these names, and which bone it says is which joint."""
    plain = [plain_name(name) for name in names]
    best: tuple[tuple[int, int, int], Family, dict[str, int]] | None = None
    for family in families():
        joints = _sided(family)
        bones = _named(family, plain)
        if not {joint for joint in joints if joint.rpartition("_")[2] in _NEEDED} <= bones.keys():
            continue
        # Of two that explain as much, the one that expected no more, then the one whose mark is there.
        score = len(bones), len(bones) - len(joints), _marked(family, skeleton)
        if best is None or score > best[0]:
            best = score, family, bones
    return best and best[1:]


def _completed(skeleton: Skeleton, mapping: RigMapping) -> RigMapping:
    """The mapping and what the structure adds to it, where the structure says the same of all other joints."""
    if len(mapping.bones) >= _MOST_JOINTS:
        return mapping
    found = map_skeleton(skeleton)
    if any(found.bones.get(joint) != bone for joint, bone in mapping.bones.items()):
        return mapping
    more = {joint: sure for joint, sure in found.confidence.items() if joint not in mapping.bones}
    confidence = mapping.confidence | more
    return RigMapping(found.bones, confidence, min(confidence.values()))


def _marked(family: Family, skeleton: Skeleton) -> int:
    """1 where a mark of the family is there, -1 where it should be and is not."""
    if not family.marks:
        return 0
    return 1 if any(re.search(mark, name) for mark in family.marks for name in skeleton.names) else -1


def _sided(family: Family) -> dict[str, tuple[Side, tuple[str, ...]]]:
    """SMPL joint -> side and stems."""
    joints: dict[str, tuple[Side, tuple[str, ...]]] = {}
    for joint, stems in family.joints.items():
        if joint in _MIDDLE:
            joints[joint] = "", stems
        else:
            joints |= {f"{side}_{joint}": (side, stems) for side in _SIDES}
    return joints


def _named(family: Family, plain: list[PlainName]) -> dict[str, int]:
    """SMPL joint -> bone of those whose names the family knows."""
    places: dict[tuple[str, Side], int] = {}
    for bone, name in enumerate(plain):
        stem = name.stem
        for prefix in family.prefixes:
            if stem.startswith(prefix) and len(stem) > len(prefix):
                stem = stem[len(prefix) :]
                break
        places.setdefault((stem, name.side), bone)
    found: dict[str, int] = {}
    joints = _sided(family)
    # The chest first: where a rig has fewer spine bones than its family may have, the last one is the chest.
    for joint in sorted(joints, key=lambda joint: joint != "spine3"):
        side, stems = joints[joint]
        bones = [places[stem, side] for stem in stems if (stem, side) in places]
        free = [bone for bone in bones if bone not in found.values()]
        if free:
            found[joint] = free[0]
    return found


def _in_order(skeleton: Skeleton, bones: dict[str, int]) -> bool:
    """Whether limbs hang together as limbs do; control rigs and borrowed names may not."""
    chains = [("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")]
    return all(
        bones[f"{side}_{upper}"] in skeleton.ancestors(bones[f"{side}_{lower}"])
        for side in _SIDES
        for chain in chains
        for upper, lower in pairwise(chain)
    )


def _stands(skeleton: Skeleton, bones: dict[str, int]) -> bool:
    """Whether legs go the other way than the trunk; the bones of cats have the same names."""
    hips, ankles, shoulders = (
        skeleton.heads[[bones[f"{side}_{joint}"] for side in _SIDES]].mean(0)
        for joint in ("hip", "ankle", "shoulder")
    )
    legs, trunk = ankles - hips, shoulders - hips
    return float(legs @ trunk) <= -0.5 * float(np.linalg.norm(legs) * np.linalg.norm(trunk))
