"""What was measured of the viewers, and how it stands to what was asked for."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

OURS, THERE, CORNERSTONE, OHIF = "ours", "ours there", "Cornerstone3D", "OHIF"


@dataclass(frozen=True)
class Aim:
    """At most this: a ``share`` of the peer's figure, or an amount of the ``figure``'s own unit."""

    most: float
    share: bool = True

    def __str__(self) -> str:
        return f"share <= {self.most:g}" if self.share else f"<= {self.most:g}"


FIRST, INSTANCES, HEAP = "first slice", "2,000 instances drawn", "script heap, data loaded"
# By figure and peer; a figure without an aim is told for the sake of the others.
AIMS = {
    ("scroll, script", CORNERSTONE): Aim(0.5),
    ("undo, script", CORNERSTONE): Aim(0.3),
    ("dab, script", CORNERSTONE): Aim(2, share=False),
    ("dab, script, three planes", CORNERSTONE): Aim(4, share=False),
    ("scroll, painted", CORNERSTONE): Aim(0.6),
    ("undo, painted", CORNERSTONE): Aim(0.5),
    ("dab, painted", CORNERSTONE): Aim(0.5),
    (INSTANCES, CORNERSTONE): Aim(0.3),
    (FIRST, CORNERSTONE): Aim(0.5),
    (FIRST, OHIF): Aim(0.25),
}


@dataclass
class Taken:
    """Values by figure and contestant, in the order in which they came, or why there are none."""

    values: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    missing: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, figure: str, who: str, value: float) -> None:
        self.values.setdefault((figure, who), []).append(value)

    def miss(self, figure: str, who: str, why: str) -> None:
        self.missing[figure, who] = why

    def of(self, figure: str, who: str) -> float | None:
        """The median; None where the contestant could not once show it."""
        if (figure, who) in self.missing:
            return None
        found = self.values.get((figure, who))
        return statistics.median(found) if found else None

    def figures(self) -> list[str]:
        names = [figure for figure, _ in (*self.values, *self.missing)]
        return list(dict.fromkeys(names))


def rows_of(taken: Taken, where: str) -> list[dict[str, object]]:
    """One row for each figure and each peer that took part in it."""
    rows = []
    for figure in taken.figures():
        for rival in (CORNERSTONE, OHIF):
            if (figure, rival) in taken.values or (figure, rival) in taken.missing:
                rows.append(_row(taken, where, figure, rival))
    return rows


def _row(taken: Taken, where: str, figure: str, rival: str) -> dict[str, object]:
    ours, theirs = taken.of(figure, OURS), taken.of(figure, rival)
    share = ours / theirs if ours is not None and theirs else None
    unlike = theirs == 0 and bool(ours)  # less than the profiler sees: no share, and not met
    aim = AIMS.get((figure, rival))
    row: dict[str, object] = {
        "table": where,
        "figure": figure,
        "unit": "MB" if figure.startswith(HEAP) else "ms",
        "ours": _short(ours),
        "peer": rival,
        "theirs": _short(theirs),
        "share": _short(share),
        "aim": str(aim) if aim else "",
        "met": verdict(aim, ours, inf if unlike else share),
        "ours_there": _short(taken.of(figure, THERE)),
        "n": len(taken.values.get((figure, OURS), ())),
    }
    why = taken.missing.get((figure, rival)) or taken.missing.get((figure, OURS))
    return {**row, "why": why} if why else row


def verdict(aim: Aim | None, ours: float | None, share: float | None) -> str:
    """Whether an aim was met; a peer that cannot do a thing at all is not a rival in it."""
    if aim is None:
        return ""
    value = share if aim.share else ours
    if value is None:
        return "no peer" if ours is not None else "no"
    return "yes" if value <= aim.most else "no"


def lone_row(
    figure: str, unit: str, ours: float, most: float, more: Mapping[str, object]
) -> dict[str, object]:
    """A row that is held against no peer."""
    aim = Aim(most, share=False)
    told = {"figure": figure, "unit": unit, "ours": _short(ours), "aim": str(aim)}
    return {**told, "met": verdict(aim, ours, None), **more}


def _short(value: float | None) -> float | None:
    """Three significant figures; more would claim more than a busy machine can tell."""
    return None if value is None else float(f"{value:.3g}")
