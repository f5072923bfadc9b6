"""Reading images safely: any file that a person may drop becomes gray paper with ink, or one clear sentence."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from . import psd
from .errors import InputError, unopened

#: Longest side of an image that is read, pixels.
MAX_SIDE = 16_384
#: Most pixels of an image that is read: a third of a gigabyte of memory while it is decoded.
MAX_PIXELS = 100_000_000
#: Shortest side of an image that can hold a figure, pixels.
MIN_SIDE = 16
#: Longer side at which the work is done, pixels; results are in pixels of the original.
WORK_SIDE = 2048

#: Raster formats, by their Pillow names. Formats that run another program (EPS) are left out.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
#: File endings of images. Photoshop's are read from files only, the others in what the service is sent, too.
SUFFIXES = frozenset(
    [".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", *psd.SUFFIXES]
)


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded image at working size.

    Attributes:
        gray: (H, W) float32, 0 black .. 1 white, at working size.
        rgb: (H, W, 3) uint8, the same on white paper, for display.
        width: pixels of the original, after its EXIF orientation is applied.
        height: the same.
        scale: original pixels per working pixel, >= 1.
    """

    gray: np.ndarray
    rgb: np.ndarray
    width: int
    height: int
    scale: float


def read_image(path: Path | str) -> Picture:
    """Read an image file; its content decides on the format, not its name.

    Of an animation: the first frame; of a Photoshop file: all but notes, reference and hidden layers.

    Raises:
        InputError: it is missing, empty, broken, too large, too small, or no image.
    """
    with _file(Path(path)) as file:
        if file.read(len(psd.SIGNATURE)) == psd.SIGNATURE:
            _check_size(*psd.size_of(file))
            return from_image(psd.read_psd(file))
        file.seek(0)
        return _decoded(_opened(file))


def read_layers(layers: Sequence[tuple[Path, float]]) -> Picture:
    """Read image files that lie over each other as one drawing; the lowest decides on its size.

    Args:
        layers: files, the lowest first, each with its opacity, 0..1.

    Raises:
        InputError: as :func:`read_image`, or there is none.
    """
    if len(layers) == 1 and layers[0][1] == 1:
        return read_image(layers[0][0])
    canvas: Image.Image | None = None
    for path, opacity in layers:
        with _file(path) as file, _damage_told():
            image = _eight_bits(_upright(_opened(file))).convert("RGBA")
        image.putalpha(image.getchannel("A").point([round(value * opacity) for value in range(256)]))
        if canvas is None:
            canvas = Image.new("RGBA", image.size)
        if image.size != canvas.size:
            image = image.resize(canvas.size, Image.Resampling.BILINEAR)
        canvas.alpha_composite(image)
    if canvas is None:
        raise InputError("The drawing has no layers; draw one and save it again.")
    return from_image(canvas)


@contextmanager
def _file(path: Path) -> Iterator[BinaryIO]:
    """An image file, open.

    Raises:
        InputError: it is missing, empty, or no file.
    """
    try:
        if path.is_dir():
            raise InputError(
                "It is a folder, not an image; choose an image file, or a folder that holds some."
            )
        if not path.exists():
            raise InputError("The file does not exist; check the path.")
        if not path.is_file():
            raise InputError("It is no ordinary file; choose an image file.")
        if path.stat().st_size == 0:
            raise InputError("The file is empty (0 bytes); save the drawing again.")
        with warnings.catch_warnings():
            # Pillow warns of large images; the limits here are checked before anything is decoded.
            warnings.simplefilter("ignore")
            with path.open("rb") as file:
                yield file
    except (OSError, ValueError) as error:
        raise unopened(error) from error


def read_image_bytes(content: bytes) -> Picture:
    """Read the content of an image file, as :func:`read_image` does.

    Raises:
        InputError: it is empty, broken, too large, too small, or no image.
    """
    if not content:
        raise InputError("The image is empty (0 bytes); save the drawing again.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _decoded(_opened(io.BytesIO(content)))


def _opened(file: object) -> Image.Image:
    try:
        image = Image.open(file, formats=FORMATS)  # pyright: ignore[reportArgumentType]
    except Image.DecompressionBombError as error:
        raise _too_large() from error
    except Exception as error:  # broken headers raise many types in Pillow's readers
        names = "PNG, JPEG, WebP, GIF, BMP, TIFF or PPM"
        raise InputError(f"The file is no image that can be read; save it as {names}.") from error
    _check_size(*image.size)
    return image


def _decoded(image: Image.Image) -> Picture:
    full = image.size
    with _damage_told():
        if image.format == "JPEG":
            # Decodes large photographs at a fraction of their size, never below the working size.
            image.draft(None, (WORK_SIDE, WORK_SIDE))
        image.load()
        upright = _upright(image)
        if upright.size != image.size:
            full = (full[1], full[0])
        return _picture(upright, full)


@contextmanager
def _damage_told() -> Iterator[None]:
    """Turns what Pillow's decoders raise at corrupted data, which are many types, into the one sentence."""
    try:
        yield
    except (MemoryError, InputError):
        raise
    except Exception as error:
        raise InputError("The image is damaged or cut off; save or export it again.") from error


def from_image(image: Image.Image) -> Picture:
    """A Picture of a Pillow image of any mode.

    Raises:
        InputError: it is too large or too small, or its data cannot be decoded.
    """
    _check_size(*image.size)
    with _damage_told():  # a lazily loaded file fails here
        return _picture(image, image.size)


def from_array(array: np.ndarray) -> Picture:
    """A Picture of an array.

    Args:
        array: (H, W), (H, W, 3) or (H, W, 4) uint8 0..255, uint16 0..65535, bool, or float 0..1.

    Raises:
        InputError: it has another shape or type, or is too large or too small.
    """
    array = np.asarray(array)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise InputError(f"The array has shape {array.shape}; give (H, W), (H, W, 3) or (H, W, 4).")
    if array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)
    elif array.dtype == bool or np.issubdtype(array.dtype, np.floating):
        array = np.round(np.clip(np.nan_to_num(array.astype(np.float32)), 0, 1) * 255).astype(np.uint8)
    elif array.dtype != np.uint8:
        raise InputError(f"The array holds {array.dtype}; give uint8, uint16, bool or float.")
    return from_image(Image.fromarray(np.ascontiguousarray(array)))


def _check_size(width: int, height: int) -> None:
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise _too_large(width, height)
    if min(width, height) < MIN_SIDE:
        raise InputError(
            f"The image is too small ({width} x {height} pixels); give one of at least {MIN_SIDE} x {MIN_SIDE}."
        )


def _too_large(width: int | None = None, height: int | None = None) -> InputError:
    size = f" ({width:,} x {height:,} pixels)" if width else ""
    return InputError(
        f"The image is too large{size}; give one of at most {MAX_SIDE:,} pixels a side "
        f"and {MAX_PIXELS // 1_000_000} million in all."
    )


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001 - damaged EXIF data: the pixels are what counts
        return image


def _picture(image: Image.Image, full: tuple[int, int]) -> Picture:
    width, height = full
    scale = max(1.0, max(full) / WORK_SIDE)
    size = (max(1, round(width / scale)), max(1, round(height / scale)))
    rgba = _eight_bits(image)
    if rgba.size != size:
        rgba = rgba.resize(size, Image.Resampling.BOX)
    rgb = _on_paper(np.asarray(rgba)) if rgba.mode == "RGBA" else np.asarray(rgba.convert("RGB"))
    gray = rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32) / 255
    return Picture(np.clip(gray, 0, 1), rgb, width, height, scale)


def _eight_bits(image: Image.Image) -> Image.Image:
    """The image as RGB, L or, where it is transparent, RGBA with 8 bits a channel."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        values = np.nan_to_num(np.asarray(image, np.float32))
        top = float(values.max(initial=0.0))
        # 16-bit gray comes as I;16 or I; floating point images hold 0..1 or 0..255. Gray that never
        # leaves the lowest 256 of 65,536 tones was 8-bit gray.
        white = 65535.0 if top > 255 else 1.0 if image.mode == "F" and top <= 1 else 255.0
        return Image.fromarray(np.round(np.clip(values / white, 0, 1) * 255).astype(np.uint8))
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _on_paper(rgba: np.ndarray) -> np.ndarray:
    """Transparent drawings on white paper. Ink of a single colour, white too, is drawn in black."""
    alpha = rgba[..., 3:].astype(np.float32) / 255
    seen = alpha[..., 0] > 0.1
    if seen.any() and not seen.all():
        colours = rgba[..., :3][seen]
        if (colours.max(0).astype(int) - colours.min(0)).max() <= 24:
            return np.repeat(np.round(255 * (1 - alpha)), 3, -1).astype(np.uint8)
    return np.round(rgba[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
