"""``python -m training poses``: motion capture files to a bank of SMPL poses, and what is made of a bank.

``poses INPUT... --out BANK.npz`` writes a bank, ``poses prior --poses BANK.npz`` trains the pose prior on it
and ``poses report --poses BANK.npz`` tells what is drawn from it.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from backend.body import rodrigues
from backend.errors import InputError
from backend.kinematics import matrix_to_axis_angle

from .distinct import distinct_mask, pose_coordinates, thin_in_time
from .distribution import distribution_table, posture_features
from .prior import PRIOR_PATH
from .prior_training import train_prior
from .recordings import Clip, find_recordings, read_clip
from .report import sampling_report
from .retarget import direction_errors
from .split import clip_name

#: No two poses of a bank are nearer than this, in degrees; its masks mark sparser subsets.
_APART = 2.0
_MASKS = (4, 6, 8)


@dataclass(frozen=True, eq=False)
class _Thinned:
    """What stays of a clip once frames like the one before are gone."""

    poses: np.ndarray  # (N, 24, 3) float16 axis-angle, radians
    frames: np.ndarray  # (N,) int64
    points: np.ndarray  # (N, 216) float32, degrees


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training poses``."""
    parser.add_argument(
        "inputs", nargs="+", type=Path, metavar="INPUT",
        help="BVH, AMC (its .asf beside it) and AMASS .npz files, folders and zips of them; or the one word "
        "prior, to train the pose prior on the bank --poses, or report, to tell what is drawn from it",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="FILE.npz", help="the pose bank, or the prior, to write")
    parser.add_argument("--poses", type=Path, metavar="BANK.npz", help="prior, report: the bank to read")
    parser.add_argument("--steps", type=int, default=40_000, help="prior: training steps (40000)")
    parser.add_argument("--count", type=int, default=10_000, help="report: poses to draw (10000)")
    parser.add_argument("--fps", type=float, default=30.0, help="frames a second to read at most (30)")
    parser.add_argument(
        "--seed", type=int, default=0, help="of chance: which of several near-duplicate poses stay (0)"
    )


def run(args: argparse.Namespace) -> int:
    """Write the bank and its list of clips; returns 1 where a file had to be left out."""
    if args.inputs in ([Path("prior")], [Path("report")]):
        return _use_bank(args)
    if args.out is None:
        raise InputError("A bank needs a place; name it with --out FILE.npz.")
    if not 0 < args.fps < 1e6:
        raise InputError(f"--fps {args.fps:g} is no frame rate; give a number such as 30.")
    if args.out.suffix != ".npz":
        raise InputError(f"--out {args.out} is no .npz; give a name that ends in .npz.")
    recordings = list(find_recordings(args.inputs))
    clips: list[dict[str, object]] = []
    thinned: list[_Thinned] = []
    features: list[np.ndarray] = []
    errors: list[np.ndarray] = []
    skipped = 0
    for recording in tqdm(recordings, unit=" files", disable=None):
        try:
            clip = read_clip(recording, args.fps)
        except InputError as error:
            skipped += 1
            tqdm.write(f"Left out: {error}", file=sys.stderr)
            continue
        stored = matrix_to_axis_angle(clip.rotations).astype(np.float16)
        if clip.source is not None:
            # Measured on what is stored, after its rounding.
            errors.append(direction_errors(rodrigues(stored.astype(np.float64)), clip.source))
        features.append(posture_features(clip.rotations))
        points = pose_coordinates(clip.rotations)
        keep = thin_in_time(points, _APART)
        thinned.append(_Thinned(stored[keep], clip.frames[keep], points[keep]))
        clips.append(_description(clip))
    if not clips:
        raise InputError("None of the inputs holds a motion that can be read; give BVH, AMC or AMASS files.")
    _write_bank(args, clips, thinned, features)
    if errors:
        every = np.concatenate([error.reshape(-1) for error in errors])
        print(
            f"\nBones against the sources': {every.max():.3f} degrees at most, {every.mean():.4f} on average."
        )
    print(f"{len(recordings) - skipped} of {len(recordings)} files read.")
    if skipped:
        print(f"{skipped} of {len(recordings)} files could not be read.", file=sys.stderr)
    return 1 if skipped else 0


def _use_bank(args: argparse.Namespace) -> int:
    if args.poses is None:
        raise InputError("Which bank? Name it with --poses BANK.npz.")
    if min(args.steps, args.count) < 1:
        raise InputError("--steps and --count must be at least 1.")
    if args.inputs == [Path("report")]:
        print(sampling_report(args.poses, args.count, args.seed))
        return 0
    out = args.out or PRIOR_PATH
    card = train_prior(args.poses, out, args.steps, args.seed)
    print(f"{out}, and {out.with_suffix('.md').name} beside it:\n\n{card}")
    return 0


def _description(clip: Clip) -> dict[str, object]:
    return {
        "id": clip.recording.clip_id,
        "file": clip.recording.name,
        "name": clip_name(clip.recording.name),
        "skeleton": clip.source.family if clip.source else "SMPL",
        "rate": round(clip.rate, 3),
        "frames_read": len(clip.frames),
    }


def _write_bank(
    args: argparse.Namespace,
    clips: list[dict[str, object]],
    thinned: list[_Thinned],
    features: list[np.ndarray],
) -> None:
    points = np.concatenate([part.points for part in thinned])
    owner = np.repeat(np.arange(len(thinned)), [len(part.poses) for part in thinned])
    rank = np.random.default_rng(args.seed).permutation(len(points))
    kept = np.flatnonzero(distinct_mask(points, _APART, rank))
    masks: dict[str, np.ndarray] = {}
    among = np.ones(len(kept), bool)
    for distance in _MASKS:
        # Each subset is taken from the one before, so they are nested.
        inside = np.flatnonzero(among)
        order = np.argsort(np.argsort(rank[kept[inside]]))
        chosen = inside[distinct_mask(points[kept[inside]], distance, order)]
        among = np.zeros(len(kept), bool)
        among[chosen] = True
        masks[f"distinct{distance}"] = among
    poses = np.concatenate([part.poses for part in thinned])[kept]
    numbers = np.array([clip["id"] for clip in clips], np.int64)[owner[kept]]
    for index, clip in enumerate(clips):
        clip["kept"] = int((owner[kept] == index).sum())
    arrays = {
        "poses": poses,
        "clip_id": numbers,
        "clip_name": np.array([clip["name"] for clip in clips])[owner[kept]],
        "frame": np.concatenate([part.frames for part in thinned])[kept].astype(np.int32),
        **masks,
    }
    partial = args.out.with_name(args.out.name + ".partial")
    try:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            np.savez_compressed(file, **arrays)  # pyright: ignore[reportArgumentType]
        partial.replace(args.out)
        args.out.with_suffix(".json").write_text(json.dumps(clips, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{args.out} cannot be written ({error.strerror}); choose another place.") from error
    stored = posture_features(rodrigues(poses.astype(np.float32)))
    table = {"all frames": np.concatenate(features), "bank": stored, "distinct6": stored[masks["distinct6"]]}
    print(
        f"{args.out}: {len(poses):,} poses of {len(clips)} clips, no two within {_APART:g} degrees; ", end=""
    )
    print(", ".join(f"{int(mask.sum()):,} {name}" for name, mask in masks.items()))
    print(f"{args.out.with_suffix('.json')}: the clips\n\n{distribution_table(table)}")
