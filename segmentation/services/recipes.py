"""A project's preprocessing recipe: set without code, versioned, and looked at before it is set."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from numpy.typing import NDArray
from PIL import Image as Raster

from segmentation.access import require, visible
from segmentation.engine.config import Method, Recipe
from segmentation.engine.errors import EngineError, InvalidRecipeError
from segmentation.engine.preprocessing import apply
from segmentation.engine.recipes import DEFAULT_RECIPES, STEPS, parse_recipe
from segmentation.engine.types import Picture, Task
from segmentation.errors import InvalidInputError, NotFoundError
from segmentation.models import Case, Image, Project, RecipeVersion
from segmentation.services.pictures import picture_open
from segmentation.services.project_versions import project_locked, project_version_write

PREVIEW_SIDE = 512
PREVIEW_DEPTH = 9
"""Slices around the middle one that a preview of a volume works on; 3-D filters reach no further
than a few of them."""

STARTS: dict[str, Task] = {
    Project.Task.INSTANCES.value: "instance2d",
    Project.Task.SEMANTIC.value: "semantic2d",
    Project.Task.BOXES.value: "boxes2d",
    Project.Task.LABELS.value: "labels2d",
}


def recipe_schema() -> dict[str, Any]:
    """What a recipe may hold, for a page to draw a form from, and where each task starts."""
    defaults = {task: parse_recipe(DEFAULT_RECIPES[start]) for task, start in STARTS.items()}
    return {
        "steps": [
            {
                "name": kind.name,
                "label": kind.label,
                "methods": [_method(method) for method in kind.methods],
            }
            for kind in STEPS
        ],
        "defaults": {task: recipe.to_json() for task, recipe in defaults.items()},
    }


def _method(method: Method) -> dict[str, Any]:
    return {
        "name": method.name,
        "label": method.label,
        "help": method.help,
        "options": [
            {
                "name": option.name,
                "label": option.label,
                "type": option.type,
                "default": option.default,
                "min": option.minimum,
                "max": option.maximum,
                "unit": option.unit,
                "choices": list(option.choices),
            }
            for option in method.options
        ],
    }


def recipe_write(project: Project, recipe: Recipe, user: User | None) -> RecipeVersion:
    """Add a recipe as the project's newest; belongs into the transaction that versions it."""
    last = project.recipes.values_list("number", flat=True).first()
    return RecipeVersion.objects.create(
        project=project,
        number=(last or 0) + 1,
        steps=recipe.to_json(),
        digest=recipe.digest,
        author=user,
    )


def recipe_start(project: Project, user: User | None) -> RecipeVersion:
    """The recipe that a project of this task starts with."""
    return recipe_write(project, parse_recipe(DEFAULT_RECIPES[STARTS[project.task]]), user)


def recipe_read(steps: Sequence[Mapping[str, Any]]) -> Recipe:
    """Steps from outside as a recipe, or a sentence that says what is wrong with them."""
    try:
        return parse_recipe({"steps": [dict(step) for step in steps]})
    except InvalidRecipeError as error:
        raise InvalidInputError(str(error), fields={"steps": str(error)}) from error


def recipe_set(
    *, user: User, project: Project, steps: Sequence[Mapping[str, Any]]
) -> RecipeVersion:
    """Set the project's recipe; the same recipe again changes nothing."""
    require(user, "recipe.edit", project)
    recipe = recipe_read(steps)
    with transaction.atomic():
        project = project_locked(project)
        standing = project.recipes.first()
        if standing is not None and standing.number > 1 and standing.digest == recipe.digest:
            return standing
        written = recipe_write(project, recipe, user)
        project_version_write(project, user, "recipe.set", {"digest": recipe.digest})
    return written


def recipe_preview(
    *, user: User, project: Project, case_id: object, steps: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """The middle slice of a case before and after a recipe, as data URLs of PNG pictures."""
    require(user, "project.view", project)
    recipe = recipe_read(steps)
    case = visible(user, Case, case_id)
    image = Image.objects.filter(case=case, case__project=project).order_by("-is_reference").first()
    if image is None:
        raise NotFoundError("This case has no image in this project.")
    picture = _middle(picture_open(image))
    try:
        prepared = apply(recipe, picture)
    except EngineError as error:
        raise InvalidInputError(str(error)) from error
    before, after = picture.pixels, prepared.pixels
    return {
        "before": _png(before[:, before.shape[1] // 2]),
        "after": _png(after[:, after.shape[1] // 2]),
        "note": _note(before, after),
    }


def _middle(picture: Picture) -> Picture:
    depth = picture.pixels.shape[1]
    first = max(0, depth // 2 - PREVIEW_DEPTH // 2)
    cut = np.ascontiguousarray(picture.pixels[:, first : first + PREVIEW_DEPTH])
    return Picture(cut, picture.spacing_mm, picture.modality)


def _png(plane: NDArray[Any]) -> str:
    """A ``(c, y, x)`` plane, stretched from its 0.5th to its 99.5th percentile, as a data URL."""
    values = plane[:3] if plane.shape[0] >= 3 else plane[:1]
    low, high = np.percentile(values, (0.5, 99.5))
    stretched = np.clip((values - low) / max(float(high - low), 1e-6), 0, 1)
    pixels = np.moveaxis((stretched * 255).astype(np.uint8), 0, -1)
    picture = Raster.fromarray(pixels if pixels.shape[-1] == 3 else pixels[..., 0])
    picture.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    out = io.BytesIO()
    picture.save(out, format="PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def _note(before: NDArray[Any], after: NDArray[Any]) -> str:
    """What the pictures cannot show: the range of values and the size in pixels."""
    return (
        f"{before.shape[-1]} by {before.shape[-2]} pixels, "
        f"values {float(before.min()):.4g} to {float(before.max()):.4g}; afterwards "
        f"{after.shape[-1]} by {after.shape[-2]}, "
        f"{float(after.min()):.4g} to {float(after.max()):.4g}. Shown: the middle slice."
    )
