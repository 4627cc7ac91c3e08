"""Content-addressed bytes: a blob's name is its SHA-256, so it is written once and never changed.

A blob is put down before any row names it: temporary file in the same folder, fsync, rename, fsync
of the folder, then the row. A crash leaves at most a file that nobody names.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from segmentation.errors import StorageDamagedError, StorageFullError
from segmentation.models import Blob
from segmentation.storage.folders import require_room, sync_folder

PIECE_BYTES = 1 << 20


def blob_name(sha256: str) -> str:
    """The path of a blob below the root of the storage."""
    return f"{sha256[:2]}/{sha256}"


def blob_put(source: bytes | Path, kind: str) -> Blob:
    """Store the bytes and return their row; the same bytes again are the same blob."""
    digest, length = _measure(source)
    storage = storages["blobs"]
    if not _is_whole(storage, digest, length):
        _write(storage, blob_name(digest), source, length)
    row, _ = Blob.objects.get_or_create(
        sha256=digest, defaults={"kind": kind, "length_bytes": length}
    )
    return row


def blob_read(sha256: str, start: int = 0, length: int | None = None) -> bytes:
    """``length`` bytes from ``start``, or all that follow. Reads no more than that from S3."""
    storage = storages["blobs"]
    try:
        if bucket := getattr(storage, "bucket", None):
            return _read_range(bucket, storage, blob_name(sha256), start, length)
        with storage.open(blob_name(sha256), "rb") as file:
            file.seek(start)
            return bytes(file.read() if length is None else file.read(length))
    except FileNotFoundError as error:
        raise _missing(sha256) from error


def blob_read_whole(sha256: str) -> bytes:
    """All bytes, proven against their digest."""
    content = blob_read(sha256)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise StorageDamagedError(
            f"The stored file {sha256[:12]} is damaged. Restore it from a backup and run verify."
        )
    return content


@contextmanager
def blob_open(sha256: str) -> Iterator[IO[bytes]]:
    """The blob as a readable, seekable file."""
    try:
        file = storages["blobs"].open(blob_name(sha256), "rb")
    except FileNotFoundError as error:
        raise _missing(sha256) from error
    with file:
        yield file


def blob_copy(sha256: str, target: Path) -> None:
    """Write the blob's bytes to ``target``, proven against the digest while they pass."""
    seen = hashlib.sha256()
    with blob_open(sha256) as source, target.open("wb") as file:
        while piece := source.read(PIECE_BYTES):
            seen.update(piece)
            file.write(piece)
    if seen.hexdigest() != sha256:
        target.unlink()
        raise StorageDamagedError(
            f"The stored file {sha256[:12]} is damaged. Restore it from a backup and run verify."
        )


def blob_exists(sha256: str) -> bool:
    """Whether storage has a file of this name; ``blob_read_whole`` tells whether it is right."""
    return bool(storages["blobs"].exists(blob_name(sha256)))


def _missing(sha256: str) -> StorageDamagedError:
    return StorageDamagedError(
        f"The stored file {sha256[:12]} is missing. Restore it from a backup and run verify."
    )


def _measure(source: bytes | Path) -> tuple[str, int]:
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest(), len(source)
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), source.stat().st_size


def _is_whole(storage: Storage, digest: str, length: int) -> bool:
    """A file of the right name and length; a shorter one is a rest of a crash of the disk."""
    try:
        return storage.size(blob_name(digest)) == length
    except FileNotFoundError:
        return False


def _write(storage: Storage, name: str, source: bytes | Path, length: int) -> None:
    try:
        target = Path(storage.path(name))
    except NotImplementedError:  # object storage puts a whole object at once, or nothing
        _upload(storage, name, source)
        return
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    require_room(target.parent, length)
    draft = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        _write_synced(draft, source)
        draft.replace(target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        if error.errno == errno.ENOSPC:
            raise StorageFullError(
                "The server's disk is full. Ask an administrator to free some space."
            ) from error
        raise
    sync_folder(target.parent)
    sync_folder(target.parent.parent)


def _write_synced(draft: Path, source: bytes | Path) -> None:
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        if isinstance(source, bytes):
            file.write(source)
        else:
            with source.open("rb") as given:
                shutil.copyfileobj(given, file, PIECE_BYTES)
        file.flush()
        os.fsync(file.fileno())


def _upload(storage: Storage, name: str, source: bytes | Path) -> None:
    if isinstance(source, bytes):
        storage.save(name, ContentFile(source))
        return
    with source.open("rb") as file:
        storage.save(name, File(file))


def _read_range(bucket: Any, storage: Any, name: str, start: int, length: int | None) -> bytes:
    """S3's own ranged GET; django-storages would fetch the whole object."""
    end = "" if length is None else str(start + length - 1)
    key = f"{storage.location}/{name}".lstrip("/")
    try:
        answer = bucket.Object(key).get(Range=f"bytes={start}-{end}")
    except bucket.meta.client.exceptions.NoSuchKey as error:
        raise FileNotFoundError(name) from error
    return bytes(answer["Body"].read())
