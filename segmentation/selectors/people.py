"""Who is here, and what a page may know of them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet

from segmentation.access import scoped, visible
from segmentation.models import Membership, Preferences, Project, TokenName


def person_ref(person: User | None) -> dict[str, Any] | None:
    """A person as every other answer names them."""
    if person is None:
        return None
    return {
        "user": person.pk,
        "username": person.get_username(),
        "full_name": person.get_full_name(),
    }


def display_name(person: User | None) -> str | None:
    """The name to show: the full one where there is one."""
    return (person.get_full_name() or person.get_username()) if person else None


def me(*, user: User) -> dict[str, Any]:
    """The signed-in person, their projects and preferences."""
    preferences = scoped(user, Preferences).filter(user=user).values_list("choices", flat=True)
    return {
        "id": user.pk,
        "username": user.get_username(),
        "full_name": user.get_full_name(),
        "is_site_administrator": user.is_superuser,
        "projects": _projects(user, user),
        "preferences": next(iter(preferences), {}),
    }


def people(*, user: User) -> QuerySet[User]:
    """The people that this person may know of; closed accounts only for a site administrator."""
    found = scoped(user, User)
    return found if user.is_superuser else found.filter(is_active=True)


def person_answer(person: User, *, user: User) -> dict[str, Any]:
    """An account; what only the site's administration needs is left out for others."""
    told: dict[str, Any] = {
        "id": person.pk,
        "username": person.get_username(),
        "full_name": person.get_full_name(),
        "is_active": person.is_active,
        "is_site_administrator": person.is_superuser,
        "last_login": None,
        "has_password": None,
        "projects": [],
    }
    if user.is_superuser:
        told |= {
            "last_login": person.last_login,
            "has_password": person.has_usable_password(),
            "projects": _projects(user, person),
        }
    return told


def person_get(*, user: User, person_id: object) -> User:
    """One account that this person may know of."""
    return visible(user, User, person_id)


def person_named(username: str) -> User | None:
    """The account of that name, for the site's own command line."""
    return User.objects.filter(username=User.normalize_username(username.strip())).first()


def site_administrator() -> User | None:
    """Whoever has run the site longest: in whose name its own command line acts."""
    return User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()


def tokens(*, user: User) -> QuerySet[TokenName]:
    """One's own tokens."""
    return scoped(user, TokenName).filter(user=user)


def token_answer(token: TokenName) -> dict[str, Any]:
    return {"id": str(token.pk), "name": token.name, "created_at": token.created_at}


def _projects(user: User, person: User) -> list[dict[str, Any]]:
    """A person's projects with their role; a site administrator is one in all of them."""
    memberships = Membership.objects.filter(
        user=person, project__archived_at__isnull=True
    ).select_related("project")
    roles = {row.project_id: row.role for row in memberships}
    if person.is_superuser and person == user:
        everything = scoped(user, Project).filter(archived_at__isnull=True).order_by("name")
        administrator = Membership.Role.ADMINISTRATOR.value
        return [
            {"id": row.pk, "name": row.name, "role": roles.get(row.pk, administrator)}
            for row in everything
        ]
    ordered = sorted(memberships, key=lambda row: row.project.name.casefold())
    return [{"id": r.project_id, "name": r.project.name, "role": r.role} for r in ordered]
