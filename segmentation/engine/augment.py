"""Random crops of training images: geometry alike for pixels and truth, then looks.

Everything is drawn from the generator given, so a crop can be repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from segmentation.engine.plans import TrainingPlan

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Layers:
    """Pixels ``(c, z, y, x)`` and maps of the truth ``(z, y, x)`` on the same grid.

    ``maps`` hold whole numbers; ``ignore`` says where nothing is known.
    """

    pixels: Floats
    maps: dict[str, NDArray[np.uint16]]
    ignore: NDArray[np.bool_] | None = None


def crop_flat(
    layers: Layers,
    size: tuple[int, int],
    centre_yx: tuple[float, float],
    plan: TrainingPlan,
    rng: np.random.Generator,
) -> Layers:
    """A turned, scaled, perhaps mirrored crop ``(c, 1, *size)`` of a 2-D image.

    Beyond the border, microscopy goes on as its mirror image (objects cut by a border are
    common, an abrupt edge is not); anatomy repeats its last pixels and its truth is ignored.
    """
    matrix = _affine_flat(size, centre_yx, plan, rng)
    border = cv2.BORDER_REFLECT_101 if plan.turned else cv2.BORDER_REPLICATE
    outside = cv2.BORDER_REFLECT_101 if plan.turned else cv2.BORDER_CONSTANT

    def warped(plane: NDArray[Any], method: int, beyond: int) -> NDArray[Any]:
        flags = method | cv2.WARP_INVERSE_MAP
        flat = cv2.warpAffine(plane, matrix, (size[1], size[0]), flags=flags, borderMode=beyond)
        return np.asarray(flat, plane.dtype)[None]

    pixels = np.stack([warped(plane[0], cv2.INTER_LINEAR, border) for plane in layers.pixels])
    maps = {n: warped(v[0], cv2.INTER_NEAREST, outside) for n, v in layers.maps.items()}
    there = np.ones(layers.pixels.shape[2:], np.uint8)
    if layers.ignore is not None:
        there[layers.ignore[0]] = 0
    return Layers(pixels, maps, warped(there, cv2.INTER_NEAREST, outside) == 0)


def _affine_flat(
    size: tuple[int, int],
    centre_yx: tuple[float, float],
    plan: TrainingPlan,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """The map (x, y) of the crop -> (x, y) of the image, 2 x 3, for pixel centres."""
    angle = np.deg2rad(rng.uniform(-plan.degrees, plan.degrees))
    scale = np.exp(rng.uniform(*np.log(plan.scales)))
    flip_x = -1.0 if plan.mirrored and rng.random() < 0.5 else 1.0
    flip_y = -1.0 if plan.turned and rng.random() < 0.5 else 1.0
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    stretch = np.exp(rng.uniform(-1, 1) * np.log(plan.stretch) / 2)
    linear = turn @ np.diag([flip_x / stretch, flip_y * stretch]) / scale
    middle = np.array([(size[1] - 1) / 2, (size[0] - 1) / 2])
    shift = np.array([centre_yx[1], centre_yx[0]]) - linear @ middle
    return np.hstack([linear, shift[:, None]])


def crop_volume(
    layers: Layers,
    size: tuple[int, int, int],
    centre_zyx: tuple[float, float, float],
    plan: TrainingPlan,
    rng: np.random.Generator,
) -> Layers:
    """A slightly turned and scaled crop ``(c, *size)`` of a volume; outside, truth is ignored."""
    angles = np.deg2rad(rng.uniform(-plan.degrees, plan.degrees, 3))
    scale = np.exp(rng.uniform(*np.log(plan.scales)))
    linear = _turn(angles) / scale
    if plan.mirrored and rng.random() < 0.5:
        linear = linear @ np.diag([1.0, 1.0, -1.0])
    middle = (np.array(size) - 1) / 2
    offset = np.array(centre_zyx) - linear @ middle

    def labels(values: NDArray[np.uint16], beyond: int | None) -> NDArray[np.uint16]:
        mode: Literal["nearest", "constant"] = "nearest" if beyond is None else "constant"
        return ndimage.affine_transform(
            values, linear, offset, output_shape=size, order=0, mode=mode, cval=beyond or 0
        )

    pixels: Floats = np.stack(
        [
            ndimage.affine_transform(c, linear, offset, output_shape=size, order=1, mode="nearest")
            for c in layers.pixels
        ]
    )
    maps = {name: labels(values, None) for name, values in layers.maps.items()}
    unknown = np.zeros(layers.pixels.shape[1:], np.uint16)
    if layers.ignore is not None:
        unknown[layers.ignore] = 1
    return Layers(pixels, maps, labels(unknown, 1) != 0)


def _turn(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation about z, then y, then x, in (z, y, x) coordinates."""
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        i, j = [k for k in range(3) if k != axis]
        one = np.eye(3)
        one[i, i] = one[j, j] = np.cos(angle)
        one[i, j], one[j, i] = -np.sin(angle), np.sin(angle)
        matrix = one @ matrix
    return matrix


def vary_looks(pixels: Floats, plan: TrainingPlan, rng: np.random.Generator) -> Floats:
    """Other stains, lamps and cameras: brightness, contrast, gamma, colour, blur, noise.

    ``(c, z, y, x)`` in, the same shape out. Strengths are relative to the crop's own spread, so
    they mean the same after any normalisation.
    """
    low, high = float(pixels.min()), float(pixels.max())
    spread = max(float(pixels.std()), 1e-3)
    if high - low < 1e-6:
        return pixels
    if plan.inverted and rng.random() < plan.inverted:
        pixels = high + low - pixels
    if rng.random() < 0.5:
        power = np.exp(rng.uniform(-0.5, 0.5) * plan.looks)
        unit = np.clip((pixels - low) / (high - low), 0, 1)
        pixels = low + (high - low) * unit**power
    if pixels.shape[0] == 3:
        pixels = _vary_colour(pixels, rng)
    if plan.looks > 1 and rng.random() < 0.5:
        pixels = pixels + _slope(pixels.shape, rng) * np.float32(spread * (plan.looks - 1))
    mean = pixels.mean()
    gain = np.exp(rng.uniform(-0.35, 0.35) * plan.looks)
    offset = rng.normal(0, 0.15) * plan.looks * spread
    pixels = (pixels - mean) * gain + mean + offset
    if rng.random() < 0.25:
        pixels = _blurred(pixels, float(rng.uniform(0.4, 1.5)))
    if rng.random() < 0.4:
        noise = rng.standard_normal(pixels.shape, dtype=np.float32)
        pixels = pixels + noise * np.float32(rng.uniform(0, 0.2) * plan.looks * spread)
    return pixels.astype(np.float32)


def _slope(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Light that falls off to one side, as where a radiograph's tube stood askew."""
    ramps = [
        np.linspace(-0.5, 0.5, n, dtype=np.float32) if n > 1 else np.zeros(1) for n in shape[1:]
    ]
    slopes = rng.normal(0, 0.7, 3)
    field = sum(
        slope * ramp.reshape([-1 if axis == k else 1 for axis in range(3)])
        for k, (slope, ramp) in enumerate(zip(slopes, ramps, strict=True))
    )
    return np.asarray(np.broadcast_to(field, shape[1:])[None], dtype=np.float32)


def _vary_colour(pixels: Floats, rng: np.random.Generator) -> Floats:
    """Other dyes: channels blend into each other and gain or lose; now and then no colour."""
    if np.array_equal(pixels[0], pixels[1]):
        return pixels
    if rng.random() < 0.3:
        return np.broadcast_to(pixels.mean(axis=0, keepdims=True), pixels.shape).copy()
    blend = np.eye(3) * np.exp(rng.normal(0, 0.25, 3)) + rng.normal(0, 0.12, (3, 3))
    mixed: Floats = np.einsum("dc,czyx->dzyx", blend, pixels).astype(np.float32)
    return mixed


def _blurred(pixels: Floats, sigma: float) -> Floats:
    if pixels.shape[1] == 1:
        return np.stack([cv2.GaussianBlur(c[0], (0, 0), sigma)[None] for c in pixels])
    return np.stack([ndimage.gaussian_filter(c, sigma) for c in pixels])
