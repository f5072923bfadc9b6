"""From where a drawing is seen: the 3D view, the scene's camera, or straight onto the drawing's own plane."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from __future__ import annotations

from typing import Literal

import bpy
import numpy as np

from ..core.boundary import InputError
from ..core.sketch import Strokes, View

Seen = Literal["AUTO", "VIEWPORT", "CAMERA", "PLANE"]

#: Pixels of a view that nobody looks at.
_SIDE = 1024
#: Where a plane could be looked at from either side, it is seen from here: the front view's side, and from above.
_TOWARDS_VIEWER = np.array([0.1, -1.0, 0.2])


def choose_view(
    context: bpy.types.Context,
    seen: Seen,
    strokes: Strokes,
    *,
    area: bpy.types.Area | None = None,
    depsgraph: bpy.types.Depsgraph | None = None,
) -> View:
    """The view that strokes are seen from.

    Args:
        context: with a 3D view as its area for "VIEWPORT", if none is given.
        seen: "AUTO" takes the first that there is: the 3D view, the scene's camera, the drawing's plane.
        strokes: what is seen.
        area: a 3D view.
        depsgraph: evaluated already; None for the context's, which is evaluated if need be.

    Raises:
        InputError: there is no such view.
    """
    viewport = None
    if seen in {"AUTO", "VIEWPORT"}:
        viewport = viewport_view(context) if area is None else area_view(area)
    if viewport is not None:
        return viewport
    if seen == "VIEWPORT":
        raise InputError("There is no 3D view here; call the operator from one, or choose the camera.")
    if seen == "CAMERA" or (seen == "AUTO" and context.scene.camera is not None):
        return camera_view(context, depsgraph)
    return plane_view(strokes)


def viewport_view(context: bpy.types.Context) -> View | None:
    """The 3D view that the context is in; None where it is in none."""
    return None if context.area is None else area_view(context.area, context.region_data)


def area_view(area: bpy.types.Area, seen: bpy.types.RegionView3D | None = None) -> View | None:
    """The view of a 3D view's area, or of one of its four; None where the area is no 3D view."""
    space = area.spaces.active
    if area.type != "VIEW_3D" or not isinstance(space, bpy.types.SpaceView3D):
        return None
    region = next((region for region in area.regions if region.type == "WINDOW"), None)
    seen = seen or space.region_3d
    if region is None or seen is None:
        return None
    # The matrices of a view that has not been drawn yet are not set.
    projection = np.array(seen.window_matrix)
    if region.width < 2 or region.height < 2 or abs(projection[0, 0]) < 1e-9:
        return None
    return View.from_matrices(np.array(seen.view_matrix), projection, (region.width, region.height))


def camera_view(context: bpy.types.Context, depsgraph: bpy.types.Depsgraph | None = None) -> View:
    """The picture of the scene's camera.

    Args:
        context: tells the scene.
        depsgraph: evaluated already; None for the context's, which is evaluated if need be.

    Raises:
        InputError: the scene has no camera, or a panoramic one.
    """
    camera = context.scene.camera
    if camera is None:
        raise InputError("The scene has no camera; add one, or look through the 3D view.")
    if camera.type != "CAMERA" or camera.data.type == "PANO":
        raise InputError(f"{camera.name} is no perspective or orthographic camera; choose another one.")
    render = context.scene.render
    share = render.resolution_percentage / 100
    width, height = (max(2, round(side * share)) for side in (render.resolution_x, render.resolution_y))
    depsgraph = depsgraph or context.evaluated_depsgraph_get()
    projection = camera.evaluated_get(depsgraph).calc_matrix_camera(
        depsgraph, x=width, y=height, scale_x=render.pixel_aspect_x, scale_y=render.pixel_aspect_y
    )
    view = camera.evaluated_get(depsgraph).matrix_world.normalized().inverted()
    return View.from_matrices(np.array(view), np.array(projection), (width, height))


def plane_view(strokes: Strokes) -> View:
    """Straight onto the plane in which the strokes lie, upright.

    Raises:
        InputError: there are no strokes.
    """
    if not len(strokes.points):
        raise InputError("The drawing has no strokes; draw a figure first.")
    middle = strokes.points.mean(0)
    _, _, axes = np.linalg.svd(strokes.points - middle, full_matrices=True)
    away = axes[2] if axes[2] @ _TOWARDS_VIEWER < 0 else -axes[2]
    up = np.array([0.0, 0.0, 1.0])
    if abs(away @ up) > 0.99:  # drawn on the floor: its top is away from the viewer
        up = np.array([0.0, 1.0, 0.0])
    right = np.cross(away, up)
    right /= np.linalg.norm(right)
    down = np.cross(away, right)
    extent = max(float(np.ptp(strokes.points, axis=0).max()), 1e-9)
    return View.facing(middle, right, down, np.full(2, 0.8 * _SIDE / extent), (_SIDE, _SIDE))
