"""The networks that come with the product: whole, small, described, and at work."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image

from segmentation.engine.checkpoints import CARD, SHIPPED, WEIGHTS, load_network, resolve_network
from segmentation.engine.inference import segment
from segmentation.engine.preprocessing import parse_recipe
from segmentation.engine.prompt_clicks import click_through
from segmentation.engine.prompt_network import extent_of, network_solver
from segmentation.engine.prompt_prior import keeps_cells
from segmentation.engine.render import kept
from segmentation.engine.scoring import score_case
from segmentation.engine.suitability import suits
from segmentation.engine.types import Picture, Settings
from tests.engine.drawn import discs

MOST_BYTES = 10_000_000
MOST_PICTURE_BYTES = 40_000
MOST_COLOURS = 8
FINDERS = ["blood_cells", "hippocampus", "lungs", "nuclei"]
"""Networks that find things by themselves; others answer a person."""

NAMES = [*FINDERS, "nuclei-clicks"]


def test_these_networks_ship() -> None:
    assert sorted(folder.name for folder in SHIPPED.iterdir() if folder.is_dir()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_is_whole_small_and_says_what_it_is(name) -> None:
    folder = resolve_network(name)
    network = load_network(folder)
    pictures = sorted(p.name for p in folder.glob("worst-*.png"))
    assert sorted(p.name for p in folder.iterdir()) == ["README.md", CARD, WEIGHTS, *pictures]
    assert sum(p.stat().st_size for p in folder.iterdir()) < MOST_BYTES
    card = network.card
    assert card["name"] == name
    assert card["licence"]
    assert all(source["licence"] and source["split"] for source in card["data"])
    assert "Not for primary diagnosis." in card["limits"]
    assert card["metrics"]["test"]["all"]["cases"] > 0
    assert parse_recipe(card["recipe"]).to_json() == card["recipe"]  # every option written out
    assert "not for primary diagnosis" in (folder / "README.md").read_text().lower()


@pytest.mark.parametrize("name", FINDERS)
def test_each_card_shows_where_it_fails_in_small_pictures_that_are_no_photographs(name) -> None:
    folder = resolve_network(name)
    text = (folder / "README.md").read_text()
    linked = re.findall(r"^!\[[^\]]+\]\((worst-[\w]+\.png)\)$", text, re.M)
    assert 2 <= len(linked) <= 3
    assert sorted(linked) == sorted(p.name for p in folder.glob("*.png"))
    for picture in linked:
        assert (folder / picture).stat().st_size < MOST_PICTURE_BYTES
        with Image.open(folder / picture) as drawn:
            # Outlines and areas in a few colours; an image's own pixels would need many more.
            assert len(drawn.convert("RGB").getcolors(maxcolors=256) or []) <= MOST_COLOURS


@pytest.mark.parametrize("turned_round", [False, True])
def test_nuclei_finds_drawn_discs_bright_or_dark(turned_round) -> None:
    picture, truth = discs(0, size=128, count=8)
    if turned_round:
        picture = Picture(255 - picture.pixels)
    network = load_network(resolve_network("nuclei"))
    assert suits(network.card, picture, "fluorescence")[0]
    found = segment(picture, network, Settings(device="cpu"))
    assert (score_case(found, truth).figures["ap50"] or 0) >= 0.75
    assert 0 < found.uncertainty < 1


def test_lungs_and_hippocampus_answer_on_the_grid_they_are_given() -> None:
    rng = np.random.default_rng(0)
    settings = Settings(device="cpu")
    flat = Picture(rng.integers(0, 255, (1, 1, 90, 70), dtype=np.uint8))
    found = segment(flat, load_network(resolve_network("lungs")), settings)
    assert found.grid_zyx == (1, 90, 70)
    box = Picture(rng.integers(0, 900, (1, 30, 44, 32), dtype=np.int16), (1.0, 1.0, 1.0), "MR")
    found = segment(box, load_network(resolve_network("hippocampus")), settings)
    assert found.grid_zyx == (30, 44, 32)
    assert {c.label for c in kept(found)} <= {1, 2}


def test_nuclei_clicks_finds_a_drawn_disc_from_one_click() -> None:
    picture, truth = discs(0, size=128, count=8)
    network = load_network(resolve_network("nuclei-clicks"))
    assert suits(network.card, picture, "fluorescence")[0]
    assert not suits(network.card, picture, "ct")[0]
    assert truth.instances is not None
    solver, extent = network_solver(network, threads=1), extent_of(network)
    reached = []
    for value in range(1, int(truth.instances.max()) + 1):
        if (truth.instances == value).any():
            wanted = truth.instances == value
            reached.append(click_through(picture, wanted, solver, extent, 3)[-1])
    assert np.median(reached) > 0.75


def test_hippocampus_answers_clicks_on_volumes_without_having_learnt_them() -> None:
    assert keeps_cells(load_network(resolve_network("hippocampus")))
    assert not keeps_cells(load_network(resolve_network("lungs")))
