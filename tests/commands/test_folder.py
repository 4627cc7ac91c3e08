"""Which images are set aside for validation: whole groups of every kind, and never too many."""

from __future__ import annotations

from collections import Counter

import numpy as np

from segmentation.engine.cases import TrainingCase, Truth
from segmentation.engine.types import Picture
from segmentation.management.folder import set_aside


def cases(groups: dict[str, tuple[str, int]]) -> list[TrainingCase]:
    """``groups``: by name the kind of its images and how many there are."""
    blank = Picture(np.zeros((1, 1, 4, 4), np.uint8)), Truth()
    return [
        TrainingCase(f"{group}-{number}", lambda: blank, group, "train", 1.0, kind)
        for group, (kind, count) in groups.items()
        for number in range(count)
    ]


def aside(found: list[TrainingCase]) -> Counter[str]:
    return Counter(case.group for case in found if case.split == "validation")


MANY = {f"f{n}": ("fluorescence", 2) for n in range(50)}


def test_about_a_tenth_of_every_kind_is_set_aside() -> None:
    found = set_aside(cases(MANY | {f"h{n}": ("histology", 1) for n in range(20)}), seed=0)
    kinds = Counter(case.kind for case in found if case.split == "validation")
    assert kinds == {"fluorescence": 10, "histology": 2}


def test_a_group_is_never_divided_and_a_large_one_stays_for_training() -> None:
    groups = MANY | {"large": ("fluorescence", 60)}
    for seed in range(10):
        chosen = aside(set_aside(cases(groups), seed))
        assert "large" not in chosen
        assert all(count == 2 for count in chosen.values())


def test_where_no_group_is_small_enough_the_smallest_is_taken() -> None:
    groups = {f"g{n}": ("stained", 9 + n) for n in range(6)}
    assert aside(set_aside(cases(groups), seed=0)) == {"g0": 9}


def test_a_kind_of_a_single_group_is_learnt_from() -> None:
    chosen = aside(set_aside(cases(MANY | {"only": ("bright", 3)}), seed=0))
    assert "only" not in chosen


def test_the_choice_follows_the_seed_and_not_the_order() -> None:
    forward = cases(MANY)
    one = aside(set_aside(forward, seed=0))
    assert aside(set_aside(forward[::-1], seed=0)) == one
    assert aside(set_aside(forward, seed=1)) != one


def test_with_few_groups_every_image_is_learnt_from() -> None:
    assert not aside(set_aside(cases({"a": ("", 9), "b": ("", 9)}), seed=0))
