"""Networks: shapes on every level, and a card that asks for nonsense is refused."""

from __future__ import annotations

import pytest
import torch

from segmentation.engine.errors import InvalidCheckpointError
from segmentation.engine.networks.build import architecture_for, build
from segmentation.engine.networks.star import StarOutput


@pytest.mark.parametrize(("grid", "size"), [(2, (32, 48)), (4, (16, 24))])
def test_star_gives_rays_on_its_grid_and_full_size_maps(grid, size) -> None:
    net = build(architecture_for("instance2d", labels=3, channels=3) | {"grid": grid}).eval()
    output = StarOutput(*net(torch.zeros(2, 3, 64, 96)))
    assert output.probability.shape == (2, 1, *size)
    assert output.log_rays.shape == (2, 32, *size)
    assert output.fine.shape == (2, 1 + 3, 64, 96)  # foreground, then one map per label


def test_a_card_from_before_grids_had_a_choice_means_four_pixels() -> None:
    old = build({"name": "star", "inputs": 1, "classes": 1, "rays": 32}).eval()
    assert StarOutput(*old(torch.zeros(1, 1, 32, 32))).probability.shape == (1, 1, 8, 8)


def test_star_of_one_label_has_no_class_maps() -> None:
    net = build(architecture_for("boxes2d", labels=1, channels=1)).eval()
    assert StarOutput(*net(torch.zeros(1, 1, 32, 32))).fine.shape == (1, 1, 32, 32)


@pytest.mark.parametrize(("task", "size"), [("semantic2d", (37, 50)), ("semantic3d", (9, 13, 22))])
def test_unet_answers_on_the_grid_it_was_given_even_an_odd_one(task, size) -> None:
    net = build(architecture_for(task, labels=2, channels=1)).eval()
    assert net(torch.rand(1, 1, *size)).shape == (1, 3, *size)


def test_label_net_gives_one_logit_per_label() -> None:
    net = build(architecture_for("labels2d", labels=4, channels=3)).eval()
    assert net(torch.zeros(2, 3, 64, 64)).shape == (2, 4)


def test_star_of_a_tile_equals_the_whole_far_from_its_edge() -> None:
    """Batch statistics in evaluation mode: what a tile says does not depend on its neighbours."""
    torch.manual_seed(0)
    net = build(architecture_for("instance2d", labels=1, channels=1)).eval()
    image = torch.rand(1, 1, 1024, 64)
    whole = StarOutput(*net(image)).fine[0, 0, 448:512]
    part = StarOutput(*net(image[:, :, :960])).fine[0, 0, 448:512]
    assert torch.allclose(whole, part, atol=1e-4)


@pytest.mark.parametrize(
    "architecture",
    [
        {},
        {"name": "star", "inputs": 0, "classes": 1, "rays": 32},
        {"name": "star", "inputs": 1, "classes": 1, "rays": 100_000},
        {"name": "star", "inputs": True, "classes": 1, "rays": 32},
        {"name": "star", "inputs": 1, "classes": 1, "rays": 32, "grid": 3},
        {"name": "star", "inputs": 1, "classes": 1, "rays": 32, "grid": [2]},
        {"name": "unet", "dimensions": 1, "inputs": 1, "outputs": 2, "widths": [8]},
        {"name": "unet", "dimensions": 2, "inputs": 1, "outputs": 2, "widths": [10**9]},
        {"name": "unet", "dimensions": 2, "inputs": 1, "outputs": 2, "widths": "16"},
        {"name": "labels", "inputs": 1, "labels": 2, "widths": []},
        {"name": "os.system", "inputs": 1},
    ],
)
def test_an_architecture_that_makes_no_sense_is_refused(architecture) -> None:
    with pytest.raises(InvalidCheckpointError):
        build(architecture)
