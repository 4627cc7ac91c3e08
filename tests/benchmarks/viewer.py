"""Our review page against Cornerstone3D and OHIF: ``python -m tests.benchmarks.viewer``.

A whole site of ours runs with two imported cases: a drawn volume of 512 x 512 x 200 int16 with
eleven structures, and 2,048 x 2,048 uint8 with 2,000 instances over one another. The peers are a
plain Cornerstone3D page (a stack, three planes of a volume, a picture with its masks), in a room as
large as our planes have, and, for opening alone, OHIF as npm ships it. They are installed into
``--work`` by this command and are no part of the product.

What favours a peer is left in: it has no service behind it, no sign-in, no list of findings and no
saving, reads files from a static server that answers from memory, and gets its masks as plain
bytes. Of 2,000 instances its labelmap can hold no overlaps and one colour for most.

Wheel, mouse and Ctrl+Z are real events. The contestants take turns within every round; a figure is
the median of its rounds. ``share`` is ours over the peer's: below 1 is better for us. The first
table draws ours on Canvas2D in a browser without a GPU and theirs on software WebGL; ours in that
same browser stands beside it as ``ours_there``. The second table has nobody with WebGL. How each
figure is taken stands in ``viewer_browser``.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.benchmarks import viewer_data, viewer_install, viewer_rivals
from tests.benchmarks import viewer_ours as own
from tests.benchmarks.measuring import circumstances, options, say, table
from tests.benchmarks.viewer_browser import launched, signed_in
from tests.benchmarks.viewer_figures import HEAP, OURS, lone_row, rows_of
from tests.benchmarks.viewer_run import PLAIN, WEBGL, Course

IMAGE_MB = 2 * viewer_data.ZYX[0] * viewer_data.ZYX[1] * viewer_data.ZYX[2] / 1e6
"""The decoded data of ours: int16 samples; masks are runs, which hardly count."""
HEAP_MOST = 1.15
SCRIPT_MOST_KB = 150


def main() -> None:
    asked = options(
        __doc__,
        work={"type": Path, "default": _work(), "help": "where the peers are installed"},
        openings={"type": int, "default": 5, "help": "times that each page is opened"},
    )
    pages = (viewer_install.cornerstone(asked.work), viewer_install.ohif(asked.work))
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="viewer-")))
        say("drawing and importing the cases")
        drawn = viewer_data.volume()
        folders = viewer_data.write(data, drawn, viewer_data.crowd())
        urls = [stack.enter_context(viewer_rivals.served(page, data)) for page in pages]
        viewer_data.write_study(data, drawn, urls[1])
        here = stack.enter_context(own.ours(*folders))
        playwright = stack.enter_context(sync_playwright())
        browsers = {name: launched(playwright, name) for name in (WEBGL, PLAIN)}
        state = signed_in(browsers[PLAIN], here.site)
        course = Course(here, *urls, browsers, state)
        taken = {name: course.table(name, asked.rounds, asked.openings) for name in browsers}
        scripts = own.scripts_loaded(browsers[PLAIN], here, state)
        for browser in browsers.values():
            browser.close()

    rows = [row for name, one in taken.items() for row in rows_of(one, name)]
    heap = taken[PLAIN].of(HEAP, OURS)
    assert heap is not None
    sent_kb = sum(scripts.values()) / 1000
    lone = [
        lone_row("script heap / decoded data", "", heap / IMAGE_MB, HEAP_MOST, {"heap_mb": heap}),
        lone_row("script until the first act", "kB", sent_kb, SCRIPT_MOST_KB, {}),
    ]
    chunks = own.chunks(scripts)
    for name in taken:
        say(f"\n{name}")
        table([{key: row[key] for key in COLUMNS} for row in rows if row["table"] == name])
    for row in rows:
        if "why" in row:
            say(f"{row['table']}, {row['figure']}, {row['peer']}: {row['why']}")
    say()
    table([{key: row[key] for key in ("figure", "unit", "ours", "aim", "met")} for row in lone])
    say()
    table(chunks)
    result = {
        "benchmark": "viewer",
        "peer": "Cornerstone3D 5.14.0 and OHIF 3.13.2",
        "rows": rows,
        "alone": lone,
        "scripts_sent": scripts,
        "chunks": chunks,
        **circumstances(),
    }
    if asked.json:
        print(json.dumps(result), flush=True)


COLUMNS = ("figure", "unit", "ours", "peer", "theirs", "share", "aim", "met", "ours_there", "n")


def _work() -> Path:
    return Path(os.environ.get("MEDSEG_DATA") or tempfile.gettempdir()) / "viewer-peers"


if __name__ == "__main__":
    main()
