"""``python -m training evaluate``: every metric on labelled drawings, beside MediaPipe Pose, as a report."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path

from backend.engines.onnx import KEYPOINT_NETWORK, OnnxEngine
from backend.pipeline import Pipeline

from ..drawing.anatomy import Anatomy, load_anatomy
from .figures import LabelledFigure
from .results import Measured, document, measure, time_section
from .sketches import read_labels

_ROOT = Path(__file__).parents[2]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training evaluate``."""
    parser.add_argument(
        "--sketches", type=Path, nargs="+", default=[], help="folders with labels.json and images of drawings"
    )
    parser.add_argument(
        "--synthetic",
        type=int,
        default=0,
        metavar="N",
        help="N drawings of the validation clips, half as many in styles not trained on, and as many parts",
    )
    parser.add_argument(
        "--pages",
        type=int,
        default=0,
        metavar="N",
        help="figures looked for on N composed pages, with drawings of --sketches pasted among synthetic ones",
    )
    parser.add_argument(
        "--mediapipe", action="store_true", help="beside MediaPipe Pose, installed on first use"
    )
    parser.add_argument("--time", action="store_true", help="the times alone, on the first of --sketches")
    parser.add_argument("--weights", type=Path, default=KEYPOINT_NETWORK, help="the .onnx network")
    parser.add_argument(
        "--out", type=Path, help="write the report, with pictures in images/results beside it"
    )
    parser.add_argument("--pictures", type=Path, help="write a picture of every figure with its reading")
    parser.add_argument("--json", type=Path, help="write the score of every figure")


def run(args: argparse.Namespace) -> int:
    """Measure, and print or write the report."""
    if not args.sketches and not args.synthetic and not args.pages:
        print("Nothing to measure: give --sketches FOLDER, --synthetic N or --pages N.")
        return 2
    if args.time:
        if not args.sketches:
            print("Nothing to time: give --sketches FOLDER.")
            return 2
        print(time_section(args.weights, read_labels(args.sketches[0]), args.mediapipe))
        return 0
    pipeline = Pipeline(OnnxEngine(args.weights, 1))
    anatomy = load_anatomy()
    measured = []
    for named in _sets(args.sketches, args.synthetic):
        print(f"{named[0]}: {len(named[3])} figures ...", file=sys.stderr, flush=True)
        measured.append(measure(pipeline, anatomy, *named, beside_mediapipe=args.mediapipe))
    images = args.out.parent / "images" / "results" if args.out else None
    others = [_finding(args.pages, args.sketches, pipeline, anatomy, images)] if args.pages else []
    if measured:
        others.append(time_section(args.weights, measured[0].figures, args.mediapipe))
    if args.out:
        others += ablations_beside(args.out)
    text = document(measured, others, pipeline.engine.weights_id, _command(args), images)
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text, encoding="utf-8")
    else:
        print(text)
    if args.json:
        scores = {part.title: [asdict(score) for score in part.scores] for part in measured}
        args.json.write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")
    if args.pictures:
        _write_pictures(measured, args.pictures)
    return 0


def ablations_beside(report: Path) -> list[str]:
    """The page of ``python -m training ablate`` in the report's folder, as a section; nothing where there is none."""
    page = report.with_name("ablations.md")
    return [f"#{page.read_text(encoding='utf-8')}"] if page.is_file() else []


def _command(args: argparse.Namespace) -> str:
    """The command that makes the report again."""
    words: list[str] = []
    words += ["--sketches", *map(str, args.sketches)] if args.sketches else []
    words += ["--synthetic", str(args.synthetic)] if args.synthetic else []
    words += ["--pages", str(args.pages)] if args.pages else []
    words += ["--mediapipe"] if args.mediapipe else []
    words += ["--weights", str(args.weights)] if args.weights != KEYPOINT_NETWORK else []
    words += ["--out", str(args.out)] if args.out else []
    return shlex.join(["python", "-m", "training", "evaluate", *words])


def _sets(folders: list[Path], synthetic: int) -> list[tuple[str, str, bool, list[LabelledFigure]]]:
    """Title, note, whether its pictures may be published, and figures of every set that is asked for."""
    sets = []
    for folder in folders:
        ours = folder.resolve().is_relative_to(_ROOT)
        note = (
            "Drawn for this project, labelled by eye."
            if ours
            else "Drawings by people, labelled by eye in 2D; not in this repository, never trained on."
        )
        sets.append((f"Drawings of {folder.name}", note, ours, read_labels(folder)))
    if synthetic:
        from .synthetic import held_out_styles, partial_figures, unseen_figures, whole_figures

        clips = (
            "The fixed validation set: poses of motion clips that training never sees, views evenly around"
        )
        sets.append(
            (
                "Synthetic, known styles",
                f"{clips}, in the styles of the training mix.",
                True,
                whole_figures(synthetic),
            )
        )
        if unseen := unseen_figures(synthetic // 2):
            names = " and ".join(style.name for style in held_out_styles())
            sets.append(
                ("Synthetic, unseen styles", f"{clips}, drawn as {names}, never trained on.", True, unseen)
            )
        if partial := partial_figures(synthetic // 2):
            note = f"{clips}; only what is drawn is scored, with the box of what is drawn."
            sets.append(("Synthetic, partial figures", note, True, partial))
    return sets


def _finding(
    count: int, folders: list[Path], pipeline: Pipeline, anatomy: Anatomy, images: Path | None
) -> str:
    """The section on finding figures without a box."""
    from .composed_pages import REPORT_SEED, composed_pages
    from .finding import section
    from .synthetic import machine

    print(f"Composed pages: {count} ...", file=sys.stderr, flush=True)
    sketches = [(f"Drawings of {folder.name}", read_labels(folder)) for folder in folders]
    real = [figure for _, figures in sketches for figure in figures]
    pages = composed_pages(machine(), count, real)
    empty = composed_pages(machine(), count // 4, seed=REPORT_SEED + 1, empty=True)
    return section(pipeline, pages, empty, sketches, anatomy, images)


def _write_pictures(measured: list[Measured], folder: Path) -> None:
    from .pictures import ranked, sheet

    folder.mkdir(parents=True, exist_ok=True)
    for part in measured:
        worst_first = ranked(part.scores)[::-1]
        picture = sheet(part.figures, part.readings, part.scores, worst_first, 220)
        picture.save(folder / f"{part.file_name}.png")
