"""What a person drew by hand, as far as it is certain: pixels that must be in the mask, pixels that
must not, and a seam at the edge of each stroke about which nothing is said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.bool_]
Point = tuple[float, float]

# The page rounds to pixels, the test reads its scale from the page: neither is surer than this.
SEAM = 2.0


@dataclass(frozen=True)
class Drawn:
    inside: Pixels
    outside: Pixels

    @classmethod
    def exactly(cls, mask: Pixels) -> Drawn:
        return cls(mask, ~mask)

    def after(self, tool: str, path: list[Point], radius: float) -> Drawn:
        """With a whole stroke of the brush or the eraser."""
        core = along(path, radius - SEAM, self.inside.shape)
        reach = along(path, radius + SEAM, self.inside.shape)
        if tool == "brush":
            return Drawn(self.inside | core, self.outside & ~reach)
        return Drawn(self.inside & ~reach, self.outside | core)

    def amid(self, tool: str, path: list[Point], radius: float) -> Drawn:
        """With any part of that stroke, or nothing of it."""
        reach = along(path, radius + SEAM, self.inside.shape)
        if tool == "brush":
            return Drawn(self.inside, self.outside & ~reach)
        return Drawn(self.inside & ~reach, self.outside)

    def surely_changes(self, tool: str, path: list[Point], radius: float) -> bool:
        """Whether that stroke makes a step that can be undone, whatever the seams hold."""
        core = along(path, radius - SEAM, self.inside.shape)
        return bool((core & (self.outside if tool == "brush" else self.inside)).any())

    def misses(self, mask: Pixels) -> int:
        """How many pixels of a mask are not as they must be."""
        return int((self.inside & ~mask).sum() + (self.outside & mask).sum())


def along(path: list[Point], reach: float, shape: tuple[int, ...]) -> Pixels:
    """Pixels whose middle lies within ``reach`` of a path of points (x, y)."""
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    near = np.zeros(shape, bool)
    for (x1, y1), (x2, y2) in zip(path, path[1:] or path, strict=False):
        dx, dy = x2 - x1, y2 - y1
        length = dx * dx + dy * dy
        share = np.clip(((x - x1) * dx + (y - y1) * dy) / length, 0, 1) if length else 0.0
        near |= np.hypot(x - x1 - share * dx, y - y1 - share * dy) <= reach
    return near
