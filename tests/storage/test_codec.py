from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from segmentation.storage import codec
from segmentation.storage.codec import decode_samples, encode_samples

SHAPES = arrays.array_shapes(min_dims=1, max_dims=3, max_side=9)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
@given(drawn=st.data())
def test_every_array_comes_back_bit_by_bit(dtype: str, drawn: st.DataObject) -> None:
    plane = drawn.draw(arrays.arrays(dtype, SHAPES))
    again = decode_samples(encode_samples(plane), plane.dtype, plane.shape)
    assert again.dtype == plane.dtype
    assert np.array_equal(again, plane)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
def test_working_in_pieces_spells_the_same(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = np.iinfo(dtype)
    plane = np.random.default_rng(1).integers(kind.min, kind.max, (3, 7, 11), dtype=dtype)
    whole = encode_samples(plane)
    monkeypatch.setattr(codec, "PIECE", 16)
    assert encode_samples(plane) == whole
    assert np.array_equal(decode_samples(whole, plane.dtype, plane.shape), plane)


def test_the_spelling_is_differences_zigzag_and_byte_planes() -> None:
    # 5, 4, 260: differences 5, -1, 256; zigzag 10, 1, 512; low bytes 10 1 0, high bytes 0 0 2.
    plane = np.array([5, 4, 260], dtype=np.uint16)
    assert encode_samples(plane) == bytes([10, 1, 0, 0, 0, 2])


def test_signed_samples_wrap_around_like_their_bits() -> None:
    # -1 is 0xFFFF: the difference to 0 is -1, zigzag 1; from 0xFFFF to 0 the difference is +1: 2.
    plane = np.array([-1, 0], dtype=np.int16)
    assert encode_samples(plane) == bytes([1, 2, 0, 0])


def test_eight_bit_samples_have_one_byte_plane() -> None:
    # 255 is a step of -1: zigzag 1; then 255 -> 0 is a step of +1: zigzag 2.
    assert encode_samples(np.array([255, 0], dtype=np.uint8)) == bytes([1, 2])


def test_bytes_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="3 bytes are not 2 samples"):
        decode_samples(b"abc", np.dtype("uint16"), (2,))


def test_other_types_are_refused() -> None:
    with pytest.raises(ValueError, match="float32"):
        encode_samples(np.zeros(3, dtype=np.float32))
