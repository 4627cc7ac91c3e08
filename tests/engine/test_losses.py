"""Losses: worked-out values, nothing from ignored pixels, and gradients where they belong."""

from __future__ import annotations

import math

import pytest
import torch

from segmentation.engine.losses import (
    StarTruth,
    label_loss,
    polar_iou_loss,
    semantic_loss,
    soft_dice_loss,
    star_loss,
)
from segmentation.engine.networks.star import StarOutput
from segmentation.engine.targets import IGNORED


def test_polar_iou_of_rays_twice_too_long_is_a_half_whatever_the_size() -> None:
    weight = torch.ones(1, 2, 2)
    for size in (3.0, 300.0):
        rays = torch.full((1, 8, 2, 2), size)
        assert polar_iou_loss((2 * rays).log(), rays, weight).item() == pytest.approx(0.5)
        assert polar_iou_loss(rays.log(), rays, weight).item() == pytest.approx(0.0, abs=1e-6)


def test_polar_iou_without_any_object_is_zero() -> None:
    rays = torch.zeros(1, 8, 2, 2)
    assert polar_iou_loss(rays, rays, torch.zeros(1, 2, 2)).item() == 0


def test_soft_dice_of_truth_is_zero_and_of_its_opposite_nearly_one() -> None:
    truth = torch.zeros(1, 1, 10, 10)
    truth[..., :5] = 1
    known = torch.ones(1, 1, 10, 10)
    assert soft_dice_loss(truth, truth, known).item() == pytest.approx(0)
    assert soft_dice_loss(1 - truth, truth, known).item() == pytest.approx(1 - 1 / 101)


def test_semantic_loss_ignores_what_is_unknown() -> None:
    logits = torch.zeros(1, 3, 4, 4)
    logits[:, 1] = 5
    classes = torch.ones(1, 4, 4, dtype=torch.uint8)
    classes[:, :2] = IGNORED
    worse = logits.clone()
    worse[:, 2, :2] = 50  # nonsense, but only where nothing is known
    assert semantic_loss(worse, classes).item() == semantic_loss(logits, classes).item()


def test_semantic_loss_of_a_wholly_ignored_crop_gives_no_gradient() -> None:
    logits = torch.randn(1, 2, 4, 4, requires_grad=True)
    semantic_loss(logits, torch.full((1, 4, 4), IGNORED, dtype=torch.uint8)).backward()
    assert logits.grad is not None
    assert not logits.grad.any()


def star_case(classes: int = 0) -> tuple[StarOutput, StarTruth]:
    output = StarOutput(
        torch.zeros(1, 1, 4, 4, requires_grad=True),
        torch.zeros(1, 8, 4, 4, requires_grad=True),
        torch.zeros(1, 1 + classes, 16, 16, requires_grad=True),
    )
    truth = StarTruth(
        torch.zeros(1, 4, 4),
        torch.ones(1, 8, 4, 4),
        torch.zeros(1, 16, 16, dtype=torch.uint8),
        torch.zeros(1, 16, 16, dtype=torch.uint8),
        torch.ones(1, 4, 4),
    )
    return output, truth


def test_star_loss_of_an_empty_image_is_finite_and_moves_no_ray() -> None:
    output, truth = star_case()
    loss = star_loss(output, truth)
    loss.backward()
    # Every logit is 0: BCE ln 2, half of (BCE ln 2 + Dice of p = 0.5 over 256 pixels).
    assert loss.item() == pytest.approx(1.5 * math.log(2) + 0.5 * (1 - 1 / 129), abs=1e-4)
    assert output.log_rays.grad is None or not output.log_rays.grad.any()


def test_a_point_of_more_weight_costs_more_and_one_of_none_nothing() -> None:
    output, truth = star_case()
    wrong = StarOutput(output.probability.detach().clone(), output.log_rays, output.fine)
    wrong.probability[0, 0, 1, 1] = 5.0
    costs = []
    for weight in (0.0, 1.0, 3.0):
        truth.weight[0, 1, 1] = weight
        costs.append(star_loss(wrong, truth).item())
    assert costs[0] == pytest.approx(star_loss(output, truth).item())
    assert costs[0] < costs[1] < costs[2]


def test_star_loss_teaches_the_class_only_inside_objects() -> None:
    output, truth = star_case(classes=2)
    truth.classes[0, :4, :4] = 2
    star_loss(output, truth).backward()
    assert output.fine.grad is not None
    assert output.fine.grad[0, 1:, :4, :4].abs().min() > 0
    assert not output.fine.grad[0, 1:, 4:].any()


def test_a_rare_label_weighs_by_the_root_of_its_share() -> None:
    """Label 1 fills 100 pixels and is right for certain, label 2 fills 4 and is a guess of two."""
    output, truth = star_case(classes=2)
    plain = star_loss(output, truth).item()
    truth.classes[0, :10, :10] = 1
    truth.classes[0, 12:14, 12:14] = 2
    fine = output.fine.detach().clone()
    fine[0, 1, :10, :10] = 50.0
    told = star_loss(StarOutput(output.probability, output.log_rays, fine), truth).item() - plain
    # Root weights: sums 100 / 10 = 10 and 4 / 2 = 2; CE counts half in the loss.
    assert told == pytest.approx(0.5 * math.log(2) * 2 / 12, abs=1e-5)


def test_label_loss_takes_zero_as_none_of_the_labels() -> None:
    sure_of_none = torch.full((1, 3), -20.0)
    assert label_loss(sure_of_none, torch.tensor([0])).item() == pytest.approx(0, abs=1e-6)
    sure_of_second = torch.tensor([[-20.0, 20.0, -20.0]])
    assert label_loss(sure_of_second, torch.tensor([2])).item() == pytest.approx(0, abs=1e-6)
    assert label_loss(sure_of_second, torch.tensor([1])).item() > 10
