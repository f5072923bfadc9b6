"""The readings of a drawing, kept with the armature that was posed from it: they survive save and reload."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from __future__ import annotations

import json
from collections.abc import Sequence

import bpy

from ..core.boundary import CameraPose, Hypothesis

#: The armature's custom property.
_PROPERTY = "sketch2pose_readings"
_VERSION = 1


def keep_readings(armature: bpy.types.Object, hypotheses: Sequence[Hypothesis], shown: int = 0) -> None:
    """Write the readings to the armature; ``shown`` is the one it is posed by."""
    armature[_PROPERTY] = json.dumps(
        {
            "version": _VERSION,
            "shown": shown,
            "readings": [
                {
                    "score": round(h.score, 4),
                    "global_orient": h.global_orient,
                    "body_pose": h.body_pose,
                    "betas": h.betas,
                }
                for h in hypotheses
            ],
        }
    )


def kept_readings(armature: bpy.types.Object | None) -> tuple[list[Hypothesis], int]:
    """The armature's readings and which one is shown; none where there are none or they are damaged."""
    text = armature.get(_PROPERTY) if armature is not None else None
    try:
        values = json.loads(text or "")
        if values["version"] != _VERSION:
            return [], 0
        readings = [
            Hypothesis(
                float(r["score"]),
                _vector(r["global_orient"]),
                tuple(_vector(v) for v in r["body_pose"]),
                tuple(float(v) for v in r["betas"]),
                CameraPose(1.0, 0.0, 0.0),
                {},
            )
            for r in values["readings"]
        ]
        whole = all(len(r.body_pose) == 23 for r in readings)
        return (readings, int(values["shown"]) % len(readings)) if whole else ([], 0)
    except (TypeError, ValueError, KeyError, ZeroDivisionError):
        return [], 0


def _vector(values: Sequence[float]) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
