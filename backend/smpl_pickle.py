"""Reads the arrays of an SMPL ``.pkl`` without running any code in it.

SMPL's own files are pickles, and a pickle is a program: unpickling calls whatever functions it names. Here
nothing is called and nothing is imported. A call in the file becomes a record of its name and arguments, and
the few records that stand for arrays (NumPy's, SciPy's sparse matrices, those of the chumpy library, which
no longer installs) are read as what they are: numbers with a shape.
"""

# The stubs leave out the insides of Python's own unpickler.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import math
import pickle
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from .errors import InputError

#: The largest of SMPL's files, with 300 shape coefficients, has 250 MB.
MOST_BYTES = 1_000_000_000

#: Types of numbers that an array may have: floats, integers, booleans, and no objects.
_NUMBERS = re.compile(r"[fiub][1248]")


@dataclass(frozen=True)
class _Name:
    """A function or class that the file names."""

    module: str
    name: str


@dataclass
class _Call:
    """A call that the file asks for, and that is not made."""

    function: Any
    arguments: Any
    state: Any = None


class _Reader(pickle._Unpickler):  # noqa: SLF001 - the one in C cannot be told to call nothing
    """Pickle's machine with every instruction that calls, imports or sets attributes replaced."""

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(pickle._Unpickler.dispatch)  # noqa: SLF001

    def __init__(self, file: Any, size: int) -> None:
        super().__init__(file, encoding="latin1")  # SMPL's are of Python 2, whose text is bytes
        self.size = size

    def find_class(self, module: str, name: str) -> _Name:
        """Names stay names."""
        return _Name(module, name)

    def record_call(self) -> None:
        """REDUCE and NEWOBJ: function and arguments are on the stack."""
        arguments = self.stack.pop()
        self.stack[-1] = _Call(self.stack[-1], arguments)

    def record_state(self) -> None:
        """BUILD: the object and its state are on the stack."""
        state = self.stack.pop()
        if not isinstance(self.stack[-1], _Call):
            raise pickle.UnpicklingError("a state for something that has none")
        self.stack[-1].state = state

    def read_bytearray(self) -> None:
        """BYTEARRAY8: the length comes first, and memory for it is not taken on trust."""
        length = int.from_bytes(self.read(8), "little")
        if length > self.size:
            raise pickle.UnpicklingError("longer than the file")
        self.append(self.read(length))

    def refuse(self) -> None:
        """Instructions that no such file needs."""
        raise pickle.UnpicklingError("an instruction that holds no data")

    dispatch[pickle.REDUCE[0]] = dispatch[pickle.NEWOBJ[0]] = record_call
    dispatch[pickle.BUILD[0]] = record_state
    dispatch[pickle.BYTEARRAY8[0]] = read_bytearray
    for _code in (
        pickle.INST, pickle.OBJ, pickle.NEWOBJ_EX, pickle.EXT1, pickle.EXT2, pickle.EXT4, pickle.PERSID,
        pickle.BINPERSID, pickle.NEXT_BUFFER, pickle.READONLY_BUFFER,
    ):  # fmt: skip
        dispatch[_code[0]] = refuse


def read_smpl_pickle(path: Path, keys: Iterable[str]) -> dict[str, np.ndarray]:
    """The arrays of an SMPL ``.pkl``.

    Args:
        path: the file.
        keys: the entries to read; others are not looked at, and what is not in the file is left out.

    Raises:
        InputError: the file is too large, or it is no pickle of a dictionary with arrays under these keys.
    """
    content = _content(path)
    arrays = {}
    for key in keys:
        if key in content:
            try:
                arrays[key] = _array(content[key])
            except Exception as error:  # likewise
                raise InputError(
                    f"The body file {path} holds something else than numbers as {key}; choose an SMPL file."
                ) from error
    return arrays


def _content(path: Path) -> dict[Any, Any]:
    """What the file holds, calls as records."""
    try:
        size = path.stat().st_size
        content = None
        if size <= MOST_BYTES:
            with path.open("rb") as file:
                content = _Reader(file, size).load()
    except Exception as error:  # a damaged pickle shows as any type of error
        raise InputError(f"The body file {path} cannot be read; choose an SMPL .pkl or .npz file.") from error
    if size > MOST_BYTES:
        raise InputError(f"The body file {path} is larger than 1 GB; choose an SMPL file.")
    if not isinstance(content, dict):
        raise InputError(f"The body file {path} is no SMPL .pkl; choose another file.")
    return content


def _array(value: Any) -> np.ndarray:
    """The array that a record stands for. Raises some exception where it stands for none."""
    match value:
        case _Call(_Name("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct")):
            _, shape, dtype, fortran, data = value.state
            return _from_bytes(data, dtype, shape, "F" if fortran else "C")
        case _Call(_Name("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer")):
            data, dtype, shape, order = value.arguments
            return _from_bytes(data, dtype, shape, "F" if order == "F" else "C")
        case _Call(function) if (kind := _class_of(value)) is not None:
            state = value.state
            if kind == _Name("chumpy.ch", "Ch"):
                return _array(state["x"])
            if kind == _Name("chumpy.reordering", "Select"):  # a part of another array
                return _array(state["a"]).ravel()[_array(state["idxs"])].reshape(state["preferred_shape"])
            if kind.module.startswith("scipy.sparse") and kind.name in ("csc_matrix", "csr_matrix"):
                return _dense(state, by_column=kind.name == "csc_matrix")
            raise pickle.UnpicklingError(f"{function} is no array")
    raise pickle.UnpicklingError("no array")


def _class_of(call: _Call) -> _Name | None:
    """The class of an object: it is called itself, or is an argument of copyreg's function for older classes."""
    match call:
        case _Call(_Name("copy_reg" | "copyreg", "_reconstructor"), (_Name() as kind, *_)):
            return kind
        case _Call(_Name() as kind):
            return kind
    return None


def _from_bytes(data: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    raw = _bytes(data)
    numbers = _dtype(dtype)
    sizes = tuple(int(size) for size in shape)
    if min(sizes, default=1) < 0 or math.prod(sizes) * numbers.itemsize != len(raw):
        raise pickle.UnpicklingError("another number of bytes than the shape says")
    return np.frombuffer(raw, numbers).reshape(sizes, order=order)


def _bytes(data: Any) -> bytes:
    """Bytes as they are, as the text that Python 2 wrote, or as the call with which protocol 2 tells them."""
    match data:
        case bytes() | bytearray():
            return bytes(data)
        case str():
            return data.encode("latin1")
        case _Call(_Name("_codecs", "encode"), (str() as text, "latin1")):
            return text.encode("latin1")
        case _Call(_Name("builtins" | "__builtin__", "bytes"), ()):
            return b""
    raise pickle.UnpicklingError("no bytes")


def _dtype(value: Any) -> np.dtype:
    match value:
        case _Call(_Name("numpy", "dtype"), (str() as name, *_), (_, "<" | ">" | "|" | "=" as order, *_)):
            pass
        case _:
            raise pickle.UnpicklingError("no type of numbers")
    if not _NUMBERS.fullmatch(name):
        raise pickle.UnpicklingError("a type of more than numbers")
    return np.dtype(order + name)


def _dense(state: Any, *, by_column: bool) -> np.ndarray:
    """A compressed sparse matrix (SciPy's CSC, or CSR) in full, float64."""
    rows, columns = (int(size) for size in state["_shape" if "_shape" in state else "shape"])
    data, indices, starts = (_array(state[key]) for key in ("data", "indices", "indptr"))
    lines, length = (columns, rows) if by_column else (rows, columns)
    if len(starts) != lines + 1 or lines * length * 8 > MOST_BYTES:
        raise pickle.UnpicklingError("no matrix")
    line = np.repeat(np.arange(lines), np.diff(starts))
    full = np.zeros((lines, length))
    np.add.at(full, (line, indices), data)
    return full.T if by_column else full
