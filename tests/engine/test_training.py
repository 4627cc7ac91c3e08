"""Training on drawn images: it learns, repeats to the bit, stops, and goes on where it was."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from segmentation.engine import samples, training
from segmentation.engine.cases import Budget, TrainingCase, TrainingEvent, Truth
from segmentation.engine.checkpoints import Network, load_network
from segmentation.engine.errors import (
    CancelledError,
    InvalidCheckpointError,
    InvalidTrainingSetError,
    PausedError,
)
from segmentation.engine.inference import segment
from segmentation.engine.plans import PLANS
from segmentation.engine.preprocessing import parse_recipe
from segmentation.engine.samples import CaseStore, Prefetcher, Sampler
from segmentation.engine.training import train
from segmentation.engine.training_state import STATE
from segmentation.engine.types import Picture, Settings, Task
from tests.engine.drawn import ball, disc_cases, discs

RECIPE = parse_recipe({"steps": [{"name": "normalise", "method": "percentile"}]})


@pytest.fixture(autouse=True)
def one_thread_and_small_crops(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    for task, plan in list(PLANS.items()):
        z, y, x = plan.patch_zyx
        small = (min(z, 16), min(y, 96), min(x, 96))
        monkeypatch.setitem(PLANS, task, replace(plan, patch_zyx=small, batch=2))
    yield
    torch.set_num_threads(before)


def run(out: Path, cases: list[TrainingCase], steps: int = 4, **more) -> Network:
    task: Task = more.pop("task", "instance2d")
    labels = more.pop("labels", ["nucleus"])
    events = more.pop("events", [])
    start = more.pop("start", None)
    return train(
        cases, task, labels, Budget(steps=steps), more.pop("seed", 0), start, RECIPE, out,
        events.append, **more, device="cpu",
    )  # fmt: skip


def weights(network: Network) -> dict[str, torch.Tensor]:
    return dict(network.module.state_dict())


def same(one: Network, other: Network) -> bool:
    mine, yours = weights(one), weights(other)
    return all(torch.equal(tensor, yours[name]) for name, tensor in mine.items())


def test_a_few_steps_lower_the_loss_and_leave_a_network_with_its_card(tmp_path) -> None:
    events: list[TrainingEvent] = []
    network = run(tmp_path / "discs", disc_cases(), steps=25, events=events)
    assert events[-1].step == 25
    assert events[-1].loss < 0.9 * events[0].loss
    assert network.card["name"] == "discs"
    assert network.card["training"]["steps"] == 25
    assert network.card["recipe"] == RECIPE.to_json()
    assert same(load_network(tmp_path / "discs"), network)


def test_the_same_seed_repeats_to_the_bit_and_another_does_not(tmp_path) -> None:
    one = run(tmp_path / "one", disc_cases())
    two = run(tmp_path / "two", disc_cases())
    other = run(tmp_path / "other", disc_cases(), seed=1)
    assert same(one, two)
    assert not same(one, other)


def test_going_on_from_a_network_keeps_its_grid_unless_told_otherwise(tmp_path) -> None:
    coarse = run(tmp_path / "coarse", disc_cases(), steps=1)
    assert coarse.card["architecture"]["grid"] == 4
    finer = run(tmp_path / "finer", disc_cases(), steps=1, start=coarse, architecture={"grid": 2})
    assert finer.card["architecture"]["grid"] == 2
    again = run(tmp_path / "again", disc_cases(), steps=1, start=finer)
    assert again.card["architecture"]["grid"] == 2


def test_the_rate_says_how_far_a_step_goes(tmp_path) -> None:
    start = run(tmp_path / "start", disc_cases(), steps=1)
    moved = []
    for name, rate in {"slow": 0.1, "usual": None, "fast": 1.0}.items():  # usual: 0.2 of it
        after = weights(run(tmp_path / name, disc_cases(), steps=2, start=start, rate=rate))
        before = weights(start)["rays.out.bias"]
        moved.append(float((after["rays.out.bias"] - before).abs().sum()))
    assert 0 < moved[0] < moved[1] < moved[2]


def test_a_paused_run_goes_on_as_if_undisturbed(tmp_path) -> None:
    undisturbed = run(tmp_path / "whole", disc_cases(), steps=5)
    words = iter([None, None, "pause"])
    with pytest.raises(PausedError):
        run(tmp_path / "part", disc_cases(), steps=5, should_stop=lambda: next(words))
    assert (tmp_path / "part" / STATE).is_file()
    resumed = run(tmp_path / "part", disc_cases(), steps=5, resume_from=tmp_path / "part")
    assert same(undisturbed, resumed)


def test_a_killed_run_goes_on_from_its_last_state(tmp_path, monkeypatch) -> None:
    """The state is written at every step here; the third loading of a batch dies like a kill."""
    undisturbed = run(tmp_path / "whole", disc_cases(), steps=5)
    monkeypatch.setattr(training, "STATE_EVERY_S", 0.0)

    def dying(sampler: Sampler, seed: int, step: int, real=Sampler.batch):
        if step == 3:
            raise KeyboardInterrupt
        return real(sampler, seed, step)

    with monkeypatch.context() as patched:
        patched.setattr(samples.Sampler, "batch", dying)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "part", disc_cases(), steps=5)
    assert not (tmp_path / "part" / "card.json").exists()
    resumed = run(tmp_path / "part", disc_cases(), steps=5, resume_from=tmp_path / "part")
    assert same(undisturbed, resumed)


def test_the_state_of_another_run_is_not_taken_up(tmp_path) -> None:
    with pytest.raises(PausedError):
        run(tmp_path / "a", disc_cases(), should_stop=lambda: "pause")
    with pytest.raises(InvalidCheckpointError, match="other images"):
        run(tmp_path / "a", disc_cases(5), resume_from=tmp_path / "a")


def test_cancelling_leaves_no_network(tmp_path) -> None:
    with pytest.raises(CancelledError):
        run(tmp_path / "a", disc_cases(), should_stop=lambda: "cancel")
    assert not (tmp_path / "a" / "card.json").exists()


def test_validation_cases_are_scored_on_the_way_and_at_the_end(tmp_path) -> None:
    events: list[TrainingEvent] = []
    network = run(tmp_path / "a", disc_cases(6, validation=2), steps=10, events=events)
    scored = [event for event in events if event.validation is not None]
    assert len(scored) == training.VALIDATIONS
    assert "ap50" in network.card["metrics"]
    assert network.card["training"]["images"] == 4


def test_going_on_from_a_network_starts_where_it_ended(tmp_path) -> None:
    first = run(tmp_path / "first", disc_cases(), steps=20)
    events: list[TrainingEvent] = []
    second = run(tmp_path / "second", disc_cases(), steps=2, start=first, events=events)
    assert events[0].loss < 2.5
    assert second.card["training"]["started_from"] == first.card["digest"]
    moved = max(
        float((weights(second)[n] - t).abs().max())
        for n, t in weights(first).items()
        if t.is_floating_point()
    )
    assert 0 < moved < 1


def test_a_new_label_keeps_all_weights_that_fit(tmp_path) -> None:
    first = run(tmp_path / "first", disc_cases(), steps=2)
    cases = [TrainingCase(f"c{n}", lambda n=n: discs(n, classes=True), f"g{n}") for n in range(3)]
    second = run(tmp_path / "second", cases, steps=2, start=first, labels=["bright", "dim"])
    assert second.module.fine.out.weight.shape[0] == 4 * 3
    assert first.module.fine.out.weight.shape[0] == 4


def box_cases() -> list[TrainingCase]:
    def load(seed: int) -> tuple[Picture, Truth]:
        picture, truth = discs(seed)
        boxes = []
        for value in range(1, int(truth.instances.max()) + 1):
            rows, columns = np.nonzero(truth.instances[0] == value)
            box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            boxes.append((1, tuple(int(v) for v in box)))
        return picture, Truth(boxes=tuple(boxes))

    return [TrainingCase(f"c{n}", lambda n=n: load(n), f"g{n}") for n in range(3)]


def class_cases() -> list[TrainingCase]:
    def load(seed: int) -> tuple[Picture, Truth]:
        picture, truth = discs(seed, classes=True)
        ignore = np.zeros(truth.classes.shape, bool)
        ignore[:, :8] = True
        return picture, Truth(classes=truth.classes, ignore=ignore)

    return [TrainingCase(f"c{n}", lambda n=n: load(n), f"g{n}") for n in range(3)]


def volume_cases() -> list[TrainingCase]:
    return [TrainingCase(f"c{n}", lambda n=n: ball(n), f"g{n}") for n in range(3)]


def label_cases() -> list[TrainingCase]:
    def load(seed: int) -> tuple[Picture, Truth]:
        picture, _ = discs(seed, count=1 + 8 * (seed % 2))
        return picture, Truth(label=seed % 2)

    return [TrainingCase(f"c{n}", lambda n=n: load(n), f"g{n}") for n in range(4)]


@pytest.mark.parametrize(
    ("task", "labels", "cases", "steps"),
    [
        ("boxes2d", ["cell"], box_cases(), 12),
        ("semantic2d", ["bright", "dim"], class_cases(), 12),
        ("semantic3d", ["upper", "lower"], volume_cases(), 12),
        ("labels2d", ["crowded"], label_cases(), 80),
    ],
)
def test_every_task_trains_and_predicts_by_the_same_two_calls(
    tmp_path, task, labels, cases, steps
) -> None:
    events: list[TrainingEvent] = []
    network = run(tmp_path / "a", cases, steps=steps, task=task, labels=labels, events=events)
    assert events[-1].loss < events[0].loss
    picture, _ = cases[0].load()
    found = segment(picture, network, Settings(device="cpu", score_cutoff=0.1))
    assert found.grid_zyx == picture.pixels.shape[1:]
    assert found.labels == tuple(labels)


@pytest.mark.parametrize(
    ("truth", "sentence"),
    [
        (Truth(), "no mask of objects"),
        (Truth(instances=np.zeros((1, 9, 9), np.uint16)), "has the size"),
        (
            Truth(
                instances=np.zeros((1, 96, 96), np.uint16),
                classes=np.full((1, 96, 96), 3, np.uint8),
            ),
            "holds the value 3",
        ),
    ],
)
def test_truth_that_does_not_fit_names_the_case_and_the_reason(tmp_path, truth, sentence) -> None:
    case = TrainingCase("case 7", lambda: (discs(0)[0], truth), "g")
    with pytest.raises(InvalidTrainingSetError, match=f"case 7: .*{sentence}"):
        run(tmp_path / "a", [case])


def test_a_patient_on_both_sides_is_refused(tmp_path) -> None:
    cases = disc_cases(4, validation=1)
    cases[-1] = replace(cases[-1], group=cases[0].group)
    with pytest.raises(InvalidTrainingSetError, match="both for training and for validation"):
        run(tmp_path / "a", cases)


@pytest.mark.parametrize(
    "budget", [Budget(), Budget(steps=0), Budget(minutes=0), Budget(steps=3, minutes=1)]
)
def test_a_budget_that_says_nothing_or_too_much_is_refused(tmp_path, budget) -> None:
    with pytest.raises(InvalidTrainingSetError, match="budget"):
        train(
            disc_cases(), "instance2d", ["nucleus"], budget, 0, None, RECIPE, tmp_path / "a",
            lambda _: None,
        )  # fmt: skip


def test_no_images_and_no_labels_are_refused(tmp_path) -> None:
    with pytest.raises(InvalidTrainingSetError, match="no image"):
        run(tmp_path / "a", [])
    with pytest.raises(InvalidTrainingSetError, match="label"):
        run(tmp_path / "a", disc_cases(), labels=[])


def test_a_budget_in_minutes_ends(tmp_path) -> None:
    events: list[TrainingEvent] = []
    network = train(
        disc_cases(), "instance2d", ["nucleus"], Budget(minutes=0.02), 0, None, RECIPE,
        tmp_path / "a", events.append, device="cpu",
    )  # fmt: skip
    assert events[-1].of is None
    assert network.card["training"]["steps"] >= 1


def test_cases_are_loaded_when_drawn_and_forgotten_when_memory_is_short() -> None:
    loads: list[str] = []

    def counted(case: TrainingCase) -> TrainingCase:
        def load():
            loads.append(case.id)
            return case.load()

        return replace(case, load=load)

    cases = [counted(case) for case in disc_cases(3)]
    one = samples.prepare(*cases[0].load(), "instance2d", 1, RECIPE)
    size = one.layers.pixels.nbytes + sum(m.nbytes for m in one.layers.maps.values())
    loads.clear()
    store = CaseStore(cases, "instance2d", 1, RECIPE, cache_bytes=2 * size)
    assert loads == []
    for index in (0, 1, 0, 2, 1):
        store.example(index)
    assert loads == ["case0", "case1", "case2", "case1"]  # 1 was the oldest when 2 came


def test_batches_made_ahead_on_threads_are_the_same() -> None:
    def loading(case: TrainingCase) -> TrainingCase:
        def load():
            assert threading.current_thread() is threading.main_thread()
            return case.load()

        return replace(case, load=load)

    cases = [loading(case) for case in disc_cases(4)]
    sampler = Sampler(CaseStore(cases, "instance2d", 1, RECIPE), "instance2d", 1, 1, (1, 64, 64), 8)
    ahead = Prefetcher(sampler, 5, threads=3)
    with closing(ahead):
        for step in (0, 1, 2, 7, 8):
            expected, made = sampler.batch(5, step), ahead.batch(step)
            assert torch.equal(expected.pixels, made.pixels)
            assert isinstance(expected.truth, tuple)
            assert isinstance(made.truth, tuple)
            assert all(map(torch.equal, expected.truth, made.truth))


def test_weights_of_cases_say_how_often_they_are_drawn() -> None:
    def weighted(case: TrainingCase, weight: float) -> TrainingCase:
        def load():
            assert weight > 0
            return case.load()

        return replace(case, load=load, weight=weight)

    cases = [weighted(case, float(n == 1)) for n, case in enumerate(disc_cases(3))]
    sampler = Sampler(CaseStore(cases, "instance2d", 1, RECIPE), "instance2d", 1, 1, (1, 32, 32), 8)
    for step in range(5):
        assert sampler.batch(0, step).pixels.shape == (2, 1, 32, 32)
    nothing = [replace(case, weight=0.0) for case in disc_cases(2)]
    store = CaseStore(nothing, "instance2d", 1, RECIPE)
    with pytest.raises(InvalidTrainingSetError, match="weight"):
        Sampler(store, "instance2d", 1, 1, (1, 32, 32), 8)
