"""The steps that a recipe may hold, recipes to start from, and the check of one from outside."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from segmentation.engine.config import Method, Option, OptionValue, Recipe, Step, StepKind
from segmentation.engine.errors import InvalidRecipeError
from segmentation.engine.types import Task

_PIXELS = "pixels"
_PERCENT = "% of the image's range"

DENOISE = StepKind(
    "denoise",
    "Denoise",
    (
        Method("off", "Off", "The image stays as it is."),
        Method(
            "median",
            "Median",
            "Removes single bright or dark pixels and keeps edges. Works in 3-D on a volume.",
            (Option("radius", "Radius", "integer", 1, 1, 5, _PIXELS),),
        ),
        Method(
            "gaussian",
            "Gaussian",
            "Smooths evenly, edges too. Works in 3-D on a volume.",
            (Option("sigma", "Width (sigma)", "number", 1.0, 0.1, 8.0, _PIXELS),),
        ),
        Method(
            "bilateral",
            "Bilateral",
            "Smooths within areas of similar brightness, slice by slice.",
            (
                Option("sigma", "Width (sigma)", "number", 2.0, 0.5, 8.0, _PIXELS),
                Option("contrast", "Contrast to keep", "number", 10.0, 0.5, 50.0, _PERCENT),
            ),
        ),
        Method(
            "nlm",
            "Non-local means",
            "Averages similar small patches, slice by slice. Slow and thorough.",
            (
                Option("strength", "Strength", "number", 4.0, 0.2, 30.0, _PERCENT),
                Option("patch", "Patch", "integer", 5, 3, 9, _PIXELS),
                Option("search", "Search window", "integer", 15, 7, 31, _PIXELS),
            ),
        ),
    ),
)
GREY = StepKind(
    "grey",
    "Grey scale",
    (
        Method("keep", "Keep channels", "Colour stays colour."),
        Method("luminance", "Luminance", "What the eye sees as brightness."),
        Method(
            "channel",
            "One channel",
            "One channel of the image; 1 is the first.",
            (Option("index", "Channel", "integer", 1, 1, 16),),
        ),
        Method(
            "stain",
            "Stain separation",
            "How much of one dye a bright-field H&E image shows.",
            (Option("dye", "Dye", "choice", "haematoxylin", choices=("haematoxylin", "eosin")),),
        ),
        Method(
            "window",
            "Window",
            "A range of the image's own values, such as Hounsfield units, stretched to 0 to 1.",
            (
                Option("centre", "Centre", "number", 40.0, -32768.0, 65535.0),
                Option("width", "Width", "number", 400.0, 1.0, 131072.0),
            ),
        ),
    ),
)
NORMALISE = StepKind(
    "normalise",
    "Normalise",
    (
        Method("none", "None", "Values stay as they are."),
        Method(
            "percentile",
            "Percentiles",
            "The low percentile becomes 0, the high one 1.",
            (
                Option("low", "Low", "number", 1.0, 0.0, 100.0, "%"),
                Option("high", "High", "number", 99.8, 0.0, 100.0, "%"),
                Option("clip", "Cut off beyond 0 and 1", "boolean", True),
                Option("per_channel", "Each channel by itself", "boolean", False),
            ),
        ),
        Method(
            "zscore",
            "Mean and spread",
            "Mean 0, standard deviation 1.",
            (Option("per_channel", "Each channel by itself", "boolean", False),),
        ),
        Method(
            "minmax",
            "Darkest to brightest",
            "The lowest value becomes 0, the highest 1.",
            (Option("per_channel", "Each channel by itself", "boolean", False),),
        ),
    ),
)
_SMOOTH = Option("smooth", "Smooth before shrinking", "boolean", True)
SIZE = StepKind(
    "size",
    "Size",
    (
        Method("keep", "Keep", "Every pixel stays."),
        Method(
            "spacing",
            "Spacing",
            "The same distance between pixels for every image; 0 leaves an axis as it is.",
            (
                Option("x_mm", "Across", "number", 1.0, 0.0, 50.0, "mm"),
                Option("y_mm", "Down", "number", 1.0, 0.0, 50.0, "mm"),
                Option("z_mm", "Between slices", "number", 0.0, 0.0, 50.0, "mm"),
                _SMOOTH,
            ),
        ),
        Method(
            "height_width",
            "Longest side",
            "Every slice gets the same longest side; its proportions stay.",
            (
                Option("longest", "Longest side", "integer", 512, 16, 8192, _PIXELS),
                Option("enlarge", "Enlarge smaller images", "boolean", True),
                _SMOOTH,
            ),
        ),
    ),
)
STEPS = (DENOISE, GREY, NORMALISE, SIZE)
"""The steps of every recipe, in the order in which they are taken."""

RECIPE_SCHEMA: dict[str, Any] = {"steps": [asdict(kind) for kind in STEPS]}
"""The same for a page: it draws a form from it."""

_PERCENTILE: dict[str, Any] = {"name": "normalise", "method": "percentile"}
_SHRINK: dict[str, Any] = {"name": "size", "method": "height_width", "longest": 512}

DEFAULT_RECIPES: dict[Task, dict[str, Any]] = {
    "instance2d": {"steps": [{"name": "grey", "method": "luminance"}, _PERCENTILE]},
    "semantic2d": {"steps": [{"name": "grey", "method": "luminance"}, _PERCENTILE, _SHRINK]},
    "semantic3d": {"steps": [{**_PERCENTILE, "low": 0.5, "high": 99.5}]},
    "boxes2d": {"steps": [_PERCENTILE]},
    "labels2d": {"steps": [_PERCENTILE, _SHRINK]},
    "prompts2d": {"steps": []},
    "prompts3d": {"steps": []},
}
"""Where a new project of each task starts. Steps that are not named change nothing."""


def parse_recipe(source: Mapping[str, Any]) -> Recipe:
    """Check a recipe that came as JSON and write out every option.

    A step that is not named changes nothing; the order in the list does not matter. Raises
    ``InvalidRecipeError`` with the sentence for a person.
    """
    steps = source.get("steps") if isinstance(source, Mapping) else None
    if not isinstance(steps, list) or set(source) != {"steps"}:
        raise InvalidRecipeError('A recipe must be {"steps": [...]} and nothing else.')
    chosen: dict[str, Mapping[str, Any]] = {}
    for step in steps:
        if not isinstance(step, Mapping) or not isinstance(step.get("name"), str):
            raise InvalidRecipeError("Every step of a recipe needs a name.")
        if step["name"] in chosen:
            raise InvalidRecipeError(f"The recipe has the step “{step['name']}” twice.")
        chosen[step["name"]] = step
    unknown = set(chosen) - {kind.name for kind in STEPS}
    if unknown:
        known = ", ".join(kind.name for kind in STEPS)
        raise InvalidRecipeError(f"There is no step “{min(unknown)}”. Steps are: {known}.")
    return Recipe(tuple(_step(kind, chosen.get(kind.name)) for kind in STEPS))


def _step(kind: StepKind, source: Mapping[str, Any] | None) -> Step:
    if source is None:
        return Step(kind.name, kind.methods[0].name)
    method = next((m for m in kind.methods if m.name == source.get("method")), None)
    if method is None:
        known = ", ".join(each.name for each in kind.methods)
        raise InvalidRecipeError(
            f"The step “{kind.name}” has no method “{source.get('method')}”. Methods are: {known}."
        )
    unknown = set(source) - {"name", "method"} - {option.name for option in method.options}
    if unknown:
        raise InvalidRecipeError(
            f"The method “{method.name}” of the step “{kind.name}” has no option “{min(unknown)}”."
        )
    options = {
        option.name: _value(option, source.get(option.name, option.default))
        for option in method.options
    }
    step = Step(kind.name, method.name, options)
    if step.method == "percentile" and step.number("low") >= step.number("high"):
        raise InvalidRecipeError("The low percentile must be less than the high one.")
    return step


def _value(option: Option, value: Any) -> OptionValue:
    if option.type == "choice":
        if value not in option.choices:
            raise InvalidRecipeError(f"{option.label} must be one of: {', '.join(option.choices)}.")
        return str(value)
    if option.type == "boolean":
        if not isinstance(value, bool):
            raise InvalidRecipeError(f"{option.label} must be true or false.")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidRecipeError(f"{option.label} must be a number.")
    if option.type == "integer" and value != int(value):
        raise InvalidRecipeError(f"{option.label} must be a whole number.")
    low, high = option.minimum, option.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        raise InvalidRecipeError(f"{option.label} must lie between {low:g} and {high:g}.")
    return int(value) if option.type == "integer" else float(value)
