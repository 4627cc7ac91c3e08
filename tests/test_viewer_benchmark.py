"""What the comparison of viewers makes of its raw values; the comparison itself is no test."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks.viewer_browser import origin_of, script_self_ms
from tests.benchmarks.viewer_data import SEGMENTS, volume
from tests.benchmarks.viewer_figures import (
    AIMS,
    CORNERSTONE,
    FIRST,
    OHIF,
    OURS,
    Aim,
    Taken,
    rows_of,
    verdict,
)

ORIGIN = "http://127.0.0.1:8000/"


def a_node(number: int, url: str) -> dict[str, object]:
    return {"id": number, "callFrame": {"functionName": f"f{number}", "url": url}}


def test_only_the_page_s_own_functions_count_and_a_sample_lasts_until_the_next() -> None:
    profile = {
        "startTime": 1000,
        "nodes": [
            a_node(1, ""),  # (idle), (program), putImageData
            a_node(2, f"{ORIGIN}static/app.js"),
            a_node(3, "__playwright_evaluation_script__"),
            a_node(4, f"blob:{ORIGIN}1234"),
        ],
        "samples": [1, 2, 2, 3, 4, 1],
        # Each delta is the time before its sample: 2 lasts 300 + 700, 4 lasts 500 microseconds.
        "timeDeltas": [10, 250, 300, 700, 400, 500],
    }
    # In microseconds: 2 begins at 1260 and 1560, 4 at 2660 and lasts until 3160.
    assert script_self_ms(profile, ORIGIN, [1000]) == [pytest.approx(1.5)]
    assert script_self_ms(profile, ORIGIN, [1000, 1500, 2000]) == pytest.approx([0.3, 0.7, 0.5])
    assert script_self_ms(profile, ORIGIN, [2500, 9000]) == pytest.approx([0.5, 0.0])
    assert script_self_ms({"nodes": [], "startTime": 0}, ORIGIN, [0]) == [0]


def test_the_origin_ends_where_another_port_would_begin() -> None:
    assert origin_of("http://127.0.0.1:8000/cases/1?a=b") == ORIGIN


def test_a_figure_is_the_median_and_a_share_is_ours_over_the_peer_s() -> None:
    taken = Taken()
    for ours, theirs in ((1.0, 10.0), (30.0, 20.0), (2.0, 4.0)):
        taken.add(FIRST, OURS, ours)
        taken.add(FIRST, CORNERSTONE, theirs)
    (row,) = rows_of(taken, "somewhere")
    assert (row["ours"], row["theirs"], row["share"], row["n"]) == (2.0, 10.0, 0.2, 3)
    assert row["met"] == "yes"


def test_a_peer_that_shows_nothing_is_named_with_its_reason_and_has_no_share() -> None:
    taken = Taken()
    taken.add(FIRST, OURS, 2.0)
    taken.add(FIRST, OHIF, 9.0)  # once it did; a median of those times alone would flatter it
    taken.miss(FIRST, OHIF, "no context")
    (row,) = rows_of(taken, "somewhere")
    assert (row["theirs"], row["share"], row["met"], row["why"]) == (
        None, None, "no peer", "no context",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("aim", "ours", "share", "word"),
    [
        (Aim(0.5), 1.0, 0.5, "yes"),
        (Aim(0.5), 1.0, 0.51, "no"),
        (Aim(2, share=False), 2.1, 0.1, "no"),
        (Aim(2, share=False), 1.9, None, "yes"),
        (Aim(0.5), None, None, "no"),
        (None, 1.0, 2.0, ""),
    ],
)
def test_an_aim_is_met_by_the_share_or_by_the_amount(
    aim: Aim | None, ours: float | None, share: float | None, word: str
) -> None:
    assert verdict(aim, ours, share) == word


def test_every_aim_is_about_a_peer_of_the_comparison() -> None:
    assert {rival for _, rival in AIMS} == {CORNERSTONE, OHIF}


def test_the_volume_is_the_same_each_time_and_every_slice_s_middle_is_tissue() -> None:
    first, second = volume((20, 64, 64)), volume((20, 64, 64))
    assert (first.pixels == second.pixels).all()
    assert (first.labels == second.labels).all()
    assert set(np.unique(first.labels)) == set(range(SEGMENTS + 1))
    middle = first.pixels[:, 30:34, 30:34]
    assert (middle.std(axis=(1, 2)) > 5).all(), "noise tells slices apart"
    assert (middle.mean(axis=(1, 2)) > -160).all(), "inside the window, so that it can be seen"
