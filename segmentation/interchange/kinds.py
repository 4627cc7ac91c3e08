"""What kind of picture this is, guessed from its modality or, without one, from its pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_BY_MODALITY = {
    "CT": "ct",
    "MR": "mr",
    "US": "us",
    "IVUS": "us",
    "CR": "xray",
    "DX": "xray",
    "DR": "xray",
    "MG": "xray",
    "RG": "xray",
    "XA": "xray",
    "RF": "xray",
    "PX": "xray",
    "IO": "xray",
    "PT": "pet",
    "NM": "nm",
    "SM": "histology_colour",
    "GM": "photo",
    "ES": "photo",
    "XC": "photo",
    "OP": "photo",
    "OCT": "oct",
    "OPT": "oct",
}
_SAMPLE_SIDE = 256
_DARK_GROUND = 0.25
_LIGHT_GROUND = 0.88


def kind_of_modality(modality: str) -> str:
    """Translate a DICOM modality; an unknown one gives an empty word."""
    return _BY_MODALITY.get(modality.upper(), "")


def kind_of_pixels(pixels: NDArray[Any]) -> str:
    """Guess a kind for a picture without a modality, from at most 256 x 256 samples of it.

    pixels: ``(t, c, z, y, x)``. Volumes without a modality give an empty word. Grey: a dark
    ground (median below a quarter of the bright end) is fluorescence, a light one (median above
    0.88) bright field, all others a radiograph. Colour: stains in which red and blue together
    outweigh green are histology, the rest photographs. The thresholds were set on public
    microscopy and radiographs; the guess only preselects, a person may change it.
    """
    if pixels.shape[2] > 1:
        return ""
    height, width = pixels.shape[3:]
    step = (max(1, height // _SAMPLE_SIDE), max(1, width // _SAMPLE_SIDE))
    sample = pixels[0, :, 0, :: step[0], :: step[1]].astype(np.float64)
    return _kind_of_grey(sample[0]) if len(sample) == 1 else _kind_of_colour(sample)


def _kind_of_grey(grey: NDArray[np.float64]) -> str:
    bright = float(np.percentile(grey, 99.5)) or 1.0
    median = float(np.median(grey)) / bright
    if median < _DARK_GROUND:
        return "fluorescence"
    return "brightfield_gray" if median > _LIGHT_GROUND else "xray"


def _kind_of_colour(colour: NDArray[np.float64]) -> str:
    red, green, blue = (float(channel.mean()) for channel in colour[:3])
    return "histology_colour" if red + blue > 2 * green else "photo"
