"""Images of several moments, predicted with networks whose answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from segmentation.engine import masks
from segmentation.engine.errors import CancelledError
from segmentation.engine.inference import segment
from segmentation.engine.moments import join_moments, segment_moments
from segmentation.engine.render import label_map
from segmentation.engine.types import Candidate, Picture, Segmentation
from tests.engine.drawn import discs
from tests.engine.test_inference import (
    CPU,
    Brightness,
    Oracle,
    assert_same_objects,
    network,
    numbered,
)


def found(task: Any, candidates: list[Candidate], uncertainty: float = 0.0) -> Segmentation:
    names = ("one", "two")
    return Segmentation(
        task, names, tuple(candidates), (), (2, 8, 8), 0.5, 0.4, uncertainty, "cpu", 1.0
    )


def square(z: int, score: float, side: int = 2, **more: Any) -> Candidate:
    mask = np.zeros((8, 8), bool)
    mask[:side, :side] = True
    return Candidate(1, score, (0, 0, side, side), {z: masks.encode(mask)}, **more)


def objects(seed: int, count: int) -> np.ndarray:
    truth = discs(seed, size=64, count=count)[1].instances
    assert truth is not None
    return truth


def test_one_moment_is_what_segment_says() -> None:
    picture = numbered(objects(1, 5))
    net = network("instance2d", Oracle())
    whole, alone = segment_moments(lambda t: picture, 1, net, CPU), segment(picture, net, CPU)
    assert np.array_equal(label_map(whole), label_map(alone))
    assert (whole.moments, whole.overlaps) == (1, alone.overlaps)


def test_objects_of_every_moment_stand_on_its_planes_and_suppress_nothing_elsewhere() -> None:
    """The same discs at two moments and others at a third: all are kept, each where it was."""
    same, other = objects(1, 5), objects(2, 4)
    truth = [same, other, same]
    net = network("instance2d", Oracle())
    whole = segment_moments(lambda t: numbered(truth[t]), 3, net, CPU)
    drawn = label_map(whole)
    assert drawn.shape == (3, 64, 64)
    for t, known in enumerate(truth):
        assert_same_objects(drawn[t : t + 1], known, 0.8)
    place_of = [{*candidate.slices} for candidate in whole.candidates]
    for i, j, _ in whole.overlaps:
        assert i < j
        assert place_of[i] == place_of[j]
    for candidate, places in zip(whole.candidates, place_of, strict=True):
        if candidate.suppressed_by is not None:
            assert place_of[candidate.suppressed_by] == places
    scores = [candidate.score for candidate in whole.candidates]
    assert scores == sorted(scores, reverse=True)


def test_who_suppressed_whom_is_told_by_the_new_places() -> None:
    first = found("instance2d", [square(0, 0.7), square(0, 0.6, suppressed_by=0, overlap=1.0)])
    second = found("instance2d", [square(1, 0.9), square(1, 0.8, suppressed_by=0, overlap=1.0)])
    joined = join_moments([first, second])
    assert [candidate.score for candidate in joined.candidates] == [0.9, 0.8, 0.7, 0.6]
    assert [candidate.suppressed_by for candidate in joined.candidates] == [None, 0, None, 2]
    assert [list(candidate.slices) for candidate in joined.candidates] == [[3], [3], [0], [0]]


def test_a_pixel_class_is_one_candidate_over_all_moments() -> None:
    """Scores 0.9 over 4 pixels and 0.5 over 16: (0.9 * 4 + 0.5 * 16) / 20 = 0.58."""
    parts = [
        found("semantic2d", [square(0, 0.9)], 0.2),
        found("semantic2d", []),
        found("semantic2d", [square(1, 0.5, side=4)], 0.1),
    ]
    (one,) = join_moments(parts).candidates
    assert one.score == pytest.approx(0.58)
    assert (sorted(one.slices), one.box) == ([0, 5], (0, 0, 4, 4))
    assert join_moments(parts).uncertainty == pytest.approx(0.1)


def test_an_image_label_is_the_mean_over_all_moments() -> None:
    parts = [
        found("labels2d", [Candidate(2, 0.9), Candidate(1, 0.2)]),
        found("labels2d", [Candidate(1, 0.6), Candidate(2, 0.1)]),
    ]
    said = [(one.label, round(one.score, 3)) for one in join_moments(parts).candidates]
    assert said == [(2, 0.5), (1, 0.4)]


def test_a_box_keeps_its_plane() -> None:
    box = Candidate(1, 0.9, (1, 1, 4, 4), z=1)
    joined = join_moments([found("boxes2d", []), found("boxes2d", [box])])
    assert joined.candidates[0].z == 3
    assert np.flatnonzero(label_map(joined).any(axis=(1, 2))).tolist() == [3]


def test_progress_counts_moments_and_cancelling_ends_in_the_middle() -> None:
    told: list[tuple[float, str]] = []
    net = network("semantic2d", Brightness())
    rng = np.random.default_rng(1)
    picture = Picture(rng.integers(0, 3, (1, 1, 64, 64)).astype(np.uint8))
    asked: list[int] = []

    def picture_at(t: int) -> Picture:
        asked.append(t)
        return picture

    segment_moments(picture_at, 4, net, CPU, progress=lambda part, word: told.append((part, word)))
    shares = [part for part, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert told[0][1].startswith("Moment 1 of 4: ")
    assert asked == [0, 1, 2, 3]
    asked.clear()
    with pytest.raises(CancelledError):
        segment_moments(picture_at, 4, net, CPU, cancelled=lambda: len(asked) > 1)
    assert asked == [0, 1]


def test_a_network_for_volumes_sees_one_moment_at_a_time() -> None:
    class Whole(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            assert x.shape[2] == 4, "four slices, whatever the moments"
            grey = x[:, 0]
            return torch.stack([0.5 - grey, grey - 0.5], dim=1) * 20

    net = network("semantic3d", Whole(), patch_zyx=[4, 64, 64])
    net = type(net)(net.task, ("one",), net.card, net.module)
    rng = np.random.default_rng(2)
    series = rng.integers(0, 2, (3, 1, 4, 64, 64)).astype(np.uint8)
    whole = segment_moments(lambda t: Picture(series[t]), 3, net, CPU)
    assert np.array_equal(label_map(whole), series[:, 0].reshape(12, 64, 64))
