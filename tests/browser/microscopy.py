"""Real microscopy for the journeys: the 2018 Data Science Bowl where its images lie beside the
repository (or where ``MEDSEG_TEST_DATA`` says), else tiles of an image in the stardist package."""

from __future__ import annotations

import csv
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from medseg_site.places import REPOSITORY
from segmentation.demo import packages
from segmentation.demo.dicom import write_ct_series
from segmentation.demo.phantoms import ct_series

SIDE = 128
Pair = tuple[NDArray[np.uint8], NDArray[np.uint16]]


def data_folder() -> Path | None:
    """Where the shared test data lie, if they do."""
    folder = Path(os.environ.get("MEDSEG_TEST_DATA") or REPOSITORY.parent / "shared" / "data")
    return folder if (folder / "nuclei_dsb2018" / "index.csv").is_file() else None


def pairs(count: int, scratch: Path) -> list[Pair]:
    """``count`` different squares of real fluorescence microscopy with their nuclei."""
    folder = data_folder()
    source = _bowl(folder / "nuclei_dsb2018") if folder else _tiles(scratch)
    found: list[Pair] = []
    for image, labels in source:
        if len(np.unique(labels)) > 4:
            found.append((image, labels))
        if len(found) == count:
            return found
    raise RuntimeError(f"only {len(found)} of {count} squares of real microscopy could be had")


def _bowl(folder: Path) -> Iterator[Pair]:
    with (folder / "index.csv").open(newline="") as table:
        for row in csv.DictReader(table):
            if row["kind"] == "fluorescence" and min(int(row["width"]), int(row["height"])) >= 256:
                image = np.asarray(Image.open(folder / row["image"]))
                labels = np.asarray(Image.open(folder / row["mask"])).astype(np.uint16)
                yield image[64 : 64 + SIDE, 64 : 64 + SIDE], labels[64 : 64 + SIDE, 64 : 64 + SIDE]


def _tiles(scratch: Path) -> Iterator[Pair]:
    stardist = next(package for package in packages.PACKAGES if package.name == "stardist")
    files = packages.package_fetch(stardist, scratch, lambda line: None).files
    image = tifffile.imread(files["img2d.tif"])
    labels = tifffile.imread(files["mask2d.tif"]).astype(np.uint16)
    low, high = np.percentile(image, (0.5, 99.8))
    grey = (np.clip((image - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    for y in range(0, grey.shape[0] - SIDE + 1, 72):
        for x in range(0, grey.shape[1] - SIDE + 1, 72):
            yield grey[y : y + SIDE, x : x + SIDE], labels[y : y + SIDE, x : x + SIDE]


def write_pictures(folder: Path, squares: list[Pair]) -> list[Path]:
    """The images alone, as a person has them."""
    folder.mkdir(parents=True)
    paths = []
    for number, (image, _) in enumerate(squares, start=1):
        paths.append(folder / f"field{number:02d}.png")
        Image.fromarray(image).save(paths[-1])
    return paths


def write_indexed(folder: Path, squares: list[Pair], held_out: int) -> Path:
    """A data folder with masks and an index; the last ``held_out`` images are its test split."""
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    with (folder / "index.csv").open("w", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(["id", "image", "mask", "split", "kind", "group"])
        for number, (image, labels) in enumerate(squares, start=1):
            name = f"square{number:02d}"
            Image.fromarray(image).save(folder / "images" / f"{name}.png")
            Image.fromarray(labels).save(folder / "masks" / f"{name}.png")
            split = "test" if number > len(squares) - held_out else "train"
            row = [name, f"images/{name}.png", f"masks/{name}.png", split, "fluorescence", name]
            writer.writerow(row)
    return folder


def write_series_zip(path: Path, scratch: Path) -> Path:
    """Twelve slices of a real chest CT as a zip; a drawn series where that is not at hand."""
    folder = data_folder()
    lidc = folder and folder / "ct_chest_lidc" / "LIDC-IDRI-0314_140slices.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        if lidc and lidc.is_file():
            with zipfile.ZipFile(lidc) as archive:
                for name in sorted(n for n in archive.namelist() if n.endswith(".dcm"))[:12]:
                    out.writestr(Path(name).name, archive.read(name))
        else:
            (scratch / "series").mkdir(parents=True)
            write_ct_series(scratch / "series", ct_series((12, 64, 64)), "series")
            for slice_path in sorted((scratch / "series").iterdir()):
                out.write(slice_path, slice_path.name)
    return path


def names_in_zip(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.namelist()
