"""Makes a grease-pencil object of a drawing's strokes, as ``python -m training dataset strokes`` writes them.

    blender --background --python tools/drawing_to_grease_pencil.py -- strokes.json out.blend
    python tools/drawing_to_grease_pencil.py strokes.json out.blend

The second form needs the bpy wheel. The page lies in the object's XZ plane, its middle at the origin.
"""

# Blender's stubs describe one version; grease pencil has two APIs (legacy up to 4.2, another from 4.3).
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportArgumentType=false

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np

SCHEMA = "sketch2pose-strokes/1"

#: Metres a pixel of the page.
PIXEL = 0.01

#: Legacy line widths count these a metre.
LEGACY_WIDTHS = 1000


def build_object(drawing: Any) -> bpy.types.Object:
    """A new grease-pencil object in the scene: a layer with the sheet of paper, and one with the strokes."""
    if not isinstance(drawing, dict) or drawing.get("schema") != SCHEMA:
        raise ValueError(f"schema is not {SCHEMA!r}; write the file with python -m training dataset strokes.")
    legacy = bpy.app.version < (4, 3)
    kinds = getattr(bpy.data, "grease_pencils_v3", bpy.data.grease_pencils)
    data = kinds.new("Drawing")
    for name, filled in (("Line", False), ("Area", True)):
        data.materials.append(_material(name, filled))
    width, height = drawing["size"]
    corners = [[-0.5, -0.5], [width - 0.5, -0.5], [width - 0.5, height - 0.5], [-0.5, height - 0.5]]
    sheet = {"points": corners, "widths": [1] * 4, "opacities": [1] * 4, "tone": drawing["paper"]}
    layers = {"Paper": [sheet | {"filled": True, "closed": True}], "Strokes": drawing["strokes"]}
    for name, strokes in layers.items():
        layer = data.layers.new(name)
        layer.use_lights = False  # a page is as bright as it was drawn
        frame = layer.frames.new(1)
        if legacy:
            _add_legacy(frame, strokes, (width, height))
        else:
            _add(frame.drawing, strokes, (width, height))
    if legacy:
        data.stroke_thickness_space = "WORLDSPACE"
    thing = bpy.data.objects.new(f"{drawing['style']} {drawing['seed']}", data)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def _material(name: str, filled: bool) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    bpy.data.materials.create_gpencil_data(material)
    material.grease_pencil.show_stroke = not filled
    material.grease_pencil.show_fill = filled
    return material


def _add(drawing: Any, strokes: list[dict[str, Any]], size: tuple[int, int]) -> None:
    """Add strokes to a drawing of Blender 4.3 and later."""
    drawing.add_strokes([len(stroke["points"]) for stroke in strokes])
    for number, (stroke, values) in enumerate(zip(drawing.strokes, strokes, strict=True), 1):
        if hasattr(stroke, "fill_id"):  # lines and areas are no longer told apart by their materials alone
            stroke.fill_id = number if values["filled"] else 0
            stroke.hide_stroke = values["filled"]
        stroke.cyclic = values["closed"]
        stroke.material_index = int(values["filled"])
        stroke.fill_color = _colour(values)
        stroke.fill_opacity = values["opacities"][0]
        rows = zip(stroke.points, _places(values, size), values["widths"], values["opacities"], strict=True)
        for point, place, width, opacity in rows:
            point.position = place
            point.radius = 0.5 * PIXEL * width
            point.opacity = opacity
            point.vertex_color = _colour(values)


def _add_legacy(frame: Any, strokes: list[dict[str, Any]], size: tuple[int, int]) -> None:
    """Add strokes to a frame of Blender 4.2."""
    for values in strokes:
        stroke = frame.strokes.new()
        stroke.display_mode = "3DSPACE"
        stroke.use_cyclic = values["closed"]
        stroke.material_index = int(values["filled"])
        stroke.vertex_color_fill = _colour(values)
        # A whole number for the stroke; the points have shares of it.
        stroke.line_width = max(1, round(LEGACY_WIDTHS * PIXEL * max(values["widths"])))
        stroke.points.add(len(values["points"]))
        rows = zip(stroke.points, _places(values, size), values["widths"], values["opacities"], strict=True)
        for point, place, width, opacity in rows:
            point.co = place
            point.pressure = LEGACY_WIDTHS * PIXEL * width / stroke.line_width
            point.strength = opacity
            point.vertex_color = _colour(values)
        stroke.points.update()  # areas are cut into triangles anew


def _places(stroke: dict[str, Any], size: tuple[int, int]) -> list[list[float]]:
    """The points of a stroke, metres: pixel centres are whole numbers, y goes down the page."""
    x, y = np.array(stroke["points"], float).T
    middle = (np.array(size) - 1) / 2
    return np.stack([(x - middle[0]) * PIXEL, np.zeros(len(x)), (middle[1] - y) * PIXEL], 1).tolist()


def _colour(stroke: dict[str, Any]) -> tuple[float, float, float, float]:
    """Grey as the linear colour that Blender keeps."""
    value = stroke["tone"] / 255
    linear = value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
    return linear, linear, linear, 1.0


def main() -> None:
    """Read the options and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("strokes", type=Path, help="JSON of python -m training dataset strokes")
    parser.add_argument("out", type=Path, help="the .blend to write")
    options = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    args = parser.parse_args(options)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    try:
        thing = build_object(json.loads(args.strokes.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"{args.strokes} holds no strokes: {error}")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(args.out.absolute()))
    print(f"{thing.name}: {args.out}")


if __name__ == "__main__":
    main()
