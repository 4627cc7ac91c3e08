from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from segmentation.errors import (
    ConflictError,
    InvalidInputError,
    NotPermittedError,
    StateRefusedError,
    UnsuitableNetworkError,
)
from segmentation.models import (
    AuditEvent,
    Blob,
    Label,
    Network,
    NetworkVersion,
    Project,
    ProjectVersion,
)
from segmentation.services import projects
from segmentation.services.labels import LabelSpec
from segmentation.services.projects import ChoiceSpec, MemberSpec
from segmentation.services.recipes import recipe_set
from segmentation.storage.blobs import blob_put
from tests.builders import a_case, a_member, a_person, a_project

pytestmark = pytest.mark.django_db

CELL = LabelSpec("cell", "#0072B2", key="c")
DEBRIS = LabelSpec("debris", "#d55e00", key="d")


@pytest.fixture
def root() -> User:
    return a_person(is_superuser=True, is_staff=True)


def make(root: User, **given: Any) -> Project:
    return projects.project_create(
        user=root, **{"name": "Cells", "task": "instances", "labels": [CELL, DEBRIS], **given}
    )


def a_version(task: str = "instance2d") -> NetworkVersion:
    network, _ = Network.objects.get_or_create(name=f"net {task}", defaults={"task": task})
    return NetworkVersion.objects.create(
        network=network,
        number=1,
        weights=blob_put(task.encode(), Blob.Kind.WEIGHTS),
        card={"task": task},
        digest=task,
    )


def test_a_project_is_made_whole_in_one_step(root: User) -> None:
    reviewer = a_person()
    version = a_version()
    project = make(
        root,
        members=[MemberSpec(reviewer.pk, "reviewer")],
        network_choices=[ChoiceSpec("fluorescence", version.pk)],
        holdout_share=0.25,
    )
    roles = dict(project.memberships.values_list("user", "role"))
    assert roles == {root.pk: "administrator", reviewer.pk: "reviewer"}
    assert list(project.labels.values_list("index", "name", "colour")) == [
        (1, "cell", "#0072b2"),
        (2, "debris", "#d55e00"),
    ]
    assert project.recipes.get().number == 1
    assert project.version == 1
    snapshot = project.versions.get().snapshot
    assert snapshot["network_choices"] == [{"kind": "fluorescence", "version": str(version.pk)}]
    assert snapshot["holdout_share"] == 0.25
    assert AuditEvent.objects.get(chain=f"project:{project.pk}").action == "project.created"


def test_a_recipe_given_at_the_start_counts_as_set_by_a_person(root: User) -> None:
    project = make(root, recipe=[{"name": "denoise", "method": "median", "radius": 2}])
    newest = project.recipes.first()
    assert newest is not None
    assert newest.number == 2
    assert {"name": "denoise", "method": "median", "radius": 2} in newest.steps["steps"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "  "}, "name"),
        ({"task": "guessing"}, "task"),
        ({"labels": []}, "labels"),
        ({"labels": [CELL, LabelSpec("Cell", "#111111")]}, "name"),
        ({"labels": [CELL, LabelSpec("other", "#0072b2")]}, "colour"),
        ({"labels": [CELL, LabelSpec("other", "#111111", key="c")]}, "key"),
        ({"labels": [LabelSpec("cell", "blue")]}, "colour"),
        ({"labels": [LabelSpec("cell", "#0072b2", key="cc")]}, "key"),
        ({"labels": [LabelSpec("cell", "#0072b2", index=3)]}, "index"),
        ({"labels": [LabelSpec("ignore", "#0072b2", is_ignore=True)]}, "labels"),
        ({"holdout_share": 0.95}, "holdout_share"),
        ({"score_cutoff": 1.5}, "score_cutoff"),
        ({"keep_originals": True}, "keep_originals"),
        ({"recipe": [{"name": "sharpen"}]}, "steps"),
        ({"members": [MemberSpec(0, "viewer")]}, "members"),
        ({"members": [MemberSpec(0, "king")]}, "members"),
    ],
)
def test_what_a_project_cannot_be_is_said_by_field_and_nothing_is_made(
    root: User, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        make(root, **given)
    assert field in refused.value.fields
    assert not Project.objects.exists()
    assert not AuditEvent.objects.exists()


def test_two_projects_cannot_have_one_name(root: User) -> None:
    make(root)
    with pytest.raises(InvalidInputError):
        make(root, name="cells")


def test_a_network_for_another_task_is_refused(root: User) -> None:
    with pytest.raises(UnsuitableNetworkError):
        make(root, network_choices=[ChoiceSpec("", a_version("labels2d").pk)])


def test_only_a_site_administrator_makes_a_project() -> None:
    administrator = a_member(a_project(), "administrator")
    with pytest.raises(NotPermittedError):
        make(administrator)


def test_every_change_is_kept_as_a_version(root: User) -> None:
    project = make(root)
    projects.project_update(user=root, project=project, changes={"description": "Mice"})
    recipe_set(user=root, project=project, steps=[])
    projects.members_set(user=root, project=project, members=[MemberSpec(root.pk, "administrator")])
    versions = ProjectVersion.objects.filter(project=project).order_by("number")
    assert [version.number for version in versions] == [1, 2, 3, 4]
    assert [version.snapshot["description"] for version in versions] == ["", *["Mice"] * 3]
    project.refresh_from_db()
    assert project.version == 4


def test_a_change_on_an_old_version_is_refused(root: User) -> None:
    project = make(root)
    projects.project_update(user=root, project=project, changes={"name": "A"}, version=1)
    with pytest.raises(ConflictError):
        projects.project_update(user=root, project=project, changes={"name": "B"}, version=1)


def test_the_hold_out_can_grow_but_not_shrink(root: User) -> None:
    project = make(root, holdout_share=0.2)
    a_case(project)
    projects.project_update(user=root, project=project, changes={"holdout_share": 0.3})
    with pytest.raises(StateRefusedError):
        projects.project_update(user=root, project=project, changes={"holdout_share": 0.1})


def test_a_label_left_out_is_retired_and_keeps_its_index(root: User) -> None:
    project = make(root)
    projects.labels_set(
        user=root,
        project=project,
        labels=[LabelSpec("cell", "#0072b2", index=1), LabelSpec("gap", "#000000")],
    )
    rows = Label.objects.filter(project=project).values_list("index", "name", "retired_at")
    assert [(index, name, at is not None) for index, name, at in rows] == [
        (1, "cell", False),
        (2, "debris", True),
        (3, "gap", False),
    ]


def test_two_labels_can_swap_their_names(root: User) -> None:
    project = make(root)
    swapped = [
        LabelSpec("debris", "#0072b2", index=1),
        LabelSpec("cell", "#d55e00", index=2),
    ]
    projects.labels_set(user=root, project=project, labels=swapped)
    assert list(project.labels.values_list("name", flat=True)) == ["debris", "cell"]


def test_a_project_keeps_at_least_one_administrator(root: User) -> None:
    project = make(root)
    with pytest.raises(InvalidInputError):
        projects.members_set(user=root, project=project, members=[MemberSpec(root.pk, "reviewer")])
    assert project.memberships.get().role == "administrator"


@pytest.mark.parametrize("role", ["viewer", "annotator", "reviewer"])
def test_only_an_administrator_changes_a_project(role: str) -> None:
    project = a_project()
    person = a_member(project, role)
    with pytest.raises(NotPermittedError):
        projects.project_update(user=person, project=project, changes={"name": "Mine"})
    with pytest.raises(NotPermittedError):
        projects.members_set(
            user=person, project=project, members=[MemberSpec(person.pk, "administrator")]
        )
    with pytest.raises(NotPermittedError):
        recipe_set(user=person, project=project, steps=[])
