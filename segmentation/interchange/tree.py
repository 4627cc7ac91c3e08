"""The files of one import as a flat list of names, with folders walked and zips unpacked."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from segmentation.interchange.archive import Unpacking, safe_name
from segmentation.interchange.errors import (
    EmptyFileError,
    InterchangeError,
    MissingFileError,
    UnreadableError,
    UnsafePathError,
    UnsupportedError,
)
from segmentation.interchange.sniff import sniff
from segmentation.interchange.types import InputFile, Limits, NamedPath, Refusal, Role

INSIDE = "!/"
"""Between the name of a zip and the name of its entry."""
_CHUNK = 1 << 20
_SYSTEM_NAMES = frozenset({".ds_store", "thumbs.db", "desktop.ini"})


@dataclass
class Entry:
    """One file of an import: its number, its relative name, where its bytes lie, what they are."""

    index: int
    name: str
    path: Path
    kind: str
    size_bytes: int
    digest: str
    role: Role = "refused"


class Tree:
    """Collects entries; a file that cannot be taken becomes a refusal at once."""

    def __init__(self, limits: Limits, scratch: Path) -> None:
        self.entries: list[Entry] = []
        self.refusals: list[Refusal] = []
        self._unpacking = Unpacking(limits, scratch)

    def add(self, given: Path | str | NamedPath) -> None:
        """Add a file, a folder with all below it, or a file under a name of the caller's."""
        path = given.path if isinstance(given, NamedPath) else Path(given)
        path = path.absolute()
        name = given.name if isinstance(given, NamedPath) else path.name
        if path.is_dir() and not path.is_symlink():
            found = list(_walk(path))
            for file in found:
                self._add_file(file, f"{name}/{file.relative_to(path).as_posix()}")
            if not found:
                empty = EmptyFileError("This folder holds no files. Choose another one.")
                self._refuse_new(path, name, empty)
        else:
            self._add_file(path, name)

    def refuse(self, entries: Iterable[Entry], error: InterchangeError) -> Refusal:
        """Note that some entries were not taken, together and for one reason."""
        several = list(entries)
        for entry in several:
            entry.role = "refused"
        first = several[0]
        indices = tuple(entry.index for entry in several)
        refusal = Refusal(first.index, first.name, error.code, error.sentence, indices)
        self.refusals.append(refusal)
        return refusal

    def inputs(self) -> tuple[InputFile, ...]:
        """Report every file and what it was used as."""
        return tuple(
            InputFile(entry.index, entry.name, entry.size_bytes, entry.digest, entry.role)
            for entry in self.entries
        )

    def _add_file(self, path: Path, name: str) -> None:
        try:
            safe_name(name)
            if path.is_symlink():
                raise UnsafePathError("This is a link, not a file. Choose the file it points to.")
            if not path.exists():
                raise MissingFileError("This file is not there. Check its name and choose again.")
            if not path.is_file():
                raise UnsafePathError("This is a device or pipe, not a file. Choose a file.")
            entry = self._noted(path, safe_name(name))
        except InterchangeError as error:
            self._refuse_new(path, name, error)
            return
        except OSError:
            denied = UnreadableError("This file may not be read. Change its permissions.")
            self._refuse_new(path, name, denied)
            return
        if _is_system_file(entry.name):
            entry.role = "note"
        elif entry.kind == "zip":
            self._add_archive(entry)

    def _add_archive(self, archive: Entry) -> None:
        archive.role = "archive"
        if INSIDE in archive.name:
            nested = UnsupportedError(
                "This is a zip inside a zip. Unpack the outer one and import what it holds."
            )
            self.refuse([archive], nested)
            return
        before, refused_before = len(self.entries), len(self.refusals)
        try:
            for unpacked in self._unpacking.unpack(archive.path):
                name = f"{archive.name}{INSIDE}{unpacked.name}"
                if unpacked.path is not None:
                    self._add_file(unpacked.path, name)
                elif unpacked.error is not None:
                    self._refuse_new(archive.path, name, unpacked.error)
        except InterchangeError as error:
            # Half an archive is no archive: what was unpacked before goes with it.
            del self.entries[before:], self.refusals[refused_before:]
            self.refuse([archive], error)

    def _noted(self, path: Path, name: str) -> Entry:
        entry = Entry(
            index=len(self.entries),
            name=name,
            path=path,
            kind=sniff(path),
            size_bytes=path.stat().st_size,
            digest=_digest(path),
        )
        self.entries.append(entry)
        return entry

    def _refuse_new(self, path: Path, name: str, error: InterchangeError) -> None:
        entry = Entry(len(self.entries), name, path, "unknown", 0, "")
        self.entries.append(entry)
        self.refuse([entry], error)


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders.sort()
        yield from (Path(place) / file for file in sorted(files))


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while part := stream.read(_CHUNK):
            found.update(part)
    return found.hexdigest()


def _is_system_file(name: str) -> bool:
    parts = name.lower().replace(INSIDE, "/").split("/")
    return "__macosx" in parts or parts[-1] in _SYSTEM_NAMES or parts[-1].startswith("._")
