"""Put the window's screenshots into the guide, small enough for it: make guide-pictures BLENDER=/path/to/blender.

The screenshots are those that the tests of the window take, so that the guide shows what was tested.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

SCREENSHOTS = Path(__file__).parents[1] / "out" / "gui"
PICTURES_FOLDER = Path(__file__).parents[1] / "docs" / "images"
#: Screenshot of a test -> picture, in the guide's order; the one outside the guide's folder is the README's too.
PICTURES = {
    "install_menu": "guide/install_menu",
    "install_file": "guide/install_file",
    "install_posed": "guide/install_posed",
    "preferences_server": "preferences",
    "driver_chosen": "guide/image_chosen",
    "driver_posed": "guide/image_posed",
    "drawn": "guide/drawn",
    "drawn_and_posed": "drawn_and_posed",
    "dropped_menu": "guide/dropped",
    "live_figure": "guide/live",
    "live_raised": "guide/live_redrawn",
    "storyboard_failed": "guide/storyboard",
    "storyboard_corrected": "guide/storyboard_corrected",
    "correct_flipped": "guide/correct_flipped",
    "correct_dragging": "guide/correct_dragging",
    "correct_ignored": "guide/correct_ignored",
    "driver_key_and_export": "guide/key_and_export",
}
#: Pixels; twice the width of a page, so that the panel's text can be read.
WIDTH = 1280
#: Colours that are left; chosen by an octree, which keeps those that few pixels have, such as the joints'.
COLOURS = 256


def shrink(picture: Image.Image) -> Image.Image:
    """A screenshot ``WIDTH`` pixels wide, with a palette."""
    height = round(WIDTH * picture.height / picture.width)
    small = picture.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
    return small.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)


def main() -> None:
    """Copy every picture, or say which screenshots are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--screenshots", type=Path, default=SCREENSHOTS)
    parser.add_argument("--out", type=Path, default=PICTURES_FOLDER)
    arguments = parser.parse_args()
    missing = [name for name in PICTURES if not (arguments.screenshots / f"{name}.png").is_file()]
    if missing:
        raise SystemExit(f"There is no screenshot {', '.join(missing)}; run make test-gui first.")
    (arguments.out / "guide").mkdir(parents=True, exist_ok=True)
    for name, picture in PICTURES.items():
        shrink(Image.open(arguments.screenshots / f"{name}.png")).save(
            arguments.out / f"{picture}.png", optimize=True
        )


if __name__ == "__main__":
    main()
