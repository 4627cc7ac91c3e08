"""What the demo is made of: three projects, and the parts that fill them, one folder each.

Every part writes a folder of images and masks with an ``index.csv``, exactly as a person would
bring it. What can be drawn or is installed anyway comes first, what is fetched follows, what is
large comes last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from segmentation.demo.drawn_parts import (
    ct_phantom,
    nuclei_crowd,
    nuclei_fields,
    radiograph_phantoms,
)
from segmentation.demo.package_parts import (
    brain,
    chest_radiograph,
    fluorescence,
    fluorescence_volume,
    installed_microscopy,
    small_volumes,
    vertebrae,
)

Files = Mapping[str, Path]
Write = Callable[[Path, Files], None]


@dataclass(frozen=True)
class DemoLabel:
    """A label of a demo project; its index is its place, counted from 1."""

    name: str
    colour: str
    overlap_allowed: bool = False


@dataclass(frozen=True)
class DemoProject:
    """One demo project: what a person sees of it."""

    name: str
    task: str
    description: str
    labels: tuple[DemoLabel, ...]


@dataclass(frozen=True)
class DemoPart:
    """A folder of one project. ``package`` names the wheel its files come from, '' for none."""

    name: str
    project: str
    write: Write
    package: str = ""
    is_drawn: bool = False


PROJECTS: Mapping[str, DemoProject] = {
    "nuclei": DemoProject(
        name="Demo · Cell nuclei",
        task="instances",
        description=(
            "Microscopy with many small objects, some of them over one another. Real images come "
            "from stardist and scikit-image; those marked as drawn are phantoms whose truth is "
            "known."
        ),
        labels=(DemoLabel("nucleus", "#0072b2", overlap_allowed=True),),
    ),
    "lungs": DemoProject(
        name="Demo · Lungs on radiographs",
        task="semantic",
        description=(
            "Chest radiographs with the lung fields as one region. The real one comes from "
            "pydicom's public samples; those marked as drawn are phantoms."
        ),
        labels=(DemoLabel("lung", "#e69f00"),),
    ),
    "volumes": DemoProject(
        name="Demo · Volumes",
        task="semantic",
        description=(
            "CT, MR, ultrasound and microscopy in slices, most of them with masks. They come from "
            "nilearn, TPTBox, stardist and pydicom's public samples; the large CT is a phantom."
        ),
        labels=(
            DemoLabel("liver", "#0072b2"),
            DemoLabel("spleen", "#e69f00"),
            DemoLabel("right kidney", "#009e73"),
            DemoLabel("left kidney", "#cc79a7"),
            DemoLabel("spine", "#56b4e9"),
            DemoLabel("lesion", "#d55e00"),
            DemoLabel("grey matter", "#f0e442"),
            DemoLabel("white matter", "#999999"),
            DemoLabel("vertebra", "#44aa99"),
            DemoLabel("intervertebral disc", "#aa4499"),
            DemoLabel("nucleus", "#88ccee"),
        ),
    ),
}

PARTS: tuple[DemoPart, ...] = (
    DemoPart("nuclei fields", "nuclei", nuclei_fields, is_drawn=True),
    DemoPart("installed microscopy", "nuclei", installed_microscopy),
    DemoPart("radiograph phantoms", "lungs", radiograph_phantoms, is_drawn=True),
    DemoPart("fluorescence", "nuclei", fluorescence, "stardist"),
    DemoPart("chest radiograph", "lungs", chest_radiograph, "pydicom-data"),
    DemoPart("fluorescence volume", "volumes", fluorescence_volume, "stardist"),
    DemoPart("small volumes", "volumes", small_volumes, "pydicom-data"),
    DemoPart("vertebrae", "volumes", vertebrae, "tptbox"),
    DemoPart("brain", "volumes", brain, "nilearn"),
    DemoPart("nuclei crowd", "nuclei", nuclei_crowd, is_drawn=True),
    DemoPart("CT phantom", "volumes", ct_phantom, is_drawn=True),
)
