"""The course of the comparison: pages opened again and again, then used round by round."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, BrowserContext

from tests.benchmarks import viewer_ours as own
from tests.benchmarks import viewer_rivals as rivals
from tests.benchmarks.measuring import say
from tests.benchmarks.viewer_browser import Sight, UnseenError, fresh, opened
from tests.benchmarks.viewer_figures import (
    CORNERSTONE,
    FIRST,
    HEAP,
    INSTANCES,
    OHIF,
    OURS,
    THERE,
    Taken,
)

WEBGL, PLAIN = "software WebGL", "no WebGL"
EVENTS = {"scroll": "wheel", "dab": "pointerdown", "undo": "keydown"}
WARMING = 3
"""Rounds of each act that do not count: a page compiles its script while it is used."""
SCROLLS, SCRIPTED = 3, 2
REPEATS = 2


@dataclass(frozen=True)
class Course:
    """Where everybody is to be found, and the two browsers."""

    here: own.Ours
    cornerstone: str
    ohif: str
    browsers: Mapping[str, Browser]
    state: Any

    def table(self, name: str, rounds: int, openings: int) -> Taken:
        """Ours never needs WebGL; the peers get the browser that the table is about."""
        taken = Taken()
        self._openings(taken, name, openings)
        for show, suffix in (("stack", ""), ("planes", ", three planes")):
            self._rounds(taken, name, show, suffix, rounds)
        return taken

    def _openings(self, taken: Taken, name: str, openings: int) -> None:
        here, theirs = self.here, self.browsers[name]
        volume, crowd = here.address(here.volume), here.address(here.crowd)
        known = {one: (browser, self.state) for one, browser in self.browsers.items()}
        list_ = rivals.ohif_address(self.ohif)
        asked = [
            (FIRST, OURS, volume, own.CANVAS, "image", *known[PLAIN]),
            (FIRST, CORNERSTONE, self._address("stack"), rivals.CANVAS, "image", theirs, None),
            (FIRST, OHIF, list_, rivals.OHIF_CANVAS, "image", theirs, None),
            (INSTANCES, OURS, crowd, own.CANVAS, "masks", *known[PLAIN]),
            (INSTANCES, CORNERSTONE, self._address("crowd"), rivals.CANVAS, "masks", theirs, None),
        ]  # fmt: skip
        if name == WEBGL:
            asked.append((FIRST, THERE, volume, own.CANVAS, "image", *known[WEBGL]))
            asked.append((INSTANCES, THERE, crowd, own.CANVAS, "masks", *known[WEBGL]))
        for _ in range(openings):
            for figure, who, address, canvas, wanted, browser, state in asked:
                if (figure, who) in taken.missing:
                    continue
                try:
                    told = opened(browser, address, canvas, wanted, state)
                    taken.add(figure, who, told[wanted])
                except UnseenError as unseen:
                    taken.miss(figure, who, unseen.why)
        say(f"{name}: opened; load {os.getloadavg()[0]:.1f}")

    def _rounds(self, taken: Taken, name: str, show: str, suffix: str, rounds: int) -> None:
        contexts: list[BrowserContext] = []
        sights: dict[str, Sight] = {}

        def context(browser: str, signed_in: bool) -> BrowserContext:
            state = self.state if signed_in else None
            contexts.append(fresh(self.browsers[browser], state))
            return contexts[-1]

        try:
            three = show == "planes"
            cases = [(OURS, PLAIN, self.here.volume), (THERE, WEBGL, self.here.again)]
            for who, browser, case in cases[: 2 if name == WEBGL else 1]:
                address = self.here.address(case)
                sights[who] = own.volume_opened(context(browser, True), address, three)
            room = sights[OURS].page.locator(own.PLANES).bounding_box()
            assert room is not None
            address = self._address(show, (room["width"], room["height"]))
            try:
                sights[CORNERSTONE] = rivals.cornerstone_opened(context(name, False), address)
            except UnseenError as unseen:
                for act in EVENTS:
                    for kind in ("script", "painted"):
                        taken.miss(f"{act}, {kind}{suffix}", CORNERSTONE, unseen.why)
            for who, sight in sights.items():
                taken.add(f"{HEAP}{suffix}", who, sight.heap_bytes() / 1e6)
            for turn in range(rounds + 1):
                for who, sight in sights.items():
                    sight.rest()
                    note = Taken() if turn == 0 else taken
                    _acts(note, who, sight, suffix, WARMING if turn == 0 else REPEATS)
                    taken.missing.update(note.missing)
            say(f"{name}, {show}: done; load {os.getloadavg()[0]:.1f}")
        finally:
            for each in contexts:
                each.close()

    def _address(self, show: str, room: tuple[float, float] | None = None) -> str:
        return rivals.cornerstone_address(self.cornerstone, show, room)


def _acts(taken: Taken, who: str, sight: Sight, suffix: str, repeats: int) -> None:
    """One round: every act a few times, watched, and then once more for its script."""
    acts: dict[str, Callable[[], None]] = {
        "scroll": sight.scroll,
        "dab": sight.dab,
        "undo": sight.undo,
    }

    def shown(act: str) -> str:
        return f"{act}, painted{suffix}"

    def seen(act: str) -> None:
        figure = shown(act)
        if (figure, who) in taken.missing:
            return
        try:
            taken.add(figure, who, sight.painted_ms(EVENTS[act], acts[act]))
        except UnseenError as unseen:
            taken.miss(figure, who, unseen.why)

    def cost(names: list[str]) -> None:
        reasons = [taken.missing.get((shown(act), who)) for act in names]
        if why := next(filter(None, reasons), ""):
            for act in names:  # what shows nothing costs nothing
                taken.miss(f"{act}, script{suffix}", who, why)
            return
        for act, value in zip(names, sight.script_each([acts[act] for act in names]), strict=True):
            taken.add(f"{act}, script{suffix}", who, value)

    for _ in range(repeats):
        seen("scroll")
    cost(["scroll"] * SCROLLS)
    for _ in range(repeats):
        seen("dab")
        seen("undo")
    cost(["dab", "undo"] * SCRIPTED)
