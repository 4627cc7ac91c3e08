"""U-Net for pixel classes (Ronneberger et al., MICCAI 2015; 3-D: Cicek et al., MICCAI 2016).

Instance normalisation and strided convolutions instead of pooling follow nnU-Net (Isensee et al.,
Nature Methods 2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

from torch import Tensor, nn

from segmentation.engine.networks.blocks import Rise, Stage, convolution


class UNet(nn.Module):
    """``(b, inputs, *s) -> (b, outputs, *s)`` logits; any size, best a multiple of ``stride``.

    ``widths`` are the channels per level, the first at full resolution; each level halves the
    size, so ``stride`` is ``2 ** (levels - 1)``.
    """

    def __init__(self, dimensions: int, inputs: int, outputs: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.stride = 2 ** (len(widths) - 1)
        self.stem = Stage(dimensions, inputs, widths[0], norm="instance")
        self.falls = nn.ModuleList(
            Stage(dimensions, above, below, norm="instance", stride=2)
            for above, below in pairwise(widths)
        )
        self.rises = nn.ModuleList(
            Rise(dimensions, below, above, above, norm="instance")
            for below, above in pairwise(reversed(list(widths)))
        )
        self.head = convolution(dimensions, widths[0], outputs, kernel=1, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        levels = [cast(Tensor, self.stem(x))]
        for fall in self.falls:
            levels.append(cast(Tensor, fall(levels[-1])))
        y = levels.pop()
        for rise in self.rises:
            y = cast(Tensor, rise(y, levels.pop()))
        return cast(Tensor, self.head(y))
