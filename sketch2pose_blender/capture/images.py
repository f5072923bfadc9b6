"""Drawings in images: data-blocks, files, the clipboard, reference-image empties, camera backgrounds."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import bpy
import numpy as np

from ..core.boundary import InputError
from ..core.pasted import Pasted
from ..core.raster import png
from ..core.sketch import Sketch, View
from .views import camera_view

#: Endings of image files that can be dropped on the 3D view.
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm")
#: Files that are larger are not read into memory, bytes.
_MOST_BYTES = 200_000_000
#: Most pixels of an image that Blender holds that are read; the pose program's own limit.
_MOST_PIXELS = 100_000_000


def image_sketch(image: bpy.types.Image) -> Sketch:
    """An image data-block, as it looks now.

    Raises:
        InputError: it is no still image, or its file is missing.
    """
    return Sketch(Path(image.name).stem, image_bytes(image)[0], None, None)


def file_sketch(path: Path) -> Sketch:
    """An image file.

    Raises:
        InputError: it is missing, or far too large.
    """
    if not path.is_file():
        raise InputError(f"The file {path} does not exist; choose an image file.")
    return Sketch(path.stem, _read(path), None, None)


def clipboard_sketch(context: bpy.types.Context) -> Sketch:
    """The image on the clipboard, or the file that it names.

    Raises:
        InputError: neither is there.
    """
    path = _path_in(context.window_manager.clipboard)
    if path is not None:
        return file_sketch(path)
    image = _pasted_image(context)
    if image is not None:
        try:
            return Sketch("Clipboard", image_bytes(image)[0], None, None)
        finally:
            bpy.data.images.remove(image)
    if _on_x11():
        return Sketch("Clipboard", _asked_of_xclip(), None, None)
    raise InputError(
        "There is no image on the clipboard that Blender can read here; copy an image or its file's path."
    )


def empty_sketch(empty: bpy.types.Object) -> Sketch:
    """A reference image. It is looked at straight, and figures stand where it is.

    Raises:
        InputError: the empty shows no still image.
    """
    image = empty.data if is_reference_image(empty) else None
    if not isinstance(image, bpy.types.Image):
        raise InputError(f"{empty.name} shows no image; choose a reference image.")
    data, (width, height) = image_bytes(image)
    # The longer side is as long as the display size; the offset says where the origin is on the image.
    side = empty.empty_display_size / max(width, height)
    middle = (np.array(empty.empty_image_offset) + 0.5) * (width, height) * side
    matrix = np.array(empty.matrix_world)
    across, up = matrix[:3, 0] * side, matrix[:3, 1] * side
    lengths = np.linalg.norm([across, up], axis=1)
    if lengths.min() < 1e-12:
        raise InputError(f"{empty.name} is flattened to nothing; give it a size.")
    right = across / lengths[0]
    down = -up / lengths[1]
    down = down - right * (down @ right)
    down /= np.linalg.norm(down)
    origin = (matrix @ [*middle, 0.0, 1.0])[:3]
    view = View.facing(origin, right, down, 1 / lengths, (width, height))
    return Sketch(Path(image.name).stem, data, view, origin)


def is_reference_image(thing: bpy.types.Object) -> bool:
    """Whether an object is an empty that shows an image."""
    return thing.type == "EMPTY" and thing.empty_display_type == "IMAGE" and thing.data is not None


def background_sketch(context: bpy.types.Context) -> Sketch:
    """The first background image of the scene's camera that is shown; figures stand where they look as large.

    Raises:
        InputError: the camera has none, or shows it turned.
    """
    view = camera_view(context)
    camera = context.scene.camera.data
    shown = [
        found
        for found in camera.background_images
        if found.show_background_image and found.source == "IMAGE" and found.image is not None
    ]
    if not camera.show_background_images or not shown:
        raise InputError("The camera shows no background image; add one to it, or choose another source.")
    background = shown[0]
    if abs(background.rotation) > 1e-4 or background.use_flip_x or background.use_flip_y:
        raise InputError("The camera's background image is turned or flipped; set it straight to pose it.")
    data, (width, height) = image_bytes(background.image)
    frame = np.array(view.size, float)
    image = np.array([width, height]) / (width, height)
    aspects = (width / height, frame[0] / frame[1])
    wider = aspects[0] > aspects[1]
    if background.frame_method == "STRETCH":
        size = frame * image
    elif wider == (background.frame_method == "FIT"):
        size = np.array([frame[0], frame[0] / aspects[0]])
    else:
        size = np.array([frame[1] * aspects[0], frame[1]])
    size = size * background.scale
    # Offsets are shares of the frame's longer side, y up.
    middle = frame / 2 + np.array([background.offset[0], -background.offset[1]]) * frame.max()
    corner = middle - size / 2
    step = size / (width, height)
    placed = View(
        view.to_world,
        view.perspective,
        view.focal / step,
        (view.centre + 0.5 - corner) / step - 0.5,
        (width, height),
    )
    # Nothing looks smaller from afar in an orthographic view, so some distance has to be chosen.
    anchor = None if view.perspective else np.array(context.scene.cursor.location)
    return Sketch(Path(background.image.name).stem, data, placed, anchor)


def image_bytes(image: bpy.types.Image) -> tuple[bytes, tuple[int, int]]:
    """The content of an image file with what the image shows now, and its width and height.

    Raises:
        InputError: the image is a movie, a sequence or a tiled one, its file is missing, or it is empty.
    """
    if image.source not in {"FILE", "GENERATED"}:
        raise InputError(f"{image.name} is not a still image; choose a drawing in one picture.")
    if not image.is_dirty and image.source == "FILE":
        if image.packed_file is not None:
            data = bytes(image.packed_file.data)
        else:
            path = Path(bpy.path.abspath(image.filepath, library=image.library))
            if not path.is_file():
                raise InputError(f"The file {path} of {image.name} does not exist; open the drawing again.")
            data = _read(path)
        width, height = image.size  # pyright: ignore[reportGeneralTypeIssues]
        if not width or not height:
            raise InputError(f"{image.name} cannot be shown by Blender; open the drawing again.")
        return data, (width, height)
    return _painted(image)


def _painted(image: bpy.types.Image) -> tuple[bytes, tuple[int, int]]:
    """What is only in memory: painted and generated images."""
    width, height = image.size  # pyright: ignore[reportGeneralTypeIssues]
    if not width or not height:
        raise InputError(f"{image.name} is empty; choose another drawing.")
    if width * height > _MOST_PIXELS:
        raise InputError(
            f"{image.name} is too large ({width:,} x {height:,} pixels); scale it to 100 million pixels or fewer."
        )
    pixels = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(pixels)
    channels = np.nan_to_num(pixels.reshape(height, width, image.channels)[::-1])
    colours = channels[..., :1].repeat(3, -1) if image.channels < 3 else channels[..., :3]
    alpha = channels[..., 3:] if image.channels == 4 else np.ones((height, width, 1), np.float32)
    if image.is_float and not image.colorspace_settings.is_data:
        colours = np.where(
            colours <= 0.0031308, 12.92 * colours, 1.055 * np.maximum(colours, 0) ** (1 / 2.4) - 0.055
        )
    raster = np.round(255 * np.clip(np.concatenate([colours, alpha], -1), 0, 1)).astype(np.uint8)
    return png(raster), (width, height)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"The file {path.name} is larger than 200 MB; save the drawing smaller.")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"The file {path} cannot be read ({error.strerror}); check its rights.") from error


def _path_in(text: str) -> Path | None:
    """The image file that a text names, as file managers put it on the clipboard."""
    lines = text.strip().strip("\0").splitlines()
    if not lines or len(lines[0]) > 4096:
        return None
    line = lines[0].strip().strip("\"'")
    if line.startswith("file:"):
        line = unquote(urlparse(line).path)
        if len(line) > 2 and line[0] == "/" and line[2] == ":":  # /C:/...
            line = line[1:]
    try:
        path = Path(line)
        return path if path.suffix.lower() in SUFFIXES and path.is_file() else None
    except (OSError, ValueError):
        return None


def _on_x11() -> bool:
    """Whether Blender's windows are X11's, for which it reads texts from the clipboard alone (checked up to 5.2)."""
    on_linux = sys.platform.startswith("linux")
    return on_linux and "DISPLAY" in os.environ and "WAYLAND_DISPLAY" not in os.environ


def _asked_of_xclip() -> Pasted:
    """The image on X11's clipboard, a PNG file, when the program that holds it hands it out.

    Raises:
        InputError: there is no program that reads it.
    """
    import shutil

    program = shutil.which("xclip")
    if program is None:
        raise InputError(
            "On X11 Blender cannot paste images; install the program xclip, or copy the image file's path instead."
        )
    return Pasted([program, "-selection", "clipboard", "-target", "image/png", "-out"])


def _pasted_image(context: bpy.types.Context) -> bpy.types.Image | None:
    """Blender's own paste works in an image editor only, so an area becomes one for a moment."""
    window = context.window
    if bpy.app.background or window is None:
        return None
    before = set(bpy.data.images)
    area = max(window.screen.areas, key=lambda area: area.width * area.height)
    kind = area.ui_type
    try:
        area.ui_type = "IMAGE_EDITOR"
        region = next(region for region in area.regions if region.type == "WINDOW")
        with context.temp_override(window=window, area=area, region=region):
            paste: Any = bpy.ops.image.clipboard_paste
            if paste.poll():
                paste()
    except RuntimeError:  # nothing there that is an image
        return None
    finally:
        area.ui_type = kind
    return next((image for image in bpy.data.images if image not in before), None)
