"""``python -m training evaluate``: accuracy on labelled drawings and on synthetic validation drawings."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from backend.engines.onnx import KEYPOINT_NETWORK, OnnxEngine

from .sketches import evaluate_sketches, read_labels, report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training evaluate``."""
    parser.add_argument("--sketches", type=Path, help="folder with labels.json and images of real drawings")
    parser.add_argument(
        "--synthetic", type=int, default=0, metavar="N", help="N drawings of the validation clips, too"
    )
    parser.add_argument("--weights", type=Path, default=KEYPOINT_NETWORK, help="the .onnx network")
    parser.add_argument("--threads", type=int, default=1, help="processor threads of the engine")
    parser.add_argument("--pictures", type=Path, help="write a picture of every figure with its reading")
    parser.add_argument("--json", type=Path, help="write the score of every figure")


def run(args: argparse.Namespace) -> int:
    """Print a table for each set, with the weights and the number of figures."""
    engine = OnnxEngine(args.weights, args.threads)
    print(f"weights {engine.weights_id}")
    if args.sketches:
        figures = read_labels(args.sketches)
        scores, detections = evaluate_sketches(engine, figures)
        print(f"\n{args.sketches}, boxes given, {len(figures)} figures\n{report(scores)}")
        if args.json:
            args.json.write_text(json.dumps([asdict(score) for score in scores], indent=1) + "\n")
        if args.pictures:
            from .pictures import contact_sheet

            args.pictures.mkdir(parents=True, exist_ok=True)
            contact_sheet(figures, scores, detections).save(args.pictures / "sketches.png")
    if args.synthetic:
        from .synthetic import evaluate_synthetic

        print(f"\n{evaluate_synthetic(engine, args.synthetic)}")
    return 0 if args.sketches or args.synthetic else _nothing()


def _nothing() -> int:
    print("Nothing to measure: give --sketches FOLDER or --synthetic N.")
    return 2
