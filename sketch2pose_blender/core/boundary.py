"""The one door to the backend package: its result types, its skeleton, and its body model (numpy only).

In the installed extension the backend lies inside this package; in the repository it lies beside it.
Nothing here runs a network: that happens in the child process of :mod:`.client`. Corrections are worked out here.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

_ROOT_PACKAGE = __name__.rsplit(".", 2)[0]


def _backend(name: str) -> ModuleType:
    try:
        return import_module(f"{_ROOT_PACKAGE}.backend.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{_ROOT_PACKAGE}.backend":
            raise
        return import_module(f"backend.{name}")


#: The modules that need NumPy. Importing NumPy takes a tenth of a second, so they are imported when something of
#: theirs is first asked for: starting the pose program needs nothing of it.
_WITH_NUMPY = ("body", "bvh", "correction", "kinematics", "motion")

if TYPE_CHECKING:
    from backend import address, api, body, bvh, correction, errors, kinematics, motion, skeleton

    Body = body.Body
    forward_kinematics = body.forward_kinematics
    global_rotations = body.global_rotations
    load_body = body.load_body
    local_rotations = body.local_rotations
    pose_body = body.pose_body
    rodrigues = body.rodrigues
    Clip = bvh.Clip
    write_bvh = bvh.write_bvh
    corrected_directions = correction.corrected_directions
    corrected_figure = correction.corrected_figure
    corrected_hypothesis = correction.corrected_hypothesis
    edit_of = correction.edit_of
    reading_of = correction.reading_of
    matrix_to_axis_angle = kinematics.matrix_to_axis_angle
    posed_keypoints = kinematics.posed_keypoints
    Motion = motion.Motion
    join = motion.join
    read_npz = motion.read_npz
    stand = motion.stand
    write_npz = motion.write_npz
else:
    address, api, errors, skeleton = (_backend(name) for name in ("address", "api", "errors", "skeleton"))

    def __getattr__(name: str) -> Any:
        """What the lines above name; Python calls this for names that the module does not have yet."""
        for module in _WITH_NUMPY if not name.startswith("__") else ():
            if hasattr(_backend(module), name):
                return globals().setdefault(name, getattr(_backend(module), name))
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


#: The program's version, as results name it.
VERSION = str(import_module(api.__package__ or "").__version__)
#: The folder that must be on the child's import path so that ``import backend`` works there.
IMPORT_FOLDER = Path(api.__file__).parents[1]

MOST_IMAGE_BYTES = api.MOST_IMAGE_BYTES
PROTOCOL = api.PROTOCOL
PROTOCOL_HEADER = api.PROTOCOL_HEADER
Box = api.Box
CameraPose = api.CameraPose
Corrections = api.Corrections
Figure = api.Figure
Generator = api.Generator
ImageResult = api.ImageResult
Hypothesis = api.Hypothesis
Failure = api.Failure
JobStatus = api.JobStatus
PoseRequest = api.PoseRequest
PoseResult = api.PoseResult
InputError = errors.InputError
InstallError = errors.InstallError
SketchPoseError = errors.SketchPoseError
JOINT_NAMES = skeleton.JOINT_NAMES
JOINT_PARENTS = skeleton.JOINT_PARENTS
KEYPOINT_MIRROR = skeleton.KEYPOINT_MIRROR
KEYPOINT_NAMES = skeleton.KEYPOINT_NAMES
KEYPOINT_PARENTS = skeleton.KEYPOINT_PARENTS
PART_ENDS = skeleton.PART_ENDS

is_this_machine = address.is_this_machine
read_address = address.read_address
figure_from_json = api.figure_from_json
figure_to_json = api.figure_to_json
failure_from_json = api.failure_from_json
status_from_json = api.status_from_json
read_poses = api.loads
write_text_of = api.dumps
