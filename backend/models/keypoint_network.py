"""The keypoint network: a sketch's crop -> heatmaps, 3D bone directions and visibility. Needs torch.

A small residual backbone with a feature pyramid; 30 keypoint queries read it through decoder
layers (as DETR's do), and each query gives its heatmap by a dot product with the finest features.
The heatmap is joint in x and y, so that it cannot take x from one limb and y from another, with
separable row and column terms added that can say "left half" without drawing a blob.

These heatmaps are a draft. Where each keypoint seems to lie, and what is drawn there, goes back into its
query; layers of self-attention weigh the thirty as one figure, and the same heads then give what counts.

A drawing often does not tell a figure's front from its back. The network commits itself to one of the two
readings, and says how probably it is the other one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from ..api import N_BETAS
from ..skeleton import KEYPOINT_PARENTS, N_BONES, N_KEYPOINTS

#: Side of the network's input, pixels, and of its heatmaps, cells.
INPUT_SIZE = 192
HEATMAP_SIZE = 32


@dataclass(frozen=True)
class NetworkSize:
    """Widths of a variant: channels of the four stages, blocks of each, the
    dimension and number of layers of the keypoint queries, the channels of the finest features, and the
    layers that weigh the keypoints as one figure.
    """

    channels: tuple[int, int, int, int] = (32, 64, 128, 256)
    blocks: tuple[int, int, int, int] = (2, 3, 5, 2)
    query: int = 128
    layers: int = 3
    detail: int = 64
    figure_layers: int = 4


#: The variants by the letter that configurations name: S ships, M and L are for those who have a GPU.
SIZES = {
    "S": NetworkSize(),
    "M": NetworkSize((48, 96, 192, 384), (2, 3, 5, 2), query=192, layers=4, detail=96),
    "L": NetworkSize((64, 128, 256, 512), (3, 4, 6, 3), query=256, layers=5, detail=128),
}
#: The variant that ships.
SMALL = SIZES["S"]


class Block(nn.Module):
    """Two 3x3 convolutions around a skip connection (He et al., 2015)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.skip = (
            nn.Identity()
            if stride == 1 and inputs == outputs
            else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""
        return F.relu(self.body(x) + self.skip(x))


class Attention(nn.Module):
    """Multi-head attention of queries (N, Q, D) on memory (N, M, D)."""

    def __init__(self, dim: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(dim, dim)
        self.kv = nn.Linear(dim, 2 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        """(N, Q, D) queries and (N, M, D) memory -> (N, Q, D)."""
        n, q, d = queries.shape
        m = memory.shape[1]
        query = self.q(queries).reshape(n, q, self.heads, d // self.heads).transpose(1, 2)
        key, value = self.kv(memory).reshape(n, m, 2, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        weights = (query @ key.transpose(-1, -2) * (d // self.heads) ** -0.5).softmax(-1)
        return self.out((weights @ value).transpose(1, 2).reshape(n, q, d))


class DecoderLayer(nn.Module):
    """Queries look at each other, at the image, and think (pre-norm transformer decoder)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(3))
        self.itself = Attention(dim)
        self.image = Attention(dim)
        self.think = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        """(N, Q, D) queries and (N, M, D) memory -> (N, Q, D)."""
        x = self.norms[0](queries)
        queries = queries + self.itself(x, x)
        queries = queries + self.image(self.norms[1](queries), memory)
        return queries + self.think(self.norms[2](queries))


class FigureLayer(nn.Module):
    """Keypoints look at each other, and think (pre-norm transformer encoder). It begins by changing nothing."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(2))
        self.itself = Attention(dim)
        self.think = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))
        _silence(self.itself.out)
        _silence(self.think[2])

    def forward(self, queries: Tensor) -> Tensor:
        """(N, Q, D) -> (N, Q, D)."""
        x = self.norms[0](queries)
        queries = queries + self.itself(x, x)
        return queries + self.think(self.norms[1](queries))


class Figure(nn.Module):
    """The keypoints as one figure: where each seems to lie and what is drawn there, weighed against the others.

    It begins by changing nothing, so that a trained network without it goes on from where it was.
    """

    def __init__(self, dim: int, detail: int, layers: int) -> None:
        super().__init__()
        self.ink = nn.Linear(detail, dim)
        self.place = nn.Sequential(nn.Linear(4, dim), nn.GELU(), nn.Linear(dim, dim))
        self.layers = nn.ModuleList(FigureLayer(dim) for _ in range(layers))
        _silence(self.ink)
        _silence(self.place[2])

    def forward(self, queries: Tensor, heatmaps: Tensor, detail: Tensor) -> Tensor:
        """(N, Q, D) queries, their (N, Q, 32, 32) draft and the (N, C, 32, 32) finest features -> (N, Q, D)."""
        chances = heatmaps.float().flatten(2).softmax(-1)
        ink = chances.to(detail.dtype) @ detail.flatten(2).transpose(1, 2)
        squares = chances.unflatten(2, (HEATMAP_SIZE, HEATMAP_SIZE))
        axes = torch.stack([squares.sum(2), squares.sum(3)], 2)  # along x, along y
        middle = torch.linspace(-1, 1, 2 * HEATMAP_SIZE + 1, device=axes.device)[1::2]
        mean = (axes * middle).sum(-1)
        spread = ((axes * middle.square()).sum(-1) - mean.square()).clamp_min(1e-6).sqrt()
        queries = queries + self.ink(ink) + self.place(torch.cat([mean, spread], -1))
        for layer in self.layers:
            queries = layer(queries)
        return queries


class Exchange(nn.Module):
    """Whether the other reading of the drawing is the true one: each keypoint, read, looks at the image once more."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.image = Attention(dim)
        self.judge = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, 1))

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        """(N, Q, D) queries and (N, M, D) memory -> (N,) logits."""
        queries = queries + self.image(self.norm(queries), memory)
        return self.judge(queries.mean(1))[:, 0]


def _silence(layer: nn.Module) -> None:
    """Let a linear layer begin with the answer zero."""
    assert isinstance(layer, nn.Linear)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)


class NetworkOutputs(NamedTuple):
    """What the network gives; see KeypointNetwork."""

    heatmaps: Tensor
    directions: Tensor
    visibility: Tensor
    presence: Tensor
    betas: Tensor
    lengths: Tensor
    exchanged: Tensor
    draft: Tensor | None = None


#: The outputs of ONNX files, by the same names: all but the draft.
OUTPUT_NAMES = NetworkOutputs._fields[:-1]


class KeypointNetwork(nn.Module):
    """Crop (N, 1, 192, 192), standardised -> keypoints, bone directions and shape.

    Returns of ``forward``:
        heatmaps: (N, 30, 32, 32) logits; cell (i, j) covers pixels [6 i, 6 i + 6) in y, the same in x.
        directions: (N, 29, 3) unit vectors, camera frame (x right, y down, z away from the viewer).
        visibility: (N, 30) logits of the keypoint being drawn and not hidden.
        presence: (N, 30) logits of the keypoint being part of what is drawn, be it hidden; the others lie beyond
            the page's edge or on limbs that were left out.
        betas: (N, 10) SMPL shape coefficients.
        lengths: (N, 29) logarithms of the drawn bones' lengths in space over an adult's, less their mean over the
            long bones: the figure's proportions, whatever its size.
        exchanged: (N,) logits of the other reading being true, which has left and right exchanged and depth reversed
            in all of the above.
        draft: (N, 30, 32, 32) the first heatmaps, while training; else None.
    """

    def __init__(self, size: NetworkSize = SMALL) -> None:
        super().__init__()
        c1, c2, c3, c4 = size.channels
        dim = size.query
        self.stem = nn.Sequential(
            nn.Conv2d(1, 32, 7, 3, 2, bias=False), nn.BatchNorm2d(32), nn.ReLU(inplace=True)
        )
        self.stages = nn.ModuleList()
        inputs = 32
        for channels, count in zip(size.channels, size.blocks, strict=True):
            self.stages.append(
                nn.Sequential(
                    Block(inputs, channels, 2), *(Block(channels, channels, 1) for _ in range(count - 1))
                )
            )
            inputs = channels
        self.lateral = nn.ModuleList(nn.Conv2d(c, dim, 1) for c in (c2, c3, c4))
        self.smooth = nn.Conv2d(dim, dim, 3, 1, 1, groups=dim)
        self.fine = nn.Conv2d(c1, size.detail, 1)
        self.coarse = nn.Conv2d(dim, size.detail, 1)
        self.mix = nn.Sequential(
            nn.ReLU(inplace=True), nn.Conv2d(size.detail, size.detail, 3, 1, 1), nn.ReLU(inplace=True)
        )
        side = HEATMAP_SIZE // 2
        self.position = nn.Parameter(torch.randn(1, side * side, dim) * 0.02)
        self.queries = nn.Parameter(torch.randn(1, N_KEYPOINTS, dim) * 0.02)
        self.layers = nn.ModuleList(DecoderLayer(dim) for _ in range(size.layers))
        self.norm = nn.LayerNorm(dim)
        self.filters = nn.Linear(dim, size.detail)
        self.rows_columns = nn.Linear(dim, 2 * HEATMAP_SIZE)
        self.bone = nn.Sequential(nn.Linear(2 * dim, dim), nn.GELU(), nn.Linear(dim, 3))
        self.visible = nn.Linear(dim, 1)
        self.present = nn.Linear(dim, 1)
        self.shape = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, N_BETAS))
        self.length = nn.Sequential(nn.Linear(2 * dim, dim // 2), nn.GELU(), nn.Linear(dim // 2, 1))
        self.figure = Figure(dim, size.detail, size.figure_layers)
        self.exchange = Exchange(dim)
        self.register_buffer("parent", torch.tensor(KEYPOINT_PARENTS[1:]), persistent=False)
        self.register_buffer("child", torch.arange(1, N_BONES + 1), persistent=False)

    def forward(self, crop: Tensor) -> NetworkOutputs:
        """See the class."""
        x = self.stem(crop)
        pyramid = []
        for stage in self.stages:
            x = stage(x)
            pyramid.append(x)
        finest = pyramid[0]
        merged = self.lateral[2](pyramid[3])
        merged = F.interpolate(merged, scale_factor=2.0, mode="nearest") + self.lateral[1](pyramid[2])
        merged = F.interpolate(merged, scale_factor=2.0, mode="nearest") + self.lateral[0](pyramid[1])
        merged = self.smooth(merged)
        memory = merged.flatten(2).transpose(1, 2) + self.position
        queries = self.queries.expand(crop.shape[0], -1, -1)
        for layer in self.layers:
            queries = layer(queries, memory)
        queries = self.norm(queries)
        detail = F.interpolate(self.coarse(merged), scale_factor=2.0, mode="nearest") + self.fine(finest)
        detail = self.mix(detail)
        draft = self._heatmaps(queries, detail)
        queries = self.figure(queries, draft, detail)
        pairs = torch.cat([queries[:, self.child], queries[:, self.parent]], -1)
        directions = F.normalize(self.bone(pairs).float(), dim=-1)
        return NetworkOutputs(
            self._heatmaps(queries, detail),
            directions,
            self.visible(queries)[..., 0],
            self.present(queries)[..., 0],
            self.shape(queries.mean(1)),
            self.length(pairs)[..., 0],
            self.exchange(queries, memory),
            draft if self.training else None,
        )

    def _heatmaps(self, queries: Tensor, detail: Tensor) -> Tensor:
        """(N, Q, D) queries and (N, C, 32, 32) finest features -> (N, Q, 32, 32) logits."""
        filters = self.filters(queries)
        joint = (filters @ detail.flatten(2)) * filters.shape[-1] ** -0.5
        separable = self.rows_columns(queries)
        rows, columns = separable[..., :HEATMAP_SIZE], separable[..., HEATMAP_SIZE:]
        return joint.unflatten(2, (HEATMAP_SIZE, HEATMAP_SIZE)) + rows[..., None] + columns[..., None, :]
