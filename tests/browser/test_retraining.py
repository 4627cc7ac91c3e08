"""Boxes and image labels are corrected on the page, learnt from, and the challengers are judged.

Drawn pictures by default; with ``MEDSEG_REAL_DATA=1`` blood smears and chest radiographs, where
they lie beside the repository."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segmentation.demo.phantoms import nuclei_field
from tests.browser.bench import Bench, Pointer
from tests.browser.conftest import SAME_BEHIND_NGINX, Desk
from tests.browser.microscopy import data_folder, write_indexed
from tests.browser.steps import all_saved, bring_in, learn, open_case, state_of, token_of
from tests.rest import Rest
from tests.running import Site

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    SAME_BEHIND_NGINX,
]
TRAINED, HELD_OUT = 8, 6
REAL = os.environ.get("MEDSEG_REAL_DATA") == "1"
Rows = list[dict[str, str]]


def drawn_boxes(folder: Path) -> tuple[Path, list[str]]:
    """Fields of nuclei; of numbered masks a project of boxes takes the boxes."""
    fields = [nuclei_field(5, (128, 128), seed=seed) for seed in range(TRAINED + HELD_OUT)]
    pairs = [(field.pixels, field.labels().astype(np.uint16)) for field in fields]
    return write_indexed(folder, pairs, HELD_OUT), ["cell", "debris"]


def drawn_kinds(folder: Path) -> tuple[Path, list[str]]:
    """Pictures with much in them or little, as the column ``class`` says."""
    folder.mkdir(parents=True)
    rows = []
    for number in range(TRAINED + HELD_OUT):
        count = 3 if number % 2 else 14
        Image.fromarray(nuclei_field(count, (96, 96), seed=number).pixels).save(
            folder / f"{number}.png"
        )
        split = "train" if number < TRAINED else "test"
        kind = "sparse" if number % 2 else "dense"
        rows.append({"id": str(number), "image": f"{number}.png", "split": split, "class": kind})
    return _indexed(folder, rows), ["sparse", "dense"]


def real_boxes(folder: Path) -> tuple[Path, list[str]]:
    return _some_of("blood_cells_boxes", folder, ("image", "annotation")), [
        "RBC",
        "WBC",
        "Platelets",
    ]


def real_kinds(folder: Path) -> tuple[Path, list[str]]:
    """How the patient was turned, which a column of the index says."""
    return _some_of("cxr_lungs", folder, ("image",), kind="view"), ["PA", "AP Supine"]


def _some_of(name: str, folder: Path, files: tuple[str, ...], kind: str = "") -> Path:
    known = data_folder()
    assert known is not None, "the real data do not lie where MEDSEG_TEST_DATA says"
    with (known.parent / known.name / name / "index.csv").open(newline="") as table:
        rows: Rows = [row for row in csv.DictReader(table) if row.get(kind, "") != "AP"]
    train = [row for row in rows if row["split"] == "train"][:TRAINED]
    test = [row for row in rows if row["split"] == "test"][:HELD_OUT]
    chosen: Rows = []
    for row in (*train, *test):
        kept = {"id": row["id"], "split": row["split"], **{file: row[file] for file in files}}
        chosen.append({**kept, "class": row[kind]} if kind else kept)
        for file in files:
            (folder / row[file]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(known / name / row[file], folder / row[file])
    return _indexed(folder, chosen)


def _indexed(folder: Path, rows: Rows) -> Path:
    with (folder / "index.csv").open("w", newline="") as table:
        writer = csv.DictWriter(table, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def a_project(boss: Rest, name: str, task: str, labels: list[str]) -> str:
    colours = ("#0072b2", "#e69f00", "#009e73")
    told = [{"name": n, "colour": c} for n, c in zip(labels, colours, strict=False)]
    made = boss.post("projects/", {"name": name, "task": task, "labels": told, "holdout_share": 0})
    return str(made["id"])


def test_boxes_and_image_labels_are_corrected_and_learnt(
    running_site: Site, desk: Callable[[], Desk], tmp_path: Path
) -> None:
    person = desk()
    person.use_link(running_site.administrator_link())
    boss = Rest(running_site, token_of(running_site, "admin"))
    data, labels = (real_boxes if REAL else drawn_boxes)(tmp_path / "boxes")
    retrained(person, boss, a_project(boss, "Boxes", "boxes", labels), data, correct_boxes)
    data, labels = (real_kinds if REAL else drawn_kinds)(tmp_path / "kinds")
    retrained(person, boss, a_project(boss, "Kinds", "labels", labels), data, correct_labels)


def retrained(
    person: Desk, boss: Rest, project: str, data: Path, correct: Callable[[Desk, Bench], None]
) -> None:
    bring_in(person, project, data)
    cases = boss.get(f"projects/{project}/cases/?order=number&limit=200")["results"]
    assert sum(case["is_holdout"] for case in cases) == HELD_OUT
    first = next(case["id"] for case in cases if not case["is_holdout"])
    page = open_case(person, first)
    correct(person, Bench(page, boss, first))
    all_saved(page)
    page.get_by_test_id("case-submit").click()
    boss.wait_for(lambda: boss.get(f"cases/{first}/")["state"], lambda now: now == "submitted")
    for case in cases:
        if case["id"] != first:
            boss.post(f"cases/{case['id']}/submit/")
        boss.post(f"cases/{case['id']}/accept/")
    verdict = learn(person, project, start="scratch", steps=2, picture=f"70-{project[:4]}")
    assert verdict.get_attribute("data-outcome")


def findings(bench: Bench) -> dict[int, dict[str, Any]]:
    return {one["finding"]: one for one in state_of(bench.boss, bench.case)["findings"]}


def correct_boxes(person: Desk, bench: Bench) -> None:
    """One imported box is deleted and drawn anew, moved, sized, and given another label."""
    page, hand = bench.page, Pointer(bench)
    before = findings(bench)
    number = alone({n: told["box"] for n, told in before.items()})
    x1, y1, x2, y2 = before[number]["box"]
    page.get_by_test_id(f"finding-{number}").locator("button").first.click()
    bench.press("Delete")
    assert number not in findings(bench)
    page.keyboard.press("x")
    bench.does(lambda: hand.drag([(x1, y1), (x2, y2)], "Shift"))
    (made,) = set(findings(bench)) - set(before)
    near(findings(bench)[made]["box"], [x1, y1, x2, y2])
    dx = -6 if x2 + 8 > bench.shape[2] else 6
    bench.does(
        lambda: hand.drag([((x1 + x2) / 2, (y1 + y2) / 2), ((x1 + x2) / 2 + dx, (y1 + y2) / 2)])
    )
    near(findings(bench)[made]["box"], [x1 + dx, y1, x2 + dx, y2])
    middle = (y1 + y2) / 2
    bench.does(lambda: hand.drag([(x1 + dx, middle), (x1 + dx + 4, middle)]))
    near(findings(bench)[made]["box"], [x1 + dx + 4, y1, x2 + dx, y2])
    person.picture("71-boxes-corrected")
    bench.press("2")
    assert findings(bench)[made]["label"] == 2
    bench.press("Control+z")
    told = findings(bench)[made]
    assert (told["label"], told["state"], told["source"]) == (1, "accepted", "person")


def alone(boxes: dict[int, list[int]]) -> int:
    """The box with the most free ground around it: no other one is taken in its place."""

    def room(number: int) -> float:
        x1, y1, x2, y2 = boxes[number]
        gaps = [
            max(a - x2, x1 - c, b - y2, y1 - d)
            for other, (a, b, c, d) in boxes.items()
            if other != number
        ]
        return min([40.0, *gaps]) + (x2 - x1) * (y2 - y1) / 1e6

    return max(boxes, key=room)


def near(found: list[int], wanted: list[float]) -> None:
    """A pixel of the screen is less than one of the picture, so rounding is all that differs."""
    assert np.abs(np.subtract(found, wanted)).max() <= 1.5, (found, wanted)


def correct_labels(person: Desk, bench: Bench) -> None:
    """The key of a label says that the image shows it; the cross that it does not."""
    page = bench.page
    (imported,) = findings(bench).values()
    other = 3 - imported["label"]
    bench.does(
        lambda: (
            page.get_by_test_id(f"image-label-{imported['label']}").locator("button").nth(1).click()
        )
    )
    bench.press(str(other))
    told = {one["label"]: one["state"] for one in findings(bench).values()}
    assert told == {imported["label"]: "rejected", other: "accepted"}
    person.picture("72-image-labels")
    bench.press("Control+z")
    bench.press("Control+z")
    (again,) = findings(bench).values()
    assert again["state"] == imported["state"]
