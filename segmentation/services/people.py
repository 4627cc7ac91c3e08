"""People: accounts without default passwords, links that set one, and tokens for programs."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from knox.models import AuthToken

from segmentation.access import require, visible
from segmentation.errors import InvalidInputError, LinkSpentError, StateRefusedError
from segmentation.models import OneTimeLink, Preferences, Presence, TokenName
from segmentation.services.audit import event_record

LINK_DAYS = 7
PREFERENCES_LENGTH_MAX = 20_000
TOKENS_MAX = 20
FIRST_ADMINISTRATOR = "admin"


def person_create(
    *, user: User | None, username: str, full_name: str = "", is_site_administrator: bool = False
) -> tuple[User, str]:
    """Make an account without a password, and the path of the link that sets one.

    ``user`` None is the site's own command line.
    """
    if user is not None:
        require(user, "person.write")
    person = User(
        username=User.normalize_username(username.strip()),
        first_name=full_name.strip(),
        is_superuser=is_site_administrator,
        is_staff=is_site_administrator,
    )
    person.set_unusable_password()
    _require_valid(person)
    with transaction.atomic():
        person.save()
        event_record(
            None,
            "person.created",
            actor=user,
            subject={"person": person.pk, "site_administrator": is_site_administrator},
        )
        path = _link_make(user, person)
    return person, path


def person_update(
    *,
    user: User,
    person_id: object,
    full_name: str | None = None,
    is_active: bool | None = None,
    is_site_administrator: bool | None = None,
) -> User:
    """Change an account. The last active site administrator stays one."""
    require(user, "person.write")
    with transaction.atomic():
        administrators = User.objects.select_for_update().filter(is_superuser=True, is_active=True)
        standing = set(administrators.values_list("pk", flat=True))
        person = visible(user, User, person_id)
        if full_name is not None:
            person.first_name, person.last_name = full_name.strip(), ""
        if is_site_administrator is not None:
            person.is_superuser = person.is_staff = is_site_administrator
        if is_active is not None and is_active != person.is_active:
            _set_active(person, is_active)
        if standing == {person.pk} and not (person.is_active and person.is_superuser):
            raise StateRefusedError("This is the last site administrator. Name another one first.")
        _require_valid(person)
        person.save()
        event_record(
            None,
            "person.changed",
            actor=user,
            subject={
                "person": person.pk,
                "active": person.is_active,
                "site_administrator": person.is_superuser,
            },
        )
    return person


def link_create(*, user: User | None, person: User) -> str:
    """The path of a new one-time link for a person; links made before stop working."""
    if user is not None:
        require(user, "person.write")
    if not person.is_active:
        raise StateRefusedError("This account is closed. Open it again before making a link.")
    with transaction.atomic():
        return _link_make(user, person)


def link_person(token: str) -> User:
    """Whom a one-time link is for, or a refusal; looking does not spend it."""
    return _link_valid(token).user


def password_set_by_link(*, token: str, password: str) -> User:
    """Set the password that a one-time link allows, once. All other sign-ins of the person end."""
    person = link_person(token)
    _require_strong(person, password, field="password")
    with transaction.atomic():
        link = _link_valid(token)
        spent = OneTimeLink.objects.filter(pk=link.pk, used_at__isnull=True)
        if spent.update(used_at=timezone.now()) != 1:
            raise _spent()
        person.set_password(password)
        person.save(update_fields=["password"])
        event_record(None, "person.password_set", actor=person, subject={"person": person.pk})
    return person


def password_change(*, user: User, password: str) -> User:
    """Set another password of one's own; the door has asked for the one before. All other sign-ins
    of the person end, and links that wait for them work no more; tokens stay."""
    if user.check_password(password):
        sentence = "This is the password that you have now. Choose another one."
        raise InvalidInputError(sentence, fields={"new_password": sentence})
    _require_strong(user, password, field="new_password")
    with transaction.atomic():
        person = User.objects.select_for_update().get(pk=user.pk)
        person.set_password(password)
        person.save(update_fields=["password"])
        OneTimeLink.objects.filter(user=person, used_at__isnull=True).delete()
        event_record(None, "person.password_changed", actor=person, subject={"person": person.pk})
    return person


def first_administrator() -> User:
    """Who runs a site that nobody ran so far. ``up`` gives them their link to a password."""
    person = User.objects.filter(username=FIRST_ADMINISTRATOR).first()
    if person is None:
        try:
            return person_create(
                user=None, username=FIRST_ADMINISTRATOR, is_site_administrator=True
            )[0]
        except (IntegrityError, InvalidInputError):
            # Another command that starts on the same empty site was first.
            person = User.objects.filter(username=FIRST_ADMINISTRATOR).first()
            if person is None:
                raise
    site_administrator_make(person)
    return person


def site_administrator_ready() -> bool:
    """Whether somebody could sign in and run this site."""
    administrators = User.objects.filter(is_superuser=True, is_active=True)
    return any(person.has_usable_password() for person in administrators)


def site_administrator_make(person: User) -> None:
    """Let a person run the site; asked for on its own command line only."""
    if person.is_superuser:
        return
    with transaction.atomic():
        User.objects.filter(pk=person.pk).update(is_superuser=True, is_staff=True)
        person.refresh_from_db()
        event_record(
            None,
            "person.changed",
            actor=None,
            subject={"person": person.pk, "active": person.is_active, "site_administrator": True},
        )


def token_create(*, user: User, name: str) -> tuple[TokenName, str]:
    """A token for programs that act as this person; its text is shown once and never kept."""
    if user.token_names.count() >= TOKENS_MAX:
        raise StateRefusedError(f"One person has at most {TOKENS_MAX} tokens. Remove one first.")
    with transaction.atomic():
        token, text = AuthToken.objects.create(user=user)
        named = TokenName.objects.create(
            user=user, name=name.strip() or "token", token_digest=token.digest
        )
        event_record(None, "token.created", actor=user, subject={"token": named.pk})
    return named, str(text)


def token_remove(*, user: User, token_id: object) -> None:
    """End a token of one's own at once."""
    with transaction.atomic():
        named = visible(user, TokenName, token_id)
        if named.user_id != user.pk:
            require(user, "person.write")
        AuthToken.objects.filter(digest=named.token_digest).delete()
        event_record(None, "token.removed", actor=user, subject={"token": named.pk})
        named.delete()


def preferences_set(*, user: User, choices: dict[str, Any]) -> dict[str, Any]:
    """Remember how the person likes the page; only the page knows what it means."""
    if len(str(choices)) > PREFERENCES_LENGTH_MAX:
        raise InvalidInputError("These preferences are too long to keep.")
    Preferences.objects.update_or_create(user=user, defaults={"choices": choices})
    return choices


def _set_active(person: User, is_active: bool) -> None:
    """Closing an account ends its sessions (with the password), tokens, links and pens."""
    person.is_active = is_active
    if is_active:
        return
    person.set_unusable_password()
    AuthToken.objects.filter(user=person).delete()
    TokenName.objects.filter(user=person).delete()
    OneTimeLink.objects.filter(user=person).delete()
    Presence.objects.filter(holder=person).update(
        holder=None, tab=None, since=None, expires_at=None
    )


def _require_valid(person: User) -> None:
    try:
        person.full_clean(exclude=["password"])
    except ValidationError as error:
        names = {"first_name": "full_name"}
        fields = {
            names.get(name, name): " ".join(words) for name, words in error.message_dict.items()
        }
        raise InvalidInputError(next(iter(fields.values())), fields=fields) from error


def _require_strong(person: User, password: str, *, field: str) -> None:
    try:
        validate_password(password, person)
    except ValidationError as error:
        sentence = " ".join(error.messages)
        raise InvalidInputError(sentence, fields={field: sentence}) from error


def _link_make(user: User | None, person: User) -> str:
    token = secrets.token_urlsafe(32)
    OneTimeLink.objects.filter(user=person, used_at__isnull=True).delete()
    OneTimeLink.objects.create(
        user=person,
        token_digest=_digest(token),
        expires_at=timezone.now() + timedelta(days=LINK_DAYS),
    )
    event_record(None, "link.created", actor=user, subject={"person": person.pk})
    return f"/link/{token}/"


def _link_valid(token: str) -> OneTimeLink:
    link = (
        OneTimeLink.objects.filter(
            token_digest=_digest(token),
            used_at__isnull=True,
            expires_at__gt=timezone.now(),
            user__is_active=True,
        )
        .select_related("user")
        .first()
    )
    if link is None:
        raise _spent()
    return link


def _spent() -> LinkSpentError:
    return LinkSpentError(
        "This link was used already, is too old, or was replaced by a newer one. "
        "Ask an administrator of this site for another."
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
