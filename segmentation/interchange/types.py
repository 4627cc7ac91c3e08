"""What comes out of files: images on a known grid, what masks say about them, and refusals.

Frozen dataclasses and nothing else. Image arrays are ``(t, c, z, y, x)``; world coordinates are
DICOM patient LPS millimetres; boxes are ``(x1, y1, x2, y2)`` half-open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

SpacingSource = Literal["patient", "detector", "pixel_size"]
Axis = Literal["z", "y", "x"]
Role = Literal["image", "mask", "table", "note", "archive", "refused"]
TruthKind = Literal["instances", "classes", "findings", "labels"]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Limits:
    """How much untrusted bytes may cost before they are refused.

    ``decoded_bytes`` and ``pixels`` bound one image (pixels over all slices, frames and
    channels); ``ratio`` bounds how far compressed bytes may grow. A child gets ``file_seconds``
    for a file plus ``seconds_per_gib`` for each GiB that decoding it makes.
    """

    decoded_bytes: int = 2 * 1024**3
    pixels: int = 1_000_000_000
    ratio: int = 200
    unpacked_bytes: int = 20 * 1024**3
    entries: int = 20_000
    file_seconds: float = 10.0
    seconds_per_gib: float = 60.0
    text_bytes: int = 64 * 1024**2


@dataclass(frozen=True)
class NamedPath:
    """A file on disk and the relative name it was given under, e.g. by a browser."""

    path: Path
    name: str


@dataclass(frozen=True)
class NiftiGrid:
    """The geometry fields of a NIfTI header as they stand, so that masks carry them unchanged.

    ``rows`` are the three rows of the sform, ``quaternion`` is ``(b, c, d)`` and ``voxel_sizes``
    begins with the header's handedness (pixdim 0 to 3). ``time_step`` is pixdim 4 in the unit
    whose code is ``time_units``.
    """

    rows: tuple[float, ...]
    sform_code: int
    quaternion: tuple[float, ...]
    offsets: tuple[float, ...]
    qform_code: int
    voxel_sizes: tuple[float, ...]
    units: int
    time_step: float = 0.0
    time_units: int = 0


@dataclass(frozen=True)
class SourceGrid:
    """How the stored spatial axes come from those of the file, by permutation and flips only.

    The stored axes are ``(z, y, x)``. ``permutation[k]`` is the file's axis that stored axis k
    shows, ``flips[k]`` whether it runs backwards, ``shape`` the file's own shape. The file's axes
    are ``(i, j, k)`` for NIfTI and ``(slice, row, column)`` for all others.
    """

    permutation: tuple[int, int, int]
    flips: tuple[bool, bool, bool]
    shape: tuple[int, int, int]
    nifti: NiftiGrid | None = None

    def from_source(self, array: NDArray[Any]) -> NDArray[Any]:
        """View an array whose last three axes are the file's on the stored ``(z, y, x)`` grid."""
        lead = array.ndim - 3
        moved = array.transpose(*range(lead), *(lead + axis for axis in self.permutation))
        result: NDArray[Any] = moved[self._reversal()]
        return result

    def to_source(self, array: NDArray[Any]) -> NDArray[Any]:
        """View an array whose last three axes are ``(z, y, x)`` on the file's own grid."""
        lead = array.ndim - 3
        inverse = sorted(range(3), key=self.permutation.__getitem__)
        moved: NDArray[Any] = array[self._reversal()]
        return moved.transpose(*range(lead), *(lead + axis for axis in inverse))

    @property
    def stored_shape(self) -> tuple[int, int, int]:
        """The shape ``(z, y, x)`` of the stored grid."""
        z, y, x = (self.shape[axis] for axis in self.permutation)
        return (z, y, x)

    def _reversal(self) -> tuple[Any, ...]:
        return (..., *(slice(None, None, -1 if flip else None) for flip in self.flips))


@dataclass(frozen=True)
class ReadImage:
    """One image or volume as it will be stored.

    ``pixels`` is ``(t, c, z, y, x)``, uint8, uint16 or int16; the value a pixel stands for is
    ``pixel * slope + intercept`` in ``value_unit``, exact up to ``value_error``. ``window`` and
    ``padding`` (a range of values that mark "no measurement") are in those values too.
    ``affine_lps`` takes stored voxel indices ``(x, y, z, 1)`` to millimetres. The z spacing of a
    single slice of unknown thickness is 1. ``patient_key``, ``study_key``, ``series_key`` and
    ``frame_key`` (the frame of reference) are raw identifiers: only ``pseudonyms.pseudonym`` of
    them may be kept. ``name`` is the name of the first input, for the caller's report only.
    """

    pixels: NDArray[Any]
    source: SourceGrid
    spacing_mm: tuple[float, float, float] | None = None
    spacing_source: SpacingSource | None = None
    affine_lps: Matrix | None = None
    modality: str = ""
    kind: str = ""
    photometric: str = "MONOCHROME2"
    window: tuple[float, float] | None = None
    padding: tuple[float, float] | None = None
    value_unit: str = ""
    slope: float = 1.0
    intercept: float = 0.0
    value_error: float = 0.0
    frame_seconds: float | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    patient_key: str = ""
    study_key: str = ""
    series_key: str = ""
    frame_key: str = ""
    is_localizer: bool = False
    burned_in_risk: bool = False
    burned_in_why: str = ""
    acquisition_axis: Axis = "z"
    warnings: tuple[str, ...] = ()
    inputs: tuple[int, ...] = ()
    source_digest: str = ""
    name: str = ""

    @property
    def inverted_display(self) -> bool:
        """Whether low values are to be shown bright (MONOCHROME1)."""
        return self.photometric == "MONOCHROME1"

    @property
    def slices(self) -> int:
        """How many slices were acquired, whichever stored axis they lie along."""
        return int(self.pixels.shape[{"z": 2, "y": 3, "x": 4}[self.acquisition_axis]])

    @property
    def overlays(self) -> bool:
        """Whether series of its study can be laid over it: it states its frame of reference and
        its place in the patient, and it is a volume or the overview that volumes were planned on.

        A single slice that is no overview is to be looked at by itself, like a picture.
        """
        placed = self.affine_lps is not None and self.spacing_source == "patient"
        return bool(
            self.study_key and self.frame_key and placed and (self.slices > 1 or self.is_localizer)
        )


@dataclass(frozen=True)
class ReadFinding:
    """One object of a mask: its label, its box, and its pixels if the file draws them.

    ``crop`` is bool ``(y, x)`` and covers exactly ``box`` on slice ``z``; None for a mere box.
    """

    label: str
    box: tuple[int, int, int, int]
    z: int = 0
    crop: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class ReadTruth:
    """What one mask or annotation file says about its image, on the image's stored grid.

    ``instances``: ``array`` uint16 ``(z, y, x)``, 0 background, each value one object; where the
    image has moments, the planes of all one after the other (see ``engine.geometry``).
    ``classes``: ``array`` uint16 of class values, ``names`` their labels where known,
    ``ignore_value`` the class that is neither. ``findings``: objects that may overlap.
    ``labels``: words that hold for the whole image.
    """

    kind: TruthKind
    array: NDArray[np.uint16] | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    ignore_value: int | None = None
    findings: tuple[ReadFinding, ...] = ()
    labels: tuple[str, ...] = ()
    inputs: tuple[int, ...] = ()


@dataclass(frozen=True)
class ReadCase:
    """One image with what an index says about it; without an index all but ``image`` is empty.

    ``listed``: the image has a row of its own in an index.
    """

    image: ReadImage
    truths: tuple[ReadTruth, ...] = ()
    identifier: str = ""
    split: str = ""
    group: str = ""
    patient: str = ""
    kind: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    listed: bool = False


@dataclass(frozen=True)
class Refusal:
    """Why the file at ``input`` (and the rest of its series, ``inputs``) was not taken.

    ``name`` is for the caller's report and must not be stored.
    """

    input: int
    name: str
    code: str
    sentence: str
    inputs: tuple[int, ...] = ()


@dataclass(frozen=True)
class InputFile:
    """One file that was looked at, archives' entries included, and what it was used as."""

    index: int
    name: str
    size_bytes: int
    digest: str
    role: Role


@dataclass(frozen=True)
class Intake:
    """All that became of a list of paths; every input has a role, every image one case."""

    cases: tuple[ReadCase, ...]
    refusals: tuple[Refusal, ...]
    inputs: tuple[InputFile, ...]

    @property
    def images(self) -> tuple[ReadImage, ...]:
        """The images of all cases, in the order they were read."""
        return tuple(case.image for case in self.cases)
