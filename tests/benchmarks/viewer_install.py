"""Brings the peers into a folder of their own: Cornerstone3D built by Vite, and OHIF as it ships.

Nothing of them is a dependency of the product. What is there already is not fetched again.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path

from tests.benchmarks.measuring import say

SOURCE = Path(__file__).parent / "viewer_peers"
OHIF = "@ohif/app@3.13.2"
INSTALL_S = 600
# The shipped one asks a server for studies; this reads the list that the address names.
OHIF_CONFIG = """window.config = {
  routerBasename: '/', extensions: [], modes: [], showStudyList: false,
  defaultDataSourceName: 'dicomjson',
  dataSources: [{
    namespace: '@ohif/extension-default.dataSourcesModule.dicomjson',
    sourceName: 'dicomjson',
    configuration: { friendlyName: 'a list', name: 'json' },
  }],
};
"""


def cornerstone(work: Path) -> Path:
    """The folder of the built page."""
    folder = work / f"cornerstone-{_digest(SOURCE)}"
    if not (folder / "dist" / "index.html").exists():
        say("installing and building Cornerstone3D")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(SOURCE, folder)
        _run(folder, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
        _run(folder, "npx", "vite", "build")
    return folder / "dist"


def ohif(work: Path) -> Path:
    """The folder of the prebuilt page."""
    folder = work / OHIF.replace("/", "-").replace("@", "")
    page = folder / "package" / "dist"
    if not (page / "index.html").exists():
        say("fetching OHIF")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _run(folder, "npm", "pack", OHIF)
        (packed,) = folder.glob("*.tgz")
        with tarfile.open(packed) as archive:
            wanted = [one for one in archive.getmembers() if not one.name.endswith(".map")]
            archive.extractall(folder, wanted, filter="data")
        packed.unlink()
    (page / "app-config.js").write_text(OHIF_CONFIG)
    return page


def _digest(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def _run(folder: Path, *words: str) -> None:
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, timeout=INSTALL_S, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(words)} failed:\n{(done.stdout + done.stderr)[-2000:]}")
