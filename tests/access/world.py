"""Two projects side by side with one row of everything, for asking at every door."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

import zstandard
from django.contrib.auth.models import User

from segmentation.errors import StaleRevisionError
from segmentation.models import (
    Blob,
    Case,
    Comparison,
    Image,
    Job,
    MaskRevision,
    Measurement,
    Membership,
    Network,
    NetworkVersion,
    Project,
    SegmentationRun,
    TrainingRun,
    TrainingSet,
)
from segmentation.services.comments import comment_add
from segmentation.services.people import token_create
from segmentation.services.reviews import case_submit
from segmentation.services.revisions import Asked, revision_append
from segmentation.services.uploads import upload_file_create, upload_session_open
from segmentation.storage.blobs import blob_put
from tests.builders import a_case, a_finding, a_key, a_member, a_person, a_project, a_slice

ROLES = [role.value for role in Membership.Role]


@dataclass
class World:
    """``people`` by role; ``outsider`` administers the other project, ``site`` the site."""

    project: Project
    people: dict[str, User]
    tab: uuid.UUID = field(default_factory=uuid.uuid4)
    names: dict[str, Any] = field(default_factory=dict)


def build() -> World:
    project = a_project("ours", task="instances")
    people = {role: a_member(project, role, role) for role in ROLES}
    people["outsider"] = a_member(a_project("theirs"), Membership.Role.ADMINISTRATOR)
    people["site"] = a_person("site", is_superuser=True, is_staff=True)
    world = World(project, people)
    world.names["project_id"] = project.pk
    world.names["person_id"] = people["viewer"].pk
    named, _ = token_create(user=people["site"], name="script")
    world.names["token_id"] = named.pk
    _cases(world)
    _learning(world)
    _jobs(world)
    _uploads(world)
    return world


def _cases(world: World) -> None:
    annotator = world.people["annotator"]
    ready, held = a_case(world.project), a_case(world.project, state="quarantined")
    world.names |= {"case_id": ready.pk, "held": held.pk}
    image = Image.objects.get(case=ready)
    measured = Measurement.objects.create(
        case=ready, image=image, kind="length", plane="axial", points=[[0, 0, 0], [1, 1, 0]]
    )
    world.names["measurement_id"] = measured.pk
    image.thumbnail = blob_put(b"not looked at", Blob.Kind.THUMBNAIL)
    image.save()
    world.names["image_id"] = image.pk
    worked = a_case(world.project)
    first = _stroke(world, worked, None)
    second = _stroke(world, worked, first)
    try:
        _stroke(world, worked, first, finding=2)
    except StaleRevisionError as refused:
        world.names["side"] = refused.details["kept"]["id"]
    world.names |= {"worked": worked.pk, "head": second.pk, "first": first.pk}
    world.names["comment_id"] = comment_add(user=annotator, case=worked, text="Look.").pk
    submitted = a_case(world.project)
    case_submit(user=annotator, case=submitted)
    world.names["submitted"] = submitted.pk


def _stroke(
    world: World, case: Case, parent: MaskRevision | None, finding: int = 1
) -> MaskRevision:
    return revision_append(
        user=world.people["annotator"],
        case=case,
        parent_id=parent.pk if parent else None,
        key=a_key(),
        asked=Asked("brush", [a_slice(finding)], [a_finding(finding)]),
        tab=world.tab,
    ).revision


def _learning(world: World) -> None:
    network = Network.objects.create(name="shipped", task="instance2d")
    versions = [
        NetworkVersion.objects.create(
            network=network,
            number=number,
            weights=blob_put(str(number).encode(), Blob.Kind.WEIGHTS),
            card={"name": "nuclei", "task": "instance2d", "labels": ["nucleus"], "kinds": []},
            digest=str(number),
            state=state,
        )
        for number, state in ((1, "champion"), (2, "challenger"))
    ]
    recipe = world.project.recipes.first()
    frozen = TrainingSet.objects.create(
        project=world.project,
        number=1,
        manifest={"train": [], "validation": [], "holdout": [], "excluded": []},
        digest="0",
        recipe=recipe,
    )
    training = TrainingRun.objects.create(training_set=frozen, budget_steps=5)
    training.job = Job.objects.create(
        kind="train", queue="train", project=world.project, state="queued"
    )
    training.save()
    picture = blob_put(b"a picture", Blob.Kind.PICTURE)
    compared = {
        "case": str(world.names["worked"]),
        "number": 1,
        "champion": 0.5,
        "challenger": 0.6,
        "difference": 0.1,
        "picture": picture.pk,
    }
    figures = ("champion", "challenger", "difference", "low", "high")
    summary = {"cases": 1, "patients": 1, **dict.fromkeys(figures, 0.5)}
    comparison = Comparison.objects.create(
        training_set=frozen,
        champion=versions[0],
        challenger=versions[1],
        outcome="promote",
        results={"figure": "dice", "summary": summary, "cases": [compared], "per_label": []},
    )
    run = SegmentationRun.objects.create(
        case_id=world.names["case_id"],
        image_id=world.names["image_id"],
        network_version=versions[0],
        recipe=recipe,
        # Any pack of the image's size will do: its own pixels.
        uncertainty_map=Image.objects.get(pk=world.names["image_id"]).pack,
        candidates=blob_put(zstandard.compress(b"{}"), Blob.Kind.CANDIDATES),
        score_cutoff=0.5,
        overlap_cutoff=0.5,
        uncertainty=0.1,
        device="cpu",
        seconds=1.0,
    )
    world.names |= {
        "run_id": run.pk,
        "network_id": network.pk,
        "version": versions[0].pk,
        "challenger": versions[1].pk,
        "training_set": frozen.pk,
        "training_id": training.pk,
        "comparison_id": comparison.pk,
    }


def _jobs(world: World) -> None:
    for name, kind, state in (
        ("job_id", "predict", "queued"),
        ("failed", "predict", "failed"),
        ("paused", "predict", "paused"),
    ):
        world.names[name] = Job.objects.create(
            kind=kind, queue="predict", project=world.project, state=state
        ).pk
    archive = blob_put(b"an archive", Blob.Kind.EXPORT)
    world.names["export"] = Job.objects.create(
        kind="export",
        queue="predict",
        project=world.project,
        state="succeeded",
        payload={"format": "labels"},
        result={"blob": archive.pk, "length_bytes": archive.length_bytes},
    ).pk


def _uploads(world: World) -> None:
    annotator = world.people["annotator"]
    session = upload_session_open(user=annotator, project=world.project)
    file = upload_file_create(
        user=annotator, session=session, length_bytes=5, relative_path="a.png"
    )
    world.names |= {"session_id": session.pk, "file_id": file.pk}
