"""How long it takes to save one stroke: ``python -m tests.benchmarks.strokes``.

A throw-away database (SQLite, or PostgreSQL by ``DATABASE_URL``) holds one case with many findings;
a person saves stroke after stroke through the REST API, and moves a slider that changes them all.
``cpu`` is this process's own time, which a busy machine does not stretch. The peer does what a save
without revisions would: it reads all findings of the case, changes one and writes them back as one
JSON document in one row.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
import uuid
from collections.abc import Callable
from typing import Any

import django

Took = tuple[float, float]
"""Milliseconds of the wall's clock and of this process's CPU."""

SIDE = 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--findings", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=60)
    options = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "medseg_site.settings.test"
    django.setup()
    from django.db import connection
    from django.test.utils import setup_databases, setup_test_environment, teardown_databases

    setup_test_environment()
    made = setup_databases(verbosity=0, interactive=False)
    try:
        case, person = seed(options.findings)
        print(f"{connection.vendor}: {options.findings} findings, load {os.getloadavg()[0]:.1f}")
        measure(case, person, options)
    finally:
        teardown_databases(made, verbosity=0)


def seed(count: int) -> tuple[Any, Any]:
    from segmentation.services.changes import SliceRows
    from segmentation.services.revisions import revision_record_system
    from tests.builders import a_case, a_finding, a_member, a_project

    project = a_project()
    case = a_case(project, (1, SIDE, SIDE))
    slices = [SliceRows(n, 0, square(n * 37 % 1000, n * 53 % 1000)) for n in range(1, count + 1)]
    findings = [a_finding(n, score=0.5, state="proposed") for n in range(1, count + 1)]
    revision_record_system(case, "imported", findings, slices)
    return case, a_member(project, "annotator")


def square(x: int, y: int) -> bytes:
    from tests.builders import rows_of

    return rows_of(x, y, min(x + 24, SIDE), min(y + 24, SIDE), SIDE, SIDE)


def measure(case: Any, person: Any, options: argparse.Namespace) -> None:
    from rest_framework.test import APIClient

    client = APIClient()
    client.force_login(person)
    address = f"/api/v1/cases/{case.pk}/revisions/"
    head = client.get(f"/api/v1/cases/{case.pk}/state/").json()["head"]["id"]
    tab = str(uuid.uuid4())

    def save(slices: list[Any], findings: list[Any]) -> None:
        nonlocal head
        body = {"operation": "brush", "tab": tab, "slices": slices, "findings": findings}
        headers = {"If-Match": f'"{head}"', "Idempotency-Key": uuid.uuid4().hex}
        answer = client.post(address, body, format="json", headers=headers)
        if answer.status_code != 201:
            raise RuntimeError(f"{answer.status_code} {answer.content[:200]!r}")
        head = answer.json()["id"]

    def stroke(number: int) -> None:
        save([{"finding": 1, "z": 0, "runs": wire(square(number, number))}], [])

    stroke(0)  # what only the first request pays: importing every door
    strokes = [_timed(lambda number=n: stroke(number)) for n in range(1, options.rounds + 1)]
    own = _say("one stroke", strokes)
    all_of_them = range(1, options.findings + 1)

    def slide(state: str) -> None:
        save([], [{"finding": number, "state": state} for number in all_of_them])

    _say("all findings at once", [_timed(lambda: slide("accepted")) for _ in range(5)])
    whole = f"/api/v1/cases/{case.pk}/state/"
    _say("the whole state", [_timed(lambda: client.get(whole)) for _ in range(10)])
    peer = _say("peer: one document", [_timed(lambda: rewrite(case)) for _ in range(20)])
    print(f"  ratio of a stroke to the peer, cpu p50: {own / peer:.2f}")


def wire(rows: bytes) -> str:
    from tests.builders import wire as spelled

    return spelled(rows)


def rewrite(case: Any) -> None:
    """Read, change and write the whole document; it is kept in a field that holds any JSON."""
    from django.db import transaction

    from segmentation.models import Case
    from segmentation.selectors.revisions import state_answer, state_current

    with transaction.atomic():
        row = Case.objects.select_for_update().get(pk=case.pk)
        document = row.origin.get("document") or json.dumps(state_answer(state_current(case)))
        content = json.loads(document)
        content["slices"][0]["runs"] = wire(square(5, 5))
        row.origin = {"document": json.dumps(content)}
        row.save(update_fields=["origin"])


def _say(about: str, took: list[Took]) -> float:
    """Print one line; the median of the CPU's time in ms."""
    wall, cpu = ([one[place] for one in took] for place in (0, 1))
    print(
        f"  {about:<22} p50 {statistics.median(wall):7.1f} ms   p90 {_p90(wall):7.1f} ms   "
        f"cpu p50 {statistics.median(cpu):7.1f} ms   p90 {_p90(cpu):7.1f} ms"
    )
    return statistics.median(cpu)


def _timed(step: Callable[[], object]) -> Took:
    wall, cpu = time.perf_counter(), time.process_time()
    step()
    return (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000


def _p90(took: list[float]) -> float:
    return statistics.quantiles(took, n=10)[-1]


if __name__ == "__main__":
    main()
