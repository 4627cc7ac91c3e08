from __future__ import annotations

import os
import time

import pytest

from segmentation.errors import StorageFullError
from segmentation.storage import folders
from segmentation.storage.folders import cache_folder, require_room, scratch_folder, sweep


def test_what_a_crash_left_is_removed_after_a_day_and_not_before() -> None:
    fresh, old = scratch_folder() / "fresh", scratch_folder() / "old"
    draft = cache_folder("volumes") / ".half.npy"
    for path in (fresh, old):
        path.mkdir()
        (path / "pack").write_bytes(b"half")
    draft.write_bytes(b"half")
    long_ago = time.time() - folders.DRAFT_S - 60
    for path in (old, draft):
        os.utime(path, (long_ago, long_ago))
    assert sweep() == 2
    assert fresh.exists()
    assert not old.exists()
    assert not draft.exists()


def test_the_oldest_slices_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    packs = []
    for number in range(3):
        pack = cache_folder("slices") / "ab" / f"pack{number}"
        pack.mkdir(parents=True)
        (pack / "0-0.zst").write_bytes(b"x" * 100)
        os.utime(pack, (time.time() + number, time.time() + number))
        packs.append(pack)
    monkeypatch.setattr(folders, "SLICES_BYTES", 250)
    sweep()
    assert [pack.exists() for pack in packs] == [False, True, True]


def test_a_little_room_is_always_left_for_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    require_room(scratch_folder(), 0)
    monkeypatch.setattr(folders, "RESERVE_BYTES", 1 << 62)
    with pytest.raises(StorageFullError, match="nothing that was saved is lost"):
        require_room(scratch_folder(), 0)
