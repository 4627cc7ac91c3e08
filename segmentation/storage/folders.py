"""The folders a site keeps beside its database: uploads under way and copies that can be remade."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from segmentation.errors import StorageFullError

DRAFT_S = 24 * 3600.0
"""After a day nobody is still writing a temporary file."""
SLICES_BYTES = 8 * 2**30
RESERVE_BYTES = 512 * 2**20
"""Room that is left alone, so that the database can always write what was acknowledged."""


def staging_folder() -> Path:
    """Where uploads lie until they are imported; named by ids."""
    return _made(Path(settings.MEDSEG_DATA) / "staging")


def cache_folder(what: str) -> Path:
    """Where derived copies lie (``volumes``, ``slices``, ``networks``); safe to delete.

    ``slices`` holds frames as files of their own: planes for a web server, and tiles.
    """
    return _made(Path(settings.MEDSEG_DATA) / "cache" / what)


def scratch_folder() -> Path:
    """Where a file is made before it gets its name."""
    return _made(Path(settings.MEDSEG_DATA) / "scratch")


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """One process at a time makes the copy ``path``; the lock goes with its holder."""
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def require_room(folder: Path, length_bytes: int) -> None:
    """Refuse while there is still room to say so."""
    if shutil.disk_usage(folder).free - length_bytes < RESERVE_BYTES:
        raise StorageFullError(
            "The server's disk is nearly full. Ask an administrator to free some space, "
            "then try again; nothing that was saved is lost."
        )


def sync_folder(folder: Path) -> None:
    """Make new names in ``folder`` outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep() -> int:
    """Remove what crashes left half made, and the oldest slices beyond their cap; how many."""
    caches = [cache_folder(what) for what in ("volumes", "slices", "networks")]
    drafts = [*scratch_folder().iterdir(), *(path for one in caches for path in one.glob(".*"))]
    late = time.time() - DRAFT_S
    old = [path for path in drafts if _changed_at(path) < late and path.suffix != ".lock"]
    packs = sorted(cache_folder("slices").glob("[!.]*/*"), key=_changed_at, reverse=True)
    room = SLICES_BYTES
    for pack in packs:
        room -= sum(file.stat().st_size for file in pack.iterdir())
        if room < 0:
            old.append(pack)
    for path in old:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(old)


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
