"""The finder network: a whole page -> where the figures are. Needs torch.

A small residual backbone with a feature pyramid and one head without anchors (CenterNet, Zhou et al. 2019;
FCOS, Tian et al. 2019): every cell says how likely a figure's middle lies in it, and how far the figure
reaches from there to the left, up, right and down.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from .keypoint_network import Block

#: Side of the square page at the network's input, pixels, and of one cell of its output.
PAGE_SIZE = 192
CELL = 8

#: What the network's outputs are called, in their order, in ONNX files too.
OUTPUT_NAMES = ("centres", "reaches")

#: Channels of the four stages, blocks of each, and channels of the pyramid and the head.
_CHANNELS = (24, 48, 96, 128)
_BLOCKS = (1, 2, 2, 1)
_PYRAMID = 64


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class FinderNetwork(nn.Module):
    """Page (N, 1, 192, 192), standardised -> what each of 24 x 24 cells says of figures.

    Returns of ``forward``:
        centres: (N, 24, 24) logits of a figure's middle lying in the cell; cell (i, j) covers pixels
            [8 i, 8 i + 8) in y, the same in x.
        reaches: (N, 4, 24, 24) from the cell's middle to the box's left, top, right and bottom side, pixels.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, 16, 5, 2, 2, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)
        )
        self.stages = nn.ModuleList()
        inputs = 16
        for channels, count in zip(_CHANNELS, _BLOCKS, strict=True):
            self.stages.append(
                nn.Sequential(
                    Block(inputs, channels, 2), *(Block(channels, channels, 1) for _ in range(count - 1))
                )
            )
            inputs = channels
        self.lateral = nn.ModuleList(nn.Conv2d(channels, _PYRAMID, 1) for channels in _CHANNELS[1:])
        self.head = nn.Sequential(_convolution(_PYRAMID, _PYRAMID), _convolution(_PYRAMID, _PYRAMID))
        self.centre = nn.Conv2d(_PYRAMID, 1, 1)
        self.reach = nn.Conv2d(_PYRAMID, 4, 1)
        # At first no cell holds a figure, and a figure is a third of the page: loss starts low.
        nn.init.constant_(self.centre.bias, -4.6)  # pyright: ignore[reportArgumentType]
        nn.init.constant_(self.reach.bias, -1.8)  # pyright: ignore[reportArgumentType]

    def forward(self, page: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        x = self.stem(page)
        pyramid = []
        for stage in self.stages:
            x = stage(x)
            pyramid.append(x)
        merged = self.lateral[2](pyramid[3])
        merged = F.interpolate(merged, scale_factor=2.0, mode="nearest") + self.lateral[1](pyramid[2])
        merged = F.interpolate(merged, scale_factor=2.0, mode="nearest") + self.lateral[0](pyramid[1])
        features = self.head(F.relu(merged))
        reaches = PAGE_SIZE * torch.exp(self.reach(features).float().clamp(-6.0, 0.5))
        return self.centre(features)[:, 0].float(), reaches
