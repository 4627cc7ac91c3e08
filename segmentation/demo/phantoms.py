"""Drawn images with known truth: for the demo, where they are badged as drawn, and for tests.

Pure NumPy. Every phantom is asymmetric in every axis, so that a flip or a swapped axis shows at
once, and the same seed draws the same pixels. Volumes are ``(z, y, x)`` with x to the patient's
left, y to the back and z to the head (LPS).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Volume = NDArray[np.int16]
Labels = NDArray[np.uint8]

AIR_HU = -1000
CT_LABELS = ("liver", "spleen", "right kidney", "left kidney", "spine", "lesion")


@dataclass(frozen=True)
class Phantom:
    """A drawn image: ``pixels`` in ``value_unit``, its truth, and the spacing it claims."""

    pixels: NDArray[np.generic]
    labels: NDArray[np.integer]
    label_names: tuple[str, ...]
    spacing_mm: tuple[float, float, float] | None


@dataclass(frozen=True)
class Ellipsoid:
    """A filled ellipsoid; centre and radii as shares of the volume's extent, ``(z, y, x)``."""

    centre: tuple[float, float, float]
    radii: tuple[float, float, float]
    value: int
    label: int = 0


BODY: Sequence[Ellipsoid] = (
    Ellipsoid((0.50, 0.52, 0.50), (0.70, 0.33, 0.43), 40),
    Ellipsoid((0.50, 0.51, 0.50), (0.68, 0.30, 0.40), -90),
    Ellipsoid((0.50, 0.51, 0.50), (0.66, 0.28, 0.38), 35),
    Ellipsoid((0.98, 0.46, 0.30), (0.32, 0.20, 0.15), -820),
    Ellipsoid((0.98, 0.46, 0.69), (0.26, 0.19, 0.13), -820),
    Ellipsoid((0.55, 0.44, 0.32), (0.24, 0.17, 0.17), 65, 1),
    Ellipsoid((0.60, 0.57, 0.75), (0.13, 0.09, 0.06), 55, 2),
    Ellipsoid((0.38, 0.62, 0.34), (0.14, 0.06, 0.05), 45, 3),
    Ellipsoid((0.44, 0.62, 0.66), (0.16, 0.06, 0.05), 45, 4),
    Ellipsoid((0.50, 0.70, 0.50), (0.90, 0.06, 0.05), 320, 5),
    Ellipsoid((0.58, 0.40, 0.27), (0.05, 0.035, 0.035), 15, 6),
    Ellipsoid((0.50, 0.48, 0.37), (0.03, 0.025, 0.02), 20, 6),
    Ellipsoid((0.40, 0.63, 0.345), (0.035, 0.02, 0.02), 120, 6),
)


def ct_series(shape_zyx: tuple[int, int, int] = (120, 512, 512), seed: int = 0) -> Phantom:
    """An abdomen-like CT in Hounsfield units: organs left and right differ, lesions in the liver.

    int16 ``(z, y, x)``; labels uint8 number ``CT_LABELS`` from 1.
    """
    rng = np.random.default_rng(seed)
    pixels = np.full(shape_zyx, AIR_HU, np.int16)
    labels = np.zeros(shape_zyx, np.uint8)
    for part in BODY:
        _fill(pixels, labels, part)
    _couch(pixels)
    noise = rng.normal(0.0, 12.0, (min(shape_zyx[0], 8), *shape_zyx[1:])).astype(np.float32)
    for z in range(shape_zyx[0]):
        # Eight drawn planes of noise, shifted from slice to slice, look random at a tenth the cost.
        plane = np.roll(noise[z % noise.shape[0]], (17 * z, 31 * z), axis=(0, 1))
        pixels[z] = np.clip(pixels[z] + plane, -1024, 3071).astype(np.int16)
    spacing = (300.0 / shape_zyx[0], 360.0 / shape_zyx[1], 380.0 / shape_zyx[2])
    return Phantom(pixels, labels, CT_LABELS, spacing)


def _fill(pixels: Volume, labels: Labels, part: Ellipsoid) -> None:
    extent = np.array(pixels.shape)
    centre = np.array(part.centre) * extent
    radii = np.array(part.radii) * extent
    low = np.clip(np.floor(centre - radii), 0, extent).astype(int)
    high = np.clip(np.ceil(centre + radii) + 1, 0, extent).astype(int)
    z, y, x = (np.arange(a, b) + 0.5 for a, b in zip(low, high, strict=True))
    inside = (
        ((z - centre[0]) / radii[0])[:, None, None] ** 2
        + ((y - centre[1]) / radii[1])[None, :, None] ** 2
        + ((x - centre[2]) / radii[2])[None, None, :] ** 2
    ) <= 1
    place = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    pixels[place][inside] = part.value
    if part.label:
        labels[place][inside] = part.label


def _couch(pixels: Volume) -> None:
    """The table under the patient: the one straight edge, at the back."""
    rows = pixels.shape[1]
    pixels[:, int(rows * 0.90) : int(rows * 0.915), int(pixels.shape[2] * 0.2) :] = -150


def radiograph(height_width: tuple[int, int] = (1024, 896), seed: int = 0) -> Phantom:
    """A chest radiograph seen from the front: the heart to the image's right, a low right dome.

    uint16 ``(1, y, x)`` of 12 bits, bright bone; labels uint8: 1 lung.
    """
    rng = np.random.default_rng(seed)
    height, width = height_width
    y, x = np.meshgrid(
        (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width, indexing="ij"
    )
    image = 2600 - 900 * np.exp(-(((x - 0.5) / 0.42) ** 4))
    lungs = np.zeros(height_width, bool)
    for centre_x, lean, radius_y, radius_x, base in (
        (0.31, 0.06, 0.36, 0.155, 0.74),
        (0.69, -0.06, 0.37, 0.140, 0.80),
    ):
        along = x - centre_x - lean * (0.5 - y)
        lung = (along / radius_x) ** 2 + ((y - 0.46) / radius_y) ** 2 <= 1
        lung &= y < base - 0.35 * (np.abs(along) / radius_x) ** 2 * 0.4
        lungs |= lung
    image[lungs] -= 1000
    heart = ((x - 0.57) / 0.13) ** 2 + ((y - 0.66) / 0.15) ** 2 <= 1
    image[heart] = np.maximum(image[heart], 2300)
    image += 500 * np.exp(-(((x - 0.5) / 0.035) ** 2))
    for rib in range(9):
        arch = y - (0.16 + 0.075 * rib) - 0.5 * (x - 0.5) ** 2
        image += 170 * np.exp(-((arch / 0.012) ** 2)) * (np.abs(x - 0.5) < 0.40)
    image += rng.normal(0, 35, height_width)
    pixels = np.clip(image, 0, 4095).astype(np.uint16)[None]
    return Phantom(pixels, lungs.astype(np.uint8)[None], ("lung",), None)


@dataclass(frozen=True)
class Nucleus:
    """One drawn nucleus: its place in the field and its mask within its box."""

    top_left: tuple[int, int]
    mask: NDArray[np.bool_] = field(repr=False)


@dataclass(frozen=True)
class NucleiField:
    """A field of overlapping nuclei: the image, and every nucleus whole, also where covered."""

    pixels: NDArray[np.uint8]
    nuclei: tuple[Nucleus, ...]

    def labels(self) -> NDArray[np.uint16]:
        """Instance labels ``(y, x)`` from 1; where nuclei overlap the later one is on top."""
        labels = np.zeros(self.pixels.shape, np.uint16)
        for number, nucleus in enumerate(self.nuclei, start=1):
            y, x = nucleus.top_left
            height, width = nucleus.mask.shape
            labels[y : y + height, x : x + width][nucleus.mask] = number
        return labels


def nuclei_field(
    count: int = 2000, height_width: tuple[int, int] = (2048, 2048), seed: int = 0
) -> NucleiField:
    """Bright nuclei on a dark, uneven ground, as in fluorescence; neighbours overlap and add up."""
    rng = np.random.default_rng(seed)
    height, width = height_width
    y, x = np.meshgrid(np.linspace(0, 1, height), np.linspace(0, 1, width), indexing="ij")
    image = (10 + 14 * x + 6 * y).astype(np.float32)
    nuclei = []
    for _ in range(count):
        nucleus, light = _nucleus(rng, height_width)
        top, left = nucleus.top_left
        rows, columns = nucleus.mask.shape
        image[top : top + rows, left : left + columns] += light
        nuclei.append(nucleus)
    image += rng.normal(0, 3.0, height_width)
    return NucleiField(np.clip(image, 0, 255).astype(np.uint8), tuple(nuclei))


def _nucleus(
    rng: np.random.Generator, height_width: tuple[int, int]
) -> tuple[Nucleus, NDArray[np.float32]]:
    long, short = rng.uniform(13, 20), rng.uniform(8, 13)
    angle, reach = rng.uniform(0, np.pi), 22
    top = int(rng.integers(0, max(1, height_width[0] - 2 * reach)))
    left = int(rng.integers(0, max(1, height_width[1] - 2 * reach)))
    rows, columns = min(2 * reach, height_width[0]), min(2 * reach, height_width[1])
    y, x = np.mgrid[:rows, :columns] - reach + 0.5
    along = (x * np.cos(angle) + y * np.sin(angle)) / long
    across = (y * np.cos(angle) - x * np.sin(angle)) / short
    # A little egg: one end blunter than the other, so that no nucleus is its own mirror image.
    distance = along**2 + (across * (1 + 0.25 * along)) ** 2
    mask = distance <= 1
    light = np.where(mask, rng.uniform(60, 140) * (1.15 - 0.35 * distance), 0.0)
    return Nucleus((top, left), mask), light.astype(np.float32)


def orientation_phantom(shape_zyx: tuple[int, int, int] = (7, 9, 11)) -> Phantom:
    """A block in which every voxel has its own value and each positive direction its own mark.

    int16 ``(z, y, x)``: value = x + 100·y + 10 000·z modulo 30 000. Labels: 1 grows to the left of
    the patient, 2 to the back, 3 to the head, each from the middle outwards.
    """
    depth, height, width = shape_zyx
    z, y, x = np.indices(shape_zyx)
    pixels = ((x + 100 * y + 10_000 * z) % 30_000).astype(np.int16)
    labels = np.zeros(shape_zyx, np.uint8)
    middle_z, middle_y, middle_x = depth // 2, height // 2, width // 2
    labels[middle_z, middle_y, middle_x + 1 :] = 1
    labels[middle_z, middle_y + 1 :, middle_x] = 2
    labels[middle_z + 1 :, middle_y, middle_x] = 3
    return Phantom(pixels, labels, ("left", "back", "head"), (3.0, 2.0, 1.5))
