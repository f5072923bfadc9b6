"""A drawing as strokes in JSON: they draw the page again, and tones that are no strokes are refused."""

import json

import numpy as np
import pytest

from backend.errors import InputError
from training.__main__ import main
from training.dataset.strokes import to_strokes
from training.drawing.marks import Mark, rasterise
from training.drawing.placement import Placement
from training.drawing.styles import STYLES

GESTURE = next(style for style in STYLES if style.name == "gesture")


def marks_of(values):
    return [
        Mark(
            np.array(stroke["points"], np.float32),
            np.array(stroke["widths"], np.float32),
            np.array(stroke["opacities"], np.float32),
            stroke["tone"],
            stroke["closed"],
            stroke["filled"],
            stroke["grain"],
        )
        for stroke in values["strokes"]
    ]


@pytest.mark.parametrize("part", ["whole", "bust"])
def test_the_strokes_draw_the_page_again(machine, part):
    for seed in range(4):
        drawing = machine.draw(seed, GESTURE, [Placement(part=part)])
        values = json.loads(json.dumps(to_strokes(drawing)))
        assert values["schema"] == "sketch2pose-strokes/1"
        assert values["size"] == [256, 256]
        assert values["seed"] == seed
        canvas = drawing.canvas
        again = rasterise(marks_of(values), 256, values["paper"], canvas.tooth)
        assert canvas.image.std() > 5
        assert np.abs(canvas.image.astype(float) - again).mean() < 0.5


def test_the_keypoints_lie_on_the_strokes(machine):
    values = to_strokes(machine.draw(3, GESTURE, [Placement()]))
    (figure,) = values["figures"]
    points = np.concatenate([stroke["points"] for stroke in values["strokes"]])
    for name in ("left_knee", "right_elbow", "head", "pelvis"):
        assert np.hypot(*(points - figure["keypoints"][name]).T).min() < 15


def test_painted_tones_are_refused(machine):
    drawing = machine.draw(1, GESTURE, [Placement()])
    drawing.canvas.wash(np.ones((256, 256), bool), np.full((256, 256), 9.0))
    with pytest.raises(InputError, match="painted tones"):
        to_strokes(drawing)


def test_the_command_writes_a_file(bank_file, tmp_path, capsys):
    out = tmp_path / "deeper" / "strokes.json"
    arguments = ["--poses", str(bank_file), "--seed", "5", "--style", "gesture", "--out", str(out)]
    assert main(["dataset", "strokes", *arguments]) == 0
    values = json.loads(out.read_text())
    assert f"{len(values['strokes'])} strokes" in capsys.readouterr().out
    assert len(values["strokes"]) > 10
    for stroke in values["strokes"]:
        assert len(stroke["points"]) == len(stroke["widths"]) == len(stroke["opacities"])
