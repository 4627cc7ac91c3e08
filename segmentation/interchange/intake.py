"""The door: files, folders and zips to images, masks and refusals. Nothing here raises for a file.

``read_paths`` collects; ``read_each`` hands out one result at a time, so that a large import
needs memory for one image only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from segmentation.interchange.dicom_headers import DicomHeader
from segmentation.interchange.dicom_series import plan_series
from segmentation.interchange.errors import ERRORS, InterchangeError, UnreadableError
from segmentation.interchange.index_csv import CLASS_COLUMN
from segmentation.interchange.kinds import kind_of_modality
from segmentation.interchange.sandbox import Sandbox
from segmentation.interchange.sniff import refusal_of
from segmentation.interchange.tree import Entry, Tree
from segmentation.interchange.truths import TruthReader
from segmentation.interchange.types import (
    InputFile,
    Intake,
    Limits,
    NamedPath,
    ReadCase,
    ReadImage,
    ReadTruth,
    Refusal,
)
from segmentation.interchange.units import Unit, units_of

Progress = Callable[[int, int, str], None]
_SINGLE = frozenset({"png", "jpeg", "tiff", "nifti", "nifti_gz"})
_DICOM = frozenset({"dicom", "dicom_bare"})


def read_paths(
    paths: Iterable[Path | str | NamedPath],
    limits: Limits | None = None,
    on_progress: Progress | None = None,
    *,
    separate_slices: bool = False,
    sandbox: Sandbox | None = None,
    folder: Path | None = None,
) -> Intake:
    """Read all that lies under some paths; see ``IntakeReader`` for what the arguments mean."""
    with IntakeReader(
        paths,
        limits,
        on_progress,
        separate_slices=separate_slices,
        sandbox=sandbox,
        folder=folder,
    ) as reader:
        cases = tuple(found for found in reader if isinstance(found, ReadCase))
        return Intake(cases, reader.refusals, reader.inputs)


class IntakeReader:
    """Reads paths one image at a time; a context to iterate over once.

    paths: files, folders, zips (all mixed); ``NamedPath`` gives an uploaded file its relative
    name, by which an ``index.csv`` finds it. ``on_progress`` is told files done, files in all and
    the name of the last. ``separate_slices`` makes every DICOM file an image of its own. A
    ``sandbox`` that is passed in stays open; without one, ``folder`` is where archives and pixels
    pass through (the system's temporary folder by default). ``class_column`` of an index names the
    class of each image. Iterating gives a ``ReadCase`` or ``Refusal`` at a time; afterwards
    ``refusals`` and ``inputs`` are complete.
    """

    def __init__(
        self,
        paths: Iterable[Path | str | NamedPath],
        limits: Limits | None = None,
        on_progress: Progress | None = None,
        *,
        separate_slices: bool = False,
        sandbox: Sandbox | None = None,
        folder: Path | None = None,
        class_column: str = CLASS_COLUMN,
    ) -> None:
        self._paths = list(paths)
        self._limits = limits or (sandbox.limits if sandbox else Limits())
        self._on_progress = on_progress
        self._separate = separate_slices
        self._given = sandbox
        self._folder = folder
        self._class_column = class_column
        self._open = ExitStack()
        self._done = 0

    def __enter__(self) -> IntakeReader:
        self._sandbox = self._given or self._open.enter_context(Sandbox(self._limits, self._folder))
        own = self._open.enter_context(TemporaryDirectory(dir=self._sandbox.scratch))
        self._tree = Tree(self._limits, Path(own))
        self._truths = TruthReader(self._sandbox)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def __iter__(self) -> Iterator[ReadCase | Refusal]:
        told = 0
        for path in self._paths:
            self._tree.add(path)
        units = units_of(self._tree, self._limits, self._class_column)
        for unit in units:
            yield from self._cases(unit)
            yield from self._tree.refusals[told:]
            told = len(self._tree.refusals)
        yield from self._tree.refusals[told:]

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """The refusals so far."""
        return tuple(self._tree.refusals)

    @property
    def inputs(self) -> tuple[InputFile, ...]:
        """Every file that was met, and what it was used as so far."""
        return self._tree.inputs()

    def _cases(self, unit: Unit) -> Iterator[ReadCase]:
        row = unit.row
        for found in self._images(unit.entries):
            stated = found.modality or row.facts.get("modality", "").upper()
            image = replace(found, modality=stated)
            truths = self._truths_of(unit, image)
            if row.labels:
                truths = (*truths, ReadTruth("labels", labels=row.labels))
            yield ReadCase(
                image=image,
                truths=truths,
                identifier=row.identifier,
                split=row.split,
                group=row.group,
                patient=row.patient,
                kind=row.kind or kind_of_modality(row.facts.get("modality", "")) or image.kind,
                facts=row.facts,
                listed=bool(row.image),
            )

    def _images(self, entries: Sequence[Entry]) -> Iterator[ReadImage]:
        dicom = [entry for entry in entries if entry.kind in _DICOM]
        for entry in entries:
            if entry.kind in _DICOM:
                continue
            if entry.kind not in _SINGLE:
                code, sentence = refusal_of(entry.kind)
                self._refuse([entry], ERRORS[code](sentence))
                continue
            image = self._read([entry], partial(self._sandbox.file, entry.path, entry.kind))
            if image is not None:
                yield image
        if dicom:
            yield from self._series(dicom)

    def _series(self, entries: list[Entry]) -> Iterator[ReadImage]:
        readable: list[Entry] = []
        headers: list[DicomHeader] = []
        found = self._sandbox.headers([entry.path for entry in entries])
        for entry, header in zip(entries, found, strict=True):
            if isinstance(header, InterchangeError):
                self._refuse([entry], header)
            else:
                readable.append(entry)
                headers.append(header)
        digests = [entry.digest for entry in readable]
        plans, refused = plan_series(headers, digests, separate=self._separate)
        for series in refused:
            self._refuse([readable[index] for index in series.members], series.error)
        for plan in plans:
            members = [readable[index] for index in plan.members]
            paths = [[readable[index].path for index in row] for row in plan.order]
            image = self._read(members, partial(self._sandbox.series, paths))
            if image is not None:
                yield _with_note_on_copies(image, len(plan.spare))

    def _read(self, entries: list[Entry], read: Callable[[], ReadImage]) -> ReadImage | None:
        try:
            image = read()
        except InterchangeError as error:
            self._refuse(entries, error)
            return None
        except OSError:
            gone = UnreadableError("This file could no longer be read. Choose it again.")
            self._refuse(entries, gone)
            return None
        for entry in entries:
            entry.role = "image"
        self._advance(entries)
        return replace(
            image,
            inputs=tuple(entry.index for entry in entries),
            source_digest=_joint_digest(entries),
            name=entries[0].name,
        )

    def _truths_of(self, unit: Unit, image: ReadImage) -> tuple[ReadTruth, ...]:
        truths = []
        for entry in unit.truths:
            try:
                truth = self._truths.read(entry, image, unit.tables, instances=unit.row.instances)
            except InterchangeError as error:
                self._refuse([entry], error)
                continue
            entry.role = "mask"
            self._advance([entry])
            truths.append(truth)
        return tuple(truths)

    def _refuse(self, entries: list[Entry], error: InterchangeError) -> None:
        self._tree.refuse(entries, error)
        self._advance(entries)

    def _advance(self, entries: list[Entry]) -> None:
        self._done += len(entries)
        if self._on_progress is not None:
            self._on_progress(self._done, len(self._tree.entries), entries[-1].name)


def _joint_digest(entries: list[Entry]) -> str:
    """One file's own digest; for several a digest over theirs in sorted order, names aside."""
    if len(entries) == 1:
        return entries[0].digest
    joined = "\n".join(sorted({entry.digest for entry in entries}))
    return hashlib.sha256(joined.encode()).hexdigest()


def _with_note_on_copies(image: ReadImage, copies: int) -> ReadImage:
    if not copies:
        return image
    words = "1 file repeats" if copies == 1 else f"{copies} files repeat"
    note = f"{words} a slice that was given already; one copy of each was kept."
    return replace(image, warnings=(*image.warnings, note))
