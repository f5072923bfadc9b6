"""Gives the backend, which reads files, a file for any image in Blender."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

from ..core.boundary import InputError


def image_file(image: bpy.types.Image, folder: Path) -> Path:
    """The file with what the image shows now; packed, painted and generated ones are written to ``folder``.

    Raises:
        InputError: the image is a movie, a sequence or a tiled one, its file is missing, or it is empty.
    """
    if image.source not in {"FILE", "GENERATED"}:
        raise InputError(f"{image.name} is not a still image; choose a drawing in one picture.")
    if image.is_dirty or image.source == "GENERATED":
        return _write_pixels(image, folder)
    if image.packed_file is not None:
        path = folder / "drawing"
        path.write_bytes(image.packed_file.data)
        return path
    path = Path(bpy.path.abspath(image.filepath, library=image.library))
    if not path.is_file():
        raise InputError(f"The file {path} of {image.name} does not exist; open the drawing again.")
    return path


def _write_pixels(image: bpy.types.Image, folder: Path) -> Path:
    """Write what was painted, without touching the image: Image.save would mark it as saved."""
    width, height = image.size  # pyright: ignore[reportGeneralTypeIssues]
    if not width or not height:
        raise InputError(f"{image.name} is empty; choose another drawing.")
    pixels = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(pixels)
    colours = np.ones((width * height, 4), np.float32)
    channels = pixels.reshape(width * height, image.channels)
    colours[:, :3] = channels[:, :1] if image.channels < 3 else channels[:, :3]
    if image.channels == 4:
        colours[:, 3] = channels[:, 3]
    copy = bpy.data.images.new("drawing", width, height, alpha=True)
    try:
        copy.pixels.foreach_set(colours.ravel())  # pyright: ignore[reportArgumentType]
        path = folder / "drawing.png"
        copy.file_format = "PNG"
        copy.save(filepath=str(path))
    finally:
        bpy.data.images.remove(copy)
    return path
