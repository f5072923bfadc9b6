"""The table of a rig's bones: which is which joint. Kept with the armature, edited by the artist, saved as presets."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from ..core.boundary import JOINT_NAMES, InputError
from ..core.rig_mapping import RigMapping

#: Joints that a table has rows for: hands and their fingers follow the wrist.
JOINTS = tuple(name for name in JOINT_NAMES if not name.endswith("hand"))
#: The schema of preset files.
_PRESET = "sketch2pose-rig/1"


@dataclass(frozen=True, eq=False)
class RigTable:
    """What is kept with an armature.

    Attributes:
        mapping: joint -> bone, with confidence.
        family: key of the family of rigs, or "".
        reference: bone -> (4, 4) pose, armature space, of the pose that counts as the resting one.
    """

    mapping: RigMapping
    family: str
    reference: dict[str, np.ndarray]


def kept_table(armature: bpy.types.Object) -> RigTable | None:
    """The table of an armature, or None where it has none."""
    kept = getattr(armature, "sketch2pose_rig", None)
    if kept is None or not len(kept.joints):
        return None
    rows = [row for row in kept.joints if row.bone and row.name in JOINTS]
    mapping = RigMapping({r.name: r.bone for r in rows}, {r.name: r.confidence for r in rows}, 1.0)
    return RigTable(mapping, kept.family, _read_reference(kept.reference))


def keeps_ik(armature: bpy.types.Object) -> bool:
    """Whether the artist wants limbs that are in IK to stay in IK."""
    kept = getattr(armature, "sketch2pose_rig", None)
    return kept is not None and kept.keep_ik


def keep_table(armature: bpy.types.Object, mapping: RigMapping, family: str, title: str) -> None:
    """Write a table to an armature, a row for every joint."""
    kept = armature.sketch2pose_rig
    try:
        kept.joints.clear()
    except TypeError as error:  # Blender lets no rows be changed here
        raise InputError(
            f"The table of {armature.name} can be changed only in the file that it is linked from."
        ) from error
    kept.family, kept.title = family, title
    for joint in JOINTS:
        try:
            row = kept.joints.add()
        except TypeError as error:
            raise InputError(
                f"{armature.name} is an override of a linked rig and can keep no table; make one in its own file."
            ) from error
        row.name = joint
        row.bone = mapping.bones.get(joint, "")
        row.confidence = mapping.confidence.get(joint, 0.0)


def keep_reference(armature: bpy.types.Object) -> None:
    """From now on the present pose counts as the resting one: a T-pose that the artist has set."""
    matrices = {bone.name: np.array(bone.matrix).round(6).tolist() for bone in armature.pose.bones}
    armature.sketch2pose_rig.reference = json.dumps(matrices)


def _read_reference(text: str) -> dict[str, np.ndarray]:
    try:
        found = {str(name): np.array(matrix, float) for name, matrix in json.loads(text or "{}").items()}
    except (ValueError, TypeError, AttributeError):
        return {}
    return {n: m for n, m in found.items() if m.shape == (4, 4) and np.isfinite(m).all()}


def save_preset(path: Path, name: str, bones: Mapping[str, str]) -> None:
    """Write a table's bones to a file. Raises InputError when that cannot be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"schema": _PRESET, "name": name, "bones": dict(bones)}, indent=1)
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); choose another place.") from error


def read_preset(path: Path) -> dict[str, str]:
    """Joint -> bone of a preset file. Raises InputError for a file that is none."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["schema"] != _PRESET:
            raise InputError(f"{path.name} is of another version; save the rig's bones again.")
        return {str(joint): str(bone) for joint, bone in values["bones"].items() if joint in JOINTS}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path.name} holds no rig's bones; choose a file that Save Bones has written."
        ) from error
