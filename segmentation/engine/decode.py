"""From the star network's maps to candidates: propose, thin, refine, in the network's grid.

A proposal is a star-convex polygon around a grid point. Near-duplicates are thinned by the boxes
around them; what is left keeps apart the alternatives a person may want (one large nucleus, or the
two small ones it covers). Each proposal is then refined on its own: the pixels that the fine
foreground map gives it, near its polygon. Where two proposals that would both be shown want the
same pixel, it goes to the one in whose polygon it lies deeper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine import nms
from segmentation.engine.compiled import AVAILABLE, compiled
from segmentation.engine.networks.star import Grid
from segmentation.engine.spans import Spans, spans_from_stars
from segmentation.engine.targets import ray_directions

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Whole = NDArray[np.int32]

MOST_PROPOSALS = 400_000
MOST_CANDIDATES = 5_000
THINNING_IOU = 0.7
"""Proposals whose boxes agree by more than this are one proposal."""

REACH = np.float32(1.15)
REACH_PIXELS = np.float32(1.5)
SEED_SHARE = np.float32(0.7)
LEAST_SHARE = 0.3
"""A refined mask smaller than this share of its polygon is not believed; the polygon stays."""


@dataclass(frozen=True)
class Proposals:
    """``centres`` (n, 2) are (y, x) of pixel centres, origin at the corner of the first pixel;
    ``rays`` (n, r) distances in pixels; ``scores`` (n,) in 0..1, in decreasing order."""

    centres: Floats
    rays: Floats
    scores: Floats

    def __len__(self) -> int:
        return self.scores.size

    def take(self, which: NDArray[np.integer] | NDArray[np.bool_]) -> Proposals:
        return Proposals(self.centres[which], self.rays[which], self.scores[which])


def propose(
    probability: Floats, log_rays: Floats, floor: float, offset: tuple[int, int], grid: Grid = 4
) -> Proposals:
    """Every grid point whose probability reaches ``floor``, best first, ties in row order.

    ``probability`` (h, w) and ``log_rays`` (r, h, w) are of one tile, ``offset`` its (y, x). Only
    the rays of points that are proposed are taken out of the logarithm: most are not.
    """
    i, j = np.nonzero(probability >= floor)
    middle = grid // 2 + 0.5
    centres = np.stack([grid * i + middle + offset[0], grid * j + middle + offset[1]], axis=1)
    return _ordered(centres.astype(np.float32), np.exp(log_rays[:, i, j].T), probability[i, j])


def join(parts: list[Proposals], rays: int) -> Proposals:
    """The proposals of all tiles, best first, ties by their place (row, then column)."""
    if not parts:
        return Proposals(
            np.zeros((0, 2), np.float32), np.zeros((0, rays), np.float32), np.zeros(0, np.float32)
        )
    whole = (
        np.concatenate([getattr(p, name) for p in parts]) for name in ("centres", "rays", "scores")
    )
    return _ordered(*whole)


def _ordered(centres: Floats, rays: Floats, scores: Floats) -> Proposals:
    order = np.lexsort((centres[:, 1], centres[:, 0], -scores))[:MOST_PROPOSALS]
    return Proposals(
        np.ascontiguousarray(centres[order], dtype=np.float32),
        np.ascontiguousarray(rays[order], dtype=np.float32),
        np.ascontiguousarray(scores[order], dtype=np.float32),
    )


def polygons(proposals: Proposals) -> Floats:
    """The corners ``(n, rays, 2)`` as (x, y); in memory all x stand before all y."""
    steps = ray_directions(proposals.rays.shape[1])
    corners = np.empty((2, *proposals.rays.shape), np.float32)
    if AVAILABLE:
        _corners(proposals.centres, proposals.rays, steps, corners)
    else:
        for axis in (0, 1):
            np.multiply(proposals.rays, steps[:, 1 - axis], out=corners[axis])
            corners[axis] += proposals.centres[:, 1 - axis, None]
    return np.moveaxis(corners, 0, 2)


@compiled
def _corners(centres: Floats, rays: Floats, steps: Floats, corners: Floats) -> None:
    """Centre and rays to corners (2, n, rays); ``steps`` (rays, 2) are (y, x), as centres are."""
    ways = np.ascontiguousarray(steps.T)
    for axis in (0, 1):
        for n in range(rays.shape[0]):
            middle = centres[n, 1 - axis]
            for k in range(rays.shape[1]):
                corners[axis, n, k] = rays[n, k] * ways[1 - axis, k] + middle


def draw(proposals: Proposals, height_width: tuple[int, int] | None = None) -> Spans:
    """The pixels of the polygons, cut at the image."""
    steps = ray_directions(proposals.rays.shape[1])
    return spans_from_stars(proposals.centres, proposals.rays, steps, height_width)


def thin(proposals: Proposals) -> Proposals:
    """Drop near-duplicates of better proposals, then what exceeds the most a person can use."""
    if len(proposals) == 0:
        return proposals
    corners = polygons(proposals)
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    groups = np.zeros(len(proposals), np.int64)
    kept = nms.suppress_boxes(boxes, proposals.scores, groups, THINNING_IOU).keep
    return proposals.take(np.flatnonzero(kept)[:MOST_CANDIDATES])


def refine(
    proposals: Proposals, foreground: Bytes, score_cutoff: float, overlap_cutoff: float
) -> Spans:
    """The pixels of each proposal; ``foreground`` (h, w) holds 255 times the probability.

    The cut-offs only tell which proposals contest pixels; every one gets a mask. A mask may be
    empty where a proposal lies outside the image.
    """
    shape = (foreground.shape[0], foreground.shape[1])
    drawn = draw(proposals, shape)
    groups = np.zeros(len(proposals), np.int64)
    there = proposals.scores >= score_cutoff
    kept = np.zeros(len(proposals), np.bool_)
    first = int(there.sum())  # scores decrease, so these are the first
    part = _first(drawn, first)
    kept[:first] = nms.suppress(part, proposals.scores[:first], groups[:first], overlap_cutoff).keep
    owner = np.full(shape, -1, np.int32)
    _own(proposals.centres, proposals.rays, np.flatnonzero(kept), owner)
    offsets, spans, used = _refine_all(
        proposals.centres, proposals.rays, kept, foreground, owner, drawn.areas
    )
    refined = Spans(offsets, *(np.ascontiguousarray(spans[:used, k]) for k in range(3)))
    return _believed(refined, drawn)


def _first(spans: Spans, count: int) -> Spans:
    end = int(spans.offsets[count])
    return Spans(spans.offsets[: count + 1], spans.y[:end], spans.x1[:end], spans.x2[:end])


def _believed(refined: Spans, drawn: Spans) -> Spans:
    """Fall back to the polygon where refinement left next to nothing of it."""
    use_drawn = refined.areas < LEAST_SHARE * drawn.areas
    if not use_drawn.any():
        return refined
    sources = [drawn if use else refined for use in use_drawn]
    cuts = [slice(int(s.offsets[i]), int(s.offsets[i + 1])) for i, s in enumerate(sources)]
    sizes = [cut.stop - cut.start for cut in cuts]
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    def column(name: str) -> Whole:
        parts = [getattr(s, name)[cut] for s, cut in zip(sources, cuts, strict=True)]
        return np.concatenate(parts).astype(np.int32)

    return Spans(offsets, column("y"), column("x1"), column("x2"))


@compiled
def _radius(rays: Floats, dy: float, dx: float) -> float:
    """The polygon's extent in a direction, between the two nearest rays."""
    count = rays.size
    turn = np.arctan2(dy, dx) / (2 * np.pi) * count
    if turn < 0:
        turn += count
    low = int(turn)
    part = turn - low
    low = low % count
    high = (low + 1) % count
    return max(0.5, float(rays[low] * (1 - part) + rays[high] * part))


@compiled
def _window(centre: Floats, reach: float, height: int, width: int) -> tuple[int, int, int, int]:
    y1 = max(0, int(np.floor(centre[0] - reach)))
    x1 = max(0, int(np.floor(centre[1] - reach)))
    y2 = min(height, int(np.ceil(centre[0] + reach)) + 1)
    x2 = min(width, int(np.ceil(centre[1] + reach)) + 1)
    return y1, x1, max(y1, y2), max(x1, x2)


@compiled
def _own(centres: Floats, rays: Floats, kept: NDArray[np.int64], owner: Whole) -> None:
    """Write into each pixel the kept proposal in which it lies deepest, relative to its size."""
    height, width = owner.shape
    depth = np.full((height, width), np.float32(np.inf), dtype=np.float32)
    for n in kept:
        reach = rays[n].max() * REACH + REACH_PIXELS
        y1, x1, y2, x2 = _window(centres[n], reach, height, width)
        for y in range(y1, y2):
            for x in range(x1, x2):
                dy, dx = y + 0.5 - centres[n, 0], x + 0.5 - centres[n, 1]
                radius = _radius(rays[n], dy, dx)
                distance = np.sqrt(dy * dy + dx * dx)
                if distance > radius * REACH + REACH_PIXELS:
                    continue
                relative = np.float32(distance / radius)
                if relative < depth[y, x]:
                    depth[y, x] = relative
                    owner[y, x] = n


FREE, REACHABLE, SEED, TAKEN, RIM = 0, 1, 2, 3, 4


@compiled
def _states(
    n: int,
    centre: Floats,
    rays: Floats,
    contested: bool,
    foreground: Bytes,
    owner: Whole,
    origin: tuple[int, int],
    state: Bytes,
    inner: Bytes,
) -> None:
    """Say of each pixel of a window whether a proposal may take it, and whether it starts there."""
    for y in range(state.shape[0]):
        for x in range(state.shape[1]):
            at_y, at_x = y + origin[0], x + origin[1]
            state[y, x] = FREE
            inner[y, x] = 0
            if contested and owner[at_y, at_x] != n:
                continue
            dy, dx = at_y + 0.5 - centre[0], at_x + 0.5 - centre[1]
            radius = _radius(rays, dy, dx)
            distance = np.sqrt(dy * dy + dx * dx)
            if distance <= radius:
                inner[y, x] = 1
            if foreground[at_y, at_x] >= 128 and distance <= radius * REACH + REACH_PIXELS:
                state[y, x] = SEED if distance <= radius * SEED_SHARE else REACHABLE


@compiled
def _flood(state: Bytes, start: int, found: int, stack: Whole) -> None:
    """Turn ``start`` pixels, and REACHABLE ones connected to them, into ``found``, in place."""
    height, width = state.shape
    used = 0
    for y in range(height):
        for x in range(width):
            if state[y, x] == start:
                state[y, x] = found
                stack[used] = y * width + x
                used += 1
    while used:
        used -= 1
        y, x = stack[used] // width, stack[used] % width
        for k in range(4):
            v, u = y + (k == 0) - (k == 1), x + (k == 2) - (k == 3)
            if 0 <= v < height and 0 <= u < width and state[v, u] == REACHABLE:
                state[v, u] = found
                stack[used] = v * width + u
                used += 1


@compiled
def _on_seam(state: Bytes, foreground: Bytes, origin: tuple[int, int], y: int, x: int) -> bool:
    """Whether a pixel lies beside what was taken, with foreground that was not on the other side,
    one or two steps on: the other object's."""
    height, width = state.shape
    for k in range(4):
        dy, dx = (k == 0) - (k == 1), (k == 2) - (k == 3)
        v, u = y + dy, x + dx
        if not (0 <= v < height and 0 <= u < width and state[v, u] == TAKEN):
            continue
        for step in range(1, 3):
            v, u = y - step * dy, x - step * dx
            if not (0 <= v < height and 0 <= u < width):
                break
            if state[v, u] != TAKEN and foreground[v + origin[0], u + origin[1]] >= 128:
                return True
    return False


@compiled
def _give_back_seam(state: Bytes, inner: Bytes, foreground: Bytes, origin: tuple[int, int]) -> None:
    """Take the pixels of the polygon that were left out where objects touch, in place."""
    height, width = state.shape
    for y in range(height):
        for x in range(width):
            if state[y, x] != TAKEN and inner[y, x] and _on_seam(state, foreground, origin, y, x):
                state[y, x] = RIM
    for y in range(height):
        for x in range(width):
            if state[y, x] == RIM:
                state[y, x] = TAKEN


@compiled
def _fill_holes(state: Bytes, stack: Whole) -> None:
    """Take what is closed in on all sides; what reaches the window's edge becomes FREE."""
    height, width = state.shape
    for y in range(height):
        for x in range(width):
            if state[y, x] != TAKEN:
                border = y == 0 or x == 0 or y == height - 1 or x == width - 1
                state[y, x] = SEED if border else REACHABLE
    _flood(state, SEED, FREE, stack)
    for y in range(height):
        for x in range(width):
            state[y, x] = FREE if state[y, x] == FREE else TAKEN


@compiled
def _refine_all(
    centres: Floats,
    rays: Floats,
    contested: NDArray[np.bool_],
    foreground: Bytes,
    owner: Whole,
    areas: NDArray[np.float64],
) -> tuple[NDArray[np.int64], Whole, int]:
    """Refine every proposal in its own window and list the spans of what it got."""
    height, width = foreground.shape
    count = centres.shape[0]
    offsets = np.zeros(count + 1, dtype=np.int64)
    spans = np.zeros((max(64, 16 * count), 3), dtype=np.int32)
    used = 0
    for n in range(count):
        reach = rays[n].max() * REACH + REACH_PIXELS + 1
        y1, x1, y2, x2 = _window(centres[n], reach, height, width)
        state = np.zeros((y2 - y1, x2 - x1), dtype=np.uint8)
        inner = np.zeros((y2 - y1, x2 - x1), dtype=np.uint8)
        stack = np.zeros(state.size + 1, dtype=np.int32)
        _states(n, centres[n], rays[n], contested[n], foreground, owner, (y1, x1), state, inner)
        _flood(state, SEED, TAKEN, stack)
        _give_back_seam(state, inner, foreground, (y1, x1))
        _fill_holes(state, stack)
        for y in range(state.shape[0]):
            x = 0
            while x < state.shape[1]:
                if state[y, x] != TAKEN:
                    x += 1
                    continue
                start = x
                while x < state.shape[1] and state[y, x] == TAKEN:
                    x += 1
                if used == spans.shape[0]:
                    grown = np.zeros((2 * used, 3), dtype=np.int32)
                    grown[:used] = spans
                    spans = grown
                spans[used, 0], spans[used, 1], spans[used, 2] = y + y1, start + x1, x + x1
                used += 1
        offsets[n + 1] = used
    return offsets, spans, used
