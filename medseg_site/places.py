"""Where a site lives on disk. Standard library only: asked before the environment exists."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
LONGEST_SOCKET_PATH = 100
"""A unix socket's address holds 108 bytes on Linux and 104 on macOS, its end included."""


def data_folder(environ: Mapping[str, str]) -> Path:
    """The one folder that holds all a site keeps on disk; made when missing, closed to others."""
    folder = Path(environ.get("MEDSEG_DATA") or REPOSITORY / ".medseg").expanduser().resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def socket_path(folder: Path, name: str) -> Path:
    """``folder/name``, or a short private folder's where that would be too long for a socket."""
    wanted = folder / name
    if len(os.fsencode(wanted)) <= LONGEST_SOCKET_PATH:
        return wanted
    return Path(tempfile.mkdtemp(prefix="medseg-")) / name
