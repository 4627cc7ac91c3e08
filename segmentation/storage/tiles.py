"""Tiles of a picture that is too large to be sent and held as one plane.

Level 0 holds the samples themselves, each further level half as many a side (the mean of 2 x 2,
rounded half up), up to the first level that fits into one tile. A tile is spelled like a plane, in
one zstd frame. Tiles are derived copies on local disk: whoever asks first makes all of a picture.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.storage.folders import alone, cache_folder, require_room
from segmentation.storage.volumes import frame_write, slice_plane

TILE_PX = 512
LARGEST_PLANE_PX = 8 * 2**20
"""Up to here a page holds the plane whole: samples, window and masks of 8 megapixels in colour take
it about 160 MB; of 8,192 x 8,192 they would take 1.3 GB."""


@dataclass(frozen=True, order=True)
class TileAt:
    """Which tile: the level, and its row and column there."""

    level: int
    row: int
    column: int

    def __str__(self) -> str:
        return f"{self.level}.{self.row}.{self.column}"


def is_tiled(shape: tuple[int, ...]) -> bool:
    """Whether an image of this shape ``(t, c, z, y, x)`` is shown by tiles: one large plane."""
    t, _, z, y, x = shape
    return t == z == 1 and y * x > LARGEST_PLANE_PX


def level_count(height: int, width: int) -> int:
    """How many levels there are, the last one in one tile."""
    count = 1
    while max(height, width) > TILE_PX:
        height, width, count = _half(height), _half(width), count + 1
    return count


def has_tile(at: TileAt, height: int, width: int) -> bool:
    """Whether a picture of this size has such a tile."""
    if not 0 <= at.level < level_count(height, width):
        return False
    for _ in range(at.level):
        height, width = _half(height), _half(width)
    return 0 <= at.row * TILE_PX < height and 0 <= at.column * TILE_PX < width


def tile_file(sha256: str, at: TileAt) -> str:
    """The tile's file below the cache folder ``slices``, made with all others if it is missing."""
    path = _folder(sha256) / _name(at)
    if not path.exists():
        with alone(cache_folder("slices") / f".{sha256}"):
            if not path.exists():
                tiles_write(sha256, slice_plane(sha256, 0))
    return str(path.relative_to(cache_folder("slices")))


def tile_frame(sha256: str, at: TileAt) -> bytes:
    """The tile's zstd frame; made anew where the sweep was there between two steps."""
    try:
        return (cache_folder("slices") / tile_file(sha256, at)).read_bytes()
    except FileNotFoundError:
        return (cache_folder("slices") / tile_file(sha256, at)).read_bytes()


def tiles_write(sha256: str, plane: NDArray[Any]) -> None:
    """Make all tiles of the plane ``(c, y, x)`` of the pack."""
    folder = _folder(sha256)
    require_room(folder.parent, plane.nbytes * 4 // 3)
    folder.mkdir(mode=0o700, exist_ok=True)
    for at, tile in tiles_of(plane):
        draft = folder / f".{_name(at)}.{os.getpid()}.{secrets.token_hex(4)}"
        draft.write_bytes(frame_write(tile))
        draft.replace(folder / _name(at))


def tiles_of(plane: NDArray[Any]) -> Iterator[tuple[TileAt, NDArray[Any]]]:
    """All tiles ``(c, y, x)`` of a plane, the finest level first; far edges cut the last ones."""
    for level in range(level_count(*plane.shape[1:])):
        plane = half(plane) if level else plane
        _, height, width = plane.shape
        for row in range(-(-height // TILE_PX)):
            for column in range(-(-width // TILE_PX)):
                y, x = row * TILE_PX, column * TILE_PX
                tile = plane[:, y : y + TILE_PX, x : x + TILE_PX]
                yield TileAt(level, row, column), np.ascontiguousarray(tile)


def half(plane: NDArray[Any]) -> NDArray[Any]:
    """The plane at half its size: means of 2 x 2, an odd last row or column counted twice."""
    c, height, width = plane.shape
    out = np.empty((c, _half(height), _half(width)), plane.dtype)
    for row in range(0, height, 2 * TILE_PX):  # in strips, for the sums are wider than the samples
        strip = plane[:, row : row + 2 * TILE_PX]
        odd = ((0, 0), (0, strip.shape[1] % 2), (0, width % 2))
        wide = np.pad(strip, odd, mode="edge").astype(np.int32)
        sums = wide[:, ::2, ::2] + wide[:, 1::2, ::2] + wide[:, ::2, 1::2] + wide[:, 1::2, 1::2]
        out[:, row // 2 : row // 2 + sums.shape[1]] = (sums + 2) >> 2
    return out


def _folder(sha256: str) -> Path:
    parent = cache_folder("slices") / sha256[:2]
    parent.mkdir(mode=0o700, exist_ok=True)
    return parent / sha256


def _name(at: TileAt) -> str:
    return f"0-0.{at}.zst"


def _half(length: int) -> int:
    return (length + 1) // 2
