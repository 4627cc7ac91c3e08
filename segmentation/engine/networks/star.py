"""Star-convex objects with a fine foreground (after StarDist, Schmidt et al., MICCAI 2018).

A coarse head proposes an object per grid point by its distances to the border along evenly spread
rays; a full-resolution head says which pixels belong to any object, and to which class. The first
is robust where objects touch, the second exact at their borders.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, cast

from torch import Tensor, nn

from segmentation.engine.networks.blocks import ConvUnit, Rise, Stage
from segmentation.engine.networks.heads import FineHead, RayHead

Grid = Literal[2, 4]
"""Pixels of the input per grid point; point ``(i, j)`` stands at pixel ``grid * i + grid / 2``."""


class StarOutput(NamedTuple):
    """``probability`` logit (b, 1, h/grid, w/grid), ``log_rays`` (b, rays, h/grid, w/grid),
    ``fine`` logits (b, 1 + classes, h, w): foreground first; no class maps where there is one
    class."""

    probability: Tensor
    log_rays: Tensor
    fine: Tensor


class StarNet(nn.Module):
    """``(b, inputs, h, w)`` with h, w multiples of ``stride`` -> ``StarOutput``.

    A grid of 4 pixels is enough for objects of some ten pixels and more; a grid of 2 tells apart
    smaller ones.
    """

    stride = 32

    def __init__(self, inputs: int, classes: int, rays: int = 32, grid: Grid = 4) -> None:
        super().__init__()
        self.grid = grid
        self.stem = ConvUnit(2, inputs, 16, norm="batch", stride=2)  # /2
        self.at_half = Stage(2, 16, 24, norm="batch")  # /2
        self.at_quarter = Stage(2, 24, 48, norm="batch", stride=2)  # /4
        self.at_eighth = Stage(2, 48, 64, norm="batch", stride=2)  # /8
        self.at_sixteenth = Stage(2, 64, 96, norm="batch", stride=2)  # /16
        self.at_deepest = Stage(2, 96, 96, norm="batch", stride=2)  # /32
        self.rise_sixteenth = Rise(2, 96, 96, 96, norm="batch")
        self.rise_eighth = Rise(2, 96, 64, 64, norm="batch")
        self.rise_quarter = Rise(2, 64, 48, 48, norm="batch")
        self.rays = RayHead(48, 64, rays) if grid == 4 else RayHead(24, 48, rays)
        self.rise_half = Rise(2, 48, 24, 24, norm="batch")
        self.fine = FineHead(24, 1 + (classes if classes > 1 else 0))

    def forward(self, x: Tensor) -> StarOutput:
        half = cast(Tensor, self.at_half(self.stem(x)))
        quarter = cast(Tensor, self.at_quarter(half))
        eighth = cast(Tensor, self.at_eighth(quarter))
        sixteenth = cast(Tensor, self.at_sixteenth(eighth))
        y = self.rise_sixteenth(self.at_deepest(sixteenth), sixteenth)
        y = self.rise_quarter(self.rise_eighth(y, eighth), quarter)
        finer = self.rise_half(y, half)
        rays = cast(Tensor, self.rays(y if self.grid == 4 else finer))
        fine = cast(Tensor, self.fine(finer))
        return StarOutput(rays[:, :1], rays[:, 1:], fine)
