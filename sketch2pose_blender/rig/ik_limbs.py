"""Limbs that stay in IK: their controls are put where the limb ends as its FK controls have it."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportArgumentType=false, reportOperatorIssue=false

from __future__ import annotations

from collections.abc import Sequence
from math import atan2, exp, log

import bpy
import numpy as np
from mathutils import Matrix, Quaternion, Vector

from ..core.rig_families import IkLimb
from .keys import rotation_path, set_rotation

#: The solver is Blender's: what it makes of the controls is looked at, and corrected, so often at most.
_ROUNDS = 12
#: A middle joint that is out of the way by less than this share of its limb's length is in its place.
_NEAR = 3e-4
#: The same for the limb's end, and the angle in radians that its turn may be off.
_NEAR_END, _CLOSE = 5e-5, 2e-4
#: An end that is off by more takes the middle joint along.
_FAR = 5e-4
#: The first guess of how the logarithm of the middle joint's distance from the limb's line grows with that of the
#: swing's scale: this by the square of the distance, in the limb's lengths, and no more than the next.
_SLOPE, _STEEPEST = 0.17, 100.0
#: The logarithm of the scale changes by this at most at once.
_MOST = 0.05
#: A limb is straight if its middle joint is beside it by less than this share of its length.
_STRAIGHT = 1e-3


def is_in_ik(armature: bpy.types.Object, limb: IkLimb) -> bool:
    """Whether the limb's switch stands at IK."""
    bone, name, value = limb.switch
    switch = armature.pose.bones.get(bone)
    names = (limb.end, limb.swing, limb.pole, *limb.shows)
    known = all(name in armature.pose.bones for name in names if name)
    return known and switch is not None and name in switch and abs(float(switch[name]) - value) < 1e-3


def place_controls(armature: bpy.types.Object, limbs: Sequence[tuple[IkLimb, tuple[str, ...]]]) -> None:
    """Put the IK controls of limbs so that these end as their FK controls are posed.

    Args:
        armature: the rig, its FK controls posed.
        limbs: each limb, and the FK controls of its three joints, and of its toes if it has some.
    """
    bones = armature.pose.bones
    for limb, _ in limbs:
        if limb.swing:
            bones[limb.swing].scale = (1.0, 1.0, 1.0)
    _update()
    placed = [_Placing(armature, limb, fk) for limb, fk in limbs]
    _update()
    for placing in placed:
        placing.turn_swing()
    # All limbs at once: each look at them makes Blender evaluate the whole rig.
    astray = placed
    for _ in range(_ROUNDS):
        _update()
        astray = [placing for placing in astray if not placing.is_in_place()]
        if not astray:
            break
    for limb, fk in limbs:
        if len(fk) > 3 and limb.toe in bones:
            _turn(bones[limb.toe], _as(bones[fk[3]], bones[limb.toe]).to_3x3())


class _Placing:
    """A limb whose controls are on their way to their places; its end control and its pole are put there.

    Args:
        armature: the rig, evaluated.
        limb: the limb.
        fk: its FK controls.
    """

    def __init__(self, armature: bpy.types.Object, limb: IkLimb, fk: tuple[str, ...]) -> None:
        bones = armature.pose.bones
        self._shown = [bones[name] for name in limb.shows]
        self._upper, lower, self._end = (bones[name] for name in fk[:3])
        self._wanted = [bone.head.copy() for bone in (self._upper, lower, self._end)]
        self._control = bones[limb.end]
        self._swing = bones[limb.swing] if limb.swing else None
        self._pole = bones[limb.pole] if _by_pole(armature, limb) else None
        self._axis = (self._wanted[2] - self._wanted[0]).normalized()
        self._aside = _across(self._wanted[1] - self._wanted[0], self._axis)
        self._length = _through(*self._wanted)
        #: Logarithms of the swing's scale and of the middle joint's distance that it gave, as last seen.
        self._before: tuple[float, float] | None = None
        _move(self._control, _as(self._end, self._control))
        if self._pole:
            place = _pole_place(self._upper, lower, self._pole, self._wanted)
            _move(self._pole, Matrix.Translation(place))

    def turn_swing(self) -> None:
        """Turn the swing as the limb is to be, where it has no pole; the end control has been evaluated."""
        if not self._pole:
            _turn(self._swing, _as(self._upper, self._swing).to_3x3())

    def is_in_place(self) -> bool:
        """Whether the limb, as evaluated, is as it should be; if not, its controls are moved nearer."""
        first, middle, last = self._shown
        # A heel that is rolled moves the limb's end away from its control.
        off = self._wanted[2] - last.head
        off_turn = _as(self._end, last).to_3x3() @ last.matrix.to_3x3().normalized().transposed()
        off_angle = off_turn.to_quaternion().angle
        is_there = off.length < _NEAR_END * self._length and off_angle < _CLOSE
        if not is_there:
            turned = (off_turn @ self._control.matrix.to_3x3().normalized()).to_4x4()
            turned.translation = self._control.matrix.translation + off
            _move(self._control, turned)
            if max(off.length / self._length, off_angle) > _FAR:  # the middle joint will move, too
                return False
        aside = _across(middle.head - first.head, self._axis)
        angle = _about(self._axis, middle.head - first.head, self._wanted[1] - self._wanted[0])
        near = _NEAR * self._length
        is_turned = abs(angle) * self._aside.length < near
        # Where bones may stretch, the solver makes them longer or shorter: the swing's scale makes up for it.
        is_bent = self._swing is None or abs(aside.length - self._aside.length) < near
        if not is_bent:
            self._rescale(aside.length)
        if not is_turned:
            self._turn_about(angle)
        return is_there and is_turned and is_bent

    def _rescale(self, distance: float) -> None:
        """Scale the swing so that the middle joint comes to be as far from the limb's line as it should be."""
        scale = log(self._swing.scale.x)
        # Its logarithm grows evenly even where the limb is nearly straight and stretches instead of bending.
        bent, wanted = (log(max(length / self._length, _NEAR)) for length in (distance, self._aside.length))
        slope = min(_SLOPE / exp(2 * bent), _STEEPEST)
        if self._before and scale != self._before[0]:
            seen = (bent - self._before[1]) / (scale - self._before[0])
            slope = min(max(seen, slope / 3), 3 * slope)
        self._before = scale, bent
        self._swing.scale *= exp(min(max((wanted - bent) / slope, -_MOST), _MOST))

    def _turn_about(self, angle: float) -> None:
        turn = Matrix.Rotation(angle, 3, self._axis)
        if self._pole:
            place = self._wanted[0] + turn @ (self._pole.matrix.translation - self._wanted[0])
            _move(self._pole, Matrix.Translation(place))
        else:
            _turn(self._swing, turn @ _before(self._swing) @ self._swing.matrix_basis.to_3x3())


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
    aside = _across(wanted[1] - wanted[0], line)
    if aside.length < _STRAIGHT * line.length:
        aside = _across(_as(upper, pole).translation - wanted[1], line)
    far = (pole.bone.head_local - lower.bone.head_local).length
    return wanted[1] + aside.normalized() * far


def _across(vector: Vector, axis: Vector) -> Vector:
    """The part of a vector that is at right angles to an axis."""
    return vector - vector.project(axis)


def _through(*points: Vector) -> float:
    return (points[1] - points[0]).length + (points[2] - points[1]).length


def _about(axis: Vector, start: Vector, end: Vector) -> float:
    """The angle in radians from one vector to another about an axis; 0 where one lies along it."""
    a, b = _across(start, axis), _across(end, axis)
    if min(a.length, b.length) < _STRAIGHT * max(start.length, end.length):
        return 0.0
    return atan2(axis.dot(a.cross(b)), a.dot(b))
