"""How the page was digitised."""

from __future__ import annotations

import cv2
import numpy as np


def digitise(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Paper grain, uneven light, ruled paper, inversion, blur and compression: (S, S) uint8 -> (S, S) uint8."""
    page = image.astype(np.float32)
    size = len(page)
    if rng.random() < 0.12:
        step = rng.uniform(9, 30)
        shade = rng.uniform(0.75, 0.95)
        rows = (np.arange(0, size, step)).astype(int)
        page[rows] *= shade
        if rng.random() < 0.5:
            page[:, rows] *= shade
    if rng.random() < 0.35:
        grain = rng.normal(0, 1, (size, size)).astype(np.float32)
        if rng.random() < 0.5:
            grain = cv2.GaussianBlur(grain, (0, 0), 1.2) * 3
        ink = (255 - page) / 255
        page = page + grain * (rng.uniform(1, 6) + ink * rng.uniform(0, 45))
    if rng.random() < 0.4:
        angle = rng.uniform(0, 2 * np.pi)
        ramp = np.linspace(-1, 1, size, dtype=np.float32)
        slope = np.cos(angle) * ramp[None] + np.sin(angle) * ramp[:, None]
        page = page * (1 + slope * rng.uniform(0.02, 0.16)) - rng.uniform(0, 30)
    if rng.random() < 0.15:
        page = cv2.GaussianBlur(page, (0, 0), rng.uniform(0.6, 1.6))
    page = np.clip(page, 0, 255)
    if rng.random() < 0.06:
        page = 255 - page
    if rng.random() < 0.12:
        coded = cv2.imencode(
            ".jpg", page.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 70))]
        )[1]
        page = cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE).astype(np.float32)
    return page.astype(np.uint8)
