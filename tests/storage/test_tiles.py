from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard
from numpy.typing import NDArray

from segmentation.models import Blob
from segmentation.storage import folders, tiles
from segmentation.storage.blobs import blob_put
from segmentation.storage.codec import decode_samples
from segmentation.storage.folders import cache_folder, sweep
from segmentation.storage.tiles import (
    TileAt,
    half,
    has_tile,
    is_tiled,
    level_count,
    tile_frame,
    tiles_of,
    tiles_write,
)
from segmentation.storage.volumes import pack_write


def picture(height: int, width: int, dtype: str = "uint8") -> NDArray[Any]:
    kind = np.iinfo(dtype)
    shape = (3, height, width)
    return np.random.default_rng(2).integers(kind.min, kind.max, shape, dtype=dtype)


def together(plane: NDArray[Any], level: int) -> NDArray[Any]:
    """All tiles of a level laid side by side."""
    rows: dict[int, list[NDArray[Any]]] = {}
    for at, tile in tiles_of(plane):
        if at.level == level:
            rows.setdefault(at.row, []).append(tile)
    return np.concatenate([np.concatenate(row, axis=2) for row in rows.values()], axis=1)


def test_the_first_level_has_the_samples_and_the_last_one_fits_into_a_tile() -> None:
    plane = picture(1200, 2100, "int16")
    assert np.array_equal(together(plane, 0), plane)
    places = [at for at, _ in tiles_of(plane)]
    assert level_count(1200, 2100) == 4
    assert [at for at in places if at.level == 3] == [TileAt(3, 0, 0)]
    assert all(has_tile(at, 1200, 2100) for at in places)
    assert not any(
        has_tile(at, 1200, 2100) for at in (TileAt(4, 0, 0), TileAt(0, 3, 0), TileAt(0, 0, 5))
    )


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
def test_a_level_is_the_rounded_mean_of_two_by_two(dtype: str) -> None:
    plane = picture(1031, 517, dtype)
    odd = np.pad(plane, ((0, 0), (0, 1), (0, 1)), mode="edge").astype(np.int64)
    means = odd.reshape(3, 516, 2, 259, 2).sum(axis=(2, 4))
    assert np.array_equal(half(plane), np.floor((means + 2) / 4).astype(dtype))


def test_only_one_large_plane_is_shown_by_tiles() -> None:
    assert is_tiled((1, 3, 1, 8192, 8192))
    assert is_tiled((1, 1, 1, 4096, 3328))
    assert not is_tiled((1, 1, 1, 2048, 2048))
    assert not is_tiled((1, 1, 40, 4096, 3328))
    assert not is_tiled((9, 1, 1, 4096, 3328))


@pytest.mark.django_db
@pytest.mark.storage
def test_tiles_that_are_not_there_are_made_when_one_is_asked_for(tmp_path: Path) -> None:
    plane = picture(600, 700)
    pack_write(plane[None, :, None], tmp_path / "pack")
    pack = blob_put(tmp_path / "pack", Blob.Kind.IMAGE).pk
    frame = zstandard.ZstdDecompressor().decompress(tile_frame(pack, TileAt(0, 1, 1)))
    tile = decode_samples(frame, plane.dtype, (3, 600 - 512, 700 - 512))
    assert np.array_equal(tile, plane[:, 512:, 512:])
    made = sorted((cache_folder("slices") / pack[:2] / pack).iterdir())
    assert len(made) == 5
    # One that is gone comes again; what was there meanwhile is the same.
    made[0].unlink()
    tile_frame(pack, TileAt(0, 0, 0))
    assert sorted((cache_folder("slices") / pack[:2] / pack).iterdir()) == made


@pytest.mark.django_db
@pytest.mark.storage
def test_tiles_make_room_like_slices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plane = picture(600, 700)
    pack_write(plane[None, :, None], tmp_path / "pack")
    pack = blob_put(tmp_path / "pack", Blob.Kind.IMAGE).pk
    tile_frame(pack, TileAt(1, 0, 0))
    monkeypatch.setattr(folders, "SLICES_BYTES", 1000)
    sweep()
    assert not (cache_folder("slices") / pack[:2] / pack).exists()
    assert tile_frame(pack, TileAt(1, 0, 0))


def test_a_disk_that_is_nearly_full_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "RESERVE_BYTES", 1 << 62)
    with pytest.raises(folders.StorageFullError):
        tiles_write("ab" * 32, picture(600, 700))
    assert not (tiles.cache_folder("slices") / "ab" / ("ab" * 32)).exists()
