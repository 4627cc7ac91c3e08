from __future__ import annotations

import io

import numpy as np
from PIL import Image

from segmentation.storage.pictures import eight_bit, preview_jpeg, thumbnail_jpeg


def test_a_window_spreads_its_values_over_black_to_white() -> None:
    # Centre 100, width 200: 0 is black, 200 white, 50 a quarter of the way (63.75).
    plane = np.array([[[-500, 0, 50, 200, 900]]], dtype=np.int16)
    assert eight_bit(plane, (100, 200)).tolist() == [[0, 0, 64, 255, 255]]


def test_inverted_images_show_low_values_bright() -> None:
    plane = np.array([[[0, 200]]], dtype=np.int16)
    assert eight_bit(plane, (100, 200), inverted=True).tolist() == [[255, 0]]


def test_colour_stays_as_it_is() -> None:
    plane = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    shown = eight_bit(plane, None)
    assert shown.shape == (2, 2, 3)
    assert shown[0, 1].tolist() == [1, 5, 9]


def test_two_channels_become_red_and_green() -> None:
    plane = np.zeros((2, 1, 2), dtype=np.uint16)
    plane[1, 0, 1] = 4000
    assert eight_bit(plane, None)[0, 1].tolist() == [0, 255, 0]


def test_a_flat_image_is_black_and_no_error() -> None:
    assert eight_bit(np.full((1, 3, 3), 7, dtype=np.uint8), None).max() == 0


def test_a_thumbnail_is_a_small_jpeg_and_a_preview_is_not_scaled() -> None:
    plane = np.random.default_rng(1).integers(0, 255, (1, 300, 600), dtype=np.uint8)
    small = Image.open(io.BytesIO(thumbnail_jpeg(plane, None)))
    assert (small.format, small.size) == ("JPEG", (192, 96))
    assert Image.open(io.BytesIO(preview_jpeg(plane, None))).size == (600, 300)
