"""What a change to a case's masks says, checked before anything is written."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segmentation.engine import masks
from segmentation.engine.errors import InvalidArrayError
from segmentation.errors import InvalidInputError, TooLargeError

CHANGED_ROWS_MAX = 20_000
NOTE_LENGTH_MAX = 2_000
REVIEWED_REGION = 0
"""The number whose mask is the region marked as reviewed; it is no finding and has no fields."""

STATES = frozenset({"proposed", "suppressed", "accepted", "rejected"})
SOURCES = frozenset({"network", "person", "import"})
EMPTY_FIELDS: dict[str, Any] = {
    "label": None,
    "state": "accepted",
    "score": None,
    "box": None,
    "z": None,
    "candidate": None,
    "run": None,
    "source": "person",
    "note": "",
    "suppressed_by": None,
}


@dataclass(frozen=True)
class SliceRows:
    """The whole mask of one finding on the plane ``z``; no bytes means erased."""

    finding: int
    z: int
    runs: bytes


@dataclass(frozen=True)
class FindingRow:
    """All fields of one finding; None removes it with its slices."""

    finding: int
    fields: Mapping[str, Any] | None


@dataclass(frozen=True)
class Change:
    """One step: rows that replace what was there, each place named once."""

    slices: tuple[SliceRows, ...] = ()
    findings: tuple[FindingRow, ...] = ()

    @property
    def removed(self) -> set[int]:
        return {row.finding for row in self.findings if row.fields is None}


@dataclass(frozen=True)
class Limits:
    """What a mask of this case may be: its grid, its moments and the labels of its project."""

    zyx: tuple[int, int, int]
    labels: frozenset[int]
    moments: int = 1

    @property
    def planes(self) -> int:
        """How many planes there are, over all moments (see ``engine.geometry``)."""
        return self.moments * self.zyx[0]


def read_slices(rows: object) -> list[SliceRows]:
    """From the wire: ``{"finding", "z", "runs": base64}`` each. Nothing about it is trusted."""
    read = []
    for at, row in enumerate(_listed(rows, "slices")):
        number, z = _whole_in(row, "finding", at, "slices"), _whole_in(row, "z", at, "slices")
        try:
            runs = base64.b64decode(row.get("runs", ""), validate=True)
        except (TypeError, ValueError) as error:
            raise InvalidInputError(
                "A mask's rows are not base64.", fields={f"slices.{at}.runs": "Not base64."}
            ) from error
        read.append(SliceRows(number, z, runs))
    return read


def read_findings(rows: object) -> list[FindingRow]:
    """From the wire: ``{"finding", …fields}`` or ``{"finding", "removed": true}`` each."""
    read = []
    for at, row in enumerate(_listed(rows, "findings")):
        number = _whole_in(row, "finding", at, "findings")
        told = {name: value for name, value in row.items() if name not in {"finding", "removed"}}
        read.append(FindingRow(number, None if row.get("removed") is True else told))
    return read


def _listed(rows: object, what: str) -> list[Mapping[str, Any]]:
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise InvalidInputError(f"{what} must be a list of objects.", fields={what: "No list."})
    return rows


def _whole_in(row: Mapping[str, Any], name: str, at: int, what: str) -> int:
    value = row.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise InvalidInputError(
            f"Each of the {what} needs a whole number as its {name}.",
            fields={f"{what}.{at}.{name}": "No whole number."},
        )
    return value


def checked(
    slices: Iterable[SliceRows],
    findings: Iterable[FindingRow],
    limits: Limits,
    known: Mapping[int, Mapping[str, Any]],
) -> Change:
    """The change in canonical form, or a refusal. ``known`` are the findings it builds on.

    Fields that are not said keep their value. Slices of a finding that is neither known nor made
    by the same change are refused: a mask without a finding would be seen by nobody.
    """
    rows = tuple(_finding(row, limits, known.get(row.finding)) for row in findings)
    alive = {row.finding for row in rows if row.fields is not None}
    change = Change(tuple(_slice(row, limits) for row in slices), rows)
    for row in change.slices:
        if row.finding == REVIEWED_REGION or row.finding in alive:
            continue
        if row.finding in change.removed or row.finding not in known:
            raise InvalidInputError(
                f"There is no finding {row.finding} in this case that a mask could belong to."
            )
    _once([(row.finding, row.z) for row in change.slices], "slice")
    _once([row.finding for row in change.findings], "finding")
    return change


def require_moderate(slices: Sequence[object], findings: Sequence[object]) -> None:
    """A person's step is small; what is larger comes by import."""
    if len(slices) + len(findings) > CHANGED_ROWS_MAX:
        raise TooLargeError(
            f"One change may touch at most {CHANGED_ROWS_MAX} slices and findings. "
            "Save in smaller steps."
        )


def _once(places: Sequence[object], what: str) -> None:
    if len(set(places)) != len(places):
        raise InvalidInputError(f"The same {what} is named twice in one change.")


def _slice(row: SliceRows, limits: Limits) -> SliceRows:
    _, height, width = limits.zyx
    if not 0 <= row.z < limits.planes:
        raise InvalidInputError(f"There is no slice {row.z}; the image has {_planes(limits)}.")
    try:
        runs = masks.from_bytes(row.runs)
    except InvalidArrayError as error:
        raise InvalidInputError(str(error)) from error
    if runs.size and int(runs.sum(dtype="int64")) > height * width:
        raise InvalidInputError(
            f"The mask of finding {row.finding} on slice {row.z} is larger than the image "
            f"of {width} by {height} pixels."
        )
    return SliceRows(row.finding, row.z, masks.to_bytes(runs))


def _planes(limits: Limits) -> str:
    many = limits.moments > 1
    return f"{limits.planes} in {limits.moments} moments" if many else str(limits.planes)


def _finding(row: FindingRow, limits: Limits, before: Mapping[str, Any] | None) -> FindingRow:
    if row.finding < 1 or row.finding > 2**31 - 1:
        raise InvalidInputError("Findings are numbered from 1.")
    if row.fields is None:
        return row
    if unknown := row.fields.keys() - EMPTY_FIELDS.keys():
        raise InvalidInputError(f"A finding has no field {sorted(unknown)[0]!r}.")
    fields = {**EMPTY_FIELDS, **(before or {}), **row.fields}
    _require_fields(row.finding, fields, limits)
    for name in ("score", "box"):
        fields[name] = _as_floats(fields[name])
    return FindingRow(row.finding, fields)


def _as_floats(value: Any) -> Any:
    """One spelling per number, so that 1 and 1.0 have one digest."""
    if isinstance(value, list | tuple):
        return [float(part) for part in value]
    return None if value is None else float(value)


def _require_fields(number: int, fields: Mapping[str, Any], limits: Limits) -> None:
    faults = {
        "label": not _is_whole(fields["label"], 2**16) or fields["label"] not in limits.labels,
        "state": not _is_word(fields["state"], STATES),
        "source": not _is_word(fields["source"], SOURCES),
        "score": not (fields["score"] is None or _is_number(fields["score"], 0.0, 1.0)),
        "box": not _is_box(fields["box"], limits),
        "z": not (fields["z"] is None or _is_whole(fields["z"], limits.planes)),
        "candidate": not (fields["candidate"] is None or _is_whole(fields["candidate"], 2**31)),
        "suppressed_by": not (
            fields["suppressed_by"] is None or _is_whole(fields["suppressed_by"], 2**31)
        ),
        "run": not (fields["run"] is None or isinstance(fields["run"], str)),
        "note": not (isinstance(fields["note"], str) and len(fields["note"]) <= NOTE_LENGTH_MAX),
    }
    if wrong := [name for name, fault in faults.items() if fault]:
        raise InvalidInputError(
            f"Finding {number} cannot have this {wrong[0]}.",
            fields=dict.fromkeys(wrong, "Not a possible value."),
        )


def _is_word(value: object, words: frozenset[str]) -> bool:
    return isinstance(value, str) and value in words


def _is_number(value: object, low: float, high: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and low <= value <= high


def _is_whole(value: object, below: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < below


def _is_box(box: object, limits: Limits) -> bool:
    """``[x1, y1, x2, y2]``, half-open, not empty, inside the image."""
    if box is None:
        return True
    _, height, width = limits.zyx
    if not isinstance(box, list | tuple) or len(box) != 4:
        return False
    spans = ((box[0], box[2], width), (box[1], box[3], height))
    return all(
        _is_number(low, 0, size) and _is_number(high, 0, size) and low < high
        for low, high, size in spans
    )
