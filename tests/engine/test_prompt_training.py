"""Networks that answer clicks: their crops show the prompt, they train, repeat, and answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from segmentation.engine.cases import Budget, TrainingCase, Truth
from segmentation.engine.checkpoints import Network, load_network
from segmentation.engine.errors import PausedError, UnsuitableImageError
from segmentation.engine.inference import segment
from segmentation.engine.learner import Learner
from segmentation.engine.networks.build import architecture_for, build
from segmentation.engine.plans import PLANS
from segmentation.engine.preprocessing import parse_recipe
from segmentation.engine.prompt_channels import INSIDE, OUTSIDE, PREVIOUS, levelled
from segmentation.engine.prompt_clicks import click_through
from segmentation.engine.prompt_network import extent_of, network_solver
from segmentation.engine.prompt_samples import corrected, objects_of, usual_extent
from segmentation.engine.prompts import Prompts, Stroke, answer
from segmentation.engine.samples import CaseStore, Sampler, extent_in
from segmentation.engine.targets import IGNORED
from segmentation.engine.training import train
from segmentation.engine.types import Settings, Task
from tests.engine.drawn import ball, disc_cases, discs

RECIPE = parse_recipe({"steps": []})


@pytest.fixture(autouse=True)
def one_thread_and_small_crops(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    flat = replace(PLANS["prompts2d"], patch_zyx=(1, 96, 96), batch=2)
    monkeypatch.setitem(PLANS, "prompts2d", flat)
    yield
    torch.set_num_threads(before)


def run(out: Path, cases: list[TrainingCase], steps: int, task: Task = "prompts2d", **more):
    events = more.pop("events", [])
    return train(
        cases, task, ["object"], Budget(steps=steps), 0, None, RECIPE, out, events.append, **more,
        device="cpu",
    )  # fmt: skip


def test_every_crop_shows_a_prompt_that_means_the_object() -> None:
    store = CaseStore(disc_cases(), "prompts2d", 1, RECIPE)
    extent = extent_in(store, 6)
    assert 12 <= extent <= 19  # discs of radius 6 to 9
    sampler = Sampler(store, "prompts2d", 1, 1, (1, 96, 96), 0, extent)
    for step in range(8):
        pixels, truth = sampler.batch(0, step)
        assert isinstance(truth, torch.Tensor)
        for one, wanted in zip(pixels, truth, strict=True):
            said = one[INSIDE:].amax(dim=(1, 2))
            assert said.max() == 1  # a click, a box, or a mask to correct
            if said[0]:
                assert (one[INSIDE].bool() & (wanted == 1)).any()
            assert set(wanted.unique().tolist()) <= {0, 1, IGNORED}


def test_a_correction_clicks_on_what_the_network_got_wrong() -> None:
    class AlwaysLeft(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            logits = torch.zeros(x.shape[0], 2, *x.shape[2:])
            logits[:, 1, :, :32] = 1
            logits[:, 0, :, 32:] = 1
            return logits

    truth = torch.zeros(1, 64, 64, dtype=torch.uint8)
    truth[:, :, 16:60] = 1
    given = torch.zeros(1, 5, 64, 64)
    seen = corrected(AlwaysLeft(), given, truth)[0]
    assert seen[PREVIOUS, :, :32].all()
    assert not seen[PREVIOUS, :, 32:].any()
    clicked = np.argwhere(seen[INSIDE].numpy())
    assert clicked[:, 1].min() >= 32  # 28 columns are missing right, 16 are too many left
    assert np.median(clicked[:, 1]) in (45, 46)
    assert not seen[OUTSIDE].any()
    assert not given.any()


def test_parts_of_every_class_are_objects_of_their_own() -> None:
    classes = np.zeros((1, 10, 12), np.uint8)
    classes[0, 1:4, 1:4] = classes[0, 6:9, 1:9] = 2
    classes[0, 1:4, 4:7] = 1  # touches an object of the other class
    objects = objects_of(classes)
    assert sorted(np.unique(objects).tolist()) == [0, 1, 2, 3]
    assert usual_extent([objects]) == pytest.approx(7.0)  # 3, 3 and 8 long: nine in ten
    assert usual_extent([np.zeros((1, 4, 4), np.uint16)]) == 0


def test_brightness_and_outliers_do_not_change_what_the_network_sees() -> None:
    pixels = np.random.default_rng(0).normal(100, 10, (1, 1, 64, 64)).astype(np.float32)
    other = pixels * 7 - 300
    assert np.allclose(levelled(pixels), levelled(other), atol=1e-3)
    assert not levelled(np.full((1, 1, 8, 8), 5, np.float32)).any()


def test_a_short_training_learns_and_its_network_answers_clicks(tmp_path) -> None:
    events = []
    cases = disc_cases(8, validation=2)
    network = run(tmp_path / "clicks", cases, 40, events=events)
    assert events[-1].loss < 0.95 * events[0].loss
    assert set(network.card["metrics"]) == {"iou1", "iou3"}
    assert network.card["extent_px"] == extent_of(network) > 0
    again = load_network(tmp_path / "clicks")
    picture, truth = discs(0)
    assert truth.instances is not None
    wanted = truth.instances == 1
    reached = click_through(picture, wanted, network_solver(again, threads=1), 0.0, 2)
    assert len(reached) == 2
    assert all(0 <= value <= 1 for value in reached)


def test_a_paused_run_goes_on_as_if_undisturbed(tmp_path) -> None:
    """Corrections come from the network's own answers, so they must come back the same, too."""
    whole = run(tmp_path / "whole", disc_cases(), 5)
    words = iter([None, None, "pause"])
    with pytest.raises(PausedError):
        run(tmp_path / "part", disc_cases(), 5, should_stop=lambda: next(words))
    resumed = run(tmp_path / "part", disc_cases(), 5, resume_from=tmp_path / "part")
    mine, yours = whole.module.state_dict(), resumed.module.state_dict()
    assert all(torch.equal(tensor, yours[name]) for name, tensor in mine.items())


def test_volumes_are_learnt_and_answered_as_volumes(tmp_path) -> None:
    cases = [TrainingCase(f"b{k}", lambda k=k: ball(k), f"b{k}") for k in range(3)]
    network = run(tmp_path / "balls", cases, 2, "prompts3d")
    assert network.card["dimensions"] == 3
    picture, _ = ball(0)
    found = answer(picture, Prompts((Stroke(((8, 10, 12),)),)), network_solver(network))
    assert 8 in found.slices


def test_networks_for_clicks_refuse_to_segment_by_themselves() -> None:
    module = build(architecture_for("prompts2d", 1, 1)).eval()
    card = {
        "score_cutoff": 0.5, "overlap_cutoff": 0.4, "recipe": RECIPE.to_json(),
        "architecture": {"inputs": 1}, "patch_zyx": [1, 96, 96],
    }  # fmt: skip
    picture, _ = discs(0)
    with pytest.raises(UnsuitableImageError, match="answers clicks"):
        segment(picture, Network("prompts2d", ("object",), card, module), Settings(device="cpu"))


def test_images_without_any_object_can_be_learnt_from(tmp_path) -> None:
    empty = Truth(instances=np.zeros((1, 96, 96), np.uint16))
    cases = [TrainingCase("e", lambda: (discs(0)[0], empty), "e"), *disc_cases(2)]
    assert run(tmp_path / "some", cases, 2).card["training"]["images"] == 3


def test_batches_show_regions_of_usual_and_of_large_objects() -> None:
    store = CaseStore(disc_cases(), "prompts2d", 1, RECIPE)
    sampler = Sampler(store, "prompts2d", 1, 1, (1, 192, 192), 0, extent=20.0)
    sides = [sampler.batch(0, step).pixels.shape[-1] for step in range(4)]
    assert sides == [128, 192, 128, 192]  # half of a plane's 256 cells is the least for a region


def test_a_network_that_segments_goes_on_as_one_that_answers_clicks() -> None:
    """What it knows of the image stays; the layers get room for the clicks."""
    known = build(architecture_for("semantic3d", 2, 1)).eval()
    card = {"architecture": architecture_for("semantic3d", 2, 1), "patch_zyx": [16, 24, 24]}
    start = Network("semantic3d", ("one", "two"), card, known)
    cases = [TrainingCase(f"b{k}", lambda k=k: ball(k), f"b{k}") for k in range(2)]
    store = CaseStore(cases, "prompts3d", 1, RECIPE)
    learner = Learner(store, "prompts3d", 1, 0, start, torch.device("cpu"))
    before, after = known.state_dict(), learner.module.state_dict()
    stem = "stem.first.convolution.weight"
    assert after[stem].shape[1] == before[stem].shape[1] + 4
    assert torch.equal(after[stem][:, :1], before[stem])
    assert after[stem][:, 1:].abs().max() > 0
    name = "falls.0.first.convolution.weight"
    assert torch.equal(after[name], before[name])
    assert after["head.weight"].shape[0] == 2
    assert learner.extent > 0
