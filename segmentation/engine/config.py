"""What a person sets: a preprocessing recipe, and the description of what it may hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

OptionType = Literal["number", "integer", "boolean", "choice"]
OptionValue = float | int | bool | str


@dataclass(frozen=True)
class Option:
    """One setting of a method: what it may be, and what it is when nothing is said."""

    name: str
    label: str
    type: OptionType
    default: OptionValue
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Method:
    """One way to take a step."""

    name: str
    label: str
    help: str
    options: tuple[Option, ...] = ()


@dataclass(frozen=True)
class StepKind:
    """One step of every recipe and the methods to choose from; the first one changes nothing."""

    name: str
    label: str
    methods: tuple[Method, ...]


@dataclass(frozen=True)
class Step:
    """One chosen method with all of its options."""

    name: str
    method: str
    options: Mapping[str, OptionValue] = field(default_factory=dict)

    def number(self, name: str) -> float:
        """Return an option as a number."""
        return float(self.options[name])

    def integer(self, name: str) -> int:
        """Return an option as a whole number."""
        return int(self.options[name])


@dataclass(frozen=True)
class Recipe:
    """What is done to an image before a network sees it: one step of each kind, in fixed order."""

    steps: tuple[Step, ...]

    def step(self, name: str) -> Step:
        """Return the step of that name."""
        return next(step for step in self.steps if step.name == name)

    def to_json(self) -> dict[str, Any]:
        """Return the recipe with every option written out."""
        return {
            "steps": [
                {"name": step.name, "method": step.method, **step.options} for step in self.steps
            ]
        }

    @property
    def digest(self) -> str:
        """SHA-256 of the recipe with every option written out, keys sorted."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
