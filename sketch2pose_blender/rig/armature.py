"""Builds the SMPL armature in its T-pose, with the skinned body mesh."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy
import numpy as np
from mathutils import Vector

from ..core.boundary import JOINT_NAMES, JOINT_PARENTS, KEYPOINT_NAMES, PART_ENDS, Body
from ..core.rest_frames import REST_TO_BLENDER

#: Where the bone of each joint ends.
_TAILS = {JOINT_NAMES[joint]: KEYPOINT_NAMES[end] for joint, end in enumerate(PART_ENDS)}

#: Local z axis of a bone: forward, and up where the bone itself points forward. So x is the hinge of
#: every elbow and knee, and left and right mirror each other.
_FORWARD, _UP = Vector((0.0, -1.0, 0.0)), Vector((0.0, 0.0, 1.0))
_POINTS_FORWARD = ("left_ankle", "right_ankle", "left_foot", "right_foot")

#: Left blue, right orange, as in the overlay pictures.
_SIDE_COLOURS = {"left": (0.04, 0.42, 0.73), "right": (0.91, 0.48, 0.05)}


def build_character(context: bpy.types.Context, body: Body, betas: np.ndarray, name: str) -> bpy.types.Object:
    """Add an SMPL armature and its body mesh at the 3D cursor and make the armature active.

    The armature's origin is on the ground under the pelvis: the T-pose stands on its z = 0. Bones have
    the joint's name; rest pose is the T-pose, facing -y.

    Args:
        context: window or background context; leaves any edit mode.
        body: the body model.
        betas: (n,) shape coefficients.
        name: name for the objects.

    Returns:
        The armature object; its one child is the mesh. On any error nothing stays behind.
    """
    vertices, _ = body.rest(betas)
    ground = np.array([0.0, 0.0, -vertices[:, 1].min()])
    keypoints = body.rest_keypoints(betas) @ REST_TO_BLENDER.T + ground
    vertices = vertices @ REST_TO_BLENDER.T + ground

    if context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    data = bpy.data.armatures.new(name)
    mesh = bpy.data.meshes.new(f"{name} body")
    armature = bpy.data.objects.new(name, data)
    figure = bpy.data.objects.new(f"{name} body", mesh)
    try:
        for thing in (armature, figure):
            _collection(context).objects.link(thing)
        _add_bones(context, armature, keypoints)
        _fill_mesh(mesh, vertices, body.faces)
        _skin(figure, armature, body.weights)
        armature.location = context.scene.cursor.location
        armature.show_in_front = True
    except BaseException:
        bpy.data.batch_remove([armature, figure, data, mesh])
        raise
    return armature


def remove_character(armature: bpy.types.Object) -> None:
    """Take out again what :func:`build_character` has added."""
    things = [armature, *armature.children]
    bpy.data.batch_remove([*things, *(thing.data for thing in things if thing.data)])


@contextmanager
def new_character(
    context: bpy.types.Context, body: Body, betas: np.ndarray, name: str
) -> Iterator[bpy.types.Object]:
    """As :func:`build_character`; where the block fails, it is taken out, and what was selected is so again."""
    active, selected = context.view_layer.objects.active, context.selected_objects
    armature = build_character(context, body, betas, name)
    try:
        yield armature
    except BaseException:
        remove_character(armature)
        for thing in selected:
            thing.select_set(True)
        context.view_layer.objects.active = active
        raise


def _collection(context: bpy.types.Context) -> bpy.types.Collection:
    """The active collection, or the scene's own where objects in the active one could not be seen."""
    active = context.view_layer.active_layer_collection
    hidden = active.exclude or active.hide_viewport or active.collection.hide_viewport
    return context.scene.collection if hidden else active.collection


def _add_bones(context: bpy.types.Context, armature: bpy.types.Object, keypoints: np.ndarray) -> None:
    """Add the 24 bones; ``keypoints``: (30, 3) metres, armature space."""
    for selected in context.selected_objects:
        selected.select_set(False)
    armature.select_set(True)
    context.view_layer.objects.active = armature
    # Bones can be added in edit mode only.
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        place = {name: Vector(point) for name, point in zip(KEYPOINT_NAMES, keypoints.tolist(), strict=True)}
        bones = armature.data.edit_bones
        for name, parent in zip(JOINT_NAMES, JOINT_PARENTS, strict=True):
            bone = bones.new(name)
            bone.head, bone.tail = place[name], place[_TAILS[name]]
            bone.align_roll(_UP if name in _POINTS_FORWARD else _FORWARD)
            if parent >= 0:
                bone.parent = bones[JOINT_NAMES[parent]]
                bone.use_connect = _TAILS[JOINT_NAMES[parent]] == name
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")
    for bone in armature.data.bones:
        colour = _SIDE_COLOURS.get(bone.name.partition("_")[0])
        if colour is not None:
            bone.color.palette = "CUSTOM"
            bone.color.custom.normal = colour
            bone.color.custom.select = [0.5 + 0.5 * value for value in colour]
            bone.color.custom.active = [0.25 + 0.75 * value for value in colour]


def _fill_mesh(mesh: bpy.types.Mesh, vertices: np.ndarray, faces: np.ndarray) -> None:
    """Fill an empty mesh: ``vertices`` (V, 3), ``faces`` (F, 3) triangles; shaded smooth."""
    mesh.vertices.add(len(vertices))
    mesh.vertices.foreach_set("co", np.ascontiguousarray(vertices, np.float32).ravel())
    mesh.loops.add(faces.size)
    mesh.loops.foreach_set("vertex_index", np.ascontiguousarray(faces, np.int32).ravel())
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", np.arange(0, faces.size, 3, dtype=np.int32))
    mesh.update(calc_edges=True)
    mesh.shade_smooth()


def _skin(figure: bpy.types.Object, armature: bpy.types.Object, weights: np.ndarray) -> None:
    """Bind the mesh object to the armature by ``weights`` (V, 24)."""
    for name, column in zip(JOINT_NAMES, weights.T, strict=True):
        group = figure.vertex_groups.new(name=name)
        for vertex in np.flatnonzero(column).tolist():
            group.add((vertex,), float(column[vertex]), "REPLACE")
    figure.parent = armature
    modifier = figure.modifiers.new("Armature", "ARMATURE")
    modifier.object = armature
