"""The one door to the backend package: its result types, its skeleton, and its body model (numpy only).

In the installed extension the backend lies inside this package; in the repository it lies beside it.
Nothing here runs a network: that happens in the child process of :mod:`.client`.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

_ROOT_PACKAGE = __name__.rsplit(".", 2)[0]


def _backend(name: str) -> ModuleType:
    try:
        return import_module(f"{_ROOT_PACKAGE}.backend.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{_ROOT_PACKAGE}.backend":
            raise
        return import_module(f"backend.{name}")


if TYPE_CHECKING:
    from backend import api, body, bvh, errors, kinematics, motion, skeleton
else:
    api, body, bvh, errors, kinematics, motion, skeleton = (
        _backend(name) for name in ("api", "body", "bvh", "errors", "kinematics", "motion", "skeleton")
    )

#: The folder that must be on the child's import path so that ``import backend`` works there.
IMPORT_FOLDER = Path(api.__file__).parents[1]

Body = body.Body
CameraPose = api.CameraPose
Clip = bvh.Clip
Hypothesis = api.Hypothesis
Motion = motion.Motion
PoseResult = api.PoseResult
InputError = errors.InputError
InstallError = errors.InstallError
SketchPoseError = errors.SketchPoseError
JOINT_NAMES = skeleton.JOINT_NAMES
JOINT_PARENTS = skeleton.JOINT_PARENTS
KEYPOINT_NAMES = skeleton.KEYPOINT_NAMES
PART_ENDS = skeleton.PART_ENDS

forward_kinematics = body.forward_kinematics
global_rotations = body.global_rotations
load_body = body.load_body
local_rotations = body.local_rotations
matrix_to_axis_angle = kinematics.matrix_to_axis_angle
pose_body = body.pose_body
read_npz = motion.read_npz
read_poses = api.loads
rodrigues = body.rodrigues
stand = motion.stand
write_bvh = bvh.write_bvh
write_npz = motion.write_npz
