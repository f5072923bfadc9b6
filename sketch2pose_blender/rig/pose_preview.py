"""The picture of an armature's pose that an asset browser shows: its character, seen from where the drawing was."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportArgumentType=false, reportIndexIssue=false

from __future__ import annotations

import bpy
import numpy as np

from ..core.boundary import InputError
from ..core.figure_picture import Surface, bones_surface, join, picture
from .drawn_figure import kept_figure
from .humanoid import find_humanoid, read_target

#: Pixels along each side, as Blender draws its own.
SIZE = 256
#: Linear colours: skin without a material, and bones of the left, of the right and of the middle.
_CLAY = (0.62, 0.52, 0.45)
_BONES = {"left": (0.04, 0.42, 0.73), "right": (0.91, 0.48, 0.05), "": (0.6, 0.6, 0.6)}
#: Characters with more triangles are shown by their bones.
_MOST_TRIANGLES = 3_000_000


def pose_picture(armature: bpy.types.Object, bones: list[bpy.types.PoseBone]) -> np.ndarray:
    """The pose as a picture; by its bones where the armature moves no mesh that is seen.

    Args:
        armature: the object.
        bones: the bones that are drawn where there is no mesh.

    Returns:
        (SIZE, SIZE, 4) float32 sRGB with straight alpha, the first row on top.
    """
    bpy.context.view_layer.update()
    right, up = _seen_from(armature)
    skins = _skins(armature)
    if not skins or sum(len(skin.corners) for skin in skins) > _MOST_TRIANGLES:
        skins = [_skeleton(armature, bones)]
    return picture(join(skins), right, up, SIZE)


def _seen_from(armature: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    """(3,) unit directions to the right and up in the picture, world: the drawing's, else the figure's front."""
    try:
        drawn = kept_figure(armature)
    except InputError:  # damaged: the pose itself is still there
        drawn = None
    if drawn is not None:
        right, up = drawn.paper.right, -drawn.paper.down
    else:
        right, up = np.array([1.0, 0, 0]), np.array([0, 0, 1.0])
        humanoid = find_humanoid(armature)
        if humanoid is not None:
            # The viewer sees the figure's left on the right. The body plays no part in where it faces.
            right, up = read_target(humanoid, np.zeros((24, 3))).to_armature[:, :2].T
    turn = np.array(armature.matrix_world.to_3x3().normalized())
    right, up = turn @ right, turn @ up
    right = right / np.linalg.norm(right)
    up = up - right * (up @ right)
    return right, up / np.linalg.norm(up)


def _skins(armature: bpy.types.Object) -> list[Surface]:
    """The meshes that the armature deforms and that are seen, in the world."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    found = []
    for thing in bpy.context.view_layer.objects:
        moved = thing.parent == armature or any(
            modifier.type == "ARMATURE" and modifier.object == armature for modifier in thing.modifiers
        )
        if thing.type != "MESH" or not moved or thing.hide_render or not thing.visible_get():
            continue
        shown = thing.evaluated_get(depsgraph)
        mesh = shown.to_mesh()
        try:
            if len(mesh.polygons):
                found.append(_triangles(shown, mesh))
        finally:
            shown.to_mesh_clear()
    return found


def _triangles(thing: bpy.types.Object, mesh: bpy.types.Mesh) -> Surface:
    mesh.calc_loop_triangles()
    places = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", places)
    corners = np.empty(len(mesh.loop_triangles) * 3, np.int32)
    mesh.loop_triangles.foreach_get("vertices", corners)
    materials = np.empty(len(mesh.loop_triangles), np.int32)
    mesh.loop_triangles.foreach_get("material_index", materials)
    matrix = np.array(thing.matrix_world)
    world = places.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
    slots = [slot.material for slot in thing.material_slots] or [None]
    colours = np.array([material.diffuse_color[:3] if material else _CLAY for material in slots])
    return Surface(world[corners.reshape(-1, 3)], colours[np.clip(materials, 0, len(slots) - 1)])


def _skeleton(armature: bpy.types.Object, bones: list[bpy.types.PoseBone]) -> Surface:
    from ..core.rig_names import plain_name

    matrix = np.array(armature.matrix_world)
    ends = np.array([(bone.head, bone.tail) for bone in bones], float).reshape(-1, 2, 3)
    ends = ends @ matrix[:3, :3].T + matrix[:3, 3]
    colours = np.array([_BONES[plain_name(bone.name).side] for bone in bones]).reshape(-1, 3)
    return bones_surface(ends[:, 0], ends[:, 1], colours)
