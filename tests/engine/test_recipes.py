"""Recipes that come from outside: what is accepted, what is refused and how it says so."""

from __future__ import annotations

import json

import pytest

from segmentation.engine.errors import InvalidRecipeError
from segmentation.engine.recipes import DEFAULT_RECIPES, RECIPE_SCHEMA, parse_recipe


@pytest.mark.parametrize("task", DEFAULT_RECIPES)
def test_the_default_of_every_task_is_a_valid_recipe(task: str) -> None:
    recipe = parse_recipe(DEFAULT_RECIPES[task])
    assert [step.name for step in recipe.steps] == ["denoise", "grey", "normalise", "size"]
    assert parse_recipe(recipe.to_json()) == recipe


def test_the_digest_does_not_depend_on_order_or_on_defaults_written_out() -> None:
    short = parse_recipe({"steps": [{"name": "denoise", "method": "median"}]})
    long = parse_recipe(
        {
            "steps": [
                {"method": "keep", "name": "size"},
                {"name": "denoise", "radius": 1.0, "method": "median"},
            ]
        }
    )
    other = parse_recipe({"steps": [{"name": "denoise", "method": "median", "radius": 2}]})
    assert short.digest == long.digest
    assert len(short.digest) == 64
    assert other.digest != short.digest


def test_the_schema_describes_every_option_and_survives_json() -> None:
    steps = json.loads(json.dumps(RECIPE_SCHEMA))["steps"]
    for kind in steps:
        for method in kind["methods"]:
            chosen = {"name": kind["name"], "method": method["name"]}
            options = {option["name"]: option["default"] for option in method["options"]}
            recipe = parse_recipe({"steps": [{**chosen, **options}]})
            assert recipe.step(kind["name"]).options == options
            for option in method["options"]:
                assert option["label"]
                if option["type"] in ("number", "integer"):
                    assert option["minimum"] <= option["default"] <= option["maximum"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ([], "and nothing else"),
        ({"steps": {}}, "and nothing else"),
        ({"steps": [], "more": 1}, "and nothing else"),
        ({"steps": [{"method": "off"}]}, "needs a name"),
        ({"steps": ["denoise"]}, "needs a name"),
        ({"steps": [{"name": "sharpen", "method": "x"}]}, "no step “sharpen”"),
        ({"steps": [{"name": "grey", "method": "keep"}] * 2}, "twice"),
        ({"steps": [{"name": "grey", "method": "sepia"}]}, "no method “sepia”"),
        ({"steps": [{"name": "grey"}]}, "no method “None”"),
        ({"steps": [{"name": "grey", "method": "keep", "index": 1}]}, "no option “index”"),
        ({"steps": [{"name": "grey", "method": "channel", "index": 1.5}]}, "whole number"),
        ({"steps": [{"name": "grey", "method": "channel", "index": 0}]}, "between 1 and 16"),
        ({"steps": [{"name": "grey", "method": "channel", "index": True}]}, "must be a number"),
        ({"steps": [{"name": "grey", "method": "stain", "dye": "ink"}]}, "must be one of"),
        ({"steps": [{"name": "denoise", "method": "gaussian", "sigma": "1"}]}, "be a number"),
        ({"steps": [{"name": "denoise", "method": "gaussian", "sigma": float("nan")}]}, "number"),
        (
            {"steps": [{"name": "normalise", "method": "percentile", "low": 60, "high": 40}]},
            "less than the high",
        ),
        ({"steps": [{"name": "normalise", "method": "percentile", "clip": 1}]}, "true or false"),
    ],
)
def test_a_recipe_that_says_nonsense_is_refused_with_a_sentence(source: dict, words: str) -> None:
    with pytest.raises(InvalidRecipeError, match=words):
        parse_recipe(source)
