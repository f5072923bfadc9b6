"""Sheets for the documentation: their width, their greys, and what the tool writes."""

import runpy
import sys
from pathlib import Path

import cv2
import numpy as np

TOOL = str(Path(__file__).parent.parent.parent / "tools" / "shrink_sheets.py")


def test_sheets_become_narrow_and_have_few_greys(tmp_path, monkeypatch):
    source, target = tmp_path / "sheets", tmp_path / "small"
    source.mkdir()
    slope = np.tile(np.linspace(0, 255, 1440).astype(np.uint8), (512, 1))
    cv2.imwrite(str(source / "ink.png"), slope)
    monkeypatch.setattr(sys, "argv", [TOOL, str(source), str(target)])
    runpy.run_path(TOOL, run_name="__main__")
    small = cv2.imread(str(target / "ink.png"), cv2.IMREAD_GRAYSCALE)
    assert small.shape == (256, 720)
    assert len(np.unique(small)) == 16
    assert (small.min(), small.max()) == (0, 255)
    assert np.abs(small.astype(int) - cv2.resize(slope, (720, 256))).max() <= 10
