"""The one sentence that names a missing system library."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent.parent
SCRIPT = ROOT / "tools" / "check_system_libraries.py"


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_system_libraries", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_missing_libraries_are_named_with_their_packages(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(script, "LIBRARIES", {"libnowhere.so.7": "libnowhere7", "libnone.so.1": "libnone1"})
    assert script.main() == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert "libnowhere.so.7, libnone.so.1" in output.err
    assert "apt-get install libnowhere7 libnone1" in output.err


def test_nothing_is_said_where_nothing_is_missing(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "LIBRARIES", {})
    assert script.main() == 0
    monkeypatch.setattr(script, "LIBRARIES", {"libnowhere.so.7": "libnowhere7"})
    monkeypatch.setattr(sys, "platform", "darwin")
    assert script.main() == 0
    assert capsys.readouterr().err == ""


def test_ci_installs_the_same_packages(script: ModuleType) -> None:
    ci = (ROOT / ".ci" / "run").read_text()
    assert set(script.LIBRARIES.values()) <= set(ci.split())
