"""Photoshop files: notes, reference and hidden layers left out; damaged ones give one sentence."""

import random
import struct
import tracemalloc

import numpy as np
import pytest

from backend.errors import InputError
from backend.images import read_image
from tests.backend.psd_bytes import Layer, group, psd

SIZE = 64, 48
WHITE = np.full((48, 64, 3), 255, np.uint8)
#: Colours of the blocks below, red the mark of what must not be seen.
BLACK, RED, GRAY = (0, 0, 0), (255, 0, 0), (128, 128, 128)


def block(name: str, colour, at=(8, 8), size=(16, 16), **options) -> Layer:
    """A layer of one colour."""
    rgba = np.full((size[1], size[0], 4), (*colour, 255), np.uint8)
    return Layer(name, rgba, at, **options)


def paper() -> Layer:
    return block("Background", (255, 255, 255), (0, 0), SIZE)


def picture(tmp_path, layers, merged=WHITE, **options) -> np.ndarray:
    """(48, 64, 3) uint8: what is read."""
    (tmp_path / "a.psd").write_bytes(psd(SIZE, layers, merged, **options))
    read = read_image(tmp_path / "a.psd")
    assert (read.width, read.height) == SIZE
    return read.rgb


@pytest.mark.parametrize("packing", [0, 1, 2, 3])
@pytest.mark.parametrize("name", ["notes", "Reference", "NOTES copy 2", "note"])
def test_notes_and_reference_are_left_out(tmp_path, name, packing):
    rng = np.random.default_rng(packing)
    noise = Layer("ink", rng.integers(0, 255, (20, 30, 4), np.uint8), (30, 20), packing=packing)
    noise.rgba[..., 3] = 255
    merged = WHITE.copy()
    merged[8:24, 8:24] = RED
    rgb = picture(tmp_path, [paper(), noise, block(name, RED, packing=packing)], merged)
    assert (rgb[8:24, 8:24] == 255).all()
    assert (rgb[20:40, 30:60] == noise.rgba[..., :3]).all()


def test_the_merged_picture_is_taken_where_nothing_is_left_out(tmp_path):
    """It has the effects and adjustments that the layers alone do not have."""
    merged = WHITE.copy()
    merged[30:40, 30:40] = GRAY
    rgb = picture(tmp_path, [paper(), block("ink", BLACK), block("notes", RED, hidden=True)], merged)
    assert (rgb == merged).all()


@pytest.mark.parametrize("has_merged", [False, None])
def test_layers_where_nothing_is_merged(tmp_path, has_merged):
    """Storyboarder writes a blank merged picture; Photoshop says so, where it keeps none."""
    merged = np.zeros((48, 64, 4), np.uint8) if has_merged is None else WHITE
    rgb = picture(tmp_path, [paper(), block("ink", BLACK)], merged, has_merged=has_merged)
    assert (rgb[8:24, 8:24] == 0).all()
    assert (rgb[30:, 30:] == 255).all()


def test_opacity_blending_and_places(tmp_path):
    layers = [
        paper(),
        block("fill", GRAY, (-8, -8), (16, 16)),
        block("tone", GRAY, (0, 0), (64, 4), blend=b"mul "),
        block("glow", RED, (16, 0), (48, 48), blend=b"scrn"),
        block("ink", BLACK, (40, 20), (40, 20), opacity=128),
        block("far away", RED, (500, 500)),
        block("notes", RED),
    ]
    rgb = picture(tmp_path, layers).astype(int)
    assert abs(rgb[6, 6] - 128).max() <= 1
    assert abs(rgb[1, 1] - 64).max() <= 1  # 128 times 128
    assert abs(rgb[1, 30] - (255, 128, 128)).max() <= 1  # glows on what is dark
    assert abs(rgb[25, 50] - 127).max() <= 1
    assert (rgb[44, 10] == 255).all()


def test_groups_masks_and_clipping(tmp_path):
    mask = np.zeros((8, 8), np.uint8)
    layers = [
        paper(),
        *group("notes", [block("scribble", RED, (0, 0))]),
        *group("off", [*group("inner", [block("shown", RED, (0, 0))])], hidden=True),
        *group("half", [block("ink", BLACK, (20, 0), (8, 8))], opacity=128),
        block("masked", BLACK, (32, 0), (16, 16), mask=(mask, (32, 0), 255)),
        block("base", GRAY, (0, 32), (8, 8)),
        block("shade", BLACK, (4, 32), (30, 8), clipped=True),
        block("hidden base", RED, (40, 32), (8, 8), hidden=True),
        block("its shade", RED, (40, 32), (8, 8), clipped=True),
    ]
    rgb = picture(tmp_path, layers).astype(int)
    assert (rgb[4, 4] == 255).all()
    assert abs(rgb[4, 24] - 127).max() <= 1
    assert (rgb[4, 36] == 255).all()
    assert (rgb[4, 44] == 0).all()
    assert abs(rgb[36, 2] - 128).max() <= 1
    assert (rgb[36, 6] == 0).all()
    assert (rgb[36, 12] == 255).all()
    assert (rgb[36, 44] == 255).all()


def test_gray(tmp_path):
    ink = Layer("ink", np.full((8, 8, 2), (0, 255), np.uint8), (8, 8))
    notes = Layer("notes", np.full((8, 8, 2), (0, 255), np.uint8), (32, 8))
    rgb = picture(tmp_path, [ink, notes], np.full((48, 64), 255, np.uint8))
    assert (rgb[10, 10] == 0).all()
    assert (rgb[10, 34] == 255).all()


def test_a_saved_selection_is_no_opacity(tmp_path):
    merged = np.dstack([WHITE, np.zeros((48, 64), np.uint8)])
    merged[8:24, 8:24, :3] = RED
    rgb = picture(tmp_path, [], merged, selection=True)
    assert (rgb[10, 10] == RED).all()


@pytest.mark.parametrize("options", [{"depth": 16}, {"version": 2}])
def test_deep_colours_and_large_documents(tmp_path, options):
    merged = WHITE.copy()
    merged[8:24, 8:24] = RED
    assert (picture(tmp_path, [], merged, **options) == merged).all()


def test_unreadable_layers_give_the_merged_picture(tmp_path):
    merged = WHITE.copy()
    merged[8:24, 8:24] = RED
    layers = [paper(), block("notes", RED)]
    content = psd(SIZE, layers, merged)
    # The first channel of the background is packed in a way that there is not.
    place = content.index(struct.pack(">H", 1) + struct.pack(">48H", *[2] * 48))
    (tmp_path / "a.psd").write_bytes(content[:place] + b"\0\x09" + content[place + 2 :])
    assert (read_image(tmp_path / "a.psd").rgb == merged).all()


def test_what_is_too_large(tmp_path):
    (tmp_path / "a.psd").write_bytes(psd((30_000, 48), [], WHITE))
    with pytest.raises(InputError, match="too large"):
        read_image(tmp_path / "a.psd")


def test_a_layer_that_is_said_to_be_huge_takes_no_memory(tmp_path):
    """Sixteen bytes that claim to be 40,000 by 40,000 pixels, as a hostile file has them."""
    content = psd(SIZE, [paper(), block("ink", BLACK), block("notes", RED)], WHITE)
    told = struct.pack(">4i", 8, 8, 24, 24)
    assert content.count(told) == 2
    content = content.replace(told, struct.pack(">4i", 0, 0, 40_000, 40_000), 1)
    (tmp_path / "a.psd").write_bytes(content)
    tracemalloc.start()
    try:
        rgb = read_image(tmp_path / "a.psd").rgb
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (rgb == WHITE).all()
    assert most < 300e6


def test_damaged_files_give_a_picture_or_one_sentence(tmp_path):
    rng = random.Random(0)
    mask = (np.zeros((8, 8), np.uint8), (0, 0), 255)
    layers = [paper(), *group("g", [block("ink", BLACK, mask=mask, packing=3)]), block("notes", RED)]
    content = psd(SIZE, layers, WHITE, has_merged=True)
    told = []
    for turn in range(400):
        damaged = bytearray(content)
        if turn % 4 == 0:
            damaged = damaged[: rng.randrange(1, len(content))]
        else:  # most of the file is pixels; what matters lies in the first bytes and around the records
            for _ in range(rng.randrange(1, 6)):
                damaged[rng.randrange(min(1500, len(content)))] = rng.choice([0, 1, 127, 128, 255])
        (tmp_path / "a.psd").write_bytes(damaged)
        try:
            read_image(tmp_path / "a.psd")
        except InputError as error:
            told.append(str(error))
    assert 20 < len(told) < 400
    assert all(text.endswith(".") and "\n" not in text for text in told)
