"""The fixed validation set: the same for ever, from clips that training never sees, seen from all around."""

import hashlib

import numpy as np

from backend.body import global_rotations, rodrigues
from training.dataset.validation_set import COUNT, PATH, draw_entry
from training.drawing.record import Flag
from training.drawing.styles import STYLES

_SHA256 = "97e4b215f618e66277e89cf1c698a26bc2000a715b59c22a4d2e22d5a560ac29"


def test_the_set_has_not_changed():
    assert hashlib.sha256(PATH.read_bytes()).hexdigest() == _SHA256


def test_cameras_go_evenly_around_and_seeds_are_apart_from_training():
    with np.load(PATH) as archive:
        counts, _ = np.histogram(archive["azimuth"], np.linspace(-180, 180, 17))
        assert counts.tolist() == [COUNT // 16] * 16
        assert len(set(archive["seed"].tolist())) == COUNT
        assert archive["seed"].min() > 1 << 32


def test_poses_are_rotations_of_different_postures():
    with np.load(PATH) as archive:
        rotations = rodrigues(archive["pose"].astype(np.float32))
    up = global_rotations(rotations)[:, 0, 1, 1]
    assert (up < 0.6).mean() > 0.03  # some bend or lie
    assert len(np.unique(np.round(rotations.reshape(COUNT, -1), 2), axis=0)) > 0.9 * COUNT


def test_entries_are_drawn_alike_each_time_and_in_any_style(machine):
    first, again = draw_entry(machine, 5), draw_entry(machine, 5)
    np.testing.assert_array_equal(first.image, again.image)
    for style in STYLES[:3]:
        drawing = draw_entry(machine, 5, style)
        assert drawing.style == style.name
        assert len(drawing.figures) == 1
        assert (drawing.figures[0].flags != Flag.OUTSIDE).mean() > 0.9
    assert not any(
        style.held_out and style.name == draw_entry(machine, k).style for style in STYLES for k in range(10)
    )


def test_held_out_styles_are_drawn_in_the_same_poses(machine):
    held_out = [style for style in STYLES if style.held_out]
    drawn = [draw_entry(machine, k, held_out) for k in range(8)]
    assert {drawing.style for drawing in drawn} == {style.name for style in held_out}
    for k, drawing in enumerate(drawn):
        trained = draw_entry(machine, k)
        assert drawing.seed == trained.seed
        np.testing.assert_allclose(drawing.figures[0].pose[1:], trained.figures[0].pose[1:], atol=1e-5)


def test_styles_without_cues_show_no_backs(machine):
    silhouette = next(style for style in STYLES if not style.has_cues)
    assert all(abs(draw_entry(machine, k, silhouette).figures[0].camera.azimuth) <= 85 for k in range(12))
