"""``python -m training bodies|poses|dataset|train|train-finder|fit-belief|fit-contacts|ablate|evaluate|export``: all that is made before networks ship."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from backend.errors import SketchPoseError

#: Subcommand -> module with ``add_arguments(parser)`` and ``run(args)``, and what it does.
_COMMANDS = {
    "bodies": ("training.bodies.command", "build the SMPL-format bodies that ship"),
    "poses": ("training.poses.command", "convert motion capture to a bank of SMPL poses"),
    "dataset": ("training.dataset.command", "draw a synthetic sketch-to-pose data set"),
    "train": ("training.fit.command", "train the keypoint network on synthetic drawings"),
    "train-finder": ("training.fit.finder", "train the network that finds figures on a page"),
    "fit-belief": (
        "training.fit.belief",
        "fit how much finder and keypoints are believed, after either was trained",
    ),
    "fit-contacts": (
        "training.fit.contacts",
        "fit how probable contacts are, after the keypoint network was trained",
    ),
    "ablate": ("training.fit.ablation", "train without one loss at a time, to see what each is worth"),
    "evaluate": ("training.evaluate.command", "measure a network on drawings"),
    "export": ("training.export", "write a trained network as the files that ship"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand. Returns the exit code: 0 done, 1 failed, 2 wrong usage."""
    try:
        return _run(list(sys.argv[1:] if argv is None else argv))
    except SketchPoseError as error:
        print(error, file=sys.stderr)
    except ModuleNotFoundError as error:
        print(f"The package {error.name} is missing; install it with `make setup`.", file=sys.stderr)
    except OSError as error:
        print(f"{error.filename or 'A file'} cannot be used: {error.strerror or error}.", file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped; the same command goes on from here.", file=sys.stderr)
    return 1


def _run(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    subparsers = parser.add_subparsers(dest="command", required=True)
    for name, (module, purpose) in _COMMANDS.items():
        subparser = subparsers.add_parser(name, help=purpose, description=purpose)
        if arguments[:1] == [name]:  # only the chosen command's module, and what it needs, is imported
            importlib.import_module(module).add_arguments(subparser)
    args = parser.parse_args(arguments)
    return importlib.import_module(_COMMANDS[args.command][0]).run(args)


if __name__ == "__main__":
    sys.exit(main())
