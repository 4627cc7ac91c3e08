"""How long a worklist takes with many cases: ``python -m tests.benchmarks.worklist``.

Seeds a throw-away database (SQLite, or PostgreSQL by ``DATABASE_URL``) and asks the REST API as a
page does, signed in, fifty rows at a time. ``cpu`` is this process's own time, which a busy machine
does not stretch; on SQLite it holds the database's work, too. The peer is Django's own Paginator
on the same rows: count all, then skip to the page by OFFSET.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import django

Took = tuple[float, float]
"""Milliseconds of the wall's clock and of this process's CPU."""

LIMIT_MS = 100.0
PAGE = 50
STATES = ("ready", "ready", "ready", "in_progress", "submitted", "returned", "accepted")
KINDS = ("fluorescence", "histology", "xray", "ct")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "medseg_site.settings.test"
    django.setup()
    from django.db import connection
    from django.test.utils import setup_databases, setup_test_environment, teardown_databases

    setup_test_environment()
    made = setup_databases(verbosity=0, interactive=False)
    try:
        began = time.perf_counter()
        project, person = seed(options.cases)
        took = time.perf_counter() - began
        print(f"{connection.vendor}: {options.cases} cases seeded in {took:.0f} s")
        measure(project, person, options.rounds)
    finally:
        teardown_databases(made, verbosity=0)


def seed(count: int) -> tuple[Any, Any]:
    """One large project as it is after months of work, and a smaller one beside it."""
    from django.db import connection

    from tests.builders import a_member, a_project

    large, small = a_project("large"), a_project("small")
    person = a_member(large, "annotator", "reader")
    _seed_project(large, person, count)
    _seed_project(small, person, count // 20)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return large, person


def _seed_project(project: Any, person: Any, count: int) -> None:
    from django.utils import timezone

    from segmentation.models import Assignment, Blob, Case, CurrentFinding, Image, Job
    from segmentation.storage.blobs import blob_put

    chance = random.Random(7)
    blob = blob_put(b"not pixels; a benchmark reads none", Blob.Kind.IMAGE)
    now = timezone.now()
    for first in range(1, count + 1, 5_000):
        numbers = range(first, min(first + 5_000, count + 1))
        cases = [
            Case(
                project=project,
                number=number,
                title=f"Case {number}",
                state=chance.choice(STATES),
                kind=chance.choice(KINDS),
                group=f"group {number % 200}",
                patient_key=f"p_{number % 30_000:020d}",
                uncertainty=chance.random() if chance.random() < 0.7 else None,
            )
            for number in numbers
        ]
        Case.objects.bulk_create(cases, batch_size=500)
        for case in cases:
            case.updated_at = now - timedelta(seconds=chance.randrange(10**7))
        Case.objects.bulk_update(cases, ["updated_at"], batch_size=500)
        Image.objects.bulk_create((_image(Image, case, blob) for case in cases), batch_size=500)
        mine = [case for case in cases if chance.random() < 0.02]
        Assignment.objects.bulk_create(
            (Assignment(case=case, user=person) for case in mine), batch_size=500
        )
        CurrentFinding.objects.bulk_create(
            (
                CurrentFinding(case=case, finding=n, fields={"label": 1}, digest="0" * 64)
                for case in cases
                for n in (1, 2, 3)
            ),
            batch_size=1_000,
        )
        Job.objects.bulk_create(
            (
                Job(kind="predict", queue="predict", state="succeeded", project=project, case=case)
                for case in cases
            ),
            batch_size=500,
        )


def _image(kind: Any, case: Any, blob: Any) -> Any:
    return kind(
        case=case,
        pack=blob,
        thumbnail=blob,
        size_y=512,
        size_x=512,
        dtype="uint8",
        source_digest=f"{case.number:064d}",
        pixel_digest=f"{case.number:064d}",
    )


def questions(count: int) -> dict[str, list[str]]:
    """What pages ask, by what it is about."""
    return {
        "by number": [""],
        "by uncertainty": ["order=uncertainty"],
        "by update": ["order=updated"],
        "by state": ["order=state"],
        "one state": ["state=submitted", "state=ready&order=uncertainty"],
        "mine": ["mine=true", "mine=true&order=uncertainty"],
        "unassigned": ["unassigned=true&order=uncertainty"],
        "one kind": ["kind=xray", "kind=xray&state=returned"],
        "a number": [f"q={count // 2}"],
        "a word": ["q=group 17"],
        "a word nobody wrote": ["q=zebra"],
    }


def measure(project: Any, person: Any, rounds: int) -> None:
    from rest_framework.test import APIClient

    client = APIClient()
    client.force_login(person)
    address = f"/api/v1/projects/{project.pk}/cases/?limit={PAGE}"

    def ask(words: str) -> Any:
        answer = client.get(f"{address}&{words}")
        if answer.status_code != 200:
            raise RuntimeError(f"{words}: {answer.status_code} {answer.content[:200]!r}")
        return answer.json()

    ask("")  # what only the first request pays: importing every door
    gc.collect()
    gc.freeze()  # as medseg_site.asgi does in the web server
    everything: list[Took] = []
    slowest = 0.0
    for about, asked in questions(project.cases.count()).items():
        took = [one for words in asked for one in _walk(ask, words, rounds // len(asked))]
        everything += took
        slowest = max(slowest, _say(about, took))
    following = [_timed(lambda: ask_next(client, project)) for _ in range(rounds)]
    slowest = max(slowest, _say("next case", following))
    overall = _say("all", everything)
    verdict = "within" if slowest <= LIMIT_MS else "OVER"
    print(f"  slowest question's p95: {slowest:.1f} ms, {verdict} {LIMIT_MS:.0f} ms")
    peer = _say("peer: count, OFFSET", [_timed(lambda: _paginated(project)) for _ in range(rounds)])
    print(f"  ratio to the peer at p95: {overall / peer:.2f}; load {os.getloadavg()[0]:.1f}")


def _say(about: str, took: list[Took]) -> float:
    """Print one line; the wall's p95 in ms."""
    wall, cpu = ([one[place] for one in took] for place in (0, 1))
    print(
        f"  {about:<20} p50 {statistics.median(wall):6.1f} ms   p95 {_p95(wall):6.1f} ms   "
        f"cpu p50 {statistics.median(cpu):6.1f} ms   p95 {_p95(cpu):6.1f} ms"
    )
    return _p95(wall)


def ask_next(client: Any, project: Any) -> None:
    answer = client.get(f"/api/v1/projects/{project.pk}/cases/next/")
    if answer.status_code != 200:
        raise RuntimeError(f"next: {answer.status_code}")


def _walk(ask: Callable[[str], Any], words: str, rounds: int) -> Iterator[Took]:
    """Page after page from the start, as somebody who scrolls; from the start again at the end."""
    after = ""
    for _ in range(rounds):
        page: dict[str, Any] = {}
        asked = f"{words}&after={after}"
        yield _timed(lambda asked=asked, page=page: page.update(ask(asked)))
        after = page["next"] or ""


def _paginated(project: Any) -> None:
    from django.core.paginator import Paginator

    from segmentation.models import Case

    rows = Case.objects.filter(project=project).order_by("-uncertainty", "-number").values()
    pages = Paginator(rows, PAGE)
    list(pages.page(max(pages.num_pages // 2, 1)).object_list)


def _timed(step: Callable[[], object]) -> Took:
    wall, cpu = time.perf_counter(), time.process_time()
    step()
    return (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000


def _p95(took: list[float]) -> float:
    return statistics.quantiles(took, n=20)[-1]


if __name__ == "__main__":
    main()
