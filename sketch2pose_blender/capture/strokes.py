"""Reads grease pencil drawings, of Blender 4.2 (legacy) and of 4.3 and later, and annotations."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np

from ..core.boundary import InputError
from ..core.sketch import Strokes

#: Object types of a grease pencil: the first up to 4.2, the second from 4.3 on.
GREASE_PENCIL_TYPES = {"GPENCIL", "GREASEPENCIL"}
#: Half width in world units of one unit of a legacy line's width (Blender's own conversion does the same).
_LEGACY_RADIUS = 1 / 2000
#: Half width of lines that have none.
_DEFAULT_RADIUS = 0.01


def grease_pencil_strokes(
    context: bpy.types.Context,
    thing: bpy.types.Object,
    layer: str = "",
    depsgraph: bpy.types.Depsgraph | None = None,
) -> Strokes:
    """The strokes of a grease pencil object at the current frame; from 4.3 on, as its modifiers leave them.

    Hidden and locked layers, and areas without an outline, are left out.

    Args:
        context: tells the frame.
        thing: the object.
        layer: name of the one layer that is read, hidden or not; "" for all that are visible and unlocked.
        depsgraph: evaluated already; None for the context's, which is evaluated if need be.

    Raises:
        InputError: there is no such layer, or it has no strokes at this frame.
    """
    legacy = thing.type == "GPENCIL"
    # In evaluated legacy data the layers' own transforms are in the points already, but not those of parents.
    evaluated = thing if legacy else thing.evaluated_get(depsgraph or context.evaluated_depsgraph_get())
    if layer and all(_name(found) != layer for found in evaluated.data.layers):
        evaluated = thing  # hidden layers are not evaluated
    data = evaluated.data
    layers = [found for found in data.layers if (_name(found) == layer if layer else _is_shown(found))]
    if layer and not layers:
        raise InputError(f"{thing.name} has no layer {layer}; choose another one.")
    outlined = np.array([_has_outline(slot.material) for slot in evaluated.material_slots] or [True])
    parts = []
    for found in layers:
        matrix = _layer_matrix(evaluated, found)
        scale = float(np.cbrt(abs(np.linalg.det(matrix[:3, :3]))))
        read = (
            _legacy_layer(found, outlined, context.scene.frame_current) if legacy else _layer(found, outlined)
        )
        parts += [_moved(strokes, matrix, scale) for strokes in read]
    joined = Strokes.joined(parts)
    if not len(joined.points):
        where = f"Layer {layer}" if layer else f"{thing.name}"
        raise InputError(
            f"{where} has no visible strokes at frame {context.scene.frame_current}; draw a figure first."
        )
    return joined


def annotation_strokes(context: bpy.types.Context) -> Strokes:
    """The scene's annotations in space, at the current frame.

    Where Blender's Python cannot tell annotations in space from those on the screen (4.3 to 5.1), all are
    taken to be in space.

    Raises:
        InputError: there are none.
    """
    scene = context.scene
    data = _annotations(scene)
    parts = []
    for layer in data.layers if data is not None else ():
        frame = _frame_at(layer, scene.frame_current)
        if frame is None or not _is_shown(layer, "annotation_hide"):
            continue
        strokes = [s for s in frame.strokes if getattr(s, "display_mode", "3DSPACE") == "3DSPACE"]
        read = [_values(stroke.points, "co", 3) for stroke in strokes if len(stroke.points)]
        for points in read:
            count = len(points)
            parts.append(
                Strokes(
                    points,
                    np.full(count, layer.thickness * _LEGACY_RADIUS),
                    np.ones(count),
                    np.array([0, count]),
                    np.zeros(1, bool),
                )
            )
    joined = Strokes.joined(parts)
    if not len(joined.points):
        raise InputError(
            "There are no annotations in the 3D view's space; draw a figure with Annotate first."
        )
    return joined


def annotation_mark(scene: bpy.types.Scene) -> tuple[int, ...]:
    """Numbers that change with the scene's annotations: of their changes Blender tells no handler.

    How many strokes each layer shows at the current frame, and how many points the last one has.
    """
    mark = []
    data = _annotations(scene)
    for layer in data.layers if data is not None else ():
        frame = _frame_at(layer, scene.frame_current)
        strokes: Any = frame.strokes if frame is not None else ()
        mark += [len(strokes), len(strokes[-1].points) if len(strokes) else 0]
    return tuple(mark)


def _annotations(scene: bpy.types.Scene) -> Any:
    return scene.annotation if hasattr(scene, "annotation") else scene.grease_pencil


def _is_shown(layer: Any, hide: str = "hide") -> bool:
    if getattr(layer, hide, False) or layer.lock:
        return False
    group = getattr(layer, "parent_group", None)
    while group is not None:
        if group.hide or group.lock:
            return False
        group = group.parent_group
    return True


def _frame_at(layer: Any, now: int) -> Any:
    """The layer's frame that is shown; its active_frame is set only once the file has been drawn."""
    past = [frame for frame in layer.frames if frame.frame_number <= now]
    return max(past, key=lambda frame: frame.frame_number, default=None)


def _name(layer: Any) -> str:
    return layer.info if hasattr(layer, "info") else layer.name


def _has_outline(material: bpy.types.Material | None) -> bool:
    style = material.grease_pencil if material is not None else None
    # From 5.2 on each stroke says itself whether its line is hidden.
    return style is None or (not style.hide and (bpy.app.version >= (5, 2) or style.show_stroke))


def _layer_matrix(thing: bpy.types.Object, layer: Any) -> np.ndarray:
    """(4, 4) layer -> world."""
    local = layer.matrix_layer if hasattr(layer, "matrix_layer") else layer.matrix_local
    parent = layer.parent
    if parent is None:
        return np.array(thing.matrix_world @ local)
    inverse = layer.matrix_inverse if hasattr(layer, "matrix_inverse") else layer.matrix_parent_inverse
    placed = parent.matrix_world
    bone = parent.pose.bones.get(layer.parent_bone) if parent.pose and layer.parent_bone else None
    if bone is not None:
        placed = placed @ bone.matrix
    return np.array(placed @ inverse @ local)


def _moved(strokes: Strokes, matrix: np.ndarray, scale: float) -> Strokes:
    points = strokes.points @ matrix[:3, :3].T + matrix[:3, 3]
    return Strokes(points, strokes.radii * scale, strokes.opacities, strokes.starts, strokes.cyclic)


def _layer(layer: Any, outlined: np.ndarray) -> Iterator[Strokes]:
    """The strokes of one layer, layer space (4.3 and later)."""
    frame = layer.current_frame()
    if frame is None:
        return
    drawing = frame.drawing
    attributes = drawing.attributes
    count = attributes.domain_size("POINT")
    if not count:
        return
    offsets = np.empty(len(drawing.curve_offsets), np.int32)
    drawing.curve_offsets.foreach_get("value", offsets)

    def values(name: str, key: str, size: int, otherwise: float, domain: int = count) -> np.ndarray:
        # Attributes appear only once they have been used.
        if name not in attributes:
            return np.full(domain * size, otherwise, np.float32)
        kind = {"INT": np.int32, "BOOLEAN": bool}.get(attributes[name].data_type, np.float32)
        read = np.empty(domain * size, kind)
        attributes[name].data.foreach_get(key, read)
        return read

    points = values("position", "vector", 3, 0.0).reshape(-1, 3)
    radii = values("radius", "value", 1, _DEFAULT_RADIUS)
    opacities = values("opacity", "value", 1, 1.0)
    curves = len(offsets) - 1
    cyclic = values("cyclic", "value", 1, 0.0, curves).astype(bool)
    materials = np.clip(values("material_index", "value", 1, 0.0, curves).astype(int), 0, len(outlined) - 1)
    hidden = values("hide_stroke", "value", 1, 0.0, curves).astype(bool)
    # What is not drawn stays in the list and is transparent: that is faster than taking it out.
    drawn = np.repeat(outlined[materials] & ~hidden, np.diff(offsets))
    yield Strokes(points, radii, np.where(drawn, opacities, 0.0), offsets, cyclic)


def _legacy_layer(layer: Any, outlined: np.ndarray, now: int) -> Iterator[Strokes]:
    """The strokes of one layer, layer space (4.2)."""
    frame = _frame_at(layer, now)
    for stroke in frame.strokes if frame is not None else ():
        count = len(stroke.points)
        material = min(stroke.material_index, len(outlined) - 1)
        if not count or not outlined[material]:
            continue
        yield Strokes(
            _values(stroke.points, "co", 3),
            _values(stroke.points, "pressure") * (stroke.line_width * _LEGACY_RADIUS),
            _values(stroke.points, "strength"),
            np.array([0, count]),
            np.array([stroke.use_cyclic]),
        )


def _values(points: Any, name: str, size: int = 1) -> np.ndarray:
    read = np.empty(len(points) * size, np.float32)
    points.foreach_get(name, read)
    return read.reshape(-1, size) if size > 1 else read
