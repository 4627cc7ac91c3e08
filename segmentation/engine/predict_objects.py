"""Instances and boxes: the star network over tiles, then one suppression over the whole image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine import nms
from segmentation.engine.decode import (
    MOST_CANDIDATES,
    Proposals,
    draw,
    join,
    polygons,
    propose,
    refine,
    thin,
)
from segmentation.engine.geometry import box_iou
from segmentation.engine.networks.star import Grid, StarNet, StarOutput
from segmentation.engine.pixels import round_up
from segmentation.engine.prediction import Found, Work
from segmentation.engine.preprocessing import invert_points
from segmentation.engine.resampling import nearest
from segmentation.engine.spans import Spans, runs_of
from segmentation.engine.types import Candidate, RunLengths
from segmentation.engine.uncertainty import (
    DOUBTFUL_FROM,
    DoubtfulMean,
    expected_quality,
    foreground_levels,
    to_bytes,
)

Bytes = NDArray[np.uint8]

CORE = 768
HALO = 128
"""A tile is its core and a halo around it; only the core is kept. The halo bounds how far an
object may reach over a core's edge and still be seen whole."""

SCORE_FLOOR = 0.2
OVERLAP_FLOOR = 0.05
"""What is kept for a person to move the cut-offs over; lower only if the run's own are lower."""

DUPLICATE_IOU = 0.8
"""Refined masks that agree by more than this are one finding, the better of them."""


@dataclass(frozen=True)
class _Objects:
    """Objects of all slices on the source grid, best first. ``boxes`` float (n, 4).

    ``grounds`` (n, 2) holds the foreground summed over an object's mask, and the mask's area, both
    on the network's grid.
    """

    scores: NDArray[np.float64]
    labels: NDArray[np.int64]
    z: NDArray[np.int64]
    boxes: NDArray[np.float64]
    spans: Spans
    grounds: NDArray[np.float64]

    def take(self, which: NDArray[np.int64]) -> _Objects:
        return _Objects(
            self.scores[which],
            self.labels[which],
            self.z[which],
            self.boxes[which],
            _picked(self.spans, which),
            self.grounds[which],
        )


_Decided = tuple[_Objects, nms.Suppression, tuple[tuple[int, int, float], ...]]


def predict_objects(work: Work) -> Found:
    """Find objects slice by slice; boxes only where the task asks for boxes."""
    slices, planes, levels = [], [], np.zeros(256, np.int64)
    for z in range(work.pixels.shape[1]):
        proposals, foreground, classes = over_tiles(work, z)
        levels += np.bincount(foreground.reshape(-1), minlength=256)
        slices.append(_objects(work, z, thin(proposals), foreground, classes))
        if work.keep_plane is not None:
            planes.append(foreground)
    objects = _best_first(slices)
    decide = _boxes if work.task == "boxes2d" else _instances
    objects, suppressed, pairs = decide(work, objects)
    shown = (suppressed.suppressed_by < 0) & (objects.scores >= work.score_cutoff)
    if work.keep_plane is not None:
        _keep_planes(work, objects, suppressed.suppressed_by >= 0, planes)
    doubt = _doubt(objects.scores[shown], objects.grounds[shown], levels)
    return Found(_candidates(work, objects, suppressed), pairs, doubt)


def _doubt(
    scores: NDArray[np.float64], grounds: NDArray[np.float64], levels: NDArray[np.int64]
) -> float:
    """How far the shown objects' expected quality falls short of 1; where none is shown, how
    unsure the foreground is. ``levels`` counts the pixels of each level of foreground."""
    shares = np.arange(256) / 255
    if not scores.size:
        doubt = DoubtfulMean()
        doubt.add_counts(shares, levels)
        return doubt.value
    counted = np.where(shares >= DOUBTFUL_FROM, levels, 0)
    unclaimed = float((shares * counted).sum() - grounds[:, 0].sum())
    return 1 - expected_quality(scores, grounds[:, 0], grounds[:, 1], unclaimed)


def _keep_planes(
    work: Work, objects: _Objects, lost: NDArray[np.bool_], planes: list[Bytes]
) -> None:
    """Hand out the map of uncertainty: the foreground's entropy, and where a suppressed candidate
    wanted the pixels for itself, its score if that is more."""
    keep_plane = work.keep_plane
    if keep_plane is None:
        return
    levels = foreground_levels(work.temperature)
    grid, source = work.prepared.inverse.grid_zyx, work.prepared.inverse.source_zyx
    rows, columns = nearest(grid[1], source[1]), nearest(grid[2], source[2])
    for z, foreground in enumerate(planes):
        plane = np.take(np.take(levels[foreground], rows, axis=0), columns, axis=1)
        if work.task == "instance2d":
            rivals = objects.take(np.flatnonzero(lost & (objects.z == z))[::-1])
            _raise(plane, rivals.spans, to_bytes(rivals.scores.astype(np.float32)))
        keep_plane(z, plane)


def _raise(plane: Bytes, spans: Spans, values: Bytes) -> None:
    """Lift pixels of a plane to the values of the shapes over them; ``values`` increase, so that
    the greatest is written last."""
    widths = (spans.x2 - spans.x1).astype(np.int64)
    starts = spans.y.astype(np.int64) * plane.shape[1] + spans.x1
    steps = np.arange(widths.sum()) - np.repeat(np.cumsum(widths) - widths, widths)
    places = np.repeat(starts, widths) + steps
    per_span = np.repeat(values, np.diff(spans.offsets))
    claimed = np.zeros(plane.size, np.uint8)
    claimed[places] = np.repeat(per_span, widths)
    np.maximum(plane, claimed.reshape(plane.shape), out=plane)


def over_tiles(work: Work, z: int) -> tuple[Proposals, Bytes, Bytes | None]:
    """Proposals, foreground and best class (from 0) of one slice, on the network's grid.

    Each grid point is judged once, by the tile in whose core it lies, so tiles bring no doubles;
    between tiles only sparse proposals and one byte per pixel are held.
    """
    height, width = work.pixels.shape[2:]
    floor = min(SCORE_FLOOR, work.score_cutoff)
    foreground = np.zeros((height, width), np.uint8)
    classes = np.zeros((height, width), np.uint8) if work.labels > 1 else None
    tiles = [(y, x) for y in range(0, height, CORE) for x in range(0, width, CORE)]
    parts: list[Proposals] = []
    rays = 1
    for done, (y, x) in enumerate(tiles, start=1):
        y1, x1 = max(0, y - HALO), max(0, x - HALO)
        y2, x2 = min(height, y + CORE + HALO), min(width, x + CORE + HALO)
        output = _run(work, work.pixels[:, z, y1:y2, x1:x2])
        bottom, right = min(height, y + CORE), min(width, x + CORE)
        core = (slice(y - y1, bottom - y1), slice(x - x1, right - x1))
        fine = output.fine[0, :, : y2 - y1, : x2 - x1]
        level = (fine[0].sigmoid() * 255).round()[core]
        foreground[y:bottom, x:right] = level.to("cpu").numpy().astype(np.uint8)
        if classes is not None:
            best = fine[1:].argmax(dim=0)[core]
            classes[y:bottom, x:right] = best.to("cpu").numpy().astype(np.uint8)
        grid = _grid(output)
        points = tuple(slice(s.start // grid, -(-s.stop // grid)) for s in core)
        probability = output.probability[0, 0].sigmoid()[points].to("cpu").numpy()
        log_rays = output.log_rays[0][(slice(None), *points)].to("cpu").numpy()
        rays = log_rays.shape[0]
        parts.append(propose(probability, log_rays, floor, (y, x), grid))
        work.tell(z * len(tiles) + done, work.pixels.shape[1] * len(tiles))
    return _inside(join(parts, rays), height, width), foreground, classes


def _grid(output: StarOutput) -> Grid:
    return 2 if output.fine.shape[2] == 2 * output.probability.shape[2] else 4


def _inside(proposals: Proposals, height: int, width: int) -> Proposals:
    """Without grid points that stand in the padding."""
    y, x = proposals.centres[:, 0], proposals.centres[:, 1]
    return proposals.take((y < height) & (x < width))


def _run(work: Work, tile: NDArray[np.float32]) -> StarOutput:
    """The network on a tile ``(c, h, w)``, mirrored at the far ends up to whole strides."""
    extra = [round_up(n, StarNet.stride) - n for n in tile.shape[1:]]
    padded = np.pad(tile, [(0, 0), (0, extra[0]), (0, extra[1])], mode="symmetric")
    return StarOutput(*work.run(padded))


def _objects(
    work: Work, z: int, proposals: Proposals, foreground: Bytes, classes: Bytes | None
) -> _Objects:
    """The proposals of one slice as objects on the source grid."""
    shape = (foreground.shape[0], foreground.shape[1])
    if work.task == "boxes2d":
        spans = draw(proposals, shape)
    else:
        spans = refine(proposals, foreground, work.score_cutoff, work.overlap_cutoff)
    grounds = _grounds(spans, foreground)
    labels = np.ones(len(proposals), np.int64)
    if classes is not None:
        labels = 1 + _commonest(spans, classes, work.labels)
    if work.task == "boxes2d":
        placed = invert_points(work.prepared, polygons(proposals))
        boxes = _around(placed, work.prepared.inverse.source_zyx[1:])
    else:
        spans = _to_source(spans, work.prepared.inverse.grid_zyx, work.prepared.inverse.source_zyx)
        boxes = spans.boxes
    scores = proposals.scores.astype(np.float64)
    objects = _Objects(scores, labels, np.full(len(proposals), z), boxes, spans, grounds)
    solid = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return objects.take(np.flatnonzero(solid))


def _around(corners: NDArray[np.float64], height_width: tuple[int, int]) -> NDArray[np.float64]:
    """The boxes of polygons, rounded to whole pixels and cut at the image."""
    low = np.round(corners.min(axis=1)) if corners.size else np.zeros((0, 2))
    high = np.round(corners.max(axis=1)) if corners.size else np.zeros((0, 2))
    limit = [height_width[1], height_width[0]]
    return np.concatenate([np.clip(low, 0, limit), np.clip(high, 0, limit)], axis=1)


def _commonest(spans: Spans, classes: Bytes, labels: int) -> NDArray[np.int64]:
    """For each shape the class (from 0) that most of its pixels have; the first of equals."""
    votes = np.zeros((len(spans), labels), np.int64)
    for label in range(labels):
        votes[:, label] = _summed(spans, classes == label)
    return np.asarray(votes.argmax(axis=1), dtype=np.int64)


def _summed(spans: Spans, plane: NDArray[np.generic]) -> NDArray[np.int64]:
    """The sum of a plane of bytes or yes-and-no over each shape."""
    along = np.zeros((plane.shape[0], plane.shape[1] + 1), np.int32)
    np.cumsum(plane, axis=1, out=along[:, 1:])
    per_span = along[spans.y, spans.x2] - along[spans.y, spans.x1]
    total = np.concatenate([[0], np.cumsum(per_span, dtype=np.int64)])
    return np.asarray(total[spans.offsets[1:]] - total[spans.offsets[:-1]], dtype=np.int64)


def _grounds(spans: Spans, foreground: Bytes) -> NDArray[np.float64]:
    """Foreground summed over each shape, 0 to 1 a pixel, and the shape's area: (n, 2)."""
    return np.stack([_summed(spans, foreground) / 255, spans.areas], axis=1)


def _to_source(spans: Spans, grid: tuple[int, int, int], source: tuple[int, int, int]) -> Spans:
    """Shapes on the source grid: each source pixel asks the network's pixel its centre lies in."""
    if grid[1:] == source[1:]:
        return spans
    rows, columns = nearest(grid[1], source[1]), nearest(grid[2], source[2])
    first = np.searchsorted(rows, spans.y, "left")
    count = np.searchsorted(rows, spans.y, "right") - first
    x1 = np.searchsorted(columns, spans.x1, "left")
    x2 = np.searchsorted(columns, spans.x2, "left")
    count = np.where(x2 > x1, count, 0)
    shape = np.repeat(np.arange(len(spans)), np.diff(spans.offsets))
    which = np.repeat(np.arange(count.size), count)
    y = first[which] + np.arange(which.size) - np.repeat(np.cumsum(count) - count, count)
    order = np.lexsort((x1[which], y, shape[which]))
    offsets = np.searchsorted(shape[which][order], np.arange(len(spans) + 1))
    columns3 = (column[order].astype(np.int32) for column in (y, x1[which], x2[which]))
    return Spans(offsets.astype(np.int64), *columns3)


def _picked(spans: Spans, which: NDArray[np.int64]) -> Spans:
    sizes = np.diff(spans.offsets)[which]
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    places = np.repeat(spans.offsets[which] - offsets[:-1], sizes) + np.arange(offsets[-1])
    return Spans(offsets, spans.y[places], spans.x1[places], spans.x2[places])


def _best_first(slices: Sequence[_Objects]) -> _Objects:
    """Objects of all slices in decreasing order of score, ties by place: z, y, x."""
    shift = np.cumsum([0, *(s.spans.y.size for s in slices)])
    offsets = [s.spans.offsets[:-1] + shift[k] for k, s in enumerate(slices)]
    whole = Spans(
        np.concatenate([*offsets, shift[-1:]]).astype(np.int64),
        *(np.concatenate([getattr(s.spans, name) for s in slices]) for name in ("y", "x1", "x2")),
    )
    scores, labels, z = (
        np.concatenate([getattr(s, name) for s in slices]) for name in ("scores", "labels", "z")
    )
    boxes, grounds = (
        np.concatenate([getattr(s, name) for s in slices]) for name in ("boxes", "grounds")
    )
    order = np.lexsort((boxes[:, 0], boxes[:, 1], z, -scores))
    return _Objects(scores, labels, z, boxes, whole, grounds).take(order)


def _instances(work: Work, objects: _Objects) -> _Decided:
    """Drop masks that say the same, then suppress; objects of different slices never compete."""
    floor = min(OVERLAP_FLOOR, work.overlap_cutoff)
    i, j, share = nms.pairwise_overlaps(objects.spans, objects.z, floor)
    areas = objects.spans.areas
    shared = share * np.minimum(areas[i], areas[j])
    iou = shared / (areas[i] + areas[j] - shared)
    unlike = nms.resolve(objects.scores, (i, j, iou), 0.0, DUPLICATE_IOU).keep
    return _decided(work, objects, unlike, (i, j, share))


def _boxes(work: Work, objects: _Objects) -> _Decided:
    """Suppress boxes by intersection over union; boxes of different slices never compete."""
    floor = min(OVERLAP_FLOOR, work.overlap_cutoff)
    count = len(objects.scores)
    pairs: list[NDArray[np.float64]] = [np.zeros((0, 3))]
    for start in range(0, count, 512):
        part = slice(start, min(start + 512, count))
        iou = box_iou(objects.boxes[part], objects.boxes)
        iou[objects.z[part, None] != objects.z[None]] = 0
        a, b = np.nonzero(iou > floor)
        upper = a + start < b
        a, b = a[upper], b[upper]
        pairs.append(np.stack([a + start, b, iou[a, b]], axis=1))
    table = np.concatenate(pairs)
    i, j = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    return _decided(work, objects, np.ones(count, np.bool_), (i, j, table[:, 2]))


def _decided(
    work: Work, objects: _Objects, unlike: NDArray[np.bool_], pairs: nms.Pairs
) -> _Decided:
    """The objects that remain, who suppressed them, and their overlaps, numbered as they stand."""
    which = np.flatnonzero(unlike)[:MOST_CANDIDATES]
    place = np.full(unlike.size, -1, np.int64)
    place[which] = np.arange(which.size)
    i, j, share = pairs
    there = (place[i] >= 0) & (place[j] >= 0)
    i, j, share = place[i[there]], place[j[there]], share[there]
    objects = objects.take(which)
    decision = nms.resolve(objects.scores, (i, j, share), work.score_cutoff, work.overlap_cutoff)
    table = tuple((int(a), int(b), float(s)) for a, b, s in zip(i, j, share, strict=True))
    return objects, decision, table


def _candidates(work: Work, objects: _Objects, decision: nms.Suppression) -> tuple[Candidate, ...]:
    masks: list[RunLengths] = []
    if work.task == "instance2d":
        masks = runs_of(objects.spans, work.prepared.inverse.source_zyx[2])
    return tuple(
        _candidate(objects, n, masks, int(decision.suppressed_by[n]), float(decision.overlap[n]))
        for n in range(len(objects.scores))
    )


def _candidate(
    objects: _Objects, n: int, masks: list[RunLengths], by: int, overlap: float
) -> Candidate:
    x1, y1, x2, y2 = (int(v) for v in objects.boxes[n])
    return Candidate(
        label=int(objects.labels[n]),
        score=float(objects.scores[n]),
        box=(x1, y1, x2, y2),
        slices={int(objects.z[n]): masks[n]} if masks else {},
        suppressed_by=None if by < 0 else by,
        overlap=None if by < 0 else overlap,
        z=int(objects.z[n]),
    )
