"""No patient and no group lies in two parts of a training set."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from segmentation.services.training_sets import split_entries


def entry(
    number: int, patient: str = "", group: str = "", *, is_holdout: bool = False
) -> dict[str, Any]:
    return {
        "case": f"c{number}",
        "number": number,
        "patient_key": patient,
        "group": group,
        "is_holdout": is_holdout,
    }


ENTRIES = st.lists(
    st.tuples(st.sampled_from(["", "p1", "p2", "p3"]), st.sampled_from(["", "g1", "g2"]),
              st.booleans()),
    max_size=30,
)  # fmt: skip


@given(ENTRIES)
def test_parts_share_no_patient_no_group_and_lose_no_case(drawn: list[Any]) -> None:
    entries = [entry(n, p, g, is_holdout=h) for n, (p, g, h) in enumerate(drawn)]
    split = split_entries("project", entries)
    parts = [split["train"], split["validation"], split["holdout"]]
    for field in ("patient_key", "group"):
        named = [{case[field] for case in part if case[field]} for part in parts]
        for first in range(3):
            for second in range(first + 1, 3):
                assert not named[first] & named[second]
    assert sum(len(part) for part in split.values()) == len(entries)
    assert all(case["is_holdout"] for case in split["holdout"])
    assert not any(case["is_holdout"] for part in parts[:2] for case in part)


def test_a_case_stays_in_its_part_when_the_set_grows() -> None:
    small = split_entries("project", [entry(n, f"p{n}") for n in range(20)])
    large = split_entries("project", [entry(n, f"p{n}") for n in range(60)])
    kept = {case["case"] for case in large["validation"]}
    assert {case["case"] for case in small["validation"]} <= kept


def test_a_case_beside_the_hold_out_is_excluded_by_name() -> None:
    split = split_entries("p", [entry(1, "same", is_holdout=True), entry(2, "same"), entry(3)])
    assert [case["case"] for case in split["excluded"]] == ["c2"]
    assert "hold-out" in split["excluded"][0]["reason"]


def test_two_patients_are_enough_to_train_and_to_validate() -> None:
    split = split_entries("p", [entry(1, "a"), entry(2, "b")])
    assert len(split["train"]) == 1
    assert len(split["validation"]) == 1


def test_one_patient_is_trained_on_and_nothing_validates() -> None:
    split = split_entries("p", [entry(1, "a"), entry(2, "a")])
    assert (len(split["train"]), len(split["validation"])) == (2, 0)
