"""Clicks answered by a network that segments: its own object first, then what the person says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from segmentation.engine.checkpoints import Network
from segmentation.engine.prompt_clicks import dense
from segmentation.engine.prompt_prior import PriorSolver, keeps_cells, solver_for
from segmentation.engine.prompts import Prompts, Stroke, answer
from segmentation.engine.types import Picture

SIDE = 32


class ByBrightness(nn.Module):
    """Sure of label 1 where the image is about 1, of label 2 where it is about 2."""

    stride = 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([20 * -(x - level).abs() for level in (0.0, 1.0, 2.0)], dim=1)


def network(size: str = "keep") -> Network:
    card = {
        "architecture": {"inputs": 1}, "patch_zyx": [SIDE, SIDE, SIDE],
        "recipe": {"steps": [{"name": "size", "method": size}]},
    }  # fmt: skip
    return Network("semantic3d", ("one", "two"), card, ByBrightness().eval())


@pytest.fixture
def picture() -> Picture:
    """A bar of 1 joined to a bar of 2, and far off a cube that the network does not know."""
    pixels = np.zeros((1, SIDE, SIDE, SIDE), np.float32)
    pixels[0, 8:14, 8:14, 2:12] = 1
    pixels[0, 8:14, 8:14, 12:22] = 2
    pixels[0, 20:28, 20:28, 20:28] = -3
    return Picture(pixels)


def found(picture: Picture, solver: PriorSolver, *strokes: Stroke) -> NDArray[np.bool_]:
    return dense(answer(picture, Prompts(strokes), solver), (SIDE, SIDE, SIDE))


def test_a_click_chooses_the_label_that_is_found_there(picture: Picture) -> None:
    solver = PriorSolver(network())
    for level, x in ((1, 6), (2, 18)):
        mask = found(picture, solver, Stroke(((11, 11, x),)))
        assert np.array_equal(mask, picture.pixels[0] == level)
        assert not solver.is_contour


def test_where_it_finds_nothing_a_contour_answers(picture: Picture) -> None:
    solver = PriorSolver(network())
    cube = picture.pixels[0] == -3
    mask = found(picture, solver, Stroke(((23, 23, 23),)))
    assert solver.is_contour
    assert (mask & cube).sum() / (mask | cube).sum() > 0.7


def test_cells_next_to_a_click_follow_it_however_sure_the_network_is(picture: Picture) -> None:
    here, away = Stroke(((11, 11, 6),)), Stroke(((11, 11, 2),), positive=False)
    mask = found(picture, PriorSolver(network()), here, away)
    assert not mask[10:13, 10:13, 2:3].any()
    assert mask[11, 11, 5:12].all()
    assert not mask[11, 11, 12:].any()


def test_only_networks_that_see_pixels_as_they_are_serve() -> None:
    assert keeps_cells(network())
    assert not keeps_cells(network("height_width"))
    assert isinstance(solver_for(network()), PriorSolver)
