"""The command line: ``python -m backend pose|serve|panels|doctor``."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from . import __version__
from .commands import doctor, panels, pose, serve
from .errors import SketchPoseError

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; ``argv`` without the program's name, None for the process's own.

    Returns:
        0 when everything was done, 1 when some input or the installation failed, 2 for wrong usage.
    """
    parser = argparse.ArgumentParser(
        prog="python -m backend", description="Sketch2Pose: poses of the SMPL skeleton from drawings."
    )
    parser.add_argument("--version", action="version", version=f"Sketch2Pose {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module, summary in (
        ("pose", pose, "pose the figures in drawings"),
        ("serve", serve, "pose drawings for other programs on this machine, over HTTP"),
        ("panels", panels, "list what files and storyboards hold, for other programs"),
        ("doctor", doctor, "tell what is installed and whether it works"),
    ):
        command = commands.add_parser(name, help=summary, description=module.__doc__)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that has no letter for a file's name must not end the run.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else WRONG_USAGE
    try:
        code = arguments.run(arguments)
        print(end="", flush=True)  # a full disk or a reader that has gone shows here, not after the end
        return code
    except pose.UsageError as error:
        print(f"python -m backend {arguments.command}: {error}", file=sys.stderr)
        return WRONG_USAGE
    except SketchPoseError as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _end_output()  # its reader has gone
    except Exception as error:  # noqa: BLE001 - a person never sees a traceback
        reason = f"{type(error).__name__}: {error}".replace("\n", " ")
        print(f"An unexpected error occurred ({reason}); please report it.", file=sys.stderr)
        _end_output()
    return FAILED


def _end_output() -> None:
    """Write what is left of the output, or drop it where that fails: Python's own last try would be noisy."""
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
