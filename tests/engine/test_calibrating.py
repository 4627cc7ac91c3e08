"""The temperature of networks that are too sure by a known amount, on drawn truth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from segmentation.engine.calibrating import (
    calibrate,
    calibrated,
    confidence_error,
    fit_temperature,
    known_pixels,
    surprise,
)
from segmentation.engine.cases import TrainingCase, Truth
from segmentation.engine.preprocessing import parse_recipe
from segmentation.engine.types import Picture
from segmentation.engine.uncertainty import tempered
from tests.engine.drawn import discs
from tests.engine.test_inference import CPU, Oracle, network, numbered
from tests.engine.test_uncertainty import ramp

RECIPE = parse_recipe({"steps": []})


def drawn(seed: int, classes: int, pixels: int, boast: float) -> tuple[np.ndarray, np.ndarray]:
    """Truth drawn from honest probabilities, and these as a network tells them that is too sure of
    itself by the factor ``boast`` on its logits."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (classes, pixels))
    honest = np.exp(logits) / np.exp(logits).sum(axis=0)
    edges = np.cumsum(honest, axis=0)
    truth = (rng.random(pixels) > edges[:-1]).sum(axis=0)
    told = np.exp(logits * boast)
    return (told / told.sum(axis=0)).astype(np.float32), truth.astype(np.int64)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("boast", [0.6, 1.0, 2.5])
def test_the_temperature_undoes_a_boast(classes: int, boast: float) -> None:
    known = drawn(classes, classes, 60_000, boast)
    found = fit_temperature(known)
    assert found == pytest.approx(boast, rel=0.06)
    if boast != 1:
        assert confidence_error(known, found) < confidence_error(known) / 3
        assert surprise(known, found) < surprise(known, 1.0)


def test_surprise_is_the_mean_of_logarithms() -> None:
    p = np.array([[0.8, 0.5], [0.2, 0.5]], np.float32)
    known = (p, np.array([0, 1]))
    assert surprise(known, 1.0) == pytest.approx(-(math.log(0.8) + math.log(0.5)) / 2)
    soft = tempered(p, 2.0)
    assert surprise(known, 2.0) == pytest.approx(-(math.log(soft[0, 0]) + math.log(0.5)) / 2)


def test_a_temperature_that_does_not_help_other_cases_is_not_kept() -> None:
    # One case boasts and the next is too modest: what mends one harms the other.
    cases = [drawn(k, 2, 4000, 3.0 if k % 2 else 0.4) for k in range(4)]
    entry = calibrated(cases)
    assert entry["temperature"] == 1
    assert entry["error"] == entry["error_without"]
    alike = calibrated([drawn(k, 2, 4000, 3.0) for k in range(4)])
    assert alike["temperature"] == pytest.approx(3.0, rel=0.1)
    assert alike["error"] < alike["error_without"] / 3
    assert (alike["cases"], alike["pixels"]) == (4, 16_000)
    assert calibrated(cases[:1]) == {}


def test_pixels_are_taken_on_the_network_s_grid_without_the_ignored() -> None:
    rng = np.random.default_rng(0)
    p = rng.random((1, 1, 40, 30)).astype(np.float32)
    classes = (rng.random((1, 40, 30)) < p[0]).astype(np.uint16)
    ignore = np.zeros((1, 40, 30), np.bool_)
    ignore[:, :10] = True
    known = known_pixels(ramp(), Picture(p), Truth(classes=classes, ignore=ignore), CPU)
    assert known is not None
    assert np.allclose(known[0][1], p[0, 0, 10:].reshape(-1), atol=1e-4)
    assert np.array_equal(known[1], classes[0, 10:].reshape(-1))
    # A card's own temperature is not counted twice.
    warm = ramp(calibration={"temperature": 3.0})
    again = known_pixels(warm, Picture(p), Truth(classes=classes, ignore=ignore), CPU)
    assert again is not None
    assert np.array_equal(again[0], known[0])
    few = known_pixels(ramp(), Picture(p), Truth(classes=classes), CPU, most=100)
    assert few is not None
    assert few[1].size == 100


def test_objects_count_as_one_class_and_other_tasks_say_nothing() -> None:
    truth = discs(3)[1]
    assert truth.instances is not None
    net = network("instance2d", Oracle())
    known = known_pixels(net, numbered(truth.instances), truth, CPU)
    assert known is not None
    assert known[0].shape[0] == 2
    assert (known[0].argmax(axis=0) == known[1]).all()
    boxes = network("boxes2d", Oracle())
    assert known_pixels(boxes, numbered(truth.instances), truth, CPU) is None


def test_validation_cases_become_the_card_s_entry() -> None:
    rng = np.random.default_rng(1)

    def case(name: str) -> TrainingCase:
        p = rng.random((1, 1, 64, 64)).astype(np.float32)
        honest = tempered(np.stack([1 - p[0], p[0]]), 2.0)[1]
        truth = Truth(classes=(rng.random(honest.shape) < honest).astype(np.uint16))
        return TrainingCase(name, lambda: (Picture(p), truth), name, "validation")

    entry = calibrate(ramp(), [case(str(k)) for k in range(4)], RECIPE)
    assert entry["temperature"] == pytest.approx(2.0, rel=0.1)
    assert calibrate(ramp(), [], RECIPE) == {}
