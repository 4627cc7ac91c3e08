from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from django.core.files.storage import storages

from segmentation.errors import StorageDamagedError, StorageFullError
from segmentation.models import Blob
from segmentation.storage import blobs, folders
from segmentation.storage.blobs import (
    blob_copy,
    blob_exists,
    blob_name,
    blob_put,
    blob_read,
    blob_read_whole,
)

pytestmark = [pytest.mark.django_db, pytest.mark.storage]


def unique(words: str) -> bytes:
    return words.encode() + os.urandom(8)


def damage(sha256: str, content: bytes) -> None:
    storage = storages["blobs"]
    storage.delete(blob_name(sha256))
    with storage.open(blob_name(sha256), "wb") as file:
        file.write(content)


def test_bytes_are_named_by_their_digest() -> None:
    content = unique("pixels")
    blob = blob_put(content, Blob.Kind.IMAGE)
    assert blob.sha256 == hashlib.sha256(content).hexdigest()
    assert blob.length_bytes == len(content)
    assert blob_read_whole(blob.sha256) == content


def test_the_same_bytes_are_stored_once(tmp_path: Path) -> None:
    content = unique("twice")
    (tmp_path / "file").write_bytes(content)
    first = blob_put(content, Blob.Kind.IMAGE)
    second = blob_put(tmp_path / "file", Blob.Kind.ORIGINAL)
    assert first == second
    assert Blob.objects.filter(pk=first.pk).count() == 1


def test_a_range_is_read_without_the_rest() -> None:
    blob = blob_put(b"0123456789" + unique(""), Blob.Kind.IMAGE)
    assert blob_read(blob.sha256, 3, 4) == b"3456"
    assert blob_read(blob.sha256, 8).startswith(b"89")


def test_a_missing_file_is_told_as_damage() -> None:
    with pytest.raises(StorageDamagedError, match="missing"):
        blob_read("0" * 64)
    assert not blob_exists("0" * 64)


def test_changed_bytes_are_noticed(tmp_path: Path) -> None:
    blob = blob_put(unique("weights"), Blob.Kind.WEIGHTS)
    damage(blob.sha256, b"other bytes")
    with pytest.raises(StorageDamagedError, match="damaged"):
        blob_read_whole(blob.sha256)
    with pytest.raises(StorageDamagedError, match="damaged"):
        blob_copy(blob.sha256, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_file_cut_short_by_a_crash_is_written_anew() -> None:
    content = unique("whole content")
    blob = blob_put(content, Blob.Kind.IMAGE)
    damage(blob.sha256, content[:4])
    blob_put(content, Blob.Kind.IMAGE)
    assert blob_read_whole(blob.sha256) == content


def test_a_crash_before_the_rename_leaves_no_blob(monkeypatch: pytest.MonkeyPatch) -> None:
    content = unique("crash")

    def crash(draft: Path, source: bytes | Path) -> None:
        draft.write_bytes(b"half")
        raise OSError("power cut")

    monkeypatch.setattr(blobs, "_write_synced", crash)
    if not hasattr(storages["blobs"], "bucket"):
        with pytest.raises(OSError, match="power cut"):
            blob_put(content, Blob.Kind.IMAGE)
        digest = hashlib.sha256(content).hexdigest()
        assert not blob_exists(digest)
        folder = Path(storages["blobs"].path(blob_name(digest))).parent
        assert not [name for name in os.listdir(folder) if digest in name]
        assert not Blob.objects.filter(pk=digest).exists()


def test_a_nearly_full_disk_refuses_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "RESERVE_BYTES", 1 << 62)
    if not hasattr(storages["blobs"], "bucket"):
        with pytest.raises(StorageFullError, match="nearly full"):
            blob_put(unique("no room"), Blob.Kind.IMAGE)
