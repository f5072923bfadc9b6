"""``python -m training poses report`` and the figures of the pose prior: what is captured, what is drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..drawing.camera import Camera
from .bank import PoseBank
from .distinct import pose_coordinates
from .distribution import distribution_table, posture_features
from .limits import within
from .overlap import overlaps
from .prior import LATENT, PosePrior
from .strata import NAMES, STRATA, place, stratify

#: Degrees of azimuth up to which a view counts as such.
_VIEWS = ((45.0, "front and three-quarter"), (135.0, "from the side"), (180.0, "from behind"))


def sampling_report(path: Path, count: int, seed: int) -> str:
    """Shares of kinds, features and views before sampling (the bank as captured) and after it, as text."""
    bank, rng = PoseBank.load(path), np.random.default_rng(seed)
    drawn = np.stack([bank.sample(rng) for _ in range(count)])
    kinds = {"captured": stratify(bank.rotations), "drawn": stratify(drawn)}
    lines = [f"{'kind':28}{'captured':>12}{'drawn':>12}{'wanted':>12}"]
    for index, name in enumerate(NAMES):
        cells = "".join(f"{(found == index).mean():>12.1%}" for found in kinds.values())
        lines.append(f"{name:28}{cells}{STRATA[name]:>12.1%}")
    features = {"captured": posture_features(bank.rotations), "drawn": posture_features(drawn)}
    ok = f"{within(drawn).all(1).mean():.1%} within the joint limits, {overlaps(place(drawn)[0]).mean():.1%} through themselves"
    return "\n".join([*lines, "", distribution_table(features), "", _views(rng, count), "", f"Drawn: {ok}."])


def _views(rng: np.random.Generator, count: int) -> str:
    lines = [f"{'view':28}{'with cues':>12}{'without':>12}"]
    azimuth = {
        cues: np.abs([Camera.sample(rng, cues=cues).azimuth for _ in range(count)]) for cues in (True, False)
    }
    least = 0.0
    for most, name in _VIEWS:
        cells = "".join(
            f"{((a >= least) & (a < most + (most == 180))).mean():>12.1%}" for a in azimuth.values()
        )
        lines.append(f"{name:28}{cells}")
        least = most
    return "\n".join(lines)


def prior_figures(prior: PosePrior, path: Path, seed: int = 0, count: int = 2000) -> dict[str, float]:
    """What the prior does on clips that it has not seen, and what its samples are like.

    Returns:
        Name of each figure -> value; angles in degrees.
    """
    rng = np.random.default_rng(seed)
    train, unseen = PoseBank.load(path), PoseBank.load(path, validation=True)
    errors = {
        "reconstruction of held-out clips": _errors(prior, unseen.rotations[:, 1:]),
        "reconstruction of training clips": _errors(prior, train.rotations[:, 1:]),
    }
    samples = prior.decode(rng.standard_normal((count, LATENT)).astype(np.float32))
    root = np.tile(np.eye(3, dtype=np.float32), (count, 1, 1, 1))
    samples = np.concatenate([root, samples], 1)
    captured = train.rotations.copy()
    captured[:, 0] = np.eye(3)
    within_limits = within(samples)
    known, points = pose_coordinates(captured), pose_coordinates(samples)
    held_out = unseen.rotations.copy()
    held_out[:, 0] = np.eye(3)
    return {
        **{name: float(np.degrees(error).mean()) for name, error in errors.items()},
        "samples: joints within limits": float(within_limits[:, 1:].mean()),
        "samples: whole poses within limits": float(within_limits.all(1).mean()),
        "samples: without limbs through the body": float(1 - overlaps(place(samples)[0]).mean()),
        "samples: distance between two": _apart(points[: count // 2], points[count // 2 :]),
        "captured: distance between two": _apart(*known[rng.integers(len(known), size=(2, count))]),
        "samples: distance to the nearest captured": _nearest(points, known),
        "held-out clips: distance to the nearest captured": _nearest(pose_coordinates(held_out), known),
    }


def _errors(prior: PosePrior, body: np.ndarray) -> np.ndarray:
    """(N, 23) radians between joints and what comes back of them."""
    made = prior.decode(prior.encode(body))
    cosine = ((body * made).sum((-1, -2)) - 1) / 2
    return np.arccos(np.clip(cosine, -1, 1))


def _apart(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.linalg.norm(first - second, axis=1).mean())


def _nearest(points: np.ndarray, known: np.ndarray) -> float:
    """Mean distance of points to the nearest known one."""
    squares = (known * known).sum(1)
    nearest = [
        ((part * part).sum(1)[:, None] + squares - 2 * part @ known.T).min(1)
        for part in np.array_split(points, 20)
    ]
    return float(np.sqrt(np.maximum(np.concatenate(nearest), 0)).mean())
