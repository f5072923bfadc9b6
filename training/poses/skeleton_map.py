"""Which joint of a capture skeleton is which SMPL joint: one small table a skeleton family.

A table entry is the canonical name of the node that stands where the SMPL joint does. ``a>b`` means:
the joint stands at a and turns with b, for limbs that are split into several bones. ``name/end`` is the
free end below a joint. ``{s}`` is the side's letters, ``{i}`` the first of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from backend.errors import InputError
from backend.skeleton import JOINT_NAMES, JOINT_PARENTS

from .motion import Motion


@dataclass(frozen=True)
class Family:
    """Names of a family of skeletons: SMPL joint (without side) -> node, and how sides are written."""

    name: str
    sides: tuple[str, str]
    joints: dict[str, str]

    def node_names(self) -> dict[str, str]:
        """SMPL joint name -> table entry, sides filled in."""
        names: dict[str, str] = {}
        for joint, node in self.joints.items():
            if "{" in node:
                names |= {
                    f"{side}_{joint}": node.format(s=letters, i=letters[0])
                    for side, letters in zip(("left", "right"), self.sides, strict=True)
                }
            else:
                names[joint] = node
        return names


_MOTIONBUILDER_LIMBS = {
    "pelvis": "hips",
    "hip": "{s}upleg",
    "knee": "{s}leg",
    "ankle": "{s}foot",
    "foot": "{s}toebase",
    "collar": "{s}shoulder",
    "shoulder": "{s}arm",
    "elbow": "{s}forearm",
    "wrist": "{s}hand",
    "head": "head",
}

FAMILIES = (
    # Daz's abdomen and chest are a third and a half of the way from the hips to the head: spine1, spine3.
    Family("Daz or Poser", ("l", "r"), {
        "pelvis": "hip", "spine1": "abdomen", "spine3": "chest", "neck": "neck", "head": "head",
        "hip": "{s}thigh", "knee": "{s}shin", "ankle": "{s}foot", "foot": "{s}foot/end",
        "collar": "{s}collar", "shoulder": "{s}shldr", "elbow": "{s}forearm", "wrist": "{s}hand",
        "hand": "{s}mid1",
    }),
    # CMU's "neck" and "lowerneck" are the upper half of the chest; the neck that one sees is the next bone.
    Family("MotionBuilder, CMU", ("left", "right"), {
        **_MOTIONBUILDER_LIMBS,
        "spine1": "lowerback", "spine2": "spine", "spine3": "spine1", "neck": "neck1",
        "hand": "{s}handindex1",
    }),
    Family("CMU with plain limb names", ("left", "right"), {
        "pelvis": "hips", "spine1": "lowerback", "spine2": "chest", "spine3": "chest2",
        "neck": "neck", "head": "head",
        "hip": "{s}hip", "knee": "{s}knee", "ankle": "{s}ankle", "foot": "{s}toe",
        "collar": "{s}collar", "shoulder": "{s}shoulder", "elbow": "{s}elbow", "wrist": "{s}wrist",
        "hand": "{i}fingers",
    }),
    Family("Animated Drawings", ("left", "right"), {
        **_MOTIONBUILDER_LIMBS,
        "spine1": "spine1", "spine2": "spine2", "spine3": "spine3", "neck": "neck", "hand": "{s}handend",
    }),
    Family("MotionBuilder", ("left", "right"), {
        **_MOTIONBUILDER_LIMBS,
        "spine1": "spine", "spine2": "spine1", "spine3": "spine2", "neck": "neck",
        "hand": "{s}handmiddle1",
    }),
    Family("MakeHuman", ("l", "r"), {
        "pelvis": "root", "spine1": "spine04", "spine2": "spine03", "spine3": "spine02>spine01",
        "neck": "neck01>neck03", "head": "head",
        "hip": "upperleg01{s}>upperleg02{s}", "knee": "lowerleg01{s}", "ankle": "foot{s}", "foot": "toe31{s}",
        "collar": "clavicle{s}>shoulder01{s}", "shoulder": "upperarm01{s}>upperarm02{s}",
        "elbow": "lowerarm01{s}", "wrist": "wrist{s}", "hand": "finger31{s}",
    }),
    # CMU's "wrist" is the outer half of the forearm; the hand turns where "hand" begins.
    Family("CMU Acclaim", ("l", "r"), {
        "pelvis": "root", "spine1": "lowerback", "spine2": "upperback", "spine3": "thorax",
        "neck": "upperneck", "head": "head",
        "hip": "{s}femur", "knee": "{s}tibia", "ankle": "{s}foot", "foot": "{s}toes",
        "collar": "{s}clavicle", "shoulder": "{s}humerus", "elbow": "{s}radius", "wrist": "{s}hand",
        "hand": "{s}fingers",
    }),
    Family("SMPL names", ("left", "right"), {
        **{name: name for name in ("pelvis", "spine1", "spine2", "spine3", "neck", "head")},
        **{name: "{s}" + name for name in (
            "hip", "knee", "ankle", "foot", "collar", "shoulder", "elbow", "wrist", "hand",
        )},
    }),
)  # fmt: skip

#: A figure without one of these has no pose to convert; the others follow their parents.
_REQUIRED = (
    "pelvis", "neck", "head",
    "left_hip", "left_knee", "left_ankle", "left_shoulder", "left_elbow", "left_wrist",
    "right_hip", "right_knee", "right_ankle", "right_shoulder", "right_elbow", "right_wrist",
)  # fmt: skip


@dataclass(frozen=True)
class SkeletonMap:
    """The nodes of one skeleton that stand for SMPL joints.

    Attributes:
        family: whose table fits.
        places: SMPL joint -> node that stands there.
        turns: SMPL joint -> node that it turns with; the same node unless a limb is split.
    """

    family: str
    places: dict[int, int]
    turns: dict[int, int]


def canonical(name: str) -> str:
    """A node's name without namespace, case, blanks and marks: "mixamorig:LeftUp_Leg" -> "leftupleg"."""
    return re.sub(r"[^a-z0-9]", "", name.rsplit(":", 1)[-1].lower())


def map_skeleton(motion: Motion, file: str) -> SkeletonMap:
    """Find the family that names most of a skeleton's joints, and check that the joints hang together.

    Raises:
        InputError: joints that a figure needs are missing, or one does not hang below the one before it.
    """
    nodes: dict[str, int] = {}
    for node, (name, end) in enumerate(zip(motion.names, motion.ends, strict=True)):
        nodes.setdefault(canonical(name) + ("/end" if end else ""), node)
    found = max((_lookup(family, nodes) for family in FAMILIES), key=_fit)
    missing = [name.replace("_", " ") for name in _REQUIRED if JOINT_NAMES.index(name) not in found.places]
    if missing:
        listed = ", ".join(missing[:6]) + (f" and {len(missing) - 6} more" if len(missing) > 6 else "")
        raise InputError(
            f"{file} has no joint for {listed}; choose a skeleton of a whole person or add its names to "
            "training/poses/skeleton_map.py."
        )
    _check_structure(found, motion, file)
    return found


def _fit(found: SkeletonMap) -> tuple[int, int]:
    required = sum(JOINT_NAMES.index(name) in found.places for name in _REQUIRED)
    return required, len(found.places)


def _lookup(family: Family, nodes: dict[str, int]) -> SkeletonMap:
    places, turns = {}, {}
    for joint, entry in family.node_names().items():
        place, _, turn = entry.partition(">")
        if place in nodes and (not turn or turn in nodes):
            places[JOINT_NAMES.index(joint)] = nodes[place]
            turns[JOINT_NAMES.index(joint)] = nodes[turn or place]
    return SkeletonMap(family.name, places, turns)


def mapped_parent(joint: int, places: dict[int, int]) -> int:
    """The nearest ancestor of an SMPL joint that a skeleton has, or -1."""
    parent = JOINT_PARENTS[joint]
    while parent >= 0 and parent not in places:
        parent = JOINT_PARENTS[parent]
    return parent


def _check_structure(found: SkeletonMap, motion: Motion, file: str) -> None:
    for joint, place in found.places.items():
        parent = mapped_parent(joint, found.places)
        if parent < 0:
            continue
        node, above = place, found.places[parent]
        while node > above:
            node = int(motion.parents[node])
        # The arms and the neck of some skeletons hang on a lower spine bone than SMPL's.
        if node != above and JOINT_NAMES[parent] not in ("spine1", "spine2", "spine3"):
            raise InputError(
                f"{file} has a {JOINT_NAMES[joint].replace('_', ' ')} that does not hang below its "
                f"{JOINT_NAMES[parent].replace('_', ' ')}; choose a skeleton of a person."
            )
