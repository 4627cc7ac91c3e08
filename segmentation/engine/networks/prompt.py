"""A U-Net that also sees what a person pointed at (after DeepEdit, Diaz-Pinto et al., 2022; RITM,
Sofiiuk et al., 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from torch import Tensor, nn

from segmentation.engine.networks.blocks import convolution
from segmentation.engine.networks.unet import UNet

PROMPT_CHANNELS: Final = 4
"""What follows the image's channels: object, not the object, mask of before, box."""


class PromptNet(nn.Module):
    """``(b, inputs + 4, *s) -> (b, 2, *s)`` logits of background and object.

    ``s`` are multiples of ``stride``. All but the first and the last convolution work at half the
    size, which costs a quarter (an eighth in a volume) of a U-Net at full size.
    """

    def __init__(self, dimensions: int, inputs: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.stride = 2 ** len(widths)
        first = widths[0]
        self.fold = convolution(
            dimensions, inputs + PROMPT_CHANNELS, first, kernel=3, stride=2, bias=True
        )
        self.unet = UNet(dimensions, first, first, widths)
        kind = nn.ConvTranspose2d if dimensions == 2 else nn.ConvTranspose3d
        self.unfold = kind(first, 2, kernel_size=2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.unfold(self.unet(self.fold(x))))
