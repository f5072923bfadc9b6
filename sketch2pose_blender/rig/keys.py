"""Keys of many frames, written at once: into the armature's own action, old curves kept, in one go.

Blender 4.4 put layers, slots and channelbags between an action and its F-curves; before, an action held them
itself. Who calls this makes one undo step of it.
"""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportArgumentType=false

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Quaternion

from ..core.boundary import InputError
from .columns import read_column

#: What the group is called in ``fcurves.new``; Blender 4.4 and 4.5 do not take it there.
_GROUP = "group_name" if bpy.app.version >= (5, 0) else "action_group" if bpy.app.version < (4, 4) else ""
#: What a key of a pose may hold of each bone.
CHANNELS = ("ROTATION", "LOCATION", "SCALE")
#: Values are the same if they differ by less.
_SAME = 1e-5
#: As near as Blender takes two keys for one, frames.
_SAME_TIME = 0.01


@dataclass(frozen=True, eq=False)
class Track:
    """What one property of one bone is at each of the frames.

    Attributes:
        bone: the pose bone's name.
        path: the property: ``rotation_quaternion``, ``location``, ``["IK_FK"]`` ...
        values: (F, C) its values, or (F, 1) for a property that is one number.
    """

    bone: str
    path: str
    values: np.ndarray

    @property
    def data_path(self) -> str:
        """The path from the armature object."""
        dot = "" if self.path.startswith("[") else "."
        return f'pose.bones["{bpy.utils.escape_identifier(self.bone)}"]{dot}{self.path}'


def rotation_path(bone: bpy.types.PoseBone) -> str:
    """The property that turns the bone, by its rotation mode."""
    return {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}.get(
        bone.rotation_mode, "rotation_euler"
    )


def set_rotation(bone: bpy.types.PoseBone, basis: np.ndarray) -> None:
    """Turn a bone in its own rotation mode, with values near its present ones.

    Args:
        bone: the bone.
        basis: (3, 3) its rotation, as ``matrix_basis`` has it.
    """
    values = rotation_track(bone, np.asarray(basis)[None]).values[0].tolist()
    setattr(bone, rotation_path(bone), values)


def rotation_track(bone: bpy.types.PoseBone, basis: np.ndarray) -> Track:
    """A bone's rotations in its own rotation mode, each near the one before so that keys interpolate the short way.

    Args:
        bone: the bone; the first rotation is near its present one.
        basis: (F, 3, 3) its rotations, as ``matrix_basis`` has them.
    """
    turns = [Matrix(matrix).to_quaternion() for matrix in np.asarray(basis, float).tolist()]
    values: list[Sequence[float]] = []
    if bone.rotation_mode == "QUATERNION":
        before = bone.rotation_quaternion
        for turn in turns:
            turn.make_compatible(before)
            values.append(before := turn)
    elif bone.rotation_mode == "AXIS_ANGLE":
        last = np.array(bone.rotation_axis_angle)
        values.extend(last := _near_axis_angle(turn, last) for turn in turns)
    else:
        euler = bone.rotation_euler
        values.extend(euler := turn.to_euler(bone.rotation_mode, euler) for turn in turns)
    return Track(bone.name, rotation_path(bone), np.array([tuple(value) for value in values]))


def _near_axis_angle(turn: Quaternion, before: np.ndarray) -> np.ndarray:
    """(4,) angle and axis of a turn, of the many that mean it the one nearest to ``before``."""
    axis, angle = np.array(turn.axis), turn.angle
    if abs(np.sin(angle / 2)) < 1e-6 and np.any(before[1:]):  # no turn at all has any axis
        axis, angle = before[1:], 0.0
    elif axis @ before[1:] < 0:
        axis, angle = -axis, -angle
    angle += 2 * np.pi * np.round((before[0] - angle) / (2 * np.pi))
    return np.array((angle, *axis))


def write_keys(
    armature: bpy.types.Object,
    frames: Sequence[float] | np.ndarray,
    tracks: Iterable[Track],
    *,
    interpolation: str | None = None,
    key_type: str = "KEYFRAME",
    keep_between: bool = False,
) -> list[str]:
    """Write keys for every track at every frame.

    They go into the armature's action; one is made where it has none. Of curves that are there already, keys
    from the first frame to the last are replaced; all others, and all other curves, stay as they are.

    Args:
        armature: the object.
        frames: (F,) rising frames of the scene.
        tracks: what is keyed.
        interpolation: of the new keys, as ``Keyframe.interpolation`` names it; None for the user's own choice.
        key_type: of the new keys, as ``Keyframe.type`` names it.
        keep_between: replace keys at the frames alone, and leave those between them.

    Returns:
        Names of bones of which a curve or its group is locked and was left alone.

    Raises:
        InputError: the action is linked from another file; nothing has changed.
    """
    channels = action_channels(armature)
    animation = armature.animation_data
    times = _times(animation, frames)
    edit = bpy.context.preferences.edit
    kind = (
        _number("interpolation", interpolation or edit.keyframe_new_interpolation_type),
        _number("handle_left_type", edit.keyframe_new_handle_type),
        _number("type", key_type),
    )
    # Blender's own way, which takes the user's choices; for many keys it sorts them all each time.
    one_key = len(times) == 1 and interpolation is None
    curves = {(curve.data_path, curve.array_index): curve for curve in channels.fcurves}
    locked: list[str] = []
    for track in tracks:
        path, values = track.data_path, np.asarray(track.values, np.float64)
        if track.path == "rotation_quaternion":
            values = values * _side_of_key_before(curves, path, times[0], values[0])
            values = _along_curves(curves, path, times, values) if keep_between else values
        for index in range(values.shape[1]):
            curve = curves.get((path, index)) or new_curve(channels, path, index, track.bone)
            if curve.lock or (curve.group is not None and curve.group.lock):
                if track.bone not in locked:
                    locked.append(track.bone)
                continue
            if one_key:
                curve.keyframe_points.insert(
                    times[0], values[0, index], options={"FAST"}, keyframe_type=key_type
                )
                curve.update()
            else:
                _fill(curve, times, values[:, index], kind, keep_between=keep_between)
    return locked


def key_pose(
    armature: bpy.types.Object, bones: Iterable[bpy.types.PoseBone], frame: float, channels: Collection[str]
) -> list[str]:
    """Key bones as they stand now.

    Args:
        armature: the object.
        bones: its bones that are keyed.
        frame: frame of the scene.
        channels: some of :data:`CHANNELS`. Bones that are connected to their parent have no location; scale is keyed
            of bones that are scaled or have keys of it.

    Returns and raises what :func:`write_keys` does.
    """
    keyed = {curve.data_path for curve in action_channels(armature).fcurves}
    tracks = [track for bone in bones for track in _pose_tracks(bone, channels)]
    return write_keys(
        armature,
        [frame],
        [
            t
            for t in tracks
            if t.path != "scale" or np.abs(t.values - 1).max() > _SAME or t.data_path in keyed
        ],
    )


def change_keys(armature: bpy.types.Object, bones: Iterable[bpy.types.PoseBone], frame: float) -> None:
    """Give the keys of rotation that bones have at a frame the values that the bones have now.

    Keys keep their interpolation and type; none is set where there was none, and locked curves stay as they are.

    Args:
        armature: the object.
        bones: its bones that were turned.
        frame: frame of the scene.

    Raises:
        InputError: the action is linked from another file; nothing has changed.
    """
    curves = {(curve.data_path, curve.array_index): curve for curve in action_channels(armature).fcurves}
    time = _times(armature.animation_data, [frame])[0]
    for track in (track for bone in bones for track in _pose_tracks(bone, ("ROTATION",))):
        for index, value in enumerate(track.values[0].tolist()):
            curve = curves.get((track.data_path, index))
            if curve is None or curve.lock or (curve.group is not None and curve.group.lock):
                continue
            point = _key_until(curve, time)
            if point is not None and point.co.x > time - _SAME_TIME:
                point.co_ui = (point.co.x, value)  # its handles go along
                curve.update()


def standing_key(armature: bpy.types.Object, bone: bpy.types.PoseBone, frame: float) -> int | None:
    """The frame of the key of rotation at which a bone stands; asked at every redraw.

    Args:
        armature: the object.
        bone: one of its bones.
        frame: frame of the scene.

    Returns:
        The frame itself, or the one of the last key before it where that one is held; None where the bone has no key
        there, moves from key to key, or stands at a key between frames.
    """
    animation = armature.animation_data
    channels = None if animation is None else _present_channels(animation)
    path = Track(bone.name, rotation_path(bone), np.empty(0)).data_path
    curve = None if channels is None else channels.fcurves.find(path)
    if curve is None:
        return None
    time = _times(animation, [frame])[0]
    point = _key_until(curve, time)
    if point is None or (point.interpolation != "CONSTANT" and point.co.x < time - _SAME_TIME):
        return None
    place = point.co.x
    place = animation.nla_tweak_strip_time_to_scene(place) if animation.use_tweak_mode else place
    return round(place) if abs(place - round(place)) < _SAME_TIME else None


def _key_until(curve: bpy.types.FCurve, time: float) -> bpy.types.Keyframe | None:
    """The last key that is not after a time."""
    points = curve.keyframe_points
    after = bisect_right(points, time + _SAME_TIME, key=lambda point: point.co.x)
    return points[after - 1] if after else None


def _present_channels(animation: bpy.types.AnimData) -> Any:
    """As :func:`action_channels`, without making anything; None where there is none."""
    action = animation.action
    if action is None or not hasattr(action, "slots"):  # the latter before 4.4
        return action
    slot = animation.action_slot
    strips = [strip for layer in action.layers for strip in layer.strips]
    return strips[0].channelbag(slot) if slot is not None and strips else None


def strayed_bones(
    armature: bpy.types.Object, bones: Iterable[bpy.types.PoseBone], frame: float
) -> list[bpy.types.PoseBone]:
    """Of some bones those that stand otherwise than their keys say: without one at the frame they would go back.

    Args:
        armature: the object.
        bones: its bones that are looked at.
        frame: frame of the scene.

    Raises:
        InputError: the action is linked from another file.
    """
    animation = armature.animation_data
    if animation is None or animation.action is None:
        return []
    curves = {(curve.data_path, curve.array_index): curve for curve in action_channels(armature).fcurves}
    time = _times(animation, [frame])[0]

    def strayed(track: Track) -> bool:
        path = track.data_path
        told = ((curves.get((path, index)), value) for index, value in enumerate(track.values[0].tolist()))
        return any(curve and abs(curve.evaluate(time) - value) > _SAME for curve, value in told)

    return [bone for bone in bones if any(strayed(track) for track in _pose_tracks(bone, CHANNELS))]


def _pose_tracks(bone: bpy.types.PoseBone, channels: Collection[str]) -> Iterator[Track]:
    """What a bone has now, as one key of each of its channels."""
    if "ROTATION" in channels:
        path = rotation_path(bone)
        yield Track(bone.name, path, np.array(tuple(getattr(bone, path)))[None])
    if "LOCATION" in channels and not bone.bone.use_connect:
        yield Track(bone.name, "location", np.array(tuple(bone.location))[None])
    if "SCALE" in channels:
        yield Track(bone.name, "scale", np.array(tuple(bone.scale))[None])


def _times(animation: bpy.types.AnimData, frames: Sequence[float] | np.ndarray) -> np.ndarray:
    """(F,) where frames of the scene lie in the action, which may be open as a strip that is moved and stretched."""
    times = np.asarray(frames, np.float64)
    if animation.use_tweak_mode:
        times = np.array([animation.nla_tweak_strip_time_to_scene(t, invert=True) for t in times])
    return times


def action_channels(armature: bpy.types.Object) -> Any:
    """What holds the armature's F-curves: its action, or the channelbag of its slot there; made where there is none.

    In all versions it has ``fcurves`` (``find``, ``new``, ``remove``, iteration) and ``groups``.

    Raises:
        InputError: the action is linked from another file.
    """
    animation = armature.animation_data or armature.animation_data_create()
    if animation.action is None:
        animation.action = bpy.data.actions.new(f"{armature.name}Action")
    action = animation.action
    if not action.is_editable:
        raise InputError(
            f"The action {action.name} is linked from another file; make it local or choose another action."
        )
    if not hasattr(action, "slots"):  # before 4.4
        return action
    if animation.action_slot is None:
        animation.action_slot = action.slots.new(id_type="OBJECT", name=armature.name)
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    return strip.channelbag(animation.action_slot, ensure=True)


def new_curve(channels: Any, path: str, index: int, group: str) -> bpy.types.FCurve:
    """Make an F-curve in a group.

    Args:
        channels: as :func:`action_channels` gives it.
        path: the property, from the object.
        index: which of the property's numbers.
        group: the group's name; made where there is none.
    """
    if _GROUP:  # half as long as joining the group after it
        return channels.fcurves.new(path, index=index, **{_GROUP: group})
    curve = channels.fcurves.new(path, index=index)
    curve.group = channels.groups.get(group) or channels.groups.new(group)
    return curve


def _side_of_key_before(
    channels: Mapping[tuple[str, int], bpy.types.FCurve], path: str, time: float, first: np.ndarray
) -> float:
    """1, or -1 where the quaternion that is keyed before ``time`` is nearer to ``-first`` than to ``first``."""
    curves = [channels.get((path, index)) for index in range(4)]
    if any(c is None or not len(c.keyframe_points) or c.keyframe_points[0].co.x >= time for c in curves):
        return 1.0
    before = np.array([curve.evaluate(time - 1e-3) for curve in curves])
    return -1.0 if before @ first < 0 else 1.0


def _along_curves(
    channels: Mapping[tuple[str, int], bpy.types.FCurve], path: str, times: np.ndarray, values: np.ndarray
) -> np.ndarray:
    """Quaternions (F, 4), each on the side of what the curves have at its time, else of the one before it."""
    curves = [channels.get((path, index)) for index in range(4)]
    if any(curve is None or not len(curve.keyframe_points) for curve in curves):
        return values
    first, last = (curves[0].keyframe_points[end].co.x for end in (0, -1))
    along = values.copy()
    for frame, time in enumerate(times.tolist()):
        if first <= time <= last:
            near = np.array([curve.evaluate(time) for curve in curves])
        else:
            near = along[max(frame - 1, 0)]
        along[frame] *= -1.0 if along[frame] @ near < 0 else 1.0
    return along


def _fill(
    curve: bpy.types.FCurve,
    times: np.ndarray,
    values: np.ndarray,
    kind: tuple[int, int, int],
    *,
    keep_between: bool,
) -> None:
    """Put keys into a curve, in the place of those from the first time to the last, or of those at the times."""
    points = curve.keyframe_points
    if len(points):
        places = read_column(points, "co", 2)[:, 0]
        if keep_between:
            next_time = times[np.clip(np.searchsorted(times, places - _SAME_TIME), 0, len(times) - 1)]
            inside = np.flatnonzero(np.abs(places - next_time) < _SAME_TIME)
        else:
            inside = np.flatnonzero((places > times[0] - _SAME_TIME) & (places < times[-1] + _SAME_TIME))
        if len(inside) == len(places):
            points.clear()
        else:
            for index in inside[::-1].tolist():
                points.remove(points[index], fast=True)
    count = len(points)
    points.add(len(times))
    places = read_column(points, "co", 2)
    places[count:] = np.stack([times, values], 1)
    points.foreach_set("co", places.ravel())
    names = ("interpolation", "handle_left_type", "handle_right_type", "type")
    for name, number in zip(names, (kind[0], kind[1], kind[1], kind[2]), strict=True):
        numbers = np.empty(len(points), np.int32)
        points.foreach_get(name, numbers)
        numbers[count:] = number
        points.foreach_set(name, numbers)
    curve.update()  # sorts the keys and lays their handles


def _number(name: str, word: str) -> int:
    """The number by which Blender stores one of a key's choices."""
    return bpy.types.Keyframe.bl_rna.properties[name].enum_items[word].value
