"""Reading images: every kind of file that a person may drop."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

from backend import images
from backend.errors import InputError
from backend.images import from_array, from_image, read_image


def ink_is_dark(picture: images.Picture) -> bool:
    """Whether the page is light with dark ink in its middle, as the drawings below are."""
    height, width = picture.gray.shape
    middle = picture.gray[height // 2 - 2 : height // 2 + 2, width // 2 - 2 : width // 2 + 2]
    return bool(picture.gray[1, 1] > 0.95 and middle.max() < 0.1)


@pytest.fixture
def page() -> Image.Image:
    """White, 64 x 48, with a black square in the middle."""
    image = Image.new("L", (64, 48), 255)
    ImageDraw.Draw(image).rectangle((24, 16, 39, 31), fill=0)
    return image


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_png_modes(tmp_path, page, mode):
    if mode == "I;16":
        image = Image.fromarray(np.asarray(page).astype(np.uint16) * 257)
    else:
        image = page.convert(mode)
    image.save(tmp_path / "page.png")
    picture = read_image(tmp_path / "page.png")
    assert (picture.width, picture.height, picture.scale) == (64, 48, 1.0)
    assert picture.gray.shape == (48, 64)
    assert picture.gray.dtype == np.float32
    assert picture.rgb.shape == (48, 64, 3)
    assert picture.rgb.dtype == np.uint8
    assert ink_is_dark(picture)


@pytest.mark.parametrize("mode", ["I", "I;16", "F"])
def test_eight_bits_of_gray_in_a_wider_mode(page, mode):
    picture = from_image(page.convert("L").convert(mode))
    assert np.allclose(picture.gray, from_image(page.convert("L")).gray, atol=0.01)


@pytest.mark.parametrize("suffix", ["jpg", "webp", "gif", "bmp", "tif", "ppm"])
def test_other_formats(tmp_path, page, suffix):
    page.convert("RGB").save(tmp_path / f"page.{suffix}")
    assert ink_is_dark(read_image(tmp_path / f"page.{suffix}"))


def test_cmyk(tmp_path, page):
    page.convert("RGB").convert("CMYK").save(tmp_path / "page.jpg")
    assert ink_is_dark(read_image(tmp_path / "page.jpg"))


@pytest.mark.parametrize("white", [1.0, 255.0, 65535.0])
def test_floating_point_tiff(tmp_path, page, white):
    values = np.asarray(page, np.float32) / 255 * white
    values[0, 0] = np.nan
    Image.fromarray(values).save(tmp_path / "page.tif")
    assert ink_is_dark(read_image(tmp_path / "page.tif"))


def test_whole_number_tiff(tmp_path, page):
    Image.fromarray(np.asarray(page).astype(np.int32) * 257).save(tmp_path / "page.tif")
    assert ink_is_dark(read_image(tmp_path / "page.tif"))


def test_the_content_counts_not_the_ending(tmp_path, page):
    page.save(tmp_path / "page.jpg", "PNG")
    assert ink_is_dark(read_image(tmp_path / "page.jpg"))


@pytest.mark.parametrize("name", ["絵コンテ.png", "эскиз №1.png", "dessin été.png", "🙂.png", " a b .png"])
def test_names_in_any_script(tmp_path, page, name):
    page.save(tmp_path / name)
    assert ink_is_dark(read_image(tmp_path / name))
    assert ink_is_dark(read_image(str(tmp_path / name)))


def test_the_first_frame_of_an_animation_counts(tmp_path, page):
    page.save(tmp_path / "a.gif", save_all=True, append_images=[Image.new("L", page.size, 128)] * 3)
    assert ink_is_dark(read_image(tmp_path / "a.gif"))


def test_transparent_paper_is_white(page):
    ink = Image.new("RGBA", page.size, (0, 0, 0, 0))
    red = Image.new("RGBA", (16, 16), (90, 0, 0, 255))
    red.paste((0, 0, 0, 255), (0, 0, 8, 16))
    ink.paste(red, (24, 16))
    picture = from_image(ink)
    assert tuple(picture.rgb[1, 1]) == (255, 255, 255)
    assert tuple(picture.rgb[24, 36]) == (90, 0, 0)


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (240, 240, 250)])
def test_ink_that_lies_in_alpha_alone_is_seen(page, colour):
    image = Image.new("RGBA", page.size, (*colour, 0))
    image.putalpha(Image.fromarray(255 - np.asarray(page)))
    assert ink_is_dark(from_image(image))


def test_a_fully_transparent_image_is_blank():
    assert from_image(Image.new("RGBA", (64, 64), (0, 0, 0, 0))).gray.min() == 1.0


def test_palette_transparency(tmp_path, page):
    image = page.convert("P")
    image.save(tmp_path / "page.png", transparency=255)
    assert ink_is_dark(read_image(tmp_path / "page.png"))


def test_white_on_black_stays_so():
    array = np.zeros((64, 64), np.uint8)
    array[20:40, 30] = 255
    picture = from_array(array)
    assert picture.gray[0, 0] == 0
    assert picture.gray[30, 30] == 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, orientation):
    upright = Image.new("RGB", (96, 64), "white")
    ImageDraw.Draw(upright).rectangle((0, 0, 31, 31), fill="black")
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    stored = upright.transpose(turns[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "photo.jpg", exif=exif, quality=95)
    picture = read_image(tmp_path / "photo.jpg")
    assert (picture.width, picture.height) == (96, 64)
    assert picture.gray[16, 16] < 0.1
    assert picture.gray[48, 80] > 0.9


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_large_images_are_reduced_but_told_at_full_size(tmp_path, suffix):
    image = Image.new("L", (6001, 1500), 255)
    ImageDraw.Draw(image).rectangle((3000, 700, 3400, 1000), fill=0)
    image.save(tmp_path / f"wide.{suffix}")
    picture = read_image(tmp_path / f"wide.{suffix}")
    assert (picture.width, picture.height) == (6001, 1500)
    assert max(picture.gray.shape) == images.WORK_SIDE
    columns = np.nonzero((picture.gray < 0.5).any(0))[0]
    assert columns[0] * picture.scale == pytest.approx(3000, abs=8)
    assert columns[-1] * picture.scale == pytest.approx(3400, abs=8)


# --------------------------------------------------------------------------------------------- refusals


def sentence(error: pytest.ExceptionInfo) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert text[0].isupper()
    assert text.endswith(".")
    return text


def refused(path) -> str:
    with pytest.raises(InputError) as error:
        read_image(path)
    return sentence(error)


def test_missing_empty_and_foreign_files(tmp_path):
    assert "does not exist" in refused(tmp_path / "nothing.png")
    assert "folder" in refused(tmp_path)
    (tmp_path / "empty.png").write_bytes(b"")
    assert "empty" in refused(tmp_path / "empty.png")
    (tmp_path / "text.png").write_text("this is no image")
    assert "no image" in refused(tmp_path / "text.png")
    assert "does not exist" in refused("a\0b.png")


def test_formats_that_start_other_programs_are_not_read(tmp_path):
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\n")
    assert "no image" in refused(tmp_path / "a.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert "no ordinary file" in refused(tmp_path / "pipe.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "webp", "tif"])
def test_a_cut_off_file_is_damaged(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix.upper()))
    (tmp_path / f"cut.{suffix}").write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    text = refused(tmp_path / f"cut.{suffix}")
    assert "damaged" in text or "no image" in text


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (15, 15)])
def test_too_small(tmp_path, size):
    Image.new("L", size).save(tmp_path / "dot.png")
    assert "too small" in refused(tmp_path / "dot.png")


@pytest.mark.parametrize("size", [(20_000, 20), (20, 20_000), (12_000, 12_000)])
def test_too_large(tmp_path, size):
    Image.new("1", size).save(tmp_path / "huge.png")
    text = refused(tmp_path / "huge.png")
    assert "too large" in text
    assert f"{size[0]:,}" in text


def test_a_decompression_bomb_is_refused_before_it_is_unpacked(tmp_path):
    Image.new("1", (64, 64)).save(tmp_path / "bomb.png")
    data = bytearray((tmp_path / "bomb.png").read_bytes())
    data[16:24] = struct.pack(">II", 60_000, 60_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    (tmp_path / "bomb.png").write_bytes(data)
    assert "too large" in refused(tmp_path / "bomb.png")


@pytest.mark.parametrize(
    "array",
    [np.zeros((64, 64), np.uint8), np.zeros((64, 64, 3), np.float64), np.zeros((64, 64, 4), np.uint16),
     np.zeros((64, 64), bool)],
)  # fmt: skip
def test_arrays(array):
    picture = from_array(array)
    assert picture.gray.shape == (64, 64)


@pytest.mark.parametrize(
    "array",
    [np.zeros(64), np.zeros((64, 64, 2)), np.zeros((64, 64), np.int64), np.zeros((64, 64), complex),
     np.zeros((2, 64, 64, 3)), np.zeros((0, 0))],
)  # fmt: skip
def test_arrays_of_other_shapes_are_refused(array):
    with pytest.raises(InputError) as error:
        from_array(array)
    sentence(error)
