"""Suppression against the slow, obvious rule on whole masks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from segmentation.engine import geometry, nms, spans
from segmentation.engine.errors import InvalidArrayError

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "nms.json").read_text())


def slow_shares(shapes: np.ndarray) -> np.ndarray:
    """Return intersection over smaller area for every pair of masks, pixel by pixel."""
    n = len(shapes)
    shares = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            smaller = min(shapes[i].sum(), shapes[j].sum())
            if smaller:
                shares[i, j] = (shapes[i] & shapes[j]).sum() / smaller
    return shares


def slow_suppress(
    shares: np.ndarray, scores: np.ndarray, groups: np.ndarray, cutoff: float
) -> nms.Suppression:
    n = len(scores)
    kept: list[int] = []
    by, overlap = np.full(n, -1), np.zeros(n)
    for i in sorted(range(n), key=lambda k: (-scores[k], k)):
        rivals = [j for j in kept if groups[j] == groups[i] and shares[i, j] > cutoff]
        if rivals:
            by[i], overlap[i] = rivals[0], shares[i, rivals[0]]
        else:
            kept.append(i)
    return nms.Suppression(by < 0, by, overlap)


def assert_equal(ours: nms.Suppression, expected: nms.Suppression) -> None:
    assert ours.keep.tolist() == expected.keep.tolist()
    assert ours.suppressed_by.tolist() == expected.suppressed_by.tolist()
    assert ours.overlap.tolist() == expected.overlap.tolist()


def random_case(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Draw blobs with holes, noise, empty masks and a field-wide one; few distinct scores."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 40))
    y, x = np.mgrid[:40, :53]
    shapes = np.zeros((n, 40, 53), dtype=bool)
    for i in range(n):
        cy, cx, radius = rng.uniform(0, 40), rng.uniform(0, 53), rng.uniform(1, 11)
        distance = np.hypot(y - cy, x - cx)
        shapes[i] = (distance < radius) & (distance >= radius * rng.choice([0, 0, 0.5]))
        shapes[i] &= rng.random((40, 53)) < rng.choice([1, 1, 0.6])
    if n > 6:
        shapes[3], shapes[5] = False, rng.random() < 0.5
    scores = rng.integers(0, 8, n) / 8
    return shapes, scores, rng.integers(0, 1 + seed % 3, n), float(rng.choice([0, 0.2, 0.5, 1]))


@pytest.mark.parametrize("seed", range(40))
def test_suppression_equals_the_slow_rule(seed: int) -> None:
    shapes, scores, groups, cutoff = random_case(seed)
    expected = slow_suppress(slow_shares(shapes), scores, groups, cutoff)
    drawn = spans.spans_from_masks(shapes)
    assert_equal(nms.suppress(drawn, scores, groups, cutoff), expected)
    pairs = nms.pairwise_overlaps(drawn, groups)
    assert_equal(nms.resolve(scores, pairs, -1, cutoff), expected)


@pytest.mark.parametrize("seed", range(10))
def test_volumes_are_suppressed_by_the_same_rule(seed: int) -> None:
    rng = np.random.default_rng(seed)
    z, y, x = np.mgrid[:7, :12, :15]
    n = int(rng.integers(1, 30))
    shapes = np.zeros((n, 7, 12, 15), dtype=bool)
    for i in range(n):
        centre, radius = rng.uniform(0, [7, 12, 15]), rng.uniform(0.5, 4)
        shapes[i] = np.linalg.norm(np.stack([z, y, x], -1) - centre, axis=-1) < radius
    scores, groups = rng.integers(0, 8, n) / 8, rng.integers(0, 2, n)
    expected = slow_suppress(slow_shares(shapes), scores, groups, 0.2)
    assert_equal(nms.suppress(spans.spans_from_volumes(shapes), scores, groups, 0.2), expected)


@pytest.mark.parametrize("seed", range(20))
def test_pairs_are_all_that_overlap_in_order(seed: int) -> None:
    shapes, _, groups, floor = random_case(seed)
    shares = slow_shares(shapes)
    expected = [
        (i, j, shares[i, j])
        for i in range(len(shapes))
        for j in range(i + 1, len(shapes))
        if groups[i] == groups[j] and shares[i, j] > floor
    ]
    i, j, share = nms.pairwise_overlaps(spans.spans_from_masks(shapes), groups, floor)
    assert list(zip(i.tolist(), j.tolist(), share.tolist(), strict=True)) == expected


@pytest.mark.parametrize("seed", range(10))
def test_the_fallback_without_compiler_is_equal(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes, scores, groups, cutoff = random_case(seed)
    drawn = spans.spans_from_masks(shapes)
    expected = nms.suppress(drawn, scores, groups, cutoff)
    pairs = nms.pairwise_overlaps(drawn, groups, cutoff)
    monkeypatch.setattr(nms, "AVAILABLE", False)
    assert_equal(nms.suppress(drawn, scores, groups, cutoff), expected)
    for ours, theirs in zip(nms.pairwise_overlaps(drawn, groups, cutoff), pairs, strict=True):
        assert ours.tolist() == theirs.tolist()


@pytest.mark.parametrize("seed", range(20))
def test_boxes_equal_the_slow_rule(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 120))
    corner = rng.uniform(-20, 60, (n, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(-1, 25, (n, 2))], axis=1)
    scores, groups = rng.integers(0, 9, n) / 9, rng.integers(0, 2, n)
    expected = slow_suppress(geometry.box_iou(boxes, boxes), scores, groups, 0.3)
    ours = nms.suppress_boxes(boxes, scores, groups, 0.3)
    assert ours.suppressed_by.tolist() == expected.suppressed_by.tolist()
    assert np.allclose(ours.overlap, expected.overlap, rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_a_crowd_is_resolved_as_pair_by_pair(seed: int) -> None:
    rng = np.random.default_rng(seed)
    angles = np.arange(32) * 2 * np.pi / 32
    rays = 8 * (1 + 0.2 * rng.random((2000, 32, 1)))
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    drawn = spans.spans_from_polygons(rng.uniform(0, 150, (2000, 1, 2)) + rays * directions)
    scores, groups = rng.random(2000), np.zeros(2000)
    once = nms.suppress(drawn, scores, groups, 0.4)
    assert 50 < once.keep.sum() < 400
    again = nms.resolve(scores, nms.pairwise_overlaps(drawn, groups, 0.4), -1, 0.4)
    assert_equal(again, once)


def test_the_order_of_candidates_does_not_matter_where_scores_differ() -> None:
    shapes, _, groups, _ = random_case(7)
    scores = np.random.default_rng(1).permutation(len(shapes)) / len(shapes)
    turn = np.random.default_rng(2).permutation(len(shapes))
    straight = nms.suppress(spans.spans_from_masks(shapes), scores, groups, 0.2)
    turned = nms.suppress(spans.spans_from_masks(shapes[turn]), scores[turn], groups[turn], 0.2)
    assert turned.keep.tolist() == straight.keep[turn].tolist()


def test_a_candidate_may_come_back_when_its_suppressor_goes() -> None:
    # 0 suppresses 1, and 1 would suppress 2. With 0 below the score cut-off 1 is back, 2 goes.
    pairs = (np.array([0, 1]), np.array([1, 2]), np.array([0.8, 0.8]))
    assert nms.resolve([0.9, 0.8, 0.7], pairs, 0.0, 0.5).keep.tolist() == [True, False, True]
    low = nms.resolve([0.1, 0.8, 0.7], pairs, 0.5, 0.5)
    assert low.keep.tolist() == [False, True, False]
    assert low.suppressed_by.tolist() == [-1, -1, 1]


def test_far_apart_and_field_wide_shapes_need_little_memory() -> None:
    boxes = [(0, 0, 1, 1), (1e9, 1e9, 1e9 + 1, 1e9 + 1), (0, 0, 2e9, 2e9), (0, 0, 1, 1)]
    kept = nms.suppress_boxes(boxes, [0.9, 0.8, 0.7, 0.6], [0, 0, 0, 0], 0.5)
    assert kept.suppressed_by.tolist() == [-1, -1, -1, 0]


def test_nothing_comes_of_nothing() -> None:
    none = spans.spans_from_masks([])
    assert nms.suppress(none, [], [], 0.4).keep.shape == (0,)
    assert nms.suppress_boxes(np.zeros((0, 4)), [], [], 0.4).keep.shape == (0,)
    assert [column.size for column in nms.pairwise_overlaps(none, [])] == [0, 0, 0]
    assert nms.resolve([], ([], [], []), 0, 0.4).keep.shape == (0,)


@pytest.mark.parametrize(
    ("scores", "groups", "cutoff"),
    [([1], [0, 0], 0.5), ([1, np.nan], [0, 0], 0.5), ([1, 2], [0, 0], 1.5), ([1, 2], [0], 0)],
)
def test_candidates_that_do_not_fit_are_refused(
    scores: list[float], groups: list[int], cutoff: float
) -> None:
    with pytest.raises(InvalidArrayError):
        nms.suppress(spans.spans_from_masks(np.ones((2, 3, 3))), scores, groups, cutoff)


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_shared_vectors(case: dict) -> None:
    pairs = tuple(np.array(case["pairs"], dtype=float).reshape(-1, 3).T)
    same = [case["groups"][int(i)] == case["groups"][int(j)] for i, j, _ in case["pairs"]]
    assert all(same), "pairs are listed within one group only"
    ours = nms.resolve(
        case["scores"],
        (pairs[0].astype(int), pairs[1].astype(int), pairs[2]),
        case["score_cutoff"],
        case["overlap_cutoff"],
    )
    assert ours.keep.tolist() == case["keep"]
    assert ours.suppressed_by.tolist() == case["suppressed_by"]
