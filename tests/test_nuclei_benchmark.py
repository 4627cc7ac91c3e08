"""The comparison of the same budget: its clock, its journal, its split and its arithmetic."""

from __future__ import annotations

import importlib
import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segmentation.engine.learner import Learner
from segmentation.engine.plans import PLANS
from segmentation.engine.training_state import STATE
from tests.engine.drawn import discs

COUNTS = np.array(
    [  # two images, two thresholds: found, invented, missed
        [[8, 1, 1], [4, 5, 5]],
        [[2, 0, 3], [0, 2, 5]],
    ]
)


def benchmark(name: str) -> Any:
    """A module of the benchmarks, without the one thread that they set for their process."""
    before = dict(os.environ)
    try:
        return importlib.import_module(f"tests.benchmarks.{name}")
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # a result says how many there were
    return benchmark("nuclei_runs")


@pytest.fixture
def nuclei(runs: Any) -> Any:
    return benchmark("nuclei")


def test_the_clock_counts_only_between_start_and_stop(runs: Any) -> None:
    now = [100.0]
    watch = runs.Stopwatch(50.0, lambda: now[0])
    now[0] = 110.0
    assert watch.spent == 50.0
    watch.start()
    now[0] = 113.0
    assert watch.spent == 53.0
    watch.start()  # a start while it runs loses nothing
    now[0] = 114.0
    watch.stop()
    watch.stop()
    now[0] = 200.0
    assert watch.spent == 54.0


def test_cpu_time_stands_still_while_a_process_sleeps(runs: Any) -> None:
    watch = runs.Stopwatch()
    watch.start()
    time.sleep(0.3)
    assert watch.spent < 0.15
    sum(range(2_000_000))
    assert watch.spent > 0.001


def test_a_journal_goes_on_where_a_killed_run_left_it(runs: Any, tmp_path: Path) -> None:
    run = runs.Run("ours", 0, 100 / 3600, tmp_path)
    run.folder.mkdir()
    journal = runs.Journal(run)
    assert not journal.due(9.9)
    assert journal.due(10.0)
    journal.judge(10.5, 7, lambda: 0.25)
    assert not journal.due(19.9)
    again = runs.Journal(run)
    assert again.curve == [{"tenth": 1, "cpu_s": 10.5, "steps": 7, "ap50": 0.25}]
    assert not again.due(19.9)
    again.judge(45.0, 30, lambda: 0.5)  # one long step may pass more than one tenth
    assert [point["tenth"] for point in again.curve] == [1, 4]
    again.judge(101.0, 70, lambda: 0.6)
    assert again.curve[-1]["tenth"] == 10
    assert not again.due(500.0)
    assert again.told()["starts"] == 2


def test_a_killed_run_of_ours_goes_on_from_its_state_and_ends_with_its_budget(
    runs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = benchmark("nuclei_ours")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    small = replace(PLANS["instance2d"], patch_zyx=(1, 64, 64), batch=1)
    monkeypatch.setitem(PLANS, "instance2d", small)
    monkeypatch.setattr(ours, "SAVE_EVERY_S", 0.0)
    monkeypatch.setattr(ours, "curve", lambda network, checks: 0.5)
    drawn = [(n, *discs(n, 64, 4)) for n in range(4)]
    images = [
        runs.Nuclei(str(n), f"g{n}", picture.pixels[0, 0], truth.instances[0])
        for n, picture, truth in drawn
    ]
    run = runs.Run("ours", 0, 20 / 3600, tmp_path)
    run.folder.mkdir()
    taken: list[tuple[int, float]] = []
    step, kill_at, clock = Learner.step, [5], [0.0]

    def watched(learner: Learner, number: int, part: float) -> float:
        if number == kill_at[0]:
            raise KeyboardInterrupt
        taken.append((number, part))
        clock[0] += 1.0
        return step(learner, number, part)

    monkeypatch.setattr(Learner, "step", watched)
    with pytest.raises(KeyboardInterrupt):
        ours.learn(run, images[:3], images[3:], runs.Journal(run), lambda: clock[0])
    kill_at[0] = -1
    journal = runs.Journal(run)
    ours.learn(run, images[:3], images[3:], journal, lambda: clock[0])
    # 20 steps of a second, and the first step of either start, which is free.
    assert [number for number, _ in taken] == list(range(22))
    parts = [part for _, part in taken]
    assert parts == sorted(parts)
    assert parts[-1] == 19 / 20  # so the cosine ends with the budget
    torch.set_num_threads(threads)
    assert [point["tenth"] for point in journal.curve] == list(range(1, 11))
    card = ours.load_network(run.folder / "network").card
    assert card["training"]["steps"] == 22
    assert not (run.folder / STATE).exists()


def test_a_run_is_finished_only_with_its_result(runs: Any, tmp_path: Path) -> None:
    run = runs.Run("ours", 3, 1.0, tmp_path)
    assert run.folder.name == "ours-seed3-1h"
    assert run.result is None
    run.folder.mkdir()
    run.finish(steps=5)
    assert run.result["steps"] == 5
    assert [path.name for path in run.folder.iterdir()] == ["result.json"]


def test_no_two_processes_work_on_one_run(runs: Any, tmp_path: Path) -> None:
    run = runs.Run("ours", 0, 1.0, tmp_path)
    run.folder.mkdir()
    runs.claim(run)
    with pytest.raises(SystemExit, match="Another process is at work"):
        runs.claim(run)  # a second opening of the file, as another process would have


def test_groups_are_set_aside_whole_and_always_the_same(runs: Any) -> None:
    blank = np.zeros((4, 4), np.uint8)
    images = [runs.Nuclei(str(n), f"g{n // 3}", blank, blank) for n in range(90)]
    learnt, checks = runs.set_aside(images)
    assert len(checks) == 9
    assert not {image.group for image in learnt} & {image.group for image in checks}
    swapped = runs.set_aside(images[::-1])[1]
    assert {image.id for image in swapped} == {image.id for image in checks}


def test_precision_pools_the_images(runs: Any) -> None:
    # 10 found, 1 invented, 4 missed; 4 found, 7 invented, 10 missed.
    assert runs.precision(COUNTS) == pytest.approx([10 / 15, 4 / 21])


def test_a_network_against_itself_leads_by_nothing(nuclei: Any) -> None:
    found = nuclei.lead([COUNTS], [COUNTS], ["a", "b"])
    assert found["lead"] == [0, 0]
    assert found["interval"] == [[0, 0], [0, 0]]
    assert found["ours"] == pytest.approx([0.6667, 0.1905])


def test_the_lead_is_the_mean_over_seeds_paired_by_group(nuclei: Any) -> None:
    better = COUNTS.copy()
    better[:, 0] = [[9, 0, 0], [5, 0, 0]]  # of 14 all
    found = nuclei.lead([better, COUNTS], [COUNTS, COUNTS], ["a", "b"])
    assert found["lead"][0] == pytest.approx((1 - 10 / 15) / 2, abs=1e-4)
    assert found["lead"][1] == 0
    # Group a alone gains 1 - 8/10, group b alone 1 - 2/5; halved, since one seed gains nothing.
    assert found["interval"][0] == pytest.approx([0.1, 0.3], abs=1e-4)


def test_runs_scored_on_different_images_are_not_compared(nuclei: Any) -> None:
    def result(images: list[str]) -> dict[str, Any]:
        five = np.repeat(COUNTS[:, :1], 5, axis=1)
        return {"test": {"images": images, "groups": ["a", "b"], "counts": five.tolist()}}

    same = {("ours", 0): result(["x", "y"]), ("stardist", 0): result(["x", "y"])}
    assert nuclei.comparison(same)["ahead"] is False  # no lead is not ahead
    assert nuclei.comparison({("ours", 0): result(["x", "y"])}) is None
    with pytest.raises(SystemExit, match="different images"):
        nuclei.comparison({**same, ("ours", 0): result(["x", "z"])})


def test_finished_runs_are_not_repeated(
    nuclei: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    five = np.repeat(COUNTS[:, :1], 5, axis=1)
    about = {"weights": 1, "steps": 2, "cpu_s": 3.0, "judging_cpu_s": 1.0, "packages": ["p 1"]}
    test = {"images": ["x", "y"], "groups": ["a", "b"], "counts": five.tolist(), "ap": {"0.5": 0.6}}
    curve = [{"tenth": 1, "cpu_s": 1.0, "steps": 1, "ap50": 0.3}]
    for who in nuclei.CONTESTANTS:
        run = nuclei.Run(who, 0, 1.0, tmp_path)
        run.folder.mkdir()
        run.finish(**about, curve=curve, starts=1, test=test)
    monkeypatch.setattr(nuclei, "start", lambda run, data: pytest.fail("it ran again"))
    where = ["--data", str(Path("nowhere")), "--work", str(tmp_path)]
    monkeypatch.setattr("sys.argv", ["nuclei", *where, "--seeds", "0", "--json"])
    nuclei.main()
    said = json.loads(capsys.readouterr().out)
    assert said["comparison"]["lead"] == [0] * 5
    assert said["curves"][0] == {"tenth": 1, "ours 0": 0.3, "stardist 0": 0.3}
    assert [row["ap50"] for row in said["rows"]] == [0.6, 0.6]
