"""COCO's run lengths against the reference package."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segmentation.engine import masks
from segmentation.engine.coco_runs import from_coco_counts, to_coco_counts, to_coco_string
from segmentation.engine.errors import InvalidArrayError

one_mask = st.tuples(st.integers(1, 40), st.integers(1, 9)).flatmap(
    lambda shape: hnp.arrays(np.bool_, shape)
)


@given(one_mask)
def test_strings_equal_those_of_pycocotools(mask: np.ndarray) -> None:
    coco = pytest.importorskip("pycocotools.mask")
    theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
    runs = masks.encode(mask)
    assert to_coco_string(runs, mask.shape) == theirs
    assert from_coco_counts(theirs, mask.shape).tolist() == runs.tolist()


@given(one_mask)
def test_counts_walk_down_the_columns(mask: np.ndarray) -> None:
    counts = to_coco_counts(masks.encode(mask), mask.shape)
    values = [place % 2 for place, count in enumerate(counts) for _ in range(count)]
    assert values == mask.T.reshape(-1).astype(int).tolist()
    assert np.array_equal(masks.decode(from_coco_counts(counts, mask.shape), mask.shape), mask)


@given(one_mask, st.tuples(*[st.integers(0, 5)] * 4))
def test_a_small_mask_in_a_large_slice_is_the_same_as_drawn_whole(
    mask: np.ndarray, margins: tuple[int, int, int, int]
) -> None:
    top, bottom, left, right = margins
    whole = np.pad(mask, ((top, bottom), (left, right)))
    slow = masks.encode(masks.decode(masks.encode(whole), whole.shape).T).tolist()
    rest = whole.size - sum(slow)
    assert to_coco_counts(masks.encode(whole), whole.shape) == ([*slow, rest] if rest else slow)


def test_runs_that_are_longer_than_the_slice_are_refused() -> None:
    runs = masks.encode(np.ones((4, 5), dtype=bool))
    with pytest.raises(InvalidArrayError, match="4 rows"):
        to_coco_counts(runs, (3, 5))


def test_a_long_run_needs_several_characters() -> None:
    mask = np.zeros((400, 500), dtype=bool)
    mask[100:300, 50:450] = True
    coco = pytest.importorskip("pycocotools.mask")
    theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
    assert to_coco_string(masks.encode(mask), mask.shape) == theirs


@pytest.mark.parametrize(
    ("counts", "word"),
    [([3, 4], "7 pixels"), ([-1, 7], "6 pixels"), ("a b", "no part"), ("0P", "middle")],
)
def test_damaged_counts_are_refused(counts: list[int] | str, word: str) -> None:
    with pytest.raises(InvalidArrayError, match=word):
        from_coco_counts(counts, (2, 3))
