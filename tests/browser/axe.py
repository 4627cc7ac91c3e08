"""axe-core (MPL-2.0, Deque Systems) on a page: what of WCAG 2.2 AA a machine can judge."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from importlib import resources
from typing import Literal

from playwright.sync_api import Page, ViewportSize

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
SOURCE = resources.files("axe_playwright_python").joinpath("axe.min.js")
Look = tuple[Literal["light", "dark"], ViewportSize]
LARGE: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
# Colours differ by scheme, layout by size: states are met in turn in one of two looks that have all
# four; MEDSEG_AXE=all looks at every state in every one.
LOOKS: tuple[Look, ...] = (("light", LARGE), ("dark", PHONE), ("light", PHONE), ("dark", LARGE))
EVERYTHING = os.environ.get("MEDSEG_AXE") == "all"

RUN = """async (tags) => {
  const { violations } = await axe.run(document, {
    runOnly: { type: "tag", values: tags },
    resultTypes: ["violations"],
  });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary, html }) => {
    const why = failureSummary.split("\\n").slice(1).join(" ").trim();
    return `${id}: ${target.join(" ")} — ${why} [${html.slice(0, 160)}]`;
  }));
}"""
# What moves is judged where it has come to rest.
AT_REST = """() => Promise.all(document.getAnimations()
  .filter((each) => each.effect?.getComputedTiming().endTime !== Infinity)
  .map((each) => each.finished.catch(() => undefined)))"""


@dataclass
class Inspector:
    """Looks at states of pages one after the other, and gathers what axe finds."""

    page: Page
    looked: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)

    def look(self, state: str) -> None:
        """Judge the page as it is now; states that are looked at take turns in how."""
        turn = len(self.looked) % 2
        for scheme, size in LOOKS if EVERYTHING else LOOKS[turn : turn + 1]:
            self.page.emulate_media(color_scheme=scheme)
            self.page.set_viewport_size(size)
            self.page.wait_for_timeout(50)  # until the page has heard of it
            self.page.evaluate(AT_REST)
            if not self.page.evaluate("() => 'axe' in window"):
                self.page.evaluate(SOURCE.read_text(encoding="utf-8"))
            for line in self.page.evaluate(RUN, list(TAGS)):
                self.found.append(f"{state} ({scheme}, {size['width']} px): {line}")
        self.page.set_viewport_size(LARGE)
        self.looked.append(state)
