"""The drawings of a network's card: what they show, and what they must not."""

from __future__ import annotations

import numpy as np

from tests.benchmarks.failures import (
    FOUND,
    HEADING,
    INVENTED,
    MISSED,
    OTHER,
    TRUTH,
    Case,
    picture,
    section,
    with_section,
    worst,
)


def case(name="a", kind="", figure=0.5, classes=False, found=None) -> Case:
    truth = np.zeros((2, 64, 64), np.uint16)
    truth[1, 8:24, 8:24] = 1
    drawn = np.zeros_like(truth) if found is None else found
    figures = {"ap50": figure, "found": 3.0, "missed": 1.0, "invented": 2.0}
    return Case(name, kind, figure, figures, truth, drawn, classes)


def colours(pixels) -> set[tuple[int, ...]]:
    return {tuple(pixel) for pixel in pixels.reshape(-1, 3).tolist()}


def test_the_slice_that_differs_most_is_drawn_truth_answer_and_difference_side_by_side() -> None:
    found = np.zeros((2, 64, 64), np.uint16)
    found[1, 8:24, 16:32] = 7  # half of the square is missed, as much again invented
    drawn = picture(case(found=found))
    left, middle, right = (drawn[:, k * 262 : k * 262 + 256] for k in range(3))
    assert TRUTH in colours(left)
    assert FOUND in colours(middle)
    assert {MISSED, INVENTED} <= colours(right)
    missed = (right == MISSED).all(axis=2).sum() + (right == TRUTH).all(axis=2).sum()
    # 16 x 8 pixels, four times as wide and high here; the outline goes over some of both halves.
    assert missed >= 16 * 8 * 16


def test_another_label_is_no_mistake_of_objects_but_one_of_classes() -> None:
    found = np.zeros((2, 64, 64), np.uint16)
    found[1, 8:24, 8:24] = 2
    assert OTHER not in colours(picture(case(found=found)))
    assert OTHER in colours(picture(case(found=found, classes=True)))


def test_each_kind_shows_its_worst_and_the_only_kind_its_worst_two() -> None:
    some = [case("a", "x", 0.9), case("b", "x", 0.1), case("c", "y", 0.8), case("d", "x", 0.2)]
    assert [(name, one.id) for name, one in worst(some)] == [("x", "b"), ("y", "c")]
    only = [one for one in some if one.kind == "x"]
    assert [(name, one.id) for name, one in worst(only)] == [("1", "b"), ("2", "d")]


def test_the_section_is_put_before_the_limits_and_written_anew_the_next_time() -> None:
    readme = "# net\n\n## Figures\n\nmany\n\n## Limits\n\n- some\n"
    once = with_section(readme, section({"1": case("first")}))
    assert once.index("## Figures") < once.index(HEADING) < once.index("## Limits")
    assert "![first in outlines](worst-1.png)" in once
    assert "of 4 objects 3 found, 1 missed, 2 invented" in once
    twice = with_section(once, section({"1": case("second")}))
    assert twice == once.replace("first", "second")
