"""Whether a network was made for images like this one, by what its card says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segmentation.engine.types import Picture


def suits(card: Mapping[str, Any], picture: Picture, kind: str = "") -> tuple[bool, str]:
    """Say whether a network suits an image, and why, in a sentence for a person.

    Compared are, where the card names them: ``kinds`` (with the image's kind, where one is
    known), ``modalities``, ``dimensions``, ``channels``, ``spacing_mm`` (within a slice),
    ``extent_mm`` (the whole field) and ``intensity`` (the range of values). The first thing that
    does not fit is the reason.
    """
    for reason in (
        _kind(card, kind),
        _modality(card, picture),
        _dimensions(card, picture),
        _channels(card, picture),
        _spacing(card, picture),
        _extent(card, picture),
        _intensity(card, picture),
    ):
        if reason:
            return False, reason
    return True, f"The network {card['name']} was made for images like this one."


NAMES = {
    "ct": "CT", "mr": "MR", "us": "ultrasound", "xray": "X-ray", "pet": "PET",
    "nm": "nuclear medicine", "oct": "OCT",
}  # fmt: skip
"""Kinds whose key is no word for a reader."""


def _kind(card: Mapping[str, Any], kind: str) -> str:
    kinds = card.get("kinds") or []
    if not kind or not kinds or kind in kinds:
        return ""
    return f"The network knows {_listed([*map(_named, kinds)])}, but the image is {_named(kind)}."


def _modality(card: Mapping[str, Any], picture: Picture) -> str:
    modalities = card.get("modalities") or []
    if not modalities or picture.modality in modalities:
        return ""
    known = _listed([m or "images without a modality" for m in modalities])
    return (
        f"The network knows {known}, but the image is {picture.modality or 'without a modality'}."
    )


def _dimensions(card: Mapping[str, Any], picture: Picture) -> str:
    depth = picture.pixels.shape[1]
    if card.get("dimensions") == 3 and depth == 1:
        return "The network needs a volume, but the image is a single slice."
    if card.get("dimensions") == 2 and depth > 1:
        return f"The network knows single images, but this one is a volume of {depth} slices."
    return ""


def _channels(card: Mapping[str, Any], picture: Picture) -> str:
    wanted, have = card.get("channels", "any"), picture.pixels.shape[0]
    if have not in (1, 3):
        return f"The image has {have} channels; networks here know grey and colour."
    if wanted in ("any", have):
        return ""
    names = {1: "grey", 3: "colour"}
    return f"The network knows {names.get(wanted, wanted)} images, but this one is {names[have]}."


def _spacing(card: Mapping[str, Any], picture: Picture) -> str:
    bounds = card.get("spacing_mm")
    if not bounds or picture.spacing_mm is None:
        return ""
    low, high = float(bounds["min"]), float(bounds["max"])
    outside = [mm for mm in picture.spacing_mm[1:] if not low <= mm <= high]
    if not outside:
        return ""
    return (
        f"The network knows pixels of {low:g} to {high:g} mm, but those of the image are "
        f"{outside[0]:.3g} mm apart."
    )


def _extent(card: Mapping[str, Any], picture: Picture) -> str:
    """The field in mm along z, y and x; without a spacing nothing can be said."""
    bounds = card.get("extent_mm")
    if not bounds or picture.spacing_mm is None:
        return ""
    grid = picture.pixels.shape[1:]
    field = [n * mm for n, mm in zip(grid, picture.spacing_mm, strict=True)]
    limits = list(zip(field, bounds["min"], bounds["max"], strict=True))
    if all(low <= mm <= high for mm, low, high in limits):
        return ""
    most = " x ".join(f"{mm:g}" for mm in bounds["max"])
    have = " x ".join(f"{mm:.0f}" for mm in field)
    return (
        f"The network knows a field of at most {most} mm (z, y, x), but the image shows {have} mm. "
        "Cut the region out first."
    )


def _intensity(card: Mapping[str, Any], picture: Picture) -> str:
    bounds = card.get("intensity")
    if not bounds:
        return ""
    low, high = float(picture.pixels.min()), float(picture.pixels.max())
    if low >= float(bounds["min"]) and high <= float(bounds["max"]):
        return ""
    return (
        f"The network knows values from {bounds['min']:g} to {bounds['max']:g}, but the image has "
        f"{low:g} to {high:g}."
    )


def _named(kind: str) -> str:
    return NAMES.get(kind, kind.replace("_", " "))


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
