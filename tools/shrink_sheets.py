"""Make contact sheets small enough for the documentation: python tools/shrink_sheets.py SHEETS docs/images/styles."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

#: Pixels; the width of a page of documentation.
WIDTH = 720

#: Greys that are left.
GREYS = 16


def shrink(picture: np.ndarray) -> np.ndarray:
    """A (H, W) uint8 picture ``WIDTH`` pixels wide in ``GREYS`` greys, black and white among them."""
    height = round(WIDTH * picture.shape[0] / picture.shape[1])
    small = cv2.resize(picture, (WIDTH, height), interpolation=cv2.INTER_AREA)
    step = 255 / (GREYS - 1)
    return np.round(np.round(small / step) * step).astype(np.uint8)


def main(source: Path, target: Path) -> None:
    """Shrink every PNG of a folder into another one."""
    target.mkdir(parents=True, exist_ok=True)
    for file in sorted(source.glob("*.png")):
        picture = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
        if picture is None:
            raise SystemExit(f"{file} is no picture.")
        cv2.imwrite(str(target / file.name), shrink(picture), [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
