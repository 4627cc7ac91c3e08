"""Images and headers as JSON: across the border of the child, and for whoever stores a grid."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.interchange.dicom_headers import DicomHeader, Place
from segmentation.interchange.types import NiftiGrid, ReadImage, SourceGrid

Json = dict[str, Any]
_PARENTS_OWN = frozenset({"pixels", "inputs", "source_digest", "name"})
_PAIRS = ("window", "padding", "spacing_mm", "warnings")


def grid_to_json(grid: SourceGrid) -> Json:
    """Write a source grid as JSON that ``grid_from_json`` reads back exactly."""
    return asdict(grid)


def grid_from_json(text: Json) -> SourceGrid:
    """Read a source grid written by ``grid_to_json``."""
    nifti = text.get("nifti")
    a, b, c = text["permutation"]
    d, e, f = text["flips"]
    g, h, i = text["shape"]
    return SourceGrid(
        permutation=(int(a), int(b), int(c)),
        flips=(bool(d), bool(e), bool(f)),
        shape=(int(g), int(h), int(i)),
        nifti=None if nifti is None else NiftiGrid(**_tuples(nifti)),
    )


def image_to_json(image: ReadImage) -> Json:
    """Write all of an image but its pixels and what only the parent knows."""
    names = [part.name for part in fields(image) if part.name not in _PARENTS_OWN]
    text = {name: getattr(image, name) for name in names}
    text["source"] = grid_to_json(image.source)
    text["attributes"] = dict(image.attributes)
    if image.affine_lps is not None:
        text["affine_lps"] = image.affine_lps.tolist()
    return text


def image_from_json(text: Json, pixels: NDArray[Any]) -> ReadImage:
    """Read an image written by ``image_to_json`` and give it its pixels."""
    known = {name: value for name, value in text.items() if name not in _PARENTS_OWN}
    for name in _PAIRS:
        if isinstance(known.get(name), list):
            known[name] = tuple(known[name])
    known["source"] = grid_from_json(text["source"])
    affine = text.get("affine_lps")
    known["affine_lps"] = None if affine is None else np.array(affine, np.float64)
    return ReadImage(pixels=pixels, **known)


def header_to_json(header: DicomHeader) -> Json:
    """Write the facts of one DICOM file."""
    return asdict(header)


def header_from_json(text: Json) -> DicomHeader:
    """Read what ``header_to_json`` wrote."""
    known = _tuples(text)
    known["place"] = Place(**_tuples(text["place"]))
    return DicomHeader(**known)


def _tuples(text: Json) -> Json:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in text.items()}
