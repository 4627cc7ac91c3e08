"""What the service refuses or fails to do, each with a stable code and a sentence for a person.

A class also says over HTTP's status who can mend it (4xx: the person, 5xx: the site) and whether
trying again unchanged may help. One place, ``api/error_handler.py``, turns them into answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Retry(StrEnum):
    """What trying again, unchanged, would bring."""

    NEVER = "never"
    LATER = "later"
    BUG = "bug"


class MedsegError(Exception):
    """Base of all failures of the service.

    ``fields`` names what is wrong with single inputs; ``details`` goes into the answer beside the
    sentence (what was kept, what the other side has).
    """

    code = "failed"
    status = 500
    retry = Retry.BUG

    def __init__(
        self,
        message: str,
        *,
        fields: Mapping[str, str] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.fields = dict(fields or {})
        self.details = dict(details or {})


class InvalidInputError(MedsegError):
    """What was sent cannot be understood or breaks a rule; ``fields`` says where."""

    code, status, retry = "invalid_input", 400, Retry.NEVER


class NotSignedInError(MedsegError):
    """Nobody is signed in, or the sign-in has expired."""

    code, status, retry = "not_signed_in", 401, Retry.NEVER


class WrongPasswordError(MedsegError):
    """The name and password do not belong together, never saying which of them is wrong; or, where
    the name is known because its person is signed in, the password alone is wrong."""

    code, status, retry = "wrong_password", 400, Retry.NEVER


class LinkSpentError(MedsegError):
    """A one-time link was used before, is too old, or never existed."""

    code, status, retry = "link_spent", 410, Retry.NEVER


class NotPermittedError(MedsegError):
    """The person may see this but not do it."""

    code, status, retry = "not_permitted", 403, Retry.NEVER


class NotFoundError(MedsegError):
    """It does not exist, or it lies outside what the person may see: the answer is the same."""

    code, status, retry = "not_found", 404, Retry.NEVER


class ConflictError(MedsegError):
    """It collides with what is there now."""

    code, status, retry = "conflict", 409, Retry.NEVER


class StaleRevisionError(ConflictError):
    """The change was made on a state that is no longer the newest; it was kept beside the line."""


class MergeOverlapError(ConflictError):
    """Two changes touch the same slices or findings; a person has to choose."""

    code = "merge_overlap"


class NotHolderError(ConflictError):
    """Somebody else, or another tab, holds the pen of this case."""

    code = "not_holder"


class StateRefusedError(ConflictError):
    """The step is not possible in the state the thing is in."""

    code = "state_refused"


class KeyReusedError(ConflictError):
    """An idempotency key came back with another content."""

    code = "key_reused"


class UnsuitableNetworkError(ConflictError):
    """No network, or not the one asked for, suits this image."""

    code = "unsuitable_network"


class FenceLostError(ConflictError):
    """The job has a new owner; the result of the old one is not recorded."""

    code = "fence_lost"


class ComparisonRefusedError(ConflictError):
    """The challenger is not better, so it cannot be promoted."""

    code = "comparison_refused"


class PreconditionRequiredError(MedsegError):
    """A change must say on which revision it was made, and under which key."""

    code, status, retry = "precondition_required", 428, Retry.NEVER


class TooLargeError(MedsegError):
    """More bytes, files or rows than this site takes in one go."""

    code, status, retry = "too_large", 413, Retry.NEVER


class TooManyAttemptsError(MedsegError):
    """Too many tries in a short time; the door stays shut for a while."""

    code, status, retry = "too_many_attempts", 429, Retry.LATER


class UnreadableFileError(MedsegError):
    """A file that was brought in cannot be decoded."""

    code, status, retry = "unreadable", 422, Retry.NEVER


class StorageFullError(MedsegError):
    """There is no room left where the site keeps its files."""

    code, status, retry = "storage_full", 507, Retry.LATER


class StorageDamagedError(MedsegError):
    """Stored bytes are missing or are not what their digest says."""

    code, status, retry = "storage_damaged", 500, Retry.BUG


class ExportDamagedError(MedsegError):
    """An exported file does not read back as what was written."""

    code, status, retry = "export_damaged", 500, Retry.BUG


class UnavailableError(MedsegError):
    """A part of the site, such as its broker or its storage, does not answer now."""

    code, status, retry = "unavailable", 503, Retry.LATER
