"""The parts of the demo that come out of packages: real images, with masks where there are any.

Each function writes one folder from the files it is given, by their names in the wheel. Masks are
written anew in the numbers of the demo project's labels, on the grid of their image.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import tifffile
from numpy.typing import NDArray

from segmentation.demo.folders import Row, write_index
from segmentation.demo.packages import PACKAGES
from segmentation.interchange.labels import write_labels

GREY_MATTER, WHITE_MATTER, VERTEBRA, DISC, NUCLEUS = 7, 8, 9, 10, 11
"""Places of the labels in the project of volumes."""
FIRST_DISC, FIRST_ENDPLATE = 100, 200
"""TPTBox numbers vertebrae from 1, the disc below each from 101, its endplates from 201."""
MORE_LIKELY_THAN_NOT = 127
"""ICBM's tissue maps are shares, 0 to 255."""
TILE = 256

# nibabel's functions carry no types.
_load: Any = nibabel.load
_image: Any = nibabel.Nifti1Image
_save: Any = nibabel.save


def installed_microscopy(folder: Path, files: Mapping[str, Path]) -> None:
    """Two pictures that scikit-image carries itself, so they need no network."""
    source = f"scikit-image {version('scikit-image')}"
    data = _installed("skimage") / "data"
    for name in ("cell.png", "ihc.png"):
        shutil.copyfile(data / name, folder / name)
    rows = [
        Row(
            "Colonic glands, immunohistochemistry",
            "ihc.png",
            f"{source}, taken at CMMI",
            "no known copyright restrictions",
            kind="histology_colour",
            split="test",
        ),
        Row(
            "Cell in saline, quantitative phase",
            "cell.png",
            f"{source}, retrieved with qpformat",
            "CC0-1.0",
            kind="brightfield_gray",
        ),
    ]
    write_index(folder, rows, instances=True)


def fluorescence(folder: Path, files: Mapping[str, Path]) -> None:
    """A field of fluorescent nuclei with its mask, two tiles of it without, and a histology."""
    source, licence = _told("stardist")
    for name in ("img2d.tif", "mask2d.tif", "histo.jpg"):
        shutil.copyfile(files[name], folder / name)
    pixels = tifffile.imread(files["img2d.tif"])
    told = {"source": source, "licence": licence, "kind": "fluorescence", "group": "stardist 2-D"}
    rows = [Row("Fluorescent nuclei", "img2d.tif", mask="mask2d.tif", **told)]
    for word, top, left in (("upper left", 0, 0), ("lower right", TILE, TILE)):
        name = f"tile-{top}.tif"
        tifffile.imwrite(folder / name, pixels[top : top + TILE, left : left + TILE], metadata=None)
        rows.append(Row(f"Fluorescent nuclei, {word} quarter", name, **told))
    rows.append(
        Row("Histology, H&E", "histo.jpg", source, licence, kind="histology_colour", split="test")
    )
    write_index(folder, rows, instances=True)


def fluorescence_volume(folder: Path, files: Mapping[str, Path]) -> None:
    """Nuclei in a stack of slices, all of them as one label."""
    shutil.copyfile(files["img3d.tif"], folder / "nuclei.tif")
    mask = tifffile.imread(files["mask3d.tif"]) > 0
    write_labels(folder / "mask.tif", mask.astype(np.uint8) * NUCLEUS)
    row = Row("Fluorescent nuclei in 3-D", "nuclei.tif", *_told("stardist"), mask="mask.tif",
              kind="fluorescence")  # fmt: skip
    write_index(folder, [row], instances=False)


def chest_radiograph(folder: Path, files: Mapping[str, Path]) -> None:
    """A computed radiograph, to be predicted."""
    shutil.copyfile(files["RG1_J2KR.dcm"], folder / "chest.dcm")
    row = Row("Chest radiograph", "chest.dcm", *_told("pydicom-data"), kind="xray", split="test")
    write_index(folder, [row], instances=False)


def small_volumes(folder: Path, files: Mapping[str, Path]) -> None:
    """An enhanced multi-frame MR and an ultrasound picture, for work by hand."""
    shutil.copyfile(files["emri_small.dcm"], folder / "head.dcm")
    shutil.copyfile(files["US1_UNCR.dcm"], folder / "ultrasound.dcm")
    told = _told("pydicom-data")
    rows = [
        Row("MR of a head, enhanced multi-frame", "head.dcm", *told, kind="mr", split="test"),
        Row("Ultrasound", "ultrasound.dcm", *told, kind="us"),
    ]
    write_index(folder, rows, instances=False)


def vertebrae(folder: Path, files: Mapping[str, Path]) -> None:
    """Three vertebrae in CT and three in MR, with the discs between them where they are drawn."""
    told = _told("tptbox")
    rows = []
    for title, image, mask, kind in (
        ("CT of lumbar vertebrae", "sub-ct_label-22_ct", "sub-ct_seg-vert_label-22_msk", "ct"),
        ("MR of cervical vertebrae", "sub-mri_label-6_T2w", "sub-mri_seg-vert_label-6_msk", "mr"),
    ):
        shutil.copyfile(files[f"{image}.nii.gz"], folder / f"{kind}.nii.gz")
        numbers = _load(files[f"{mask}.nii.gz"])
        _save_labels(folder / f"{kind}-mask.nii.gz", _spine_labels(_values(numbers)), numbers)
        rows.append(Row(title, f"{kind}.nii.gz", *told, mask=f"{kind}-mask.nii.gz", kind=kind))
    write_index(folder, rows, instances=False)


def brain(folder: Path, files: Mapping[str, Path]) -> None:
    """An average brain in MR; its tissue maps become grey and white matter, the likelier one."""
    t1, grey, white = (
        files[f"mni_icbm152_{kind}_tal_nlin_sym_09a_converted.nii.gz"]
        for kind in ("t1", "gm", "wm")
    )
    shutil.copyfile(t1, folder / "t1.nii.gz")
    grey_share, white_share = (_values(_load(path)) for path in (grey, white))
    labels = np.zeros(grey_share.shape, np.uint8)
    labels[(grey_share > MORE_LIKELY_THAN_NOT) & (grey_share >= white_share)] = GREY_MATTER
    labels[(white_share > MORE_LIKELY_THAN_NOT) & (white_share > grey_share)] = WHITE_MATTER
    _save_labels(folder / "tissue.nii.gz", labels, _load(grey))
    row = Row("MR of a brain, T1 average of 152", "t1.nii.gz", *_told("nilearn"),
              mask="tissue.nii.gz", kind="mr")  # fmt: skip
    write_index(folder, [row], instances=False)


def _spine_labels(numbers: NDArray[Any]) -> NDArray[np.uint8]:
    """Vertebrae with their endplates as one label, the discs as another."""
    disc = (numbers > FIRST_DISC) & (numbers < FIRST_ENDPLATE)
    labels = np.where(numbers > 0, VERTEBRA, 0).astype(np.uint8)
    labels[disc] = DISC
    return labels


def _values(image: Any) -> NDArray[Any]:
    return np.asanyarray(image.dataobj)


def _save_labels(path: Path, labels: NDArray[np.uint8], like: Any) -> None:
    _save(_image(labels, like.affine), path)


def _told(name: str) -> tuple[str, str]:
    """Origin and licence of a package's images."""
    package = next(package for package in PACKAGES if package.name == name)
    return package.origin, package.licence


def _installed(name: str) -> Path:
    found = find_spec(name)
    if found is None or found.origin is None:
        raise FileNotFoundError(f"{name} is not installed")
    return Path(found.origin).parent
