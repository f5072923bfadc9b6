"""``python -m training dataset strokes``: one drawing as the strokes that it is made of, in JSON."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from backend.errors import InputError
from backend.skeleton import KEYPOINT_NAMES

from ..drawing.anatomy import load_anatomy
from ..drawing.machine import DrawingMachine
from ..drawing.marks import Mark
from ..drawing.paper import moved
from ..drawing.record import Drawing
from ..drawing.styles import STYLES
from ..poses.bank import PoseBank

#: Name and version of the file's shape, which tools/drawing_to_grease_pencil.py reads.
SCHEMA = "sketch2pose-strokes/1"


def add_step(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The options of the step."""
    written = steps.add_parser("strokes", help="write one drawing as strokes, for a grease-pencil object")
    written.add_argument("--poses", type=Path, required=True, help="pose bank")
    written.add_argument("--seed", type=int, required=True, help="of the drawing")
    written.add_argument(
        "--style", choices=[style.name for style in STYLES], help="instead of the seed's own"
    )
    written.add_argument("--out", type=Path, required=True, help="the .json to write")
    written.set_defaults(function=_write)


def to_strokes(drawing: Drawing) -> dict[str, Any]:
    """The plain objects of schema ``sketch2pose-strokes/1``: pixels of the page before it was photographed.

    Raises InputError for a drawing that is not of strokes alone.
    """
    canvas = drawing.canvas
    if canvas is None or not canvas.vector:
        raise InputError(
            f"Drawing {drawing.seed} ({drawing.style}) has painted tones, which are no strokes; "
            "take another seed or --style."
        )
    back = np.linalg.inv(drawing.warp)
    return {
        "schema": SCHEMA,
        "seed": drawing.seed,
        "style": drawing.style,
        "regime": drawing.regime,
        "size": list(canvas.image.shape[::-1]),
        "paper": round(float(canvas.paper), 2),
        "strokes": [_stroke(mark) for mark in canvas.marks],
        "figures": [
            {"keypoints": dict(zip(KEYPOINT_NAMES, _rounded(moved(figure.keypoints, back), 2), strict=True))}
            for figure in drawing.figures
        ],
    }


def _stroke(mark: Mark) -> dict[str, Any]:
    return {
        "points": _rounded(mark.points, 2),
        "widths": _rounded(mark.width, 2),
        "opacities": _rounded(mark.opacity, 3),
        "tone": round(float(mark.tone), 2),
        "closed": mark.closed,
        "filled": mark.filled,
        "grain": round(float(mark.grain), 3),
    }


def _rounded(array: np.ndarray, decimals: int) -> list[Any]:
    return array.astype(float).round(decimals).tolist()


def _write(args: argparse.Namespace) -> int:
    machine = DrawingMachine(PoseBank.load(args.poses), load_anatomy())
    style = next((style for style in STYLES if style.name == args.style), None)
    values = to_strokes(machine.draw(args.seed, style))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(values, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{len(values['strokes'])} strokes in {args.out}.")
    return 0
