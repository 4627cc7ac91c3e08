"""Row spans against the pixels they cover."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.engine import masks, spans
from segmentation.engine.errors import InvalidArrayError
from segmentation.engine.targets import ray_directions

NO_LIMIT = np.array([-(2**31), 2**31 - 1] * 2, dtype=np.int64)


def painted(shapes: spans.Spans, index: int, shape: tuple[int, int]) -> np.ndarray:
    canvas = np.zeros(shape, dtype=int)
    for k in range(shapes.offsets[index], shapes.offsets[index + 1]):
        canvas[shapes.y[k], shapes.x1[k] : shapes.x2[k]] += 1
    return canvas


def inside(corners: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Ask each pixel centre by ray casting to the right: the obvious version."""
    result = np.zeros(shape, dtype=bool)
    ends = np.roll(corners, -1, axis=0)
    for row in range(shape[0]):
        for column in range(shape[1]):
            x, y = column + 0.5, row + 0.5
            for (xa, ya), (xb, yb) in zip(corners, ends, strict=True):
                if (ya <= y) != (yb <= y) and xa + (y - ya) * (xb - xa) / (yb - ya) > x:
                    result[row, column] ^= True
    return result


def stars(rng: np.random.Generator, n: int, rays: int, extent: float) -> np.ndarray:
    angles = np.arange(rays) * 2 * np.pi / rays
    radii = rng.uniform(0.4, 9, (n, rays))
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return rng.uniform(0, extent, (n, 1, 2)) + radii[:, :, None] * directions


@pytest.mark.parametrize("seed", range(4))
def test_masks_runs_and_spans_are_the_same_shapes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shapes = [rng.random((9, 14)) < chance for chance in (0.5, 0, 1, 0.1, 0.9)]
    ours = spans.spans_from_masks(shapes)
    assert len(ours) == 5
    assert ours.areas.tolist() == [mask.sum() for mask in shapes]
    for index, mask in enumerate(shapes):
        assert np.array_equal(painted(ours, index, mask.shape), mask.astype(int))
        runs = masks.encode(mask)
        assert spans.runs_of(ours, 14)[index].tolist() == runs.tolist()
        box = masks.bounding_box(runs, 14) or (0, 0, 0, 0)
        assert ours.boxes[index].tolist() == list(box)
    again = spans.spans_from_runs([masks.encode(mask) for mask in shapes], 14)
    assert np.array_equal(again.x1, ours.x1)
    assert np.array_equal(again.offsets, ours.offsets)


def test_no_shapes_are_no_spans() -> None:
    for empty in (spans.spans_from_masks([]), spans.spans_from_polygons(np.zeros((0, 8, 2)))):
        assert len(empty) == 0
        assert empty.areas.shape == (0,)
        assert empty.boxes.shape == (0, 4)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("size", [None, (26, 23)])
def test_polygons_hold_the_pixels_whose_centres_lie_inside(
    seed: int, size: tuple[int, int] | None
) -> None:
    polygons = stars(np.random.default_rng(seed), 12, 3 + 5 * seed, 24) + (0 if size else 10)
    ours = spans.spans_from_polygons(polygons, size)
    for index, corners in enumerate(polygons):
        shape = size or (50, 50)
        assert np.array_equal(painted(ours, index, shape), inside(corners, shape).astype(int))


@pytest.mark.parametrize("seed", range(4))
def test_the_compiled_drawing_equals_that_of_numpy(seed: int) -> None:
    polygons = stars(np.random.default_rng(seed), 60, 16, 80)
    crossed = np.random.default_rng(seed + 9).integers(-6, 30, (40, 5, 2)).astype(float)
    for corners in (polygons, crossed, np.zeros((3, 4, 2)), np.zeros((2, 0, 2))):
        for limit in (NO_LIMIT, np.array([0, 31, 0, 17])):
            fast = spans.spans_from_polygons(corners, None if limit is NO_LIMIT else (31, 17))
            slow = spans.Spans(*spans.draw_numpy(np.asarray(corners, dtype=float), limit))
            for name in ("offsets", "y", "x1", "x2"):
                assert np.array_equal(getattr(fast, name), getattr(slow, name)), name


@pytest.mark.parametrize("seed", range(4))
def test_corners_in_single_precision_are_drawn_as_the_same_in_double(seed: int) -> None:
    single = stars(np.random.default_rng(seed), 40, 16, 80).astype(np.float32)
    ours, expected = (spans.spans_from_polygons(each) for each in (single, single.astype(float)))
    for name in ("offsets", "y", "x1", "x2"):
        assert np.array_equal(getattr(ours, name), getattr(expected, name)), name


@pytest.mark.parametrize("seed", range(24))
def test_polygons_of_every_form_are_drawn_as_numpy_draws_them(seed: int) -> None:
    # Long edges, many turns, level edges, corners on pixel centres, and cuts through all of them.
    rng = np.random.default_rng(seed)
    sides, size = int(rng.integers(1, 40)), 10.0 ** rng.uniform(-0.5, 2.3)
    turns = np.arange(sides)[:, None] * 2 * np.pi / sides
    circle = np.concatenate([np.cos(turns), np.sin(turns)], axis=1)
    smooth = rng.uniform(0, 30, (9, 1, 2)) + size * rng.uniform(0.8, 1, (9, sides, 1)) * circle
    wild = rng.normal(0, size, (9, sides, 2))
    halves = rng.integers(-9, 30, (9, sides, 2)) / 2
    for corners in (smooth, wild, halves, smooth.astype(np.float32)):
        for cut in (None, (31, 17)):
            fast = spans.spans_from_polygons(corners, cut)
            limit = NO_LIMIT if cut is None else np.array([0, cut[0], 0, cut[1]])
            slow = spans.Spans(*spans.draw_numpy(corners.astype(float), limit))
            for name in ("offsets", "y", "x1", "x2"):
                assert np.array_equal(getattr(fast, name), getattr(slow, name)), name


@pytest.mark.parametrize("compiler", [True, False])
def test_stars_are_drawn_as_the_polygons_of_their_corners(
    compiler: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spans, "AVAILABLE", compiler)
    rng = np.random.default_rng(7)
    steps = ray_directions(32)
    centres = rng.uniform(-5, 60, (300, 2)).astype(np.float32)
    rays = (10 ** rng.uniform(-1, 1.6, (300, 1)) * rng.uniform(0.9, 1, (300, 32))).astype(
        np.float32
    )
    corners = rays[:, :, None] * steps[None, :, ::-1] + centres[:, None, ::-1]
    for cut in (None, (40, 50)):
        ours = spans.spans_from_stars(centres, rays, steps, cut)
        expected = spans.spans_from_polygons(corners, cut)
        for name in ("offsets", "y", "x1", "x2"):
            assert np.array_equal(getattr(ours, name), getattr(expected, name)), name


@pytest.mark.parametrize("ray", [np.nan, np.inf, 2e9])
def test_stars_that_reach_nowhere_are_refused(ray: float) -> None:
    rays = np.full((1, 8), ray, np.float32)
    with pytest.raises(InvalidArrayError):
        spans.spans_from_stars(np.zeros((1, 2), np.float32), rays, ray_directions(8))


@pytest.mark.parametrize("seed", range(6))
def test_what_spans_cover_is_measured_alike_with_and_without_a_compiler(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shapes = [rng.random((9, 14)) < rng.choice([0, 0.02, 0.3, 1]) for _ in range(12)]
    shapes[2][:], shapes[3][:] = False, False
    shapes[2][[1, 1, 3], [2, 6, 2]] = True  # two spans in one row, none in the next
    ours = spans.spans_from_masks(shapes)
    expected = spans.measure_numpy(ours.offsets, ours.y, ours.x1, ours.x2)
    for mine, theirs in zip((ours.areas, ours.boxes, ours.stacked), expected, strict=True):
        assert np.array_equal(mine, theirs)
    assert not ours.stacked[2]
    assert ours.stacked[3]


def test_polygons_that_share_an_edge_share_no_pixel() -> None:
    # Two halves of the square [0, 4) x [0, 4), cut along the diagonal through pixel centres.
    halves = np.array([[(0, 0), (4, 0), (4, 4)], [(0, 0), (4, 4), (0, 4)]], dtype=float)
    drawn = spans.spans_from_polygons(halves)
    together = painted(drawn, 0, (4, 4)) + painted(drawn, 1, (4, 4))
    assert np.array_equal(together, np.ones((4, 4), dtype=int))


def test_a_square_on_the_pixel_grid_covers_exactly_its_pixels() -> None:
    drawn = spans.spans_from_polygons([[(2, 1), (5, 1), (5, 3), (2, 3)]], (9, 9))
    assert drawn.boxes.tolist() == [[2, 1, 5, 3]]
    assert drawn.areas.tolist() == [6]


@pytest.mark.parametrize("points", [np.zeros((3, 2)), np.full((1, 3, 2), np.nan), [[[1e12, 0]]]])
def test_what_is_no_polygon_is_refused(points: np.ndarray) -> None:
    with pytest.raises(InvalidArrayError):
        spans.spans_from_polygons(points)
