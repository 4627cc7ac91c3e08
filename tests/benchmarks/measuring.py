"""How every benchmark measures and reports, so that a ratio means the same in each.

The contestants take turns within every round, so that a busy machine slows all of them; a figure
is the median over the rounds, and ``ratio`` is the peer's median over ours. What is counted is the
time of this process's CPU, which on one thread is the time that passes, save for what other
programs take; ``wall`` is the ratio by the wall's clock. Tables go to the standard error, one JSON
line to the standard output.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

ROUNDS = 9
SHORTEST_S = 0.01
"""What is faster than this is repeated within its turn, so that the clock's own step is nothing."""


def options(description: str | None, **more: Mapping[str, Any]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print one JSON line last")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="turns of each contestant")
    for name, settings in more.items():
        parser.add_argument(f"--{name}", **settings)
    return parser.parse_args()


def peer(module: str) -> Any:
    """A module of the ``bench`` extra, or the end of the program with a sentence."""
    try:
        return import_module(module)
    except ImportError as error:
        package = module.split(".")[0]
        say(
            f"The peer {package!r} is not here ({error}). Install the peers with "
            "pip install -e '.[bench]' and run this again."
        )
        raise SystemExit(2) from error


def say(text: str = "") -> None:
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Turns:
    """Milliseconds per call in each round: of the process's CPU, and of the wall's clock."""

    cpu: tuple[float, ...]
    wall: tuple[float, ...]


def turns(
    contestants: Mapping[str, Callable[[], object]], rounds: int = ROUNDS
) -> dict[str, Turns]:
    """Time every contestant once in each round, after two calls of each that do not count."""
    repeats = {}
    for name, call in contestants.items():
        call()
        repeats[name] = max(1, round(SHORTEST_S / max(_timed(call, 1)[0], 1e-6)))
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, call in contestants.items():
            cpu, wall = _timed(call, repeats[name])
            times[name].append((1000 * cpu / repeats[name], 1000 * wall / repeats[name]))
    return {name: Turns(*zip(*each, strict=True)) for name, each in times.items()}


def _timed(call: Callable[[], object], repeats: int) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(repeats):
        call()
    return time.process_time() - cpu, time.perf_counter() - wall


def compare(
    times: Mapping[str, Turns], ours: str = "ours", rival: str = "peer"
) -> dict[str, float]:
    """Medians in ms, their ratio, and the least and greatest ratio within one round."""
    a, b = times[ours], times[rival]
    pairs = [theirs / own for own, theirs in zip(a.cpu, b.cpu, strict=True)]
    return {
        "ours_ms": round(statistics.median(a.cpu), 3),
        "peer_ms": round(statistics.median(b.cpu), 3),
        "ratio": round(statistics.median(b.cpu) / statistics.median(a.cpu), 2),
        "least": round(min(pairs), 2),
        "greatest": round(max(pairs), 2),
        "wall": round(statistics.median(b.wall) / statistics.median(a.wall), 2),
    }


def table(rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows of one shape under their names."""
    names = list(rows[0])
    cells = [names, *([str(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[k]) for line in cells) for k in range(len(names))]
    for line in cells:
        say("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))


def finish(
    name: str, peer_name: str, rows: Sequence[Mapping[str, object]], as_json: bool, **more: object
) -> None:
    """Print what was measured; ``ratio`` is the smallest of the rows unless ``more`` has one."""
    say()
    table(rows)
    ratios = [float(str(row["ratio"])) for row in rows if "ratio" in row]
    result = {
        "benchmark": name,
        "ratio": min(ratios) if ratios else None,
        "peer": peer_name,
        "rows": list(rows),
        **more,
        **circumstances(),
    }
    if result["ratio"] is not None:
        say(f"{name}: at least {result['ratio']} times {peer_name}")
    if as_json:
        print(json.dumps(result), flush=True)


def circumstances() -> dict[str, object]:
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": cpu_model(),
        "threads": int(os.environ["OMP_NUM_THREADS"]),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }


def cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    found = {key.strip(): value.strip() for key, value in facts.items()}
    if "model name" not in found:
        return platform.processor() or platform.machine()
    numbers = f"family {found.get('cpu family')}, model {found.get('model')}"
    return f"{found['model name']} ({numbers})"


def version(package: str) -> str:
    return f"{package} {metadata.version(package)}"
