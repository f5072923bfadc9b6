"""Poses an armature where its drawing is, seen from where it was drawn."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIndexIssue=false, reportArgumentType=false

from __future__ import annotations

import json
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Vector

from ..core.boundary import (
    JOINT_NAMES,
    JOINT_PARENTS,
    KEYPOINT_NAMES,
    KEYPOINT_PARENTS,
    PART_ENDS,
    Body,
    Figure,
    Hypothesis,
    InputError,
    local_rotations,
    pose_body,
)
from ..core.paper import Paper
from ..core.placement import (
    DrawnFigure,
    Fit,
    SeenFigure,
    Stand,
    drawn_figure,
    seen_figure,
    stand,
    stretches,
    with_rotations,
)
from ..core.rest_frames import as_seen_from_the_front, fit_rest_frame
from ..core.retarget import Target
from ..core.sketch import View
from .humanoid import Humanoid, find_humanoid, pose_humanoid, read_target
from .posing import apply_pose, find_smpl_armature

#: The armature's custom property.
PROPERTY = "sketch2pose_placement"
_VERSION = 1
_N_JOINTS = len(JOINT_NAMES)
_INDEX = {name: joint for joint, name in enumerate(JOINT_NAMES)}
#: A bone can be stretched where the next joint is at its end, to this share of its length.
_AT_END = 0.15


@dataclass(frozen=True, eq=False)
class Placement:
    """How a figure is to stand for its drawing.

    Attributes:
        view: from where the drawing is seen; its pixels are those of the drawing.
        anchor: (3,) world, a point of the drawing; None where only the figure's size tells the distance.
        fit: how the figure's size is found.
        on_ground: whether its lowest point is at z = 0.
        stretch: whether bones get the drawing's lengths.
    """

    view: View
    anchor: np.ndarray | None
    fit: Fit = "scale"
    on_ground: bool = False
    stretch: bool = False


@dataclass(frozen=True, eq=False)
class _Rig:
    """What of an armature its place depends on.

    Attributes:
        keypoints: (30, 3) T-pose in its own proportions, SMPL rest frame, armature units.
        to_armature: (3, 3) SMPL rest frame -> armature space.
        unit: armature units a metre of the body.
        bones: SMPL joint -> bone's name.
        used: (30,) bool, keypoints that it has.
    """

    keypoints: np.ndarray
    to_armature: np.ndarray
    unit: float
    bones: dict[str, str]
    used: np.ndarray
    humanoid: Humanoid | None


class Seeing:
    """Turns poses, as they are read, to where an armature's drawing is seen from.

    Args:
        armature: an SMPL armature or another humanoid rig.
        body: the body that poses are read for.
        placement: from where the drawing is seen.

    Raises:
        InputError: the armature is no humanoid, or scaled to nothing.
    """

    def __init__(self, armature: bpy.types.Object, body: Body, placement: Placement) -> None:
        self.placement = placement
        self._body = body
        self._armature = armature
        self._rest = np.asarray(body.rest_keypoints(), float)
        self.rig = _read_rig(armature, self._rest)
        bpy.context.view_layer.update()
        matrix = np.array(armature.matrix_world)[:3, :3]
        self.scale = float(np.cbrt(abs(np.linalg.det(matrix))))
        if self.scale < 1e-9:
            raise InputError(f"{armature.name} is scaled to nothing; give it a size.")
        self._upright = np.array(armature.matrix_world.to_3x3().normalized())

    def look(
        self, keypoints: np.ndarray, scores: np.ndarray, hypothesis: Hypothesis
    ) -> tuple[DrawnFigure, SeenFigure]:
        """The figure on the picture, and the armature before the camera that covers it.

        Args:
            keypoints: (30, 2) pixels of the placement's view.
            scores: (30,) 0..1.
            hypothesis: the pose as it was read.
        """
        rest = self._rest
        if any(hypothesis.betas):
            rest = np.asarray(self._body.rest_keypoints(np.array(hypothesis.betas, np.float32)), float)
        drawn = drawn_figure(self.placement.view, keypoints, scores, hypothesis, rest)
        return drawn, seen_figure(drawn, self.rig.keypoints, self.rig.used)

    def turned(self, seen: SeenFigure, hypothesis: Hypothesis) -> Hypothesis:
        """The pose that, taken for one seen from the armature's front, looks as drawn from the view."""
        to_world = self.placement.view.rotation @ seen.rotations
        local = local_rotations(to_world)
        local[0] = self.rig.to_armature.T @ self._upright.T @ to_world[0]
        return with_rotations(hypothesis, as_seen_from_the_front(local))

    def paper(self, pelvis: np.ndarray) -> Paper:
        """The picture as a plane at the distance of (3,) the pelvis in the world; in the armature's space."""
        view = self.placement.view
        corners = view.at_depth(np.array([[0.0, 0], [1, 0], [0, 1]]), float(view.to_camera(pelvis)[2]))
        origin, right, down = view.from_camera(corners)
        inverse = np.array(self._armature.matrix_world.inverted())
        return Paper(origin, right - origin, down - origin).transformed(inverse)


def keypoints_of(figure: Figure) -> tuple[np.ndarray, np.ndarray]:
    """(30, 2) pixels and (30,) scores of a figure's keypoints."""
    points = [figure.keypoints[name] for name in KEYPOINT_NAMES]
    return np.array([point.xy for point in points], float), np.array([point.score for point in points], float)


def pose_in_view(
    armature: bpy.types.Object,
    figure: Figure,
    hypothesis: Hypothesis,
    body: Body,
    placement: Placement,
    key_frame: float | None = None,
    *,
    move_object: bool = False,
) -> tuple[list[str], Paper]:
    """Pose an armature so that it covers its drawing.

    Args:
        armature: an SMPL armature or another humanoid rig.
        figure: as it was read; its keypoints are pixels of the placement's view.
        hypothesis: the reading of it that is shown.
        body: the body that it was read for.
        placement: from where it is seen, and how it is to stand.
        key_frame: the frame to key at, None for no keys.
        move_object: whether the object is moved, rather than the pelvis bone.

    Returns:
        Names of bones that were left alone, and where the drawing's pixels lie, in the armature's space.

    Raises:
        InputError: the armature is no humanoid.
    """
    seeing = Seeing(armature, body, placement)
    rig = seeing.rig
    drawn, seen = seeing.look(*keypoints_of(figure), hypothesis)
    place = _stand(seen, rig, body, hypothesis, placement, seeing.scale)
    turned = seeing.turned(seen, hypothesis)
    if placement.fit == "scale":
        armature.scale = [value * place.scale / seeing.scale for value in armature.scale]
    if rig.humanoid is None:
        apply_pose(armature, turned, body, key_frame)
        left_alone = []
    else:
        left_alone = pose_humanoid(rig.humanoid, turned, body, key_frame)
    _stretch(armature, rig, drawn, seen, placement, key_frame)
    _move_pelvis(armature, rig.bones["pelvis"], place.pelvis, key_frame, move_object=move_object)
    keep_placement(armature, placement)
    return left_alone, seeing.paper(place.pelvis)


def keep_placement(armature: bpy.types.Object, placement: Placement) -> None:
    """Write to the armature how it was placed: it survives save and reload."""
    anchor = None if placement.anchor is None else placement.anchor.tolist()
    armature[PROPERTY] = json.dumps(
        {
            "version": _VERSION,
            "view": placement.view.to_plain(),
            "anchor": anchor,
            "fit": placement.fit,
            "on_ground": placement.on_ground,
            "stretch": placement.stretch,
        }
    )


def kept_placement(armature: bpy.types.Object | None) -> Placement | None:
    """How the armature was placed; None where it was not, or where that is damaged."""
    text = armature.get(PROPERTY) if armature is not None else None
    try:
        values = json.loads(text or "")
        if values["version"] != _VERSION or values["fit"] not in ("scale", "distance"):
            return None
        anchor = None if values["anchor"] is None else np.array(values["anchor"], float).reshape(3)
        view = View.from_plain(values["view"])
        return Placement(view, anchor, values["fit"], bool(values["on_ground"]), bool(values["stretch"]))
    except (InputError, TypeError, ValueError, KeyError):
        return None


def forget_placement(armature: bpy.types.Object) -> None:
    """The armature stands where it was put, and no longer for a drawing."""
    if PROPERTY in armature:
        del armature[PROPERTY]


def _stand(
    seen: SeenFigure, rig: _Rig, body: Body, hypothesis: Hypothesis, placement: Placement, present: float
) -> Stand:
    clearance = None
    if placement.on_ground:
        rotations = local_rotations(placement.view.rotation @ seen.rotations).astype(np.float32)
        posed = pose_body(body, rotations, np.array(hypothesis.betas, np.float32))
        flesh = float(posed.joints[:, 2].min() - posed.vertices[:, 2].min())
        heights = seen.keypoints[:_N_JOINTS] @ placement.view.rotation[2]
        clearance = rig.unit * flesh - float(heights.min())
    return stand(seen, placement.view, placement.fit, placement.anchor, present, clearance)


def _read_rig(armature: bpy.types.Object, rest_keypoints: np.ndarray) -> _Rig:
    if find_smpl_armature(armature) is not None:
        heads = np.array([armature.data.bones[name].head_local for name in JOINT_NAMES], float)
        axes, unit = fit_rest_frame(heads, rest_keypoints[:_N_JOINTS])
        own = _with_surface(heads @ axes, rest_keypoints, unit)
        return _Rig(own, axes, unit, {n: n for n in JOINT_NAMES}, np.ones(len(own), bool), None)
    humanoid = find_humanoid(armature)
    if humanoid is None:
        raise InputError(
            f"No arms, legs and spine were found among the bones of {armature.name}; select a humanoid rig."
        )
    target = read_target(humanoid, rest_keypoints[:_N_JOINTS])
    joints = _t_pose(target, rest_keypoints[:_N_JOINTS])
    used = np.array([name in target.places for name in KEYPOINT_NAMES])
    own = _with_surface(joints, rest_keypoints, target.scale)
    return _Rig(own, target.to_armature, target.scale, humanoid.mapping.bones, used, humanoid)


def _with_surface(joints: np.ndarray, rest_keypoints: np.ndarray, unit: float) -> np.ndarray:
    """(30, 3) keypoints of (24, 3) joints; nose, toes, tips of the hands as the body has them, scaled."""
    parents = list(KEYPOINT_PARENTS[_N_JOINTS:])
    return np.concatenate(
        [joints, joints[parents] + unit * (rest_keypoints[_N_JOINTS:] - rest_keypoints[parents])]
    )


def _t_pose(target: Target, rest_joints: np.ndarray) -> np.ndarray:
    """(24, 3) joints of a T-pose with the rig's lengths, SMPL rest frame, armature units.

    The trunk is as the rig rests; a limb, which may rest in another pose, points as the body's does.
    """
    heads = target.reference[0]
    places = {_INDEX[name]: target.to_armature.T @ heads[bone] for name, bone in target.places.items()}
    joints = np.empty_like(rest_joints)
    joints[0] = places[0]
    ratios = dict.fromkeys(range(_N_JOINTS), target.scale)
    for joint in sorted(places)[1:]:
        chain = [joint]
        while JOINT_PARENTS[chain[-1]] not in places:
            chain.append(JOINT_PARENTS[chain[-1]])
        above = JOINT_PARENTS[chain[-1]]
        own = np.linalg.norm(places[joint] - places[above])
        source = np.linalg.norm(rest_joints[joint] - rest_joints[above])
        for link in chain:
            ratios[link] = float(own / max(source, 1e-9))
    for joint in range(1, _N_JOINTS):
        parent = JOINT_PARENTS[joint]
        on_trunk = joint in places and parent in places and JOINT_NAMES[parent] in ("pelvis", "spine3")
        link = (
            places[joint] - places[parent]
            if on_trunk
            else ratios[joint] * (rest_joints[joint] - rest_joints[parent])
        )
        joints[joint] = joints[parent] + link
    return joints


def _move_pelvis(
    armature: bpy.types.Object, bone: str, goal: np.ndarray, key_frame: float | None, *, move_object: bool
) -> None:
    pelvis = armature.pose.bones[bone]
    fixed = (
        move_object
        or all(tuple(pelvis.lock_location))
        or (pelvis.bone.use_connect and pelvis.parent is not None)
    )
    # A second round takes what constraints and scaled parents leave.
    for _ in range(2):
        bpy.context.view_layer.update()
        delta = Vector(goal.tolist()) - armature.matrix_world @ pelvis.head
        if fixed:
            parent = armature.matrix_world @ armature.matrix_basis.inverted()
            armature.location += parent.to_3x3().inverted() @ delta
            continue
        own = pelvis.matrix.to_3x3() @ pelvis.matrix_basis.to_3x3().inverted()
        pelvis.location += own.inverted() @ armature.matrix_world.to_3x3().inverted() @ delta
    if key_frame is not None and not fixed:
        pelvis.keyframe_insert("location", frame=key_frame, group=bone)
    bpy.context.view_layer.update()


def _stretch(
    armature: bpy.types.Object,
    rig: _Rig,
    drawn: DrawnFigure,
    seen: SeenFigure,
    placement: Placement,
    key_frame: float | None,
) -> None:
    """Give bones the drawn lengths, or take back what an earlier drawing has stretched."""
    before = kept_placement(armature)
    if not placement.stretch and not (before is not None and before.stretch):
        return
    stretchable = {}
    for joint, end in enumerate(PART_ENDS):
        name = rig.bones.get(JOINT_NAMES[joint])
        # Several things hang on pelvis and chest, which would all be pulled along.
        if name is None or JOINT_NAMES[joint] in ("pelvis", "spine3"):
            continue
        bone = armature.data.bones[name]
        following = rig.bones.get(JOINT_NAMES[end]) if end < _N_JOINTS else None
        tip = armature.data.bones[following].head_local if following else bone.tail_local
        if (end >= _N_JOINTS and rig.humanoid is None) or (
            following and (tip - bone.tail_local).length < _AT_END * bone.length
        ):
            stretchable[end - 1] = armature.pose.bones[name]
    bones = np.isin(np.arange(len(KEYPOINT_NAMES) - 1), list(stretchable))
    factors = stretches(drawn, seen, rig.keypoints, bones) if placement.stretch else np.ones(len(bones))
    for number, pose_bone in stretchable.items():
        pose_bone.scale = (1.0, float(factors[number]), 1.0)
        for child in pose_bone.bone.children:
            child.inherit_scale = "NONE"
        if key_frame is not None:
            pose_bone.keyframe_insert("scale", frame=key_frame, group=pose_bone.name)
