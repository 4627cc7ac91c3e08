"""Run lengths in the form of the COCO dataset: column by column, as a list or as a string.

COCO reads a mask down its columns, starts with a run of zeros and lists the last run too. Its
compressed string writes each count, from the fourth on as the difference to the count two places
before, in groups of 5 bits with a sign, each as one printable character from "0" on
(cocodataset/cocoapi, ``maskApi.h``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segmentation.engine import masks
from segmentation.engine.errors import InvalidArrayError
from segmentation.engine.types import RunLengths

FIRST_CHARACTER = 48
MOST_GROUPS = 13
"""Groups of 5 bits in a number of 64 bits."""


def to_coco_counts(runs: RunLengths, height_width: tuple[int, int]) -> list[int]:
    """Return the uncompressed counts of a mask ``(h, w)``; they add up to h times w."""
    height, width = height_width
    columns = _transposed(runs, height_width)
    counts: list[int] = columns.tolist()
    rest = height * width - sum(counts)
    return [*counts, rest] if rest else counts


def to_coco_string(runs: RunLengths, height_width: tuple[int, int]) -> str:
    """Return the compressed counts of a mask ``(h, w)``."""
    return "".join(_characters(to_coco_counts(runs, height_width)))


def _characters(counts: Sequence[int]) -> list[str]:
    out: list[str] = []
    for place, count in enumerate(counts):
        left = count - counts[place - 2] if place > 2 else count
        more = True
        while more:
            group = left & 0x1F
            left >>= 5
            more = left != (-1 if group & 0x10 else 0)
            out.append(chr(FIRST_CHARACTER + (group | 0x20 if more else group)))
    return out


def from_coco_counts(
    counts: Sequence[int] | NDArray[np.integer] | str, height_width: tuple[int, int]
) -> RunLengths:
    """Return the run lengths of COCO counts, a list or a compressed string.

    Refuses counts that do not add up to the size of the mask, and strings that are no counts.
    """
    height, width = height_width
    plain = _counts(counts) if isinstance(counts, str) else [int(count) for count in counts]
    if any(count < 0 for count in plain) or sum(plain) != height * width:
        raise InvalidArrayError(
            f"The COCO mask covers {sum(plain)} pixels, but its size is {width} x {height}."
        )
    return _transposed(masks.canonical(plain), (width, height))


def _transposed(runs: RunLengths, height_width: tuple[int, int]) -> RunLengths:
    """The run lengths of a mask ``(h, w)`` with its axes swapped.

    Only the box around the mask is drawn, so that a small one in a large image costs little.
    """
    height, width = height_width
    y, x1, x2 = masks.row_spans(runs, width)
    if not y.size:
        return runs
    if int(y[-1]) >= height:
        raise InvalidArrayError(f"The mask has {int(y[-1]) + 1} rows, but its slice {height}.")
    top, left = int(y[0]), int(x1.min())
    edges = np.zeros((int(y[-1]) - top + 1, int(x2.max()) - left + 1), np.int8)
    np.add.at(edges, (y - top, x1 - left), 1)
    np.add.at(edges, (y - top, x2 - left), -1)
    crop = np.cumsum(edges[:, :-1], axis=1, dtype=np.int8)
    return masks.encode_at(crop.T, (left, top), (width, height))


def _counts(text: str) -> list[int]:
    counts: list[int] = []
    value, groups = 0, 0
    for character in text:
        code = ord(character) - FIRST_CHARACTER
        if not 0 <= code < 64 or groups >= MOST_GROUPS:
            raise InvalidArrayError("The COCO mask holds a character that is no part of a count.")
        value |= (code & 0x1F) << 5 * groups
        groups += 1
        if code & 0x20:
            continue
        if code & 0x10:
            value -= 1 << 5 * groups
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value, groups = 0, 0
    if groups:
        raise InvalidArrayError("The COCO mask ends in the middle of a count.")
    return counts
