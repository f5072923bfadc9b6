"""Finds and reads motion recordings, whatever their format: files, folders and zip archives."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from backend.errors import InputError

from .amass import read_amass
from .asf_amc import read_amc, read_asf
from .bvh import read_bvh
from .retarget import SmplMotion, to_smpl

#: A recording larger than this is none: an hour of a full skeleton at 30 frames a second has 150 MB.
MAX_BYTES = 512 * 2**20

_SUFFIXES = (".bvh", ".amc", ".npz")

#: What AMASS keeps beside its motions; it holds a body shape or a calibration and no motion.
_NO_MOTION = ("shape.npz", "_stagei.npz")


@dataclass(frozen=True, eq=False)
class Recording:
    """A file that holds one motion, not read yet.

    Attributes:
        name: where it is, as a person would write it.
        read: returns its bytes; raises InputError where it cannot.
        beside: returns the text and the name of the .asf that moves with it.
    """

    name: str
    read: Callable[[], bytes]
    beside: Callable[[], tuple[str, str]]

    @property
    def clip_id(self) -> int:
        """A number that depends on nothing but the file's own name without its folder and ending.

        So a longer bank keeps every clip on its side of the split, and two conversions of one recording
        are never on different sides.
        """
        return zlib.crc32(PurePosixPath(self.name).stem.lower().encode())


@dataclass(frozen=True, eq=False)
class Clip:
    """The SMPL poses of a recording.

    Attributes:
        recording: where it came from.
        rotations: (F, 24, 3, 3) float64 local rotations, y up.
        frames: (F,) int64 frame numbers in the file, from 0.
        rate: frames per second of the file.
        source: what its bones were compared with; None where the file holds SMPL poses already.
    """

    recording: Recording
    rotations: np.ndarray
    frames: np.ndarray
    rate: float
    source: SmplMotion | None


def find_recordings(inputs: Iterable[Path]) -> Iterator[Recording]:
    """All recordings in files, folders (with their subfolders) and zip archives, each in order of name.

    Raises:
        InputError: an input does not exist, is no motion file, or is a broken archive.
    """
    for path in inputs:
        if path.is_dir():
            for file in sorted(p for p in path.rglob("*") if p.is_file() and _is_motion(p.name)):
                yield _recording_file(file)
        elif not path.is_file():
            raise InputError(f"{path} does not exist; give files, folders or zips with motion capture.")
        elif path.suffix.lower() == ".zip":
            yield from _archived(path)
        elif path.suffix.lower() in _SUFFIXES:
            yield _recording_file(path)
        else:
            raise InputError(
                f"{path} is no motion file; give .bvh, .amc with its .asf, AMASS .npz, or a .zip."
            )


def read_clip(recording: Recording, fps: float) -> Clip:
    """Read a recording and convert it to SMPL.

    Args:
        recording: the file.
        fps: frames are left out until no more than this many a second stay.

    Raises:
        InputError: the file cannot be read or holds no person; the sentence says why.
    """
    name, data = recording.name, recording.read()
    suffix = PurePosixPath(name).suffix.lower()
    if suffix == ".npz":
        rotations, rate = read_amass(data, name)
        chosen = _chosen(len(rotations), rate, fps)
        return Clip(recording, rotations[chosen], chosen, rate, None)
    text = data.decode("utf-8", errors="replace")
    if suffix == ".amc":
        skeleton = read_asf(*recording.beside())
        motion = read_amc(text, skeleton, name)
    else:
        motion = read_bvh(text, name)
    chosen = _chosen(motion.n_frames, motion.rate, fps)
    smpl = to_smpl(motion.frames(chosen), recording.name)
    if smpl.starts_in_t_pose:
        smpl, chosen = smpl.without_first_frame(), chosen[1:]
    return Clip(recording, smpl.rotations, chosen, motion.rate, smpl)


def _chosen(count: int, rate: float, fps: float) -> np.ndarray:
    """(N,) frames that leave at most ``fps`` a second."""
    step = max(rate / fps, 1.0)
    # Files round their frame time: 29.97 and 30.003 are both 30.
    step = 1.0 if step < 1.02 else step
    return np.floor(np.arange(0, count, step)).astype(np.int64)


def _is_motion(name: str) -> bool:
    lower = name.lower()
    return lower.endswith(_SUFFIXES) and not lower.endswith(_NO_MOTION)


def _recording_file(path: Path) -> Recording:
    def read() -> bytes:
        return _file_bytes(path)

    def beside() -> tuple[str, str]:
        folder = sorted(p.name for p in path.parent.iterdir() if p.suffix.lower() == ".asf")
        skeleton = path.parent / _skeleton_of(path.name, folder, str(path))
        return _file_bytes(skeleton).decode("utf-8", errors="replace"), str(skeleton)

    return Recording(path.as_posix(), read, beside)


def _file_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return _limited(file.read(MAX_BYTES + 1), str(path))
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror}); check its permissions.") from error


def _limited(data: bytes, name: str) -> bytes:
    if len(data) > MAX_BYTES:
        raise InputError(f"{name} is larger than {MAX_BYTES >> 20} MB; cut it into shorter recordings.")
    return data


def _skeleton_of(motion: str, skeletons: list[str], name: str) -> str:
    """The .asf of an .amc: 02.asf for 02_05.amc, else the only one there is."""
    stem = PurePosixPath(motion).stem
    for skeleton in skeletons:
        if PurePosixPath(skeleton).stem in (stem, stem.rsplit("_", 1)[0]):
            return skeleton
    if len(skeletons) == 1:
        return skeletons[0]
    raise InputError(f"{name} has no skeleton file beside it; put the .asf it was captured with there.")


def _archived(path: Path) -> Iterator[Recording]:
    try:
        # Closed with the last recording that reads from it.
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise InputError(f"{path} is no zip archive or is damaged; get a sound copy of it.") from error
    members = sorted(info.filename for info in archive.infolist() if not info.is_dir())
    skeletons = [PurePosixPath(name) for name in members if name.lower().endswith(".asf")]
    return (_archived_recording(path, archive, skeletons, name) for name in filter(_is_motion, members))


def _archived_recording(
    path: Path, archive: zipfile.ZipFile, skeletons: list[PurePosixPath], member: str
) -> Recording:
    folder = PurePosixPath(member).parent

    def read(member: str = member) -> bytes:
        try:
            with archive.open(member) as file:
                data = file.read(MAX_BYTES + 1)
        # Damage and passwords show as any of several types of zipfile and zlib.
        except Exception as error:
            raise InputError(
                f"{path}/{member} cannot be unpacked; get a sound copy of the archive."
            ) from error
        return _limited(data, f"{path}/{member}")

    def beside() -> tuple[str, str]:
        names = [skeleton.name for skeleton in skeletons if skeleton.parent == folder]
        skeleton = str(folder / _skeleton_of(PurePosixPath(member).name, names, member))
        return read(skeleton).decode("utf-8", errors="replace"), f"{path}/{skeleton}"

    return Recording(f"{path.as_posix()}/{member}", read, beside)
