"""The files of an import in units that are read together, each with what an index says of it."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from segmentation.interchange.errors import InterchangeError, MissingFileError
from segmentation.interchange.index_csv import CLASS_COLUMN, NAME, IndexRow, read_index
from segmentation.interchange.tree import INSIDE, Entry, Tree
from segmentation.interchange.types import Limits

_NOTES = frozenset({"text", "json", "xml", "pdf"})
_PLAIN = IndexRow(image="")


@dataclass(frozen=True)
class Unit:
    """Files that are read together: DICOM series are looked for inside one unit only.

    ``truths`` are the masks and annotations of the one image that the unit then is;
    ``tables`` are COCO files beside them, for the names of classes.
    """

    entries: Sequence[Entry]
    row: IndexRow = _PLAIN
    truths: Sequence[Entry] = ()
    tables: Sequence[Entry] = ()


@dataclass
class _Names:
    """The entries by name, and by the folder or archive they lie in."""

    by_name: dict[str, Entry] = field(default_factory=dict)

    def under(self, name: str) -> list[Entry]:
        """Give the entry of this name, or all inside the archive or folder of this name."""
        if name in self.by_name and self.by_name[name].kind != "zip":
            return [self.by_name[name]]
        heads = (f"{name}{INSIDE}", f"{name}/")
        return [
            entry
            for key, entry in self.by_name.items()
            if key.startswith(heads) and entry.kind != "zip"
        ]


def units_of(tree: Tree, limits: Limits, class_column: str = CLASS_COLUMN) -> list[Unit]:
    """Cut a tree into units: one per row of each index, and one of all that no index names.

    Files that are missing, or indices that cannot be read, are refused in the tree.
    """
    refused = {index for refusal in tree.refusals for index in refusal.inputs}
    open_entries = [e for e in tree.entries if e.index not in refused and e.role == "refused"]
    names = _Names({entry.name: entry for entry in open_entries})
    archives = {entry.name: entry for entry in tree.entries if entry.kind == "zip"}
    names.by_name |= archives
    used: set[int] = set()
    units: list[Unit] = []
    for index in [entry for entry in open_entries if _is_index(entry)]:
        base = index.name[: -len(NAME)]
        try:
            rows = _joined(read_index(index.path, limits, class_column))
        except InterchangeError as error:
            tree.refuse([index], error)
            used.add(index.index)
            continue
        index.role = "table"
        inside = [e for e in open_entries if e.name.startswith(base) and e.kind == "json"]
        units += _units_of_rows(tree, names, index, rows, inside)
        _put_notes_aside(open_entries, base)
    used |= {entry.index for unit in units for entry in (*unit.entries, *unit.truths)}
    used |= {entry.index for entry in open_entries if entry.role != "refused"}
    rest = [entry for entry in open_entries if entry.index not in used]
    if rest:
        units.append(Unit(rest))
    return units


def _units_of_rows(
    tree: Tree,
    names: _Names,
    index: Entry,
    rows: list[tuple[IndexRow, list[str]]],
    tables: Sequence[Entry],
) -> list[Unit]:
    base = index.name[: -len(NAME)]
    units = []
    for row, files in rows:
        found = [entry for file in files for entry in names.under(_join(base, file))]
        whole = _join(base, row.archive or row.image)
        if not found:
            # An archive that was refused as a whole has said why already.
            if whole not in names.by_name:
                _miss(tree, index, row.image)
            continue
        truths = []
        for name in row.truths:
            truth = names.by_name.get(_join(base, name))
            if truth is None:
                _miss(tree, index, name)
            else:
                truths.append(truth)
        units.append(Unit(found, row, truths, tables))
    return units


def _joined(rows: list[IndexRow]) -> list[tuple[IndexRow, list[str]]]:
    """Join the rows of one archive to one unit; facts that differ between them are dropped."""
    joined: dict[tuple[str, str], tuple[IndexRow, list[str]]] = {}
    for number, row in enumerate(rows):
        key = (row.archive, "") if row.archive else ("", str(number))
        file = f"{row.archive}{INSIDE}{row.image}" if row.archive else row.image
        if key not in joined:
            joined[key] = (row, [file])
            continue
        first, files = joined[key]
        files.append(file)
        joined[key] = (_common(first, row), files)
    return list(joined.values())


def _common(first: IndexRow, other: IndexRow) -> IndexRow:
    return replace(
        first,
        identifier=first.identifier if first.identifier == other.identifier else "",
        split=first.split if first.split == other.split else "",
        group=first.group if first.group == other.group else "",
        patient=first.patient if first.patient == other.patient else "",
        kind=first.kind if first.kind == other.kind else "",
    )


def _put_notes_aside(entries: Sequence[Entry], base: str) -> None:
    for entry in entries:
        below = entry.name.startswith(base) and INSIDE not in entry.name[len(base) :]
        if below and entry.kind in _NOTES and entry.role == "refused":
            entry.role = "note"


def _miss(tree: Tree, index: Entry, name: str) -> None:
    role = index.role
    missing = MissingFileError(
        f"The index names {name!r}, which is not there. Add the file or remove its row."
    )
    tree.refuse([index], missing)
    index.role = role


def _join(base: str, name: str) -> str:
    return base + posixpath.normpath(name.replace("\\", "/"))


def _is_index(entry: Entry) -> bool:
    return posixpath.basename(entry.name).lower() == NAME and entry.kind == "text"
