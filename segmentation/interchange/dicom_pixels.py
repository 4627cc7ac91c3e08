"""DICOM pixel data to samples: every transfer syntax, palettes and YBR turned to RGB, rescale.

Grey values are left as they were measured: MONOCHROME1 is not inverted, no window is applied.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom import config
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import iter_pixels

from segmentation.interchange.budget import Budget
from segmentation.interchange.dicom_headers import frames_of, number, samples_of, whole, word
from segmentation.interchange.errors import UnreadableError, reading
from segmentation.interchange.values import StoredValues, store

_SENTENCE = "The pixels of this DICOM file are damaged, cut short or of an unknown coding. " + (
    "Export it again, uncompressed if you can."
)
_LOSSY_JPEG = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 53, 55))
_PALETTE = "PALETTE COLOR"


@dataclass(frozen=True)
class Scale:
    """How stored numbers become values: ``value = number * slope + intercept``."""

    slope: float = 1.0
    intercept: float = 0.0


def claim_pixels(dataset: Dataset, budget: Budget, files: int = 1) -> None:
    """Ask for room for all frames of a file (of ``files`` such files) before decoding any."""
    channels = 3 if word(dataset, "PhotometricInterpretation") == _PALETTE else samples_of(dataset)
    size = (files, frames_of(dataset), channels, whole(dataset, "Rows"), whole(dataset, "Columns"))
    bits = number(dataset, "BitsAllocated") or 16
    budget.claim(size, max(1, math.ceil(bits / 8)))


def decode_frames(dataset: Dataset) -> NDArray[Any]:
    """Decode all frames of a file as ``(frame, c, y, x)``, grey or RGB.

    A modality look-up table is applied, a plain rescale is not (see ``scale_of``).
    """
    with reading(_SENTENCE), config.disable_value_validation():
        try:
            return _gather(iter_pixels(dataset), dataset)
        except Exception:
            if str(dataset.file_meta.TransferSyntaxUID) not in _LOSSY_JPEG:
                raise
            # Some 10 and 12 bit and progressive streams are beyond pydicom's own decoders.
            return _gather(_jpeg_frames(dataset), dataset)


def _gather(decoded: Iterator[NDArray[Any]], dataset: Dataset) -> NDArray[Any]:
    count = frames_of(dataset)
    frames: NDArray[Any] | None = None
    met = 0
    for met, frame in enumerate(decoded, start=1):
        samples = _to_colour(frame, dataset)
        if frames is None:
            frames = np.empty((count, *samples.shape), samples.dtype)
        if met <= count:
            frames[met - 1] = samples
    if frames is None or met < count:
        raise UnreadableError(
            f"This DICOM file claims {count} frames but holds {met}. Export it again."
        )
    return frames


def _jpeg_frames(dataset: Dataset) -> Iterator[NDArray[Any]]:
    for stream in generate_frames(dataset.PixelData, number_of_frames=frames_of(dataset)):
        frame: NDArray[Any] = imagecodecs.jpeg8_decode(stream)
        if frame.shape[:2] != (whole(dataset, "Rows"), whole(dataset, "Columns")):
            raise UnreadableError("A frame of this DICOM file has another size than its header.")
        yield frame


def scale_of(dataset: Any) -> Scale:
    """Read the rescale slope and intercept; without both, or with slope 0, nothing is scaled."""
    slope, intercept = number(dataset, "RescaleSlope"), number(dataset, "RescaleIntercept")
    if slope is None or intercept is None or slope == 0:
        return Scale()
    return Scale(slope, intercept)


def combine(raw: NDArray[Any], scales: Sequence[Scale]) -> StoredValues:
    """Bring slices ``(t, c, z, y, x)`` to stored values; ``scales`` run over t, then z.

    One scale for all keeps the measured numbers; differing scales are applied slice by slice,
    exactly if they are whole numbers.
    """
    if len(set(scales)) == 1:
        return store(raw, scales[0].slope, scales[0].intercept)
    exact = all(float(part).is_integer() for s in scales for part in (s.slope, s.intercept))
    values = np.empty(raw.shape, np.int32 if exact else np.float32)
    depth = raw.shape[2]
    for index, scale in enumerate(scales):
        t, z = divmod(index, depth)
        values[t, :, z] = raw[t, :, z].astype(np.float64) * scale.slope + scale.intercept
    return store(values)


def _to_colour(frame: NDArray[Any], dataset: Dataset) -> NDArray[Any]:
    """Bring one decoded frame to ``(c, y, x)``; iter_pixels has already turned YBR to RGB."""
    if word(dataset, "PhotometricInterpretation") == _PALETTE and frame.ndim == 2:
        frame = _eight_bits(apply_color_lut(frame, dataset)[..., :3])
    elif "ModalityLUTSequence" in dataset and frame.ndim == 2:
        frame = apply_modality_lut(frame, dataset)
    return frame[np.newaxis] if frame.ndim == 2 else np.moveaxis(frame, -1, 0)[:3]


def _eight_bits(colours: NDArray[Any]) -> NDArray[Any]:
    """Most 16 bit palettes are 8 bit ones moved up or doubled: then 8 bits say it all."""
    if colours.dtype != np.uint16:
        return colours
    high, low = colours >> 8, colours & 255
    return high.astype(np.uint8) if bool(((low == 0) | (low == high)).all()) else colours
