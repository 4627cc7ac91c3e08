"""TIFF pictures and stacks in, 8 and 16 bit, grey and colour, with OME and ImageJ spacing."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from segmentation.interchange.budget import Budget
from segmentation.interchange.errors import (
    MixedSizesError,
    UnreadableError,
    UnsupportedError,
    reading,
)
from segmentation.interchange.raster import image_of, upright_grid
from segmentation.interchange.types import ReadImage

_MM_OF_UNIT = {
    "nm": 1e-6,
    "um": 1e-3,
    "µm": 1e-3,
    "μm": 1e-3,
    "\\u00b5m": 1e-3,
    "micron": 1e-3,
    "microns": 1e-3,
    "mm": 1.0,
    "cm": 10.0,
    "m": 1000.0,
    "inch": 25.4,
}
_MAX_PAGES = 20_000
_ORIENTATION_TAG = 274
Spacing = tuple[float, float, float]


def read_tiff(path: Path, budget: Budget) -> ReadImage:
    """Read a TIFF file: one page, a stack of equal pages (z), or the axes that OME or ImageJ name.

    Spacing is taken only from OME or ImageJ metadata; the resolution of a plain TIFF is a print
    size and says nothing about the object.
    """
    sentence = "This TIFF file is damaged or cut short. Export it again."
    with reading(sentence), tifffile.TiffFile(path) as tiff:
        pages = _full_pages(tiff)
        named = _named_axes(tiff, budget)
        samples = _stack(path, pages, budget) if named is None else named
        orientation = _tag(pages[0], _ORIENTATION_TAG, 1)
        grid = upright_grid(tuple(samples.shape[2:]), orientation)
        spacing = _spacing(tiff, pages[0])
        return image_of(
            grid.from_source(samples),
            grid,
            spacing_mm=spacing,
            spacing_source=None if spacing is None else "pixel_size",
        )


def _full_pages(tiff: tifffile.TiffFile) -> list[tifffile.TiffPage]:
    """List the pages that are pictures of their own, not thumbnails or steps of a pyramid."""
    pages: list[tifffile.TiffPage] = []
    seen: set[int] = set()
    for number, page in enumerate(tiff.pages):
        if number >= _MAX_PAGES:
            raise UnreadableError("This TIFF file claims more than 20,000 pages. Split it.")
        if page.offset in seen:
            raise UnreadableError("The pages of this TIFF file run in a circle. Save it again.")
        seen.add(page.offset)
        whole = page if isinstance(page, tifffile.TiffPage) else page.aspage()
        if not whole.is_reduced:
            pages.append(whole)
    if not pages:
        raise UnreadableError("This TIFF file holds no page. Export it again.")
    return pages


def _named_axes(tiff: tifffile.TiffFile, budget: Budget) -> NDArray[Any] | None:
    """Read ``(t, c, z, y, x)`` where OME or ImageJ metadata name the axes, else None."""
    if not (tiff.is_ome or tiff.is_imagej) or len(tiff.series) != 1:
        return None
    series = tiff.series[0]
    axes = series.axes.replace("S", "C") if "C" not in series.axes else series.axes
    if not set(axes) <= set("TCZYX") or len(set(axes)) != len(axes) or "Y" not in axes:
        return None
    budget.claim(series.shape, series.dtype.itemsize)
    samples = series.asarray()
    order = [axes.index(axis) for axis in "TCZYX" if axis in axes]
    missing = [place for place, axis in enumerate("TCZYX") if axis not in axes]
    return np.expand_dims(samples.transpose(order), missing)


def _stack(path: Path, pages: list[tifffile.TiffPage], budget: Budget) -> NDArray[Any]:
    """Read all pages and lay them out as ``(1, c, z, y, x)``."""
    first = pages[0]
    sizes = {(page.shape, page.dtype, page.photometric) for page in pages}
    if len(sizes) > 1:
        raise MixedSizesError(
            f"The {len(pages)} pages of this TIFF file differ in size or type. "
            "Save each page as a file of its own, or all at one size."
        )
    if first.dtype is None:
        raise UnsupportedError("This TIFF file has samples of an unknown type. Save it as 16 bit.")
    budget.claim((len(pages), *first.shape), first.dtype.itemsize)
    planes = [_plane(path, number, page) for number, page in enumerate(pages)]
    return np.stack(planes, axis=1)[np.newaxis]


def _plane(path: Path, number: int, page: tifffile.TiffPage) -> NDArray[Any]:
    """Read one page as ``(c, y, x)`` of grey or RGB samples."""
    photometric = page.photometric
    if photometric == tifffile.PHOTOMETRIC.SEPARATED:
        return _print_colours(path, number)
    samples: NDArray[Any] = page.asarray()
    if photometric == tifffile.PHOTOMETRIC.PALETTE and page.colormap is not None:
        colours: NDArray[Any] = (page.colormap[:, samples] >> 8).astype(np.uint8)
        return colours
    samples = _whole_range(samples, page.bitspersample)
    if photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        if samples.dtype.kind != "u":
            raise UnsupportedError("This TIFF file has negative grey values. Save it as 16 bit.")
        samples = np.bitwise_not(samples)
    return _channels_first(np.asarray(samples), page.axes)


def _print_colours(path: Path, number: int) -> NDArray[Any]:
    with Image.open(path, formats=("TIFF",)) as picture:
        picture.seek(number)
        return np.moveaxis(np.asarray(picture.convert("RGB")), -1, 0)


def _whole_range(samples: NDArray[Any], bits: int) -> NDArray[Any]:
    """Spread 1, 2 and 4 bit samples over 8 bits, as every viewer shows them."""
    if bits >= 8:
        return samples
    return (samples.astype(np.uint8) * (255 // ((1 << bits) - 1))).astype(np.uint8)


def _channels_first(samples: NDArray[Any], axes: str) -> NDArray[Any]:
    """Bring one page to ``(c, y, x)`` and leave out an opacity channel."""
    if axes == "YX":
        return samples[np.newaxis]
    if axes not in ("YXS", "SYX"):
        raise UnsupportedError("This TIFF file has pages with depth. Save it as a plain stack.")
    moved: NDArray[Any] = np.moveaxis(samples, -1, 0) if axes == "YXS" else samples
    return moved[: 1 if len(moved) < 3 else 3]


def _spacing(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> Spacing | None:
    found = _ome_spacing(tiff.ome_metadata or "") or _imagej_spacing(tiff, page)
    if found is None or not all(math.isfinite(side) and side > 0 for side in found):
        return None
    return found


def _ome_spacing(text: str) -> Spacing | None:
    sides = []
    for axis in "ZYX":
        size = re.search(rf'PhysicalSize{axis}="([0-9.eE+-]{{1,24}})"', text)
        unit = re.search(rf'PhysicalSize{axis}Unit="([^"]{{1,12}})"', text)
        scale = _MM_OF_UNIT.get(unit.group(1) if unit else "um")
        sides.append(float(size.group(1)) * scale if size and scale else None)
    z, y, x = sides
    return None if y is None or x is None else (z or 1.0, y, x)


def _imagej_spacing(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> Spacing | None:
    about = tiff.imagej_metadata
    if not about:
        return None
    scale = _MM_OF_UNIT.get(str(about.get("unit", "")).strip().lower())
    across, down = _tag(page, 282, None), _tag(page, 283, None)
    if scale is None or not across or not down or not across[0] or not down[0]:
        return None
    depth = float(about.get("spacing", 0.0)) * scale
    return (depth or 1.0, scale * down[1] / down[0], scale * across[1] / across[0])


def _tag(page: tifffile.TiffPage, code: int, default: Any) -> Any:
    tag = page.tags.get(code)
    return default if tag is None else tag.value
