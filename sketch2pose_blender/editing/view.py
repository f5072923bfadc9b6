"""Between the pixels of a drawing and those of a 3D view's region."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from __future__ import annotations

import bpy
import numpy as np

from ..core.paper import Paper
from ..rig.drawn_figure import DrawnFigure
from ..rig.posing import armature_of


def paper_in_world(context: bpy.types.Context, drawn: DrawnFigure) -> Paper:
    """Where the drawing lies in the world."""
    armature = armature_of(context.active_object)
    assert armature is not None  # whoever asks has its figure
    return drawn.paper.transformed(np.array(armature.matrix_world))


def to_region(context: bpy.types.Context, drawn: DrawnFigure, pixels: np.ndarray) -> np.ndarray:
    """(K, 2) pixels of the drawing -> (K, 2) pixels of the region, y up; NaN behind the viewer."""
    points = paper_in_world(context, drawn).points(pixels)
    region, matrix = context.region, np.array(context.region_data.perspective_matrix)
    seen = points @ matrix[:3, :3].T + matrix[:3, 3]
    distance = points @ matrix[3, :3] + matrix[3, 3]
    visible = np.where(distance > 1e-6, distance, np.nan)[:, None]
    return (seen[:, :2] / visible + 1) / 2 * (region.width, region.height)


def from_region(
    context: bpy.types.Context, drawn: DrawnFigure, place: tuple[float, float]
) -> np.ndarray | None:
    """The drawing's pixel (2,) under a place of the region; None where the drawing is seen edge on."""
    from bpy_extras.view3d_utils import region_2d_to_origin_3d, region_2d_to_vector_3d

    eye = region_2d_to_origin_3d(context.region, context.region_data, place)
    direction = region_2d_to_vector_3d(context.region, context.region_data, place)
    return paper_in_world(context, drawn).pixel_seen(np.array(eye), np.array(direction))
