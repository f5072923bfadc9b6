"""A program of its own: makes or removes the torch engine's Python environment.

``python -I install_torch.py FOLDER REQUIREMENTS [WHEELS]`` makes it, ``python -I install_torch.py --remove FOLDER``
deletes it. It tells on standard output what it does, one JSON object a line: ``{"text": ..., "fraction": ...}``,
and at last ``{"done": ...}`` or ``{"error": one sentence}``. When its standard input ends, because somebody
cancelled or Blender has gone, it stops and removes what it has made.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

#: Written into the environment when it is whole.
COMPLETE = "complete.json"
#: Bytes that PyTorch's CUDA build takes while it is installed, rounded up.
SPACE = 9 * 2**30
_PYTHONS = ("python3.13", "python3.12", "python3.11", "python3", "python")
_CAN_MAKE_ONE = "import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))"
_CHECK = """
import json, sys, numpy, PIL, safetensors.torch, torch
cuda = torch.cuda.get_device_name() if torch.cuda.is_available() else None
print(json.dumps({"torch": torch.__version__, "python": sys.version.split()[0], "cuda": cuda}))
"""


class Failure(Exception):  # noqa: N818 - a sentence, not an error of the program's
    """The environment cannot be made; one sentence."""


class Installation:
    """One attempt to make the environment."""

    def __init__(self, folder: Path, requirements: Path, wheels: Path | None) -> None:
        self.folder = folder
        self.requirements = requirements
        self.wheels = wheels
        self.cancelled = threading.Event()
        self._child: subprocess.Popen[str] | None = None

    def run(self) -> dict[str, Any]:
        """Make the environment; returns its versions. Raises Failure, having removed what was made."""
        threading.Thread(target=self._watch, daemon=True).start()
        try:
            self._check_space()
            tell("Making a Python environment")
            python = self._python()
            remove(self.folder)
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            self._run([python, "-I", "-m", "venv", str(self.folder)], "The Python environment cannot be made")
            inside = str(python_of(self.folder))
            self._install(inside)
            tell("Looking whether PyTorch starts")
            last = self._run([inside, "-I", "-c", _CHECK], "PyTorch was installed but does not start")[-1]
            versions = json.loads(last)
            (self.folder / COMPLETE).write_text(json.dumps(versions), encoding="utf-8")
        except BaseException:
            remove(self.folder)
            raise
        return versions

    def _watch(self) -> None:
        """Wait for standard input to end, then stop."""
        # Not through sys.stdin: Python aborts at its end while a thread holds that one's lock.
        while os.read(0, 1):
            pass
        self.cancelled.set()
        child = self._child
        if child is not None:
            child.kill()

    def _check_space(self) -> None:
        parent = self.folder.parent
        while not parent.exists():
            parent = parent.parent
        if self.wheels is not None:
            needed = 5 * sum(path.stat().st_size for path in self.wheels.glob("*.whl"))
        else:
            needed = SPACE
        if shutil.disk_usage(parent).free < needed:
            raise Failure(
                f"PyTorch needs {needed / 2**30:.0f} GB free on the disk of {parent}; free some space."
            )

    def _python(self) -> str:
        """Blender's own Python where it can make environments, else another one."""
        for name in (sys.executable, *_PYTHONS):
            found = shutil.which(name)
            if found is None:
                continue
            done = subprocess.run([found, "-I", "-c", _CAN_MAKE_ONE], capture_output=True, check=False)  # noqa: S603
            if done.returncode == 0:
                return found
        raise Failure(
            "Neither Blender's Python nor another one from 3.11 to 3.14 has venv and pip; "
            "install your system's package for them (python3-venv on Debian and Ubuntu) and try again."
        )

    def _install(self, python: str) -> None:
        pip = [python, "-I", "-m", "pip", "--disable-pip-version-check", "--no-input"]
        source = []
        if self.wheels is not None:
            source = ["--no-index", "--find-links", str(self.wheels)]
        else:
            tell("Getting pip")
            self._run([*pip, "install", "--quiet", "--upgrade", "pip"], "pip cannot be brought up to date")
        version = self._run([*pip, "--version"], "pip does not start")[0]
        numbers = re.match(r"pip (\d+)\.(\d+)", version)
        raw = numbers is not None and (int(numbers[1]), int(numbers[2])) >= (24, 1)
        command = [*pip, "install", "--only-binary=:all:", "--no-cache-dir", *source]
        command += ["--progress-bar", "raw" if raw else "off", "--requirement", str(self.requirements)]
        tell("Looking for the packages")
        self._run(command, "The packages cannot be installed", _Progress().take)

    def _run(
        self, command: Sequence[str], otherwise: str, heard: Callable[[str], None] = lambda _: None
    ) -> list[str]:
        """Run a program to its end.

        Args:
            command: the program.
            otherwise: the sentence for its failure, without the reason.
            heard: called with every line that it writes.

        Returns:
            The last lines that it wrote.
        """
        if self.cancelled.is_set():
            raise Failure("Cancelled.")
        self._child = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        last: list[str] = []
        with self._child as child:
            if self.cancelled.is_set():  # between the two lines above
                child.kill()
            assert child.stdout is not None
            for line in map(str.strip, child.stdout):
                if line:
                    last = [*last[-40:], line]
                    heard(line)
        if self.cancelled.is_set():
            raise Failure("Cancelled.")
        if child.returncode:
            raise Failure(f"{otherwise}: {_reason(last)}")
        return last


class _Progress:
    """pip's lines as what a person likes to know."""

    _PACKAGE = re.compile(
        r"(?:Downloading|Processing) (?:\S*/)?([\w.]+)-([0-9][^-\s]*)-\S*\.whl(?: \(([\d.]+ [kMG]?B)\))?"
    )
    _AMOUNT = re.compile(r"Progress (\d+) of (\d+)")

    def __init__(self) -> None:
        self._text = ""

    def take(self, line: str) -> None:
        """Tell of a line."""
        if package := self._PACKAGE.match(line):
            self._text = f"Getting {package[1]} {package[2]}" + (f" ({package[3]})" if package[3] else "")
            tell(self._text)
        elif amount := self._AMOUNT.match(line):
            tell(self._text, int(amount[1]) / max(int(amount[2]), 1))
        elif line.startswith("Installing collected"):
            tell("Unpacking the packages")


def _reason(lines: Sequence[str]) -> str:
    """One sentence out of pip's many."""
    text = "\n".join(lines)
    if "No space left" in text:
        return "the disk is full; free some space and try again."
    if re.search(r"(?i)connection|name resolution|timed? ?out|network|proxy|ssl|getaddrinfo", text):
        return "the package index cannot be reached; check the network, or give a folder of wheels."
    told = [line for line in lines if line.upper().startswith("ERROR")] or list(lines[-1:])
    reason = re.sub(r"(?i)^error:\s*", "", told[-1]) if told else "no reason was given"
    return f"{reason[:300].rstrip('.')}; try again, or report it."


def python_of(folder: Path) -> Path:
    """The environment's interpreter."""
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def remove(folder: Path) -> None:
    """Delete the environment, its mark first, so that what is left of it never counts as one."""
    (folder / COMPLETE).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def tell(text: str, fraction: float | None = None) -> None:
    """Say what is done now."""
    say({"text": text, "fraction": fraction})


def say(message: dict[str, Any]) -> None:
    """A line on standard output; nobody may listen any more."""
    with contextlib.suppress(OSError):
        print(json.dumps(message), flush=True)


def main(arguments: Sequence[str]) -> int:
    """Run as the command line says; returns the exit code."""
    if arguments[0] == "--remove":
        remove(Path(arguments[1]))
        say({"done": {}})
        return 0
    folder, requirements, *wheels = map(Path, arguments)
    try:
        versions = Installation(folder, requirements, wheels[0] if wheels else None).run()
    except Failure as failure:
        say({"error": str(failure)})
        return 1
    except Exception as error:  # noqa: BLE001 - a person never sees a traceback
        say({"error": f"PyTorch cannot be installed ({type(error).__name__}: {error}); please report it."})
        return 1
    say({"done": versions})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
