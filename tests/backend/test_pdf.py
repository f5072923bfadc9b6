"""Pages of PDF files: rasterised, split into their panels; hostile files give one sentence each."""

import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw

from backend import pdf
from backend.drawings import drawings_of
from backend.errors import InputError, SketchPoseError

pytest.importorskip("pypdfium2", reason="reads PDF files; pip install '.[pdf]'")


def raw(objects: list[str], trailer: str = "") -> bytes:
    """A PDF of hand-written objects; its first is the catalogue. Readers find the objects by themselves."""
    body = "".join(f"{number} 0 obj\n{text}\nendobj\n" for number, text in enumerate(objects, 1))
    return f"%PDF-1.4\n{body}trailer <</Root 1 0 R/Size {len(objects) + 1}{trailer}>>\n%%EOF\n".encode()


def pages_of(box: str, count: int = 1) -> list[str]:
    page = f"<</Type/Page/Parent 2 0 R/MediaBox[{box}]>>"
    kids = " ".join(["3 0 R"] * count)
    return ["<</Type/Catalog/Pages 2 0 R>>", f"<</Type/Pages/Kids[{kids}]/Count {count}>>", page]


def only_error(path) -> str:
    (drawing,) = drawings_of(path)
    assert drawing.file == str(path)
    with pytest.raises(SketchPoseError) as caught:
        drawing.read()
    return str(caught.value)


def test_pages_are_drawings(tmp_path):
    upright = Image.new("L", (595, 842), 255)  # A4 at 72 pixels an inch
    ImageDraw.Draw(upright).rectangle((250, 300, 350, 500), fill=0)
    wide = Image.new("RGB", (2000, 500), "white")
    upright.save(tmp_path / "sheets.pdf", save_all=True, append_images=[wide])
    first, second = drawings_of(tmp_path / "sheets.pdf")
    assert [d.file for d in (first, second)] == [f"{tmp_path / 'sheets.pdf'}#{n}" for n in (1, 2)]
    assert [d.stem for d in (first, second)] == ["sheets_1", "sheets_2"]
    picture = first.read()
    assert abs(picture.width - 595 * 200 / 72) <= 1
    assert abs(picture.height - 842 * 200 / 72) <= 1
    gray = picture.gray
    height, width = gray.shape
    assert gray[height * 400 // 842, width * 300 // 595] < 0.05
    assert gray[height // 10, width // 10] > 0.95
    assert second.read().width == pdf.SIDES[1]  # a larger page is not drawn larger


def test_panels_of_a_page_are_drawings(tmp_path):
    page = Image.new("L", (1240, 1754), 255)
    draw = ImageDraw.Draw(page)
    tones = [0, 60, 120, 180]
    for (x, y), tone in zip([(100, 100), (660, 100), (100, 600), (660, 600)], tones, strict=True):
        draw.rectangle((x, y, x + 480, y + 270), outline=0, width=3)
        draw.rectangle((x + 200, y + 60, x + 280, y + 200), fill=tone)
    page.save(tmp_path / "board.pdf", resolution=150)
    panels = list(drawings_of(tmp_path / "board.pdf"))
    assert [d.file.rsplit("#")[1] for d in panels] == ["1.1", "1.2", "1.3", "1.4"]
    assert [d.stem for d in panels] == [f"board_1_{n}" for n in (1, 2, 3, 4)]
    for drawing, tone in zip(panels, tones, strict=True):
        gray = drawing.read().gray
        assert abs(gray.shape[1] / gray.shape[0] - 480 / 270) < 0.05
        assert abs(gray[gray.shape[0] // 2, gray.shape[1] // 2] * 255 - tone) < 12
        rim = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
        assert rim.min() > 0.9  # the frame is left out


def test_threads_read_pages_at_once(tmp_path):
    """On a GPU eight drawings are read together; PDFium itself may be asked by one thread at a time."""
    from concurrent.futures import ThreadPoolExecutor

    tones = [20 * number for number in range(12)]
    pages = [Image.new("L", (300, 300), tone) for tone in tones]
    pages[0].save(tmp_path / "a.pdf", save_all=True, append_images=pages[1:])
    with ThreadPoolExecutor(8) as threads:
        read = list(
            threads.map(lambda drawing: drawing.read().gray.mean() * 255, drawings_of(tmp_path / "a.pdf"))
        )
    assert np.allclose(read, tones, atol=2)


def test_a_file_that_changes_is_read_anew(tmp_path):
    import os

    for tone in (255, 0):
        Image.new("L", (200, 200), tone).save(tmp_path / "a.pdf")
        os.utime(tmp_path / "a.pdf", (tone, tone))
        (drawing,) = drawings_of(tmp_path / "a.pdf")
        assert abs(drawing.read().gray.mean() * 255 - tone) < 2


def hostile() -> dict[str, tuple[bytes, str]]:
    """Content -> a word that its sentence must hold."""
    keys = "/Filter/Standard/V 1/R 2/Length 40/P -4"
    secret = f"<<{keys}/O<{'17' * 32}>/U<{'2a' * 32}>>>"
    locked = raw([*pages_of("0 0 200 200"), secret], "/Encrypt 4 0 R/ID[<00><00>]")
    return {
        "empty": (b"", "no PDF"),
        "text": (b"A shopping list.", "no PDF"),
        "head": (b"%PDF-1.7\n", "no PDF"),
        "no pages": (raw(["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[]/Count 0>>"]), "no PDF"),
        "locked": (locked, "without a password"),
        "long": (raw(pages_of("0 0 200 200", 3000)), "3,000 pages"),
    }


@pytest.mark.parametrize("name", list(hostile()))
def test_hostile_files_are_one_sentence(tmp_path, name):
    content, word = hostile()[name]
    (tmp_path / "a.pdf").write_bytes(content)
    text = only_error(tmp_path / "a.pdf")
    assert word in text
    assert text.endswith(".")
    assert "\n" not in text


@pytest.mark.parametrize("box", ["0 0 14400 1", "0 0 0 0", "0 0 1e9 1e9", "nan", "5 5 -5 -5"])
def test_a_page_of_no_shape_fails_alone_or_is_drawn_in_bounds(tmp_path, box):
    content = raw([
        "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R 4 0 R]/Count 2>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[{box}]>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>",
    ])  # fmt: skip
    (tmp_path / "a.pdf").write_bytes(content)
    odd, plain = drawings_of(tmp_path / "a.pdf")
    try:
        picture = odd.read()
    except InputError as error:
        assert str(error).endswith(".")  # noqa: PT017 - either is right
    else:
        assert max(picture.width, picture.height) <= pdf.SIDES[1]
    assert plain.read().gray.min() > 0.99


def test_cut_off_files(tmp_path):
    Image.new("L", (300, 300), 255).save(tmp_path / "whole.pdf", save_all=True)
    content = (tmp_path / "whole.pdf").read_bytes()
    for part in range(1, 20):
        (tmp_path / "a.pdf").write_bytes(content[: len(content) * part // 20])
        for drawing in drawings_of(tmp_path / "a.pdf"):
            try:
                drawing.read()
            except InputError as error:
                assert str(error).endswith(".")  # noqa: PT017 - either is right


def test_without_the_package_one_sentence_says_what_installs_it(tmp_path, monkeypatch):
    Image.new("L", (64, 64), 255).save(tmp_path / "a.pdf")
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    text = only_error(tmp_path / "a.pdf")
    assert "pip install pypdfium2" in text
