"""Which network suits which image, and the reason a person reads."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.engine.suitability import suits
from segmentation.engine.types import Picture

CARD = {
    "name": "hippocampus",
    "kinds": ["mr"],
    "modalities": ["MR", ""],
    "dimensions": 3,
    "channels": 1,
    "spacing_mm": {"min": 0.8, "max": 1.2},
    "extent_mm": {"min": [20, 30, 20], "max": [64, 80, 64]},
    "intensity": None,
}


def picture(**changes) -> Picture:
    shape = changes.pop("shape", (1, 36, 50, 35))
    return Picture(
        np.zeros(shape, np.uint8),
        changes.get("spacing_mm", (1.0, 1.0, 1.0)),
        changes.get("modality", "MR"),
    )


def test_an_image_like_those_it_was_made_for_suits() -> None:
    fits, reason = suits(CARD, picture(), "mr")
    assert fits
    assert "hippocampus" in reason


@pytest.mark.parametrize(
    ("image", "kind", "why"),
    [
        (picture(), "ct", "the image is CT"),
        (picture(modality="CT"), "", "the image is CT"),
        (picture(shape=(1, 1, 50, 35)), "", "a single slice"),
        (picture(shape=(3, 36, 50, 35)), "", "colour"),
        (picture(shape=(4, 36, 50, 35)), "", "4 channels"),
        (picture(spacing_mm=(1.0, 0.4, 0.4)), "", "0.4 mm apart"),
        (picture(shape=(1, 180, 220, 180)), "", "180 x 220 x 180 mm"),
    ],
)
def test_what_does_not_fit_is_the_reason(image, kind, why) -> None:
    fits, reason = suits(CARD, image, kind)
    assert not fits
    assert why in reason


def test_a_volume_does_not_suit_a_network_for_single_images() -> None:
    fits, reason = suits({"name": "nuclei", "dimensions": 2}, picture(shape=(1, 9, 64, 64)))
    assert not fits
    assert "9 slices" in reason


def test_values_outside_the_range_do_not_suit() -> None:
    bright = Picture(np.full((1, 1, 4, 4), 4000, np.int16))
    card = {"name": "ct", "intensity": {"min": -1024, "max": 3071}}
    assert not suits(card, bright)[0]
    assert suits({**card, "intensity": {"min": -1024, "max": 5000}}, bright)[0]


def test_a_card_that_says_little_refuses_little() -> None:
    assert suits({"name": "any"}, picture(spacing_mm=None, modality="XX"), "photo")[0]
