"""Ours and StarDist, from scratch, on the same images, for the same CPU time.

    python -m tests.benchmarks.nuclei --data DIR --work FOLDER --seeds 0,1,2 --hours 1 --json

The fluorescence images of ``nuclei_dsb2018``: a tenth of the train split, whole groups, is set
aside for validation, the rest is learnt from, the test split is scored once. Each run is a process
of its own on one thread. The budget is its CPU time while it learns, the drawing of batches
included. Outside are start-up, the first step after it (in which kernels and graphs are compiled),
saving, and validation, which is counted apart. Both choose their score and overlap cut-off on the
validation images, for the best mean of AP at IoU 0.3, 0.5 and 0.7.

AP is TP / (TP + FP + FN), pooled over the images. The lead is the mean over seeds of ours less
StarDist's with the same seed; its interval are the 95 % percentiles over resampled groups of
images. It says nothing of other seeds: the rows show how far those lie apart.

Everything lies in ``--work``. Kill it at any time; the same command goes on. A run that has its
``result.json`` is not repeated, so ``--report`` alone prints what there is.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks import measuring
from tests.benchmarks.decoders import interval, per_group, resampled
from tests.benchmarks.decoders import precision as precision_of
from tests.benchmarks.nuclei_runs import TENTHS, THRESHOLDS, Run

CONTESTANTS = {"ours": "nuclei_ours", "stardist": "nuclei_stardist"}
Results = Mapping[tuple[str, int], Mapping[str, Any]]


def main() -> None:
    chosen = measuring.options(
        __doc__,
        data={"required": True, "type": Path, "help": "folder of nuclei_dsb2018"},
        work={"required": True, "type": Path, "help": "folder of the runs, made where missing"},
        seeds={"default": "0,1,2", "help": "with commas between"},
        hours={"default": 1.0, "type": float, "help": "CPU-hours of each run"},
        only={"choices": list(CONTESTANTS), "help": "run this contestant, report both"},
        report={"action": "store_true", "help": "run nothing"},
    )
    seeds = [int(seed) for seed in chosen.seeds.split(",")]
    runs = [Run(who, s, chosen.hours, chosen.work) for s in seeds for who in CONTESTANTS]
    for run in runs:
        if run.result is None and not chosen.report and chosen.only in (None, run.who):
            start(run, chosen.data)
    results = {(run.who, run.seed): run.result for run in runs}
    done = {key: result for key, result in results.items() if result is not None}
    if not done:
        raise SystemExit(f"No run of {chosen.hours:g} CPU-hours is finished in {chosen.work}.")
    curves = curve_rows(done)
    measuring.say(f"AP at IoU 0.5 on the validation images over {chosen.hours:g} CPU-hours")
    measuring.table(curves)
    measuring.finish(
        "nuclei",
        ", ".join(sorted({name for result in done.values() for name in result["packages"]})),
        rows(done),
        chosen.json,
        hours=chosen.hours,
        curves=curves,
        comparison=comparison(done),
    )


def start(run: Run, data: Path) -> None:
    """One run in a process of its own, which goes on from what it finds and ends with this one."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    module = f"tests.benchmarks.{CONTESTANTS[run.who]}"
    where = ["--data", str(data), "--work", str(run.work)]
    command = [sys.executable, "-m", module, *where, "--seed", str(run.seed)]
    subprocess.run([*command, "--hours", f"{run.hours:g}"], check=True, stdout=sys.stderr)


def rows(results: Results) -> list[dict[str, object]]:
    """A line for each finished run."""
    return [
        {
            "who": who,
            "seed": seed,
            "weights": result["weights"],
            "steps": result["steps"],
            "cpu_s": result["cpu_s"],
            "judging_cpu_s": result["judging_cpu_s"],
            "starts": result["starts"],
            **{f"ap{100 * float(at):.0f}": value for at, value in result["test"]["ap"].items()},
        }
        for (who, seed), result in results.items()
    ]


def curve_rows(results: Results) -> list[dict[str, object]]:
    """The learning curves side by side, a line for each tenth of the budget."""
    points = {
        f"{who} {seed}": {point["tenth"]: point["ap50"] for point in result["curve"]}
        for (who, seed), result in results.items()
    }
    return [
        {"tenth": tenth, **{name: curve.get(tenth) for name, curve in points.items()}}
        for tenth in range(1, TENTHS + 1)
    ]


def comparison(results: Results) -> dict[str, object] | None:
    """The lead over the seeds that both have finished, per IoU; None without one."""
    seeds = [seed for who, seed in results if who == "ours" and ("stardist", seed) in results]
    if not seeds:
        return None
    tests = {who: [results[who, seed]["test"] for seed in seeds] for who in CONTESTANTS}
    first = tests["ours"][0]
    if any(test["images"] != first["images"] for of_one in tests.values() for test in of_one):
        raise SystemExit("The runs were scored on different images and cannot be compared.")
    counts = {who: [np.array(test["counts"]) for test in of_one] for who, of_one in tests.items()}
    found = lead(counts["ours"], counts["stardist"], first["groups"])
    lower = {at: low for at, (low, _) in zip(THRESHOLDS, found["interval"], strict=True)}
    ahead = lower[0.5] > 0 and lower[0.7] > 0 and lower[0.9] >= 0
    measuring.say(f"lead at IoU {THRESHOLDS}: {found['lead']}, 95 % {found['interval']}")
    return {"seeds": seeds, "iou": THRESHOLDS, **found, "ahead": ahead}


def lead(
    ours: Sequence[NDArray[np.int64]], peer: Sequence[NDArray[np.int64]], groups: Sequence[str]
) -> dict[str, Any]:
    """Mean over seeds of our AP less the peer's, with its paired interval over groups.

    ``ours`` and ``peer`` hold per seed the counts (images, thresholds, 3) of found, invented and
    missed; ``groups`` names the group of each image. The same draws of groups weigh both.
    """
    _, numbered = np.unique(np.array(groups), return_inverse=True)
    draws = resampled(numbered)
    once = np.ones((1, int(numbered.max()) + 1), np.int64)

    def mean(counts: Sequence[NDArray[np.int64]], weights: NDArray[np.int64]) -> Any:
        pairs = [np.stack([each[..., 0], each.sum(axis=-1)], axis=1) for each in counts]
        summed = [weights @ per_group(pair, numbered) for pair in pairs]
        return np.mean([precision_of(each) for each in summed], axis=0)

    return {
        "ours": mean(ours, once)[0].round(4).tolist(),
        "stardist": mean(peer, once)[0].round(4).tolist(),
        "lead": (mean(ours, once) - mean(peer, once))[0].round(4).tolist(),
        "interval": interval(mean(ours, draws) - mean(peer, draws)),
        "groups": int(once.size),
        "images": len(groups),
    }


if __name__ == "__main__":
    main()
