"""A drawing's strokes as a grease-pencil object, in both grease-pencil APIs."""

import json
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest

TOOL = Path(__file__).parents[2] / "tools" / "drawing_to_grease_pencil.py"

DRAWING = {
    "schema": "sketch2pose-strokes/1",
    "seed": 7,
    "style": "gesture",
    "size": [256, 256],
    "paper": 255,
    "strokes": [
        {
            "points": [[127.5, 127.5], [227.5, 127.5], [227.5, 27.5]],
            "widths": [1.0, 4.0, 2.0],
            "opacities": [1.0, 0.5, 0.25],
            "tone": 0,
            "filled": False,
            "closed": False,
        },
        {
            "points": [[0, 0], [10, 0], [10, 10], [0, 10]],
            "widths": [1, 1, 1, 1],
            "opacities": [0.75] * 4,
            "tone": 255,
            "filled": True,
            "closed": True,
        },
    ],
}


def convert(drawing, folder):
    strokes, out = folder / "strokes.json", folder / "deeper" / "drawing.blend"
    strokes.write_text(json.dumps(drawing), encoding="utf-8")
    command = [sys.executable, TOOL, strokes, out]
    return out, subprocess.run(command, capture_output=True, text=True, check=False)


def strokes_of(layer):
    """Of each stroke: points (n, 3) metres, widths (n,) metres, opacities (n,), grey, filled, closed."""
    (frame,) = layer.frames
    for stroke in getattr(frame, "drawing", frame).strokes:
        points = stroke.points
        if bpy.app.version < (4, 3):
            yield (
                [tuple(p.co) for p in points],
                [p.pressure * stroke.line_width / 1000 for p in points],
                [p.strength for p in points],
                points[0].vertex_color[0],
                stroke.material_index == 1,
                stroke.use_cyclic,
            )
        else:
            yield (
                [tuple(p.position) for p in points],
                [2 * p.radius for p in points],
                [p.opacity for p in points],
                points[0].vertex_color[0],
                stroke.material_index == 1 and getattr(stroke, "fill_id", 1) > 0,
                stroke.cyclic,
            )


def test_strokes_arrive_where_they_were_drawn(tmp_path):
    out, done = convert(DRAWING, tmp_path)
    assert done.returncode == 0, done.stderr
    bpy.ops.wm.open_mainfile(filepath=str(out))
    (thing,) = bpy.data.objects
    assert thing.type in ("GPENCIL", "GREASEPENCIL")
    line, area = strokes_of(thing.data.layers["Strokes"])
    np.testing.assert_allclose(line[0], [[0, 0, 0], [1, 0, 0], [1, 0, 1]], atol=1e-5)
    np.testing.assert_allclose(line[1], [0.01, 0.04, 0.02], atol=1e-5)
    np.testing.assert_allclose(line[2], [1, 0.5, 0.25], atol=1e-5)
    assert line[3:] == (0.0, False, False)
    np.testing.assert_allclose(area[0][0], [-1.275, 0, 1.275], atol=1e-5)
    assert len(area[0]) == 4
    assert area[2] == [0.75] * 4
    assert area[3:] == (1.0, True, True)
    (sheet,) = strokes_of(thing.data.layers["Paper"])
    np.testing.assert_allclose(np.ptp(sheet[0], axis=0), [2.56, 0, 2.56], atol=1e-5)
    lines, areas = thing.data.materials
    assert lines.grease_pencil.show_stroke
    assert areas.grease_pencil.show_fill


@pytest.mark.skipif(bpy.app.version >= (4, 3), reason="later versions cut areas when they draw them")
def test_a_concave_area_keeps_its_notch(tmp_path):
    notched = [[0, 0], [50, 40], [100, 0], [100, 100], [0, 100]]
    area = DRAWING["strokes"][1] | {"points": notched, "widths": [1] * 5, "opacities": [1] * 5}
    out, done = convert(DRAWING | {"strokes": [area]}, tmp_path)
    assert done.returncode == 0, done.stderr
    bpy.ops.wm.open_mainfile(filepath=str(out))
    (stroke,) = bpy.data.objects[0].data.layers["Strokes"].frames[0].strokes
    covered = 0.0
    for triangle in stroke.triangles:
        a, b, c = (np.array(notched[v], float) for v in (triangle.v1, triangle.v2, triangle.v3))
        covered += abs(np.linalg.det([b - a, c - a])) / 2
    assert covered == pytest.approx(100 * 100 - 100 * 40 / 2)


@pytest.mark.parametrize("drawing", [{"schema": "other/1"}, []])
def test_another_file_is_refused(drawing, tmp_path):
    out, done = convert(drawing, tmp_path)
    assert done.returncode == 1
    assert "holds no strokes" in done.stderr
    assert not out.exists()
