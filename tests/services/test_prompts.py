"""Asking by pointing: who may, what is refused, and what the worker finds on a stored image."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from segmentation.engine import masks
from segmentation.engine.checkpoints import save_network
from segmentation.engine.networks.build import architecture_for, build
from segmentation.engine.types import Task
from segmentation.errors import InvalidInputError, NotPermittedError, StateRefusedError
from segmentation.jobs import replies
from segmentation.models import Blob, Case, Image, NetworkVersion, Project
from segmentation.services import prompt_answers, prompts
from segmentation.services.networks import network_version_add
from segmentation.services.prompt_answers import prompt_find, prompt_reply
from segmentation.services.prompts import PromptRefusedError, prompt_answer
from segmentation.services.revisions import revision_record_system
from segmentation.storage.blobs import blob_put
from segmentation.storage.volumes import pack_write
from tests.builders import a_case, a_finding, a_member, a_project, a_slice, wire

pytestmark = pytest.mark.django_db

SIDE = 64


@pytest.fixture
def project() -> Project:
    return a_project(labels=("nucleus", "other"))


@pytest.fixture
def case(project: Project) -> Case:
    """Three slices with a bright disc of radius 12 in the middle one, off the middle."""
    case = a_case(project, (3, SIDE, SIDE))
    pixels = np.full((1, 1, 3, SIDE, SIDE), 100, np.uint16)
    pixels[0, 0, 1][disc()] = 900
    with tempfile.TemporaryDirectory() as folder:
        pack_write(pixels, Path(folder) / "pack")
        pack = blob_put(Path(folder) / "pack", Blob.Kind.IMAGE)
    Image.objects.filter(case=case).update(pack=pack)
    return case


def disc() -> NDArray[np.bool_]:
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.asarray((y - 30) ** 2 + (x - 36) ** 2 <= 144)


def asked(**more: Any) -> dict[str, Any]:
    click = {"points": [[36, 30, 1]], "positive": True}
    return {
        "label": 1, "t": 0, "z": 1, "strokes": [click], "box": None, "depth": None,
        "previous": None, "finding": None, **more,
    }  # fmt: skip


def found(told: dict[str, Any], z: int = 1) -> NDArray[np.bool_]:
    rows = {row["z"]: base64.b64decode(row["runs"]) for row in told["slices"]}
    return masks.decode(masks.from_bytes(rows.get(z, b"")), (SIDE, SIDE))


def iou(one: NDArray[np.bool_], two: NDArray[np.bool_]) -> float:
    return float((one & two).sum() / (one | two).sum())


def find(case: Case, **more: Any) -> dict[str, Any]:
    return prompt_find({"image": str(case.images.get().pk), **asked(**more)})


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker's part done at once, as if through the broker."""

    def at_once(task: str, queue: str, question: Any) -> dict[str, Any]:
        told: list[dict[str, Any]] = []
        monkeypatch.setattr(prompt_answers, "reply", lambda key, answer: told.append(answer))
        prompt_reply("a key", question)
        return told[0]

    monkeypatch.setattr(prompts, "ask", at_once)


def test_a_click_on_a_slice_finds_the_disc_on_that_slice_alone(case: Case) -> None:
    told = find(case)
    assert [row["z"] for row in told["slices"]] == [1]
    assert iou(found(told), disc()) > 0.9
    assert told["method"] == "contour"
    assert told["network"] is None
    assert "No network that answers clicks" in told["reason"]
    assert told["region"] == [[1, 2], [0, SIDE], [0, SIDE]]


def test_a_radiograph_stored_dark_for_bright_is_no_obstacle(case: Case) -> None:
    case.images.update(photometric="MONOCHROME1", slope=2.5, intercept=-1000)
    assert iou(found(find(case)), disc()) > 0.9


def test_a_volume_is_answered_slice_by_slice(case: Case) -> None:
    told = find(case, z=None)
    assert iou(found(told, 1), disc()) > 0.5
    assert told["region"][0] == [0, 3]


def test_a_finding_is_refined_from_its_saved_mask_or_from_the_one_on_the_page(case: Case) -> None:
    """A click away on a far-off square leaves nothing of it, wherever the mask came from."""
    revision_record_system(case, "imported", [a_finding(1)], [a_slice(1, z=1, x=4)])
    away = {"points": [[5, 1, 1]], "positive": False}
    here = {"points": [[36, 30, 1]], "positive": True}
    page = np.zeros((SIDE, SIDE), np.bool_)
    page[:4, 4:8] = True
    rows = [{"z": 1, "runs": wire(masks.to_bytes(masks.encode(page)))}]
    for source in ({"finding": 1}, {"previous": rows}):
        mask = found(find(case, strokes=[here, away], **source))
        assert not mask[1, 5]
        assert mask[30, 36]


def test_the_projects_own_network_for_clicks_answers_first(case: Case, tmp_path: Path) -> None:
    card = {
        "name": "clicks", "version": "1", "task": "prompts2d", "labels": ["object"],
        "architecture": architecture_for("prompts2d", 1, 1), "recipe": {"steps": []},
        "patch_zyx": [1, 64, 64], "score_cutoff": 0.5, "overlap_cutoff": 0.4, "extent_px": 24.0,
    }  # fmt: skip
    network = save_network(tmp_path / "clicks", build(card["architecture"]), card)
    version = network_version_add(
        folder=tmp_path / "clicks", card=network.card, project=case.project
    )
    assert find(case)["method"] == "contour"  # a challenger does not serve
    NetworkVersion.objects.filter(pk=version.pk).update(state="champion")
    told = find(case)
    assert told["method"] == "network"
    assert told["network"] == f"{version.network.name}@{version.number}"
    assert found(told)[30, 36]


def a_champion(project: Project, folder: Path, task: Task, lead: float, **card: Any) -> str:
    """A network that finds its object everywhere (a lead over 0) or nowhere."""
    architecture = architecture_for(task, 1, 1)
    module = build(architecture)
    for name, weights in module.named_parameters():
        if name.startswith(("head", "unfold")):
            values = [0.0, lead] if name.endswith("bias") else [0.0]
            weights.data = torch.tensor(values).expand(weights.shape).clone()
    whole = {
        "name": folder.name, "version": "1", "task": task, "labels": ["nucleus"],
        "architecture": architecture, "recipe": {"steps": []}, "patch_zyx": [1, 64, 64],
        "score_cutoff": 0.5, "overlap_cutoff": 0.4, **card,
    }  # fmt: skip
    network = save_network(folder, module, whole)
    version = network_version_add(folder=folder, card=network.card, project=project)
    NetworkVersion.objects.filter(pk=version.pk).update(state="champion")
    return f"{version.network.name}@{version.number}"


@pytest.mark.parametrize(("lead", "method"), [(3.0, "network"), (-3.0, "contour")])
def test_in_a_volume_the_network_that_segments_answers_where_it_finds_something(
    case: Case, tmp_path: Path, lead: float, method: str
) -> None:
    Project.objects.filter(pk=case.project_id).update(task="semantic")
    name = a_champion(case.project, tmp_path / "regions", "semantic3d", lead)
    told = find(case, z=None)
    assert told["method"] == method
    assert told["network"] == (name if method == "network" else None)
    assert name in told["reason"] or method == "network"
    assert find(case)["method"] == "contour"  # a slice is none of its business


def test_a_network_for_other_images_leaves_the_word_to_contours(case: Case, tmp_path: Path) -> None:
    Case.objects.filter(pk=case.pk).update(kind="ct")
    name = a_champion(case.project, tmp_path / "clicks", "prompts2d", 3.0, kinds=["xray"])
    told = find(case)
    assert told["method"] == "contour"
    assert name in told["reason"]
    assert "X-ray" in told["reason"]


def test_the_answer_comes_back_with_its_label(case: Case, answered: None) -> None:
    user = a_member(case.project, "annotator")
    told = prompt_answer(user=user, case=case, asked=asked(label=2))
    assert told["label"] == 2
    assert iou(found(told), disc()) > 0.9


def test_whoever_may_not_edit_is_refused(case: Case, answered: None) -> None:
    with pytest.raises(NotPermittedError):
        prompt_answer(user=a_member(case.project, "viewer"), case=case, asked=asked())


def test_a_closed_case_and_an_unknown_label_are_refused(case: Case, answered: None) -> None:
    user = a_member(case.project, "annotator")
    with pytest.raises(InvalidInputError, match="no such label"):
        prompt_answer(user=user, case=case, asked=asked(label=7))
    with pytest.raises(InvalidInputError, match="1 moments"):
        prompt_answer(user=user, case=case, asked=asked(t=1))
    Case.objects.filter(pk=case.pk).update(state="accepted")
    case.refresh_from_db()
    with pytest.raises(StateRefusedError):
        prompt_answer(user=user, case=case, asked=asked())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"strokes": []}, "Click on the object"),
        ({"strokes": [{"points": [[70, 3, 1]], "positive": True}]}, "outside the image"),
        ({"strokes": [{"points": [[7, 3, 2]], "positive": True}]}, "outside the image|slice"),
        ({"z": 3}, "3 slices"),
        ({"previous": [{"z": 1, "runs": "!"}]}, "not base64"),
        ({"previous": [{"z": 1, "runs": wire(b"\x80")}]}, "middle of a number"),
    ],
)
def test_what_contradicts_the_image_is_refused_in_the_workers_words(
    case: Case, answered: None, wrong: dict[str, Any], words: str
) -> None:
    user = a_member(case.project, "annotator")
    with pytest.raises(PromptRefusedError, match=words):
        prompt_answer(user=user, case=case, asked=asked(**wrong))


def test_a_bug_in_the_worker_is_told_to_whoever_waits(
    case: Case, answered: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompt_answers, "answer", lambda *_: 1 / 0)
    user = a_member(case.project, "annotator")
    with pytest.raises(PromptRefusedError, match="ZeroDivisionError"):
        prompt_answer(user=user, case=case, asked=asked())


def test_nobody_waits_where_no_worker_runs(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "workers_seen", list)
    user = a_member(case.project, "annotator")
    with pytest.raises(replies.UnavailableError, match="No worker is running"):
        prompt_answer(user=user, case=case, asked=asked())
