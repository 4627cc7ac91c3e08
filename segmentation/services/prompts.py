"""Asking for a mask by pointing: what a page may ask, and who answers. Nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User

from segmentation.access import require
from segmentation.errors import InvalidInputError, MedsegError, StateRefusedError
from segmentation.jobs.replies import ask
from segmentation.models import Case, Image, Label
from segmentation.services.revisions import require_editable

TASK = "segmentation.tasks.answer_prompt"
QUEUE = "prompt"


class PromptRefusedError(MedsegError):
    """The worker could not answer these prompts; the sentence is its own."""

    code, status = "prompt_refused", 422


def prompt_answer(*, user: User, case: Case, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The mask that the prompts mean, from the worker that answers them.

    ``asked`` is checked in form; what contradicts the image is refused by the worker.
    """
    require(user, "case.edit", case.project)
    require_editable(case)
    image = Image.objects.filter(case=case, is_reference=True).first()
    if image is None:
        raise StateRefusedError("This case has no image yet.")
    _check_label(case, asked["label"])
    if not 0 <= asked["t"] < image.size_t:
        raise InvalidInputError(
            f"This image has {image.size_t} moments.", fields={"t": "There is no such moment."}
        )
    told = ask(TASK, QUEUE, {"image": str(image.pk), **asked})
    if "refused" in told:
        raise PromptRefusedError(str(told["refused"]))
    return {"label": asked["label"], **told}


def _check_label(case: Case, index: int) -> None:
    labels = Label.objects.filter(project=case.project, retired_at=None, is_ignore=False)
    if not labels.filter(index=index).exists():
        raise InvalidInputError(
            "This project has no such label.", fields={"label": "There is no such label."}
        )
