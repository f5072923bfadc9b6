"""Renders the example drawings: every SVG under examples/ becomes the PNG beside it.

    python tools/render_examples.py            # all
    python tools/render_examples.py --check    # only says which PNGs are missing or out of date

Needs `resvg-py` (development only). Run it after a change to an SVG and commit both files.
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"

# Rendered larger, then reduced: the filters that roughen the strokes leave hard pixel steps at scale 1.
SUPERSAMPLING = 2
# Flat papers and one or two inks: a palette keeps a drawing near 40 kB.
COLOURS = 64
# Two renders show the same picture when fewer pixels than this differ by more than a quarter of the range:
# another version of the renderer may shade the pixels of an edge otherwise, but only slightly.
SAME_PICTURE = 50


def render(svg: Path) -> Image.Image:
    """Draws one SVG file at its own size, in pixels.

    Args:
        svg: an SVG file with `width` and `height` in pixels.

    Returns:
        A palette image (mode "P", at most 64 colours).
    """
    # Here, so that the module can be read where the renderer is not installed.
    import resvg_py

    large = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_path=str(svg), zoom=SUPERSAMPLING))))
    size = (large.width // SUPERSAMPLING, large.height // SUPERSAMPLING)
    small = large.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    return small.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)


def is_current(svg: Path) -> bool:
    """Says whether the PNG beside an SVG file shows what the SVG draws."""
    png = svg.with_suffix(".png")
    if not png.is_file():
        return False
    fresh = np.asarray(render(svg).convert("L"), np.float32)
    with Image.open(png) as stored:
        kept = np.asarray(stored.convert("L"), np.float32)
    return fresh.shape == kept.shape and int((np.abs(fresh - kept) > 64).sum()) < SAME_PICTURE


def main() -> int:
    """Renders every drawing, or checks them; returns the exit status."""
    parser = argparse.ArgumentParser(description="Renders the SVG drawings under examples/ to PNG.")
    parser.add_argument("--check", action="store_true", help="write nothing, name the PNGs that are stale")
    arguments = parser.parse_args()
    sources = sorted(EXAMPLES.rglob("*.svg"))
    if arguments.check:
        stale = [svg for svg in sources if not is_current(svg)]
        for svg in stale:
            print(f"{svg.relative_to(EXAMPLES)}: its PNG is missing or older; run tools/render_examples.py.")
        return 1 if stale else 0
    for svg in sources:
        png = svg.with_suffix(".png")
        render(svg).save(png, optimize=True)
        print(f"{png.relative_to(EXAMPLES)}  {png.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
