"""Every tool in a real browser, by the pointer; and whole cases by keys alone, from the worklist to
the last verdict, with no pointer event at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from segmentation.demo.phantoms import nuclei_field
from tests.browser.bench import Bench, Mask, Pointer, a_case, a_picture, a_volume, same
from tests.browser.conftest import SAME_BEHIND_NGINX, Desk
from tests.browser.steps import all_saved, state_of, token_of
from tests.rest import Rest
from tests.running import Site

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    SAME_BEHIND_NGINX,
]
SQUARE = (slice(10, 40), slice(10, 40))


def a_finding(bench: Bench, act: Callable[[], object]) -> Mask:
    """The one finding that an act makes; it is taken back afterwards."""
    bench.page.keyboard.press("c")
    before = bench.masks()
    after = bench.does(act)
    (made,) = set(after) - set(before)
    same(bench.press("Control+z"), before)
    return after[made]


def test_every_tool_by_the_pointer(
    running_site: Site, desk: Callable[[], Desk], tmp_path: Path
) -> None:
    person = desk()
    person.use_link(running_site.administrator_link())
    boss = Rest(running_site, token_of(running_site, "admin"))
    on_a_picture(person, a_case(person, boss, "instances", a_picture(tmp_path / "picture")))
    in_a_volume(person, a_case(person, boss, "semantic", a_volume(tmp_path / "volume")))


def on_a_picture(person: Desk, bench: Bench) -> None:
    page, hand = bench.page, Pointer(bench)
    drawing(bench, hand)
    filling(person, bench, hand)
    combining(bench, hand)
    pointing(person, bench, hand)
    measuring(bench, hand)
    looking(page, hand)


def drawing(bench: Bench, hand: Pointer) -> None:
    page = bench.page
    page.keyboard.press("b")
    page.get_by_test_id("tool-radius").fill("4")
    page.get_by_test_id("tool-radius").blur()
    stroke = a_finding(bench, lambda: hand.drag([(20, 60), (40, 70)]))
    assert stroke[0, 60, 20]
    assert stroke[0, 65, 30]
    assert not stroke[0, :50].any()

    page.keyboard.press("p")
    ring = [(70 + 12 * np.cos(a), 25 + 12 * np.sin(a)) for a in np.linspace(0, 6.1, 24)]
    lasso = a_finding(bench, lambda: hand.drag(ring))
    assert abs(int(lasso.sum()) - np.pi * 144) < 60

    def corners(*held: str) -> None:
        for corner in ((50, 10), (90, 10), (90, 40), (50, 40)):
            hand.click(*corner, *held)
        page.keyboard.press("Enter")

    polygon = a_finding(bench, corners)
    assert abs(int(polygon.sum()) - 40 * 30) < 80

    bench.does(corners)
    (whole,) = bench.masks().values()
    cut = bench.does(lambda: hand.drag([(80, 5), (95, 5), (95, 45), (80, 45)], "Alt"))
    assert int(whole.sum()) - int(next(iter(cut.values())).sum()) > 200
    page.keyboard.press("e")
    erased = bench.does(lambda: hand.drag([(55, 20), (75, 20)]))
    assert not next(iter(erased.values()))[0, 20, 65]
    for _ in range(3):
        bench.press("Control+z")
    assert bench.masks() == {}


def filling(person: Desk, bench: Bench, hand: Pointer) -> None:
    page = bench.page
    page.keyboard.press("f")
    page.locator("select").filter(has_text="like grey").first.select_option("likeness")
    page.keyboard.press("c")
    flooded = bench.does(lambda: hand.click(15, 15))
    ((number, mask),) = flooded.items()
    truth = np.zeros(bench.shape[1:], bool)
    truth[SQUARE] = True
    truth[20:25, 20:25] = False
    assert np.array_equal(mask[0], truth)
    page.locator("select").filter(has_text="like grey").first.select_option("hole")
    whole = bench.does(lambda: hand.click(22, 22))[number]
    assert whole.sum() == 900
    person.picture("60-filled")


def combining(bench: Bench, hand: Pointer) -> None:
    """A second finding over the first, joined with it, cut from it, crossed with it."""
    page = bench.page
    (square,) = bench.masks().values()
    page.keyboard.press("b")
    page.get_by_test_id("tool-neighbours").select_option("allow")
    page.keyboard.press("c")
    page.keyboard.press("p")

    def corners() -> None:
        for corner in ((30, 20), (60, 20), (60, 30), (30, 30)):
            hand.click(*corner)
        page.keyboard.press("Enter")

    both = bench.does(corners)
    bar_number = max(both)
    bar = both[bar_number]
    page.keyboard.press("v")
    hand.click(12, 12)  # the square is what changes
    hand.click(50, 25, "Control")
    page.keyboard.press("Shift+S")
    expect(page.get_by_test_id("shape-other")).to_have_value(str(bar_number))
    first = min(both)
    for command, expected in (
        ("join", square | bar),
        ("subtract", square & ~bar),
        ("intersect", square & bar),
    ):
        found = bench.does(page.get_by_test_id(f"shape-{command}").click)
        assert np.array_equal(found[first], expected), command
        same(bench.press("Control+z"), both)
    page.get_by_test_id("panel-tab-findings").click()


def pointing(person: Desk, bench: Bench, hand: Pointer) -> None:
    """A click, a click with alt, a box, a scribble: each is answered, Enter keeps it."""
    page = bench.page
    page.keyboard.press("c")
    page.keyboard.press("k")
    answered = "**/prompt/**"

    def asks(act: Callable[[], object]) -> None:
        with page.expect_response(answered) as waiting:
            act()
        assert waiting.value.status == 200

    before = bench.masks()
    asks(lambda: hand.click(67, 56))
    asks(lambda: hand.drag([(62, 52), (70, 60)], "Shift"))
    asks(lambda: hand.click(50, 70, "Alt"))
    asks(lambda: hand.drag([(57, 47), (77, 65)]))
    person.picture("61-pointed-at")
    assert bench.masks().keys() == before.keys()  # a preview is no part of the case
    kept = bench.press("Enter")
    (made,) = set(kept) - set(before)
    assert kept[made][0, 56, 67]
    assert not kept[made][0, 70, 50]
    bench.press("Control+z")
    asks(lambda: hand.click(67, 56))
    page.keyboard.press("Escape")
    assert bench.masks().keys() == before.keys()


def measuring(bench: Bench, hand: Pointer) -> None:
    page, address = bench.page, f"cases/{bench.case}/measurements/"

    def kept() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = bench.boss.get(address)["results"]
        return found

    page.keyboard.press("u")
    hand.drag([(10, 70), (40, 70)])
    (length,) = bench.boss.wait_for(kept, lambda rows: len(rows) == 1)
    assert length["unit"] == "mm"
    assert abs(length["value"] - 30) < 1.5
    page.keyboard.press("Shift+U")
    for place in ((80, 70), (60, 70), (60, 50)):
        hand.click(*place)
    rows = bench.boss.wait_for(kept, lambda rows: len(rows) == 2)
    angle = next(row for row in rows if row["kind"] == "angle")
    assert abs(angle["value"] - 90) < 4
    page.keyboard.press("m")
    marked = state_of(bench.boss, bench.case)["head"]["sequence"]
    hand.drag([(5, 5), (50, 45)])
    told = bench.boss.wait_for(
        lambda: state_of(bench.boss, bench.case), lambda told: told["head"]["sequence"] > marked
    )
    assert any(row["finding"] == 0 for row in told["slices"])


def looking(page: Page, hand: Pointer) -> None:
    """Moving the picture moves what is under the pointer; the window changes what is seen."""
    canvas = page.get_by_test_id("review-canvas-axial")
    value = page.get_by_test_id("pointer-value")
    page.mouse.move(*hand.at(48, 40))
    page.wait_for_timeout(200)
    before = value.inner_text()
    page.keyboard.press("d")
    hand.drag([(48, 40), (58, 40)])
    page.mouse.move(*hand.at(48, 40))
    page.wait_for_timeout(200)
    assert value.inner_text() != before
    seen = canvas.screenshot()
    page.keyboard.press("w")
    hand.drag([(48, 40), (60, 50)])
    page.wait_for_timeout(200)
    assert canvas.screenshot() != seen


def in_a_volume(person: Desk, bench: Bench) -> None:
    page = bench.page
    expect(page.get_by_text("slices here")).to_have_count(0)
    page.keyboard.press("l")  # one plane, as large as it goes
    hand = Pointer(bench)
    page.keyboard.press("s")
    page.get_by_test_id("tool-radius").fill("6")
    page.get_by_test_id("tool-radius").blur()
    ball = bench.does(lambda: hand.click(24, 20))[1]
    reached = np.flatnonzero(ball.any(axis=(1, 2)))
    assert len(reached) == 7  # slices are twice as thick: three to either side
    bench.press("Control+z")

    here = int(page.get_by_test_id("slice-number").inner_text().split()[1]) - 1
    page.keyboard.press("b")
    bench.does(lambda: hand.drag([(15, 20), (20, 20)]))
    for _ in range(4):
        page.keyboard.press("ArrowUp")
    expect(page.get_by_test_id("slice-number")).to_contain_text(f"{here + 5} /")
    bench.does(lambda: hand.drag([(19, 20), (24, 20)]))
    (filled,) = bench.press("i").values()
    assert filled[here : here + 5].any(axis=(1, 2)).all()
    assert filled.any(axis=(1, 2)).sum() == 5
    person.picture("62-between-slices")


KEYS_ONLY = """
  window.pointed = [];
  const kinds = ["pointerdown", "pointerup", "pointermove", "mousedown", "mouseup", "mousemove",
    "dblclick", "contextmenu", "wheel", "touchstart", "touchmove"];
  for (const kind of kinds) addEventListener(kind, () => window.pointed.push(kind), true);
  // A key that presses a button makes a click, too, one without a count.
  addEventListener("click", (event) => event.detail > 0 && window.pointed.push("click"), true);
"""


@pytest.fixture
def cells(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "first.png", tmp_path / "second.png"]
    for seed, path in enumerate(paths, start=41):
        Image.fromarray(nuclei_field(7, (96, 112), seed=seed).pixels).save(path)
    return paths


def test_cases_are_reviewed_by_keys_alone(
    running_site: Site, desk: Callable[[], Desk], cells: list[Path], tmp_path: Path
) -> None:
    person = desk()
    person.use_link(running_site.administrator_link())
    boss = Rest(running_site, token_of(running_site, "admin"))
    labels = [{"name": "nucleus", "colour": "#0072b2"}]
    made = boss.post("projects/", {"name": "Keys", "task": "instances", "labels": labels})
    boss.upload_paths(made["id"], cells)
    boss.wait_for_jobs("predict")
    rows = boss.get(f"projects/{made['id']}/cases/?order=number")["results"]
    first, second = (row["id"] for row in rows)

    person.page.add_init_script(KEYS_ONLY)
    page = person.go(f"/projects/{made['id']}?order=number")
    expect(page.get_by_test_id("case-row")).to_have_count(2)
    tab_to(page, "case-open")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/*")
    opened = page.url.rsplit("/", 1)[1]
    judge_and_correct(person, page, boss, opened)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("review-case-state")).to_have_attribute("data-state", "submitted")
    page.keyboard.press("Shift+Enter")
    other = second if opened == first else first
    page.wait_for_url(f"**/cases/{other}")
    expect(page.get_by_test_id("tool-brush")).to_be_enabled()
    page.keyboard.press("Shift+A")
    boss.wait_for(lambda: states(boss, other), lambda told: "proposed" not in told)
    all_saved(page)
    page.keyboard.press("Control+Enter")
    boss.wait_for(lambda: boss.get(f"cases/{other}/")["state"], lambda now: now == "submitted")
    assert boss.get(f"cases/{opened}/")["state"] == "submitted"
    assert page.evaluate("window.pointed") == []


def tab_to(page: Page, testid: str) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement?.dataset.testid") == testid:
            return
    raise AssertionError(f"Tab never came to {testid}")


def states(boss: Rest, case: str) -> list[str]:
    return sorted(one["state"] for one in state_of(boss, case)["findings"])


def judge_and_correct(person: Desk, page: Page, boss: Rest, case: str) -> None:
    expect(page.get_by_test_id("tool-brush")).to_be_enabled()
    bench = Bench(page, boss, case)
    found = len(state_of(boss, case)["findings"])
    assert found >= 3
    bench.press("n", "a")
    bench.press("r")
    judged = states(boss, case)
    assert (judged.count("accepted"), judged.count("rejected")) == (1, 1)

    before = bench.masks()
    grown = bench.press("+")
    (changed,) = [number for number in grown if not np.array_equal(grown[number], before[number])]
    assert grown[changed].sum() > before[changed].sum()
    same(bench.press("Control+z"), before)

    page.keyboard.press("c")
    page.keyboard.press("b")
    page.keyboard.press("Shift+P")
    drawn = bench.press("Shift+ArrowLeft", " ", "Shift+ArrowDown", "ArrowRight", " ")
    (made,) = set(drawn) - set(before)
    assert drawn[made].sum() > 100  # a stroke of ten pixels by keys
    person.picture("63-drawn-by-keys")
    cut = bench.press(
        "Shift+P", "Shift+P", "Shift+ArrowLeft", "Alt+Enter", "Shift+ArrowDown", "Alt+Enter"
    )
    assert cut[made].sum() < drawn[made].sum() if made in cut else True
    bench.press("Control+z")
    page.keyboard.press("Shift+P")

    page.keyboard.press("t")
    expect(page.get_by_test_id("threshold-apply")).to_be_visible()
    page.keyboard.press("Escape")
    bench.press("Delete")
    bench.press("Shift+A")
    assert "proposed" not in states(boss, case)
    all_saved(page)
