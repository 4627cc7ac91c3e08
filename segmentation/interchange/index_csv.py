"""``index.csv``: which file is an image, which is its mask, and what else is known of it.

Columns that are understood: ``id``; ``image`` (a file, a zip or a folder) or ``file`` (with
``archive``: an entry of that zip); ``mask``, ``label`` or ``annotation``; ``split``; ``group``;
``patient``; ``kind``; ``class``, in whose place another column may be asked for. Other columns are
kept as facts if they are short. All paths are relative to the folder of the index.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from segmentation.interchange.errors import TooLargeError, UnreadableError, reading
from segmentation.interchange.types import Limits

NAME = "index.csv"
CLASS_COLUMN = "class"
_TRUTH_COLUMNS = ("mask", "label", "annotation")
_IMAGE_COLUMNS = ("image", "file")
_FACT_COLUMNS = frozenset({"modality", "view", "finding", "licence", "class", "site", "source"})
_MAX_FACT = 80


@dataclass(frozen=True)
class IndexRow:
    """One line: the name of its image, the names of its masks, and the facts it states.

    ``instances`` says that the masks number objects, not classes (column ``n_instances``).
    """

    image: str
    archive: str = ""
    truths: tuple[str, ...] = ()
    identifier: str = ""
    split: str = ""
    group: str = ""
    patient: str = ""
    kind: str = ""
    instances: bool = False
    labels: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


def read_index(path: Path, limits: Limits, class_column: str = CLASS_COLUMN) -> list[IndexRow]:
    """Read the rows of an index; ``class_column`` says of what class each image is.

    Raises UnreadableError if it has no column of images, or not the class column asked for.
    """
    if path.stat().st_size > limits.text_bytes:
        raise TooLargeError("This index.csv is too large. Split the folder.")
    with reading("This index.csv is not a table in UTF-8. Save it again as CSV."):
        text = path.read_bytes().decode("utf-8-sig")
        table = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        columns = [name or "" for name in table.fieldnames or ()]
        column = next((name for name in _IMAGE_COLUMNS if name in columns), "")
        if not column:
            raise UnreadableError(
                "This index.csv has no column named image or file. Add one and import again."
            )
        if class_column not in (CLASS_COLUMN, *columns):
            raise UnreadableError(
                f"This index.csv has no column named {class_column!r}. "
                f"Its columns are: {', '.join(filter(None, columns))}."
            )
        rows: list[IndexRow] = []
        for line in table:
            if len(rows) >= limits.entries:
                raise TooLargeError(f"This index.csv has more than {limits.entries:,} rows.")
            if (line.get(column) or "").strip():
                rows.append(_row(line, column, class_column))
        return rows


def _row(line: Mapping[str, str | None], column: str, class_column: str) -> IndexRow:
    cells = {name: (line.get(name) or "").strip() for name in line if isinstance(name, str)}
    label = cells.get(class_column, "")
    return IndexRow(
        image=cells[column],
        archive=cells.get("archive", ""),
        truths=tuple(cells[name] for name in _TRUTH_COLUMNS if cells.get(name)),
        identifier=cells.get("id", ""),
        split=cells.get("split", ""),
        group=cells.get("group", ""),
        patient=cells.get("patient", ""),
        kind=cells.get("kind", ""),
        instances="n_instances" in cells,
        labels=(label,) if label else (),
        facts={
            name: value
            for name, value in cells.items()
            if name in _FACT_COLUMNS and value and len(value) <= _MAX_FACT
        },
    )
