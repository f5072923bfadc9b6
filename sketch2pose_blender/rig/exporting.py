"""Armatures and their animation as files that others read: BVH, AMASS npz, FBX, glTF.

BVH and npz are written by the backend's own writers, in the scene's world: y up and z up, as those formats have
it. FBX and glTF come from Blender's exporters, set so that joints stay where they are.
"""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIndexIssue=false

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import addon_utils
import bpy
import numpy as np

from ..core.boundary import (
    JOINT_NAMES,
    JOINT_PARENTS,
    Body,
    Clip,
    InputError,
    local_rotations,
    write_bvh,
    write_npz,
)
from .animation import in_world, object_scale, performer_of, record, scene_rate, world_motion
from .keys import Track, rotation_track, write_keys
from .posing import armature_of

#: Blender's own exporters that are used: add-on, group and name of the operator, and how it is called.
_FBX: tuple[str, str, str, dict[str, Any]] = (
    "io_scene_fbx",
    "export_scene",
    "fbx",
    {
        "object_types": {"ARMATURE", "MESH"},
        "add_leaf_bones": False,
        "bake_anim": True,
        "bake_anim_use_nla_strips": False,
        "bake_anim_use_all_actions": False,
        "bake_anim_simplify_factor": 0.0,  # every frame, not what a tolerance leaves of them
    },
)
_GLTF: tuple[str, str, str, dict[str, Any]] = (
    "io_scene_gltf2",
    "export_scene",
    "gltf",
    {
        "export_animation_mode": "ACTIVE_ACTIONS",
        "export_force_sampling": True,
        "export_optimize_animation_size": False,
    },
)


def export_npz(thing: bpy.types.Object, frames: Sequence[int], path: Path, body: Body) -> None:
    """Write a humanoid's frames as AMASS has them: SMPL poses, z up, the ground at z = 0.

    Args:
        thing: an SMPL armature, or any other humanoid, or what it deforms.
        frames: frames of the scene.
        path: the file.
        body: the SMPL body that the poses are of; another humanoid's way is scaled to its legs.

    Raises:
        InputError: it is no humanoid, its limbs are in IK, or the file cannot be written.
    """
    motion = world_motion(thing, frames, body)
    with _one_sentence(path):
        write_npz(motion, body, path)


def export_bvh(thing: bpy.types.Object, frames: Sequence[int], path: Path, body: Body) -> None:
    """Write a humanoid's frames as BVH: its own joints by its bones' names, y up, scene units.

    Of rigs other than SMPL the bones that are joints of the body are written; fingers and twist bones are not.
    Args and errors are those of :func:`export_npz`.
    """
    performer = performer_of(thing, body)
    # Turns from the rig's own rest, since the file has the rig's own bones.
    performer = replace(performer, alignments=dict.fromkeys(performer.bones, np.eye(3)))
    recording = record(performer, frames)
    turns, places = in_world(performer, recording)
    local = local_rotations(turns)
    scale = object_scale(recording.objects)
    joints = [joint for joint in JOINT_NAMES if joint in performer.bones]
    parents = [_parent(joint, joints) for joint in joints]
    rest = {joint: scale * performer.heads[joint] @ performer.to_armature for joint in joints}
    offsets = [
        rest[j] - rest[joints[p]] if p >= 0 else np.zeros(3) for j, p in zip(joints, parents, strict=True)
    ]
    clip = Clip(
        tuple(performer.names[joint] for joint in joints),
        tuple(parents),
        np.array(offsets),
        {
            index: scale * _tip(performer.armature, performer.bones[joint]) @ performer.to_armature
            for index, joint in enumerate(joints)
            if index not in parents
        },
        local[:, [JOINT_NAMES.index(joint) for joint in joints]],
        places,
        scene_rate(bpy.context.scene),
    )
    with _one_sentence(path):
        write_bvh(clip, path)


def _parent(joint: str, joints: list[str]) -> int:
    """Index of the nearest joint above that the rig has; -1 for the pelvis. Joints without a bone do not turn."""
    above = JOINT_PARENTS[JOINT_NAMES.index(joint)]
    while above >= 0 and JOINT_NAMES[above] not in joints:
        above = JOINT_PARENTS[above]
    return joints.index(JOINT_NAMES[above]) if above >= 0 else -1


def _tip(armature: bpy.types.Object, name: str) -> np.ndarray:
    bone = armature.data.bones[name]
    return np.array(bone.tail_local - bone.head_local)


def export_fbx(
    thing: bpy.types.Object, frames: Sequence[int], path: Path, *, deform_only: bool = False
) -> None:
    """Write an armature, the meshes that it deforms and its frames as FBX, without leaf bones.

    Args:
        thing: an armature, or what it deforms.
        frames: a range of frames of the scene.
        path: the file.
        deform_only: whether only bones that deform are written: for control rigs.

    Raises:
        InputError: it is no armature, or the file cannot be written.
    """
    _, _, _, options = _FBX
    _by_blender(_FBX, thing, frames, path, {**options, "use_armature_deform_only": deform_only})


def export_gltf(
    thing: bpy.types.Object, frames: Sequence[int], path: Path, *, deform_only: bool = False
) -> None:
    """Write an armature, the meshes that it deforms and its frames as glTF; ``.gltf`` or else ``.glb``.

    Args and errors are those of :func:`export_fbx`.
    """
    _, _, _, options = _GLTF
    form = "GLTF_SEPARATE" if path.suffix.lower() == ".gltf" else "GLB"
    _by_blender(
        _GLTF, thing, frames, path, {**options, "export_format": form, "export_def_bones": deform_only}
    )


def _by_blender(
    exporter: tuple[str, str, str, dict[str, Any]],
    thing: bpy.types.Object,
    frames: Sequence[int],
    path: Path,
    options: dict[str, Any],
) -> None:
    addon, group, name, _ = exporter
    armature = armature_of(thing)
    if armature is None:
        raise InputError(f"{thing.name} is no armature; choose an armature.")
    if not path.parent.is_dir():
        raise InputError(f"The folder {path.parent} does not exist; choose another place.")
    was_on = addon_utils.check(addon)[1]
    if not was_on and addon_utils.enable(addon, default_set=False) is None:
        raise InputError(f"Blender's add-on {addon} cannot be switched on; see its console for the reason.")
    try:
        with _selected(armature), _playing(armature, frames):
            getattr(getattr(bpy.ops, group), name)(filepath=str(path), use_selection=True, **options)
    except RuntimeError as error:  # what the exporter reports
        reason = str(error).strip().splitlines()[-1].removeprefix("Error: ")
        raise InputError(f"{path} cannot be written ({reason}); choose another place.") from error
    finally:
        if not was_on:
            addon_utils.disable(addon, default_set=False)


@contextmanager
def _selected(armature: bpy.types.Object) -> Iterator[None]:
    """Meanwhile the armature and what it deforms is selected, in object mode; afterwards all is as it was."""
    layer = bpy.context.view_layer
    active, selected, mode = layer.objects.active, list(bpy.context.selected_objects), armature.mode
    things = [thing for thing in layer.objects if thing.type == "MESH" and thing.find_armature() == armature]
    hidden = [thing for thing in (armature, *things) if thing.hide_get()]
    try:
        if bpy.context.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        for thing in selected:
            thing.select_set(False)
        for thing in (armature, *things):
            thing.hide_set(False)
            thing.select_set(True)
        layer.objects.active = armature
        yield
    finally:
        for thing in (armature, *things):
            thing.select_set(thing in selected)
        for thing in hidden:
            thing.hide_set(True)
        for thing in selected:
            thing.select_set(True)
        layer.objects.active = active
        if active == armature and mode != "OBJECT":
            bpy.ops.object.mode_set(mode=mode)


@contextmanager
def _playing(armature: bpy.types.Object, frames: Sequence[int]) -> Iterator[None]:
    """Meanwhile the scene has these frames, and a pose without keys is keyed; afterwards all is as it was."""
    scene = bpy.context.scene
    before = scene.frame_start, scene.frame_end, scene.frame_current, scene.frame_subframe
    animation = armature.animation_data
    bare = animation is None or (animation.action is None and not len(animation.nla_tracks))
    try:
        if bare:
            # The exporters leave out what is not animated, and write the rest pose instead.
            tracks = []
            for bone in armature.pose.bones:
                tracks.append(rotation_track(bone, np.array(bone.matrix_basis.to_3x3().normalized())[None]))
                tracks.append(Track(bone.name, "location", np.array(bone.location)[None]))
                tracks.append(Track(bone.name, "scale", np.array(bone.scale)[None]))
            write_keys(armature, [frames[0]], tracks)
        scene.frame_start, scene.frame_end = frames[0], frames[-1]
        yield
    finally:
        if bare and armature.animation_data is not None:
            action = armature.animation_data.action
            if animation is None:
                armature.animation_data_clear()
            else:
                armature.animation_data.action = None
            if action is not None:
                bpy.data.actions.remove(action)
        scene.frame_start, scene.frame_end = before[:2]
        scene.frame_set(before[2], subframe=before[3])


@contextmanager
def _one_sentence(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); choose another place.") from error
