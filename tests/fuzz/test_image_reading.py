"""Fuzzing of the image reader: random and damaged bytes give a picture or one sentence, nothing else."""

import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from backend.errors import InputError
from backend.images import read_image
from tests.backend.psd_bytes import Layer, psd

SIGNATURES = [
    b"", b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff\xe0", b"\xff\xd8\xff\xe1\0\x20Exif\0\0",
    b"GIF89a", b"BM", b"II*\0", b"MM\0*", b"RIFF\x20\0\0\0WEBPVP8 ", b"P6\n", b"P5 64 64 255\n", b"%!PS-Adobe",
    b"8BPS\0\1\0\0\0\0\0\0\0\3\0\0\0\x20\0\0\0\x20\0\x08\0\3",
]  # fmt: skip


def whole_files() -> list[bytes]:
    page = Image.new("RGB", (60, 40), "white")
    ImageDraw.Draw(page).line((5, 5, 50, 35), fill="black", width=3)
    files = []
    for name, mode, options in [
        ("PNG", "RGB", {}), ("PNG", "P", {}), ("PNG", "LA", {}), ("JPEG", "RGB", {}),
        ("JPEG", "CMYK", {}), ("JPEG", "L", {"progressive": True}), ("GIF", "P", {}), ("BMP", "RGB", {}),
        ("TIFF", "RGB", {}), ("TIFF", "L", {"compression": "tiff_lzw"}), ("WEBP", "RGB", {}), ("PPM", "L", {}),
    ]:  # fmt: skip
        buffer = io.BytesIO()
        page.convert(mode).save(buffer, name, **options)
        files.append(buffer.getvalue())
    rgb = np.asarray(page)
    layers = [Layer(name, np.dstack([rgb, rgb[..., :1]])) for name in ("ink", "notes")]
    files.append(psd(page.size, layers, rgb))
    return files


FILES = whole_files()


def check(path) -> None:
    try:
        picture = read_image(path)
    except InputError as error:
        text = str(error)
        assert "\n" not in text
        assert len(text) < 300
        assert text.endswith(".")
    else:
        assert picture.gray.dtype == np.float32
        assert picture.gray.shape == picture.rgb.shape[:2]
        assert np.isfinite(picture.gray).all()
        assert picture.gray.min() >= 0
        assert picture.gray.max() <= 1


quick = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
#: Bytes to change: (where, as a share of the file; the new byte).
changes = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=12)


@given(st.sampled_from(SIGNATURES), st.binary(max_size=400))
@quick
def test_random_bytes(tmp_path, signature, rest):
    (tmp_path / "fuzz").write_bytes(signature + rest)
    check(tmp_path / "fuzz")


@given(st.sampled_from(FILES), changes, st.booleans())
@quick
def test_changed_bytes(tmp_path, file, edits, header):
    data = bytearray(file)
    span = min(len(data), 64) if header else len(data)
    for where, value in edits:
        data[int(where * span)] = value
    (tmp_path / "fuzz").write_bytes(data)
    check(tmp_path / "fuzz")


@given(st.sampled_from(FILES), st.floats(0, 1))
@quick
def test_cut_off_files(tmp_path, file, share):
    (tmp_path / "fuzz").write_bytes(file[: int(share * len(file))])
    check(tmp_path / "fuzz")


@pytest.mark.parametrize("file", FILES)
def test_the_files_that_are_damaged_here_can_be_read_whole(tmp_path, file):
    (tmp_path / "whole").write_bytes(file)
    assert read_image(tmp_path / "whole").gray.shape == (40, 60)
