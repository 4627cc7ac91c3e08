"""What the views into the depth of a volume cost: ``python -m tests.benchmarks.depth --json``.

The page's own code, bundled alone, runs in a real Chromium without a GPU on a drawn volume of
512 by 512 by 200 voxels (int16): axial slabs step by step, each painted; upright slabs; a tilted
plane; the surface of an organ, and full pictures of it by the page's rasteriser and by WebGL2 in
software. The peer of a slab is one that joins all of its slices anew at every step; the two take
turns. Times are the main thread's by the wall's clock.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import finish, options, peer, say
from tests.conftest import find_chromium

FRONTEND = Path(__file__).resolve().parents[2] / "frontend"
SWITCHES = (
    "--no-sandbox", "--no-first-run", "--disable-background-networking",
    "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
)  # fmt: skip
BUNDLE = """
import { build } from "vite";
await build({
  configFile: false, logLevel: "error", root: process.argv[1],
  build: {
    outDir: process.argv[2], emptyOutDir: false, minify: false, target: "es2022",
    lib: { entry: "tests/benchmarks/depth.ts", name: "depth", formats: ["iife"],
           fileName: () => "depth.js" },
  },
});
"""


def main() -> None:
    asked = options(__doc__)
    peer("playwright.sync_api")
    took = measured(max(asked.rounds, 9))
    rows = [row(one) for one in took if "peer" in one]
    views = [row(one) for one in took if "peer" not in one]
    for view in views:
        say(", ".join(f"{name} {value}" for name, value in view.items()))
    finish("depth", "a slab joined anew", rows, asked.json, views=views)


def measured(rounds: int) -> list[dict[str, Any]]:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        command = ["node", "--input-type=module", "-e", BUNDLE, str(FRONTEND), folder]
        subprocess.run(command, cwd=FRONTEND, check=True, timeout=120)
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(SWITCHES))
        page = browser.new_page()
        page.add_script_tag(path=Path(folder) / "depth.js")
        told = page.evaluate(f"JSON.stringify(depth.measure({rounds}))")
        browser.close()
    found: list[dict[str, Any]] = json.loads(told)
    return found


def row(one: dict[str, Any]) -> dict[str, object]:
    """Median and ends of a row, and its ratio to the peer's where there is one."""
    ours = statistics.median(one["ms"])
    told = {
        "what": one["what"],
        **{name: round(value, 1) for name, value in one.get("told", {}).items()},
        "ours_min_ms": round(min(one["ms"]), 1),
        "ours_p50_ms": round(ours, 1),
        "ours_max_ms": round(max(one["ms"]), 1),
    }
    if "peer" in one:
        theirs = statistics.median(one["peer"])
        told |= {"peer_p50_ms": round(theirs, 1), "ratio": round(theirs / ours, 2)}
    return told


if __name__ == "__main__":
    main()
