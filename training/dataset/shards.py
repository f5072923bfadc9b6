"""WebDataset shards: tar files that a seed makes byte for byte, with a manifest of checksums."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from backend.errors import InputError

from ..drawing.anatomy import load_anatomy
from ..drawing.machine import RECIPE, DrawingMachine
from ..drawing.record import Drawing
from ..drawing.styles import STYLES
from ..poses.bank import PoseBank
from .records import from_files, to_files

#: Name of the file beside the shards that says how they were made.
MANIFEST = "dataset.json"


@dataclass(frozen=True)
class Plan:
    """What a data set is made of; two folders with the same plan hold the same bytes.

    Attributes:
        count: records in the whole set.
        seed: record k is drawn from seed + k.
        shard_size: records a shard.
        poses_sha256: of the pose bank's file.
        validation: True for poses of the clips that training never sees.
        styles: names of those drawn, by their shares; none for the training mix.
        recipe: of the drawing machine.
    """

    count: int
    seed: int
    shard_size: int
    poses_sha256: str
    validation: bool = False
    styles: tuple[str, ...] = ()
    recipe: int = RECIPE

    @property
    def shards(self) -> int:
        """How many shards there are."""
        return -(-self.count // self.shard_size)

    def records(self, shard: int) -> range:
        """The numbers of the records in a shard."""
        return range(shard * self.shard_size, min((shard + 1) * self.shard_size, self.count))


def style_names(wanted: str) -> tuple[str, ...]:
    """The names in a list with commas, in the order of the styles; "held-out" stands for all held-out styles.

    Raises InputError for a name that is no style's, and where none is left.
    """
    names = {name.strip() for name in wanted.split(",") if name.strip()}
    if "held-out" in names:
        names = names - {"held-out"} | {style.name for style in STYLES if style.held_out}
    known = [style.name for style in STYLES]
    unknown = sorted(names.difference(known))
    if unknown or not names:
        raise InputError(
            f"There is no style {unknown or wanted!r}; choose among held-out, {', '.join(known)}."
        )
    return tuple(name for name in known if name in names)


def checksum(path: Path) -> str:
    """sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def shard_path(folder: Path, shard: int) -> Path:
    """Where a shard lies."""
    return folder / f"{shard:06d}.tar"


def build_shard(folder: Path, shard: int, plan: Plan, machine: DrawingMachine) -> str:
    """Draw and write one shard, which appears whole or not at all. Returns its sha256."""
    styles = [style for style in STYLES if style.name in plan.styles]

    def draw(number: int) -> dict[str, bytes]:
        seed = plan.seed + number
        return to_files(machine.draw(seed, machine.style_of(seed, styles)))

    return write_shard(shard_path(folder, shard), ((number, draw(number)) for number in plan.records(shard)))


def write_shard(path: Path, samples: Iterable[tuple[int, dict[str, bytes]]]) -> str:
    """Write numbered samples, each as files by extension; appears whole or not at all. Returns its sha256."""
    unfinished = path.with_suffix(f".{os.getpid()}.unfinished")
    try:
        with tarfile.open(unfinished, "w", format=tarfile.USTAR_FORMAT) as tar:
            for number, files in samples:
                for extension, content in files.items():
                    # Time, owner and mode keep tarfile's fixed defaults, so nothing tells when or by whom.
                    member = tarfile.TarInfo(f"{number:09d}.{extension}")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
        digest = checksum(unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return digest


def load_machine(poses: Path, plan: Plan) -> DrawingMachine:
    """The drawing machine of a plan. Raises InputError when the pose bank is another one."""
    if checksum(poses) != plan.poses_sha256:
        raise InputError(f"{poses} is not the pose bank that this data set was begun with; give that one.")
    return DrawingMachine(PoseBank.load(poses, plan.validation), load_anatomy())


def read_manifest(folder: Path) -> tuple[Plan, dict[int, str]]:
    """The plan of a folder and the checksums of its finished shards. Raises InputError."""
    path = folder / MANIFEST
    try:
        values = json.loads(path.read_text())
        plan = Plan(**values["plan"])
        return replace(plan, styles=tuple(plan.styles)), {int(k): str(v) for k, v in values["sha256"].items()}
    except FileNotFoundError as error:
        raise InputError(f"There is no data set in {folder}; build one with --out {folder}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is damaged; build the data set again in another folder.") from error


def write_manifest(folder: Path, plan: Plan, sums: dict[int, str]) -> None:
    """Write the plan and the checksums; a kill in between leaves the older file."""
    values = {"plan": asdict(plan), "sha256": {f"{k:06d}": sums[k] for k in sorted(sums)}}
    unfinished = folder / f"{MANIFEST}.unfinished"
    unfinished.write_text(json.dumps(values, indent=1) + "\n")
    unfinished.replace(folder / MANIFEST)


def broken_shards(folder: Path) -> list[int]:
    """Shards of the plan that are missing or do not have their checksum."""
    plan, sums = read_manifest(folder)
    return [
        k
        for k in range(plan.shards)
        if not shard_path(folder, k).is_file() or checksum(shard_path(folder, k)) != sums.get(k)
    ]


def read_shard(path: Path) -> Iterator[Drawing]:
    """The drawings of one shard, in order. Raises InputError for a shard that is cut short or damaged."""
    try:
        with tarfile.open(path, "r:") as tar:
            files: dict[str, bytes] = {}
            for member in tar:
                key, _, extension = member.name.rpartition(".")
                content = tar.extractfile(member)
                files[extension] = content.read() if content else b""
                if "png" in files and "json" in files:
                    yield from_files(files["png"], files["json"], f"{path.name}/{key}")
                    files = {}
    except (tarfile.TarError, EOFError) as error:
        raise InputError(f"{path} is damaged; run python -m training dataset verify --rebuild.") from error
