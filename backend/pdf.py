"""Pages of PDF files as pictures, by PDFium. Its package is optional: nothing else needs it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from .errors import InputError, InstallError, unopened
from .frames import find_panels
from .images import Picture, from_image

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

#: Ending of a PDF file.
SUFFIX = ".pdf"
#: Pixels an inch of a page, as far as its longer side stays within these limits, pixels. Panels of a page of
#: eight are then as large as the network needs.
DPI = 200
SIDES = (1024, 4096)
#: Most pages and bytes of a file.
MOST_PAGES = 2000
MOST_BYTES = 2_000_000_000

Box = tuple[int, int, int, int]

#: PDFium must not be asked by two threads at once.
_PDFIUM = threading.Lock()


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes:
        number: from 1.
        panels: x0, y0, x1, y1 of its panels in reading order, pixels of the page; empty where it is one drawing.
        error: why it cannot be read, else None.
    """

    number: int
    panels: tuple[Box, ...] = ()
    error: str | None = None


def split_pages(path: Path) -> Iterator[Page]:
    """The pages of a file in turn, each with its panels.

    Raises:
        InputError: the file is no PDF, is damaged, encrypted or too large.
        InstallError: the package that reads PDF files is missing.
    """
    with _opened(path) as document:
        count = len(document)
    if count == 0:
        raise _damaged()
    if count > MOST_PAGES:
        raise InputError(f"The PDF has {count:,} pages; split it into files of at most {MOST_PAGES:,}.")
    for number in range(1, count + 1):
        try:
            page = Page(number, find_panels(np.asarray(_image(path, number).convert("L"))))
        except InputError as error:
            page = Page(number, error=str(error))
        yield page


def read_page(path: Path, number: int, box: Box | None = None) -> Picture:
    """A page, or a panel of it.

    Raises:
        InputError: it cannot be read.
        InstallError: the package that reads PDF files is missing.
    """
    image = _image(path, number)
    return from_image(image if box is None else image.crop(box))


def _image(path: Path, number: int) -> Image.Image:
    """A page, RGB."""
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise unopened(error) from error
    return _rendered(path, number, changed)


@lru_cache(maxsize=1)
def _rendered(path: Path, number: int, changed: int) -> Image.Image:  # noqa: ARG001 - part of the key
    """A page, RGB, kept for its panels, which are asked for one after the other.

    ``changed``: when the file was; a newer one is read anew.
    """
    with _opened(path) as document:
        page = document[number - 1]
        longer = max(page.get_size())
        pixels = min(max(longer * DPI / 72, SIDES[0]), SIDES[1])
        return page.render(scale=pixels / longer, fill_color=(255, 255, 255, 255)).to_pil().convert("RGB")


@contextmanager
def _opened(path: Path) -> Iterator[PdfDocument]:
    """The document, for one thread at a time; what PDFium complains of becomes a sentence."""
    try:
        import pypdfium2
    except ImportError as error:
        raise InstallError(
            "To read PDF files the package pypdfium2 is missing; export the pages as images, or install it with "
            '"python -m pip install pypdfium2".'
        ) from error
    with _PDFIUM:
        try:
            if path.stat().st_size > MOST_BYTES:
                raise InputError(
                    f"The PDF is larger than {MOST_BYTES // 1_000_000_000} GB; split it into smaller ones."
                )
            with path.open("rb") as file, pypdfium2.PdfDocument(file) as document:
                yield document
        except pypdfium2.PdfiumError as error:
            if error.err_code in (pypdfium2.raw.FPDF_ERR_PASSWORD, pypdfium2.raw.FPDF_ERR_SECURITY):
                raise InputError("The PDF is encrypted; save it without a password.") from error
            raise _damaged() from error
        except (OSError, ValueError, ZeroDivisionError) as error:  # ValueError: no size that can be drawn
            raise unopened(error) if isinstance(error, OSError) else _damaged() from error


def _damaged() -> InputError:
    return InputError("The file is no PDF, or is damaged; export it again.")
