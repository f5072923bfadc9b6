"""``python -m training dataset build|verify|report|sheet|show|strokes|read|bench``: drawings with labels."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from backend.errors import InputError

from ..drawing.anatomy import load_anatomy
from ..drawing.machine import DrawingMachine
from ..drawing.styles import STYLES
from ..poses.bank import PoseBank
from . import labelled, strokes
from .build import Task, build
from .records import to_files
from .report import contact_sheet, distribution, with_labels
from .shards import (
    MANIFEST,
    Plan,
    broken_shards,
    checksum,
    read_manifest,
    read_shard,
    shard_path,
    style_names,
    write_manifest,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training dataset``."""
    steps = parser.add_subparsers(dest="step", required=True)

    made = steps.add_parser("build", help="draw a data set; the same command goes on where it stopped")
    made.add_argument("--poses", type=Path, required=True, help="pose bank, from python -m training poses")
    made.add_argument("--out", type=Path, required=True, help="folder for the shards")
    made.add_argument("--count", type=int, default=120_000, help="records (default: 120000)")
    made.add_argument("--seed", type=int, default=1, help="of the first record")
    made.add_argument("--shard-size", type=int, default=1000, help="records a shard")
    made.add_argument("--workers", type=int, default=2, help="processes, or Ray tasks at once")
    made.add_argument("--validation", action="store_true", help="poses of the clips held out of training")
    made.add_argument("--styles", help="instead of the training mix: held-out, or names with commas")
    made.add_argument("--ray", action="store_true", help="as Ray tasks; the same bytes")
    made.set_defaults(function=_build)

    checked = steps.add_parser("verify", help="find broken and missing shards by their checksums")
    checked.add_argument("--out", type=Path, required=True, help="folder with the shards")
    checked.add_argument("--rebuild", action="store_true", help="and draw those again")
    checked.add_argument("--poses", type=Path, help="the pose bank, for --rebuild")
    checked.set_defaults(function=_verify)

    counted = steps.add_parser("report", help="print what a data set holds")
    counted.add_argument("--out", type=Path, required=True, help="folder with the shards")
    counted.set_defaults(function=_report)

    shown = steps.add_parser("show", help="write the drawings of a shard with their labels as pictures")
    shown.add_argument("shard", type=Path, help="a .tar")
    shown.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    shown.add_argument("--count", type=int, default=24, help="drawings")
    shown.set_defaults(function=_show)

    sheets = steps.add_parser("sheet", help="write a contact sheet for every style")
    sheets.add_argument("--poses", type=Path, required=True, help="pose bank")
    sheets.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    sheets.add_argument("--seed", type=int, default=1, help="of the first drawing")
    sheets.add_argument("--rows", type=int, default=3)
    sheets.add_argument("--columns", type=int, default=6)
    sheets.set_defaults(function=_sheets)

    strokes.add_step(steps)
    labelled.add_step(steps)

    timed = steps.add_parser("bench", help="print milliseconds of one core a record, style by style")
    timed.add_argument("--poses", type=Path, required=True, help="pose bank")
    timed.add_argument("--count", type=int, default=60, help="records a style")
    timed.set_defaults(function=_bench)


def run(args: argparse.Namespace) -> int:
    """Run one step."""
    return args.function(args)


def _build(args: argparse.Namespace) -> int:
    if not args.poses.is_file():
        raise InputError(f"The pose bank {args.poses} does not exist; give one with --poses.")
    if min(args.count, args.shard_size) < 1:
        raise InputError("--count and --shard-size must be at least 1.")
    styles = () if args.styles is None else style_names(args.styles)
    plan = Plan(args.count, args.seed, args.shard_size, checksum(args.poses), args.validation, styles)
    args.out.mkdir(parents=True, exist_ok=True)
    sums: dict[int, str] = {}
    if (args.out / MANIFEST).exists():
        begun, sums = read_manifest(args.out)
        if begun != plan:
            raise InputError(
                f"{args.out} holds a data set of another plan (count, seed, poses, styles or recipe); use another folder."
            )
    else:
        write_manifest(args.out, plan, sums)
    missing = [k for k in range(plan.shards) if k not in sums or not shard_path(args.out, k).is_file()]
    _draw(args.out, missing, plan, sums, args.poses, args.workers, args.ray)
    print(f"{plan.count} records in {plan.shards} shards in {args.out}.")
    return 0


def _verify(args: argparse.Namespace) -> int:
    broken = broken_shards(args.out)
    plan, sums = read_manifest(args.out)
    for shard in broken:
        print(f"{shard_path(args.out, shard).name} is missing or broken.")
    if not broken:
        print(f"All {plan.shards} shards are whole.")
    if not broken or not args.rebuild:
        return 1 if broken else 0
    if args.poses is None:
        raise InputError("Give the pose bank with --poses to draw the broken shards again.")
    known = dict(sums)
    _draw(args.out, broken, plan, sums, args.poses, 1, ray=False)
    changed = [k for k in broken if k in known and sums[k] != known[k]]
    if changed:
        raise InputError(
            f"Shard {changed[0]:06d} came out with other bytes than before: OpenCV or NumPy has another version."
        )
    return 0


def _draw(
    folder: Path, shards: list[int], plan: Plan, sums: dict[int, str], poses: Path, workers: int, ray: bool
) -> None:
    tasks: list[Task] = [(folder, shard, plan, poses) for shard in shards]
    with tqdm(total=sum(len(plan.records(k)) for k in shards), unit=" records", disable=None) as bar:
        for shard, digest in build(tasks, workers, ray):
            sums[shard] = digest
            write_manifest(folder, plan, sums)
            bar.update(len(plan.records(shard)))


def _report(args: argparse.Namespace) -> int:
    plan, sums = read_manifest(args.out)
    print(f"{args.out}: {len(sums)} of {plan.shards} shards, seed {plan.seed}, recipe {plan.recipe}\n")
    print(distribution(d for k in sorted(sums) for d in read_shard(shard_path(args.out, k))))
    return 0


def _show(args: argparse.Namespace) -> int:
    args.out.mkdir(parents=True, exist_ok=True)
    for drawing, _ in zip(read_shard(args.shard), range(args.count), strict=False):
        cv2.imwrite(str(args.out / f"{drawing.seed}.png"), with_labels(drawing))
    return 0


def _sheets(args: argparse.Namespace) -> int:
    machine = DrawingMachine(PoseBank.load(args.poses), load_anatomy())
    args.out.mkdir(parents=True, exist_ok=True)
    for style in STYLES:
        picture = contact_sheet(machine, style, args.seed, args.rows, args.columns)
        cv2.imwrite(str(args.out / f"{style.name}.png"), picture)
    print(f"{len(STYLES)} sheets in {args.out}.")
    return 0


def _bench(args: argparse.Namespace) -> int:
    cv2.setNumThreads(1)
    machine = DrawingMachine(PoseBank.load(args.poses), load_anatomy())
    for style in STYLES:  # compiles and loads what is compiled
        machine.draw(0, style)
    print(f"{'style':<14}{'draw ms':>9}{'encode ms':>11}{'KB':>7}{'records/s':>11}")
    for style in (None, *STYLES):
        drawing, encoding, size = np.zeros(args.count), np.zeros(args.count), 0
        for k in range(args.count):
            start = time.thread_time()
            page = machine.draw(k + 1, style)
            middle = time.thread_time()
            size += sum(len(content) for content in to_files(page).values())
            drawing[k], encoding[k] = middle - start, time.thread_time() - middle
        each = 1e3 * drawing.mean(), 1e3 * encoding.mean()
        name = "the mix" if style is None else style.name
        print(
            f"{name:<14}{each[0]:>9.1f}{each[1]:>11.1f}{size / args.count / 1e3:>7.1f}{1e3 / sum(each):>11.0f}"
        )
    return 0
