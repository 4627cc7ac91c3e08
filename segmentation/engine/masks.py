"""Masks as run lengths: the one form in which masks are stored, sent and compared.

A slice is read row by row, from the top left. ``RunLengths`` hold the lengths of its runs of 0 and
1 in turn, starting with 0 (the first length is 0 where the first pixel is set). The canonical form,
which every function here returns, has no other zero length and ends with a run of 1: the zeros
that follow are implied by the size of the slice. So an empty mask has no runs at all, and two equal
masks have equal runs, equal bytes and equal digests.

On disk and on the wire the lengths are unsigned LEB128 numbers, back to back, without a header.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segmentation.engine.errors import InvalidArrayError
from segmentation.engine.types import Box, RunLengths

Edges = NDArray[np.int64]
LEB128_BYTES = 5
"""The most bytes that an unsigned number of 32 bits takes in groups of 7 bits."""


def encode(mask: NDArray[np.generic]) -> RunLengths:
    """Return the run lengths of a 2-D mask ``(h, w)``; every value but 0 counts as set."""
    if mask.ndim != 2:
        raise InvalidArrayError(f"A mask must have two axes, this one has {mask.ndim}.")
    flat = np.ascontiguousarray(mask).reshape(-1) != 0
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if flat.size and flat[0]:
        edges = np.concatenate([[0], edges])
    if edges.size % 2:
        edges = np.concatenate([edges, [flat.size]])
    return _from_edges(edges)


def encode_labels(labels: NDArray[np.integer]) -> dict[int, RunLengths]:
    """Return the run lengths of every positive value of a label image ``(h, w)``, by value.

    One pass over the image whatever the number of labels; values in increasing order.
    """
    flat = np.ascontiguousarray(labels).reshape(-1)
    if flat.size == 0:
        return {}
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    ends = np.concatenate([starts[1:], [flat.size]])
    values = flat[starts]
    kept = np.flatnonzero(values > 0)
    order = kept[np.argsort(values[kept], kind="stable")]
    if order.size == 0:
        return {}
    cuts = np.flatnonzero(np.diff(values[order])) + 1
    return {
        int(values[part[0]]): _from_edges(np.stack([starts[part], ends[part]], axis=1).reshape(-1))
        for part in np.split(order, cuts)
    }


def encode_at(
    crop: NDArray[np.generic], top_left: tuple[int, int], height_width: tuple[int, int]
) -> RunLengths:
    """Return the run lengths, over a whole slice, of a small mask placed in it.

    ``top_left`` is (row, column) of the crop's first pixel; what would lie outside is cut off.
    """
    rows, columns = np.nonzero(np.diff(np.pad(crop != 0, ((0, 0), (1, 1))).astype(np.int8), axis=1))
    y = rows[0::2] + top_left[0]
    x1 = np.clip(columns[0::2] + top_left[1], 0, height_width[1])
    x2 = np.clip(columns[1::2] + top_left[1], 0, height_width[1])
    inside = (y >= 0) & (y < height_width[0]) & (x1 < x2)
    return from_row_spans(y[inside], x1[inside], x2[inside], height_width[1])


def decode(runs: RunLengths, height_width: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the mask ``(h, w)`` of run lengths; refuses runs that are longer than the slice."""
    mask = np.zeros(height_width, dtype=np.bool_)
    paint(mask, runs, True)
    return mask


def paint(labels: NDArray[np.generic], runs: RunLengths, value: int | bool) -> None:
    """Set the pixels of a mask to ``value`` in a C-contiguous 2-D array, in place."""
    if labels.ndim != 2 or not labels.flags.c_contiguous:
        raise InvalidArrayError("Only a contiguous slice with two axes can be painted on.")
    edges = edges_of(runs)
    if edges.size and edges[-1] > labels.size:
        raise InvalidArrayError(
            f"The mask covers {int(edges[-1])} pixels, but the slice has only {labels.size}. "
            "It belongs to an image of another size."
        )
    flat = labels.reshape(-1)
    if edges.size < 4096:
        for start, end in edges.reshape(-1, 2).tolist():
            flat[start:end] = value
        return
    steps = np.zeros(labels.size + 1, dtype=np.int8)
    steps[edges[0::2]] = 1
    steps[edges[1::2]] -= 1
    flat[np.cumsum(steps[:-1]).astype(np.bool_)] = value


def canonical(runs: ArrayLike) -> RunLengths:
    """Return the canonical form of any run lengths: no empty runs within, no zeros at the end."""
    lengths = np.asarray(runs, dtype=np.int64).reshape(-1)
    if lengths.size and lengths.min() < 0:
        raise InvalidArrayError("A mask's run lengths must not be negative.")
    return _from_edges(edges_of(lengths))


def edges_of(runs: NDArray[np.integer]) -> Edges:
    """Return where runs of 1 start and end: ``(start, end, start, end, ...)``, end excluded.

    Positions count pixels in row-major order. Accepts runs that are not canonical.
    """
    edges = np.cumsum(runs, dtype=np.int64)
    edges = edges[: edges.size // 2 * 2]
    starts, ends = edges[0::2], edges[1::2]
    if np.any(starts[1:] == ends[:-1]) or np.any(starts == ends):
        return _merge(starts, ends)
    return edges


def _merge(starts: Edges, ends: Edges) -> Edges:
    """Join touching runs of sorted, disjoint runs and drop empty ones."""
    filled = starts < ends
    starts, ends = starts[filled], ends[filled]
    joined = np.flatnonzero(starts[1:] == ends[:-1])
    return np.stack([np.delete(starts, joined + 1), np.delete(ends, joined)], axis=1).reshape(-1)


def _from_edges(edges: NDArray[np.integer]) -> RunLengths:
    return np.diff(edges, prepend=0).astype(np.uint32)


def area(runs: RunLengths) -> int:
    """Return the number of pixels set."""
    return int(np.sum(runs[1::2], dtype=np.int64))


def row_spans(runs: RunLengths, width: int) -> tuple[Edges, Edges, Edges]:
    """Cut runs at the ends of rows: ``(y, x1, x2)``, half-open, sorted by y, then x1."""
    edges = edges_of(runs)
    starts, ends = edges[0::2], edges[1::2]
    first, last = starts // width, (ends - 1) // width
    rows = last - first + 1
    owner = np.repeat(np.arange(starts.size), rows)
    y = first[owner] + np.arange(owner.size) - np.repeat(np.cumsum(rows) - rows, rows)
    x1 = np.maximum(starts[owner] - y * width, 0)
    x2 = np.minimum(ends[owner] - y * width, width)
    return y, x1, x2


def from_row_spans(
    y: NDArray[np.integer], x1: NDArray[np.integer], x2: NDArray[np.integer], width: int
) -> RunLengths:
    """Join disjoint row spans, sorted by y, then x1, to run lengths of a slice of that width."""
    rows = y.astype(np.int64) * width
    return _from_edges(_merge(rows + x1, rows + x2))


def bounding_box(runs: RunLengths, width: int) -> Box | None:
    """Return the smallest box around the mask in a slice of that width; None for an empty one."""
    y, x1, x2 = row_spans(runs, width)
    if y.size == 0:
        return None
    return int(x1.min()), int(y[0]), int(x2.max()), int(y[-1]) + 1


def union(first: RunLengths, second: RunLengths) -> RunLengths:
    """Return the pixels that are in one mask or in both."""
    return _combine(first, second, (False, True, True, True))


def intersect(first: RunLengths, second: RunLengths) -> RunLengths:
    """Return the pixels that are in both masks."""
    return _combine(first, second, (False, False, False, True))


def subtract(first: RunLengths, second: RunLengths) -> RunLengths:
    """Return the pixels of the first mask that are not in the second."""
    return _combine(first, second, (False, True, False, False))


def _combine(first: RunLengths, second: RunLengths, table: Sequence[bool]) -> RunLengths:
    """Sweep over the edges of two masks; ``table[a + 2 b]`` says whether a pixel is in the result.

    Both masks lie in a slice of the same size. Cost: a sort of the edges, whatever the size.
    """
    a, b = edges_of(first), edges_of(second)
    places = np.concatenate([a, b])
    order = np.argsort(places, kind="stable")
    step = np.ones(places.size, dtype=np.int64)
    step[1::2] = -1
    step[a.size :] *= 2
    places, state = places[order], np.cumsum(step[order])
    last_there = np.append(places[1:] != places[:-1], True)[: places.size]
    places, state = places[last_there], state[last_there]
    inside = np.asarray(table)[state]
    turns = inside != np.concatenate([[False], inside[:-1]])[: inside.size]
    return _from_edges(places[turns])


def to_bytes(runs: RunLengths) -> bytes:
    """Return run lengths as LEB128 numbers; the empty mask is ``b""``.

    LEB128: groups of 7 bits, lowest first, the high bit of a byte set where more follow
    (DWARF 5, section 7.6). Runs that are not canonical are made so first.
    """
    values = canonical(runs).astype(np.uint64)
    sizes = np.ones(values.size, dtype=np.int64)
    for more in range(1, LEB128_BYTES):
        sizes += values >= np.uint64(1 << 7 * more)
    ends = np.cumsum(sizes)
    out = np.zeros(int(ends[-1]) if ends.size else 0, dtype=np.uint8)
    for place in range(LEB128_BYTES):
        there = sizes > place
        group = (values[there] >> np.uint64(7 * place)) & np.uint64(0x7F)
        follows = (sizes[there] > place + 1).astype(np.uint8) << 7
        out[(ends - sizes)[there] + place] = group.astype(np.uint8) | follows
    return out.tobytes()


def from_bytes(encoded: bytes) -> RunLengths:
    """Return the canonical run lengths that LEB128 bytes stand for.

    Bytes come from outside: a number cut short, longer than 32 bits, or lengths that add up to
    more than 32 bits are refused.
    """
    raw = np.frombuffer(encoded, dtype=np.uint8)
    if raw.size == 0:
        return np.zeros(0, dtype=np.uint32)
    ends = np.flatnonzero(raw < 0x80) + 1
    if ends.size == 0 or ends[-1] != raw.size:
        raise InvalidArrayError("The mask's bytes end in the middle of a number.")
    starts = np.concatenate([[0], ends[:-1]])
    sizes = ends - starts
    if sizes.max() > LEB128_BYTES:
        raise InvalidArrayError("The mask's bytes hold a number that is too long.")
    shift = (np.arange(raw.size) - np.repeat(starts, sizes)).astype(np.uint64) * np.uint64(7)
    groups = (raw & 0x7F).astype(np.uint64) << shift
    lengths = np.add.reduceat(groups, starts)
    if int(np.sum(lengths, dtype=np.uint64)) > 0xFFFFFFFF:
        raise InvalidArrayError("The mask's bytes describe more pixels than a slice can have.")
    return canonical(lengths.astype(np.int64))


def slice_digest(encoded: bytes) -> str:
    """Return the SHA-256 of a slice's bytes (``to_bytes``), in hexadecimal."""
    return hashlib.sha256(encoded).hexdigest()
