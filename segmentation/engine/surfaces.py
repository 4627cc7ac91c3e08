"""How far apart the surfaces of two masks lie: HD95, normalised surface Dice, mean distance.

The surface of a mask is made of its own pixels that touch the outside by a face, the edge of the
image included (as in MONAI; packages that weigh surface elements by their area, such as DeepMind's
surface-distance, give other figures). Axes of one pixel do not count, so one slice is taken as 2-D.

Two empty masks have no distance: NaN, to be left out of a mean and counted. Where only one is
empty, distances are the diagonal of the image, the worst that can be, and surface Dice is 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from segmentation.engine.compiled import AVAILABLE
from segmentation.engine.errors import InvalidArrayError
from segmentation.engine.surface_kernel import distances_to, surface_of

Mask = NDArray[np.bool_]
Distances = NDArray[np.float64]
Spacing = tuple[float, ...]

NAN = float("nan")


@dataclass(frozen=True)
class SurfaceDistances:
    """For every surface pixel of one mask the distance in mm to the surface of the other.

    ``worst_mm`` is the diagonal of the image. Both lists are empty where a mask is.
    """

    from_truth: Distances
    from_prediction: Distances
    both_empty: bool
    worst_mm: float

    def hd95(self) -> float:
        """The larger of the two 95th percentiles (linear between ranks), in mm."""
        if self._undecided:
            return NAN if self.both_empty else self.worst_mm
        percentiles = (np.percentile(d, 95) for d in (self.from_truth, self.from_prediction))
        return float(max(percentiles))

    def assd(self) -> float:
        """The mean over the surface pixels of both masks, in mm."""
        if self._undecided:
            return NAN if self.both_empty else self.worst_mm
        return float(np.concatenate([self.from_truth, self.from_prediction]).mean())

    def nsd(self, tolerance_mm: float) -> float:
        """The share of both surfaces that lies within a tolerance of the other, 0 to 1.

        Nikolov et al., Deep learning to achieve clinically applicable segmentation of head and
        neck anatomy for radiotherapy, 2018; here each surface pixel weighs the same.
        """
        if self._undecided:
            return NAN if self.both_empty else 0.0
        distances = np.concatenate([self.from_truth, self.from_prediction])
        return float(np.mean(distances <= tolerance_mm))

    @property
    def _undecided(self) -> bool:
        return self.from_truth.size == 0 or self.from_prediction.size == 0


def surface_distances(truth: Mask, prediction: Mask, spacing_mm: Spacing) -> SurfaceDistances:
    """Measure two masks of one shape; ``spacing_mm`` is in the order of their axes.

    Distances come from Euclidean distance transforms over the box around both masks only, which
    changes nothing: the surfaces, hence the nearest points, all lie in it.
    """
    if truth.shape != prediction.shape or len(spacing_mm) != truth.ndim:
        raise InvalidArrayError(
            f"Truth {truth.shape}, prediction {prediction.shape} and spacing {spacing_mm} "
            "do not belong together."
        )
    worst = math.hypot(*(side * mm for side, mm in zip(truth.shape, spacing_mm, strict=True)))
    spacing = [mm for side, mm in zip(truth.shape, spacing_mm, strict=True) if side > 1] or [1.0]
    a, b = (np.atleast_1d(np.squeeze(mask.astype(np.bool_))) for mask in (truth, prediction))
    if not a.any() or not b.any():
        none = np.zeros(0)
        return SurfaceDistances(none, none, not a.any() and not b.any(), worst)
    box = _box_around(a | b)
    measure = between_compiled if AVAILABLE and a.ndim <= 3 else between_scipy
    return SurfaceDistances(*measure(a[box], b[box], spacing), False, worst)


def between_compiled(a: Mask, b: Mask, spacing: list[float]) -> tuple[Distances, Distances]:
    """For the surface pixels of each of two masks, in row order, how far the other's surface is."""
    missing = 3 - a.ndim
    steps = np.array([1.0] * missing + spacing)
    edge_a, edge_b = (
        surface_of(np.ascontiguousarray(each).reshape((1,) * missing + each.shape), each.ndim)
        for each in (a, b)
    )
    return distances_to(edge_b, edge_a, steps), distances_to(edge_a, edge_b, steps)


def between_scipy(a: Mask, b: Mask, spacing: list[float]) -> tuple[Distances, Distances]:
    """The same by SciPy's distance transform, for any number of axes."""
    edge_a, edge_b = (each & ~ndimage.binary_erosion(each) for each in (a, b))
    to_a = ndimage.distance_transform_edt(~edge_a, sampling=spacing)
    to_b = ndimage.distance_transform_edt(~edge_b, sampling=spacing)
    return to_b[edge_a], to_a[edge_b]


def _box_around(mask: Mask) -> tuple[slice, ...]:
    box = []
    for axis in range(mask.ndim):
        others = tuple(k for k in range(mask.ndim) if k != axis)
        filled = np.flatnonzero(mask.any(axis=others))
        box.append(slice(int(filled[0]), int(filled[-1]) + 1))
    return tuple(box)


def hd95(truth: Mask, prediction: Mask, spacing_mm: Spacing) -> float:
    """Return the 95th percentile of the Hausdorff distance in mm; see the module for emptiness."""
    return surface_distances(truth, prediction, spacing_mm).hd95()


def nsd(truth: Mask, prediction: Mask, spacing_mm: Spacing, tolerance_mm: float) -> float:
    """Return the normalised surface Dice at a tolerance in mm."""
    return surface_distances(truth, prediction, spacing_mm).nsd(tolerance_mm)


def assd(truth: Mask, prediction: Mask, spacing_mm: Spacing) -> float:
    """Return the average symmetric surface distance in mm."""
    return surface_distances(truth, prediction, spacing_mm).assd()
