"""A segmentation as one picture of numbers, for files and for scoring."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segmentation.engine import masks
from segmentation.engine.types import Candidate, Segmentation

MOST_LABELS = 65_535


def kept(segmentation: Segmentation) -> tuple[Candidate, ...]:
    """The candidates that stand at the segmentation's own cut-offs, best first."""
    return tuple(
        candidate
        for candidate in segmentation.candidates
        if candidate.suppressed_by is None and candidate.score >= segmentation.score_cutoff
    )


def label_map(segmentation: Segmentation) -> NDArray[np.uint16]:
    """The candidates kept, drawn on the source grid ``(z, y, x)``, the better score on top.

    Of several moments the planes of all stand one after the other: ``(t * z, y, x)``.

    Of instances each gets its own number, 1 for the best; of pixel classes each its label. Boxes
    are filled rectangles with numbers of their own; image labels draw nothing.
    """
    depth, height, width = segmentation.grid_zyx
    out = np.zeros((segmentation.moments * depth, height, width), np.uint16)
    numbered = segmentation.task in ("instance2d", "boxes2d")
    shown = list(enumerate(kept(segmentation)[:MOST_LABELS], start=1))
    for number, candidate in reversed(shown):
        value = number if numbered else candidate.label
        for z, runs in candidate.slices.items():
            masks.paint(out[z], runs, value)
        if segmentation.task == "boxes2d" and candidate.box is not None:
            x1, y1, x2, y2 = candidate.box
            out[candidate.z, y1:y2, x1:x2] = value
    return out
