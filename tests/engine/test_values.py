"""From stored samples to what a network sees."""

from __future__ import annotations

import numpy as np

from segmentation.engine.values import seen_values, turned


def test_turning_round_keeps_the_range_and_twice_changes_nothing() -> None:
    values = np.array([[-5, 0, 11]], np.int16)

    assert turned(values).tolist() == [[11.0, 6.0, -5.0]]
    assert turned(turned(values)).tolist() == values.tolist()


def test_values_that_need_no_change_are_not_copied() -> None:
    stored = np.arange(6, dtype=np.uint16)

    assert seen_values(stored, 1.0, 0.0, low_is_bright=False) is stored


def test_values_are_scaled_before_they_are_turned_round() -> None:
    stored = np.array([0, 10, 40], np.uint16)

    # 2 * v - 4 is -4, 16, 76; turned round within -4 … 76.
    assert seen_values(stored, 2.0, -4.0, low_is_bright=True).tolist() == [76.0, 56.0, -4.0]
