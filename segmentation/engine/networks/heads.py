"""What stands at the end of a network: rays, fine pixel maps, image labels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from segmentation.engine.networks.blocks import ConvUnit, Stage, convolution

LOG_RAY_LIMIT = 7.0
"""Rays are exponentials; e^7 is 1097 pixels, more than any tile holds."""


class RayHead(nn.Module):
    """Probability of an object and the distances to its border, per grid point.

    ``(b, inputs, h, w) -> (b, 1 + rays, h, w)``: channel 0 is a logit, the others are natural
    logarithms of distances in pixels of the network's input.
    """

    def __init__(self, inputs: int, width: int, rays: int) -> None:
        super().__init__()
        self.unit = ConvUnit(2, inputs, width, norm="batch")
        self.out = convolution(2, width, 1 + rays, kernel=1, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        y = cast(Tensor, self.out(self.unit(x)))
        logs = y[:, 1:] + 2.0  # rays start at e^2 = 7 pixels, about a small nucleus
        return torch.cat([y[:, :1], logs.clamp(-2.0, LOG_RAY_LIMIT)], dim=1)


class FineHead(nn.Module):
    """Pixel maps at full resolution from half resolution: ``(b, c, h, w) -> (b, n, 2h, 2w)``.

    Sub-pixel convolution (Shi et al., CVPR 2016) costs a quarter of convolving at full size.
    """

    def __init__(self, inputs: int, maps: int) -> None:
        super().__init__()
        self.unit = ConvUnit(2, inputs, inputs, norm="batch")
        self.out = convolution(2, inputs, 4 * maps, kernel=3, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        return functional.pixel_shuffle(cast(Tensor, self.out(self.unit(x))), 2)


class LabelNet(nn.Module):
    """One logit per label for a whole image: ``(b, inputs, h, w) -> (b, labels)``.

    Strided stages, then the mean and the maximum over all positions: the mean for looks that
    fill the image, the maximum for a small finding in a corner.
    """

    def __init__(self, inputs: int, labels: int, widths: Sequence[int]) -> None:
        super().__init__()
        steps = [inputs, *widths]
        self.stride = 2 ** len(widths)
        self.stages = nn.Sequential(
            *(Stage(2, above, below, norm="batch", stride=2) for above, below in pairwise(steps))
        )
        self.out = nn.Linear(2 * widths[-1], labels)

    def forward(self, x: Tensor) -> Tensor:
        y = cast(Tensor, self.stages(x)).flatten(2)
        return cast(Tensor, self.out(torch.cat([y.mean(dim=2), y.amax(dim=2)], dim=1)))
