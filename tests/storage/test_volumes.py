from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard
from numpy.typing import NDArray

from segmentation.errors import StorageDamagedError
from segmentation.models import Blob
from segmentation.storage import planes, volumes
from segmentation.storage.blobs import blob_put
from segmentation.storage.codec import decode_samples
from segmentation.storage.folders import cache_folder
from segmentation.storage.planes import volume_open
from segmentation.storage.volumes import (
    PackDraft,
    pack_digest,
    pack_header,
    pack_write,
    slice_frame,
    slice_plane,
)

pytestmark = [pytest.mark.django_db, pytest.mark.storage]


def drawn(dtype: str = "int16", seed: int = 1) -> NDArray[Any]:
    """Two moments, three channels, four slices of 5 by 7, every value different from its peers."""
    shape = (2, 3, 4, 5, 7)
    kind = np.iinfo(dtype)
    return np.random.default_rng(seed).integers(kind.min, kind.max, shape, dtype=dtype)


def packed(pixels: NDArray[Any], folder: Path) -> Blob:
    pack_write(pixels, folder / "pack")
    return blob_put(folder / "pack", Blob.Kind.IMAGE)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
def test_every_plane_comes_back_exactly(dtype: str, tmp_path: Path) -> None:
    pixels = drawn(dtype)
    blob = packed(pixels, tmp_path)
    for t in range(2):
        for z in range(4):
            assert np.array_equal(slice_plane(blob.sha256, z, t), pixels[t, :, z])


def test_a_chunk_is_one_zstd_frame_of_spelled_samples(tmp_path: Path) -> None:
    pixels = drawn()
    blob = packed(pixels, tmp_path)
    content = zstandard.ZstdDecompressor().decompress(slice_frame(blob.sha256, 2, 1))
    assert np.array_equal(decode_samples(content, pixels.dtype, (3, 5, 7)), pixels[1, :, 2])


def test_the_header_tells_axes_type_and_range(tmp_path: Path) -> None:
    pixels = drawn()
    header = pack_header(packed(pixels, tmp_path).sha256)
    assert header.shape == (2, 3, 4, 5, 7)
    assert header.dtype == "int16"
    assert header.value_range == (int(pixels.min()), int(pixels.max()))


def test_the_pixel_digest_is_of_pixels_and_not_of_their_compression(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.random.default_rng(6).integers(0, 9, (1, 1, 2, 64, 64), dtype=np.uint8)
    first = packed(pixels, tmp_path)
    monkeypatch.setattr(volumes, "LEVEL", 19)
    second = packed(pixels, tmp_path)
    assert first.sha256 != second.sha256
    assert pack_header(first.sha256).pixel_digest == pack_header(second.sha256).pixel_digest
    assert pack_digest(first.sha256) == pack_header(first.sha256).pixel_digest


def test_axes_in_another_order_have_another_digest(tmp_path: Path) -> None:
    pixels = np.zeros((1, 1, 1, 2, 3), dtype=np.uint8)
    one = pack_write(pixels, tmp_path / "one").pixel_digest
    other = pack_write(pixels.swapaxes(3, 4), tmp_path / "other").pixel_digest
    assert one != other


def test_other_bytes_are_not_taken_for_a_pack() -> None:
    blob = blob_put(b"certainly not a pack of pixels, but long enough", Blob.Kind.IMAGE)
    with pytest.raises(StorageDamagedError, match="damaged"):
        pack_header(blob.sha256)


def test_pixels_that_are_not_canonical_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="canonical"):
        pack_write(np.zeros((1, 1, 1, 2, 2), dtype=np.float32), tmp_path / "pack")
    with pytest.raises(ValueError, match="canonical"):
        pack_write(np.zeros((1, 1, 0, 2, 2), dtype=np.uint8), tmp_path / "pack")


def test_the_whole_volume_is_mapped_from_disk(tmp_path: Path) -> None:
    pixels = drawn(seed=2)
    volume = volume_open(packed(pixels, tmp_path).sha256)
    assert isinstance(volume, np.memmap)
    assert np.array_equal(volume, pixels)


def test_threads_that_open_at_once_make_one_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = drawn(seed=3)
    blob = packed(pixels, tmp_path)
    pack_header(blob.sha256)  # the threads below read storage only, never the test's database
    made = []
    unpack = planes._unpack
    monkeypatch.setattr(planes, "_unpack", lambda *given: (made.append(1), unpack(*given)))
    seen: list[NDArray[Any]] = []
    threads = [
        threading.Thread(target=lambda: seen.append(volume_open(blob.sha256))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert all(np.array_equal(volume, pixels) for volume in seen)
    assert len(seen) == 6


def test_the_oldest_copy_makes_room_and_its_reader_keeps_reading(
    tmp_path: Path, settings: Any
) -> None:
    first, second = drawn(seed=4), drawn(seed=5)
    settings.MEDSEG_CACHE_BYTES = first.nbytes + second.nbytes // 2
    mapped = volume_open(packed(first, tmp_path).sha256)
    volume_open(packed(second, tmp_path).sha256)
    left = list(cache_folder("volumes").glob("*.npy"))
    assert len(left) == 1
    assert np.array_equal(mapped, first)


def test_planes_that_come_one_by_one_make_the_same_pack(tmp_path: Path) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (2, 1, 3, 5, 7), dtype=np.uint8)
    whole = pack_write(pixels, tmp_path / "whole")
    with (tmp_path / "drafted").open("wb") as file:
        draft = PackDraft(file, (2, 1, 3, 5, 7), "uint8")
        for t in range(2):
            for z in range(3):
                draft.add(pixels[t, :, z])
        assert draft.finish() == whole
    assert (tmp_path / "drafted").read_bytes() == (tmp_path / "whole").read_bytes()


def test_a_pack_with_a_plane_missing_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "short").open("wb") as file:
        draft = PackDraft(file, (1, 1, 2, 5, 7), "uint8")
        draft.add(np.zeros((1, 5, 7), np.uint8))
        with pytest.raises(ValueError, match="1 planes"):
            draft.finish()
