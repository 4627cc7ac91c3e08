"""The demo: projects worth opening, filled while the site already runs, each part by itself.

What was done is told by the site's audit chain: a run that was killed goes on where it stopped,
a finished demo is never made again, and a project that somebody put away stays away.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from segmentation.demo.catalogue import PARTS, PROJECTS, DemoPart
from segmentation.demo.packages import PACKAGES, package_fetch
from segmentation.errors import MedsegError, StateRefusedError
from segmentation.models import AuditEvent, Membership, Project
from segmentation.selectors.people import site_administrator
from segmentation.services.audit import SITE, event_record
from segmentation.services.imports import import_paths
from segmentation.services.labels import LabelSpec
from segmentation.services.people import LINK_DAYS, link_create, person_create
from segmentation.services.projects import MemberSpec, project_create
from segmentation.storage.folders import cache_folder, scratch_folder

Say = Callable[[str], None]

MADE, PROJECT_MADE, PART_MADE = "demo.made", "demo.project_made", "demo.part_made"
PEOPLE: Mapping[str, tuple[str, str]] = {
    "demo-annotator": ("Demo annotator", Membership.Role.ANNOTATOR.value),
    "demo-reviewer": ("Demo reviewer", Membership.Role.REVIEWER.value),
    "demo-administrator": ("Demo administrator", Membership.Role.ADMINISTRATOR.value),
}
KEYS = "123456789"
SCRATCH = "demo-"


@dataclass
class DemoReport:
    """What one run did. ``missing`` names packages that could not be had, ``failed`` parts that
    will be tried again by the next run."""

    imported: int = 0
    refused: int = 0
    missing: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


def demo_make(say: Say, *, address: str = "", missing: bool = False) -> DemoReport:
    """Make the demo, once for each site; what is there already is left alone.

    ``missing`` tries again for images that no network could bring the first time. ``address`` is
    the site's, for the links of the demo people.
    """
    with _alone() as alone:
        if not alone:
            say("Another process is making the demo already.")
            return DemoReport()
        if _events(MADE).exists() and not missing:
            say("The demo was made before. It is not made again, even if it was put away.")
            return DemoReport()
        _sweep()
        maker = _maker()
        members = _people(say, address)
        report = _fill(maker, members, say)
        if not report.failed:
            _finish()
        return report


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether no other process of this machine makes the demo now."""
    with (scratch_folder() / "demo.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _sweep() -> None:
    """What a run that was killed had half written."""
    for folder in scratch_folder().glob(f"{SCRATCH}*/"):
        shutil.rmtree(folder, ignore_errors=True)


def _maker() -> User:
    maker = site_administrator()
    if maker is None:
        raise StateRefusedError(
            "The demo needs somebody who runs the site. Make that person first: "
            "python3 manage.py create_link NAME --site-administrator"
        )
    return maker


def _people(say: Say, address: str) -> list[MemberSpec]:
    """The demo people, made where they are missing; links for those without a password."""
    members, lines = [], []
    for username, (full_name, role) in PEOPLE.items():
        person = User.objects.filter(username=username).first()
        if person is None:
            person, path = person_create(user=None, username=username, full_name=full_name)
        elif not person.is_active:
            continue
        elif person.has_usable_password():
            path = ""
        else:
            path = link_create(user=None, person=person)
        if path:
            lines.append(f"  {username:<20} {address.rstrip('/')}{path}")
        members.append(MemberSpec(person.pk, role))
    if lines:
        head = f"Demo people. Each link sets a password, once, within {LINK_DAYS} days:"
        say("\n".join([head, *lines]))
    return members


def _fill(maker: User, members: Sequence[MemberSpec], say: Say) -> DemoReport:
    report = DemoReport()
    done = {event.subject["part"] for event in _events(PART_MADE)}
    for part in PARTS:
        if part.name in done or part.package in report.missing:
            continue
        try:
            _make_part(part, maker, members, say, report)
        except (MedsegError, OSError) as error:
            say(f"{part.name}: {error}")
            report.failed += (part.name,)
    return report


def _make_part(
    part: DemoPart, maker: User, members: Sequence[MemberSpec], say: Say, report: DemoReport
) -> None:
    files: Mapping[str, Path] = {}
    if part.package:
        package = next(package for package in PACKAGES if package.name == part.package)
        files = package_fetch(package, cache_folder("demo"), say).files
        if not files:
            report.missing += (part.package,)
            return
    project = _project(part.project, maker, members)
    if project is None:
        return
    with TemporaryDirectory(dir=scratch_folder(), prefix=SCRATCH) as scratch:
        folder = Path(scratch) / "demo"
        folder.mkdir()
        part.write(folder, files)
        told = import_paths([folder], project, maker, is_drawn=part.is_drawn)
    for file in told.files:
        if file.outcome == "refused":
            say(f"{part.name}: {file.name}: {file.sentence}")
    report.imported += told.imported
    report.refused += told.refused
    with transaction.atomic():
        event_record(None, PART_MADE, actor=None, subject={"part": part.name})
    say(f"{project.name}: {told.imported} images ({part.name})")


def _project(key: str, maker: User, members: Sequence[MemberSpec]) -> Project | None:
    """The demo project of this key; None where somebody has put it away since it was made."""
    made = next((event for event in _events(PROJECT_MADE) if event.subject["key"] == key), None)
    if made is not None:
        return Project.objects.filter(pk=made.subject["project"], archived_at=None).first()
    plan = PROJECTS[key]
    labels = [
        LabelSpec(
            name=label.name,
            colour=label.colour,
            key=KEYS[place] if place < len(KEYS) else "",
            overlap_allowed=label.overlap_allowed,
        )
        for place, label in enumerate(plan.labels)
    ]
    with transaction.atomic():
        project = project_create(
            user=maker,
            name=plan.name,
            task=plan.task,
            labels=labels,
            members=[member for member in members if member.user != maker.pk],
            is_demo=True,
            description=plan.description,
            keep_file_names=True,
        )
        subject = {"key": key, "project": str(project.pk)}
        event_record(None, PROJECT_MADE, actor=maker, subject=subject)
    return project


def _finish() -> None:
    if not _events(MADE).exists():
        with transaction.atomic():
            event_record(None, MADE, actor=None)
    shutil.rmtree(cache_folder("demo"), ignore_errors=True)


def _events(action: str) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(chain=SITE, action=action).order_by("sequence")
