"""SMPL's own .pkl files are read as arrays, whatever wrote them, and nothing in a pickle is ever run."""

import io
import os
import pickle
import struct
import sys
import types

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_matrix, csr_matrix

from backend.body import LIGHT_BODY, load_body
from backend.errors import InputError


@pytest.fixture(scope="module")
def arrays():
    with np.load(LIGHT_BODY) as archive:
        found = {key: archive[key] for key in archive.files if key != "surface_vertices"}
    return found | {name: found[name].astype(np.float64) for name in ("v_template", "shapedirs", "weights")}


@pytest.fixture(scope="module")
def expected(arrays, tmp_path_factory):
    path = tmp_path_factory.mktemp("body") / "body.npz"
    np.savez(path, **arrays)
    return load_body(path)


@pytest.fixture
def chumpy(monkeypatch):
    """Modules that look like chumpy's to the pickler; the real one no longer installs."""
    ch, reordering = types.ModuleType("chumpy.ch"), types.ModuleType("chumpy.reordering")

    class Ch:
        def __init__(self, **state):
            self.__dict__.update(state)

        def __getstate__(self):
            return self.__dict__ | {"_dirty_vars": {"x"}, "_status": "new", "_itr": None}

    class Select(Ch):
        pass

    for module, kind in ((ch, Ch), (reordering, Select)):
        kind.__module__, kind.__qualname__ = module.__name__, kind.__name__
        setattr(module, kind.__name__, kind)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(sys.modules, "chumpy", types.ModuleType("chumpy"))
    return types.SimpleNamespace(Ch=Ch, Select=Select)


class _Python2Pickler(pickle._Pickler):
    """Writes bytes as Python 2 did: as its text, without saying in which encoding."""

    dispatch = dict(pickle._Pickler.dispatch)  # noqa: RUF012

    def save_bytes(self, value):
        self.write(pickle.BINSTRING + struct.pack("<i", len(value)) + value)
        self.memoize(value)

    dispatch[bytes] = save_bytes


def written(tmp_path, content, protocol=2, pickler=pickle._Pickler):
    path = tmp_path / "body.pkl"
    with path.open("wb") as file:
        pickler(file, protocol).dump(content)
    return path


def assert_same(body, expected):
    for name in ("v_template", "shapedirs", "weights", "J_regressor", "faces", "surface_vertices"):
        np.testing.assert_array_equal(getattr(body, name), getattr(expected, name))


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_of_every_protocol(tmp_path, arrays, expected, protocol):
    assert_same(load_body(written(tmp_path, arrays, protocol)), expected)


def test_a_file_as_smpl_gives_it_out(tmp_path, arrays, expected, chumpy):
    """Python 2's protocol 2, chumpy arrays, a sparse regressor, column order, entries that nobody reads."""
    everything = arrays["shapedirs"].repeat(2, -1)
    flat = np.arange(everything.size).reshape(everything.shape)[..., ::2]
    content = arrays | {
        "v_template": chumpy.Ch(x=arrays["v_template"]),
        "shapedirs": chumpy.Select(a=chumpy.Ch(x=everything), idxs=flat.ravel(), preferred_shape=flat.shape),
        "J_regressor": csc_matrix(arrays["J_regressor"]),
        "weights": np.asfortranarray(arrays["weights"]),
        "kintree_table": arrays["kintree_table"].astype(np.int64),
        "bs_type": b"lrotmin",
        "J": chumpy.Ch(x=np.zeros((24, 3))),
        "weights_prior": np.array([{}], object),
    }
    path = written(tmp_path, content, 2, _Python2Pickler)
    assert b"chumpy.ch\nCh" in path.read_bytes()
    assert b"scipy.sparse" in path.read_bytes()
    assert_same(load_body(path), expected)
    sys.modules.pop("chumpy.ch")  # reading it needs no such module, and looks for none
    assert_same(load_body(path), expected)


@pytest.mark.parametrize("kind", [csc_matrix, csr_matrix])
def test_sparse_matrices(tmp_path, arrays, expected, kind):
    content = arrays | {"J_regressor": kind(arrays["J_regressor"])}
    assert_same(load_body(written(tmp_path, content)), expected)


def test_other_byte_orders(tmp_path, arrays, expected):
    content = arrays | {"v_template": arrays["v_template"].astype(">f8"), "f": arrays["f"].astype(">i4")}
    assert_same(load_body(written(tmp_path, content)), expected)


# --- hostile files --------------------------------------------------------------------------------


class _Runs:
    """Pickles as a call of any function."""

    def __init__(self, function, *arguments, state=None):
        self.parts = (function, arguments, state) if state is not None else (function, arguments)

    def __reduce__(self):
        return self.parts


@pytest.fixture
def trap(tmp_path):
    """A file that a hostile pickle would make; must not be there in the end."""
    path = tmp_path / "trap"
    yield path
    assert not path.exists()


def hostile(trap):
    """Values each of which would make the file, or do other harm, were they unpickled."""
    script = f"open({str(trap)!r}, 'w')"
    return {
        "system": _Runs(os.system, f"touch {trap}"),
        "eval": _Runs(eval, script),
        "exec": _Runs(exec, script),
        "open": _Runs(open, str(trap), "w"),
        "with a state": _Runs(eval, script, state={"x": 1}),
        "getattr": _Runs(getattr, _Runs(__import__, "os"), "system"),
        "loads": _Runs(pickle.loads, pickle.dumps(_Runs(eval, script))),
        "load of numpy": _Runs(np.load, str(trap), None, True),
        "array of objects": np.array([_Runs(eval, script)], object),
        "type of objects": _Runs(np.dtype, "O"),
        "named fields": np.zeros(3, [("a", "f8"), ("b", "O")]),
        "text": np.array(["a" * 9]),
    }


@pytest.mark.parametrize("name", list(hostile("")))
@pytest.mark.parametrize("place", ["v_template", "unread", "whole"])
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_nothing_is_run(tmp_path, arrays, expected, trap, name, place, protocol):
    value = hostile(trap)[name]
    content = value if place == "whole" else {**arrays, place: value}
    path = written(tmp_path, content, protocol)
    if place == "unread":
        assert_same(load_body(path), expected)
        return
    with pytest.raises(InputError) as caught:
        load_body(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"(", b".", b"N.", b"]q\x00h\x00a.", b"cos\nsystem\n(S'touch TRAP'\ntR.", b"(S'touch TRAP'\nios\nsystem\n.",
        b"(cos\nsystem\nS'touch TRAP'\no.", b"\x80\x02cos\nsystem\nX\x0a\x00\x00\x00touch TRAP\x85R.",
        b"\x80\x02cposix\nsystem\n}X\x01\x00\x00\x00ai\x01sb.", b"\x80\x02}}b.", b"\x80\x02\x82\x01.", b"\x80\x02Pabc\n.",
        b"\x80\x02K\x01Q.", b"\x80\x05\x97.", b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\x7f.", b"\x80\x05\x96\x00\x00\x00\xff\x02\x00\x00\x00.",
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.", b"}r\xff\xff\xff\x7f.", b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x0atouch TRAP\x85R.",
        b"\x80\x02cbuiltins\nobject\n)\x81}(K\x01K\x02ub.", b"]" * 100_000 + b".", b"\x80\x09N.",
    ],
)  # fmt: skip
def test_instructions_by_hand(tmp_path, trap, content, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "body.pkl"
    path.write_bytes(content.replace(b"TRAP", b"trap"))
    with pytest.raises(InputError) as caught:
        load_body(path)
    assert "\n" not in str(caught.value)


def test_the_trap_would_spring(tmp_path):
    path = tmp_path / "sprung"
    pickle.loads(pickle.dumps(_Runs(open, str(path), "w"))).close()  # noqa: S301
    assert path.exists()


def test_arrays_whose_bytes_lie(tmp_path, arrays):
    good = io.BytesIO()
    pickle._Pickler(good, 2).dump({"v_template": np.arange(30.0).reshape(10, 3)})
    for old, new in (
        (b"K\nK\x03\x86", b"K\x0bK\x03\x86"),
        (b"f8", b"f4"),
        (b"f8", b"O8"),
        (b"f8", b"V8"),
        (b"f8", b"f0"),
    ):
        assert old in good.getvalue()
        path = tmp_path / "body.pkl"
        path.write_bytes(good.getvalue().replace(old, new))
        with pytest.raises(InputError, match="something else than numbers as v_template"):
            load_body(path)


@pytest.mark.parametrize(
    "state",
    [
        {"_shape": (10**6, 10**6)}, {"_shape": (24, 5)}, {"indptr": np.array([0, 9])}, {"indices": np.array([-1, 99999])},
        {"data": np.array([1.0])}, {"_shape": ("a", "b")},
    ],
)  # fmt: skip
def test_sparse_matrices_that_lie(tmp_path, arrays, state):
    matrix = csc_matrix(arrays["J_regressor"])
    matrix.__dict__.update(state)
    with pytest.raises(InputError, match=r"J_regressor|another"):
        load_body(
            written(
                tmp_path, {**arrays, "J_regressor": _Runs(object.__new__, csc_matrix, state=matrix.__dict__)}
            )
        )


def test_what_contains_itself_thousandfold(tmp_path, arrays):
    """Ten lists of ten times the list before: small in the file, endless when walked through."""
    nested = ["x"]
    for _ in range(200):
        nested = [nested] * 10
    with pytest.raises(InputError, match="v_template"):
        load_body(written(tmp_path, {**arrays, "v_template": nested}))


def test_a_file_that_is_too_large(tmp_path, monkeypatch):
    path = tmp_path / "body.pkl"
    path.write_bytes(b"N.")
    monkeypatch.setattr("backend.smpl_pickle.MOST_BYTES", 1)
    with pytest.raises(InputError, match="larger than"):
        load_body(path)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_damaged_files_load_or_are_refused(tmp_path_factory, data):
    content = bytearray(
        pickle.dumps(
            {"v_template": np.zeros((3, 3)), "f": csc_matrix(np.eye(3))}, data.draw(st.integers(0, 5))
        )
    )
    for place, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), min_size=1, max_size=5)
    ):
        content[place] = value
    path = tmp_path_factory.mktemp("damaged") / "body.pkl"
    path.write_bytes(content)
    with pytest.raises(InputError):
        load_body(path)
