"""The sources of drawings by name: what each needs, and its Sketch."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..core.boundary import InputError
from ..core.raster import draw
from ..core.sketch import Sketch
from .images import (
    background_sketch,
    clipboard_sketch,
    empty_sketch,
    file_sketch,
    image_sketch,
    is_reference_image,
)
from .strokes import GREASE_PENCIL_TYPES, annotation_strokes, grease_pencil_strokes
from .views import Seen, choose_view


@dataclass(frozen=True)
class Source:
    """Where a drawing is to be found.

    Attributes:
        kind: "GREASE_PENCIL", "ANNOTATION", "IMAGE", "FILE", "EMPTY", "CLIPBOARD" or "CAMERA".
        object: name of the grease pencil or the empty; "" for the active or selected one, or the only one.
        layer: name of a grease pencil's layer; "" for all that are visible.
        view: from where strokes are seen.
        image: name of an image data-block.
        filepath: an image file.
    """

    kind: str
    object: str = ""
    layer: str = ""
    view: Seen = "AUTO"
    image: str = ""
    filepath: str = ""


def read_sketch(
    context: bpy.types.Context,
    source: Source,
    *,
    area: bpy.types.Area | None = None,
    depsgraph: bpy.types.Depsgraph | None = None,
) -> Sketch:
    """Read the drawing. Changes nothing.

    Args:
        context: tells the scene, and the 3D view unless one is given.
        source: where the drawing is.
        area: the 3D view that strokes are seen in; None for the context's.
        depsgraph: evaluated already; None for the context's, which is evaluated if need be.

    Raises:
        InputError: there is no drawing; one sentence.
    """
    match source.kind:
        case "GREASE_PENCIL":
            thing = _object(context, source, is_grease_pencil, "grease pencil drawing")
            strokes = grease_pencil_strokes(context, thing, source.layer, depsgraph)
            name = thing.name
        case "ANNOTATION":
            strokes = annotation_strokes(context)
            name = "Annotation"
        case "IMAGE":
            return image_sketch(_image(context, source.image))
        case "FILE":
            if not source.filepath:
                raise InputError("No file was chosen; choose an image file.")
            return file_sketch(Path(bpy.path.abspath(source.filepath)))
        case "EMPTY":
            return empty_sketch(_object(context, source, is_reference_image, "reference image"))
        case "CLIPBOARD":
            return clipboard_sketch(context)
        case "CAMERA":
            return background_sketch(context)
        case _:
            raise InputError(f"{source.kind} is no source of drawings; choose another one.")
    view = choose_view(context, source.view, strokes, area=area, depsgraph=depsgraph)
    return draw(name, strokes, view)


def is_grease_pencil(thing: bpy.types.Object) -> bool:
    """Whether an object is a grease pencil drawing."""
    return thing.type in GREASE_PENCIL_TYPES


def find_object(
    context: bpy.types.Context, fits: Callable[[bpy.types.Object], bool]
) -> bpy.types.Object | None:
    """The active object, else the only selected, else the only visible one that fits; None where there is none."""
    active = context.active_object
    if active is not None and fits(active):
        return active
    for things in (context.selected_objects, context.visible_objects):
        fitting = [thing for thing in things if fits(thing)]
        if len(fitting) == 1:
            return fitting[0]
    return None


def _object(
    context: bpy.types.Context, source: Source, fits: Callable[[bpy.types.Object], bool], what: str
) -> bpy.types.Object:
    if source.object:
        thing = context.scene.objects.get(source.object)
        if thing is None or not fits(thing):
            raise InputError(f"{source.object} is no {what} in this scene; choose another object.")
        return thing
    thing = find_object(context, fits)
    if thing is None:
        raise InputError(f"There is no {what}, or more than one; select the one to pose.")
    return thing


def _image(context: bpy.types.Context, name: str) -> bpy.types.Image:
    image = bpy.data.images.get(name) if name else context.scene.sketch2pose.image
    if image is None:
        raise InputError(
            f"There is no image {name}; choose one." if name else "No image was chosen; choose one."
        )
    return image
