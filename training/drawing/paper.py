"""What becomes of a drawn page: a clean file, a scan or a photo of paper, printed lines, colour."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numba
import numpy as np

from .chance import pick

#: Rec. 601 luminance of red, green and blue.
LUMA = np.array([0.299, 0.587, 0.114])

#: The farthest that a photo moves a corner of the page, as a share of its side.
TILT = 0.06

#: Shares of clean files, scans and photos.
_KINDS = (0.5, 0.24, 0.26)


_EVEN = np.ones((1, 1), np.float32)

#: White noise of unit size, which pages take a random window of: making it anew takes long.
_NOISE = np.random.default_rng(0).standard_normal((640, 640), np.float32)


@dataclass(frozen=True, eq=False)
class Page:
    """A page as somebody would upload it.

    Attributes:
        image: (S, S) uint8 grey.
        warp: (3, 3) float64 homography from drawn to finished pixels; the identity but for photos.
        palette: (256, 3) uint8 RGB colours of the greys, each of the grey's luminance; None for a grey page.
    """

    image: np.ndarray
    warp: np.ndarray
    palette: np.ndarray | None


def finish(image: np.ndarray, rng: np.random.Generator) -> Page:
    """Make a finished page of a drawn (S, S) uint8 image."""
    kind = pick(rng, ("file", "scan", "photo"), _KINDS)
    page, warp = image, np.eye(3)
    if rng.random() < (0.04 if kind == "file" else 0.22):
        page = _printed(page, rng)
    if rng.random() < (0.03 if kind == "file" else 0.25):
        page = _coloured_in(page, rng)
    if rng.random() < (0.05 if kind == "file" else 0.6):
        page = _rough(page, rng)
    if kind == "scan":
        page = _scanned(page, rng)
    elif kind == "photo":
        page, warp = _photographed(page, rng)
    if rng.random() < (0.09 if kind == "file" else 0.03):
        page = 255 - page
    if rng.random() < (0.1 if kind == "file" else 0.3):
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 80))]
        page = cv2.imdecode(cv2.imencode(".jpg", page, quality)[1], cv2.IMREAD_GRAYSCALE)
    return Page(page, warp, _palette(page, rng))


def _tones(page: np.ndarray, *shares: float) -> list[float]:
    """The tones that such shares of the pixels of a (S, S) uint8 page are not lighter than."""
    darker = cv2.calcHist([page], [0], None, [256], [0, 256]).cumsum()
    return np.searchsorted(darker, np.array(shares) * page.size).astype(float).tolist()


def moved(points: np.ndarray, warp: np.ndarray) -> np.ndarray:
    """(n, 2) float32 pixels through a (3, 3) homography; the identity leaves every bit as it is."""
    if (warp == np.eye(3)).all():
        return points
    through = np.column_stack([points, np.ones(len(points))]) @ warp.T
    return (through[:, :2] / through[:, 2:]).astype(np.float32)


def _noise(size: int, rng: np.random.Generator) -> np.ndarray:
    """(size, size) float32 white noise of unit size."""
    x, y = rng.integers(0, len(_NOISE) - size, 2)
    return np.rot90(_NOISE[y : y + size, x : x + size], int(rng.integers(4)))


def _printed(page: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Ruled, squared or dotted paper, with a margin by chance: printed lines under what is drawn."""
    size = len(page)
    step = size * rng.uniform(0.03, 0.1)
    dark, thick = rng.uniform(0.08, 0.4), rng.uniform(0.4, 1.0)

    def rules() -> np.ndarray:
        """(S,) 0..1: how much of each row or column a rule covers."""
        away = np.abs((np.arange(size) - rng.uniform(0, step)) % step - 0.5 * step)
        return np.clip(thick + away - 0.5 * step, 0, 1)

    rows = np.repeat(rules()[:, None], size, 1)
    kind = pick(rng, ["ruled", "squared", "dotted"], [0.5, 0.4, 0.1])
    if kind == "squared":
        rows = np.maximum(rows, rules())
    elif kind == "dotted":
        rows = np.minimum(rows, rules())
        dark = min(2 * dark, 0.8)
    elif rng.random() < 0.5:
        margin = rng.uniform(0.06, 0.2) * size
        rows = np.maximum(rows, np.clip(thick + 0.5 - np.abs(np.arange(size) - margin), 0, 1))
    return (page * (1 - dark * rows.astype(np.float32))).astype(np.uint8)


def _coloured_in(page: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Areas of tone as coloured pencils and crayons fill them: paper shows between their streaks."""
    size = len(page)
    long = 2 * int(rng.integers(2, 9)) + 1
    streaks = cv2.GaussianBlur(_noise(size, rng), (0, 0), rng.uniform(0.6, 1.1))
    streaks = cv2.blur(cv2.blur(streaks, (long, 1)), (long, 1))
    turn = cv2.getRotationMatrix2D((size / 2, size / 2), rng.uniform(0, 180), 1.0)
    streaks = cv2.warpAffine(streaks, turn, (size, size), borderMode=cv2.BORDER_REFLECT)
    spread = cv2.meanStdDev(streaks)[1][0, 0]
    bare = np.clip(
        streaks * np.float32(rng.uniform(0.15, 0.4) / spread) + np.float32(rng.uniform(0, 0.4)), 0, 0.85
    )
    paper = _tones(page, 0.9)[0]
    # Dark lines are firm: they were drawn, not filled.
    grey = np.arange(256, dtype=np.float32)
    reach = np.maximum(paper - grey, 0) * np.clip(grey / 90, 0.2, 1)
    return _lit(page, _EVEN, bare, reach)


def _rough(page: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The grain of the paper; pigment takes to it unevenly."""
    size = len(page)
    grain = _noise(size, rng)
    if rng.random() < 0.6:
        grain = cv2.GaussianBlur(grain, (0, 0), rng.uniform(0.6, 1.6))
        grain /= np.float32(cv2.meanStdDev(grain)[1][0, 0])
    even, inked = rng.uniform(0.5, 4), rng.uniform(0, 0.12)
    strength = (even + (255 - np.arange(256)) * inked).astype(np.float32)
    return _lit(page, _EVEN, grain, strength)


def _scanned(page: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Contrast of a scanner: paper nearly white or greyish, ink a little flat, dark along an edge by chance."""
    low, high = rng.uniform(0, 50), rng.uniform(225, 255)
    gamma = np.exp(rng.normal(0, 0.25))
    curve = low + (high - low) * (np.arange(256) / 255) ** gamma
    page = cv2.LUT(page, curve.astype(np.uint8))
    if rng.random() < 0.4:
        page = cv2.GaussianBlur(page, (0, 0), rng.uniform(0.4, 0.9))
    if rng.random() < 0.25:
        depth = np.exp(-np.arange(len(page)) / (len(page) * rng.uniform(0.01, 0.06))) * rng.uniform(0.1, 0.6)
        shade = np.rot90(np.repeat(1 - depth[:, None], len(page), 1), int(rng.integers(4)))
        page = (page * shade.astype(np.float32)).astype(np.uint8)
    return page


def _photographed(page: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The page on a table before a camera: (S, S) uint8, and the (3, 3) homography to it."""
    size = len(page)
    corners = np.array([[0, 0], [size - 1, 0], [size - 1, size - 1], [0, size - 1]], np.float32)
    moved = corners + rng.uniform(-1, 1, (4, 2)) * rng.uniform(0.2, 1) * TILT / np.sqrt(2) * size
    warp = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    # Around the drawing lies more of the sheet, or the table.
    paper = float(np.median(np.concatenate([page[0], page[-1], page[:, 0], page[:, -1]])))
    around = paper if rng.random() < 0.6 else rng.uniform(20, 200)
    page = cv2.warpPerspective(page, warp, (size, size), flags=cv2.INTER_LINEAR, borderValue=(around,))
    if rng.random() < 0.7:
        page = cv2.GaussianBlur(page, (0, 0), rng.uniform(0.3, 1.0))
    light, noise = _light(size, rng), _noise(size, rng)
    return _lit(page, light, noise, np.full(256, rng.uniform(0.5, 5), np.float32)), warp


@numba.njit(cache=True, nogil=True, fastmath=True)
def _lit(page: np.ndarray, light: np.ndarray, noise: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """A page in a light, with noise.

    Args:
        page: (S, S) uint8.
        light: float32 factors, (S, S), or (1, 1) for the same everywhere.
        noise: (S, S) float32 of unit size.
        strength: (256,) float32 of the noise on each tone of the page.
    """
    out = np.empty_like(page)
    even = light.shape[0] == 1
    for y in range(page.shape[0]):
        for x in range(page.shape[1]):
            tone = page[y, x]
            value = tone * (light[0, 0] if even else light[y, x]) + noise[y, x] * strength[tone]
            out[y, x] = min(max(value, np.float32(0)), np.float32(255))
    return out


def _light(size: int, rng: np.random.Generator) -> np.ndarray:
    """(size, size) float32 factors 0..1: exposure, light from one side, vignetting, a shadow by chance."""
    coarse = size // 4
    y, x = np.mgrid[-1 : 1 : coarse * 1j, -1 : 1 : coarse * 1j].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    light = 1 + (np.cos(angle) * x + np.sin(angle) * y) * rng.uniform(0, 0.2)
    light -= rng.uniform(0, 0.15) * (x**2 + y**2)
    light += cv2.resize(
        rng.normal(0, rng.uniform(0, 0.04), (4, 4)), (coarse, coarse), interpolation=cv2.INTER_CUBIC
    )
    if rng.random() < 0.35:
        # Of an arm that comes in from the rim, or of something with a straight edge.
        angle = rng.uniform(0, 2 * np.pi)
        along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
        inside = along - rng.uniform(0.1, 1.0)
        if rng.random() < 0.5:
            inside = np.minimum(inside, rng.uniform(0.2, 0.5) - np.abs(across - rng.uniform(-0.5, 0.5)))
        light *= 1 - rng.uniform(0.05, 0.22) * (1 + np.tanh(inside * rng.uniform(4, 30)))
    light *= rng.uniform(0.6, 1.0) / light.max()
    return cv2.resize(light.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)


def _palette(page: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """Colours for the greys: none; coloured ink on white or tinted paper; a colour for every band of tones."""
    kind = pick(rng, ["grey", "ink", "paper", "colours"], [0.4, 0.2, 0.15, 0.25])
    if kind == "grey":
        return None
    low, high = _tones(page, 0.25, 0.75)
    if kind == "colours":
        tones = np.linspace(0, 255, int(rng.integers(4, 9)))
        hues, vivid = rng.uniform(0, 360, len(tones)), rng.uniform(0.1, 0.9, len(tones))
        vivid[(tones > low - 30) & (tones < high + 20)] *= 0.1  # paper has hardly any colour, nor its shadows
        vivid[0] *= rng.integers(2)  # black lines are the most common
    elif kind == "ink":
        tones, hues = np.array([0.0, max(low - 30, 60.0), 255.0]), rng.uniform(0, 360, 3)
        vivid = np.array([rng.uniform(0.3, 1), 0.06, 0.02])
        hues[1] = hues[0]
    else:  # yellowed or brown
        tones, hues, vivid = np.array([0.0, 255.0]), rng.uniform(20, 55, 2), rng.uniform(0.05, 0.5, 2)
    return tinted(tones, hues, vivid)


def tinted(tones: np.ndarray, hues: np.ndarray, vivid: np.ndarray) -> np.ndarray:
    """Colours for the greys, each of its grey's luminance: (256, 3) uint8 RGB.

    Args:
        tones: (n,) ascending greys, 0..255, whose colours are given; between them colours are mixed.
        hues: (n,) degrees.
        vivid: (n,) saturation, 0 grey, 1 as far from it as there are colours of that luminance.
    """
    hsv = np.stack([hues / 2 % 180, np.full(len(hues), 255.0), np.full(len(hues), 255.0)], 1)
    pure = cv2.cvtColor(hsv.astype(np.uint8)[None], cv2.COLOR_HSV2RGB)[0].astype(np.float64)
    away = (pure - (pure @ LUMA)[:, None]) * vivid[:, None]
    grey = np.arange(256.0)
    away = np.stack([np.interp(grey, tones, away[:, k]) for k in range(3)], 1)
    room = np.where(away > 0, 255 - grey[:, None], grey[:, None]) / np.maximum(np.abs(away), 1e-9)
    colour = grey[:, None] + away * np.minimum(room.min(1), 1.0)[:, None]
    red, blue = np.round(colour[:, 0]), np.round(colour[:, 2])
    # Green has the most say in luminance: it makes up for the rounding.
    green = np.clip(np.round((grey - LUMA[0] * red - LUMA[2] * blue) / LUMA[1]), 0, 255)
    return np.stack([red, green, blue], 1).astype(np.uint8)
