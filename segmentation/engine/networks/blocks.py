"""The bricks that every network here is built of, for two and three dimensions.

Shapes are written ``(b, c, *space)``; ``space`` is ``(y, x)`` or ``(z, y, x)``.
"""

from __future__ import annotations

from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

Norm = Literal["batch", "instance"]


def convolution(
    dimensions: int, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, bias: bool = False
) -> nn.Module:
    """A convolution that keeps the size (``stride`` 1) or divides it, rounding up."""
    kind = nn.Conv2d if dimensions == 2 else nn.Conv3d
    return kind(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=bias)


def normalisation(dimensions: int, channels: int, norm: Norm) -> nn.Module:
    """Batch statistics where tiles must agree with each other, instance statistics elsewhere."""
    if norm == "batch":
        return (nn.BatchNorm2d if dimensions == 2 else nn.BatchNorm3d)(channels)
    kind = nn.InstanceNorm2d if dimensions == 2 else nn.InstanceNorm3d
    return kind(channels, affine=True)


class ConvUnit(nn.Module):
    """Convolution, normalisation, ReLU: ``(b, inputs, *s) -> (b, outputs, *ceil(s / stride))``."""

    def __init__(
        self,
        dimensions: int,
        inputs: int,
        outputs: int,
        *,
        norm: Norm,
        kernel: int = 3,
        stride: int = 1,
    ) -> None:
        super().__init__()
        self.convolution = convolution(dimensions, inputs, outputs, kernel, stride)
        self.norm = normalisation(dimensions, outputs, norm)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(cast(Tensor, self.norm(self.convolution(x))), inplace=True)


class Stage(nn.Module):
    """Two units, the first of which may halve the size; a residual sum over the second."""

    def __init__(
        self, dimensions: int, inputs: int, outputs: int, *, norm: Norm, stride: int = 1
    ) -> None:
        super().__init__()
        self.first = ConvUnit(dimensions, inputs, outputs, norm=norm, stride=stride)
        self.second = ConvUnit(dimensions, outputs, outputs, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        y = cast(Tensor, self.first(x))
        return y + cast(Tensor, self.second(y))


class Rise(nn.Module):
    """Upsample by repetition to the skip's size, join with it, mix by one unit.

    ``(b, inputs, *s), (b, skip, *2s) -> (b, outputs, *2s)``. The deep path is narrowed by a 1x1
    convolution first, where it is cheap.
    """

    def __init__(
        self, dimensions: int, inputs: int, skip: int, outputs: int, *, norm: Norm
    ) -> None:
        super().__init__()
        self.narrow = convolution(dimensions, inputs, outputs, kernel=1)
        self.mix = ConvUnit(dimensions, outputs + skip, outputs, norm=norm)

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        narrowed = cast(Tensor, self.narrow(deep))
        raised = functional.interpolate(narrowed, size=skip.shape[2:], mode="nearest")
        return cast(Tensor, self.mix(torch.cat([raised, skip], dim=1)))
