"""A derived copy of a pack as one flat array on local disk, for inference and the other planes.

Copies are made under a lock, appear whole under their name or not at all, and the least recently
used make room when the folder outgrows its cap. Deleting the whole folder costs time, not pixels.
"""

from __future__ import annotations

import math
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from segmentation.storage.folders import alone, cache_folder, require_room
from segmentation.storage.volumes import pack_header, pack_planes

CAP_BYTES = 8 * 2**30


def volume_open(sha256: str) -> NDArray[Any]:
    """The image ``(t, c, z, y, x)`` as a read-only memory map.

    The map stays valid after its file was evicted: the bytes go when the last reader does.
    """
    path = cache_folder("volumes") / f"{sha256}.npy"
    try:
        return _map(path)
    except FileNotFoundError:
        with alone(path):
            if not path.exists():
                _unpack(sha256, path)
            return _map(path)


def _map(path: Path) -> NDArray[Any]:
    volume: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    os.utime(path)
    return volume


def _unpack(sha256: str, path: Path) -> None:
    header = pack_header(sha256)
    length = math.prod(header.shape) * np.dtype(header.dtype).itemsize
    _make_room(path.parent, length)
    require_room(path.parent, length)
    draft = path.with_name(f".{sha256}.{secrets.token_hex(4)}.npy")
    try:
        volume = np.lib.format.open_memmap(
            draft, mode="w+", dtype=np.dtype(header.dtype), shape=header.shape
        )
        for t, z, plane in pack_planes(sha256):
            volume[t, :, z] = plane
        volume.flush()
        del volume
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _make_room(folder: Path, length: int) -> None:
    cap = int(getattr(settings, "MEDSEG_CACHE_BYTES", CAP_BYTES))
    copies = sorted(_copies(folder), key=lambda copy: copy[1].st_mtime)
    total = sum(stat.st_size for _, stat in copies)
    for path, stat in copies:
        if total + length <= cap:
            return
        path.unlink(missing_ok=True)
        total -= stat.st_size


def _copies(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in folder.glob("[!.]*.npy"):
        with suppress(FileNotFoundError):  # another process made room, too
            yield path, path.stat()
