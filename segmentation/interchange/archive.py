"""Zip archives, unpacked as a stream under caps; their names never become paths."""

from __future__ import annotations

import errno
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from segmentation.interchange.errors import (
    EmptyFileError,
    EncryptedError,
    InterchangeError,
    TooLargeError,
    UnreadableError,
    UnsafePathError,
    UnsupportedError,
)
from segmentation.interchange.types import Limits

_CHUNK = 1 << 20
_FREE_BYTES = 16 * 1024**2
"""Up to here an entry may grow by any ratio: a blank slice compresses a thousandfold."""


@dataclass(frozen=True)
class Unpacked:
    """One entry: its name as given, and its file in the scratch folder or why it was refused."""

    name: str
    path: Path | None
    error: InterchangeError | None = None


class Unpacking:
    """The caps that all archives of one import share."""

    def __init__(self, limits: Limits, folder: Path) -> None:
        self._limits = limits
        self._folder = folder
        self._bytes = 0
        self._entries = 0
        self._made = 0

    def unpack(self, archive: Path) -> Iterator[Unpacked]:
        """Unpack an archive entry by entry. Raises the refusal of the archive as a whole.

        Entries that are links, leave their folder, repeat a name or are locked are refused one by
        one; a cap that is passed refuses the archive.
        """
        try:
            with zipfile.ZipFile(archive) as opened:
                entries = [entry for entry in opened.infolist() if not entry.is_dir()]
                self._entries += len(opened.infolist())
                if self._entries > self._limits.entries:
                    raise TooLargeError(
                        f"The zip holds more than {self._limits.entries:,} entries. Split it."
                    )
                if not entries:
                    raise EmptyFileError("The zip holds no files. Pack the images and try again.")
                yield from self._entries_of(opened, entries)
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise UnreadableError("The zip is damaged or cut short. Pack it again.") from error

    def _entries_of(
        self, opened: zipfile.ZipFile, entries: list[zipfile.ZipInfo]
    ) -> Iterator[Unpacked]:
        seen: set[str] = set()
        for entry in entries:
            try:
                name = safe_name(entry.orig_filename)
                _check_entry(entry, name in seen)
                seen.add(name)
                yield Unpacked(name, self._copy(opened, entry))
            except TooLargeError:
                raise
            except InterchangeError as error:
                yield Unpacked(entry.orig_filename, None, error)

    def _copy(self, opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Path:
        self._made += 1
        target = self._folder / f"entry-{self._made}"
        try:
            with opened.open(entry) as source, target.open("xb") as sink:
                self._stream(source, sink, entry.compress_size)
        except TooLargeError:
            target.unlink()
            raise
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
            target.unlink(missing_ok=True)
            if getattr(error, "errno", None) == errno.ENOSPC:
                raise TooLargeError(
                    "There is not enough free disk space to unpack the zip. Free some first."
                ) from error
            raise UnreadableError(
                "This entry of the zip is damaged. Pack the zip again."
            ) from error
        except (NotImplementedError, RuntimeError) as error:
            target.unlink(missing_ok=True)
            raise UnsupportedError(
                "This entry uses a compression that is not read here. Pack the zip again."
            ) from error
        return target

    def _stream(self, source: IO[bytes], sink: IO[bytes], packed_bytes: int) -> None:
        written = 0
        while part := source.read(_CHUNK):
            written += len(part)
            self._bytes += len(part)
            if written > _FREE_BYTES and written > self._limits.ratio * max(packed_bytes, 1):
                raise TooLargeError(
                    f"The zip grows more than {self._limits.ratio} times when unpacked, as no "
                    "images do. Pack the images themselves."
                )
            if self._bytes > self._limits.unpacked_bytes:
                raise TooLargeError(
                    f"The zip unpacks to more than {self._limits.unpacked_bytes / 2**30:.1f} GiB. "
                    "Split it."
                )
            sink.write(part)


def safe_name(name: str) -> str:
    """Bring a relative name to one normal form, or refuse one that leaves its folder."""
    parts = name.replace("\\", "/").split("/")
    drive = len(parts[0]) > 1 and parts[0][1] == ":"
    if not name or "\0" in name or parts[0] == "" or drive or ".." in parts:
        raise UnsafePathError(
            "The name of this file leaves its folder. Pack the files again with plain names."
        )
    return "/".join(part for part in parts if part not in ("", "."))


def _check_entry(entry: zipfile.ZipInfo, repeated: bool) -> None:
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise UnsafePathError("This entry is a link, not a file. Pack the file it points to.")
    if repeated:
        raise UnsafePathError("This name stands twice in the zip; only the first file was taken.")
    if entry.flag_bits & 0x1:
        raise EncryptedError("This entry is locked with a password. Pack the zip without one.")
