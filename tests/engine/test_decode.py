"""Decoding on drawn maps: what a perfect network would say must come back as the truth."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.engine.decode import (
    MOST_CANDIDATES,
    THINNING_IOU,
    Proposals,
    join,
    propose,
    refine,
    thin,
)
from segmentation.engine.networks.star import Grid
from segmentation.engine.spans import Spans
from segmentation.engine.targets import star_targets
from tests.engine.drawn import discs


def drawn(spans: Spans, index: int, shape: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(shape, bool)
    for k in range(spans.offsets[index], spans.offsets[index + 1]):
        mask[spans.y[k], spans.x1[k] : spans.x2[k]] = True
    return mask


def perfect(labels: np.ndarray, grid: Grid = 4) -> tuple[Proposals, np.ndarray]:
    targets = star_targets(labels, None, None, 32, grid)
    proposals = propose(
        targets.probability, np.log(np.maximum(targets.rays, 0.5)), 0.2, (0, 0), grid
    )
    return proposals, targets.foreground * np.uint8(255)


def test_proposals_stand_best_first_with_their_tile_s_offset() -> None:
    probability = np.array([[0.1, 0.9], [0.5, 0.9]], np.float32)
    found = propose(probability, np.log(np.full((8, 2, 2), 3, np.float32)), 0.3, (100, 200))
    assert np.allclose(found.rays, 3)
    assert found.scores.tolist() == pytest.approx([0.9, 0.9, 0.5])
    # Grid point (0, 1) stands at the middle of pixel (2, 6); ties go by row, then column.
    assert found.centres.tolist() == [[102.5, 206.5], [106.5, 206.5], [106.5, 202.5]]
    found = propose(probability, np.zeros((8, 2, 2), np.float32), 0.3, (100, 200), 2)
    # On a grid of two it stands at the middle of pixel (1, 3).
    assert found.centres.tolist() == [[101.5, 203.5], [103.5, 203.5], [103.5, 201.5]]


def test_tiles_joined_in_any_order_give_the_same_list() -> None:
    rng = np.random.default_rng(0)
    parts = [
        propose(rng.random((4, 4), np.float32), rng.random((8, 4, 4), np.float32), 0.2, (y, 0))
        for y in (0, 16, 32)
    ]
    one, other = join(parts, 8), join(parts[::-1], 8)
    assert np.array_equal(one.centres, other.centres)
    assert np.array_equal(one.rays, other.rays)
    assert len(join([], 8)) == 0


def test_thinning_keeps_one_proposal_per_lone_disc_s_middle_and_the_best_of_all() -> None:
    labels = discs(1)[1].instances[0]
    proposals, _ = perfect(labels)
    left = thin(proposals)
    assert 6 <= len(left) < len(proposals) / 2
    assert left.scores[0] == proposals.scores[0]


def test_thinning_keeps_a_small_object_inside_a_large_one() -> None:
    rays = np.stack([np.full(32, 20.0), np.full(32, 6.0)]).astype(np.float32)
    centres = np.array([[32, 32], [32, 38]], np.float32)
    both = Proposals(centres, rays, np.array([0.9, 0.8], np.float32))
    assert THINNING_IOU > (6 / 20) ** 2
    assert len(thin(both)) == 2


def test_a_flood_of_proposals_is_capped() -> None:
    centres = np.stack(np.meshgrid(np.arange(90) * 8.0, np.arange(90) * 8.0), -1).reshape(-1, 2)
    rays = np.full((len(centres), 8), 2, np.float32)
    scores = np.linspace(1, 0.5, len(centres), dtype=np.float32)
    assert len(thin(Proposals(centres.astype(np.float32), rays, scores))) == MOST_CANDIDATES


@pytest.mark.parametrize("grid", [2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_perfect_maps_give_back_every_disc_to_the_pixel(seed, grid) -> None:
    labels = discs(seed)[1].instances[0]
    proposals, foreground = perfect(labels, grid)
    best = thin(proposals)
    spans = refine(best, foreground, 0.5, 0.4)
    for value in range(1, int(labels.max()) + 1):
        truth = labels == value
        overlaps = []
        for index in range(len(best)):
            mask = drawn(spans, index, labels.shape)
            overlaps.append((mask & truth).sum() / (mask | truth).sum())
        assert max(overlaps) > 0.97


def test_touching_objects_share_no_pixel_and_get_their_seam_back() -> None:
    labels = np.zeros((64, 64), np.uint16)
    labels[16:48, 8:32] = 1
    labels[16:48, 32:56] = 2
    proposals, foreground = perfect(labels)
    middles = [int(np.flatnonzero(proposals.centres[:, 1] < 32)[0])]
    middles.append(int(np.flatnonzero(proposals.centres[:, 1] >= 32)[0]))
    pair = proposals.take(np.array(sorted(middles)))
    spans = refine(pair, foreground, 0.5, 0.4)
    first, second = (drawn(spans, k, labels.shape) for k in (0, 1))
    assert not (first & second).any()
    for mask in (first, second):
        truth = labels == np.bincount(labels[mask]).argmax()
        assert (mask & truth).sum() / (mask | truth).sum() > 0.95


def test_only_a_fine_grid_sees_objects_of_three_pixels_side_by_side() -> None:
    labels = np.zeros((32, 32), np.uint16)
    labels[8:11, 7:10] = 1
    labels[8:11, 11:14] = 2
    assert len(perfect(labels, 4)[0]) < 2
    proposals, _ = perfect(labels, 2)
    sides = proposals.centres[:, 1] > 10.5
    assert sides.any()
    assert not sides.all()


def test_a_hole_in_the_foreground_is_filled() -> None:
    labels = np.zeros((64, 64), np.uint16)
    labels[16:48, 16:48] = 1
    proposals, foreground = perfect(labels)
    foreground[28:34, 28:34] = 0
    mask = drawn(refine(proposals.take(np.array([0])), foreground, 0.5, 0.4), 0, labels.shape)
    assert mask[28:34, 28:34].all()


def test_where_the_fine_map_says_nothing_the_polygon_stays() -> None:
    one = Proposals(
        np.array([[32, 32]], np.float32), np.full((1, 32), 10, np.float32), np.ones(1, np.float32)
    )
    mask = drawn(refine(one, np.zeros((64, 64), np.uint8), 0.5, 0.4), 0, (64, 64))
    assert mask.sum() == pytest.approx(np.pi * 100, rel=0.05)


def test_a_suppressed_proposal_keeps_a_mask_of_its_own() -> None:
    """Whoever lowers the cut-off later must find more than crumbs."""
    labels = np.zeros((64, 64), np.uint16)
    labels[16:48, 16:48] = 1
    _, foreground = perfect(labels)
    rays = np.full((2, 32), 14, np.float32)
    centres = np.array([[32, 32], [32, 36]], np.float32)
    pair = Proposals(centres, rays, np.array([0.9, 0.8], np.float32))
    spans = refine(pair, foreground, 0.5, 0.4)
    assert spans.areas[1] > 0.8 * spans.areas[0]


def test_nothing_proposed_is_nothing_refined() -> None:
    spans = refine(join([], 8), np.zeros((16, 16), np.uint8), 0.5, 0.4)
    assert len(spans) == 0
