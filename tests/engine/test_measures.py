"""Lengths and angles, on the cases that the page's own functions pass too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmentation.engine.errors import InvalidArrayError
from segmentation.engine.measures import corner_angle, line_length

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "measures.json").read_text())


@pytest.mark.parametrize("case", VECTORS, ids=[case["why"] for case in VECTORS])
def test_the_figures_are_those_of_the_shared_cases(case: dict[str, Any]) -> None:
    measure = line_length if case["kind"] == "length" else corner_angle
    told = measure(case["points"], case["spacing_zyx"])
    assert told == (None if case["value"] is None else pytest.approx(case["value"], abs=1e-9))


def test_an_angle_does_not_depend_on_how_the_legs_are_turned() -> None:
    rng = np.random.default_rng(5)
    for degrees in (0.001, 17.0, 90.0, 179.999):
        turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        bent = np.radians(degrees)
        legs = np.array([[2.0, 0, 0], [0, 0, 0], [3 * np.cos(bent), 3 * np.sin(bent), 0]])
        assert corner_angle(legs @ turn, None) == pytest.approx(degrees, abs=1e-9)


@pytest.mark.parametrize("points", [[[0, 0, 0]], [[0, 0], [1, 1]], [[0, 0, 0], [np.nan, 0, 0]]])
def test_points_that_are_none_are_refused(points: list[list[float]]) -> None:
    with pytest.raises(InvalidArrayError):
        line_length(points, None)
