"""Training images on the recipe's grid, held in bounded memory, and batches drawn from them.

A batch depends on the seed and the number of its step alone: a run that was stopped and resumed
sees what an undisturbed one sees.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segmentation.engine import preprocessing
from segmentation.engine.augment import Layers, crop_flat, crop_volume, vary_looks
from segmentation.engine.cases import TrainingCase, Truth
from segmentation.engine.config import Recipe
from segmentation.engine.errors import InvalidTrainingSetError
from segmentation.engine.losses import StarTruth
from segmentation.engine.networks.star import Grid
from segmentation.engine.pixels import match_channels
from segmentation.engine.plans import CACHE_BYTES, plan_for
from segmentation.engine.prompt_samples import (
    objects_of,
    prompted_crop,
    region_patch,
    usual_extent,
)
from segmentation.engine.targets import boxes_as_objects, class_targets, star_targets
from segmentation.engine.types import PROMPT_TASKS, SOLID_TASKS, Picture, Task

OBJECT_SHARE = 0.7
"""Share of crops that are centred on something; the others fall anywhere."""


class Example(NamedTuple):
    """One image on the recipe's grid, for image labels its label, and its spacing (z, y, x)."""

    layers: Layers
    label: int
    spacing_mm: tuple[float, float, float] | None = None


class Batch(NamedTuple):
    """``pixels`` (b, c, *s) and the truth that the task's loss takes."""

    pixels: Tensor
    truth: StarTruth | Tensor


class Picks(NamedTuple):
    """The size of a batch's crops, and its images with the generators of their crops and looks."""

    patch_zyx: tuple[int, int, int]
    drawn: list[tuple[Example, np.random.Generator]]


class CaseStore:
    """Loads cases when they are first drawn and forgets the oldest beyond ``cache_bytes``."""

    def __init__(
        self,
        cases: Sequence[TrainingCase],
        task: Task,
        labels: int,
        recipe: Recipe,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.cases = tuple(cases)
        self._task = task
        self._labels = labels
        self._recipe = recipe
        self._limit = cache_bytes
        self._held: OrderedDict[int, Example] = OrderedDict()
        self._bytes = 0

    def example(self, index: int) -> Example:
        """The case at ``index``; raises InvalidTrainingSetError if its truth does not fit."""
        held = self._held.get(index)
        if held is not None:
            self._held.move_to_end(index)
            return held
        case = self.cases[index]
        picture, truth = case.load()
        try:
            example = prepare(picture, truth, self._task, self._labels, self._recipe)
        except InvalidTrainingSetError as error:
            raise InvalidTrainingSetError(f"{case.id}: {error}") from error
        self._held[index] = example
        self._bytes += _size(example)
        while self._bytes > self._limit and len(self._held) > 1:
            _, oldest = self._held.popitem(last=False)
            self._bytes -= _size(oldest)
        return example


def _size(example: Example) -> int:
    layers = example.layers
    held = sum(values.nbytes for values in layers.maps.values())
    return layers.pixels.nbytes + held + (0 if layers.ignore is None else layers.ignore.nbytes)


def prepare(picture: Picture, truth: Truth, task: Task, labels: int, recipe: Recipe) -> Example:
    """Bring an image and its truth to the recipe's grid, the truth as maps of the task."""
    prepared = preprocessing.apply(recipe, picture)
    grid = picture.pixels.shape[1:]
    maps = _maps(truth, task, labels, grid)
    ignore = truth.ignore
    if ignore is not None:
        _check_shape(ignore, grid)
        ignore = preprocessing.prepare_labels(prepared, ignore.astype(np.uint8)) != 0
    on_grid = {
        name: np.ascontiguousarray(preprocessing.prepare_labels(prepared, values).astype(np.uint16))
        for name, values in maps.items()
    }
    if task == "labels2d" and not 0 <= (truth.label or 0) <= labels:
        raise InvalidTrainingSetError(f"Its label {truth.label} is not one of the {labels} labels.")
    pixels = np.ascontiguousarray(prepared.pixels, dtype=np.float32)
    return Example(Layers(pixels, on_grid, ignore), truth.label or 0, prepared.spacing_mm)


def _maps(
    truth: Truth, task: Task, labels: int, grid: tuple[int, ...]
) -> dict[str, NDArray[np.uint16]]:
    if task == "labels2d":
        if truth.label is None:
            raise InvalidTrainingSetError("It has no image label, so there is nothing to learn.")
        return {}
    if task == "boxes2d":
        if truth.boxes is None:
            raise InvalidTrainingSetError("It has no boxes, so there is nothing to learn.")
        objects, named = boxes_as_objects(truth.boxes, (grid[1], grid[2]))
        maps = {"instances": objects[None], "classes": named[None].astype(np.uint16)}
    elif task == "instance2d":
        maps = _instance_maps(truth)
    elif task in PROMPT_TASKS and truth.instances is not None:
        maps = {"objects": truth.instances}
    elif task in PROMPT_TASKS and truth.classes is not None:
        maps = {"objects": objects_of(truth.classes)}
    else:
        if truth.classes is None:
            raise InvalidTrainingSetError("It has no mask of labels, so there is nothing to learn.")
        maps = {"classes": truth.classes.astype(np.uint16)}
    for values in maps.values():
        _check_shape(values, grid)
    if "classes" in maps and int(maps["classes"].max(initial=0)) > labels:
        raise InvalidTrainingSetError(
            f"Its mask holds the value {int(maps['classes'].max())}, but there are only "
            f"{labels} labels."
        )
    return maps


def _instance_maps(truth: Truth) -> dict[str, NDArray[np.uint16]]:
    if truth.instances is None:
        raise InvalidTrainingSetError("It has no mask of objects, so there is nothing to learn.")
    maps = {"instances": truth.instances}
    if truth.classes is not None:
        maps["classes"] = truth.classes.astype(np.uint16)
    return maps


def _check_shape(values: NDArray[np.generic], grid: tuple[int, ...]) -> None:
    if values.shape != grid:
        raise InvalidTrainingSetError(
            f"Its mask has the size {values.shape}, but the image {grid} (z, y, x)."
        )


class Sampler:
    """Draws batches from a store by the plan of a task."""

    def __init__(
        self,
        store: CaseStore,
        task: Task,
        labels: int,
        channels: int,
        patch_zyx: tuple[int, int, int],
        rays: int,
        grid: Grid = 4,
        extent: float = 0.0,
    ) -> None:
        self._store = store
        self._task = task
        self._channels = channels
        # Clicks are answered on regions of the usual object's size and of larger ones.
        usual = region_patch(patch_zyx, extent) if task in PROMPT_TASKS else patch_zyx
        self._patches = list(dict.fromkeys((usual, patch_zyx)))
        self._rays = rays
        self._grid = grid
        self._plan = plan_for(task, labels)
        self._extent = extent
        weights = np.array([max(case.weight, 0.0) for case in store.cases], dtype=np.float64)
        if weights.sum() <= 0:
            raise InvalidTrainingSetError("No training image has any weight.")
        self._shares = weights / weights.sum()

    def batch(self, seed: int, step: int) -> Batch:
        """The batch of one step, always the same for one seed."""
        return self.made(self.picks(seed, step))

    def picks(self, seed: int, step: int) -> Picks:
        """The images of one step, each with the generator that decides what becomes of it."""
        drawn = []
        for slot in range(self._plan.batch):
            rng = np.random.default_rng([seed, step, slot])
            index = int(rng.choice(len(self._shares), p=self._shares))
            drawn.append((self._store.example(index), rng))
        return Picks(self._patches[step % len(self._patches)], drawn)

    def made(self, picks: Picks) -> Batch:
        """Crop, vary and stack what was picked. Touches nothing shared: any thread may do it."""
        examples = [self._drawn(example, picks.patch_zyx, rng) for example, rng in picks.drawn]
        return collate(examples, self._task, self._rays, self._grid)

    def _drawn(
        self, example: Example, patch: tuple[int, int, int], rng: np.random.Generator
    ) -> Example:
        example = fit_channels(example, self._channels)
        if self._task == "labels2d":
            example = shrink(example, patch)
        layers = example.layers
        if self._task in PROMPT_TASKS:
            spacing, extent = example.spacing_mm, self._extent
            return Example(prompted_crop(layers, spacing, patch, extent, self._plan, rng), 0)
        if self._task == "semantic3d":
            centre = _centre(layers, patch, rng)
            layers = crop_volume(layers, patch, centre, self._plan, rng)
        else:
            layers = _one_slice(layers, rng)
            _, y, x = _centre(layers, patch, rng)
            layers = crop_flat(layers, patch[1:], (y, x), self._plan, rng)
        looks = vary_looks(layers.pixels, self._plan, rng)
        return Example(replace(layers, pixels=looks), example.label)


class Prefetcher:
    """Makes the batches of the next steps on threads while the device works on the present one.

    Images are loaded by the thread that asks, so that whoever loads them (a database connection,
    say) is never used from two threads.
    """

    def __init__(self, sampler: Sampler, seed: int, threads: int) -> None:
        self._sampler = sampler
        self._seed = seed
        self._ahead = threads
        self._pool = ThreadPoolExecutor(threads) if threads else None
        self._waiting: dict[int, Future[Batch]] = {}

    def batch(self, step: int) -> Batch:
        """The batch of ``step``, the same with any number of threads."""
        if self._pool is None:
            return self._sampler.batch(self._seed, step)
        for coming in range(step, step + self._ahead + 1):
            if coming not in self._waiting:
                picked = self._sampler.picks(self._seed, coming)
                self._waiting[coming] = self._pool.submit(self._sampler.made, picked)
        for past in [number for number in self._waiting if number < step]:
            self._waiting.pop(past).cancel()
        return self._waiting.pop(step).result()

    def close(self) -> None:
        """Let the threads end; what they have made ahead is dropped."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)


def fit_channels(example: Example, channels: int) -> Example:
    """The same example with the number of channels that the network takes."""
    pixels = match_channels(example.layers.pixels, channels)
    return example._replace(layers=replace(example.layers, pixels=pixels))


def shrink(example: Example, patch_zyx: tuple[int, int, int]) -> Example:
    """The whole image at the size of the patch: image labels are judged on all of it."""
    size = (patch_zyx[2], patch_zyx[1])
    planes = [
        cv2.resize(plane[plane.shape[0] // 2], size, interpolation=cv2.INTER_AREA)[None]
        for plane in example.layers.pixels
    ]
    return Example(Layers(np.stack(planes), {}, None), example.label)


def _one_slice(layers: Layers, rng: np.random.Generator) -> Layers:
    depth = layers.pixels.shape[1]
    if depth == 1:
        return layers
    z = int(rng.integers(depth))
    return Layers(
        layers.pixels[:, z : z + 1],
        {name: values[z : z + 1] for name, values in layers.maps.items()},
        None if layers.ignore is None else layers.ignore[z : z + 1],
    )


def _centre(
    layers: Layers, patch: tuple[int, int, int], rng: np.random.Generator
) -> tuple[float, float, float]:
    """Where a crop's middle lies: mostly on something, never far outside the image."""
    shape = layers.pixels.shape[1:]
    wanted = [rng.uniform(0, n - 1) for n in shape]
    truth = next(iter(layers.maps.values()), None)
    if truth is not None and rng.random() < OBJECT_SHARE:
        places = np.flatnonzero(truth)
        if places.size:
            place = np.unravel_index(int(rng.choice(places)), truth.shape)
            wanted = [p + rng.uniform(-s / 4, s / 4) for p, s in zip(place, patch, strict=True)]
    centre = []
    for n, p, w in zip(shape, patch, wanted, strict=True):
        jitter = rng.uniform(-0.06, 0.06) * n
        centre.append((n - 1) / 2 + jitter if n <= p else float(np.clip(w, p / 2, n - 1 - p / 2)))
    return centre[0], centre[1], centre[2]


def collate(examples: Sequence[Example], task: Task, rays: int, grid: Grid = 4) -> Batch:
    """Stack crops of one size to tensors and turn their maps into the task's targets."""
    flat = task not in SOLID_TASKS
    stacked = np.stack([e.layers.pixels[:, 0] if flat else e.layers.pixels for e in examples])
    pixels = torch.from_numpy(np.ascontiguousarray(stacked, dtype=np.float32))
    if task == "labels2d":
        return Batch(pixels, torch.tensor([e.label for e in examples]))
    if task in ("semantic2d", "semantic3d") or task in PROMPT_TASKS:
        classes = [class_targets(e.layers.maps["classes"], e.layers.ignore) for e in examples]
        wanted = np.stack([c[0] if flat else c for c in classes])
        return Batch(pixels, torch.from_numpy(wanted))
    return Batch(pixels, _star_truth(examples, rays, grid))


def _star_truth(examples: Sequence[Example], rays: int, grid: Grid) -> StarTruth:
    targets = []
    for example in examples:
        layers = example.layers
        named = layers.maps.get("classes")
        targets.append(
            star_targets(
                layers.maps["instances"][0],
                None if named is None else named[0].astype(np.uint8),
                None if layers.ignore is None else layers.ignore[0],
                rays,
                grid,
            )
        )
    return StarTruth(
        torch.from_numpy(np.stack([t.probability for t in targets])),
        torch.from_numpy(np.stack([t.rays for t in targets])),
        torch.from_numpy(np.stack([t.foreground for t in targets])),
        torch.from_numpy(np.stack([t.classes for t in targets])),
        torch.from_numpy(np.stack([t.weight for t in targets])),
    )


def extent_in(store: CaseStore, cases: int) -> float:
    """How long the objects of a few cases, evenly spread, usually are, in pixels."""
    return usual_extent(_objects_in(store, cases))


def longest_in(store: CaseStore, cases: int) -> float:
    """How long the objects usually are in that one of the few cases where they are longest."""
    return max(usual_extent([objects]) for objects in _objects_in(store, cases))


def _objects_in(store: CaseStore, cases: int) -> Iterator[NDArray[np.uint16]]:
    for index in range(0, len(store.cases), -(-len(store.cases) // cases)):
        yield store.example(index).layers.maps["objects"]
