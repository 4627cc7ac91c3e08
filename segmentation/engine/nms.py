"""Non-maximum suppression: of findings that overlap too much, the one with the best score stays.

The rule is greedy and the same everywhere, the browser included: candidates are taken in decreasing
order of score, ties in order of index; a candidate is suppressed if one that is already kept, of
the same group, overlaps it by more than the cut-off. Of several such, the first in that order is
named as the one that suppressed it.

A *group* is a whole number per candidate; candidates of different groups never touch each other.
Give each label a number of its own so that labels do not compete, and each candidate of a label
that allows overlap a number of its own so that none of them is ever suppressed.

Shapes overlap by their intersection over the smaller area, which also catches a part within a
whole; boxes by intersection over union. A shape without pixels overlaps nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from segmentation.engine.compiled import AVAILABLE
from segmentation.engine.errors import InvalidArrayError
from segmentation.engine.nms_kernel import Shapes, greedy_kernel, pairs_kernel
from segmentation.engine.spans import Spans

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]
Pairs = tuple[Indices, Indices, Floats]

NO_SPANS = Spans(np.zeros(1, dtype=np.int64), *(np.zeros(0, dtype=np.int32) for _ in range(3)))


@dataclass(frozen=True)
class Suppression:
    """What suppression decided about n candidates, in the order they were given.

    ``suppressed_by`` is the index of the kept candidate that removed this one, or -1; ``overlap``
    is how much the two share, 0 where nothing suppressed the candidate.
    """

    keep: NDArray[np.bool_]
    suppressed_by: Indices
    overlap: Floats


def suppress(
    shapes: Spans, scores: ArrayLike, groups: ArrayLike, overlap_cutoff: float
) -> Suppression:
    """Decide which of n shapes stay; overlap is intersection over the smaller area.

    Each shape is compared only with kept shapes whose boxes share a cell of a grid, the cell of its
    own centre first. ``scores`` and ``groups`` have n places, ``overlap_cutoff`` lies in [0, 1].
    """
    values, teams = _checked(len(shapes), scores, groups, overlap_cutoff)
    if not AVAILABLE:
        pairs = _pairs_sparse(shapes, teams, overlap_cutoff)
        return _resolve(values, pairs, -np.inf, overlap_cutoff)
    drawn = _shapes(shapes, shapes.boxes, shapes.areas, teams)
    return _greedy(drawn, values, False, overlap_cutoff)


def suppress_boxes(
    boxes: ArrayLike, scores: ArrayLike, groups: ArrayLike, overlap_cutoff: float
) -> Suppression:
    """Decide which of n boxes ``(x1, y1, x2, y2)`` stay; overlap is intersection over union."""
    corners = np.ascontiguousarray(boxes, dtype=np.float64).reshape(-1, 4)
    if not np.isfinite(corners).all():
        raise InvalidArrayError("The corners of boxes must be finite numbers.")
    values, teams = _checked(len(corners), scores, groups, overlap_cutoff)
    areas = np.clip(corners[:, 2:] - corners[:, :2], 0, None).prod(axis=1)
    return _greedy(_shapes(NO_SPANS, corners, areas, teams), values, True, overlap_cutoff)


def pairwise_overlaps(shapes: Spans, groups: ArrayLike, floor: float = 0.0) -> Pairs:
    """List the pairs of one group that overlap by more than ``floor``.

    Returns ``(i, j, share)`` with ``i < j``, sorted by i, then j; share is the intersection over
    the smaller area, in (floor, 1].
    """
    _, teams = _checked(len(shapes), np.zeros(len(shapes)), groups, floor)
    if not AVAILABLE:
        return _pairs_sparse(shapes, teams, floor)
    filled = np.flatnonzero(shapes.areas > 0)
    table = pairs_kernel(filled, _shapes(shapes, shapes.boxes, shapes.areas, teams), floor)
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    return table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2].copy()


def resolve(
    scores: ArrayLike,
    pairs: tuple[ArrayLike, ArrayLike, ArrayLike],
    score_cutoff: float,
    overlap_cutoff: float,
) -> Suppression:
    """Decide suppression again from known overlaps, without the shapes.

    ``pairs`` is what ``pairwise_overlaps`` returns, in any order. A candidate with a score below
    ``score_cutoff`` is not there: it is not kept, suppresses nothing and nothing suppresses it.
    Equal to ``suppress`` on the others if the pairs hold every overlap above the cut-off.
    """
    values = np.asarray(scores, dtype=np.float64).reshape(-1)
    _checked(values.size, values, np.zeros(values.size), overlap_cutoff)
    return _resolve(values, pairs, score_cutoff, overlap_cutoff)


def _resolve(
    scores: Floats,
    pairs: tuple[ArrayLike, ArrayLike, ArrayLike],
    score_cutoff: float,
    overlap_cutoff: float,
) -> Suppression:
    n = scores.size
    rank = np.empty(n, dtype=np.int64)
    rank[np.argsort(-scores, kind="stable")] = np.arange(n)
    i, j = (np.asarray(column, dtype=np.int64) for column in pairs[:2])
    share = np.asarray(pairs[2], dtype=np.float64)
    there = scores >= score_cutoff
    counts = (share > overlap_cutoff) & there[i] & there[j]
    i, j, share = i[counts], j[counts], share[counts]
    swap = rank[i] > rank[j]
    better, worse = np.where(swap, j, i), np.where(swap, i, j)
    result = Suppression(there.copy(), np.full(n, -1, dtype=np.int64), np.zeros(n))
    for k in np.lexsort((rank[better], rank[worse])).tolist():
        loser, winner = worse[k], better[k]
        if result.keep[loser] and result.keep[winner]:
            result.keep[loser] = False
            result.suppressed_by[loser] = winner
            result.overlap[loser] = share[k]
    return result


def _greedy(shapes: Shapes, scores: Floats, by_iou: bool, overlap_cutoff: float) -> Suppression:
    order = np.argsort(-scores, kind="stable")
    filled = order[shapes.areas[order] > 0]
    suppressed_by, overlap = greedy_kernel(filled, shapes, by_iou, overlap_cutoff)
    return Suppression(suppressed_by < 0, suppressed_by, overlap)


def _shapes(spans: Spans, boxes: Floats, areas: Floats, groups: Indices) -> Shapes:
    return Shapes(boxes, areas, groups, spans.stacked, spans.offsets, spans.y, spans.x1, spans.x2)


def _pairs_sparse(shapes: Spans, groups: Indices, floor: float) -> Pairs:
    """Find overlaps by a product of sparse matrices shapes x pixels: needs SciPy only."""
    length = (shapes.x2 - shapes.x1).astype(np.int64)
    span = np.repeat(np.arange(length.size), length)
    x = shapes.x1[span] + np.arange(span.size) - np.repeat(np.cumsum(length) - length, length)
    owner = np.repeat(np.arange(len(shapes)), np.diff(shapes.offsets))[span]
    places = np.stack([groups[owner], shapes.y[span], x], axis=1)
    pixel = np.unique(places, axis=0, return_inverse=True)[1].reshape(-1)
    covers = sparse.csr_array(
        (np.ones(owner.size), (owner, pixel)), shape=(len(shapes), pixel.size)
    )
    shared = sparse.triu(covers @ covers.T, k=1).tocoo()
    i, j = shared.row.astype(np.int64), shared.col.astype(np.int64)
    share = shared.data / np.minimum(shapes.areas[i], shapes.areas[j])
    found = np.lexsort((j, i))
    found = found[share[found] > floor]
    return i[found], j[found], share[found]


def _checked(n: int, scores: ArrayLike, groups: ArrayLike, cutoff: float) -> tuple[Floats, Indices]:
    values = np.ascontiguousarray(scores, dtype=np.float64).reshape(-1)
    teams = np.ascontiguousarray(groups, dtype=np.int64).reshape(-1)
    if values.size != n or teams.size != n:
        raise InvalidArrayError(
            f"There are {n} candidates, but {values.size} scores and {teams.size} groups."
        )
    if not np.isfinite(values).all():
        raise InvalidArrayError("The scores of candidates must be finite numbers.")
    if not 0 <= cutoff <= 1:
        raise InvalidArrayError(f"The overlap cut-off must lie between 0 and 1, not at {cutoff}.")
    return values, teams
