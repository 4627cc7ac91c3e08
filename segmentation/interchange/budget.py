"""The bound on what decoding one file may make, asked before any pixel is decoded."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from segmentation.interchange.errors import TooLargeError, UnreadableError
from segmentation.interchange.types import Limits


def _nothing(_: int) -> None:
    return None


class Budget:
    """Limits for one file; ``grow`` is told the bytes of each allowed claim."""

    def __init__(self, limits: Limits, grow: Callable[[int], None] = _nothing) -> None:
        self.limits = limits
        self._grow = grow

    def claim(self, shape: Iterable[int], bytes_per_sample: int) -> None:
        """Ask to decode an array of this shape. Raises TooLargeError or UnreadableError."""
        sides = tuple(int(side) for side in shape)
        if any(side < 1 for side in sides):
            raise UnreadableError(
                f"The header claims a size of {_times(sides)}, which no image can have. "
                "Export the image again."
            )
        samples = math.prod(sides)
        size = samples * bytes_per_sample
        if samples > self.limits.pixels or size > self.limits.decoded_bytes:
            raise TooLargeError(
                f"The header claims {_times(sides)} pixels ({size / 2**30:.1f} GiB); at most "
                f"{self.limits.pixels / 1e9:.1f} billion pixels and "
                f"{self.limits.decoded_bytes / 2**30:.1f} GiB are read. "
                "Crop the image or save it at a lower resolution."
            )
        self._grow(size)


def _times(sides: tuple[int, ...]) -> str:
    return " x ".join(str(side) for side in sides)
