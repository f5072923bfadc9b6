"""Losses of the keypoint network. After Sketch2PoseNet (arXiv 2510.26196) where it says so, else ours."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from backend.models.keypoint_network import HEATMAP_SIZE, INPUT_SIZE


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
    return (entropy * inside).sum() / inside.sum().clamp_min(1)


def direction_loss(predicted: Tensor, true: Tensor, drawn: Tensor) -> Tensor:
    """1 - cosine between predicted and true 3D bone directions, (N, 29, 3) each; ``drawn`` (N, 29) weighs them."""
    return ((1 - (predicted * true).sum(-1)) * drawn).sum() / drawn.sum().clamp_min(1)


def foreshortening_loss(predicted: Tensor, true: Tensor, drawn: Tensor) -> Tensor:
    """L1 on the depth component of unit bone directions, (N, 29, 3) each; ``drawn`` (N, 29) weighs them.

    The paper compares |b3D| / |b2D|, which diverges for a bone that points at the viewer; the depth
    component is the sine of the same angle, is bounded, and also carries the sign: front or behind.
    """
    return ((predicted[..., 2] - true[..., 2]).abs() * drawn).sum() / drawn.sum().clamp_min(1)


def visibility_loss(logits: Tensor, visible: Tensor) -> Tensor:
    """Binary cross entropy on (N, 30) visibility."""
    return F.binary_cross_entropy_with_logits(logits.float(), visible)
