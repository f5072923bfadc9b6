"""Losses of the keypoint network. After Sketch2PoseNet (arXiv 2510.26196) where it says so, else ours.

Each gives (N,) one value a figure, so that of two readings of a figure the better one can be taken.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from backend.models.keypoint_network import HEATMAP_SIZE, INPUT_SIZE

#: Sine of the 15 degrees from which on a bone counts as pointing to the front or behind.
STEEP = 0.2588

#: The angle, radians, within which its loss is rounded off.
_PIT = 0.05


def heatmap_loss(heatmaps: Tensor, keypoints: Tensor, inside: Tensor, sigma: float = 1.0) -> Tensor:
    """Cross entropy between each heatmap and a Gaussian around the true place.

    Args:
        heatmaps: (N, K, 32, 32) logits.
        keypoints: (N, K, 2) crop pixels.
        inside: (N, K) 1 where the keypoint lies in the crop; the others do not count.
        sigma: width of the Gaussian, cells.
    """
    cell = INPUT_SIZE / HEATMAP_SIZE
    places = (keypoints + 0.5) / cell - 0.5
    grid = torch.arange(HEATMAP_SIZE, device=heatmaps.device, dtype=torch.float32)
    x = torch.exp(-0.5 * ((grid - places[..., :1]) / sigma) ** 2)
    y = torch.exp(-0.5 * ((grid - places[..., 1:]) / sigma) ** 2)
    target = (y[..., :, None] * x[..., None, :]).flatten(2)
    target = target / target.sum(-1, keepdim=True).clamp_min(1e-6)
    entropy = -(target * heatmaps.float().flatten(2).log_softmax(-1)).sum(-1)
    return _mean(entropy, inside)


def direction_loss(predicted: Tensor, true: Tensor, drawn: Tensor) -> Tensor:
    """Angle in radians between predicted and true 3D bone directions, (N, 29, 3) each; ``drawn`` (N, 29) weighs them.

    The angle itself, not its cosine: where a drawing leaves several directions possible, the best answer is then their
    median, one of them rather than something in between. Its pit is rounded off, within some three degrees.
    """
    chord = ((predicted - true).square().sum(-1) + _PIT**2).sqrt() - _PIT
    return _mean(2 * torch.asin(chord / 2), drawn)


def foreshortening_loss(predicted: Tensor, true: Tensor, drawn: Tensor) -> Tensor:
    """L1 on the depth component of unit bone directions, (N, 29, 3) each; ``drawn`` (N, 29) weighs them.

    The paper compares |b3D| / |b2D|, which diverges for a bone that points at the viewer; the depth
    component is the sine of the same angle, is bounded, and also carries the sign: front or behind.
    """
    return _mean((predicted[..., 2] - true[..., 2]).abs(), drawn)


def parallel_loss(predicted: Tensor, true: Tensor, drawn: Tensor) -> Tensor:
    """Squared sine of the angle between predicted and true bones as they are seen; lengths are free.

    L_parallel of the paper: (b2D / |b2D| . n)^2 with n the normal of the predicted projected bone. A bone that
    points at the viewer has no such angle, so that each counts by how much of its length is seen.

    Args:
        predicted: (N, 29, 3) unit directions.
        true: (N, 29, 3) unit directions.
        drawn: (N, 29) weights.
    """
    mine, theirs = predicted[..., :2], true[..., :2]
    cross = mine[..., 0] * theirs[..., 1] - mine[..., 1] * theirs[..., 0]
    seen = theirs.norm(dim=-1)
    sine = cross / (mine.norm(dim=-1) * seen).clamp_min(1e-2)
    return _mean(sine.square() * seen, drawn)


def depth_order_loss(predicted: Tensor, true: Tensor, drawn: Tensor) -> Tensor:
    """Hinge on the sign of depth, front or behind, of bones that leave the picture plane by over 15 degrees."""
    steep = drawn * (true[..., 2].abs() > STEEP)
    wrong = (STEEP - predicted[..., 2] * true[..., 2].sign()).clamp_min(0)
    return _mean(wrong, steep)


def shape_loss(betas: Tensor, true: Tensor) -> Tensor:
    """Mean square error of (N, 10) shape coefficients.

    The paper's L_shape is L1, whose best guess where a drawing tells little is the median, the average body:
    with it the network said zero every time.
    """
    return (betas - true).square().mean(-1)


def length_loss(lengths: Tensor, true: Tensor, drawn: Tensor) -> Tensor:
    """L1 on (N, 29) logarithms of bone lengths; ``drawn`` (N, 29) weighs them."""
    return _mean((lengths - true).abs(), drawn)


def visibility_loss(logits: Tensor, visible: Tensor) -> Tensor:
    """Binary cross entropy on (N, 30) logits, of visibility or of presence."""
    return F.binary_cross_entropy_with_logits(logits.float(), visible, reduction="none").mean(-1)


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    """(N, K) values and weights -> (N,) weighted means; 0 of a figure without weights."""
    return (values * weights).sum(1) / weights.sum(1).clamp_min(1)
