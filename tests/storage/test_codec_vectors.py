"""The spelling of samples against the vectors that the page's decoder is held to as well."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from segmentation.storage.codec import decode_samples, encode_samples

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "slice_codec.json").read_text())


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_shared_vectors(case: dict) -> None:
    samples = np.array(case["samples"], dtype=case["dtype"]).reshape(case["shape"])
    content = encode_samples(samples)
    assert base64.b64encode(content).decode() == case["base64"]
    back = decode_samples(content, samples.dtype, samples.shape)
    assert back.dtype == samples.dtype
    assert np.array_equal(back, samples)


def test_a_view_of_an_array_is_spelled_in_its_own_order() -> None:
    turned = np.arange(60, dtype=np.int16).reshape(3, 4, 5)[:, ::-1, ::2]
    assert encode_samples(turned) == encode_samples(turned.copy())
