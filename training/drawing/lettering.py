"""Handwriting: letters as strokes on a grid two wide and four high."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .pen import Pen

#: Strokes of each letter; each pair of digits is a place (across, down).
_LETTERS = {
    "a": ["22122023042423", "2124"],
    "c": ["2112031424"],
    "d": ["2024", "2212031424"],
    "e": ["03232212030424"],
    "g": ["2212031323", "222515"],
    "h": ["0004", "03122224"],
    "i": ["1214", "1011"],
    "k": ["0004", "220324"],
    "l": ["1014"],
    "m": ["0402121412222224"],
    "n": ["04021222", "2224"],
    "o": ["120313231222"],
    "p": ["0206", "0212220404"],
    "r": ["0402", "031222"],
    "s": ["2212031323141404"],
    "t": ["101424", "0222"],
    "u": ["0203142422"],
    "v": ["021422"],
    "w": ["020412140422"],
    "y": ["0213", "220516"],
    "z": ["02220424"],
    "T": ["0020", "1014"],
    "H": ["0004", "2024", "0222"],
    "N": ["04002420"],
    "1": ["011014"],
    "2": ["0110210424"],
    "3": ["0020122304"],
    "7": ["002014"],
    "!": ["1013", "1414"],
}


def write(canvas: Canvas, text: str, start: np.ndarray, height: float, pen: Pen) -> None:
    """Write a line of text from the upper left corner of its first letter; ``height`` in pixels."""
    rng = canvas.rng
    unit = height / 4
    slant = rng.normal(0, 0.12)
    for place, letter in enumerate(text):
        for stroke in _LETTERS.get(letter, ()):
            points = np.array(
                [[int(x), int(y)] for x, y in zip(stroke[::2], stroke[1::2], strict=True)], float
            )
            points = points + rng.normal(0, 0.12, points.shape) + (3 * place, 0)
            points[:, 0] -= slant * points[:, 1]
            canvas.stroke(start + unit * points, pen)


def scrawl(rng: np.random.Generator, length: int) -> str:
    """Random letters and blanks."""
    return "".join(rng.choice([*_LETTERS, " ", " ", " "], length))
