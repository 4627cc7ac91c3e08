"""Run lengths against the plain mask they stand for."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segmentation.engine import masks
from segmentation.engine.errors import InvalidArrayError

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "run_lengths.json").read_text())

shapes = st.tuples(st.integers(1, 13), st.integers(1, 13))
one_mask = shapes.flatmap(lambda shape: hnp.arrays(np.bool_, shape))
two_masks = shapes.flatmap(
    lambda shape: st.tuples(hnp.arrays(np.bool_, shape), hnp.arrays(np.bool_, shape))
)


def slow_runs(mask: np.ndarray) -> list[int]:
    """Walk the pixels one by one: the obvious version."""
    lengths, value, length = [], False, 0
    for pixel in mask.reshape(-1).tolist():
        if pixel != value:
            lengths.append(length)
            value, length = pixel, 0
        length += 1
    if value:
        lengths.append(length)
    return lengths


@given(one_mask)
def test_encoding_equals_a_walk_over_the_pixels(mask: np.ndarray) -> None:
    assert masks.encode(mask).tolist() == slow_runs(mask)


@given(one_mask)
def test_a_mask_survives_runs_and_bytes(mask: np.ndarray) -> None:
    runs = masks.from_bytes(masks.to_bytes(masks.encode(mask)))
    assert runs.dtype == np.uint32
    assert np.array_equal(masks.decode(runs, mask.shape), mask)


@given(one_mask)
def test_area_box_and_row_spans_are_those_of_the_pixels(mask: np.ndarray) -> None:
    runs = masks.encode(mask)
    rows, columns = np.nonzero(mask)
    expected = (
        None if rows.size == 0 else (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    )
    assert masks.area(runs) == rows.size
    assert masks.bounding_box(runs, mask.shape[1]) == expected
    y, x1, x2 = masks.row_spans(runs, mask.shape[1])
    painted = np.zeros(mask.shape, dtype=int)
    for row, start, end in zip(y, x1, x2, strict=True):
        painted[row, start:end] += 1
    assert np.array_equal(painted, mask.astype(int))
    assert masks.from_row_spans(y, x1, x2, mask.shape[1]).tolist() == runs.tolist()


@given(two_masks)
def test_set_operations_equal_those_of_the_pixels(pair: tuple[np.ndarray, np.ndarray]) -> None:
    first, second = pair
    a, b = masks.encode(first), masks.encode(second)
    for ours, expected in (
        (masks.union(a, b), first | second),
        (masks.intersect(a, b), first & second),
        (masks.subtract(a, b), first & ~second),
    ):
        assert ours.tolist() == masks.encode(expected).tolist()
        assert ours.dtype == np.uint32


@given(shapes.flatmap(lambda shape: hnp.arrays(np.uint16, shape, elements=st.integers(0, 4))))
def test_labels_are_encoded_in_one_pass_as_one_by_one(labels: np.ndarray) -> None:
    encoded = masks.encode_labels(labels)
    assert list(encoded) == [v for v in np.unique(labels).tolist() if v]
    for value, runs in encoded.items():
        assert runs.tolist() == masks.encode(labels == value).tolist()


@given(one_mask, st.integers(-6, 9), st.integers(-6, 9))
def test_a_crop_is_encoded_where_it_lies_and_cut_at_the_edges(
    crop: np.ndarray, row: int, column: int
) -> None:
    whole = np.zeros((40, 40), dtype=bool)
    whole[14 + row :, 14 + column :][: crop.shape[0], : crop.shape[1]] = crop
    slice_ = whole[14:23, 14:21]
    assert masks.encode_at(crop, (row, column), (9, 7)).tolist() == masks.encode(slice_).tolist()


def test_painting_many_runs_equals_painting_few() -> None:
    mask = np.random.default_rng(5).random((200, 211)) < 0.3
    runs = masks.encode(mask)
    assert masks.edges_of(runs).size > 4096
    labels = np.full(mask.shape, 9, dtype=np.uint16)
    masks.paint(labels, runs, 4)
    assert np.array_equal(labels, np.where(mask, 4, 9))


@given(st.lists(st.integers(0, 5), max_size=12))
def test_runs_that_are_not_canonical_become_so(lengths: list[int]) -> None:
    values = [place % 2 for place, length in enumerate(lengths) for _ in range(length)]
    mask = np.array([[*values, 0]], dtype=bool)
    assert masks.canonical(lengths).tolist() == slow_runs(mask)
    assert masks.decode(np.array(lengths, dtype=np.uint32), mask.shape).tolist() == mask.tolist()


@settings(max_examples=200)
@given(st.lists(st.integers(1, 2**29), max_size=7))
def test_large_numbers_survive_the_bytes(lengths: list[int]) -> None:
    runs = masks.canonical(lengths)
    assert masks.from_bytes(masks.to_bytes(runs)).tolist() == runs.tolist()


@given(st.binary(max_size=24))
def test_any_bytes_are_either_a_mask_or_refused(encoded: bytes) -> None:
    try:
        runs = masks.from_bytes(encoded)
    except InvalidArrayError:
        return
    assert masks.from_bytes(masks.to_bytes(runs)).tolist() == runs.tolist()


def test_bytes_follow_leb128() -> None:
    # 300 = 0b10_0101100: low seven bits 0x2C with the "more follows" bit, then 0x02.
    assert masks.to_bytes(np.array([300, 1], dtype=np.uint32)) == bytes([0xAC, 0x02, 0x01])


@pytest.mark.parametrize(
    ("encoded", "word"),
    [
        (b"\x80", "middle of a number"),
        (b"\x01\xff\xff", "middle of a number"),
        (b"\x80\x80\x80\x80\x80\x01", "too long"),
        (b"\xff\xff\xff\xff\x7f", "more pixels"),
    ],
)
def test_damaged_bytes_are_refused_with_a_sentence(encoded: bytes, word: str) -> None:
    with pytest.raises(InvalidArrayError, match=word):
        masks.from_bytes(encoded)


def test_a_mask_longer_than_its_slice_is_refused() -> None:
    with pytest.raises(InvalidArrayError, match="another size"):
        masks.decode(np.array([8, 3], dtype=np.uint32), (2, 5))


def test_a_volume_is_not_a_mask() -> None:
    with pytest.raises(InvalidArrayError, match="two axes"):
        masks.encode(np.zeros((2, 2, 2), dtype=bool))


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_shared_vectors(case: dict) -> None:
    shape = (case["height"], case["width"])
    mask = np.array([[c == "1" for c in row] for row in case["rows"]], dtype=bool).reshape(shape)
    runs = masks.encode(mask)
    encoded = masks.to_bytes(runs)
    box = masks.bounding_box(runs, case["width"])
    assert base64.b64encode(encoded).decode() == case["base64"]
    assert masks.area(runs) == case["area"]
    assert (list(box) if box else None) == case["box"]
    assert masks.slice_digest(encoded) == case["digest"]
    assert np.array_equal(masks.decode(masks.from_bytes(encoded), shape), mask)
