"""SIGKILL to each part of a running site: nothing acknowledged is lost, nothing stays stuck.

Each test runs the real ``up`` with its own database, redis, web server and workers.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

from segmentation.demo.phantoms import nuclei_field
from tests.builders import rows_of, wire
from tests.rest import Rest
from tests.running import Site, command_line

pytestmark = [pytest.mark.faults, pytest.mark.slow]
LABELS = [{"name": "nucleus", "colour": "#0072b2", "key": "1"}]


@pytest.fixture
def administrator(running_site: Site) -> Rest:
    """The first administrator, by token, on a site that runs."""
    running_site.administrator_link()
    token = json.loads(running_site.command("create_token", "admin", "--json"))["token"]
    return Rest(running_site, token)


@pytest.fixture
def project(administrator: Rest) -> str:
    made = administrator.post(
        "projects/", {"name": "Faults", "task": "instances", "labels": LABELS}
    )
    return str(made["id"])


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Six drawn fields of nuclei as PNG files."""
    paths = []
    for number in range(6):
        paths.append(tmp_path / f"field{number}.png")
        Image.fromarray(nuclei_field(8, (96, 96), seed=number).pixels).save(paths[-1])
    return paths


def cases_of(person: Rest, project: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.get(f"projects/{project}/cases/")["results"]
    return found


def the_site_is_whole(site: Site) -> None:
    told = json.loads(site.command("verify", "--json").splitlines()[-1])
    assert told["problems"] == []


def strokes() -> Iterator[bytes]:
    """Squares that wander over the image."""
    for step in range(10_000):
        x, y = (step * 7) % 80, (step * 3) % 80
        yield rows_of(x, y, x + 8, y + 8, 96, 96)


def test_a_killed_web_server_loses_no_acknowledged_stroke(
    running_site: Site, administrator: Rest, project: str, pictures: list[Path]
) -> None:
    administrator.upload_paths(project, pictures[:1])
    administrator.wait_for_jobs("predict")
    case = cases_of(administrator, project)[0]["id"]
    administrator.hold(case)
    state = administrator.get(f"cases/{case}/state/")
    head, number = (state["head"] or {}).get("id"), state["next_finding"]
    finding = [{"finding": number, "label": 1, "state": "accepted", "source": "person"}]
    acknowledged: dict[str, bytes] = {}
    for count, runs in zip(range(40), strokes(), strict=False):
        if count == 15:
            running_site.kill("uvicorn")
        key, slices = uuid.uuid4().hex, [{"finding": number, "z": 0, "runs": wire(runs)}]

        def save(
            head: str | None = head, slices: Any = slices, key: str = key
        ) -> requests.Response:
            return administrator.save(case, head, slices, finding, key)

        # A stroke whose answer was lost is sent again under its key, as the page does.
        answer = administrator.wait_for(save, lambda told: told.status_code in (200, 201))
        head = answer.json()["id"]
        acknowledged[head] = runs
    known = {told["id"] for told in administrator.get(f"cases/{case}/revisions/")["results"]}
    state = administrator.get(f"cases/{case}/state/")
    assert state["head"]["id"] == head
    assert head in known
    shown = next(row for row in state["slices"] if row["finding"] == number)
    assert shown["runs"] == wire(acknowledged[head])
    for revision, runs in acknowledged.items():
        told = administrator.get(f"revisions/{revision}/state/")
        assert wire(runs) in {row["runs"] for row in told["slices"]}
    the_site_is_whole(running_site)


def test_a_killed_worker_gives_its_prediction_to_the_next(
    running_site: Site, administrator: Rest, project: str, pictures: list[Path]
) -> None:
    report = administrator.upload_paths(project, pictures)["report"]
    assert report["imported"] == len(pictures)
    administrator.wait_for(
        administrator.jobs,
        lambda jobs: any(j["kind"] == "predict" and j["state"] != "queued" for j in jobs),
    )
    for number in running_site.running("celery"):
        if number in running_site.processes():
            running_site.kill("celery")
            break
    done = administrator.wait_for_jobs("predict")
    assert len(done) == len(pictures)
    assert {job["state"] for job in done} == {"succeeded"}
    for case in cases_of(administrator, project):
        assert case["state"] == "ready"
        runs = [
            told
            for told in administrator.get(f"cases/{case['id']}/revisions/")["results"]
            if told["kind"] == "predicted"
        ]
        assert len(runs) == 1, "each job takes effect once"
    the_site_is_whole(running_site)


def test_a_killed_redis_forgets_messages_but_no_job(
    running_site: Site, administrator: Rest, project: str, pictures: list[Path]
) -> None:
    administrator.upload_paths(project, pictures)
    running_site.kill("redis")
    done = administrator.wait_for_jobs("predict")
    assert len(done) == len(pictures)
    assert {job["state"] for job in done} == {"succeeded"}
    again = administrator.post(f"projects/{project}/predict-again/", {"only_untouched": True})
    assert again["queued"] == len(pictures)
    assert {job["state"] for job in administrator.wait_for_jobs("predict")} == {"succeeded"}
    the_site_is_whole(running_site)


def test_a_site_that_was_killed_whole_starts_again_where_it_was(
    running_site: Site, administrator: Rest, project: str, pictures: list[Path]
) -> None:
    administrator.upload_paths(project, pictures)
    assert running_site.process is not None
    running_site.process.kill()
    running_site.process.wait(10)
    administrator.wait_for(
        lambda: [command_line(left) for left in running_site.processes()],
        lambda left: not left,
        60,
    )
    running_site.start()
    running_site.wait_until_ready()
    assert len(cases_of(administrator, project)) == len(pictures)
    assert {job["state"] for job in administrator.wait_for_jobs("predict")} == {"succeeded"}
    the_site_is_whole(running_site)


def test_drawn_pictures_differ(pictures: list[Path]) -> None:
    """The duplicate check would otherwise take one for another."""
    drawn = [np.asarray(Image.open(path)).tobytes() for path in pictures]
    assert len(set(drawn)) == len(drawn)
