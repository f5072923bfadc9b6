"""Limbs that stay in IK: their controls are put where the limb ends as its FK controls have it."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportArgumentType=false, reportOperatorIssue=false

from __future__ import annotations

from collections.abc import Sequence
from math import atan2

import bpy
import numpy as np
from mathutils import Matrix, Quaternion, Vector

from ..core.rig_families import IkLimb
from .keys import rotation_path, set_rotation

#: The solver is Blender's: what it makes of the controls is looked at, and corrected, so often.
_ROUNDS = 8
#: A middle joint that is out of the way by less than this angle, radians, is in its place.
_CLOSE = 2e-4
#: A limb is straight if its middle joint is beside it by less than this share of its length.
_STRAIGHT = 1e-3


def is_in_ik(armature: bpy.types.Object, limb: IkLimb) -> bool:
    """Whether the limb's switch stands at IK."""
    bone, name, value = limb.switch
    switch = armature.pose.bones.get(bone)
    names = (limb.end, limb.swing, limb.pole, *limb.shows)
    known = all(name in armature.pose.bones for name in names if name)
    return known and switch is not None and name in switch and abs(float(switch[name]) - value) < 1e-3


def place_controls(armature: bpy.types.Object, limb: IkLimb, fk: tuple[str, ...]) -> None:
    """Put a limb's IK controls so that it ends as its FK controls are posed.

    Args:
        armature: the rig, its FK controls posed.
        limb: the limb.
        fk: the FK controls of the limb's three joints, and of its toes if it has some.
    """
    bones = armature.pose.bones
    if limb.swing:
        bones[limb.swing].scale = (1.0, 1.0, 1.0)
    _update()
    upper, lower, end = (bones[name] for name in fk[:3])
    wanted = [upper.head.copy(), lower.head.copy(), end.head.copy()]
    _move(bones[limb.end], _as(end, bones[limb.end]))
    by_pole = _by_pole(armature, limb)
    if by_pole:
        _move(bones[limb.pole], Matrix.Translation(_pole_place(upper, lower, bones[limb.pole], wanted)))
    else:
        _turn(bones[limb.swing], _as(upper, bones[limb.swing]).to_3x3())
    first, middle, last = (bones[name] for name in limb.shows)
    for _ in range(_ROUNDS):
        _update()
        # A heel that is rolled moves the limb's end away from its control.
        off = wanted[2] - last.head
        off_turn = _as(end, last).to_3x3() @ last.matrix.to_3x3().normalized().transposed()
        control = bones[limb.end]
        if off.length > 1e-5 * max(armature.dimensions) or off_turn.to_quaternion().angle > _CLOSE:
            turned = (off_turn @ control.matrix.to_3x3().normalized()).to_4x4()
            turned.translation = control.matrix.translation + off
            _move(control, turned)
            _update()
        axis = (wanted[2] - wanted[0]).normalized()
        angle = _about(axis, middle.head - first.head, wanted[1] - wanted[0])
        # Where bones may stretch, the solver shortens them, too: the swing's scale makes up for it.
        reach = _through(*wanted) / _through(first.head, middle.head, last.head) if limb.swing else 1.0
        if abs(angle) < _CLOSE and abs(reach - 1) < _CLOSE:
            break
        if limb.swing:
            bones[limb.swing].scale *= reach
        turn = Matrix.Rotation(angle, 3, axis)
        if by_pole:
            pole = bones[limb.pole]
            place = wanted[0] + turn @ (pole.matrix.translation - wanted[0])
            _move(pole, Matrix.Translation(place))
        else:
            swing = bones[limb.swing]
            _turn(swing, turn @ _before(swing) @ swing.matrix_basis.to_3x3())
    if len(fk) > 3 and limb.toe in bones:
        _update()
        _turn(bones[limb.toe], _as(bones[fk[3]], bones[limb.toe]).to_3x3())


def turns_as_shown(armature: bpy.types.Object, limb: IkLimb, fk: Sequence[str]) -> dict[str, Quaternion]:
    """How the FK controls of a limb in IK must be turned so that they show what it shows now.

    Args:
        armature: the rig, its limb in IK.
        limb: the limb.
        fk: the FK controls of the limb's three joints.

    Returns:
        Control -> its own rotation.
    """
    _update()
    bones = armature.pose.bones
    found: dict[str, Quaternion] = {}
    above: tuple[Matrix, Matrix] | None = None
    for name, shown in zip(fk, limb.shows, strict=True):
        control = bones[name]
        posed, goal = control.matrix.to_3x3().normalized(), _as(bones[shown], control).to_3x3()
        before = posed @ control.matrix_basis.to_3x3().normalized().transposed()
        if above is not None:  # it is carried by the control above, which will have turned
            before = above[1] @ above[0].transposed() @ before
        found[name] = (before.transposed() @ goal).to_quaternion()
        above = posed, goal
    return found


def control_paths(armature: bpy.types.Object, limb: IkLimb) -> list[tuple[bpy.types.PoseBone, str]]:
    """The controls of a limb in IK and the properties of theirs that :func:`place_controls` sets."""
    bones = armature.pose.bones
    end = bones[limb.end]
    found = [(end, "location"), (end, rotation_path(end))]
    if limb.swing:
        swing = bones[limb.swing]
        found += [(swing, rotation_path(swing)), (swing, "scale")]
    if _by_pole(armature, limb):
        found.append((bones[limb.pole], "location"))
    if limb.toe in bones:
        found.append((bones[limb.toe], rotation_path(bones[limb.toe])))
    return found


def key_controls(armature: bpy.types.Object, limb: IkLimb, frame: float) -> None:
    """Key the controls of a limb in IK."""
    for bone, path in control_paths(armature, limb):
        bone.keyframe_insert(path, frame=frame, group=bone.name)


def _by_pole(armature: bpy.types.Object, limb: IkLimb) -> bool:
    return not limb.swing or bool(armature.pose.bones[limb.switch[0]].get(limb.pole_switch, False))


def _update() -> None:
    bpy.context.view_layer.update()


def _as(leader: bpy.types.PoseBone, follower: bpy.types.PoseBone) -> Matrix:
    """(4, 4) pose of a bone that hangs stiffly on another one, armature space."""
    posed = leader.matrix.to_3x3().normalized().to_4x4()
    posed.translation = leader.matrix.translation
    return posed @ leader.bone.matrix_local.inverted() @ follower.bone.matrix_local


def _move(bone: bpy.types.PoseBone, matrix: Matrix) -> None:
    """Give a control a place and, unless it is a mere point, a turn in armature space; its scale stays."""
    rotation, scale = bone.matrix_basis.to_3x3().normalized(), bone.scale.copy()
    path = rotation_path(bone)
    values = tuple(getattr(bone, path))
    # Blender knows which axes the bone's location is along.
    bone.matrix = matrix
    if matrix.to_3x3() != Matrix.Identity(3):
        rotation = bone.matrix_basis.to_3x3().normalized()
    setattr(bone, path, values)  # the new ones are near them
    set_rotation(bone, np.array(rotation))
    bone.scale = scale


def _before(bone: bpy.types.PoseBone) -> Matrix:
    """(3, 3) orientation of a bone without its own rotation; the solver has turned the bone itself."""
    parent = bone.parent
    rest = bone.bone.matrix_local.to_3x3()
    if parent is None:
        return rest
    return parent.matrix.to_3x3().normalized() @ parent.bone.matrix_local.to_3x3().transposed() @ rest


def _turn(bone: bpy.types.PoseBone, orientation: Matrix) -> None:
    set_rotation(bone, np.array(_before(bone).transposed() @ orientation.normalized()))


def _pole_place(
    upper: bpy.types.PoseBone, lower: bpy.types.PoseBone, pole: bpy.types.PoseBone, wanted: list[Vector]
) -> Vector:
    """Where the pole must be: in the plane of the bent limb, as far from its middle joint as at rest."""
    line = wanted[2] - wanted[0]
    aside = (wanted[1] - wanted[0]) - (wanted[1] - wanted[0]).project(line)
    if aside.length < _STRAIGHT * line.length:
        aside = _as(upper, pole).translation - wanted[1]
        aside -= aside.project(line)
    far = (pole.bone.head_local - lower.bone.head_local).length
    return wanted[1] + aside.normalized() * far


def _through(*points: Vector) -> float:
    return (points[1] - points[0]).length + (points[2] - points[1]).length


def _about(axis: Vector, start: Vector, end: Vector) -> float:
    """The angle in radians from one vector to another about an axis; 0 where one lies along it."""
    a, b = start - start.project(axis), end - end.project(axis)
    if min(a.length, b.length) < _STRAIGHT * max(start.length, end.length):
        return 0.0
    return atan2(axis.dot(a.cross(b)), a.dot(b))
